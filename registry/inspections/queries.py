"""Reading inspections."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import NotFound
from registry.inspections.model import Inspection, InspectionStatus, Occasion
from registry.members.teams import teams_of
from registry.pages import Page, page_of


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """An inspector sees her own inspections and those that a team of hers may take, a reviewer those of the organisation, others those of the dwellings they
    see.
    """
    if actor.role is Role.INSPECTOR:
        untaken = sa.and_(Inspection.assignee_id.is_(None), Inspection.team_id.in_(teams_of(actor.person_id, actor.organisation_id)))
        return sa.and_(sa.or_(Inspection.assignee_id == actor.person_id, untaken), Inspection.organisation_id == actor.organisation_id)
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


def find_locked(session: Session, actor: Actor, inspection_id: UUID) -> Inspection | None:
    """An inspection that the actor sees, as it stands now, which nobody else changes before the end of the transaction."""
    query = sa.select(Inspection).where(Inspection.id == inspection_id, visible_to(actor)).with_for_update(key_share=True)
    return session.scalar(query.execution_options(populate_existing=True))


def find_each(session: Session, actor: Actor, inspection_ids: Collection[UUID]) -> dict[UUID, Inspection]:
    """Those of these inspections that the actor may see. Raises NotAllowed."""
    require(actor, Right.READ_INSPECTIONS)
    if not inspection_ids:
        return {}
    return {each.id: each for each in session.scalars(sa.select(Inspection).where(Inspection.id.in_(inspection_ids), visible_to(actor)))}


def list_(
    session: Session,
    actor: Actor,
    *,
    status: InspectionStatus | None = None,
    dwelling_id: UUID | None = None,
    line_of: UUID | None = None,
    assignee_id: UUID | None = None,
    team_id: UUID | None = None,
    occasion: Occasion | None = None,
    complete: bool | None = None,
    after: UUID | None,
    limit: int,
) -> Page[Inspection]:
    """One page in the order of the id. ``complete`` asks for what was submitted, and is all here or not. ``line_of`` asks for a dwelling with all before and
    after it. Raises NotAllowed.
    """
    require(actor, Right.READ_INSPECTIONS)
    query = sa.select(Inspection).where(visible_to(actor)).order_by(Inspection.id).limit(limit + 1)
    columns = (Inspection.status, Inspection.dwelling_id, Inspection.assignee_id, Inspection.team_id, Inspection.occasion)
    for column, wanted in zip(columns, (status, dwelling_id, assignee_id, team_id, occasion), strict=True):
        if wanted is not None:
            query = query.where(column == wanted)
    if line_of is not None:
        query = query.where(Inspection.dwelling_id.in_(dwellings.line_of(line_of)))
    if complete is not None:
        query = query.where(Inspection.submitted_at.is_not(None), Inspection.complete_at.is_not(None) if complete else Inspection.complete_at.is_(None))
    if after is not None:
        query = query.where(Inspection.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda inspection: str(inspection.id))
