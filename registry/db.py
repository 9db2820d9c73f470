"""The database: the base of every table, the transaction, and the meaning of a broken constraint.

Nothing outside this module commits. `transaction()` is for writes: its first statement takes the shared lock of the change feed, before the
transaction has an id, so that a reader of the feed can tell which ids may still appear (docs/adr/0004). `reading()` runs every statement by itself.
Both tell PostgreSQL in whose name, for that transaction alone: row-level security shows nothing to nobody (docs/adr/0014).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeAlias, Union
from uuid import UUID

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from registry.errors import NotAllowed, RegistryError, Unavailable

CHANGE_FEED_LOCK = 4711
"""The advisory lock that every writer shares; `registry/changes/queries.py` reads who holds it."""
RETRY_AFTER_S = 5
CONNECT_TIMEOUT_S = 5
API_ROLE = "registry_api"
WORKER_ROLE = "registry_worker"
COUNTING_ROLE = "registry_counter"
"""May count, and can't read an address; the API's role takes it on for a tally alone."""
_REFUSED_BY_POLICY = "42501"

log = structlog.get_logger()

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


def array_literal(values: Iterable[object]) -> str:
    """The texts of these values as PostgreSQL writes an array, None as NULL: adapting a list of thousands costs more than the statement it is for."""
    written = ["NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return "{" + ",".join(written) + "}"


NEW_ID = sa.text("uuid_v7()")
RECORDED_NOW = sa.text("clock_timestamp()")

_explanations: dict[str, Callable[[], RegistryError]] = {}


def explains(constraint: str, error: Callable[[], RegistryError]) -> None:
    """Say what a broken ``constraint`` means to a caller. One that is not explained stays a mistake of ours."""
    _explanations[constraint] = error


class Acting(Protocol):
    """Whoever acts, as row-level security is told: a value for each name in `CLAIMS`, each may be empty."""

    @property
    def claims(self) -> Mapping[str, str]: ...


CLAIMS = ("person", "organisation", "role", "municipality", "central", "reason")
NOBODY: Mapping[str, str] = dict.fromkeys(CLAIMS, "")


class Database:
    """One engine of this process. In tests, ``bind`` is a connection whose outer transaction is rolled back.

    ``role`` is the database role that acts: ``none`` is the one that is connected as.
    """

    def __init__(self) -> None:
        self.bind: sa.Engine | sa.Connection | None = None
        self.reader: sa.Engine | sa.Connection | None = None
        self.role = "none"

    def connect(self, url: str, *, pool_size: int, guarded: bool = False, prepared: bool = True) -> None:
        """``guarded``: use no connection whose role row-level security does not hold back. ``prepared``: statements used often are planned once."""
        engine = sa.create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, **({} if prepared else {"prepare_threshold": None})},
        )
        sa.event.listen(engine, "do_execute", _execute_as)
        if guarded:
            sa.event.listen(engine, "connect", _refuse_mighty)
        self.bind, self.reader = engine, engine.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        for bind in (self.bind, self.reader):
            if isinstance(bind, sa.Engine):
                bind.dispose()
        self.use(None)

    def use(self, connection: sa.Connection | None, *, role: str = "none") -> None:
        """Let every transaction of this process run inside the outer transaction of ``connection``."""
        self.bind = self.reader = connection
        self.role = role


database = Database()


def one_connection() -> bool:
    """Whether all transactions share one connection, as in tests: then no two of them go side by side."""
    return isinstance(database.bind, sa.Connection)


def sqlalchemy_url(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


_ACT = ", ".join([*(f"set_config('registry.{name}', %({name})s, true)" for name in CLAIMS), "set_config('role', %(as_role)s, true)"])
_ACT_FOR_READING = f"SELECT {_ACT}"
_ACT_FOR_WRITING = f"SELECT pg_advisory_xact_lock_shared({CHANGE_FEED_LOCK}), {_ACT}"
"""The lock comes first, and the transaction has no id before it."""


def _claims(acting: Acting | None, role: str) -> dict[str, str]:
    return {**(NOBODY if acting is None else acting.claims), "as_role": role}


@contextmanager
def transaction(acting: Acting | None = None, *, on: sa.Connection | None = None, role: str | None = None) -> Iterator[orm.Session]:
    """Everything inside happens, or nothing does. ``on`` is a connection to use, for what must happen on the one that holds temporary tables; ``role`` acts
    instead of the one that acts usually.

    Raises the error that `explains` gives for a broken constraint; NotAllowed for a row that row-level security refuses; Unavailable when the database
    can't be reached.
    """
    with (
        explained(),
        _left_as_found(),
        orm.Session(on or database.bind, expire_on_commit=False, join_transaction_mode="create_savepoint") as session,
        session.begin(),
    ):
        _begin_as(session.connection(), _claims(acting, role or database.role))
        yield session


def _begin_as(connection: sa.Connection, claims: Mapping[str, str]) -> None:
    """BEGIN, the lock of the change feed and who acts, in one round trip."""
    driver: Any = connection.connection.driver_connection
    with driver.pipeline():
        driver.execute(_ACT_FOR_WRITING, claims)


def one_at_a_time(session: orm.Session, name: str) -> None:
    """Until the end of the transaction, let nobody else by who asks with this name: for what has no row that could be locked."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


