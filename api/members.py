"""Members: who works for which organisation, in which role, from when to when. Written by administrators."""

import re
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.addresses import own_origin
from api.answers import answer_once, decode_cursor, dump_with, expected_version, json_response, one, page_response
from api.auth import actor
from api.fields import Date, Form, Length, Moment, OneOf, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry.access import Right, Role
from registry.db import reading, transaction
from registry.members import commands, queries
from registry.members.rules import NewMember

routes = Routes("members", "Who works for which organisation, in which role")

EMAIL = Form(re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}"), "naam@voorbeeld.nl")


class NewMemberIn(Schema):
    email = String(required=True, validate=EMAIL)
    name = String(required=True, validate=Length(1, 120), metadata={"description": "Of a person who is new to the register."})
    role = OneOf(Role, required=True)
    valid_from = Date(required=True)
    valid_until = Date(load_default=None, allow_none=True, metadata={"description": "The day after the last one."})
    organisation_id = Uuid(load_default=None, allow_none=True, metadata={"description": "Yours, unless you are the ministry's administrator."})

    @post_load
    def member(self, data: dict[str, Any], **_: Any) -> NewMember:
        return NewMember(**data)


class MemberIn(Schema):
    valid_from = Date(required=True)
    valid_until = Date(required=True, allow_none=True, metadata={"description": "From this day on the membership lets nobody in."})


class MemberOut(Schema):
    id = fields.UUID(required=True)
    person_id = fields.UUID(required=True, data_key="personId")
    name = fields.String(required=True)
    email = fields.String(required=True)
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    role = OneOf(Role, required=True)
    valid_from = fields.Date(required=True, data_key="validFrom")
    valid_until = fields.Date(required=True, allow_none=True, data_key="validUntil")
    recorded_at = Moment(required=True, data_key="recordedAt")


class MembersOut(Schema):
    items = fields.List(fields.Nested(MemberOut), required=True)
    next = fields.String(required=True, allow_none=True)


class MembersQuery(PageQuery):
    role = OneOf(Role, load_default=None)
    organisation_id = Uuid(load_default=None)


class SetUpLinkOut(Schema):
    """Shown once. Hand it over in person or by a channel that reaches this member alone."""

    link = fields.String(required=True)


dump = dump_with(MemberOut())


@routes.on("GET", "/members", needs=Right.READ_MEMBERS, returns=MembersOut, query=MembersQuery)
def list_members(query: dict[str, Any]) -> Response:
    """The members of your organisation, past ones too"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **query))


@routes.on("GET", "/members/<uuid:member_id>", needs=Right.READ_MEMBERS, returns=MemberOut, tagged=True)
def get_member(member_id: UUID) -> Response:
    """One member"""
    with reading(actor()) as session:
        member = queries.get(session, actor(), member_id)
    return one(dump, member, version=member.version)


@routes.on("POST", "/members", needs=Right.MANAGE_MEMBERS, returns=MemberOut, status=201, takes=NewMemberIn, tagged=True, once=True)
def take_on_member(new: NewMember) -> Response:
    """Make somebody a member of your organisation; a person who is new gets in by a set-up link"""

    def act(session: Session) -> Response:
        member = commands.take_on(session, actor(), new)
        return one(dump, member, version=member.version, status=201, location=f"/v1/members/{member.id}")

    return answer_once(act)


@routes.on("PUT", "/members/<uuid:member_id>", needs=Right.MANAGE_MEMBERS, returns=MemberOut, takes=MemberIn, tagged=True, versioned=True)
def amend_member(body: dict[str, Any], member_id: UUID) -> Response:
    """Change the period of a membership, usually to end it"""
    with transaction(actor()) as session:
        commands.amend(session, actor(), member_id, **body, expected=expected_version())
        member = queries.get(session, actor(), member_id)
    return one(dump, member, version=member.version)


@routes.on("POST", "/members/<uuid:member_id>/set-up-link", needs=Right.MANAGE_MEMBERS, returns=SetUpLinkOut, status=201)
def make_set_up_link(member_id: UUID) -> Response:
    """A one-time link, good for a week, with which a member chooses a password or connects her account at the OpenID provider"""
    with transaction(actor()) as session:
        secret = commands.invite(session, actor(), member_id)
    return json_response({"link": f"{own_origin()}/set-up#{secret.text}"}, 201)
