"""The rows of an XLSForm as questions of a checklist. Pure."""

from collections.abc import Callable, Collection
from typing import Final

from pyxform import aliases

from registry.checklists.json_schema import LONGEST_HINT, LONGEST_QUESTION, MOST_DECIMALS, MOST_OPTIONS
from registry.checklists.questions import QuestionType
from registry.checklists.rules import decimals_of
from registry.checklists.xlsform import expressions
from registry.checklists.xlsform.expressions import Inexpressible, Known
from registry.checklists.xlsform.report import Report
from registry.checklists.xlsform.texts import Keys, Texts, is_renamed, split_header
from registry.checklists.xlsform.workbook import Row, Sheet, Workbook
from registry.db import Json

Content = dict[str, Json]
TYPES: Final = {
    "integer": QuestionType.NUMBER,
    "int": QuestionType.NUMBER,
    "decimal": QuestionType.NUMBER,
    "range": QuestionType.NUMBER,
    "text": QuestionType.TEXT,
    "string": QuestionType.TEXT,
    "date": QuestionType.DATE,
    "image": QuestionType.PHOTO,
    "photo": QuestionType.PHOTO,
}
SELECTS: Final = {"select one": QuestionType.CHOICE, "select all that apply": QuestionType.SEVERAL}
METADATA: Final = {"start", "end", "today", "deviceid", "imei", "username", "email", "phonenumber", "simserial", "subscriberid", "audit", "start-geopoint"}
"""What the register records by itself, or asks nobody for."""
_SAME = {"command": "type", "tag": "name", "value": "name", "relevance": "relevant", "calculate": "calculation"}
"""Columns by their other names."""
_OPTION_COLUMNS = ("list_name", "name")


class Questions:
    def __init__(self, sheets: Workbook, default_language: str | None, report: Report) -> None:
        survey, choices = sheets["survey"], sheets.get("choices", Sheet((), ()))
        self._report = report
        self._columns = {header: _base(header) for header in survey.headers}
        self._keys = Keys()
        self._known: dict[str, Known] = {}
        self.texts = Texts("survey", survey, ("label", "hint"), default_language, report)
        self._choices = Choices(choices, default_language, report)

    def cell(self, row: Row, column: str) -> str:
        header = self.header(row, column)
        return row.cells[header] if header else ""

    def header(self, row: Row, column: str) -> str | None:
        return next((header for header in row.cells if self._columns.get(header) == column), None)

    def skip(self, row: Row, code: str) -> None:
        name, header = self.cell(row, "name"), self.header(row, "type")
        self._report.add("survey", row.number, header, f"{self.cell(row, 'type')} {name}".strip(), code)

    def report_rest(self, row: Row, read: Collection[str]) -> None:
        """Every cell that was not read."""
        for header, text in row.cells.items():
            if self._columns[header] not in read and header not in self.texts.headers:
                self._report.add("survey", row.number, header, text, _code_of(self._columns[header]))

    def read(self, row: Row) -> Content | None:
        """The question; None when it is none that a checklist can ask, which is reported."""
        type, options = self._type(row)
        if self.cell(row, "disabled").lower() in ("yes", "true", "true()"):
            self.skip(row, "xlsform-disabled")
            return None
        if type is None:
            return None
        name = self.cell(row, "name")
        key = self._keys.key(name)
        if is_renamed(name, key):
            self._report.add("survey", row.number, self.header(row, "name"), name, "xlsform-renamed", key=key)
        text = self.texts.of(row, "label", LONGEST_QUESTION) or {"nl": name, "en": name}
        content: Content = {"key": key, "type": type.value, "text": text}
        hint = self.texts.of(row, "hint", LONGEST_HINT)
        content |= {"hint": hint} if hint else {}
        self._add_required(row, content)
        condition = self.condition(row)
        content |= {"visible-if": condition} if condition else {}
        content |= {"options": options.content} if options else {}
        if type is QuestionType.NUMBER:
            self._add_range(row, content)
        elif constraint := self.cell(row, "constraint"):
            self._report.add("survey", row.number, self.header(row, "constraint"), constraint, "xlsform-constraint", part=constraint)
        if type is QuestionType.PHOTO and content.get("required"):
            content["photos"] = {"min": 1}
        self.report_rest(row, ("type", "name", "required", "relevant", "constraint", "disabled", *(("parameters",) if self._is_range(row) else ())))
        self._known[name] = Known(key, type, options.keys if options else {})
        return content

    def _type(self, row: Row) -> tuple[QuestionType | None, "Options | None"]:
        words = self.cell(row, "type").split()
        said = " ".join(words).lower()
        select = next((alias for alias in sorted(aliases.select, key=len, reverse=True) if said.startswith(alias + " ")), None)
        if select is not None:
            return self._select(row, select, words[len(select.split()) :])
        type = TYPES.get(said)
        if type is None:
            self.skip(row, "xlsform-metadata" if said in METADATA else "xlsform-type")
        return type, None

    def _select(self, row: Row, alias: str, rest: list[str]) -> tuple[QuestionType | None, "Options | None"]:
        type = SELECTS.get(aliases.select[alias])
        options = self._choices.options(rest[0]) if rest and type is not None and alias not in aliases.select_from_file else None
        if type is None or options is None or not 1 <= len(options.content) <= MOST_OPTIONS:
            self.skip(row, "xlsform-type")
            return None, None
        if len(rest) > 1:
            self._report.add("survey", row.number, self.header(row, "type"), " ".join(rest[1:]), "xlsform-or-other")
        if type is QuestionType.CHOICE and len(options.content) == 1:
            self._report.add("survey", row.number, self.header(row, "type"), " ".join(rest), "xlsform-one-option")
            type = QuestionType.SEVERAL
        return type, options

    def _add_required(self, row: Row, content: Content) -> None:
        required = self.cell(row, "required")
        if required and required not in aliases.yes_no:
            self._report.add("survey", row.number, self.header(row, "required"), required, "xlsform-expression", part=required)
        if aliases.yes_no.get(required):
            content["required"] = True

    def condition(self, row: Row) -> Content | None:
        """What stands under ``relevant``; when a checklist can't say it, the question is always asked, and that is reported."""
        relevant = self.cell(row, "relevant")
        if not relevant:
            return None
        try:
            return expressions.condition(relevant, self._known)
        except Inexpressible as error:
            self._report.add("survey", row.number, self.header(row, "relevant"), relevant, "xlsform-relevant", part=error.what)
            return None

    def _is_range(self, row: Row) -> bool:
        return self.cell(row, "type").lower() == "range"

    def _add_range(self, row: Row, content: Content) -> None:
        whole = self.cell(row, "type").lower() in ("integer", "int")
        if whole:
            content["decimals"] = 0
        if self._is_range(row):
            self._add_parameters(row, content)
        constraint = self.cell(row, "constraint")
        if not constraint:
            return
        try:
            found = expressions.range_of(constraint, whole=whole)
        except Inexpressible as error:
            self._report.add("survey", row.number, self.header(row, "constraint"), constraint, "xlsform-constraint", part=error.what)
            return
        content |= {name: bound for name, bound in (("min", found.minimum), ("max", found.maximum)) if bound is not None}

    def _add_parameters(self, row: Row, content: Content) -> None:
        """``start=0 end=10 step=1`` of a range; a step is expressed by the number of decimals alone."""
        text = self.cell(row, "parameters")
        given = dict(part.split("=", 1) for part in text.replace(";", " ").replace(",", " ").lower().split() if "=" in part)
        low, high, step = (_number(given.pop(name, usual)) for name, usual in (("start", "0"), ("end", "10"), ("step", "1")))
        content |= {"min": low, "max": high, "decimals": min(decimals_of(step), MOST_DECIMALS)}
        if given or step not in (1, 0.1, 0.01, 0.001):
            self._report.add("survey", row.number, self.header(row, "parameters"), text, "xlsform-parameters")


