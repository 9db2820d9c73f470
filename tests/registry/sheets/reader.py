"""Reading a file from memory, as the tests want to see it."""

import io
from collections.abc import Mapping, Sequence

from registry.sheets import headers
from registry.sheets.checking import Checked, Checker
from registry.sheets.columns import Column
from registry.sheets.faults import FileRefused
from registry.sheets.headers import letters
from registry.sheets.reading import Record, Sheet, open_sheet


def opened(file: bytes, columns: Sequence[Column] = (), *, mapping: Mapping[str, str | None] | None = None, sheet: str | None = None) -> Sheet:
    return open_sheet(io.BytesIO(file), columns, mapping=mapping, sheet=sheet)


def rows_of(file: bytes, columns: Sequence[Column] = ()) -> list[list[str]]:
    """The cells of each, below the header."""
    return [record.cells for record in opened(file, columns).records()]


def records_of(file: bytes, columns: Sequence[Column] = ()) -> list[Record]:
    return list(opened(file, columns).records())


def checked(file: bytes, columns: Sequence[Column], mapping: Mapping[str, str | None] | None = None) -> list[Checked]:
    sheet, by_name = opened(file, columns, mapping=mapping), {column.name: column for column in columns}
    found = headers.match(sheet.header, columns, mapping)
    return Checker([(each.place, by_name[each.column]) for each in found if each.column]).check(list(sheet.records()))


def faults_in(rows: Sequence[Checked]) -> list[tuple[str, str]]:
    """Where, and what is wrong."""
    return [(f"{letters(fault.place) if fault.place is not None else ''}{row.row}", fault.code) for row in rows for fault in row.faults]


def refusal(file: bytes, columns: Sequence[Column] = (), *, sheet: str | None = None) -> tuple[str, str]:
    """The code and cell of why the file is refused."""
    try:
        list(opened(file, columns, sheet=sheet).records())
    except FileRefused as refused:
        (fault,) = refused.faults
        assert fault.text("nl") != fault.text("en")
        return fault.code, fault.cell.name if fault.cell else ""
    raise AssertionError("it was read")
