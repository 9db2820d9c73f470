"""What a stored file turned out to be, and how much of the decoder's word for it is believed. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Any, Final

from registry.photos.model import ContentType, PreviewState

EARLIEST_CAPTURE: Final = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_AHEAD: Final = timedelta(days=1)
LONGEST_SIDE_PX: Final = 65_535
LONGEST_TEXT: Final = 100
BLURHASH: Final = re.compile(r"[!-~]{6,60}")


class Rejection(StrEnum):
    """Why a photo is asked for again; there is a sentence for each in `registry/messages.py`."""

    NOT_AN_IMAGE = "not-an-image"
    """No photo in one of the formats of cameras."""
    DAMAGED = "damaged"
    """Not whole."""
    TOO_MANY_PIXELS = "too-many-pixels"
    DECODER_GAVE_UP = "decoder-gave-up"
    """It takes more memory or time than any photo does, or brings the decoder down."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The columns of an image that its examination fills. Positions are CRS84 degrees; width and height are those of the upright image."""

    decoder: str
    content_type: ContentType | None
    rejection: Rejection | None = None
    previews: PreviewState = PreviewState.AWAITED
    width_px: int | None = None
    height_px: int | None = None
    orientation: int | None = None
    exif_taken_at: datetime | None = None
    exif_clock_time: datetime | None = None
    exif_longitude: float | None = None
    exif_latitude: float | None = None
    camera: str | None = None
    placeholder: str | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__} | {"rejection": self.rejection and self.rejection.value}


class Nonsense(ValueError):
    """The decoder said what it never says: something else speaks for it."""


def heard(line: bytes) -> Mapping[str, Any]:
    """Raises Nonsense."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Nonsense("not JSON") from error
    if not isinstance(said, dict):
        raise Nonsense("not an object")
    return said


def finding(said: Mapping[str, Any], *, decoder: str, content_type: ContentType, now: datetime) -> Finding:
    """Of an image of which the previews are made. What EXIF says may be absent; size and placeholder may not. Raises Nonsense."""
    width, height, placeholder = _whole(said.get("width_px"), LONGEST_SIDE_PX), _whole(said.get("height_px"), LONGEST_SIDE_PX), said.get("placeholder")
    if width is None or height is None or not isinstance(placeholder, str) or not BLURHASH.fullmatch(placeholder):
        raise Nonsense("no size or placeholder")
    longitude, latitude = _degrees(said.get("longitude"), 180), _degrees(said.get("latitude"), 90)
    positioned = longitude is not None and latitude is not None
    taken_at, offset = _text(said.get("taken_at")), _text(said.get("offset"))
    return Finding(
        decoder,
        content_type,
        None,
        PreviewState.MADE,
        width,
        height,
        _whole(said.get("orientation"), 8),
        _moment(taken_at, offset, now),
        _clock_time(taken_at, now),
        longitude if positioned else None,
        latitude if positioned else None,
        _text(said.get("camera")),
        placeholder,
    )


def _clock_time(taken_at: str | None, now: datetime) -> datetime | None:
    moment = _moment(taken_at, "+00:00", now)
    return moment and moment.replace(tzinfo=None)


def _moment(taken_at: str | None, offset: str | None, now: datetime) -> datetime | None:
    """None for a date that there is not, or on which nobody took this photo."""
    try:
        moment = datetime.strptime(f"{taken_at} {offset}", "%Y:%m:%d %H:%M:%S %z")
        return moment if EARLIEST_CAPTURE <= moment <= now + CLOCK_AHEAD else None
    except (ValueError, OverflowError):
        return None


def _whole(value: object, most: int) -> int | None:
    return value if type(value) is int and 1 <= value <= most else None


def _degrees(value: object, most: int) -> float | None:
    return float(value) if type(value) in (int, float) and isfinite(value) and abs(value) <= most else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable() else None
