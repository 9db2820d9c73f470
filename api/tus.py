"""Resumable uploads by tus 1.0 (tus.io): creation, creation-with-upload, creation-defer-length, checksum, expiration, termination.

The protocol stands here, what it does in `registry/photos/claims.py` and `receiving.py`. Concatenation is not offered: it can't be repeated harmlessly,
and one photo is better sent as a whole. https://tus.io/protocols/resumable-upload
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response, request
from marshmallow import Schema as OutSchema
from marshmallow import ValidationError, fields
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.http import http_date

from api import bodies
from api.answers import json_response
from api.auth import actor
from api.clocks import clock_skew_ms
from api.fields import Moment, OneOf
from api.photos import PhotoIn
from api.problems import TusVersionDiffers, faults_of, refusal
from api.processing import concerns
from api.routes import BASE, Routes
from registry import clock
from registry.access import Right
from registry.batch import only
from registry.db import reading, transaction
from registry.errors import Fault, InvalidInput, NotFound, RegistryError, RuleViolation
from registry.photos import claims, queries, receiving, uploads
from registry.photos.claims import Claim, OffsetDiffers, PhotoTooLarge
from registry.photos.handover import watch
from registry.photos.model import Photo, Upload, UploadState
from registry.photos.receiving import Digest
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.processing import Activity

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

routes = Routes("tus", "Resumable uploads (tus 1.0)")

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"
ALGORITHMS = ("sha1", "sha256")
MEDIA_TYPE = "application/offset+octet-stream"
LONGEST_METADATA = 4096
"""Bytes of Upload-Metadata."""
NUMBER = re.compile(r"[0-9]{1,12}")
METADATA_KEY = re.compile(r"[^\s,]{1,100}")
TUS = ("Tus-Resumable",)
PHOTOS = {"photoId": "id"}
"""Names in Upload-Metadata that differ from those of a declaration."""


class OverriddenMethods:
    """`X-HTTP-Method-Override`, for clients that can send nothing but GET and POST."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        wanted = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        answer = start_response
        if wanted in ("HEAD", "PATCH", "DELETE") and environ["REQUEST_METHOD"] == "POST" and environ.get("PATH_INFO", "").startswith(f"{BASE}/tus/"):
            environ["REQUEST_METHOD"] = wanted
            answer = _without_body(start_response) if wanted == "HEAD" else start_response
        return self._application(environ, answer)


def _without_body(start_response: "StartResponse") -> "StartResponse":
    """To whoever sent a POST, the length of an answer is that of the body that follows, and to HEAD none does."""

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        return start_response(status, [(name, "0" if name.lower() == "content-length" else value) for name, value in headers], *more)

    return start


class UploadStatusOut(OutSchema):
    """How far an upload is. Looking at it interrupts nothing, unlike HEAD."""

    id = fields.UUID(required=True)
    photo_id = fields.UUID(required=True, data_key="photoId")
    state = OneOf(UploadState, required=True)
    offset_bytes = fields.Integer(required=True, data_key="offsetBytes", metadata={"description": "So many bytes are kept."})
    length_bytes = fields.Integer(required=True, allow_none=True, data_key="lengthBytes")
    expires_at = Moment(required=True, data_key="expiresAt", metadata={"description": "When nothing happens to it before."})


def _speaks_tus() -> None:
    """Raises TusVersionDiffers."""
    if request.method not in ("OPTIONS", "GET") and request.headers.get("Tus-Resumable") != VERSION:
        raise TusVersionDiffers(version=VERSION)


