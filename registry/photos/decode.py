"""The program that reads one hostile file, in a process that can do nothing else: `python -m registry.photos.decode ORDER`.

The file is its standard input. ORDER is JSON: ``parent`` (process id), ``content_type`` (by the first bytes), ``most_pixels`` that are decoded,
``most_pixels_in_jpeg`` that may be there when they are decoded at a smaller scale, and ``previews``, pairs of an open descriptor to write to and the pixels
of the longer side, largest first. It prints one line of JSON: ``refused`` and ``why``, or what `photos/exif.py` reads with ``width_px`` and ``height_px``
of the upright image and ``placeholder``. Exit 12: out of memory. Without an order it prints its versions.

What it prints is not to be trusted: the file may have taken it over (`photos/decoder.py`).
"""

import errno
import json
import struct
import sys
import warnings
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import IO, Any, Final

import blurhash
import PIL
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from registry.photos import exif
from registry.photos.confinement import confine
from registry.photos.refusals import Damaged, NotUnderstood, Refused, TooManyPixels

QUALITY: Final = 80
REDUCING_GAP: Final = 2.0
"""The last step of resizing is at least this much; what comes before may be coarse."""
DECODED_LARGER: Final = 1.25
"""How much larger than the largest preview a JPEG is decoded at least. libjpeg reads all of the file and makes an image of a half, a quarter or an eighth,
in less than half the time; what that costs in sharpness (43 to 48 dB from the best way of resizing) is less than what the preview loses as a JPEG."""
PLACEHOLDER_PX: Final = 32
UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn what was stored with this EXIF orientation."""
ON_ITS_SIDE: Final = (5, 6, 7, 8)
UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, EOFError, RuntimeError, struct.error, zlib.error)
"""What Pillow raises over a file that is not whole."""
OUT_OF_MEMORY: Final = "memory"

Opened = tuple[Image.Image, tuple[int, int]]
"""An image that is decoded, and its size before that."""


def main() -> int:
    if len(sys.argv) < 2:
        print(versions())  # noqa: T201
        return 0
    order = json.loads(sys.argv[1])
    reader = reader_of(order["content_type"])
    confine(order["parent"])
    try:
        said = look_at(sys.stdin.buffer, reader, order)
    except MemoryError:
        return errno.ENOMEM
    print(json.dumps(said))  # noqa: T201
    return 0


def versions() -> str:
    """Names and versions of the libraries that decode."""
    pillow = f"pillow {PIL.__version__}"
    try:
        from registry.photos import heif
    except ImportError:
        return pillow
    return f"{pillow}, {heif.versions()}"


Reader = Callable[[IO[bytes], Mapping[str, Any]], Opened]


def reader_of(content_type: str) -> Reader:
    """What reads files of this kind, imported; nothing else is tried on them."""
    Image.preinit()  # or Pillow would import formats when it saves a preview, which it can't by then
    warnings.simplefilter("ignore")  # about EXIF and the like; pixels are counted here
    if content_type == "image/jpeg":
        return _jpeg
    if content_type == "image/png":
        from PIL.PngImagePlugin import PngImageFile

        return _whole(PngImageFile)
    if content_type == "image/webp":
        from PIL.WebPImagePlugin import WebPImageFile

        return _whole(WebPImageFile)
    return _heif()


def look_at(file: IO[bytes], reader: Reader, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the file, write the previews, and tell. Raises MemoryError."""
    file.seek(0)
    try:
        image, (width, height) = reader(file, order)
    except Refused as refused:
        return {"refused": refused.code, "why": str(refused)}
    told = dict(exif.read(image.info.get("exif")))
    turn = UPRIGHT.get(told["orientation"] or 1)
    if "original_orientation" in image.info:  # of HEIC, which is upright by now
        told["orientation"] = exif.valid_orientation(image.info["original_orientation"]) or told["orientation"]
        turn = None
    elif told["orientation"] in ON_ITS_SIDE:
        width, height = height, width
    small = _smaller(image, max(size for _, size in order["previews"]))
    shown = _in_srgb(_on_white(small if turn is None else small.transpose(turn)))
    return {**told, "width_px": width, "height_px": height, "placeholder": _write_previews(shown, order["previews"])}


