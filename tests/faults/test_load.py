"""A thousand phones that stall half-way, and a long day of photos, on one process: the API answers, its memory stays what it was, nothing is left behind."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from typing import TypeVar
from uuid import uuid4

import psutil
import pytest
import sqlalchemy as sa

from tests import servers
from tests.faults.behind import count, inspectors, memory_mb
from tests.faults.phone import Phone, eventually, some_bytes

Result = TypeVar("Result")
Note = Callable[[str, object], None]

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.usefixtures("bucket")]
STALLED = 1000
AT_ONCE = 100
MOST_STALLED_MB = 250
"""A quarter of a megabyte for each of them; half a photo of each would not fit in it."""
PEOPLE = 4
SIZE = 1_000_000
HALF = SIZE // 2
LARGE = 8_000_000
CLIENTS = 8
UPLOADS = 80
WARM_UP = 30
MOST_GROWTH_MB = 25
"""Of the memory of one process over `UPLOADS` photos of `LARGE` bytes: three photos would not fit in it."""
MOST_FILES = 60
"""Open in an idle process: its connections to the database and the object store, and no spool."""


@pytest.fixture(scope="module")
def database(engine: sa.Engine) -> Iterator[str]:
    name = f"load_{uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture
def note(record_property: Note) -> Note:
    """Put a figure into the report of the test run (`--junitxml`)."""
    return record_property


@pytest.fixture(scope="module")
def spools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the API has its temporary files."""
    return tmp_path_factory.mktemp("spools")


@pytest.fixture(scope="module")
def api(database: str, spools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Api]:
    with servers.gunicorn(database, tmp_path_factory.mktemp("api"), "--workers", "1", TMPDIR=str(spools)) as api:
        yield api


@pytest.fixture(scope="module")
def phones(database: str, api: servers.Api) -> list[Phone]:
    return [Phone(api.port, token, inspection_id) for token, inspection_id in inspectors(database, PEOPLE)]


def worker_of(api: servers.Api) -> psutil.Process:
    (worker,) = api.workers()
    return worker


def open_connections(worker: psutil.Process, port: int) -> int:
    return sum(1 for each in worker.net_connections("tcp") if each.status != "LISTEN" and each.laddr.port == port)


def test_the_memory_of_the_api_does_not_grow_with_what_goes_through(api: servers.Api, phones: list[Phone], spools: Path, note: Note) -> None:
    worker, content = worker_of(api), bytearray(some_bytes(LARGE))
    seen: list[float] = []

    def send(place: int) -> None:
        data = bytes(place.to_bytes(4, "big") + uuid4().bytes + content[20:])
        upload(phones[place % PEOPLE], data)
        seen.append(memory_mb(worker))

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, range(UPLOADS)))
    seconds = time.monotonic() - began
    warm, last = max(seen[:WARM_UP]), max(seen[-WARM_UP:])
    note("through", f"memory {seen[0]:.0f} MB at first, {warm:.0f} MB warm, {last:.0f} MB at last; {UPLOADS * LARGE / seconds / 1e6:.0f} MB/s")
    assert last - warm < MOST_GROWTH_MB
    assert worker.num_fds() < MOST_FILES
    assert list(spools.rglob("*")) == []


def test_a_thousand_stalled_uploads_hold_up_nobody_and_lose_nothing(api: servers.Api, phones: list[Phone], database: str, note: Note) -> None:
    worker, data = worker_of(api), some_bytes(SIZE)
    upload(phones[0], some_bytes(SIZE))
    before = memory_mb(worker)
    with ThreadPoolExecutor(CLIENTS) as pool:
        paths = list(pool.map(lambda place: phones[place % PEOPLE].created(data), range(STALLED)))
    with ExitStack() as stack:
        for place, path in enumerate(paths, 1):
            stack.enter_context(phones[(place - 1) % PEOPLE].begin_patch(path, 0, SIZE, data[:HALF]))
            if place % AT_ONCE == 0:
                assert eventually(lambda place=place: under_way(database) == place)  # type: ignore[misc]
        assert open_connections(worker, api.port) == STALLED
        during = memory_mb(worker)
        looks = [timed(lambda: phones[0].ask("GET", "/v1/me").status) for _ in range(100)]
        assert all(status == 200 for status, _ in looks)
        p95 = quantiles((seconds for _, seconds in looks), n=20)[-1]
        _, seconds = timed(lambda: upload(phones[1], some_bytes(SIZE)))
    note("stalled", f"memory {before:.0f} → {during:.0f} MB; /v1/me p95 {p95 * 1000:.0f} ms; an upload beside them {seconds:.2f} s")
    assert p95 < 1
    assert seconds < 5
    assert during - before < MOST_STALLED_MB
    _, seconds = timed(lambda: eventually(lambda: open_connections(worker, api.port) == 0, 60))
    kept = count(database, "SELECT count(*) FROM upload WHERE state = 'receiving' AND offset_bytes = %s", HALF)
    note("left", f"all bytes of {kept} kept within {seconds:.1f} s; memory {memory_mb(worker):.0f} MB, {worker.num_fds()} open files")
    assert (kept, under_way(database)) == (STALLED, 0)
    assert open_connections(worker, api.port) == 0


def under_way(database: str) -> int:
    return count(database, "SELECT count(*) FROM upload WHERE receiving")


def timed(act: Callable[[], Result]) -> tuple[Result, float]:
    began = time.monotonic()
    return act(), time.monotonic() - began


def upload(phone: Phone, data: bytes) -> None:
    assert phone.patch(phone.created(data), 0, data).status == 204
