"""Spreadsheets as a person with a spreadsheet program makes and reads them: one sheet, whose first row is the header."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import openpyxl
import xlsxwriter

from demo.second_phase import Cell, Row

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET = "Mijlpalen"
CREATED = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001
"""Says every workbook, so that the same rows give the same bytes."""


def workbook(headers: Mapping[str, str], rows: Iterable[Row]) -> bytes:
    """``headers`` are what the columns are called in the file, by name, in their order. A date is a date, everything else a text."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED})
        sheet = book.add_worksheet(SHEET)
        day, text = book.add_format({"num_format": "d-m-yyyy"}), book.add_format({"num_format": "@"})
        sheet.write_row(0, 0, headers.values(), book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row.get(name) for name in headers):
                if isinstance(cell, date):
                    sheet.write_datetime(number, place, cell, day)
                elif cell:
                    sheet.write_string(number, place, cell, text)
    return file.getvalue()


def read(file: bytes) -> tuple[list[str], list[list[Cell]]]:
    """The header, and the cells of each row."""
    sheet = openpyxl.load_workbook(io.BytesIO(file), read_only=True).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    return [str(each) for each in header], [[None if cell is None else str(cell) for cell in row] for row in rows]


def by_column(headers: Mapping[str, str], header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[Row]:
    """The rows of a file by the names of their columns; one that the register does not have is called as it is in the file."""
    names = {called: name for name, called in headers.items()}
    return [{names.get(called, called): cell for called, cell in zip(header, row, strict=False)} for row in rows]
