"""`make bench`: requests per second of the API beside a Flask application that does nothing, and where the time of a request goes.

All of it runs on this machine, one thing after the other; the load comes from wrk. Figures are worth something only when nothing else runs.
GUNICORN_CMD_ARGS changes how it is served: `GUNICORN_CMD_ARGS="--worker-class gthread --threads 4" make bench`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import click
import orjson
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from api import serving as how_served
from api.dwellings import DwellingOut, dump
from registry import migrations
from registry.access import Actor, Role
from registry.db import API_ROLE, database, reading, transaction
from registry.dwellings import queries
from registry.dwellings.model import Dwelling, Source, Use
from registry.embedded.postgres import Postgres
from tests import makers
from tests.bench import audit, imports, lookup, row_level_security, uploads
from tests.bench.load import CONNECTIONS, ROOT, RUNS, SETTINGS, Load, load, serving

WEESP = ROOT.parent / "shared/data/bag/BAGGEM0457L-15102021.zip"
DWELLINGS = 20_000
AUDITOR = Actor(uuid4(), None, Role.MINISTRY_AUDITOR, "bench", reason="bench")
console = Console(width=140)


@click.command()
@click.option("--seconds", default=3, show_default=True, help="Of load for each run of a URL.")
def bench(seconds: int) -> None:
    """Measure the API, the audit log, imports and uploads."""
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            url = postgres.start()
            some_id = _fill(url)
            _requests(url, postgres.pid or 0, some_id, seconds)
            database.close()
            row_level_security.measure(url, postgres.pid or 0, seconds)
            database.connect(url, pool_size=4)
            _breakdown(some_id)
            audit.measure(url, seconds)
            _bag_import(url)
        database.close()
        with Postgres(folder / "of-imports") as postgres:
            imports.measure(postgres.start(), imports.ROWS)
    database.close()
    uploads.measure()
    lookup.measure_in(100_000, 50)


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
        makers.everybody(session)
        session.execute(sa.insert(Dwelling), rows)
        some_id = session.scalars(sa.select(Dwelling.id).limit(1)).one()
    with reading() as session:
        session.execute(sa.text("ANALYZE"))
    return str(some_id)


def _requests(url: str, postgres_pid: int, some_id: str, seconds: int) -> None:
    if not shutil.which("wrk"):
        console.print("skipped: requests per second. They need wrk:  apt install wrk")
        return
    how = f"wrk with {CONNECTIONS} connections, the best of {RUNS} runs of {seconds} s"
    table = Table(title=f"{how_served.workers} gunicorn workers, {how}, {DWELLINGS:,} dwellings")
    for heading in ("", "requests/s", "share of hello", "p50 ms", "p99 ms", "API CPU µs", "PostgreSQL CPU µs"):
        table.add_column(heading, justify="left" if not heading else "right")
    with serving("tests.bench.hello:app", {}) as (base, pid):
        hello = load(f"{base}/", "", pid, 0, seconds)
    _row(table, "bare Flask hello", hello, hello)
    token = makers.known_token(Role.MUNICIPALITY_EDITOR)
    with serving("api.wsgi:app", {**SETTINGS, "REGISTRY_DATABASE_URL": migrations.let_in(url, API_ROLE, "bench")}) as (base, pid):
        for label, path in (
            ("GET /v1/me", "/v1/me"),
            ("GET /v1/dwellings/{id}", f"/v1/dwellings/{some_id}"),
            ("GET /v1/dwellings, 50 of them", "/v1/dwellings"),
        ):
            _row(table, label, load(base + path, token, pid, postgres_pid, seconds), hello)
    console.print(table)


def _row(table: Table, label: str, load: Load, hello: Load) -> None:
    share = f"{load.per_second / hello.per_second:.0%}"
    table.add_row(
        label, f"{load.per_second:,.0f}", share, f"{load.p50_ms:.1f}", f"{load.p99_ms:.1f}", f"{load.api_cpu_us:,.0f}", f"{load.database_cpu_us:,.0f}"
    )


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
