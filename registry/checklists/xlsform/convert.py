"""A checklist out of an XLSForm. Whatever a checklist has no word for is reported with its sheet, row and column. Pure, but for reading the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from registry.checklists import written
from registry.checklists.json_schema import LARGEST_EDITION, LONGEST_TITLE
from registry.checklists.xlsform import workbook
from registry.checklists.xlsform.questions import Questions
from registry.checklists.xlsform.report import Report, Unsupported
from registry.checklists.xlsform.sections import Sections
from registry.checklists.xlsform.texts import language_of, slug_of, split_header
from registry.checklists.xlsform.workbook import Row, Sheet, Workbook
from registry.db import Json

FIRST_LINE: Final = "# yaml-language-server: $schema=checklist.schema.json\n"
WIDEST_LINE: Final = 150
SETTINGS = ("form_title", "form_id", "version", "default_language")


@dataclass(frozen=True, slots=True)
class Converted:
    """``yaml`` says the same as ``content``."""

    content: dict[str, Json]
    yaml: str
    unsupported: tuple[Unsupported, ...]


def convert(file: bytes) -> Converted:
    """Raises XlsFormUnreadable."""
    sheets = workbook.read(file)
    report = Report()
    for name in sheets.keys() - {"survey", "choices", "settings"}:
        if sheets[name].rows:
            report.add(name, None, None, name, "xlsform-sheet")
    settings = _settings(sheets.get("settings"), report)
    questions = Questions(sheets, settings.get("default_language"), report)
    sections = Sections(sheets["survey"], questions, report)
    listed = sections.read()
    opening: dict[str, Json] = {"description": sections.opening} if sections.opening else {}
    content = {**_head(settings, sheets, report), **opening, "sections": listed}
    return Converted(content, yaml_of(content), tuple(report.found))


def _settings(sheet: Sheet | None, report: Report) -> dict[str, str]:
    """The first row, by column; the others are reported."""
    first, *more = sheet.rows if sheet is not None and sheet.rows else [Row(2, {})]
    found = dict[str, str]()
    for header, text in first.cells.items():
        name, _ = split_header(header)
        name = {"title": "form_title", "set_form_title": "form_title", "id_string": "form_id", "set_form_id": "form_id"}.get(name, name)
        if name not in SETTINGS:
            report.add("settings", first.number, header, text, "xlsform-setting")
        else:
            found[name] = text
    for row in more:
        report.add("settings", row.number, None, ", ".join(row.cells.values()), "xlsform-setting")
    return found


def _head(settings: Mapping[str, str], sheets: Workbook, report: Report) -> dict[str, Json]:
    """An XLSForm has its title in one language."""
    title, settings_row = settings.get("form_title") or settings.get("form_id") or "XLSForm", 2 if "settings" in sheets else None
    lacking = "nl" if language_of(settings.get("default_language", "")) == "en" else "en"
    report.add("settings", settings_row, "form_title" if settings_row else None, title, "xlsform-language-missing", language=lacking)
    version = settings.get("version", "1")
    edition = int(version) if version.isascii() and version.isdigit() and 1 <= int(version[:9]) <= LARGEST_EDITION else 1
    if str(edition) != version:
        report.add("settings", 2, "version", version, "xlsform-version", edition=edition)
    key = slug_of(settings.get("form_id") or title)
    return {"key": key, "edition": edition, "title": {"nl": title[:LONGEST_TITLE], "en": title[:LONGEST_TITLE]}}


class _Dumper(yaml.SafeDumper):
    """Puts every text in quotes that would be something else without, and writes everything out."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() and written.is_text(text) else '"')


_Dumper.add_representer(str, _text)


def yaml_of(content: Mapping[str, Json]) -> str:
    """The YAML of a checklist, as a person would go on with it."""
    text: str = yaml.dump(dict(content), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=WIDEST_LINE)
    return FIRST_LINE + text
