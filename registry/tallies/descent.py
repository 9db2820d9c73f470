"""Which dwellings came before which, as of a day and as known at a moment; and that a home which was counted is not counted again under a successor.

Written over the successions themselves and not over `lineage`, so that a figure can be made again later.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.dwellings.succession_model import Side, Succession, SuccessionDwelling
from registry.tallies.reached import AsOf


def lines(as_of: AsOf) -> sa.CTE:
    """One row for each dwelling (``later``) and each one that came before it (``earlier``), by any number of successions."""
    former, next_one, known = aliased(SuccessionDwelling), aliased(SuccessionDwelling), as_of.known_at
    edge = (
        sa.select(former.dwelling_id.label("earlier"), next_one.dwelling_id.label("later"))
        .join(Succession, Succession.id == former.succession_id)
        .join(next_one, next_one.succession_id == Succession.id)
        .where(former.side == Side.PREDECESSOR, next_one.side == Side.SUCCESSOR)
        # A dwelling that only got another BAG id stands on both sides.
        .where(former.dwelling_id != next_one.dwelling_id)
        .where(Succession.occurred_on <= as_of.valid_on, Succession.recorded_at < known)
        .where(sa.or_(Succession.retracted_at.is_(None), Succession.retracted_at >= known))
        .cte("edge")
    )
    line = sa.select(edge.c.earlier, edge.c.later).cte("line", recursive=True)
    return line.union(sa.select(edge.c.earlier, line.c.later).join(line, line.c.earlier == edge.c.later))


def counted(dwellings: sa.CTE, keys: Iterable[str], as_of: AsOf) -> sa.Subquery:
    """The rows of ``dwellings`` (``dwelling_id``, ``group_key``, and whether each of ``keys`` holds), each holding no more where one before it holds too.

    In a group a dwelling is not counted when one that came before it is: that one is counted itself, or one before it in turn.
    """
    names, line, former = list(keys), lines(as_of), dwellings.alias("former")
    before = (
        sa.select(line.c.later, former.c.group_key, *(sa.func.bool_or(former.c[name]).label(name) for name in names))
        .join(former, former.c.dwelling_id == line.c.earlier)
        .group_by(line.c.later, former.c.group_key)
        .subquery("before")
    )
    others = [column for column in dwellings.c if column.name not in names]
    own = [sa.and_(dwellings.c[name], ~sa.func.coalesce(before.c[name], sa.false())).label(name) for name in names]
    same = sa.and_(before.c.later == dwellings.c.dwelling_id, before.c.group_key.is_not_distinct_from(dwellings.c.group_key))
    return sa.select(*others, *own).select_from(dwellings.outerjoin(before, same)).subquery("counted")
