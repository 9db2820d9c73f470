"""Answers to any checklist, as an inspector might give them, and the photos that they demand."""

from collections.abc import Mapping
from random import Random

from registry.checklists.rules import Question, QuestionType, check_complete, is_asked, photos_missing, questions
from registry.db import Json

SEVERITIES, INTENSITIES = ("minor", "serious", "critical"), ("early", "advanced", "final")


def answered(content: Mapping[str, Json], random: Random) -> dict[str, Json]:
    """Every question that is asked, in order, answered with something that fits; now and then one that need not be answered is left out."""
    asked, answers = questions(content), dict[str, Json]()
    for question in asked:
        if question.type is not QuestionType.PHOTO and is_asked(question, answers) and (question.required or random.random() < 0.8):
            answers[question.key] = _answer(question, random)
    assert check_complete(asked, answers) == []
    return answers


def demanded(content: Mapping[str, Json], answers: Mapping[str, Json]) -> list[tuple[str, str | None]]:
    """Question, and defect when it is of one, of each photo that the answers demand."""
    asked, wanted = questions(content), list[tuple[str, str | None]]()
    while missing := photos_missing(asked, answers, _count(wanted), by_defect=_count_by_defect(wanted)):
        wanted += [(str(fault.facts["question"]), str(fault.facts["defect"]) if fault.facts.get("defect") else None) for fault in missing]
    return wanted


def _count(wanted: list[tuple[str, str | None]]) -> dict[str, int]:
    return {question: sum(each == question for each, _ in wanted) for question, _ in wanted}


def _count_by_defect(wanted: list[tuple[str, str | None]]) -> dict[tuple[str, str], int]:
    return {(question, defect): wanted.count((question, defect)) for question, defect in wanted if defect is not None}


def _answer(question: Question, random: Random) -> Json:
    if question.type is QuestionType.SEVERAL:
        return [each for each in question.allowed if random.random() < 0.5] or [question.allowed[0]]
    if question.allowed:
        return random.choice(question.allowed)
    if question.type is QuestionType.NUMBER:
        return round(random.uniform(question.minimum or 0, question.maximum or 100))
    if question.type is QuestionType.DATE:
        return f"2026-11-{random.randint(1, 25):02}"
    if question.type is QuestionType.CONDITION:
        return {"defects": [_defect(question, number, random) for number in range(random.choice((0, 1, 1, 2)))]}
    return random.choice(("In de hoek bij het raam, ± 2 m²", "Volgens bewoner sinds de winter", "n.v.t."))


def _defect(question: Question, number: int, random: Random) -> Json:
    known = {"defect": random.choice(question.defects)} if question.defects else {"description": "Scheur"}
    share = random.choice((1, 6, 12.5, 40))
    return {"key": f"d{number + 1}", **known, "severity": random.choice(SEVERITIES), "intensity": random.choice(INTENSITIES), "extentPercent": share}
