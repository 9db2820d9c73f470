"""The findings of a visit: each question with its answer in words, its score, its defects and its photos. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from registry.checklists.questions import questions
from registry.checklists.rules import follow_ups, is_asked
from registry.db import Json
from registry.inspections.model import Review
from registry.messages import Language
from registry.reports.answers import answer_in_words, defects_in_words, text_of
from registry.reports.content import Finding, Picture, Section
from registry.reports.letters import plain
from registry.reports.scale import name_of, scale_of
from registry.reports.source import Sight, SourcePhoto, Visit
from registry.reports.words import ABSENT, say, upper_first, word, written_moment

Words = dict[str, Json]
LONGEST_ALT: Final = 400
"""Characters of a text that stands for a photo; longer ones are cut, because nobody listens to the end."""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question of the checklist. ``element`` is the building element with its code, "" when it is about none."""

    key: str
    section: str
    text: str
    element: str
    content: Words


@dataclass(frozen=True, slots=True)
class Notes:
    """By question key: what the reviewer remarked, and what the checklist advises with the answers."""

    remarks: Words
    advice: Mapping[str, str]


class Pictures:
    """The photos of a visit, by the question that they belong to."""

    def __init__(self, visit: Visit, language: Language) -> None:
        self._language = language
        self._by_question: dict[str, list[SourcePhoto]] = {}
        for photo in visit.photos:
            self._by_question.setdefault(photo.question, []).append(photo)

    def of(self, key: str, alt: str) -> list[Picture]:
        return [self._picture(photo, alt) for photo in self._by_question.get(key, ())]

    def __contains__(self, key: object) -> bool:
        return key in self._by_question

    def _picture(self, photo: SourcePhoto, alt: str) -> Picture:
        caption = plain(photo.caption or "")
        taken = say("taken", self._language, moment=written_moment(photo.taken_at, self._language)) if photo.taken_at else say("taken-unknown", self._language)
        shown = photo.sight is Sight.SHOWN
        words = ". ".join(part.rstrip(". ") for part in (alt, caption, taken) if part)
        placeholder = None if shown else word(ABSENT[photo.sight.value], self._language)
        return Picture(words[:LONGEST_ALT], caption, taken if photo.sight is not Sight.DESTROYED else "", photo.file if shown else None, placeholder)


def asked_questions(visit: Visit, language: Language) -> list[AskedQuestion]:
    """The questions that were asked, given the answers, in the order of the checklist."""
    answers = visit.revision.answers
    visible = {question.key for question in questions(visit.checklist) if is_asked(question, answers)}
    return [asked for asked in _each(visit.checklist, language) if asked.key in visible or asked.key in answers]


def _each(checklist: Mapping[str, Json], language: Language) -> Iterator[AskedQuestion]:
    for section in cast("Sequence[Words]", checklist["sections"]):
        for question in cast("Sequence[Words]", section["questions"]):
            element = question.get("element")
            name = f"{element.get('code', '')} {text_of(element, language)}".strip() if isinstance(element, dict) else ""
            yield AskedQuestion(str(question["key"]), text_of(section.get("title"), language), text_of(question.get("text"), language), name, question)


def sections(visit: Visit, review: Review | None, pictures: Pictures, language: Language, *, without: str) -> tuple[Section, ...]:
    """Sections that have something to say; ``without`` is the key of a question that is shown elsewhere."""
    by_title: dict[str, list[AskedQuestion]] = {}
    for asked in asked_questions(visit, language):
        if asked.key != without and (visit.revision.answers or asked.key in pictures):
            by_title.setdefault(asked.section, []).append(asked)
    notes = Notes(review.questions if review is not None else {}, _advice(visit, language))
    return tuple(
        Section(title, tuple(_finding(f"{place}.{number}", asked, visit, notes, pictures, language) for number, asked in enumerate(group, 1)))
        for place, (title, group) in enumerate(by_title.items(), 1)
    )


def _advice(visit: Visit, language: Language) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for follow_up in follow_ups(visit.checklist, visit.revision.answers):
        found.setdefault(follow_up.question, []).append(upper_first(plain(follow_up.nl if language == "nl" else follow_up.en)))
    return {key: "\n".join(dict.fromkeys(advice)) for key, advice in found.items()}


def _finding(number: str, asked: AskedQuestion, visit: Visit, notes: Notes, pictures: Pictures, language: Language) -> Finding:
    answer = visit.revision.answers.get(asked.key)
    score = visit.scores.by_question.get(asked.key)
    said = list(answer_in_words(asked.content, answer, language))
    if score is not None:
        said.insert(0, say("scored", language, score=score.score, name=name_of(score.score, language)))
    shown = tuple(pictures.of(asked.key, alt_of(asked.text, language)))
    if not said and not shown:
        said = [say("no-photos", language)]
    return Finding(
        number=number,
        question=asked.text,
        answer=tuple(said),
        answered=answer is not None or bool(shown),
        scale=scale_of(score.score, language) if score else None,
        defects=defects_in_words(asked.content, answer, language),
        advice=notes.advice.get(asked.key),
        review=plain(str(notes.remarks[asked.key])) if notes.remarks.get(asked.key) else None,
        pictures=shown,
    )


def alt_of(question: str, language: Language) -> str:
    return say("photo-alt", language, question=question)
