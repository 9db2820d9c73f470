"""Who am I: the person behind the token, for whom she may act, and as whom she acts now; and her password."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api import attempts
from api.answers import dump_with, one
from api.auth import presented, session_secret
from api.fields import Length, OneOf, String
from api.fields import Schema as RequestSchema
from api.problems import request_id
from api.routes import Routes, Who
from registry.access import Oneself, Right, Role
from registry.db import reading, transaction
from registry.errors import NotAllowed
from registry.members import queries, sign_in
from registry.members.credentials import csrf_token
from registry.members.model import CredentialKind
from registry.members.rules import LONGEST_PASSWORD
from registry.members.sign_in import MembershipNotChosen, NoMembership

routes = Routes("me", "Who is calling")


class SignInNeeded(NotAllowed):
    """A phone's token acts for one membership; this is about the person, in all that she is."""

    code = "sign-in-needed"


class OwnMembershipOut(Schema):
    id = fields.UUID(required=True, metadata={"description": "For `Acting-For`."})
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    organisation = fields.String(required=True, attribute="name")
    role = OneOf(Role, required=True)


class MeOut(Schema):
    person_id = fields.UUID(required=True, data_key="personId")
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId", metadata={"description": "Null when you act for none."})
    role = OneOf(Role, required=True, allow_none=True)
    rights = fields.List(OneOf(Right), required=True)
    memberships = fields.List(
        fields.Nested(OwnMembershipOut), required=True, metadata={"description": "Those that hold today; with a phone's token the one that it is for."}
    )
    csrf_token = fields.String(
        required=True,
        allow_none=True,
        data_key="csrfToken",
        metadata={"description": "What a browser that is signed in sends as `X-CSRF-Token` with every change; null for who came with a token."},
    )


class PasswordIn(RequestSchema):
    current_password = String(required=True, validate=Length(1, LONGEST_PASSWORD))
    new_password = String(required=True, metadata={"description": "12 to 128 characters."})


dump = dump_with(MeOut())


def _me() -> Response:
    me = presented()
    try:
        acting = me.acting(request_id())
    except (NoMembership, MembershipNotChosen):
        acting = None
    with reading(Oneself(me.person_id, request_id())) as session:
        memberships = [held for held in queries.held_by(session, me.person_id) if me.kind is not CredentialKind.TOKEN or held["id"] in me.membership_ids]
    now = {"organisation_id": acting and acting.organisation_id, "role": acting and acting.role, "rights": sorted(acting.rights) if acting else []}
    token = csrf_token(session_secret()) if me.kind is CredentialKind.SESSION else None
    return one(dump, {"person_id": me.person_id, **now, "memberships": memberships, "csrf_token": token})


@routes.on("GET", "/me", needs=Who.ONESELF, returns=MeOut, tagged=True)
def get_me() -> Response:
    """Who the token speaks for"""
    return _me()


@routes.on("PUT", "/me/password", needs=Who.ONESELF, returns=MeOut, takes=PasswordIn)
def change_password(body: dict[str, Any]) -> Response:
    """Choose another password; every browser that is signed in has to do so again"""
    me = presented()
    if me.kind is CredentialKind.TOKEN:
        raise SignInNeeded(role="-", right="-")
    herself = Oneself(me.person_id, request_id())
    attempts.count("password-change", str(me.credential_id))
    with transaction(herself) as session:
        sign_in.change_password(session, herself, current=body["current_password"], new=body["new_password"])
    return _me()
