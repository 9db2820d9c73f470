"""One part of the register is down, hangs or is full: phones are told to come back, nothing that arrived is lost, and all goes on when the part is back."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from registry import jobs, migrations
from registry.db import API_ROLE, WORKER_ROLE
from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres
from registry.photos.claims import HAND_OVER_S
from registry.photos.receiving import KEEP_EVERY_S
from tests import servers
from tests.faults.behind import BUCKET, count, inspectors, kept_bytes, objects_of, upload_column
from tests.faults.phone import Answer, Phone, answer, eventually, some_bytes

pytestmark = pytest.mark.slow
SIZE = 600_000
HALF = SIZE // 2
DISK_BYTES = 400 * 1024**2


@dataclass(frozen=True, slots=True)
class Register:
    """Its parts, which a test may stop and start. ``url`` is the database as its owner sees it."""

    folder: Path
    postgres: Postgres
    store: ObjectStore
    url: str
    api: servers.Api
    settings: dict[str, str]

    def phone(self) -> Phone:
        ((token, inspection_id),) = inspectors(self.url, 1)
        return Phone(self.api.port, token, inspection_id)

    def readiness(self) -> tuple[int, dict[str, str]]:
        response = httpx.get(f"{self.api.url}/readyz", timeout=60)
        return response.status_code, response.json()

    @contextmanager
    def worker(self) -> Iterator[None]:
        url = migrations.let_in(self.url, WORKER_ROLE, servers.API_PASSWORD)
        environment = {**os.environ, **self.settings, "REGISTRY_DATABASE_URL": url}
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "registry.cli", "worker"], cwd=servers.ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="registry-degraded-"))
    path.chmod(0o711)
    yield path
    rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def disk(folder: Path) -> Iterator[Path]:
    """A small one of its own, for the object store."""
    path = folder / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(path)], check=False).returncode == 0
    yield path
    if mounted:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture(scope="module")
def register(folder: Path, disk: Path) -> Iterator[Register]:
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(folder / "postgresql"))
        store = stack.enter_context(ObjectStore(disk / "seaweedfs"))
        url, address = postgres.start(), store.start()
        objects_of(address).create_bucket(Bucket=BUCKET)
        migrations.upgrade(url)
        migrations.let_in(url, API_ROLE, servers.API_PASSWORD)
        settings = {f"REGISTRY_S3_{name.upper()}": getattr(address, name) for name in ("endpoint", "access_key", "secret_key")}
        api = stack.enter_context(servers.gunicorn(url, folder, "--workers", "1", **settings))
        yield Register(folder, postgres, store, url, api, settings)


@pytest.fixture
def phone(register: Register) -> Iterator[Phone]:
    yield register.phone()
    register.postgres.start()
    register.store.start()
    assert eventually(lambda: register.readiness()[0] == 200)


def told_to_wait(response: Answer, code: str = "unavailable") -> None:
    assert (response.status, response.code) == (503, code), response
    assert int(response.headers["Retry-After"]) > 0


def stored(register: Register, data: bytes) -> None:
    digest = hashlib.sha256(data).digest()
    assert count(register.url, "SELECT count(*) FROM image WHERE sha256 = %s", digest) == 1
    objects = objects_of(register.store.start())
    (found,) = [each["Key"] for each in objects.list_objects_v2(Bucket=BUCKET, Prefix="media/")["Contents"] if each["Key"].endswith(digest.hex())]
    assert objects.get_object(Bucket=BUCKET, Key=found)["Body"].read() == data


def test_without_the_object_store_all_bytes_are_kept_and_stored_without_being_sent_again(register: Register, phone: Phone) -> None:
    data, whole_at_once = some_bytes(SIZE), some_bytes(SIZE)
    path, other = phone.created(data), phone.created(whole_at_once)
    assert phone.patch(path, 0, data[:HALF]).status == 204
    register.store.stop()
    told_to_wait(phone.patch(path, HALF, data[HALF:]))
    told_to_wait(phone.patch(other, 0, whole_at_once))
    assert (kept_bytes(register.url, path), kept_bytes(register.url, other)) == (data, whole_at_once)
    assert register.readiness() == (503, {"status": "unavailable", "database": "ok", "objectStore": "unavailable"})
    assert phone.ask("HEAD", path).status == 503
    register.store.start()
    assert [phone.offset(each) for each in (path, other)] == [SIZE, SIZE]
    for each in (data, whole_at_once):
        stored(register, each)
    assert count(register.url, "SELECT count(*) FROM fragment") == 0


def test_without_the_object_store_what_comes_in_pieces_goes_on(register: Register, phone: Phone) -> None:
    data = some_bytes(SIZE)
    register.store.stop()
    path = phone.created(data)
    assert phone.patch(path, 0, data[:HALF]).status == 204
    register.store.start()
    assert phone.patch(path, HALF, data[HALF:]).status == 204
    stored(register, data)


def test_a_photo_that_could_not_be_stored_is_stored_by_the_worker_when_the_phone_never_comes_back(register: Register, phone: Phone) -> None:
    data = some_bytes(SIZE)
    path = phone.created(data)
    register.store.stop()
    told_to_wait(phone.patch(path, 0, data))
    register.store.start()
    with psycopg.connect(register.url) as connection:  # the job waits some seconds, which a test need not
        assert connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE task_name = %s", [jobs.FINISH_UPLOAD]).rowcount >= 1
    with register.worker():
        assert eventually(lambda: upload_column(register.url, path, "state") == "stored", 60)
    stored(register, data)


def test_a_look_while_the_object_store_hangs_does_not_let_bytes_be_sent_again(register: Register, phone: Phone) -> None:
    """All bytes have come, slowly, and the store accepts connections and says nothing; the phone grows impatient and asks where to go on."""
    data = some_bytes(SIZE)
    path = phone.created(data)
    assert register.store.pid
    weed = psutil.Process(register.store.pid)
    with ThreadPoolExecutor(1) as pool, phone.begin_patch(path, 0, SIZE, data[:HALF]) as waiting:
        time.sleep(KEEP_EVERY_S + 0.5)
        weed.suspend()
        try:
            waiting.sendall(data[HALF:])
            assert eventually(lambda: upload_column(register.url, path, "offset_bytes") == SIZE)
            look = pool.submit(phone.offset, path)
            time.sleep(HAND_OVER_S + 1)
            assert not look.done()
        finally:
            weed.resume()
        assert look.result() == SIZE
        said = answer(waiting)
        assert (said.status, said.offset) in ((204, SIZE), (409, SIZE))
    stored(register, data)


@pytest.mark.parametrize("wait_s", [0.0, 3.0], ids=["at once", "later"])
def test_phones_go_on_after_a_restart_of_the_database(register: Register, phone: Phone, wait_s: float) -> None:
    data = some_bytes(SIZE)
    path = phone.created(data)
    with phone.begin_patch(path, 0, SIZE, data[:HALF]) as under_way:
        assert eventually(lambda: bool(upload_column(register.url, path, "receiving")))
        time.sleep(2.2)
        under_way.sendall(data[HALF : HALF + 1])  # what came is kept
        assert eventually(lambda: bool(upload_column(register.url, path, "offset_bytes")))
        register.postgres.stop()
        told_to_wait(phone.ask("GET", path))
        register.postgres.start()
        time.sleep(wait_s)
        under_way.sendall(data[HALF + 1 :])
        said = answer(under_way)
    if said.status != 204:
        told_to_wait(said)
    assert eventually(lambda: phone.ask("HEAD", path).status == 200)
    offset = phone.offset(path)
    assert offset in (HALF, HALF + 1, SIZE)
    if offset < SIZE:
        assert phone.patch(path, offset, data[offset:]).status == 204
    stored(register, data)


def test_a_restart_of_the_database_under_the_last_bytes_costs_none_of_them(register: Register, phone: Phone) -> None:
    data = some_bytes(SIZE)
    path = phone.created(data)
    assert phone.patch(path, 0, data[:HALF]).status == 204
    with phone.begin_patch(path, HALF, SIZE - HALF, data[HALF:-1]) as under_way:
        assert eventually(lambda: bool(upload_column(register.url, path, "receiving")))
        register.postgres.stop()
        under_way.sendall(data[-1:])
        time.sleep(1)
        register.postgres.start()
        told_to_wait(answer(under_way))
    assert phone.offset(path) == SIZE
    stored(register, data)


def test_without_a_worker_photos_are_stored_and_examined_when_there_is_one(register: Register, phone: Phone) -> None:
    file = io.BytesIO()
    Image.effect_noise((320, 240), 50).convert("RGB").save(file, "JPEG")
    data, photo_id = file.getvalue(), "01999999-0000-7000-8000-000000000001"
    path = phone.created(data, photo_id)
    assert phone.patch(path, 0, data).status == 204
    time.sleep(1)
    assert phone.photo(photo_id)["state"] == "stored"
    with register.worker():
        assert eventually(lambda: phone.photo(photo_id)["state"] == "ready", 60), phone.photo(photo_id)


def test_a_full_object_store_refuses_clearly_and_takes_the_photo_when_there_is_room(register: Register, phone: Phone, disk: Path) -> None:
    if not os.path.ismount(disk):
        pytest.skip("no file system can be mounted here")
    data = some_bytes(SIZE)
    path = phone.created(data)
    ballast = disk / "ballast"
    fill(ballast)
    try:
        told_to_wait(phone.patch(path, 0, data), "object-store-refuses-writes")
        told_to_wait(phone.patch(phone.created(data[::-1]), 0, data[::-1]), "object-store-refuses-writes")
        assert kept_bytes(register.url, path) == data
        said = [httpx.get(f"{register.api.url}/readyz").json()["objectStore"] for _ in range(20)]  # by either process
        assert "refuses-writes" in said
        alarms = [line for line in register.api.log.read_text().splitlines() if '"object-store-refuses-writes"' in line and '"error"' in line]
        assert alarms
        assert "is its disk full?" in alarms[-1]
    finally:
        ballast.unlink()
    assert eventually(lambda: phone.ask("HEAD", path).status == 200, 150)
    assert phone.offset(path) == SIZE
    stored(register, data)


def test_a_process_that_starts_while_the_object_store_is_full_does_not_remember_that_it_could_do_nothing(register: Register, phone: Phone, disk: Path) -> None:
    if not os.path.ismount(disk):
        pytest.skip("no file system can be mounted here")
    data, ballast = some_bytes(SIZE), disk / "ballast"
    fill(ballast)
    with ExitStack() as stack:
        stack.callback(ballast.unlink, missing_ok=True)
        fill_last_page(register)
        (register.folder / "later").mkdir()
        api = stack.enter_context(servers.gunicorn(register.url, register.folder / "later", "--workers", "1", **register.settings))
        later = replace(phone, port=api.port)
        told_to_wait(later.patch(later.created(data), 0, data), "object-store-refuses-writes")
        ballast.unlink()
        awaited = later.particulars(some_bytes(10), str(uuid4()))
        assert eventually(lambda: put_of(later, awaited)["needsSignIn"] is False, 150)
    assert eventually(lambda: phone.patch(phone.created(data[::-1]), 0, data[::-1]).status == 204)


def put_of(phone: Phone, particulars: dict[str, Any]) -> dict[str, Any]:
    """Where the API wants this photo to be sent."""
    said = phone.ask_json("POST", "/v1/uploads/batch", {"items": [particulars]})
    return dict(json.loads(said.body)["results"][0]["put"])


def fill_last_page(register: Register) -> None:
    """Small objects fit for a while into what is left of a page."""
    objects = objects_of(register.store.start())
    with pytest.raises(ClientError):  # noqa: PT012
        for number in range(100):
            objects.put_object(Bucket=BUCKET, Key=f"small/{number}", Body=b"x" * 100)


def fill(ballast: Path) -> None:
    """Take all that is left of a file system."""
    with ballast.open("wb") as file:
        step = 1024**2
        while step >= 4096:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)
            except OSError:
                step //= 2
            else:
                file.seek(0, os.SEEK_END)


def test_after_all_of_that_nothing_broke(register: Register) -> None:
    log = register.api.log.read_text()
    assert "internal-error" not in log, log[-3000:]
