"""Files that are written, and read back."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.sheets.writing import MOST_EXACT, Value, csv_chunks, neutral, original, write_csv, write_xlsx
from tests.registry.sheets.reader import opened, rows_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
EVIL = st.builds("".join, st.tuples(st.text("' \t\r\n\u00a0", max_size=3), st.sampled_from(["=", "+", "-", "@", "＝", "\t", "\r", ""]), TEXTS))
Write = Callable[[Path, Sequence[Sequence[Value]]], None]


def as_xlsx(path: Path, rows: Sequence[Sequence[Value]]) -> None:
    write_xlsx(path, rows, sheet="Lijst")


@pytest.mark.parametrize("write", [write_csv, as_xlsx])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(TEXTS | EVIL, min_size=3, max_size=3), max_size=4))
def test_any_text_written_and_read_back_is_the_same(tmp_path: Path, write: Write, rows: list[list[str]]) -> None:
    path = tmp_path / "file"
    write(path, [["kop a", "kop b", "kop c", "vol"], *([*row, "x"] for row in rows)])
    assert rows_of(path.read_bytes()) == [[*row, "x"] for row in rows]


@given(TEXTS | EVIL)
def test_no_text_begins_as_a_formula(text: str) -> None:
    assert original(neutral(text)) == text
    assert neutral(text).lstrip()[:1] not in tuple("=+-@＝＋－＠")
    assert neutral(text)[:1] not in tuple("\t\r\n")


@pytest.mark.parametrize("text", ["=1+1", "+31 6", "-", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", '=cmd|" /C calc"!A0', "'=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == "'" + text
    assert next(csv.reader([b"".join(csv_chunks([[text]])).decode("utf-8-sig")], delimiter=";")) == ["'" + text]


@pytest.mark.parametrize("text", ["'s-Gravenhage", "'t Zand", "a=b", "Jan-Piet", "", "1-2", "' x"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "x.xlsx", [["kop"], ["=1+1"], ["'=1+1"], ["-5"]], sheet="Lijst")
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "x.xlsx")["Lijst"].iter_rows()]
    assert [(cell.data_type, cell.value) for cell in cells] == [("s", "kop"), ("s", "=1+1"), ("s", "''=1+1"), ("s", "-5")]
    assert [bool(cell.style and cell.quotePrefix) for cell in cells] == [False, True, True, True]  # type: ignore[union-attr]


def test_csv_is_what_a_dutch_spreadsheet_opens() -> None:
    rows: list[list[Value]] = [["naam", "n"], ["a;b", 1250], ["c", -1.5], [None, Decimal("1250.50")], [True, date(2026, 3, 31)], ["x\0y", MOST_EXACT]]
    assert b"".join(csv_chunks(rows)) == (b"\xef\xbb\xbfnaam;n\r\n" + b'"a;b";1250\r\nc;-1,5\r\n;1250,50\r\nja;2026-03-31\r\nxy;1000000000000000\r\n')


def test_numbers_and_dates_of_a_workbook_are_numbers_and_dates(tmp_path: Path) -> None:
    rows: list[list[Value]] = [["a"] * 7, [1250, -1.5, Decimal("1250.50"), date(2026, 3, 31), True, 10**15, date(1648, 5, 15)]]
    write_xlsx(tmp_path / "x.xlsx", rows, sheet="Lijst: [van] 'woningen' / en meer dan dertig tekens")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    (page,) = book.worksheets
    assert [cell.data_type for cell in page[2]] == ["n", "n", "n", "d", "s", "s", "s"]
    assert page.freeze_panes == "A2"
    assert rows_of((tmp_path / "x.xlsx").read_bytes()) == [["1250", "-1,5", "1250,5", "2026-03-31", "ja", "1000000000000000", "1648-05-15"]]


def test_a_text_that_no_spreadsheet_can_hold_is_cut(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "x.xlsx", [["a"], ["x" * 40_000]], sheet="Lijst")
    assert [len(cell) for (cell,) in rows_of((tmp_path / "x.xlsx").read_bytes())] == [32_767]


def test_csv_comes_in_pieces() -> None:
    pieces = list(csv_chunks([[number, "x" * 50] for number in range(10_000)]))
    assert (len(pieces) > 5, max(map(len, pieces)) < 100_000) == (True, True)
    assert opened(b"".join(pieces)).header == ["0", "x" * 50]
    assert io.BytesIO(b"".join(pieces)).readline() == b"\xef\xbb\xbf0;" + b"x" * 50 + b"\r\n"
