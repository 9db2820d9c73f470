"""Imports: files of rows for the register. Send one, see what every row would do and all that is wrong with it, and have it applied, or undone."""

from typing import Any
from uuid import UUID, uuid4

from flask import Response, request
from marshmallow import fields
from werkzeug.exceptions import ClientDisconnected

from api import bodies
from api.answers import LONGEST_KEY, decode_cursor, dump_with, json_response, one, page_response
from api.auth import actor
from api.fields import Boolean, Dict, Length, Moment, OneOf, Schema, String
from api.made_files import download
from api.problems import IdempotencyKeyRequired, IdempotencyKeyReused, language
from api.routes import PageQuery, Routes
from api.sheet_files import CSV, XLSX, SheetFormat, made_sheet
from registry import storage
from registry.access import Right
from registry.db import reading, transaction
from registry.errors import Fault, InvalidInput, NotFound
from registry.imports import commands, queries
from registry.imports.commands import ImportSentOtherwise, NewImport, file_key
from registry.imports.explaining import Explainer, problem_text
from registry.imports.model import ImportKind, ImportMode, ImportStatus
from registry.pages import Page
from registry.processing import Activity
from registry.sheets.csv_files import LARGEST_CSV_BYTES
from registry.sheets.headers import How
from registry.spool import Spool
from registry.versioned import Outcome

routes = Routes("imports", "Imports (aanleveringen): files of rows for the register")

ZIP = "application/zip"
TYPES = (CSV, XLSX, ZIP, "application/octet-stream")
RETRY_AFTER_S = 1
LARGEST_ROW, LARGEST_ID = 2**31 - 1, 2**63 - 1


def column_map(**more: Any) -> Dict:
    """Column of the register by header of the file."""
    return Dict(
        keys=String(validate=Length(1, 200)),
        values=String(allow_none=True, validate=Length(1, 60)),
        validate=Length(0, 500),
        metadata={"description": "Column of the register by header of the file; null for a column that is to be left out."},
        **more,
    )


class SendQuery(Schema):
    kind = OneOf(ImportKind, required=True)
    file_name = String(load_default="bestand", validate=Length(1, 200), metadata={"description": "What you call it."})
    sheet = String(
        load_default=None, validate=Length(1, 31), metadata={"description": "Of a workbook; without it the first one whose header is that of this kind."}
    )
    mapping = String(load_default=None, validate=Length(1, 100), metadata={"description": "The name of a saved column mapping of your organisation."})


class ImportsQuery(PageQuery):
    kind = OneOf(ImportKind, load_default=None)
    status = OneOf(ImportStatus, load_default=None)


class ImportFaultsQuery(PageQuery):
    code = String(load_default=None, validate=Length(1, 60))


class ImportRowsQuery(PageQuery):
    outcome = OneOf(Outcome, load_default=None)


class RefusedRowsQuery(Schema):
    format = OneOf(SheetFormat, load_default=SheetFormat.XLSX)


class TrialIn(Schema):
    mapping = column_map(load_default=None, allow_none=True)
    sheet = String(load_default=None, allow_none=True, validate=Length(1, 31))


class ApplicationIn(Schema):
    mode = OneOf(ImportMode, required=True)
    ignore_unknown_columns = Boolean(load_default=False, metadata={"description": "Apply although there are columns that nobody knows; they are left out."})


class UndoIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why it is taken back; it is kept."})


class ProgressOut(Schema):
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)
    percent = fields.Float(required=True, metadata={"description": "0 to 100, of the step that `status` names."})


class ImportSummaryOut(Schema):
    """The four always add up to the rows read."""

    rows_read = fields.Integer(required=True, data_key="rowsRead")
    created = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class FileColumnOut(Schema):
    """What a column of the file was taken for."""

    letter = fields.String(required=True)
    header = fields.String(required=True)
    column = fields.String(required=True, allow_none=True, metadata={"description": "The column of the register."})
    how = OneOf(How, required=True)
    suggestion = fields.String(required=True, allow_none=True, metadata={"description": "What an unknown header looks most like."})


