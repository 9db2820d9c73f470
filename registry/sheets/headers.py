"""What each column of a file is: by its header, or by what the sender says about it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from registry.errors import Cell, Fault, pointer
from registry.sheets.columns import Column

ERRORS_HEADERS: Final = ("Fouten", "Errors")
"""The last column of a file with refused rows (`refused.py`): left out when the file is sent again."""
_NOT_IN_A_WORD: Final = re.compile(r"[\s\-_./\\()\[\]:;,'\"#*?!\u00ad\u200b-\u200f\u2060\ufeff]+")
_CLOSE_ENOUGH: Final = 0.72
"""For difflib, which gives 1 to the same word."""


class How(StrEnum):
    """Why a column of the file was taken for what it is."""

    HEADER = "header"
    MAPPING = "mapping"
    LEFT_OUT = "left-out"
    """On purpose: the sender says so, it has no header, or it holds the errors of the last time."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One column of the file. ``place`` counts from 0, ``letter`` is what a spreadsheet calls it; ``column`` is `Column.name`.

    ``suggestion`` is the name of the column that an unknown header looks most like, if any and if no other column of the file is that one.
    """

    place: int
    letter: str
    header: str
    column: str | None
    how: How
    suggestion: str | None = None


def match(header: Sequence[str], columns: Sequence[Column], mapping: Mapping[str, str | None] | None = None) -> list[FileColumn]:
    """One for each column of the file, in its order.

    ``mapping`` is the name of a column by header, None for one that is left out, and goes before what the header says. Its headers are compared as
    `Column.headers` are; a name that no column has counts as unknown.
    """
    given, known, names = {normal(word): name for word, name in (mapping or {}).items()}, by_header(columns), {column.name for column in columns}
    found = [_found(place, word, given, known, names) for place, word in enumerate(header)]
    taken = {each.column for each in found}
    open_ = {word: name for word, name in known.items() if name not in taken}
    return [_with_suggestion(each, open_) if each.how is How.UNKNOWN else each for each in found]


def faults(found: Sequence[FileColumn], columns: Sequence[Column], *, row: int) -> list[Fault]:
    """Columns that are unknown or occur more than once, each with its cell in the header, which is row ``row``. The likely one is the first that it names."""
    seen: set[str] = set()
    result = []
    for each in found:
        if each.how is How.UNKNOWN:
            likely_first = sorted(columns, key=lambda column, likely=each.suggestion: column.name != likely)  # type: ignore[misc]
            known = ", ".join(column.headers[0] for column in likely_first)
            result.append(_fault(each, row, "column-unknown", {"column": each.header, "known": known}))
        elif each.column in seen:
            result.append(_fault(each, row, "column-repeated", {"column": each.header}))
        elif each.column:
            seen.add(each.column)
    return result


def missing(found: Sequence[FileColumn], columns: Sequence[Column], named_by: Sequence[Sequence[str]] = (), *, row: int) -> list[Fault]:
    """Required columns that the file has not; and, when it has no whole set of ``named_by``, one fault that says which there are."""
    there = {each.column for each in found}
    headers = {column.name: column.headers[0] for column in columns}
    absent = [column.headers[0] for column in columns if column.required and column.name not in there]
    if named_by and not any(there.issuperset(names) for names in named_by):
        absent.insert(0, " / ".join(" + ".join(headers.get(name, name) for name in names) for names in named_by))
    return [Fault(pointer("rows", row), "column-missing", {"column": name}, Cell(row, "", str(row))) for name in absent]


def by_header(columns: Sequence[Column]) -> dict[str, str]:
    """The name of a column by each of its headers, and by its name itself, in their normal form."""
    return {normal(word): column.name for column in columns for word in (*column.headers, column.name)}


def normal(header: str) -> str:
    """Without capitals, accents, spaces, hyphens, underscores, dots and other punctuation: 'Woning-ID' as 'woningid'."""
    letters_ = unicodedata.normalize("NFKD", _NOT_IN_A_WORD.sub("", header)).casefold()
    return "".join(letter for letter in letters_ if not unicodedata.combining(letter))


def letters(place: int) -> str:
    """What a spreadsheet calls the column at this place, from 0: A to Z, AA and so on."""
    return (letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def _found(place: int, word: str, given: Mapping[str, str | None], known: Mapping[str, str], names: set[str]) -> FileColumn:
    key = normal(word)
    if key in given:
        name = given[key]
        how = How.LEFT_OUT if name is None else How.MAPPING if name in names else How.UNKNOWN
        return FileColumn(place, letters(place), word, name if how is How.MAPPING else None, how)
    if key in known:
        return FileColumn(place, letters(place), word, known[key], How.HEADER)
    return FileColumn(place, letters(place), word, None, How.LEFT_OUT if not key or key in _ERRORS else How.UNKNOWN)


def _with_suggestion(found: FileColumn, known: Mapping[str, str]) -> FileColumn:
    close = get_close_matches(normal(found.header)[:100], known, 1, _CLOSE_ENOUGH)
    return FileColumn(found.place, found.letter, found.header, None, How.UNKNOWN, known[close[0]] if close else None)


def _fault(found: FileColumn, row: int, code: str, facts: Mapping[str, object]) -> Fault:
    return Fault(pointer("rows", row, found.place + 1), code, facts, Cell(row, found.header, f"{found.letter}{row}"))


_ERRORS: Final = frozenset(map(normal, ERRORS_HEADERS))
