"""Which corporation owns or manages which dwelling, from when to when. The municipality of the dwelling says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, insert_new, refused, repeated
from registry.changes.commands import announce, announce_each
from registry.changes.model import ChangeKind
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, PortfolioPeriod
from registry.errors import Fault, NotFound, RuleViolation
from registry.organisations.model import Organisation, OrganisationKind
from registry.pages import Page, page_of
from registry.periods import check_period
from registry.versioned import Outcome, change, check_version, same


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """``valid_until`` is the day after the last one; ``id`` is made by the client, so that sending it again changes nothing."""

    id: UUID
    dwelling_id: UUID
    organisation_id: UUID
    valid_from: date
    valid_until: date | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("dwelling_id", "organisation_id", "valid_from", "valid_until")}


@dataclass(frozen=True, slots=True)
class _Known:
    municipalities: Mapping[UUID, str]
    corporations: frozenset[UUID]
    periods: Sequence[PortfolioPeriod]


def assign_each(session: Session, actor: Actor, items: Sequence[NewPeriod]) -> list[Result]:
    """Put dwellings of the municipality in portfolios; one whose id exists with the same content is left as it is. Raises NotAllowed."""
    require(actor, Right.MANAGE_PORTFOLIOS)
    return create_each(lambda: _judge_each(session, actor, items), lambda places: _insert(session, actor, [items[place] for place in places]))


def _judge_each(session: Session, actor: Actor, items: Sequence[NewPeriod]) -> list[Result]:
    known = _known(session, actor, items)
    twice = repeated([item.id for item in items])
    results: list[Result] = []
    accepted: list[NewPeriod | PortfolioPeriod] = list(known.periods)
    for item in items:
        result = _judge(item, known, accepted, twice)
        if result.outcome is Outcome.CREATED:
            accepted.append(item)
        results.append(result)
    return results


def _known(session: Session, actor: Actor, items: Sequence[NewPeriod]) -> _Known:
    ids = {item.dwelling_id for item in items}
    visible = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id.in_(ids), dwellings.visible_to(actor))
    kinds = sa.select(Organisation.id).where(Organisation.id.in_({item.organisation_id for item in items}), Organisation.kind == OrganisationKind.CORPORATION)
    return _Known(
        municipalities={row.id: row.municipality_code for row in session.execute(visible)},
        corporations=frozenset(session.scalars(kinds)),
        periods=session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.dwelling_id.in_(ids))).all(),
    )


def _judge(item: NewPeriod, known: _Known, accepted: Sequence[NewPeriod | PortfolioPeriod], twice: set[object]) -> Result:
    faults = []
    if item.dwelling_id not in known.municipalities:
        faults.append(Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": item.dwelling_id}))
    if item.organisation_id not in known.corporations:
        faults.append(Fault("/organisationId", "not-a-corporation", {"id": item.organisation_id}))
    faults += check_period(item.valid_from, item.valid_until)
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    present = next((period for period in known.periods if period.id == item.id), None)
    if present is not None and not faults:
        if same(present, item.columns()):
            return Result(Outcome.UNCHANGED, item.id)
        faults.append(Fault("/id", "already-exists", {"what": "portfolio period", "id": item.id}))
    if not faults and any(_overlaps(item, other) for other in accepted if other.dwelling_id == item.dwelling_id):
        faults.append(Fault("/validFrom", "portfolio-overlaps"))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _overlaps(one: NewPeriod, other: NewPeriod | PortfolioPeriod) -> bool:
    return (other.valid_until is None or one.valid_from < other.valid_until) and (one.valid_until is None or other.valid_from < one.valid_until)


def _insert(session: Session, actor: Actor, items: Sequence[NewPeriod]) -> list[UUID | None]:
    inserted = insert_new(session, PortfolioPeriod, [{**item.columns(), "id": item.id, "recorded_by": actor.person_id} for item in items])
    new = [item for item in items if item.id in inserted]
    audit.record_each(
        session, actor, "dwelling.put-in-portfolio", "dwelling", [(item.dwelling_id, {"organisationId": str(item.organisation_id)}) for item in new]
    )
    announce_each(session, ChangeKind.DWELLING, [(item.dwelling_id, actor.municipality_code, item.organisation_id) for item in new])
    return [item.id if item.id in inserted else None for item in items]


def amend(session: Session, actor: Actor, period_id: UUID, *, valid_from: date, valid_until: date | None, expected: int | None) -> Outcome:
    """Change a period, usually to end it. Raises NotAllowed, NotFound, VersionRequired, Stale, RuleViolation; at commit PortfolioOverlaps."""
    require(actor, Right.MANAGE_PORTFOLIOS)
    period = session.scalar(sa.select(PortfolioPeriod).where(PortfolioPeriod.id == period_id, visible_to(actor)).with_for_update(key_share=True))
    if period is None:
        raise NotFound(what="portfolio period", id=period_id)
    if (period.valid_from, period.valid_until) == (valid_from, valid_until):
        return Outcome.UNCHANGED
    check_version(period, expected)
    faults = check_period(valid_from, valid_until)
    if faults:
        raise RuleViolation(faults)
    change(session, period, {"valid_from": valid_from, "valid_until": valid_until})
    details = {"organisationId": str(period.organisation_id), "validUntil": valid_until.isoformat() if valid_until else None}
    audit.record(session, actor, "dwelling.portfolio-amended", "dwelling", period.dwelling_id, details=details)
    announce(session, ChangeKind.DWELLING, period.dwelling_id, municipality_code=actor.municipality_code, organisation_id=period.organisation_id)
    return Outcome.CHANGED


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """A corporation sees its own periods, others those of the dwellings they see."""
    if actor.role is Role.CORPORATION_EDITOR:
        return PortfolioPeriod.organisation_id == actor.organisation_id
    return PortfolioPeriod.dwelling_id.in_(sa.select(Dwelling.id).where(dwellings.visible_to(actor)))


def get(session: Session, actor: Actor, period_id: UUID) -> PortfolioPeriod:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PORTFOLIOS)
    period = session.scalar(sa.select(PortfolioPeriod).where(PortfolioPeriod.id == period_id, visible_to(actor)))
    if period is None:
        raise NotFound(what="portfolio period", id=period_id)
    return period


def list_(session: Session, actor: Actor, *, dwelling_id: UUID | None, organisation_id: UUID | None, after: UUID | None, limit: int) -> Page[PortfolioPeriod]:
    """One page in the order of the id, periods that have ended included. Raises NotAllowed."""
    require(actor, Right.READ_PORTFOLIOS)
    query = sa.select(PortfolioPeriod).where(visible_to(actor)).order_by(PortfolioPeriod.id).limit(limit + 1)
    for column, wanted in ((PortfolioPeriod.dwelling_id, dwelling_id), (PortfolioPeriod.organisation_id, organisation_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(PortfolioPeriod.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda period: str(period.id))
