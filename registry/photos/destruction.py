"""Destroying photos for good, the record that survives them, and the holds that forbid it (docs/adr/0017).

A photo is destroyed in one transaction, which locks its image, its uploads and itself, in that order: whoever lets another photo show the image locks it
too (`images.attach_each`, `images.in_sight`), so either that photo keeps the image or the image is gone before it could be shown. Whether something is held is
asked last, under locks on inspection and dwelling that whoever places a hold waits for. The object store is told afterwards, by a job.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock, jobs
from registry.access import Actor, the_system
from registry.audit import commands as audit
from registry.db import Json, reading, transaction
from registry.dwellings.model import Dwelling
from registry.errors import Conflict, NotFound
from registry.inspections.model import Inspection
from registry.photos import images
from registry.photos.keeping import end_uploads
from registry.photos.model import Destruction, DestructionGround, HoldSubject, Image, LegalHold, Photo, PhotoGone, PhotoState
from registry.versioned import change

WITHDRAWN_KEPT_FOR: Final = timedelta(days=30)
"""A photo that was withdrawn, for who thinks better of it."""
BATCH: Final = 200
FIRST: Final = UUID(int=0)
HELD_BY: Final[dict[HoldSubject, type[Dwelling] | type[Inspection] | type[Photo]]] = {
    HoldSubject.DWELLING: Dwelling,
    HoldSubject.INSPECTION: Inspection,
    HoldSubject.PHOTO: Photo,
}
EMPTIED: Final = dict.fromkeys(("caption", "longitude", "latitude", "taken_at", "image_id", "stored_at"))
"""What a destroyed photo loses: what tells of people and places, and its bytes."""
EMPTIED_OF_IMAGE: Final = dict.fromkeys(("exif_taken_at", "exif_clock_time", "exif_longitude", "exif_latitude", "camera", "placeholder"))

log = structlog.get_logger()


class PhotoHeld(Conflict):
    """A hold on the photo, its inspection or its dwelling forbids destroying it."""

    code = "photo-held"


class AlreadyHeld(Conflict):
    code = "already-held"


class PhotoNotWithdrawn(Conflict):
    """It can't be destroyed on the ground that it was withdrawn."""

    code = "photo-not-withdrawn"


@dataclass(frozen=True, slots=True)
class Due:
    photo_id: UUID
    ground: DestructionGround


def hold(session: Session, actor: Actor, kind: HoldSubject, subject_id: UUID, reason: str) -> LegalHold:
    """Forbid destroying any photo of the subject, until the hold is released.

    The reason stays out of the audit log, which the other party may be able to read. Raises NotFound, AlreadyHeld; PhotoGone for a photo that is destroyed.
    """
    _lock_subject(session, kind, subject_id)
    if kind is HoldSubject.PHOTO and session.scalar(sa.select(Photo.state).where(Photo.id == subject_id)) is PhotoState.DESTROYED:
        raise PhotoGone(what="photo", id=subject_id)
    if _find_hold(session, kind, subject_id) is not None:
        raise AlreadyHeld(what=kind.value, id=subject_id)
    placed = LegalHold(subject_kind=kind, subject_id=subject_id, reason=reason, recorded_by=actor.person_id)
    session.add(placed)
    session.flush()
    audit.record(session, actor, f"{kind}.held", kind.value, subject_id, details={"holdId": str(placed.id)})
    return placed


def release(session: Session, actor: Actor, kind: HoldSubject, subject_id: UUID) -> LegalHold:
    """End a hold. Raises NotFound."""
    _lock_subject(session, kind, subject_id)
    held = _find_hold(session, kind, subject_id)
    if held is None:
        raise NotFound(what="legal hold", id=subject_id)
    held.lifted_at, held.lifted_by = clock.now(), actor.person_id
    session.flush()
    audit.record(session, actor, f"{kind}.released", kind.value, subject_id, details={"holdId": str(held.id)})
    return held


def holds(session: Session) -> Sequence[LegalHold]:
    """Those in force, the oldest first."""
    return session.scalars(sa.select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.id)).all()


def _lock_subject(session: Session, kind: HoldSubject, subject_id: UUID) -> None:
    """Raises NotFound."""
    model = HELD_BY[kind]
    if session.scalar(sa.select(model.id).where(model.id == subject_id).with_for_update()) is None:
        raise NotFound(what=kind.value, id=subject_id)


def _find_hold(session: Session, kind: HoldSubject, subject_id: UUID) -> LegalHold | None:
    return session.scalar(sa.select(LegalHold).where(LegalHold.subject_kind == kind, LegalHold.subject_id == subject_id, LegalHold.lifted_at.is_(None)))


def destroy(session: Session, actor: Actor, photo_id: UUID, *, ground: DestructionGround, reason: str) -> Destruction:
    """Destroy a photo: its row loses what it tells, its former versions too, and its bytes go unless another photo shows them.

    What is left is the row, the destruction and an audit line. Doing it again changes nothing. Raises NotFound, PhotoHeld, PhotoNotWithdrawn.
    """
    photo, image = _locked(session, photo_id)
    if photo.state is PhotoState.DESTROYED:
        return get(session, photo_id)
    if ground is DestructionGround.WITHDRAWN and photo.state is not PhotoState.WITHDRAWN:
        raise PhotoNotWithdrawn(id=photo_id)
    if session.scalar(sa.select(sa.func.photo_is_held(photo_id))):
        raise PhotoHeld(id=photo_id)
    what = {"sha256": photo.sha256, "size_bytes": photo.size_bytes, "image_id": photo.image_id}
    destruction = Destruction(photo_id=photo_id, ground=ground, reason=reason, recorded_by=actor.person_id, **what)
    session.add(destruction)
    change(session, photo, {**EMPTIED, "state": PhotoState.DESTROYED})
    session.execute(sa.select(sa.func.forget_photo_history(photo_id)))
    freed = image is not None and _let_go(session, image)
    jobs.enqueue(session, jobs.FORGET_REPORTS, inspection_id=str(photo.inspection_id))
    audit.record(session, actor, "photo.destroyed", "photo", photo_id, details=_told(destruction, bytes_too=freed))
    images.told(session, photo, action="photo.destroyed")
    return destruction


