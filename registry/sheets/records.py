"""What a file of rows is once it is open, whatever its format."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from registry.sheets.columns import CellRefused
from registry.sheets.headers import normal

MOST_ROWS: Final = 1_000_000
"""Below the header, without empty ones."""
MOST_COLUMNS: Final = 500
ROWS_BEFORE_DATA: Final = 20
"""The header is among so many first rows that are not empty; what stands before it is about the file."""


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class Record(NamedTuple):
    """One row that is not empty. ``row`` counts as a spreadsheet does. ``cells`` are texts as they stand there, '' for an empty one: as many as the header
    has, and more only where more are filled in. A number of a workbook has a decimal comma, a date is 2026-03-31, true is 'ja'.

    ``refused`` are cells that have no readable value, by place; None for the whole row: it has too many cells.
    """

    row: int
    cells: list[str]
    refused: Mapping[int | None, CellRefused]


class Sheet(Protocol):
    """An open file of rows; it lives as long as the file that it reads.

    ``name`` is the sheet of a workbook, None for CSV; ``header_row`` is the row of the header, as a spreadsheet counts; ``header`` its cells.
    """

    format: FileFormat
    name: str | None
    header_row: int
    header: list[str]

    def records(self, *, after: int = 0) -> Iterator[Record]:
        """The rows below the header, from the first one beyond row ``after``. May be asked again from anywhere, one at a time.

        Raises FileRefused where the file breaks off or has too many rows.
        """
        ...

    @property
    def progress(self) -> float:
        """How much of the file the records so far were, from 0 to 1."""
        ...


class Header(NamedTuple):
    """``score`` is how many known headers it has."""

    score: int
    row: int
    cells: list[str]


NO_REFUSED: Final[Mapping[int | None, CellRefused]] = {}


def find_header(rows: Iterable[tuple[int, Sequence[str]]], known: frozenset[str]) -> Header | None:
    """Of the first rows that are not empty, the one with most of the ``known`` headers (`headers.normal`), or else the first one. None without any row."""
    best: Header | None = None
    count = 0
    for row, cells in rows:
        if not any(map(str.strip, cells)):
            continue
        score = len(known.intersection(map(normal, cells)))
        if best is None or score > best.score:
            best = Header(score, row, trimmed(cells))
        count += 1
        if count == ROWS_BEFORE_DATA:
            break
    return best


def trimmed(cells: Sequence[str], least: int = 0) -> list[str]:
    """Without empty cells at the end, as far as there are more than ``least``; filled up to so many."""
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return [*cells[:end], *[""] * (least - end)]


def too_wide(width: int) -> CellRefused:
    return CellRefused("too-many-cells", {"max": width})