class ImportProblemOut(Schema):
    code = fields.String(required=True)
    detail = fields.String(required=True)


class FaultCountOut(Schema):
    code = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)
    count = fields.Integer(required=True)
    first_row = fields.Integer(required=True, data_key="firstRow")


class ImportOut(Schema):
    id = fields.UUID(required=True)
    kind = OneOf(ImportKind, required=True)
    status = OneOf(ImportStatus, required=True)
    mode = OneOf(ImportMode, required=True, allow_none=True)
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    file_name = fields.String(required=True, data_key="fileName")
    size_bytes = fields.Integer(required=True, data_key="sizeBytes")
    sha256 = fields.String(required=True)
    sheet = fields.String(required=True, allow_none=True)
    progress = fields.Nested(ProgressOut, required=True)
    summary = fields.Nested(ImportSummaryOut, required=True)
    columns = fields.List(fields.Nested(FileColumnOut), required=True)
    problems = fields.List(fields.Nested(ImportProblemOut), required=True, metadata={"description": "What is wrong with the file or the last step as a whole."})
    recorded_at = Moment(required=True, data_key="recordedAt")
    tried_at = Moment(required=True, allow_none=True, data_key="triedAt")
    applied_at = Moment(required=True, allow_none=True, data_key="appliedAt")
    undone_at = Moment(required=True, allow_none=True, data_key="undoneAt")
    undo_reason = fields.String(required=True, allow_none=True, data_key="undoReason")
    forgotten_at = Moment(
        required=True, allow_none=True, data_key="forgottenAt", metadata={"description": "Since when the file and its rows are not kept any more."}
    )


class ImportDetailOut(ImportOut):
    faults = fields.List(fields.Nested(FaultCountOut), required=True, metadata={"description": "How often each thing is wrong."})


class ImportsOut(Schema):
    items = fields.List(fields.Nested(ImportOut), required=True)
    next = fields.String(required=True, allow_none=True)


class BothLanguagesOut(Schema):
    nl = fields.String(required=True)
    en = fields.String(required=True)


class ImportFaultOut(Schema):
    sheet = fields.String(required=True, allow_none=True)
    row = fields.Integer(required=True, metadata={"description": "As a spreadsheet counts."})
    column = fields.String(required=True, allow_none=True, metadata={"description": "The header in the file; null for a whole row."})
    cell = fields.String(required=True, metadata={"description": "As a spreadsheet calls it: F417, or 417 for a whole row."})
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    texts = fields.Nested(BothLanguagesOut, required=True)
    expected = fields.Nested(BothLanguagesOut, required=True, allow_none=True)
    found = fields.String(required=True, allow_none=True)


class ImportFaultsOut(Schema):
    items = fields.List(fields.Nested(ImportFaultOut), required=True)
    next = fields.String(required=True, allow_none=True)


class ImportRowOut(Schema):
    row = fields.Integer(required=True)
    outcome = OneOf(Outcome, required=True)
    subject_id = fields.UUID(required=True, allow_none=True, data_key="subjectId", metadata={"description": "What it is about, or would make."})
    changes = fields.Dict(required=True, allow_none=True, metadata={"description": "Former and new value by field."})


class ImportRowsOut(Schema):
    items = fields.List(fields.Nested(ImportRowOut), required=True)
    next = fields.String(required=True, allow_none=True)


_dump, _dump_detail = dump_with(ImportOut()), dump_with(ImportDetailOut())
_dump_fault, dump_row = dump_with(ImportFaultOut()), dump_with(ImportRowOut())


def _shown(run: Any) -> dict[str, Any]:
    """The members of `ImportOut` from the columns of the table."""
    over = run["status"] in (ImportStatus.TRIED, ImportStatus.APPLIED, ImportStatus.UNDONE)
    total, done = run["total"], run["total"] if over else min(run["done"], run["total"])
    columns = [{"letter": each["letter"], **{name: each.get(name) for name in ("header", "column", "how", "suggestion")}} for each in run["columns"]]
    problems = [{"code": each["code"], "detail": problem_text(each, language())} for each in run["problems"]]
    progress = {"done": done, "total": total, "percent": round(100 * done / total, 1) if total else 0.0}
    return {**run, "sha256": run["sha256"].hex(), "progress": progress, "summary": run, "columns": columns, "problems": problems}


