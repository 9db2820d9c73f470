"""The audit log is a number of chains that writers extend without waiting for each other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import migrations
from registry.access import Role
from registry.audit.commands import record, record_each
from registry.audit.model import STREAMS, AuditLine, AuditStream
from registry.audit.rules import Finding
from registry.audit.verify import verify
from registry.db import reading, transaction
from tests.makers import an_actor

WRITERS = 8
BEFORE_THE_CHAIN = "0007"
"""The revision before the migration that chains."""
ACTOR = an_actor(Role.ADMINISTRATOR)
LINE = """
    INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id)
    VALUES (gen_random_uuid(), 'inspector', 'request', 'dwelling.registered', 'dwelling', 'x')
"""


def found(session: Session) -> list[Finding]:
    findings: list[Finding] = []
    verdict = verify(session, report=findings.append, progress=lambda done, total: None)
    assert verdict.flaws == len(findings)
    return findings


def streams(session: Session) -> list[int]:
    return list(session.scalars(sa.select(AuditLine.stream).distinct()))


@pytest.fixture
def two(fresh_database: str) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with psycopg.connect(fresh_database) as one, psycopg.connect(fresh_database) as other:
        for connection in (one, other):
            connection.execute("SET lock_timeout = '200ms'")
            connection.commit()
        yield one, other


def test_the_lines_of_a_transaction_follow_each_other_in_one_stream(session: Session) -> None:
    record(session, ACTOR, "scheme.created", "scheme", "a")
    record_each(session, ACTOR, "scheme.created", "scheme", [(name, {"n": 1.50, "ü": None}) for name in "bcd"])
    lines = session.scalars(sa.select(AuditLine).order_by(AuditLine.id)).all()
    assert [(line.sequence, line.subject_id) for line in lines] == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert len(streams(session)) == 1
    assert found(session) == []


def test_a_line_tells_the_trace_and_the_reason(session: Session) -> None:
    actor = ACTOR.__class__(ACTOR.person_id, None, ACTOR.role, "request", trace_id="a" * 32, reason="op verzoek van de bewoner")
    record(session, actor, "scheme.created", "scheme", "a")
    line = session.scalars(sa.select(AuditLine)).one()
    assert (line.trace_id, line.reason) == ("a" * 32, "op verzoek van de bewoner")


def test_a_writer_cannot_choose_the_place_or_the_moment_of_a_line(session: Session) -> None:
    forged = {"stream": 3, "sequence": 900, "digest": bytes(32), "recorded_at": datetime(2001, 1, 1, tzinfo=UTC)}
    line = {"person_id": ACTOR.person_id, "role": "x", "request_id": "x", "action": "x", "subject_kind": "x", "subject_id": "x", "details": {}}
    session.execute(sa.insert(AuditLine).values(**line, **forged))
    stored = session.scalars(sa.select(AuditLine)).one()
    assert stored.sequence == 1
    assert stored.digest != bytes(32)
    assert stored.recorded_at.year > 2001
    assert found(session) == []


def test_the_digest_is_the_same_in_another_time_zone(session: Session) -> None:
    session.execute(sa.text("SET LOCAL timezone = 'Asia/Tokyo'; SET LOCAL datestyle = 'SQL, DMY'; SET LOCAL extra_float_digits = -10"))
    record(session, ACTOR, "scheme.created", "scheme", "a", details={"longitude": 5.978123456789012})
    session.execute(sa.text("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL extra_float_digits = 1"))
    assert found(session) == []


def test_a_rolled_back_savepoint_leaves_no_gap(session: Session) -> None:
    record(session, ACTOR, "scheme.created", "scheme", "a")
    for _ in range(2):
        undone = session.begin_nested()
        record_each(session, ACTOR, "scheme.created", "scheme", [("b", {}), ("c", {})])
        undone.rollback()
    with session.begin_nested():
        record(session, ACTOR, "scheme.created", "scheme", "d")
    record(session, ACTOR, "scheme.created", "scheme", "e")
    assert list(session.scalars(sa.select(AuditLine.sequence).order_by(AuditLine.id))) == [1, 2, 3]
    assert found(session) == []


def test_a_stream_that_a_savepoint_took_is_free_again_after_its_rollback(two: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    one, other = two
    one.execute("SAVEPOINT before_the_line")
    one.execute(LINE)
    one.execute("ROLLBACK TO before_the_line")
    assert one.execute("SELECT current_setting('registry.audit_stream', true)").fetchone() in ((None,), ("",))
    assert other.execute("SELECT count(*) FROM (SELECT 1 FROM audit_stream FOR UPDATE SKIP LOCKED) AS free").fetchone() == (STREAMS,)
    other.rollback()
    one.execute(LINE)
    one.commit()
    with reading() as session:
        assert found(session) == []


def test_a_statement_that_fails_after_its_lines_leaves_no_gap(two: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    one, _ = two
    for _ in range(3):
        one.execute(LINE)
        one.execute("SAVEPOINT before_the_failure")
        with pytest.raises(psycopg.errors.DivisionByZero):
            one.execute(LINE.replace("VALUES (", "SELECT ").replace("'x')", "'x' FROM generate_series(0, 3) AS n WHERE 1 / (3 - n) >= 0"))
        one.execute("ROLLBACK TO before_the_failure")
        one.execute(LINE)
    one.commit()
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine)) == 6
        assert found(session) == []


def test_two_open_transactions_do_not_wait_for_each_other(two: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    one, other = two
    for connection in (one, other, one, other):
        connection.execute(LINE)
    one.commit()
    other.commit()
    with reading() as session:
        assert len(streams(session)) == 2
        assert found(session) == []


def test_writers_of_one_number_of_process_take_another_stream(two: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    one, other = two
    nearest = other.execute(f"SELECT pg_backend_pid() % {STREAMS}").fetchone()
    assert nearest is not None
    one.execute("SELECT 1 FROM audit_stream WHERE stream = %s FOR UPDATE", nearest)
    other.execute(LINE)
    other.commit()
    with reading() as session:
        assert streams(session) == [(nearest[0] + 1) % STREAMS]


def test_a_writer_waits_when_every_stream_is_taken(two: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    one, other = two
    one.execute("SELECT 1 FROM audit_stream FOR UPDATE")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        other.execute(LINE)
    other.rollback()
    one.rollback()
    other.execute(LINE)
    other.commit()


def test_the_chains_are_whole_after_many_writers(fresh_database: str) -> None:
    start = Barrier(WRITERS)

    def write(writer: int) -> None:
        start.wait()
        for turn in range(20):
            with transaction() as session:
                record(session, ACTOR, "scheme.created", "scheme", f"{writer}-{turn}")
                undone = session.begin_nested()
                record(session, ACTOR, "scheme.created", "scheme", "never")
                undone.rollback()
                record_each(session, ACTOR, "scheme.created", "scheme", [(str(place), {}) for place in range(turn)])

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine)) == WRITERS * (20 + sum(range(20)))
        assert session.scalar(sa.select(sa.func.sum(AuditStream.sequence))) == WRITERS * (20 + sum(range(20)))
        assert len(streams(session)) > 1
        assert found(session) == []


def test_a_writer_who_may_only_insert_needs_no_right_on_the_heads(session: Session) -> None:
    with transaction(ACTOR) as writer:
        record(writer, ACTOR, "scheme.created", "scheme", "a")
        for statement in ("SELECT * FROM audit_stream", "SELECT lock_audit_stream()"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), writer.begin_nested():
                writer.execute(sa.text(statement))
    assert found(session) == []


def test_a_writer_who_forges_the_settings_of_the_chain_leaves_no_gap(session: Session) -> None:
    record(session, ACTOR, "scheme.created", "scheme", "a")
    stream = streams(session)[0]
    forged = session.begin_nested()
    session.execute(sa.text("SELECT set_config('registry.audit_head', :head, true)"), {"head": f'({stream},500,"\\\\x{"00" * 32}")'})
    with pytest.raises(sa.exc.IntegrityError, match="do not follow the head"):
        record(session, ACTOR, "scheme.created", "scheme", "b")
    forged.rollback()
    session.execute(sa.text("SELECT set_config('registry.audit_stream', '999', true)"))
    record(session, ACTOR, "scheme.created", "scheme", "c")
    assert found(session) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_stream SET sequence = 0",
        "UPDATE audit_stream SET digest = sha256('')",
        "UPDATE audit_stream SET stream = 5, sequence = 99 WHERE stream = 6",
        "DELETE FROM audit_stream",
        "TRUNCATE audit_stream",
        "INSERT INTO audit_stream VALUES (128, 0, sha256(''))",
    ],
)
def test_the_heads_only_go_forward(session: Session, statement: str) -> None:
    record(session, ACTOR, "scheme.created", "scheme", "a")
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(sa.text(statement))


def test_lines_from_before_the_chain_are_chained_in_their_order(fresh_database: str) -> None:
    migrations.downgrade(fresh_database, BEFORE_THE_CHAIN)
    with psycopg.connect(fresh_database) as connection:
        for _ in range(3):
            connection.execute(LINE)
    migrations.upgrade(fresh_database)
    with reading() as session:
        lines = session.scalars(sa.select(AuditLine).order_by(AuditLine.id)).all()
        assert [(line.stream, line.sequence) for line in lines] == [(0, 1), (0, 2), (0, 3)]
        assert found(session) == []
    with transaction() as session:
        record(session, ACTOR, "scheme.created", "scheme", "a")
        assert found(session) == []
