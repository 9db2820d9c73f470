"""A portfolio in the names and reference codes of VERA, for the systems of housing corporations (docs/vera.md)."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, page_response
from api.auth import actor
from api.fields import Schema, Uuid
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading
from registry.errors import Fault, InvalidInput
from registry.pages import Page
from registry.processing import Activity
from registry.vera import queries
from registry.vera.units import condition_of, unit_of

routes = Routes("vera", "A portfolio in the names and codes of VERA, the data standard of housing corporations")


class VeraUnitOut(Schema):
    eenheid = fields.Dict(required=True, metadata={"description": "Eenheid of VERA 4.3; what is not known is left out.", "additionalProperties": True})
    conditiemeting = fields.Dict(
        required=True, allow_none=True, metadata={"description": "Conditiemeting of VERA 4.3, null without a score.", "additionalProperties": True}
    )


class VeraUnitsOut(Schema):
    items = fields.List(fields.Nested(VeraUnitOut), required=True)
    next = fields.String(required=True, allow_none=True)


class VeraUnitsQuery(PageQuery):
    organisation_id = Uuid(load_default=None, metadata={"description": "The corporation; your own organisation when it is not given."})


@routes.on("GET", "/vera-units", needs=Right.READ_PORTFOLIOS, processes=Activity.DWELLINGS_READ, returns=VeraUnitsOut, query=VeraUnitsQuery)
def list_vera_units(query: dict[str, Any]) -> Response:
    """The dwellings in a portfolio today as VERA calls them, by id"""
    after = decode_cursor(query["cursor"], UUID)
    whose = query["organisation_id"] or actor().organisation_id
    if whose is None:
        raise InvalidInput([Fault("organisationId", "required")])
    with reading(actor()) as session:
        page = queries.page(session, actor(), whose, after=after, limit=query["limit"])
    concerns(*(unit.id for unit in page.items))
    return page_response(lambda unit: unit, Page([{"eenheid": unit_of(unit), "conditiemeting": condition_of(unit)} for unit in page.items], page.next))
