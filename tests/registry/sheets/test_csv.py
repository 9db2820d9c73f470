"""CSV as it comes."""

import codecs
import io
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from registry.sheets import csv_files
from registry.sheets.faults import FileRefused
from registry.sheets.reading import FileFormat, open_sheet
from tests.registry.sheets.awful import COLUMNS
from tests.registry.sheets.reader import opened, records_of, refusal, rows_of

TEXT = "BAG-id;opmerking\r\n1;café €\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_any_usual_encoding_and_line_ending_is_read(encoding: str, ends: str) -> None:
    sheet = opened(TEXT.replace("\r\n", ends).encode(encoding))
    assert (sheet.format, sheet.name, sheet.header) == (FileFormat.CSV, None, ["BAG-id", "opmerking"])
    assert [record.cells for record in sheet.records()] == [["1", "café €"]]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_separator_is_the_one_that_gives_known_headers(separator: str) -> None:
    other = ";;;;" if separator == "," else ",,,,"
    file = separator.join(("BAG-id", f'"opmerking{other}"', "postcode")) + "\n" + separator.join(("1", f'"a{other}b\n""c"""', "2"))
    assert rows_of(file.encode(), COLUMNS) == [["1", f'a{other}b\n"c"', "2"]]


def test_without_known_headers_it_is_the_one_that_gives_most_cells() -> None:
    assert rows_of(b"a,b,c;d\n1,2,3;4\n") == [["1", "2", "3;4"]]
    assert rows_of(b"a;b\n1;2\n") == [["1", "2"]]
    assert opened(b"alleen\n1\n").header == ["alleen"]


def test_lines_before_the_header_are_passed_over() -> None:
    """As in the public file of EP-Online."""
    sheet = opened("Exportdatum;20260301;;\nVersie;1;;\nBAG-id;postcode;Iets\n1;2;3\n".encode("utf-8-sig"), COLUMNS)
    assert (sheet.header_row, sheet.header) == (3, ["BAG-id", "postcode", "Iets"])
    assert [(record.row, record.cells) for record in sheet.records()] == [(4, ["1", "2", "3"])]


def test_the_header_is_among_the_first_twenty_rows() -> None:
    before = "".join(f"regel {number};x\n" for number in range(20))
    assert opened(f"{before[: before.index('regel 19')]}BAG-id;postcode\n".encode(), COLUMNS).header_row == 20
    assert opened(f"{before}BAG-id;postcode\n".encode(), COLUMNS).header_row == 1


def test_empty_rows_count_and_empty_columns_at_the_end_do_not() -> None:
    records = records_of(b"\na;b;;\n\n;;;\n1\n2;3;;\n;\n")
    assert [(record.row, record.cells) for record in records] == [(5, ["1", ""]), (6, ["2", "3"])]


def test_a_row_with_too_many_cells_is_refused_with_all_of_them() -> None:
    (first, second) = records_of(b"a;b\n1;2; \n1;2;;4\n")
    assert (first.cells, first.refused) == (["1", "2"], {})
    assert (second.cells, second.refused[None].code, second.refused[None].facts) == (["1", "2", "", "4"], "too-many-cells", {"max": 2})


def test_reading_goes_on_after_any_row() -> None:
    sheet = opened(b"a;b\n" + b"".join(b"%d;x\n" % number for number in range(2, 1000)))
    assert [record.row for record in sheet.records(after=998)] == [999]
    assert [record.row for record in islice(sheet.records(), 2)] == [2, 3]
    assert [record.cells[0] for record in islice(sheet.records(after=500), 2)] == ["501", "502"]


def test_progress_goes_from_nothing_to_one() -> None:
    sheet = opened(b"a;b\n" + b"1;2\n" * 100_000)
    seen = [sheet.progress for number, _ in enumerate(sheet.records()) if number % 10_000 == 0]
    assert seen == sorted(seen)
    assert (seen[0] < 0.1, 0.4 < seen[5] < 0.6, sheet.progress) == (True, True, 1.0)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "csv-empty"),
        (b"\n\r\n ; \n", "csv-empty"),
        (b"a;b\n\x81\x8d\n", "csv-encoding"),
        (b"a;b\n1;\0\n", "csv-encoding"),
        ("a;b\n".encode("utf-16-le"), "csv-encoding"),
        ("a;b\n".encode("utf-32"), "csv-encoding"),
        (codecs.BOM_UTF16_LE + b"a\0;\0b", "csv-encoding"),
        (b"%PDF-1.7\n\x00\x81", "csv-encoding"),
        (b";".join([b"x"] * 501), "too-many-columns"),
    ],
)
def test_what_is_no_file_of_rows_is_refused(file: bytes, code: str) -> None:
    assert refusal(file) == (code, "")


def test_a_byte_that_is_no_utf_8_far_into_the_file_makes_it_windows_1252() -> None:
    assert rows_of(b"a;b\n" + b"1;2\n" * 300_000 + b"caf\xe9;2\n")[-1] == ["café", "2"]


def test_a_quotation_mark_that_is_not_closed_says_where() -> None:
    assert refusal(b'a;b\n1;2\n3;"4\n5;6\n') == ("csv-malformed", "3")
    assert refusal(b'a;b\n1;2\n3;"4"5\n') == ("csv-malformed", "3")
    assert refusal(b'a;b\n1;2\n3;"4\n' + b"5;6\n" * 100_000) == ("csv-too-long", "3")


def test_an_endless_line_or_row_is_refused() -> None:
    assert refusal(b"a;b\n1;" + b"x" * 3_000_000) == ("csv-too-long", "2")
    assert refusal(b"a;b\n1;" + b'"x\n";' * 1_000_000) == ("csv-too-long", "2")


def test_a_file_has_a_size_and_a_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO(b"a\n" + b"1\n" * 11)
    sheet = open_sheet(file, (), most_rows=11)
    assert len(list(sheet.records())) == 11
    with pytest.raises(FileRefused):
        list(open_sheet(file, (), most_rows=10).records())
    monkeypatch.setattr(csv_files, "LARGEST_CSV_BYTES", 10)
    assert refusal(file.getvalue()) == ("file-too-large", "")


def test_a_long_file_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"a;b;c;d\n" + b"0917010000123456;6411AB;15;een opmerking van enige lengte\n" * 100_000)
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            count = sum(1 for _ in open_sheet(file, ()).records())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert most < 3_000_000
    assert path.stat().st_size > 5_000_000
