"""Counting dwellings: as of a valid date, as known at a moment.

The count is made from the journal itself, in two steps: what each track of each trajectory had reached by then, and then which dwellings satisfy the
rule. A dwelling counts once in a group and once in the total, however many trajectories it has, and not at all where one that came before it counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry.access import Actor, Right, require
from registry.areas.model import FocusArea, Municipality
from registry.db import CHANGE_FEED_LOCK
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Fault, InvalidInput, NotFound, RuleViolation
from registry.organisations.model import Organisation
from registry.pages import Page, page_of
from registry.tallies.descent import counted
from registry.tallies.model import Definition
from registry.tallies.reached import AsOf, Scope, holds, money, reached_by, ruling_out
from registry.tallies.rules import Rule, parse, without_confirmation
from registry.trajectories import queries as trajectories
from registry.trajectories.model import FundingLine, Project, Scheme, Trajectory
from registry.values import rfc3339


class GroupBy(StrEnum):
    NOTHING = "nothing"
    FOCUS_AREA = "focusArea"
    MUNICIPALITY = "municipality"
    CORPORATION = "corporation"
    SCHEME = "scheme"
    PROJECT = "project"
    TENURE = "tenure"


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
    # Not asking for confirmations, one dwelling can come in the place of several that came after it.
    to_be_confirmed = {each: max(0, counts[_relaxed(each)] - count) for each, count in strict.items()}
    return TallyRow(None if key is None else str(key), None if name is None else str(name), strict, to_be_confirmed)


_ONE_GROUP = sa.null().cast(sa.Text).label("group_key")


def _count(session: Session, rules: Mapping[str, Rule], as_of: AsOf, scope: Scope) -> dict[str, int]:
    reached = reached_by(as_of, scope, rules.values())
    judged = [holds(rule, reached).label(key) for key, rule in rules.items()]
    each = counted(sa.select(reached.c.dwelling_id, _ONE_GROUP, *judged).group_by(reached.c.dwelling_id).cte("each"), rules, as_of)
    row = session.execute(sa.select(*(sa.func.count().filter(each.c[key]).label(key) for key in rules))).mappings().one()
    return dict(row)


def _grouped(session: Session, rules: Mapping[str, Rule], as_of: AsOf, group_by: GroupBy, scope: Scope) -> list[TallyRow]:
    reached = reached_by(as_of, scope, rules.values())
    key, name, joins = _GROUPS[group_by]
    whole, ruled_out = ruling_out(rules.values(), reached)
    judged = [holds(rule, reached, ruled_out).label(each) for each, rule in rules.items()]
    grouped = sa.select(reached.c.dwelling_id, key.label("group_key"), name.label("group_name"), *judged)
    grouped = grouped.select_from(reached)
    if whole is not None:
        grouped = grouped.join(whole, whole.c.dwelling_id == reached.c.dwelling_id)
    for target, on in joins(reached, as_of.known_at):
        grouped = grouped.outerjoin(target, on)
    per_dwelling = counted(grouped.group_by(reached.c.dwelling_id, key, name).cte("each"), rules, as_of)
    counts = [sa.func.count().filter(per_dwelling.c[each]).label(each) for each in rules]
    query = sa.select(per_dwelling.c.group_key, per_dwelling.c.group_name, *counts).group_by(per_dwelling.c.group_key, per_dwelling.c.group_name)
    rows = session.execute(query.order_by(per_dwelling.c.group_name, per_dwelling.c.group_key).limit(LARGEST_TALLY)).mappings()
    return [_row(row["group_key"], row["group_name"], {each: row[each] for each in rules}) for row in rows]


Join = tuple[type, sa.ColumnElement[bool]]
Joins = Callable[[sa.CTE, datetime], list[Join]]
"""What to join to the reached tracks, one after the other, as known at a moment."""


def _by_dwelling(*more: Join) -> Joins:
    return lambda reached, _: [(Dwelling, Dwelling.id == reached.c.dwelling_id), *more]


def _by_trajectory(*more: Join) -> Joins:
    return lambda reached, _: [(Trajectory, Trajectory.id == reached.c.trajectory_id), *more]


def _by_scheme(reached: sa.CTE, known_at: datetime) -> list[Join]:
    return [(FundingLine, sa.and_(FundingLine.trajectory_id == reached.c.trajectory_id, money(known_at))), (Scheme, Scheme.slug == FundingLine.scheme)]


_GROUPS: dict[GroupBy, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any], Joins]] = {
    GroupBy.FOCUS_AREA: (FocusArea.slug, FocusArea.name, _by_dwelling((FocusArea, FocusArea.slug == Dwelling.focus_area))),
    GroupBy.MUNICIPALITY: (Municipality.code, Municipality.name, _by_dwelling((Municipality, Municipality.code == Dwelling.municipality_code))),
    GroupBy.TENURE: (Dwelling.tenure, Dwelling.tenure, _by_dwelling()),
    GroupBy.CORPORATION: (Organisation.id, Organisation.name, _by_trajectory((Organisation, Organisation.id == Trajectory.executor_id))),
    GroupBy.PROJECT: (Project.slug, Project.name, _by_trajectory((Project, Project.slug == Trajectory.project))),
    GroupBy.SCHEME: (Scheme.slug, Scheme.name, _by_scheme),
}


def dwellings_counted(session: Session, actor: Actor, key: str, *, as_of: AsOf, scope: Scope, after: UUID | None, limit: int) -> Page[sa.RowMapping]:
    """The dwellings behind a figure, by the trajectories the actor may see, one page in the order of the id. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_TALLIES)
    require(actor, Right.READ_DWELLINGS)
    try:
        (definition,) = newest(session, [key], as_of.known_at)
    except RuleViolation:
        raise NotFound(what="definition", id=key) from None
    rule = parse(definition.rule)
    reached = reached_by(as_of, scope, [rule], trajectories.visible_to(actor))
    judged = sa.select(reached.c.dwelling_id, _ONE_GROUP, holds(rule, reached).label("holds")).group_by(reached.c.dwelling_id).cte("each")
    each = counted(judged, ["holds"], as_of)
    behind = sa.select(each.c.dwelling_id).where(each.c.holds)
    query = sa.select(*dwellings.COLUMNS).where(dwellings.visible_to(actor), Dwelling.id.in_(behind)).order_by(Dwelling.id).limit(limit + 1)
    if after is not None:
        query = query.where(Dwelling.id > after)
    return page_of(session.execute(query).mappings().all(), limit=limit, key=lambda row: str(row["id"]))
