"""The database of these tests: an empty one with the tables, on the server that REGISTRY_TEST_DATABASE_URL names."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo, sql

from registry import migrations

WEESP = Path(__file__).parents[4] / "shared/data/bag/BAGGEM0457L-15102021.zip"


@pytest.fixture(scope="module")
def bag_database() -> Iterator[str]:
    server = os.environ.get("REGISTRY_TEST_DATABASE_URL")
    if not server:
        pytest.skip("REGISTRY_TEST_DATABASE_URL does not name a PostgreSQL server to make a database on")
    name = f"bag_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        parts = conninfo.conninfo_to_dict(server)
        url = f"postgresql://{parts.get('user', 'postgres')}:{parts.get('password') or ''}@{parts.get('host')}:{parts.get('port', 5432)}/{name}"
        migrations.upgrade(url)
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def bag_connection(bag_database: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to a database without dwellings and municipalities."""
    with psycopg.connect(bag_database, autocommit=True) as connection:
        connection.execute("DELETE FROM dwelling")
        connection.execute("DELETE FROM focus_area")
        connection.execute("DELETE FROM municipality")
        yield connection


@pytest.fixture(scope="session")
def weesp() -> Path:
    if not WEESP.exists():
        pytest.skip(f"the real extract is not at {WEESP}")
    return WEESP
