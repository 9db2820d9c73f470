"""What must be true of a photo. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.errors import Fault
from registry.photos.model import ContentType
from registry.values import distance_m, in_the_netherlands

LARGEST_PHOTO_BYTES: Final = 32 * 1024 * 1024
"""A 48-megapixel HEIC or JPEG fits."""
LARGEST_PHOTO_PIXELS: Final = 64_000_000
"""More is refused before it is decoded: a small file can hold an enormous image."""

PREVIEW_SIZES_PX: Final = (1600, 320)
"""Of the longer side of the copies that are made to look at."""
CLOCKS_APART: Final = timedelta(minutes=15)
POSITIONS_APART_M: Final = 500
"""Indoors, the position of a phone may be that of a mast."""
DUTCH_TIME: Final = ZoneInfo("Europe/Amsterdam")
ORIGINALS: Final = "media/"
PREVIEWS: Final = "previews/"
MOST_PHOTOS: Final = 500
"""Photos of one inspection, also rejected ones; a phone that sends more has gone astray. A full batch may end just above it."""


class Declared(Protocol):
    """What an app said of a photo."""

    @property
    def content_type(self) -> ContentType: ...
    @property
    def taken_at(self) -> datetime | None: ...
    @property
    def longitude(self) -> float | None: ...
    @property
    def latitude(self) -> float | None: ...


class Found(Protocol):
    """What its file says."""

    @property
    def content_type(self) -> ContentType | None: ...
    @property
    def exif_taken_at(self) -> datetime | None: ...
    @property
    def exif_clock_time(self) -> datetime | None: ...
    @property
    def exif_longitude(self) -> float | None: ...
    @property
    def exif_latitude(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """What the phone declares: ``sha256`` is the raw digest of the bytes it will send, ``taken_at`` and the position are those of the capture.

    Digest and length may be unknown beforehand to who sends the bytes in pieces.
    """

    id: UUID
    inspection_id: UUID
    question: str
    sha256: bytes | None
    size_bytes: int | None
    content_type: ContentType
    defect: str | None = None
    taken_at: datetime | None = None
    longitude: float | None = None
    latitude: float | None = None
    caption: str | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


def check(photo: NewPhoto, *, questions: Collection[str]) -> list[Fault]:
    faults = []
    if photo.question not in questions:
        faults.append(Fault("/question", "unknown-question", {"question": photo.question}))
    if (photo.longitude is None) != (photo.latitude is None):
        faults.append(Fault("/longitude" if photo.longitude is None else "/latitude", "required"))
    elif photo.longitude is not None and photo.latitude is not None and not in_the_netherlands(photo.longitude, photo.latitude):
        faults.append(Fault("/longitude", "position-outside"))
    return faults


def object_key(organisation_id: UUID, photo_id: UUID, sha256: bytes) -> str:
    """The digest is part of the key, so that a late upload of other bytes can't take its place."""
    return f"{ORIGINALS}{organisation_id}/{photo_id}/{sha256.hex()}"


def preview_key(organisation_id: UUID, image_id: UUID, size_px: int) -> str:
    return f"{PREVIEWS}{organisation_id}/{image_id}/{size_px}.jpg"


class Disagreement(StrEnum):
    """What an app said and the file says otherwise."""

    CONTENT_TYPE = "content-type"
    TAKEN_AT = "taken-at"
    POSITION = "position"


def disagreements(photo: Declared, image: Found) -> list[Disagreement]:
    """Where the declaration and the file differ by more than clocks and receivers do. What either leaves open is no disagreement."""
    found = []
    if image.content_type is not None and _family(image.content_type) != _family(photo.content_type):
        found.append(Disagreement.CONTENT_TYPE)
    if photo.taken_at is not None and _apart(photo.taken_at, image) > CLOCKS_APART:
        found.append(Disagreement.TAKEN_AT)
    if photo.longitude is not None and photo.latitude is not None and image.exif_longitude is not None and image.exif_latitude is not None:
        metres = distance_m((photo.longitude, photo.latitude), (image.exif_longitude, image.exif_latitude))
        found += [Disagreement.POSITION] if metres > POSITIONS_APART_M else []
    return found


def _family(content_type: ContentType) -> ContentType:
    """HEIC is HEIF with one kind of coding in it."""
    return ContentType.HEIF if content_type is ContentType.HEIC else content_type


def _apart(taken_at: datetime, image: Found) -> timedelta:
    """A clock time without an offset is taken for the time in the Netherlands."""
    if image.exif_taken_at is not None:
        return abs(taken_at - image.exif_taken_at)
    if image.exif_clock_time is not None:
        return abs(taken_at.astimezone(DUTCH_TIME).replace(tzinfo=None) - image.exif_clock_time)
    return timedelta(0)
