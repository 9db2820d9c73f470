"""What was typed is understood, the likeliest reading first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.dwellings.addresses import Reading, postcodes_from, readings

TYPED = {
    "vrieheidestrat 12 heerlen": Reading("vrieheidestrat", "heerlen", None, 12),
    "Vrieheidestr. 12a-2, Heerlen": Reading("Vrieheidestr.", "Heerlen", None, 12, "a", "2"),
    "  kerkstraat   12 a ": Reading("kerkstraat", None, None, 12, "a"),
    "kerkstraat 12 den haag": Reading("kerkstraat", "den haag", None, 12),
    "kerkstraat 12-2 den haag": Reading("kerkstraat", "den haag", None, 12, None, "2"),
    "1e Kruisstraat 5 Amsterdam": Reading("1e Kruisstraat", "Amsterdam", None, 5),
    "Plein 1940 12": Reading("Plein 1940", None, None, 12),
    "'s-Gravenweg 3b rotterdam": Reading("'s-Gravenweg", "rotterdam", None, 3, "b"),
    "6411 ab 12": Reading(None, None, "6411AB", 12),
    "12 6411AB": Reading(None, None, "6411AB", 12),
    "kerkstraat 12 6411 AB heerlen": Reading(None, None, "6411AB", 12),
    "6411ab": Reading(None, None, "6411AB"),
    "Kerkstraat, Heerlen": Reading("Kerkstraat", "Heerlen"),
    "Kerkstraat": Reading("Kerkstraat"),
}


@pytest.mark.parametrize("text", TYPED)
def test_the_likeliest_reading_comes_first(text: str) -> None:
    assert readings(text)[0] == TYPED[text]


def test_a_number_may_be_part_of_the_name() -> None:
    assert readings("Plein 1940") == [Reading("Plein", None, None, 1940), Reading("Plein 1940")]


@given(st.text(max_size=100))
def test_whatever_is_typed_has_a_reading(text: str) -> None:
    assert readings(text)
    assert all(each.house_number is None or 1 <= each.house_number <= 99999 for each in readings(text))


@pytest.mark.parametrize(
    ("beginning", "first", "last"), [("6", "6000AA", "6999ZZ"), ("64", "6400AA", "6499ZZ"), ("6411a", "6411AA", "6411AZ"), ("6411AB", "6411AB", "6411AB")]
)
def test_the_beginning_of_a_postcode_spans_those_that_begin_so(beginning: str, first: str, last: str) -> None:
    assert postcodes_from(beginning) == (first, last)
