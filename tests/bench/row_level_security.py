"""What row-level security costs a request: the same API on the same data, once as it is and once with the policies off. The two take turns."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from registry import migrations
from registry.access import Role
from registry.db import API_ROLE
from tests import makers
from tests.bench.load import RUNS, SETTINGS, Load, one_load, serving

IN_PORTFOLIO = 5_000
TABLES = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
console = Console(width=140)


def measure(url: str, postgres_pid: int, seconds: int) -> None:
    """``url`` is the owner's, with dwellings in Heerlen and `makers.everybody`."""
    corporation = _portfolio(url)
    with _without_policies(url) as bare, ExitStack() as stack:
        servers = {name: stack.enter_context(_api(address)) for name, address in (("with", url), ("without", bare))}
        table = Table(title=f"Row-level security: median of {RUNS} turns of {seconds} s, {IN_PORTFOLIO:,} dwellings in the portfolio")
        for heading in ("", "requests/s with", "without", "API+PostgreSQL CPU µs with", "without", "PostgreSQL CPU µs with", "without", "cost"):
            table.add_column(heading, justify="left" if not heading else "right")
        for role, some_id in ((Role.MUNICIPALITY_EDITOR, corporation), (Role.CORPORATION_EDITOR, corporation)):
            for label, path in (("one dwelling", f"/v1/dwellings/{some_id}"), ("list of 50", "/v1/dwellings")):
                _row(table, f"{label}, {role}", _turns(servers, path, makers.known_token(role), postgres_pid, seconds))
    console.print(table)


def _portfolio(url: str) -> str:
    """Put dwellings in the portfolio of the corporation; the id of one of them."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO portfolio_period (dwelling_id, organisation_id, valid_from, recorded_by) "
            "SELECT dwelling.id, organisation.id, '2020-01-01', gen_random_uuid() FROM dwelling, organisation WHERE slug = %s ORDER BY dwelling.id LIMIT %s",
            (f"of-{Role.CORPORATION_EDITOR}", IN_PORTFOLIO),
        )
        connection.execute("ANALYZE")
        found = connection.execute("SELECT dwelling_id FROM portfolio_period LIMIT 1").fetchone()
    assert found
    return str(found[0])


@contextmanager
def _without_policies(url: str) -> Iterator[str]:
    """A copy of the database in which no table looks at who acts."""
    server, _, name = url.rpartition("/")
    copy = f"{name}_bare"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(copy), sql.Identifier(name)))
    with psycopg.connect(f"{server}/{copy}", autocommit=True) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
        connection.execute("ANALYZE")
    yield f"{server}/{copy}"


@contextmanager
def _api(url: str) -> Iterator[tuple[str, int]]:
    with serving("api.wsgi:app", {**SETTINGS, "REGISTRY_DATABASE_URL": migrations.let_in(url, API_ROLE, "bench")}) as running:
        yield running


def _turns(servers: dict[str, tuple[str, int]], path: str, token: str, postgres_pid: int, seconds: int) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in servers}
    for turn in range(RUNS + 1):
        for name, (base, pid) in servers.items():
            one = one_load(base + path, token, pid, postgres_pid, seconds if turn else 1)
            if turn:
                found[name].append(one)
    return found


def _row(table: Table, label: str, found: dict[str, list[Load]]) -> None:
    rates = [median(load.per_second for load in found[name]) for name in ("with", "without")]
    cpus = [median(load.api_cpu_us + load.database_cpu_us for load in found[name]) for name in ("with", "without")]
    database = [median(load.database_cpu_us for load in found[name]) for name in ("with", "without")]
    numbers = [f"{number:,.0f}" for number in (*rates, *cpus, *database)]
    table.add_row(label, *numbers, f"{cpus[0] / cpus[1] - 1:+.1%} CPU, {rates[0] / rates[1] - 1:+.1%} req/s")
