"""Dwellings: the register itself."""

import re
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response
from marshmallow import fields, post_load
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, created_or_known, judge_each
from api.fields import MUNICIPALITY_CODE, SLUG, Date, Float, Form, Integer, Length, List, Moment, Nested, OneOf, Range, Said, Schema, String, Uuid
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry import values
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.dwellings import commands, lookup, queries
from registry.dwellings.lookup import LARGEST_BOX_DEGREES, Box, Wanted
from registry.dwellings.model import BagStatus, DwellingType, Source, Tenure, Use
from registry.dwellings.rules import Label, NewDwelling, Particulars
from registry.processing import Activity
from registry.trajectories.model import Track
from registry.trajectories.rules import TrackState
from registry.values import BagObjectType, EnergyLabel, normal_postcode

routes = Routes("dwellings", "The dwellings (woningen)")

BBOX = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?(,-?[0-9]{1,3}(\.[0-9]{1,12})?){3}")
BAG_ID = Form(values.BAG_ID, "0917010000123456")


class Postcode(String):
    """A postcode, with or without its space, in capitals or not."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return normal_postcode(super()._deserialize(value, attr, data, **kwargs))


class DwellingIn(Schema):
    municipality_code = String(required=True, validate=MUNICIPALITY_CODE)
    focus_area = String(load_default=None, allow_none=True, validate=SLUG)
    bag_id = String(load_default=None, allow_none=True, validate=BAG_ID)
    bag_object_type = OneOf(BagObjectType, load_default=None, allow_none=True)
    street = String(load_default=None, allow_none=True, validate=Length(1, 80))
    house_number = Integer(load_default=None, allow_none=True, validate=Range(1, 99999))
    house_letter = String(load_default=None, allow_none=True, validate=Form(re.compile("[A-Za-z]"), "a"))
    house_number_suffix = String(load_default=None, allow_none=True, validate=Form(re.compile("[0-9A-Za-z]{1,4}"), "2"))
    postcode = Postcode(load_default=None, allow_none=True, validate=Form(values.POSTCODE, "6411AB"))
    town = String(load_default=None, allow_none=True, validate=Length(1, 80))
    year_built = Integer(load_default=None, allow_none=True, validate=Range(1000, 2200))
    floor_area_m2 = Integer(load_default=None, allow_none=True, validate=Range(1, 999999))
    uses = List(OneOf(Use), load_default=[Use.RESIDENTIAL], validate=Length(1, len(Use)))
    tenure = OneOf(Tenure, load_default=None, allow_none=True)
    dwelling_type = OneOf(DwellingType, load_default=None, allow_none=True)
    longitude = Float(load_default=None, allow_none=True, validate=Range(-180, 180), metadata={"description": "Degrees, CRS84."})
    latitude = Float(load_default=None, allow_none=True, validate=Range(-90, 90), metadata={"description": "Degrees, CRS84."})

    @post_load
    def particulars(self, data: dict[str, Any], **_: Any) -> Particulars:
        return Particulars(**{**data, "uses": tuple(data["uses"])})


class NewDwellingIn(DwellingIn):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})

    @post_load
    def particulars(self, data: dict[str, Any], **_: Any) -> NewDwelling:
        id = data.pop("id")
        return NewDwelling(Particulars(**{**data, "uses": tuple(data["uses"])}), id)


class BatchDwellingIn(NewDwellingIn):
    id = batch_id()


class DwellingsIn(Schema):
    items = Each(Nested(BatchDwellingIn), required=True, validate=Length(1, LARGEST_BATCH))


class DwellingOut(Schema):
    id = fields.UUID(required=True)
    bag_id = fields.String(required=True, allow_none=True, data_key="bagId")
    bag_object_type = OneOf(BagObjectType, required=True, allow_none=True, data_key="bagObjectType")
    bag_status = OneOf(BagStatus, required=True, allow_none=True, data_key="bagStatus")
    address_designation_id = fields.String(required=True, allow_none=True, data_key="addressDesignationId")
    building_ids = fields.List(fields.String(), required=True, data_key="buildingIds")
    street = fields.String(required=True, allow_none=True)
    house_number = fields.Integer(required=True, allow_none=True, data_key="houseNumber")
    house_letter = fields.String(required=True, allow_none=True, data_key="houseLetter")
    house_number_suffix = fields.String(required=True, allow_none=True, data_key="houseNumberSuffix")
    postcode = fields.String(required=True, allow_none=True)
    town = fields.String(required=True, allow_none=True)
    municipality_code = fields.String(required=True, data_key="municipalityCode")
    focus_area = fields.String(required=True, allow_none=True, data_key="focusArea")
    year_built = fields.Integer(required=True, allow_none=True, data_key="yearBuilt")
    floor_area_m2 = fields.Integer(required=True, allow_none=True, data_key="floorAreaM2")
    uses = fields.List(OneOf(Use), required=True)
    tenure = OneOf(Tenure, required=True, allow_none=True)
    dwelling_type = OneOf(DwellingType, required=True, allow_none=True, data_key="dwellingType")
    longitude = fields.Float(required=True, allow_none=True, metadata={"description": "Degrees, CRS84."})
    latitude = fields.Float(required=True, allow_none=True, metadata={"description": "Degrees, CRS84."})
    energy_label = OneOf(EnergyLabel, required=True, allow_none=True, data_key="energyLabel")
    condition_score = fields.Integer(required=True, allow_none=True, data_key="conditionScore", metadata={"description": "NEN 2767, 1 to 6."})
    ended_on = fields.Date(required=True, allow_none=True, data_key="endedOn", metadata={"description": "Since when it is no more: see its successions."})
    source = OneOf(Source, required=True)
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class DwellingsOut(Schema):
    items = fields.List(fields.Nested(DwellingOut), required=True)
    next = fields.String(required=True, allow_none=True)


class Bbox(String):
    """West, south, east, north in degrees, with commas between them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not BBOX.fullmatch(text):
            raise ma.ValidationError([Said("wrong-form", form="5.97,50.91,5.98,50.92")])
        return Box(*map(float, text.split(",")))


