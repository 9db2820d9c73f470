"""Revisions: what was submitted of an inspection, each time that it was."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema
from marshmallow import fields

from api.answers import dump_with, json_response, one
from api.auth import actor
from api.contract import FaultOut
from api.fields import Moment, OneOf
from api.problems import fault_out
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import reading
from registry.errors import Fault
from registry.inspections import revisions
from registry.inspections.model import Decision, VisitOutcome
from registry.inspections.revisions import Reviewed
from registry.processing import Activity

routes = Routes("revisions", "Revisions: what was submitted of an inspection")


class ReviewOut(OutSchema):
    """What a reviewer decided about one revision."""

    decision = OneOf(Decision, required=True)
    remarks = fields.String(required=True, allow_none=True)
    questions = fields.Dict(required=True, metadata={"description": "Remarks by question key."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    recorded_by = fields.UUID(required=True, data_key="recordedBy")


class RevisionOut(OutSchema):
    """What was submitted. It never changes. Its photos are those of the inspection."""

    revision = fields.Integer(required=True)
    checklist_id = fields.UUID(required=True, data_key="checklistId")
    visit_outcome = OneOf(VisitOutcome, required=True, data_key="visitOutcome")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt", metadata={"description": "By the clock of the phone."})
    clock_skew_ms = fields.Integer(required=True, allow_none=True, data_key="clockSkewMs", metadata={"description": "How far that clock was ahead."})
    answers = fields.Dict(required=True)
    remarks = fields.String(required=True, allow_none=True)
    digest = fields.String(required=True, metadata={"description": "The sha256 of the canonical JSON of the document."})
    missing = fields.List(fields.Nested(FaultOut), required=True, metadata={"description": "Photos that were missing when it was submitted."})
    submitted_at = Moment(required=True, data_key="submittedAt")
    submitted_by = fields.UUID(required=True, data_key="submittedBy")
    review = fields.Nested(ReviewOut, required=True, allow_none=True)


class RevisionsOut(OutSchema):
    items = fields.List(fields.Nested(RevisionOut), required=True)


_dump = dump_with(RevisionOut())


def _dump_revision(reviewed: Reviewed) -> dict[str, Any]:
    revision = reviewed.revision
    names = [name for name in RevisionOut().fields if name not in ("digest", "missing", "review")]
    parts = {name: getattr(revision, name) for name in names}
    faults: list[Any] = revision.missing
    missing = [fault_out(Fault(each["pointer"], each["code"], each["facts"])) for each in faults]
    return {**_dump({**parts, "digest": revision.digest.hex(), "missing": [], "review": reviewed.review}), "missing": missing}


@routes.on("GET", "/inspections/<uuid:inspection_id>/revisions", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=RevisionsOut)
def list_revisions(inspection_id: UUID) -> Response:
    """What was submitted of an inspection, the first time first, with what the reviewer said of it"""
    with reading(actor()) as session:
        found = revisions.list_(session, actor(), inspection_id)
    concerns(*(each.dwelling_id for each in found))
    return json_response({"items": [_dump_revision(each) for each in found]})


@routes.on(
    "GET",
    "/inspections/<uuid:inspection_id>/revisions/<int:revision>",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.INSPECTIONS_READ,
    returns=RevisionOut,
    tagged=True,
)
def get_revision(inspection_id: UUID, revision: int) -> Response:
    """One revision"""
    with reading(actor()) as session:
        return one(_dump_revision, revisions.get(session, actor(), inspection_id, revision))
