"""Photos: declared in a batch, sent straight to the object store, reported complete. What has arrived is told in `api/receipts.py`.

What happens to a photo upload is in `registry/photos/uploads.py`.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import Schema as OutSchema
from marshmallow import fields, post_load
from werkzeug.exceptions import RequestEntityTooLarge

from api import bodies
from api.addresses import own_origin, store_within_reach
from api.answers import decode_cursor, dump_with, json_response, one, page_response
from api.auth import actor
from api.batches import Each, ResultOut, SummaryOut, batch_response, judge_each
from api.clocks import PHONE_CLOCK, clock_skew_ms
from api.contract import FaultOut
from api.fields import Float, Form, Integer, Length, List, Moment, Nested, OneOf, Range, Schema, String, Uuid
from api.problems import fault_out, language
from api.processing import concerns
from api.routes import BASE, PageQuery, Routes, Who
from registry import clock, storage
from registry.access import Right
from registry.batch import Result
from registry.db import reading, transaction
from registry.errors import Fault
from registry.messages import text
from registry.photos import claims, queries, receiving, uploads
from registry.photos.model import ContentType, Image, Photo, PhotoState, PreviewState, Upload
from registry.photos.queries import Shown
from registry.photos.rules import LARGEST_PHOTO_BYTES, Disagreement, NewPhoto, disagreements
from registry.processing import Activity
from registry.storage import LINK_LIFE_S, StoredObject
from registry.values import SHA256_HEX, rfc3339
from registry.versioned import Outcome

routes = Routes("photos", "Photos and their uploads")

LARGEST_PHOTO_BATCH = 100
LARGEST_TIMING_BYTES = 65_536
ANY_BYTES = "application/octet-stream"
COMPUTED = ("found", "disagreements", "rejection_detail")
"""Members of a photo that are no columns of it."""


class PhotoIn(Schema):
    id = Uuid(required=True, metadata={"description": "Made by the phone."})
    inspection_id = Uuid(required=True)
    question = String(required=True, validate=Length(1, 100))
    defect = String(load_default=None, allow_none=True, validate=Length(1, 100), metadata={"description": "Key of one defect in the answer."})
    sha256 = String(required=True, validate=Form(SHA256_HEX, "64 × 0-9a-f"), metadata={"description": "Of the bytes that will be sent."})
    size_bytes = Integer(required=True, validate=Range(1, LARGEST_PHOTO_BYTES))
    content_type = OneOf(ContentType, required=True)
    taken_at = Moment(load_default=None, allow_none=True, metadata={"description": "By the camera of the app."})
    longitude = Float(load_default=None, allow_none=True, validate=Range(-180, 180))
    latitude = Float(load_default=None, allow_none=True, validate=Range(-90, 90))
    caption = String(load_default=None, allow_none=True, validate=Length(1, 500))

    @post_load
    def photo(self, data: dict[str, Any], **_: Any) -> NewPhoto:
        digest = data.get("sha256")  # what is sent in pieces may tell digest and length later
        return NewPhoto(**{"size_bytes": None, **data, "sha256": None if digest is None else bytes.fromhex(digest)})


class PhotosIn(Schema):
    items = Each(Nested(PhotoIn), required=True, validate=Length(1, LARGEST_PHOTO_BATCH))


class PutOut(OutSchema):
    """Send the declared bytes with PUT to `url` with exactly these headers. A 412 from there means that they are stored already.

    With `needsSignIn` the address is one of this API, where the object store can't be reached: send your Authorization with it.
    """

    url = fields.String(required=True)
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    expires_at = Moment(required=True, data_key="expiresAt")
    needs_sign_in = fields.Boolean(required=True, data_key="needsSignIn")


class ResumeOut(OutSchema):
    """An upload of this photo is under way: go on with it by tus, from `offsetBytes`."""

    url = fields.String(required=True)
    offset_bytes = fields.Integer(required=True, data_key="offsetBytes")
    expires_at = Moment(required=True, data_key="expiresAt")


class UploadOut(ResultOut):
    """What to do with one photo: nothing when its state is stored or ready; when it is declared, `resume` what is under way, or else `put`."""

    state = OneOf(PhotoState, required=True, allow_none=True)
    resume = fields.Nested(ResumeOut, required=True, allow_none=True)
    put = fields.Nested(PutOut, required=True, allow_none=True)


class UploadsOut(OutSchema):
    results = fields.List(fields.Nested(UploadOut), required=True)
    summary = fields.Nested(SummaryOut, required=True)


class ImageOut(OutSchema):
    """What the bytes of a photo turned out to be. Times and positions are what EXIF says, a second opinion: phones take them out."""

    content_type = OneOf(ContentType, required=True, allow_none=True, data_key="contentType")
    width_px = fields.Integer(required=True, allow_none=True, data_key="widthPx", metadata={"description": "Of the upright image."})
    height_px = fields.Integer(required=True, allow_none=True, data_key="heightPx")
    orientation = fields.Integer(required=True, allow_none=True, metadata={"description": "EXIF orientation in the file, 1 to 8."})
    exif_taken_at = Moment(required=True, allow_none=True, data_key="exifTakenAt", metadata={"description": "Only with a UTC offset in the file."})
    exif_clock_time = fields.String(
        required=True, allow_none=True, data_key="exifClockTime", metadata={"description": "What the clock of the camera said, without a time zone."}
    )
    exif_longitude = fields.Float(required=True, allow_none=True, data_key="exifLongitude")
    exif_latitude = fields.Float(required=True, allow_none=True, data_key="exifLatitude")
    camera = fields.String(required=True, allow_none=True)
    previews = OneOf(PreviewState, required=True)
    placeholder = fields.String(required=True, allow_none=True, metadata={"description": "Blurhash, to show while the preview is fetched."})


class PhotoOut(OutSchema):
    id = fields.UUID(required=True)
    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    question = fields.String(required=True)
    defect = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    size_bytes = fields.Integer(required=True, allow_none=True, data_key="sizeBytes")
    content_type = OneOf(ContentType, required=True, data_key="contentType")
    taken_at = Moment(required=True, allow_none=True, data_key="takenAt", metadata={"description": "By the clock of the phone."})
    taken_at_corrected = Moment(
        required=True, allow_none=True, data_key="takenAtCorrected", metadata={"description": "By our clock, when the phone told what its clock said."}
    )
    longitude = fields.Float(required=True, allow_none=True)
    latitude = fields.Float(required=True, allow_none=True)
    caption = fields.String(required=True, allow_none=True)
    state = OneOf(PhotoState, required=True)
    rejection = fields.String(required=True, allow_none=True, metadata={"description": "Stable code."})
    rejection_detail = fields.String(
        required=True, allow_none=True, data_key="rejectionDetail", metadata={"description": "What is wrong with it and what to do, in Dutch or English."}
    )
    found = fields.Nested(ImageOut, required=True, allow_none=True, metadata={"description": "What the file turned out to be; empty until it is examined."})
    disagreements = fields.List(OneOf(Disagreement), required=True, metadata={"description": "Where the app and the file differ."})
    stored_at = Moment(required=True, allow_none=True, data_key="storedAt")
    withdrawn_at = Moment(required=True, allow_none=True, data_key="withdrawnAt")
    withdrawal_reason = fields.String(required=True, allow_none=True, data_key="withdrawalReason")


_dump_photo = dump_with(PhotoOut())


def dump_photo(shown: Shown) -> dict[str, Any]:
    photo, image = shown.photo, shown.image
    particulars = {name: getattr(photo, name) for name in PhotoOut().fields if name not in COMPUTED}
    return _dump_photo(
        {
            **particulars,
            "rejection_detail": text(photo.rejection, language(), {}) if photo.rejection else None,
            "sha256": photo.sha256.hex() if photo.sha256 else None,
            "found": None if image is None or image.examined_at is None else {**vars(image), "exif_clock_time": _clock_time(image)},
            "disagreements": [] if image is None else disagreements(photo, image),
        }
    )


def _clock_time(image: Image) -> str | None:
    return image.exif_clock_time.isoformat(timespec="seconds") if image.exif_clock_time else None


def _put_out(photo: Photo, *, straight: bool) -> dict[str, Any] | None:
    """Where to send the whole photo: ``straight`` to the object store, or to this API when the phone can't reach it or it would take anything."""
    if photo.state is not PhotoState.DECLARED or photo.sha256 is None or photo.size_bytes is None:
        return None
    expires_at = rfc3339(clock.now() + timedelta(seconds=LINK_LIFE_S))
    if straight:
        link = uploads.link(actor(), photo)
        return None if link is None else {"url": link.url, "headers": link.headers, "expiresAt": expires_at, "needsSignIn": False}
    headers = {"Content-Type": photo.content_type.value, "Content-Length": str(photo.size_bytes)}
    return {"url": f"{own_origin()}{BASE}/uploads/{photo.id}/content", "headers": headers, "expiresAt": expires_at, "needsSignIn": True}


