"""Files of rows for people with a spreadsheet: CSV and XLSX, written row by row. Nothing in them is run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.sheets.neutral import neutral, original

__all__ = ["Book", "Value", "csv_chunks", "neutral", "original", "write_csv", "write_xlsx"]

Value = str | int | float | Decimal | bool | date | None
"""What a cell may be. Numbers stay numbers, in CSV with a decimal comma; a date is one in XLSX, and 2026-03-31 in CSV; True is 'ja'."""
LONGEST_CELL: Final = 32_767
"""Characters."""
MOST_EXACT: Final = 10**15
"""A whole number from here on is written as text: a spreadsheet would round it."""
MARK: Final = "\ufeff"
"""By which a spreadsheet knows UTF-8."""
_CHUNK: Final = 1 << 16
_EARLIEST: Final = date(1900, 3, 1)
"""Spreadsheets do not agree on the days before."""
_NOT_IN_A_NAME: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f']")


def csv_chunks(rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """CSV in UTF-8 with its mark, with `;`, in pieces of some tens of kilobytes; also for an answer that is streamed."""
    file = io.StringIO(newline="")
    file.write(MARK)
    lines = csv.writer(file, delimiter=";", lineterminator="\r\n")
    for row in rows:
        lines.writerow([_in_csv(value) for value in row])
        if file.tell() >= _CHUNK:
            yield _taken(file)
    yield _taken(file)


def write_csv(path: Path, rows: Iterable[Sequence[Value]]) -> None:
    """As `csv_chunks`, to a file."""
    with path.open("wb") as file:
        file.writelines(csv_chunks(rows))


def write_xlsx(path: Path, rows: Iterable[Sequence[Value]], *, sheet: str) -> None:
    """One sheet, whose first row is the header. A text of more than 32,767 characters is cut there: no spreadsheet can hold it."""
    with Book.to(path) as book:
        book.add(sheet, rows)


class Book:
    """A workbook that is being written, row by row: what is written is on disk, not in memory."""

    def __init__(self, path: Path) -> None:
        self.file = xlsxwriter.Workbook(str(path), {"constant_memory": True})
        self.bold = self.file.add_format({"bold": True, "text_wrap": True, "valign": "top", "num_format": "@"})
        self.text = self.file.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self.day = self.file.add_format({"num_format": "yyyy-mm-dd"})
        self._quoted = self.file.add_format({"quote_prefix": True})

    @staticmethod
    @contextmanager
    def to(path: Path) -> Iterator["Book"]:
        """Closed when it ends well; otherwise nothing of use is there."""
        book = Book(path)
        yield book
        book.file.close()

    def add(self, name: str, rows: Iterable[Sequence[Value]], *, widths: Sequence[int] = ()) -> Worksheet:
        """A sheet whose first row is the header, which stays in sight. ``widths`` of columns in characters."""
        sheet = self.file.add_worksheet(_NOT_IN_A_NAME.sub(" ", name)[:31])
        sheet.freeze_panes(1, 0)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        number = -1
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                self._write(sheet, number, place, value, self.bold if number == 0 else None)
        return sheet

    def _write(self, sheet: Worksheet, row: int, place: int, value: Value, style: Format | None) -> None:
        if isinstance(value, date) and not isinstance(value, datetime) and value >= _EARLIEST:
            sheet.write_datetime(row, place, datetime(value.year, value.month, value.day), style or self.day)  # noqa: DTZ001
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and _exact(value):
            sheet.write_number(row, place, value, style)
        elif (text := _in_xlsx(value)) != "":
            sheet.write_string(row, place, text, style or (self._quoted if neutral(text) != text else None))


def _exact(value: int | float | Decimal) -> bool:
    return -MOST_EXACT < value < MOST_EXACT


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else format(Decimal(str(value)), "f").replace(".", ",")


def _in_csv(value: Value) -> str:
    """Without NUL, which no file of text may have."""
    text = _text(value)
    return neutral(text.replace("\0", "")) if isinstance(value, str) else text


def _in_xlsx(value: Value) -> str:
    """A text cell is not run as it is. With an apostrophe before it only when there is one already, so that `original` can't take that off."""
    text = _text(value).replace("\0", "")
    return (neutral(text) if text[:1] == "'" else text)[:LONGEST_CELL]


def _taken(file: io.StringIO) -> bytes:
    piece = file.getvalue().encode("utf-8", "replace")
    file.seek(0)
    file.truncate()
    return piece
