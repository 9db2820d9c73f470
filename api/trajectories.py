"""Trajectories and their money. What else is written into one is in `api.milestones`, `api.measures` and `api.trajectory_documents`."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, created_or_known, judge_each
from api.demands import GroundOut, JudgedDemandOut
from api.fields import SLUG, Date, Decimal, Length, List, Moment, Nested, OneOf, Range, Schema, String, Uuid
from api.lineage import LineageQuery, by_line
from api.measures import MeasureOut
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.processing import Activity
from registry.trajectories import commands, funding, queries
from registry.trajectories.commands import NewTrajectory, Plan
from registry.trajectories.funding import Funding
from registry.trajectories.model import Action, MilestoneKind, Track
from registry.trajectories.rules import TrackState
from registry.values import EnergyLabel

routes = Routes("trajectories", "Trajectories (verbetertrajecten) and their money")


class FundingIn(Schema):
    scheme = String(required=True, validate=SLUG)
    amount_eur = Decimal(load_default=None, allow_none=True, places=2, validate=Range(0, 10**11), metadata={"description": "Euro."})
    awarded_on = Date(load_default=None, allow_none=True, metadata={"description": "The day of the decision (beschikking)."})

    @post_load
    def funding(self, data: dict[str, Any], **_: Any) -> Funding:
        return Funding(**data)


class FundingOut(Schema):
    scheme = fields.String(required=True)
    amount_eur = Decimal(required=True, allow_none=True, data_key="amountEur")
    awarded_on = fields.Date(required=True, allow_none=True, data_key="awardedOn")


class FundingLineOut(FundingOut):
    """In force from `recordedAt` until `supersededAt`."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId", metadata={"description": "Of whoever reported it."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    superseded_at = Moment(required=True, allow_none=True, data_key="supersededAt")


class FundingLinesOut(Schema):
    items = fields.List(fields.Nested(FundingLineOut), required=True)
    next = fields.String(required=True, allow_none=True)


class NewTrajectoryIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    dwelling_id = Uuid(required=True)
    project = String(load_default=None, allow_none=True, validate=SLUG)
    funding_lines = List(Nested(FundingIn), load_default=list, validate=Length(0, 20))

    @post_load
    def trajectory(self, data: dict[str, Any], **_: Any) -> NewTrajectory:
        return NewTrajectory(**{**data, "funding_lines": tuple(data["funding_lines"])})


class TrajectoryPlanIn(Schema):
    """All that can be amended of a trajectory: what is left out of `fundingLines` pays no longer."""

    project = String(required=True, allow_none=True, validate=SLUG)
    funding_lines = List(Nested(FundingIn), required=True, validate=Length(0, 20))

    @post_load
    def plan(self, data: dict[str, Any], **_: Any) -> Plan:
        return Plan(data["project"], tuple(data["funding_lines"]))


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
    version = fields.Integer(required=True, metadata={"description": "Of `project` and `fundingLines`, for If-Match."})
    recorded_at = Moment(required=True, data_key="recordedAt")


class TrajectoriesOut(Schema):
    items = fields.List(fields.Nested(TrajectoryOut), required=True)
    next = fields.String(required=True, allow_none=True)


class TrajectoriesQuery(LineageQuery):
    executor_id = Uuid(load_default=None)
    project = String(load_default=None, validate=SLUG)


class MilestoneOut(Schema):
    id = fields.UUID(required=True)
    trajectory_id = fields.UUID(required=True, data_key="trajectoryId")
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)
    effective_on = fields.Date(required=True, data_key="effectiveOn", metadata={"description": "When it was so."})
    decided_on = fields.Date(required=True, allow_none=True, data_key="decidedOn", metadata={"description": "Of a plan: since when there is that plan."})
    action = OneOf(Action, required=True)
    corrects_id = fields.UUID(required=True, allow_none=True, data_key="correctsId")
    evidence = fields.List(fields.Raw(), required=True)
    note = fields.String(required=True, allow_none=True)
    recorded_at = Moment(required=True, data_key="recordedAt", metadata={"description": "When the register learned it."})
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    confirmed_at = Moment(required=True, allow_none=True, data_key="confirmedAt")
    rests_on = fields.List(fields.Nested(GroundOut), required=True, data_key="restsOn", metadata={"description": "By what its confirmation says it is shown."})


