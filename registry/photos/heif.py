"""HEIC and HEIF: what libheif makes of them, and whether it is the file or libheif that falls short.

libheif shows half a file without a word, with the tiles that are there; so the file itself is asked first. When one of the boxes that it consists of goes
on past its end, it was cut off: `Damaged`. So it is when libheif misses data that the file promises, or when the codec finds no picture in it. Every other
refusal is `NotUnderstood`: limits that real phones have broken (libheif issue 1845), features and codecs that are not there yet. Nobody is asked for a
photo again because of those.
"""

import os
from typing import IO, Final

import pillow_heif
from PIL import Image
from pillow_heif import options

from registry.photos.refusals import Damaged, NotUnderstood, TooManyPixels

THREADS: Final = 1
"""The worker does several photos at once already, and each thread takes address space."""
LIMIT: Final = "ecurity limit"
MISSING: Final = ("Unexpected end of file", "Decoder plugin generated an error", "Missing grid images")
OUT_OF_MEMORY: Final = "Memory allocation error"
BOXES: Final = (b"ftyp", b"meta", b"mdat", b"moov", b"idat")
"""Boxes without which there is no picture. What else comes last, known or not, may be cut off."""

options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
options.DECODE_THREADS = THREADS


def opened(file: IO[bytes], most_pixels: int) -> Image.Image:
    """The primary picture, decoded in full and upright: the rotation that the file asks for is applied, and taken out of its EXIF.

    Raises Damaged, TooManyPixels, NotUnderstood, MemoryError.
    """
    if _is_cut_off(file):
        raise Damaged("a box goes on past the end of the file")
    try:
        pictures = pillow_heif.HeifFile(file)  # type: ignore[no-untyped-call]
        if not len(pictures):
            raise Damaged("no picture in it")
        width, height = pictures.size
        if width * height > most_pixels:
            raise TooManyPixels(f"{width} × {height}")
        return pictures.to_pillow()
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise _meaning(str(error)) from error


def versions() -> str:
    return f"pillow-heif {pillow_heif.__version__}, libheif {pillow_heif.libheif_version()}"


def _meaning(message: str) -> Exception:
    """Of what libheif says: `kind of error: kind: particulars`."""
    if LIMIT in message:
        return NotUnderstood(message)
    if message.startswith(OUT_OF_MEMORY):
        return MemoryError(message)
    return Damaged(message) if any(words in message for words in MISSING) else NotUnderstood(message)


def _is_cut_off(file: IO[bytes]) -> bool:
    """Whether a box at the top level ends after the file does. ISO/IEC 14496-12, 4.2: size, type, and a longer size when the first is 1."""
    length, at = file.seek(0, os.SEEK_END), 0
    while at + 8 <= length:
        file.seek(at)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0: up to the end of the file
            return False
        at += size
        if at > length and kind in BOXES:
            return True
    return False
