"""Checklists: drafts of who keeps them, frozen when published, out of use when retired."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from flask import Response, request
from marshmallow import INCLUDE, ValidationError, fields, validates_schema
from sqlalchemy.orm import Session
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from api import bodies
from api.answers import answer_once, decode_cursor, dump_with, expected_version, json_response, one, page_response
from api.auth import actor
from api.fields import SLUG, AnyJson, Dict, Length, Moment, OneOf, Said, Schema, String
from api.problems import language
from api.routes import PageQuery, Routes, Who
from registry.access import Right
from registry.checklists import commands, queries
from registry.checklists.json_schema import schema
from registry.checklists.lint import Finding, Weight, lint
from registry.checklists.model import Checklist, ChecklistSource, ChecklistStatus
from registry.checklists.written import LARGEST_TEXT_BYTES
from registry.checklists.xlsform.convert import convert
from registry.checklists.xlsform.report import Unsupported
from registry.checklists.xlsform.workbook import LARGEST_FILE_BYTES, XLSX
from registry.db import Json, reading, transaction
from registry.errors import RuleViolation

routes = Routes("checklists", "Checklists, frozen when published")


class ChecklistIn(Schema):
    """A checklist as JSON, or as the text of its YAML."""

    content = Dict(keys=String(validate=Length(1, 100)), values=AnyJson(), load_default=None)
    yaml = String(load_default=None, validate=Length(1, LARGEST_TEXT_BYTES))
    written_as = OneOf(ChecklistSource, load_default=ChecklistSource.YAML, metadata={"description": "Shown as `source`."})

    @validates_schema
    def check_one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if (data["content"] is None) == (data["yaml"] is None):
            raise ValidationError({"content": [Said("content-or-yaml")]})


class ChecklistOut(Schema):
    id = fields.UUID(required=True)
    key = fields.String(required=True)
    edition = fields.Integer(required=True)
    status = OneOf(ChecklistStatus, required=True)
    source = OneOf(ChecklistSource, required=True)
    content = fields.Dict(required=True, metadata={"description": "Title, sections and questions with Dutch and English texts: see `/checklist-schema`."})
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")
    published_at = Moment(required=True, allow_none=True, data_key="publishedAt")
    retired_at = Moment(required=True, allow_none=True, data_key="retiredAt")


class ChecklistsOut(Schema):
    items = fields.List(fields.Nested(ChecklistOut), required=True)
    next = fields.String(required=True, allow_none=True)


class ChecklistsQuery(PageQuery):
    key = String(load_default=None, validate=SLUG)
    status = OneOf(ChecklistStatus, load_default=None, metadata={"description": "Drafts are shown to who keeps the checklists."})


class TextIn(Schema):
    text = String(required=True, validate=Length(0, LARGEST_TEXT_BYTES), metadata={"description": "The YAML of a checklist."})


class FindingOut(Schema):
    pointer = fields.String(required=True, metadata={"description": "JSON pointer into the checklist."})
    code = fields.String(required=True)
    detail = fields.String(required=True)
    line = fields.Integer(required=True, metadata={"description": "From 1."})
    column = fields.Integer(required=True, metadata={"description": "From 1."})
    weight = OneOf(Weight, required=True)


class CheckedOut(Schema):
    publishable = fields.Boolean(required=True, metadata={"description": "There is no fault; warnings there may be."})
    findings = fields.List(fields.Nested(FindingOut), required=True)


class UnsupportedOut(Schema):
    sheet = fields.String(required=True)
    row = fields.Integer(required=True, allow_none=True, metadata={"description": "As a spreadsheet counts; null when it is about the whole sheet."})
    column = fields.String(required=True, allow_none=True, metadata={"description": "The header of the column."})
    what = fields.String(required=True, metadata={"description": "What stands there."})
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ConvertedOut(Schema):
    content = fields.Dict(required=True)
    yaml = fields.String(required=True)
    unsupported = fields.List(fields.Nested(UnsupportedOut), required=True, metadata={"description": "What the checklist says less or otherwise."})


class JsonSchemaOut(Schema):
    """A JSON Schema (2020-12): besides these `$schema`, `$id` and `$defs`."""

    class Meta:
        unknown = INCLUDE

    title = fields.String(required=True)
    description = fields.String(required=True)
    type = fields.String(required=True)
    properties = fields.Dict(required=True)
    required = fields.List(fields.String(), required=True)
    additional_properties = fields.Boolean(required=True)


dump = dump_with(ChecklistOut())


@routes.on("GET", "/checklists", needs=Right.READ_REFERENCE, returns=ChecklistsOut, query=ChecklistsQuery)
def list_checklists(query: dict[str, Any]) -> Response:
    """The checklists: published and retired ones; drafts for who keeps them"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **query))


@routes.on("GET", "/checklists/<uuid:checklist_id>", needs=Right.READ_REFERENCE, returns=ChecklistOut, tagged=True)
def get_checklist(checklist_id: UUID) -> Response:
    """One edition of a checklist"""
    with reading(actor()) as session:
        return _one(queries.get(session, actor(), checklist_id))


