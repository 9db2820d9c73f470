"""The cells of many rows as values, column by column."""

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from registry.db import Json
from registry.sheets.cells import clean
from registry.sheets.columns import CellRefused, Column, Convert
from registry.sheets.reading import Record

LONGEST_FOUND: Final = 100
"""Characters of a wrong cell that are kept beside what is wrong with it."""
MOST_REMEMBERED: Final = 20_000
"""Texts of a column whose value is remembered: a column of ids has as many as there are rows."""
_EMPTY: Final = object()


class CellFault(NamedTuple):
    """What is wrong with a cell; with the whole row when ``place`` is None. ``column`` is None where the column of the file is none of the register.

    ``facts`` have the text of the cell as ``found``, cut to a bounded length; not for what is missing, or of a whole row.
    """

    row: int
    place: int | None
    column: Column | None
    code: str
    facts: dict[str, Json]


class Checked(NamedTuple):
    """One row: ``values`` by the name of their column, without empty cells and those that are refused."""

    row: int
    values: dict[str, Json]
    faults: list[CellFault]


class Checker:
    """Keeps what texts became between chunks, so that a text that occurs again costs a look-up."""

    def __init__(self, columns: Sequence[tuple[int, Column]]) -> None:
        """``columns`` are those to read, each with its place in the file."""
        self._columns = [(place, column, _Known(column.convert)) for place, column in columns]
        self._by_place = dict(columns)

    def check(self, records: Sequence[Record]) -> list[Checked]:
        """One for each record, in that order. An empty cell of a required column is a fault, ``required``."""
        if not records:
            return []
        for _, _, known in self._columns:
            known.forget()
        file = list(zip(*[record.cells for record in records], strict=False))  # some rows have more cells than the header
        texts = [file[place] for place, _, _ in self._columns]
        values = [list(map(known.__getitem__, cells)) for cells, (_, _, known) in zip(texts, self._columns, strict=True)]
        checked = [Checked(record[0], found, []) for record, found in zip(records, self._rows(values, len(records)), strict=True)]
        for cells, column, (place, what, known) in zip(texts, values, self._columns, strict=True):
            if not known.without_value.isdisjoint(cells):
                _without_value(checked, cells, column, place, what)
        for number, record in enumerate(records):
            if record[2]:
                self._refused(checked[number], record)
        return checked

    def _rows(self, values: Sequence[Sequence[object]], count: int) -> list[dict[str, Json]]:
        names = [column.name for _, column, _ in self._columns]
        rows = [dict(zip(names, row, strict=False)) for row in zip(*values, strict=False)] if names else [{} for _ in range(count)]
        return cast("list[dict[str, Json]]", rows)

    def _refused(self, checked: Checked, record: Record) -> None:
        """What the reader refused goes before what the cell's text would be."""
        checked.faults[:] = [fault for fault in checked.faults if fault.place not in record.refused]
        for place, refused in record.refused.items():
            column = self._by_place.get(place) if place is not None else None
            if place is None:
                checked.faults.append(CellFault(record.row, None, None, refused.code, _json(refused)))
            elif column is not None:
                checked.values.pop(column.name, None)
                checked.faults.append(_fault(record.row, place, column, refused, record.cells[place]))


class _Known(dict[str, object]):
    """What the text of a cell is, by that text as it stands there: a value, `_EMPTY`, or a CellRefused. The last two are ``without_value``."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert
        self.without_value: set[str] = set()

    def forget(self) -> None:
        """Between two chunks, when it has become many."""
        if len(self) > MOST_REMEMBERED:
            self.clear()
            self.without_value.clear()

    def __missing__(self, cell: str) -> object:
        value = self[cell] = _value(self._convert, cell)
        if value is _EMPTY or isinstance(value, CellRefused):
            self.without_value.add(cell)
        return value


def _value(convert: Convert, cell: str) -> object:
    text = clean(cell)
    if not text:
        return _EMPTY
    try:
        return convert(text)
    except CellRefused as refused:
        return refused.with_traceback(None)  # it is kept, and would keep its frames


def _without_value(checked: Sequence[Checked], cells: Sequence[str], values: Sequence[object], place: int, column: Column) -> None:
    """Takes what is no value out of the rows again, and adds faults."""
    for row, cell, value in zip(checked, cells, values, strict=True):
        if value is _EMPTY:
            del row.values[column.name]
            if column.required:
                row.faults.append(CellFault(row.row, place, column, "required", {}))
        elif isinstance(value, CellRefused):
            del row.values[column.name]
            row.faults.append(_fault(row.row, place, column, value, cell))


def _fault(row: int, place: int, column: Column, refused: CellRefused, cell: str) -> CellFault:
    return CellFault(row, place, column, refused.code, {**_json(refused), "found": clean(cell)[:LONGEST_FOUND]})


def _json(refused: CellRefused) -> dict[str, Json]:
    """Facts fill sentences: what JSON does not know stands there as text."""
    return {name: fact if isinstance(fact, str | int) else str(fact) for name, fact in refused.facts.items()}
