"""The spreadsheet of the second phase of Vrieheide: what is wrong in it, how it is mended, and that nothing in it counts on the valid date."""

from collections import Counter
from datetime import date

import pytest

from demo import second_phase, vrieheide
from demo.second_phase import REPORTED, REPORTED_RIGHT, Row, homes, mended, mistaken_rows, reported_before, rows, rows_meant, slips
from demo.workbooks import by_column, read, workbook
from demo.world import SECOND_PHASE, VALID_ON
from registry.imports.milestone_columns import COLUMNS
from registry.sheets.columns import CellRefused

HEADERS = {column.name: column.headers[0] for column in COLUMNS}
CONVERTED = {column.name: column.convert for column in COLUMNS}


def read_back(sent: list[Row]) -> list[Row]:
    header, cells = read(workbook(HEADERS, sent))
    return by_column(HEADERS, header, cells)


def is_readable(row: Row) -> bool:
    """Whether each cell that is there can be read as what its column is about."""
    try:
        for name, cell in row.items():
            if cell is not None:
                CONVERTED[name](cell.isoformat() if isinstance(cell, date) else cell)
    except CellRefused:
        return False
    return True


def test_the_homes_are_others_than_those_of_the_first_phase() -> None:
    first = [home.dwelling for home in vrieheide.homes()]
    assert len({each.bag_id for each in [*first, *homes()]}) == len(first) + len(homes())
    assert len({(each.postcode, each.house_number) for each in [*first, *homes()]}) == len(first) + len(homes())


def test_the_right_rows_can_be_read_and_say_each_milestone_once() -> None:
    assert all(map(is_readable, rows_meant()))
    assert max(Counter((row["bagId"], row["track"], row["kind"]) for row in rows_meant()).values()) == 1
    assert {row["bagId"] for row in rows_meant()} <= {home.bag_id for home in homes()}


def test_each_slip_is_wrong_in_its_own_way() -> None:
    by_date, by_id, by_track, twice, without_start = (slip.row for slip in slips())
    assert [is_readable(row) for row in (by_date, by_id, by_track, twice, without_start)] == [False, True, False, True, True]
    assert by_id["bagId"] not in {home.bag_id for home in homes()}
    assert rows().count(twice) == 2
    about = [row for row in rows() if row["bagId"] == without_start["bagId"]]
    assert [(row["track"], row["kind"]) for row in about] == [("renovatie", "gereed")]


def test_mending_the_slips_gives_the_rows_that_were_meant() -> None:
    wrong = [slip.row for slip in slips()]
    assert len(mended(wrong)) == len(wrong) - 1
    assert rows_meant() == rows()[: -len(wrong)] + mended(wrong)


def test_a_refused_row_that_nobody_expected_stays_as_it_is() -> None:
    assert mended([rows()[0]]) == [rows()[0]]


def test_nothing_in_the_spreadsheet_counts_as_started_on_the_valid_date_but_the_mistake_would() -> None:
    assert {(row["track"], row["kind"]) for row in rows_meant()} == {("verwerving", "gereed"), ("renovatie", "gepland")}
    assert {row["project"] for row in [*rows(), *mistaken_rows()]} == {SECOND_PHASE}
    begun = {row["effectiveOn"] for row in mistaken_rows()}
    assert all(isinstance(day, date) and day <= VALID_ON for day in begun)


def test_what_was_reported_before_is_partly_right_in_the_spreadsheet() -> None:
    said = {row["bagId"]: row["effectiveOn"] for row in rows() if row["track"] == "verwerving"}
    by_id = {home.id: home.bag_id for home in homes()}
    same = [each.milestones[0].effective_on == said[by_id[each.dwelling_id]] for each in reported_before()]
    assert same == [True] * REPORTED_RIGHT + [False] * (REPORTED - REPORTED_RIGHT)


def test_homes_that_are_transferred_are_in_no_row() -> None:
    named = {row["bagId"] for row in [*rows_meant(), *mistaken_rows()]}
    assert not named & {home.bag_id for home in homes()[-second_phase.TRANSFERRED :]}


def test_the_same_rows_give_the_same_bytes() -> None:
    assert workbook(HEADERS, rows()) == workbook(HEADERS, rows())


def test_a_workbook_reads_back_with_texts_as_they_were() -> None:
    found = read_back(rows())
    assert len(found) == len(rows())
    assert list(found[0]) == list(HEADERS)
    assert [row["bagId"] for row in found] == [row["bagId"] for row in rows()]
    assert found[second_phase.ACQUIRED + second_phase.PLANNED]["effectiveOn"] == "31-2-2025"


@pytest.mark.parametrize("header", ["Fouten", "Opmerking van Jan"])
def test_a_column_of_its_own_is_called_as_in_the_file(header: str) -> None:
    assert by_column({"bagId": "BAG-id"}, ["BAG-id", header], [["9999", "x"]]) == [{"bagId": "9999", header: "x"}]
