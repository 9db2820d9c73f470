"""CSV as spreadsheets and other programs write it: which encoding, which separator, where the header is, and the rows below it."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

from registry.sheets.faults import broken_off, refused
from registry.sheets.neutral import original
from registry.sheets.records import MOST_COLUMNS, MOST_ROWS, NO_REFUSED, FileFormat, Header, Record, find_header, too_wide, trimmed

LARGEST_CSV_BYTES: Final = 500_000_000
LONGEST_RECORD: Final = 2_000_000
"""Characters of one row; of one cell the csv module takes 131,072."""
SEPARATORS: Final = (";", ",", "\t")
_SAMPLE: Final = 200_000
"""Characters in which the header is looked for."""
_NOTHING: Final = " \t\r\n" + "".join(SEPARATORS)
_PIECE: Final = 1 << 20


class CsvSheet:
    """Raises FileRefused."""

    format = FileFormat.CSV
    name: str | None = None

    def __init__(self, file: BinaryIO, known: frozenset[str], *, most_rows: int = MOST_ROWS) -> None:
        self._file, self._most_rows = file, most_rows
        self._size = file.seek(0, io.SEEK_END)
        if self._size > LARGEST_CSV_BYTES:
            raise refused("file-too-large", max=LARGEST_CSV_BYTES)
        self._encoding = _encoding(file)
        self._separator, header = self._sniff(known)
        if len(header.cells) > MOST_COLUMNS:
            raise refused("too-many-columns", max=MOST_COLUMNS)
        self.header_row, self.header = header.row, header.cells

    @property
    def progress(self) -> float:
        """How much of the file the records so far were, from 0 to 1."""
        return min(1.0, self._file.tell() / (self._size or 1))

    def records(self, *, after: int = 0) -> Iterator[Record]:
        """As `records.Sheet`."""
        width, count = len(self.header), 0
        with self._text() as text:
            for row, cells in _numbered(text, self._separator):
                if row <= self.header_row or not any(map(str.strip, cells)):
                    continue
                count += 1
                if count > self._most_rows:
                    raise refused("csv-too-many-rows", max=self._most_rows)
                if row > after:
                    yield _record(row, cells, width)

    def _sniff(self, known: frozenset[str]) -> tuple[str, Header]:
        """The separator that gives the header with most known words; the one that gives most cells when there are none."""
        with self._text() as text:
            sample = text.read(_SAMPLE)
        if not sample.strip(_NOTHING):
            raise refused("csv-empty")
        found = [(separator, header) for separator in SEPARATORS if (header := find_header(_sampled(sample, separator), known))]
        if not found:
            raise broken_off(1, "csv-malformed")
        return max(found, key=lambda each: (each[1].score, len(each[1].cells), -SEPARATORS.index(each[0])))

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        """From the start of the file, which stays open afterwards."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self._encoding, newline="")
        try:
            yield text
        finally:
            with suppress(ValueError):  # somebody closed the file already
                text.detach()


class _Lines:
    """The lines of a text, none of them endless. Raises _TooLong when a row is."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self.length = 0
        """Characters of the row so far."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_RECORD)
        if not line:
            raise StopIteration
        self.length += len(line)
        if self.length >= LONGEST_RECORD:
            raise _TooLong
        return line


class _TooLong(Exception):
    pass


def _numbered(text: io.TextIOBase, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number, also an empty one. Raises FileRefused."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    row = 0
    try:
        for row, cells in enumerate(reader, start=1):
            lines.length = 0
            yield row, cells
    except _TooLong:
        raise broken_off(row + 1, "csv-too-long", max=LONGEST_RECORD) from None
    except csv.Error as error:
        if "field larger" in str(error):
            raise broken_off(row + 1, "csv-too-long", max=csv.field_size_limit()) from error
        raise broken_off(row + 1, "csv-malformed") from error


def _sampled(sample: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of the sample, as far as they can be read with that separator."""
    with suppress(csv.Error):
        yield from enumerate(csv.reader(io.StringIO(sample, newline=""), delimiter=separator, strict=True), start=1)


def _record(row: int, cells: list[str], width: int) -> Record:
    if len(cells) != width:
        cells = trimmed(cells, width)
    if "'" in "".join(cells):
        cells = [original(cell) if cell[:1] == "'" else cell for cell in cells]
    return Record(row, cells, {None: too_wide(width)} if len(cells) > width else NO_REFUSED)


def _encoding(file: BinaryIO) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, or the Windows encoding of western Europe. Raises FileRefused for another one."""
    file.seek(0)
    marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        if _decodes(file, encoding):
            return encoding
    raise refused("csv-encoding")


def _decodes(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(_PIECE):
            if "\0" in decoder.decode(piece):
                return False
        return "\0" not in decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