def dump(run: Any) -> dict[str, Any]:
    return _dump(_shown(run))


@routes.on("GET", "/imports", needs=Right.READ_IMPORTS, returns=ImportsOut, query=ImportsQuery)
def list_imports(query: dict[str, Any]) -> Response:
    """The imports of your organisation, the newest first"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **query))


@routes.on(
    "POST",
    "/imports",
    needs=Right.SEND_IMPORTS,
    processes=Activity.IMPORTS_SENT,
    returns=ImportDetailOut,
    status=201,
    query=SendQuery,
    once=True,
    streams=TYPES,
    largest_bytes=LARGEST_CSV_BYTES,
)
def send_import(query: dict[str, Any]) -> Response:
    """Send a file as the body; a dry run follows by itself and changes nothing. Ask for the import until its `status` is `tried`, or `failed`

    CSV (`,`, `;` or tab; UTF-8 with or without its mark, or Windows-1252) or XLSX; a BAG extract is the zip file of Kadaster. `/import-templates` has files to
    fill in. The same Idempotency-Key gives the same import.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= LONGEST_KEY or "\0" in key:
        raise IdempotencyKeyRequired([Fault("Idempotency-Key", "required")])
    mapping = _saved(query)
    spool = _taken_in()
    with spool.file:
        sha256, import_id = spool.sha256.digest(), uuid4()
        new = NewImport(query["kind"], query["file_name"], request.mimetype, spool.ends, sha256, query["sheet"], mapping, key)
        with reading(actor()) as session:
            known = queries.find_sent(session, actor(), key)
        if known is None:
            storage.store_once(file_key(import_id), spool.file, sha256=sha256, size_bytes=spool.ends, content_type=request.mimetype)
    try:
        with transaction(actor()) as session:
            run, outcome = commands.receive(session, actor(), import_id if known is None else known["id"], new)
    except ImportSentOtherwise:
        raise IdempotencyKeyReused() from None
    response = _detail(run.id, status=201)
    response.headers["Location"] = f"/v1/imports/{run.id}"
    if known is not None or outcome is Outcome.UNCHANGED:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _saved(query: dict[str, Any]) -> dict[str, str | None]:
    """Raises InvalidInput."""
    if query["mapping"] is None:
        return {}
    try:
        with reading(actor()) as session:
            kept: Any = queries.mapping(session, actor(), query["kind"], query["mapping"])
    except NotFound:
        raise InvalidInput([Fault("mapping", "no-such-reference", {"what": "column mapping", "id": query["mapping"]})]) from None
    return dict(kept["mapping"])


def _taken_in() -> Spool:
    """The body, on disk. Raises ClientDisconnected when it breaks off: nothing of it is kept."""
    spool = Spool(0)
    for piece in bodies.Incoming().pieces():
        spool.write(piece)
    if spool.ends < (request.content_length or 0):
        spool.file.close()
        raise ClientDisconnected()
    return spool


def _detail(import_id: UUID, *, status: int = 200) -> Response:
    with reading(actor()) as session:
        run = queries.get(session, actor(), import_id)
        summary = queries.faults_summary(session, actor(), import_id)
    return one(_dump_detail, {**_shown(run), "faults": summary}, status=status)


@routes.on("GET", "/imports/<uuid:import_id>", needs=Right.READ_IMPORTS, returns=ImportDetailOut, tagged=True)
def get_import(import_id: UUID) -> Response:
    """One import: how far it is, what it would do or did, what each column was taken for, and how often each thing is wrong"""
    return _detail(import_id)


@routes.on(
    "GET", "/imports/<uuid:import_id>/faults", needs=Right.READ_IMPORTS, processes=Activity.IMPORTS_READ, returns=ImportFaultsOut, query=ImportFaultsQuery
)
def list_import_faults(query: dict[str, Any], import_id: UUID) -> Response:
    """All that is wrong with every row, in the order of the file, each with its cell, what was found there and what was expected"""
    after = decode_cursor(query["cursor"], _place)
    with reading(actor()) as session:
        explainer = Explainer(dict(queries.get(session, actor(), import_id)))
        page = queries.faults(session, actor(), import_id, code=query["code"], after=after, limit=query["limit"])
    return page_response(_dump_fault, Page([explainer.explain(dict(fault), fault["cells"]) for fault in page.items], page.next))


