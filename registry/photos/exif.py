"""What EXIF says of a capture: a second opinion, written by anybody and often odd. Nothing in it is ever a reason to refuse a photo."""

import struct
import unicodedata
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final, TypeVar

from PIL import Image, TiffImagePlugin

ORIENTATION, MAKE, MODEL = 0x0112, 0x010F, 0x0110
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
TAKEN_AT, OFFSET = 0x9003, 0x9011
LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE = 1, 2, 3, 4
SIDES: Final = {"N": 1, "S": -1, "E": 1, "W": -1}
LONGEST_CAMERA: Final = 100
ODD = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)
"""What reading EXIF of any kind raises."""

assert TiffImagePlugin  # imported here, because a process that may open no file can't import it later

Answer = TypeVar("Answer")


def read(block: bytes | None) -> Mapping[str, Any]:
    """What the EXIF block of a file says, each None when it is absent or odd.

    ``orientation`` 1 to 8; ``taken_at`` as ``2025:06:01 12:00:00`` on the camera's clock and ``offset`` as ``+02:00``, both as written;
    ``longitude`` and ``latitude`` in degrees; ``camera`` make and model.
    """
    exif = Image.Exif()
    if block:
        _unless_odd(lambda: exif.load(block))
    capture = _unless_odd(lambda: exif.get_ifd(EXIF_IFD)) or {}
    gps = _unless_odd(lambda: exif.get_ifd(GPS_IFD)) or {}
    longitude, latitude = _unless_odd(lambda: _position(gps)) or (None, None)
    return {
        "orientation": valid_orientation(_unless_odd(lambda: exif.get(ORIENTATION))),
        "taken_at": _text(_unless_odd(lambda: capture.get(TAKEN_AT))),
        "offset": _text(_unless_odd(lambda: capture.get(OFFSET))),
        "longitude": longitude,
        "latitude": latitude,
        "camera": _camera(_text(_unless_odd(lambda: exif.get(MAKE))), _text(_unless_odd(lambda: exif.get(MODEL)))),
    }


def valid_orientation(value: object) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def _unless_odd(ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except ODD:
        return None


def _text(value: object) -> str | None:
    """A text field up to its first NUL, without control characters and superfluous spaces."""
    if not isinstance(value, str):
        return None
    visible = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in value.split("\0")[0][: 10 * LONGEST_CAMERA])
    return " ".join(visible.split()) or None


def _camera(make: str | None, model: str | None) -> str | None:
    """Make and model; many models begin with the make."""
    if make and model and model.casefold().startswith(make.split()[0].casefold()):
        make = None
    return " ".join(filter(None, (make, model)))[:LONGEST_CAMERA].strip() or None


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Longitude and latitude. Zero degrees both ways is a receiver without an answer."""
    latitude = _degrees(gps[LATITUDE], gps[LATITUDE_REF])
    longitude = _degrees(gps[LONGITUDE], gps[LONGITUDE_REF])
    there = isfinite(latitude) and isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180
    return (longitude, latitude) if there and (longitude or latitude) else None


def _degrees(parts: tuple[Any, Any, Any], side: str) -> float:
    """Degrees, minutes and seconds, positive to the north and the east. Raises ValueError or LookupError for another number of parts, or another side."""
    degrees, minutes, seconds = (float(part) for part in parts)
    return SIDES[side.strip("\0 ")] * (degrees + minutes / 60 + seconds / 3600)