class DwellingsQuery(PageQuery):
    municipality_code = String(load_default=None, validate=MUNICIPALITY_CODE)
    focus_area = String(load_default=None, validate=SLUG)
    bag_id = String(load_default=None, validate=BAG_ID)
    project = String(load_default=None, validate=SLUG)
    track = OneOf(Track, load_default=None, metadata={"description": "With `trackState`."})
    track_state = OneOf(TrackState, load_default=None, metadata={"description": "With `track`."})
    overdue_on = Date(
        load_default=None, metadata={"description": "What is planned for a day before this one, and was not started, completed or cancelled by then."}
    )
    bbox = Bbox(
        load_default=None,
        metadata={
            "description": f"West, south, east, north in degrees, CRS84; at most {LARGEST_BOX_DEGREES} degrees each way.",
            "pattern": f"^{BBOX.pattern}$",
            "example": "5.97,50.91,5.98,50.92",
        },
    )


class LabelIn(Schema):
    label = OneOf(EnergyLabel, required=True)
    surveyed_on = Date(required=True, metadata={"description": "Opnamedatum."})

    @post_load
    def value(self, data: dict[str, Any], **_: Any) -> Label:
        return Label(**data)


class LabelOut(Schema):
    id = fields.UUID(required=True)
    label = OneOf(EnergyLabel, required=True)
    surveyed_on = fields.Date(required=True, data_key="surveyedOn")
    recorded_at = Moment(required=True, data_key="recordedAt")


class LabelsOut(Schema):
    items = fields.List(fields.Nested(LabelOut), required=True)


dump = dump_with(DwellingOut())
dump_label = dump_with(LabelOut())