def _say_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    if request.method == "OPTIONS" or response.status_code == 412:
        response.headers["Tus-Version"] = VERSION
    if request.method == "OPTIONS":
        response.headers["Tus-Extension"] = EXTENSIONS
        response.headers["Tus-Max-Size"] = str(LARGEST_PHOTO_BYTES)
        response.headers["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return response


def _refused(error: RegistryError) -> Response:
    """A client that is told where to go on need not ask."""
    response = refusal(error)
    if isinstance(offset := error.facts.get("offset"), int):
        response.headers["Upload-Offset"] = str(offset)
    return response


routes.before_request(_speaks_tus)
routes.after_request(_say_version)
routes.register_error_handler(RegistryError, _refused)


@routes.on(
    "POST",
    "/tus",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=None,
    status=201,
    gone=True,
    streams=(MEDIA_TYPE,),
    sends=(*TUS, "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Checksum", "Content-Digest"),
    says=(*TUS, "Upload-Offset", "Upload-Expires"),
)
def create_upload() -> Response:
    """Begin to send the bytes of a photo, which Upload-Metadata declares or names by `photoId`; the same photo again gives the same upload"""
    if "Upload-Concat" in request.headers:
        raise RuleViolation([Fault("Upload-Concat", "concatenation-not-offered")])
    length, given, size = _new_length(), _metadata(), request.content_length or 0
    digest = _body_digest()
    if length is not None and length > LARGEST_PHOTO_BYTES:
        raise PhotoTooLarge(limit_bytes=LARGEST_PHOTO_BYTES)
    with transaction(actor()) as session:
        photo = _photo(session, given, length)
        given_metadata = request.headers.get("Upload-Metadata", "")
        upload = claims.begin(session, actor(), photo, length_bytes=length, metadata=given_metadata, brings_bytes=size > 0)
    concerns(upload.dwelling_id)
    offset = upload.offset_bytes if upload.claim is None else _receive(upload.claim, size, digest)
    headers = {"Location": f"{BASE}/tus/{upload.id}", "Upload-Expires": http_date(upload.expires_at), "Upload-Offset": str(offset)}
    return Response(status=201, headers=headers)


@routes.on(
    "HEAD",
    "/tus/<uuid:upload_id>",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=None,
    gone=True,
    sends=TUS,
    says=(*TUS, "Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"),
)
def find_offset(upload_id: UUID) -> Response:
    """Where to go on with an upload; a request that still sends bytes to it is ended, so the offset stays true"""
    upload = receiving.hand_over(actor(), upload_id)
    _concerns(upload)
    length = {"Upload-Defer-Length": "1"} if upload.length_bytes is None else {"Upload-Length": str(upload.length_bytes)}
    metadata = {"Upload-Metadata": upload.metadata_} if upload.metadata_ else {}
    return Response(headers={"Upload-Offset": str(upload.offset_bytes), "Upload-Expires": http_date(upload.expires_at), **length, **metadata})


@routes.on("GET", "/tus/<uuid:upload_id>", needs=Right.INSPECT, processes=Activity.PHOTOS_CHANGED, returns=UploadStatusOut, says=TUS)
def get_upload(upload_id: UUID) -> Response:
    """How far an upload is, without interrupting it"""
    upload = claims.find(actor(), upload_id)
    if upload.state not in (UploadState.RECEIVING, UploadState.STORED):
        raise NotFound(what="upload", id=upload_id)
    _concerns(upload)
    return json_response(UploadStatusOut().dump(upload))


@routes.on(
    "PATCH",
    "/tus/<uuid:upload_id>",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=None,
    status=204,
    gone=True,
    streams=(MEDIA_TYPE,),
    sends=(*TUS, "Upload-Offset", "Upload-Length", "Upload-Checksum", "Content-Digest"),
    says=(*TUS, "Upload-Offset", "Upload-Expires"),
)
def send_bytes(upload_id: UUID) -> Response:
    """Send bytes from Upload-Offset on; what has come is kept when the connection breaks"""
    if request.mimetype != MEDIA_TYPE:
        raise UnsupportedMediaType()
    offset, length, size = _number("Upload-Offset"), _told_length(), request.content_length or 0
    digest = _body_digest()
    try:
        claim = claims.take_up(actor(), upload_id, offset_bytes=offset, length_bytes=length, receiving=size > 0)
    except OffsetDiffers as error:
        if size or error.facts["offset"] != offset:
            raise
        return Response(status=204, headers={"Upload-Offset": str(offset)})  # it is stored, and nothing was sent
    concerns(claim.dwelling_id)
    if size:
        offset = _receive(claim, size, digest)
    elif claim.offset_bytes == claim.length_bytes:
        receiving.finish(actor(), claim)
    return Response(status=204, headers={"Upload-Offset": str(offset), "Upload-Expires": http_date(clock.now() + claims.LIFE)})


@routes.on(
    "DELETE",
    "/tus/<uuid:upload_id>",
    needs=Right.INSPECT,
    processes=Activity.PHOTOS_CHANGED,
    returns=None,
    status=204,
    gone=True,
    sends=TUS,
    says=TUS,
)
def end_upload(upload_id: UUID) -> Response:
    """End an upload and forget what it brought; the photo stays awaited"""
    _concerns(claims.find(actor(), upload_id))
    with transaction(actor()) as session:
        claims.terminate(session, actor(), upload_id)
    return Response(status=204)


def _receive(claim: Claim, size: int, digest: Digest | None) -> int:
    incoming = bodies.Incoming()
    if not incoming.is_live:  # the body is here already
        return receiving.receive(actor(), claim, incoming.pieces(), size, digest=digest)
    watched = watch.over(claim.upload_id, claim.attempt, incoming.interrupt)

    def pieces() -> Iterator[bytes]:
        try:
            yield from incoming.pieces()
        finally:
            watch.end(claim.upload_id, watched)

    return receiving.receive(actor(), claim, pieces(), size, digest=digest, wanted=lambda: watched.wanted)


def _concerns(upload: Upload) -> None:
    with reading(actor()) as session:
        concerns(*queries.dwellings_of_photos(session, [upload.photo_id]))


def _photo(session: Session, given: dict[str, str], length: int | None) -> Photo:
    """The photo that Upload-Metadata names, declared by it when it says enough. Raises InvalidInput, RuleViolation, Conflict."""
    if "inspectionId" in given:
        return _declared(session, given, length)
    id = _uuid(given.get("photoId"))
    try:
        photo = uploads.own(session, actor(), id)
    except NotFound:
        raise RuleViolation([Fault("Upload-Metadata/photoId", "photo-not-declared", {"id": id})]) from None
    said = given.get("sha256")
    if said is not None and photo.sha256 is not None and said != photo.sha256.hex():
        raise RuleViolation([Fault("Upload-Metadata/sha256", "digest-not-declared", {"sha256": said, "id": id})])
    return photo


def _declared(session: Session, given: dict[str, str], length: int | None) -> Photo:
    """Declare a photo as `POST /v1/uploads/batch` would. Its digest and length may come later."""
    known = {str(field.data_key) for field in PhotoIn().fields.values()}
    body: dict[str, Any] = {PHOTOS.get(name, name): value for name, value in given.items() if PHOTOS.get(name, name) in known}
    body |= {name: _float(name, body[name]) for name in ("longitude", "latitude") if name in body}
    body |= {"contentType": given["filetype"]} if "filetype" in given and "contentType" not in body else {}
    body |= {} if length is None else {"sizeBytes": length}
    awaited = [name for name, value in (("sha256", given.get("sha256")), ("size_bytes", length)) if value is None]
    names = {name: key for key, name in PHOTOS.items()}
    try:
        item = PhotoIn(partial=awaited).load(body)
    except ValidationError as error:
        unreadable = faults_of(error.messages, "Upload-Metadata/")
        raise InvalidInput([Fault(_named(fault.pointer, names), fault.code, fault.facts) for fault in unreadable]) from None
    try:
        result = only(uploads.declare_each(session, actor(), [item], clock_skew_ms=clock_skew_ms()))
    except RuleViolation as error:
        faults = [fault.below("Upload-Metadata") for fault in error.faults]
        raise RuleViolation([Fault(_named(fault.pointer, names), fault.code, fault.facts) for fault in faults]) from None
    return uploads.own(session, actor(), result.id or item.id)


def _named(pointer: str, names: dict[str, str]) -> str:
    header, _, name = pointer.partition("/")
    return f"{header}/{names.get(name, name)}"


def _uuid(text: str | None) -> UUID:
    """Raises InvalidInput."""
    if not text:
        raise InvalidInput([Fault("Upload-Metadata/photoId", "required")])
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([Fault("Upload-Metadata/photoId", "not-a-uuid")]) from None


def _float(name: str, text: str) -> float:
    """Raises InvalidInput."""
    try:
        return float(text)
    except ValueError:
        raise InvalidInput([Fault(f"Upload-Metadata/{name}", "not-a-number")]) from None


def _metadata() -> dict[str, str]:
    """The pairs of Upload-Metadata. An empty header is what some clients send. Raises InvalidInput."""
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > LONGEST_METADATA:
        raise InvalidInput([Fault("Upload-Metadata", "too-long", {"max": LONGEST_METADATA})])
    found: dict[str, str] = {}
    for pair in filter(None, header.split(",")):
        key, _, value = pair.strip().partition(" ")
        try:
            if not METADATA_KEY.fullmatch(key) or key in found:
                raise ValueError(key)
            found[key] = base64.b64decode(value, validate=True).decode()
        except (ValueError, binascii.Error):
            raise InvalidInput([Fault("Upload-Metadata", "wrong-form", {"form": "key base64,key base64"})]) from None
    return found


def _new_length() -> int | None:
    """Raises InvalidInput."""
    deferred = request.headers.get("Upload-Defer-Length")
    if deferred is not None and "Upload-Length" not in request.headers:
        if deferred != "1":
            raise InvalidInput([Fault("Upload-Defer-Length", "wrong-form", {"form": "1"})])
        return None
    if deferred is not None:
        raise InvalidInput([Fault("Upload-Defer-Length", "wrong-form", {"form": "Upload-Length"})])
    length = _number("Upload-Length")
    if length == 0:
        raise InvalidInput([Fault("Upload-Length", "too-small", {"min": 1})])
    return length


def _told_length() -> int | None:
    return _number("Upload-Length") if "Upload-Length" in request.headers else None


def _number(header: str) -> int:
    """Raises InvalidInput."""
    text = request.headers.get(header)
    if text is None:
        raise InvalidInput([Fault(header, "required")])
    if not NUMBER.fullmatch(text):
        raise InvalidInput([Fault(header, "wrong-form", {"form": "123"})])
    return int(text)


def _body_digest() -> Digest | None:
    """Of the body of this request: by Upload-Checksum of tus, or Content-Digest (RFC 9530). Raises InvalidInput."""
    checksum, content_digest = request.headers.get("Upload-Checksum"), request.headers.get("Content-Digest")
    if checksum is not None:
        algorithm, _, value = checksum.partition(" ")
        if algorithm not in ALGORITHMS:
            raise InvalidInput([Fault("Upload-Checksum", "not-one-of", {"allowed": ", ".join(ALGORITHMS)})])
        return Digest(algorithm, _decoded("Upload-Checksum", value))
    found = re.search(r"sha-256=:([A-Za-z0-9+/=]+):", content_digest or "")
    return Digest("sha256", _decoded("Content-Digest", found.group(1))) if found else None


def _decoded(header: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise InvalidInput([Fault(header, "wrong-form", {"form": "base64"})]) from None
