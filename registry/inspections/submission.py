"""Submitting an inspection: from then on its answers stand."""

from uuid import UUID

from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor
from registry.audit import commands as audit
from registry.checklists.rules import Question, check_complete
from registry.errors import Fault
from registry.inspections.announcing import tell
from registry.inspections.edits import own_locked
from registry.inspections.model import AnswersInvalid, Inspection, InspectionStatus, VisitOutcome
from registry.versioned import change, check_version


def submit(session: Session, actor: Actor, inspection_id: UUID, *, expected: int | None = None) -> Inspection:
    """Submit an inspection: from now on its answers stand. Photos may still be under way. Submitting it again changes nothing.

    ``expected``, when given, is the version whose answers are meant.

    Raises NotAllowed, NotFound, Stale, AnswersInvalid (everything that is missing or wrong, by question).
    """
    inspection, asked = own_locked(session, actor, inspection_id)
    if inspection.status is InspectionStatus.SUBMITTED:
        return inspection
    if expected is not None:
        check_version(inspection, expected)
    faults = _faults_at_submission(inspection, asked)
    if faults:
        raise AnswersInvalid(faults)
    change(session, inspection, {"status": InspectionStatus.SUBMITTED, "submitted_at": clock.now(), "submitted_by": actor.person_id})
    audit.record(session, actor, "inspection.submitted", "inspection", inspection_id, details={"version": inspection.version})
    tell(session, inspection)
    return inspection


def _faults_at_submission(inspection: Inspection, asked: list[Question]) -> list[Fault]:
    if inspection.visit_outcome is None:
        return [Fault("/visitOutcome", "required"), *check_complete(asked, inspection.answers)]
    if inspection.visit_outcome is VisitOutcome.DONE:
        return check_complete(asked, inspection.answers)
    return [Fault("/answers", "visit-not-done")] if inspection.answers else []
