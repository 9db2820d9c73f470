"""The database of these tests: an empty one with the tables, and real commits."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from tests import servers


@pytest.fixture(scope="module")
def bag_database(engine: sa.Engine) -> Iterator[str]:
    name = f"bag_{uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture
def bag_connection(bag_database: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to a database without dwellings and municipalities."""
    with psycopg.connect(bag_database, autocommit=True) as connection:
        connection.execute("DELETE FROM dwelling")
        connection.execute("DELETE FROM focus_area")
        connection.execute("DELETE FROM municipality")
        yield connection


@pytest.fixture(scope="session")
def weesp(shared_data: Path) -> Path:
    return shared_data / "bag/BAGGEM0457L-15102021.zip"
