"""Sending a file in tests: the steps of the worker in this process, on whatever database the test has."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from registry.access import Actor
from registry.db import API_ROLE, transaction
from registry.imports import commands, runs
from registry.imports.model import ImportFault, ImportKind, ImportMode, ImportOutcome, ImportRun, ImportStatus
from registry.versioned import Outcome
from tests.owner import as_owner


def a_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def received(actor: Actor, path: Path, kind: ImportKind = ImportKind.DWELLINGS, *, mapping: Mapping[str, str | None] | None = None) -> UUID:
    with as_owner() as session:
        import_id = session.scalars(sa.text("SELECT uuid_v7()")).one()
    new = commands.NewImport(kind, path.name, "text/csv", path.stat().st_size, b"\1" * 32, mapping=mapping or {})
    with transaction(actor, role=API_ROLE) as session:
        commands.receive(session, actor, import_id, new)
    return UUID(str(import_id))


def tried(actor: Actor, path: Path, kind: ImportKind = ImportKind.DWELLINGS, *, mapping: Mapping[str, str | None] | None = None) -> ImportRun:
    import_id = received(actor, path, kind, mapping=mapping)
    runs.try_out(import_id, file=path)
    return now(import_id)


def applied(actor: Actor, path: Path, kind: ImportKind = ImportKind.DWELLINGS, *, mode: ImportMode = ImportMode.PER_ROW) -> ImportRun:
    run = tried(actor, path, kind)
    assert run.status is ImportStatus.TRIED, run.problems
    return apply(actor, run.id, mode)


def apply(actor: Actor, import_id: UUID, mode: ImportMode = ImportMode.PER_ROW) -> ImportRun:
    with transaction(actor, role=API_ROLE) as session:
        commands.ask_to_apply(session, actor, import_id, mode=mode)
    runs.apply(import_id)
    return now(import_id)


def undo(actor: Actor, import_id: UUID) -> ImportRun:
    with transaction(actor, role=API_ROLE) as session:
        commands.ask_to_undo(session, actor, import_id, reason="sent by mistake")
    runs.undo(import_id)
    return now(import_id)


def now(import_id: UUID) -> ImportRun:
    with as_owner() as session:
        return session.get_one(ImportRun, import_id)


def figures(run: ImportRun) -> tuple[int, int, int, int]:
    """Created, changed, unchanged and refused; they are all rows that were read."""
    counts = run.created, run.changed, run.unchanged, run.refused
    assert sum(counts) == run.rows_read
    return counts


def faults(import_id: UUID) -> list[tuple[int, str | None, str]]:
    """(row, field, code) in the order of the file."""
    query = sa.select(ImportFault.row, ImportFault.field, ImportFault.code).where(ImportFault.import_id == import_id)
    with as_owner() as session:
        return sorted(((row, field, code) for row, field, code in session.execute(query)), key=lambda each: (each[0], each[1] or "", each[2]))


def outcomes(import_id: UUID) -> dict[int, Outcome]:
    query = sa.select(ImportOutcome.row, ImportOutcome.outcome).where(ImportOutcome.import_id == import_id).order_by(ImportOutcome.row)
    with as_owner() as session:
        return dict(iter(session.execute(query)))
