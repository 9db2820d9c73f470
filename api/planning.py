"""Planning many inspections, saying whose work they are, and planning the next visit."""

from typing import Any, cast
from uuid import UUID

from flask import Response, request
from marshmallow import Schema as OutSchema
from marshmallow import fields, post_load
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from api import bodies
from api.answers import answer_once, expected_version, json_response, one
from api.auth import actor
from api.batches import BatchOut, Each, ResultOut, batch_id, batch_response, created_or_known, judge_each
from api.contract import FaultOut
from api.fields import Boolean, Date, Length, List, Nested, OneOf, Schema, String, Uuid
from api.inspections import InspectionOut, PlanIn, dump
from api.problems import fault_out
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.batch import LARGEST_BATCH, Result
from registry.db import reading, transaction
from registry.errors import Fault, InvalidInput
from registry.inspections import assignment, next_visit, planning, plans_from_csv, team_work
from registry.inspections.assignment import MOST_AT_ONCE, Assignment
from registry.inspections.next_visit import NextVisit
from registry.inspections.planning import Plan
from registry.inspections.plans_csv import LARGEST_FILE_BYTES, LONGEST_NOTE
from registry.inspections.plans_from_csv import PlannedFile
from registry.processing import Activity
from registry.versioned import Outcome

routes = Routes("planning", "Planning inspections, and whose work they are")

CSV = "text/csv"


class BatchPlanIn(PlanIn):
    id = batch_id()


class PlansIn(Schema):
    items = Each(Nested(BatchPlanIn), required=True, validate=Length(1, LARGEST_BATCH))


class FileQuery(Schema):
    organisation_id = Uuid(load_default=None, metadata={"description": "The inspection body; yours without it."})
    dry_run = Boolean(load_default=False, metadata={"description": "Say what would happen, and plan nothing."})


class PlannedRowOut(OutSchema):
    row = fields.Integer(required=True, metadata={"description": "As a spreadsheet counts; the header is row 1."})
    id = fields.UUID(required=True, metadata={"description": "Of the inspection; the same row always makes the same one."})
    outcome = OneOf(Outcome, required=True)


class PlannedSummaryOut(OutSchema):
    created = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)


class PlannedFileOut(OutSchema):
    dry_run = fields.Boolean(required=True, data_key="dryRun")
    summary = fields.Nested(PlannedSummaryOut, required=True)
    rows = fields.List(fields.Nested(PlannedRowOut), required=True)
    warnings = fields.List(fields.Nested(FaultOut), required=True, metadata={"description": "What is planned nevertheless and may be a mistake."})


class ChangesIn(Schema):
    """What is left out stays as it is."""

    organisation_id = Uuid(metadata={"description": "Another inspection body; only a municipality gives work to another one."})
    assignee_id = Uuid(allow_none=True, metadata={"description": "The inspector's `personId`; null for nobody yet."})
    team_id = Uuid(allow_none=True, metadata={"description": "Its members may take it while nobody is assigned; and it is handed back to it."})
    due_on = Date(allow_none=True)
    note = String(allow_none=True, validate=Length(0, LONGEST_NOTE), metadata={"description": "To who goes there."})


class AssignmentIn(ChangesIn):
    """Whose work it is: what is left out is emptied, except the organisation."""

    assignee_id = Uuid(load_default=None, allow_none=True, metadata={"description": "The inspector's `personId`."})
    team_id = Uuid(load_default=None, allow_none=True, metadata={"description": "Its members may take it while nobody is assigned."})
    due_on = Date(load_default=None, allow_none=True)
    note = String(load_default=None, allow_none=True, validate=Length(0, LONGEST_NOTE))

    @post_load
    def wanted(self, data: dict[str, Any], **_: Any) -> Assignment:
        return cast("Assignment", data)


class AssignmentsIn(ChangesIn):
    """One change of many inspections; what is left out stays as it is in each."""

    inspection_ids = List(Uuid(), required=True, validate=Length(1, MOST_AT_ONCE))


class AssignedSummaryOut(OutSchema):
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class AssignedOut(OutSchema):
    results = fields.List(fields.Nested(ResultOut), required=True)
    summary = fields.Nested(AssignedSummaryOut, required=True)


class NoVisitIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why nobody need go there any more; the inspector reads it."})


class NextVisitIn(Schema):
    """What differs from the visit in vain."""

    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    due_on = Date(load_default=None, allow_none=True, metadata={"description": "Two weeks after the earliest day of the advice, without it."})
    assignee_id = Uuid(load_default=None, allow_none=True, metadata={"description": "With this or a team, both take the place of those of the visit before."})
    team_id = Uuid(load_default=None, allow_none=True)
    note = String(load_default=None, allow_none=True, validate=Length(0, LONGEST_NOTE))
    basis = String(
        load_default=None,
        allow_none=True,
        validate=Length(0, 500),
        metadata={"description": "Needed when the advice is not to go: the consent, the authorisation, how the hazard was dealt with. It is kept."},
    )

    @post_load
    def next_visit(self, data: dict[str, Any], **_: Any) -> NextVisit:
        return NextVisit(**data)


