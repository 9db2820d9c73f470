"""Schemes, projects, trajectories and measures; the milestones of a trajectory are in `api.milestones`."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response, put_response
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, created_or_known, judge_each
from api.fields import MUNICIPALITY_CODE, SLUG, Date, Decimal, Length, List, Moment, Nested, OneOf, Range, Schema, String, Uuid
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry import references
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.processing import Activity
from registry.trajectories import commands, queries
from registry.trajectories.commands import Funding, NewMeasure, NewTrajectory
from registry.trajectories.model import Action, MeasureKind, MilestoneKind, Project, Scheme, Track, Unit
from registry.trajectories.rules import TrackState
from registry.values import EnergyLabel

routes = Routes("trajectories", "Trajectories (verbetertrajecten), their schemes, projects and measures")


class SchemeIn(Schema):
    name = String(required=True, validate=Length(1, 120))


class SchemeOut(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class SchemesOut(Schema):
    items = fields.List(fields.Nested(SchemeOut), required=True)
    next = fields.String(required=True, allow_none=True)


class ProjectIn(Schema):
    name = String(required=True, validate=Length(1, 120))
    municipality_code = String(required=True, validate=MUNICIPALITY_CODE)


class ProjectOut(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    municipality_code = fields.String(required=True, data_key="municipalityCode")
    recorded_at = Moment(required=True, data_key="recordedAt")


class ProjectsOut(Schema):
    items = fields.List(fields.Nested(ProjectOut), required=True)
    next = fields.String(required=True, allow_none=True)


class FundingIn(Schema):
    scheme = String(required=True, validate=SLUG)
    amount_eur = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**11), metadata={"description": "Euro."})

    @post_load
    def funding(self, data: dict[str, Any], **_: Any) -> Funding:
        return Funding(**data)


class FundingOut(Schema):
    scheme = fields.String(required=True)
    amount_eur = Decimal(required=True, allow_none=True, data_key="amountEur")


class NewTrajectoryIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    dwelling_id = Uuid(required=True)
    project = String(load_default=None, allow_none=True, validate=SLUG)
    funding_lines = List(Nested(FundingIn), load_default=list, validate=Length(0, 20))

    @post_load
    def trajectory(self, data: dict[str, Any], **_: Any) -> NewTrajectory:
        return NewTrajectory(**{**data, "funding_lines": tuple(data["funding_lines"])})


class BatchTrajectoryIn(NewTrajectoryIn):
    id = batch_id()


class NewTrajectoriesIn(Schema):
    items = Each(Nested(BatchTrajectoryIn), required=True, validate=Length(1, LARGEST_BATCH))


class TrajectoryOut(Schema):
    id = fields.UUID(required=True)
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    executor_id = fields.UUID(required=True, data_key="executorId")
    project = fields.String(required=True, allow_none=True)
    funding_lines = fields.List(fields.Nested(FundingOut), required=True, data_key="fundingLines")
    recorded_at = Moment(required=True, data_key="recordedAt")


class TrajectoriesOut(Schema):
    items = fields.List(fields.Nested(TrajectoryOut), required=True)
    next = fields.String(required=True, allow_none=True)


class TrajectoriesQuery(PageQuery):
    dwelling_id = Uuid(load_default=None)
    executor_id = Uuid(load_default=None)
    project = String(load_default=None, validate=SLUG)


class MilestoneOut(Schema):
    id = fields.UUID(required=True)
    trajectory_id = fields.UUID(required=True, data_key="trajectoryId")
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)
    effective_on = fields.Date(required=True, data_key="effectiveOn", metadata={"description": "When it was so."})
    action = OneOf(Action, required=True)
    corrects_id = fields.UUID(required=True, allow_none=True, data_key="correctsId")
    evidence = fields.List(fields.Raw(), required=True)
    note = fields.String(required=True, allow_none=True)
    recorded_at = Moment(required=True, data_key="recordedAt", metadata={"description": "When the register learned it."})
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    confirmed_at = Moment(required=True, allow_none=True, data_key="confirmedAt")


class ShownMilestoneOut(MilestoneOut):
    inspections = fields.List(fields.UUID(), required=True, metadata={"description": "Approved inspections that are evidence for it."})


class MeasureIn(Schema):
    kind = OneOf(MeasureKind, required=True)
    applied_on = Date(required=True)
    quantity = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**7, min_inclusive=False))
    unit = OneOf(Unit, load_default=None, allow_none=True)
    cost_eur = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**11), metadata={"description": "Euro."})

    @post_load
    def measure(self, data: dict[str, Any], **_: Any) -> NewMeasure:
        return NewMeasure(**data)


class MeasuresIn(Schema):
    items = List(Nested(MeasureIn), required=True, validate=Length(1, 50))


class MeasureOut(Schema):
    id = fields.UUID(required=True)
    kind = OneOf(MeasureKind, required=True)
    applied_on = fields.Date(required=True, data_key="appliedOn")
    quantity = Decimal(required=True, allow_none=True)
    unit = OneOf(Unit, required=True, allow_none=True)
    cost_eur = Decimal(required=True, allow_none=True, data_key="costEur")
    recorded_at = Moment(required=True, data_key="recordedAt")


class MeasuresOut(Schema):
    items = fields.List(fields.Nested(MeasureOut), required=True)


class TrackOut(Schema):
    track = OneOf(Track, required=True)
    state = OneOf(TrackState, required=True)


class TrajectoryDetailOut(TrajectoryOut):
    tracks = fields.List(fields.Nested(TrackOut), required=True)
    milestones = fields.List(fields.Nested(ShownMilestoneOut), required=True, metadata={"description": "The milestones in force, by date."})
    measures = fields.List(fields.Nested(MeasureOut), required=True)
    label_before = OneOf(EnergyLabel, required=True, allow_none=True, data_key="labelBefore", metadata={"description": "In force when the works began."})
    label_after = OneOf(EnergyLabel, required=True, allow_none=True, data_key="labelAfter", metadata={"description": "The newest one surveyed since."})
    label_jump = fields.Integer(required=True, allow_none=True, data_key="labelJump", metadata={"description": "Classes gained (labelsprong)."})


dump_scheme = dump_with(SchemeOut())
dump_project = dump_with(ProjectOut())
dump_trajectory = dump_with(TrajectoryOut())
dump_measure = dump_with(MeasureOut())
dump_milestone = dump_with(MilestoneOut())
_dump_detail = dump_with(TrajectoryDetailOut())


def dump_detail(detail: queries.TrajectoryDetail) -> dict[str, Any]:
    shown = {name: getattr(detail, name) for name in TrajectoryDetailOut().fields if name != "tracks"}
    return _dump_detail({**shown, "tracks": [{"track": track, "state": state} for track, state in detail.tracks.items()]})


@routes.on("GET", "/schemes", needs=Right.READ_REFERENCE, returns=SchemesOut, query=PageQuery)
def list_schemes(query: dict[str, Any]) -> Response:
    """The schemes that pay"""
    with reading(actor()) as session:
        return page_response(dump_scheme, references.list_(session, actor(), Scheme.slug, after=decode_cursor(query["cursor"], str), limit=query["limit"]))


@routes.on("GET", "/schemes/<slug:slug>", needs=Right.READ_REFERENCE, returns=SchemeOut, tagged=True)
def get_scheme(slug: str) -> Response:
    """One scheme"""
    with reading(actor()) as session:
        found = references.get(session, actor(), Scheme, slug)
    return one(dump_scheme, found, version=found.version)


@routes.on("PUT", "/schemes/<slug:slug>", needs=Right.MANAGE_REFERENCE, returns=SchemeOut, takes=SchemeIn, tagged=True, versioned=True)
def put_scheme(body: dict[str, Any], slug: str) -> Response:
    """Add or change a scheme"""
    with transaction(actor()) as session:
        written, outcome = commands.put_scheme(session, actor(), slug, expected=expected_version(), **body)
    return put_response(dump_scheme, written, outcome, f"/schemes/{slug}")


@routes.on("GET", "/projects", needs=Right.READ_REFERENCE, returns=ProjectsOut, query=PageQuery)
def list_projects(query: dict[str, Any]) -> Response:
    """The projects"""
    with reading(actor()) as session:
        return page_response(dump_project, references.list_(session, actor(), Project.slug, after=decode_cursor(query["cursor"], str), limit=query["limit"]))


@routes.on("GET", "/projects/<slug:slug>", needs=Right.READ_REFERENCE, returns=ProjectOut, tagged=True)
def get_project(slug: str) -> Response:
    """One project"""
    with reading(actor()) as session:
        found = references.get(session, actor(), Project, slug)
    return one(dump_project, found, version=found.version)


@routes.on("PUT", "/projects/<slug:slug>", needs=Right.MANAGE_PROJECTS, returns=ProjectOut, takes=ProjectIn, tagged=True, versioned=True)
def put_project(body: dict[str, Any], slug: str) -> Response:
    """Add or change a project"""
    with transaction(actor()) as session:
        written, outcome = commands.put_project(session, actor(), slug, expected=expected_version(), **body)
    return put_response(dump_project, written, outcome, f"/projects/{slug}")


@routes.on("GET", "/trajectories", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=TrajectoriesOut, query=TrajectoriesQuery)
def list_trajectories(query: dict[str, Any]) -> Response:
    """The trajectories you may see, by id"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump_trajectory, queries.list_(session, actor(), **query))


