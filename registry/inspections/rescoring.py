"""Scoring again what was submitted, with another version of the method. The old scores stay."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.audit import commands as audit
from registry.checklists.queries import questions_of
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.inspections.model import ConditionScore, Inspection, InspectionRevision, InspectionStatus, VisitOutcome
from registry.inspections.scores import Score, adopt_each, compute, insert
from registry.nen2767.method import CURRENT, Method

BATCH: Final = 200
"""Revisions in one transaction."""

Place = tuple[UUID, int]
"""An inspection and the number of a revision of it."""
FIRST: Final[Place] = (UUID(int=0), 0)


@dataclass(frozen=True, slots=True)
class Rescored:
    """One revision and its scores by the method that is asked about. ``before`` is the score of the whole dwelling that counted until then."""

    inspection: Inspection
    revision: InspectionRevision
    scores: tuple[Score, ...]
    before: int | None

    @property
    def place(self) -> Place:
        return self.revision.inspection_id, self.revision.revision

    @property
    def after(self) -> int | None:
        return next((score.score for score in self.scores if score.question is None), None)

    @property
    def counts(self) -> bool:
        """The dwelling may have its score from this revision."""
        return self.inspection.status is InspectionStatus.APPROVED and self.inspection.revision == self.revision.revision


@dataclass(frozen=True, slots=True)
class Batch:
    """``looked_at`` revisions, those among them that were ``rescored``, and the dwellings whose score followed. ``next`` is where to go on, None at the end."""

    looked_at: int
    rescored: tuple[Rescored, ...]
    dwellings: int
    next: Place | None


def left(session: Session, method: Method = CURRENT) -> int:
    """How many revisions may still have to be scored by this method."""
    return session.scalar(sa.select(sa.func.count()).select_from(InspectionRevision).where(*_without(method))) or 0


def look(session: Session, method: Method = CURRENT, *, after: Place = FIRST, limit: int = BATCH) -> list[Rescored]:
    """What scoring the next revisions by this method would give; those that it gives no score are among them."""
    return _score(session, _next(method, after, limit), method)


def recompute(session: Session, actor: Actor, *, method: Method = CURRENT, after: Place = FIRST, limit: int = BATCH) -> Batch:
    """Add the scores by this method to the next revisions that have none, one batch in one transaction; begin the next one after ``next``.

    Begun again after it was broken off, it does what is left. A dwelling follows when the score of the inspection that it has its score from changes.
    """
    # Held, so that none is approved meanwhile with the score that it had.
    found = _score(session, _next(method, after, limit).with_for_update(key_share=True, of=Inspection), method)
    added = insert(session, [(each.revision, each.scores) for each in found], method)
    rescored = tuple(each for each in found if each.place in added)
    changed = [each for each in rescored if each.counts and each.after != each.before]
    # Before the log: whoever changes a dwelling holds it first, and the head of the log after that.
    dwellings.lock(session, {each.inspection.dwelling_id for each in changed})
    followed = adopt_each(session, actor, [each.inspection for each in changed])
    audit.record_each(session, actor, "inspection.rescored", "inspection", [(each.inspection.id, _told(each, method)) for each in rescored])
    return Batch(len(found), rescored, followed, found[-1].place if len(found) == limit else None)


def _next(method: Method, after: Place, limit: int) -> sa.Select[InspectionRevision, Inspection, int | None]:
    """The next revisions to score, with the score of the whole dwelling that counts for each."""
    newest = (
        sa.select(ConditionScore.score)
        .where(ConditionScore.inspection_id == InspectionRevision.inspection_id, ConditionScore.revision == InspectionRevision.revision)
        .where(ConditionScore.question.is_(None))
        .order_by(ConditionScore.computed_at.desc(), ConditionScore.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    key = sa.tuple_(InspectionRevision.inspection_id, InspectionRevision.revision)
    return (
        sa.select(InspectionRevision, Inspection, newest)
        .join(Inspection, Inspection.id == InspectionRevision.inspection_id)
        .where(*_without(method), key > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
        .order_by(InspectionRevision.inspection_id, InspectionRevision.revision)
        .limit(limit)
    )


def _score(session: Session, query: sa.Select[InspectionRevision, Inspection, int | None], method: Method) -> list[Rescored]:
    found = session.execute(query).all()
    asked = {id: questions_of(session, id) for id in {revision.checklist_id for revision, _, _ in found}}
    return [Rescored(inspection, revision, tuple(compute(asked[revision.checklist_id], revision, method)), before) for revision, inspection, before in found]


def _without(method: Method) -> list[sa.ColumnElement[bool]]:
    """The revisions with a condition answer and no score by this method."""
    scored = sa.exists().where(
        ConditionScore.inspection_id == InspectionRevision.inspection_id,
        ConditionScore.revision == InspectionRevision.revision,
        ConditionScore.method == method.version,
    )
    answered = sa.func.jsonb_path_exists(InspectionRevision.answers, sa.cast("$.*.defects", JSONPATH), type_=sa.Boolean)
    return [InspectionRevision.visit_outcome == VisitOutcome.DONE, answered, ~scored]


def _told(each: Rescored, method: Method) -> dict[str, Json]:
    return {"revision": each.revision.revision, "method": method.version, "before": each.before, "after": each.after}
