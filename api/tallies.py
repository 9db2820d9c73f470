"""Figures: how many dwellings, by definition, as of a date, as known at a moment; and the dwellings behind a figure."""

import re
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema
from marshmallow import fields

from api.answers import decode_cursor, dump_with, one, page_response
from api.auth import actor
from api.dwellings import DwellingsOut
from api.dwellings import dump as dump_dwelling
from api.fields import MUNICIPALITY_CODE, SLUG, Date, Form, Length, Moment, OneOf, Repeated, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry import clock, values
from registry.access import Right
from registry.db import counting, reading
from registry.dwellings.model import Tenure
from registry.processing import Activity
from registry.tallies import queries
from registry.tallies.queries import GroupBy
from registry.tallies.reached import AsOf, Scope

routes = Routes("tallies", "Tallies and the definitions behind them")

LARGEST_LIST = 50
"""Values of one parameter that may be given more than once."""
KEYS = Form(re.compile(rf"{values.SLUG.pattern}(,{values.SLUG.pattern})*"), "improved,started")


class ScopeQuery(Schema):
    valid_on = Date(load_default=None, metadata={"description": "Peildatum: the day it must have been so. Today when not given."})
    known_at = Moment(load_default=None, metadata={"description": "The moment the register must have known it. Now when not given."})
    focus_area = String(load_default=None, validate=SLUG)
    municipality = String(load_default=None, validate=MUNICIPALITY_CODE)
    corporation = Uuid(load_default=None)
    scheme = Repeated(
        String(validate=SLUG),
        load_default=list,
        validate=Length(0, LARGEST_LIST),
        metadata={"description": "Trajectories with money of it; given more than once: of at least one of them, and a dwelling counts once."},
    )
    project = String(load_default=None, validate=SLUG)
    tenure = OneOf(Tenure, load_default=None)


class TallyQuery(ScopeQuery):
    definitions = String(load_default="improved,started", validate=[KEYS, Length(1, 200)], metadata={"description": "Keys, separated by commas."})
    group_by = OneOf(GroupBy, load_default=GroupBy.NOTHING)


class CountedQuery(PageQuery, ScopeQuery):
    pass


class DefinitionOut(OutSchema):
    key = fields.String(required=True)
    edition = fields.Integer(required=True)
    rule = fields.Dict(required=True)
    name_nl = fields.String(required=True, data_key="nameNl")
    name_en = fields.String(required=True, data_key="nameEn")
    text_nl = fields.String(required=True, data_key="textNl")
    text_en = fields.String(required=True, data_key="textEn")
    recorded_at = Moment(required=True, data_key="recordedAt")


class DefinitionsOut(OutSchema):
    items = fields.List(fields.Nested(DefinitionOut), required=True)


class CountOut(OutSchema):
    """Dwellings that one definition counts."""

    definition = fields.String(required=True)
    dwellings = fields.Integer(required=True)
    to_be_confirmed = fields.Integer(
        required=True, data_key="toBeConfirmed", metadata={"description": "Left out only because the municipality has not confirmed it."}
    )


class TallyRowOut(OutSchema):
    key = fields.String(required=True, allow_none=True, metadata={"description": "Null for dwellings outside every group."})
    name = fields.String(required=True, allow_none=True)
    counts = fields.List(fields.Nested(CountOut), required=True)


class TallyOut(OutSchema):
    """A figure with all that explains it."""

    valid_on = fields.Date(required=True, data_key="validOn")
    known_at = Moment(
        required=True,
        data_key="knownAt",
        metadata={
            "description": "Ask with it again: what was recorded since then doesn't count. Where a dwelling lies, its tenure, who runs a "
            "trajectory and for which project are as today."
        },
    )
    group_by = OneOf(GroupBy, required=True, data_key="groupBy")
    definitions = fields.List(fields.Nested(DefinitionOut), required=True)
    rows = fields.List(fields.Nested(TallyRowOut), required=True)
    total = fields.List(fields.Nested(CountOut), required=True, metadata={"description": "Each dwelling once, so it can be less than the sum of the rows."})


dump_definition = dump_with(DefinitionOut())
_dump_tally = dump_with(TallyOut())


def _counts(row: queries.TallyRow) -> list[dict[str, Any]]:
    return [{"definition": key, "dwellings": count, "to_be_confirmed": row.to_be_confirmed[key]} for key, count in row.counts.items()]


def dump_tally(tally: queries.Tally) -> dict[str, Any]:
    return _dump_tally(
        {
            "valid_on": tally.as_of.valid_on,
            "known_at": tally.as_of.known_at,
            "group_by": tally.group_by,
            "definitions": tally.definitions,
            "rows": [{"key": row.key, "name": row.name, "counts": _counts(row)} for row in tally.rows],
            "total": _counts(tally.total),
        }
    )


def _scope(query: dict[str, Any]) -> Scope:
    return Scope(schemes=tuple(query["scheme"]), **{name: query[name] for name in ("focus_area", "municipality", "corporation", "project", "tenure")})


@routes.on("GET", "/definitions", needs=Right.READ_REFERENCE, returns=DefinitionsOut, tagged=True)
def list_definitions() -> Response:
    """Every edition of every definition of what counts"""
    with reading(actor()) as session:
        found = queries.list_definitions(session, actor())
    return one(lambda items: {"items": [dump_definition(each) for each in items]}, found)


@routes.on("GET", "/tallies", needs=Right.READ_TALLIES, returns=TallyOut, query=TallyQuery, tagged=True)
def get_tally(query: dict[str, Any]) -> Response:
    """Count dwellings, each once, however many trajectories it has"""
    keys = query["definitions"].split(",")
    with counting(actor()) as session:
        as_of = AsOf(query["valid_on"] or clock.today(), queries.settled(session, query["known_at"]))
        return one(dump_tally, queries.tally(session, actor(), keys, as_of=as_of, group_by=query["group_by"], scope=_scope(query)))


@routes.on(
    "GET", "/tallies/<slug:definition>/dwellings", needs=Right.READ_DWELLINGS, processes=Activity.TALLY_DRILL_DOWN, returns=DwellingsOut, query=CountedQuery
)
def list_counted_dwellings(query: dict[str, Any], definition: str) -> Response:
    """The dwellings behind a figure"""
    after = decode_cursor(query["cursor"], UUID)
    with reading(actor()) as session:
        as_of = AsOf(query["valid_on"] or clock.today(), queries.settled(session, query["known_at"]))
        page = queries.dwellings_counted(session, actor(), definition, as_of=as_of, scope=_scope(query), after=after, limit=query["limit"])
        return page_response(dump_dwelling, page)
