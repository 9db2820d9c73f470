"""Milestones: reported, corrected and retracted by who runs the trajectory, without overwriting. They are confirmed in `api.confirmations`."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, dump_with, one
from api.auth import actor
from api.batches import BatchOut, Each, ResultOut, batch_id, batch_response, created_or_known, judge_each
from api.demands import GroundOut
from api.fields import AnyJson, Date, Length, List, Moment, Nested, OneOf, Schema, String, Uuid
from api.processing import concerns
from api.routes import Routes
from api.trajectories import MilestoneOut
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.processing import Activity
from registry.trajectories import history, milestones, queries
from registry.trajectories.milestones import NewMilestone
from registry.trajectories.model import MilestoneKind, Track
from registry.versioned import Outcome

routes = Routes("milestones", "Milestones (mijlpalen)")


class NoteField(String):
    """What a person adds in her own words."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, validate=Length(1, 2000), **kwargs)


def said_evidence(**kwargs: Any) -> List:
    return List(AnyJson(), validate=Length(0, 20), metadata={"description": "What it rests on: inspections, documents."}, **kwargs)


class MilestoneIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)
    effective_on = Date(required=True, metadata={"description": "When it was so; of a plan, the day for which it is planned."})
    decided_on = Date(load_default=None, allow_none=True, metadata={"description": "Of a plan only: since when there is that plan."})
    evidence = said_evidence(load_default=list)
    note = NoteField(load_default=None)


class BatchMilestoneIn(MilestoneIn):
    id = batch_id()
    trajectory_id = Uuid(required=True)

    @post_load
    def milestone(self, data: dict[str, Any], **_: Any) -> NewMilestone:
        return NewMilestone(**{**data, "evidence": tuple(data["evidence"])})


class MilestonesIn(Schema):
    items = Each(Nested(BatchMilestoneIn), required=True, validate=Length(1, LARGEST_BATCH))


class CorrectionIn(Schema):
    """What is left out stays as it was."""

    effective_on = Date()
    decided_on = Date(allow_none=True, metadata={"description": "Of a plan only. Null: since the register knew of the plan."})
    evidence = said_evidence()
    note = NoteField()


class RetractionIn(Schema):
    note = String(required=True, validate=Length(1, 2000), metadata={"description": "Why it was never so."})


class ReportedOut(ResultOut):
    superseded_by = fields.UUID(
        required=True,
        allow_none=True,
        data_key="supersededBy",
        metadata={"description": "Sent again, and corrected or retracted since: by this row of the journal. Nothing was changed."},
    )


class ReportedEachOut(BatchOut):
    results = fields.List(fields.Nested(ReportedOut), required=True)


class KeptConfirmationOut(Schema):
    recorded_at = Moment(required=True, data_key="recordedAt")
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    note = fields.String(required=True, allow_none=True)
    rests_on = fields.List(fields.Nested(GroundOut), required=True, data_key="restsOn")
    withdrawn_at = Moment(required=True, allow_none=True, data_key="withdrawnAt")
    withdrawal_reason = fields.String(required=True, allow_none=True, data_key="withdrawalReason")


class JournalRowOut(MilestoneOut):
    class Meta:
        exclude = ("confirmed_at", "rests_on")

    superseded_at = Moment(
        required=True, allow_none=True, data_key="supersededAt", metadata={"description": "In force from recordedAt until then; null for a row in force."}
    )
    confirmations = fields.List(fields.Nested(KeptConfirmationOut), required=True, metadata={"description": "All it ever had, the oldest first."})


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
            raise history.superseded(session, result.id, at="/id")  # type: ignore[arg-type]
        return one(dump, reported, status=created_or_known(result.outcome))

    return answer_once(act)


@routes.on("GET", "/trajectories/<uuid:trajectory_id>/milestones", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=JournalOut, tagged=True)
def list_journal(trajectory_id: UUID) -> Response:
    """Every row of the journal of a trajectory, corrected and retracted ones too, in the order in which the register learned them"""
    with reading(actor()) as session:
        rows = history.journal(session, actor(), trajectory_id)
    concerns(*(row.dwelling_id for row in rows))
    return one(lambda items: {"items": [dump_row(each) for each in items]}, rows)


@routes.on("POST", "/milestones", needs=Right.REPORT_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=ReportedEachOut, takes=MilestonesIn)
def report_milestones(body: dict[str, Any]) -> Response:
    """Report up to 1,000 milestones in any order, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: milestones.report_each(session, actor(), items))
        concerns(*queries.dwellings_of(session, {result.id for result in results if result.id and not result.faults}))
        later = history.superseded_by(session, {result.id for result in results if result.id and result.outcome is Outcome.UNCHANGED})
    return batch_response(results, more=lambda result: {"supersededBy": later.get(result.id) if result.id else None})


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
    """Say that a milestone was on another day, or rests on other evidence; the former row stays. Of two corrections at once one is refused"""
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
