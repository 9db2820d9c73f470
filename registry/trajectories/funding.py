"""Money for a trajectory: one line for each scheme that pays. Lines are replaced and never changed, so that what was reported when can always be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.batch import repeated
from registry.db import Json
from registry.errors import Fault, pointer
from registry.pages import Page, page_of
from registry.trajectories.model import FundingLine, Trajectory
from registry.trajectories.queries import check_visible
from registry.trajectories.rules import check_award

Said: TypeAlias = Mapping[str, tuple[Decimal | None, date | None]]
"""Amount and day of the award, by scheme."""


@dataclass(frozen=True, slots=True)
class Funding:
    """Money from one scheme, in euro, and the day on which it was decided; None while that is not known."""

    scheme: str
    amount_eur: Decimal | None = None
    awarded_on: date | None = None


def check(lines: Sequence[Funding], *, schemes: Collection[str], today: date) -> list[Fault]:
    """All that is wrong with the lines of one trajectory; ``schemes`` are those that exist."""
    faults = []
    for place, line in enumerate(lines):
        if line.scheme not in schemes:
            faults.append(Fault(pointer("fundingLines", place, "scheme"), "no-such-reference", {"what": "scheme", "id": line.scheme}))
        faults += [fault.below(pointer("fundingLines", place)) for fault in check_award(line.awarded_on, today=today)]
    twice = repeated([line.scheme for line in lines])
    return faults + [Fault("/fundingLines", "repeated", {"value": scheme}) for scheme in sorted(cast("set[str]", twice))]


def said(lines: Sequence[Funding] | Sequence[FundingLine]) -> Said:
    return {line.scheme: (line.amount_eur, line.awarded_on) for line in lines}


def as_json(lines: Sequence[Funding]) -> list[Json]:
    """For the audit log."""
    return [{"scheme": line.scheme, "amountEur": _text(line.amount_eur), "awardedOn": _text(line.awarded_on)} for line in lines]


def _text(value: Decimal | date | None) -> str | None:
    return None if value is None else str(value)


def insert(session: Session, actor: Actor, lines: Sequence[tuple[UUID, Funding]], *, recorded_at: datetime | None = None) -> None:
    """Add lines to the trajectories with these ids, in force from ``recorded_at`` or from now on."""
    who = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id, **({"recorded_at": recorded_at} if recorded_at else {})}
    rows = [{"trajectory_id": id, "scheme": each.scheme, "amount_eur": each.amount_eur, "awarded_on": each.awarded_on, **who} for id, each in lines]
    if rows:
        session.execute(sa.insert(FundingLine), rows)


def replace(session: Session, actor: Actor, trajectory: Trajectory, present: Sequence[FundingLine], wanted: Sequence[Funding]) -> None:
    """Let ``wanted`` be the lines in force from now on: what differs ends at the moment at which what takes its place begins. The trajectory is locked."""
    before, after = said(present), said(wanted)
    ended = [line.id for line in present if after.get(line.scheme) != before[line.scheme]]
    moment = session.scalars(sa.select(sa.func.clock_timestamp())).one()
    session.execute(sa.update(FundingLine).where(FundingLine.id.in_(ended)).values(superseded_at=moment).execution_options(synchronize_session=False))
    new = [(trajectory.id, line) for line in wanted if before.get(line.scheme) != after[line.scheme]]
    insert(session, actor, new, recorded_at=moment)


def in_force(session: Session, trajectory_id: UUID) -> Sequence[FundingLine]:
    query = sa.select(FundingLine).where(FundingLine.trajectory_id == trajectory_id, FundingLine.superseded_at.is_(None))
    return session.scalars(query.order_by(FundingLine.scheme)).all()


def journal(session: Session, actor: Actor, trajectory_id: UUID, *, after: UUID | None = None, limit: int) -> Page[FundingLine]:
    """One page of every line that a trajectory ever had, in the order in which the register learned them. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    check_visible(session, actor, trajectory_id)
    query = sa.select(FundingLine).where(FundingLine.trajectory_id == trajectory_id).order_by(FundingLine.id).limit(limit + 1)
    query = query if after is None else query.where(FundingLine.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda line: str(line.id))