def _write_previews(image: Image.Image, previews: list[tuple[int, int]]) -> str:
    """Each from the one before it, without anything but pixels; a blurhash of the last."""
    for descriptor, size in previews:
        image = _smaller(image, size)
        image.info = {}
        with open(descriptor, "wb") as file:
            image.save(file, "JPEG", quality=QUALITY)
    return _placeholder(_smaller(image, PLACEHOLDER_PX))


def _placeholder(image: Image.Image) -> str:
    width, height = image.size
    pixels = list(image.get_flattened_data())
    rows = [pixels[start : start + width] for start in range(0, width * height, width)]
    return str(blurhash.encode(rows, *((4, 3) if width >= height else (3, 4))))


def _smaller(image: Image.Image, size_px: int) -> Image.Image:
    """The image itself, with at most this many pixels on its longer side."""
    image.thumbnail((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP)
    return image


def _jpeg(file: IO[bytes], order: Mapping[str, Any]) -> Opened:
    """Read to its end, at the scale that the largest preview needs. The first picture of a multi-picture file (MPO) is an ordinary JPEG."""
    return _understood(lambda: _decoded_jpeg(file, order))


def _decoded_jpeg(file: IO[bytes], order: Mapping[str, Any]) -> Opened:
    image: Image.Image = JpegImageFile(file)
    size = image.size
    pixels, largest = size[0] * size[1], max(size for _, size in order["previews"])
    # A progressive one is held in memory as a whole, whatever the scale.
    if pixels > order["most_pixels" if "progressive" in image.info else "most_pixels_in_jpeg"]:
        raise TooManyPixels(f"{size[0]} × {size[1]}")
    reduction = max(size) / largest / DECODED_LARGER
    image.draft(None, (max(1, int(size[0] / reduction)), max(1, int(size[1] / reduction))))
    _smaller(image, largest)
    image.load()
    return image, size


def _whole(kind: type[Image.Image]) -> Reader:
    """Reads the first picture of a file of this kind."""
    return lambda file, order: _understood(lambda: _decoded(kind, file, order["most_pixels"]))


def _decoded(kind: Any, file: IO[bytes], most_pixels: int) -> Opened:
    Image.MAX_IMAGE_PIXELS = most_pixels // 2  # Pillow itself refuses twice as many, some of them before it makes room for them
    try:
        image: Image.Image = kind(file)
    except Image.DecompressionBombError as error:
        raise TooManyPixels(str(error)) from error
    if image.width * image.height > most_pixels:
        raise TooManyPixels(f"{image.width} × {image.height}")
    image.load()
    return _in_colours(image), image.size


def _heif() -> Reader:
    try:
        from registry.photos import heif
    except ImportError as error:
        return _missing(str(error))

    def read(file: IO[bytes], order: Mapping[str, Any]) -> Opened:
        image = heif.opened(file, order["most_pixels"])
        return image, image.size

    return read


def _missing(why: str) -> Reader:
    def read(*_: object) -> Opened:
        raise NotUnderstood(why)

    return read


def _understood(read: Callable[[], Opened]) -> Opened:
    """Raises Refused or MemoryError for whatever Pillow raises."""
    try:
        return read()
    except UNREADABLE as error:
        if OUT_OF_MEMORY in str(error):
            raise MemoryError from error
        raise Damaged(f"{type(error).__name__}: {error}") from error


def _in_colours(image: Image.Image) -> Image.Image:
    """Pixels that can be resized: 8 bits to a channel, no palette."""
    if image.mode == "I;16":
        return image.point(lambda value: value / 257, "L")
    if image.mode == "P" or "transparency" in image.info:
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image if image.mode in ("RGB", "RGBA", "L", "LA", "CMYK") else image.convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBa", "La"):
        image = image.convert(image.mode.upper())
    if image.mode not in ("RGBA", "LA"):
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    flat = white.convert("RGB")
    flat.info = image.info
    return flat


def _in_srgb(image: Image.Image) -> Image.Image:
    """In the colours of a screen, by the profile in the file; a profile that makes no sense is ignored."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source, screen = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, source, screen, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass
    return image.convert("RGB")


if __name__ == "__main__":
    sys.exit(main())