@routes.on("POST", "/inspections/batch", needs=Right.PLAN_INSPECTIONS, processes=Activity.INSPECTIONS_CHANGED, returns=BatchOut, takes=PlansIn)
def plan_inspections(body: dict[str, Any]) -> Response:
    """Plan up to 1,000 inspections, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda plans: planning.plan_each(session, actor(), plans))
    concerns(*(item.dwelling_id for item, result in zip(body["items"], results, strict=True) if isinstance(item, Plan) and not result.faults))
    return batch_response(results)


@routes.on(
    "POST",
    "/inspections/csv",
    needs=Right.PLAN_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=PlannedFileOut,
    query=FileQuery,
    streams=(CSV,),
)
def plan_from_file(query: dict[str, Any]) -> Response:
    """Plan the inspections of a CSV file, all rows or none; every fault of every row is said at once, with its cell. The same file again changes nothing

    UTF-8 or Windows-1252, with `;` or `,`. In any order, in Dutch or English: `dwellingId` or `bagId` or `postcode` and `huisnummer` (`huisletter`,
    `toevoeging`); `checklist` (its key); `aanleiding` (`nulmeting`, `voortgang`, `oplevering`); if wanted `inspecteur` (e-mail address), `team` (name),
    `uiterlijk op` (31-12-2026 or 2026-12-31), `notitie`.
    """
    organisation_id = query["organisation_id"] or actor().organisation_id
    if organisation_id is None:
        raise InvalidInput([Fault("organisationId", "required")])
    body = _file()
    if query["dry_run"]:
        with reading(actor()) as session:
            return _planned(plans_from_csv.try_file(session, actor(), body, organisation_id=organisation_id), dry_run=True)
    with transaction(actor()) as session:
        planned = plans_from_csv.plan_file(session, actor(), body, organisation_id=organisation_id)
    return _planned(planned, dry_run=False)


def _file() -> bytes:
    """Raises RequestEntityTooLarge, RequestTimeout, ClientDisconnected."""
    request.max_content_length = LARGEST_FILE_BYTES
    if (request.content_length or 0) > LARGEST_FILE_BYTES:
        raise RequestEntityTooLarge()
    bodies.receive()
    return request.get_data()


def _planned(planned: PlannedFile, *, dry_run: bool) -> Response:
    concerns(*(row.dwelling_id for row in planned.rows))
    outcomes = [row.outcome for row in planned.rows]
    return json_response(
        {
            "dryRun": dry_run,
            "summary": {outcome.value: outcomes.count(outcome) for outcome in (Outcome.CREATED, Outcome.UNCHANGED)},
            "rows": [{"row": row.row, "id": row.id, "outcome": row.outcome.value} for row in planned.rows],
            "warnings": [fault_out(fault) for fault in planned.warnings],
        }
    )


@routes.on(
    "PUT",
    "/inspections/<uuid:inspection_id>/assignment",
    needs=Right.PLAN_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    takes=AssignmentIn,
    tagged=True,
    versioned=True,
)
def assign_inspection(wanted: Assignment, inspection_id: UUID) -> Response:
    """Say whose work an inspection is, and until when; answers that were written already stay"""
    with transaction(actor()) as session:
        inspection = assignment.assign(session, actor(), inspection_id, wanted, expected=expected_version())
    return one(dump, inspection, version=inspection.version)


@routes.on("POST", "/inspections/assignments", needs=Right.PLAN_INSPECTIONS, processes=Activity.INSPECTIONS_CHANGED, returns=AssignedOut, takes=AssignmentsIn)
def assign_inspections(body: dict[str, Any]) -> Response:
    """Say of up to 500 inspections whose work they are, each judged by itself; sending it again changes nothing"""
    ids = body.pop("inspection_ids")
    with transaction(actor()) as session:
        results, dwellings = assignment.assign_each(session, actor(), ids, cast("Assignment", body))
    concerns(*dwellings)
    return _assigned(results)


def _assigned(results: list[Result]) -> Response:
    items = [
        {
            "outcome": result.outcome.value,
            "id": result.id,
            "errors": [fault_out(fault if fault.pointer else fault.below(f"/inspectionIds/{place}")) for fault in result.faults],
        }
        for place, result in enumerate(results)
    ]
    outcomes = [result.outcome for result in results]
    summary = {outcome.value: outcomes.count(outcome) for outcome in (Outcome.CHANGED, Outcome.UNCHANGED, Outcome.REFUSED)}
    return json_response({"results": items, "summary": summary})


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/taking",
    needs=Right.INSPECT,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    tagged=True,
)
def take_inspection(inspection_id: UUID) -> Response:
    """Take an inspection of your team: from then on it is yours. Of two at once one gets it; taking it again changes nothing"""
    with transaction(actor()) as session:
        inspection = team_work.take(session, actor(), inspection_id)
    return one(dump, inspection, version=inspection.version)


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/handing-back",
    needs=Right.INSPECT,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    tagged=True,
)
def hand_back_inspection(inspection_id: UUID) -> Response:
    """Give an inspection back to your team, with what was written in it; handing it back again changes nothing"""
    with transaction(actor()) as session:
        inspection = team_work.hand_back(session, actor(), inspection_id)
    return one(dump, inspection, version=inspection.version)


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/withdrawal",
    needs=Right.PLAN_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    takes=NoVisitIn,
    tagged=True,
)
def withdraw_inspection(body: dict[str, Any], inspection_id: UUID) -> Response:
    """Say that nobody need go there any more; what was written stays. Withdrawing it again changes nothing"""
    with transaction(actor()) as session:
        inspection = assignment.withdraw(session, actor(), inspection_id, reason=body["reason"])
    return one(dump, inspection, version=inspection.version)


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/next-visit",
    needs=Right.PLAN_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    status=201,
    takes=NextVisitIn,
    tagged=True,
    once=True,
)
def plan_next_visit(wanted: NextVisit, inspection_id: UUID) -> Response:
    """Plan the visit after one in vain, as its advice says unless you say otherwise"""

    def act(session: Session) -> Response:
        inspection, outcome = next_visit.plan_next(session, actor(), inspection_id, wanted)
        location = f"/v1/inspections/{inspection.id}"
        return one(dump, inspection, version=inspection.version, status=created_or_known(outcome), location=location)

    return answer_once(act)
