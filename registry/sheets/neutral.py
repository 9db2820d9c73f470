"""Text that a spreadsheet would run as a formula, and how it is kept from that (CSV injection)."""

import re
from typing import Final

_RUN: Final = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@＝＋－＠])")
"""What a spreadsheet takes for a formula, also after spaces, also in the wide forms of East Asia; with what `neutral` put before it."""


def neutral(text: str) -> str:
    """As it may stand in a cell of CSV: with an apostrophe before it where a spreadsheet would take it for a formula."""
    return "'" + text if _RUN.match(text) else text


def original(text: str) -> str:
    """What `neutral` was given."""
    return text[1:] if text[:1] == "'" and _RUN.match(text) else text
