"""Inspections: planned by a municipality or a reviewer, filled in and submitted by an inspector."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load, validate
from sqlalchemy.orm import Session

from api.advice import AdviceOut
from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.clocks import PHONE_CLOCK, clock_skew_ms
from api.contract import FaultOut
from api.documents import DocumentIn, conflict_problem
from api.fields import Boolean, Date, Length, Moment, OneOf, Schema, String, Uuid
from api.lineage import LineageQuery, by_line
from api.problems import fault_out
from api.processing import concerns
from api.routes import Routes
from registry.access import Right, Role
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.inspections import completeness, edits, planning, queries, submission
from registry.inspections.completeness import Standing
from registry.inspections.conflicts import Kept
from registry.inspections.model import Decision, Inspection, InspectionStatus, Occasion, VisitOutcome
from registry.inspections.planning import Plan
from registry.inspections.plans_csv import LONGEST_NOTE
from registry.inspections.rules import Document
from registry.processing import Activity

routes = Routes("inspections", "Inspections (opnames)")


class PlanIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    dwelling_id = Uuid(required=True)
    checklist_id = Uuid(required=True)
    occasion = OneOf(Occasion, required=True)
    organisation_id = Uuid(required=True, metadata={"description": "The inspection body."})
    assignee_id = Uuid(load_default=None, allow_none=True, metadata={"description": "The inspector's `personId`."})
    team_id = Uuid(
        load_default=None, allow_none=True, metadata={"description": "Its members may take it while nobody is assigned; and it is handed back to it."}
    )
    due_on = Date(load_default=None, allow_none=True)
    note = String(load_default=None, allow_none=True, validate=Length(0, LONGEST_NOTE), metadata={"description": "To who goes there."})
    previous_id = Uuid(load_default=None, allow_none=True, metadata={"description": "The visit to the same dwelling to which this is the next one."})

    @post_load
    def plan(self, data: dict[str, Any], **_: Any) -> Plan:
        return Plan(**data)


class LastReviewOut(Schema):
    """What the reviewer decided last, and remarked to the inspector."""

    revision = fields.Integer(required=True)
    decision = fields.String(required=True, validate=validate.OneOf([decision.value for decision in Decision]))
    remarks = fields.String(required=True, allow_none=True)
    questions = fields.Dict(required=True, metadata={"description": "Remarks by question key."})
    recorded_at = fields.String(required=True, data_key="recordedAt", metadata={"format": "date-time"})


class InspectionOut(Schema):
    id = fields.UUID(required=True)
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    checklist_id = fields.UUID(required=True, data_key="checklistId")
    occasion = OneOf(Occasion, required=True)
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    assignee_id = fields.UUID(required=True, allow_none=True, data_key="assigneeId")
    team_id = fields.UUID(required=True, allow_none=True, data_key="teamId")
    due_on = fields.Date(required=True, allow_none=True, data_key="dueOn")
    note = fields.String(required=True, allow_none=True, metadata={"description": "From who planned it to who goes there."})
    previous_id = fields.UUID(required=True, allow_none=True, data_key="previousId")
    status = OneOf(InspectionStatus, required=True)
    visit_outcome = OneOf(VisitOutcome, required=True, allow_none=True, data_key="visitOutcome")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt", metadata={"description": "By the clock of the phone."})
    visited_at_corrected = Moment(
        required=True, allow_none=True, data_key="visitedAtCorrected", metadata={"description": "By our clock, when the phone told what its clock said."}
    )
    answers = fields.Dict(required=True)
    remarks = fields.String(required=True, allow_none=True)
    submitted_at = Moment(required=True, allow_none=True, data_key="submittedAt")
    complete_at = Moment(
        required=True, allow_none=True, data_key="completeAt", metadata={"description": "When the last photo of what was submitted had arrived."}
    )
    revision = fields.Integer(required=True, metadata={"description": "The one under way, or the one that is submitted."})
    review = fields.Nested(LastReviewOut, required=True, allow_none=True)
    withdrawal_reason = fields.String(required=True, allow_none=True, data_key="withdrawalReason")
    advice = fields.Nested(AdviceOut, required=True, allow_none=True, metadata={"description": "For the next visit, when this one was in vain."})
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class SubmissionOut(InspectionOut):
    complete = fields.Boolean(required=True)
    awaited = fields.Integer(required=True, metadata={"description": "Photos that are declared and not here yet."})
    missing = fields.List(fields.Nested(FaultOut), required=True, metadata={"description": "Photos that an answer demands and that are not declared."})


class InspectionsOut(Schema):
    items = fields.List(fields.Nested(InspectionOut), required=True)
    next = fields.String(required=True, allow_none=True)


class InspectionsQuery(LineageQuery):
    status = OneOf(InspectionStatus, load_default=None)
    assignee_id = Uuid(load_default=None, metadata={"description": "An inspector sees only her own in any case."})
    team_id = Uuid(load_default=None)
    occasion = OneOf(Occasion, load_default=None)
    complete = Boolean(
        load_default=None, metadata={"description": "Whether everything of what was submitted is here; with `status=submitted` what awaits its review."}
    )


_dump = dump_with(InspectionOut())


def dump(inspection: Inspection) -> dict[str, Any]:
    """As `InspectionOut`. A corporation does not get the note: it may tell of hazards, which are none of hers."""
    shown = _dump(inspection)
    return shown | {"note": None} if actor().role is Role.CORPORATION_EDITOR else shown


def _dump_submission(found: tuple[Inspection, Standing]) -> dict[str, Any]:
    inspection, standing = found
    missing = [fault_out(fault) for fault in standing.missing]
    return {**dump(inspection), "complete": standing.complete, "awaited": standing.awaited, "missing": missing}


@routes.on("GET", "/inspections", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=InspectionsOut, query=InspectionsQuery)
def list_inspections(query: dict[str, Any]) -> Response:
    """The inspections you may see: an inspector's own work"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **by_line(query)))


