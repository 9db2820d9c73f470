"""What people type when they look for an address. Pure: no session, no clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(
    r"(?P<street>.*?[^\W\d_].*?)[\s,]+(?P<number>[1-9][0-9]{0,4})(?:\s?(?P<letter>[A-Za-z])(?![^\W_]))?"
    r"(?:\s?[-/]\s?(?P<suffix>[0-9A-Za-z]{1,4}))?(?:[\s,]+(?P<town>[^\d]*))?"
)
"""Street, number, letter, suffix, town: as they stand on a letter. The last number that something stands before is the house number."""
_POSTCODE = re.compile(r"\b(?P<postcode>[1-9][0-9]{3}\s?[A-Za-z]{2})\b")
_ONLY_NUMBER = re.compile(r"\s*,?\s*(?P<number>[1-9][0-9]{0,4})\s?(?P<letter>[A-Za-z])?(?:\s?[-/]\s?(?P<suffix>[0-9A-Za-z]{1,4}))?[\s,]*")
LOWEST, HIGHEST = "1000AA", "9999ZZ"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand what was typed."""

    street: str | None = None
    town: str | None = None
    postcode: str | None = None
    house_number: int | None = None
    house_letter: str | None = None
    house_number_suffix: str | None = None


def readings(text: str) -> list[Reading]:
    """What it may mean, the likeliest first: a postcode and a number, a street with a number and a town, a street with digits in its name."""
    found = list(_readings(" ".join(text.split())))
    return list(dict.fromkeys(found))


def _readings(text: str) -> Iterator[Reading]:
    postcode = _POSTCODE.search(text)
    if postcode is not None:
        rest = " ".join((text[: postcode.start()] + text[postcode.end() :]).split())
        numbered = _ONLY_NUMBER.fullmatch(rest) or _NUMBER.fullmatch(rest)
        if numbered is not None or not rest:
            yield Reading(postcode=re.sub(r"\s", "", postcode["postcode"]).upper(), **(_number(numbered) if numbered else {}))
        if numbered is not None:
            text = rest
    said = _NUMBER.fullmatch(text)
    if said is not None:
        yield Reading(street=said["street"], town=_named(said["town"]), **_number(said))
    street, comma, town = text.rpartition(",")
    if comma and street.strip() and _named(town):
        yield Reading(street=street, town=_named(town))
    yield Reading(street=text)


def _named(town: str | None) -> str | None:
    name = (town or "").strip(" ,")
    return name or None


def _number(said: re.Match[str]) -> dict[str, Any]:
    return {"house_number": int(said["number"]), "house_letter": said["letter"], "house_number_suffix": said["suffix"]}


def postcodes_from(beginning: str) -> tuple[str, str]:
    """The first and the last postcode that begin so: '64' is from 6400AA to 6499ZZ."""
    begins = beginning.upper()
    return begins + LOWEST[len(begins) :].replace("1", "0"), begins + HIGHEST[len(begins) :]
