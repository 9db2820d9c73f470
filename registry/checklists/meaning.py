"""What is wrong with the meaning of a checklist: keys, conditions and photo rules that can't be. Whatever has the wrong form is passed over. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from registry.checklists import conditions
from registry.checklists.conditions import COMPARISONS, Answered, Atom, Condition
from registry.checklists.json_schema import MOST_OPTIONS
from registry.checklists.questions import CHOSEN, YES_NO, QuestionType
from registry.db import Json
from registry.errors import Fault

MOST_QUESTIONS: Final = 500
"""In a checklist; an inspection has answers to at most 1,000."""
MOST_COMPARISONS: Final = 100_000
"""That are followed to find questions that are never asked, in the whole checklist: less than half a second."""
ASKABLE = {QuestionType.CHOICE, QuestionType.SEVERAL, QuestionType.YES_NO, QuestionType.TEXT, QuestionType.DATE, QuestionType.NUMBER}
"""Types on whose answers a condition can depend."""


_TYPES = {type.value: type for type in QuestionType}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it stands in the document. ``conditions`` are its own and its section's, each with its place."""

    key: str
    place: str
    number: int
    content: Mapping[str, Json]
    conditions: tuple[tuple[str, Json], ...]

    @property
    def type(self) -> QuestionType | None:
        value = self.content.get("type")
        return _TYPES.get(value) if isinstance(value, str) else None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The answers among which one chooses; empty when that is no part of the question, or when they are too many."""
        if self.type is QuestionType.YES_NO:
            return YES_NO
        options = list(islice(map_each(self.content.get("options")), MOST_OPTIONS + 1)) if self.type in CHOSEN else []
        return tuple(key for _, option in options if isinstance(key := option.get("key"), str)) if len(options) <= MOST_OPTIONS else ()


@dataclass(slots=True)
class Document:
    asked: list[Asked] = field(default_factory=list)
    by_key: dict[str, Asked] = field(default_factory=dict)
    comparisons_left: int = MOST_COMPARISONS
    _conditions: dict[str, list[Condition]] = field(default_factory=dict)

    def conditions_of(self, key: str) -> list[Condition]:
        """Those of a question that have the form of one; read once."""
        if key not in self._conditions:
            self._conditions[key] = list(_conditions(self.by_key.get(key)))
        return self._conditions[key]


def meaning_faults(content: Json) -> Iterator[Fault]:
    document = _read(content)
    yield from _repeated(_sections(content))
    if len(document.asked) > MOST_QUESTIONS:
        yield Fault("/sections", "too-many-questions", {"max": MOST_QUESTIONS})
        return
    seen = set[str]()
    for place, section in _sections(content):
        first = next((each.number for each in document.asked if each.place.startswith(f"{place}/")), len(document.asked))
        yield from _condition_faults(section.get("visible-if"), place + "/visible-if", first, None, document)
    for asked in document.asked:
        if asked.key in seen:
            yield Fault(asked.place + "/key", "repeated", {"value": asked.key})
        seen.add(asked.key)
        yield from _question_faults(asked, document)


def unreachable(content: Json) -> Iterator[Fault]:
    """Questions that are never asked, whatever is answered: no fault, but hardly what was meant. Not every such question is found."""
    document = _read(content)
    for asked in document.asked[:MOST_QUESTIONS]:
        if _contradicts(asked, document):
            yield Fault(asked.place + "/visible-if", "never-asked", {"question": asked.key})


def map_each(value: Json, place: str = "") -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The mappings in a list, each with its place."""
    for number, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, dict):
            yield f"{place}/{number}", each


