"""Workbooks as they come, and files that were made to break the reader."""

import io
import tracemalloc
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from registry.sheets import packed, xlsx_parts
from registry.sheets.faults import FileRefused
from registry.sheets.reading import FileFormat, open_sheet
from registry.sheets.writing import write_xlsx
from tests.registry.sheets import awful
from tests.registry.sheets.awful import COLUMNS, SHEET_XML, as_xlsx, changed, zipped
from tests.registry.sheets.reader import opened, records_of, refusal, rows_of

GOOD = as_xlsx(["BAG-id", "opmerking"], [["1", "x"], ["2", "y"]])
STRINGS, STYLES, BOOK = "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"


def workbook(**sheets: list[list[Any]]) -> bytes:
    """By openpyxl, which writes otherwise than xlsxwriter."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_cell(xml: str) -> bytes:
    """A workbook whose second row has that cell in column A."""
    row = f'<row r="2">{xml}</row></sheetData>'.encode()
    return changed(workbook(A=[["BAG-id"]]), SHEET_XML, lambda content: content.replace(b"</sheetData>", row))


def test_values_become_the_texts_that_a_person_would_type() -> None:
    moment, time = datetime.fromisoformat("2026-03-31T09:30:00"), datetime.fromisoformat("2026-03-31T09:30:00").time()
    row = ["0917", 15, 15.0, 0.1 + 0.2, 1e-7, 1e14, True, False, date(2026, 3, 31), moment, time, None, " x "]
    (found,) = rows_of(workbook(Blad=[[f"k{place}" for place in range(13)], row]))
    assert found == [
        "0917", "15", "15", "0,3", "0,0000001", "100000000000000", "ja", "nee", "2026-03-31", "2026-03-31 09:30:00", "09:30:00", "", " x ",
    ]  # fmt: skip


def test_a_number_that_a_spreadsheet_rounded_is_refused_in_its_cell() -> None:
    (record,) = records_of(workbook(Blad=[["a", "b", "c"], [1917010000123456, 999_999_999_999_999, -1e20]]))
    assert record.cells == ["1917010000123456", "999999999999999", "-100000000000000000000"]
    assert {place: refused.code for place, refused in record.refused.items()} == {0: "cell-rounded", 2: "cell-rounded"}


@pytest.mark.parametrize(
    ("xml", "cell", "code"),
    [
        ('<c r="A2" t="e"><v>#N/A</v></c>', "#N/A", "cell-error"),
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!", "cell-error"),
        ('<c r="A2"><f>1+1</f></c>', "", "cell-without-value"),
        ('<c r="A2"><f>1+1</f><v></v></c>', "", "cell-without-value"),
        ('<c r="A2"><f>1+1</f><v>2</v></c>', "2", None),
        ('<c r="A2" t="str"><f>A1</f><v>uit</v></c>', "uit", None),
        ('<c t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r><rPh sb="0" eb="1"><t>c</t></rPh></is></c>', "a b", None),
        ('<c r="A2" t="d"><v>2026-03-31</v></c>', "2026-03-31", None),
        ('<c r="A2" t="str"><v>a_x000D_b_x005F_x000D_</v></c>', "a\rb_x000D_", None),
        ('<c r="A2"><v>1.5E2</v></c>', "150", None),
        ('<c r="A2"><v>1.1000000000000001</v></c>', "1,1", None),
        ('<c r="A2"><v>INF</v></c>', "INF", "cell-error"),
    ],
)
def test_a_cell_as_spreadsheets_write_it(xml: str, cell: str, code: str | None) -> None:
    (record,) = records_of(with_cell(xml))
    assert record.cells == [cell]
    assert (record.refused[0].code if record.refused else None) == code


@pytest.mark.parametrize(
    "xml",
    [
        '<c r="A2" t="s"><v>99999</v></c>', '<c r="A2" t="s"><v>x</v></c>', '<c r="A2"><v>1,5</v></c>', '<c r="2"><v>1</v></c>', '<c r="AAAA2"><v>1</v></c>',
        '<c r="B2"><v>1</v></c><c r="A2"><v>1</v></c>', '<c r="A2">', '</row><row r="2"><c r="A2"><v>1</v></c>', '</row><row r="x">', "&boom;",
    ],
)  # fmt: skip
def test_a_damaged_cell_says_where_the_file_breaks_off(xml: str) -> None:
    code, where = refusal(with_cell(xml))
    assert (code, where[:1]) in {("xlsx-damaged", "2"), ("xlsx-damaged", "3"), ("xlsx-damaged", "")}


@pytest.mark.parametrize("from_1904", [False, True])
def test_a_date_is_the_same_day_in_both_calendars_of_spreadsheets(from_1904: bool) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "date_1904": from_1904}) as book:
        page = book.add_worksheet()
        page.write(0, 0, "dag")
        for row, form in enumerate(("d-m-yyyy", "[$-413]d mmmm yyyy", "mmm-yy"), start=1):
            page.write_datetime(row, 0, datetime.fromisoformat("2026-03-31"), book.add_format({"num_format": form}))
        page.write_number(4, 0, 46112, book.add_format({"num_format": "#,##0.00 [Red]"}))
        page.write_number(5, 0, -1, book.add_format({"num_format": "d-m-yyyy"}))
    *rows, last = records_of(file.getvalue())
    assert [record.cells for record in rows] == [["2026-03-31"]] * 3 + [["46112"]]
    assert last.refused[0].code == "not-a-date"


def test_a_sheet_is_found_by_its_name_or_by_its_header() -> None:
    file = workbook(Uitleg=[["Lees dit"], ["BAG-id"]], Lijst=[["Titel"], ["BAG-id", "postcode"], ["1", "2"]], Oud=[["BAG-id", "postcode"]])
    sheet = opened(file, COLUMNS)
    assert (sheet.format, sheet.name, sheet.header_row, [record.row for record in sheet.records()]) == (FileFormat.XLSX, "Lijst", 2, [3])
    assert opened(file, COLUMNS, sheet=" uitleg").name == "Uitleg"
    assert refusal(file, COLUMNS, sheet="Blad1") == ("sheet-missing", "")
    assert opened(workbook(A=[], B=[["x"]])).name == "B"


def test_reading_goes_on_after_any_row_and_says_how_far_it_is() -> None:
    sheet = opened(workbook(A=[["a"], *[[number] for number in range(2, 5000)]]))
    assert [record.row for record in sheet.records(after=4998)] == [4999]
    rows = [(record.row, sheet.progress) for record in sheet.records()]
    assert (len(rows), rows[0][1] < 0.5, rows[-1][1]) == (4998, True, 1.0)


def test_cells_beyond_the_header_refuse_the_row_wherever_they_are() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write(0, 0, "BAG-id")
        page.write(1, 1, "daarnaast")
        page.write(1_048_575, 16_383, "uiterste hoek")
    near, far = records_of(file.getvalue())
    assert (near.cells, near.refused[None].code) == (["", "daarnaast"], "too-many-cells")
    assert (far.row, len(far.cells) < 100, far.cells[-1], far.refused[None].code) == (1_048_576, True, "uiterste hoek", "too-many-cells")


@pytest.mark.parametrize(
    ("file", "code", "found"),
    [
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 1000, "file-kind", ".xls"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 2**20 + "EncryptedPackage".encode("utf-16-le"), "xlsx-encrypted", None),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b""}), "file-kind", ".ods"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.bin": b""}), "file-kind", ".xlsb"),
        (zipped({"[Content_Types].xml": b"", "word/document.xml": b""}), "file-kind", ".docx"),
        (zipped({"lijst.csv": b"a;b"}), "file-kind", ".zip"),
        (zipped({"[Content_Types].xml": b""}), "xlsx-damaged", None),
        (GOOD[:2000], "xlsx-damaged", None),
        (b"PK\x03\x04" + b"\0" * 100, "xlsx-damaged", None),
        (workbook(A=[]), "csv-empty", None),
    ],
)
def test_what_is_no_workbook_is_named_as_what_it_is(file: bytes, code: str, found: str | None) -> None:
    with pytest.raises(FileRefused) as refused:
        opened(file)
    (fault,) = refused.value.faults
    assert (fault.code, fault.facts.get("found")) == (code, found)


def test_a_protected_member_is_refused() -> None:
    file = bytearray(GOOD)
    for place in range(len(file) - 4):
        if file[place : place + 4] == b"PK\x01\x02":
            file[place + 8] |= 1
    assert refusal(bytes(file)) == ("xlsx-encrypted", "")


@pytest.mark.parametrize("name", [SHEET_XML, STRINGS, BOOK, "docProps/app.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_wherever_it_stands(name: str, encoding: str) -> None:
    """It could define entities that grow without end, or name a file of the server."""
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    assert refusal(changed(GOOD, name, lambda content: (" " * 2_000_000 + laughs).encode(encoding) + content)) == ("xlsx-damaged", "")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    tracemalloc.start()
    try:
        assert refusal(changed(GOOD, SHEET_XML, lambda content: content + b" " * 50_000_000)) == ("xlsx-too-large", "")
        tracemalloc.reset_peak()
        bomb = changed(GOOD, "xl/media/image1.png", lambda _: b"\0" * 30_000_000)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        assert refusal(bomb) == ("xlsx-too-large", "")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - before < 5_000_000
    assert refusal(zipped({"[Content_Types].xml": b"", **{f"m{number}": b"" for number in range(packed.MOST_MEMBERS)}})) == ("xlsx-too-large", "")


def test_a_member_that_says_to_be_small_is_not_read_further() -> None:
    """The directory of the archive lies about the size."""
    big = changed(GOOD, STRINGS, lambda content: content + b"<!-- " + b"x" * 5_000_000 + b" -->")
    with zipfile.ZipFile(io.BytesIO(big)) as archive:
        size = archive.getinfo(STRINGS).file_size
    assert refusal(big.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))) == ("xlsx-damaged", "")


def test_an_endless_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_parts, "LONGEST_ELEMENT_BYTES", 200_000)
    assert refusal(changed(GOOD, SHEET_XML, lambda content: content.replace(b"</row>", b"<c/>" * 100_000 + b"</row>", 1)))[0] == "xlsx-too-large"


def test_too_many_shared_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_parts, "MOST_SHARED_CHARACTERS", 50)
    assert refusal(as_xlsx(["BAG-id"], [["x" * 60]])) == ("xlsx-too-many-texts", "")
    monkeypatch.setattr(xlsx_parts, "MOST_SHARED_TEXTS", 3)
    assert refusal(as_xlsx(["BAG-id"], [["a"], ["b"], ["c"]])) == ("xlsx-too-many-texts", "")


def test_a_header_that_is_too_wide_is_refused() -> None:
    assert refusal(workbook(A=[[f"k{place}" for place in range(501)]])) == ("too-many-columns", "")


def test_the_number_of_rows_is_bounded() -> None:
    file = io.BytesIO(GOOD)
    assert len(list(open_sheet(file, (), most_rows=2).records())) == 2
    with pytest.raises(FileRefused):
        list(open_sheet(file, (), most_rows=1).records())


@pytest.mark.parametrize("name", [STYLES, STRINGS])
def test_a_workbook_without_styles_or_shared_texts_is_read(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(workbook(A=[[1], [2]]))) as archive:
        members = {each: archive.read(each) for each in archive.namelist() if each != name}
    assert rows_of(zipped(members)) == [["2"]]


def test_the_strict_form_of_the_format_is_read_too() -> None:
    transitional, strict = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    file = GOOD
    for name in (SHEET_XML, STRINGS, STYLES, BOOK):
        file = changed(file, name, lambda content: content.replace(transitional, strict))
    assert rows_of(file) == [["1", "x"], ["2", "y"]]


def test_a_long_workbook_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    write_xlsx(path, [["a", "b"], *[[number, f"tekst {number}"] for number in range(8_000)]], sheet="Lijst")
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            count = sum(1 for _ in open_sheet(file, ()).records())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 8_000
    assert most < 3_000_000


def test_the_awful_workbook_may_have_lines_before_its_header() -> None:
    sheet = opened(as_xlsx(awful.HEADER, awful.ROWS, before=[["Lijst van woningen"], [], ["Versie", 3]]), COLUMNS)
    assert sheet.header_row == 4


@pytest.mark.parametrize("xml", [b"<si>" + b"<t/>" * 100_000 + b"</si>", b"<t/>" * 100_000])
def test_an_endless_shared_text_is_refused(monkeypatch: pytest.MonkeyPatch, xml: bytes) -> None:
    monkeypatch.setattr(xlsx_parts, "LONGEST_ELEMENT_BYTES", 200_000)
    assert refusal(changed(GOOD, STRINGS, lambda content: content.replace(b"</sst>", xml + b"</sst>")))[0] == "xlsx-too-large"


def test_of_what_a_package_says_to_be_little_is_read() -> None:
    said = b"".join(str(number).encode() for number in range(1_200_000))
    file = changed(GOOD, "mimetype", lambda _: said)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert refusal(file) == ("file-kind", "")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - before < 2_000_000
