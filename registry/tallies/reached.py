"""What each trajectory had reached on a day, as known at a moment, and whether that satisfies a rule: the SQL under every figure.

Figures are counted by a role that may read few columns, so nothing is selected from where only being there matters.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from registry import clock
from registry.dwellings.model import Dwelling, Tenure
from registry.tallies.rules import Applied, Combination, Logic, Not, Rule, asks_for_measures, nots
from registry.trajectories.model import Action, Confirmation, FundingLine, Measure, Milestone, MilestoneKind, Trajectory


@dataclass(frozen=True, slots=True)
class AsOf:
    """``valid_on`` is the day by which it must have been so; ``known_at`` the moment before which the register must have known it."""

    valid_on: date
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Which dwellings and trajectories take part; None is no limit."""

    focus_area: str | None = None
    municipality: str | None = None
    corporation: UUID | None = None
    schemes: tuple[str, ...] = ()
    """Trajectories with money of at least one of them."""
    project: str | None = None
    tenure: Tenure | None = None


def reached_by(as_of: AsOf, scope: Scope, rules: Iterable[Rule], seen: sa.ColumnElement[bool] | None = None) -> sa.CTE:
    """One row for each track of each trajectory: what it had reached on that day, as known at that moment; and, when a rule asks for measures, one for each
    that was applied by then. ``seen`` limits the trajectories.
    """
    tracks = _tracks(as_of, scope, seen)
    if not any(map(asks_for_measures, rules)):
        return tracks.cte("reached")
    nothing = [sa.false().label(name) for name in list(tracks.selected_columns.keys())[3:]]
    applied = _applied(as_of, scope, seen).add_columns(sa.null().cast(sa.Text).label("track"), *nothing, Measure.kind.cast(sa.Text).label("measure"))
    return sa.union_all(tracks.add_columns(sa.null().cast(sa.Text).label("measure")), applied).cte("reached")


