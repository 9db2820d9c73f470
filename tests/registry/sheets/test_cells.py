"""What a person may write in a cell, and what is said of what can't be understood."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.messages import TEXTS, text
from registry.sheets import cells
from registry.sheets.columns import CellRefused, Convert
from registry.values import EnergyLabel

BAG_ID = "0917010000123456"
CODES = (
    "bag-id-rounded", "cell-error", "cell-rounded", "cell-without-value", "date-as-number", "date-month-first", "date-short-year",
    "no-such-day", "not-a-date", "not-a-number",
    "not-a-uuid", "not-a-whole-number", "not-an-amount", "not-one-of", "not-yes-or-no", "number-ambiguous", "too-big", "too-long",
    "too-many-decimals", "too-small",
    "wrong-form",
)  # fmt: skip


def made(convert: Convert, cell: str) -> object:
    """The value, or the code of why there is none."""
    try:
        return convert(cell)
    except CellRefused as error:
        refused = error
    assert refused.code in CODES
    assert text(refused.code, "nl", {**refused.facts, "found": cell})
    return refused.code


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("15", 15), ("1.250", 1250), ("1 250", 1250), ("1\u00a0250", 1250), ("1'250", 1250), ("1.250.000", 1_250_000), ("15,0", 15), ("-5", -5),
        ("\u22125", -5),
        ("+5", 5), ("0", 0), ("007", 7), ("12,5", "not-a-whole-number"), ("0.125", "not-a-whole-number"), ("1,250", "number-ambiguous"), ("1.25",
        "not-a-whole-number"),
        ("-11", "too-small"), ("2.000.000.000", "too-big"), ("1e5", "not-a-whole-number"), ("vijf", "not-a-whole-number"), ("٣", "not-a-whole-number"),
        ("1" * 61, "not-a-whole-number"), ("--5", "not-a-whole-number"),
    ],
)  # fmt: skip
def test_a_whole_number(cell: str, value: object) -> None:
    assert made(cells.whole_number(-10, 10**9), cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12,5", "12.5"), ("12.5", "12.5"), ("1.250,75", "1250.75"), ("1,250.75", "1250.75"), ("1,250", "1.25"), ("1.250", "number-ambiguous"), (",5", "0.5"),
        ("100", "100"), ("100,00", "100"), ("-0,5", "-0.5"), ("0,0", "0"), ("1.250.000", "1250000"), ("1,2345", "too-many-decimals"), ("-1.000.000",
        "too-small"),
        (".", "not-a-number"), (",", "not-a-number"), ("1..2", "not-a-number"), ("1.25,0.5", "not-a-number"), ("NaN", "not-a-number"), ("Infinity",
        "not-a-number"),
    ],
)  # fmt: skip
def test_a_decimal_has_a_comma_or_a_point(cell: str, value: str) -> None:
    assert made(cells.decimal(Decimal(-1000), places=3), cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("€ 1.250,00", "1250.00"), ("€1250", "1250.00"), ("EUR 12", "12.00"), ("12 euro", "12.00"), ("1.250", "1250.00"), ("1250,5", "1250.50"),
        ("€ 1.250,-", "1250.00"),
        ("1250,--", "1250.00"), ("1250.75", "1250.75"), ("0", "0.00"), ("1,250", "number-ambiguous"), ("-1", "too-small"), ("€", "not-an-amount"),
        ("1,005", "number-ambiguous"), ("1250,005", "too-many-decimals"), ("$ 5", "not-an-amount"), ("5 ton", "not-an-amount"), ("9999999999999", "too-big"),
    ],
)  # fmt: skip
def test_an_amount_in_euros(cell: str, value: str) -> None:
    assert made(cells.euros(), cell) == value


@pytest.mark.parametrize(
    "cell", ["2026-03-31", "20260331", "31-3-2026", "31-03-2026", "31/03/2026", "31.3.2026", "2026-03-31T00:00:00", "2026-03-31 00:00:00", "31-3-2026 0:00"]
)
def test_a_day_is_written_in_many_ways(cell: str) -> None:
    assert made(cells.day, cell) == "2026-03-31"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("31-3-26", "date-short-year"), ("03/31/2026", "date-month-first"), ("46112", "date-as-number"), ("46112,0", "date-as-number"),
        ("2026-02-30", "no-such-day"),
        ("31-2-2026", "no-such-day"), ("31 maart 2026", "not-a-date"), ("2026", "not-a-date"), ("2026-03", "not-a-date"), ("0026-03-31", "not-a-date"),
        ("9999-12-31", "not-a-date"), ("2026-W14-2", "not-a-date"), ("31-3/2026", "not-a-date"), ("2026-03-31T09:30:00", "not-a-date"),
        ("13-13-2026", "no-such-day"),
    ],
)  # fmt: skip
def test_a_day_that_could_be_another_one_is_refused(cell: str, code: str) -> None:
    assert made(cells.day, cell) == code


@pytest.mark.parametrize(
    ("cell", "value"),
    [("ja", True), ("J", True), ("YES", True), ("Waar", True), ("1", True), ("nee", False), ("N", False), ("0", False), ("x", "not-yes-or-no")],
)
def test_yes_or_no(cell: str, value: object) -> None:
    assert made(cells.yes_or_no, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (BAG_ID, BAG_ID), (BAG_ID[1:], BAG_ID), (f"\u200b{BAG_ID}\ufeff", BAG_ID), ("9,17E+14", "bag-id-rounded"), ("9.17010000123456E14", "bag-id-rounded"),
        ("12345", "wrong-form"), (BAG_ID + "0", "wrong-form"), ("NL.IMBAG.0917", "wrong-form"), ("٠" * 16, "wrong-form"),
    ],
)  # fmt: skip
def test_a_bag_id_gets_the_zeros_back_that_a_spreadsheet_took(cell: str, value: str) -> None:
    assert made(cells.bag_id, cell) == value


@pytest.mark.parametrize(("cell", "value"), [("6411 ab", "6411AB"), ("6411\u00a0AB", "6411AB"), ("0411AB", "wrong-form"), ("6411", "wrong-form")])
def test_a_postcode(cell: str, value: str) -> None:
    assert made(cells.postcode, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("15", {"number": 15}), ("15a", {"number": 15, "letter": "a"}), ("15 A-2", {"number": 15, "letter": "A", "suffix": "2"}),
        ("15-hs", {"number": 15, "suffix": "hs"}), ("15 bis", {"number": 15, "suffix": "bis"}), ("15\u2013 2", {"number": 15, "suffix": "2"}),
        ("0", "wrong-form"), ("015", "wrong-form"), ("15/2", "wrong-form"), ("100000", "wrong-form"), ("Dorpsstraat 15", "wrong-form"),
    ],
)  # fmt: skip
def test_a_house_number_may_have_a_letter_and_a_suffix_behind_it(cell: str, value: object) -> None:
    assert made(cells.house_number, cell) == value


def test_a_uuid() -> None:
    assert made(cells.uuid, "{5F0C2F0E-7A53-5C0B-9D0A-2F6A6D3F4C11}") == "5f0c2f0e-7a53-5c0b-9d0a-2f6a6d3f4c11"
    assert made(cells.uuid, "5f0c2f0e") == "not-a-uuid"


def test_a_choice_is_a_dutch_word_or_the_value_itself() -> None:
    convert = cells.choice({"gestart": "started", "koop-woning": "owner-occupied"})
    assert [made(convert, cell) for cell in ("Gestart", "started", "KOOP WONING", "Owner Occupied", "gestärt", "gestopt", "x" * 10_000)] == [
        "started", "started", "owner-occupied", "owner-occupied", "started", "not-one-of", "not-one-of",
    ]  # fmt: skip


def test_each_energy_label_is_another_choice() -> None:
    convert = cells.choice({label.value: label for label in EnergyLabel})
    assert [made(convert, label.value) for label in EnergyLabel] == [label.value for label in EnergyLabel]


def test_text_has_a_length() -> None:
    assert (made(cells.text(3), "abc"), made(cells.text(3), "abcd")) == ("abc", "too-long")


def test_one_of_two_kinds() -> None:
    convert = cells.either(cells.yes_or_no, cells.day)
    assert [made(convert, cell) for cell in ("ja", "31-3-2026", "?")] == [True, "2026-03-31", "not-a-date"]


CONVERTERS: list[Convert] = [
    cells.text(), cells.whole_number(0, 9), cells.decimal(), cells.euros(), cells.day, cells.yes_or_no, cells.uuid, cells.bag_id, cells.postcode,
    cells.house_number,
    cells.choice({"ja": "yes"}),
]  # fmt: skip


@given(st.text(min_size=1, max_size=70) | st.text("0123456789.,-+' €/:TeE\u00a0\u200b", min_size=1, max_size=70))
def test_no_text_breaks_a_converter(cell: str) -> None:
    for convert in CONVERTERS:
        made(convert, cell)


@given(st.decimals(-(10**9), 10**9, places=2))
def test_an_amount_as_a_dutch_spreadsheet_writes_it_is_that_amount(amount: Decimal) -> None:
    dutch = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    assert Decimal(str(made(cells.euros(Decimal(-(10**9)), Decimal(10**9)), f"€ {dutch}"))) == amount
    assert Decimal(str(made(cells.decimal(), dutch))) == amount


def test_an_endless_cell_takes_no_time() -> None:
    began = time.process_time()
    for piece in ("1", " ", ".1", "1 ", "1.", "a-", "'1", "-"):
        for convert in CONVERTERS:
            made(convert, "1" + piece * 100_000 + "!")
    assert time.process_time() - began < 2


@pytest.mark.parametrize("code", CODES)
def test_each_refusal_has_a_sentence_in_both_languages(code: str) -> None:
    assert TEXTS[code].nl != TEXTS[code].en
