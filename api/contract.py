"""The contract: what the routes state of themselves, and what holds for every operation, written out as OpenAPI 3.1."""

from copy import deepcopy
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import BaseConverter

from api.answers import LONGEST_KEY
from api.auth import LONGEST_REASON, SESSION_COOKIE
from api.fields import Decimal, Form, OneOf, Range
from api.problems import TITLES
from api.routes import BASE, Who
from registry.access import EXPLAINED, Right
from registry.processing import Activity

VERSION = "0.1.0"
_SUCCESSES = ("200", "201", "202", "204")
HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "Phone-Clock": (
        {"type": "string", "format": "date-time"},
        "What the clock of the phone says when it sends this (RFC 3339), so that it is known how far that clock is wrong.",
    ),
    "Content-Digest": ({"type": "string"}, "`sha-256=:…:` of this body (RFC 9530); a body with another digest is not kept."),
    "Tus-Resumable": ({"type": "string", "enum": ["1.0.0"]}, "The version of tus."),
    "Upload-Checksum": ({"type": "string"}, "`sha1` or `sha256`, a space and the digest of this body in base64; a body with another one is not kept."),
    "Upload-Defer-Length": ({"type": "string", "enum": ["1"]}, "The length comes later."),
    "Upload-Expires": ({"type": "string"}, "When the upload is forgotten if nothing happens to it (RFC 9110 date)."),
    "Upload-Length": ({"type": "string", "pattern": "^[0-9]{1,12}$"}, "Of the whole photo, in bytes."),
    "Upload-Metadata": (
        {"type": "string", "maxLength": 4096},
        "Pairs of a name and base64, separated by commas: `photoId` of a declared photo; or besides it `inspectionId`, `question` and `contentType`, and what "
        "else a declaration has, to declare it here.",
    ),
    "Upload-Offset": ({"type": "string", "pattern": "^[0-9]{1,12}$"}, "Where these bytes begin; in an answer: where to go on."),
}
"""Headers of tus, and that of phones, by name: schema and meaning."""
_ASKED_ONLY = ("Content-Digest", "Phone-Clock", "Upload-Checksum")
_OUTSIDE_OPERATIONS = (405, 411)
"""Refusals of a request that is no operation of ours."""
LONGEST_SLUG = 60
"""Characters."""

DESCRIPTION = """\
The register of poorly maintained private dwellings in the focus areas of the national programme for liveability and safety (NPLV), and the backend that
inspectors' phones talk to. The interface language is English; the glossary in the repository maps every word to the official Dutch one.

Follows the NLGov REST API Design Rules 2.1. Every refusal is a problem (RFC 9457) that names *all* faults, each with a pointer and a stable code, in the
language of `Accept-Language` (`nl`, the default, or `en`).
"""


class SlugConverter(BaseConverter):
    """A path segment in kebab-case."""

    form = "[a-z0-9]+(?:-[a-z0-9]+)*"
    regex = f"(?![a-z0-9-]{{{LONGEST_SLUG + 1}}}){form}"


class MunicipalityCodeConverter(BaseConverter):
    """A CBS municipality code."""

    regex = "GM[0-9]{4}"


class FaultOut(Schema):
    """One thing that is wrong with one place in the input."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer into the body, or the name of a parameter or header."})
    code = fields.String(required=True, metadata={"description": "Stable code."})
    detail = fields.String(required=True, metadata={"description": "What is wrong, in Dutch or English."})
    row = fields.Integer(metadata={"description": "In a file of rows: the row, as a spreadsheet counts; the header is row 1."})
    column = fields.String(metadata={"description": "In a file of rows: the word in the header; empty for a whole row."})
    cell = fields.String(metadata={"description": "In a file of rows: what a spreadsheet calls the place, as `F417`."})


class Problem(Schema):
    """RFC 9457 problem."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable code."})
    instance = fields.String(required=True, metadata={"description": "The request, for whoever asks us about it."})
    errors = fields.List(fields.Nested(FaultOut), required=True, metadata={"description": "All faults together."})
    current_version = fields.Integer(data_key="currentVersion", metadata={"description": "With a stale version: the one to fetch."})
    in_force = fields.Dict(
        allow_none=True, data_key="inForce", metadata={"description": "With a superseded milestone: what is in force in its place, null when nothing is."}
    )
    offset = fields.Integer(metadata={"description": "With an upload: where to go on, in bytes."})
    conflict_id = fields.UUID(data_key="conflictId", metadata={"description": "With an inspection conflict: what was sent is kept under this id."})
    resolution = fields.String(allow_none=True, metadata={"description": "With an inspection conflict: what was decided, null as long as nothing is."})
    yours = fields.Dict(metadata={"description": "With an inspection conflict: the document that was sent."})
    theirs = fields.Dict(
        allow_none=True, metadata={"description": "With an inspection conflict: the document that the register has; null for who does not see it any more."}
    )
    differences = fields.List(fields.Dict(), metadata={"description": "With an inspection conflict: pointer, yours and theirs of each difference."})


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest without its own error handling: `api.problems` does that."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        pass


