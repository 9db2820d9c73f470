"""Reading dwellings. Visibility is part of each query."""

from collections.abc import Collection
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.dwellings.model import Dwelling, RegisteredLabel
from registry.errors import NotFound
from registry.pages import Page, page_of
from registry.values import EnergyLabel

COLUMNS = tuple(Dwelling.__table__.columns)


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """A municipality sees the dwellings in it; other roles that may read dwellings see all of them for now (see docs/operations.md, Access)."""
    return _visible(actor.role, actor.municipality_code)


def _visible(role: Role, municipality_code: "str | sa.BindParameter[str] | None") -> sa.ColumnElement[bool]:
    return Dwelling.municipality_code == municipality_code if role is Role.MUNICIPALITY_EDITOR else sa.true()


_FILTERS = {"municipality_code": Dwelling.municipality_code, "focus_area": Dwelling.focus_area, "bag_id": Dwelling.bag_id}


@cache
def _one(role: Role) -> sa.Select[*tuple[object, ...]]:
    """Composed once for each role: composing it takes longer than running it (docs/adr/0008)."""
    return sa.select(*COLUMNS).where(Dwelling.id == sa.bindparam("id"), _visible(role, sa.bindparam("seen_municipality")))


@cache
def _page(role: Role, given: frozenset[str]) -> sa.Select[*tuple[object, ...]]:
    query = sa.select(*COLUMNS).where(_visible(role, sa.bindparam("seen_municipality"))).order_by(Dwelling.id).limit(sa.bindparam("limit", type_=sa.Integer))
    query = query.where(*(column == sa.bindparam(name) for name, column in _FILTERS.items() if name in given))
    return query.where(Dwelling.id > sa.bindparam("after")) if "after" in given else query


def get(session: Session, actor: Actor, dwelling_id: UUID) -> sa.RowMapping:
    """All columns of one dwelling. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_DWELLINGS)
    row = session.execute(_one(actor.role), {"id": dwelling_id, "seen_municipality": actor.municipality_code}).mappings().one_or_none()
    if row is None:
        raise NotFound(what="dwelling", id=dwelling_id)
    return row


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
    values = {**given, "limit": limit + 1, "seen_municipality": actor.municipality_code}
    rows = session.execute(_page(actor.role, frozenset(given)), values).mappings().all()
    return page_of(rows, limit=limit, key=lambda row: str(row["id"]))


def by_address(
    session: Session, actor: Actor, *, postcode: str, house_number: int, house_letter: str | None, house_number_suffix: str | None
) -> list[sa.RowMapping]:
    """The dwellings at one address; letter and suffix narrow it down when given. Raises NotAllowed."""
    require(actor, Right.READ_DWELLINGS)
    query = sa.select(*COLUMNS).where(visible_to(actor), Dwelling.postcode == postcode, Dwelling.house_number == house_number)
    if house_letter is not None:
        query = query.where(sa.func.lower(Dwelling.house_letter) == house_letter.lower())
    if house_number_suffix is not None:
        query = query.where(sa.func.lower(Dwelling.house_number_suffix) == house_number_suffix.lower())
    return list(session.execute(query.order_by(Dwelling.house_letter, Dwelling.house_number_suffix).limit(500)).mappings())


def labels(session: Session, actor: Actor, dwelling_id: UUID) -> list[RegisteredLabel]:
    """The registered energy labels, oldest survey first. Raises NotAllowed, NotFound."""
    get(session, actor, dwelling_id)
    query = sa.select(RegisteredLabel).where(RegisteredLabel.dwelling_id == dwelling_id).order_by(RegisteredLabel.surveyed_on, RegisteredLabel.recorded_at)
    return list(session.scalars(query.limit(500)))


def newest_label(session: Session, dwelling_id: UUID) -> EnergyLabel | None:
    """The label that was surveyed last."""
    query = sa.select(RegisteredLabel.label).where(RegisteredLabel.dwelling_id == dwelling_id)
    return session.scalars(query.order_by(RegisteredLabel.surveyed_on.desc(), RegisteredLabel.recorded_at.desc()).limit(1)).one_or_none()


def municipality_of(session: Session, dwelling_id: UUID) -> str:
    """The municipality code of a dwelling that exists."""
    return session.scalars(sa.select(Dwelling.municipality_code).where(Dwelling.id == dwelling_id)).one()


def lock(session: Session, dwelling_ids: Collection[UUID]) -> dict[UUID, str]:
    """Lock the rows of these dwellings until the end of the transaction, in the order of their ids so that two writers never wait for each other.

    Returns the municipality code of each one that exists.
    """
    query = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id.in_(sorted(set(dwelling_ids)))).order_by(Dwelling.id)
    return {row.id: row.municipality_code for row in session.execute(query.with_for_update(key_share=True))}
