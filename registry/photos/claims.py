"""Who may write to an upload, and from which byte on. The row of the upload is the only arbiter (docs/adr/0016).

`begin` makes it, `take_up` goes on with it. Either gives a claim, which holds until another request takes the upload up.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.db import reading
from registry.errors import Conflict, Fault, NotFound, RegistryError, RuleViolation, Unavailable
from registry.inspections.model import Inspection
from registry.pages import Page, page_of
from registry.photos import uploads
from registry.photos.model import ContentType, Fragment, Photo, PhotoState, Upload, UploadState
from registry.photos.rules import LARGEST_PHOTO_BYTES, object_key

LIFE: Final = timedelta(days=14)
"""Of an upload that nothing happens to: a phone may be away for a weekend, or a holiday."""
MOST_OPEN: Final = 500
"""Uploads of one person that are under way."""
MOST_FRAGMENT_BYTES: Final = 2 * 1024**3
"""Of one organisation together."""
HAND_OVER_S: Final = 1.0
"""How long a look waits for a request under way to keep what it has."""
HAND_OVER_STEP_S: Final = 0.05
ROOM_RETRY_AFTER_S: Final = 300
CROSSED_RETRY_AFTER_S: Final = 1

log = structlog.get_logger()


class UploadGone(RegistryError):
    """It was ended, has expired, or brought other bytes than were declared: begin a new one."""

    code = "upload-gone"


class UploadStored(RegistryError):
    """The photo of this upload is stored, so the upload can't be ended any more."""

    code = "upload-stored"


class OffsetDiffers(Conflict):
    """Fact ``offset`` is where to go on."""

    code = "upload-offset-differs"


class UploadRoomFull(Unavailable):
    """Too much is under way; it clears when what was begun is finished or expires."""

    code = "upload-room-full"


class PhotoTooLarge(RegistryError):
    code = "photo-too-large"


class UploadDeclaredOtherwise(Conflict):
    """The photo has an upload of another length."""

    code = "upload-declared-otherwise"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to go on with an upload at ``offset_bytes``, until another attempt takes it. ``sha256`` is what was declared, if anything was."""

    upload_id: UUID
    photo_id: UUID
    organisation_id: UUID
    dwelling_id: UUID
    attempt: int
    offset_bytes: int
    length_bytes: int | None
    sha256: bytes | None
    content_type: ContentType

    def key(self, sha256: bytes) -> str:
        return object_key(self.organisation_id, self.photo_id, sha256)


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload, new or found. ``claim`` is there when it is new and its first bytes come along."""

    id: UUID
    dwelling_id: UUID
    offset_bytes: int
    expires_at: datetime
    claim: Claim | None = None


_INSERT = sa.text(
    """
    INSERT INTO upload (photo_id, person_id, organisation_id, length_bytes, offset_bytes, state, metadata, expires_at, attempt, receiving)
    VALUES (:photo_id, :person_id, :organisation_id, :length_bytes, :offset_bytes, :state, :metadata, :expires_at, CAST(:receiving AS integer), :receiving)
    ON CONFLICT DO NOTHING
    RETURNING id, attempt, (SELECT dwelling_id FROM inspection WHERE id = :inspection_id) AS dwelling_id, fragment_bytes() AS held_bytes,
        (SELECT count(*) FROM upload AS other WHERE other.person_id = :person_id AND other.state = 'receiving') AS others
    """
).columns(id=sa.Uuid, attempt=sa.Integer, dwelling_id=sa.Uuid, held_bytes=sa.BigInteger, others=sa.BigInteger)


def begin(session: Session, actor: Actor, photo: Photo, *, length_bytes: int | None, metadata: str, brings_bytes: bool) -> Begun:
    """The upload of the actor's own photo, a new one when none is under way. Doing it again gives the same one.

    ``length_bytes`` is None when it is told later. Raises PhotoGone, RuleViolation, PhotoTooLarge, UploadDeclaredOtherwise,
    UploadRoomFull; nothing may be committed after that.
    """
    uploads.check_not_gone(photo)
    if length_bytes is not None and length_bytes > LARGEST_PHOTO_BYTES:
        raise PhotoTooLarge(limit_bytes=LARGEST_PHOTO_BYTES)
    if length_bytes is not None and photo.size_bytes is not None and length_bytes != photo.size_bytes:
        raise RuleViolation([Fault("Upload-Length", "length-differs", {"declared": photo.size_bytes, "length": length_bytes})])
    return _begin(session, actor, photo, length_bytes, metadata, receiving=brings_bytes) or _begun(session, actor, photo, length_bytes)


