"""A file of inspections to plan, as a spreadsheet writes it: which encoding, which separator, which columns, and what stands in each cell. Pure."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from registry.errors import Cell, Fault, pointer
from registry.inspections.model import Occasion
from registry.values import BAG_ID, POSTCODE, normal_postcode

Value = TypeVar("Value")
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
_SHORT_BAG_ID = re.compile(r"[0-9]{12,15}")
"""A spreadsheet takes it for a number, and drops the zeros before it."""
_NUMBER = re.compile(r"(?P<number>[1-9][0-9]{0,4})\s{0,9}(?P<letter>[A-Za-z])?(?:[\s-]{1,9}(?P<suffix>[0-9A-Za-z]{1,4}))?")
"""Of spaces a number of times at most: without that, a cell full of them takes minutes."""
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})[-/.](?P<month>[0-9]{1,2})[-/.](?P<year>[0-9]{4})")


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


HEADERS = {
    Column.DWELLING_ID: ("dwellingid", "woningid"),
    Column.BAG_ID: ("bagid", "bagidentificatie", "identificatie"),
    Column.POSTCODE: ("postcode", "postalcode"),
    Column.HOUSE_NUMBER: ("huisnummer", "housenumber"),
    Column.HOUSE_LETTER: ("huisletter", "houseletter"),
    Column.HOUSE_NUMBER_SUFFIX: ("toevoeging", "huisnummertoevoeging", "housenumbersuffix", "suffix"),
    Column.CHECKLIST: ("checklist", "checklistkey", "checklistsleutel"),
    Column.OCCASION: ("occasion", "aanleiding"),
    Column.INSPECTOR: ("inspector", "inspecteur"),
    Column.TEAM: ("team",),
    Column.DUE_ON: ("dueon", "uiterlijkop", "uiterlijk"),
    Column.NOTE: ("note", "notitie", "toelichting"),
}
"""Headers in Dutch and English, without capitals, spaces, hyphens and underscores."""
_BY_HEADER = {header: column for column, headers in HEADERS.items() for header in headers}


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
    text = _decode(body)
    if text is None:
        return [], [Fault("", "csv-encoding")]
    records = _records(text)
    header = next(records, None)
    if not header:
        return [], [Fault("", "csv-empty")]
    if isinstance(header, Fault):
        return [], [header]
    columns, faults = _columns(header)
    if faults:
        return [], faults
    return _rows(records, header, columns)


def _decode(body: bytes) -> str | None:
    """UTF-8 with or without its mark, or the Windows encoding of western Europe; None for another one."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _records(text: str) -> Iterator[list[str] | Fault]:
    """Each record; a Fault, and no more, where the file breaks off."""
    first = text[: text.find("\n")] if "\n" in text else text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") >= first.count(",") else ",", strict=True)
    row = 0
    while True:
        row += 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Fault(pointer("rows", row), "csv-malformed", {}, Cell(row, "", str(row)))
            return


def _columns(header: list[str]) -> tuple[dict[int, Column], list[Fault]]:
    """Which column each place of the header is; what has no header is none."""
    columns: dict[int, Column] = {}
    faults = []
    for place, word in enumerate(header):
        column = _BY_HEADER.get(re.sub(r"[\s_-]", "", word).casefold())
        if column is not None and column in columns.values():
            faults.append(_of_header(place, word, "column-repeated", {"column": word}))
        elif column is not None:
            columns[place] = column
        elif word.strip():
            faults.append(_of_header(place, word, "column-unknown", {"column": word, "known": ", ".join(Column)}))
    found = set(columns.values())
    needed = {
        "dwellingId, bagId, postcode + huisnummer": Column.DWELLING_ID in found or Column.BAG_ID in found or {Column.POSTCODE, Column.HOUSE_NUMBER} <= found,
        Column.CHECKLIST: Column.CHECKLIST in found,
        Column.OCCASION: Column.OCCASION in found,
    }
    faults += [Fault(pointer("rows", 1), "column-missing", {"column": str(name)}, Cell(1, "", "1")) for name, there in needed.items() if not there]
    return columns, faults


def _of_header(place: int, word: str, code: str, facts: Mapping[str, object]) -> Fault:
    return Fault(pointer("rows", 1, place + 1), code, facts, Cell(1, word, f"{letters(place)}1"))


