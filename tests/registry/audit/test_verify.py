"""Whoever tampers with the audit log as superuser, past every trigger, is found."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registry.access import Role
from registry.audit import verify as module
from registry.audit.commands import record_each
from registry.audit.rules import Finding, Flaw, Seal
from registry.audit.verify import verify
from registry.db import reading, transaction
from tests.makers import an_actor

STREAM, LINES = 9, 6
CONTENT = "public.audit_line_content(line)"


def write(count: int, stream: int = STREAM) -> None:
    with transaction() as session:
        session.connection().exec_driver_sql(f"SET LOCAL registry.audit_stream = '{stream}'")
        record_each(session, an_actor(Role.ADMINISTRATOR), "scheme.created", "scheme", [(f"s{place}", {"place": place}) for place in range(count)])


def checked(against: Seal | None = None) -> tuple[list[tuple[Flaw, int | None, int | None]], Seal]:
    findings: list[Finding] = []
    with reading() as session:
        verdict = verify(session, report=findings.append, progress=lambda done, total: None, against=against)
    return [(finding.flaw, finding.stream, finding.sequence) for finding in findings], verdict.seal


@pytest.fixture
def tamperer(fresh_database: str) -> Iterator[psycopg.Connection]:
    """A superuser whom no trigger stops, on a log of six lines in one stream and one in another."""
    write(LINES)
    write(1, stream=100)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


TAMPERING = {
    "a changed action": ("UPDATE audit_line SET action = 'scheme.changed' WHERE stream = 9 AND sequence = 3", [(Flaw.ALTERED, 9, 3)]),
    "another person": ("UPDATE audit_line SET person_id = gen_random_uuid() WHERE stream = 9 AND sequence = 1", [(Flaw.ALTERED, 9, 1)]),
    "an earlier moment": ("UPDATE audit_line SET recorded_at = recorded_at - interval '1 us' WHERE stream = 9 AND sequence = 6", [(Flaw.ALTERED, 9, 6)]),
    "changed details": ("UPDATE audit_line SET details = '{\"place\": 9}' WHERE stream = 9 AND sequence = 2", [(Flaw.ALTERED, 9, 2)]),
    "a reason added later": ("UPDATE audit_line SET reason = 'op verzoek' WHERE stream = 9 AND sequence = 2", [(Flaw.ALTERED, 9, 2)]),
    "a changed line with a digest that fits": (
        f"UPDATE audit_line AS line SET action = 'x' WHERE stream = 9 AND sequence = 3;"
        f"UPDATE audit_line AS line SET digest = sha256((SELECT digest FROM audit_line WHERE stream = 9 AND sequence = 2) || {CONTENT}) "
        "WHERE stream = 9 AND sequence = 3",
        [(Flaw.ALTERED, 9, 4)],
    ),
    "the last line changed with a digest that fits": (
        f"UPDATE audit_line AS line SET action = 'x' WHERE stream = 9 AND sequence = 6;"
        f"UPDATE audit_line AS line SET digest = sha256((SELECT digest FROM audit_line WHERE stream = 9 AND sequence = 5) || {CONTENT}) "
        "WHERE stream = 9 AND sequence = 6",
        [(Flaw.HEAD_DIFFERS, 9, 6)],
    ),
    "a line removed": ("DELETE FROM audit_line WHERE stream = 9 AND sequence = 3", [(Flaw.GAP, 9, 4)]),
    "the first line removed": ("DELETE FROM audit_line WHERE stream = 9 AND sequence = 1", [(Flaw.GAP, 9, 2)]),
    "a line removed and the rest renumbered": (
        "DELETE FROM audit_line WHERE stream = 9 AND sequence = 3; UPDATE audit_line SET sequence = -sequence WHERE stream = 9 AND sequence > 3;"
        "UPDATE audit_line SET sequence = -sequence - 1 WHERE sequence < 0",
        [(Flaw.ALTERED, 9, 3), (Flaw.ALTERED, 9, 4), (Flaw.ALTERED, 9, 5), (Flaw.TAIL_MISSING, 9, 5)],
    ),
    "the tail removed": ("DELETE FROM audit_line WHERE stream = 9 AND sequence > 4", [(Flaw.TAIL_MISSING, 9, 4)]),
    "the tail removed and the head put back": (
        "DELETE FROM audit_line WHERE stream = 9 AND sequence > 4; UPDATE audit_stream SET sequence = 4 WHERE stream = 9",
        [(Flaw.HEAD_DIFFERS, 9, 4)],
    ),
    "all lines of a stream removed": ("DELETE FROM audit_line WHERE stream = 9", [(Flaw.TAIL_MISSING, 9, 0)]),
    "a whole stream removed": ("DELETE FROM audit_line WHERE stream = 100; DELETE FROM audit_stream WHERE stream = 100", [(Flaw.STREAM_MISSING, 100, 0)]),
    "a head removed": ("DELETE FROM audit_stream WHERE stream = 100", [(Flaw.STREAM_MISSING, 100, 0), (Flaw.BEYOND_HEAD, 100, 1)]),
    "a line slipped in at the end": (
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 9, 7, sha256(''))",
        [(Flaw.BEYOND_HEAD, 9, 7)],
    ),
    "a line slipped in where one was": (
        "DELETE FROM audit_line WHERE stream = 9 AND sequence = 3;"
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 9, 3, sha256(''))",
        [(Flaw.ALTERED, 9, 3), (Flaw.ALTERED, 9, 4)],
    ),
    "a line slipped in before the first": (
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 9, 0, sha256(''))",
        [(Flaw.BEYOND_HEAD, 9, 0)],
    ),
    "a line without a number": (
        "ALTER TABLE audit_line ALTER COLUMN sequence DROP NOT NULL;"
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 9, NULL, sha256(''))",
        [(Flaw.BEYOND_HEAD, 9, None)],
    ),
    "a line without a stream": (
        "ALTER TABLE audit_line ALTER COLUMN stream DROP NOT NULL;"
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', NULL, 1, sha256(''))",
        [(Flaw.BEYOND_HEAD, None, 1)],
    ),
    "a line in a stream that the register does not have": (
        "ALTER TABLE audit_stream DROP CONSTRAINT ck_audit_stream_stream; INSERT INTO audit_stream VALUES (200, 1, sha256(''));"
        "INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest) "
        "VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 200, 1, sha256(''))",
        [(Flaw.BEYOND_HEAD, 200, 1)],
    ),
    "a line without a digest": (
        "ALTER TABLE audit_line ALTER COLUMN digest DROP NOT NULL; UPDATE audit_line SET digest = NULL WHERE stream = 9 AND sequence = 3",
        [(Flaw.ALTERED, 9, 3), (Flaw.ALTERED, 9, 4)],
    ),
    "two lines swapped": (
        "UPDATE audit_line SET sequence = -2 WHERE stream = 9 AND sequence = 3; UPDATE audit_line SET sequence = 3 WHERE stream = 9 AND sequence = 2;"
        "UPDATE audit_line SET sequence = 2 WHERE stream = 9 AND sequence = -2",
        [(Flaw.ALTERED, 9, 2), (Flaw.ALTERED, 9, 3), (Flaw.ALTERED, 9, 4)],
    ),
}
REPEAT = """
ALTER TABLE audit_line DROP CONSTRAINT uq_audit_line_stream_sequence;
INSERT INTO audit_line (person_id, role, request_id, action, subject_kind, subject_id, stream, sequence, digest)
VALUES (gen_random_uuid(), 'r', 'q', 'a', 'k', 's', 9, %s, sha256(''))
"""
REWRITE = """
DO $$
DECLARE
    line audit_line;
    previous bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR line IN SELECT * FROM audit_line WHERE stream = 9 ORDER BY sequence LOOP
        previous := sha256(previous || audit_line_content(line));
        UPDATE audit_line SET digest = previous WHERE id = line.id;
    END LOOP;
    UPDATE audit_stream SET digest = previous, sequence = (SELECT max(sequence) FROM audit_line WHERE stream = 9) WHERE stream = 9;
