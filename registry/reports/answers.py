"""An answer in words, by its question in the checklist. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import cast

from registry.db import Json
from registry.messages import Language, Text
from registry.nen2767.method import EXTENTS, INTENSITIES, SEVERITIES, Extent, extent_of
from registry.reports.content import DefectLine
from registry.reports.letters import plain
from registry.reports.words import YES_NO, say, upper_first, word, written_date, written_number

Words = dict[str, Json]


def text_of(words: Json, language: Language) -> str:
    """A text of a checklist: in the language, or in the other when it has just that one."""
    if isinstance(words, str):
        return plain(words)
    if not isinstance(words, dict):
        return ""
    return plain(str(words.get(language) or words.get("nl") or words.get("en") or ""))


def answer_in_words(question: Words, answer: Json, language: Language) -> tuple[str, ...]:
    """One line for each part of the answer. What the question does not foresee is shown as it was given."""
    kind = question.get("type")
    if answer is None:
        return () if kind == "photo" else (say("no-answer", language),)
    if kind in ("choice", "several"):
        return tuple(_option(question, each, language) for each in (answer if isinstance(answer, list) else [answer]))
    if kind == "yes-no" and answer in YES_NO:
        return (word(YES_NO[cast("str", answer)], language),)
    if kind == "number" and isinstance(answer, int | float) and not isinstance(answer, bool):
        return (_with_unit(written_number(answer, language), question.get("unit"), language),)
    if kind == "date" and isinstance(answer, str):
        return (_date(answer, language),)
    if kind == "condition" and isinstance(answer, dict):
        return (_condition(answer, language),)
    return (plain(str(answer)),)


def defects_in_words(question: Words, answer: Json, language: Language) -> tuple[DefectLine, ...]:
    """A line for each defect in the answer to a condition question."""
    return tuple(_defect(question, each, language) for each in _defects(answer) if isinstance(each, dict))


def _defects(answer: Json) -> Sequence[Json]:
    found = answer.get("defects") if isinstance(answer, dict) else None
    return found if isinstance(found, list) else ()


def _condition(answer: Words, language: Language) -> str:
    if answer.get("notPresent") is True:
        return say("not-present", language)
    count = len(_defects(answer))
    return say("no-defects", language) if not count else say("one-defect", language) if count == 1 else say("defects", language, count=count)


def _defect(question: Words, defect: Words, language: Language) -> DefectLine:
    listed = {str(each.get("key")): each for each in _listed(question, "defects")}
    name = text_of(listed[str(defect["defect"])], language) if str(defect.get("defect")) in listed else ""
    told = " – ".join(part for part in (name, plain(str(defect.get("description") or ""))) if part)
    severities, intensities = {each.value: text for each, text in SEVERITIES.items()}, {each.value: text for each, text in INTENSITIES.items()}
    return DefectLine(
        name=told or say("unnamed-defect", language),
        severity=_among(severities, defect.get("severity"), language),
        intensity=_among(intensities, defect.get("intensity"), language),
        extent=_extent(defect, language),
    )


def _among(words: Mapping[str, Text], given: Json, language: Language) -> str:
    return upper_first(word(words[given], language)) if isinstance(given, str) and given in words else "–"


def _extent(defect: Words, language: Language) -> str:
    percent, extent = defect.get("extentPercent"), defect.get("extent")
    if isinstance(percent, int | float):
        share = Decimal(repr(percent))
        return say("extent-percent", language, percent=written_number(share, language), name=word(EXTENTS[extent_of(share)], language))
    return upper_first(word(EXTENTS[Extent(extent)], language)) if isinstance(extent, int) and extent in list(Extent) else "–"


def _option(question: Words, given: Json, language: Language) -> str:
    options = {str(each.get("key")): each for each in _listed(question, "options")}
    return text_of(options[str(given)], language) if str(given) in options else plain(str(given))


def _listed(question: Words, name: str) -> list[Words]:
    found = question.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _with_unit(number: str, unit: Json, language: Language) -> str:
    return f"{number} {text_of(unit, language)}" if unit else number


def _date(text: str, language: Language) -> str:
    try:
        return written_date(date.fromisoformat(text), language)
    except ValueError:
        return plain(text)
