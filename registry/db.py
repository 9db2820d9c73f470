"""The database: the base of every table, the transaction, and the meaning of a broken constraint.

Nothing outside this module commits. `transaction()` is for writes: its first statement takes the shared lock of the change feed, before the
transaction has an id, so that a reader of the feed can tell which ids may still appear (docs/adr/0004). `reading()` runs every statement by itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias, Union
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from registry.errors import RegistryError, Unavailable

CHANGE_FEED_LOCK = 4711
"""The advisory lock that every writer shares; `registry/changes/queries.py` reads who holds it."""
RETRY_AFTER_S = 5
CONNECT_TIMEOUT_S = 5

Json: TypeAlias = Union["dict[str, Json]", "list[Json]", str, int, float, bool, None]


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: sa.Text,
        datetime: TIMESTAMP(timezone=True),
        date: sa.Date,
        UUID: sa.Uuid,
        Decimal: sa.Numeric,
        list[str]: ARRAY(sa.Text),
    }


def one_of(values: type[StrEnum], name: str) -> sa.Enum:
    """A text column that holds one of ``values``, guarded by a CHECK constraint ``ck_<table>_<name>``."""
    return sa.Enum(values, name=name, native_enum=False, create_constraint=True, length=40, values_callable=lambda enum: [member.value for member in enum])


NEW_ID = sa.text("uuid_v7()")
RECORDED_NOW = sa.text("clock_timestamp()")

_explanations: dict[str, Callable[[], RegistryError]] = {}


def explains(constraint: str, error: Callable[[], RegistryError]) -> None:
    """Say what a broken ``constraint`` means to a caller. One that is not explained stays a mistake of ours."""
    _explanations[constraint] = error


class Database:
    """One engine of this process. In tests, ``bind`` is a connection whose outer transaction is rolled back."""

    def __init__(self) -> None:
        self.bind: sa.Engine | sa.Connection | None = None
        self.reader: sa.Engine | sa.Connection | None = None

    def connect(self, url: str, *, pool_size: int) -> None:
        engine = sa.create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
        self.bind, self.reader = engine, engine.execution_options(isolation_level="AUTOCOMMIT")

    def use(self, connection: sa.Connection | None) -> None:
        """Let every transaction of this process run inside the outer transaction of ``connection``."""
        self.bind = self.reader = connection


database = Database()


def sqlalchemy_url(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


@contextmanager
def transaction(on: sa.Connection | None = None) -> Iterator[orm.Session]:
    """Everything inside happens, or nothing does. ``on`` is a connection to use, for what must happen on the one that holds temporary tables.

    Raises the error that `explains` gives for a broken constraint; Unavailable when the database can't be reached.
    """
    with explained(), orm.Session(on or database.bind, expire_on_commit=False, join_transaction_mode="create_savepoint") as session, session.begin():
        session.execute(_SHARE_CHANGE_FEED)
        yield session


_SHARE_CHANGE_FEED = sa.text(f"SELECT pg_advisory_xact_lock_shared({CHANGE_FEED_LOCK})")


@contextmanager
def connection() -> Iterator[sa.Connection]:
    """One connection for work that prepares a transaction on it."""
    if isinstance(database.bind, sa.Connection):
        yield database.bind
        return
    assert database.bind is not None
    with explained(), database.bind.connect() as opened:
        yield opened


@contextmanager
def reading() -> Iterator[orm.Session]:
    """Reads only; each statement sees what is committed when it starts."""
    with explained(), orm.Session(database.reader, autoflush=False, join_transaction_mode="create_savepoint") as session:
        yield session


@contextmanager
def explained() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise _explanation(error) or error from error
    except (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError) as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error


def _explanation(error: sa.exc.IntegrityError) -> RegistryError | None:
    cause = error.orig
    if not isinstance(cause, psycopg.Error):
        return None
    explain = _explanations.get(cause.diag.constraint_name or "")
    return explain() if explain else None
