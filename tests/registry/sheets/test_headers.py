"""What each column of a file is taken for."""

import pytest

from registry.sheets import headers
from registry.sheets.headers import FileColumn, How, letters, normal
from tests.registry.sheets.awful import COLUMNS


@pytest.mark.parametrize("word", ["BAG-id", "bag_id", " Bag Id ", "BAG.ID", "bagId", "B\u00e2g\u00a0id", "\ufeffBAG\u200bid", "Verblijfsobject", "BAG-id:"])
def test_a_header_is_known_whatever_its_capitals_accents_and_punctuation(word: str) -> None:
    assert headers.match([word], COLUMNS) == [FileColumn(0, "A", word, "bagId", How.HEADER)]


def test_a_mapping_goes_before_what_the_header_says() -> None:
    found = headers.match(["Object", "postcode", "Wijk", "Prijs"], COLUMNS, {"OBJECT ": "bagId", "Postcode": None, "prijs": "price"})
    assert [(each.column, each.how) for each in found] == [("bagId", How.MAPPING), (None, How.LEFT_OUT), (None, How.UNKNOWN), (None, How.UNKNOWN)]


def test_an_unknown_header_gets_the_likeliest_column_that_is_still_free() -> None:
    found = headers.match(["BAG-idd", "postkode", "huisnummer", "huisnumer", "qwerty"], COLUMNS)
    assert [each.suggestion for each in found] == ["bagId", "postcode", None, None, None]
    (first, *_) = headers.faults(found, COLUMNS, row=1)
    assert (first.code, first.cell and first.cell.name) == ("column-unknown", "A1")
    (second,) = [fault for fault in headers.faults(found, COLUMNS, row=1) if fault.facts["column"] == "postkode"]
    assert str(second.facts["known"]).startswith("postcode, ")


def test_the_errors_of_the_last_time_and_a_column_without_a_header_are_left_out() -> None:
    found = headers.match(["BAG-id", "", "Fouten", "errors"], COLUMNS)
    assert [each.how for each in found] == [How.HEADER, How.LEFT_OUT, How.LEFT_OUT, How.LEFT_OUT]
    assert headers.faults(found, COLUMNS, row=1) == []


def test_columns_that_are_missing_are_said_and_sets_of_them_as_one() -> None:
    found = headers.match(["huisnummer"], COLUMNS)
    faults = headers.missing(found, COLUMNS, [("bagId",), ("postcode", "houseNumber")], row=2)
    assert [(fault.code, fault.facts["column"], fault.cell and fault.cell.name) for fault in faults] == [
        ("column-missing", "BAG-id / postcode + huisnummer", "2"),
        ("column-missing", "BAG-id", "2"),
    ]
    assert headers.missing(headers.match(["BAG-id"], COLUMNS), COLUMNS, [("bagId",)], row=1) == []


def test_a_very_long_header_takes_no_time() -> None:
    (found,) = headers.match(["x" * 100_000], COLUMNS)
    assert found.how is How.UNKNOWN


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    assert [letters(place) for place in (0, 5, 25, 26, 701, 702, 16_383)] == ["A", "F", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_a_header_without_a_letter_is_none() -> None:
    assert [normal(word) for word in ("---", "(€)", "m²")] == ["", "€", "m2"]
