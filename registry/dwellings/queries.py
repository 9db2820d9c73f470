"""Reading dwellings. Visibility is part of each query."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, Role, require
from registry.dwellings.model import Dwelling, PortfolioPeriod, RegisteredLabel
from registry.dwellings.succession_model import InheritedDwelling, Lineage, Succession, SuccessionDwelling
from registry.errors import Fault, NotFound, NotYours
from registry.members.teams import teams_of
from registry.pages import Page, page_of
from registry.periods import holds_on
from registry.values import EnergyLabel

COLUMNS = tuple(Dwelling.__table__.columns)


@dataclass(frozen=True, slots=True)
class Sight:
    """By what an actor sees dwellings: values, or parameters of a query that is composed once."""

    municipality_code: object
    organisation_id: object
    person_id: object
    today: object


_PARAMETERS = Sight(
    sa.bindparam("seen_municipality_code", type_=sa.Text),
    sa.bindparam("seen_organisation_id", type_=sa.Uuid),
    sa.bindparam("seen_person_id", type_=sa.Uuid),
    sa.bindparam("seen_today", type_=sa.Date),
)
_INSPECTION = sa.table("inspection", *(sa.column(name, sa.Uuid) for name in ("dwelling_id", "organisation_id", "assignee_id", "team_id")))
"""As far as it decides who sees a dwelling; inspections build on dwellings and not the other way round."""


def _sight(actor: Actor) -> Sight:
    return Sight(actor.municipality_code, actor.organisation_id, actor.person_id, clock.today())


def _parameters(actor: Actor) -> dict[str, object]:
    by = _sight(actor)
    return {
        "seen_municipality_code": by.municipality_code,
        "seen_organisation_id": by.organisation_id,
        "seen_person_id": by.person_id,
        "seen_today": by.today,
    }


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Which dwellings an actor sees.

    A municipality: those in it. A corporation: those in its portfolio today, those that came before them, and those it registered that never were in any
    portfolio. An inspector: those of her inspections, and of those that a team of hers may take. A reviewer: those of inspections of the organisation, and
    what the organisation sees as a municipality or corporation. An auditor: all. Nobody sees one that was withdrawn.
    """
    return _visible(actor.role, _sight(actor))


