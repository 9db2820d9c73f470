"""Inspections: planned by a municipality or a reviewer, filled in and submitted by an inspector."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.fields import AnyJson, Date, Dict, Length, Moment, OneOf, Schema, String, Uuid
from api.problems import language, problem
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.inspections import edits, planning, queries, submission
from registry.inspections.model import EditConflict, InspectionStatus, Occasion, VisitOutcome
from registry.inspections.planning import Plan
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
    due_on = Date(load_default=None, allow_none=True)

    @post_load
    def plan(self, data: dict[str, Any], **_: Any) -> Plan:
        return Plan(**data)


class DocumentIn(Schema):
    answers = Dict(
        keys=String(validate=Length(1, 100)), values=AnyJson(), required=True, validate=Length(0, 1000), metadata={"description": "By question key."}
    )
    visit_outcome = OneOf(VisitOutcome, load_default=None, allow_none=True)
    visited_at = Moment(load_default=None, allow_none=True, metadata={"description": "By the clock of the phone."})
    remarks = String(load_default=None, allow_none=True, validate=Length(0, 4000))

    @post_load
    def document(self, data: dict[str, Any], **_: Any) -> Document:
        return Document(**data)


class InspectionOut(Schema):
    id = fields.UUID(required=True)
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    checklist_id = fields.UUID(required=True, data_key="checklistId")
    occasion = OneOf(Occasion, required=True)
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    assignee_id = fields.UUID(required=True, allow_none=True, data_key="assigneeId")
    due_on = fields.Date(required=True, allow_none=True, data_key="dueOn")
    status = OneOf(InspectionStatus, required=True)
    visit_outcome = OneOf(VisitOutcome, required=True, allow_none=True, data_key="visitOutcome")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt")
    answers = fields.Dict(required=True)
    remarks = fields.String(required=True, allow_none=True)
    submitted_at = Moment(required=True, allow_none=True, data_key="submittedAt")
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class InspectionsOut(Schema):
    items = fields.List(fields.Nested(InspectionOut), required=True)
    next = fields.String(required=True, allow_none=True)


class InspectionsQuery(PageQuery):
    status = OneOf(InspectionStatus, load_default=None)
    dwelling_id = Uuid(load_default=None)
    assignee_id = Uuid(load_default=None, metadata={"description": "An inspector sees only her own in any case."})


class _DocumentOut(Schema):
    answers = fields.Dict(required=True)
    visit_outcome = OneOf(VisitOutcome, required=True, allow_none=True, data_key="visitOutcome")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt")
    remarks = fields.String(required=True, allow_none=True)


dump = dump_with(InspectionOut())
_dump_document = dump_with(_DocumentOut())


@routes.on("GET", "/inspections", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=InspectionsOut, query=InspectionsQuery)
def list_inspections(query: dict[str, Any]) -> Response:
    """The inspections you may see: an inspector's own work"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **query))


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
)
def fill_in_inspection(document: Document, inspection_id: UUID) -> Response:
    """Replace the answers; the same document again gives the same inspection, other content on an old version is a conflict with both versions"""
    with transaction(actor()) as session:
        inspection = edits.fill_in(session, actor(), inspection_id, document, expected=expected_version())
    return one(dump, inspection, version=inspection.version)


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/submission",
    needs=Right.INSPECT,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    tagged=True,
    versioned=True,
)
def submit_inspection(inspection_id: UUID) -> Response:
    """Submit an inspection, of the version in If-Match when given; photos may still be under way. Submitting it again changes nothing"""
    with transaction(actor()) as session:
        inspection = submission.submit(session, actor(), inspection_id, expected=expected_version())
    return one(dump, inspection, version=inspection.version)


@routes.app_errorhandler(EditConflict)  # type: ignore[untyped-decorator]
def both_versions(error: EditConflict) -> Response:
    """409 with both versions and what differs, for a person to decide."""
    facts: dict[str, Any] = error.facts
    more = {
        "currentVersion": facts["current"],
        "yours": _dump_document(facts["yours"]),
        "theirs": _dump_document(facts["theirs"]),
        "differences": [asdict(difference) for difference in facts["differences"]],
    }
    return problem(409, error.code, error.text(language()), more=more)
