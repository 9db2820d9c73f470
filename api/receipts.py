"""Receipts: what has arrived, of one inspection, of a whole day of a phone, and of what a phone says it still has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema
from marshmallow import fields, post_load

from api.answers import decode_cursor, dump_with, json_response, one, page_response
from api.auth import actor
from api.contract import FaultOut
from api.fields import Form, Integer, Length, List, Moment, Nested, OneOf, QueryInteger, Range, Schema, String, Uuid
from api.photos import PhotoOut, dump_photo
from api.problems import fault_out, language
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry import clock
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading
from registry.errors import Fault, RuleViolation
from registry.inspections.model import InspectionStatus
from registry.messages import text
from registry.photos import queries, receipts
from registry.photos.model import THERE, Photo, PhotoState
from registry.photos.receipts import Answer, Devices, Held, OnPhone, Receipt, Since, Totals
from registry.processing import Activity
from registry.values import SHA256_HEX, rfc3339

routes = Routes("receipts", "Receipts: what has arrived, and what the phone may delete")

LONGEST_LOOK_BACK: Final = timedelta(days=31)
MOST_RECEIPTS: Final = 50
"""On a page; each may tell of hundreds of photos."""
USUAL_RECEIPTS: Final = 25


class ReceiptOut(OutSchema):
    """What has arrived of an inspection. The phone may delete a photo when its state is stored or ready."""

    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    status = OneOf(InspectionStatus, required=True)
    revision = fields.Integer(required=True)
    complete = fields.Boolean(required=True)
    complete_at = Moment(required=True, allow_none=True, data_key="completeAt")
    stored = fields.Integer(required=True)
    awaited = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    photos = fields.List(fields.Nested(PhotoOut), required=True)
    missing = fields.List(fields.Nested(FaultOut), required=True, metadata={"description": "Photos that an answer demands and that are not declared."})


class PhotoReceiptOut(OutSchema):
    """What has become of one photo. `whatToDo` says why it is rejected and what to do about it."""

    id = fields.UUID(required=True)
    question = fields.String(required=True)
    defect = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    size_bytes = fields.Integer(required=True, allow_none=True, data_key="sizeBytes")
    state = OneOf(PhotoState, required=True)
    stored_at = Moment(required=True, allow_none=True, data_key="storedAt")
    rejection = fields.String(required=True, allow_none=True, metadata={"description": "Stable code."})
    what_to_do = fields.String(required=True, allow_none=True, data_key="whatToDo")
    may_be_deleted = fields.Boolean(required=True, data_key="mayBeDeleted", metadata={"description": "The phone loses nothing by it."})


class DayReceiptItemOut(ReceiptOut):
    version = fields.Integer(required=True)
    photos = fields.List(fields.Nested(PhotoReceiptOut), required=True)


class TotalsOut(OutSchema):
    """Over the whole day, not this page only."""

    inspections = fields.Integer(required=True)
    submitted = fields.Integer(required=True)
    complete = fields.Integer(required=True)
    incomplete = fields.Integer(required=True, metadata={"description": "Submitted, and something is awaited or missing."})
    photos_stored = fields.Integer(required=True, data_key="photosStored")
    photos_awaited = fields.Integer(required=True, data_key="photosAwaited")
    photos_rejected = fields.Integer(required=True, data_key="photosRejected")
    photos_missing = fields.Integer(required=True, data_key="photosMissing", metadata={"description": "Questions and defects that lack a photo."})
    open_conflicts = fields.Integer(required=True, data_key="openConflicts", metadata={"description": "Documents that wait for somebody to decide."})


class DayReceiptOut(OutSchema):
    since = Moment(required=True)
    device = OneOf(Devices, required=True)
    totals = fields.Nested(TotalsOut, required=True)
    items = fields.List(fields.Nested(DayReceiptItemOut), required=True)
    next = fields.String(required=True, allow_none=True)


class DayReceiptQuery(PageQuery):
    limit = QueryInteger(load_default=USUAL_RECEIPTS, validate=Range(min=1, max=MOST_RECEIPTS), metadata={"description": "Items on a page."})
    since = Moment(load_default=None, metadata={"description": "The start of today in the Netherlands, unless given; at most 31 days ago."})
    device = OneOf(Devices, load_default=Devices.THIS, metadata={"description": "What you did with the phone that asks, or with any."})


_dump_receipt = dump_with(ReceiptOut())
_dump_day_item = dump_with(DayReceiptItemOut())
_dump_totals = dump_with(TotalsOut())


def _parts(receipt: Receipt) -> dict[str, Any]:
    inspection = receipt.inspection
    return {
        "inspection_id": inspection.id,
        "status": inspection.status,
        "revision": inspection.revision,
        "version": inspection.version,
        "complete": receipt.complete,
        "complete_at": inspection.complete_at,
        "stored": receipt.stored,
        "awaited": receipt.awaited,
        "rejected": receipt.rejected,
        "photos": [],
        "missing": [],
    }


def dump_receipt(receipt: Receipt) -> dict[str, Any]:
    photos = [dump_photo(shown) for shown in receipt.shown]
    return {**_dump_receipt(_parts(receipt)), "photos": photos, "missing": [fault_out(fault) for fault in receipt.missing]}


def _dump_item(receipt: Receipt) -> dict[str, Any]:
    parts = {**_parts(receipt), "photos": [_photo(photo) for photo in receipt.photos]}
    return {**_dump_day_item(parts), "missing": [fault_out(fault) for fault in receipt.missing]}


def _photo(photo: Photo) -> dict[str, Any]:
    names = ("id", "question", "defect", "size_bytes", "state", "stored_at", "rejection")
    return {
        **{name: getattr(photo, name) for name in names},
        "sha256": photo.sha256.hex() if photo.sha256 else None,
        "what_to_do": text(photo.rejection, language(), {}) if photo.rejection else None,
        "may_be_deleted": photo.state in (*THERE, *receipts.GONE),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    counts = {name: getattr(totals, name) for name in ("inspections", "submitted", "complete", "incomplete")}
    states = {"awaited": PhotoState.DECLARED, "rejected": PhotoState.REJECTED}
    photos = {f"photos_{name}": totals.photos.get(state, 0) for name, state in states.items()}
    return {**counts, **photos, "photos_stored": totals.stored, "photos_missing": totals.missing, "open_conflicts": totals.conflicts}


@routes.on(
    "GET",
    "/inspections/<uuid:inspection_id>/receipt",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.INSPECTIONS_READ,
    returns=ReceiptOut,
    tagged=True,
    watched=True,
)
def get_receipt(inspection_id: UUID) -> Response:
    """What has arrived of an inspection, photo by photo, and what is still missing"""
    with reading(actor()) as session:
        return one(dump_receipt, receipts.get(session, actor(), inspection_id))


@routes.on("GET", "/receipt", needs=Right.INSPECT, processes=Activity.INSPECTIONS_READ, returns=DayReceiptOut, query=DayReceiptQuery)
def get_day_receipt(query: dict[str, Any]) -> Response:
    """What has arrived of all that you did since a moment, with this phone or with any: the end of the day in one call"""
    moment = _since(query["since"])
    since = Since(moment, actor().device_id if query["device"] is Devices.THIS else None)
    after = decode_cursor(query["cursor"], UUID)
    with reading(actor()) as session:
        totals = receipts.totals(session, actor(), since)
        page = receipts.page(session, actor(), since, after=after, limit=query["limit"])
    more = {"since": rfc3339(moment), "device": query["device"].value, "totals": _dump_totals(_totals(totals))}
    return page_response(_dump_item, page, more=more)


def _since(given: datetime | None) -> datetime:
    """Raises RuleViolation."""
    now = clock.now()
    if given is not None and given < now - LONGEST_LOOK_BACK:
        raise RuleViolation([Fault("since", "too-long-ago", {"days": LONGEST_LOOK_BACK.days})])
    return given or now.astimezone(clock.CIVIL_TIME).replace(hour=0, minute=0, second=0, microsecond=0)


class HeldInspectionIn(Schema):
    id = Uuid(required=True)
    version = Integer(load_default=None, allow_none=True, validate=Range(1, 2**31 - 1), metadata={"description": "Of the register, that the phone has."})
    digest = String(
        load_default=None,
        allow_none=True,
        validate=Form(SHA256_HEX, "64 × 0-9a-f"),
        metadata={"description": "Of the document that the phone has, as the sha256 of its canonical JSON; it goes before `version`."},
    )

    @post_load
    def held(self, data: dict[str, Any], **_: Any) -> OnPhone:
        digest = data["digest"]
        return OnPhone(data["id"], data["version"], None if digest is None else bytes.fromhex(digest))


class HeldPhotoIn(Schema):
    id = Uuid(required=True)
    sha256 = String(required=True, validate=Form(SHA256_HEX, "64 × 0-9a-f"))


class HeldIn(Schema):
    inspections = List(Nested(HeldInspectionIn), load_default=list, validate=Length(0, LARGEST_BATCH))
    photos = List(Nested(HeldPhotoIn), load_default=list, validate=Length(0, LARGEST_BATCH))


class HeldPhotoOut(OutSchema):
    """What the register has of a photo that the phone holds. `whatToDo` says what to do about one that is not stored."""

    id = fields.UUID(required=True)
    state = OneOf(Held, required=True)
    may_be_deleted = fields.Boolean(required=True, data_key="mayBeDeleted", metadata={"description": "The phone loses nothing by it."})
    rejection = fields.String(required=True, allow_none=True, metadata={"description": "Stable code."})
    what_to_do = fields.String(required=True, allow_none=True, data_key="whatToDo")


class HeldInspectionOut(OutSchema):
    """What the register has of an inspection that the phone holds; `version` and `status` are the register's."""

    id = fields.UUID(required=True)
    state = OneOf(Held, required=True)
    may_be_deleted = fields.Boolean(required=True, data_key="mayBeDeleted", metadata={"description": "It is complete, and the phone has the same."})
    version = fields.Integer(required=True, allow_none=True)
    status = OneOf(InspectionStatus, required=True, allow_none=True)


