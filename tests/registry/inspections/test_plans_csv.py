"""Reading a file of plans, as spreadsheets write it."""

import time
from datetime import date

import pytest

from registry.inspections.model import Occasion
from registry.inspections.plans_csv import MOST_ROWS, Address, read

HEADER = "postcode;huisnummer;checklist;aanleiding"


def codes(body: str | bytes) -> list[tuple[str, str]]:
    """Where, and what is wrong."""
    rows, faults = read(body if isinstance(body, bytes) else body.encode())
    found = [*(fault for row in rows for fault in row.faults), *faults]
    return [(fault.cell.name if fault.cell else "", fault.code) for fault in found]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_any_usual_encoding_and_line_ending_is_read(encoding: str, ends: str) -> None:
    text = f"Woning-ID;Checklist;Aanleiding;Notitie{ends}5f0c2f0e-7a53-5c0b-9d0a-2f6a6d3f4c11;baseline;Nulmeting;café €{ends}"
    (row,), faults = read(text.encode(encoding))
    assert (row.note, row.occasion, row.faults, faults) == ("café €", Occasion.BASELINE, [], [])


@pytest.mark.parametrize("separator", [";", ","])
def test_either_separator_is_read_and_quotes_protect_it(separator: str) -> None:
    text = separator.join(("bagId", "checklist", "occasion", "note")) + "\n" + separator.join(("0917010000123456", "baseline", "progress", '"a;b,c\nd"'))
    (row,), _ = read(text.encode())
    assert (row.bag_id, row.note) == ("0917010000123456", "a;b,c\nd")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("6411 ab;15", Address("6411AB", 15, None, None)),
        ("6411AB;15a", Address("6411AB", 15, "a", None)),
        ("6411AB;15 A-2", Address("6411AB", 15, "a", "2")),
        ("6411AB;15-hs", Address("6411AB", 15, None, "hs")),
    ],
)
def test_an_address_may_be_written_in_two_cells(written: str, address: Address) -> None:
    (row,), _ = read(f"{HEADER}\n{written};baseline;nulmeting".encode())
    assert row.address == address


def test_a_bag_id_from_which_a_spreadsheet_took_the_first_zeros_is_whole_again() -> None:
    (row,), _ = read(b"bagId;checklist;occasion\n917010000123456;baseline;baseline")
    assert row.bag_id == "0917010000123456"


@pytest.mark.parametrize(("written", "meant"), [("31-12-2026", date(2026, 12, 31)), ("2026-12-31", date(2026, 12, 31)), ("1/2/2026", date(2026, 2, 1))])
def test_a_day_is_written_in_the_dutch_way_or_in_that_of_iso(written: str, meant: date) -> None:
    (row,), _ = read(f"{HEADER};uiterlijk op\n6411AB;1;baseline;nulmeting;{written}".encode())
    assert row.due_on == meant


def test_every_fault_of_every_row_is_said_with_its_cell() -> None:
    text = (
        "postcode;huisnummer;checklist;aanleiding;uiterlijk op;bagId\n"
        "64 11;x;;onzin;31-02-2026;9,17E+14\n"
        ";;baseline;nulmeting;;\n"
        "\n"
        "6411AB;1;baseline;nulmeting;;;te veel\n"
    )
    assert codes(text) == [
        ("A2", "wrong-form"), ("B2", "wrong-form"), ("C2", "required"), ("D2", "not-one-of"), ("E2", "no-such-day"), ("F2", "bag-id-rounded"),
        ("3", "dwelling-not-named"), ("5", "too-many-cells"),
    ]  # fmt: skip


def test_faults_of_the_header_come_alone() -> None:
    assert codes("postcode;postcode;kleur;checklist\nx;x;x;x\n") == [
        ("B1", "column-repeated"),
        ("C1", "column-unknown"),
        ("1", "column-missing"),
        ("1", "column-missing"),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "csv-empty"),
        (b"\n", "csv-empty"),
        (HEADER.encode(), "csv-empty"),
        (HEADER.encode("utf-16"), "csv-empty"),
        (b"\x81\x8d", "csv-encoding"),
        (b"PK\x03\x04\x00\x00", "csv-encoding"),
    ],
)
def test_what_is_no_file_of_rows_is_refused(body: bytes, code: str) -> None:
    assert codes(body) == [("", code)]


def test_a_file_that_breaks_off_says_where() -> None:
    rows = "6411AB;x;baseline;nulmeting\n"
    assert codes(f'{HEADER}\n{rows}6411AB;1;"baseline;nulmeting\n') == [("B2", "wrong-form"), ("3", "csv-malformed")]


def test_a_file_has_a_number_of_rows() -> None:
    body = HEADER + "\n" + "6411AB;1;baseline;nulmeting\n" * (MOST_ROWS + 1)
    assert codes(body) == [("", "csv-too-many-rows")]
    assert codes(body.rsplit("6411AB", 1)[0]) == []


def test_a_cell_full_of_spaces_takes_no_time() -> None:
    began = time.process_time()
    assert codes(f"{HEADER}\n6411AB;1{' ' * 100_000}!;baseline;nulmeting\n") == [("B2", "wrong-form")]
    assert time.process_time() - began < 1
