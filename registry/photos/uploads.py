"""How a photo gets in: it is declared, its bytes are sent, and it is stored once the register has seen them in the object store.

`declare_each` → the bytes → `mark_stored`. The bytes go straight to the object store (`link`), or through the API: in one request, or in pieces
over a bad network (`receiving.py`). The same photo may be declared and completed any number of times. The same bytes are kept once (`images.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, insert_new, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.checklists.queries import questions_of
from registry.db import Json
from registry.dwellings.model import Dwelling
from registry.errors import Fault, NotFound
from registry.inspections.completeness import settle
from registry.inspections.model import Inspection
from registry.inspections.queries import visible_to
from registry.photos import images
from registry.photos.images import Arrival
from registry.photos.keeping import end_uploads
from registry.photos.model import Photo, PhotoBytesDiffer, PhotoBytesMissing, PhotoGone, PhotoState
from registry.photos.queries import Shown, shown
from registry.photos.rules import MOST_PHOTOS, NewPhoto, check, object_key
from registry.storage import PutLink, StoredObject
from registry.versioned import Outcome, change, same

LOOKS_AT_ONCE = 8
LATER = ("sha256", "size_bytes")
"""What need not be known when a photo is declared."""


def declare_each(session: Session, actor: Actor, items: Sequence[NewPhoto], *, clock_skew_ms: int | None = None) -> list[Result]:
    """Announce photos of inspections assigned to the actor; one that is declared already with the same particulars is left as it is.

    ``clock_skew_ms`` is how far the clock of her phone is ahead of ours.

    Raises NotAllowed.
    """
    require(actor, Right.INSPECT)
    inspections = _inspections(session, actor, {item.inspection_id for item in items})
    return create_each(
        lambda: _judge_each(session, items, inspections),
        lambda places: _insert(session, actor, [items[place] for place in places], inspections, clock_skew_ms),
    )


@dataclass(frozen=True, slots=True)
class _Inspection:
    """An inspection as far as its photos are concerned."""

    organisation_id: UUID
    municipality_code: str
    questions: frozenset[str]
    photos: int


def _insert(session: Session, actor: Actor, items: Sequence[NewPhoto], inspections: Mapping[UUID, _Inspection], clock_skew_ms: int | None) -> list[UUID | None]:
    """The id of each item, None for one that somebody else declared at the same moment."""
    phone = {"declared_by": actor.person_id, "device_id": actor.device_id, "clock_skew_ms": clock_skew_ms}
    rows: list[dict[str, Any]] = [{**item.columns(), **phone} for item in items]
    known = images.in_sight(session, {item.sha256 for item in items if item.sha256 is not None})
    for row in rows:
        image = known.get(cast("bytes", row["sha256"]))
        awaited = {"image_id": None, "stored_at": None, "state": PhotoState.DECLARED, "rejection": None}
        row |= images.shown_as(image, clock.now()) if image is not None and image.size_bytes == row["size_bytes"] else awaited
    inserted = insert_new(session, Photo, rows)
    declared = [row for row in rows if row["id"] in inserted]
    lines: list[tuple[UUID, dict[str, Json]]] = [
        (row["id"], {"inspectionId": str(row["inspection_id"]), "linked": row["image_id"] is not None}) for row in declared
    ]
    audit.record_each(session, actor, "photo.declared", "photo", lines)
    told = ((row["id"], inspections[row["inspection_id"]]) for row in declared)
    subjects = [(id, inspection.municipality_code, inspection.organisation_id) for id, inspection in told]
    announce_each(session, ChangeKind.PHOTO, subjects, action="photo.declared", person_id=actor.person_id)
    settle(session, actor, {row["inspection_id"] for row in declared})
    return [item.id if item.id in inserted else None for item in items]


def _judge_each(session: Session, items: Sequence[NewPhoto], inspections: Mapping[UUID, _Inspection]) -> list[Result]:
    present = {photo.id: photo for photo in session.scalars(sa.select(Photo).where(Photo.id.in_([item.id for item in items])))}
    twice = repeated([item.id for item in items])
    return [_judge(item, inspections, present, twice) for item in items]


def _inspections(session: Session, actor: Actor, ids: set[UUID]) -> dict[UUID, _Inspection]:
    """Those of these inspections that are assigned to the actor."""
    photos = sa.select(sa.func.count()).where(Photo.inspection_id == Inspection.id).scalar_subquery()
    query = (
        sa.select(Inspection.id, Inspection.organisation_id, Inspection.checklist_id, Dwelling.municipality_code, photos.label("photos"))
        .join(Dwelling, Dwelling.id == Inspection.dwelling_id)
        .where(Inspection.id.in_(ids), visible_to(actor), Inspection.assignee_id == actor.person_id)
    )
    return {
        row.id: _Inspection(row.organisation_id, row.municipality_code, _question_keys(session, row.checklist_id), row.photos)
        for row in session.execute(query).all()
    }


def _question_keys(session: Session, checklist_id: UUID) -> frozenset[str]:
    return frozenset(question.key for question in questions_of(session, checklist_id))


def _judge(item: NewPhoto, inspections: Mapping[UUID, _Inspection], present: Mapping[UUID, Photo], twice: set[object]) -> Result:
    inspection = inspections.get(item.inspection_id)
    if inspection is None:
        return refused([Fault("/inspectionId", "no-such-reference", {"what": "inspection", "id": item.inspection_id})], item.id)
    known = present.get(item.id)
    if known is not None:
        if same(known, {name: value for name, value in item.columns().items() if value is not None or name not in LATER}):
            return Result(Outcome.UNCHANGED, item.id)
        return refused([Fault("/id", "photo-declared-otherwise", {"id": item.id})], item.id)
    faults = check(item, questions=inspection.questions)
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    if inspection.photos >= MOST_PHOTOS:
        faults.append(Fault("/inspectionId", "too-many-photos", {"max": MOST_PHOTOS}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def key_of(actor: Actor, photo: Photo, sha256: bytes) -> str:
    """Where the bytes of the actor's own photo belong."""
    return object_key(cast("UUID", actor.organisation_id), photo.id, sha256)