class Options:
    """The options of one list, and their keys by the names in the form."""

    def __init__(self) -> None:
        self.content: list[Json] = []
        self.keys: dict[str, str] = {}
        self._made = Keys()

    def add(self, name: str, texts: Content, renamed: Callable[[str], None]) -> None:
        if name in self.keys:
            return
        key = self._made.key(name)
        if is_renamed(name, key):
            renamed(key)
        self.keys[name] = key
        self.content.append({"key": key, **texts})


class Choices:
    def __init__(self, sheet: Sheet, default_language: str | None, report: Report) -> None:
        self._lists: dict[str, Options] = {}
        texts = Texts("choices", sheet, ("label",), default_language, report)
        columns = {header: _base(header) for header in sheet.headers}
        for row in sheet.rows:
            cells = {columns[header]: text for header, text in row.cells.items()}
            name, list_name = cells.get("name", ""), cells.get("list_name", "")
            if name and list_name:
                words = texts.of(row, "label", LONGEST_QUESTION) or {"nl": name, "en": name}
                renamed = _renamed(report, row, name)
                self._lists.setdefault(list_name, Options()).add(name, words, renamed)
        for header in sheet.headers:
            rows = [row for row in sheet.rows if header in row.cells]
            if rows and columns[header] not in _OPTION_COLUMNS and header not in texts.headers:
                report.add("choices", rows[0].number, header, rows[0].cells[header], "xlsform-column")

    def options(self, list_name: str) -> Options | None:
        return self._lists.get(list_name)


def _renamed(report: Report, row: Row, name: str) -> Callable[[str], None]:
    return lambda key: report.add("choices", row.number, "name", name, "xlsform-renamed", key=key)


def _base(header: str) -> str:
    base, _ = split_header(header)
    return _SAME.get(base, base)


def _code_of(column: str) -> str:
    return {"choice_filter": "xlsform-choice-filter", "appearance": "xlsform-appearance"}.get(column, "xlsform-column")


def _number(text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return 0