def api_for(app: Flask) -> Api:
    """Bind the contract to the application."""
    app.url_map.converters |= {"slug": SlugConverter, "gm": MunicipalityCodeConverter}
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    api = Api(app, spec_kwargs={"title": "Dwelling registry", "version": VERSION, "openapi_version": "3.1.0", "marshmallow_plugin": plugin})
    api.register_converter(SlugConverter, lambda _: {"type": "string", "pattern": f"^{SlugConverter.form}$", "maxLength": LONGEST_SLUG})
    api.register_converter(MunicipalityCodeConverter, lambda _: {"type": "string", "pattern": f"^{MunicipalityCodeConverter.regex}$"})
    converter = plugin.converter
    assert converter is not None
    for describe in (_enum_values, _form, _decimal):
        converter.add_attribute_function(describe)  # type: ignore[no-untyped-call]
    return api


def _schema_name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return str(cls.__name__)


def _form(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    forms = [validator for validator in field.validators if isinstance(validator, Form)]
    return {"pattern": forms[0].regex.pattern} if forms else {}


def _enum_values(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    if isinstance(field, OneOf):
        values: list[object] = [member.value for member in field.enum]
        return {"type": ["string", "null"] if field.allow_none else "string", "enum": [*values, None] if field.allow_none else values}
    return {}


def _decimal(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    """Text, so that no program rounds it; a number is understood too."""
    if not isinstance(field, Decimal):
        return {}
    given = [] if field.places is None else ["number"]
    ends = [validator for validator in field.validators if isinstance(validator, Range)]
    limits = {"minimum": ends[0].min, "maximum": ends[0].max} if ends else {}
    return {"type": ["string", *given, *(["null"] if field.allow_none else [])], "pattern": r"^[0-9]{1,12}(\.[0-9]{1,2})?$", **limits}


def document(api: Api) -> dict[str, Any]:
    """The whole OpenAPI document: what the routes state, and what holds for every operation."""
    spec: dict[str, Any] = deepcopy(api.spec.to_dict())
    spec["info"] |= {
        "description": DESCRIPTION,
        "contact": {
            "name": "Dwelling registry developers",
            "url": "https://dwelling-registry.example/contact",
            "email": "developers@dwelling-registry.example",
        },
        "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
    }
    spec["servers"] = [{"url": f"https://dwelling-registry.example{BASE}", "description": "Replace by the address of your installation"}]
    spec["paths"] = {path.removeprefix(BASE): _path(item) for path, item in spec["paths"].items()}
    spec["components"] = {
        "schemas": {name: schema for name, schema in sorted(spec["components"]["schemas"].items()) if name != "PaginationMetadataSchema"},
        "responses": {f"Problem{status}": _problem(status) for status in sorted(TITLES) if status not in _OUTSIDE_OPERATIONS},
        "headers": {
            **{name: {"description": text, "schema": {"type": "string"}} for name, (_, text) in HEADERS.items() if name not in _ASKED_ONLY},
            "API-Version": {"description": "The version of this API.", "schema": {"type": "string"}},
            "Accept-Ranges": {"description": "`bytes`: a part can be asked for with Range.", "schema": {"type": "string"}},
            "Content-Disposition": {"description": "Whether it is a download, and what its file may be called.", "schema": {"type": "string"}},
            "Content-Range": {"description": "Which part of how much this is.", "schema": {"type": "string"}},
            "ETag": {"description": "The version of the resource; send it as If-Match with a change.", "schema": {"type": "string"}},
            "Link": {"description": "The next page, `rel=next`, when there is one.", "schema": {"type": "string"}},
            "Repr-Digest": {"description": "The SHA-256 of the whole file (RFC 9530), of an original.", "schema": {"type": "string"}},
            "Location": {"description": "Where the new resource is.", "schema": {"type": "string"}},
            "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 0}},
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the register, or an access token of the OpenID provider."},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "A browser; with `X-CSRF-Token` for every change."},
        },
    }
    spec["security"] = [{"bearer": []}, {"session": []}]
    return {part: spec[part] for part in ("openapi", "info", "servers", "security", "tags", "paths", "components")}


def _path(item: dict[str, Any]) -> dict[str, Any]:
    shared = item.pop("parameters", [])
    return {method: _operation(method, operation, shared) for method, operation in item.items()}


def _operation(method: str, operation: dict[str, Any], shared: list[dict[str, Any]]) -> dict[str, Any]:
    features = operation.pop("x-features")
    needs: Right | Who = features["needs"]
    parameters = [*shared, *operation.pop("parameters", []), *_headers(method, features, needs)]
    refusals = _refusals(method, features, has_parameters=bool(parameters), in_path=bool(shared))
    successes = {status: _success(int(status), answer, features) for status, answer in operation["responses"].items() if status in _SUCCESSES}
    if features["tagged"] and method == "get":
        successes["304"] = {"description": "Not Modified", "headers": _refs("API-Version", "ETag")}
    if features["serves"]:
        successes |= _file(successes["200"], features)
    if features["makes"]:
        successes["200"] |= {"headers": _refs("API-Version", "Content-Disposition"), "content": {kind: {} for kind in features["makes"]}}
    if features["streams"]:
        whole = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": method != "post", "content": {str(kind): whole for kind in features["streams"]}}
    operation["responses"] = {**successes, **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(refusals)}}
    processes: Activity | None = features["processes"]
    activity = {"x-processing-activity": processes.value} if processes is not None else {}
    open_to_all: dict[str, Any] = {"security": []} if needs is Who.ANYONE else {}
    return {**operation, **({"parameters": parameters} if parameters else {}), **open_to_all, "x-needs": needs.value, **activity}


def _headers(method: str, features: dict[str, Any], needs: Right | Who) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if needs is not Who.ANYONE:
        text = "The membership for which you act, when you have more than one; `GET /me` names them."
        found.append({"name": "Acting-For", "in": "header", "schema": {"type": "string", "format": "uuid"}, "description": text})
    for name in features["sends"]:
        schema, text = HEADERS[name]
        found.append({"name": name, "in": "header", "required": name == "Tus-Resumable", "schema": schema, "description": text})
    if needs in EXPLAINED:
        text = "Why you look at this: an auditor must say, and it is kept. Percent-encoded UTF-8 when it is not ASCII."
        found.append({"name": "Reason", "in": "header", "schema": {"type": "string", "maxLength": LONGEST_REASON}, "description": text})
    if features["once"]:
        schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
        text = "Made by the client, unique for this request; the same key again gives the same answer."
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema, "description": text})
    if features["versioned"]:
        text = "The ETag of the version that the change is based on; needed when the resource exists and the change is one."
        schema = {"type": "string", "pattern": r'^"[0-9]{1,9}(\.[0-9a-f]{32})?(-gzip)?"$'}
        found.append({"name": "If-Match", "in": "header", "schema": schema, "description": text})
    if features["tagged"] and method == "get":
        found.append({"name": "If-None-Match", "in": "header", "schema": {"type": "string"}, "description": "Answers 304 when the ETag is still this one."})
    if features["serves"]:
        text = "One part of the file, as `bytes=0-99`, `bytes=100-` or `bytes=-100`; several parts at once give the whole."
        found.append({"name": "Range", "in": "header", "schema": {"type": "string"}, "description": text})
        text = "The ETag of what you have already: when the file is another one, the whole of it comes."
        found.append({"name": "If-Range", "in": "header", "schema": {"type": "string"}, "description": text})
    return found


