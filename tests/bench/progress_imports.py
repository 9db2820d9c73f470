"""What imports of milestones and portfolios cost, as a share of COPY into the same table, with its triggers and indexes, in the same run; and of COPY into
a bare table with a primary key and the unique constraint only (`scale.md`, §1).

    python -m tests.bench.progress_imports --rows 100000

Three of a hundred rows are faulty. The tables hold as many rows before, and are analysed: with statistics of an empty table the triggers plan for one.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import psycopg
from rich.console import Console
from rich.table import Table

from registry.access import Actor
from registry.db import database
from registry.embedded.postgres import Postgres
from registry.imports.model import ImportKind
from tests.bench.imports import FAULTY_EVERY, Bench, csv, prepare, run

console = Console(width=150)
SETUP = (
    "INSERT INTO dwelling (bag_id, bag_object_type, municipality_code, postcode, house_number, source, registrar_id) "
    "SELECT '0917010' || lpad(i::text, 9, '0'), 'occupiable-object', 'GM0917', '64' || (11 + i %% 80) || 'AB', 1 + i %% 999, 'api', %(body)s "
    "FROM generate_series(1, %(rows)s * 3) AS i",
    "INSERT INTO portfolio_period (dwelling_id, organisation_id, valid_from, recorded_by) "
    "SELECT id, %(body)s, '2020-01-01', id FROM dwelling ORDER BY bag_id LIMIT %(rows)s * 2",
    "INSERT INTO trajectory (dwelling_id, executor_id) SELECT id, %(body)s FROM dwelling ORDER BY bag_id LIMIT %(rows)s",
)
INTO_MILESTONE = "COPY milestone (trajectory_id, dwelling_id, track, kind, effective_on, action, recorded_by) FROM STDIN"
INTO_PORTFOLIO = "COPY portfolio_period (dwelling_id, organisation_id, relation, valid_from, recorded_by) FROM STDIN"


def copied(url: str, statement: str, lines: Sequence[str]) -> float:
    """Rows per second."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy(statement) as copying:
            copying.write("".join(lines).encode())
        seconds = time.perf_counter() - began
        connection.execute("ANALYZE")
    return len(lines) / seconds


def bare_copy(url: str, statement: str, lines: Sequence[str], unique: str) -> float:
    """Rows per second into a table without triggers, foreign keys, policies or other indexes."""
    table = statement.split()[1]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING DEFAULTS)")
        connection.execute(f"ALTER TABLE bare_{table} ALTER id SET DEFAULT gen_random_uuid(), ADD PRIMARY KEY (id), ADD UNIQUE ({unique})")
    return copied(url, statement.replace(table, f"bare_{table}", 1), lines)


def prepared(url: str, bench: Bench, rows: int) -> dict[ImportKind, tuple[float, float]]:
    """Rows per second of COPY into the table of each kind as it is, and into a bare one."""
    body = bench.corporation.organisation_id
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in SETUP:
            connection.execute(statement, {"body": body, "rows": rows})
        connection.execute("ANALYZE")
        runs = connection.execute("SELECT id, dwelling_id FROM trajectory ORDER BY id").fetchall()
        held = connection.execute("SELECT dwelling_id FROM portfolio_period ORDER BY id LIMIT %s", (rows,)).fetchall()
        other = connection.execute("INSERT INTO organisation (slug, name, kind) VALUES ('beheer', 'Beheer', 'corporation') RETURNING id").fetchone()
    assert other is not None
    lines: list[str] = []
    for kind in ("planned", "started"):  # the first one fills the table
        lines = [f"{id}\t{of}\trenovation\t{kind}\t2024-03-01\treported\t{body}\n" for id, of in runs]
        rate = copied(url, INTO_MILESTONE, lines)
    periods = [f"{of}\t{other[0]}\tmanager\t2020-01-01\t{body}\n" for (of,) in held]
    return {
        ImportKind.MILESTONES: (rate, bare_copy(url, INTO_MILESTONE, lines, "trajectory_id, track, kind")),
        ImportKind.PORTFOLIO: (copied(url, INTO_PORTFOLIO, periods), bare_copy(url, INTO_PORTFOLIO, periods, "dwelling_id, organisation_id, relation")),
    }


def milestones(rows: int, first: int, track: str) -> Iterator[list[str]]:
    for place in range(first, first + rows):
        yield [f"0917010{place:09d}", track, "gestart", "31-2-2026" if place % FAULTY_EVERY == 0 else f"{1 + place % 28}-3-2024"]


def periods(rows: int, first: int) -> Iterator[list[str]]:
    for place in range(first, first + rows):
        yield [f"0917010{place:09d}", "Voorbeeld Wonenn" if place % FAULTY_EVERY == 0 else "bench-wonen", "eigenaar", "1-1-2021"]


def measure(url: str, rows: int) -> None:
    bench = prepare(url)
    copies = prepared(url, bench, rows)
    for kind, (real, bare) in copies.items():
        console.print(f"COPY of {rows:,} {kind}: into the table {real:,.0f} rows/s; into a bare one {bare:,.0f} rows/s")
    table = Table(title=f"Imports of {rows:,} rows, three of a hundred faulty")
    for heading in ("", "dry run rows/s", "apply rows/s", "both rows/s", "both, of COPY", "of bare COPY", "created", "unchanged", "refused", "peak MB"):
        table.add_column(heading, justify="left" if not heading else "right")
    of_milestones, of_periods = ["BAG-id", "Spoor", "Mijlpaal", "Datum"], ["BAG-id", "Corporatie", "Relatie", "Vanaf"]
    cases: list[tuple[str, ImportKind, Actor, list[str], Iterator[list[str]]]] = [
        ("milestones of trajectories there", ImportKind.MILESTONES, bench.corporation, of_milestones, milestones(rows, 1, "verduurzaming")),
        ("the same again", ImportKind.MILESTONES, bench.corporation, of_milestones, milestones(rows, 1, "verduurzaming")),
        ("milestones that open trajectories", ImportKind.MILESTONES, bench.corporation, of_milestones, milestones(rows, rows + 1, "renovatie")),
        ("portfolio periods", ImportKind.PORTFOLIO, bench.municipality, of_periods, periods(rows, rows * 2 + 1)),
        ("the same again", ImportKind.PORTFOLIO, bench.municipality, of_periods, periods(rows, rows * 2 + 1)),
    ]
    with tempfile.TemporaryDirectory(prefix="imports-") as folder:
        for label, kind, actor, header, made in cases:
            path = Path(folder) / "file.csv"
            csv(header, made, path)
            rates, ended, peak = run(actor, kind, path, rows)
            shares = (f"{rates['both'] / copy:.0%}" for copy in copies[kind])
            figures = (*(f"{rates[name]:,.0f}" for name in ("dry run", "apply", "both")), *shares)
            row = (label, *figures, f"{ended.created:,}", f"{ended.unchanged:,}", f"{ended.refused:,}", f"{peak:,.0f}")
            table.add_row(*row)
            console.print(*row, sep=" | ")
    console.print(table)


@click.command()
@click.option("--rows", default=100_000, show_default=True)
def bench(rows: int) -> None:
    """Measure imports of milestones and portfolios."""
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            measure(postgres.start(), rows)
    database.close()


if __name__ == "__main__":
    bench()
