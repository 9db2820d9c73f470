"""Documents of trajectories: declared, sent as they are, given back as downloads, withdrawn.

A document came from outside and may hold anything, a PDF with a script in it for one. It is never shown in a page of ours: always an attachment, of the type
that was declared, which no browser may guess anew.
"""

from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import fields, post_load
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from api import bodies
from api.answers import answer_once, decode_cursor, dump_with, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.fields import Date, Form, Integer, Length, Moment, OneOf, Range, Schema, String, Uuid
from api.photo_files import sent
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.photos.files import File
from registry.processing import Activity
from registry.trajectories import documents, queries
from registry.trajectories.documents import LARGEST_DOCUMENT_BYTES, MediaType, NewDocument
from registry.trajectories.model import Document, DocumentKind
from registry.values import SHA256_HEX

routes = Routes("trajectory-documents", "Documents (documenten) of trajectories: grant decisions, reports, contracts, invoices, permits")

TYPES = tuple(each.value for each in MediaType)
ENDINGS = {
    MediaType.PDF: "pdf",
    MediaType.JPEG: "jpg",
    MediaType.PNG: "png",
    MediaType.TIFF: "tif",
    MediaType.DOCX: "docx",
    MediaType.XLSX: "xlsx",
    MediaType.ODT: "odt",
    MediaType.ODS: "ods",
    MediaType.TXT: "txt",
    MediaType.CSV: "csv",
    MediaType.EML: "eml",
    MediaType.MSG: "msg",
}
"""Of the names of files."""
COMPUTED = ("sha256",)


class TrajectoryDocumentIn(Schema):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})
    kind = OneOf(DocumentKind, required=True)
    title = String(required=True, validate=Length(1, 200))
    dated_on = Date(load_default=None, allow_none=True, metadata={"description": "The day that stands on it."})
    media_type = OneOf(MediaType, required=True)
    size_bytes = Integer(required=True, validate=Range(1, LARGEST_DOCUMENT_BYTES))
    sha256 = String(required=True, validate=Form(SHA256_HEX, "64 × 0-9a-f"), metadata={"description": "Of the bytes that will be sent."})

    @post_load
    def document(self, data: dict[str, Any], **_: Any) -> NewDocument:
        return NewDocument(**{**data, "sha256": bytes.fromhex(data["sha256"])})


class DocumentWithdrawalIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it must not be read; it is kept."})


class TrajectoryDocumentOut(Schema):
    """`storedAt` is null until its bytes are here."""

    id = fields.UUID(required=True)
    trajectory_id = fields.UUID(required=True, data_key="trajectoryId")
    kind = OneOf(DocumentKind, required=True)
    title = fields.String(required=True)
    dated_on = fields.Date(required=True, allow_none=True, data_key="datedOn")
    media_type = OneOf(MediaType, required=True, data_key="mediaType")
    size_bytes = fields.Integer(required=True, data_key="sizeBytes")
    sha256 = fields.String(required=True)
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId", metadata={"description": "Of whoever declared it."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    stored_at = Moment(required=True, allow_none=True, data_key="storedAt")
    withdrawn_at = Moment(required=True, allow_none=True, data_key="withdrawnAt")
    withdrawal_reason = fields.String(required=True, allow_none=True, data_key="withdrawalReason")


class TrajectoryDocumentsOut(Schema):
    items = fields.List(fields.Nested(TrajectoryDocumentOut), required=True)
    next = fields.String(required=True, allow_none=True)


_dump = dump_with(TrajectoryDocumentOut())


def dump(document: Document) -> dict[str, Any]:
    columns = {name: getattr(document, name) for name in TrajectoryDocumentOut().fields if name not in COMPUTED}
    return _dump({**columns, "sha256": document.sha256.hex()})