def _one(dwelling: RowMapping, *, status: int = 200, location: str | None = None) -> Response:
    return one(dump, dwelling, version=dwelling["version"], status=status, location=location)


@routes.on("GET", "/dwellings", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_READ, returns=DwellingsOut, query=DwellingsQuery)
def list_dwellings(query: dict[str, Any]) -> Response:
    """The dwellings you may see, by id"""
    after, limit = decode_cursor(query.pop("cursor"), UUID), query.pop("limit")
    state, overdue_on = query.pop("track_state"), query["overdue_on"]
    with reading(actor()) as session:
        if any(value is not None for value in (state, overdue_on, *(query[name] for name in ("project", "track", "bbox")))):
            return page_response(dump, lookup.list_(session, actor(), Wanted(**query, state=state), after=after, limit=limit))
        narrowed = {name: query[name] for name in ("municipality_code", "focus_area", "bag_id")}
        return page_response(dump, queries.list_(session, actor(), **narrowed, after=after, limit=limit))


@routes.on("GET", "/dwellings/<uuid:dwelling_id>", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_READ, returns=DwellingOut, tagged=True)
def get_dwelling(dwelling_id: UUID) -> Response:
    """One dwelling"""
    with reading(actor()) as session:
        return _one(queries.get(session, actor(), dwelling_id))


@routes.on(
    "POST",
    "/dwellings",
    needs=Right.REGISTER_DWELLINGS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=DwellingOut,
    status=201,
    takes=NewDwellingIn,
    tagged=True,
    once=True,
)
def register_dwelling(item: NewDwelling) -> Response:
    """Register a dwelling"""

    def act(session: Session) -> Response:
        result = commands.register(session, actor(), item)
        dwelling = queries.get(session, actor(), result.id)  # type: ignore[arg-type]
        return _one(dwelling, status=created_or_known(result.outcome), location=f"/v1/dwellings/{result.id}")

    return answer_once(act)


@routes.on("POST", "/dwellings/batch", needs=Right.REGISTER_DWELLINGS, processes=Activity.DWELLINGS_CHANGED, returns=BatchOut, takes=DwellingsIn)
def register_dwellings(body: dict[str, Any]) -> Response:
    """Register up to 1,000 dwellings, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: commands.register_each(session, actor(), items))
    concerns(*(result.id for result in results if not result.faults))
    return batch_response(results)


@routes.on(
    "PUT",
    "/dwellings/<uuid:dwelling_id>",
    needs=Right.REGISTER_DWELLINGS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=DwellingOut,
    takes=DwellingIn,
    tagged=True,
    versioned=True,
)
def amend_dwelling(particulars: Particulars, dwelling_id: UUID) -> Response:
    """Replace the particulars of a dwelling; the former ones stay in its history"""
    with transaction(actor()) as session:
        commands.amend(session, actor(), dwelling_id, particulars, expected=expected_version())
        dwelling = queries.get(session, actor(), dwelling_id)
    return _one(dwelling)


@routes.on("GET", "/dwellings/<uuid:dwelling_id>/energy-labels", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_READ, returns=LabelsOut, tagged=True)
def list_labels(dwelling_id: UUID) -> Response:
    """The registered energy labels of a dwelling, oldest survey first"""
    with reading(actor()) as session:
        labels = queries.labels(session, actor(), dwelling_id)
    concerns(dwelling_id)
    return one(lambda items: {"items": [dump_label(each) for each in items]}, labels)


@routes.on(
    "POST",
    "/dwellings/<uuid:dwelling_id>/energy-labels",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=LabelOut,
    status=201,
    takes=LabelIn,
    tagged=True,
    once=True,
)
def register_label(label: Label, dwelling_id: UUID) -> Response:
    """Register an energy label of a dwelling"""
    return answer_once(lambda session: one(dump_label, commands.register_label(session, actor(), dwelling_id, label), status=201))