def link(actor: Actor, photo: Photo) -> PutLink | None:
    """Where to send the bytes of the actor's own photo while it is awaited; None when its digest is not known yet. Raises Unavailable."""
    if photo.state is not PhotoState.DECLARED or photo.sha256 is None or photo.size_bytes is None:
        return None
    key = key_of(actor, photo, photo.sha256)
    return storage.put_link(key, sha256=photo.sha256, size_bytes=photo.size_bytes, content_type=photo.content_type.value)


def look(actor: Actor, photo: Photo) -> StoredObject:
    """What the object store has for the actor's own photo. Not to be called inside a transaction. Raises PhotoBytesMissing, Unavailable."""
    found = _look(actor, photo)
    if found is None:
        raise PhotoBytesMissing()
    return found


def look_each(actor: Actor, photos: Sequence[Photo]) -> dict[UUID, StoredObject]:
    """What the object store has for these photos, as `look`, some at a time. Raises Unavailable."""
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        found = pool.map(lambda photo: _look(actor, photo), photos)
        return {photo.id: each for photo, each in zip(photos, found, strict=True) if each is not None}


def _look(actor: Actor, photo: Photo) -> StoredObject | None:
    if photo.sha256 is None:
        return None
    key = key_of(actor, photo, photo.sha256)
    found = storage.find(key)
    return found if found is None or found.sha256 is not None else StoredObject(found.size_bytes, storage.digest(key))


def mark_stored(session: Session, actor: Actor, photo_id: UUID, found: StoredObject) -> Shown:
    """Record that ``found`` are the declared bytes, and let a worker examine them. Once it is stored, calling again changes nothing.

    Raises NotAllowed, NotFound, PhotoGone, PhotoBytesDiffer.
    """
    photo = own_locked(session, actor, photo_id)
    check_not_gone(photo)
    if photo.state is not PhotoState.DECLARED:
        return shown(session, photo)
    arrival = _arrival(actor, photo, found)
    if arrival is None:
        raise differ(photo, found)
    return Shown(photo, images.attach_each(session, actor, [arrival])[arrival.sha256])


