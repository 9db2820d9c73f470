"""Receipts: what has arrived of one inspection, of a whole day of a phone, and of what a phone says it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.batch import LARGEST_BATCH
from registry.checklists.queries import questions_of
from registry.checklists.questions import Question
from registry.checklists.rules import digest
from registry.errors import Fault
from registry.inspections import completeness, own_photos
from registry.inspections import queries as inspections
from registry.inspections.completeness import Standing
from registry.inspections.model import FROZEN, Inspection, InspectionConflict, InspectionEdit, InspectionRevision, InspectionStatus
from registry.inspections.rules import document_of
from registry.pages import Page, page_of
from registry.photos import images
from registry.photos.model import THERE, Image, Photo, PhotoState
from registry.photos.queries import Shown
from registry.photos.rules import MOST_PHOTOS

LONGEST_RECEIPT: Final = MOST_PHOTOS + LARGEST_BATCH
"""Photos of one inspection; there can't be more."""
GONE: Final = (PhotoState.WITHDRAWN, PhotoState.DESTROYED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What has arrived of an inspection. It is complete when it is submitted, no photo is awaited and none that an answer demands is missing.

    A rejected photo, or one that was taken back, does not count as one that an answer demands.
    """

    inspection: Inspection
    photos: Sequence[Photo]
    images: Mapping[UUID, Image]
    standing: Standing

    @property
    def dwelling_id(self) -> UUID:
        return self.inspection.dwelling_id

    @property
    def shown(self) -> list[Shown]:
        return [Shown(photo, self.images.get(photo.image_id) if photo.image_id else None) for photo in self.photos]

    @property
    def awaited(self) -> int:
        return self.standing.awaited

    @property
    def missing(self) -> Sequence[Fault]:
        return self.standing.missing

    @property
    def stored(self) -> int:
        return sum(photo.state in THERE for photo in self.photos)

    @property
    def rejected(self) -> int:
        return sum(photo.state is PhotoState.REJECTED for photo in self.photos)

    @property
    def complete(self) -> bool:
        return self.inspection.status in FROZEN and self.standing.complete


def get(session: Session, actor: Actor, inspection_id: UUID) -> Receipt:
    """Raises NotAllowed, NotFound."""
    inspection = inspections.get(session, actor, inspection_id)
    photos = session.scalars(sa.select(Photo).where(Photo.inspection_id == inspection_id).order_by(Photo.id).limit(LONGEST_RECEIPT)).all()
    return _receipt(inspection, photos, questions_of(session, inspection.checklist_id), images.of_photos(session, photos))


def _receipt(inspection: Inspection, photos: Sequence[Photo], asked: Sequence[Question], kept: Mapping[UUID, Image]) -> Receipt:
    counted = own_photos.count_each((photo.question, photo.defect, photo.state.value, bool(photo.withdrawn_at or photo.rejection)) for photo in photos)
    standing = completeness.standing(asked, inspection.answers, inspection.visit_outcome, counted)
    return Receipt(inspection, photos, kept, standing)


class Devices(StrEnum):
    """Whose work a receipt of a day is about."""

    THIS = "this"
    """Of the phone that asks; of all of hers when she asks with a browser."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Since:
    """What an inspector did since a moment, with one phone or (``device_id`` None) with any."""

    moment: datetime
    device_id: UUID | None

    def touched(self, actor: Actor) -> sa.ColumnElement[bool]:
        """The inspections of which she wrote, submitted or photographed something."""
        edits = (InspectionEdit.inspection_id, InspectionEdit.person_id, InspectionEdit.recorded_at, InspectionEdit.device_id)
        submissions = (InspectionRevision.inspection_id, InspectionRevision.submitted_by, InspectionRevision.submitted_at, InspectionRevision.device_id)
        photos = (Photo.inspection_id, Photo.declared_by, Photo.recorded_at, Photo.device_id)
        return sa.and_(inspections.visible_to(actor), sa.or_(*(self._has(actor, *columns) for columns in (edits, submissions, photos))))

    def _has(
        self,
        actor: Actor,
        inspection: orm.InstrumentedAttribute[UUID],
        person: orm.InstrumentedAttribute[UUID],
        moment: orm.InstrumentedAttribute[datetime],
        device: orm.InstrumentedAttribute[UUID | None],
    ) -> sa.ColumnElement[bool]:
        """Looked up for each of her inspections, because that is what there are indexes for."""
        found = sa.exists().where(inspection == Inspection.id, person == actor.person_id, moment >= self.moment)
        return found if self.device_id is None else found.where(device == self.device_id)


@dataclass(frozen=True, slots=True)
class Totals:
    """Over all inspections of a day. ``complete`` and ``incomplete`` together are those submitted; ``missing`` are questions and defects that lack photos."""

    inspections: int
    submitted: int
    complete: int
    photos: Mapping[PhotoState, int]
    missing: int
    conflicts: int

    @property
    def incomplete(self) -> int:
        return self.submitted - self.complete

    @property
    def stored(self) -> int:
        return sum(self.photos.get(state, 0) for state in THERE)


def totals(session: Session, actor: Actor, since: Since) -> Totals:
    """Raises NotAllowed."""
    require(actor, Right.INSPECT)
    columns = (Inspection.id, Inspection.status, Inspection.complete_at, Inspection.checklist_id, Inspection.answers, Inspection.visit_outcome)
    touched = session.execute(sa.select(*columns).where(since.touched(actor))).all()
    unfinished = [row for row in touched if row.complete_at is None]
    asked = {id: questions_of(session, id) for id in {row.checklist_id for row in unfinished}}
    counts = own_photos.counts(session, [row.id for row in touched])
    by_state = dict.fromkeys(PhotoState, 0)
    for each in (count for counted in counts.values() for count in counted):
        by_state[PhotoState(each.state)] += each.photos
    return Totals(
        inspections=len(touched),
        submitted=sum(row.status in FROZEN for row in touched),
        complete=sum(row.complete_at is not None for row in touched),
        photos=by_state,
        missing=sum(len(completeness.standing(asked[row.checklist_id], row.answers, row.visit_outcome, counts[row.id]).missing) for row in unfinished),
        conflicts=_open_conflicts(session, actor, since.device_id),
    )


def _open_conflicts(session: Session, actor: Actor, device_id: UUID | None) -> int:
    wanted = sa.and_(InspectionConflict.person_id == actor.person_id, InspectionConflict.resolution.is_(None))
    query = sa.select(sa.func.count()).select_from(InspectionConflict).where(wanted)
    return session.scalar(query if device_id is None else query.where(InspectionConflict.device_id == device_id)) or 0


def page(session: Session, actor: Actor, since: Since, *, after: UUID | None, limit: int) -> Page[Receipt]:
    """The receipts of a day in the order of the inspections' ids; two queries, and one for a checklist that is new here. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    query = sa.select(Inspection).where(since.touched(actor)).order_by(Inspection.id).limit(limit + 1)
    found = page_of(session.scalars(query if after is None else query.where(Inspection.id > after)).all(), limit=limit, key=lambda each: str(each.id))
    photos: dict[UUID, list[Photo]] = {}
    ids = [inspection.id for inspection in found.items]
    for photo in session.scalars(sa.select(Photo).where(Photo.inspection_id.in_(ids)).order_by(Photo.id)):
        photos.setdefault(photo.inspection_id, []).append(photo)
    asked = {id: questions_of(session, id) for id in {inspection.checklist_id for inspection in found.items}}
    return Page([_receipt(each, photos.get(each.id, []), asked[each.checklist_id], {}) for each in found.items], found.next)


class Held(StrEnum):
    """What the register has of something that a phone holds."""

    STORED = "stored"
    AWAITED = "awaited"
    REJECTED = "rejected"
    GONE = "gone"
    """It was here, and was taken back or destroyed."""
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """``deletable``: nothing is lost when the phone deletes its own copy."""

    id: UUID
    held: Held
    deletable: bool
    version: int | None = None
    status: InspectionStatus | None = None
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class OnPhone:
    """An inspection as a phone has it: the version that it got from the register, and the digest of the document when it has one of its own."""

    id: UUID
    version: int | None
    digest: bytes | None


def compare_photos(session: Session, actor: Actor, held: Mapping[UUID, bytes]) -> list[Answer]:
    """What has become of photos whose bytes have these digests on the phone, in that order. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    visible = sa.select(Inspection.id).where(inspections.visible_to(actor))
    query = sa.select(Photo.id, Photo.state, Photo.sha256, Photo.rejection).where(Photo.id.in_(held), Photo.inspection_id.in_(visible))
    known = {row.id: row for row in session.execute(query)}
    return [_photo(id, sha256, known.get(id)) for id, sha256 in held.items()]


def _photo(id: UUID, sha256: bytes, known: "sa.Row[UUID, PhotoState, bytes | None, str | None] | None") -> Answer:
    if known is None:
        return Answer(id, Held.UNKNOWN, False)
    if known.state in GONE:
        return Answer(id, Held.GONE, True)
    if known.sha256 not in (None, sha256):
        return Answer(id, Held.DIFFERS, False)
    if known.state in THERE:
        return Answer(id, Held.STORED, True)
    if known.state is PhotoState.REJECTED:
        return Answer(id, Held.REJECTED, False, rejection=known.rejection)
    return Answer(id, Held.AWAITED, False)


def compare_inspections(session: Session, actor: Actor, held: Sequence[OnPhone]) -> list[Answer]:
    """What the register has of inspections that a phone has, in that order. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    query = sa.select(Inspection).where(Inspection.id.in_([each.id for each in held]), inspections.visible_to(actor))
    known = {inspection.id: inspection for inspection in session.scalars(query)}
    return [_inspection(each, known.get(each.id)) for each in held]


def _inspection(held: OnPhone, known: Inspection | None) -> Answer:
    """The document may be deleted from the phone when it is the one in the register, and nobody works on it any more."""
    if known is None:
        return Answer(held.id, Held.UNKNOWN, False)
    if known.status is InspectionStatus.WITHDRAWN:
        return Answer(held.id, Held.GONE, held.digest in (None, digest_of(known)), known.version, known.status)
    as_here = held.digest == digest_of(known) if held.digest is not None else held.version == known.version
    if not as_here:
        return Answer(held.id, Held.DIFFERS, False, known.version, known.status)
    return Answer(held.id, Held.STORED, known.complete_at is not None, known.version, known.status)


def digest_of(inspection: Inspection) -> bytes:
    """The sha256 of the canonical JSON of its document, as it would be in a revision."""
    return digest(document_of(inspection).as_json())
