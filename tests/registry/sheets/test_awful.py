"""The awful spreadsheet: all that is wrong is said, and nothing else."""

import pytest

from registry.sheets import headers
from registry.sheets.headers import How
from tests.registry.sheets import awful
from tests.registry.sheets.reader import checked, faults_in, opened


def test_every_fault_of_the_awful_workbook_is_said_and_no_other() -> None:
    found = faults_in(checked(awful.awful_xlsx(), awful.COLUMNS, awful.MAPPING))
    assert len(found) == len(set(found))
    assert set(found) == awful.FAULTS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_every_fault_of_the_awful_csv_is_said_and_no_other(encoding: str, separator: str) -> None:
    file = awful.awful_csv(encoding, separator)
    if encoding == "utf-16-le":
        file = b"\xff\xfe" + file
    found = faults_in(checked(file, awful.COLUMNS, awful.MAPPING))
    without_width = {("A6", "wrong-form"), ("C6", "wrong-form")} if encoding == "cp1252" else set()  # there it became a question mark
    assert set(found) == awful.CSV_FAULTS | without_width


def test_what_can_be_understood_of_it_is() -> None:
    rows = {row.row: row.values for row in checked(awful.awful_xlsx(), awful.COLUMNS, awful.MAPPING)}
    assert rows[3] == {
        "bagId": "0917010000000002", "postcode": "6411AB", "houseNumber": {"number": 15}, "startedOn": "2026-03-31", "amount": "1250.50", "agreed": True,
        "state": "started", "note": "getallen",
    }  # fmt: skip
    assert rows[6] == {
        "bagId": "0917010000000005", "postcode": "6411AB", "houseNumber": {"number": 15, "letter": "A", "suffix": "2"}, "startedOn": "2026-03-31",
        "amount": "1250.00", "agreed": True, "state": "completed", "note": "mark",
    }  # fmt: skip
    assert rows[7]["note"] == 'een "citaat"; met, alle\tscheidingstekens'
    assert (rows[9]["note"], rows[10]["note"], rows[11]["note"]) == ("twee\nregels", "😀 émoji 👩‍👩‍👧 ﷽", awful.LONGEST)
    assert (rows[12]["amount"], rows[12]["note"]) == ("0.25", "ab")
    assert rows[13]["note"] == '=HYPERLINK("http://evil.example")'
    assert 14 not in rows  # it has spaces only


def test_a_merged_cell_a_hidden_column_and_a_coloured_one_change_nothing() -> None:
    sheet = opened(awful.awful_xlsx(), awful.COLUMNS)
    assert (sheet.name, sheet.header_row, len(sheet.header)) == ("Lijst", 1, 8)
    assert [record.row for record in sheet.records()] == [*range(2, 14), 15, 16]


def test_a_header_that_occurs_twice_is_said_once_for_each_time_too_many() -> None:
    found = headers.match(["BAG id", "bag_id", "Postcode", "BAG-ID"], awful.COLUMNS)
    assert [(fault.cell.name if fault.cell else "", fault.code) for fault in headers.faults(found, awful.COLUMNS, row=3)] == [
        ("B3", "column-repeated"),
        ("D3", "column-repeated"),
    ]
    assert {each.how for each in found} == {How.HEADER}
