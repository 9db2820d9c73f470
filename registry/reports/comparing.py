"""Before and after: the same question in the baseline and in the completion, side by side. Pure."""

from typing import Final

from registry.messages import Language
from registry.reports.answers import answer_in_words
from registry.reports.content import Comparison, Moment
from registry.reports.finding import AskedQuestion, Pictures, alt_of, asked_questions
from registry.reports.scale import name_of, scale_of
from registry.reports.source import Visit
from registry.reports.words import say, written_date

MOST_PICTURES: Final = 3
"""On each side of one question, which then fits on a page; all of them stand with the findings of their own report."""


def comparisons(before: Visit, after: Visit, pictures: Pictures, language: Language, *, without: str) -> tuple[Comparison, ...]:
    """Of the questions that both visits answered or photographed, those that have a photo, a score or another answer to show."""
    former, earlier = Pictures(before, language), {asked.key: asked for asked in asked_questions(before, language)}
    found = []
    for asked in asked_questions(after, language):
        if asked.key == without or asked.key not in earlier:
            continue
        sides = (_moment("before", before, earlier[asked.key], former, language), _moment("after", after, asked, pictures, language))
        if _worth_showing(*sides):
            found.append(Comparison(asked.text, *sides))
    return tuple(found)


def _worth_showing(before: Moment, after: Moment) -> bool:
    return (before.answer != after.answer) or bool(before.pictures or after.pictures) or bool(before.scale and after.scale)


def _moment(side: str, visit: Visit, asked: AskedQuestion, pictures: Pictures, language: Language) -> Moment:
    score = visit.scores.by_question.get(asked.key)
    said = list(answer_in_words(asked.content, visit.revision.answers.get(asked.key), language))
    if score is not None:
        said.insert(0, say("scored", language, score=score.score, name=name_of(score.score, language)))
    title = say(side, language, date=written_date(visit.visited_on, language))
    shown = [each for each in pictures.of(asked.key, f"{title}. {alt_of(asked.text, language)}") if each.file]
    return Moment(title, tuple(said), scale_of(score.score, language) if score else None, tuple(shown[:MOST_PICTURES]))