def _resume_out(upload: Upload | None) -> dict[str, Any] | None:
    if upload is None:
        return None
    return {"url": f"{BASE}/tus/{upload.id}", "offsetBytes": upload.offset_bytes, "expiresAt": rfc3339(upload.expires_at)}


@routes.on("POST", "/uploads/batch", needs=Right.INSPECT, processes=Activity.PHOTOS_CHANGED, returns=UploadsOut, takes=PhotosIn, sends=(PHONE_CLOCK,))
def declare_photos(body: dict[str, Any]) -> Response:
    """Declare up to 100 photos of your inspections; the answer says for each one where to send its bytes, or that they are stored already"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: uploads.declare_each(session, actor(), items, clock_skew_ms=clock_skew_ms()))
        photos = queries.find_each(session, actor(), [result.id for result in results if result.id])
        known = {result.id for result in results if result.outcome is Outcome.UNCHANGED}  # of one that is new, nothing can be under way
        under_way = claims.under_way(session, actor(), [photo.id for photo in photos.values() if photo.state is PhotoState.DECLARED and photo.id in known])
        concerns(*queries.dwellings_of(session, photos.values()))

    straight = store_within_reach() and storage.takes_from_phones()

    def instruct(result: Result) -> dict[str, Any]:
        photo = None if result.faults or result.id is None else photos.get(result.id)
        if photo is None:
            return {"state": None, "resume": None, "put": None}
        return {"state": photo.state.value, "resume": _resume_out(under_way.get(photo.id)), "put": _put_out(photo, straight=straight)}

    return batch_response(results, more=instruct)


class UploadsQuery(PageQuery):
    inspection_id = Uuid(load_default=None)


class OpenUploadOut(ResumeOut):
    photo_id = fields.UUID(required=True, data_key="photoId")
    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    length_bytes = fields.Integer(required=True, allow_none=True, data_key="lengthBytes")


class OpenUploadsOut(OutSchema):
    items = fields.List(fields.Nested(OpenUploadOut), required=True)
    next = fields.String(required=True, allow_none=True)


_dump_open = dump_with(OpenUploadOut())


@routes.on("GET", "/uploads", needs=Right.INSPECT, processes=Activity.PHOTOS_READ, returns=OpenUploadsOut, query=UploadsQuery)
def list_uploads(query: dict[str, Any]) -> Response:
    """What is under way of your photos and how far it is; looking interrupts nothing"""
    with reading(actor()) as session:
        page = claims.list_(session, actor(), inspection_id=query["inspection_id"], after=decode_cursor(query["cursor"], UUID), limit=query["limit"])
    return page_response(lambda row: _dump_open({**row, "url": f"{BASE}/tus/{row['id']}"}), page)


@routes.on(
    "PUT",
    "/uploads/<uuid:photo_id>/content",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=PhotoOut,
    tagged=True,
    streams=tuple(ContentType),
)
def send_photo(photo_id: UUID) -> Response:
    """Send a declared photo in one piece, where the object store can't be reached; nothing is kept of one that breaks off"""
    with reading(actor()) as session:
        photo = uploads.own(session, actor(), photo_id)
        uploads.check_not_gone(photo)
        concerns(*queries.dwellings_of(session, [photo]))
    if photo.state is PhotoState.DECLARED:
        photo = receiving.receive_whole(actor(), photo, bodies.Incoming().pieces(), request.content_length or 0)
    with reading(actor()) as session:
        return one(dump_photo, queries.shown(session, photo), version=photo.version)


