"""What a file is by its first bytes, whatever its name or its sender says. Pure."""

from typing import Final

from registry.photos.model import ContentType

SIGNATURE_BYTES: Final = 16
"""So many are enough to tell."""
JPEG: Final = b"\xff\xd8\xff"
PNG: Final = b"\x89PNG\r\n\x1a\n"
BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), ContentType.HEIC),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), ContentType.HEIF),
}
"""Major brands of ISO/IEC 23008-12 (HEIF): those whose pictures are coded in HEVC, and those that leave it open."""


def content_type_of(first: bytes) -> ContentType | None:
    """None for everything but the kinds of image that cameras make: those, and nothing else, are decoded."""
    if first.startswith(JPEG):
        return ContentType.JPEG
    if first.startswith(PNG):
        return ContentType.PNG
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return ContentType.WEBP
    return BRANDS.get(first[8:12]) if first[4:8] == b"ftyp" else None
