"""Milestones: reported by who runs the trajectory, confirmed by the municipality, corrected and retracted without overwriting."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, dump_with, one
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, created_or_known, judge_each
from api.fields import AnyJson, Date, Length, List, Nested, OneOf, Schema, String, Uuid
from api.processing import concerns
from api.routes import Routes
from api.trajectories import MilestoneOut
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.errors import Fault
from registry.processing import Activity
from registry.trajectories import milestones, queries
from registry.trajectories.milestones import NewConfirmation, NewMilestone
from registry.trajectories.model import MilestoneAlreadySuperseded, MilestoneKind, Track

routes = Routes("milestones", "Milestones (mijlpalen) and confirmations")


def a_note() -> String:
    return String(load_default=None, allow_none=True, validate=Length(1, 2000))


class MilestoneIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)
    effective_on = Date(required=True, metadata={"description": "When it was so."})
    evidence = List(AnyJson(), load_default=list, validate=Length(0, 20), metadata={"description": "What it rests on: inspections, documents."})
    note = a_note()


class BatchMilestoneIn(MilestoneIn):
    id = batch_id()
    trajectory_id = Uuid(required=True)

    @post_load
    def milestone(self, data: dict[str, Any], **_: Any) -> NewMilestone:
        return NewMilestone(**{**data, "evidence": tuple(data["evidence"])})


class MilestonesIn(Schema):
    items = Each(Nested(BatchMilestoneIn), required=True, validate=Length(1, LARGEST_BATCH))


class CorrectionIn(Schema):
    effective_on = Date(required=True)
    evidence = List(AnyJson(), load_default=list, validate=Length(0, 20))
    note = a_note()


class RetractionIn(Schema):
    note = String(required=True, validate=Length(1, 2000), metadata={"description": "Why it was never so."})


class ConfirmationIn(Schema):
    milestone_id = Uuid(required=True)
    note = a_note()

    @post_load
    def confirmation(self, data: dict[str, Any], **_: Any) -> NewConfirmation:
        return NewConfirmation(**data)


class ConfirmationsIn(Schema):
    items = Each(Nested(ConfirmationIn), required=True, validate=Length(1, LARGEST_BATCH))


class JournalRowOut(MilestoneOut):
    class Meta:
        exclude = ("confirmed_at",)


class JournalOut(Schema):
    items = fields.List(fields.Nested(JournalRowOut), required=True)


dump = dump_with(MilestoneOut())
dump_row = dump_with(JournalRowOut())


@routes.on(
    "POST",
    "/trajectories/<uuid:trajectory_id>/milestones",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MilestoneOut,
    status=201,
    takes=MilestoneIn,
    tagged=True,
    once=True,
)
def report_milestone(body: dict[str, Any], trajectory_id: UUID) -> Response:
    """Report a milestone of a trajectory that your organisation runs"""
    item = NewMilestone(**{**body, "evidence": tuple(body["evidence"]), "trajectory_id": trajectory_id})

    def act(session: Session) -> Response:
        result = milestones.report(session, actor(), item)
        reported = queries.find(session, [result.id]).get(result.id)  # type: ignore[list-item,arg-type]
        if reported is None:
            raise MilestoneAlreadySuperseded([Fault("/id", "milestone-superseded", {"id": result.id})])
        return one(dump, reported, status=created_or_known(result.outcome))

    return answer_once(act)


@routes.on("GET", "/trajectories/<uuid:trajectory_id>/milestones", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=JournalOut, tagged=True)
def list_journal(trajectory_id: UUID) -> Response:
    """Every row of the journal of a trajectory, corrected and retracted ones too, in the order in which the register learned them"""
    with reading(actor()) as session:
        rows = queries.journal(session, actor(), trajectory_id)
    concerns(*(row.dwelling_id for row in rows))
    return one(lambda items: {"items": [dump_row(each) for each in items]}, rows)


@routes.on("POST", "/milestones", needs=Right.REPORT_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=MilestonesIn)
def report_milestones(body: dict[str, Any]) -> Response:
    """Report up to 1,000 milestones in any order, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: milestones.report_each(session, actor(), items))
        concerns(*queries.dwellings_of(session, {result.id for result in results if result.id and not result.faults}))
    return batch_response(results)


@routes.on(
    "POST",
    "/milestones/<uuid:milestone_id>/correction",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MilestoneOut,
    status=201,
    takes=CorrectionIn,
    tagged=True,
    once=True,
)
def correct_milestone(body: dict[str, Any], milestone_id: UUID) -> Response:
    """Say that a milestone was on another day or rests on other evidence; the former row stays"""
    return answer_once(lambda session: one(dump, milestones.correct(session, actor(), milestone_id, **body), status=201))


@routes.on(
    "POST",
    "/milestones/<uuid:milestone_id>/retraction",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MilestoneOut,
    status=201,
    takes=RetractionIn,
    tagged=True,
    once=True,
)
def retract_milestone(body: dict[str, Any], milestone_id: UUID) -> Response:
    """Say that a milestone was never so; the former row stays"""
    return answer_once(lambda session: one(dump, milestones.retract(session, actor(), milestone_id, **body), status=201))


@routes.on("POST", "/confirmations", needs=Right.CONFIRM_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=ConfirmationsIn)
def confirm_milestones(body: dict[str, Any]) -> Response:
    """Confirm up to 1,000 milestones of dwellings in your municipality"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: milestones.confirm_each(session, actor(), items))
        concerns(*queries.dwellings_of(session, {result.id for result in results if result.id and not result.faults}))
    return batch_response(results)