def letters(place: int) -> str:
    """What a spreadsheet calls the column at this place, from 0: A to Z, AA and so on."""
    return (letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def _rows(records: Iterator[list[str] | Fault], header: list[str], columns: Mapping[int, Column]) -> tuple[list[Row], list[Fault]]:
    rows: list[Row] = []
    for number, record in enumerate(records, start=2):
        if isinstance(record, Fault):
            return rows, [record]
        if any(text.strip() for text in record):
            rows.append(_row(number, record, header, columns))
        if len(rows) > MOST_ROWS:
            return [], [Fault("", "csv-too-many-rows", {"max": MOST_ROWS})]
    return rows, [] if rows else [Fault("", "csv-empty")]


def _row(number: int, record: list[str], header: list[str], columns: Mapping[int, Column]) -> Row:
    row = Row(number, {column: Cell(number, header[place], f"{letters(place)}{number}") for place, column in columns.items()})
    texts = {column: record[place].strip() for place, column in columns.items() if place < len(record) and record[place].strip()}
    if any(text.strip() for text in record[len(header) :]):
        row.refuse(None, "too-many-cells", {"max": len(header)})
    row.dwelling_id = _value(row, texts, Column.DWELLING_ID, UUID, "not-a-uuid")
    row.bag_id = _value(row, texts, Column.BAG_ID, _bag_id, "wrong-form", {"form": "0917010000123456"})
    row.address = _address(row, texts)
    row.checklist = texts.get(Column.CHECKLIST)
    row.occasion = _value(row, texts, Column.OCCASION, lambda text: OCCASIONS[text.casefold()], "not-one-of", {"allowed": ", ".join(OCCASIONS)})
    row.inspector = texts.get(Column.INSPECTOR, "").lower() or None
    row.team = texts.get(Column.TEAM)
    row.due_on = _value(row, texts, Column.DUE_ON, _date, "not-a-date")
    row.note = texts.get(Column.NOTE)
    if row.note and len(row.note) > LONGEST_NOTE:
        row.refuse(Column.NOTE, "too-long", {"max": LONGEST_NOTE})
    for column in (Column.CHECKLIST, Column.OCCASION):
        if column not in texts:
            row.refuse(column, "required")
    if not texts.keys() & {Column.DWELLING_ID, Column.BAG_ID, Column.POSTCODE, Column.HOUSE_NUMBER}:
        row.refuse(None, "dwelling-not-named")
    return row


def _value(
    row: Row, texts: Mapping[Column, str], column: Column, convert: Callable[[str], Value], code: str, facts: Mapping[str, object] | None = None
) -> Value | None:
    if column not in texts:
        return None
    try:
        return convert(texts[column])
    except (ValueError, KeyError):
        row.refuse(column, code, facts)
        return None


def _bag_id(text: str) -> str:
    """Raises ValueError."""
    bag_id = text.zfill(16) if _SHORT_BAG_ID.fullmatch(text) else text
    if not BAG_ID.fullmatch(bag_id):
        raise ValueError(text)
    return bag_id


def _date(text: str) -> date:
    """2026-03-31 or 31-3-2026. Raises ValueError."""
    found = _DAY_FIRST.fullmatch(text)
    if found:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    return date.fromisoformat(text)


def _address(row: Row, texts: Mapping[Column, str]) -> Address | None:
    """Letter and suffix may stand in columns of their own or behind the number."""
    if not texts.keys() & {Column.POSTCODE, Column.HOUSE_NUMBER}:
        return None
    postcode, number = normal_postcode(texts.get(Column.POSTCODE, "")), _NUMBER.fullmatch(texts.get(Column.HOUSE_NUMBER, ""))
    if not POSTCODE.fullmatch(postcode):
        row.refuse(Column.POSTCODE, "wrong-form" if postcode else "required", {"form": "6411AB"})
    if number is None:
        row.refuse(Column.HOUSE_NUMBER, "wrong-form" if Column.HOUSE_NUMBER in texts else "required", {"form": "15"})
    if number is None or not POSTCODE.fullmatch(postcode):
        return None
    letter, suffix = texts.get(Column.HOUSE_LETTER) or number["letter"], texts.get(Column.HOUSE_NUMBER_SUFFIX) or number["suffix"]
    return Address(postcode, int(number["number"]), letter and letter.lower(), suffix and suffix.lower())
