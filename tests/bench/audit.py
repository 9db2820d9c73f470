"""What the chain of the audit log costs: lines with it, without it, and with one stream for everybody. By itself: `python -m tests.bench.audit`."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Barrier

import click
import psycopg
from rich.console import Console
from rich.table import Table

from registry import migrations
from registry.embedded.postgres import Postgres

CLIENTS = 8
BATCH = 1_000
RUNS = 5
COLUMNS = "person_id, organisation_id, role, request_id, trace_id, action, subject_kind, subject_id, details"
VALUES = (
    "gen_random_uuid(), gen_random_uuid(), 'corporation-editor', 'a5f60b0e-9dd2-4a3c-8f0f-6f2f1c1f9a55', repeat('a', 32), 'milestone.reported', "
    """'milestone', gen_random_uuid()::text, '{"track": "renovation", "kind": "completed"}'"""
)
console = Console(width=140)


@dataclass(frozen=True, slots=True)
class Variant:
    """A table to insert into, and what each client says first."""

    label: str
    table: str
    first: str = "SELECT 1"

    @property
    def one(self) -> str:
        return f"INSERT INTO {self.table} ({COLUMNS}) VALUES ({VALUES})"

    @property
    def batch(self) -> str:
        return f"INSERT INTO {self.table} ({COLUMNS}) SELECT {VALUES} FROM generate_series(1, {BATCH})"


VARIANTS = (
    Variant("without a chain", "unchained_line"),
    Variant("128 streams (used)", "audit_line"),
    Variant("one stream", "audit_line", "SET registry.audit_stream = '0'"),
)


def measure(url: str, seconds: float) -> None:
    """The variants take turns, so that what else happens on the machine meets all of them alike; the median of the turns counts."""
    _prepare(url)
    acts: list[Callable[[Variant], float]] = [
        lambda variant: _per_second(url, variant, 1, seconds),
        lambda variant: _per_second(url, variant, CLIENTS, seconds),
        lambda variant: _batch_us(url, variant),
    ]
    table = Table(title=f"Audit lines, the median of {RUNS} turns of {seconds:g} s")
    for heading in ("", "1 client, tx/s", "µs/line", f"{CLIENTS} clients, tx/s", "µs/line", f"batch of {BATCH:,}, µs/line"):
        table.add_column(heading, justify="right" if heading else "left")
    found = [{variant: median(turns) for variant, turns in _turns(act).items()} for act in acts]
    for variant in VARIANTS:
        alone, together, batch = (figures[variant] for figures in found)
        table.add_row(variant.label, f"{alone:,.0f}", f"{1e6 / alone:,.0f}", f"{together:,.0f}", f"{1e6 / together:,.0f}", f"{batch:.1f}")
    console.print(table)


def _turns(act: Callable[[Variant], float]) -> dict[Variant, list[float]]:
    found: dict[Variant, list[float]] = {variant: [] for variant in VARIANTS}
    for _ in range(RUNS):
        for variant in VARIANTS:
            found[variant].append(act(variant))
    return found


def _prepare(url: str) -> None:
    """The table of before the chain: the same columns and indexes, without the three of the chain and without triggers."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE unchained_line (LIKE audit_line INCLUDING ALL)")
        connection.execute("ALTER TABLE unchained_line DROP COLUMN stream, DROP COLUMN sequence, DROP COLUMN digest")


def _per_second(url: str, variant: Variant, clients: int, seconds: float) -> float:
    """Committed transactions per second, of one line each."""
    start = Barrier(clients)

    def write(_: int) -> float:
        with psycopg.connect(url) as connection:
            connection.execute(variant.first)  # type: ignore[call-overload]
            connection.commit()
            start.wait()
            began, times = time.perf_counter(), 0
            while time.perf_counter() - began < seconds:
                connection.execute(variant.one, prepare=True)  # type: ignore[call-overload]
                connection.commit()
                times += 1
            return times / (time.perf_counter() - began)

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(write, range(clients)))


def _batch_us(url: str, variant: Variant) -> float:
    with psycopg.connect(url) as connection:
        connection.execute(variant.first)  # type: ignore[call-overload]
        began = time.perf_counter()
        connection.execute(variant.batch)  # type: ignore[call-overload]
        connection.commit()
        return (time.perf_counter() - began) / BATCH * 1e6


@click.command()
@click.option("--seconds", default=3.0, show_default=True, help="Of each turn.")
def bench(seconds: float) -> None:
    """Measure the audit log alone."""
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            url = postgres.start()
            migrations.upgrade(url)
            measure(url, seconds)


if __name__ == "__main__":
    bench()