def _begin(session: Session, actor: Actor, photo: Photo, length_bytes: int | None, metadata: str, *, receiving: bool) -> Begun | None:
    """None when there is one already. Raises UploadRoomFull."""
    stored = photo.state is not PhotoState.DECLARED
    values = {
        "photo_id": photo.id,
        "inspection_id": photo.inspection_id,
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
        "length_bytes": photo.size_bytes if stored else length_bytes,
        "offset_bytes": photo.size_bytes if stored else 0,
        "state": (UploadState.STORED if stored else UploadState.RECEIVING).value,
        "metadata": metadata,
        "expires_at": clock.now() + LIFE,
        "receiving": receiving and not stored,
    }
    row = session.execute(_INSERT, values).one_or_none()
    if row is None:
        return None
    if not stored and (row.others >= MOST_OPEN or row.held_bytes >= MOST_FRAGMENT_BYTES):
        log.warning("upload-room-full", uploads=row.others, fragment_bytes=row.held_bytes)
        raise UploadRoomFull(retry_after_s=ROOM_RETRY_AFTER_S)
    body = cast("UUID", actor.organisation_id)
    claim = Claim(row.id, photo.id, body, row.dwelling_id, row.attempt, 0, length_bytes, photo.sha256, photo.content_type) if values["receiving"] else None
    return Begun(row.id, row.dwelling_id, cast("int", values["offset_bytes"]), cast("datetime", values["expires_at"]), claim)


def _begun(session: Session, actor: Actor, photo: Photo, length_bytes: int | None) -> Begun:
    """Raises UploadDeclaredOtherwise; Unavailable when it was ended a moment ago, or is that of whoever had the inspection before."""
    live = Upload.state.in_((UploadState.RECEIVING, UploadState.STORED))
    dwelling = sa.select(Inspection.dwelling_id).where(Inspection.id == photo.inspection_id).scalar_subquery()
    found = session.execute(sa.select(Upload, dwelling).where(Upload.photo_id == photo.id, live, _own(actor))).one_or_none()
    if found is None:
        raise Unavailable(retry_after_s=CROSSED_RETRY_AFTER_S)
    upload, dwelling_id = found
    if length_bytes is not None and upload.length_bytes not in (None, length_bytes):
        raise UploadDeclaredOtherwise(length=upload.length_bytes)
    return Begun(upload.id, dwelling_id, upload.offset_bytes, upload.expires_at)


