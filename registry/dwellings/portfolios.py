"""Which corporation owns or manages which dwelling, from when to when. The municipality of the dwelling says so.

Several dwellings at once change hands in `transfers`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, fresh_ids, insert_new, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, PortfolioPeriod, PortfolioRelation
from registry.dwellings.succession_model import Succession
from registry.dwellings.succession_rules import inherited
from registry.errors import Fault, NotFound, RuleViolation
from registry.organisations.model import Organisation, OrganisationKind
from registry.pages import Page, page_of
from registry.periods import check_period, holds_on
from registry.versioned import Outcome, change, check_version, same


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """``valid_until`` is the day after the last one; ``id`` is made by the client, so that sending it again changes nothing."""

    id: UUID
    dwelling_id: UUID
    organisation_id: UUID
    valid_from: date
    valid_until: date | None = None
    relation: PortfolioRelation = PortfolioRelation.OWNER

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("dwelling_id", "organisation_id", "relation", "valid_from", "valid_until")}


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
    accepted: dict[UUID, list[NewPeriod | PortfolioPeriod]] = defaultdict(list)
    for period in known.periods:
        accepted[period.dwelling_id].append(period)
    for item in items:
        result = _judge(item, known, accepted[item.dwelling_id], twice)
        if result.outcome is Outcome.CREATED:
            accepted[item.dwelling_id].append(item)
        results.append(result)
    return results


def _known(session: Session, actor: Actor, items: Sequence[NewPeriod]) -> _Known:
    ids, period_ids = {item.dwelling_id for item in items}, {item.id for item in items}
    visible = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id.in_(ids), dwellings.visible_to(actor))
    kinds = sa.select(Organisation.id).where(Organisation.id.in_({item.organisation_id for item in items}), Organisation.kind == OrganisationKind.CORPORATION)
    return _Known(
        municipalities={row.id: row.municipality_code for row in session.execute(visible)},
        corporations=frozenset(session.scalars(kinds)),
        periods=session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.dwelling_id.in_(ids) | PortfolioPeriod.id.in_(period_ids))).all(),
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
    faults = faults or clashes(item, accepted)
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def clashes(item: NewPeriod, others: Sequence[NewPeriod | PortfolioPeriod]) -> list[Fault]:
    """What is wrong with a new period beside the ``others`` of its dwelling; the constraints of the table say the same."""
    meanwhile = [other for other in others if _overlaps(item, other)]
    faults = []
    if any(other.organisation_id == item.organisation_id for other in meanwhile):
        faults.append(Fault("/organisationId", "portfolio-twice"))
    if any(other.relation is item.relation and other.organisation_id != item.organisation_id for other in meanwhile):
        faults.append(Fault("/validFrom", "portfolio-overlaps"))
    return faults


def _overlaps(one: NewPeriod, other: NewPeriod | PortfolioPeriod) -> bool:
    if one.valid_from == one.valid_until or other.valid_from == other.valid_until:
        return False  # a period without a day
    return (other.valid_until is None or one.valid_from < other.valid_until) and (one.valid_until is None or other.valid_from < one.valid_until)


def _insert(session: Session, actor: Actor, items: Sequence[NewPeriod], *, succession_id: UUID | None = None) -> list[UUID | None]:
    same_for_all = {"recorded_by": actor.person_id, "succession_id": succession_id}
    inserted = insert_new(session, PortfolioPeriod, [{**item.columns(), **same_for_all, "id": item.id} for item in items])
    new = [item for item in items if item.id in inserted]
    audit.record_each(
        session, actor, "dwelling.put-in-portfolio", "dwelling", [(item.dwelling_id, {"organisationId": str(item.organisation_id)}) for item in new]
    )
    told = [(item.dwelling_id, actor.municipality_code, item.organisation_id) for item in new]
    announce_each(session, ChangeKind.DWELLING, told, action="dwelling.put-in-portfolio")
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
    told = (period.dwelling_id, actor.municipality_code, period.organisation_id)
    announce_each(session, ChangeKind.DWELLING, [told], action="dwelling.portfolio-amended")
    return Outcome.CHANGED


def inherit(session: Session, actor: Actor, succession: Succession, predecessors: Collection[UUID], successors: Collection[UUID]) -> list[PortfolioPeriod]:
    """Put successors that are in no portfolio that day in that of the corporation that has all their predecessors. Raises NotAllowed."""
    require(actor, Right.MANAGE_PORTFOLIOS)
    periods: dict[UUID, list[PortfolioPeriod]] = {id: [] for id in (*predecessors, *successors)}
    for period in session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.dwelling_id.in_(periods))):
        periods[period.dwelling_id].append(period)
    given = inherited([periods[id] for id in predecessors], {id: periods[id] for id in successors}, on=succession.occurred_on)
    ids = fresh_ids(session, len(given))
    items = [
        NewPeriod(id, each.dwelling_id, each.organisation_id, each.valid_from, each.valid_until, each.relation) for id, each in zip(ids, given, strict=True)
    ]
    _insert(session, actor, items, succession_id=succession.id)
    return list(session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.id.in_(ids)).order_by(PortfolioPeriod.id)))


def take_back(session: Session, actor: Actor, periods: Sequence[PortfolioPeriod]) -> None:
    """Let periods that followed from a succession have no day, unless somebody changed them since. Raises NotAllowed."""
    require(actor, Right.MANAGE_PORTFOLIOS)
    query = sa.select(PortfolioPeriod).where(PortfolioPeriod.id.in_([period.id for period in periods])).order_by(PortfolioPeriod.id)
    held = session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))  # also by whoever changes one at this moment
    unchanged = [period for period in held if period.version == 1]
    for period in unchanged:
        change(session, period, {"valid_until": period.valid_from})
    lines = [(period.dwelling_id, {"organisationId": str(period.organisation_id)}) for period in unchanged]
    audit.record_each(session, actor, "dwelling.portfolio-amended", "dwelling", lines)
    told = [(period.dwelling_id, actor.municipality_code, period.organisation_id) for period in unchanged]
    announce_each(session, ChangeKind.DWELLING, told, action="dwelling.portfolio-amended")


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which periods somebody wants to see; None is no limit. ``held_on`` is a day on which they hold."""

    dwelling_id: UUID | None = None
    organisation_id: UUID | None = None
    relation: PortfolioRelation | None = None
    held_on: date | None = None


def list_(session: Session, actor: Actor, wanted: Wanted, *, after: UUID | None, limit: int) -> Page[PortfolioPeriod]:
    """One page in the order of the id, periods that have ended included. Raises NotAllowed."""
    require(actor, Right.READ_PORTFOLIOS)
    query = sa.select(PortfolioPeriod).where(visible_to(actor)).order_by(PortfolioPeriod.id).limit(limit + 1)
    for name in ("dwelling_id", "organisation_id", "relation"):
        if getattr(wanted, name) is not None:
            query = query.where(getattr(PortfolioPeriod, name) == getattr(wanted, name))
    if wanted.held_on is not None:
        query = query.where(holds_on(PortfolioPeriod, wanted.held_on))
    if after is not None:
        query = query.where(PortfolioPeriod.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda period: str(period.id))
