"""Condition scores of what was submitted: of each building element, and of the whole dwelling (docs/nen2767.md).

They follow from the answers and are never typed in. Rows are only added: another method adds its own beside those of the former one, and the newest row of
a revision counts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.checklists.queries import questions_of
from registry.checklists.questions import Question, QuestionType
from registry.checklists.rules import is_asked
from registry.db import Json
from registry.dwellings.model import Dwelling
from registry.inspections.model import ConditionScore, Inspection, InspectionRevision, VisitOutcome
from registry.nen2767.answers import check, score_answer
from registry.nen2767.method import CURRENT, Method
from registry.nen2767.rules import PartScore, aggregate


class Unscored(StrEnum):
    """Why an element of the checklist has no score."""

    NOT_ANSWERED = "not-answered"
    NOT_PRESENT = "not-present"
    FAULTY = "faulty"
    """Its answer is not a condition answer; submission refuses those, so it is older than that rule."""


@dataclass(frozen=True, slots=True)
class Score:
    """A row to be: of one element, or of the whole dwelling when ``question`` is None."""

    question: str | None
    score: int
    index: Decimal | None
    details: dict[str, Json]


@dataclass(slots=True)
class Scores:
    """The scores of one inspection that count now."""

    whole: ConditionScore | None = None
    by_question: dict[str, ConditionScore] = field(default_factory=dict)


def record(session: Session, revision: InspectionRevision, *, method: Method = CURRENT) -> list[Score]:
    """Score a revision as it is submitted, in that transaction. What was scored with this method already stays as it is."""
    scores = compute(questions_of(session, revision.checklist_id), revision, method)
    insert(session, [(revision, scores)], method)
    return scores


def current(session: Session, inspection_ids: Collection[UUID]) -> dict[UUID, Scores]:
    """For each inspection that has any, the scores of the revision submitted last, by the method that computed them last.

    Whoever asks has seen to it that the actor may see these inspections.
    """
    last = sa.select(sa.func.max(InspectionRevision.revision)).where(InspectionRevision.inspection_id == ConditionScore.inspection_id).scalar_subquery()
    query = (
        sa.select(ConditionScore)
        .ext(postgresql.distinct_on(ConditionScore.inspection_id, ConditionScore.question))
        .where(ConditionScore.inspection_id.in_(inspection_ids), ConditionScore.revision == last)
        .order_by(ConditionScore.inspection_id, ConditionScore.question, ConditionScore.computed_at.desc(), ConditionScore.id.desc())
    )
    found: dict[UUID, Scores] = {}
    for row in session.scalars(query):
        scores = found.setdefault(row.inspection_id, Scores())
        if row.question is None:
            scores.whole = row
        else:
            scores.by_question[row.question] = row
    return found


def adopt(session: Session, actor: Actor, inspection: Inspection) -> bool:
    """Let the dwelling have the whole score of this approved inspection, unless a later one is approved; whether that changed the dwelling."""
    return adopt_each(session, actor, [inspection]) > 0


def adopt_each(session: Session, actor: Actor, inspections: Sequence[Inspection]) -> int:
    """As `adopt`, for many; how many changed their dwelling."""
    wanted = sa.func.unnest(sa.literal([each.id for each in inspections], postgresql.ARRAY(sa.Uuid))).column_valued("wanted")
    changed = set(session.scalars(sa.select(wanted).where(sa.func.adopt_condition_score(wanted)))) if inspections else set[UUID]()
    adopted = [(each.id, each.dwelling_id) for each in inspections if each.id in changed]
    told = [(dwelling_id, {"inspectionId": str(inspection_id)}) for inspection_id, dwelling_id in adopted]
    audit.record_each(session, actor, "dwelling.condition-adopted", "dwelling", told)
    followed = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id.in_({dwelling_id for _, dwelling_id in adopted}))
    dwellings = [(row.id, row.municipality_code, None) for row in session.execute(followed)] if adopted else []
    announce_each(session, ChangeKind.DWELLING, dwellings, action="dwelling.condition-adopted")
    return len(adopted)


def insert(session: Session, scored: Sequence[tuple[InspectionRevision, Sequence[Score]]], method: Method) -> set[tuple[UUID, int]]:
    """Add the rows that are not there yet, and return the revisions (inspection, number) that got any."""
    rows = [
        {
            "inspection_id": revision.inspection_id,
            "revision": revision.revision,
            "method": method.version,
            "question": score.question,
            "score": score.score,
            "index_value": score.index,
            "details": score.details,
        }
        for revision, scores in scored
        for score in scores
    ]
    if not rows:
        return set()
    table = cast("sa.Table", ConditionScore.__table__)  # of the mapped class, rows with and without a question would take two statements
    statement = postgresql.insert(table).on_conflict_do_nothing().returning(table.c.inspection_id, table.c.revision)
    return {(row.inspection_id, row.revision) for row in session.execute(statement, rows)}


def compute(asked: Sequence[Question], revision: InspectionRevision, method: Method) -> list[Score]:
    """The scores of a revision, none when nobody was inside.

    The whole dwelling has one only when every scored element has a replacement value: there is no guess at a weight.
    """
    if revision.visit_outcome is not VisitOutcome.DONE:
        return []
    parts: dict[str, PartScore] = {}
    unscored: dict[str, Unscored] = {}
    for question in asked:
        if question.type is QuestionType.CONDITION and is_asked(question, revision.answers):
            part = _score(question, revision.answers.get(question.key), method)
            if isinstance(part, Unscored):
                unscored[question.key] = part
            else:
                parts[question.key] = part
    scores = [Score(question, part.score, part.index, part.details()) for question, part in parts.items()]
    whole = _whole(parts, unscored, method)
    return [*scores, whole] if whole else scores


def _score(question: Question, answer: Json, method: Method) -> PartScore | Unscored:
    if answer is None:
        return Unscored.NOT_ANSWERED
    if check(answer, question.defects):
        return Unscored.FAULTY
    return score_answer(cast("Mapping[str, Json]", answer), question.replacement_value, method) or Unscored.NOT_PRESENT


def _whole(parts: Mapping[str, PartScore], unscored: Mapping[str, Unscored], method: Method) -> Score | None:
    weighed = {question: (part.replacement_value, part.score) for question, part in parts.items() if part.replacement_value is not None}
    if not parts or len(weighed) < len(parts) or Unscored.FAULTY in unscored.values():
        return None
    whole = aggregate(list(weighed.values()), method)
    told: list[Json] = [
        {"question": question, "score": score, "factor": str(method.factor(score)), "replacementValue": f"{value:f}"}
        for question, (value, score) in weighed.items()
    ]
    left_out: list[Json] = [{"question": question, "reason": why.value} for question, why in unscored.items()]
    details: dict[str, Json] = {
        "parts": told,
        "unscored": left_out,
        "corrected": f"{whole.corrected:f}",
        "total": f"{whole.total:f}",
        "index": f"{whole.index:f}",
    }
    return Score(None, whole.score, whole.index, details)
