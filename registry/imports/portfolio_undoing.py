"""Taking back portfolio periods that an import wrote: a created one has no day any more, a changed one ends when it did before."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.dwellings import queries as dwellings
from registry.dwellings.model import PortfolioPeriod
from registry.dwellings.portfolio_ends import End, end_each
from registry.dwellings.portfolios import NewPeriod, clashes
from registry.imports.kinds import Effect, RowFault
from registry.imports.model import EffectAction

_FORMER = sa.text("SELECT id, valid_until FROM portfolio_ends_to_undo(CAST(:ids AS uuid[]), CAST(:versions AS int[]))")


def take_back(session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
    """Or what builds on it: a period that somebody changed since, or another one where a changed one would be again."""
    wanted = {effect.subject_id: effect for effect in effects}
    periods = _locked(session, list(wanted))
    changed = [id for id, effect in wanted.items() if id not in periods or periods[id].version != effect.version]
    if changed:
        return [RowFault(None, "portfolio-period-changed", {"id": str(id)}) for id in changed]
    versions = {"ids": list(wanted), "versions": [effect.version for effect in wanted.values()]}
    former: Mapping[UUID, date | None] = {row.id: row.valid_until for row in session.execute(_FORMER, versions)}
    ends = [_end(period, former[id] if wanted[id].action is EffectAction.CHANGED else period.valid_from) for id, period in periods.items() if id in wanted]
    faults = _in_the_way(session, ends)
    if not faults:
        end_each(session, actor, ends)
    return faults


def _locked(session: Session, ids: Sequence[UUID]) -> dict[UUID, PortfolioPeriod]:
    listed = PortfolioPeriod.id == sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))
    dwellings.lock(session, set(session.scalars(sa.select(PortfolioPeriod.dwelling_id).where(listed))))
    query = sa.select(PortfolioPeriod).where(listed).order_by(PortfolioPeriod.id).with_for_update(key_share=True)
    return {period.id: period for period in session.scalars(query.execution_options(populate_existing=True))}


def _end(period: PortfolioPeriod, valid_until: date | None) -> End:
    return End(period.id, period.version, period.dwelling_id, period.organisation_id, period.valid_until, valid_until)


def _in_the_way(session: Session, ends: Sequence[End]) -> list[RowFault]:
    again = {end.period_id: end for end in ends}
    found = session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.dwelling_id.in_({end.dwelling_id for end in ends})))
    by_dwelling: dict[UUID, list[NewPeriod]] = {}
    for each in found:
        valid_until = again[each.id].valid_until if each.id in again else each.valid_until
        new = NewPeriod(each.id, each.dwelling_id, each.organisation_id, each.valid_from, valid_until, each.relation)
        by_dwelling.setdefault(each.dwelling_id, []).append(new)
    return [
        RowFault(None, "portfolio-overlaps", {"id": str(one.id)})
        for periods in by_dwelling.values()
        for one in periods
        if one.id in again and clashes(one, [other for other in periods if other is not one])
    ]
