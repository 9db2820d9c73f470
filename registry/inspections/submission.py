"""Submitting an inspection: from then on its answers stand. Photos may come later; what is still to come is said, and does not hold it up."""

from typing import cast
from uuid import UUID

from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.rules import Question, check_complete, digest
from registry.db import Json
from registry.errors import Fault
from registry.inspections import own_photos, scores
from registry.inspections.announcing import tell
from registry.inspections.completeness import Standing, standing
from registry.inspections.edits import own_locked
from registry.inspections.model import FROZEN, AnswersInvalid, Inspection, InspectionRevision, InspectionStatus, InspectionWithdrawn, VisitOutcome
from registry.inspections.rules import document_of
from registry.versioned import change, check_version


def submit(session: Session, actor: Actor, inspection_id: UUID, *, expected: int | None = None) -> Inspection:
    """Submit an inspection: its answers stand, and are kept as a revision with its condition scores. Submitting it again changes nothing.

    ``expected``, when given, is the version whose answers are meant; it is needed for one that the reviewer gave back, because the submission before
    that may be sent again. It is complete at once, or when its last photo arrives (`completeness`).

    Raises NotAllowed, NotFound, InspectionWithdrawn, VersionRequired, Stale, AnswersInvalid (everything that is missing or wrong, by question).
    """
    require(actor, Right.INSPECT)
    inspection, asked = own_locked(session, actor, inspection_id)
    if inspection.status in FROZEN:
        return inspection
    if inspection.status is InspectionStatus.WITHDRAWN:
        raise InspectionWithdrawn(reason=inspection.withdrawal_reason)
    if expected is not None or inspection.status is InspectionStatus.RETURNED:
        check_version(inspection, expected)
    faults = _faults_at_submission(inspection, asked)
    if faults:
        raise AnswersInvalid(faults)
    found = standing(asked, inspection.answers, inspection.visit_outcome, own_photos.counts(session, [inspection_id])[inspection_id])
    revision = _keep(session, actor, inspection, found)
    moment = {"submitted_at": revision.submitted_at, "complete_at": revision.submitted_at if found.complete else None}
    change(session, inspection, {"status": InspectionStatus.SUBMITTED, "submitted_by": actor.person_id, **moment})
    scores.record(session, revision)
    details: dict[str, Json] = {"version": inspection.version, "revision": inspection.revision, "complete": found.complete}
    audit.record(session, actor, "inspection.submitted", "inspection", inspection_id, details=details)
    tell(session, inspection, "inspection.submitted")
    return inspection


def _faults_at_submission(inspection: Inspection, asked: list[Question]) -> list[Fault]:
    if inspection.visit_outcome is None:
        return [Fault("/visitOutcome", "required"), *check_complete(asked, inspection.answers)]
    if inspection.visit_outcome is VisitOutcome.DONE:
        return check_complete(asked, inspection.answers)
    return [Fault("/answers", "visit-not-done")] if inspection.answers else []


def _keep(session: Session, actor: Actor, inspection: Inspection, found: Standing) -> InspectionRevision:
    """The revision, which never changes."""
    document = document_of(inspection)
    revision = InspectionRevision(
        inspection_id=inspection.id,
        revision=inspection.revision,
        **{**document.columns(), "checklist_id": inspection.checklist_id},
        clock_skew_ms=inspection.clock_skew_ms,
        digest=digest(document.as_json()),
        missing=[_as_json(fault) for fault in found.missing],
        submitted_at=clock.now(),
        submitted_by=actor.person_id,
        device_id=actor.device_id,
    )
    session.add(revision)
    session.flush()
    return revision


def _as_json(fault: Fault) -> Json:
    return {"pointer": fault.pointer, "code": fault.code, "facts": cast("dict[str, Json]", dict(fault.facts))}
