"""The real PostgreSQL and S3 of one test run: started once, shared by all its workers. And a real gunicorn, for a test that asks for one."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import sqlalchemy as sa

from registry import migrations
from registry.db import API_ROLE
from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres

TEMPLATE = "registry_template"
SERVER = "REGISTRY_TEST_SERVER"
API_PASSWORD = "only-in-tests"
ROOT = Path(__file__).parents[1]


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
    migrations.let_in(at(server, TEMPLATE), API_ROLE, API_PASSWORD)
    os.environ |= {
        SERVER: server,
        "REGISTRY_S3_ENDPOINT": store.endpoint,
        "REGISTRY_S3_ACCESS_KEY": store.access_key,
        "REGISTRY_S3_SECRET_KEY": store.secret_key,
        "REGISTRY_RATE_LIMIT_TOKEN": "",
        "REGISTRY_RATE_LIMIT_ADDRESS": "",
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


def as_api(url: str) -> str:
    """The same database, for who signs in as the role of the API."""
    return sa.make_url(url).set(username=API_ROLE, password=API_PASSWORD).render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Api:
    """gunicorn on a port of loopback; ``log`` is what it wrote to standard error."""

    port: int
    process: psutil.Process
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        return self.process.children()


@contextmanager
def gunicorn(database_url: str, folder: Path, *options: str, application: str = "api.wsgi:app", **settings: str) -> Iterator[Api]:
    """The API as `registry up` runs it, on a database, with ``options`` of gunicorn's command line and ``settings`` of the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:api.serving", "--bind", f"127.0.0.1:{port}", *options, application]
    environment = {**os.environ, "REGISTRY_DATABASE_URL": as_api(database_url), **settings}
    log = folder / "api.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield Api(port, psutil.Process(process.pid), log)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)
