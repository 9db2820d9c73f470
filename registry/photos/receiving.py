"""Receiving the bytes of a photo in pieces, over any number of requests and on any node (docs/adr/0016).

`begin` → `take_up` → `receive`, as often as it takes. The row of the upload is the only arbiter: whoever writes says from which offset and in which attempt,
and no lock is held while bytes come in. What an interrupted request brought is kept as fragments; a request that brings all of it keeps none. The last
byte makes one object of them (`finish`), and only then the photo is stored.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.access import Actor, Right, require, the_system
from registry.audit import commands as audit
from registry.db import reading, transaction
from registry.errors import Conflict, Fault, NotFound, RegistryError, RuleViolation, Unavailable
from registry.inspections.model import Inspection
from registry.pages import Page, page_of
from registry.photos import images, uploads
from registry.photos.images import Arrival
from registry.photos.model import ContentType, Fragment, Photo, PhotoState, Upload, UploadState
from registry.photos.rules import LARGEST_PHOTO_BYTES, object_key

LIFE: Final = timedelta(days=14)
"""Of an upload that nothing happens to: a phone may be away for a weekend, or a holiday."""
MOST_OPEN: Final = 500
"""Uploads of one person that are under way."""
MOST_FRAGMENT_BYTES: Final = 2 * 1024**3
"""Of one organisation together."""
FRAGMENT_BYTES: Final = 256 * 1024
IN_MEMORY_BYTES: Final = 64 * 1024
"""Of one body; more of it is on disk, because a thousand may stall at the same time."""
KEEP_EVERY_S: Final = 2.0
KEEP_AT_LEAST_BYTES: Final = 128 * 1024
KEEP_TRIES_S: Final = 6.0
"""How long whoever has nothing more to do tries to keep what it brought, while the database is too busy or restarts; shorter than a process that is told
to end waits for its requests."""
KEEP_TRY_EVERY_S: Final = 0.5
STORED_WITHIN_S: Final = 15
"""After this a job stores what is kept as a whole, in case the request that was about to do so died."""
HAND_OVER_S: Final = 1.0
"""How long a look waits for a request under way to keep what it has."""
HAND_OVER_STEP_S: Final = 0.05
ROOM_RETRY_AFTER_S: Final = 300
INTERRUPTED_RETRY_AFTER_S: Final = 1

log = structlog.get_logger()


class UploadGone(RegistryError):
    """It was ended, has expired, or brought other bytes than were declared: begin a new one."""

    code = "upload-gone"


class UploadStored(Conflict):
    """The photo of this upload is stored, so the upload can't be ended any more."""

    code = "upload-stored"


class OffsetDiffers(Conflict):
    """Fact ``offset`` is where to go on."""

    code = "upload-offset-differs"


class UploadInterrupted(Unavailable):
    """The bytes stopped coming. What came is kept: fact ``offset`` is where to go on."""

    code = "upload-interrupted"


class UploadRoomFull(Unavailable):
    """Too much is under way; it clears when what was begun is finished or expires."""

    code = "upload-room-full"


class BodyDiffers(RegistryError):
    """The body of one request does not have the digest that its header says; nothing of it is kept."""

    code = "body-differs"


class SentBytesDiffer(RegistryError):
    """All bytes arrived, and they are not the declared ones: the upload has failed, the photo is still awaited."""

    code = "sent-bytes-differ"


class PhotoTooLarge(RegistryError):
    code = "photo-too-large"


class UploadDeclaredOtherwise(Conflict):
    """The photo has an upload of another length."""

    code = "upload-declared-otherwise"


@dataclass(frozen=True, slots=True)
class Digest:
    """What a caller says of some bytes: ``algorithm`` as `hashlib` calls it, ``value`` raw."""

    algorithm: str
    value: bytes


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