@routes.on("POST", "/checklists", needs=Right.MANAGE_REFERENCE, returns=ChecklistOut, status=201, takes=ChecklistIn, tagged=True, once=True)
def draft_checklist(body: dict[str, Any]) -> Response:
    """Keep a draft of a checklist: its key and edition must be right, the rest when it is published"""
    content = _content(body)

    def act(session: Session) -> Response:
        with _faults_below(_place(body)):
            checklist = commands.create_draft(session, actor(), content, source=body["written_as"])
        return _one(checklist, status=201, location=f"/v1/checklists/{checklist.id}")

    return answer_once(act)


@routes.on(
    "PUT",
    "/checklists/<uuid:checklist_id>",
    needs=Right.MANAGE_REFERENCE,
    returns=ChecklistOut,
    takes=ChecklistIn,
    tagged=True,
    versioned=True,
)
def change_checklist(body: dict[str, Any], checklist_id: UUID) -> Response:
    """Replace the content of a draft"""
    content = _content(body)
    with transaction(actor()) as session, _faults_below(_place(body)):
        checklist = commands.change_draft(session, actor(), checklist_id, content, expected=expected_version())
    return _one(checklist)


@routes.on("POST", "/checklists/<uuid:checklist_id>/publication", needs=Right.MANAGE_REFERENCE, returns=ChecklistOut, tagged=True, versioned=True)
def publish_checklist(checklist_id: UUID) -> Response:
    """Publish a draft: from now on it is frozen, and inspections can be planned with it. Publishing it again changes nothing"""
    with transaction(actor()) as session, _faults_below("/content"):
        checklist = commands.publish_draft(session, actor(), checklist_id, expected=expected_version())
    return _one(checklist)


@routes.on("POST", "/checklists/<uuid:checklist_id>/retirement", needs=Right.MANAGE_REFERENCE, returns=ChecklistOut, tagged=True, versioned=True)
def retire_checklist(checklist_id: UUID) -> Response:
    """Take an edition out of use: what was made with it stays good. Again changes nothing"""
    with transaction(actor()) as session:
        checklist = commands.retire(session, actor(), checklist_id, expected=expected_version())
    return _one(checklist)


@routes.on("POST", "/checklists/_check", needs=Right.READ_REFERENCE, returns=CheckedOut, takes=TextIn)
def check_checklist(body: dict[str, Any]) -> Response:
    """Find everything that is wrong with the YAML of a checklist, with line and column; nothing is kept"""
    linted = lint(body["text"])
    return json_response({"publishable": not linted.faults, "findings": [_finding(found) for found in linted.findings]})


@routes.on("POST", "/checklists/_convert", needs=Right.MANAGE_REFERENCE, returns=ConvertedOut, streams=(XLSX,))
def convert_xlsform() -> Response:
    """Make a checklist of an XLSForm, and say what of it a checklist can't express; nothing is kept"""
    converted = convert(_file())
    unsupported = [_unsupported(each) for each in converted.unsupported]
    return json_response({"content": converted.content, "yaml": converted.yaml, "unsupported": unsupported})


@routes.on("GET", "/checklist-schema", needs=Who.ANYONE, returns=JsonSchemaOut, tagged=True)
def get_checklist_schema() -> Response:
    """The JSON Schema of a checklist, for editors"""
    return one(dict, schema())


def _one(checklist: Checklist, *, status: int = 200, location: str | None = None) -> Response:
    return one(dump, checklist, version=checklist.version, status=status, location=location)


def _content(body: Mapping[str, Any]) -> Mapping[str, Json]:
    """The content of a checklist that is sent. Raises RuleViolation when its YAML can't be read."""
    if body["yaml"] is None:
        return cast("Mapping[str, Json]", body["content"])
    linted = lint(body["yaml"])
    if not isinstance(linted.content, dict) or linted.of_yaml:
        raise RuleViolation([fault.below(_place(body)) for fault in linted.of_yaml or linted.faults])
    return linted.content


def _place(body: Mapping[str, Any]) -> str:
    """Where in the body the checklist is."""
    return "/content" if body["yaml"] is None else "/yaml"


@contextmanager
def _faults_below(place: str) -> Iterator[None]:
    """What is wrong with the checklist is said of its place in the body, or in the resource."""
    try:
        yield
    except RuleViolation as error:
        raise type(error)([fault.below(place) for fault in error.faults]) from error


def _finding(found: Finding) -> dict[str, object]:
    fault, place = found.fault, found.place
    said = {"pointer": fault.pointer, "code": fault.code, "detail": fault.text(language())}
    return {**said, "line": place.line, "column": place.column, "weight": found.weight.value}


def _unsupported(found: Unsupported) -> dict[str, object]:
    said = {"code": found.code, "detail": found.text(language())}
    return {"sheet": found.sheet, "row": found.row, "column": found.column, "what": found.what, **said}


def _file() -> bytes:
    """The body. Raises RequestEntityTooLarge, ClientDisconnected."""
    size = request.content_length or 0
    if size > LARGEST_FILE_BYTES:
        raise RequestEntityTooLarge()
    file = b"".join(bodies.Incoming().pieces())
    if len(file) < size:
        raise ClientDisconnected()
    return file
