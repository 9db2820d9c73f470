"""A sheet of a workbook (.xlsx), read row by row. Hidden rows, columns and sheets are read too; a merged cell counts where it begins."""

import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from lxml import etree
from openpyxl.utils import column_index_from_string

from registry.sheets import packed, xlsx_parts
from registry.sheets.columns import CellRefused
from registry.sheets.faults import broken_off, refused
from registry.sheets.headers import normal
from registry.sheets.neutral import original
from registry.sheets.records import MOST_COLUMNS, MOST_ROWS, NO_REFUSED, FileFormat, Header, Record, find_header, too_wide, trimmed
from registry.sheets.xlsx_cells import Unreadable, text_in
from registry.sheets.xlsx_parts import SheetPart, Watched, Workbook

MOST_SHEETS: Final = 50
"""Of a workbook, in which the header is looked for."""
WIDEST: Final = 16_384
"""Columns that a spreadsheet has."""
MOST_BEYOND: Final = 50
"""Places beyond the header whose text is kept, to show it: the row is refused. What is further away comes in the last of them."""
DAMAGED: Final = (*packed.UNREADABLE, etree.LxmlError, SyntaxError, KeyError, IndexError, OverflowError)
_ROWS_TO_LOOK_AT: Final = 200
"""For the header: empty ones with a colour count here."""


class XlsxSheet:
    """Raises FileRefused."""

    format = FileFormat.XLSX

    def __init__(
        self, file: BinaryIO, known: frozenset[str], *, sheet: str | None = None, most_rows: int = MOST_ROWS, limits: packed.Limits = packed.LIMITS
    ) -> None:
        packed.check(file, limits)
        self._most_rows, self._row, self._read = most_rows, 0, 0
        try:
            self._archive = zipfile.ZipFile(file)
            self._book = xlsx_parts.read(self._archive)
            self._part, header = self._choose(known, sheet)
            self._size = self._archive.getinfo(self._part.path).file_size
        except DAMAGED as error:
            raise refused("xlsx-damaged") from error
        if len(header.cells) > MOST_COLUMNS:
            raise refused("too-many-columns", max=MOST_COLUMNS)
        self.name: str | None = self._part.name
        self.header_row, self.header = header.row, header.cells

    @property
    def progress(self) -> float:
        """How much of the sheet the records so far were, from 0 to 1."""
        return min(1.0, self._read / (self._size or 1))

    def records(self, *, after: int = 0) -> Iterator[Record]:
        """As `records.Sheet`."""
        self._row = self.header_row
        try:
            yield from self._below(after)
        except DAMAGED as error:
            raise broken_off(self._row + 1, "xlsx-damaged") from error

    def _below(self, after: int) -> Iterator[Record]:
        width, count = len(self.header), 0
        for row, element in self._rows(self._part):
            if row <= self.header_row:
                continue
            record = Record(row, [], NO_REFUSED) if row <= after else _record(row, element, self._book, width)
            self._row = row
            if row <= after:
                count += any(part.text for part in element.iter("{*}v", "{*}t"))
            elif record.refused or any(map(str.strip, record.cells)):
                count += 1
                if count > self._most_rows:
                    raise refused("csv-too-many-rows", max=self._most_rows)
                yield record

    def _choose(self, known: frozenset[str], name: str | None) -> tuple[SheetPart, Header]:
        """The sheet by its name, or else the first of those with most known headers."""
        sheets = self._book.sheets[:MOST_SHEETS]
        if name is not None:
            sheets = [part for part in self._book.sheets if normal(part.name) == normal(name)][:1]
            if not sheets:
                raise refused("sheet-missing", sheet=name, known=", ".join(part.name for part in self._book.sheets[:MOST_SHEETS]))
        found = [(part, header) for part in sheets if (header := find_header(self._first_rows(part), known))]
        if not found:
            raise refused("csv-empty")
        return max(found, key=lambda each: each[1].score)

    def _first_rows(self, part: SheetPart) -> Iterator[tuple[int, list[str]]]:
        for row, element in islice(self._rows(part), _ROWS_TO_LOOK_AT):
            yield row, _record(row, element, self._book, 0).cells

    def _rows(self, part: SheetPart) -> Iterator[tuple[int, etree._Element]]:
        """Each row that is there, with its number. Raises what `DAMAGED` has, FileRefused."""
        last = 0
        with self._archive.open(part.path) as content:
            watched = Watched(content)
            for element in xlsx_parts.elements(watched, "{*}row", "{*}sheetData"):
                if xlsx_parts.is_named(element, "sheetData"):
                    return
                row = int(element.get("r") or last + 1)
                if row <= last:
                    raise ValueError("the numbers of rows go up")
                last = row
                yield row, element
                xlsx_parts.forget(element)
                self._read = watched.whole()


def _record(row: int, element: etree._Element, book: Workbook, width: int) -> Record:
    cells, wrong, place, last = [""] * width, {}, -1, (width or WIDEST) + MOST_BEYOND
    for cell in element:
        place = _place(cell.get("r"), place)
        try:
            text = text_in(cell, book)
        except Unreadable as refusal:
            text, wrong[place] = refusal.text, refusal
        if text:
            if place >= len(cells):
                cells.extend([""] * (min(place, last) + 1 - len(cells)))
            cells[min(place, last)] = original(text) if text[0] == "'" else text
    cells = trimmed(cells, width)
    refusals: dict[int | None, CellRefused] = {place: refusal for place, refusal in wrong.items() if place < width}
    if len(cells) > width:
        refusals[None] = too_wide(width)
    return Record(row, cells, refusals or NO_REFUSED)


def _place(name: str | None, before: int) -> int:
    """Of a cell, counted from 0. Raises ValueError."""
    if name is None:
        place = before + 1
    else:
        letters = name.rstrip("0123456789")
        place = _PLACES[letters] if letters in _PLACES else _PLACES.setdefault(letters, column_index_from_string(letters) - 1)
    if not before < place < WIDEST:
        raise ValueError("the columns of a row go up")
    return place


_PLACES: Final[dict[str, int]] = {}
"""By the letters of a column; a spreadsheet has 16,384 of them, and openpyxl refuses others."""
