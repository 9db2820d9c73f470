"""What a column of a spreadsheet is, and how the text of its cells becomes values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class CellRefused(ValueError):
    """The text of a cell is not what the column is about: ``code`` and ``facts`` as in `registry.errors.Fault`."""

    def __init__(self, code: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(code)
        self.code, self.facts = code, dict(facts or {})


Convert = Callable[[str], object]
"""From the text of a cell, without spaces around it and never empty, to a value that JSON can hold. Pure: the same text gives the same value.

Raises CellRefused.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a file may have.

    ``name`` is the word of the API, in camelCase: it stands in pointers and mappings. ``headers`` are what files call it, the Dutch one of the template first,
    then the English one, then others; they are compared without capitals, accents, spaces, hyphens, underscores and dots. ``choices`` are what a cell may say,
    for drop-down lists: the Dutch words; `convert` takes the English values too.
    """

    name: str
    headers: tuple[str, ...]
    convert: Convert
    about_nl: str
    """What is expected, as a sentence for a person: in templates, and beside each fault."""
    about_en: str
    example: str
    required: bool = False
    """Each row must have it."""
    choices: tuple[str, ...] = field(default=())
