"""The real PostgreSQL and S3 of one test run: started once, shared by all its workers."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from registry import migrations
from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres

TEMPLATE = "registry_template"
SERVER = "REGISTRY_TEST_SERVER"


def start(stack: ExitStack) -> None:
    """Start both servers, migrate the template database, and tell the workers by the environment where they are."""
    folder = Path(tempfile.mkdtemp(prefix="registry-tests-"))
    folder.chmod(0o711)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    server = stack.enter_context(Postgres(folder / "postgresql", durable=False)).start()
    store = stack.enter_context(ObjectStore(folder / "seaweedfs")).start()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    migrations.upgrade(at(server, TEMPLATE))
    os.environ |= {
        SERVER: server,
        "REGISTRY_S3_ENDPOINT": store.endpoint,
        "REGISTRY_S3_ACCESS_KEY": store.access_key,
        "REGISTRY_S3_SECRET_KEY": store.secret_key,
        "REGISTRY_EMBEDDED": "true",
    }


def create_database(name: str) -> str:
    """A new database with all tables; its URL."""
    with psycopg.connect(os.environ[SERVER], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return at(os.environ[SERVER], name)


def drop_database(name: str) -> None:
    with psycopg.connect(os.environ[SERVER], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def at(server: str, database: str) -> str:
    return f"{server.rpartition('/')[0]}/{database}"
