"""The day list of an inspector: what is due, in a sensible order, hazards first."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.advice import AdviceOut, EarlierVisitOut
from api.answers import dump_with, json_response
from api.auth import actor
from api.fields import Date, Length, List, Moment, OneOf, QueryFloat, Range, Schema, Uuid
from api.processing import concerns
from api.routes import Routes
from registry import clock
from registry.access import Right
from registry.db import reading, transaction
from registry.dwellings.model import Dwelling, Hazard, HazardKind
from registry.errors import Fault, InvalidInput
from registry.inspections import day
from registry.inspections.day import LONGEST_DAY, Appointment
from registry.inspections.model import InspectionStatus, Occasion
from registry.inspections.route import Point
from registry.processing import Activity
from registry.values import address_line

routes = Routes("day", "The day list of an inspector")


class DayQuery(Schema):
    on = Date(load_default=None, metadata={"description": "Today without it."})
    longitude = QueryFloat(load_default=None, validate=Range(-180, 180), metadata={"description": "Where the day begins, degrees, CRS84."})
    latitude = QueryFloat(load_default=None, validate=Range(-90, 90), metadata={"description": "Where the day begins, degrees, CRS84."})


class HazardOfDayOut(Schema):
    id = fields.UUID(required=True)
    kind = OneOf(HazardKind, required=True)
    note = fields.String(required=True, allow_none=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class PlaceOfHazardsOut(Schema):
    """An address of this day at which there are hazards."""

    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    address = fields.String(required=True, allow_none=True)
    hazards = fields.List(fields.Nested(HazardOfDayOut), required=True)


class PlaceOut(Schema):
    id = fields.UUID(required=True)
    address = fields.String(required=True, allow_none=True)
    postcode = fields.String(required=True, allow_none=True)
    town = fields.String(required=True, allow_none=True)
    longitude = fields.Float(required=True, allow_none=True, metadata={"description": "Degrees, CRS84."})
    latitude = fields.Float(required=True, allow_none=True, metadata={"description": "Degrees, CRS84."})


class AppointmentOut(Schema):
    hazards = fields.List(fields.Nested(HazardOfDayOut), required=True)
    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    version = fields.Integer(required=True)
    status = OneOf(InspectionStatus, required=True)
    occasion = OneOf(Occasion, required=True)
    due_on = fields.Date(required=True, allow_none=True, data_key="dueOn")
    overdue = fields.Boolean(required=True)
    note = fields.String(required=True, allow_none=True, metadata={"description": "From who planned it to who goes there."})
    dwelling = fields.Nested(PlaceOut, required=True)
    checklist_id = fields.UUID(required=True, data_key="checklistId")
    checklist_key = fields.String(required=True, data_key="checklistKey")
    checklist_edition = fields.Integer(required=True, data_key="checklistEdition")
    visits = fields.List(fields.Nested(EarlierVisitOut), required=True, metadata={"description": "Earlier visits to this address, the oldest first."})
    advice = fields.Nested(AdviceOut, required=True, allow_none=True, metadata={"description": "What those visits say about this one."})
    distance_m = fields.Integer(
        required=True, allow_none=True, data_key="distanceM", metadata={"description": "Metres as the crow flies from the visit before it, or from the start."}
    )


class DayOut(Schema):
    on = fields.Date(required=True)
    hazards = fields.List(fields.Nested(PlaceOfHazardsOut), required=True, metadata={"description": "All hazards of the day, in the order of the visits."})
    items = fields.List(fields.Nested(AppointmentOut), required=True, metadata={"description": f"At most {LONGEST_DAY}, what is due first before the rest."})
    ordered = fields.Boolean(required=True, metadata={"description": "The order is the one that you set."})
    more = fields.Boolean(required=True, metadata={"description": "There is more work than fits in this list."})


class OrderIn(Schema):
    on = Date(required=True)
    inspection_ids = List(
        Uuid(), required=True, validate=Length(0, LONGEST_DAY), metadata={"description": "What is left out comes behind them; an empty list forgets the order."}
    )


class OrderOut(Schema):
    on = fields.Date(required=True)
    inspection_ids = fields.List(fields.UUID(), required=True, data_key="inspectionIds")


_dump_appointment = dump_with(AppointmentOut())
_dump_place_of_hazards = dump_with(PlaceOfHazardsOut())


def _place(dwelling: Dwelling) -> dict[str, object]:
    address = address_line(dwelling.street, dwelling.house_number, dwelling.house_letter, dwelling.house_number_suffix)
    names = ("id", "postcode", "town", "longitude", "latitude")
    return {**{name: getattr(dwelling, name) for name in names}, "address": address}


def _appointment(item: Appointment) -> dict[str, Any]:
    inspection = item.inspection
    names = ("version", "status", "occasion", "due_on", "note", "checklist_id")
    own = ("overdue", "checklist_key", "checklist_edition", "hazards", "visits", "advice", "distance_m")
    return _dump_appointment(
        {
            **{name: getattr(inspection, name) for name in names},
            **{name: getattr(item, name) for name in own},
            "inspection_id": inspection.id,
            "dwelling": _place(item.dwelling),
        }
    )


def _hazards(item: Appointment) -> dict[str, Any]:
    found: list[Hazard] = list(item.hazards)
    return _dump_place_of_hazards({"inspection_id": item.inspection.id, "address": _place(item.dwelling)["address"], "hazards": found})


@routes.on("GET", "/day", needs=Right.INSPECT, processes=Activity.INSPECTIONS_READ, returns=DayOut, query=DayQuery)
def get_day(query: dict[str, Any]) -> Response:
    """Your inspections that are due by a day, in a sensible order or the one that you set; hazards first"""
    longitude, latitude = query["longitude"], query["latitude"]
    if (longitude is None) != (latitude is None):
        raise InvalidInput([Fault("longitude" if longitude is None else "latitude", "required")])
    start = Point(longitude, latitude) if longitude is not None else None
    with reading(actor()) as session:
        found = day.day_list(session, actor(), on=query["on"] or clock.today(), start=start)
    concerns(*(item.dwelling.id for item in found.appointments))
    return json_response(
        {
            "on": found.on,
            "hazards": [_hazards(item) for item in found.appointments if item.hazards],
            "items": [_appointment(item) for item in found.appointments],
            "ordered": found.ordered,
            "more": found.more,
        }
    )


@routes.on("PUT", "/day/order", needs=Right.INSPECT, processes=Activity.INSPECTIONS_CHANGED, returns=OrderOut, takes=OrderIn)
def set_order(body: dict[str, Any]) -> Response:
    """Keep the order in which you want to see your work of a day"""
    with transaction(actor()) as session:
        day.set_order(session, actor(), on=body["on"], inspection_ids=body["inspection_ids"])
    return json_response({"on": body["on"], "inspectionIds": body["inspection_ids"]})
