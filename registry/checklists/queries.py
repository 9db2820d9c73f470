"""Reading checklists."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, may, require
from registry.checklists.model import Checklist, ChecklistStatus
from registry.checklists.rules import Question, questions
from registry.errors import NotFound
from registry.pages import Page, page_of


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Drafts are seen by who keeps the checklists."""
    return sa.true() if may(actor, Right.MANAGE_REFERENCE) else Checklist.status != ChecklistStatus.DRAFT


def is_plannable(checklist: Checklist) -> bool:
    """Whether a new inspection may use it: not before it is published, not after it is retired."""
    return checklist.status is ChecklistStatus.PUBLISHED


def get(session: Session, actor: Actor, checklist_id: UUID) -> Checklist:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_REFERENCE)
    checklist = session.scalar(sa.select(Checklist).where(Checklist.id == checklist_id, visible_to(actor)))
    if checklist is None:
        raise NotFound(what="checklist", id=checklist_id)
    return checklist


def list_(
    session: Session, actor: Actor, *, key: str | None = None, status: ChecklistStatus | None = None, after: UUID | None = None, limit: int
) -> Page[Checklist]:
    """One page in the order of the id. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    query = sa.select(Checklist).where(visible_to(actor)).order_by(Checklist.id).limit(limit + 1)
    if key is not None:
        query = query.where(Checklist.key == key)
    if status is not None:
        query = query.where(Checklist.status == status)
    if after is not None:
        query = query.where(Checklist.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda checklist: str(checklist.id))


def find(session: Session, actor: Actor, key: str, edition: int) -> Checklist | None:
    """Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    return session.scalar(sa.select(Checklist).where(Checklist.key == key, Checklist.edition == edition, visible_to(actor)))


def find_each(session: Session, actor: Actor, checklist_ids: Collection[UUID]) -> dict[UUID, Checklist]:
    """Those of these checklists that the actor may see. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    if not checklist_ids:
        return {}
    return {each.id: each for each in session.scalars(sa.select(Checklist).where(Checklist.id.in_(checklist_ids), visible_to(actor)))}


_MOST_FROZEN = 1000
"""Editions whose questions a process keeps at hand."""
_frozen: dict[UUID, list[Question]] = {}


def newest_published(session: Session, keys: Collection[str]) -> dict[str, UUID]:
    """The newest published edition of each of these checklists; one that has none is left out. For who plans."""
    query = sa.select(Checklist.key, Checklist.id).where(Checklist.key.in_(keys), Checklist.status == ChecklistStatus.PUBLISHED)
    return {row.key: row.id for row in session.execute(query.order_by(Checklist.edition))}


def questions_of(session: Session, checklist_id: UUID) -> list[Question]:
    """The questions of a checklist that exists, in order. Those of an edition that was published never change: a process reads it once."""
    known = _frozen.get(checklist_id)
    if known is None:
        checklist = session.get_one(Checklist, checklist_id)
        known = questions(checklist.content)
        if checklist.status is not ChecklistStatus.DRAFT:
            if len(_frozen) >= _MOST_FROZEN:
                _frozen.clear()
            _frozen[checklist_id] = known
    return known
