"""Files to fill in, and files to mend."""

from pathlib import Path

import openpyxl
import pytest

from registry.messages import Language
from registry.sheets import cells, headers
from registry.sheets.columns import Column
from registry.sheets.headers import How
from registry.sheets.refused import RefusedRow, csv_refused, sentence, xlsx_refused
from registry.sheets.templates import csv_template, xlsx_template
from tests.registry.sheets.awful import COLUMNS
from tests.registry.sheets.reader import checked, faults_in, opened, rows_of

LONG = tuple(f"keuze nummer {number}" for number in range(40))
ALL = (*COLUMNS, Column("kind", ("soort",), cells.choice({word: word for word in LONG}), "Welke.", "Which.", LONG[0], choices=LONG))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_example_of_a_template_is_right_in_each_language(language: Language) -> None:
    file = csv_template(ALL, language)
    (row,) = checked(file, ALL)
    assert (row.faults, row.values.keys()) == ([], {column.name for column in ALL})
    assert opened(file, ALL).header[:3] == (["BAG-id", "postcode", "huisnummer"] if language == "nl" else ["bagId", "postal code", "house number"])


@pytest.mark.parametrize(("language", "explanation"), [("nl", "Toelichting"), ("en", "Explanation")])
def test_a_workbook_to_fill_in_explains_itself(tmp_path: Path, language: Language, explanation: str) -> None:
    path = tmp_path / "template.xlsx"
    xlsx_template(path, ALL, language, sheet="Woningen")
    book = openpyxl.load_workbook(path)
    page, about = book["Woningen"], book[explanation]
    assert page.freeze_panes == "A2"
    assert page.max_row == 1
    formats = {letter: page.column_dimensions[letter].number_format for letter in "AD"}
    assert formats == {"A": "@", "D": "yyyy-mm-dd"}
    assert [cell.value for cell in about[2]][1:3] == (["ja", "Het BAG-id."] if language == "nl" else ["yes", "The BAG id."])
    assert about.max_row == len(ALL) + 1
    lists = {str(rule.sqref): rule.formula1 for rule in page.data_validations.dataValidation}
    assert lists["F2:F1048576"] == '"ja,nee"'
    assert lists["I2:I1048576"] == f"{'Keuzes' if language == 'nl' else 'Choices'}!$A$2:$A$41"
    assert {rule.errorStyle for rule in page.data_validations.dataValidation} == {"warning"}
    assert book.worksheets[-1].sheet_state == "hidden"


def test_a_template_that_is_filled_in_is_read_from_its_first_sheet(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    xlsx_template(path, ALL, "nl", sheet="Woningen")
    book = openpyxl.load_workbook(path)
    book["Woningen"].append([column.example for column in ALL])
    book.save(path)
    sheet = opened(path.read_bytes(), ALL)
    assert (sheet.name, faults_in(checked(path.read_bytes(), ALL))) == ("Woningen", [])


HEADER = ["BAG-id", "Iets", "start op"]
ROWS = [RefusedRow(["0917010000123456", "=1+1", "31-3-26"], ["C2: Verwacht een jaartal.", "2: Dubbel."]), RefusedRow(["x", "", "", "te veel"], ["A5: Nee."])]


@pytest.mark.parametrize(("language", "word"), [("nl", "Fouten"), ("en", "Errors")])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_refused_rows_come_back_as_they_were_with_what_is_wrong_behind_them(tmp_path: Path, language: Language, word: str, kind: str) -> None:
    path = tmp_path / "refused"
    if kind == "csv":
        path.write_bytes(b"".join(csv_refused(HEADER, ROWS, language)))
    else:
        xlsx_refused(path, HEADER, ROWS, language, sheet="Geweigerd")
    sheet = opened(path.read_bytes(), COLUMNS)
    assert sheet.header == [*HEADER, word]
    first, second = sheet.records()
    assert first.cells == ["0917010000123456", "=1+1", "31-3-26", "C2: Verwacht een jaartal.\n2: Dubbel."]
    assert (second.cells, second.refused[None].code) == (["x", "", "", "A5: Nee.", "te veel"], "too-many-cells")
    assert headers.match(sheet.header, COLUMNS)[-1].how is How.LEFT_OUT


def test_the_errors_of_the_last_time_are_replaced() -> None:
    rows = [RefusedRow(["1", "oude fout", "2"], ["A2: nieuw"])]
    file = b"".join(csv_refused(["BAG-id", "Fouten", "Iets"], rows, "nl"))
    assert (opened(file).header, rows_of(file)) == (["BAG-id", "Iets", "Fouten"], [["1", "2", "A2: nieuw"]])


def test_a_sentence_begins_with_its_cell() -> None:
    assert (sentence(5, 417, "Verwacht ja of nee."), sentence(None, 417, "Dubbel.")) == ("F417: Verwacht ja of nee.", "417: Dubbel.")
