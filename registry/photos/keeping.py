"""What is tidied up by itself: uploads that were abandoned, and objects of which a job knows that nothing points to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.db import reading, transaction
from registry.photos.model import Fragment, Image, Upload, UploadState
from registry.photos.rules import PREVIEWS

BATCH: Final = 200
REMEMBERED_FOR: Final = timedelta(days=90)
"""After an upload would have expired: so long it is told to who asks that it has ended, and how. Afterwards it is not known at all."""

log = structlog.get_logger()

_NOT_WHOLE = sa.or_(Upload.length_bytes.is_(None), Upload.offset_bytes < Upload.length_bytes)


def end_uploads(session: Session, photo_id: UUID) -> None:
    """End what is under way of a photo that is not wanted any more, and forget what was said of it when it began."""
    ended = sa.update(Upload).where(Upload.photo_id == photo_id, Upload.state == UploadState.RECEIVING).values(state=UploadState.TERMINATED, receiving=False)
    ids = session.scalars(ended.returning(Upload.id)).all()
    session.execute(sa.delete(Fragment).where(Fragment.upload_id.in_(ids)))
    session.execute(sa.update(Upload).where(Upload.photo_id == photo_id).values(metadata_=""))


def expire_uploads() -> int:
    """End uploads that nothing has happened to for long, and let go of their fragments; how many. Their photos stay awaited.

    One that somebody is writing to at this moment is passed over. One of which all bytes are here is never ended for its age: it is finished.
    """
    _finish_whole()
    return _in_batches(_expire)


def forget_uploads() -> int:
    """Remove uploads that ended long ago; how many."""
    return _in_batches(_forget)


def _in_batches(step: Callable[[Session], int]) -> int:
    total, done = 0, BATCH
    while done == BATCH:
        with transaction() as session:
            done = step(session)
        total += done
    return total


def _expire(session: Session) -> int:
    late = (
        sa.select(Upload.id)
        .where(Upload.state == UploadState.RECEIVING, Upload.expires_at < clock.now(), _NOT_WHOLE)
        .order_by(Upload.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    ended = sa.update(Upload).where(Upload.id.in_(late)).values(state=UploadState.EXPIRED, receiving=False).returning(Upload.id)
    ids = session.scalars(ended).all()
    session.execute(sa.delete(Fragment).where(Fragment.upload_id.in_(ids)))
    return len(ids)


def _forget(session: Session) -> int:
    old = (
        sa.select(Upload.id)
        .where(Upload.state != UploadState.RECEIVING, Upload.expires_at < clock.now() - REMEMBERED_FOR)
        .order_by(Upload.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return len(session.scalars(sa.delete(Upload).where(Upload.id.in_(old)).returning(Upload.id)).all())


def _finish_whole() -> None:
    """All bytes of these are kept, and the job that was to store them gave up: the object store was away for days."""
    whole = (Upload.state == UploadState.RECEIVING, Upload.expires_at < clock.now(), Upload.offset_bytes == Upload.length_bytes)
    with transaction() as session:
        idle = ~jobs.is_queued(jobs.FINISH_UPLOAD, sa.cast(Upload.id, sa.Text))
        ids = session.scalars(sa.select(Upload.id).where(*whole, idle).order_by(Upload.expires_at).limit(BATCH)).all()
        jobs.forget_failed(session, jobs.FINISH_UPLOAD, map(str, ids))
        for upload_id in ids:
            jobs.enqueue(session, jobs.FINISH_UPLOAD, lock=str(upload_id), upload_id=str(upload_id))
    if ids:
        log.warning("uploads-to-be-finished", count=len(ids))


def delete_surplus(key: str) -> None:
    """Remove an object that holds the same bytes as another one. Raises Unavailable."""
    with reading() as session:
        kept = session.scalar(sa.select(Image.id).where(Image.object_key == key, Image.destroyed_at.is_(None)))
    if kept is None:
        storage.delete(key)


def delete_image(image_id: UUID) -> None:
    """Remove the original and the previews of a destroyed image. Raises Unavailable."""
    with reading() as session:
        image = session.get(Image, image_id)
    if image is None or image.destroyed_at is None:
        return
    storage.delete(image.object_key)
    for preview in storage.listed(f"{PREVIEWS}{image.organisation_id}/{image.id}/"):
        storage.delete(preview.key)
    log.info("image-deleted", image=str(image_id))
