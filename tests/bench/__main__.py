"""`make bench`: requests per second of the API beside a Flask application that does nothing, and where the time of a request goes.

All of it runs on this machine, one thing after the other; the load comes from wrk. Figures are worth something only when nothing else runs.
GUNICORN_CMD_ARGS changes how it is served: `GUNICORN_CMD_ARGS="--worker-class gthread --threads 4" make bench`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import click
import orjson
import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from api import serving
from api.dwellings import DwellingOut, dump
from registry import migrations
from registry.access import Actor, Role
from registry.areas.model import Municipality
from registry.db import database, reading, transaction
from registry.dwellings import queries
from registry.dwellings.model import Dwelling, Source, Use
from registry.embedded.postgres import Postgres
from tests.bench import audit

ROOT = Path(__file__).parents[2]
WEESP = ROOT.parent / "shared/data/bag/BAGGEM0457L-15102021.zip"
DWELLINGS = 20_000
CONNECTIONS = 16
RUNS = 5
WRK = ["wrk", "-t1", f"-c{CONNECTIONS}", "--latency", "-H", "Authorization: Bearer dev-ministry-auditor"]
AUDITOR = Actor(uuid4(), None, Role.MINISTRY_AUDITOR, "bench")
console = Console(width=140)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk and the process table say of one URL; times in milliseconds, CPU in microseconds for each request."""

    per_second: float
    p50_ms: float
    p99_ms: float
    api_cpu_us: float
    database_cpu_us: float


@click.command()
@click.option("--seconds", default=3, show_default=True, help="Of load for each run of a URL.")
def bench(seconds: int) -> None:
    """Measure the API, the audit log and the BAG import."""
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            url = postgres.start()
            some_id = _fill(url)
            _requests(url, postgres.pid or 0, some_id, seconds)
            _breakdown(some_id)
            audit.measure(url, seconds)
            _bag_import(url)


def _fill(url: str) -> str:
    migrations.upgrade(url)
    database.connect(url, pool_size=4)
    rows = [
        {
            "municipality_code": "GM0917",
            "street": "Voorbeeldstraat",
            "house_number": 1 + place % 9999,
            "postcode": "6411AB",
            "town": "Heerlen",
            "year_built": 1962,
            "floor_area_m2": 80,
            "uses": ["residential"],
            "longitude": 5.98,
            "latitude": 50.9,
            "source": Source.API,
        }
        for place in range(DWELLINGS)
    ]
    with transaction() as session:
        session.add(Municipality(code="GM0917", name="Heerlen"))
        session.flush()
        session.execute(sa.insert(Dwelling), rows)
        some_id = session.scalars(sa.select(Dwelling.id).limit(1)).one()
    with reading() as session:
        session.execute(sa.text("ANALYZE"))
    return str(some_id)


def _requests(url: str, postgres_pid: int, some_id: str, seconds: int) -> None:
    if not shutil.which("wrk"):
        console.print("skipped: requests per second. They need wrk:  apt install wrk")
        return
    load = f"wrk with {CONNECTIONS} connections, the best of {RUNS} runs of {seconds} s"
    table = Table(title=f"{serving.workers} gunicorn workers, {load}, {DWELLINGS:,} dwellings")
    for heading in ("", "requests/s", "share of hello", "p50 ms", "p99 ms", "API CPU µs", "PostgreSQL CPU µs"):
        table.add_column(heading, justify="left" if not heading else "right")
    with _serving("tests.bench.hello:app", {}) as (base, pid):
        hello = _load(f"{base}/", pid, 0, seconds)
    _row(table, "bare Flask hello", hello, hello)
    unlimited = {"REGISTRY_RATE_LIMIT_TOKEN": "", "REGISTRY_RATE_LIMIT_ADDRESS": ""}
    settings = {"REGISTRY_DATABASE_URL": url, "REGISTRY_EMBEDDED": "true", **unlimited} | {
        f"REGISTRY_S3_{name}": "http://127.0.0.1:9" for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY")
    }
    with _serving("api.wsgi:app", settings) as (base, pid):
        for label, path in (
            ("GET /v1/me (no database)", "/v1/me"),
            ("GET /v1/dwellings/{id}", f"/v1/dwellings/{some_id}"),
            ("GET /v1/dwellings, 50 of them", "/v1/dwellings"),
        ):
            _row(table, label, _load(base + path, pid, postgres_pid, seconds), hello)
    console.print(table)


