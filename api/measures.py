"""Measures: reported for one trajectory or for many, corrected and retracted without overwriting."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, one, page_response
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, judge_each
from api.fields import Date, Decimal, Length, List, Moment, Nested, OneOf, Range, Schema, String, Uuid
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.processing import Activity
from registry.trajectories import measures, queries
from registry.trajectories.measures import Applied, NewMeasure, Which
from registry.trajectories.model import MeasureKind, Unit

routes = Routes("measures", "Measures (maatregelen) applied in trajectories")

MOST_AT_ONCE = 50
"""Measures of one trajectory in one request."""
APPLIED = tuple(Applied.__slots__)


class AppliedIn(Schema):
    kind = OneOf(MeasureKind, required=True)
    applied_on = Date(required=True)
    quantity = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**7, min_inclusive=False), metadata={"description": "With a unit."})
    unit = OneOf(Unit, load_default=None, allow_none=True, metadata={"description": "`m2` for insulation and glazing, `piece` for installations."})
    cost_eur = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**11), metadata={"description": "Euro."})
    note = String(load_default=None, allow_none=True, validate=Length(1, 2000))


class MeasureIn(AppliedIn):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})


class BatchMeasureIn(AppliedIn):
    id = batch_id()
    trajectory_id = Uuid(required=True)

    @post_load
    def measure(self, data: dict[str, Any], **_: Any) -> NewMeasure:
        return NewMeasure(data["trajectory_id"], _applied(data), data["id"])


class MeasuresIn(Schema):
    items = List(Nested(MeasureIn), required=True, validate=Length(1, MOST_AT_ONCE))


class BatchMeasuresIn(Schema):
    items = Each(Nested(BatchMeasureIn), required=True, validate=Length(1, LARGEST_BATCH))


class MeasureRetractionIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it was never so; it is kept."})


class MeasureOut(Schema):
    id = fields.UUID(required=True)
    trajectory_id = fields.UUID(required=True, data_key="trajectoryId")
    kind = OneOf(MeasureKind, required=True)
    applied_on = fields.Date(required=True, data_key="appliedOn")
    quantity = Decimal(required=True, allow_none=True)
    unit = OneOf(Unit, required=True, allow_none=True)
    cost_eur = Decimal(required=True, allow_none=True, data_key="costEur")
    note = fields.String(required=True, allow_none=True)
    corrects_id = fields.UUID(required=True, allow_none=True, data_key="correctsId")
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId", metadata={"description": "Of whoever reported it."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    superseded_at = Moment(required=True, allow_none=True, data_key="supersededAt", metadata={"description": "When it was corrected or retracted."})
    retraction_reason = fields.String(required=True, allow_none=True, data_key="retractionReason")


class MeasuresOut(Schema):
    items = fields.List(fields.Nested(MeasureOut), required=True)


class MeasuresPageOut(MeasuresOut):
    next = fields.String(required=True, allow_none=True)


class MeasuresQuery(PageQuery):
    which = OneOf(Which, load_default=Which.IN_FORCE, metadata={"description": "`all` has corrected and retracted ones too."})


dump = dump_with(MeasureOut())


def _applied(data: dict[str, Any]) -> Applied:
    return Applied(**{name: data[name] for name in APPLIED})


@routes.on(
    "GET",
    "/trajectories/<uuid:trajectory_id>/measures",
    needs=Right.READ_PROGRESS,
    processes=Activity.PROGRESS_READ,
    returns=MeasuresPageOut,
    query=MeasuresQuery,
)
def list_measures(query: dict[str, Any], trajectory_id: UUID) -> Response:
    """The measures of a trajectory, by id"""
    with reading(actor()) as session:
        page = measures.list_(session, actor(), trajectory_id, query["which"], after=decode_cursor(query["cursor"], UUID), limit=query["limit"])
        concerns(queries.dwelling_of(session, trajectory_id))
    return page_response(dump, page)


@routes.on(
    "POST",
    "/trajectories/<uuid:trajectory_id>/measures",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MeasuresOut,
    status=201,
    takes=MeasuresIn,
    tagged=True,
    once=True,
)
def apply_measures(body: dict[str, Any], trajectory_id: UUID) -> Response:
    """Report measures applied in a trajectory: all of them, or none when one is wrong"""
    items = [NewMeasure(trajectory_id, _applied(data), data["id"]) for data in body["items"]]

    def act(session: Session) -> Response:
        applied = measures.apply_to(session, actor(), trajectory_id, items)
        concerns(queries.dwelling_of(session, trajectory_id))
        return one(lambda items: {"items": [dump(each) for each in items]}, applied, status=201)

    return answer_once(act)


@routes.on("POST", "/measures", needs=Right.REPORT_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=BatchMeasuresIn)
def report_measures(body: dict[str, Any]) -> Response:
    """Report up to 1,000 measures of any trajectories that your organisation runs, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: measures.apply_each(session, actor(), items))
        concerns(*queries.dwellings_in(session, {item.trajectory_id for item, result in zip(body["items"], results, strict=True) if not result.faults}))
    return batch_response(results)


@routes.on(
    "POST",
    "/measures/<uuid:measure_id>/correction",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MeasureOut,
    status=201,
    takes=AppliedIn,
    tagged=True,
    once=True,
)
def correct_measure(body: dict[str, Any], measure_id: UUID) -> Response:
    """Say as a whole what a measure really was; the former row stays, and the answer is the new one"""

    def act(session: Session) -> Response:
        measure = measures.correct(session, actor(), measure_id, _applied(body))
        concerns(queries.dwelling_of(session, measure.trajectory_id))
        return one(dump, measure, status=201)

    return answer_once(act)


@routes.on(
    "POST",
    "/measures/<uuid:measure_id>/retraction",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MeasureOut,
    takes=MeasureRetractionIn,
    tagged=True,
    once=True,
)
def retract_measure(body: dict[str, Any], measure_id: UUID) -> Response:
    """Say that a measure was never applied, and why; the row stays"""

    def act(session: Session) -> Response:
        measure = measures.retract(session, actor(), measure_id, reason=body["reason"])
        concerns(queries.dwelling_of(session, measure.trajectory_id))
        return one(dump, measure)

    return answer_once(act)
