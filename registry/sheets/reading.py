"""A file of rows, CSV or XLSX, read from its first row to its last without holding more than a few of them."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from registry.sheets import packed
from registry.sheets.columns import Column
from registry.sheets.csv_files import CsvSheet
from registry.sheets.headers import by_header, normal
from registry.sheets.records import MOST_ROWS, FileFormat, Record, Sheet
from registry.sheets.xlsx_files import XlsxSheet

__all__ = ["MOST_ROWS", "FileFormat", "Record", "Sheet", "open_sheet"]


def open_sheet(
    file: BinaryIO, columns: Sequence[Column], *, mapping: Mapping[str, str | None] | None = None, sheet: str | None = None, most_rows: int = MOST_ROWS
) -> Sheet:
    """A file on disk that was opened for reading bytes (it must be seekable): CSV or XLSX, whichever its content is.

    The header is, of the first 20 rows that are not empty, the one with most headers of ``columns`` and of ``mapping``. ``sheet`` is the name of a sheet of a
    workbook; without it the sheet with the best header is read, the first of those. Raises FileRefused.
    """
    known = frozenset(by_header(columns)) | frozenset(map(normal, mapping or ()))
    file.seek(0)
    if packed.is_packed(file.read(8)):
        return XlsxSheet(file, known, sheet=sheet, most_rows=most_rows)
    return CsvSheet(file, known, most_rows=most_rows)