class HeldOut(OutSchema):
    inspections = fields.List(fields.Nested(HeldInspectionOut), required=True)
    photos = fields.List(fields.Nested(HeldPhotoOut), required=True)


_dump_held = dump_with(HeldOut())


@routes.on("POST", "/receipt/comparison", needs=Right.INSPECT, processes=Activity.INSPECTIONS_READ, returns=HeldOut, takes=HeldIn)
def compare_with_phone(body: dict[str, Any]) -> Response:
    """Say what the phone has, up to 1,000 inspections and 1,000 photos; the answer says what is still missed, and what may be deleted"""
    held: Mapping[UUID, bytes] = {each["id"]: bytes.fromhex(each["sha256"]) for each in body["photos"]}
    with reading(actor()) as session:
        inspections = receipts.compare_inspections(session, actor(), body["inspections"])
        photos = receipts.compare_photos(session, actor(), held)
        concerns(*queries.dwellings_of_photos(session, held), *queries.dwellings_of_inspections(session, [each.id for each in inspections]))
    found = {"inspections": [_held(each) for each in inspections], "photos": [_held(each) for each in photos]}
    return json_response(_dump_held(found))


def _held(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "state": answer.held,
        "may_be_deleted": answer.deletable,
        "version": answer.version,
        "status": answer.status,
        "rejection": answer.rejection,
        "what_to_do": _advice(answer),
    }


def _advice(answer: Answer) -> str | None:
    if answer.rejection is not None:
        return text(answer.rejection, language(), {})
    codes = {Held.AWAITED: "send-the-photo", Held.UNKNOWN: "declare-the-photo", Held.DIFFERS: "photo-differs"}
    return text(codes[answer.held], language(), {}) if answer.held in codes else None
