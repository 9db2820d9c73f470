"""A file of inspections to plan, as a spreadsheet writes it: which columns it has, and what stands in each cell. Pure."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.errors import Cell, Fault, pointer
from registry.inspections.model import Occasion
from registry.sheets import cells, headers
from registry.sheets.checking import Checked, Checker
from registry.sheets.columns import Column as FileColumn
from registry.sheets.csv_files import CsvSheet
from registry.sheets.faults import FileRefused

LARGEST_FILE_BYTES = 2 * 1024 * 1024
MOST_ROWS = 5000
LONGEST_NOTE = 2000
"""Characters."""
OCCASIONS = {
    "nulmeting": Occasion.BASELINE,
    "voortgang": Occasion.PROGRESS,
    "voortgangsopname": Occasion.PROGRESS,
    "oplevering": Occasion.COMPLETION,
    "opleveringsopname": Occasion.COMPLETION,
    **{occasion.value: occasion for occasion in Occasion},
}


class Column(StrEnum):
    """What a column is of, by its name in pointers."""

    DWELLING_ID = "dwellingId"
    BAG_ID = "bagId"
    POSTCODE = "postcode"
    HOUSE_NUMBER = "houseNumber"
    HOUSE_LETTER = "houseLetter"
    HOUSE_NUMBER_SUFFIX = "houseNumberSuffix"
    CHECKLIST = "checklist"
    OCCASION = "occasion"
    INSPECTOR = "inspector"
    TEAM = "team"
    DUE_ON = "dueOn"
    NOTE = "note"


COLUMNS = (
    FileColumn(Column.DWELLING_ID, ("woning-id", "dwellingId"), cells.uuid, "Id van de woning.", "Id of the dwelling.", "019b76da-a800-7c4e-8f3d-2b1f6c9d0e5a"),
    FileColumn(Column.BAG_ID, ("BAG-id", "bagId", "BAG-identificatie", "identificatie"), cells.bag_id, "BAG-id.", "BAG id.", "0917010000123456"),
    FileColumn(Column.POSTCODE, ("postcode", "postal code"), cells.postcode, "Postcode.", "Postcode.", "6411AB"),
    FileColumn(Column.HOUSE_NUMBER, ("huisnummer", "house number"), cells.house_number, "Huisnummer.", "House number.", "15"),
    FileColumn(Column.HOUSE_LETTER, ("huisletter", "house letter"), cells.text(), "Huisletter.", "House letter.", "a"),
    FileColumn(
        Column.HOUSE_NUMBER_SUFFIX,
        ("toevoeging", "house number suffix", "huisnummertoevoeging", "suffix"),
        cells.text(),
        "Huisnummertoevoeging.",
        "House number suffix.",
        "2",
    ),
    FileColumn(
        Column.CHECKLIST,
        ("checklist", "checklist key", "checklistsleutel"),
        cells.text(),
        "Sleutel van de checklist.",
        "Key of the checklist.",
        "baseline",
        required=True,
    ),
    FileColumn(Column.OCCASION, ("aanleiding", "occasion"), cells.choice(OCCASIONS), "Aanleiding.", "Occasion.", "nulmeting", required=True),
    FileColumn(Column.INSPECTOR, ("inspecteur", "inspector"), cells.text(), "E-mailadres.", "E-mail address.", "inspecteur@example.nl"),
    FileColumn(Column.TEAM, ("team",), cells.text(), "Naam van het team.", "Name of the team.", "Noord"),
    FileColumn(Column.DUE_ON, ("uiterlijk op", "due on", "uiterlijk"), cells.day, "Uiterste datum.", "Last day.", "2026-12-31"),
    FileColumn(Column.NOTE, ("notitie", "note", "toelichting"), cells.text(LONGEST_NOTE), "Notitie.", "Note.", "bel eerst"),
)
_NAMED_BY = ((Column.DWELLING_ID,), (Column.BAG_ID,), (Column.POSTCODE, Column.HOUSE_NUMBER))


@dataclass(frozen=True, slots=True)
class Address:
    postcode: str
    number: int
    letter: str | None
    suffix: str | None

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.postcode, self.number, self.letter, self.suffix) if part)


@dataclass(slots=True)
class Row:
    """One row that may be planned. ``places`` are its cells by column; a value that is missing or wrong is None, and its fault among those of the file."""

    row: int
    places: Mapping[Column, Cell]
    dwelling_id: UUID | None = None
    bag_id: str | None = None
    address: Address | None = None
    checklist: str | None = None
    occasion: Occasion | None = None
    inspector: str | None = None
    team: str | None = None
    due_on: date | None = None
    note: str | None = None
    faults: list[Fault] = field(default_factory=list)

    def fault(self, column: Column | None, code: str, facts: Mapping[str, object] | None = None) -> Fault:
        """A fault in a cell, or of the whole row."""
        place = self.places.get(column) if column else None
        if place is None:
            return Fault(pointer("rows", self.row), code, facts or {}, Cell(self.row, "", str(self.row)))
        return Fault(pointer("rows", self.row, str(column)), code, facts or {}, place)

    def refuse(self, column: Column | None, code: str, facts: Mapping[str, object] | None = None) -> None:
        self.faults.append(self.fault(column, code, facts))

    @property
    def named_by(self) -> Column | None:
        """The column that says which dwelling it is."""
        if self.dwelling_id is not None:
            return Column.DWELLING_ID
        return Column.BAG_ID if self.bag_id is not None else Column.POSTCODE if self.address is not None else None


def read(body: bytes) -> tuple[list[Row], list[Fault]]:
    """The rows of a file, and what is wrong with the file as a whole: then its rows are not read, or not further than where it breaks off."""
    rows: list[Row] = []
    try:
        sheet = CsvSheet(io.BytesIO(body), frozenset(headers.by_header(COLUMNS)), most_rows=MOST_ROWS)
        found = headers.match(sheet.header, COLUMNS)
        faults = [
            *headers.faults(found, COLUMNS, row=sheet.header_row),
            *headers.missing(found, COLUMNS, _NAMED_BY, row=sheet.header_row),
        ]
        if faults:
            return [], faults
        rows.extend(_rows(sheet, found))  # keeps those before the place where it breaks off
    except FileRefused as refused:
        return rows, list(refused.faults)
    return rows, [] if rows else [Fault("", "csv-empty")]


def _rows(sheet: CsvSheet, found: Sequence[headers.FileColumn]) -> Iterator[Row]:
    by_name = {column.name: column for column in COLUMNS}
    checker = Checker([(each.place, by_name[each.column]) for each in found if each.column])
    for record in sheet.records():
        (checked,) = checker.check([record])
        yield _row(checked, {Column(each.column): Cell(record.row, each.header, f"{each.letter}{record.row}") for each in found if each.column})


def _row(checked: Checked, places: Mapping[Column, Cell]) -> Row:
    values: Any = checked.values
    row = Row(checked.row, places)
    for fault in checked.faults:
        row.refuse(Column(fault.column.name) if fault.column else None, fault.code, fault.facts)
    row.dwelling_id = UUID(values["dwellingId"]) if "dwellingId" in values else None
    row.bag_id, row.checklist, row.team, row.note = (values.get(name) for name in ("bagId", "checklist", "team", "note"))
    row.address = _address(row, values)
    row.occasion = Occasion(values["occasion"]) if "occasion" in values else None
    row.inspector = values.get("inspector", "").lower() or None
    row.due_on = date.fromisoformat(values["dueOn"]) if "dueOn" in values else None
    refused = {fault.column.name for fault in checked.faults if fault.column}
    if not (values.keys() | refused) & {name for names in _NAMED_BY for name in names}:
        row.refuse(None, "dwelling-not-named")
    return row


def _address(row: Row, values: Mapping[str, Any]) -> Address | None:
    """Letter and suffix may stand in columns of their own or behind the number."""
    postcode, number = values.get("postcode"), values.get("houseNumber")
    if postcode is None or number is None:
        for column, other in ((Column.POSTCODE, number), (Column.HOUSE_NUMBER, postcode)):
            if other is not None and column not in values and not any(fault.cell == row.places.get(column) for fault in row.faults):
                row.refuse(column, "required")
        return None
    letter, suffix = values.get("houseLetter") or number.get("letter"), values.get("houseNumberSuffix") or number.get("suffix")
    return Address(postcode, number["number"], letter and letter.lower(), suffix and suffix.lower())
