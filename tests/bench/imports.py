"""What an import costs: rows per second of the dry run, of applying, and of both, beside a bare COPY of the same dwellings in the same run.

    python -m tests.bench.imports --rows 100000

Three of a hundred rows are faulty, and everything that is wrong with them is told. Two COPYs are measured to compare with: into the table of dwellings as it
is, with its indexes and constraints, and into a bare one with a primary key and a unique BAG id (as in the design's `scale.md`, §1). An import does more than
both: it reads the file, checks it twice, keeps every row with what became of it, writes the audit log and the change feed, and can be undone.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from uuid import UUID, uuid4

import click
import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from registry import migrations
from registry.access import Actor, Role
from registry.db import WORKER_ROLE, database, transaction
from registry.embedded.postgres import Postgres
from registry.imports import commands, runs
from registry.imports.bag.commands import peak_memory_mb
from registry.imports.model import ImportKind, ImportMode, ImportRun, ImportStatus
from registry.imports.registered import KINDS
from registry.imports.running import ITSELF
from registry.organisations.model import OrganisationKind
from registry.sheets import writing
from tests import makers

ROWS = 100_000
FAULTY_EVERY = 33
console = Console(width=180)
HEADER = [
    *("BAG-id", "Straat", "Huisnummer", "Huisletter", "Postcode", "Woonplaats", "Gemeentecode", "Focusgebied", "Bouwjaar", "Oppervlakte m2"),
    *("Gebruiksdoel", "Eigendomsvorm", "Woningtype", "Lengtegraad", "Breedtegraad"),
]


@dataclass(slots=True)
class Bench:
    owner: str
    corporation: Actor
    municipality: Actor


def dwelling(place: int, series: int) -> list[str]:
    """One row, and of every 33rd two cells that can't be right."""
    cells = [
        f"0917010{series}{place:08d}",
        f"Straat {place % 700}",
        str(1 + place % 999),
        "A" if place % 7 == 0 else "",
        f"64{11 + place % 80:02d} {'ABCDEFGH'[place % 8]}X",
        "Heerlen",
        "GM0917",
        "heerlen-noord" if place % 3 == 0 else "",
        str(1950 + place % 70),
        str(40 + place % 120),
        "woonfunctie",
        "sociale huur",
        "eengezinswoning" if place % 2 else "meergezinswoning",
        f"5,9{place % 10000:04d}",
        f"50,9{place % 10000:04d}",
    ]
    if place % FAULTY_EVERY == 0:
        cells[8], cells[3 + place % 5] = "negentien zestig", "???????????"
    return cells


def as_copied(place: int, series: int) -> str:
    """The same dwelling in the format of COPY."""
    bag_id, street, number, letter, postcode, town, code, area, year, m2, _, _, kind, east, north = dwelling(
        place + 1 if place % FAULTY_EVERY == 0 else place, series
    )
    type_ = {"eengezinswoning": "single-family", "meergezinswoning": "multi-family"}[kind]
    elsewhere = f"1{postcode[1:4]}{postcode[5:]}"  # at addresses of their own
    values = [f"{bag_id[:8]}{place:08d}", "occupiable-object", street, number, letter, elsewhere, town, code, area, year, m2]
    values += ["{residential}", "social-rent", type_, east.replace(",", "."), north.replace(",", "."), "api"]
    return "\t".join(value or "\\N" for value in values) + "\n"


COPIED = "bag_id,bag_object_type,street,house_number,house_letter,postcode,town,municipality_code,focus_area,year_built,floor_area_m2,uses,tenure,"
COPIED += "dwelling_type,longitude,latitude,source"


def copy_rate(url: str, table: str, rows: int, series: int) -> float:
    data = "".join(as_copied(place, series) for place in range(1, rows + 1)).encode()
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy(f"COPY {table} ({COPIED}) FROM STDIN") as copying:
            copying.write(data)
        return rows / (time.perf_counter() - began)


