"""The groups of an XLSForm as sections of a checklist. Pure."""

from dataclasses import dataclass, field

from registry.checklists.json_schema import LONGEST_HINT, LONGEST_TITLE
from registry.checklists.xlsform.questions import Questions
from registry.checklists.xlsform.report import Report
from registry.checklists.xlsform.texts import Keys, Words
from registry.checklists.xlsform.workbook import Row, Sheet
from registry.db import Json

GENERAL: Words = {"nl": "Algemeen", "en": "General"}
"""The title of what stands in no group."""
_BEGINNINGS = ("begin group", "begin repeat", "begin loop", "begin lgroup")


@dataclass(slots=True)
class _Group:
    """One that is open. ``conditions`` are those of the groups around it and its own."""

    key: str
    title: Words
    conditions: list[Json]


@dataclass(slots=True)
class _Section:
    key: str
    content: dict[str, Json]
    questions: list[Json] = field(default_factory=list)
    note: Row | None = None
    """Of its text."""


class Sections:
    """Reads the survey sheet from above. A group in a group becomes a section of its own, and what follows it in the outer one another."""

    def __init__(self, survey: Sheet, questions: Questions, report: Report) -> None:
        self._rows = survey.rows
        self._questions = questions
        self._report = report
        self.opening: Words | None = None
        """What stood above everything, in no group."""
        self._groups: list[_Group] = []
        self._sections: list[_Section] = []
        self._current: _Section | None = None
        self._repeats = 0

    def read(self) -> list[Json]:
        for row in self._rows:
            self._take(row)
        keys = Keys()
        for section in self._sections:
            if section.note is not None and not section.questions:
                self._questions.skip(section.note, "xlsform-note")
        return [{"key": keys.key(section.key), **section.content, "questions": section.questions} for section in self._sections if section.questions]

    def _take(self, row: Row) -> None:
        type = " ".join(self._questions.cell(row, "type").replace("_", " ").lower().split()[:2])
        if self._repeats or type in _BEGINNINGS[1:]:
            self._skip(row, type)
        elif type == _BEGINNINGS[0]:
            self._begin(row)
        elif type == "end group":
            self._groups.pop()
            self._current = None
        elif type == "note":
            self._note(row)
        elif type:
            question = self._questions.read(row)
            if question is not None:
                self._section().questions.append(question)

    def _skip(self, row: Row, type: str) -> None:
        """A repeat and all in it: an inspection answers each question once."""
        if type in _BEGINNINGS[1:]:
            self._repeats += 1
        elif type.startswith("end ") and type != "end group":
            self._repeats -= 1
            return
        elif type == "end group":
            return
        self._questions.skip(row, "xlsform-repeat")

    def _begin(self, row: Row) -> None:
        name = self._questions.cell(row, "name") or "group"
        around = self._groups[-1] if self._groups else None
        title = self._questions.texts.of(row, "label", LONGEST_TITLE) or {"nl": name, "en": name}
        if around is not None:
            self._report.add("survey", row.number, self._questions.header(row, "type"), name, "xlsform-group-in-group")
            title = {code: f"{around.title[code]} – {text}"[:LONGEST_TITLE] for code, text in title.items()}
        condition = self._questions.condition(row)
        self._questions.report_rest(row, ("type", "name", "relevant"))
        conditions = [*(around.conditions if around else []), *([condition] if condition else [])]
        self._groups.append(_Group(name, title, conditions))
        self._current = None

    def _section(self) -> _Section:
        if self._current is None:
            group = self._groups[-1] if self._groups else _Group("general", GENERAL, [])
            content: dict[str, Json] = {"title": dict(group.title)}
            if group.conditions:
                content["visible-if"] = group.conditions[0] if len(group.conditions) == 1 else {"all": list(group.conditions)}
            self._current = _Section(group.key, content)
            self._sections.append(self._current)
        return self._current

    def _note(self, row: Row) -> None:
        """What stands above the questions of a section; any other note has no place in a checklist."""
        text = self._questions.texts.of(row, "label", LONGEST_HINT)
        conditional = bool(self._questions.cell(row, "relevant"))
        self._questions.report_rest(row, ("type", "name", "relevant"))
        if text is not None and not conditional and not self._sections and not self._groups and self.opening is None:
            self.opening = text
            return
        section = self._section()
        if text is None or conditional or section.questions or section.note is not None:
            self._questions.skip(row, "xlsform-note")
            return
        section.content["text"], section.note = text, row
