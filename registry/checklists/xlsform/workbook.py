"""The cells of an XLSForm, out of an .xlsx file that anybody may have made."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

import structlog
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from pyxform.errors import PyXFormError
from pyxform.xls2json_backends import is_empty, xlsx_value_to_str
from pyxform.xls2xform import convert as to_xform

from registry.errors import Fault, RuleViolation
from registry.sheets import packed
from registry.sheets.faults import FileRefused

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE_BYTES: Final = 2_000_000
LIMITS: Final = packed.Limits(LARGEST_FILE_BYTES, unpacked_bytes=10_000_000, members=300)
MOST_ROWS, MOST_COLUMNS = 2_000, 100
"""Of a sheet."""
LONGEST_CELL, MOST_CHARACTERS = 4_000, 1_000_000
"""In one cell, and in all: pyxform takes long over long expressions, and a spreadsheet keeps a text once that stands in many cells."""
LONGEST_REASON: Final = 300
SHEETS = ("survey", "choices", "settings", "external_choices", "entities", "osm")
"""That mean something in an XLSForm."""

log = structlog.get_logger()


class XlsFormUnreadable(RuleViolation):
    """The file is no XLSForm, or more than one should be."""

    code = "xlsform-unreadable"


@dataclass(frozen=True, slots=True)
class Row:
    """``number`` as a spreadsheet counts; ``cells`` are by header, without the empty ones."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    headers: tuple[str, ...]
    rows: tuple[Row, ...]


Workbook = Mapping[str, Sheet]


def read(file: bytes) -> Workbook:
    """The sheets of an XLSForm, by lower-case name. Raises XlsFormUnreadable; also when pyxform does not take it for an XLSForm."""
    _check_zip(file)
    try:
        book = load_workbook(io.BytesIO(file), read_only=True, data_only=True, keep_links=False)
        found = {sheet.title.strip().lower(): _sheet(cast("Worksheet", sheet)) for sheet in book.worksheets}
    except XlsFormUnreadable:
        raise
    except Exception as error:  # openpyxl has no error of its own for a file that was made to break it
        log.info("xlsx-unreadable", error=repr(error))
        raise _unreadable("xlsform-not-xlsx") from error
    lengths = [len(text) for sheet in found.values() for row in sheet.rows for text in row.cells.values()]
    if max(lengths, default=0) > LONGEST_CELL or sum(lengths) > MOST_CHARACTERS:
        raise _unreadable("xlsform-too-large", limit=LONGEST_CELL)
    if "survey" not in found:
        raise _unreadable("xlsform-no-survey")
    _check_form(found)
    return {name: sheet for name, sheet in found.items() if name in SHEETS}


def _unreadable(code: str, **facts: object) -> XlsFormUnreadable:
    return XlsFormUnreadable([Fault("", code, facts)])


def _check_zip(file: bytes) -> None:
    """Before anything is unpacked into memory as cells."""
    try:
        packed.check(io.BytesIO(file), LIMITS)
    except FileRefused as error:
        (fault,) = error.faults
        if fault.code == "xlsx-too-large":
            raise _unreadable("xlsform-too-large", limit=fault.facts["max"]) from error
        raise _unreadable("xlsform-not-xlsx") from error


def _sheet(sheet: Worksheet) -> Sheet:
    rows = sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS + 1, values_only=True)
    texts = [tuple(None if is_empty(cell) else str(xlsx_value_to_str(cell)).strip() for cell in row) for row in rows]
    if any(map(any, texts[MOST_ROWS:])) or any(any(row[MOST_COLUMNS:]) for row in texts):
        raise _unreadable("xlsform-too-large", limit=MOST_ROWS)
    headers = texts[0] if texts else ()
    return Sheet(tuple(header for header in headers if header), tuple(_rows(headers, texts[1:])))


def _rows(headers: tuple[str | None, ...], texts: list[tuple[str | None, ...]]) -> Iterator[Row]:
    for number, row in enumerate(texts, 2):
        cells = {header: text for header, text in zip(headers, row, strict=False) if header and text}
        if cells:
            yield Row(number, cells)


def _check_form(sheets: Workbook) -> None:
    """Whether pyxform, the reference, takes it for an XLSForm. Raises XlsFormUnreadable with its reason."""
    form: dict[str, object] = {"sheet_names": list(sheets), "fallback_form_name": "form"}
    for name in SHEETS:
        if name in sheets:
            form[name] = _with_gaps(sheets[name])
            form[f"{name}_header"] = [dict.fromkeys(sheets[name].headers)]
    try:
        to_xform(form)
    except PyXFormError as error:
        raise _unreadable("xlsform-refused", reason=" ".join(str(error).split())[:LONGEST_REASON]) from error
    except Exception as error:  # a form that pyxform itself stumbles over
        log.info("pyxform-stumbled", error=repr(error))
        raise _unreadable("xlsform-refused", reason=f"pyxform: {type(error).__name__}") from error


def _with_gaps(sheet: Sheet) -> list[dict[str, str]]:
    """With an empty row for each that is, so that the row numbers in pyxform's sentences are those of the file."""
    rows: list[dict[str, str]] = [{} for _ in range(max((row.number for row in sheet.rows), default=1) - 1)]
    for row in sheet.rows:
        rows[row.number - 2] = dict(row.cells)
    return rows
