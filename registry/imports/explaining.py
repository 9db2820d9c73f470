"""What is wrong with a file, in sentences for people: each with its cell, what was found there and what was expected. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from registry.imports.queries import RefusedRow
from registry.imports.registered import KINDS
from registry.messages import Language, Text, text
from registry.sheets import refused
from registry.sheets.columns import Column
from registry.sheets.headers import letters

Row = Mapping[str, object]
"""Columns of a table by name."""


@dataclass(frozen=True, slots=True)
class ExplainedFault:
    """``cell`` is what a spreadsheet calls the place: F417, or 417 for a whole row. ``found`` is the text of the cell, None for a whole row."""

    id: int
    sheet: str | None
    row: int
    column: str | None
    """The header in the file."""
    cell: str
    field: str | None
    code: str
    texts: Text
    expected: Text | None
    found: str | None


class Explainer:
    """Explains the faults of one import, of which ``run`` are the columns."""

    def __init__(self, run: Row) -> None:
        self._sheet = cast("str | None", run["sheet"])
        self._columns: Mapping[str, Column] = {column.name: column for column in KINDS[run["kind"]].columns}  # type: ignore[index]
        self.header = [str(cast("Row", each)["header"]) for each in cast("Sequence[object]", run["columns"])]

    def explain(self, fault: Row, cells: Sequence[str]) -> ExplainedFault:
        row, place, field = cast("int", fault["row"]), cast("int | None", fault["place"]), cast("str | None", fault["field"])
        code, facts = str(fault["code"]), cast("Row", fault["facts"])
        column = self._columns.get(field or "")
        return ExplainedFault(
            id=cast("int", fault["id"]),
            sheet=self._sheet,
            row=row,
            column=self.header[place] if place is not None and place < len(self.header) else None,
            cell=f"{row}" if place is None else f"{letters(place)}{row}",
            field=field,
            code=code,
            texts=Text(text(code, "nl", facts), text(code, "en", facts)),
            expected=Text(column.about_nl, column.about_en) if column else None,
            found=cells[place] if place is not None and place < len(cells) else None,
        )

    def refused(self, rows: Iterator[RefusedRow], language: Language) -> Iterator[refused.RefusedRow]:
        """The refused rows of a file with a sentence for each thing that is wrong."""
        for row in rows:
            wrong = [self.explain(dict(fault), row.cells) for fault in row.faults]
            yield refused.RefusedRow(row.cells, [f"{each.cell}: {in_language(each.texts, language)}" for each in wrong])


def problem_text(problem: Row, language: Language) -> str:
    """What is wrong with a file as a whole, as kept in `import_run.problems`."""
    said = text(str(problem["code"]), language, cast("Row", problem["facts"]))
    return f"{problem['cell']}: {said}" if problem["cell"] else said


def in_language(texts: Text, language: Language) -> str:
    return texts.nl if language == "nl" else texts.en
