"""Schemes that pay, and what they demand to be shown."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, dump_with, expected_version, one, page_response, put_response
from api.auth import actor
from api.demands import DemandIn, DemandOut
from api.fields import Length, List, Moment, Nested, Schema, String
from api.routes import PageQuery, Routes
from registry import references
from registry.access import Right
from registry.db import reading, transaction
from registry.trajectories import commands
from registry.trajectories.demands import LARGEST_DEMANDS, parse
from registry.trajectories.model import Scheme

routes = Routes("schemes", "Schemes (regelingen) that pay")


class SchemeIn(Schema):
    name = String(required=True, validate=Length(1, 120))
    demands = List(
        Nested(DemandIn),
        load_default=list,
        validate=Length(0, LARGEST_DEMANDS),
        metadata={"description": "What must be shown before the municipality may confirm a milestone of a trajectory with money of this scheme."},
    )


class SchemeOut(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    demands = fields.List(fields.Nested(DemandOut), required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class SchemesOut(Schema):
    items = fields.List(fields.Nested(SchemeOut), required=True)
    next = fields.String(required=True, allow_none=True)


_dump_scheme = dump_with(SchemeOut())


def dump_scheme(scheme: Scheme) -> dict[str, Any]:
    return _dump_scheme({"slug": scheme.slug, "name": scheme.name, "demands": parse(scheme.demands), "recorded_at": scheme.recorded_at})


@routes.on("GET", "/schemes", needs=Right.READ_REFERENCE, returns=SchemesOut, query=PageQuery)
def list_schemes(query: dict[str, Any]) -> Response:
    """The schemes that pay"""
    with reading(actor()) as session:
        return page_response(dump_scheme, references.list_(session, actor(), Scheme.slug, after=decode_cursor(query["cursor"], str), limit=query["limit"]))


@routes.on("GET", "/schemes/<slug:slug>", needs=Right.READ_REFERENCE, returns=SchemeOut, tagged=True)
def get_scheme(slug: str) -> Response:
    """One scheme"""
    with reading(actor()) as session:
        found = references.get(session, actor(), Scheme, slug)
    return one(dump_scheme, found, version=found.version)


@routes.on("PUT", "/schemes/<slug:slug>", needs=Right.MANAGE_REFERENCE, returns=SchemeOut, takes=SchemeIn, tagged=True, versioned=True)
def put_scheme(body: dict[str, Any], slug: str) -> Response:
    """Add or change a scheme"""
    with transaction(actor()) as session:
        written, outcome = commands.put_scheme(session, actor(), slug, expected=expected_version(), **body)
    return put_response(dump_scheme, written, outcome, f"/schemes/{slug}")
