"""Planning inspections: where, with which checklist, by whom, and until when."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.checklists.model import Checklist
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import AlreadyExists, Fault, RuleViolation
from registry.inspections.announcing import tell
from registry.inspections.model import Inspection, Occasion
from registry.members import queries as members
from registry.organisations.model import Organisation
from registry.versioned import Outcome, same


@dataclass(frozen=True, slots=True)
class Plan:
    """``organisation_id`` is the inspection body; ``assignee_id`` the person, who may be named later."""

    dwelling_id: UUID
    checklist_id: UUID
    occasion: Occasion
    organisation_id: UUID
    assignee_id: UUID | None = None
    due_on: date | None = None
    id: UUID | None = None

    def columns(self) -> dict[str, object]:
        names = ("dwelling_id", "checklist_id", "occasion", "organisation_id", "assignee_id", "due_on")
        return {name: getattr(self, name) for name in names}


def plan(session: Session, actor: Actor, item: Plan) -> tuple[Inspection, Outcome]:
    """Plan an inspection; a client-made id that exists with the same plan changes nothing.

    Raises NotAllowed, AlreadyExists, RuleViolation.
    """
    require(actor, Right.PLAN_INSPECTIONS)
    known = session.get(Inspection, item.id) if item.id else None
    if known is not None:
        if same(known, item.columns()):
            return known, Outcome.UNCHANGED
        raise AlreadyExists(what="inspection", id=item.id)
    _check_plan(session, actor, item)
    inspection = Inspection(**item.columns(), planned_by=actor.person_id, **({"id": item.id} if item.id else {}))
    session.add(inspection)
    session.flush()
    session.refresh(inspection)
    audit.record(
        session, actor, "inspection.planned", "inspection", inspection.id, details={"dwellingId": str(item.dwelling_id), "occasion": item.occasion.value}
    )
    tell(session, inspection)
    return inspection, Outcome.CREATED


def _check_plan(session: Session, actor: Actor, item: Plan) -> None:
    """Raises RuleViolation."""
    faults = []
    visible = sa.select(Dwelling.municipality_code).where(Dwelling.id == item.dwelling_id, dwellings.visible_to(actor))
    municipality = session.scalar(visible)
    if municipality is None:
        faults.append(Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": item.dwelling_id}))
    if session.get(Checklist, item.checklist_id) is None:
        faults.append(Fault("/checklistId", "no-such-reference", {"what": "checklist", "id": item.checklist_id}))
    if actor.role is Role.REVIEWER and item.organisation_id != actor.organisation_id:
        faults.append(Fault("/organisationId", "not-yours"))
    elif session.get(Organisation, item.organisation_id) is None:
        faults.append(Fault("/organisationId", "no-such-reference", {"what": "organisation", "id": item.organisation_id}))
    elif item.assignee_id is not None and not members.inspects_for(session, item.assignee_id, item.organisation_id):
        faults.append(Fault("/assigneeId", "not-an-inspector-there", {"id": item.assignee_id}))
    if faults:
        raise RuleViolation(faults)
