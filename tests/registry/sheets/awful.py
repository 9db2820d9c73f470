"""Deliberately awful spreadsheets, as CSV and as XLSX: everything that people, spreadsheets and copying from web pages do to a list of dwellings.

`COLUMNS` are what the sheet is about, `ROWS` what stands in it, and `FAULTS` what must be said of it.
`as_csv` and `as_xlsx` make a file of any header and rows.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import xlsxwriter

from registry.sheets import cells
from registry.sheets.columns import Column

LONGEST: Final = "x" * 32_767
NOTHING_WIDE: Final = "\u200b"
NO_BREAK: Final = "\u00a0"
MARK: Final = "\ufeff"
SHEET_XML: Final = "xl/worksheets/sheet1.xml"


@dataclass(frozen=True)
class Formula:
    """With the value that a spreadsheet kept of it; None when a program wrote it that does not calculate."""

    text: str
    value: str | float | None


@dataclass(frozen=True)
class Error:
    """What a formula became: #N/A, #REF!, #DIV/0!"""

    text: str


Cell = str | int | float | bool | date | Formula | Error | None

COLUMNS: Final = (
    Column("bagId", ("BAG-id", "bagId", "verblijfsobject"), cells.bag_id, "Het BAG-id.", "The BAG id.", "0917010000123456", required=True),
    Column("postcode", ("postcode", "postal code"), cells.postcode, "De postcode.", "The postcode.", "6411AB"),
    Column("houseNumber", ("huisnummer", "house number"), cells.house_number, "Het huisnummer.", "The house number.", "15a"),
    Column("startedOn", ("start op", "started on"), cells.day, "De dag waarop het begon.", "The day on which it began.", "2026-03-31"),
    Column("amount", ("bedrag", "amount"), cells.euros(), "In euro's.", "In euros.", "1250,00"),
    Column("agreed", ("akkoord", "agreed"), cells.yes_or_no, "Of de bewoner akkoord is.", "Whether the occupant agrees.", "ja", choices=("ja", "nee")),
    Column(
        "state",
        ("stand", "state"),
        cells.choice({"gestart": "started", "gereed": "completed"}),
        "Hoe ver.",
        "How far.",
        "gestart",
        choices=("gestart", "gereed"),
    ),
    Column("note", ("opmerking", "note"), cells.text(), "Wat u wilt.", "What you like.", "bel eerst"),
)
HEADER: Final = (f"{MARK}BAG id", "POSTCODE ", f"Huis{NOTHING_WIDE}nummer", "Start_op", "Bedrag (€)", "Akkoord", "Stand", "Opmerking")
MAPPING: Final = {"Bedrag (€)": "amount"}
GOOD: Final[Sequence[Cell]] = ("0917010000000001", "6411AB", "15a", "2026-03-31", "1250,00", "ja", "gestart", "goed")
ROWS: Final[Sequence[Sequence[Cell]]] = (
    GOOD,
    (917010000000002, "6411 ab", 15, date(2026, 3, 31), 1250.5, True, "GESTART", "getallen"),
    (1917010000123456, "6411AB", "1", None, None, None, None, "te lang getal"),
    ("9,17E+14", "6411AB", "1", None, None, None, None, "afgerond"),
    (
        f"{MARK}0917010000000005{NO_BREAK}",
        f"6411{NO_BREAK}AB",
        f"15{NOTHING_WIDE} A-2",
        "31-3-2026",
        "€ 1.250,00",
        "J",
        f" gereed{NOTHING_WIDE}",
        f"{MARK}mark",
    ),
    ("0917010000000006", "6411AB", "15-hs", "31/03/2026", "1.250", "NEE", "completed", 'een "citaat"; met, alle\tscheidingstekens'),
    ("0917010000000007", "641", "0", "03/31/2026", "1,250", "misschien", "begonnen", "alles fout"),
    ("0917010000000008", "6411AB", "1", "31-3-26", "veel", "yes", "gereed", "twee\nregels"),
    ("0917010000000009", "6411AB", "1", 46112, "-5", "0", "gereed", "😀 émoji 👩‍👩‍👧 ﷽"),
    ("0917010000000010", "6411AB", "1", "20260331", "1250,-", "waar", "gereed", LONGEST),
    (Error("#N/A"), "6411AB", Error("#REF!"), "2026-02-30", Formula("=1/3", 0.25), False, "gereed", Formula('="a"&"b"', "ab")),
    ("0917010000000012", "6411AB", Formula("=A1", None), None, None, None, None, '=HYPERLINK("http://evil.example")'),
    ("", "", "", "", "", "", "", f" {NO_BREAK}"),
    (None, "6411AB", "1", "31.03.2026", "1250.00", "ja", "gereed", "+31 6 12345678"),
    ("0917010000000013", "6411AB", "1", "2026-03-31", "0", "ja", "gereed", "goed", None, "te veel"),
)
FAULTS: Final = {
    ("A4", "cell-rounded"), ("A5", "bag-id-rounded"), ("B8", "wrong-form"), ("C8", "wrong-form"), ("D8", "date-month-first"), ("E8", "number-ambiguous"),
    ("F8", "not-yes-or-no"), ("G8", "not-one-of"), ("D9", "date-short-year"), ("E9", "not-an-amount"), ("D10", "date-as-number"), ("E10", "too-small"),
    ("A12", "cell-error"), ("C12", "cell-error"), ("D12", "no-such-day"), ("C13", "cell-without-value"), ("A15", "required"), ("16", "too-many-cells"),
}  # fmt: skip
"""Of the workbook, with the header in row 1. CSV has no errors, formulas and rounded numbers of its own: `CSV_FAULTS`."""
CSV_FAULTS: Final = FAULTS - {("A4", "cell-rounded"), ("A12", "cell-error"), ("C12", "cell-error"), ("C13", "cell-without-value")} | {
    ("A12", "wrong-form"), ("C12", "wrong-form")}  # fmt: skip


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, encoding: str = "utf-8-sig", separator: str = ";", before: Sequence[str] = ()) -> bytes:
    """``before`` are lines before the header. What the encoding does not have becomes a question mark."""
    lines = [*before, *(separator.join(_quoted(cell) for cell in row) for row in (header, *rows))]
    return "\r\n".join([*lines, separator * (len(header) - 1), ""]).encode(encoding, "replace")