END $$
"""


def test_a_log_that_nobody_touched_is_whole(tamperer: psycopg.Connection) -> None:
    findings, seal = checked()
    assert findings == []
    assert seal.lines == LINES + 1


@pytest.mark.parametrize("tampering", TAMPERING)
def test_tampering_is_found(tamperer: psycopg.Connection, tampering: str) -> None:
    statements, expected = TAMPERING[tampering]
    tamperer.execute(statements)
    assert checked()[0] == expected


def test_tampering_is_found_also_across_the_parts_that_are_read_at_once(tamperer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES_AT_ONCE", 2)
    assert checked()[0] == []
    tamperer.execute("DELETE FROM audit_line WHERE stream = 9 AND sequence IN (3, 4, 5)")
    assert checked()[0] == [(Flaw.GAP, 9, 6)]


@pytest.mark.parametrize("at_once", [1, 2, 3, LINES, LINES + 1])
@pytest.mark.parametrize("sequence", [1, 3, LINES])
def test_a_number_that_was_given_twice_is_found_wherever_a_part_ends(
    tamperer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, sequence: int, at_once: int
) -> None:
    monkeypatch.setattr(module, "LINES_AT_ONCE", at_once)
    tamperer.execute(REPEAT % sequence)
    assert checked()[0] == [(Flaw.REPEATED, 9, sequence)]


def test_a_number_that_was_given_twice_is_found_when_the_lines_have_one_id_too(tamperer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES_AT_ONCE", 3)
    tamperer.execute("ALTER TABLE audit_line DROP CONSTRAINT pk_audit_line, DROP CONSTRAINT uq_audit_line_stream_sequence")
    tamperer.execute("INSERT INTO audit_line OVERRIDING SYSTEM VALUE SELECT * FROM audit_line WHERE stream = 9 AND sequence = 3")
    assert checked()[0] == [(Flaw.REPEATED, 9, 3)]


def test_only_a_seal_finds_a_log_that_was_rewritten_as_a_whole(tamperer: psycopg.Connection) -> None:
    _, seal = checked()
    write(2)
    assert checked(seal)[0] == []
    tamperer.execute("UPDATE audit_line SET action = 'scheme.changed' WHERE stream = 9 AND sequence = 3")
    tamperer.execute(REWRITE)
    assert checked()[0] == []
    assert checked(seal)[0] == [(Flaw.SEALED_LINE_DIFFERS, 9, 6)]


def test_only_a_seal_finds_a_tail_that_was_removed_with_its_head(tamperer: psycopg.Connection) -> None:
    _, seal = checked()
    tamperer.execute("DELETE FROM audit_line WHERE stream = 9 AND sequence > 4")
    tamperer.execute(REWRITE)
    assert checked()[0] == []
    assert checked(seal)[0] == [(Flaw.SEALED_LINE_MISSING, 9, 6)]


def test_a_replaced_function_of_the_database_deceives_nobody(tamperer: psycopg.Connection) -> None:
    tamperer.execute("CREATE OR REPLACE FUNCTION audit_line_content(line audit_line) RETURNS bytea LANGUAGE sql STABLE AS 'SELECT ''''::bytea'")
    tamperer.execute(REWRITE)
    assert {flaw for flaw, _, _ in checked()[0]} == {Flaw.ALTERED}


def command(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "registry.cli", "audit", "verify", *arguments]
    return subprocess.run(argv, env={**os.environ, "REGISTRY_DATABASE_URL": url}, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_line_seals_a_whole_log_and_fails_on_a_broken_one(fresh_database: str, tamperer: psycopg.Connection, tmp_path: Path) -> None:
    seal = str(tmp_path / "seal.json")
    whole = command("--seal-to", seal, url=fresh_database)
    assert whole.returncode == 0, whole.stderr
    assert "7 line(s) in 128 streams" in whole.stdout
    assert command("--against", seal, url=fresh_database).returncode == 0
    assert command("--seal-to", seal, url=fresh_database).returncode == 2
    tamperer.execute("DELETE FROM audit_line WHERE stream = 9 AND sequence > 4")
    tamperer.execute(REWRITE)
    broken = command("--against", seal, "--seal-to", str(tmp_path / "other.json"), url=fresh_database)
    assert broken.returncode == 1
    assert "stream 9, sequence 6: the line that the seal names is gone" in broken.stdout
    assert not (tmp_path / "other.json").exists()


def test_a_file_that_is_no_seal_is_refused(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "seal.json").write_text("{}")
    refused = command("--against", str(tmp_path / "seal.json"), url=fresh_database)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
