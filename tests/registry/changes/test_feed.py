"""The change feed never skips a row, whatever order transactions commit in."""

import random
import threading
import time
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.changes import queries
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.changes.queries import START, Position, page
from registry.db import reading, transaction
from tests.makers import an_actor

AUDITOR = an_actor(Role.MINISTRY_AUDITOR)


def read_all(actor: Actor, after: Position = START) -> list[UUID]:
    found = []
    while True:
        with reading() as session:
            entries = page(session, actor, after=after, limit=50)
        if not entries.items:
            return found
        found += [entry.subject_id for entry in entries.items]
        after = entries.next


def test_a_reader_waits_for_a_writer_that_began_earlier_and_commits_later(fresh_database: str) -> None:
    slow, quick, inside, release = uuid4(), uuid4(), threading.Event(), threading.Event()

    def writer() -> None:
        with transaction() as session:
            announce(session, ChangeKind.DWELLING, slow)
            inside.set()
            release.wait(10)

    thread = threading.Thread(target=writer)
    thread.start()
    inside.wait(10)
    with transaction() as session:
        announce(session, ChangeKind.DWELLING, quick)
    assert read_all(AUDITOR) == []
    release.set()
    thread.join()
    assert read_all(AUDITOR) == [slow, quick]


def test_a_bulk_load_outside_the_register_does_not_hold_up_the_feed(fresh_database: str) -> None:
    subject = uuid4()
    with psycopg.connect(fresh_database) as other:
        other.execute("CREATE TEMP TABLE load AS SELECT pg_current_xact_id()")
        with transaction() as session:
            announce(session, ChangeKind.DWELLING, subject)
        assert read_all(AUDITOR) == [subject]


@pytest.mark.slow
def test_no_row_is_lost_or_doubled_under_eight_writers(fresh_database: str) -> None:
    """Writers of random length, a twentieth rolled back, and two readers at the same time."""
    written: list[UUID] = []
    lock, stop = threading.Lock(), threading.Event()

    def writer(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(60):
            mine = [uuid4() for _ in range(choose.randint(1, 4))]
            try:
                with transaction() as session:
                    for subject in mine:
                        announce(session, ChangeKind.DWELLING, subject)
                        time.sleep(choose.random() * 0.01)
                    if choose.random() < 0.05:
                        raise KeyError
            except KeyError:
                continue
            with lock:
                written.extend(mine)

    seen: list[list[UUID]] = [[], []]

    def reader(place: int) -> None:
        after, quiet = START, 0
        while quiet < 3:
            stopping = stop.is_set()
            with reading() as session:
                entries = page(session, AUDITOR, after=after, limit=37)
            seen[place] += [entry.subject_id for entry in entries.items]
            after = entries.next
            quiet = quiet + 1 if stopping and not entries.items else 0

    readers = [threading.Thread(target=reader, args=(place,)) for place in (0, 1)]
    writers = [threading.Thread(target=writer, args=(seed,)) for seed in range(8)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    for found in seen:
        assert len(found) == len(set(found))
        assert set(found) == set(written)


def test_a_municipality_is_told_of_what_lies_in_it(fresh_database: str) -> None:
    mine, other, ours, everyone = uuid4(), uuid4(), uuid4(), uuid4()
    editor = Actor(uuid4(), uuid4(), Role.MUNICIPALITY_EDITOR, "request", "GM0917")
    with transaction() as session:
        announce(session, ChangeKind.DWELLING, mine, municipality_code="GM0917")
        announce(session, ChangeKind.DWELLING, other, municipality_code="GM0363")
        announce(session, ChangeKind.TRAJECTORY, ours, organisation_id=editor.organisation_id)
        announce(session, ChangeKind.CHECKLIST, everyone)
    assert read_all(editor) == [mine, everyone]
    assert read_all(AUDITOR) == [mine, other, ours, everyone]


def test_the_shared_lock_is_taken_before_the_transaction_has_a_number(fresh_database: str) -> None:
    """A writer that has a number and not the lock would be invisible to the horizon."""
    held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND mode = 'ShareLock' AND granted AND pid = pg_backend_pid()"
    state = sa.text(f"SELECT EXISTS ({held}) AS locked, pg_current_xact_id_if_assigned() IS NOT NULL AS numbered")
    with transaction() as session:
        assert tuple(session.execute(state).one()) == (True, False)
        announce(session, ChangeKind.CHECKLIST, uuid4())
        assert tuple(session.execute(state).one()) == (True, True)


@pytest.mark.parametrize(
    ("coming", "short", "full"),
    [(1000, 990, 990), (1000, 1003, 1003), (2**32 + 5, 2**32 - 3, 2**32 - 3), (2**32 - 2, 1, 2**32 + 1), (7 * 2**32 + 9, 4, 7 * 2**32 + 4)],
)
def test_a_short_transaction_number_is_completed_from_the_coming_one(session: Session, coming: int, short: int, full: int) -> None:
    """The expression of the horizon, at the places where 32 bits run over."""
    formula = "SELECT :coming + (((:short - :coming + 2147483648) & 4294967295) - 2147483648)"
    assert (
        formula.removeprefix("SELECT :coming ").replace(":short", "activity.backend_xid::text::bigint").replace(":coming", "coming.id") in queries._HORIZON.text
    )
    assert (
        session.scalar(
            sa.text(formula.replace(":coming", "CAST(:coming AS bigint)").replace(":short", "CAST(:short AS bigint)")),
            {"coming": coming, "short": short % 2**32},
        )
        == full
    )


def test_the_cursor_moves_past_what_concerns_others(fresh_database: str) -> None:
    editor = Actor(uuid4(), uuid4(), Role.MUNICIPALITY_EDITOR, "request", "GM0917")
    for _ in range(3):
        with transaction() as session:
            announce(session, ChangeKind.DWELLING, uuid4(), municipality_code="GM0363")
    with reading() as session:
        first = page(session, editor, after=START, limit=10)
    assert first.items == []
    mine = uuid4()
    with transaction() as session:
        announce(session, ChangeKind.DWELLING, mine, municipality_code="GM0917")
    with reading() as session:
        second = page(session, editor, after=first.next, limit=10)
    assert first.next.transaction_id > 3
    assert [entry.subject_id for entry in second.items] == [mine]
