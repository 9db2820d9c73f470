"""Municipalities and focus areas."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, dump_with, expected_version, one, page_response, put_response
from api.auth import actor
from api.fields import MUNICIPALITY_CODE, Length, Moment, Schema, String
from api.routes import PageQuery, Routes
from registry import references
from registry.access import Right
from registry.areas import commands
from registry.areas.model import FocusArea, Municipality
from registry.db import reading, transaction

routes = Routes("areas", "Municipalities (gemeenten) and focus areas (focusgebieden)")


class MunicipalityIn(Schema):
    name = String(required=True, validate=Length(1, 80))
    province = String(load_default=None, allow_none=True, validate=Length(1, 40))


class MunicipalityOut(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    province = fields.String(required=True, allow_none=True)
    recorded_at = Moment(required=True)


class MunicipalitiesOut(Schema):
    items = fields.List(fields.Nested(MunicipalityOut), required=True)
    next = fields.String(required=True, allow_none=True)


class FocusAreaIn(Schema):
    name = String(required=True, validate=Length(1, 80))
    municipality_code = String(required=True, validate=MUNICIPALITY_CODE)


class FocusAreaOut(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    municipality_code = fields.String(required=True, data_key="municipalityCode")
    recorded_at = Moment(required=True)


class FocusAreasOut(Schema):
    items = fields.List(fields.Nested(FocusAreaOut), required=True)
    next = fields.String(required=True, allow_none=True)


dump_municipality = dump_with(MunicipalityOut())
dump_focus_area = dump_with(FocusAreaOut())


@routes.on("GET", "/municipalities", needs=Right.READ_REFERENCE, returns=MunicipalitiesOut, query=PageQuery)
def list_municipalities(query: dict[str, Any]) -> Response:
    """The municipalities the register knows"""
    with reading(actor()) as session:
        return page_response(
            dump_municipality, references.list_(session, actor(), Municipality.code, after=decode_cursor(query["cursor"], str), limit=query["limit"])
        )


@routes.on("GET", "/municipalities/<gm:code>", needs=Right.READ_REFERENCE, returns=MunicipalityOut, tagged=True)
def get_municipality(code: str) -> Response:
    """One municipality"""
    with reading(actor()) as session:
        found = references.get(session, actor(), Municipality, code)
    return one(dump_municipality, found, version=found.version)


@routes.on("PUT", "/municipalities/<gm:code>", needs=Right.MANAGE_REFERENCE, returns=MunicipalityOut, takes=MunicipalityIn, tagged=True, versioned=True)
def put_municipality(body: dict[str, Any], code: str) -> Response:
    """Add or change a municipality"""
    with transaction(actor()) as session:
        written, outcome = commands.put_municipality(session, actor(), code, expected=expected_version(), **body)
    return put_response(dump_municipality, written, outcome, f"/municipalities/{code}")


@routes.on("GET", "/focus-areas", needs=Right.READ_REFERENCE, returns=FocusAreasOut, query=PageQuery)
def list_focus_areas(query: dict[str, Any]) -> Response:
    """The focus areas of the programme"""
    with reading(actor()) as session:
        return page_response(
            dump_focus_area, references.list_(session, actor(), FocusArea.slug, after=decode_cursor(query["cursor"], str), limit=query["limit"])
        )


@routes.on("GET", "/focus-areas/<slug:slug>", needs=Right.READ_REFERENCE, returns=FocusAreaOut, tagged=True)
def get_focus_area(slug: str) -> Response:
    """One focus area"""
    with reading(actor()) as session:
        found = references.get(session, actor(), FocusArea, slug)
    return one(dump_focus_area, found, version=found.version)


@routes.on("PUT", "/focus-areas/<slug:slug>", needs=Right.MANAGE_REFERENCE, returns=FocusAreaOut, takes=FocusAreaIn, tagged=True, versioned=True)
def put_focus_area(body: dict[str, Any], slug: str) -> Response:
    """Add or change a focus area"""
    with transaction(actor()) as session:
        written, outcome = commands.put_focus_area(session, actor(), slug, expected=expected_version(), **body)
    return put_response(dump_focus_area, written, outcome, f"/focus-areas/{slug}")
