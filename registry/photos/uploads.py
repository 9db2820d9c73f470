"""How a photo gets in: it is declared, its bytes go straight to the object store by a signed link, and it is stored once the register has seen them there.

`declare_each` → the phone PUTs to `link` → `mark_stored`. The same photo may be declared and completed any number of times.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock, jobs, storage
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, insert_new, refused, repeated
from registry.changes.commands import announce, announce_each
from registry.changes.model import ChangeKind
from registry.checklists.model import Checklist
from registry.checklists.rules import questions
from registry.dwellings.model import Dwelling
from registry.dwellings.queries import municipality_of
from registry.errors import Fault, NotFound
from registry.inspections.model import Inspection
from registry.inspections.queries import visible_to
from registry.photos.model import Photo, PhotoBytesDiffer, PhotoBytesMissing, PhotoState
from registry.photos.rules import MOST_PHOTOS, NewPhoto, check, object_key
from registry.storage import PutLink, StoredObject
from registry.versioned import Outcome, change, same

READ_STEP_BYTES = 256 * 1024


def declare_each(session: Session, actor: Actor, items: Sequence[NewPhoto]) -> list[Result]:
    """Announce photos of inspections assigned to the actor; one that is declared already with the same particulars is left as it is.

    Raises NotAllowed.
    """
    require(actor, Right.INSPECT)
    inspections = _inspections(session, actor, {item.inspection_id for item in items})
    return create_each(
        lambda: _judge_each(session, items, inspections),
        lambda places: _insert(session, actor, [items[place] for place in places], inspections),
    )


@dataclass(frozen=True, slots=True)
class _Inspection:
    """An inspection as far as its photos are concerned."""

    organisation_id: UUID
    municipality_code: str
    questions: frozenset[str]
    photos: int


def _insert(session: Session, actor: Actor, items: Sequence[NewPhoto], inspections: Mapping[UUID, _Inspection]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else declared at the same moment."""
    keys = {item.id: object_key(inspections[item.inspection_id].organisation_id, item) for item in items}
    inserted = insert_new(session, Photo, [{**item.columns(), "object_key": keys[item.id], "declared_by": actor.person_id} for item in items])
    declared = [item for item in items if item.id in inserted]
    audit.record_each(session, actor, "photo.declared", "photo", [(item.id, {"inspectionId": str(item.inspection_id)}) for item in declared])
    told = ((item.id, inspections[item.inspection_id]) for item in declared)
    announce_each(session, ChangeKind.PHOTO, [(id, inspection.municipality_code, inspection.organisation_id) for id, inspection in told])
    return [item.id if item.id in inserted else None for item in items]


def _judge_each(session: Session, items: Sequence[NewPhoto], inspections: Mapping[UUID, _Inspection]) -> list[Result]:
    present = {photo.id: photo for photo in session.scalars(sa.select(Photo).where(Photo.id.in_([item.id for item in items])))}
    twice = repeated([item.id for item in items])
    return [_judge(item, inspections, present, twice) for item in items]


def _inspections(session: Session, actor: Actor, ids: set[UUID]) -> dict[UUID, _Inspection]:
    """Those of these inspections that are assigned to the actor."""
    photos = sa.select(sa.func.count()).where(Photo.inspection_id == Inspection.id).scalar_subquery()
    query = (
        sa.select(Inspection.id, Inspection.organisation_id, Dwelling.municipality_code, Checklist.content, photos.label("photos"))
        .join(Checklist, Checklist.id == Inspection.checklist_id)
        .join(Dwelling, Dwelling.id == Inspection.dwelling_id)
        .where(Inspection.id.in_(ids), visible_to(actor), Inspection.assignee_id == actor.person_id)
    )
    return {
        row.id: _Inspection(row.organisation_id, row.municipality_code, frozenset(question.key for question in questions(row.content)), row.photos)
        for row in session.execute(query)
    }


def _judge(item: NewPhoto, inspections: Mapping[UUID, _Inspection], present: Mapping[UUID, Photo], twice: set[object]) -> Result:
    inspection = inspections.get(item.inspection_id)
    if inspection is None:
        return refused([Fault("/inspectionId", "no-such-reference", {"what": "inspection", "id": item.inspection_id})], item.id)
    known = present.get(item.id)
    if known is not None:
        if same(known, item.columns()):
            return Result(Outcome.UNCHANGED, item.id)
        return refused([Fault("/id", "photo-declared-otherwise", {"id": item.id})], item.id)
    faults = check(item, questions=inspection.questions)
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    if inspection.photos >= MOST_PHOTOS:
        faults.append(Fault("/inspectionId", "too-many-photos", {"max": MOST_PHOTOS}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def link(photo: Photo) -> PutLink | None:
    """Where to send the bytes of a photo that is still awaited."""
    if photo.state is not PhotoState.DECLARED:
        return None
    return storage.put_link(photo.object_key, sha256=photo.sha256, size_bytes=photo.size_bytes, content_type=photo.content_type.value)


def look(photo: Photo) -> StoredObject:
    """What the object store has for this photo. Not to be called inside a transaction. Raises PhotoBytesMissing, Unavailable."""
    found = storage.find(photo.object_key)
    if found is None:
        raise PhotoBytesMissing()
    return found if found.sha256 is not None else StoredObject(found.size_bytes, _digest(photo.object_key))


def _digest(key: str) -> bytes:
    """For stores that keep no checksum: read the object in steps."""
    digest = hashlib.sha256()
    with storage.opened(key) as stream:
        while step := stream.read(READ_STEP_BYTES):
            digest.update(step)
    return digest.digest()


def mark_stored(session: Session, actor: Actor, photo_id: UUID, found: StoredObject) -> Photo:
    """Record that ``found`` are the declared bytes, and let a worker examine them. Once it is stored, calling again changes nothing.

    Raises NotAllowed, NotFound, PhotoBytesDiffer.
    """
    photo = own(session, actor, photo_id)
    session.refresh(photo, with_for_update={"key_share": True})
    if photo.state is not PhotoState.DECLARED:
        return photo
    if (found.sha256, found.size_bytes) != (photo.sha256, photo.size_bytes):
        raise PhotoBytesDiffer(
            expected=f"sha256 {photo.sha256.hex()}, {photo.size_bytes} bytes", found=f"sha256 {cast('bytes', found.sha256).hex()}, {found.size_bytes} bytes"
        )
    change(session, photo, {"state": PhotoState.STORED, "stored_at": clock.now()})
    jobs.enqueue(session, jobs.EXAMINE_PHOTO, lock=str(photo_id), photo_id=str(photo_id))
    audit.record(session, actor, "photo.stored", "photo", photo_id, details={"sha256": photo.sha256.hex(), "sizeBytes": photo.size_bytes})
    municipality = municipality_of(session, session.get_one(Inspection, photo.inspection_id).dwelling_id)
    announce(session, ChangeKind.PHOTO, photo_id, municipality_code=municipality, organisation_id=actor.organisation_id)
    return photo


def own(session: Session, actor: Actor, photo_id: UUID) -> Photo:
    """The photo when its inspection is assigned to the actor. Raises NotAllowed, NotFound."""
    require(actor, Right.INSPECT)
    mine = sa.select(Inspection.id).where(visible_to(actor), Inspection.assignee_id == actor.person_id)
    photo = session.scalar(sa.select(Photo).where(Photo.id == photo_id, Photo.inspection_id.in_(mine)))
    if photo is None:
        raise NotFound(what="photo", id=photo_id)
    return photo
