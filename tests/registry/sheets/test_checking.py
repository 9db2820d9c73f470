"""Many rows at once."""

import tracemalloc

import pytest

from registry.sheets import cells, checking
from registry.sheets.checking import Checker
from registry.sheets.columns import CellRefused, Column
from registry.sheets.records import Record
from tests.registry.sheets.awful import COLUMNS

BAG_ID, POSTCODE = COLUMNS[0], COLUMNS[1]


def test_values_come_by_the_name_of_their_column_and_faults_by_their_place() -> None:
    checker = Checker([(2, POSTCODE), (0, BAG_ID)])
    good, empty, wrong = checker.check(
        [
            Record(2, [" 0917010000123456\u200b", "anders", "6411 ab"], {}),
            Record(3, ["", "", "\u00a0"], {}),
            Record(7, ["x" * 500, "", "641"], {}),
        ]
    )
    assert (good.values, good.faults) == ({"postcode": "6411AB", "bagId": "0917010000123456"}, [])
    assert (empty.values, [(fault.place, fault.code, fault.facts) for fault in empty.faults]) == ({}, [(0, "required", {})])
    postcode, bag_id = wrong.faults
    assert (postcode.row, postcode.place, postcode.column, postcode.code) == (7, 2, POSTCODE, "wrong-form")
    assert postcode.facts == {"form": "6411AB", "found": "641"}
    assert bag_id.facts["found"] == "x" * checking.LONGEST_FOUND


def test_what_the_reader_refused_goes_before_what_the_text_would_be() -> None:
    checker = Checker([(0, BAG_ID), (1, POSTCODE)])
    refused = {0: CellRefused("cell-rounded"), 2: CellRefused("cell-error"), None: CellRefused("too-many-cells", {"max": 3})}
    (row,) = checker.check([Record(2, ["1917010000123456", "641", "#N/A", "x"], refused)])
    assert [(fault.place, fault.code) for fault in row.faults] == [(1, "wrong-form"), (0, "cell-rounded"), (None, "too-many-cells")]
    assert row.values == {}


def test_each_text_is_converted_once_and_rows_do_not_share_what_they_got() -> None:
    asked: list[str] = []

    def convert(cell: str) -> str:
        asked.append(cell)
        return cell.upper()

    checker = Checker([(0, Column("a", ("a",), convert, "", "", ""))])
    for _ in range(3):
        rows = checker.check([Record(number, ["x" if number % 2 else "y"], {}) for number in range(10)])
    assert asked == ["y", "x"]
    rows[0].values["b"] = 1
    assert rows[2].values == {"a": "Y"}


def test_without_columns_or_rows_there_is_nothing() -> None:
    assert Checker([(0, BAG_ID)]).check([]) == []
    (row,) = Checker([]).check([Record(2, ["x"], {})])
    assert (row.values, row.faults) == ({}, [])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MOST_REMEMBERED", 1000)
    checker = Checker([(0, Column("a", ("a",), cells.text(8), "", "", ""))])
    tracemalloc.start()
    try:
        for part in range(40):
            checker.check([Record(number, [f"{number:09}"], {}) for number in range(part * 500, part * 500 + 500)])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_500_000
