"""Receiving the bytes of a photo in pieces, over any number of requests and on any node (docs/adr/0016).

A claim (`claims.py`) → `receive`, as often as it takes. No lock is held while bytes come in. What an interrupted request brought is kept as fragments; a
request that brings all of it keeps none. The last byte makes one object of them (`finish`), and only then the photo is stored.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Final, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.access import Actor, the_system
from registry.audit import commands as audit
from registry.db import reading, transaction
from registry.errors import RegistryError, Unavailable
from registry.inspections.model import Inspection
from registry.photos import images, uploads
from registry.photos.claims import (
    LIFE,
    MOST_FRAGMENT_BYTES,
    ROOM_RETRY_AFTER_S,
    Claim,
    OffsetDiffers,
    PhotoTooLarge,
    UploadGone,
    UploadRoomFull,
    find,
    take_up,
    wait_for,
)
from registry.photos.images import Arrival
from registry.photos.model import Fragment, Photo, PhotoGone, PhotoState, Upload, UploadState
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.spool import Spool, new_file

KEEP_EVERY_S: Final = 2.0
KEEP_AT_LEAST_BYTES: Final = 128 * 1024
KEEP_TRIES_S: Final = 6.0
"""How long whoever has nothing more to do tries to keep what it brought, while the database is too busy or restarts; shorter than a process that is told
to end waits for its requests."""
KEEP_TRY_EVERY_S: Final = 0.5
STORED_WITHIN_S: Final = 15
"""After this a job stores what is kept as a whole, in case the request that was about to do so died."""
INTERRUPTED_RETRY_AFTER_S: Final = 1

log = structlog.get_logger()


class UploadInterrupted(Unavailable):
    """The bytes stopped coming. What came is kept: fact ``offset`` is where to go on."""

    code = "upload-interrupted"


class BodyDiffers(RegistryError):
    """The body of one request does not have the digest that its header says; nothing of it is kept."""

    code = "body-differs"


class SentBytesDiffer(RegistryError):
    """All bytes arrived, and they are not the declared ones: the upload has failed, the photo is still awaited."""

    code = "sent-bytes-differ"


@dataclass(frozen=True, slots=True)
class Digest:
    """What a caller says of some bytes: ``algorithm`` as `hashlib` calls it, ``value`` raw."""

    algorithm: str
    value: bytes


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
    spool = Spool(claim.offset_bytes)
    with spool.file:
        _drain(actor, claim, pieces, spool, size_bytes, digest, wanted)
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
    limit = min(LARGEST_PHOTO_BYTES, claim.length_bytes or LARGEST_PHOTO_BYTES)
    if claim.offset_bytes + size_bytes > limit:
        raise PhotoTooLarge(limit_bytes=limit)


def _drain(actor: Actor, claim: Claim, pieces: Iterator[bytes], spool: Spool, size_bytes: int, digest: Digest | None, wanted: Callable[[], bool]) -> None:
    body = None if digest is None else hashlib.new(digest.algorithm, usedforsecurity=False)
    last = clock.monotonic()
    for piece in pieces:
        _take(actor, claim, spool, piece, digest)
        if body is not None:
            body.update(piece)
        elif clock.monotonic() - last >= KEEP_EVERY_S and spool.ends - spool.kept >= KEEP_AT_LEAST_BYTES and spool.ends != claim.length_bytes:
            last = clock.monotonic()
            try:
                _keep(actor, claim, spool, Going.ON)
            except Unavailable:
                log.warning("fragment-not-kept-yet", upload=str(claim.upload_id))
        if wanted():
            break
    whole = spool.ends - spool.begins == size_bytes
    if whole and body is not None and digest is not None and not hmac.compare_digest(body.digest(), digest.value):
        _let_go(actor, claim)
        raise BodyDiffers(algorithm=digest.algorithm)


def _take(actor: Actor, claim: Claim, spool: Spool, piece: bytes, digest: Digest | None) -> None:
    """Raises Unavailable when there is no room for it on this node; what came before is kept."""
    try:
        spool.write(piece)
    except OSError as error:
        log.error("no-room-for-upload", cause=str(error), hint="is the temporary folder full?")
        if digest is None:
            _keep_at_last(actor, claim, spool)
        raise UploadRoomFull(retry_after_s=ROOM_RETRY_AFTER_S) from error


_MOVE = sa.text(
    """
    UPDATE upload SET offset_bytes = :ends, receiving = :receiving, expires_at = :expires_at
    WHERE id = :upload_id AND attempt = :attempt AND offset_bytes = :kept AND state = 'receiving' RETURNING id
    """
)


def _keep(actor: Actor, claim: Claim, spool: Spool, going: Going) -> None:
    """Keep what came since the last time; a job sees to it that what is kept as a whole is stored.

    Raises OffsetDiffers when another attempt has taken over, Unavailable.
    """
    values = {"upload_id": claim.upload_id, "attempt": claim.attempt, "kept": spool.kept, "ends": spool.ends, "receiving": going.value}
    with transaction(actor) as session:
        moved = session.execute(_MOVE, {**values, "expires_at": clock.now() + LIFE}).one_or_none()
        if moved is not None:
            _check_room(session, spool)
            for offset, content in spool.not_kept():
                session.execute(sa.insert(Fragment).values(upload_id=claim.upload_id, offset_bytes=offset, content=content))
            if spool.kept < spool.ends == claim.length_bytes:
                id = str(claim.upload_id)
                jobs.enqueue(session, jobs.FINISH_UPLOAD, lock=id, after_s=STORED_WITHIN_S, upload_id=id)
    if moved is None:
        raise OffsetDiffers(offset=find(actor, claim.upload_id).offset_bytes)
    spool.kept = spool.ends


def _check_room(session: Session, spool: Spool) -> None:
    """Raises UploadRoomFull."""
    if spool.kept < spool.ends and (session.scalar(sa.select(sa.func.fragment_bytes())) or 0) > MOST_FRAGMENT_BYTES:
        raise UploadRoomFull(retry_after_s=ROOM_RETRY_AFTER_S)


def _keep_at_last(actor: Actor, claim: Claim, spool: Spool) -> None:
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


def _finish(actor: Actor, claim: Claim, spool: Spool) -> None:
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


def _whole(actor: Actor, upload_id: UUID, until: int, spool: Spool | None = None) -> BinaryIO:
    """A file of the fragments before ``until``, and after them what the spool has from there."""
    file = new_file()
    at = 0
    with reading(actor) as session:
        while at < until:
            content = session.scalar(sa.select(Fragment.content).where(Fragment.upload_id == upload_id, Fragment.offset_bytes == at))
            if content is None:  # it was ended meanwhile
                raise UploadGone(id=upload_id)
            file.write(content)
            at += len(content)
    for _, content in spool.not_kept() if spool is not None else ():
        file.write(content)
    return file


def _store(actor: Actor, claim: Claim, file: BinaryIO, sha256: bytes, *, has_fragments: bool = True) -> None:
    """Object first, row second. Raises SentBytesDiffer, OffsetDiffers, Unavailable."""
    size_bytes = cast("int", claim.length_bytes)
    if claim.sha256 is not None and claim.sha256 != sha256:
        _fail(actor, claim, sha256, claim.sha256)
    storage.store_once(claim.key(sha256), file, sha256=sha256, size_bytes=size_bytes, content_type=claim.content_type.value)
    try:
        _record(actor, claim, sha256, size_bytes, has_fragments=has_fragments)
    except _LostIt:  # after the rollback: what is kept is what there was before
        with reading(actor) as session:
            offset = session.scalar(sa.select(Upload.offset_bytes).where(Upload.id == claim.upload_id))
        raise OffsetDiffers(offset=offset or 0) from None
    except _OtherBytes as error:
        _fail(actor, claim, sha256, error.sha256)


class _LostIt(Exception):
    """Another attempt has the upload, or somebody else the inspection."""


class _OtherBytes(Exception):
    """The photo is stored by now, with the bytes that have this digest."""

    def __init__(self, sha256: bytes | None) -> None:
        super().__init__()
        self.sha256 = sha256 or b""


def _record(actor: Actor, claim: Claim, sha256: bytes, size_bytes: int, *, has_fragments: bool) -> None:
    with transaction(actor) as session:
        photo = session.scalar(_END_STORED, {"upload_id": claim.upload_id, "attempt": claim.attempt, "size_bytes": size_bytes})
        if photo is None:
            raise _LostIt
        uploads.check_not_gone(photo)
        if photo.state is not PhotoState.DECLARED and photo.sha256 != sha256:  # it came by another way meanwhile, with other bytes
            raise _OtherBytes(photo.sha256)
        if has_fragments:
            session.execute(sa.delete(Fragment).where(Fragment.upload_id == claim.upload_id))
        if photo.state is PhotoState.DECLARED:
            images.attach_each(session, actor, [Arrival(photo, sha256, size_bytes, claim.key(sha256))])


_PHOTO = ", ".join(f"photo.{column.name}" for column in Photo.__table__.columns)
_END_STORED = sa.select(Photo).from_statement(
    sa.text(
        f"""
        WITH ended AS (
            UPDATE upload SET state = 'stored', receiving = false, offset_bytes = :size_bytes
            WHERE id = :upload_id AND attempt = :attempt AND state = 'receiving' RETURNING photo_id
        )
        SELECT {_PHOTO} FROM photo JOIN ended ON ended.photo_id = photo.id FOR NO KEY UPDATE OF photo
        """
    ).columns(*Photo.__table__.columns)
)
"""The upload ends when this attempt still has it, and gives its photo, locked."""


def _fail(actor: Actor, claim: Claim, sha256: bytes, expected: bytes) -> None:
    """Raises SentBytesDiffer."""
    failed = sa.update(Upload).where(Upload.id == claim.upload_id, Upload.attempt == claim.attempt, Upload.state == UploadState.RECEIVING)
    with transaction(actor) as session:
        if session.scalar(failed.values(state=UploadState.FAILED, receiving=False).returning(Upload.id)) is not None:
            session.execute(sa.delete(Fragment).where(Fragment.upload_id == claim.upload_id))
            details = {"expected": expected.hex(), "found": sha256.hex()}
            audit.record(session, actor, "photo.sent-bytes-differ", "photo", claim.photo_id, details=details)
    raise SentBytesDiffer(expected=expected.hex(), found=sha256.hex())


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
        upload = wait_for(actor, upload_id)
    if upload.state is UploadState.RECEIVING and (upload.receiving or upload.offset_bytes == upload.length_bytes):
        claim = take_up(actor, upload_id, offset_bytes=None, receiving=False)
        if claim.offset_bytes == claim.length_bytes:
            finish(actor, claim)
        upload = find(actor, upload_id)
    if upload.state not in (UploadState.RECEIVING, UploadState.STORED):
        raise UploadGone(id=upload_id)
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
    except (SentBytesDiffer, OffsetDiffers, UploadGone, PhotoGone) as error:
        log.warning("upload-not-finished", upload=str(upload_id), cause=str(error))


def receive_whole(actor: Actor, photo: Photo, pieces: Iterator[bytes], size_bytes: int) -> Photo:
    """The bytes of the actor's own photo in one request, for phones that can't reach the object store. What is interrupted is not kept.

    Raises SentBytesDiffer, UploadInterrupted, PhotoGone, Unavailable.
    """
    if size_bytes != photo.size_bytes:
        raise SentBytesDiffer(expected=photo.sha256.hex() if photo.sha256 else "?", found=f"{size_bytes} bytes")
    spool = Spool(0)
    with spool.file:
        for piece in pieces:
            spool.write(piece)
        if spool.ends < size_bytes:
            raise UploadInterrupted(offset=0, retry_after_s=INTERRUPTED_RETRY_AFTER_S)
        sha256 = spool.sha256.digest()
        if sha256 != photo.sha256:
            raise SentBytesDiffer(expected=photo.sha256.hex() if photo.sha256 else "?", found=sha256.hex())
        key = uploads.key_of(actor, photo, sha256)
        storage.store_once(key, spool.file, sha256=sha256, size_bytes=size_bytes, content_type=photo.content_type.value)
    with transaction(actor) as session:
        return uploads.mark_stored(session, actor, photo.id, storage.StoredObject(size_bytes, sha256)).photo
