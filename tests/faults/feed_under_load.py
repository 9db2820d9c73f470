"""The change feed while many write at once: `python -m tests.faults.feed_under_load --transactions 16000 --writers 8`.

Writers of random length, a twentieth of them rolled back, plan inspections, write in them and take them away by the register's own functions, in transactions
that really commit. Meanwhile an inspector, a reviewer and an auditor page through the feed with their cursors, and so does a reader whose cursor is the number
of a row, as one would write it without thinking: it loses rows, so the test can fail.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from statistics import quantiles
from uuid import UUID, uuid4

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from registry.access import Actor, Role
from registry.changes.queries import START, page
from registry.db import database, reading, transaction
from registry.inspections.announcing import tell, tell_assigned, tell_gone
from registry.inspections.edits import fill_in
from registry.inspections.model import Inspection, Occasion
from registry.inspections.rules import Document
from registry.organisations.model import OrganisationKind
from tests import makers, servers
from tests.owner import as_owner

LONGEST_DELAY_S = 0.15
ROLLED_BACK = 0.05
PAGE = 200
QUIET_ROUNDS = 5
"""Empty pages after the last writer, before a reader is done."""
MOULD = ("none", "spots", "widespread")


class RolledBack(Exception):
    """On purpose."""


@dataclass(slots=True)
class Reading:
    """What one reader saw: how often each row, and how old it was."""

    rows: Counter[int] = field(default_factory=Counter)
    ages_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Cast:
    """Who takes part, and what there is to work on."""

    inspector: Actor
    reviewer: Actor
    auditor: Actor
    dwellings: list[UUID]
    checklist_id: UUID


@dataclass(slots=True)
class Result:
    committed: int
    seconds: float
    expected: dict[str, set[int]]
    readings: dict[str, Reading]

    def lost(self, name: str) -> int:
        return len(self.expected[name] - self.readings[name].rows.keys())

    def doubled(self, name: str) -> int:
        return sum(times - 1 for times in self.readings[name].rows.values())


def cast_of() -> Cast:
    with as_owner() as session:
        body = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
        inspector, _ = makers.a_member(session, Role.INSPECTOR, body)
        reviewer, _ = makers.a_member(session, Role.REVIEWER, body)
        dwellings = [makers.a_dwelling(session).id for _ in range(20)]
        auditor = Actor(uuid4(), None, Role.MINISTRY_AUDITOR, "request", reason="a test")
        return Cast(inspector, reviewer, auditor, dwellings, makers.a_checklist(session).id)


def write(people: Cast, choose: Random, longest_delay_s: float) -> None:
    """One transaction: an inspection is planned, filled in twice, and one in four taken away again. Raises RolledBack."""
    planned = {"dwelling_id": choose.choice(people.dwellings), "checklist_id": people.checklist_id, "occasion": Occasion.BASELINE}
    whose = {"organisation_id": people.inspector.organisation_id, "assignee_id": people.inspector.person_id, "planned_by": people.reviewer.person_id}
    with transaction(people.inspector) as session:
        inspection = Inspection(**planned, **whose)
        session.add(inspection)
        session.flush()
        session.refresh(inspection)
        tell(session, inspection, "inspection.filled-in")
        tell_assigned(session, inspection, [people.inspector.person_id])
        for version in (1, 2):
            time.sleep(choose.random() * longest_delay_s / 2)
            fill_in(session, people.inspector, inspection.id, Document({"mould": choose.choice(MOULD)}, remarks=str(version)), expected=version)
        if choose.random() < 0.25:
            tell_gone(session, inspection, [people.inspector.person_id])
        if choose.random() < ROLLED_BACK:
            raise RolledBack


def run(*, transactions: int, writers: int, longest_delay_s: float = LONGEST_DELAY_S, seed: int = 1) -> Result:
    people, stop, committed, lock = cast_of(), threading.Event(), Counter[str](), threading.Lock()

    def writer(number: int) -> None:
        choose = Random(seed * 1000 + number)
        for _ in range(transactions // writers):
            try:
                write(people, choose, longest_delay_s)
            except RolledBack:
                continue
            with lock:
                committed["transactions"] += 1

    readings = {name: Reading() for name in ("inspector", "reviewer", "auditor", "naive")}
    actors = {"inspector": people.inspector, "reviewer": people.reviewer, "auditor": people.auditor}
    loops: list[Callable[[], None]] = [lambda name=name: follow(actors[name], readings[name], stop) for name in actors]  # type: ignore[misc]
    readers = [threading.Thread(target=loop) for loop in [*loops, lambda: follow_naively(readings["naive"], stop)]]
    threads = [threading.Thread(target=writer, args=(number,)) for number in range(writers)]
    began = time.monotonic()
    for thread in [*readers, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    stop.set()
    for thread in readers:
        thread.join()
    return Result(committed["transactions"], seconds, what_there_is(people), readings)


def follow(actor: Actor, seen: Reading, stop: threading.Event) -> None:
    after, quiet = START, 0
    while quiet < QUIET_ROUNDS:
        stopping = stop.is_set()
        with reading(actor) as session:
            found = page(session, actor, after=after, limit=PAGE)
        now = time.time()
        for item in found.items:
            seen.rows[item.position.id] += 1
            seen.ages_s.append(now - item.recorded_at.timestamp())
        after = found.next
        quiet = quiet + 1 if stopping and not found.items else 0
        if not found.items:
            time.sleep(0.005)


def follow_naively(seen: Reading, stop: threading.Event) -> None:
    """The number of the last row as the cursor."""
    last, quiet = 0, 0
    query = sa.text("SELECT id, recorded_at FROM change WHERE id > :last AND NOT personal ORDER BY id LIMIT :limit")
    while quiet < QUIET_ROUNDS:
        stopping = stop.is_set()
        with reading() as session:
            rows = session.execute(query, {"last": last, "limit": PAGE}).all()
        now = time.time()
        for row in rows:
            seen.rows[row.id] += 1
            seen.ages_s.append(now - row.recorded_at.timestamp())
            last = row.id
        quiet = quiet + 1 if stopping and not rows else 0
        if not rows:
            time.sleep(0.005)


def what_there_is(people: Cast) -> dict[str, set[int]]:
    """The rows that each reader has to see, read when all is quiet."""
    conditions = {
        "inspector": f"person_id = '{people.inspector.person_id}'",
        "reviewer": f"organisation_id = '{people.reviewer.organisation_id}' AND NOT personal",
        "auditor": "NOT personal",
        "naive": "NOT personal",
    }
    with as_owner() as session:
        return {name: set(session.scalars(sa.text(f"SELECT id FROM change WHERE {condition}"))) for name, condition in conditions.items()}


def shown(result: Result) -> Table:
    table = Table("reader", "rows", "lost", "doubled", "age p50 ms", "age p99 ms", title=f"{result.committed / result.seconds:.0f} transactions a second")
    for name, seen in result.readings.items():
        cuts = quantiles(seen.ages_s, n=100)
        figures = [len(result.expected[name]), result.lost(name), result.doubled(name)]
        table.add_row(name, *map(str, figures), f"{cuts[49] * 1000:.0f}", f"{cuts[98] * 1000:.0f}")
    return table


def failures(result: Result) -> list[str]:
    wrong = [f"{name} lost {result.lost(name)} and doubled {result.doubled(name)}" for name in ("inspector", "reviewer", "auditor")]
    return [each for each, name in zip(wrong, ("inspector", "reviewer", "auditor"), strict=True) if result.lost(name) or result.doubled(name)]


@click.command()
@click.option("--transactions", default=16_000, show_default=True)
@click.option("--writers", default=8, show_default=True)
@click.option("--longest-delay-ms", default=int(LONGEST_DELAY_S * 1000), show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(transactions: int, writers: int, longest_delay_ms: int, seed: int) -> None:
    """Say what each reader of the feed lost, got twice, and how old its rows were."""
    with ExitStack() as stack:
        servers.start(stack)
        database.connect(servers.create_database("feed_under_load"), pool_size=writers + 8)
        result = run(transactions=transactions, writers=writers, longest_delay_s=longest_delay_ms / 1000, seed=seed)
        database.close()
    Console().print(shown(result))
    if failures(result):
        sys.exit("; ".join(failures(result)))
    if not result.lost("naive"):
        sys.exit("a cursor that is wrong lost nothing: this run proved nothing")


if __name__ == "__main__":
    main()