@routes.on("GET", "/trajectories/<uuid:trajectory_id>", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=TrajectoryDetailOut, tagged=True)
def get_trajectory(trajectory_id: UUID) -> Response:
    """One trajectory with its milestones, measures and label jump"""
    with reading(actor()) as session:
        return one(dump_detail, queries.get(session, actor(), trajectory_id))


@routes.on(
    "POST",
    "/trajectories",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=TrajectoryDetailOut,
    status=201,
    takes=NewTrajectoryIn,
    tagged=True,
    once=True,
)
def open_trajectory(item: NewTrajectory) -> Response:
    """Open a trajectory that your organisation runs"""

    def act(session: Session) -> Response:
        result = commands.open_one(session, actor(), item)
        detail = queries.get(session, actor(), result.id)  # type: ignore[arg-type]
        return one(dump_detail, detail, status=created_or_known(result.outcome), location=f"/v1/trajectories/{result.id}")

    return answer_once(act)


@routes.on("POST", "/trajectories/batch", needs=Right.REPORT_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=NewTrajectoriesIn)
def open_trajectories(body: dict[str, Any]) -> Response:
    """Open up to 1,000 trajectories, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: commands.open_each(session, actor(), items))
    concerns(*(item.dwelling_id for item, result in zip(body["items"], results, strict=True) if not result.faults))
    return batch_response(results)


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
    """Report measures applied in a trajectory"""

    def act(session: Session) -> Response:
        measures = commands.apply_measures(session, actor(), trajectory_id, body["items"])
        concerns(queries.dwelling_of(session, trajectory_id))
        return one(lambda items: {"items": [dump_measure(each) for each in items]}, measures, status=201)

    return answer_once(act)
