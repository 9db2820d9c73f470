"""Examining what is stored: the worker fetches the original, the decoder looks at it, and what it found is written beside it. The original stays as it is.

The previews are in the object store before the row says so. Examining an image again changes nothing once its previews are made or it is rejected; two
workers at it do the same work and one of them records it. An image that is destroyed meanwhile leaves no previews.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, BinaryIO, Final, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.access import the_system
from registry.audit import commands as audit
from registry.db import reading, transaction
from registry.inspections.completeness import settle
from registry.photos import decoder, images
from registry.photos.findings import Finding
from registry.photos.model import THERE, ContentType, Image, PhotoState, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from registry.versioned import change

COPY_STEP_BYTES: Final = 256 * 1024
TRIED_AGAIN_AT_ONCE: Final = 200
"""Images, so that those that phones wait for are not held up."""


def examine(image_id: UUID) -> None:
    """Find out what a stored image is, make its previews, and let the photos that show it be ready or rejected.

    Raises Unavailable; FileNotFoundError when the original is lost.
    """
    with reading() as session:
        image = session.get(Image, image_id)
    if image is None or image.destroyed_at is not None:
        return
    if not _awaits(image):
        with transaction() as session:
            _tell_photos(session, session.get_one(Image, image_id, with_for_update=True), news=False)
        return
    with ExitStack() as files:
        original = files.enter_context(tempfile.TemporaryFile())
        previews: dict[int, IO[bytes]] = {size: files.enter_context(tempfile.TemporaryFile()) for size in PREVIEW_SIZES_PX}
        if not _fetch(image, original):
            return
        with structlog.contextvars.bound_contextvars(image_id=str(image_id)):
            finding = decoder.look_at(original, previews)
        if finding.previews is PreviewState.MADE:
            _store(image, previews)
    if not _record(image_id, finding) and finding.previews is PreviewState.MADE:
        for size_px in PREVIEW_SIZES_PX:
            storage.delete(preview_key(image.organisation_id, image_id, size_px))


def try_again() -> int:
    """Let images be examined again whose previews nobody is making: no job is left that would, or there is another decoder now.

    How many, at most `TRIED_AGAIN_AT_ONCE`; there may be more. Raises Unavailable.
    """
    present = decoder.versions()
    worth_it = sa.or_(Image.previews == PreviewState.AWAITED, Image.decoder.is_distinct_from(present))
    there = (Image.previews != PreviewState.MADE, Image.rejection.is_(None), Image.destroyed_at.is_(None))
    with transaction() as session:
        job = jobs.EXAMINE_IMAGE, sa.cast(Image.id, sa.Text)
        idle = ~jobs.is_queued(*job) & ~jobs.is_given_up(*job)
        ids = session.scalars(sa.select(Image.id).where(*there, worth_it, idle).order_by(Image.id).limit(TRIED_AGAIN_AT_ONCE)).all()
        for image_id in ids:
            jobs.enqueue(session, jobs.EXAMINE_IMAGE, lock=str(image_id), image_id=str(image_id))
    return len(ids)


def _awaits(image: Image) -> bool:
    return image.rejection is None and image.previews is not PreviewState.MADE


def _fetch(image: Image, file: IO[bytes]) -> bool:
    """Whether the original is here; it is not when it was destroyed meanwhile. Raises Unavailable, FileNotFoundError."""
    try:
        with storage.opened(image.object_key) as stream:
            while step := stream.read(COPY_STEP_BYTES):
                file.write(step)
    except FileNotFoundError:
        with reading() as session:
            if session.get_one(Image, image.id).destroyed_at is None:
                raise
        return False
    return True


def _store(image: Image, previews: Mapping[int, IO[bytes]]) -> None:
    """Raises Unavailable."""
    for size_px, file in previews.items():
        key = preview_key(image.organisation_id, image.id, size_px)
        storage.store(key, cast("BinaryIO", file), size_bytes=os.fstat(file.fileno()).st_size, content_type=ContentType.JPEG)


def _record(image_id: UUID, finding: Finding) -> bool:
    """Whether the image has the previews that were made for it.

    The lock waits for whoever is letting another photo show the image, so that this photo is seen here, or sees what is found here.
    """
    with transaction() as session:
        image = session.get_one(Image, image_id, with_for_update=True)
        if image.destroyed_at is not None:
            return False
        news = False
        if _awaits(image):
            news = any(getattr(image, name) != value for name, value in finding.columns().items() if name != "decoder")
            for name, value in finding.columns().items():
                setattr(image, name, value)
            image.examined_at = clock.now()
            session.flush()
        _tell_photos(session, image, news=news)
        return image.previews is PreviewState.MADE


def _tell_photos(session: Session, image: Image, *, news: bool) -> None:
    """Let the photos that show the image have its state; with ``news`` of the image they get another version, by which callers know it."""
    actor, rejected = the_system(f"job-{image.id}"), set[UUID]()
    for photo in images.photos_of(session, image.id):
        state = images.state_of(image)
        if photo.state in THERE and (news or photo.state is not state):
            change(session, photo, {"state": state, "rejection": image.rejection})
            details = {"rejection": image.rejection, "previews": image.previews.value}
            audit.record(session, actor, f"photo.{state}", "photo", photo.id, details=details)
            images.told(session, photo, action=f"photo.{state}")
            rejected |= {photo.inspection_id} if state is PhotoState.REJECTED else set()
    settle(session, actor, rejected)