def mark_stored_each(session: Session, actor: Actor, found: Mapping[UUID, StoredObject]) -> dict[UUID, Photo]:
    """As `mark_stored` for many photos, by id; one whose bytes differ is left awaited. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    locked = sa.select(Photo).where(Photo.id.in_(found), Photo.inspection_id.in_(_own_inspections(actor))).order_by(Photo.id)
    photos = session.scalars(locked.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    arrivals = [_arrival(actor, photo, found[photo.id]) for photo in photos if photo.state is PhotoState.DECLARED]
    images.attach_each(session, actor, [arrival for arrival in arrivals if arrival is not None])
    return {photo.id: photo for photo in photos}


def _arrival(actor: Actor, photo: Photo, found: StoredObject) -> Arrival | None:
    """None when the bytes are not the declared ones."""
    sha256, size_bytes = photo.sha256 or found.sha256 or b"", photo.size_bytes or found.size_bytes
    if (found.sha256, found.size_bytes) != (sha256, size_bytes):
        return None
    return Arrival(photo, sha256, size_bytes, key_of(actor, photo, sha256))


def check_not_gone(photo: Photo) -> None:
    """Raises PhotoGone."""
    if photo.state in (PhotoState.WITHDRAWN, PhotoState.DESTROYED):
        raise PhotoGone(what="photo", id=photo.id)


def differ(photo: Photo, found: StoredObject) -> PhotoBytesDiffer:
    """The bytes are not the declared ones."""
    expected, seen = (digest.hex() if digest else "?" for digest in (photo.sha256, found.sha256))
    return PhotoBytesDiffer(expected=f"sha256 {expected}, {photo.size_bytes or '?'} bytes", found=f"sha256 {seen}, {found.size_bytes} bytes")


def withdraw(session: Session, actor: Actor, photo_id: UUID, reason: str) -> Photo:
    """Take a photo back: nobody sees it any more, and that it was there stays. Doing it again changes nothing.

    Raises NotAllowed, NotFound, PhotoGone when it is destroyed.
    """
    own(session, actor, photo_id)
    end_uploads(session, photo_id)
    photo = own_locked(session, actor, photo_id)  # after its upload, in the order in which an upload is finished
    if photo.state is PhotoState.DESTROYED:
        raise PhotoGone(what="photo", id=photo_id)
    if photo.state is PhotoState.WITHDRAWN:
        return photo
    change(session, photo, {"state": PhotoState.WITHDRAWN, "withdrawn_at": clock.now(), "withdrawn_by": actor.person_id, "withdrawal_reason": reason})
    audit.record(session, actor, "photo.withdrawn", "photo", photo_id, details={"reason": reason})
    jobs.enqueue(session, jobs.FORGET_REPORTS, inspection_id=str(photo.inspection_id))
    images.told(session, photo, action="photo.withdrawn")
    settle(session, actor, [photo.inspection_id])
    return photo


def own_each(session: Session, actor: Actor, photo_ids: Collection[UUID]) -> dict[UUID, Photo]:
    """Those of these photos whose inspections are assigned to the actor. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    query = sa.select(Photo).where(Photo.id.in_(photo_ids), Photo.inspection_id.in_(_own_inspections(actor)))
    return {photo.id: photo for photo in session.scalars(query)}


def _own_inspections(actor: Actor) -> "sa.Select[UUID]":
    return sa.select(Inspection.id).where(visible_to(actor), Inspection.assignee_id == actor.person_id)


_OWN = sa.select(Photo).where(
    Photo.id == sa.bindparam("photo_id"),
    Photo.inspection_id.in_(
        sa.select(Inspection.id).where(Inspection.assignee_id == sa.bindparam("person_id"), Inspection.organisation_id == sa.bindparam("organisation_id"))
    ),
)
_OWN_LOCKED = _OWN.with_for_update(key_share=True).execution_options(populate_existing=True)


def own(session: Session, actor: Actor, photo_id: UUID) -> Photo:
    """The photo when its inspection is assigned to the actor. Raises NotAllowed, NotFound."""
    return _found(session, actor, photo_id, _OWN)


def own_locked(session: Session, actor: Actor, photo_id: UUID) -> Photo:
    """As `own`, with nobody changing it before the end of the transaction."""
    return _found(session, actor, photo_id, _OWN_LOCKED)


def _found(session: Session, actor: Actor, photo_id: UUID, query: "sa.Select[Photo]") -> Photo:
    require(actor, Right.INSPECT)
    photo = session.scalar(query, {"photo_id": photo_id, "person_id": actor.person_id, "organisation_id": actor.organisation_id})
    if photo is None:
        raise NotFound(what="photo", id=photo_id)
    return photo
