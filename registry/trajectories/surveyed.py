"""What was found of a dwelling and on which day: energy labels that were surveyed, condition scores of approved inspections."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, distinct_on
from sqlalchemy.orm import Session

from registry.dwellings.model import RegisteredLabel
from registry.values import EnergyLabel

DUTCH_TIME = "Europe/Amsterdam"
_MOMENT = TIMESTAMP(timezone=True)
_INSPECTION = sa.table(
    "inspection",
    *(sa.column(name, sa.Uuid) for name in ("id", "dwelling_id")),
    *(sa.column(name, _MOMENT) for name in ("visited_at", "submitted_at")),
    sa.column("status", sa.Text),
    sa.column("revision", sa.Integer),
    sa.column("clock_skew_ms", sa.BigInteger),
)
_SCORE = sa.table(
    "condition_score",
    *(sa.column(name, sa.Uuid) for name in ("id", "inspection_id")),
    *(sa.column(name, sa.Integer) for name in ("revision", "score")),
    sa.column("question", sa.Text),
    sa.column("computed_at", _MOMENT),
)
"""As far as they say in what condition a dwelling was; inspections build on trajectories and not the other way round."""


def labels(session: Session, dwelling_ids: Collection[UUID]) -> dict[UUID, list[tuple[date, EnergyLabel]]]:
    """Survey day and class by dwelling, the oldest first; of one day, what was recorded last is last. Without those that were retracted."""
    in_force = (RegisteredLabel.dwelling_id.in_(dwelling_ids), RegisteredLabel.retracted_at.is_(None))
    query = sa.select(RegisteredLabel.dwelling_id, RegisteredLabel.surveyed_on, RegisteredLabel.label).where(*in_force)
    found: dict[UUID, list[tuple[date, EnergyLabel]]] = {}
    for row in session.execute(query.order_by(RegisteredLabel.surveyed_on, RegisteredLabel.recorded_at, RegisteredLabel.id)):
        found.setdefault(row.dwelling_id, []).append((row.surveyed_on, row.label))
    return found


def _visited() -> sa.ColumnElement[object]:
    """When the visit was, as `moment_of` in migration 0014 has it: by the clock of the phone as far as it is right, and never after the register had it."""
    late = sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.func.coalesce(_INSPECTION.c.clock_skew_ms, 0) / sa.literal(1000.0))
    return sa.func.least(_INSPECTION.c.visited_at - late, _INSPECTION.c.submitted_at, type_=_MOMENT)


_VISITED = _visited()
_SCORES = (
    sa.select(_INSPECTION.c.id, _VISITED.label("visited"), _SCORE.c.score)
    .join(_SCORE, sa.and_(_SCORE.c.inspection_id == _INSPECTION.c.id, _SCORE.c.revision == _INSPECTION.c.revision, _SCORE.c.question.is_(None)))
    .where(_INSPECTION.c.dwelling_id == sa.bindparam("dwelling_id", type_=sa.Uuid), _INSPECTION.c.status == "approved")
    .ext(distinct_on(_INSPECTION.c.id))
    .order_by(_INSPECTION.c.id, _SCORE.c.computed_at.desc(), _SCORE.c.id.desc())
    .subquery()
)
"""Of each approved inspection the score by the newest method."""


def conditions(session: Session, dwelling_id: UUID) -> list[tuple[date, int]]:
    """Dutch day of the visit and condition score (1 is best, 6 worst), the oldest first, of the inspections that whoever acts may see."""
    day = sa.cast(sa.func.timezone(DUTCH_TIME, _SCORES.c.visited), sa.Date)
    rows = session.execute(sa.select(day, _SCORES.c.score).order_by(_SCORES.c.visited, _SCORES.c.id), {"dwelling_id": dwelling_id})
    return [(row[0], row[1]) for row in rows]
