"""Reviewing what was submitted, and comparing it with what was found before."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema
from marshmallow import fields, post_load

from api.answers import dump_with, expected_version, one
from api.auth import actor
from api.fields import Boolean, Dict, Length, List, Moment, Nested, OneOf, Schema, String, Uuid
from api.inspections import InspectionOut
from api.inspections import dump as dump_inspection
from api.routes import Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.inspections import comparison, review
from registry.inspections.comparison import Trend
from registry.inspections.model import Decision, InspectionStatus, Occasion
from registry.inspections.review import Verdict
from registry.processing import Activity
from registry.trajectories.evidence import Shows
from registry.trajectories.model import MilestoneKind, Track

routes = Routes("reviews", "Reviews of inspections, and what changed since the baseline")

LONGEST_REMARKS = 4000


class EvidenceIn(Schema):
    """The milestone that an approved inspection shows, also when nobody has reported it yet."""

    trajectory_id = Uuid(required=True)
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)

    @post_load
    def shows(self, data: dict[str, Any], **_: Any) -> Shows:
        return Shows(**data)


class ReviewIn(Schema):
    decision = OneOf(Decision, required=True)
    remarks = String(load_default=None, allow_none=True, validate=Length(1, LONGEST_REMARKS))
    questions = Dict(
        keys=String(validate=Length(1, 100)),
        values=String(validate=Length(1, LONGEST_REMARKS)),
        load_default=dict,
        validate=Length(0, 1000),
        metadata={"description": "Remarks by question key. An inspection that is returned has at least one remark."},
    )
    evidence = List(Nested(EvidenceIn), load_default=list, validate=Length(0, 20))
    accept_incomplete = Boolean(load_default=False, metadata={"description": "Approve although photos are missing or awaited; the remarks say why."})

    @post_load
    def verdict(self, data: dict[str, Any], **_: Any) -> Verdict:
        return Verdict(**{**data, "evidence": tuple(data["evidence"])})


@routes.on(
    "POST",
    "/inspections/<uuid:inspection_id>/review",
    needs=Right.REVIEW_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=InspectionOut,
    takes=ReviewIn,
    tagged=True,
    versioned=True,
)
def review_inspection(verdict: Verdict, inspection_id: UUID) -> Response:
    """Approve what was submitted, or return it to the inspector with remarks. The same review again changes nothing"""
    with transaction(actor()) as session:
        inspection = review.review(session, actor(), inspection_id, verdict, expected=expected_version())
    return one(dump_inspection, inspection, version=inspection.version)


class ComparedVisitOut(OutSchema):
    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    occasion = OneOf(Occasion, required=True)
    status = OneOf(InspectionStatus, required=True)
    checklist_id = fields.UUID(required=True, data_key="checklistId")
    visited_at = Moment(required=True, allow_none=True, data_key="visitedAt")
    submitted_at = Moment(required=True, allow_none=True, data_key="submittedAt")
    score = fields.Integer(required=True, allow_none=True, metadata={"description": "Condition score of the whole dwelling."})


class ComparedAnswerOut(OutSchema):
    answer = fields.Raw(required=True, allow_none=True)
    score = fields.Integer(required=True, allow_none=True, metadata={"description": "Condition score of this building part."})
    photo_ids = fields.List(fields.UUID(), required=True, data_key="photoIds")


class PairOut(OutSchema):
    """One question that both checklists have. `trend` is known when both have a condition score."""

    question = fields.String(required=True)
    text = fields.Dict(required=True, metadata={"description": "By language, as the later checklist words it."})
    before = fields.Nested(ComparedAnswerOut, required=True)
    after = fields.Nested(ComparedAnswerOut, required=True)
    changed = fields.Boolean(required=True)
    trend = OneOf(Trend, required=True, allow_none=True)


class ComparisonOut(OutSchema):
    before = fields.Nested(ComparedVisitOut, required=True)
    after = fields.Nested(ComparedVisitOut, required=True)
    trend = OneOf(Trend, required=True, allow_none=True)
    pairs = fields.List(fields.Nested(PairOut), required=True)
    only_before = fields.List(fields.String(), required=True, data_key="onlyBefore", metadata={"description": "Keys of questions."})
    only_after = fields.List(fields.String(), required=True, data_key="onlyAfter", metadata={"description": "Keys of questions."})


class ComparisonQuery(Schema):
    with_ = Uuid(
        load_default=None,
        data_key="with",
        metadata={"description": "Another inspection of the dwelling; else the newest baseline before this one that was submitted."},
    )


_dump_comparison = dump_with(ComparisonOut())


@routes.on(
    "GET",
    "/inspections/<uuid:inspection_id>/comparison",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.INSPECTIONS_READ,
    returns=ComparisonOut,
    query=ComparisonQuery,
    tagged=True,
)
def compare_inspection(query: dict[str, Any], inspection_id: UUID) -> Response:
    """What an inspection found beside what an earlier one did, question by question"""
    with reading(actor()) as session:
        return one(_dump_comparison, comparison.pairs(session, actor(), inspection_id, query["with_"]))
