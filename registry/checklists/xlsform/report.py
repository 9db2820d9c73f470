"""What of an XLSForm a checklist says less, or otherwise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from registry import messages
from registry.messages import Language

LONGEST_QUOTE = 200
MOST_REPORTED = 2000


@dataclass(frozen=True, slots=True)
class Unsupported:
    """``row`` as a spreadsheet counts, None for a whole sheet; ``column`` is its header; ``what`` stands there."""

    sheet: str
    row: int | None
    column: str | None
    what: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        return messages.text(self.code, language, self.facts)


class Report:
    def __init__(self) -> None:
        self.found: list[Unsupported] = []

    def add(self, sheet: str, row: int | None, column: str | None, what: str, code: str, **facts: object) -> None:
        if len(self.found) < MOST_REPORTED:
            self.found.append(Unsupported(sheet, row, column, what[:LONGEST_QUOTE], code, facts))
