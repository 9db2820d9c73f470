"""The Dutch and English texts of an XLSForm, and the keys that its names become. Pure."""

import re
from collections.abc import Collection
from typing import Final

from registry.checklists.json_schema import LONGEST_CHECKLIST_KEY
from registry.checklists.xlsform.report import Report
from registry.checklists.xlsform.workbook import Row, Sheet
from registry.db import Json

LANGUAGES: Final = {"nl": ("nl", "nld", "dut", "dutch", "nederlands"), "en": ("en", "eng", "english", "engels")}
_CODE = re.compile(r"\(([A-Za-z]{2,3})(?:[-_][^)]*)?\)\s*$")
_REFERENCE = re.compile(r"\$\{[^}]*\}")
Words = dict[str, Json]


def split_header(header: str) -> tuple[str, str]:
    """``label::English (en)`` is the column ``label`` in the language ``English (en)``."""
    base, _, language = header.partition(":")
    return base.strip().lower().replace(" ", "_"), language.strip(": ")


def language_of(name: str) -> str | None:
    code = _CODE.search(name)
    word = (code.group(1) if code else name).strip().lower()
    return next((language for language, words in LANGUAGES.items() if word in words), None)


class Texts:
    """The columns of one sheet that have a text in a language."""

    def __init__(self, sheet_name: str, sheet: Sheet, columns: Collection[str], default: str | None, report: Report) -> None:
        self._sheet, self._report = sheet_name, report
        self._columns: dict[str, list[tuple[str | None, str]]] = {}
        self.headers: set[str] = set()
        """Those that are read here, or reported as a whole."""
        for header in sheet.headers:
            base, language = split_header(header)
            base = "label" if base == "caption" else base
            if base not in columns:
                continue
            code = language_of(language or default or "")
            self.headers.add(header)
            if language and code is None:
                report.add(sheet_name, 1, header, language, "xlsform-other-language", language=language)
            else:
                self._columns.setdefault(base, []).append((code, header))

    def of(self, row: Row, base: str, longest: int) -> Words | None:
        """The text in both languages: one that is missing is filled from the other, and that is reported. None when there is none at all."""
        found = {code: (header, row.cells[header]) for code, header in reversed(self._columns.get(base, [])) if header in row.cells}
        if not found:
            return None
        given = next(iter(found.values()))
        texts = {code: found.get(code) or found.get(None) or given for code in LANGUAGES}
        for code, (header, text) in texts.items():
            if code not in found and text.strip():
                self._report.add(self._sheet, row.number, header, text, "xlsform-language-missing", language=code)
        for header, text in dict(texts.values()).items():
            self._look_at(row, header, text, longest)
        return {code: text[:longest] for code, (_, text) in texts.items()}

    def _look_at(self, row: Row, header: str, text: str, longest: int) -> None:
        if len(text) > longest:
            self._report.add(self._sheet, row.number, header, text, "xlsform-cut", max=longest)
        if _REFERENCE.search(text):
            self._report.add(self._sheet, row.number, header, text, "xlsform-reference-in-text")


class Keys:
    """Keys by the names in the form, each once."""

    def __init__(self) -> None:
        self._taken = set[str]()

    def key(self, name: str) -> str:
        slug = slug_of(name)
        number, key = 1, slug
        while key in self._taken:
            number += 1
            key = f"{slug[: LONGEST_CHECKLIST_KEY - 5]}-{number}"
        self._taken.add(key)
        return key


def slug_of(name: str) -> str:
    """``Roof_Leak`` is ``roof-leak``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_CHECKLIST_KEY].strip("-") or "x"


def is_renamed(name: str, key: str) -> bool:
    """Whether the key is another word, and not only written otherwise."""
    return name.lower().replace("_", "-") != key
