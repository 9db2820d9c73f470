"""Dwellings that go from the portfolio of one corporation to that of another on a day: what the one has ends, and what the other gets begins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, fresh_ids, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import RECORDED_NOW, Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, PortfolioPeriod, PortfolioRelation
from registry.dwellings.portfolios import NewPeriod, clashes
from registry.errors import Fault, RuleViolation
from registry.organisations.model import Organisation, OrganisationKind
from registry.versioned import Outcome


@dataclass(frozen=True, slots=True)
class Transfer:
    """``relation`` says which of owner and manager changes; None is what the former corporation is."""

    from_id: UUID
    to_id: UUID
    on: date
    relation: PortfolioRelation | None = None


def transfer_each(session: Session, actor: Actor, transfer: Transfer, dwelling_ids: Sequence[UUID]) -> list[Result]:
    """Transfer dwellings of the municipality; what was transferred so already is left as it is. The id of a result is that of the new period.

    Raises NotAllowed, RuleViolation (no other corporation to transfer to); when somebody else assigns one of them meanwhile PortfolioOverlaps, PortfolioTwice,
    and then nothing is transferred.
    """
    require(actor, Right.MANAGE_PORTFOLIOS)
    _check(session, transfer)
    periods = _locked(session, actor, dwelling_ids)
    twice = repeated(dwelling_ids)
    results, moved = [], []
    for id, fresh in zip(dwelling_ids, fresh_ids(session, len(dwelling_ids)), strict=True):
        result, former = _judge(transfer, id, periods, fresh) if id not in twice else (refused([Fault("/dwellingId", "repeated", {"value": id})]), None)
        results.append(result)
        if former is not None:
            moved.append((former, fresh))
    _move(session, actor, transfer, moved)
    _tell(session, actor, transfer, [former.dwelling_id for former, _ in moved])
    return results


def _check(session: Session, transfer: Transfer) -> None:
    faults = []
    if transfer.from_id == transfer.to_id:
        faults.append(Fault("/toOrganisationId", "transfer-to-itself"))
    elif not session.scalar(sa.select(Organisation.id).where(Organisation.id == transfer.to_id, Organisation.kind == OrganisationKind.CORPORATION)):
        faults.append(Fault("/toOrganisationId", "not-a-corporation", {"id": transfer.to_id}))
    if faults:
        raise RuleViolation(faults)


def _locked(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, list[PortfolioPeriod]]:
    """All periods of those of these dwellings that are in the municipality, whose rows are locked in the order of their ids."""
    visible = sa.select(Dwelling.id).where(Dwelling.id.in_(ids), dwellings.visible_to(actor)).order_by(Dwelling.id).with_for_update(key_share=True)
    known = session.scalars(visible).all()
    periods: dict[UUID, list[PortfolioPeriod]] = {id: [] for id in known}
    query = sa.select(PortfolioPeriod).where(PortfolioPeriod.dwelling_id.in_(known)).order_by(PortfolioPeriod.id)
    for period in session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)):
        periods[period.dwelling_id].append(period)
    return periods


def _judge(transfer: Transfer, id: UUID, periods: Mapping[UUID, Sequence[PortfolioPeriod]], fresh: UUID) -> tuple[Result, PortfolioPeriod | None]:
    """What becomes of one dwelling, and the period that ends for it."""
    if id not in periods:
        return refused([Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": id})]), None
    done = _done(transfer, periods[id])
    if done is not None:
        return Result(Outcome.UNCHANGED, done.id), None
    former = next((each for each in periods[id] if _of(each, transfer.from_id, transfer) and _holds(each, transfer.on)), None)
    if former is None:
        return refused([Fault("/dwellingId", "not-in-portfolio", {"on": transfer.on.isoformat()})]), None
    item = NewPeriod(fresh, id, transfer.to_id, transfer.on, former.valid_until, former.relation)
    codes = sorted({fault.code for fault in clashes(item, [each for each in periods[id] if each is not former])})
    if codes:
        return refused([Fault("/dwellingId", code) for code in codes]), None
    return Result(Outcome.CREATED, fresh), former


def _done(transfer: Transfer, periods: Sequence[PortfolioPeriod]) -> PortfolioPeriod | None:
    """The period that this transfer made when it was sent before."""
    ended = {each.relation for each in periods if _of(each, transfer.from_id, transfer) and each.valid_until == transfer.on}
    begun = (each for each in periods if _of(each, transfer.to_id, transfer) and each.valid_from == transfer.on and each.valid_until != transfer.on)
    return next((each for each in begun if each.relation in ended), None)


def _of(period: PortfolioPeriod, organisation_id: UUID, transfer: Transfer) -> bool:
    return period.organisation_id == organisation_id and transfer.relation in (None, period.relation)


def _holds(period: PortfolioPeriod, day: date) -> bool:
    return period.valid_from <= day and (period.valid_until is None or day < period.valid_until)


def _move(session: Session, actor: Actor, transfer: Transfer, moved: Sequence[tuple[PortfolioPeriod, UUID]]) -> None:
    """The former ones end first: at no moment has a dwelling two owners. Raises PortfolioOverlaps, PortfolioTwice for what somebody else wrote meanwhile."""
    begun = [
        {
            "id": fresh,
            "dwelling_id": former.dwelling_id,
            "organisation_id": transfer.to_id,
            "relation": former.relation,
            "valid_from": transfer.on,
            "valid_until": former.valid_until,
            "recorded_by": actor.person_id,
        }
        for former, fresh in moved
    ]
    ends = sa.update(PortfolioPeriod).where(PortfolioPeriod.id.in_([former.id for former, _ in moved]))
    ends = ends.values(valid_until=transfer.on, version=PortfolioPeriod.version + 1, recorded_at=RECORDED_NOW)
    session.execute(ends.execution_options(synchronize_session=False))
    for former, _ in moved:
        session.expire(former)
    if begun:
        session.execute(sa.insert(PortfolioPeriod), begun)


def _tell(session: Session, actor: Actor, transfer: Transfer, dwelling_ids: Sequence[UUID]) -> None:
    """Both corporations, each by a line of its own in the feed."""
    details: dict[str, Json] = {
        "fromOrganisationId": str(transfer.from_id),
        "toOrganisationId": str(transfer.to_id),
        "transferredOn": transfer.on.isoformat(),
    }
    audit.record_each(session, actor, "dwelling.portfolio-transferred", "dwelling", [(id, details) for id in dwelling_ids])
    told = [(id, actor.municipality_code, organisation_id) for id in dwelling_ids for organisation_id in (transfer.from_id, transfer.to_id)]
    announce_each(session, ChangeKind.DWELLING, told, action="dwelling.portfolio-transferred")