@routes.on(
    "POST",
    "/trajectories/<uuid:trajectory_id>/documents",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=TrajectoryDocumentOut,
    status=201,
    takes=TrajectoryDocumentIn,
    tagged=True,
    once=True,
)
def declare_document(new: NewDocument, trajectory_id: UUID) -> Response:
    """Declare a document of a trajectory that your organisation runs; then send its bytes to `/documents/{id}/content`"""

    def act(session: Session) -> Response:
        document, outcome = documents.declare(session, actor(), trajectory_id, new)
        concerns(queries.dwelling_of(session, trajectory_id))
        return one(dump, document, status=created_or_known(outcome), location=f"/v1/documents/{document.id}")

    return answer_once(act)


@routes.on(
    "GET",
    "/trajectories/<uuid:trajectory_id>/documents",
    needs=Right.READ_PROGRESS,
    processes=Activity.PROGRESS_READ,
    returns=TrajectoryDocumentsOut,
    query=PageQuery,
)
def list_documents(query: dict[str, Any], trajectory_id: UUID) -> Response:
    """The documents of a trajectory by id, those that are still awaited and those that were withdrawn too"""
    with reading(actor()) as session:
        page = documents.list_(session, actor(), trajectory_id, after=decode_cursor(query["cursor"], UUID), limit=query["limit"])
        concerns(queries.dwelling_of(session, trajectory_id))
    return page_response(dump, page)


@routes.on("GET", "/documents/<uuid:document_id>", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=TrajectoryDocumentOut, tagged=True)
def get_document(document_id: UUID) -> Response:
    """The particulars of a document"""
    with reading(actor()) as session:
        document, dwelling_id = documents.get(session, actor(), document_id)
    concerns(dwelling_id)
    return one(dump, document)


@routes.on(
    "PUT",
    "/documents/<uuid:document_id>/content",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=TrajectoryDocumentOut,
    tagged=True,
    streams=TYPES,
    largest_bytes=LARGEST_DOCUMENT_BYTES,
)
def send_document(document_id: UUID) -> Response:
    """Send the bytes of a declared document in one piece, with the media type that was declared; sending them again changes nothing"""
    with reading(actor()) as session:
        document = documents.own_one(session, actor(), document_id)
        concerns(queries.dwelling_of(session, document.trajectory_id))
    if request.mimetype != document.media_type:
        raise UnsupportedMediaType()
    if document.stored_at is None:
        document = documents.receive(actor(), document, bodies.Incoming().pieces(), request.content_length or 0)
    return one(dump, document)


@routes.on(
    "GET",
    "/documents/<uuid:document_id>/content",
    needs=Right.READ_PROGRESS,
    processes=Activity.PROGRESS_READ,
    returns=None,
    serves=TYPES,
    tagged=True,
    watched=True,
    look="content-read",
)
def get_document_content(document_id: UUID) -> Response:
    """The document as it came, byte by byte, as a download; who fetched it when, and an auditor why, is kept"""
    with reading(actor()) as session:
        document, dwelling_id = documents.get(session, actor(), document_id)
    concerns(dwelling_id)
    documents.check_there(document)
    return sent(_file(document), "attachment")


def _file(document: Document) -> File:
    kind = MediaType(document.media_type)
    return File(documents.key_of(document), f"{document.id}.{ENDINGS[kind]}", kind.value, document.sha256.hex(), document.size_bytes, document.sha256)


@routes.on(
    "POST",
    "/documents/<uuid:document_id>/withdrawal",
    needs=Right.REPORT_PROGRESS,
    processes=Activity.PROGRESS_CHANGED,
    returns=TrajectoryDocumentOut,
    takes=DocumentWithdrawalIn,
    tagged=True,
)
def withdraw_document(body: dict[str, Any], document_id: UUID) -> Response:
    """Take back a document that was a mistake: nobody reads it any more, that it was there stays"""
    with transaction(actor()) as session:
        document = documents.withdraw(session, actor(), document_id, reason=body["reason"])
        concerns(queries.dwelling_of(session, document.trajectory_id))
    return one(dump, document)
