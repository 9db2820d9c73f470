"""What a project has come to, as far as whoever asks may see it: dwellings, each once however many trajectories it has, labels and money."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.trajectories import surveyed
from registry.trajectories.model import FundingLine, Measure, Project, Trajectory
from registry.trajectories.queries import in_force, visible_to
from registry.trajectories.rules import Happened, around, total
from registry.values import EnergyLabel, label_jump

AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Paid:
    """By one scheme: for how many dwellings, and the sum in euro of what is known; None when no amount is."""

    scheme: str
    dwellings: int
    amount_eur: Decimal | None


@dataclass(frozen=True, slots=True)
class Jump:
    """So many dwellings went from the one class to the other; ``before`` or ``after`` is None while it is not known."""

    before: EnergyLabel | None
    after: EnergyLabel | None
    dwellings: int

    @property
    def label_jump(self) -> int | None:
        return label_jump(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Results:
    dwellings: int
    trajectories: int
    funding: Sequence[Paid]
    funding_eur: Decimal | None
    measures_cost_eur: Decimal | None
    labels: Sequence[Jump]


def of_project(session: Session, actor: Actor, slug: str) -> Results:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    if session.get(Project, slug) is None:
        raise NotFound(what="project", id=slug)
    mine = sa.and_(Trajectory.project == slug, visible_to(actor))
    trajectories = {row.id: row.dwelling_id for row in session.execute(sa.select(Trajectory.id, Trajectory.dwelling_id).where(mine))}
    funding = _funding(session, mine)
    cost = sa.select(sa.func.sum(Measure.cost_eur)).join(Trajectory, Trajectory.id == Measure.trajectory_id).where(mine, Measure.superseded_at.is_(None))
    return Results(
        dwellings=len(set(trajectories.values())),
        trajectories=len(trajectories),
        funding=funding,
        funding_eur=total(each.amount_eur for each in funding),
        measures_cost_eur=session.scalar(cost),
        labels=_labels(session, trajectories),
    )


def _funding(session: Session, mine: sa.ColumnElement[bool]) -> list[Paid]:
    columns = (FundingLine.scheme, sa.func.count(Trajectory.dwelling_id.distinct()), sa.func.sum(FundingLine.amount_eur))
    lines = sa.select(*columns).join(Trajectory, Trajectory.id == FundingLine.trajectory_id).where(mine, FundingLine.superseded_at.is_(None))
    return [Paid(*row) for row in session.execute(lines.group_by(FundingLine.scheme).order_by(FundingLine.scheme))]


def _labels(session: Session, trajectories: Mapping[UUID, UUID]) -> list[Jump]:
    """Around the first start of works that a dwelling has in any of these trajectories."""
    histories: Mapping[UUID, list[Happened]] = defaultdict(list)
    for part in _parts(trajectories):
        for milestone in in_force(session, part):
            histories[milestone.dwelling_id].append(milestone.happened)
    pairs: Counter[tuple[EnergyLabel | None, EnergyLabel | None]] = Counter()
    for part in _parts(set(trajectories.values())):
        surveys = surveyed.labels(session, part)
        pairs.update(around(surveys.get(dwelling_id, ()), histories[dwelling_id]) for dwelling_id in part)
    return [Jump(before, after, count) for (before, after), count in sorted(pairs.items(), key=lambda each: (str(each[0][0]), str(each[0][1])))]


def _parts(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    """Of a size that a query can name."""
    every = list(ids)
    return (every[place : place + AT_ONCE] for place in range(0, len(every), AT_ONCE))
