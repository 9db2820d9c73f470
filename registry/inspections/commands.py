"""Planning, filling in and submitting inspections."""

from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.checklists.model import Checklist
from registry.checklists.rules import Question, check_answers, check_complete, questions
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import AlreadyExists, Fault, NotFound, NotYours, RuleViolation
from registry.inspections.model import AnswersInvalid, Inspection, InspectionConflict, InspectionStatus, InspectionSubmitted, Occasion, VisitOutcome
from registry.inspections.queries import visible_to
from registry.inspections.rules import Document, differences
from registry.members import queries as members
from registry.organisations.model import Organisation
from registry.versioned import Outcome, VersionRequired, change, check_version, same


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
    municipality = _check_plan(session, actor, item)
    inspection = Inspection(**item.columns(), planned_by=actor.person_id, **({"id": item.id} if item.id else {}))
    session.add(inspection)
    session.flush()
    session.refresh(inspection)
    audit.record(
        session, actor, "inspection.planned", "inspection", inspection.id, details={"dwellingId": str(item.dwelling_id), "occasion": item.occasion.value}
    )
    announce(session, ChangeKind.INSPECTION, inspection.id, municipality_code=municipality, organisation_id=item.organisation_id)
    return inspection, Outcome.CREATED


def _check_plan(session: Session, actor: Actor, item: Plan) -> str:
    """The municipality code of the dwelling. Raises RuleViolation."""
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
    return cast("str", municipality)


def fill_in(session: Session, actor: Actor, inspection_id: UUID, document: Document, *, expected: int | None) -> Inspection:
    """Replace the answers of an inspection. The same document again gives the same inspection, whatever version it was based on.

    Raises NotAllowed, NotFound, InspectionSubmitted, VersionRequired, InspectionConflict (both versions and their differences), AnswersInvalid.
    """
    inspection, asked = _locked(session, actor, inspection_id)
    if same(inspection, document.columns()):
        return inspection
    if inspection.status is InspectionStatus.SUBMITTED:
        raise InspectionSubmitted()
    if expected is None:
        raise VersionRequired()
    if expected != inspection.version:
        theirs = Document(inspection.answers, inspection.visit_outcome, inspection.visited_at, inspection.remarks)
        raise InspectionConflict(current=inspection.version, yours=document, theirs=theirs, differences=differences(document, theirs))
    faults = check_answers(asked, document.answers)
    if faults:
        raise AnswersInvalid(faults)
    change(session, inspection, document.columns())
    audit.record(session, actor, "inspection.filled-in", "inspection", inspection_id, details={"version": inspection.version})
    _announce(session, inspection)
    return inspection


def submit(session: Session, actor: Actor, inspection_id: UUID, *, expected: int | None = None) -> Inspection:
    """Submit an inspection: from now on its answers stand. Photos may still be under way. Submitting it again changes nothing.

    ``expected``, when given, is the version whose answers are meant.

    Raises NotAllowed, NotFound, Stale, AnswersInvalid (everything that is missing or wrong, by question).
    """
    inspection, asked = _locked(session, actor, inspection_id)
    if inspection.status is InspectionStatus.SUBMITTED:
        return inspection
    if expected is not None:
        check_version(inspection, expected)
    faults = _faults_at_submission(inspection, asked)
    if faults:
        raise AnswersInvalid(faults)
    change(session, inspection, {"status": InspectionStatus.SUBMITTED, "submitted_at": clock.now(), "submitted_by": actor.person_id})
    audit.record(session, actor, "inspection.submitted", "inspection", inspection_id, details={"version": inspection.version})
    _announce(session, inspection)
    return inspection


def _announce(session: Session, inspection: Inspection) -> None:
    municipality = dwellings.municipality_of(session, inspection.dwelling_id)
    announce(session, ChangeKind.INSPECTION, inspection.id, municipality_code=municipality, organisation_id=inspection.organisation_id)


def _faults_at_submission(inspection: Inspection, asked: list[Question]) -> list[Fault]:
    if inspection.visit_outcome is None:
        return [Fault("/visitOutcome", "required"), *check_complete(asked, inspection.answers)]
    if inspection.visit_outcome is VisitOutcome.DONE:
        return check_complete(asked, inspection.answers)
    return [Fault("/answers", "visit-not-done")] if inspection.answers else []


def _locked(session: Session, actor: Actor, inspection_id: UUID) -> tuple[Inspection, list[Question]]:
    """The inspection, locked, and the questions of its checklist. Raises NotAllowed, NotFound, NotYours."""
    require(actor, Right.INSPECT)
    query = sa.select(Inspection).where(Inspection.id == inspection_id, visible_to(actor)).with_for_update(key_share=True)
    inspection = session.scalar(query)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if inspection.assignee_id != actor.person_id:
        raise NotYours()
    return inspection, questions(session.get_one(Checklist, inspection.checklist_id).content)
