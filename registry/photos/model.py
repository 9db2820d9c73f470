"""Photos, the images that they show, and the uploads by which images arrive."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, one_of
from registry.errors import Conflict, NotFound
from registry.inspections.clocks import corrected
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
    WITHDRAWN = "withdrawn"
    """Taken back by who declared it; it is shown to nobody, and its row stays."""
    DESTROYED = "destroyed"
    """Its bytes are gone for good; a `destruction` says why."""


THERE = (PhotoState.STORED, PhotoState.READY)
"""States in which the register has the bytes and has nothing against them."""


class ContentType(StrEnum):
    JPEG = "image/jpeg"
    HEIC = "image/heic"
    HEIF = "image/heif"
    PNG = "image/png"
    WEBP = "image/webp"


class PreviewState(StrEnum):
    """Of the smaller copies of an image, which have no EXIF in them."""

    AWAITED = "awaited"
    MADE = "made"
    UNAVAILABLE = "unavailable"
    """No decoder here reads the file; it is tried again when there is a newer one."""


class UploadState(StrEnum):
    RECEIVING = "receiving"
    STORED = "stored"
    FAILED = "failed"
    """All bytes arrived and were not those that were declared."""
    EXPIRED = "expired"
    TERMINATED = "terminated"
    """Ended by who began it."""


class PhotoBytesMissing(Conflict):
    """Nothing is stored under the key of this photo yet."""

    code = "photo-bytes-missing"


class PhotoBytesDiffer(Conflict):
    """What is stored is not what was declared."""

    code = "photo-bytes-differ"


class PhotoGone(NotFound):
    """The photo was withdrawn or destroyed: its particulars can be read, its bytes can't."""

    code = "photo-gone"