@routes.on("POST", "/uploads/<uuid:photo_id>/complete", needs=Right.INSPECT, processes=Activity.PHOTOS_CHANGED, returns=PhotoOut, tagged=True, gone=True)
def complete_upload(photo_id: UUID) -> Response:
    """Say that the bytes are sent; the answer is `stored` when the object store has them with the declared digest"""
    with reading(actor()) as session:
        photo = uploads.own(session, actor(), photo_id)
        uploads.check_not_gone(photo)
        concerns(*queries.dwellings_of(session, [photo]))
    if photo.state is PhotoState.DECLARED:
        found = uploads.look(actor(), photo)
        with transaction(actor()) as session:
            shown = uploads.mark_stored(session, actor(), photo_id, found)
    else:
        with reading(actor()) as session:
            shown = queries.shown(session, photo)
    return one(dump_photo, shown, version=shown.photo.version)


@routes.on("GET", "/photos/<uuid:photo_id>", needs=Right.READ_INSPECTIONS, processes=Activity.PHOTOS_READ, returns=PhotoOut, tagged=True, watched=True)
def get_photo(photo_id: UUID) -> Response:
    """The particulars of a photo"""
    with reading(actor()) as session:
        photo = queries.get(session, actor(), photo_id)
        concerns(*queries.dwellings_of(session, [photo]))
        return one(dump_photo, queries.shown(session, photo), version=photo.version)


