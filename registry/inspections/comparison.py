"""Before and after: what two inspections of one dwelling found, question by question."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.checklists.model import Checklist
from registry.checklists.questions import Question, questions
from registry.db import Json
from registry.errors import Fault, NotFound, RuleViolation
from registry.inspections import own_photos, queries, scores
from registry.inspections.clocks import corrected
from registry.inspections.model import FROZEN, Inspection, InspectionStatus, Occasion
from registry.inspections.scores import Scores


class NothingToCompare(NotFound):
    """No earlier baseline of this dwelling was submitted."""

    code = "nothing-to-compare"


class Trend(StrEnum):
    """Which way a condition score went. Lower is better."""

    IMPROVED = "improved"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Visit:
    """One side. ``score`` is the condition score of the whole dwelling."""

    inspection_id: UUID
    occasion: Occasion
    status: InspectionStatus
    checklist_id: UUID
    visited_at: datetime | None
    submitted_at: datetime | None
    score: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What one visit found at one question. ``answer`` is None when it has none; ``photo_ids`` are those that can be shown."""

    answer: Json
    score: int | None
    photo_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One question that both checklists have. ``text`` is by language, as the later one words it; ``trend`` is known when both have a condition score."""

    question: str
    text: Mapping[str, str]
    before: Found
    after: Found
    changed: bool
    trend: Trend | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``only_before`` and ``only_after`` are keys of questions that one of the checklists has."""

    dwelling_id: UUID
    before: Visit
    after: Visit
    trend: Trend | None
    pairs: tuple[Pair, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def pairs(session: Session, actor: Actor, inspection_id: UUID, with_id: UUID | None = None) -> Comparison:
    """An inspection beside another one of the same dwelling: ``with_id``, or the newest baseline before it that was submitted.

    Raises NotAllowed, NotFound, NothingToCompare, RuleViolation (the other one is of another dwelling, or the same).
    """
    inspection = queries.get(session, actor, inspection_id)
    other = baseline_before(session, actor, inspection) if with_id is None else queries.get(session, actor, with_id)
    if other.dwelling_id != inspection.dwelling_id or other.id == inspection.id:
        raise RuleViolation([Fault("with", "not-comparable")])
    before, after = sorted((other, inspection), key=_moment)
    return _compare(session, before, after)


def baseline_before(session: Session, actor: Actor, inspection: Inspection) -> Inspection:
    """The newest baseline of the dwelling before it that was submitted, of those that the actor sees. Raises NothingToCompare."""
    ahead = sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.func.coalesce(Inspection.clock_skew_ms, 0) / 1000.0)
    moment = sa.func.least(Inspection.visited_at - ahead, Inspection.submitted_at)
    frozen = Inspection.status.in_(FROZEN)
    query = (
        sa.select(Inspection)
        .where(Inspection.dwelling_id == inspection.dwelling_id, Inspection.occasion == Occasion.BASELINE, frozen, queries.visible_to(actor))
        .where(Inspection.id != inspection.id, moment <= _moment(inspection))
        .order_by(moment.desc(), Inspection.id.desc())
        .limit(1)
    )
    found = session.scalar(query)
    if found is None:
        raise NothingToCompare(what="baseline", id=inspection.dwelling_id)
    return found


def _moment(inspection: Inspection) -> datetime:
    """When the visit was, by the register's clock and not after it was submitted; for one that was not made yet, when the register last heard of it."""
    known = (corrected(inspection.visited_at, inspection.clock_skew_ms or 0), inspection.submitted_at)
    return min((moment for moment in known if moment is not None), default=inspection.recorded_at)


def _compare(session: Session, before: Inspection, after: Inspection) -> Comparison:
    checklists = session.scalars(sa.select(Checklist).where(Checklist.id.in_({before.checklist_id, after.checklist_id})))
    contents = {checklist.id: checklist.content for checklist in checklists}
    asked = {each.id: {question.key: question for question in questions(contents[each.checklist_id])} for each in (before, after)}
    texts = _texts(contents[after.checklist_id])
    photos, scored = own_photos.in_sight(session, (before.id, after.id)), scores.current(session, (before.id, after.id))
    finder = _Finder(photos, scored)
    former, latter = (_visit(each, scored.get(each.id)) for each in (before, after))
    both = [question for key, question in asked[after.id].items() if key in asked[before.id]]
    return Comparison(
        dwelling_id=after.dwelling_id,
        before=former,
        after=latter,
        trend=_trend(former.score, latter.score),
        pairs=tuple(_pair(question, texts.get(question.key, {}), finder.of(before, question.key), finder.of(after, question.key)) for question in both),
        only_before=tuple(key for key in asked[before.id] if key not in asked[after.id]),
        only_after=tuple(key for key in asked[after.id] if key not in asked[before.id]),
    )


@dataclass(frozen=True, slots=True)
class _Finder:
    photos: Mapping[tuple[UUID, str], tuple[UUID, ...]]
    scored: Mapping[UUID, Scores]

    def of(self, inspection: Inspection, question: str) -> Found:
        score = self.scored[inspection.id].by_question.get(question) if inspection.id in self.scored else None
        return Found(inspection.answers.get(question), score.score if score else None, self.photos.get((inspection.id, question), ()))


def _visit(inspection: Inspection, scored: Scores | None) -> Visit:
    score = scored.whole.score if scored and scored.whole else None
    return Visit(inspection.id, inspection.occasion, inspection.status, inspection.checklist_id, inspection.visited_at, inspection.submitted_at, score)


def _pair(question: Question, text: Mapping[str, str], before: Found, after: Found) -> Pair:
    return Pair(question.key, text, before, after, before.answer != after.answer, _trend(before.score, after.score))


def _trend(before: int | None, after: int | None) -> Trend | None:
    if before is None or after is None:
        return None
    return Trend.SAME if before == after else Trend.IMPROVED if after < before else Trend.WORSE


def _texts(content: Mapping[str, Json]) -> dict[str, Mapping[str, str]]:
    sections = cast("list[dict[str, list[dict[str, Json]]]]", content["sections"])
    return {cast("str", each["key"]): cast("dict[str, str]", each.get("text", {})) for section in sections for each in section["questions"]}