class Image(Base):
    """The bytes of one or more photos of an organisation, kept once, and what they turned out to be.

    ``sha256`` is the raw 32-byte digest and ``size_bytes`` the length of the object. Width and height are those of the upright image. What EXIF says is
    a second opinion: ``exif_taken_at`` is known with a UTC offset in the file only, ``exif_clock_time`` is the time of the camera's clock as written.
    """

    __tablename__ = "image"
    __table_args__ = (
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("size_bytes > 0", name="size_bytes"),
        sa.CheckConstraint("orientation BETWEEN 1 AND 8", name="orientation"),
        sa.CheckConstraint("rejection IS NULL OR examined_at IS NOT NULL", name="rejection"),
        sa.Index("uq_image_organisation_id_sha256", "organisation_id", "sha256", unique=True, postgresql_where=sa.text("destroyed_at IS NULL")),
        sa.Index("ix_image_previews", "id", postgresql_where=sa.text("previews <> 'made' AND rejection IS NULL AND destroyed_at IS NULL")),
        sa.Index("ix_image_object_key", "object_key", postgresql_where=sa.text("destroyed_at IS NULL")),
        sa.Index("ix_image_organisation_id", "organisation_id", "id", postgresql_where=sa.text("destroyed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    sha256: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    object_key: Mapped[str] = mapped_column(sa.Text(collation="C"))
    """In the order in which the object store lists."""
    stored_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    examined_at: Mapped[datetime | None]
    decoder: Mapped[str | None]
    """Names and versions of the libraries that examined it."""
    rejection: Mapped[str | None]
    content_type: Mapped[ContentType | None] = mapped_column(one_of(ContentType, "content_type"))
    """By its first bytes, whatever was declared."""
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    orientation: Mapped[int | None]
    """EXIF orientation as written in the file, 1 to 8; None when absent or invalid."""
    exif_taken_at: Mapped[datetime | None]
    exif_clock_time: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=False))
    exif_longitude: Mapped[float | None] = mapped_column(sa.Double)
    exif_latitude: Mapped[float | None] = mapped_column(sa.Double)
    camera: Mapped[str | None]
    """Make and model, as the file says."""
    previews: Mapped[PreviewState] = mapped_column(one_of(PreviewState, "previews"), server_default="awaited")
    placeholder: Mapped[str | None]
    """A blurred stand-in of some twenty characters (blurhash)."""
    destroyed_at: Mapped[datetime | None]


class Photo(Versioned, Base):
    """One photo of one question of one inspection, and of one defect in its answer when ``defect`` names it.

    ``sha256`` and ``size_bytes`` are those of the bytes that were declared; an upload whose length or digest is not known beforehand leaves them empty until
    it is stored. ``taken_at`` and the position are what the app declared at the moment of capture. The bytes themselves are the `image`.
    """

    __tablename__ = "photo"
    __table_args__ = (
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("size_bytes > 0", name="size_bytes"),
        sa.CheckConstraint("state NOT IN ('stored', 'ready', 'rejected') OR (stored_at IS NOT NULL AND image_id IS NOT NULL)", name="stored"),
        sa.CheckConstraint("(image_id IS NULL) = (stored_at IS NULL)", name="image"),
        sa.CheckConstraint("image_id IS NULL OR (sha256 IS NOT NULL AND size_bytes IS NOT NULL)", name="bytes"),
        sa.CheckConstraint("state <> 'rejected' OR rejection IS NOT NULL", name="rejection"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawal_reason IS NULL)", name="withdrawal"),
        sa.CheckConstraint("state <> 'withdrawn' OR withdrawn_at IS NOT NULL", name="withdrawn"),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position"),
        sa.Index("ix_photo_inspection_id", "inspection_id", "id"),
        sa.Index("ix_photo_image_id", "image_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    question: Mapped[str]
    defect: Mapped[str | None]
    """The key of one defect in the answer to the question."""
    sha256: Mapped[bytes | None]
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    content_type: Mapped[ContentType] = mapped_column(one_of(ContentType, "content_type"))
    taken_at: Mapped[datetime | None]
    clock_skew_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    """How far the clock of the phone was ahead of the register's when it declared the photo."""
    longitude: Mapped[float | None] = mapped_column(sa.Double)
    latitude: Mapped[float | None] = mapped_column(sa.Double)
    caption: Mapped[str | None]
    device_id: Mapped[UUID | None]
    """The credential of the phone that declared it."""
    state: Mapped[PhotoState] = mapped_column(one_of(PhotoState, "state"), server_default="declared")
    rejection: Mapped[str | None]
    image_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("image.id"))
    stored_at: Mapped[datetime | None]
    declared_by: Mapped[UUID]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None]
    withdrawal_reason: Mapped[str | None]

    @property
    def taken_at_corrected(self) -> datetime | None:
        """By our clock; None when the phone did not say what its clock was."""
        return corrected(self.taken_at, self.clock_skew_ms)


class Upload(Base):
    """The bytes of one photo, arriving in one or more requests. There is no lock: whoever writes names the offset and the attempt that it goes on from.

    ``offset_bytes`` are kept as fragments. ``attempt`` grows with each request that writes, and with each look that takes over; ``receiving`` says that a
    request of this attempt may be under way, ``handover`` asks it to keep what it has and let go. ``metadata`` is Upload-Metadata as it was given.
    """

    __tablename__ = "upload"
    __table_args__ = (
        sa.CheckConstraint("offset_bytes >= 0", name="offset_bytes"),
        sa.CheckConstraint("length_bytes IS NULL OR length_bytes >= offset_bytes", name="length_bytes"),
        sa.Index("uq_upload_photo_id_person_id", "photo_id", "person_id", unique=True, postgresql_where=sa.text("state IN ('receiving', 'stored')")),
        sa.Index("ix_upload_expires_at", "expires_at"),
        sa.Index("ix_upload_person_id", "person_id", postgresql_where=sa.text("state = 'receiving'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    photo_id: Mapped[UUID] = mapped_column(sa.ForeignKey("photo.id"))
    person_id: Mapped[UUID]
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    length_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    offset_bytes: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    attempt: Mapped[int] = mapped_column(server_default="0")
    receiving: Mapped[bool] = mapped_column(server_default="false")
    handover: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[UploadState] = mapped_column(one_of(UploadState, "state"), server_default="receiving")
    metadata_: Mapped[str] = mapped_column("metadata", server_default="")
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    expires_at: Mapped[datetime]


class Fragment(Base):
    """A piece of an upload that was interrupted: ``content`` begins at ``offset_bytes``. It is gone as soon as the photo is stored."""

    __tablename__ = "fragment"

    upload_id: Mapped[UUID] = mapped_column(sa.ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True)
    offset_bytes: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    content: Mapped[bytes]


class PhotoShare(Base):
    """A link by which anybody sees a copy of a photo without EXIF. The secret in it is known by its digest only."""

    __tablename__ = "photo_share"
    __table_args__ = (sa.UniqueConstraint("digest"), sa.Index("ix_photo_share_photo_id", "photo_id", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    photo_id: Mapped[UUID] = mapped_column(sa.ForeignKey("photo.id"))
    digest: Mapped[bytes]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class HoldSubject(StrEnum):
    DWELLING = "dwelling"
    INSPECTION = "inspection"
    PHOTO = "photo"


class LegalHold(Base):
    """No photo of the subject is destroyed while it is held."""

    __tablename__ = "legal_hold"
    __table_args__ = (sa.Index("uq_legal_hold_subject", "subject_kind", "subject_id", unique=True, postgresql_where=sa.text("lifted_at IS NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    subject_kind: Mapped[HoldSubject] = mapped_column(one_of(HoldSubject, "subject_kind"))
    subject_id: Mapped[UUID]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]


class DestructionGround(StrEnum):
    RETENTION = "retention"
    """The time for which it is kept is over."""
    WITHDRAWN = "withdrawn"
    """It was taken back, and the time for thinking better of it is over."""
    ERASURE = "erasure"
    """Somebody asked for it and was right (GDPR article 17)."""


class Destruction(Base):
    """What was destroyed, on what ground and by whom; it survives the photo. ``sha256`` and ``size_bytes`` are those of the bytes that are gone."""

    __tablename__ = "destruction"
    __table_args__ = (sa.UniqueConstraint("photo_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    photo_id: Mapped[UUID] = mapped_column(sa.ForeignKey("photo.id"))
    image_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("image.id"))
    sha256: Mapped[bytes | None]
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    ground: Mapped[DestructionGround] = mapped_column(one_of(DestructionGround, "ground"))
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