def _tracks(as_of: AsOf, scope: Scope, seen: sa.ColumnElement[bool] | None) -> sa.Select[*tuple[Any, ...]]:
    later, known = aliased(Milestone), as_of.known_at
    of_milestone = (Confirmation.milestone_id == Milestone.id, _in_force(Confirmation.recorded_at, Confirmation.withdrawn_at, known))
    confirmed = sa.select(sa.literal(1)).where(*of_milestone).exists()
    superseded = sa.select(sa.literal(1)).where(later.corrects_id == Milestone.id, later.recorded_at < known).exists()

    def has(*kinds: MilestoneKind, also: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[bool]:
        said = Milestone.kind.in_(kinds)
        return sa.func.bool_or(said if also is None else sa.and_(said, also))

    query = (
        sa.select(
            Milestone.dwelling_id,
            Milestone.trajectory_id,
            Milestone.track.cast(sa.Text).label("track"),
            sa.true().label("planned"),
            has(MilestoneKind.STARTED, MilestoneKind.COMPLETED).label("started"),
            has(MilestoneKind.COMPLETED).label("completed"),
            sa.func.bool_or(confirmed).label("planned_confirmed"),
            has(MilestoneKind.STARTED, MilestoneKind.COMPLETED, also=confirmed).label("started_confirmed"),
            has(MilestoneKind.COMPLETED, also=confirmed).label("completed_confirmed"),
        )
        .where(Milestone.recorded_at < known, as_of.valid_on >= _SINCE, Milestone.action != Action.RETRACTED, ~superseded)
        .group_by(Milestone.dwelling_id, Milestone.trajectory_id, Milestone.track)
        .having(~has(MilestoneKind.CANCELLED))
    )
    return query.where(*_within(Milestone.dwelling_id, Milestone.trajectory_id, scope, known, seen))


_SINCE = sa.case(
    (
        Milestone.kind == MilestoneKind.PLANNED,
        sa.func.coalesce(
            Milestone.decided_on,
            sa.func.least(Milestone.effective_on, sa.cast(sa.func.timezone(str(clock.CIVIL_TIME), Milestone.recorded_at), sa.Date)),
        ),
    ),
    else_=Milestone.effective_on,
)
"""The day from which a milestone counts: of a plan, that on which it was made."""


def _applied(as_of: AsOf, scope: Scope, seen: sa.ColumnElement[bool] | None) -> sa.Select[*tuple[Any, ...]]:
    """The measures in force that were applied by then."""
    of_measure = (Measure.applied_on <= as_of.valid_on, _in_force(Measure.recorded_at, Measure.superseded_at, as_of.known_at))
    run = aliased(Trajectory)  # not the one by which `_within` limits them
    query = sa.select(run.dwelling_id, Measure.trajectory_id).join(run, run.id == Measure.trajectory_id).where(*of_measure)
    return query.where(*_within(run.dwelling_id, Measure.trajectory_id, scope, as_of.known_at, seen))


Moment = sa.ColumnElement[datetime] | InstrumentedAttribute[datetime]
MaybeMoment = sa.ColumnElement[datetime | None] | InstrumentedAttribute[datetime | None]
Ids = InstrumentedAttribute[UUID]


def _over(ended_at: MaybeMoment, known_at: datetime) -> sa.ColumnElement[bool]:
    """Whether the register knew by then that it had ended, was replaced or was taken back."""
    return sa.and_(ended_at.is_not(None), ended_at < known_at)


def _in_force(recorded_at: Moment, ended_at: MaybeMoment, known_at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(recorded_at < known_at, ~_over(ended_at, known_at))


def money(known_at: datetime) -> sa.ColumnElement[bool]:
    return _in_force(FundingLine.recorded_at, FundingLine.superseded_at, known_at)


def _within(of_dwelling: Ids, of_trajectory: Ids, scope: Scope, known_at: datetime, seen: sa.ColumnElement[bool] | None) -> Iterator[sa.ColumnElement[bool]]:
    """What limits the dwellings and the trajectories that take part. A trajectory whose import was undone never does."""
    gone = aliased(Trajectory)
    yield ~sa.select(sa.literal(1)).where(gone.id == of_trajectory, _over(gone.withdrawn_at, known_at)).exists()
    dwelling = [(Dwelling.focus_area, scope.focus_area), (Dwelling.municipality_code, scope.municipality), (Dwelling.tenure, scope.tenure)]
    limits = [column == wanted for column, wanted in dwelling if wanted is not None]
    if limits:
        yield of_dwelling.in_(sa.select(Dwelling.id).where(*limits))
    trajectory = [(Trajectory.executor_id, scope.corporation), (Trajectory.project, scope.project)]
    limits = [column == wanted for column, wanted in trajectory if wanted is not None] + ([] if seen is None else [seen])
    if limits:
        yield of_trajectory.in_(sa.select(Trajectory.id).where(*limits))
    if scope.schemes:
        yield of_trajectory.in_(sa.select(FundingLine.trajectory_id).where(FundingLine.scheme.in_(scope.schemes), money(known_at)))


def ruling_out(rules: Iterable[Rule], reached: sa.CTE) -> tuple[sa.CTE | None, dict[Not, sa.ColumnElement[bool]]]:
    """One row for each dwelling (``dwelling_id``) that says what of it the rules rule out, to be joined to its rows; and where to find that of each ``not``."""
    asked = list(dict.fromkeys(each for rule in rules for each in nots(rule)))
    if not asked:
        return None, {}
    judged = [holds(each.rule, reached).label(f"not_{place}") for place, each in enumerate(asked)]
    whole = sa.select(reached.c.dwelling_id, *judged).group_by(reached.c.dwelling_id).cte("whole")
    return whole, {each: sa.func.bool_or(whole.c[f"not_{place}"]) for place, each in enumerate(asked)}


def holds(rule: Rule, reached: sa.CTE, ruled_out: Mapping[Not, sa.ColumnElement[bool]] | None = None) -> sa.ColumnElement[bool]:
    """The rule over the rows of one dwelling. Where those are a part of its rows, the rows of a group, ``ruled_out`` says of each ``not`` whether what it
    rules out is so in all of its rows (`ruling_out`): what is under construction by one scheme is in preparation by none.
    """
    if isinstance(rule, Combination):
        parts = [holds(each, reached, ruled_out) for each in rule.rules]
        return sa.and_(*parts) if rule.logic is Logic.ALL else sa.or_(*parts)
    if isinstance(rule, Not):
        return sa.not_(ruled_out[rule] if ruled_out is not None else holds(rule.rule, reached))
    if isinstance(rule, Applied):
        return sa.func.coalesce(sa.func.bool_or(reached.c.measure.in_([kind.value for kind in rule.kinds])), sa.false())
    point = reached.c[f"{rule.reached.value}_confirmed" if rule.confirmed else rule.reached.value]
    return sa.func.coalesce(sa.func.bool_or(sa.and_(reached.c.track == rule.track.value, point)), sa.false())
