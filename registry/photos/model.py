"""The photo."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, Base, one_of
from registry.errors import Conflict
from registry.versioned import Versioned


class PhotoState(StrEnum):
    DECLARED = "declared"
    """Announced; its bytes are awaited."""
    STORED = "stored"
    """The object is in the store with the declared sha256: the phone may delete its copy."""
    READY = "ready"
    """Fully decoded and found to be the image it says it is."""
    REJECTED = "rejected"
    """Stored, but not a whole image; `rejection` says why, and the phone is asked again."""


class ContentType(StrEnum):
    JPEG = "image/jpeg"
    HEIC = "image/heic"
    HEIF = "image/heif"
    PNG = "image/png"
    WEBP = "image/webp"


class PhotoBytesMissing(Conflict):
    """Nothing is stored under the key of this photo yet."""

    code = "photo-bytes-missing"


class PhotoBytesDiffer(Conflict):
    """What is stored is not what was declared."""

    code = "photo-bytes-differ"


class Photo(Versioned, Base):
    """One photo of one question of one inspection.

    ``sha256`` is the raw 32-byte digest, ``size_bytes`` the length of the object. ``taken_at`` and the position are what the app declared at the moment
    of capture; ``exif_taken_at`` and the EXIF position are what the file says (phones strip it, so it is a second opinion).
    """

    __tablename__ = "photo"
    __table_args__ = (
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("size_bytes > 0", name="size_bytes"),
        sa.CheckConstraint("(state = 'declared') = (stored_at IS NULL)", name="stored"),
        sa.CheckConstraint("(state = 'rejected') = (rejection IS NOT NULL)", name="rejection"),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position"),
        sa.Index("ix_photo_inspection_id", "inspection_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    question: Mapped[str]
    sha256: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    content_type: Mapped[ContentType] = mapped_column(one_of(ContentType, "content_type"))
    object_key: Mapped[str]
    taken_at: Mapped[datetime | None]
    longitude: Mapped[float | None] = mapped_column(sa.Double)
    latitude: Mapped[float | None] = mapped_column(sa.Double)
    caption: Mapped[str | None]
    state: Mapped[PhotoState] = mapped_column(one_of(PhotoState, "state"), server_default="declared")
    rejection: Mapped[str | None]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    exif_taken_at: Mapped[datetime | None]
    exif_longitude: Mapped[float | None] = mapped_column(sa.Double)
    exif_latitude: Mapped[float | None] = mapped_column(sa.Double)
    stored_at: Mapped[datetime | None]
    declared_by: Mapped[UUID]