def begin(session: Session, actor: Actor, photo: Photo, *, length_bytes: int | None, metadata: str) -> Upload:
    """The upload of the actor's own photo, a new one when none is under way. Doing it again gives the same one.

    ``length_bytes`` is None when it is told later. Raises PhotoGone, RuleViolation, PhotoTooLarge, UploadDeclaredOtherwise,
    UploadRoomFull.
    """
    uploads.check_not_gone(photo)
    if length_bytes is not None and length_bytes > LARGEST_PHOTO_BYTES:
        raise PhotoTooLarge(limit_bytes=LARGEST_PHOTO_BYTES)
    if length_bytes is not None and photo.size_bytes is not None and length_bytes != photo.size_bytes:
        raise RuleViolation([Fault("Upload-Length", "length-differs", {"declared": photo.size_bytes, "length": length_bytes})])
    found = _insert(session, actor, photo, length_bytes, metadata)
    if found is None:
        live = Upload.state.in_((UploadState.RECEIVING, UploadState.STORED))
        found = session.scalar(sa.select(Upload).where(Upload.photo_id == photo.id, live, _own(actor)))
    if found is None:  # it was ended a moment ago, or it is that of whoever had the inspection before
        raise Unavailable(retry_after_s=INTERRUPTED_RETRY_AFTER_S)
    if length_bytes is not None and found.length_bytes not in (None, length_bytes):
        raise UploadDeclaredOtherwise(length=found.length_bytes)
    return found


def _insert(session: Session, actor: Actor, photo: Photo, length_bytes: int | None, metadata: str) -> Upload | None:
    """None when there is one. Raises UploadRoomFull, after which nothing must be committed."""
    there = photo.state is not PhotoState.DECLARED
    values = {
        "photo_id": photo.id,
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
        "length_bytes": photo.size_bytes if there else length_bytes,
        "offset_bytes": photo.size_bytes if there else 0,
        "state": UploadState.STORED if there else UploadState.RECEIVING,
        "metadata_": metadata,
        "expires_at": clock.now() + LIFE,
    }
    others = sa.select(sa.func.count()).where(Upload.person_id == actor.person_id, Upload.state == UploadState.RECEIVING).scalar_subquery()
    insert = postgresql.insert(Upload).values(values).on_conflict_do_nothing().returning(Upload, others, sa.func.fragment_bytes())
    row = session.execute(insert).one_or_none()
    if row is None:
        return None
    upload, count, held_bytes = row
    if not there and (count >= MOST_OPEN or held_bytes >= MOST_FRAGMENT_BYTES):
        log.warning("upload-room-full", uploads=count, fragment_bytes=held_bytes)
        raise UploadRoomFull(retry_after_s=ROOM_RETRY_AFTER_S)
    return cast("Upload", upload)


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

    ``length_bytes`` tells a length that was not known before. Raises NotAllowed, NotFound, UploadGone, OffsetDiffers, RuleViolation, Unavailable.
    """
    require(actor, Right.INSPECT)
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
    raise RuleViolation([Fault("Upload-Length", "length-differs", {"declared": upload.length_bytes or "?", "length": length_bytes or "?"})])


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


class _Spool:
    """What one request has brought, on disk when it is more than a little, so that no photo is in memory as a whole."""

    def __init__(self, offset_bytes: int) -> None:
        self.file = cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115
        self.sha256 = hashlib.sha256()
        self.begins = self.kept = self.ends = offset_bytes
        self._since = clock.monotonic()

    @property
    def came_slowly(self) -> bool:
        return clock.monotonic() - self._since >= KEEP_EVERY_S

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.sha256.update(piece)
        self.ends += len(piece)

    def not_kept(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of each fragment to keep."""
        offset = self.kept
        while offset < self.ends:
            self.file.seek(offset - self.begins)
            content = self.file.read(min(FRAGMENT_BYTES, self.ends - offset))
            yield offset, content
            offset += len(content)
        self.file.seek(0, 2)


class Going(Enum):
    """Whether a request goes on when it has kept what it brought."""

    ON = True
    NOT_ON = False