class _StoredMeanwhile(Exception):
    """Between looking which image the photo shows and locking both."""


def _locked(session: Session, photo_id: UUID) -> tuple[Photo, Image | None]:
    """The photo, and the image that it shows; its uploads are ended. Raises NotFound."""
    while True:
        with suppress(_StoredMeanwhile), session.begin_nested():
            return _lock_in_order(session, photo_id)


def _lock_in_order(session: Session, photo_id: UUID) -> tuple[Photo, Image | None]:
    """Raises NotFound; _StoredMeanwhile when the locks are to be let go and taken again."""
    image_id = session.scalar(sa.select(Photo.image_id).where(Photo.id == photo_id))
    image = session.get(Image, image_id, with_for_update=True, populate_existing=True) if image_id else None
    end_uploads(session, photo_id)
    photo = session.get(Photo, photo_id, with_for_update={"key_share": True}, populate_existing=True)
    if photo is None:
        raise NotFound(what="photo", id=photo_id)
    if photo.image_id != image_id:
        raise _StoredMeanwhile
    return photo, image


def _let_go(session: Session, image: Image) -> bool:
    """Whether the image goes too: no photo shows it any more."""
    if session.scalar(sa.select(sa.exists().where(Photo.image_id == image.id))):
        return False
    for name, value in {**EMPTIED_OF_IMAGE, "destroyed_at": clock.now()}.items():
        setattr(image, name, value)
    session.flush()
    jobs.enqueue(session, jobs.DELETE_IMAGE, image_id=str(image.id))
    return True


def _told(destruction: Destruction, *, bytes_too: bool) -> dict[str, Json]:
    """Without the reason: what must be forgettable does not belong in the audit log."""
    sha256 = destruction.sha256.hex() if destruction.sha256 else None
    return {"ground": destruction.ground.value, "sha256": sha256, "sizeBytes": destruction.size_bytes, "bytesToo": bytes_too}


def get(session: Session, photo_id: UUID) -> Destruction:
    """The destruction of a photo. Raises NotFound."""
    found = session.scalar(sa.select(Destruction).where(Destruction.photo_id == photo_id))
    if found is None:
        raise NotFound(what="destruction of photo", id=photo_id)
    return found


def each() -> Iterator[Destruction]:
    """Every destruction, in the order in which they were recorded."""
    after = FIRST
    while True:
        with reading() as session:
            page = session.scalars(sa.select(Destruction).where(Destruction.id > after).order_by(Destruction.id).limit(BATCH)).all()
        yield from page
        if len(page) < BATCH:
            return
        after = page[-1].id


_DUE = sa.text(
    """
    SELECT photo.id, CASE WHEN withdrawn_at < :withdrawn_before THEN 'withdrawn' ELSE 'retention' END AS ground
    FROM photo JOIN inspection ON inspection.id = photo.inspection_id
    WHERE photo.id > :after AND photo.state <> 'destroyed'
        AND (withdrawn_at < :withdrawn_before
            OR coalesce(inspection.submitted_at, photo.stored_at, photo.recorded_at) < CAST(:now AS timestamptz) - make_interval(years => :years))
        AND NOT EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL AND (subject_kind, subject_id) IN (
            ('photo', photo.id), ('inspection', inspection.id), ('dwelling', inspection.dwelling_id)))
    ORDER BY photo.id LIMIT :limit
    """
)


def due(session: Session, *, retention_years: int | None, after: UUID = FIRST, limit: int = BATCH) -> list[Due]:
    """Photos whose time is over and that nothing holds, by id.

    The time of retention counts from the submission of the inspection; without one from the moment that the photo was stored, or last changed. None is
    no end.
    """
    now = clock.now()
    values = {"now": now, "withdrawn_before": now - WITHDRAWN_KEPT_FOR, "years": retention_years, "after": after, "limit": limit}
    return [Due(row.id, DestructionGround(row.ground)) for row in session.execute(_DUE, values)]


def destroy_due(*, retention_years: int | None, progress: Callable[[Due], object] = lambda _: None) -> Counter[DestructionGround]:
    """Destroy every photo whose time is over, each in a transaction of its own; how many, by ground. Raises Unavailable."""
    reasons = {
        DestructionGround.RETENTION: f"Kept for {retention_years} years, as REGISTRY_PHOTO_RETENTION_YEARS says.",
        DestructionGround.WITHDRAWN: f"Withdrawn more than {WITHDRAWN_KEPT_FOR.days} days ago.",
    }
    actor, after, done = the_system(f"destroy-due-{uuid4()}"), FIRST, Counter[DestructionGround]()
    while True:
        with reading() as session:
            found = due(session, retention_years=retention_years, after=after)
        for each in found:
            after = each.photo_id
            try:
                with transaction() as session:
                    destroy(session, actor, each.photo_id, ground=each.ground, reason=reasons[each.ground])
            except PhotoHeld:
                log.info("photo-held", photo=str(each.photo_id))
                continue
            done[each.ground] += 1
            progress(each)
        if len(found) < BATCH:
            return done
