"""The document of an inspection as a phone writes it, and one that was kept because it could not be applied."""

from typing import Any

from flask import Response
from marshmallow import fields, post_load

from api.answers import dump_with
from api.fields import AnyJson, Dict, Length, Moment, OneOf, Schema, String, Uuid
from api.problems import language, problem
from registry.inspections.conflicts import Kept
from registry.inspections.model import Resolution, VisitOutcome
from registry.inspections.rules import Document
from registry.messages import text


class DocumentIn(Schema):
    answers = Dict(
        keys=String(validate=Length(1, 100)), values=AnyJson(), required=True, validate=Length(0, 1000), metadata={"description": "By question key."}
    )
    visit_outcome = OneOf(VisitOutcome, load_default=None, allow_none=True)
    visited_at = Moment(load_default=None, allow_none=True, metadata={"description": "By the clock of the phone."})
    remarks = String(load_default=None, allow_none=True, validate=Length(0, 4000))
    checklist_id = Uuid(
        load_default=None,
        allow_none=True,
        metadata={"description": "The edition that was filled in, when it is not the one of the inspection; another edition of the same checklist is good."},
    )

    @post_load
    def document(self, data: dict[str, Any], **_: Any) -> Document:
        return Document(**data)


class DocumentOut(Schema):
    answers = fields.Dict(required=True)
    visit_outcome = OneOf(VisitOutcome, required=True, allow_none=True, data_key="visitOutcome")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt")
    remarks = fields.String(required=True, allow_none=True)
    checklist_id = fields.UUID(required=True, allow_none=True, data_key="checklistId")


class DifferenceOut(Schema):
    """One place on which the two documents differ; null is one that has nothing there."""

    pointer = fields.String(required=True)
    yours = fields.Raw(required=True, allow_none=True)
    theirs = fields.Raw(required=True, allow_none=True)


class ConflictOut(Schema):
    """A document that was sent and could not be applied.

    While nobody decided, `theirs` is what the register has now, and `inspectionVersion` is for If-Match.
    """

    id = fields.UUID(required=True)
    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    inspection_version = fields.Integer(
        required=True,
        allow_none=True,
        data_key="inspectionVersion",
        metadata={"description": "As it stands; null for who does not see the inspection any more."},
    )
    person_id = fields.UUID(required=True, data_key="personId", metadata={"description": "Who sent it."})
    device_id = fields.UUID(required=True, allow_none=True, data_key="deviceId")
    edit_id = fields.UUID(required=True, allow_none=True, data_key="editId")
    base_version = fields.Integer(required=True, allow_none=True, data_key="baseVersion")
    base_edit_id = fields.UUID(required=True, allow_none=True, data_key="baseEditId")
    yours = fields.Nested(DocumentOut, required=True, metadata={"description": "What was sent."})
    theirs = fields.Nested(
        DocumentOut, required=True, allow_none=True, metadata={"description": "What the register has; null for who does not see it any more."}
    )
    differences = fields.List(fields.Nested(DifferenceOut), required=True)
    resolution = OneOf(Resolution, required=True, allow_none=True, metadata={"description": "Null while nobody decided."})
    resolved_at = Moment(required=True, allow_none=True, data_key="resolvedAt")
    resolved_by = fields.UUID(required=True, allow_none=True, data_key="resolvedBy")
    recorded_at = Moment(required=True, data_key="recordedAt")


dump_document = dump_with(DocumentOut())
_dump_difference = dump_with(DifferenceOut())
_dump_columns = dump_with(ConflictOut(exclude=("inspection_version", "yours", "theirs", "differences")))


def dump_conflict(kept: Kept) -> dict[str, Any]:
    """As `ConflictOut`."""
    theirs = kept.theirs
    return {
        **_dump_columns(kept.conflict),
        "inspectionVersion": None if kept.inspection is None else kept.inspection.version,
        "yours": dump_document(kept.yours),
        "theirs": None if theirs is None else dump_document(theirs),
        "differences": [_dump_difference(difference) for difference in kept.differences],
    }


def conflict_problem(kept: Kept) -> Response:
    """409 with both documents and what differs, for a person to decide. What was sent is kept: this is no failure."""
    shown = dump_conflict(kept)
    more = {name: shown[name] for name in ("yours", "theirs", "differences", "resolution")}
    version = {} if kept.inspection is None else {"currentVersion": kept.inspection.version}
    return problem(409, "inspection-conflict", text("inspection-conflict", language(), {}), more={"conflictId": kept.conflict.id, **version, **more})