def receive(
    actor: Actor,
    claim: Claim,
    pieces: Iterator[bytes],
    size_bytes: int,
    *,
    digest: Digest | None = None,
    wanted: Callable[[], bool] = lambda: False,
) -> int:
    """Take in a body of ``size_bytes`` that comes in ``pieces``; an empty one says that some time passed. The offset after it.

    With ``digest`` the body counts as a whole or not at all. ``wanted`` says that somebody else wants to go on with this upload. Raises OffsetDiffers,
    UploadInterrupted, BodyDiffers, SentBytesDiffer, PhotoTooLarge, Unavailable; what was brought is kept except after BodyDiffers and SentBytesDiffer.
    """
    _check_size(claim, size_bytes)
    spool = _Spool(claim.offset_bytes)
    with spool.file:
        _drain(actor, claim, pieces, spool, digest, wanted)
        whole = spool.ends - spool.begins == size_bytes
        if digest is not None and not whole:
            _let_go(actor, claim)
            raise UploadInterrupted(offset=claim.offset_bytes, retry_after_s=INTERRUPTED_RETRY_AFTER_S)
        if whole and spool.ends == claim.length_bytes:
            _finish(actor, claim, spool)
        else:
            _keep_at_last(actor, claim, spool)
        if not whole:
            raise UploadInterrupted(offset=spool.ends, retry_after_s=INTERRUPTED_RETRY_AFTER_S)
        return spool.ends


def _check_size(claim: Claim, size_bytes: int) -> None:
    """Raises PhotoTooLarge."""
    limit = LARGEST_PHOTO_BYTES if claim.length_bytes is None else claim.length_bytes
    if claim.offset_bytes + size_bytes > limit:
        raise PhotoTooLarge(limit_bytes=limit)


def _drain(actor: Actor, claim: Claim, pieces: Iterator[bytes], spool: _Spool, digest: Digest | None, wanted: Callable[[], bool]) -> None:
    body = None if digest is None else hashlib.new(digest.algorithm, usedforsecurity=False)
    last = clock.monotonic()
    for piece in pieces:
        spool.write(piece)
        if body is not None:
            body.update(piece)
        elif clock.monotonic() - last >= KEEP_EVERY_S and spool.ends - spool.kept >= KEEP_AT_LEAST_BYTES and spool.ends != claim.length_bytes:
            last = clock.monotonic()
            try:
                _keep(actor, claim, spool, Going.ON)
            except Unavailable:
                log.warning("fragment-not-kept-yet", upload=str(claim.upload_id))
        if wanted():
            return
    if body is not None and digest is not None and not hmac.compare_digest(body.digest(), digest.value):
        _let_go(actor, claim)
        raise BodyDiffers(algorithm=digest.algorithm)


_MOVE = sa.text(
    """
    UPDATE upload SET offset_bytes = :ends, receiving = :receiving, expires_at = :expires_at
    WHERE id = :upload_id AND attempt = :attempt AND offset_bytes = :kept AND state = 'receiving' RETURNING id
    """
)


def _keep(actor: Actor, claim: Claim, spool: _Spool, going: Going) -> None:
    """Keep what came since the last time; a job sees to it that what is kept as a whole is stored.

    Raises OffsetDiffers when another attempt has taken over, Unavailable.
    """
    values = {"upload_id": claim.upload_id, "attempt": claim.attempt, "kept": spool.kept, "ends": spool.ends, "receiving": going.value}
    with transaction(actor) as session:
        moved = session.execute(_MOVE, {**values, "expires_at": clock.now() + LIFE}).one_or_none()
        if moved is not None:
            for offset, content in spool.not_kept():
                session.execute(sa.insert(Fragment).values(upload_id=claim.upload_id, offset_bytes=offset, content=content))
            if spool.kept < spool.ends == claim.length_bytes:
                id = str(claim.upload_id)
                jobs.enqueue(session, jobs.FINISH_UPLOAD, lock=id, after_s=STORED_WITHIN_S, upload_id=id)
    if moved is None:
        raise OffsetDiffers(offset=find(actor, claim.upload_id).offset_bytes)
    spool.kept = spool.ends


