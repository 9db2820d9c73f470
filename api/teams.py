"""Teams: inspectors of one organisation who share their work."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.fields import Length, List, Moment, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.inspections import team_work
from registry.members import teams
from registry.members.teams import LARGEST_TEAM, NewTeam

routes = Routes("teams", "Teams of inspectors")


class TeamIn(Schema):
    name = String(required=True, validate=Length(1, 80))
    member_ids = List(
        Uuid(), required=True, validate=Length(0, LARGEST_TEAM), metadata={"description": "The `personId` of each; inspectors of your organisation."}
    )


class NewTeamIn(TeamIn):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})

    @post_load
    def team(self, data: dict[str, Any], **_: Any) -> NewTeam:
        return NewTeam(data["name"], tuple(data["member_ids"]), data["id"])


class ColleagueOut(Schema):
    person_id = fields.UUID(required=True, data_key="personId")
    name = fields.String(required=True)


class TeamOut(Schema):
    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    name = fields.String(required=True)
    members = fields.List(fields.Nested(ColleagueOut), required=True)
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class TeamsOut(Schema):
    items = fields.List(fields.Nested(TeamOut), required=True)
    next = fields.String(required=True, allow_none=True)


dump = dump_with(TeamOut())


@routes.on("GET", "/teams", needs=Right.READ_TEAMS, returns=TeamsOut, query=PageQuery)
def list_teams(query: dict[str, Any]) -> Response:
    """The teams of your organisation; an inspector sees those that she is in"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, teams.list_(session, actor(), **query))


@routes.on("GET", "/teams/<uuid:team_id>", needs=Right.READ_TEAMS, returns=TeamOut, tagged=True)
def get_team(team_id: UUID) -> Response:
    """One team"""
    with reading(actor()) as session:
        found = teams.get(session, actor(), team_id)
    return one(dump, found, version=found.version)


@routes.on("POST", "/teams", needs=Right.MANAGE_TEAMS, returns=TeamOut, status=201, takes=NewTeamIn, tagged=True, once=True)
def make_team(new: NewTeam) -> Response:
    """Make a team of your organisation"""

    def act(session: Session) -> Response:
        team, outcome = teams.make(session, actor(), new)
        return one(dump, team, version=team.version, status=created_or_known(outcome), location=f"/v1/teams/{team.id}")

    return answer_once(act)


@routes.on("PUT", "/teams/<uuid:team_id>", needs=Right.MANAGE_TEAMS, returns=TeamOut, takes=TeamIn, tagged=True, versioned=True)
def amend_team(body: dict[str, Any], team_id: UUID) -> Response:
    """Change the name of a team and who is in it; who joins sees what there is to take, and what somebody who leaves has taken stays hers"""
    with transaction(actor()) as session:
        team = team_work.change_team(session, actor(), team_id, name=body["name"], member_ids=body["member_ids"], expected=expected_version())
    return one(dump, team, version=team.version)
