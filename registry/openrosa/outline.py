"""What of a checklist an XForm has to say, and what it can't. Pure.

The form and the reading of what was filled in are both made from this outline, so that they agree.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from registry.checklists import conditions
from registry.checklists.conditions import Answered, Compared, Condition, Every, Not, Some
from registry.checklists.questions import YES_NO, Question, QuestionType, questions
from registry.db import Json
from registry.errors import Fault, pointer

FORM_ID: Final = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)-([1-9][0-9]{0,8})")
"""Key and edition of a checklist: each edition is a form of its own, because an inspection is planned with one edition and Collect hides older versions."""
NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""What can be the name of an XML element and a step of an XPath."""
VALUE: Final = re.compile(r"[^\s'\"<>&]+")
"""What can stand among several answers, which are separated by spaces, and in a literal of XPath."""
_ILLEGAL: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PHOTO_PLACES: Final = 5
"""Pictures that can be taken with one question when its rules don't ask for more."""
MOST_PLACES: Final = 50
DEFECT_PLACES: Final = 2
MOST_PARTS: Final = 100
"""Of one condition, with those of the questions that it looks at: XPath has to repeat them, so that two by two they double with each question."""
_NO_VALUE: Final = (QuestionType.CONDITION, QuestionType.PHOTO)
"""Types whose answers no condition can look at."""
_KNOWN: Final = {
    "": frozenset({"key", "edition", "title", "sections", "description"}),
    "section": frozenset({"key", "title", "text", "questions", "visible-if"}),
    "question": frozenset(
        {"key", "type", "required", "text", "hint", "options", "visible-if", "photos", "min", "max", "decimals", "unit"}
        | {"element", "replacement-value", "defects", "follow-up"}
    ),
    "photos": frozenset({"min", "when", "per-defect"}),
}
"""Parts of a checklist that the outline knows what to do with. One that is not here may mean something that a form would not do."""

Texts = Mapping[str, str]
"""By language: nl, en."""
YES_NO_TEXTS: Final[Mapping[str, Texts]] = {
    "yes": {"nl": "Ja", "en": "Yes"},
    "no": {"nl": "Nee", "en": "No"},
    "not-applicable": {"nl": "Niet van toepassing", "en": "Not applicable"},
}


