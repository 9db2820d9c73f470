"""Counting dwellings: as of a valid date, as known at a moment.

The count is made from the journal itself, in two steps: what each track of each trajectory had reached by then, and then which dwellings satisfy the
rule. A dwelling counts once in a group and once in the total, however many trajectories it has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from registry.access import Actor, Right, require
from registry.areas.model import FocusArea, Municipality
from registry.db import CHANGE_FEED_LOCK
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Fault, InvalidInput, NotFound, RuleViolation
from registry.organisations.model import Organisation
from registry.pages import Page, page_of
from registry.tallies.model import Definition
from registry.tallies.rules import Combination, Logic, Rule, parse, without_confirmation
from registry.trajectories import queries as trajectories
from registry.trajectories.model import Action, Confirmation, FundingLine, Milestone, MilestoneKind, Project, Scheme, Trajectory
from registry.values import rfc3339

Query = TypeVar("Query", bound=sa.Select[*tuple[Any, ...]])


class GroupBy(StrEnum):
    NOTHING = "nothing"
    FOCUS_AREA = "focusArea"
    MUNICIPALITY = "municipality"
    CORPORATION = "corporation"
    SCHEME = "scheme"
    PROJECT = "project"


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
    scheme: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class TallyRow:
    """``key`` is None for dwellings outside every group. ``counts`` are dwellings by definition.

    ``to_be_confirmed`` are the dwellings that a definition leaves out only because a confirmation is missing.
    """

    key: str | None
    name: str | None
    counts: Mapping[str, int]
    to_be_confirmed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tally:
    as_of: AsOf
    group_by: GroupBy
    scope: Scope
    definitions: Sequence[Definition]
    rows: Sequence[TallyRow]
    total: TallyRow
    """Each dwelling once, so it can be less than the sum of the rows."""


LARGEST_TALLY = 5000
"""Groups in one answer; municipalities and corporations together stay below it."""


def watermark(session: Session) -> datetime:
    """The moment up to which the journal is settled: no transaction that is still open can add a row recorded before it.

    The clock is read first, then the start of the oldest open writer: each writer stamps its rows after it started.
    """
    moment = session.scalars(sa.text("SELECT clock_timestamp()")).one()
    oldest = session.scalars(_OLDEST_WRITER, {"lock": CHANGE_FEED_LOCK}).one()
    return cast("datetime", min(moment, oldest) if oldest else moment)


_OLDEST_WRITER = sa.text(
    """
    SELECT min(activity.xact_start) FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.objid = :lock AND held.granted AND held.pid <> pg_backend_pid()
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
)


def settled(session: Session, known_at: datetime | None) -> datetime:
    """``known_at`` when it is settled, the watermark when it is not given. Raises InvalidInput."""
    mark = watermark(session)
    if known_at is None:
        return mark
    if known_at > mark:
        raise InvalidInput([Fault("knownAt", "as-known-too-late", {"known_at": rfc3339(known_at), "watermark": rfc3339(mark)})])
    return known_at


