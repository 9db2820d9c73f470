"""Reading checklists."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.checklists.model import Checklist
from registry.errors import NotFound
from registry.pages import Page, page_of


def get(session: Session, actor: Actor, checklist_id: UUID) -> Checklist:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_REFERENCE)
    checklist = session.get(Checklist, checklist_id)
    if checklist is None:
        raise NotFound(what="checklist", id=checklist_id)
    return checklist


def list_(session: Session, actor: Actor, *, key: str | None, after: UUID | None, limit: int) -> Page[Checklist]:
    """One page in the order of the id. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    query = sa.select(Checklist).order_by(Checklist.id).limit(limit + 1)
    if key is not None:
        query = query.where(Checklist.key == key)
    if after is not None:
        query = query.where(Checklist.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda checklist: str(checklist.id))