def _row(table: Table, label: str, load: Load, hello: Load) -> None:
    share = f"{load.per_second / hello.per_second:.0%}"
    table.add_row(
        label, f"{load.per_second:,.0f}", share, f"{load.p50_ms:.1f}", f"{load.p99_ms:.1f}", f"{load.api_cpu_us:,.0f}", f"{load.database_cpu_us:,.0f}"
    )


@contextmanager
def _serving(application: str, settings: dict[str, str]) -> Iterator[tuple[str, int]]:
    port = 8900 + os.getpid() % 90
    argv = [sys.executable, "-m", "gunicorn", "--config", "python:api.serving", "--bind", f"127.0.0.1:{port}", application]
    process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **settings})
    try:
        _wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


def _load(url: str, api_pid: int, postgres_pid: int, seconds: int) -> Load:
    """The best of some runs: other guests of the host slow a run down by half at random, nothing speeds one up."""
    subprocess.run([*WRK, "-d1s", url], capture_output=True, check=True)
    runs = [_one_load(url, api_pid, postgres_pid, seconds) for _ in range(RUNS)]
    return max(runs, key=lambda load: load.per_second)


def _one_load(url: str, api_pid: int, postgres_pid: int, seconds: int) -> Load:
    before = _cpu(api_pid), _cpu(postgres_pid)
    said = subprocess.run([*WRK, f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    after = _cpu(api_pid), _cpu(postgres_pid)
    if "Non-2xx" in said:
        raise SystemExit(f"{url} did not answer with success:\n{said}")
    requests = int(_find(r"(\d+) requests in", said))
    api_us, database_us = ((late - early) / requests * 1e6 for early, late in zip(before, after, strict=True))
    return Load(float(_find(r"Requests/sec:\s+([\d.]+)", said)), _ms(said, "50%"), _ms(said, "99%"), api_us, database_us)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


def _ms(said: str, percentile: str) -> float:
    value, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", said).groups()  # type: ignore[union-attr]
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _cpu(pid: int) -> float:
    """CPU seconds of a process and its children so far."""
    if not pid:
        return 0.0
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _breakdown(some_id: str) -> None:
    """Where the time of a request goes, measured in this process without HTTP."""

    with reading() as session:
        one = queries.get(session, AUDITOR, UUID(some_id))
        fifty = list(queries.list_(session, AUDITOR, limit=50).items)
        entities = [SimpleNamespace(**{**row, "uses": [Use(use) for use in row["uses"]]}) for row in fifty]
        schema = DwellingOut()
        dumped = [dump(row) for row in fifty]
        table = Table(title="Cost in this process, µs")
        for heading in ("", "one", "list of 50"):
            table.add_column(heading, justify="left" if not heading else "right")
        for label, single, many in (
            ("query, rows (used)", lambda: queries.get(session, AUDITOR, UUID(some_id)), lambda: queries.list_(session, AUDITOR, limit=50)),
            ("query, ORM entities", lambda: _entities(1), lambda: _entities(50)),
            ("dump, compiled (used)", lambda: dump(one), lambda: [dump(row) for row in fifty]),
            ("dump, marshmallow", lambda: schema.dump(entities[0]), lambda: schema.dump(entities, many=True)),
            ("JSON, orjson (used)", lambda: orjson.dumps(dumped[0]), lambda: orjson.dumps(dumped)),
            ("JSON, standard library", lambda: json.dumps(dumped[0], default=str), lambda: json.dumps(dumped, default=str)),
        ):
            table.add_row(label, f"{_us(single):,.0f}", f"{_us(many):,.0f}")
    console.print(table)


def _entities(limit: int) -> list[Dwelling]:
    with reading() as session:
        return list(session.scalars(sa.select(Dwelling).limit(limit)))


def _us(act: Callable[[], object], seconds: float = 0.5) -> float:
    act()
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        act()
        times += 1
    return (time.perf_counter() - began) / times * 1e6


def _bag_import(url: str) -> None:
    if not WEESP.exists():
        console.print("skipped: the BAG import, its real extract is not here")
        return
    for run in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-m", "registry.cli", "import", "bag", str(WEESP)],
            cwd=ROOT,
            env={**os.environ, "REGISTRY_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=True,
        )
        console.print(f"BAG import, {run} run:", done.stdout.splitlines()[-1])


if __name__ == "__main__":
    bench()