def _place(key: str) -> tuple[int, int]:
    """Raises ValueError."""
    row, _, id = key.partition(".")
    return _row(row), _within(id, LARGEST_ID)


def _row(key: str) -> int:
    """Raises ValueError."""
    return _within(key, LARGEST_ROW)


def _within(key: str, most: int) -> int:
    """Raises ValueError."""
    number = int(key)
    if not 0 <= number <= most:
        raise ValueError(key)
    return number


@routes.on("GET", "/imports/<uuid:import_id>/rows", needs=Right.READ_IMPORTS, processes=Activity.IMPORTS_READ, returns=ImportRowsOut, query=ImportRowsQuery)
def list_import_rows(query: dict[str, Any], import_id: UUID) -> Response:
    """What each row would do or did, in the order of the file"""
    query["after"] = decode_cursor(query.pop("cursor"), _row)
    with reading(actor()) as session:
        return page_response(dump_row, queries.rows(session, actor(), import_id, **query))


@routes.on(
    "GET",
    "/imports/<uuid:import_id>/refused-rows",
    needs=Right.READ_IMPORTS,
    processes=Activity.IMPORTS_READ,
    returns=None,
    query=RefusedRowsQuery,
    makes=(XLSX, CSV),
    watched=True,
    look="refused-rows-read",
)
def get_refused_rows(query: dict[str, Any], import_id: UUID) -> Response:
    """The refused rows alone, as they were sent, with a last column that says what is wrong: mend them and send that file. It is ignored when it comes back"""
    said = language()

    def write(path: Any) -> None:
        with reading(actor()) as session:
            explainer = Explainer(dict(queries.get(session, actor(), import_id)))
            rows = explainer.refused(queries.refused(session, actor(), import_id), said)
            made_sheet(query["format"]).refused(path, explainer.header, rows, said)

    return download(write, name=f"refused-rows-{import_id}.{query['format']}", media_type=made_sheet(query["format"]).media_type)


@routes.on("POST", "/imports/<uuid:import_id>/trial", needs=Right.SEND_IMPORTS, returns=ImportOut, status=202, takes=TrialIn)
def try_import_again(body: dict[str, Any], import_id: UUID) -> Response:
    """Try the same file again: with other columns or another sheet, or because the register has changed since"""
    with transaction(actor()) as session:
        commands.try_again(session, actor(), import_id, **body)
    return _under_way(import_id)


@routes.on(
    "POST",
    "/imports/<uuid:import_id>/application",
    needs=Right.SEND_IMPORTS,
    processes=Activity.IMPORTS_SENT,
    returns=ImportOut,
    status=202,
    takes=ApplicationIn,
)
def apply_import(body: dict[str, Any], import_id: UUID) -> Response:
    """Apply what was tried: every row that is not refused, or all or nothing. Every row is judged once more at that moment"""
    with transaction(actor()) as session:
        commands.ask_to_apply(session, actor(), import_id, **body)
    return _under_way(import_id)


@routes.on("POST", "/imports/<uuid:import_id>/undo", needs=Right.SEND_IMPORTS, processes=Activity.IMPORTS_SENT, returns=ImportOut, status=202, takes=UndoIn)
def undo_import(body: dict[str, Any], import_id: UUID) -> Response:
    """Take back everything that an import wrote, or nothing when something builds on it; that it was there stays in the history"""
    with transaction(actor()) as session:
        commands.ask_to_undo(session, actor(), import_id, reason=body["reason"])
    return _under_way(import_id)


def _under_way(import_id: UUID) -> Response:
    with reading(actor()) as session:
        return json_response(dump(queries.get(session, actor(), import_id)), 202, {"Retry-After": str(RETRY_AFTER_S)})