def as_xlsx(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet: str = "Lijst", before: Sequence[Sequence[Cell]] = ()) -> bytes:
    """With a sheet before it that is about something else, a hidden column and row, merged cells beside the rows, and empty cells with a colour."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page, day, colour = book.add_worksheet(sheet), book.add_format({"num_format": "d mmm yy"}), book.add_format({"bg_color": "red"})
        other = book.add_worksheet("Verborgen")
        other.hide()
        other.write_string(0, 0, "niets")
        for number, row in enumerate((*before, header, *rows)):
            for place, cell in enumerate(row):
                _write(page, number, place, cell, day)
        page.set_column(1, 1, 10, None, {"hidden": True})
        page.set_row(2, None, None, {"hidden": True})
        page.write_blank(60, 0, None, colour)
        page.merge_range(50, 0, 51, 1, "", colour)
    return file.getvalue()


def awful_csv(encoding: str = "utf-8-sig", separator: str = ";") -> bytes:
    return as_csv(HEADER, ROWS, encoding=encoding, separator=separator)


def awful_xlsx() -> bytes:
    return as_xlsx(HEADER, ROWS)


def changed(file: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The archive with one member that is otherwise."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    return zipped({**members, name: change(members.get(name, b""))})


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _quoted(cell: Cell) -> str:
    if isinstance(cell, Formula):
        text = "" if cell.value is None else str(cell.value).replace(".", ",")
    elif isinstance(cell, bool):
        text = "WAAR" if cell else "ONWAAR"
    elif isinstance(cell, date):
        text = f"{cell.day}-{cell.month}-{cell.year}"
    elif isinstance(cell, Error):
        text = cell.text
    else:
        text = "" if cell is None else str(cell).replace(".", ",") if isinstance(cell, float) else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ';,\t"\n\r') else text


def _write(page: xlsxwriter.worksheet.Worksheet, row: int, place: int, cell: Cell, day: xlsxwriter.format.Format) -> None:
    if isinstance(cell, Formula):
        page.write_formula(row, place, cell.text, None, "" if cell.value is None else cell.value)
    elif isinstance(cell, Error):
        page.write_formula(row, place, "=NA()", None, cell.text)
    elif isinstance(cell, bool):
        page.write_boolean(row, place, cell)
    elif isinstance(cell, date):
        page.write_datetime(row, place, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001
    elif isinstance(cell, int | float):
        page.write_number(row, place, cell)
    elif cell:
        page.write_string(row, place, cell)
