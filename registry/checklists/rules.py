"""What a checklist is made of, and whether answers fit it. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import cast

from registry.db import Json
from registry.errors import Fault, pointer


class QuestionType(StrEnum):
    CHOICE = "choice"
    SEVERAL = "several"
    YES_NO = "yes-no"
    """Answers yes, no, not-applicable."""
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    PHOTO = "photo"


YES_NO = ("yes", "no", "not-applicable")
LONGEST_TEXT = 4000
"""Characters in the answer to a text question."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``asked_if`` names another question and the answers that make this one visible."""

    key: str
    type: QuestionType
    required: bool
    options: tuple[str, ...]
    asked_if: tuple[str, tuple[str, ...]] | None
    minimum: float | None
    maximum: float | None
    photos_min: int
    photos_when: tuple[str, ...] | None


def digest(content: Mapping[str, Json]) -> bytes:
    """The sha256 of the canonical JSON of a checklist: what is frozen when it is published."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()


def questions(content: Mapping[str, Json]) -> list[Question]:
    """The questions of a checklist in order. Raises KeyError, ValueError when it is not one: see `faults_in`."""
    sections = cast("Sequence[Mapping[str, Json]]", content["sections"])
    return [_question(cast("Mapping[str, Json]", each)) for section in sections for each in cast("Sequence[Json]", section["questions"])]


def _question(content: Mapping[str, Json]) -> Question:
    options = cast("Sequence[Mapping[str, str]]", content.get("options", ()))
    condition = cast("Mapping[str, Json] | None", content.get("visible-if"))
    photos = cast("Mapping[str, Json]", content.get("photos", {}))
    when = cast("Sequence[str] | None", photos.get("when"))
    type = QuestionType(cast("str", content["type"]))
    return Question(
        key=cast("str", content["key"]),
        type=type,
        required=bool(content.get("required", False)),
        options=tuple(option["key"] for option in options),
        asked_if=(cast("str", condition["question"]), tuple(cast("Sequence[str]", condition["in"]))) if condition else None,
        minimum=cast("float | None", content.get("min")),
        maximum=cast("float | None", content.get("max")),
        photos_min=cast("int", photos.get("min", 1 if type is QuestionType.PHOTO and content.get("required") else 0)),
        photos_when=tuple(when) if when is not None else None,
    )


def faults_in(content: Mapping[str, Json]) -> list[Fault]:
    """What is wrong with a checklist as a document: missing parts, repeated keys, conditions on questions that don't come before."""
    try:
        found = questions(content)
        str(content["key"]), int(cast("int", content["edition"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [Fault("", "wrong-form", {"form": f"checklist: {error}"})]
    faults, seen = [], dict[str, Question]()
    for question in found:
        if question.key in seen:
            faults.append(Fault(pointer(question.key), "repeated", {"value": question.key}))
        if question.asked_if and question.asked_if[0] not in seen:
            faults.append(Fault(pointer(question.key), "unknown-question", {"question": question.asked_if[0]}))
        else:
            faults += _strange_answers(question, seen)
        seen[question.key] = question
    return faults


def _strange_answers(question: Question, before: Mapping[str, Question]) -> list[Fault]:
    """Conditions on answers that can't be given, such as an unquoted yes, which YAML reads as true."""
    conditions = [(question, question.photos_when or ())]
    if question.asked_if:
        conditions.append((before[question.asked_if[0]], question.asked_if[1]))
    return [
        Fault(pointer(question.key), "answer-not-an-option", {"question": asked.key, "value": answer, "allowed": ", ".join(_options(asked))})
        for asked, answers in conditions
        if _options(asked)
        for answer in answers
        if answer not in _options(asked)
    ]


def _options(question: Question) -> tuple[str, ...]:
    return YES_NO if question.type is QuestionType.YES_NO else question.options


def check_answers(asked: Sequence[Question], answers: Mapping[str, Json]) -> list[Fault]:
    """What is wrong with the answers given so far; unanswered questions are no fault yet."""
    by_key = {question.key: question for question in asked}
    faults = [Fault(pointer("answers", key), "unknown-question", {"question": key}) for key in answers if key not in by_key]
    for question in asked:
        if question.key in answers:
            faults += _check_answer(question, answers[question.key])
    return faults


def check_complete(asked: Sequence[Question], answers: Mapping[str, Json]) -> list[Fault]:
    """All that keeps the answers from being submitted. Missing photos are not among it: they may still be under way."""
    faults = check_answers(asked, answers)
    for question in asked:
        visible = is_asked(question, answers)
        if question.key in answers and not visible:
            faults.append(Fault(pointer("answers", question.key), "question-not-asked", {"question": question.key}))
        elif question.key not in answers and visible and question.required and question.type is not QuestionType.PHOTO:
            faults.append(Fault(pointer("answers", question.key), "answer-required", {"question": question.key}))
    return faults


def photos_missing(asked: Sequence[Question], answers: Mapping[str, Json], photos: Mapping[str, int]) -> list[Fault]:
    """The questions that have fewer photos than their answer demands. ``photos`` counts them by question."""
    demanded = ((question, _photos_demanded(question, answers)) for question in asked)
    return [
        Fault(pointer("answers", question.key), "photos-missing", {"question": question.key, "declared": photos.get(question.key, 0), "min": least})
        for question, least in demanded
        if photos.get(question.key, 0) < least
    ]


def is_asked(question: Question, answers: Mapping[str, Json]) -> bool:
    if question.asked_if is None:
        return True
    key, values = question.asked_if
    return any(value in values for value in _given(answers.get(key)))


def _photos_demanded(question: Question, answers: Mapping[str, Json]) -> int:
    if not is_asked(question, answers):
        return 0
    if question.photos_when is None:
        return question.photos_min
    return question.photos_min if any(value in question.photos_when for value in _given(answers.get(question.key))) else 0


def _given(answer: Json) -> Iterator[Json]:
    yield from answer if isinstance(answer, list) else (answer,)


def _check_answer(question: Question, answer: Json) -> list[Fault]:
    place, facts = pointer("answers", question.key), {"question": question.key, "type": question.type.value}
    if not _fits(question.type, answer):
        return [Fault(place, "answer-wrong-type", facts)]
    allowed = _options(question)
    if question.type in (QuestionType.CHOICE, QuestionType.SEVERAL, QuestionType.YES_NO):
        wrong = [value for value in _given(answer) if value not in allowed]
        return [Fault(place, "answer-not-an-option", {**facts, "value": value, "allowed": ", ".join(allowed)}) for value in wrong]
    if question.type is QuestionType.NUMBER:
        low, high, number = question.minimum, question.maximum, cast("float", answer)
        if (low is not None and number < low) or (high is not None and number > high):
            return [Fault(place, "answer-out-of-range", {**facts, "min": low, "max": high})]
    return []


def _fits(type: QuestionType, answer: Json) -> bool:
    if type is QuestionType.SEVERAL:
        return isinstance(answer, list) and all(isinstance(each, str) for each in answer)
    if type is QuestionType.NUMBER:
        return isinstance(answer, int | float) and not isinstance(answer, bool)
    if type is QuestionType.PHOTO:
        return False
    if type is QuestionType.DATE:
        return isinstance(answer, str) and _is_date(answer)
    return isinstance(answer, str) and len(answer) <= LONGEST_TEXT


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
