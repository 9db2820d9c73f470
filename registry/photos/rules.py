"""What must be true of a photo. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from registry.errors import Fault
from registry.photos.model import ContentType
from registry.values import in_the_netherlands

LARGEST_PHOTO_BYTES: Final = 32 * 1024 * 1024
"""A 48-megapixel HEIC or JPEG fits."""
LARGEST_PHOTO_PIXELS: Final = 64_000_000
"""More is refused before it is decoded: a small file can hold an enormous image."""


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """What the phone declares: ``sha256`` is the raw digest of the bytes it will send, ``taken_at`` and the position are those of the capture."""

    id: UUID
    inspection_id: UUID
    question: str
    sha256: bytes
    size_bytes: int
    content_type: ContentType
    taken_at: datetime | None = None
    longitude: float | None = None
    latitude: float | None = None
    caption: str | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


MOST_PHOTOS: Final = 500
"""Photos of one inspection, also rejected ones; a phone that sends more has gone astray. A full batch may end just above it."""


def check(photo: NewPhoto, *, questions: Collection[str]) -> list[Fault]:
    faults = []
    if photo.question not in questions:
        faults.append(Fault("/question", "unknown-question", {"question": photo.question}))
    if (photo.longitude is None) != (photo.latitude is None):
        faults.append(Fault("/longitude" if photo.longitude is None else "/latitude", "required"))
    elif photo.longitude is not None and photo.latitude is not None and not in_the_netherlands(photo.longitude, photo.latitude):
        faults.append(Fault("/longitude", "position-outside"))
    return faults


def object_key(organisation_id: UUID, photo: NewPhoto) -> str:
    """The digest is part of the key, so that a late upload of other bytes can't take its place."""
    return f"media/{organisation_id}/{photo.id}/{photo.sha256.hex()}"
