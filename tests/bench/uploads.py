"""Photos through every lane, beside the raw object store and beside another tus server, all in one run.

    python -m tests.bench.uploads --photos 200 --clients 4

The lanes take turns, so that what else happens on the machine hits all of them; the median of the rounds counts. CPU is that of each server's process tree.
"""

import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import click
import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy.orm import Session

from registry import migrations, storage
from registry.access import Role
from registry.db import API_ROLE, sqlalchemy_url
from registry.embedded.object_store import ObjectStore, ObjectStoreAddress
from registry.embedded.postgres import Postgres
from tests import makers
from tests.bench.load import ROOT, cpu_s, serving

TUS = ROOT / "tests/tus"
MOST_IN_AN_INSPECTION = 400
BATCH = 100
QUESTION = "overall-photo"
"""The only one that demands a photo whatever the answers are."""
console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Photo:
    """``seed`` are the bytes that tell it from the others, in hexadecimal."""

    id: str
    seed: str
    sha256: str
    inspection_id: str


@dataclass(slots=True)
class Round:
    """What one lane did in one round. CPU in seconds."""

    seconds: float
    took_ms: list[float]
    api_cpu_s: float = 0
    store_cpu_s: float = 0
    database_cpu_s: float = 0


@dataclass(slots=True)
class Bench:
    photos: int
    size: int
    clients: int
    base: bytes
    base_file: Path
    api: str = ""
    api_pid: int = 0
    peer: str = ""
    peer_pid: int = 0
    store: str = ""
    store_pid: int = 0
    database_url: str = ""
    database_pid: int = 0
    inspections: list[str] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)

    def new_photos(self) -> list[Photo]:
        return [self.new_photo(self.inspections[place % len(self.inspections)]) for place in range(self.photos)]

    def new_photo(self, inspection_id: str) -> Photo:
        seed = uuid4().bytes
        return Photo(str(uuid4()), seed.hex(), hashlib.sha256(self.content(seed)).hexdigest(), inspection_id)

    def content(self, seed: bytes) -> bytes:
        return seed + self.base[len(seed) :]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {makers.known_token(Role.INSPECTOR)}"}

    def declare(self, photos: list[Photo]) -> list[dict[str, Any]]:
        """The results of the batches in which a phone declares them."""
        results = []
        for begin in range(0, len(photos), BATCH):
            with self.connected(self.api) as connection:
                results += self.declare_over(connection, photos[begin : begin + BATCH])
        return results

    def declare_over(self, connection: http.client.HTTPConnection, photos: list[Photo]) -> list[dict[str, Any]]:
        """The results of one batch."""
        body = json.dumps({"items": [self.declaration(photo) for photo in photos]}).encode()
        said = send(connection, "POST", "/v1/uploads/batch", body, {**self.headers, "Content-Type": "application/json"})
        return list(json.loads(said)["results"])

    def declaration(self, photo: Photo) -> dict[str, Any]:
        of_photo = {"id": photo.id, "inspectionId": photo.inspection_id, "sha256": photo.sha256}
        return {**of_photo, "question": QUESTION, "sizeBytes": self.size, "contentType": "image/jpeg"}

    @contextmanager
    def connected(self, url: str) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60, blocksize=1 << 18)
        try:
            yield connection
        finally:
            connection.close()

    def each(self, url: str, jobs: list[Any], act: Callable[[http.client.HTTPConnection, Any], None]) -> tuple[float, list[float]]:
        """Seconds for all, and milliseconds for each; every client has one connection."""

        def work(mine: list[Any]) -> list[float]:
            took = []
            with self.connected(url) as connection:
                for job in mine:
                    began = time.perf_counter()
                    act(connection, job)
                    took.append((time.perf_counter() - began) * 1000)
            return took

        began = time.perf_counter()
        with ThreadPoolExecutor(self.clients) as pool:
            took = [each for done in pool.map(work, [jobs[place :: self.clients] for place in range(self.clients)]) for each in done]
        return time.perf_counter() - began, took


