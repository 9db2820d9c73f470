"""The rows that were refused, to mend and send again."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from registry.messages import Language
from registry.sheets.headers import ERRORS_HEADERS, letters, normal
from registry.sheets.writing import csv_chunks, write_xlsx


class RefusedRow(NamedTuple):
    """``cells`` as in `records.Record`; ``errors`` are sentences, each with its cell: 'F417: Verwacht een datum als 2026-03-31.'"""

    cells: Sequence[str]
    errors: Sequence[str]


def csv_refused(header: Sequence[str], rows: Iterable[RefusedRow], language: Language) -> Iterator[bytes]:
    """The header and cells as they were, and a last column 'Fouten' or 'Errors' (`headers.ERRORS_HEADERS`), which is left out when the file is read again.

    When the header has such a column already it is replaced. Cells beyond the header come after it.
    """
    return csv_chunks(_rows(header, rows, language))


def xlsx_refused(path: Path, header: Sequence[str], rows: Iterable[RefusedRow], language: Language, *, sheet: str) -> None:
    """As `csv_refused`."""
    write_xlsx(path, _rows(header, rows, language), sheet=sheet)


def sentence(place: int | None, row: int, text: str) -> str:
    """'F417: text', or '417: text' for a whole row."""
    return f"{letters(place) if place is not None else ''}{row}: {text}"


def _rows(header: Sequence[str], rows: Iterable[RefusedRow], language: Language) -> Iterator[list[str]]:
    kept = [place for place, word in enumerate(header) if normal(word) not in _ERRORS]
    yield [*(header[place] for place in kept), ERRORS_HEADERS[0 if language == "nl" else 1]]
    for cells, errors in rows:
        own = [cells[place] if place < len(cells) else "" for place in kept]
        yield [*own, "\n".join(errors), *cells[len(header) :]]


_ERRORS = frozenset(map(normal, ERRORS_HEADERS))
