"""Reading inspections."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import NotFound
from registry.inspections.model import Inspection, InspectionStatus
from registry.pages import Page, page_of


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """An inspector sees her own inspections, a reviewer those of the organisation, others those of the dwellings they see."""
    if actor.role is Role.INSPECTOR:
        return sa.and_(Inspection.assignee_id == actor.person_id, Inspection.organisation_id == actor.organisation_id)
    if actor.role is Role.REVIEWER:
        return Inspection.organisation_id == actor.organisation_id
    return Inspection.dwelling_id.in_(sa.select(Dwelling.id).where(dwellings.visible_to(actor)))


def get(session: Session, actor: Actor, inspection_id: UUID) -> Inspection:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_INSPECTIONS)
    inspection = session.scalar(sa.select(Inspection).where(Inspection.id == inspection_id, visible_to(actor)))
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    return inspection


def list_(
    session: Session, actor: Actor, *, status: InspectionStatus | None, dwelling_id: UUID | None, assignee_id: UUID | None, after: UUID | None, limit: int
) -> Page[Inspection]:
    """One page in the order of the id. Raises NotAllowed."""
    require(actor, Right.READ_INSPECTIONS)
    query = sa.select(Inspection).where(visible_to(actor)).order_by(Inspection.id).limit(limit + 1)
    for column, wanted in ((Inspection.status, status), (Inspection.dwelling_id, dwelling_id), (Inspection.assignee_id, assignee_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(Inspection.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda inspection: str(inspection.id))