def _file(whole: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    """The answers of an operation that serves a file: all of it or a part."""
    names = ("API-Version", "ETag", "Accept-Ranges", "Content-Disposition", "Repr-Digest")
    all_of_it = {**whole, "headers": _refs(*names), "content": {kind: {} for kind in features["serves"]}}
    return {"200": all_of_it, "206": {**deepcopy(all_of_it), "description": "Partial Content", "headers": _refs(*names, "Content-Range")}}


def _refusals(method: str, features: dict[str, Any], *, has_parameters: bool, in_path: bool) -> set[int]:
    refusals = {401, 403, 406, 429, 500, 503}
    if has_parameters or method != "get":
        refusals.add(400)
    if in_path:
        refusals.add(404)
    if method != "get":
        refusals |= {408, 409, 413, 415}
    if features["serves"]:
        refusals.add(416)
    if features["gone"]:
        refusals |= {409, 410}
    if features["streams"]:
        refusals |= {410, 422}
    if set(features["sends"]) - {"Phone-Clock"}:
        refusals.add(412)
    if "Upload-Checksum" in features["sends"]:
        refusals.add(460)
    if features["versioned"]:
        refusals |= {412, 428}
    if features["once"]:
        refusals.add(422)
    return refusals


def _success(status: int, answer: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    names = ["API-Version"]
    if status == 202:
        return {**answer, "headers": _refs(*names, "Retry-After")}
    if features["tagged"]:
        names.append("ETag")
    if features["paged"]:
        names.append("Link")
    if status == 201:
        names.append("Location")
    names += features["says"]
    return {**answer, "headers": _refs(*names)}


def _refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem(status: int) -> dict[str, Any]:
    headers = {"headers": _refs("Retry-After")} if status in (429, 503) else {}
    return {"description": TITLES[status], **headers, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