def kept_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Of the dwellings that an actor sees those that she may write about: not what she sees only because it came before what is in the portfolio.

    For dwellings that are named: each of them is looked at by itself. A page wants the unions of `visible_to`, which by thousands of named ones PostgreSQL
    goes through anew for each.
    """
    return sa.and_(Dwelling.withdrawn_at.is_(None), _kept(actor.role, _sight(actor)))


def _visible(role: Role, by: Sight) -> sa.ColumnElement[bool]:
    return sa.and_(Dwelling.withdrawn_at.is_(None), _in_sight(role, by, _inherited(by)))


def _kept(role: Role, by: Sight) -> sa.ColumnElement[bool]:
    """As `_in_sight`, of one dwelling."""
    period = sa.exists().where(PortfolioPeriod.dwelling_id == Dwelling.id)
    in_portfolio = period.where(PortfolioPeriod.organisation_id == by.organisation_id, holds_on(PortfolioPeriod, by.today))
    ever = period.where(PortfolioPeriod.valid_until.is_distinct_from(PortfolioPeriod.valid_from))
    registered_only = sa.and_(Dwelling.registrar_id == by.organisation_id, ~ever)
    if role is Role.CORPORATION_EDITOR:
        return sa.or_(in_portfolio, registered_only)
    if role is Role.REVIEWER:
        inspected = sa.exists().where(_INSPECTION.c.dwelling_id == Dwelling.id, _INSPECTION.c.organisation_id == by.organisation_id)
        also = registered_only if by.municipality_code is None else Dwelling.municipality_code == by.municipality_code
        return sa.or_(inspected, in_portfolio, also)
    return _in_sight(role, by)


def _in_sight(role: Role, by: Sight, *inherited: sa.Select[*tuple[UUID]]) -> sa.ColumnElement[bool]:
    """Unions and not alternatives: PostgreSQL goes through the index of each part, instead of through all dwellings."""
    if role is Role.MUNICIPALITY_EDITOR:
        return Dwelling.municipality_code == by.municipality_code
    if role is Role.CORPORATION_EDITOR:
        return Dwelling.id.in_(sa.union_all(_in_portfolio(by), _registered_only(by), *inherited))
    if role is Role.INSPECTOR:
        own = _inspected(by).where(_INSPECTION.c.assignee_id == by.person_id)
        to_take = _inspected(by).where(_INSPECTION.c.assignee_id.is_(None), _INSPECTION.c.team_id.in_(teams_of(by.person_id, by.organisation_id)))
        return Dwelling.id.in_(sa.union_all(own, to_take))
    if role is Role.REVIEWER:
        of_municipality = sa.select(_OTHER.id).where(_OTHER.municipality_code == by.municipality_code)
        registered = _registered_only(by).where(sa.cast(by.municipality_code, sa.Text).is_(None))
        return Dwelling.id.in_(sa.union_all(_inspected(by), _in_portfolio(by), registered, of_municipality, *inherited))
    return sa.true() if role is Role.MINISTRY_AUDITOR else sa.false()


_OTHER = orm.aliased(Dwelling)


def _inspected(by: Sight) -> sa.Select[*tuple[UUID]]:
    return sa.select(_INSPECTION.c.dwelling_id).where(_INSPECTION.c.organisation_id == by.organisation_id)


def _in_portfolio(by: Sight) -> sa.Select[*tuple[UUID]]:
    return sa.select(PortfolioPeriod.dwelling_id).where(PortfolioPeriod.organisation_id == by.organisation_id, holds_on(PortfolioPeriod, by.today))


def _registered_only(by: Sight) -> sa.Select[*tuple[UUID]]:
    ever = sa.exists().where(PortfolioPeriod.dwelling_id == _OTHER.id, PortfolioPeriod.valid_until.is_distinct_from(PortfolioPeriod.valid_from))
    return sa.select(_OTHER.id).where(_OTHER.registrar_id == by.organisation_id, ~ever)


def _inherited(by: Sight) -> sa.Select[*tuple[UUID]]:
    """What came before the dwellings in the portfolio, each one once, along its own index: for most corporations there is nothing there."""
    joined = sa.select(InheritedDwelling.dwelling_id).join(PortfolioPeriod, PortfolioPeriod.id == InheritedDwelling.period_id).distinct()
    return joined.where(InheritedDwelling.organisation_id == by.organisation_id, holds_on(PortfolioPeriod, by.today))


def line_of(dwelling_id: object) -> sa.CompoundSelect[*tuple[UUID]]:
    """A dwelling, all that came before it and all that came after it."""
    before = sa.select(Lineage.predecessor_id).where(Lineage.successor_id == dwelling_id)
    after = sa.select(Lineage.successor_id).where(Lineage.predecessor_id == dwelling_id)
    return sa.union_all(sa.select(sa.cast(dwelling_id, sa.Uuid)), before, after)


def called(bag_id: object) -> sa.ColumnElement[bool]:
    """Whether a dwelling has this BAG id, or had it before it was re-keyed."""
    now = sa.select(_OTHER.id).where(_OTHER.bag_id == bag_id)
    formerly = sa.select(SuccessionDwelling.dwelling_id).join(Succession, Succession.id == SuccessionDwelling.succession_id)
    return Dwelling.id.in_(sa.union_all(now, formerly.where(Succession.former_bag_id == bag_id, Succession.retracted_at.is_(None))))


_FILTERS = {"municipality_code": Dwelling.municipality_code, "focus_area": Dwelling.focus_area}


@cache
def _one(role: Role) -> sa.Select[*tuple[object, ...]]:
    """Composed once for each role: composing it takes longer than running it (docs/adr/0008)."""
    return sa.select(*COLUMNS).where(Dwelling.id == sa.bindparam("id"), _visible(role, _PARAMETERS))


@cache
def _page(role: Role, given: frozenset[str]) -> sa.Select[*tuple[object, ...]]:
    if role is Role.CORPORATION_EDITOR and given <= {"after"}:
        return _page_of_held(given)
    query = sa.select(*COLUMNS).where(_visible(role, _PARAMETERS)).order_by(Dwelling.id).limit(_LIMIT)
    query = query.where(*(column == sa.bindparam(name) for name, column in _FILTERS.items() if name in given))
    query = query.where(called(sa.bindparam("bag_id", type_=sa.Text))) if "bag_id" in given else query
    return query.where(Dwelling.id > _AFTER) if "after" in given else query


_LIMIT, _AFTER = sa.bindparam("limit", type_=sa.Integer), sa.bindparam("after", type_=sa.Uuid)


def _page_of_held(given: frozenset[str]) -> sa.Select[*tuple[object, ...]]:
    """As `_page`, for all that a corporation sees: no more than a page of each part is read, along the index that leads to it."""
    parts = []
    for part in (_in_portfolio(_PARAMETERS), _registered_only(_PARAMETERS), _inherited(_PARAMETERS)):
        key = part.selected_columns[0]
        part = part.where(key > _AFTER) if "after" in given else part
        parts.append(part.order_by(key).limit(_LIMIT).subquery().select())
    held = sa.union(*parts).subquery("held")  # the last part may have what the first ones have too
    return sa.select(*COLUMNS).join(held, held.c[0] == Dwelling.id).where(Dwelling.withdrawn_at.is_(None)).order_by(held.c[0]).limit(_LIMIT)


def get(session: Session, actor: Actor, dwelling_id: UUID) -> sa.RowMapping:
    """All columns of one dwelling. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_DWELLINGS)
    row = session.execute(_one(actor.role), {"id": dwelling_id, **_parameters(actor)}).mappings().one_or_none()
    if row is None:
        raise NotFound(what="dwelling", id=dwelling_id)
    return row