def copies(url: str, rows: int) -> tuple[float, float]:
    """Rows per second of COPY into the table of dwellings, and into a bare one; the better of two runs."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare_dwelling (LIKE dwelling INCLUDING DEFAULTS)")
        connection.execute("ALTER TABLE bare_dwelling ALTER id SET DEFAULT gen_random_uuid(), ADD PRIMARY KEY (id), ADD UNIQUE (bag_id)")
    real = max(copy_rate(url, "dwelling", rows, series) for series in (8, 9))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE dwelling")
    return real, max(copy_rate(url, "bare_dwelling", rows, series) for series in (8, 9))


@contextmanager
def measured(name: str, rows: int, into: dict[str, float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into[name] = rows / (time.perf_counter() - began)


def csv(header: list[str], rows: Iterator[list[str]], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(";".join(header) + "\n")
        file.writelines(";".join(row) + "\n" for row in rows)


def xlsx(header: list[str], rows: Iterator[list[str]], path: Path) -> None:
    writing.write_xlsx(path, chain([header], rows), sheet="Woningen")


def fresh_peak() -> None:
    """From here on the peak of memory is that of what follows (Linux)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def run(actor: Actor, kind: ImportKind, path: Path, rows: int, *, mode: ImportMode = ImportMode.PER_ROW) -> tuple[dict[str, float], ImportRun, float]:
    """Rates of the steps, how it ended, and the peak of memory of this process in MB."""
    import_id, rates = UUID(int=uuid4().int), dict[str, float]()
    with transaction(role=ITSELF) as session:
        import_id = session.scalar(sa.text("SELECT uuid_v7()")) or import_id
    new = commands.NewImport(kind, path.name, "text/csv", path.stat().st_size, b"\1" * 32)
    with transaction(actor, role=ITSELF) as session:
        commands.take_in(session, actor, import_id, new)
    fresh_peak()
    began = time.perf_counter()
    with measured("dry run", rows, rates):
        runs.try_out(import_id, file=path)
    with transaction(role=ITSELF) as session:
        if problems := session.get_one(ImportRun, import_id).problems:
            raise SystemExit(f"not tried: {problems}")
    with transaction(actor, role=ITSELF) as session:
        commands.begin_to_apply(session, actor, import_id, mode=mode)
    with measured("apply", rows, rates):
        runs.apply(import_id)
    rates["both"] = rows / (time.perf_counter() - began)
    with transaction(role=ITSELF) as session:
        ended = session.get_one(ImportRun, import_id)
    if ended.status is not ImportStatus.APPLIED:
        raise SystemExit(f"not applied: {ended.status} {ended.problems}")
    return rates, ended, peak_memory_mb()


