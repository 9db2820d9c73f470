"""Whether answers fit a checklist, what of them is still missing, and what they advise. Pure."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from registry.checklists.conditions import given, holds
from registry.checklists.content import faults_in as faults_in
from registry.checklists.questions import CHOSEN
from registry.checklists.questions import Question as Question
from registry.checklists.questions import QuestionType as QuestionType
from registry.checklists.questions import questions as questions
from registry.db import Json
from registry.errors import Fault, pointer
from registry.nen2767 import answers as nen2767

LONGEST_TEXT = 4000
"""Characters in the answer to a text question."""
MOST_TOLD = 20
"""Wrong ones among several answers that are named."""


def digest(content: Mapping[str, Json]) -> bytes:
    """The sha256 of the canonical JSON of a checklist: what is frozen when it is published."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()


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


def is_asked(question: Question, answers: Mapping[str, Json]) -> bool:
    return question.asked_if is None or holds(question.asked_if, answers)


def photos_missing(
    asked: Sequence[Question], answers: Mapping[str, Json], photos: Mapping[str, int], by_defect: Mapping[tuple[str, str], int] | None = None
) -> list[Fault]:
    """The questions, and the defects in their answers, that have fewer photos than demanded.

    ``photos`` counts them by question, ``by_defect`` by question and key of the defect; without the latter a question needs as many as its defects
    together.
    """
    faults = []
    for question in asked:
        if not is_asked(question, answers):
            continue
        defects = list(_defects(question, answers)) if question.photos_per_defect else []
        together = 0 if by_defect is not None else question.photos_per_defect * len(defects)
        least, declared = max(_demanded(question, answers), together), photos.get(question.key, 0)
        if declared < least:
            facts = {"question": question.key, "declared": declared, "min": least}
            faults.append(Fault(pointer("answers", question.key), "photos-missing", facts))
        if by_defect is not None:
            faults += _defects_without_photos(question, defects, by_defect)
    return faults


def _defects_without_photos(question: Question, defects: Sequence[tuple[int, str]], by_defect: Mapping[tuple[str, str], int]) -> Iterator[Fault]:
    for place, key in defects:
        declared = by_defect.get((question.key, key), 0)
        if declared < question.photos_per_defect:
            facts = {"question": question.key, "defect": key, "declared": declared, "min": question.photos_per_defect}
            yield Fault(pointer("answers", question.key, "defects", place), "defect-photos-missing", facts)


def _defects(question: Question, answers: Mapping[str, Json]) -> Iterator[tuple[int, str]]:
    """Place and key of each defect in the answer."""
    answer = answers.get(question.key)
    defects = answer.get("defects") if isinstance(answer, dict) else None
    for place, defect in enumerate(defects if isinstance(defects, list) else ()):
        if isinstance(defect, dict) and isinstance(key := defect.get("key"), str):
            yield place, key


def _demanded(question: Question, answers: Mapping[str, Json]) -> int:
    applying = [rule.minimum for rule in question.photos if rule.when is None or any(value in rule.when for value in given(answers.get(question.key)))]
    return max(applying, default=0)


def _check_answer(question: Question, answer: Json) -> list[Fault]:
    place, facts = pointer("answers", question.key), {"question": question.key, "type": question.type.value}
    if question.type is QuestionType.CONDITION:
        return [fault.below(place) for fault in nen2767.check(answer, question.defects)]
    if not _fits(question.type, answer):
        return [Fault(place, "answer-wrong-type", facts)]
    if question.type in CHOSEN:
        return _check_chosen(question, list(given(answer)))
    return _check_number(question, cast("float", answer)) if question.type is QuestionType.NUMBER else []


def _check_chosen(question: Question, chosen: Sequence[Json]) -> list[Fault]:
    place, allowed = pointer("answers", question.key), ", ".join(question.allowed)
    times = Counter(cast("Sequence[str]", chosen))
    wrong = [value for value in times if value not in question.allowed][:MOST_TOLD]
    twice = [value for value, number in times.items() if number > 1 and value in question.allowed]
    facts = {"question": question.key, "type": question.type.value, "allowed": allowed}
    return [
        *(Fault(place, "answer-not-an-option", {**facts, "value": value}) for value in wrong),
        *(Fault(place, "repeated", {"value": value}) for value in twice),
    ]


def _check_number(question: Question, number: float) -> list[Fault]:
    place, low, high = pointer("answers", question.key), question.minimum, question.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return [Fault(place, "answer-out-of-range", {"question": question.key, "min": "…" if low is None else low, "max": "…" if high is None else high})]
    if question.decimals is not None and decimals_of(number) > question.decimals:
        return [Fault(place, "answer-too-precise", {"question": question.key, "decimals": question.decimals})]
    return []


def decimals_of(number: float) -> int:
    """How many digits a JSON number has after the point, as it was written: 0.10 has one."""
    exact = nen2767.number(number) if isinstance(number, float) else None
    exponent = exact.normalize().as_tuple().exponent if exact is not None else 0
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _fits(type: QuestionType, answer: Json) -> bool:
    match type:
        case QuestionType.SEVERAL:
            return isinstance(answer, list) and all(isinstance(each, str) for each in answer)
        case QuestionType.NUMBER:
            return (isinstance(answer, int) and not isinstance(answer, bool)) or (isinstance(answer, float) and math.isfinite(answer))
        case QuestionType.PHOTO:
            return False
        case QuestionType.DATE:
            return isinstance(answer, str) and _is_date(answer)
        case _:
            return isinstance(answer, str) and len(answer) <= LONGEST_TEXT


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What the checklist advises with an answer."""

    question: str
    answer: str
    nl: str
    en: str


def follow_ups(content: Mapping[str, Json], answers: Mapping[str, Json]) -> Iterator[FollowUp]:
    """The advice that goes with the answers, in the order of the questions."""
    for question, asked in zip(_raw_questions(content), questions(content), strict=True):
        for value in given(answers.get(asked.key)) if is_asked(asked, answers) else ():
            advice = _advice(question, value)
            if advice is not None:
                yield FollowUp(asked.key, cast("str", value), advice["nl"], advice["en"])


def _advice(question: Mapping[str, Json], value: Json) -> Mapping[str, str] | None:
    own = question.get("follow-up")
    if isinstance(own, dict) and isinstance(value, str) and value in own:
        return cast("Mapping[str, str]", own[value])
    options = cast("Sequence[Mapping[str, Json]]", question.get("options", ()))
    return next((cast("Mapping[str, str]", option["follow-up"]) for option in options if option["key"] == value and "follow-up" in option), None)


def _raw_questions(content: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    for section in cast("Sequence[Mapping[str, Json]]", content["sections"]):
        yield from cast("Sequence[Mapping[str, Json]]", section["questions"])
