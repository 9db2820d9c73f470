"""What stands in a cell of a workbook, as text: whole numbers without '.0', decimals with a comma, dates as 2026-03-31, true as 'ja'. Pure."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Final

from lxml import etree
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel
from openpyxl.utils.escape import unescape

from registry.sheets.columns import CellRefused
from registry.sheets.xlsx_parts import Workbook, text_of

MOST_DIGITS: Final = 15
"""Of a number in a spreadsheet: further ones it made 0."""
_LAST_DAY: Final = 2_958_465
"""31 December 9999."""


class Unreadable(CellRefused):
    """With the ``text`` that stands for the cell."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.text = text


def text_in(cell: etree._Element, book: Workbook) -> str:
    """Raises Unreadable for a cell without a value to rely on; ValueError and IndexError for a damaged one."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(map(text_of, cell.iterchildren("{*}is")))
    value, formula = None, False
    for part in cell:
        name = part.tag[-2:]  # type: ignore[index]  # without comments, all are text
        if name == "}v":
            value = part.text or ""
        elif name == "}f":
            formula = True
    if formula and (value is None or (value == "" and kind != "str")):
        raise Unreadable("cell-without-value", "")
    return _typed(kind, value, cell, book) if value else ""


def _typed(kind: str, value: str, cell: etree._Element, book: Workbook) -> str:
    if kind == "s":
        return book.texts[int(value)] if int(value) >= 0 else ""
    if kind == "n":
        return _day(value, from_1904=book.from_1904) if cell.get("s") in book.dates else number(value)
    if kind == "b":
        return "ja" if value == "1" else "nee"
    if kind == "e":
        raise Unreadable("cell-error", value)
    return unescape(value) if "_x" in value else value


def number(written: str) -> str:
    """Raises Unreadable for one that is longer than a spreadsheet keeps, ValueError."""
    if len(written) <= MOST_DIGITS and written.isdecimal():
        return written
    value = float(written)
    if not isfinite(value):
        raise Unreadable("cell-error", written)
    if abs(value) >= 10**MOST_DIGITS:
        raise Unreadable("cell-rounded", f"{Decimal(value):f}" if abs(value) < 10**30 else written)
    if value.is_integer():
        return str(int(value))
    return f"{Decimal(f'{value:.{MOST_DIGITS}g}'):f}".replace(".", ",")


@lru_cache(maxsize=10_000)
def _day(written: str, *, from_1904: bool) -> str:
    days = float(written)
    if not 0 <= days <= _LAST_DAY:
        raise Unreadable("not-a-date", written)
    moment = from_excel(days, MAC_EPOCH if from_1904 else WINDOWS_EPOCH)
    if isinstance(moment, datetime):
        moment = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
        return moment.date().isoformat() if moment.time() == time() else moment.isoformat(" ")
    return moment.isoformat() if isinstance(moment, date | time) else str(moment)