@dataclass(frozen=True, slots=True)
class Option:
    """``advice`` is shown to whoever chooses it."""

    key: str
    text: Texts
    advice: Texts | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its words. ``section`` is the name of the group in which it stands."""

    question: Question
    section: str
    text: Texts
    hint: Texts | None
    options: tuple[Option, ...]
    defects: tuple[Option, ...]
    unit: str | None

    @property
    def key(self) -> str:
        return self.question.key

    @property
    def places(self) -> int:
        """How many pictures can be taken with it, beside those of its defects. None where nothing asks for them, to keep the form short."""
        demanded = [rule.minimum for rule in self.question.photos]
        if not demanded and self.question.type is not QuestionType.PHOTO:
            return 0
        return min(max([PHOTO_PLACES, *demanded]), MOST_PLACES)


@dataclass(frozen=True, slots=True)
class Section:
    """``about`` stands above its questions."""

    name: str
    title: Texts
    about: Texts | None
    questions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    form_id: str
    title: Texts
    sections: tuple[Section, ...]

    @property
    def questions(self) -> Iterator[Asked]:
        for section in self.sections:
            yield from section.questions


def form_id(key: str, edition: int) -> str:
    return f"{key}-{edition}"


def why_not(content: Mapping[str, Json]) -> list[Fault]:
    """What of a checklist no form for ODK Collect or Enketo can express; a checklist with such a part is not offered to them. Pointers go into it.

    ``content`` is a checklist without faults (`checklists.rules.faults_in`).
    """
    faults = list(_unknown("", content))
    if not FORM_ID.fullmatch(form_id(cast("str", content["key"]), cast("int", content["edition"]))):
        faults.append(_can_not("/key", content["key"]))
    asked = iter(questions(content))
    types = {question.key: question.type for question in questions(content)}
    sizes = _sizes(questions(content))
    for place, section in enumerate(_maps(content["sections"])):
        here = pointer("sections", place)
        found = [*_unknown("section", section), *_unnameable("/key", _name(place, section))]
        for number, raw in enumerate(_maps(section["questions"])):
            question = next(asked)
            within = [*_question_faults(raw, question, types), *([_can_not("/visible-if", question.key)] if sizes[question.key] > MOST_PARTS else [])]
            found += [fault.below(pointer("questions", number)) for fault in within]
        faults += [fault.below(here) for fault in found]
    return faults


def _sizes(asked: Sequence[Question]) -> dict[str, int]:
    """Of how many parts the condition of each question consists."""
    found: dict[str, int] = {}
    for question in asked:
        found[question.key] = 0 if question.asked_if is None else _size(question.asked_if, found)
    return found


def _size(condition: Condition, sizes: Mapping[str, int]) -> int:
    match condition:
        case Every(of) | Some(of):
            return 1 + sum(_size(each, sizes) for each in of)
        case Not(of):
            return 1 + _size(of, sizes)
        case Answered(question) | Compared(question):
            return 1 + sizes[question]


def _question_faults(raw: Mapping[str, Json], question: Question, types: Mapping[str, QuestionType]) -> Iterator[Fault]:
    yield from _unknown("question", raw)
    yield from _unnameable("/key", question.key)
    for list_, keys in (("options", question.options), ("defects", question.defects)):
        yield from (_can_not(pointer(list_, place, "key"), key) for place, key in enumerate(keys) if not VALUE.fullmatch(key))
    for atom in conditions.atoms(question.asked_if) if question.asked_if else ():
        values = atom.values if isinstance(atom, Answered) else ()
        yield from (_can_not("/visible-if", value) for value in values if not VALUE.fullmatch(value))
        if types[atom.question] in _NO_VALUE:
            yield _can_not("/visible-if", atom.question)
    rules = raw.get("photos", [])
    for rule in [rules] if isinstance(rules, dict) else _maps(rules):
        yield from (fault.below("/photos") for fault in _unknown("photos", rule))
    for rule_ in question.photos:
        if rule_.minimum > MOST_PLACES:
            yield _can_not("/photos", f"min: {rule_.minimum}")
        if rule_.when is not None and question.type in _NO_VALUE:
            yield _can_not("/photos", "when")
    if question.photos_per_defect > MOST_PLACES:
        yield _can_not("/photos", f"per-defect: {question.photos_per_defect}")


def _unknown(part: str, content: Mapping[str, Json]) -> Iterator[Fault]:
    yield from (_can_not(pointer(name), name) for name in content if name not in _KNOWN[part])


def _unnameable(where: str, name: str) -> list[Fault]:
    return [] if NAME.fullmatch(name) else [_can_not(where, name)]


def _can_not(where: str, part: object) -> Fault:
    return Fault(where, "not-in-a-form", {"part": part})


def outline(content: Mapping[str, Json]) -> Outline:
    """``content`` is a checklist of which a form can express everything (`why_not`)."""
    asked = iter(questions(content))
    sections = []
    for place, section in enumerate(_maps(content["sections"])):
        name = _name(place, section)
        within = tuple(_asked(next(asked), name, raw) for raw in _maps(section["questions"]))
        about = _texts(section["text"]) if section.get("text") else None
        sections.append(Section(name, _texts(section.get("title", name)), about, within))
    identity = form_id(cast("str", content["key"]), cast("int", content["edition"]))
    return Outline(identity, _texts(content.get("title", identity)), tuple(sections))


def _name(place: int, section: Mapping[str, Json]) -> str:
    return str(section.get("key") or f"section-{place + 1}")


def _asked(question: Question, section: str, raw: Mapping[str, Json]) -> Asked:
    own = cast("Mapping[str, Json]", raw.get("follow-up", {}))
    yes_no: Sequence[Mapping[str, Json]] = [{"key": key, **YES_NO_TEXTS[key]} for key in YES_NO]
    chosen = yes_no if question.type is QuestionType.YES_NO else _maps(raw.get("options", []))
    unit = cast("str | None", raw.get("unit"))
    return Asked(
        question=question,
        section=section,
        text=_texts(raw.get("text") or raw.get("element") or question.key),
        hint=_texts(raw["hint"]) if raw.get("hint") else None,
        options=tuple(_option(option, own) for option in chosen),
        defects=tuple(_option(option, {}) for option in _maps(raw.get("defects", []))),
        unit=None if unit is None else legal(unit),
    )


def _option(option: Mapping[str, Json], own: Mapping[str, Json]) -> Option:
    key = str(option["key"])
    advice = own.get(key) or option.get("follow-up")
    return Option(key, _texts(option), _texts(advice) if advice else None)


def _texts(given: Json | Mapping[str, Json]) -> Texts:
    if isinstance(given, Mapping):
        nl, en = given.get("nl"), given.get("en")
        return {"nl": legal(str(nl or en)), "en": legal(str(en or nl))}
    return {"nl": legal(str(given)), "en": legal(str(given))}


def legal(text: str) -> str:
    """Without the characters that XML 1.0 can't hold."""
    return _ILLEGAL.sub(" ", text)


def _maps(content: Json) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", content)
