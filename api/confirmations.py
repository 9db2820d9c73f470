"""Confirmations: the municipality of the dwelling says that a milestone is so, and takes that back when it was a mistake."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, one
from api.auth import actor
from api.batches import BatchOut, Each, batch_response, judge_each
from api.fields import Length, Nested, Schema, String, Uuid
from api.milestones import NoteField, dump
from api.processing import concerns
from api.routes import Routes
from api.trajectories import MilestoneOut
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import transaction
from registry.processing import Activity
from registry.trajectories import confirmations, queries
from registry.trajectories.confirmations import NewConfirmation

routes = Routes("confirmations", "Confirmations (bevestigingen) of milestones by the municipality")


class ConfirmationIn(Schema):
    note = NoteField(load_default=None)


class BatchConfirmationIn(ConfirmationIn):
    milestone_id = Uuid(required=True)

    @post_load
    def confirmation(self, data: dict[str, Any], **_: Any) -> NewConfirmation:
        return NewConfirmation(**data)


class ConfirmationsIn(Schema):
    items = Each(Nested(BatchConfirmationIn), required=True, validate=Length(1, LARGEST_BATCH))


class ConfirmationWithdrawalIn(Schema):
    reason = String(required=True, validate=Length(1, 2000), metadata={"description": "Why it was a mistake."})


def _now(session: Session, milestone_id: UUID) -> Response:
    return one(dump, queries.find(session, [milestone_id])[milestone_id])


@routes.on("POST", "/confirmations", needs=Right.CONFIRM_PROGRESS, processes=Activity.PROGRESS_CHANGED, returns=BatchOut, takes=ConfirmationsIn)
def confirm_milestones(body: dict[str, Any]) -> Response:
    """Confirm up to 1,000 milestones of dwellings in your municipality, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: confirmations.confirm_each(session, actor(), items))
        concerns(*queries.dwellings_of(session, {result.id for result in results if result.id and not result.faults}))
    return batch_response(results)


@routes.on(
    "POST",
    "/milestones/<uuid:milestone_id>/confirmation",
    needs=Right.CONFIRM_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MilestoneOut,
    takes=ConfirmationIn,
    tagged=True,
    once=True,
)
def confirm_milestone(body: dict[str, Any], milestone_id: UUID) -> Response:
    """Confirm a milestone of a dwelling in your municipality, once all is there that the schemes demand"""

    def act(session: Session) -> Response:
        confirmations.confirm(session, actor(), NewConfirmation(milestone_id, body["note"]))
        return _now(session, milestone_id)

    return answer_once(act)


@routes.on(
    "POST",
    "/milestones/<uuid:milestone_id>/confirmation/withdrawal",
    needs=Right.CONFIRM_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=MilestoneOut,
    takes=ConfirmationWithdrawalIn,
    tagged=True,
    once=True,
)
def withdraw_confirmation(body: dict[str, Any], milestone_id: UUID) -> Response:
    """Say that a confirmation was a mistake; it stays in the journal, and the milestone may be confirmed anew"""

    def act(session: Session) -> Response:
        confirmations.withdraw(session, actor(), milestone_id, reason=body["reason"])
        return _now(session, milestone_id)

    return answer_once(act)
