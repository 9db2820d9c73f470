"""Earlier visits to the addresses of inspections, also those of a colleague whose inspections one does not see."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.inspections.visits import Visit, VisitOutcome

_EARLIER = sa.text("SELECT of_inspection, earlier, visit_outcome, visited_at, in_chain FROM visits_before(CAST(:ids AS uuid[]))")


def earlier_visits(session: Session, inspection_ids: Collection[UUID]) -> dict[UUID, list[Visit]]:
    """The visits before these inspections: those that led to it, and others by the same organisation to the same address. The oldest first, in one query.

    Nothing of an inspection that whoever acts does not see.
    """
    found: dict[UUID, list[Visit]] = {id: [] for id in inspection_ids}
    for row in session.execute(_EARLIER, {"ids": sorted(found)}) if found else ():
        found[row.of_inspection].append(Visit(row.earlier, VisitOutcome(row.visit_outcome), row.visited_at, row.in_chain))
    return found