def list_definitions(session: Session, actor: Actor) -> list[Definition]:
    """Every edition of every definition. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    return list(session.scalars(sa.select(Definition).order_by(Definition.key, Definition.edition).limit(LARGEST_TALLY)))


def newest(session: Session, keys: Sequence[str], known_at: datetime) -> list[Definition]:
    """The newest edition of each definition at that moment, or the first one before there was any, in the order asked. Raises RuleViolation."""
    query = (
        sa.select(Definition)
        .where(Definition.key.in_(keys), (Definition.recorded_at < known_at) | (Definition.edition == 1))
        .ext(distinct_on(Definition.key))
        .order_by(Definition.key, Definition.edition.desc())
    )
    found = {definition.key: definition for definition in session.scalars(query)}
    faults = [Fault("definitions", "unknown-definition", {"definition": key}) for key in keys if key not in found]
    if faults:
        raise RuleViolation(faults)
    return [found[key] for key in dict.fromkeys(keys)]


def tally(session: Session, actor: Actor, keys: Sequence[str], *, as_of: AsOf, group_by: GroupBy, scope: Scope) -> Tally:
    """Count dwellings by each of these definitions. Raises NotAllowed, RuleViolation (unknown definition)."""
    require(actor, Right.READ_TALLIES)
    definitions = newest(session, keys, as_of.known_at)
    strict = {definition.key: parse(definition.rule) for definition in definitions}
    rules = {**strict, **{_relaxed(key): without_confirmation(rule) for key, rule in strict.items()}}
    rows = [] if group_by is GroupBy.NOTHING else _grouped(session, rules, as_of, group_by, scope)
    total = _row(None, None, _count(session, rules, as_of, scope))
    return Tally(as_of, group_by, scope, definitions, rows, total)


def _relaxed(key: str) -> str:
    return f"{key}?"


def _row(key: object, name: str | None, counts: Mapping[str, int]) -> TallyRow:
    """``counts`` has each definition twice: as it is, and not asking for confirmations."""
    strict = {each: count for each, count in counts.items() if _relaxed(each) in counts}
    return TallyRow(None if key is None else str(key), name, strict, {each: counts[_relaxed(each)] - count for each, count in strict.items()})


def _reached(as_of: AsOf, scope: Scope, seen: sa.ColumnElement[bool] | None = None) -> sa.CTE:
    """One row for each track of each trajectory: what it had reached on that day, as known at that moment. ``seen`` limits the trajectories."""
    later, known = aliased(Milestone), as_of.known_at
    # Who counts may read few columns, so nothing is selected from where only being there matters.
    confirmed = sa.select(sa.literal(1)).where(Confirmation.milestone_id == Milestone.id, Confirmation.recorded_at < known, ~_over(Confirmation.withdrawn_at, known)).exists()
    superseded = sa.select(sa.literal(1)).where(later.corrects_id == Milestone.id, later.recorded_at < known).exists()

    def has(*kinds: MilestoneKind, also: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[bool]:
        said = Milestone.kind.in_(kinds)
        return sa.func.bool_or(said if also is None else sa.and_(said, also))

    query = (
        sa.select(
            Milestone.dwelling_id,
            Milestone.trajectory_id,
            Milestone.track,
            sa.true().label("planned"),
            has(MilestoneKind.STARTED, MilestoneKind.COMPLETED).label("started"),
            has(MilestoneKind.COMPLETED).label("completed"),
            sa.func.bool_or(confirmed).label("planned_confirmed"),
            has(MilestoneKind.STARTED, MilestoneKind.COMPLETED, also=confirmed).label("started_confirmed"),
            has(MilestoneKind.COMPLETED, also=confirmed).label("completed_confirmed"),
        )
        .where(Milestone.recorded_at < known, Milestone.effective_on <= as_of.valid_on, Milestone.action != Action.RETRACTED, ~superseded)
        .group_by(Milestone.dwelling_id, Milestone.trajectory_id, Milestone.track)
        .having(~has(MilestoneKind.CANCELLED))
    )
    if seen is not None:
        query = query.where(Milestone.trajectory_id.in_(sa.select(Trajectory.id).where(seen)))
    return _within(query, scope, known).cte("reached")


def _over(ended_at: sa.ColumnElement[datetime | None] | InstrumentedAttribute[datetime | None], known_at: datetime) -> sa.ColumnElement[bool]:
    """Whether the register knew by then that it had ended, was replaced or was taken back."""
    return sa.and_(ended_at.is_not(None), ended_at < known_at)


def _in_force(line: type[FundingLine], known_at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(line.recorded_at < known_at, ~_over(line.superseded_at, known_at))


def _within(query: Query, scope: Scope, known: datetime) -> Query:
    of_dwelling = [(Dwelling.focus_area, scope.focus_area), (Dwelling.municipality_code, scope.municipality)]
    if any(wanted is not None for _, wanted in of_dwelling):
        limits = [column == wanted for column, wanted in of_dwelling if wanted is not None]
        query = query.where(Milestone.dwelling_id.in_(sa.select(Dwelling.id).where(*limits)))
    of_trajectory = [(Trajectory.executor_id, scope.corporation), (Trajectory.project, scope.project)]
    if any(wanted is not None for _, wanted in of_trajectory):
        limits = [column == wanted for column, wanted in of_trajectory if wanted is not None]
        query = query.where(Milestone.trajectory_id.in_(sa.select(Trajectory.id).where(*limits)))
    if scope.scheme is not None:
        query = query.where(Milestone.trajectory_id.in_(sa.select(FundingLine.trajectory_id).where(FundingLine.scheme == scope.scheme, _in_force(FundingLine, known))))
    return query


def _holds(rule: Rule, reached: sa.CTE) -> sa.ColumnElement[bool]:
    """The rule over all rows of one dwelling."""
    if isinstance(rule, Combination):
        parts = [_holds(each, reached) for each in rule.rules]
        return sa.and_(*parts) if rule.logic is Logic.ALL else sa.or_(*parts)
    point = reached.c[f"{rule.reached.value}_confirmed" if rule.confirmed else rule.reached.value]
    return sa.func.coalesce(sa.func.bool_or(sa.and_(reached.c.track == rule.track, point)), sa.false())


def _count(session: Session, rules: Mapping[str, Rule], as_of: AsOf, scope: Scope) -> dict[str, int]:
    reached = _reached(as_of, scope)
    each = sa.select(*(_holds(rule, reached).label(key) for key, rule in rules.items())).group_by(reached.c.dwelling_id).subquery()
    row = session.execute(sa.select(*(sa.func.count().filter(each.c[key]).label(key) for key in rules))).mappings().one()
    return dict(row)


def _grouped(session: Session, rules: Mapping[str, Rule], as_of: AsOf, group_by: GroupBy, scope: Scope) -> list[TallyRow]:
    reached = _reached(as_of, scope)
    key, name, joins = _GROUPS[group_by]
    grouped = sa.select(key.label("group_key"), name.label("group_name"), *(_holds(rule, reached).label(each) for each, rule in rules.items()))
    grouped = grouped.select_from(reached)
    for target, on in joins(reached):
        grouped = grouped.outerjoin(target, on)
    per_dwelling = grouped.group_by(reached.c.dwelling_id, key, name).subquery()
    counts = [sa.func.count().filter(per_dwelling.c[each]).label(each) for each in rules]
    query = sa.select(per_dwelling.c.group_key, per_dwelling.c.group_name, *counts).group_by(per_dwelling.c.group_key, per_dwelling.c.group_name)
    rows = session.execute(query.order_by(per_dwelling.c.group_name, per_dwelling.c.group_key).limit(LARGEST_TALLY)).mappings()
    return [_row(row["group_key"], row["group_name"], {each: row[each] for each in rules}) for row in rows]


Joins = Callable[[sa.CTE], list[tuple[type, sa.ColumnElement[bool]]]]
"""What to join to the reached tracks, one after the other."""


def _by_dwelling(target: type, on: sa.ColumnElement[bool]) -> Joins:
    return lambda reached: [(Dwelling, Dwelling.id == reached.c.dwelling_id), (target, on)]


def _by_trajectory(*more: tuple[type, sa.ColumnElement[bool]]) -> Joins:
    return lambda reached: [(Trajectory, Trajectory.id == reached.c.trajectory_id), *more]


_GROUPS: dict[GroupBy, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[str], Joins]] = {
    GroupBy.FOCUS_AREA: (FocusArea.slug, FocusArea.name, _by_dwelling(FocusArea, FocusArea.slug == Dwelling.focus_area)),
    GroupBy.MUNICIPALITY: (Municipality.code, Municipality.name, _by_dwelling(Municipality, Municipality.code == Dwelling.municipality_code)),
    GroupBy.CORPORATION: (Organisation.id, Organisation.name, _by_trajectory((Organisation, Organisation.id == Trajectory.executor_id))),
    GroupBy.PROJECT: (Project.slug, Project.name, _by_trajectory((Project, Project.slug == Trajectory.project))),
    GroupBy.SCHEME: (
        Scheme.slug,
        Scheme.name,
        _by_trajectory((FundingLine, FundingLine.trajectory_id == Trajectory.id), (Scheme, Scheme.slug == FundingLine.scheme)),
    ),
}


def dwellings_counted(session: Session, actor: Actor, key: str, *, as_of: AsOf, scope: Scope, after: UUID | None, limit: int) -> Page[sa.RowMapping]:
    """The dwellings behind a figure, by the trajectories the actor may see, one page in the order of the id. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_TALLIES)
    require(actor, Right.READ_DWELLINGS)
    try:
        (definition,) = newest(session, [key], as_of.known_at)
    except RuleViolation:
        raise NotFound(what="definition", id=key) from None
    reached = _reached(as_of, scope, trajectories.visible_to(actor))
    counted = sa.select(reached.c.dwelling_id).group_by(reached.c.dwelling_id).having(_holds(parse(definition.rule), reached))
    query = sa.select(*dwellings.COLUMNS).where(dwellings.visible_to(actor), Dwelling.id.in_(counted)).order_by(Dwelling.id).limit(limit + 1)
    if after is not None:
        query = query.where(Dwelling.id > after)
    return page_of(session.execute(query).mappings().all(), limit=limit, key=lambda row: str(row["id"]))
