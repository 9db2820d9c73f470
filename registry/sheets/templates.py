"""Files to fill in, for the columns of a kind of import."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from xlsxwriter.worksheet import Worksheet

from registry.messages import Language
from registry.sheets.columns import Column
from registry.sheets.writing import Book, Value, csv_chunks

EXPLANATION: Final = {"nl": "Toelichting", "en": "Explanation"}
CHOICES: Final = {"nl": "Keuzes", "en": "Choices"}
_TITLES: Final = {"nl": ("Kolom", "Verplicht", "Wat er in hoort", "Voorbeeld"), "en": ("Column", "Required", "What belongs in it", "Example")}
_REQUIRED: Final = {"nl": ("ja", ""), "en": ("yes", "")}
_NOT_IN_LIST: Final = {
    "nl": ("Niet in de lijst", "Kies een van de woorden uit de lijst."),
    "en": ("Not in the list", "Choose one of the words of the list."),
}
_LAST_ROW: Final = 1_048_575
_LONGEST_LIST: Final = 255
"""Characters of a list within a cell's rule; a longer one stands on a sheet of its own."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def csv_template(columns: Sequence[Column], language: Language) -> bytes:
    """A header, and one row of examples."""
    return b"".join(csv_chunks([_header(columns, language), [column.example for column in columns]]))


def xlsx_template(path: Path, columns: Sequence[Column], language: Language, *, sheet: str) -> None:
    """A sheet with the header only, and one ('Toelichting', 'Explanation') that says what each column expects, with an example.

    Columns with choices have a drop-down list. Cells are text, so that zeros stay and 1-2 does not become a date; those of dates are dates.
    """
    header = _header(columns, language)
    with Book.to(path) as book:
        first = book.add(sheet, [header])
        for place, column in enumerate(columns):
            first.set_column(place, place, max(12, len(header[place]) + 4), book.day if _DAY.fullmatch(column.example) else book.text)
        book.add(EXPLANATION[language], _explanation(columns, language), widths=(28, 10, 80, 28))
        _drop_downs(book, first, columns, language)


def _header(columns: Sequence[Column], language: Language) -> list[str]:
    return [column.headers[0] if language == "nl" or len(column.headers) == 1 else column.headers[1] for column in columns]


def _explanation(columns: Sequence[Column], language: Language) -> Iterator[Sequence[Value]]:
    yield _TITLES[language]
    for header, column in zip(_header(columns, language), columns, strict=True):
        about = column.about_nl if language == "nl" else column.about_en
        listed = f"{about} ({', '.join(column.choices)})" if column.choices else about
        yield header, _REQUIRED[language][0 if column.required else 1], listed, column.example


def _drop_downs(book: Book, sheet: Worksheet, columns: Sequence[Column], language: Language) -> None:
    """Another word gets a warning only: English ones are read too."""
    long = [column for column in columns if len(",".join(column.choices)) > _LONGEST_LIST]
    if long:
        longest = max(len(column.choices) for column in long)
        lists = [[column.choices[row] if row < len(column.choices) else None for column in long] for row in range(longest)]
        book.add(CHOICES[language], [[column.headers[0] for column in long], *lists]).hide()
    title, message = _NOT_IN_LIST[language]
    for place, column in enumerate(columns):
        if column.choices:
            source: object = list(column.choices)
            if column in long:
                letter = chr(ord("A") + long.index(column))
                source = f"={CHOICES[language]}!${letter}$2:${letter}${len(column.choices) + 1}"
            rule = {"validate": "list", "source": source, "error_type": "warning", "error_title": title, "error_message": message}
            sheet.data_validation(1, place, _LAST_ROW, place, rule)
