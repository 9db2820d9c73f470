"""Files to fill in, and what organisations call their columns."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.answers import dump_with, expected_version, json_response, one, put_response
from api.auth import actor
from api.fields import Moment, OneOf, Schema
from api.imports import column_map
from api.made_files import download
from api.problems import language
from api.routes import Routes
from api.sheet_files import CSV, XLSX, SheetFormat, made_sheet
from registry.access import Right
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.imports import commands, queries
from registry.imports.model import ImportKind
from registry.imports.registered import KINDS
from registry.messages import Language

routes = Routes("import-templates", "Templates (sjablonen) for imports, and saved column mappings")

OF_SHEETS = tuple(kind for kind in ImportKind if kind is not ImportKind.BAG)
"""A BAG extract is no spreadsheet."""


class TemplateQuery(Schema):
    format = OneOf(SheetFormat, load_default=SheetFormat.XLSX)


class ColumnsQuery(Schema):
    kind = OneOf(ImportKind, load_default=None)


class TemplateColumnOut(Schema):
    name = fields.String(required=True)
    headers = fields.List(fields.String(), required=True, metadata={"description": "What a file may call it; the first one is that of the template."})
    expected = fields.String(required=True)
    example = fields.String(required=True)
    required = fields.Boolean(required=True)
    choices = fields.List(fields.String(), required=True)


class ImportColumnsOut(Schema):
    kind = OneOf(ImportKind, required=True)
    columns = fields.List(fields.Nested(TemplateColumnOut), required=True)
    named_by = fields.List(
        fields.List(fields.String()), required=True, data_key="namedBy", metadata={"description": "A file has all columns of at least one of these sets."}
    )


class ColumnMappingIn(Schema):
    mapping = column_map(required=True)


class ColumnMappingOut(Schema):
    kind = OneOf(ImportKind, required=True)
    name = fields.String(required=True)
    mapping = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
    version = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")


class ColumnMappingsOut(Schema):
    items = fields.List(fields.Nested(ColumnMappingOut), required=True)


dump = dump_with(ColumnMappingOut())


def _of_sheets(kind: str) -> ImportKind:
    """Raises NotFound."""
    for each in OF_SHEETS:
        if each.value == kind:
            return each
    raise NotFound(what="kind of import", id=kind)


@routes.on("GET", "/import-templates/<kind>", needs=Right.READ_REFERENCE, returns=None, query=TemplateQuery, makes=(XLSX, CSV))
def get_import_template(query: dict[str, Any], kind: str) -> Response:
    """A file to fill in, in the language of `Accept-Language`: headers, an explanation of each column, and drop-down lists where there is a choice"""
    made = made_sheet(query["format"])
    return download(lambda path: made.template(path, KINDS[_of_sheets(kind)].columns, language()), name=f"{kind}.{query['format']}", media_type=made.media_type)


@routes.on("GET", "/import-templates/<kind>/columns", needs=Right.READ_REFERENCE, returns=ImportColumnsOut)
def get_import_columns(kind: str) -> Response:
    """The columns that a file of this kind may have, for programs"""
    return json_response(_columns(_of_sheets(kind), language()))


def _columns(kind: ImportKind, said: Language) -> dict[str, Any]:
    known = KINDS[kind]
    columns = [
        {
            "name": column.name,
            "headers": list(column.headers),
            "expected": column.about_nl if said == "nl" else column.about_en,
            "example": column.example,
            "required": column.required,
            "choices": list(column.choices),
        }
        for column in known.columns
    ]
    return {"kind": kind.value, "columns": columns, "namedBy": [list(names) for names in known.named_by]}


@routes.on("GET", "/column-mappings", needs=Right.READ_IMPORTS, returns=ColumnMappingsOut, query=ColumnsQuery)
def list_column_mappings(query: dict[str, Any]) -> Response:
    """What your organisation calls its columns, by kind of import and name"""
    with reading(actor()) as session:
        found = queries.mappings(session, actor(), kind=query["kind"])
    return json_response({"items": [dump(each) for each in found]})


@routes.on("GET", "/column-mappings/<kind>/<slug:slug>", needs=Right.READ_IMPORTS, returns=ColumnMappingOut, tagged=True)
def get_column_mapping(kind: str, slug: str) -> Response:
    """One saved column mapping"""
    with reading(actor()) as session:
        found: Any = queries.mapping(session, actor(), _of_sheets(kind), slug)
    return one(dump, found, version=found["version"])


@routes.on("PUT", "/column-mappings/<kind>/<slug:slug>", needs=Right.SEND_IMPORTS, returns=ColumnMappingOut, takes=ColumnMappingIn, tagged=True, versioned=True)
def put_column_mapping(body: dict[str, Any], kind: str, slug: str) -> Response:
    """Save what your organisation calls its columns, for its next files of that kind: `POST /imports?mapping=`"""
    with transaction(actor()) as session:
        written, outcome = commands.keep_mapping(session, actor(), _of_sheets(kind), slug, body["mapping"], expected=expected_version())
    return put_response(dump, written, outcome, f"/column-mappings/{kind}/{slug}")


@routes.on("DELETE", "/column-mappings/<kind>/<slug:slug>", needs=Right.SEND_IMPORTS, returns=None, status=204, versioned=True)
def delete_column_mapping(kind: str, slug: str) -> Response:
    """Remove a saved column mapping"""
    with transaction(actor()) as session:
        commands.remove_mapping(session, actor(), _of_sheets(kind), slug, expected=expected_version())
    return Response(status=204)
