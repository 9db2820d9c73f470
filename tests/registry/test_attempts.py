"""Attempts are counted in the database, over all processes together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import attempts, clock
from registry.attempts import AttemptCount, hit, key_of
from registry.db import transaction

KEY = key_of("sign-in", "someone@example.nl", "203.0.113.9")


def age(session: Session, seconds: int) -> None:
    session.execute(sa.update(AttemptCount).values(window_start=AttemptCount.window_start - timedelta(seconds=seconds)))


def test_there_is_room_for_so_many_attempts_and_then_one_must_wait(session: Session) -> None:
    assert [hit(session, KEY, window_s=60, at_most=3) for _ in range(3)] == [None] * 3
    wait_s = hit(session, KEY, window_s=60, at_most=3)
    assert wait_s is not None
    assert 55 <= wait_s <= 60


def test_each_key_has_a_count_of_its_own(session: Session) -> None:
    assert hit(session, KEY, window_s=60, at_most=1) is None
    assert hit(session, key_of("sign-in", "someone@example.nl", "203.0.113.10"), window_s=60, at_most=1) is None
    assert hit(session, KEY, window_s=60, at_most=1) is not None


def test_after_the_window_there_is_room_again(session: Session) -> None:
    hit(session, KEY, window_s=60, at_most=1)
    assert hit(session, KEY, window_s=60, at_most=1) is not None
    age(session, 61)
    assert hit(session, KEY, window_s=60, at_most=1) is None


def test_trying_while_one_must_wait_does_not_lengthen_the_wait(session: Session) -> None:
    hit(session, KEY, window_s=60, at_most=1)
    age(session, 50)
    waits = [hit(session, KEY, window_s=60, at_most=1) for _ in range(5)]
    assert all(wait is not None and wait <= 10 for wait in waits)


@pytest.mark.usefixtures("fresh_database")
def test_attempts_at_the_same_time_are_all_counted() -> None:
    def attempt(_: int) -> int | None:
        with transaction() as session:
            return hit(session, KEY, window_s=60, at_most=10)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(40)))
    assert sum(answer is None for answer in answers) == 10


def test_old_counts_are_forgotten(session: Session) -> None:
    hit(session, KEY, window_s=60, at_most=1)
    age(session, 3600)
    hit(session, key_of("other"), window_s=60, at_most=1)
    assert attempts.forget_before(session, clock.now() - timedelta(minutes=30)) == 1
    assert session.scalars(sa.select(AttemptCount.key)).all() == [key_of("other")]


def test_a_key_says_nothing_of_whom_it_is_for() -> None:
    assert b"someone" not in KEY
    assert key_of("a", "b", "c") != key_of("a", "bc")
    assert len(KEY) == 32


def test_the_table_is_not_logged(session: Session) -> None:
    assert session.scalar(sa.text("SELECT relpersistence FROM pg_class WHERE relname = 'attempt_count'")) == "u"