@routes.on("GET", "/inspections/<uuid:inspection_id>", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=InspectionOut, tagged=True)
def get_inspection(inspection_id: UUID) -> Response:
    """One inspection"""
    with reading(actor()) as session:
        found = queries.get(session, actor(), inspection_id)
    return one(dump, found, version=found.version)


@routes.on(
    "POST",
    "/inspections",
    needs=Right.PLAN_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    status=201,
    takes=PlanIn,
    tagged=True,
    once=True,
)
def plan_inspection(item: Plan) -> Response:
    """Plan an inspection"""

    def act(session: Session) -> Response:
        inspection, outcome = planning.plan(session, actor(), item)
        location = f"/v1/inspections/{inspection.id}"
        return one(dump, inspection, version=inspection.version, status=created_or_known(outcome), location=location)

    return answer_once(act)


@routes.on(
    "PUT",
    "/inspections/<uuid:inspection_id>",
    needs=Right.INSPECT,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    takes=DocumentIn,
    tagged=True,
    versioned=True,
    sends=(PHONE_CLOCK,),
)
def fill_in_inspection(document: Document, inspection_id: UUID) -> Response:
    """Replace the answers. The same document again gets the same answer; one on an old version, or for what is frozen, is kept, with a 409 that shows both"""
    with transaction(actor()) as session:
        written = edits.fill_in(session, actor(), inspection_id, document, expected=expected_version(), clock_skew_ms=clock_skew_ms())
    if written.conflict is not None:
        return conflict_problem(Kept(written.conflict, written.inspection))
    if written.inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    return one(dump, written.inspection, version=written.inspection.version)


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/submission",
    needs=Right.INSPECT,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=SubmissionOut,
    tagged=True,
    versioned=True,
)
def submit_inspection(inspection_id: UUID) -> Response:
    """Submit an inspection, of the version in If-Match when given. Photos may come later: the answer says which. Submitting it again changes nothing"""
    with transaction(actor()) as session:
        inspection = submission.submit(session, actor(), inspection_id, expected=expected_version())
        standing = completeness.of(session, inspection)
    concerns(inspection.dwelling_id)
    return one(_dump_submission, (inspection, standing), version=inspection.version)
