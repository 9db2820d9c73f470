"""Changing when portfolio periods end, for many at once: at no moment has a dwelling two owners, so what becomes shorter goes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.errors import Conflict


@dataclass(frozen=True, slots=True)
class End:
    """A period of this version ends before ``valid_until`` from now on, and not before ``former``; None is not at all."""

    period_id: UUID
    version: int
    dwelling_id: UUID
    organisation_id: UUID
    former: date | None
    valid_until: date | None

    @property
    def shortens(self) -> bool:
        return self.valid_until is not None and (self.former is None or self.valid_until < self.former)


_END = sa.text(
    """
    UPDATE portfolio_period AS period SET valid_until = wanted.valid_until, version = period.version + 1, recorded_at = clock_timestamp()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS int[]), CAST(:days AS date[])) AS wanted (id, version, valid_until)
    WHERE period.id = wanted.id AND period.version = wanted.version
    """
)


def end_each(session: Session, actor: Actor, ends: Sequence[End]) -> None:
    """Raises NotAllowed, Conflict (somebody else changed one since); at the statement PortfolioOverlaps, PortfolioTwice."""
    require(actor, Right.MANAGE_PORTFOLIOS)
    for shortens in (True, False):
        chosen = [end for end in ends if end.shortens is shortens]
        values = {
            "ids": [end.period_id for end in chosen],
            "versions": [end.version for end in chosen],
            "days": [end.valid_until for end in chosen],
        }
        if chosen and session.execute(_END, values).rowcount != len(chosen):  # type: ignore[attr-defined]
            raise Conflict()
    lines = [
        (end.dwelling_id, {"organisationId": str(end.organisation_id), "validUntil": end.valid_until.isoformat() if end.valid_until else None}) for end in ends
    ]
    audit.record_each(session, actor, "dwelling.portfolio-amended", "dwelling", lines)
    told = [(end.dwelling_id, actor.municipality_code, end.organisation_id) for end in ends]
    announce_each(session, ChangeKind.DWELLING, told, action="dwelling.portfolio-amended")
