"""Every test that asks for `session` or `api` runs in a transaction on a real PostgreSQL that is rolled back; `fresh_database` is for real commits."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import settings
from sqlalchemy.orm import Session

from api.app import build
from registry import storage
from registry.db import API_ROLE, database, sqlalchemy_url
from tests import servers
from tests.owner import as_owner

SHARED = Path(__file__).parents[2] / "shared" / "data"
_running = ExitStack()

settings.register_profile("registry", deadline=None)
settings.load_profile("registry")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        servers.start(_running)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _running.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inputs that are not part of the repository."""
    if not SHARED.exists():
        pytest.skip("the folder with real inputs is not here")
    return SHARED


@pytest.fixture(scope="session")
def engine(worker_id: str) -> Iterator[sa.Engine]:
    name = f"test_{worker_id}"
    url = servers.create_database(name)
    os.environ["REGISTRY_DATABASE_URL"] = url
    engine = sa.create_engine(sqlalchemy_url(url))
    yield engine
    engine.dispose()
    servers.drop_database(name)


@contextmanager
def rolled_back(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection with a transaction that is rolled back; all of the register works inside it."""
    with engine.connect() as connection, connection.begin() as outer:
        database.use(connection, role=API_ROLE)
        try:
            yield connection
        finally:
            database.use(None)
            outer.rollback()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with rolled_back(engine) as connection:
        yield connection


@pytest.fixture
def session(connection: sa.Connection) -> Iterator[Session]:
    """For what a test prepares and looks at: it sees and may do everything, while the API acts as its own database role on the same connection."""
    with as_owner() as session:
        yield session


@pytest.fixture
def fresh_database(engine: sa.Engine) -> Iterator[str]:
    """A database of its own for a test with real commits; its URL."""
    name = f"fresh_{uuid4().hex}"
    url = servers.create_database(name)
    database.connect(url, pool_size=16)
    yield url
    for bind in (database.bind, database.reader):
        if isinstance(bind, sa.Engine):
            bind.dispose()
    database.use(None)
    servers.drop_database(name)


@pytest.fixture(scope="session")
def bucket(engine: sa.Engine) -> None:
    """The object store, with its bucket."""
    storage.prepare()


@pytest.fixture(scope="session")
def application(engine: sa.Engine):  # type: ignore[no-untyped-def]
    return build()


@pytest.fixture
def api(connection: sa.Connection, application) -> FlaskClient:  # type: ignore[no-untyped-def]
    return application.test_client()
