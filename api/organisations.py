"""Organisations."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.fields import MUNICIPALITY_CODE, SLUG, Length, Moment, OneOf, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading
from registry.organisations import commands, queries
from registry.organisations.model import OrganisationKind

routes = Routes("organisations", "Ministry, municipalities, housing corporations, inspection bodies")


class OrganisationIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    slug = String(required=True, validate=[SLUG, Length(1, 60)])
    name = String(required=True, validate=Length(1, 120))
    kind = OneOf(OrganisationKind, required=True)
    municipality_code = String(load_default=None, allow_none=True, validate=MUNICIPALITY_CODE)


class OrganisationOut(Schema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    kind = OneOf(OrganisationKind, required=True)
    municipality_code = fields.String(required=True, allow_none=True, data_key="municipalityCode")
    recorded_at = Moment(required=True)


class OrganisationsOut(Schema):
    items = fields.List(fields.Nested(OrganisationOut), required=True)
    next = fields.String(required=True, allow_none=True)


class OrganisationsQuery(PageQuery):
    kind = OneOf(OrganisationKind, load_default=None)


dump = dump_with(OrganisationOut())


@routes.on("GET", "/organisations", needs=Right.READ_REFERENCE, returns=OrganisationsOut, query=OrganisationsQuery)
def list_organisations(query: dict[str, Any]) -> Response:
    """The organisations that take part"""
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), kind=query["kind"], after=decode_cursor(query["cursor"], str), limit=query["limit"]))


@routes.on("GET", "/organisations/<uuid:organisation_id>", needs=Right.READ_REFERENCE, returns=OrganisationOut, tagged=True)
def get_organisation(organisation_id: UUID) -> Response:
    """One organisation"""
    with reading(actor()) as session:
        found = queries.get(session, actor(), organisation_id)
    return one(dump, found, version=found.version)


@routes.on("POST", "/organisations", needs=Right.MANAGE_REFERENCE, returns=OrganisationOut, status=201, takes=OrganisationIn, tagged=True, once=True)
def create_organisation(body: dict[str, Any]) -> Response:
    """Add an organisation"""

    def act(session: Session) -> Response:
        organisation, outcome = commands.create(session, actor(), **body)
        return one(dump, organisation, version=organisation.version, status=created_or_known(outcome), location=f"/v1/organisations/{organisation.id}")

    return answer_once(act)
