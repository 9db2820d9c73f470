"""Planning the visit after one in vain."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.model import Checklist
from registry.checklists.queries import newest_published
from registry.errors import Conflict, Fault, NotFound, RuleViolation
from registry.inspections.model import Inspection, InspectionStatus
from registry.inspections.planning import Plan, plan
from registry.inspections.queries import find_locked
from registry.inspections.visits import due_on
from registry.versioned import Outcome


class NoVisitInVain(Conflict):
    """The visit was carried out, or is not submitted yet: nothing is to be done again."""

    code = "no-visit-in-vain"


class NextVisitPlanned(Conflict):
    """The next visit is planned already."""

    code = "next-visit-planned"


@dataclass(frozen=True, slots=True)
class NextVisit:
    """What differs from the visit in vain; what is None stays as it was, and ``due_on`` follows from the advice.

    ``basis`` is why somebody may go there although the advice is not to: the consent, the authorisation, how the hazard was dealt with, the right address.
    """

    id: UUID | None = None
    due_on: date | None = None
    assignee_id: UUID | None = None
    team_id: UUID | None = None
    note: str | None = None
    basis: str | None = None


def plan_next(session: Session, actor: Actor, inspection_id: UUID, wanted: NextVisit) -> tuple[Inspection, Outcome]:
    """Plan the visit after one in vain, with the newest edition of its checklist. A client-made id that exists as this next visit changes nothing.

    Raises NotAllowed, NotFound, NoVisitInVain, NextVisitPlanned, RuleViolation (a basis is needed; or what `planning.plan` finds).
    """
    require(actor, Right.PLAN_INSPECTIONS)
    before = find_locked(session, actor, inspection_id)
    if before is None:
        raise NotFound(what="inspection", id=inspection_id)
    following = _following(session, inspection_id)
    if following is not None:
        if following.id == wanted.id:
            return following, Outcome.UNCHANGED
        raise NextVisitPlanned(id=following.id)
    advice = before.advice
    if advice is None or before.submitted_at is None:
        raise NoVisitInVain()
    if not advice.next_visit and not (wanted.basis or "").strip():
        raise RuleViolation([Fault("/basis", "next-visit-needs-basis")])
    item = replace(_as_before(session, before, wanted), due_on=wanted.due_on or due_on(advice, today=clock.today()))
    made, outcome = plan(session, actor, item)
    details = {"nextId": str(made.id), **({"basis": wanted.basis} if wanted.basis else {})}
    audit.record(session, actor, "inspection.next-visit-planned", "inspection", inspection_id, details=dict(details))
    return made, outcome


def _following(session: Session, inspection_id: UUID) -> Inspection | None:
    query = sa.select(Inspection).where(Inspection.previous_id == inspection_id, Inspection.status != InspectionStatus.WITHDRAWN)
    return session.scalar(query.order_by(Inspection.id).limit(1))


def _as_before(session: Session, before: Inspection, wanted: NextVisit) -> Plan:
    """A new assignee or team takes the place of both; otherwise both stay."""
    changed = wanted.assignee_id is not None or wanted.team_id is not None
    return Plan(
        before.dwelling_id,
        _newest(session, before.checklist_id),
        before.occasion,
        before.organisation_id,
        assignee_id=wanted.assignee_id if changed else before.assignee_id,
        team_id=wanted.team_id if changed else before.team_id,
        note=before.note if wanted.note is None else wanted.note,
        previous_id=before.id,
        id=wanted.id,
    )


def _newest(session: Session, checklist_id: UUID) -> UUID:
    """The newest published edition of the checklist, or the edition itself when none is: planning says then what is wrong with it."""
    key = session.scalars(sa.select(Checklist.key).where(Checklist.id == checklist_id)).one()
    return newest_published(session, [key]).get(key, checklist_id)
