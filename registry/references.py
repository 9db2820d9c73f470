"""Lists that everyone may read and few may change: municipalities, focus areas, schemes, projects. One way to write and one to read them."""

from collections.abc import Mapping
from typing import TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.errors import NotFound
from registry.pages import Page, page_of
from registry.versioned import Outcome, Versioned, put

Reference = TypeVar("Reference", bound=Versioned)


def write(
    session: Session,
    actor: Actor,
    column: InstrumentedAttribute[str],
    key: str,
    values: Mapping[str, object],
    *,
    expected: int | None,
    right: Right = Right.MANAGE_REFERENCE,
) -> tuple[Reference, Outcome]:
    """Create or change the row whose primary key ``column`` is ``key``. Raises NotAllowed, VersionRequired, Stale."""
    require(actor, right)
    model = cast("type[Reference]", column.class_)
    row, outcome = put(session, model, {column.key: key}, values, expected=expected)
    if outcome is not Outcome.UNCHANGED:
        kind = _kind(model)
        audit.record(session, actor, f"{kind}.{outcome}", kind, key, details={name: None if value is None else str(value) for name, value in values.items()})
    return row, outcome


def get(session: Session, actor: Actor, model: type[Reference], key: str) -> Reference:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_REFERENCE)
    row = session.get(model, key)
    if row is None:
        raise NotFound(what=_kind(model), id=key)
    return row


def list_(session: Session, actor: Actor, column: InstrumentedAttribute[str], *, after: str | None, limit: int) -> Page[Reference]:
    """One page in the order of ``column``. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    query = sa.select(column.class_).order_by(column).limit(limit + 1)
    if after is not None:
        query = query.where(column > after)
    rows = session.scalars(query).all()
    return page_of(rows, limit=limit, key=lambda row: str(getattr(row, column.key)))


def _kind(model: type[Versioned]) -> str:
    return str(sa.inspect(model).local_table.name)
