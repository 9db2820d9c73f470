"""Who am I: the person, organisation, role and rights behind the token."""

from flask import Response
from marshmallow import Schema, fields

from api.answers import dump_with, one
from api.auth import actor
from api.contract import Routes
from api.fields import OneOf
from registry.access import RIGHTS, Right, Role

routes = Routes("me", "Who is calling")


class MeOut(Schema):
    person_id = fields.UUID(required=True, data_key="personId")
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    role = OneOf(Role, required=True)
    rights = fields.List(OneOf(Right), required=True)


dump = dump_with(MeOut())


@routes.on("GET", "/me", returns=MeOut, tagged=True)
def get_me() -> Response:
    """Who the token speaks for"""
    me = actor()
    return one(dump, {"person_id": me.person_id, "organisation_id": me.organisation_id, "role": me.role, "rights": sorted(RIGHTS[me.role])})