class ShownMilestoneOut(MilestoneOut):
    inspections = fields.List(fields.UUID(), required=True, metadata={"description": "Approved inspections that are evidence for it."})
    demands = fields.List(fields.Nested(JudgedDemandOut), required=True, metadata={"description": "Of the schemes that pay for the trajectory."})


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
    condition_before = fields.Integer(
        required=True, allow_none=True, data_key="conditionBefore", metadata={"description": "NEN 2767 score, found last before the works began."}
    )
    condition_after = fields.Integer(
        required=True, allow_none=True, data_key="conditionAfter", metadata={"description": "The one found last since; 1 is best, 6 worst."}
    )
    funding_eur = Decimal(required=True, allow_none=True, data_key="fundingEur", metadata={"description": "Of the lines whose amount is known."})
    measures_cost_eur = Decimal(required=True, allow_none=True, data_key="measuresCostEur", metadata={"description": "Of the measures whose cost is known."})


dump_trajectory = dump_with(TrajectoryOut())
dump_milestone = dump_with(MilestoneOut())
_dump_funding = dump_with(FundingLineOut())
_dump_detail = dump_with(TrajectoryDetailOut())


def dump_detail(detail: queries.TrajectoryDetail) -> dict[str, Any]:
    shown = {name: getattr(detail, name) for name in TrajectoryDetailOut().fields if name != "tracks"}
    return _dump_detail({**shown, "tracks": [{"track": track, "state": state} for track, state in detail.tracks.items()]})


def detail_response(detail: queries.TrajectoryDetail, *, status: int = 200, location: str | None = None) -> Response:
    return one(dump_detail, detail, amendable=detail.version, status=status, location=location)


@routes.on("GET", "/trajectories", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=TrajectoriesOut, query=TrajectoriesQuery)
def list_trajectories(query: dict[str, Any]) -> Response:
    """The trajectories you may see, by id"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump_trajectory, queries.list_(session, actor(), **by_line(query)))


@routes.on("GET", "/trajectories/<uuid:trajectory_id>", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=TrajectoryDetailOut, tagged=True)
def get_trajectory(trajectory_id: UUID) -> Response:
    """One trajectory with its money, milestones, measures and what came of it

    The ETag changes with everything that is shown, and can be sent as If-Match as it is: it begins with `version`, and that alone decides whether a change of
    project or money is based on what is there. A milestone or a measure that was reported meanwhile does not stand in its way.
    """
    with reading(actor()) as session:
        return detail_response(queries.get(session, actor(), trajectory_id))


@routes.on(
    "PUT",
    "/trajectories/<uuid:trajectory_id>",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=TrajectoryDetailOut,
    takes=TrajectoryPlanIn,
    tagged=True,
    versioned=True,
)
def amend_trajectory(plan: Plan, trajectory_id: UUID) -> Response:
    """Replace project and money of a trajectory that your organisation runs; former funding lines stay to be read

    If-Match is the ETag of the trajectory, or its `version` in quotes: 412 when somebody else amended project or money since then, 428 without it. What is the
    same already changes nothing, whatever If-Match says, so that sending it again does no harm.
    """
    with transaction(actor()) as session:
        commands.amend(session, actor(), trajectory_id, plan, expected=expected_version())
        return detail_response(queries.get(session, actor(), trajectory_id))


@routes.on(
    "GET",
    "/trajectories/<uuid:trajectory_id>/funding-lines",
    needs=Right.READ_PROGRESS,
    processes=Activity.PROGRESS_READ,
    returns=FundingLinesOut,
    query=PageQuery,
)
def list_funding_lines(query: dict[str, Any], trajectory_id: UUID) -> Response:
    """Every funding line that a trajectory ever had, in the order in which the register learned them"""
    with reading(actor()) as session:
        page = funding.journal(session, actor(), trajectory_id, after=decode_cursor(query["cursor"], UUID), limit=query["limit"])
        concerns(queries.dwelling_of(session, trajectory_id))
    return page_response(_dump_funding, page)


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
        return detail_response(detail, status=created_or_known(result.outcome), location=f"/v1/trajectories/{result.id}")

    return answer_once(act)


@routes.on("POST", "/trajectories/batch", needs=Right.REPORT_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=NewTrajectoriesIn)
def open_trajectories(body: dict[str, Any]) -> Response:
    """Open up to 1,000 trajectories, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: commands.open_each(session, actor(), items))
    concerns(*(item.dwelling_id for item, result in zip(body["items"], results, strict=True) if not result.faults))
    return batch_response(results)