def _own(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(Upload.person_id == actor.person_id, Upload.organisation_id == actor.organisation_id)


_TAKE_UP = sa.text(
    """
    UPDATE upload SET attempt = upload.attempt + 1, receiving = :receiving, handover = false, expires_at = :expires_at,
        length_bytes = coalesce(upload.length_bytes, CAST(:length_bytes AS bigint))
    FROM photo JOIN inspection ON inspection.id = photo.inspection_id
    WHERE upload.id = :upload_id AND upload.person_id = :person_id AND upload.organisation_id = :organisation_id AND upload.state = 'receiving'
        AND upload.offset_bytes = coalesce(CAST(:offset_bytes AS bigint), upload.offset_bytes) AND photo.id = upload.photo_id
        AND (CAST(:length_bytes AS bigint) IS NULL OR :length_bytes = upload.length_bytes
            OR (upload.length_bytes IS NULL AND :length_bytes >= upload.offset_bytes AND :length_bytes = coalesce(photo.size_bytes, :length_bytes)))
        AND inspection.assignee_id = :person_id
    RETURNING upload.id AS upload_id, upload.photo_id, upload.organisation_id, inspection.dwelling_id, upload.attempt, upload.offset_bytes,
        upload.length_bytes, photo.sha256, photo.content_type
    """
)


def take_up(actor: Actor, upload_id: UUID, *, offset_bytes: int | None, length_bytes: int | None = None, receiving: bool = True) -> Claim:
    """Go on with an upload, at ``offset_bytes`` or wherever it is: from now on no earlier attempt writes any more.

    ``length_bytes`` tells a length that was not known before. Raises NotAllowed, NotFound, UploadGone, OffsetDiffers, PhotoTooLarge, RuleViolation,
    Unavailable.
    """
    require(actor, Right.INSPECT)
    if length_bytes is not None and length_bytes > LARGEST_PHOTO_BYTES:
        raise PhotoTooLarge(limit_bytes=LARGEST_PHOTO_BYTES)
    values = {
        "upload_id": upload_id,
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
        "offset_bytes": offset_bytes,
        "length_bytes": length_bytes,
        "receiving": receiving,
        "expires_at": clock.now() + LIFE,
    }
    with reading(actor) as session:
        row = session.execute(_TAKE_UP, values).mappings().one_or_none()
    if row is not None:
        return Claim(**{**row, "content_type": ContentType(row["content_type"])})
    upload = find(actor, upload_id)
    if upload.state not in (UploadState.RECEIVING, UploadState.STORED):
        raise UploadGone(id=upload_id)
    if offset_bytes is not None and upload.offset_bytes != offset_bytes:
        raise OffsetDiffers(offset=upload.offset_bytes)
    if upload.state is UploadState.STORED:
        raise OffsetDiffers(offset=upload.offset_bytes)
    if length_bytes is None:  # the inspection is somebody else's by now
        raise NotFound(what="upload", id=upload_id)
    raise RuleViolation([Fault("Upload-Length", "length-differs", {"declared": upload.length_bytes or "?", "length": length_bytes})])


def find(actor: Actor, upload_id: UUID) -> Upload:
    """The actor's own upload, in whatever state. Raises NotAllowed, NotFound."""
    require(actor, Right.INSPECT)
    with reading(actor) as session:
        upload = session.scalar(sa.select(Upload).where(Upload.id == upload_id, _own(actor)))
    if upload is None:
        raise NotFound(what="upload", id=upload_id)
    return upload


def under_way(session: Session, actor: Actor, photo_ids: Collection[UUID]) -> dict[UUID, Upload]:
    """The actor's own uploads of these photos of which something is kept, by photo."""
    if not photo_ids:
        return {}
    begun = sa.and_(Upload.photo_id.in_(photo_ids), Upload.state == UploadState.RECEIVING, Upload.offset_bytes > 0)
    return {upload.photo_id: upload for upload in session.scalars(sa.select(Upload).where(begun, _own(actor)))}


def list_(session: Session, actor: Actor, *, inspection_id: UUID | None, after: UUID | None, limit: int) -> Page[sa.RowMapping]:
    """One page of the actor's own uploads that are under way, in the order of their ids. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    columns = (Upload.id, Upload.photo_id, Photo.inspection_id, Inspection.dwelling_id, Upload.offset_bytes, Upload.length_bytes, Upload.expires_at)
    query = sa.select(*columns).join(Photo, Photo.id == Upload.photo_id).join(Inspection, Inspection.id == Photo.inspection_id)
    query = query.where(_own(actor), Upload.state == UploadState.RECEIVING).order_by(Upload.id).limit(limit + 1)
    if inspection_id is not None:
        query = query.where(Photo.inspection_id == inspection_id)
    if after is not None:
        query = query.where(Upload.id > after)
    return page_of(session.execute(query).mappings().all(), limit=limit, key=lambda row: str(row["id"]))


def wait_for(actor: Actor, upload_id: UUID) -> Upload:
    """Ask whoever receives this upload to let go; the upload after that, or as it is when nobody answers."""
    asked = sa.update(Upload).where(Upload.id == upload_id, Upload.receiving).values(handover=True)
    with reading(actor) as session:
        session.execute(asked)
    until = clock.monotonic() + HAND_OVER_S
    upload = find(actor, upload_id)
    while upload.receiving and clock.monotonic() < until:
        time.sleep(HAND_OVER_STEP_S)
        upload = find(actor, upload_id)
    return upload


def terminate(session: Session, actor: Actor, upload_id: UUID) -> None:
    """End an upload; the photo stays awaited. Raises NotAllowed, NotFound, UploadGone, UploadStored."""
    require(actor, Right.INSPECT)
    upload = session.scalar(sa.select(Upload).where(Upload.id == upload_id, _own(actor)).with_for_update())
    if upload is None:
        raise NotFound(what="upload", id=upload_id)
    if upload.state is UploadState.STORED:
        raise UploadStored()
    if upload.state is not UploadState.RECEIVING:
        raise UploadGone(id=upload_id)
    upload.state, upload.receiving, upload.attempt = UploadState.TERMINATED, False, upload.attempt + 1
    session.flush()
    session.execute(sa.delete(Fragment).where(Fragment.upload_id == upload_id))
    audit.record(session, actor, "photo.upload-ended", "photo", upload.photo_id, details={"uploadId": str(upload_id), "offsetBytes": upload.offset_bytes})
