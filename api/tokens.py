"""Tokens of phones and programs, and the one-time codes that become one."""

from typing import Any
from uuid import UUID

import segno
from flask import Response
from marshmallow import fields

from api import attempts
from api.addresses import own_origin
from api.answers import decode_cursor, dump_with, json_response, one, page_response
from api.auth import actor
from api.fields import Length, Moment, Schema, String, Uuid
from api.problems import request_id
from api.routes import PageQuery, Routes, Who
from registry.access import Right
from registry.db import reading, transaction
from registry.members import commands, queries, sign_in
from registry.members.credentials import Secret

routes = Routes("tokens", "Tokens of phones and programs")

LONGEST_NAME = 80
"""Characters in the name of a phone."""


class EnrolmentIn(Schema):
    member_id = Uuid(
        required=True, metadata={"description": "The membership for which the phone will act: the one for which you act, or one of your colleagues'."}
    )
    name = String(required=True, validate=Length(1, LONGEST_NAME), metadata={"description": "What the phone is called in lists."})


class EnrolmentOut(Schema):
    """Shown once, good for half an hour, for one phone."""

    code = fields.String(required=True)
    uri = fields.String(required=True, metadata={"description": "What the QR picture says: the register's address and the code."})
    qr = fields.String(required=True, metadata={"description": "The picture, as SVG."})


class CodeIn(Schema):
    code = String(required=True, validate=Length(1, 100))
    name = String(load_default=None, allow_none=True, validate=Length(1, LONGEST_NAME))


class NewTokenOut(Schema):
    id = fields.UUID(required=True)
    token = fields.String(required=True, metadata={"description": "Shown once; goes in `Authorization: Bearer`."})


class NameIn(Schema):
    name = String(required=True, validate=Length(1, LONGEST_NAME))


class TokenOut(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True, allow_none=True)
    person_id = fields.UUID(required=True, data_key="personId")
    membership_id = fields.UUID(required=True, allow_none=True, data_key="membershipId")
    recorded_at = Moment(required=True, data_key="recordedAt")
    last_used_at = Moment(required=True, allow_none=True, data_key="lastUsedAt", metadata={"description": "To about five minutes."})
    expires_at = Moment(required=True, data_key="expiresAt", metadata={"description": "90 days after its last use."})
    revoked_at = Moment(required=True, allow_none=True, data_key="revokedAt")


class TokensOut(Schema):
    items = fields.List(fields.Nested(TokenOut), required=True)
    next = fields.String(required=True, allow_none=True)


dump = dump_with(TokenOut())


@routes.on("POST", "/enrolments", needs=Right.READ_REFERENCE, returns=EnrolmentOut, status=201, takes=EnrolmentIn)
def make_enrolment(body: dict[str, Any]) -> Response:
    """A one-time code, with its QR picture, that a phone turns into a token"""
    with transaction(actor()) as session:
        secret = commands.enrol(session, actor(), body["member_id"], name=body["name"])
    return json_response(enrolment(secret, own_origin()), 201)


def enrolment(secret: Secret, origin: str) -> dict[str, str]:
    """The code is in the fragment, which browsers send to no server."""
    uri = f"{origin}/enrol#{secret.text}"
    return {"code": secret.text, "uri": uri, "qr": segno.make(uri, error="m").svg_inline(scale=6, title="QR")}


@routes.on("POST", "/tokens", needs=Who.ANYONE, returns=NewTokenOut, status=201, takes=CodeIn)
def redeem_enrolment(body: dict[str, Any]) -> Response:
    """Turn an enrolment code into a token, once"""
    attempts.count("enrolment", body["code"])
    token_id, secret = sign_in.redeem_enrolment(body["code"], name=body["name"], request_id=request_id())
    return json_response({"id": token_id, "token": secret.text}, 201, {"Location": f"/v1/tokens/{token_id}"})


@routes.on("GET", "/tokens", needs=Right.READ_REFERENCE, returns=TokensOut, query=PageQuery)
def list_tokens(query: dict[str, Any]) -> Response:
    """Your tokens; for an administrator those of the organisation too"""
    with reading(actor()) as session:
        return page_response(dump, queries.tokens(session, actor(), after=decode_cursor(query["cursor"], UUID), limit=query["limit"]))


@routes.on("GET", "/tokens/<uuid:token_id>", needs=Right.READ_REFERENCE, returns=TokenOut, tagged=True)
def get_token(token_id: UUID) -> Response:
    """One token; never its secret"""
    with reading(actor()) as session:
        return one(dump, queries.token(session, actor(), token_id))


@routes.on("PUT", "/tokens/<uuid:token_id>", needs=Right.READ_REFERENCE, returns=TokenOut, takes=NameIn, tagged=True)
def rename_token(body: dict[str, Any], token_id: UUID) -> Response:
    """Give a phone another name"""
    with transaction(actor()) as session:
        return one(dump, commands.rename_token(session, actor(), token_id, name=body["name"]))


@routes.on("DELETE", "/tokens/<uuid:token_id>", needs=Right.READ_REFERENCE, returns=TokenOut)
def revoke_token(token_id: UUID) -> Response:
    """From now on this phone is not let in; it stays in the list"""
    with transaction(actor()) as session:
        return json_response(dump(commands.revoke_token(session, actor(), token_id)))
