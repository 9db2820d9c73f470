"""Reading the revisions of an inspection: what was submitted each time, and what the reviewer said of it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.inspections.model import Inspection, InspectionRevision, Review
from registry.inspections.queries import visible_to

MOST_REVISIONS: Final = 500


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A revision, and the review of it if there was one."""

    revision: InspectionRevision
    review: Review | None
    dwelling_id: UUID


def list_(session: Session, actor: Actor, inspection_id: UUID) -> list[Reviewed]:
    """What was submitted, the first one first. Raises NotAllowed, NotFound."""
    return _read(session, actor, inspection_id, sa.true())


def get(session: Session, actor: Actor, inspection_id: UUID, number: int) -> Reviewed:
    """Raises NotAllowed, NotFound."""
    found = _read(session, actor, inspection_id, InspectionRevision.revision == min(number, MOST_REVISIONS + 1))
    if not found:
        raise NotFound(what="revision", id=number)
    return found[0]


def _read(session: Session, actor: Actor, inspection_id: UUID, wanted: sa.ColumnElement[bool]) -> list[Reviewed]:
    require(actor, Right.READ_INSPECTIONS)
    seen = sa.select(Inspection.dwelling_id).where(Inspection.id == inspection_id, visible_to(actor))
    dwelling_id = session.scalar(seen)
    if dwelling_id is None:
        raise NotFound(what="inspection", id=inspection_id)
    joined = sa.and_(Review.inspection_id == InspectionRevision.inspection_id, Review.revision == InspectionRevision.revision)
    query = sa.select(InspectionRevision, Review).outerjoin(Review, joined).where(InspectionRevision.inspection_id == inspection_id, wanted)
    rows = session.execute(query.order_by(InspectionRevision.revision).limit(MOST_REVISIONS))
    return [Reviewed(revision, review, dwelling_id) for revision, review in rows]