def prepare(url: str) -> Bench:
    migrations.upgrade(url)
    database.connect(url, pool_size=4)
    with transaction() as session:
        makers.a_focus_area(session)
        body = makers.an_organisation(session, "bench-wonen")
        town = makers.an_organisation(session, "bench-heerlen", OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
        corporation, _ = makers.a_member(session, Role.CORPORATION_EDITOR, body)
        municipality, _ = makers.a_member(session, Role.MUNICIPALITY_EDITOR, town)
    database.close()
    database.connect(migrations.let_in(url, WORKER_ROLE, "bench"), pool_size=4)
    return Bench(url, corporation, municipality)


def labels(bench: Bench, rows: int) -> Iterator[list[str]]:
    with psycopg.connect(bench.owner) as connection:
        held = connection.execute(
            "SELECT bag_id FROM dwelling WHERE registrar_id = %s AND bag_id IS NOT NULL LIMIT %s", (bench.corporation.organisation_id, rows)
        )
        for place, (bag_id,) in enumerate(held):
            day = "31-2-2026" if place % FAULTY_EVERY == 0 else f"{1 + place % 28}-3-2024"
            yield [bag_id, "ABCDEFG"[place % 7], day, "1-4-2034", "NTA 8800:2022 (basisopname woningbouw)", "178,37"]


LABEL_HEADER = ["BAG-id", "Energielabel", "Opnamedatum", "Geldig tot", "Berekeningstype", "Primaire fossiele energie"]


def milestones(bench: Bench, rows: int) -> Iterator[list[str]]:
    with psycopg.connect(bench.owner) as connection:
        held = connection.execute(
            "SELECT bag_id FROM dwelling WHERE registrar_id = %s AND bag_id IS NOT NULL LIMIT %s", (bench.corporation.organisation_id, rows)
        )
        for place, (bag_id,) in enumerate(held):
            day = "31-2-2026" if place % FAULTY_EVERY == 0 else f"{1 + place % 28}-3-2024"
            yield [bag_id, "renovatie", "gestart", day]


Rows = Callable[[], Iterator[list[str]]]


def measure(url: str, rows: int, *, only: str = "") -> None:
    """``only``: cases with this in their name."""
    bench = prepare(url)
    real, bare = copies(url, rows)
    console.print(f"COPY of {rows:,} rows: into dwelling {real:,.0f} rows/s; into a bare table with a primary key and a unique BAG id {bare:,.0f} rows/s")
    table = Table(title=f"Imports of {rows:,} rows, three of a hundred faulty")
    for heading in (
        "",
        "dry run rows/s",
        "apply rows/s",
        "both rows/s",
        "dry run, of COPY",
        "apply, of COPY",
        "both, of COPY",
        "both, of bare COPY",
        "created",
        "changed",
        "unchanged",
        "refused",
        "peak MB",
    ):
        table.add_column(heading, justify="left" if not heading else "right")
    with tempfile.TemporaryDirectory(prefix="imports-") as name:
        folder = Path(name)
        for label, kind, header, made, mode in cases(bench, rows):
            if only not in label:
                continue
            path = folder / ("file.xlsx" if "XLSX" in label else "file.csv")
            (xlsx if "XLSX" in label else csv)(header, made(), path)
            rates, ended, peak = run(bench.corporation, kind, path, rows, mode=mode)
            figures = (
                f"{rates['dry run']:,.0f}",
                f"{rates['apply']:,.0f}",
                f"{rates['both']:,.0f}",
                *(f"{rates[step] / real:.0%}" for step in ("dry run", "apply", "both")),
                f"{rates['both'] / bare:.0%}",
            )
            counts = (f"{each:,}" for each in (ended.created, ended.changed, ended.unchanged, ended.refused))
            table.add_row(label, *figures, *counts, f"{peak:,.0f}")
    console.print(table)


def cases(bench: Bench, rows: int) -> Iterator[tuple[str, ImportKind, list[str], Rows, ImportMode]]:
    whole = ImportMode.ALL_OR_NOTHING
    yield "dwellings, new, CSV", ImportKind.DWELLINGS, HEADER, lambda: (dwelling(place, 1) for place in range(1, rows + 1)), ImportMode.PER_ROW
    yield "dwellings, the same again", ImportKind.DWELLINGS, HEADER, lambda: (dwelling(place, 1) for place in range(1, rows + 1)), ImportMode.PER_ROW
    renamed = lambda: ([*each[:1], "Nieuwe straat", *each[2:]] for each in (dwelling(place, 1) for place in range(1, rows + 1)))  # noqa: E731
    yield "dwellings, all changed", ImportKind.DWELLINGS, HEADER, renamed, ImportMode.PER_ROW
    good = lambda: (dwelling(place, 2) for place in range(1, rows + 1) if place % FAULTY_EVERY)  # noqa: E731
    yield "dwellings, all or nothing, no faults", ImportKind.DWELLINGS, HEADER, good, whole
    yield "dwellings, new, XLSX", ImportKind.DWELLINGS, HEADER, lambda: (dwelling(place, 3) for place in range(1, rows + 1)), ImportMode.PER_ROW
    yield "energy labels, CSV", ImportKind.ENERGY_LABELS, LABEL_HEADER, lambda: labels(bench, rows), ImportMode.PER_ROW
    if ImportKind.MILESTONES in KINDS:
        header = ["BAG-id", "Spoor", "Mijlpaal", "Datum"]
        yield "milestones, CSV", ImportKind.MILESTONES, header, lambda: milestones(bench, rows), ImportMode.PER_ROW


@click.command()
@click.option("--rows", default=ROWS, show_default=True)
@click.option("--only", default="", help="Cases with this in their name.")
def bench(rows: int, only: str) -> None:
    """Measure imports."""
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            measure(postgres.start(), rows, only=only)
    database.close()


if __name__ == "__main__":
    bench()