def _sections(content: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    return map_each(content.get("sections") if isinstance(content, dict) else None, "/sections")


def _read(content: Json) -> Document:
    document = Document()
    for place, section in _sections(content):
        of_section = ((f"{place}/visible-if", section["visible-if"]),) if "visible-if" in section else ()
        for where, question in map_each(section.get("questions"), f"{place}/questions"):
            if isinstance(key := question.get("key"), str):
                own = ((f"{where}/visible-if", question["visible-if"]),) if "visible-if" in question else ()
                asked = Asked(key, where, len(document.asked), question, of_section + own)
                document.asked.append(asked)
                document.by_key.setdefault(key, asked)
    return document


def _repeated(each: Iterator[tuple[str, Mapping[str, Json]]]) -> Iterator[Fault]:
    seen = set[str]()
    for place, content in each:
        if isinstance(key := content.get("key"), str):
            if key in seen:
                yield Fault(place + "/key", "repeated", {"value": key})
            seen.add(key)


def _question_faults(asked: Asked, document: Document) -> Iterator[Fault]:
    content, place = asked.content, asked.place
    for name in ("options", "defects"):
        yield from _repeated(map_each(content.get(name), f"{place}/{name}"))
    if "visible-if" in content:
        yield from _condition_faults(content["visible-if"], f"{place}/visible-if", asked.number, asked, document)
    low, high = content.get("min"), content.get("max")
    if _is_number(low) and _is_number(high) and low > high:  # type: ignore[operator]
        yield Fault(f"{place}/min", "range-empty", {"min": low, "max": high})
    photos = content.get("photos")
    rules = [(f"{place}/photos", photos)] if isinstance(photos, dict) else list(map_each(photos, f"{place}/photos"))
    for where, rule in rules:
        yield from _impossible(rule.get("when"), f"{where}/when", asked)


def _impossible(answers: Json, place: str, asked: Asked) -> Iterator[Fault]:
    """Answers that can't be given, such as an unquoted yes, which YAML reads as true."""
    allowed = asked.allowed
    told = ", ".join(allowed)
    for number, answer in enumerate(answers if isinstance(answers, list) else ()):
        if allowed and answer not in allowed:
            facts = {"question": asked.key, "value": answer, "allowed": told}
            yield Fault(f"{place}/{number}", "answer-not-an-option", facts)


def _condition_faults(condition: Json, place: str, before: int, own: Asked | None, document: Document) -> Iterator[Fault]:
    """``before`` is the number of the first question that comes too late to depend on."""
    if not isinstance(condition, dict):
        return
    for name in ("all", "any"):
        for where, each in map_each(condition.get(name), f"{place}/{name}"):
            yield from _condition_faults(dict(each), where, before, own, document)
    if "not" in condition:
        yield from _condition_faults(condition["not"], f"{place}/not", before, own, document)
    if isinstance(key := condition.get("question"), str):
        yield from _atom_faults(key, condition, place, before, own, document)


def _atom_faults(key: str, condition: Mapping[str, Json], place: str, before: int, own: Asked | None, document: Document) -> Iterator[Fault]:
    asked = document.by_key.get(key)
    if asked is None:
        yield Fault(f"{place}/question", "unknown-question", {"question": key})
    elif asked.number >= before:
        circular = own is not None and own.key in _depends_on(asked, document)
        yield Fault(f"{place}/question", "condition-in-circle" if circular else "condition-on-later", {"question": key})
    elif asked.type is not None and not _fits(condition, asked.type):
        yield Fault(f"{place}/question", "condition-does-not-fit", {"question": key, "type": asked.type.value})
    else:
        yield from _impossible(condition.get("in"), f"{place}/in", asked)


def _fits(condition: Mapping[str, Json], type: QuestionType) -> bool:
    compares = any(name in condition for name in COMPARISONS)
    if type is QuestionType.NUMBER:
        return compares and "in" not in condition
    return type in ASKABLE and not compares


def _depends_on(asked: Asked, document: Document) -> set[str]:
    """The keys of all questions on whose answers it depends, itself among them."""
    found, todo = set[str](), [asked.key]
    while todo:
        key = todo.pop()
        if key not in found:
            found.add(key)
            todo += [atom.question for condition in document.conditions_of(key) for atom in conditions.atoms(condition)]
    return found


def _conditions(asked: Asked | None) -> Iterator[Condition]:
    for _, content in asked.conditions if asked else ():
        try:
            condition = conditions.read(content)  # type: ignore[arg-type]
        except (AttributeError, KeyError, TypeError):
            continue
        if all(isinstance(atom.question, str) for atom in conditions.atoms(condition)):
            yield condition


@dataclass(slots=True)
class _Left:
    """What can still be answered to a question, once it must be answered."""

    answers: set[str]
    low: float
    high: float
    answered: bool = False

    def narrow(self, atom: Atom, *, so: bool) -> None:
        self.answered |= so
        if isinstance(atom, Answered):
            self.answers = self.answers & set(atom.values) if so else self.answers - set(atom.values)
        elif so:
            self.low = max(self.low, *(_bound(each, -math.inf) for each in (atom.at_least, atom.above)))
            self.high = min(self.high, *(_bound(each, math.inf) for each in (atom.at_most, atom.below)))
            if self.low == self.high and self.low in (atom.above, atom.below):
                self.low = math.inf

    def is_nothing(self, type: QuestionType | None) -> bool:
        if type is QuestionType.NUMBER:
            return self.low > self.high
        return self.answered and type in (QuestionType.CHOICE, QuestionType.YES_NO) and not self.answers


def _contradicts(asked: Asked, document: Document) -> bool:
    """Whether what must be answered for it to be asked can't all be so."""
    left, seen, todo = dict[str, _Left](), set[str](), [asked]
    while todo:
        each = todo.pop()
        if each.key in seen:
            continue
        seen.add(each.key)
        for atom, so in (found for condition in document.conditions_of(each.key) for found in conditions.necessary(condition)):
            other = document.by_key.get(atom.question)
            document.comparisons_left -= 1
            if document.comparisons_left < 0:
                return False
            if other is None or other.number >= each.number:
                continue
            ends = _bound(other.content.get("min"), -math.inf), _bound(other.content.get("max"), math.inf)
            left.setdefault(other.key, _Left(set(other.allowed), *ends)).narrow(atom, so=so)
            if left[other.key].is_nothing(other.type):
                return True
            if so:  # it was answered, so it was asked
                todo.append(other)
    return False


def _bound(value: Json, otherwise: float) -> float:
    return value if _is_number(value) else otherwise  # type: ignore[return-value]


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