def _keep_at_last(actor: Actor, claim: Claim, spool: _Spool) -> None:
    """Keep what is not kept yet, for a request that ends with this. Raises OffsetDiffers, Unavailable."""
    until = clock.monotonic() + KEEP_TRIES_S
    while True:
        try:
            _keep(actor, claim, spool, Going.NOT_ON)
        except Unavailable:
            if clock.monotonic() >= until:
                raise
            time.sleep(KEEP_TRY_EVERY_S)
        else:
            return


def _let_go(actor: Actor, claim: Claim) -> None:
    with reading(actor) as session:
        session.execute(sa.update(Upload).where(Upload.id == claim.upload_id, Upload.attempt == claim.attempt).values(receiving=False))


def _finish(actor: Actor, claim: Claim, spool: _Spool) -> None:
    """All bytes are here, in the spool or before it in fragments. When they can't be stored now they are all kept, and a job goes on with them.

    Bytes that took long to come are kept first: who looks while an object store is slow must not be told to send them again.
    Raises SentBytesDiffer, OffsetDiffers, Unavailable.
    """
    try:
        if spool.came_slowly:
            _keep(actor, claim, spool, Going.ON)
        if spool.begins == 0:
            _store(actor, claim, spool.file, spool.sha256.digest(), has_fragments=spool.kept > 0)
        else:
            with _whole(actor, claim.upload_id, spool.kept, spool) as file:
                _store(actor, claim, file, storage.digest_of(file))
    except Unavailable:
        _keep_at_last(actor, claim, spool)
        raise


def _whole(actor: Actor, upload_id: UUID, until: int, spool: _Spool | None = None) -> BinaryIO:
    """A file of the fragments before ``until``, and after them what the spool has from there."""
    file = cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115
    at = 0
    with reading(actor) as session:
        while at < until:
            content = session.scalars(sa.select(Fragment.content).where(Fragment.upload_id == upload_id, Fragment.offset_bytes == at)).one()
            file.write(content)
            at += len(content)
    for _, content in spool.not_kept() if spool is not None else ():
        file.write(content)
    return file


def _store(actor: Actor, claim: Claim, file: BinaryIO, sha256: bytes, *, has_fragments: bool = True) -> None:
    """Object first, row second. Raises SentBytesDiffer, OffsetDiffers, Unavailable."""
    size_bytes = cast("int", claim.length_bytes)
    if claim.sha256 is not None and claim.sha256 != sha256:
        _fail(actor, claim, sha256)
    storage.store_once(claim.key(sha256), file, sha256=sha256, size_bytes=size_bytes, content_type=claim.content_type.value)
    with transaction(actor) as session:
        if not _end(session, claim, UploadState.STORED, has_fragments=has_fragments, offset_bytes=size_bytes):
            raise OffsetDiffers(offset=session.get_one(Upload, claim.upload_id).offset_bytes)
        photo = session.get_one(Photo, claim.photo_id, with_for_update={"key_share": True})
        if photo.state is PhotoState.DECLARED:
            images.attach_each(session, actor, [Arrival(photo, sha256, size_bytes, claim.key(sha256))])


def _end(session: Session, claim: Claim, state: UploadState, *, has_fragments: bool = True, **more: Any) -> bool:
    """Whether it was this attempt that ended the upload."""
    ended = sa.update(Upload).where(Upload.id == claim.upload_id, Upload.attempt == claim.attempt, Upload.state == UploadState.RECEIVING)
    if session.execute(ended.values(state=state, receiving=False, **more).returning(Upload.id)).one_or_none() is None:
        return False
    if has_fragments:
        session.execute(sa.delete(Fragment).where(Fragment.upload_id == claim.upload_id))
    return True


