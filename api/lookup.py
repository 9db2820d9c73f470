"""Finding dwellings: by address, by a street that is spelled nearly right, by place, and by what is being done to them."""

import hashlib
import json
from typing import Any, cast

import marshmallow as ma
from flask import Response
from marshmallow import fields, post_load, validates_schema

from api.answers import decode_cursor, encode_cursor, json_response
from api.auth import actor
from api.dwellings import BAG_ID, DwellingOut, Postcode, dump, routes
from api.fields import MUNICIPALITY_CODE, SLUG, Boolean, Date, Float, Form, Integer, Length, List, Nested, OneOf, Range, Said, Schema, String, Uuid
from api.processing import concerns
from registry import clock, values
from registry.access import Right
from registry.db import Json, reading
from registry.dwellings import lookup
from registry.dwellings.lookup import Box, Wanted
from registry.dwellings.model import Tenure
from registry.errors import Fault, InvalidInput
from registry.pages import LARGEST_PAGE, USUAL_PAGE
from registry.processing import Activity
from registry.trajectories.model import Track
from registry.trajectories.rules import TrackState
from registry.values import POSTCODE_PREFIX, EnergyLabel, normal_postcode

LONGEST_TEXT = 100


class PostcodePrefix(String):
    """The beginning of a postcode, with or without a space, in capitals or not."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return normal_postcode(super()._deserialize(value, attr, data, **kwargs))


class TrackStateIn(Schema):
    track = OneOf(Track, required=True)
    state = OneOf(TrackState, required=True)


class LookupIn(Schema):
    """What is looked for; all that is given must hold. An address is personal data, so it goes in the body and never in an address bar or a log."""

    bag_id = String(load_default=None, allow_none=True, validate=BAG_ID, metadata={"description": "Also one that the BAG has replaced by another since."})
    postcode = Postcode(load_default=None, allow_none=True, validate=Form(values.POSTCODE, "6411AB"), metadata={"description": "With `houseNumber`."})
    house_number = Integer(load_default=None, allow_none=True, validate=Range(1, 99999))
    house_letter = String(load_default=None, allow_none=True, validate=Length(1, 1))
    house_number_suffix = String(load_default=None, allow_none=True, validate=Length(1, 4))
    postcode_prefix = PostcodePrefix(
        load_default=None, allow_none=True, validate=Form(POSTCODE_PREFIX, "6411"), metadata={"description": "The beginning of a postcode, or all of it."}
    )
    text = String(
        load_default=None,
        allow_none=True,
        validate=Length(2, LONGEST_TEXT),
        metadata={"description": "As somebody types it, typing errors and abbreviations included: `vrieheidestr. 12 heerlen`."},
    )
    town = String(load_default=None, allow_none=True, validate=Length(1, 80), metadata={"description": "With `text`, when the town is not in it."})
    municipality_code = String(load_default=None, allow_none=True, validate=MUNICIPALITY_CODE)
    focus_area = String(load_default=None, allow_none=True, validate=SLUG)
    bbox = List(
        Float(),
        load_default=None,
        allow_none=True,
        validate=Length(4, 4),
        metadata={"description": f"West, south, east, north in degrees, CRS84; at most {lookup.LARGEST_BOX_DEGREES} degrees each way."},
    )
    project = String(load_default=None, allow_none=True, validate=SLUG)
    executor_id = Uuid(load_default=None, allow_none=True)
    track_state = Nested(TrackStateIn, load_default=None, allow_none=True)
    overdue = Boolean(load_default=False, metadata={"description": "What is overdue today; the same as `overdueOn` with today."})
    overdue_on = Date(
        load_default=None,
        allow_none=True,
        metadata={"description": "What is planned for a day before this one, and was not started, completed or cancelled by then."},
    )
    tenure = OneOf(Tenure, load_default=None, allow_none=True)
    energy_label = OneOf(EnergyLabel, load_default=None, allow_none=True)
    limit = Integer(load_default=USUAL_PAGE, validate=Range(1, LARGEST_PAGE), metadata={"description": "Items on a page."})
    cursor = String(
        load_default=None, allow_none=True, validate=Length(0, 2000), metadata={"description": "The `next` of the page before, with the same question."}
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _together(self, _: dict[str, Any], original: dict[str, Any], **__: Any) -> None:
        """Of shape, so that it is said together with what is wrong with each."""
        if isinstance(original, dict) and original.get("postcode") is not None and original.get("houseNumber") is None:
            raise ma.ValidationError({"houseNumber": [Said("required")]})

    @post_load
    def page(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        state = data.pop("track_state") or {"track": None, "state": None}
        bbox, overdue = data.pop("bbox"), data.pop("overdue")
        if overdue and data["overdue_on"] is None:
            data["overdue_on"] = clock.today()
        asked = {"limit": data.pop("limit"), "cursor": data.pop("cursor")}
        return {**asked, "wanted": Wanted(**data, **state, bbox=None if bbox is None else Box(*bbox))}


class FoundOut(Schema):
    items = fields.List(fields.Nested(DwellingOut), required=True)
    next = fields.String(required=True, allow_none=True)


@routes.on("POST", "/dwellings/_search", needs=Right.READ_DWELLINGS, processes=Activity.DWELLINGS_SEARCH, returns=FoundOut, takes=LookupIn)
def search_dwellings(body: dict[str, Any]) -> Response:
    """Find dwellings: by BAG id, address, street, place, or what is being done to them

    All that is given must hold. With `text` the likeliest streets come first, and in each of them the dwellings by number; else the order is that of the id.
    `project`, `executorId`, `trackState` and `overdueOn` are about one trajectory, the last two about one track of it.
    """
    wanted: Wanted = body["wanted"]
    with reading(actor()) as session:
        page = lookup.search(session, actor(), wanted, after=_after(body["cursor"], wanted), limit=body["limit"])
    concerns(*(dwelling["id"] for dwelling in page.items))
    following = None if page.next is None else encode_cursor(f"{_digest(wanted)} {page.next}")
    return json_response({"items": [dump(dwelling) for dwelling in page.items], "next": following})


def _digest(wanted: Wanted) -> str:
    return hashlib.sha256(json.dumps(wanted.asked, sort_keys=True).encode()).hexdigest()[:16]


def _after(cursor: str | None, wanted: Wanted) -> Json:
    """What follows the digest of the question in a cursor of this very question. Raises InvalidInput."""
    if cursor is None:
        return None
    try:
        digest, _, after = cast("str", decode_cursor(cursor, str)).partition(" ")
    except InvalidInput:
        digest, after = "", ""
    if digest != _digest(wanted):
        raise InvalidInput([Fault("/cursor", "bad-cursor")])
    return after
