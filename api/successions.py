"""Successions of dwellings (opvolgingen): splits, merges, replacements, demolitions and re-keyings, by day."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, dump_with, one
from api.auth import actor
from api.batches import created_or_known
from api.dwellings import BAG_ID
from api.fields import Date, Length, List, Moment, OneOf, Schema, String, Uuid
from api.portfolios import PeriodOut
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.dwellings import successions
from registry.dwellings.succession_model import SuccessionKind
from registry.dwellings.succession_rules import MOST_ON_A_SIDE, NewSuccession
from registry.dwellings.successions import Told
from registry.processing import Activity

routes = Routes("successions", "Which dwellings ended and which came in their place (opvolgingen)")


class SuccessionIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    kind = OneOf(SuccessionKind, required=True)
    occurred_on = Date(required=True, metadata={"description": "From this day on the dwellings before are no more, and those after are there."})
    predecessors = List(Uuid(), required=True, validate=Length(1, MOST_ON_A_SIDE))
    successors = List(Uuid(), load_default=list, validate=Length(0, MOST_ON_A_SIDE))
    new_bag_id = String(
        load_default=None,
        allow_none=True,
        validate=BAG_ID,
        metadata={"description": "Of a `re-keying` of one dwelling, which stays the same one unless the register has another dwelling by this id."},
    )
    note = String(load_default=None, allow_none=True, validate=Length(0, 1000))

    @post_load
    def succession(self, data: dict[str, Any], **_: Any) -> NewSuccession:
        return NewSuccession(**{**data, "predecessors": tuple(data["predecessors"]), "successors": tuple(data["successors"])})


class SuccessionRetractionIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it was a mistake; it is kept."})


class SuccessionOut(Schema):
    id = fields.UUID(required=True)
    kind = OneOf(SuccessionKind, required=True)
    occurred_on = fields.Date(required=True, data_key="occurredOn")
    predecessors = fields.List(fields.UUID(), required=True)
    successors = fields.List(fields.UUID(), required=True)
    former_bag_id = fields.String(required=True, allow_none=True, data_key="formerBagId")
    new_bag_id = fields.String(required=True, allow_none=True, data_key="newBagId")
    note = fields.String(required=True, allow_none=True)
    municipality_code = fields.String(required=True, data_key="municipalityCode")
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    recorded_at = Moment(required=True, data_key="recordedAt")
    retracted_at = Moment(required=True, allow_none=True, data_key="retractedAt")
    retraction_reason = fields.String(required=True, allow_none=True, data_key="retractionReason")
    put_in_portfolio = fields.List(
        fields.Nested(PeriodOut),
        required=True,
        data_key="putInPortfolio",
        metadata={"description": "Portfolio periods that followed from it: successors got the corporation that had all predecessors."},
    )


class SuccessionsOut(Schema):
    items = fields.List(fields.Nested(SuccessionOut), required=True)


_dump = dump_with(SuccessionOut())
OF_ROW = [name for name in SuccessionOut().fields if name not in ("predecessors", "successors", "put_in_portfolio")]


def dump(told: Told) -> dict[str, Any]:
    sides = {"predecessors": told.predecessors, "successors": told.successors, "put_in_portfolio": told.put_in_portfolio}
    return _dump({**{name: getattr(told.succession, name) for name in OF_ROW}, **sides})


def _concerned(*found: Told) -> None:
    concerns(*{id for told in found for id in (*told.predecessors, *told.successors)})


@routes.on(
    "GET", "/dwellings/<uuid:dwelling_id>/successions", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_READ, returns=SuccessionsOut, tagged=True
)
def list_successions(dwelling_id: UUID) -> Response:
    """How a dwelling came to be and what became of it, through all that came before and after it, by day"""
    with reading(actor()) as session:
        found = successions.list_(session, actor(), dwelling_id)
    _concerned(*found)
    concerns(dwelling_id)
    return one(lambda items: {"items": [dump(each) for each in items]}, found)


@routes.on("GET", "/successions/<uuid:succession_id>", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_READ, returns=SuccessionOut, tagged=True)
def get_succession(succession_id: UUID) -> Response:
    """One succession with the dwellings on both sides"""
    with reading(actor()) as session:
        found = successions.get(session, actor(), succession_id)
    _concerned(found)
    return one(dump, found)


@routes.on(
    "POST",
    "/successions",
    needs=Right.RECORD_SUCCESSIONS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=SuccessionOut,
    status=201,
    takes=SuccessionIn,
    tagged=True,
    once=True,
)
def record_succession(new: NewSuccession) -> Response:
    """Say what became of dwellings of your municipality"""

    def act(session: Session) -> Response:
        told, outcome = successions.record(session, actor(), new)
        _concerned(told)
        return one(dump, told, status=created_or_known(outcome), location=f"/v1/successions/{told.succession.id}")

    return answer_once(act)


@routes.on(
    "POST",
    "/successions/<uuid:succession_id>/retraction",
    needs=Right.RECORD_SUCCESSIONS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=SuccessionOut,
    takes=SuccessionRetractionIn,
    tagged=True,
)
def retract_succession(body: dict[str, Any], succession_id: UUID) -> Response:
    """Say that a succession was a mistake and undo what followed from it; retracting it again changes nothing"""
    with transaction(actor()) as session:
        found = successions.retract(session, actor(), succession_id, reason=body["reason"])
    _concerned(found)
    return one(dump, found)