def _fail(actor: Actor, claim: Claim, sha256: bytes) -> None:
    """Raises SentBytesDiffer."""
    with transaction(actor) as session:
        if _end(session, claim, UploadState.FAILED):
            details = {"expected": cast("bytes", claim.sha256).hex(), "found": sha256.hex()}
            audit.record(session, actor, "photo.sent-bytes-differ", "photo", claim.photo_id, details=details)
    raise SentBytesDiffer(expected=cast("bytes", claim.sha256).hex(), found=sha256.hex())


def finish(actor: Actor, claim: Claim) -> None:
    """Store an upload of which all bytes are kept. Raises SentBytesDiffer, OffsetDiffers, Unavailable."""
    with _whole(actor, claim.upload_id, claim.offset_bytes) as file:
        _store(actor, claim, file, storage.digest_of(file))


def hand_over(actor: Actor, upload_id: UUID) -> Upload:
    """Where an upload is, with nobody left who could move it: a request under way is asked to keep what it has, and after a second is left behind.

    Raises NotAllowed, NotFound, UploadGone, SentBytesDiffer; Unavailable also when all bytes are here and can't be stored yet.
    """
    upload = find(actor, upload_id)
    if upload.state is UploadState.RECEIVING and upload.receiving:
        upload = _wait_for(actor, upload_id)
    if upload.state is UploadState.RECEIVING and (upload.receiving or upload.offset_bytes == upload.length_bytes):
        claim = take_up(actor, upload_id, offset_bytes=None, receiving=False)
        if claim.offset_bytes == claim.length_bytes:
            finish(actor, claim)
        upload = find(actor, upload_id)
    if upload.state not in (UploadState.RECEIVING, UploadState.STORED):
        raise UploadGone(id=upload_id)
    return upload


def _wait_for(actor: Actor, upload_id: UUID) -> Upload:
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


def finish_later(upload_id: UUID) -> None:
    """For a job: finish an upload of which all bytes are kept, if nobody did so meanwhile. Raises Unavailable."""
    actor = the_system(f"job-{upload_id}")
    complete = sa.and_(Upload.id == upload_id, Upload.state == UploadState.RECEIVING, Upload.offset_bytes == Upload.length_bytes)
    with transaction() as session:
        taken = sa.update(Upload).where(complete).values(attempt=Upload.attempt + 1, receiving=False).returning(Upload)
        upload = session.scalar(taken)
        if upload is None:
            return
        photo = session.get_one(Photo, upload.photo_id)
        inspection = session.get_one(Inspection, photo.inspection_id)
        claim = Claim(
            upload_id, photo.id, upload.organisation_id, inspection.dwelling_id, upload.attempt, upload.offset_bytes, upload.length_bytes, photo.sha256,
            photo.content_type,
        )  # fmt: skip
    try:
        finish(actor, claim)
    except (SentBytesDiffer, OffsetDiffers) as error:
        log.warning("upload-not-finished", upload=str(upload_id), cause=str(error))


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


def receive_whole(actor: Actor, photo: Photo, pieces: Iterator[bytes], size_bytes: int) -> Photo:
    """The bytes of the actor's own photo in one request, for phones that can't reach the object store. What is interrupted is not kept.

    Raises SentBytesDiffer, UploadInterrupted, PhotoGone, Unavailable.
    """
    spool = _Spool(0)
    with spool.file:
        for piece in pieces:
            spool.write(piece)
        if spool.ends < size_bytes:
            raise UploadInterrupted(offset=0, retry_after_s=INTERRUPTED_RETRY_AFTER_S)
        sha256 = spool.sha256.digest()
        if sha256 != photo.sha256 or size_bytes != photo.size_bytes:
            raise SentBytesDiffer(expected=photo.sha256.hex() if photo.sha256 else "?", found=sha256.hex())
        key = uploads.key_of(actor, photo, sha256)
        storage.store_once(key, spool.file, sha256=sha256, size_bytes=size_bytes, content_type=photo.content_type.value)
    with transaction(actor) as session:
        return uploads.mark_stored(session, actor, photo.id, storage.StoredObject(size_bytes, sha256))
