"""Whether everything of an inspection is here: no photo is awaited, and none that an answer demands is missing.

That is said once, in `standing`. A submitted inspection has it in ``complete_at``, which follows its photos: whoever lets a photo arrive, be rejected or be
taken back calls `settle` in the same transaction, after the photo is changed. It locks the inspection, whatever its status; so does a submission, which counts
the photos after it has the lock. So one of the two sees the other, and the last of them finds it complete, once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, the_system
from registry.audit import commands as audit
from registry.checklists.queries import questions_of
from registry.checklists.questions import Question
from registry.checklists.rules import photos_missing
from registry.db import Json, reading, transaction
from registry.errors import Fault
from registry.inspections import own_photos
from registry.inspections.announcing import tell
from registry.inspections.model import FROZEN, Inspection, VisitOutcome
from registry.inspections.own_photos import AWAITED, PhotoCount
from registry.versioned import change

SETTLED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What is still to come. ``awaited`` counts photos that are declared and not here; ``missing`` names what was not even declared, by question."""

    awaited: int
    missing: Sequence[Fault]

    @property
    def complete(self) -> bool:
        return not self.awaited and not self.missing


def standing(asked: Sequence[Question], answers: Mapping[str, Json], outcome: VisitOutcome | None, photos: Iterable[PhotoCount]) -> Standing:
    """Of an inspection with these answers and photos. Where nobody was let in, no photo is demanded."""
    by_question: dict[str, int] = {}
    by_defect: dict[tuple[str, str], int] = {}
    awaited = 0
    for each in photos:
        awaited += each.photos if each.state == AWAITED else 0
        if each.counts:
            by_question[each.question] = by_question.get(each.question, 0) + each.photos
            if each.defect is not None:
                by_defect[each.question, each.defect] = by_defect.get((each.question, each.defect), 0) + each.photos
    visited = outcome in (None, VisitOutcome.DONE)
    return Standing(awaited, photos_missing(asked, answers, by_question, by_defect) if visited else ())


def of(session: Session, inspection: Inspection) -> Standing:
    """What is still to come of an inspection. Whoever asks has seen to it that the actor may know."""
    if inspection.complete_at is not None:
        return Standing(0, ())
    asked = questions_of(session, inspection.checklist_id)
    return standing(asked, inspection.answers, inspection.visit_outcome, own_photos.counts(session, [inspection.id])[inspection.id])


_LOCK = (
    sa.select(Inspection.id, Inspection.status, Inspection.complete_at)
    .where(Inspection.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(Inspection.id)
    .with_for_update(key_share=True)
)


def settle(session: Session, actor: Actor, inspection_ids: Collection[UUID]) -> int:
    """Photos of these inspections changed: let those that are submitted be complete, or not, from now on. How many that changed.

    ``actor`` is whoever changed the photos, and has been allowed to. One statement for inspections that are not submitted.
    """
    rows = session.execute(_LOCK, {"ids": sorted(set(inspection_ids))}).all() if inspection_ids else []
    submitted = {row.id: row.complete_at is not None for row in rows if row.status in FROZEN}
    if not submitted:
        return 0
    photos = own_photos.counts(session, submitted)  # after the lock, so that it sees what others let arrive meanwhile
    awaiting = {id for id, counted in photos.items() if any(each.state == AWAITED for each in counted)}
    doubtful = [id for id, complete in submitted.items() if complete or id not in awaiting]
    query = sa.select(Inspection).where(Inspection.id.in_(doubtful)).order_by(Inspection.id).execution_options(populate_existing=True)
    turned = 0
    for inspection in session.scalars(query).all() if doubtful else ():
        found = standing(questions_of(session, inspection.checklist_id), inspection.answers, inspection.visit_outcome, photos[inspection.id])
        if found.complete is not (inspection.complete_at is not None):
            _turn(session, actor, inspection, found)
            turned += 1
    return turned


def _turn(session: Session, actor: Actor, inspection: Inspection, found: Standing) -> None:
    change(session, inspection, {"complete_at": clock.now() if found.complete else None})
    action = "inspection.completed" if found.complete else "inspection.incomplete"
    audit.record(session, actor, action, "inspection", inspection.id, details={"version": inspection.version, "revision": inspection.revision})
    tell(session, inspection, action)


def settle_again() -> int:
    """For the worker: look at every submitted inspection that is not complete, in case one was missed. How many were. Raises Unavailable."""
    after, missed = UUID(int=0), 0
    while True:
        with reading() as session:
            incomplete = sa.and_(Inspection.submitted_at.is_not(None), Inspection.complete_at.is_(None))
            ids = session.scalars(sa.select(Inspection.id).where(incomplete, Inspection.id > after).order_by(Inspection.id).limit(SETTLED_AT_ONCE)).all()
        if not ids:
            return missed
        with transaction() as session:
            missed += settle(session, the_system(f"settle-{ids[0]}"), ids)
        after = ids[-1]