def act(session: orm.Session, acting: Acting | None, *, role: str | None = None) -> None:
    """Go on in this name until the end of the transaction: who it is was found out inside it. ``role`` acts then, instead of the one that acts usually."""
    session.connection().exec_driver_sql(_ACT_FOR_READING, _claims(acting, role or database.role))


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
def reading(acting: Acting | None = None) -> Iterator[orm.Session]:
    """Each statement is a transaction of its own that sees what is committed when it starts; for reads, and for the line that tells of one."""
    with _statements(_claims(acting, database.role)) as session:
        yield session


def ask(statement: str, values: Mapping[str, object]) -> Sequence[sa.Row[Any]]:
    """The rows of one statement in nobody's name, in a transaction of its own: for what must be known before anybody acts. Raises Unavailable."""
    if isinstance(database.reader, sa.Connection):
        with reading() as session:
            return session.connection().exec_driver_sql(statement, dict(values)).all()
    assert database.reader is not None
    with explained(), database.reader.connect() as connection:
        return connection.exec_driver_sql(statement, dict(values)).all()


@contextmanager
def counting(acting: Acting) -> Iterator[orm.Session]:
    """As `reading`, over all dwellings and without anything that says where they are: for figures."""
    with _statements(_claims(acting, COUNTING_ROLE)) as session:
        yield session


@contextmanager
def seeing(acting: Acting) -> Iterator[orm.Session]:
    """As `reading`, in the role of the API: for a worker that must see what somebody sees and nothing else."""
    with _statements(_claims(acting, API_ROLE)) as session:
        yield session


@contextmanager
def _statements(claims: Mapping[str, str]) -> Iterator[orm.Session]:
    with (
        explained(),
        _left_as_found(),
        orm.Session(database.reader, autoflush=False, expire_on_commit=False, join_transaction_mode="create_savepoint") as session,
    ):
        if isinstance(database.reader, sa.Connection):
            session.connection().exec_driver_sql(_ACT_FOR_READING, dict(claims))
            yield session
            session.commit()
        else:
            session.connection(execution_options={"claims": claims})
            yield session


def _execute_as(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Say who acts, run the statement and commit, in one round trip: statements of a pipeline without BEGIN are one transaction."""
    claims = None if context is None else context.execution_options.get("claims")
    if claims is None:
        return False
    driver = cursor.connection
    with driver.pipeline():
        driver.execute(_ACT_FOR_READING, claims)
        cursor.execute(statement, parameters)
    return True


_MIGHT = """
SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class WHERE relowner = role.oid AND relnamespace = 'public'::regnamespace) AS mighty,
    pg_has_role('pg_read_all_stats', 'USAGE') AS reads_statistics
FROM pg_roles AS role WHERE rolname = current_user
"""


def _refuse_mighty(driver: Any, _: object) -> None:
    """Raises Unavailable: serving with a role that may do everything would be worse than not serving."""
    mighty, reads_statistics = driver.execute(_MIGHT).fetchone()
    driver.rollback()
    if mighty:
        log.error("database-role-too-mighty", hint=f"give the API a URL that signs in as {API_ROLE} (docs/operations.md, Database roles)")
    if not reads_statistics:
        log.error("database-role-can-not-read-statistics", hint=f"GRANT pg_read_all_stats TO {API_ROLE}")
    if mighty or not reads_statistics:
        raise Unavailable(retry_after_s=RETRY_AFTER_S)


@contextmanager
def _left_as_found() -> Iterator[None]:
    """A connection that outlives its transactions, as in tests, is nobody's again afterwards; otherwise the end of the transaction sees to that."""
    try:
        yield
    finally:
        if isinstance(database.bind, sa.Connection) and database.role != "none":
            database.bind.exec_driver_sql(_ACT_FOR_READING, _claims(None, "none"))


@contextmanager
def explained() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise _explanation(error) or error from error
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == _REFUSED_BY_POLICY:
            log.warning("refused-by-policy", cause=str(error.orig))
            raise NotAllowed(role="-", right="-") from error
        raise
    except (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError) as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error


def _explanation(error: sa.exc.IntegrityError) -> RegistryError | None:
    cause = error.orig
    if not isinstance(cause, psycopg.Error):
        return None
    explain = _explanations.get(cause.diag.constraint_name or "")
    return explain() if explain else None