def send(connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    said = response.read()
    if response.status >= 300:
        raise SystemExit(f"{method} {path}: {response.status} {said[:300]!r}")
    return said


def raw_put(bench: Bench) -> tuple[float, list[float]]:
    """A signed PUT straight to the store, and nothing else."""
    return put_each(bench, bench.new_photos())


def put_each(bench: Bench, photos: list[Photo]) -> tuple[float, list[float]]:
    jobs = []
    for photo in photos:
        digest = bytes.fromhex(photo.sha256)
        jobs.append((photo, storage.put_link(f"bench/{photo.id}", sha256=digest, size_bytes=bench.size, content_type="image/jpeg")))

    def put(connection: http.client.HTTPConnection, job: Any) -> None:
        photo, link = job
        send(connection, "PUT", in_full(link.url), bench.content(bytes.fromhex(photo.seed)), link.headers)

    return bench.each(jobs[0][1].url, jobs, put)


def in_full(url: str) -> str:
    """Path and query."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


def direct(bench: Bench) -> tuple[float, list[float]]:
    """As a phone does it: declare in batches, PUT to the store, say in batches that they are there."""
    photos = bench.new_photos()
    began = time.perf_counter()
    jobs = list(zip(photos, bench.declare(photos), strict=True))

    def work(mine: list[Any]) -> list[float]:
        took = []
        with bench.connected(jobs[0][1]["put"]["url"]) as to_store, bench.connected(bench.api) as to_api:
            for photo, result in mine:
                one_began = time.perf_counter()
                send(to_store, "PUT", in_full(result["put"]["url"]), bench.content(bytes.fromhex(photo.seed)), result["put"]["headers"])
                took.append((time.perf_counter() - one_began) * 1000)
            _complete(bench, to_api, [photo for photo, _ in mine])
        return took

    with ThreadPoolExecutor(bench.clients) as pool:
        took = [each for done in pool.map(work, [jobs[place :: bench.clients] for place in range(bench.clients)]) for each in done]
    return time.perf_counter() - began, took


def _complete(bench: Bench, connection: http.client.HTTPConnection, photos: list[Photo]) -> None:
    body = json.dumps({"photoIds": [photo.id for photo in photos]}).encode()
    said = json.loads(send(connection, "POST", "/v1/uploads/complete", body, {**bench.headers, "Content-Type": "application/json"}))
    if any(result["state"] != "stored" for result in said["results"]):
        raise SystemExit("a photo is not stored")


def tus_plain(bench: Bench) -> tuple[float, list[float]]:
    """Declared in batches, then creation with upload by a plain HTTP client."""
    photos = bench.new_photos()
    began = time.perf_counter()
    bench.declare(photos)
    declared_s = time.perf_counter() - began

    def post(connection: http.client.HTTPConnection, photo: Photo) -> None:
        headers = {**bench.headers, **tus_headers(photo, bench.size)}
        send(connection, "POST", "/v1/tus", bench.content(bytes.fromhex(photo.seed)), headers)

    seconds, took = bench.each(bench.api, photos, post)
    return declared_s + seconds, took


def tus_headers(photo: Photo, size: int) -> dict[str, str]:
    metadata = f"photoId {base64.b64encode(photo.id.encode()).decode()}"
    return {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": metadata, "Content-Type": "application/offset+octet-stream"}


def through_tus_js(bench: Bench, *, to_peer: bool, with_creation: bool) -> tuple[float, list[float]]:
    photos = bench.new_photos()
    began = time.perf_counter()
    if not to_peer:
        bench.declare(photos)
    declared_s = time.perf_counter() - began
    job = {
        "endpoint": f"{bench.peer}/files" if to_peer else f"{bench.api}/v1/tus",
        "headers": {} if to_peer else bench.headers,
        "base": str(bench.base_file),
        "photos": [{"seed": photo.seed, "metadata": {"photoId": photo.id, "filename": "a.jpg"}} for photo in photos],
        "clients": bench.clients,
        "withCreation": with_creation,
    }
    done = subprocess.run(["node", str(TUS / "bench.mjs")], input=json.dumps(job), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    said = json.loads(done.stdout)
    return declared_s + said["seconds"], said["tookMs"]


LANES: dict[str, Callable[[Bench], tuple[float, list[float]]]] = {
    "raw signed PUT to the store": raw_put,
    "direct lane: batch, PUT each, complete": direct,
    "tus, creation with upload": tus_plain,
    "tus, creation with upload, tus-js-client": lambda bench: through_tus_js(bench, to_peer=False, with_creation=True),
    "tus, POST + PATCH, tus-js-client": lambda bench: through_tus_js(bench, to_peer=False, with_creation=False),
    "@tus/s3-store, creation with upload, tus-js-client": lambda bench: through_tus_js(bench, to_peer=True, with_creation=True),
}


@click.command()
@click.option("--photos", default=200, show_default=True)
@click.option("--size", default=2_000_000, show_default=True, help="Bytes of each.")
@click.option("--clients", default=4, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--only", default="", help="Lanes whose name has this in it.")
def main(photos: int, size: int, clients: int, rounds: int, only: str) -> None:
    measure(photos, size, clients, rounds, only)


def measure(photos: int = 200, size: int = 2_000_000, clients: int = 4, rounds: int = 5, only: str = "") -> None:
    """Print the table. Lanes that need node are left out, and said so, where it is not there."""
    with ExitStack() as stack:
        bench = set_up(stack, photos, size, clients)
        lanes = {name: lane for name, lane in LANES.items() if only in name and (bench.peer or "tus-js-client" not in name)}
        if not bench.peer:
            console.print("skipped: tus-js-client and @tus/s3-store. They need node, and  npm ci --prefix tests/tus")
        done: dict[str, list[Round]] = {name: [] for name in lanes}
        for _ in track(range(rounds), description="rounds", console=console):
            for name, lane in lanes.items():
                done[name].append(measured(bench, lane))
        _show(bench, done)


def measured(bench: Bench, lane: Callable[[Bench], tuple[float, list[float]]]) -> Round:
    def used() -> list[float]:
        return [cpu_s(bench.api_pid) + cpu_s(bench.peer_pid), cpu_s(bench.store_pid), cpu_s(bench.database_pid)]

    before = used()
    seconds, took = lane(bench)
    api, store, database = (late - early for early, late in zip(before, used(), strict=True))
    bench.resident_mb.append(sum(each.memory_info().rss for each in psutil.Process(bench.api_pid).children()) / 1e6)
    return Round(seconds, took, api, store, database)


def _show(bench: Bench, done: dict[str, list[Round]]) -> None:
    table = Table(title=f"{bench.photos} photos of {bench.size:,} bytes, {bench.clients} clients, median of {len(next(iter(done.values())))} rounds")
    for heading in ("", "MB/s", "× raw", "server CPU ms", "store CPU ms", "PostgreSQL CPU ms", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    raw = 0.0
    for name, rounds in done.items():
        median = {what: statistics.median(getattr(each, what) for each in rounds) for what in ("seconds", "api_cpu_s", "store_cpu_s", "database_cpu_s")}
        rate = bench.photos * bench.size / median["seconds"] / 1e6
        raw = raw or rate
        took = sorted(each for round in rounds for each in round.took_ms)
        costs = [f"{median[what] / bench.photos * 1000:.1f}" for what in ("api_cpu_s", "store_cpu_s", "database_cpu_s")]
        table.add_row(name, f"{rate:.0f}", f"{rate / raw:.2f}", *costs, f"{took[len(took) // 2]:.0f}", f"{took[int(len(took) * 0.99)]:.0f}")
    console.print(table)
    console.print(f"memory of the API's processes: {bench.resident_mb[0]:.0f} MB after the first lane, {bench.resident_mb[-1]:.0f} MB after the last")


def set_up(stack: ExitStack, photos: int, size: int, clients: int) -> Bench:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-bench-")))
    folder.chmod(0o711)
    base = random.Random(1).randbytes(size)
    (folder / "base").write_bytes(base)
    postgres = stack.enter_context(Postgres(folder / "postgresql"))
    url = postgres.start()
    store = stack.enter_context(ObjectStore(folder / "seaweedfs"))
    address = store.start()
    os.environ |= _settings(address, url)
    storage.prepare()
    migrations.upgrade(url)
    bench = Bench(photos, size, clients, base, folder / "base", store=address.endpoint, store_pid=store.pid or 0, database_pid=postgres.pid or 0)
    bench.database_url = url
    bench.inspections = _inspections(url, photos)
    api_url = migrations.let_in(url, API_ROLE, "bench")
    bench.api, bench.api_pid = stack.enter_context(serving("api.wsgi:app", {"REGISTRY_DATABASE_URL": api_url}))
    if shutil.which("node") and (TUS / "node_modules/@tus/server").exists():
        bench.peer, bench.peer_pid = stack.enter_context(_peer(address))
    return bench


def _settings(address: ObjectStoreAddress, database_url: str) -> dict[str, str]:
    return {
        "REGISTRY_DATABASE_URL": database_url,
        "REGISTRY_S3_ENDPOINT": address.endpoint,
        "REGISTRY_S3_ACCESS_KEY": address.access_key,
        "REGISTRY_S3_SECRET_KEY": address.secret_key,
        "REGISTRY_RATE_LIMIT_TOKEN": "",
        "REGISTRY_RATE_LIMIT_ADDRESS": "",
    }


def _inspections(url: str, photos: int) -> list[str]:
    """Ids of enough inspections of one inspector for every lane and round."""
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        inspector = makers.everybody(session)[Role.INSPECTOR]
        checklist = makers.a_checklist(session)
        wanted = 100 * photos // MOST_IN_AN_INSPECTION + 1
        return [str(makers.an_inspection(session, inspector, checklist_id=checklist.id).id) for _ in range(wanted)]


@contextmanager
def _peer(address: ObjectStoreAddress) -> Iterator[tuple[str, int]]:
    keys = {"accessKeyId": address.access_key, "secretAccessKey": address.secret_key}
    where = {"endpoint": address.endpoint, "region": "eu-central-1", "bucket": "registry", **keys}
    process = subprocess.Popen(["node", str(TUS / "peer.mjs"), json.dumps(where)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
