"""Files that somebody made to do harm, and files that are not whole; made here, so that everybody can see what they are."""

import io
import struct
import zipfile
import zlib
from functools import cache

import pillow_heif
from PIL import Image

FIRST_BYTES_OF_A_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
HTML = b"<!doctype html><html><body><script>alert(document.domain)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="file:///etc/passwd"/></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@cache
def picture(size: tuple[int, int] = (1200, 900)) -> Image.Image:
    """Something with colours, edges and noise."""
    across = Image.linear_gradient("L").resize(size)
    down = across.transpose(Image.Transpose.ROTATE_90).resize(size)
    noise = Image.effect_noise(size, 40)
    return Image.merge("RGB", (across, down, noise))


def encoded(kind: str, image: Image.Image | None = None, **more: object) -> bytes:
    """``kind`` as Pillow names it; HEIF is HEIC."""
    file, image = io.BytesIO(), image or picture()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(file, **more)  # type: ignore[no-untyped-call]
    else:
        image.save(file, kind, **more)
    return file.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, pixels: bytes, *extra: bytes, bits: int = 1, colour: int = 0) -> bytes:
    """``pixels`` are compressed already; ``extra`` chunks come before them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def squeezed(length: int) -> bytes:
    """So many zeros, compressed in steps."""
    deflate = zlib.compressobj(9)
    steps = [deflate.compress(bytes(min(1 << 20, length - at))) for at in range(0, length, 1 << 20)]
    return b"".join(steps) + deflate.flush()


def bomb(side: int, *, colour: int = 2) -> bytes:
    """A PNG of side × side pixels of one colour: 13,000 gives 169 megapixels."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    return png(side, side, squeezed(side * (1 + channels * side)), bits=8, colour=colour)


def text_bomb(kind: bytes) -> bytes:
    """A small PNG of which a text (zTXt, iTXt) or a profile (iCCP) unfolds to 200 MB."""
    opening = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\x01\0\0\0", b"iCCP": b"profile\0\0"}[kind]
    return png(1, 1, squeezed(2), png_chunk(kind, opening + squeezed(200_000_000)))


def many_texts() -> bytes:
    """A PNG with ten thousand texts that unfold to a megabyte each."""
    return png(1, 1, squeezed(2), *[png_chunk(b"zTXt", b"Comment\0\0" + squeezed(1_000_000))] * 10_000)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """The same JPEG with these after its beginning."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def segments_of(jpeg: bytes) -> list[int]:
    """The markers of a JPEG up to its pixels."""
    found, at = [], 2
    while jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        found.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return found


Tag = tuple[int, int, bytes]
"""Number, TIFF type (2 text, 3 short, 5 fractions, 12 double) and value."""
_BYTES_OF_TYPE = {2: 1, 3: 2, 5: 8, 12: 8}


def exif_block(first: list[Tag], gps: list[Tag] | None = None) -> bytes:
    """A segment of a JPEG with these tags exactly as they stand here, however odd."""
    if gps is not None:
        position = len(_directory([*first, (0x8825, 4, bytes(4))], 8))
        first = [*first, (0x8825, 4, struct.pack(">I", 8 + position))]
    block = _directory(first, 8)
    return segment(0xE1, b"Exif\0\0MM\0*" + struct.pack(">I", 8) + block + (_directory(gps, 8 + len(block)) if gps is not None else b""))


def _directory(tags: list[Tag], at: int) -> bytes:
    entries, beside = b"", b""
    for number, kind, value in sorted(tags):
        entries += struct.pack(">HHI", number, kind, len(value) // _BYTES_OF_TYPE.get(kind, 4))
        if len(value) > 4:
            entries += struct.pack(">I", at + 6 + 12 * len(tags) + len(beside))
            beside += value
        else:
            entries += value.ljust(4, b"\0")
    return struct.pack(">H", len(tags)) + entries + bytes(4) + beside


def fractions(*parts: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">II", *part) for part in parts)


def many_scans(scans: int, side: int = 7_900) -> bytes:
    """A progressive JPEG that goes over all its pixels again and again."""
    whole = encoded("JPEG", Image.new("L", (side, side), 128), progressive=True, quality=10)
    starts = [at for at in range(len(whole) - 1) if whole[at] == 0xFF and whole[at + 1] == 0xDA]
    last = whole[starts[-1] : -2]
    return whole[:-2] + last * scans + whole[-2:]


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil\n")
    return file.getvalue()


def animated_webp(frames: int) -> bytes:
    first, *others = (Image.new("RGB", (64, 64), (number % 256, number // 256, 0)) for number in range(frames))
    return encoded("WEBP", first, save_all=True, append_images=others, duration=10)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def heic_over_a_limit() -> bytes:
    """A HEIC of which the list of items is longer than libheif allows (1,000)."""
    handler = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    item = box(b"infe", b"\x02\0\0\0" + struct.pack(">HH", 1, 0) + b"hvc1\0")
    items = box(b"iinf", bytes(4) + struct.pack(">H", 2_000) + item * 2_000)
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4) + handler + items) + box(b"mdat", bytes(1_000))