class ArrivedIn(Schema):
    photo_ids = List(Uuid(), required=True, validate=Length(1, LARGEST_PHOTO_BATCH))


class ArrivedOut(OutSchema):
    """What has become of one photo; `errors` say why it is still awaited."""

    id = fields.UUID(required=True)
    state = OneOf(PhotoState, required=True, allow_none=True)
    errors = fields.List(fields.Nested(FaultOut), required=True)


class ArrivalsOut(OutSchema):
    results = fields.List(fields.Nested(ArrivedOut), required=True)


@routes.on("POST", "/uploads/complete", needs=Right.INSPECT, processes=Activity.PHOTOS_CHANGED, returns=ArrivalsOut, takes=ArrivedIn)
def complete_uploads(body: dict[str, Any]) -> Response:
    """Say of up to 100 photos that their bytes are sent; each is `stored` when the object store has them with the declared digest"""
    ids: list[UUID] = body["photo_ids"]
    with reading(actor()) as session:
        photos = uploads.own_each(session, actor(), ids)
        concerns(*queries.dwellings_of(session, photos.values()))
    found = uploads.look_each(actor(), [photo for photo in photos.values() if photo.state is PhotoState.DECLARED])
    with transaction(actor()) as session:
        photos |= uploads.mark_stored_each(session, actor(), found)
    return json_response({"results": [_arrived(id, place, photos.get(id), found.get(id)) for place, id in enumerate(ids)]})


def _arrived(id: UUID, place: int, photo: Photo | None, found: StoredObject | None) -> dict[str, Any]:
    return {"id": id, "state": photo and photo.state.value, "errors": [fault_out(fault.below(f"/photoIds/{place}")) for fault in _why_not(id, photo, found)]}


def _why_not(id: UUID, photo: Photo | None, found: StoredObject | None) -> list[Fault]:
    """Why a photo is not stored."""
    if photo is None:
        return [Fault("", "not-found", {"what": "photo", "id": id})]
    if photo.state is not PhotoState.DECLARED:
        return []
    return [Fault("", "photo-bytes-missing")] if found is None else [Fault("", differ.code, differ.facts) for differ in [uploads.differ(photo, found)]]


class TimingOut(OutSchema):
    """How the body of this request came in, in milliseconds after its head."""

    size_bytes = fields.Integer(required=True, data_key="sizeBytes")
    first_byte_ms = fields.Integer(required=True, data_key="firstByteMs")
    last_byte_ms = fields.Integer(required=True, data_key="lastByteMs")


_dump_timing = dump_with(TimingOut())


@routes.on("POST", "/uploads/timing", needs=Who.ONESELF, returns=TimingOut, streams=(ANY_BYTES,))
def time_upload() -> Response:
    """Send a few bytes slowly and see when they came: a proxy that keeps them back until it has all loses what a phone sent before the network broke"""
    if (request.content_length or 0) > LARGEST_TIMING_BYTES:
        raise RequestEntityTooLarge()
    began, moments, size = clock.monotonic(), [], 0
    for piece in bodies.Incoming().pieces():
        if piece:
            moments.append(round((clock.monotonic() - began) * 1000))
            size += len(piece)
    ends = moments or [0]
    return json_response(_dump_timing({"size_bytes": size, "first_byte_ms": ends[0], "last_byte_ms": ends[-1]}))


class WithdrawalIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it must not be seen; it is kept."})


@routes.on(
    "POST",
    "/photos/<uuid:photo_id>/withdrawal",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=PhotoOut,
    takes=WithdrawalIn,
    tagged=True,
    gone=True,
)
def withdraw_photo(body: dict[str, Any], photo_id: UUID) -> Response:
    """Take back a photo of your own inspection: nobody sees it any more, that it was there stays"""
    with transaction(actor()) as session:
        photo = uploads.withdraw(session, actor(), photo_id, body["reason"])
        concerns(*queries.dwellings_of(session, [photo]))
        shown = queries.shown(session, photo)
    return one(dump_photo, shown, version=photo.version)
