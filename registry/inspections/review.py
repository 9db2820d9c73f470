"""Reviewing what was submitted: approve it, or give it back with remarks, which opens another revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.queries import questions_of
from registry.db import Json
from registry.errors import Conflict, Fault, NotAllowed, NotFound, RuleViolation, pointer
from registry.inspections import scores
from registry.inspections.announcing import tell, tell_assigned
from registry.inspections.model import Decision, Inspection, InspectionStatus, Review, VisitOutcome
from registry.inspections.queries import find_locked
from registry.trajectories import evidence
from registry.trajectories.evidence import Shows
from registry.versioned import change, check_version, same


class InspectionNotSubmitted(Conflict):
    """There is nothing to review: it is not submitted, or reviewed already and otherwise."""

    code = "inspection-not-submitted"


class OwnInspection(NotAllowed):
    """Nobody reviews what she submitted herself."""

    code = "own-inspection"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``questions`` maps question keys to remarks; ``evidence`` are milestones that an approved inspection shows. ``accept_incomplete`` approves without
    the photos that are still missing or awaited, and says why in the remarks.
    """

    decision: Decision
    remarks: str | None = None
    questions: Mapping[str, str] = field(default_factory=dict)
    evidence: Sequence[Shows] = ()
    accept_incomplete: bool = False

    def columns(self) -> dict[str, object]:
        return {"decision": self.decision, "remarks": self.remarks, "questions": dict(self.questions)}


def review(session: Session, actor: Actor, inspection_id: UUID, verdict: Verdict, *, expected: int | None) -> Inspection:
    """Approve a submitted inspection or give it back. The same review again changes nothing.

    An approved one is evidence for the milestones named, and the dwelling takes over its condition score. One that is given back keeps its answers, to start
    the next revision from.

    Raises NotAllowed, NotFound, OwnInspection, InspectionNotSubmitted, VersionRequired, Stale, RuleViolation.
    """
    inspection = _locked(session, actor, inspection_id)
    if _is_so_already(session, actor, inspection, verdict):
        return inspection
    if inspection.status is not InspectionStatus.SUBMITTED:
        raise InspectionNotSubmitted(status=inspection.status.value)
    if inspection.submitted_by == actor.person_id:
        raise OwnInspection()
    check_version(inspection, expected)
    faults = _faults(session, actor, inspection, verdict)
    if faults:
        raise RuleViolation(faults)
    _keep(session, actor, inspection, verdict)
    change(session, inspection, _after(inspection, verdict.decision))
    session.refresh(inspection, ["review"])
    details: dict[str, Json] = {"version": inspection.version, "revision": inspection.revision, "questions": list[Json](sorted(verdict.questions))}
    audit.record(session, actor, f"inspection.{verdict.decision}", "inspection", inspection_id, details=details)
    if verdict.decision is Decision.APPROVED:
        evidence.keep(session, actor, inspection_id, inspection.dwelling_id, verdict.evidence)
        scores.adopt(session, actor, inspection)
    tell(session, inspection, f"inspection.{verdict.decision}")
    if verdict.decision is Decision.RETURNED and inspection.assignee_id is not None:  # while it was submitted she did not hear of the dwelling
        tell_assigned(session, inspection, [inspection.assignee_id])
    return inspection


def _locked(session: Session, actor: Actor, inspection_id: UUID) -> Inspection:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.REVIEW_INSPECTIONS)
    inspection = find_locked(session, actor, inspection_id)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    return inspection


def _is_so_already(session: Session, actor: Actor, inspection: Inspection, verdict: Verdict) -> bool:
    """Whether this very review was the last thing that happened to the inspection, as far as a reviewer is concerned."""
    done = {InspectionStatus.APPROVED: (Decision.APPROVED, 0), InspectionStatus.RETURNED: (Decision.RETURNED, 1)}.get(inspection.status)
    if done is None or verdict.decision is not done[0]:
        return False
    former = sa.select(Review).where(Review.inspection_id == inspection.id, Review.revision == inspection.revision - done[1])
    known = session.scalar(former.where(Review.recorded_by == actor.person_id))
    return known is not None and same(known, verdict.columns()) and set(verdict.evidence) <= evidence.of_inspection(session, inspection.id)


def _faults(session: Session, actor: Actor, inspection: Inspection, verdict: Verdict) -> list[Fault]:
    asked = {question.key for question in questions_of(session, inspection.checklist_id)}
    faults = [Fault(pointer("questions", key), "unknown-question", {"question": key}) for key in verdict.questions if key not in asked]
    faults += evidence.check(session, actor, verdict.evidence, inspection.dwelling_id)
    if verdict.decision is Decision.RETURNED:
        faults += [] if verdict.remarks or verdict.questions else [Fault("/remarks", "required")]
        faults += [Fault("/evidence", "evidence-when-approved")] if verdict.evidence else []
        return faults
    if verdict.evidence and inspection.visit_outcome is not VisitOutcome.DONE:
        faults.append(Fault("/evidence", "evidence-without-visit"))
    if inspection.complete_at is None:
        faults += _faults_of_incomplete(verdict)
    return faults


def _faults_of_incomplete(verdict: Verdict) -> list[Fault]:
    if not verdict.accept_incomplete:
        return [Fault("/acceptIncomplete", "inspection-incomplete")]
    return [] if verdict.remarks else [Fault("/remarks", "required")]


def _keep(session: Session, actor: Actor, inspection: Inspection, verdict: Verdict) -> None:
    by = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id}
    session.execute(sa.insert(Review).values(inspection_id=inspection.id, revision=inspection.revision, **verdict.columns(), **by))


def _after(inspection: Inspection, decision: Decision) -> dict[str, object]:
    if decision is Decision.APPROVED:
        return {"status": InspectionStatus.APPROVED}
    cleared = dict.fromkeys(("submitted_at", "submitted_by", "complete_at"))
    return {"status": InspectionStatus.RETURNED, "revision": inspection.revision + 1, **cleared}
