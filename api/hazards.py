"""Hazards of dwellings: what somebody who goes there must know first."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, dump_with, one
from api.auth import actor
from api.batches import created_or_known
from api.fields import Length, Moment, OneOf, Schema, String, Uuid
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.dwellings import hazards
from registry.dwellings.hazards import NewHazard
from registry.dwellings.model import HazardKind
from registry.processing import Activity

routes = Routes("hazards", "Hazards of dwellings (gevaren), for those who go there and those who send them")


class HazardIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    kind = OneOf(HazardKind, required=True)
    note = String(
        load_default=None, allow_none=True, validate=Length(0, 1000), metadata={"description": "What it is, and where; needed when the kind is `other`."}
    )

    @post_load
    def hazard(self, data: dict[str, Any], **_: Any) -> NewHazard:
        return NewHazard(**data)


class EndIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it is no danger any more; it is kept."})


class HazardOut(Schema):
    id = fields.UUID(required=True)
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    kind = OneOf(HazardKind, required=True)
    note = fields.String(required=True, allow_none=True)
    organisation_id = fields.UUID(required=True, data_key="organisationId", metadata={"description": "Of whoever saw it."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    ended_at = Moment(required=True, allow_none=True, data_key="endedAt")
    end_reason = fields.String(required=True, allow_none=True, data_key="endReason")
    version = fields.Integer(required=True)


class HazardsOut(Schema):
    items = fields.List(fields.Nested(HazardOut), required=True)


dump = dump_with(HazardOut())


@routes.on("GET", "/dwellings/<uuid:dwelling_id>/hazards", needs=Right.READ_HAZARDS, processes=Activity.DWELLINGS_READ, returns=HazardsOut, tagged=True)
def list_hazards(dwelling_id: UUID) -> Response:
    """The hazards of a dwelling: those that there are first, and then those that have ended"""
    with reading(actor()) as session:
        found = hazards.list_(session, actor(), dwelling_id)
    concerns(dwelling_id)
    return one(lambda items: {"items": [dump(each) for each in items]}, found)


@routes.on(
    "POST",
    "/dwellings/<uuid:dwelling_id>/hazards",
    needs=Right.RECORD_HAZARDS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=HazardOut,
    status=201,
    takes=HazardIn,
    tagged=True,
    once=True,
)
def record_hazard(new: NewHazard, dwelling_id: UUID) -> Response:
    """Say that there is a hazard at a dwelling"""

    def act(session: Session) -> Response:
        hazard, outcome = hazards.record(session, actor(), dwelling_id, new)
        return one(dump, hazard, version=hazard.version, status=created_or_known(outcome))

    return answer_once(act)


@routes.on(
    "POST",
    "/hazards/<uuid:hazard_id>/end",
    needs=Right.RECORD_HAZARDS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=HazardOut,
    takes=EndIn,
    tagged=True,
)
def end_hazard(body: dict[str, Any], hazard_id: UUID) -> Response:
    """Say that a hazard is there no more, and why; ending it again changes nothing"""
    with transaction(actor()) as session:
        hazard = hazards.end(session, actor(), hazard_id, reason=body["reason"])
    return one(dump, hazard, version=hazard.version)