def find_each(session: Session, actor: Actor, dwelling_ids: Collection[UUID]) -> dict[UUID, sa.RowMapping]:
    """All columns of those of these dwellings that the actor may see. Raises NotAllowed."""
    require(actor, Right.READ_DWELLINGS)
    if not dwelling_ids:
        return {}
    query = sa.select(*COLUMNS).where(Dwelling.id.in_(dwelling_ids), visible_to(actor))
    return {row["id"]: row for row in session.execute(query).mappings()}


def list_(
    session: Session,
    actor: Actor,
    *,
    municipality_code: str | None = None,
    focus_area: str | None = None,
    bag_id: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Page[sa.RowMapping]:
    """One page in the order of the id. Raises NotAllowed."""
    require(actor, Right.READ_DWELLINGS)
    wanted = {"municipality_code": municipality_code, "focus_area": focus_area, "bag_id": bag_id, "after": after}
    given = {name: value for name, value in wanted.items() if value is not None}
    values = {**given, "limit": limit + 1, **_parameters(actor)}
    rows = session.execute(_page(actor.role, frozenset(given)), values).mappings().all()
    return page_of(rows, limit=limit, key=lambda row: str(row["id"]))


def labels(session: Session, actor: Actor, dwelling_id: UUID) -> list[RegisteredLabel]:
    """The registered energy labels, oldest survey first. Raises NotAllowed, NotFound."""
    get(session, actor, dwelling_id)
    query = sa.select(RegisteredLabel).where(RegisteredLabel.dwelling_id == dwelling_id, RegisteredLabel.retracted_at.is_(None))
    return list(session.scalars(query.order_by(RegisteredLabel.surveyed_on, RegisteredLabel.recorded_at).limit(500)))


def newest_label(session: Session, dwelling_id: UUID) -> EnergyLabel | None:
    """The label that was surveyed last."""
    query = sa.select(RegisteredLabel.label).where(RegisteredLabel.dwelling_id == dwelling_id, RegisteredLabel.retracted_at.is_(None))
    return session.scalars(query.order_by(RegisteredLabel.surveyed_on.desc(), RegisteredLabel.recorded_at.desc()).limit(1)).one_or_none()


def check_kept(session: Session, actor: Actor, dwelling_id: UUID) -> None:
    """Raises NotYours for a dwelling that the actor sees only because it came before one in the portfolio."""
    if session.scalar(sa.select(Dwelling.id).where(Dwelling.id == dwelling_id, kept_by(actor))) is None:
        raise NotYours([Fault("", "dwelling-not-kept")])


def only_seen(session: Session, actor: Actor, dwelling_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these dwellings, none of which the actor keeps (`kept_by`), that she sees."""
    if not dwelling_ids:
        return frozenset()
    return frozenset(session.scalars(sa.select(Dwelling.id).where(Dwelling.id.in_(dwelling_ids), visible_to(actor))))


def out_of_sight(session: Session, dwelling_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these ids that belong to a dwelling which whoever acts may not see."""
    if not dwelling_ids:
        return frozenset()
    return frozenset(session.scalars(sa.select(sa.func.dwellings_out_of_sight(sa.cast(list(dwelling_ids), sa.ARRAY(sa.Uuid))))))


def municipality_of(session: Session, dwelling_id: UUID) -> str:
    """The municipality code of a dwelling that exists."""
    return session.scalars(sa.select(Dwelling.municipality_code).where(Dwelling.id == dwelling_id)).one()


def kept_among(session: Session, actor: Actor, dwelling_ids: Collection[UUID]) -> dict[UUID, str]:
    """Those of these dwellings that the actor may write about, with their municipality code."""
    listed = Dwelling.id == sa.any_(sa.cast(list(dwelling_ids), sa.ARRAY(sa.Uuid)))
    return {row.id: row.municipality_code for row in session.execute(sa.select(Dwelling.id, Dwelling.municipality_code).where(listed, kept_by(actor)))}


def lock(session: Session, dwelling_ids: Collection[UUID]) -> dict[UUID, str]:
    """Lock the rows of these dwellings until the end of the transaction, in the order of their ids so that two writers never wait for each other.

    Returns the municipality code of each one that exists.
    """
    listed = Dwelling.id == sa.any_(sa.cast(sorted(set(dwelling_ids)), sa.ARRAY(sa.Uuid)))
    query = sa.select(Dwelling.id, Dwelling.municipality_code).where(listed).order_by(Dwelling.id)
    return {row.id: row.municipality_code for row in session.execute(query.with_for_update(key_share=True))}
