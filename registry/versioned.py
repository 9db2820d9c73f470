"""Rows with a version: who changes one says which version the change is based on."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import orm

from registry.db import RECORDED_NOW
from registry.errors import RegistryError, Stale


class VersionRequired(RegistryError):
    """A change of an existing row that does not say which version it is based on."""

    code = "precondition-required"


class NothingToChange(Stale):
    """A change that names a version of a row that does not exist."""

    code = "nothing-to-change"


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Versioned:
    """The columns of a row with a version. ``recorded_at`` is when the register learned this version; former ones are in `superseded_row`."""

    version: orm.Mapped[int] = orm.mapped_column(server_default="1", sort_order=90)
    recorded_at: orm.Mapped[datetime] = orm.mapped_column(server_default=RECORDED_NOW, sort_order=91)


Row = TypeVar("Row", bound=Versioned)


def check_version(row: Versioned, expected: int | None) -> None:
    """Raises VersionRequired, Stale."""
    if expected is None:
        raise VersionRequired()
    if row.version != expected:
        raise Stale(current=row.version)


def same(row: object, values: Mapping[str, object]) -> bool:
    return all(_equal(getattr(row, name), value) for name, value in values.items())


def _equal(one: object, other: object) -> bool:
    """As JSON sees it: true is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def change(session: orm.Session, row: Versioned, values: Mapping[str, object]) -> None:
    """Set ``values`` and go to the next version, in one statement; the trigger keeps the former one."""
    mapper = sa.inspect(type(row))
    table = cast("sa.Table", mapper.local_table)
    keys = {f"key_{key.name}": getattr(row, key.name) for key in table.primary_key}
    changed = session.execute(_changing(table, tuple(values)), {**keys, **values, "version": row.version + 1}).mappings().one()
    for column in table.columns:
        orm.attributes.set_committed_value(row, mapper.get_property_by_column(column).key, changed[column.name])


@cache
def _changing(table: sa.Table, names: tuple[str, ...]) -> sa.Update:
    """The statement that changes these columns. Making it costs more than running it."""
    values = {name: sa.bindparam(name, type_=table.c[name].type) for name in (*names, "version")}
    wanted = [key == sa.bindparam(f"key_{key.name}") for key in table.primary_key]
    return table.update().where(*wanted).values({**values, "recorded_at": RECORDED_NOW}).returning(*table.c)


def put(session: orm.Session, model: type[Row], key: Mapping[str, object], values: Mapping[str, object], *, expected: int | None) -> tuple[Row, Outcome]:
    """Create the row when no version is ``expected``, change it when that is its version, or leave it when nothing differs.

    Raises VersionRequired, Stale, NothingToChange.
    """
    if expected is not None and session.get(model, _identity(key)) is None:
        raise NothingToChange()
    created = session.scalar(sa.dialects.postgresql.insert(model).values({**key, **values}).on_conflict_do_nothing().returning(model))
    if created is not None:
        return created, Outcome.CREATED
    row = session.get_one(model, _identity(key), with_for_update={"key_share": True})
    if same(row, values):
        return row, Outcome.UNCHANGED
    check_version(row, expected)
    change(session, row, values)
    return row, Outcome.CHANGED


def _identity(key: Mapping[str, object]) -> object:
    return key if len(key) > 1 else next(iter(key.values()))
