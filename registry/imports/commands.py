"""What a person or a program asks of imports. Each answers at once; a worker does what was asked (`registry/imports/runs.py`)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry import db, jobs
from registry.access import Actor, Right, require
from registry.areas.names import municipality_name
from registry.audit import commands as audit
from registry.errors import Conflict, Fault, NotFound, RuleViolation, pointer
from registry.imports.bag.commands import AppliedCounts, BagImportReport, apply, peak_memory_mb, stage
from registry.imports.bag.model import Progress
from registry.imports.model import ColumnMapping, ImportKind, ImportMode, ImportNotReady, ImportRowsRefused, ImportRun, ImportStatus
from registry.imports.registered import KINDS
from registry.sheets.headers import How
from registry.versioned import Outcome, check_version, put

FILES = "imports/"
"""Where in the object store the files are."""


class ImportSentOtherwise(Conflict):
    """Another file was sent with the same Idempotency-Key."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file that is in the object store already. ``mapping`` is column of the register by header of the file, None for one to leave out."""

    kind: ImportKind
    file_name: str
    media_type: str
    size_bytes: int
    sha256: bytes
    sheet: str | None = None
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    request_key: str | None = None
    """The Idempotency-Key."""


def file_key(import_id: UUID) -> str:
    """Where in the object store the file of an import is. Put it there first, then `receive`; what nobody received is swept away."""
    return f"{FILES}{import_id}"


def receive(session: Session, actor: Actor, import_id: UUID, new: NewImport) -> tuple[ImportRun, Outcome]:
    """Take in a file whose bytes are under ``file_key(import_id)``, and let a worker try it out.

    The same file sent before with the same key gives the earlier import, UNCHANGED; the object of ``import_id`` is left over then.

    Raises NotAllowed, RuleViolation (the mapping names columns that are not there), ImportSentOtherwise.
    """
    run, outcome = take_in(session, actor, import_id, new)
    if outcome is Outcome.CREATED:
        _enqueue(session, jobs.TRY_IMPORT, import_id)
    return run, outcome


def take_in(session: Session, actor: Actor, import_id: UUID, new: NewImport) -> tuple[ImportRun, Outcome]:
    """As `receive`, for who tries it out at once in this process."""
    require(actor, Right.SEND_IMPORTS)
    require(actor, KINDS[new.kind].right)
    _check_mapping(new.kind, new.mapping)
    values = {
        **{name: getattr(new, name) for name in ("kind", "file_name", "media_type", "size_bytes", "sha256", "sheet", "request_key")},
        "id": import_id,
        "mapping": dict(new.mapping),
        "organisation_id": actor.organisation_id,
        "person_id": actor.person_id,
        "role": actor.role,
        "total": new.size_bytes,
    }
    run = _sent_before(session, actor, new)
    if run is None and session.scalar(postgresql.insert(ImportRun).values(values).on_conflict_do_nothing().returning(ImportRun.id)) is not None:
        audit.record(session, actor, "import.received", "import", import_id, details={"kind": new.kind.value, "sha256": new.sha256.hex()})
        return session.get_one(ImportRun, import_id), Outcome.CREATED
    run = run or _sent_before(session, actor, new)
    if run is None or (run.kind, run.sha256) != (new.kind, new.sha256) or new.sheet not in (None, run.sheet):
        raise ImportSentOtherwise()
    return run, Outcome.UNCHANGED


def _sent_before(session: Session, actor: Actor, new: NewImport) -> ImportRun | None:
    if new.request_key is None:
        return None
    return session.scalar(sa.select(ImportRun).where(ImportRun.person_id == actor.person_id, ImportRun.request_key == new.request_key))


def try_again(session: Session, actor: Actor, import_id: UUID, *, mapping: Mapping[str, str | None] | None = None, sheet: str | None = None) -> ImportRun:
    """Read the file anew, with another mapping or sheet if given, and compare it with the register as it is now.

    Raises NotAllowed, NotFound, RuleViolation, ImportNotReady (it is under way, applied, undone or forgotten).
    """
    run = _own(session, actor, import_id)
    _check_ready(run, ImportStatus.TRIED, ImportStatus.FAILED)
    if mapping is not None:
        _check_mapping(run.kind, mapping)
        run.mapping = dict(mapping)
    run.sheet = sheet or run.sheet
    run.status, run.mode, run.done, run.total = ImportStatus.RECEIVED, None, 0, run.size_bytes
    session.flush()
    audit.record(session, actor, "import.tried-again", "import", import_id)
    _enqueue(session, jobs.TRY_IMPORT, import_id)
    return run


def ask_to_apply(session: Session, actor: Actor, import_id: UUID, *, mode: ImportMode, ignore_unknown_columns: bool = False) -> ImportRun:
    """Let a worker write what the rows say, in the name of whoever sent the file. Asking again for the same changes nothing, and goes on with what broke off.

    Raises NotAllowed, NotFound, ImportNotReady, RuleViolation (``column-unknown`` for each column that is neither mapped nor left out), ImportRowsRefused (all
    or nothing, and rows are refused).
    """
    run = begin_to_apply(session, actor, import_id, mode=mode, ignore_unknown_columns=ignore_unknown_columns)
    if run.status is ImportStatus.APPLYING:
        _enqueue(session, jobs.APPLY_IMPORT, import_id)
    return run


def begin_to_apply(session: Session, actor: Actor, import_id: UUID, *, mode: ImportMode, ignore_unknown_columns: bool = False) -> ImportRun:
    """As `ask_to_apply`, for who applies it at once in this process."""
    run = _own(session, actor, import_id)
    if run.status in (ImportStatus.APPLYING, ImportStatus.APPLIED) and run.mode is mode:
        audit.record(session, actor, "import.apply-asked-again", "import", import_id)
        return run
    _check_ready(run, ImportStatus.TRIED)
    _settle_unknown(run, ignore=ignore_unknown_columns)
    if mode is ImportMode.ALL_OR_NOTHING and run.refused:
        raise ImportRowsRefused(refused=run.refused)
    run.status, run.mode, run.done, run.total = ImportStatus.APPLYING, mode, 0, run.rows_read
    session.flush()
    audit.record(session, actor, "import.apply-asked", "import", import_id, details={"mode": mode.value})
    return run


def _settle_unknown(run: ImportRun, *, ignore: bool) -> None:
    """Raises RuleViolation."""
    unknown = [each["header"] for each in run.columns if isinstance(each, dict) and each["how"] == How.UNKNOWN]
    if unknown and not ignore:
        known = ", ".join(column.name for column in KINDS[run.kind].columns)
        raise RuleViolation([Fault(pointer("mapping", str(header)), "column-unknown", {"column": header, "known": known}) for header in unknown])
    if unknown:
        run.mapping = {**run.mapping, **{str(header): None for header in unknown}}


def ask_to_undo(session: Session, actor: Actor, import_id: UUID, *, reason: str) -> ImportRun:
    """Let a worker take back everything that the import wrote, or nothing when something builds on it: `problems` names that then, and it stays applied.

    Raises NotAllowed, NotFound, ImportNotReady.
    """
    run = _own(session, actor, import_id)
    if run.status not in (ImportStatus.UNDOING, ImportStatus.UNDONE):
        _check_ready(run, ImportStatus.APPLIED, forgotten=True)
        run.status, run.undone_by, run.undo_reason, run.done, run.total = ImportStatus.UNDOING, actor.person_id, reason, 0, run.created + run.changed
        session.flush()
        _enqueue(session, jobs.UNDO_IMPORT, import_id)
    audit.record(session, actor, "import.undo-asked", "import", import_id, details={"reason": reason})
    return run


def keep_mapping(
    session: Session, actor: Actor, kind: ImportKind, name: str, mapping: Mapping[str, str | None], *, expected: int | None
) -> tuple[ColumnMapping, Outcome]:
    """Save by name what the organisation calls its columns, for its next files of that kind; the version that the change is based on is ``expected``.

    Raises NotAllowed, RuleViolation, VersionRequired, Stale, NothingToChange.
    """
    require(actor, Right.SEND_IMPORTS)
    _check_mapping(kind, mapping)
    known = session.execute(sa.select(ColumnMapping.id, ColumnMapping.recorded_by).where(*_named(actor, kind, name))).one_or_none()
    key = {"id": known.id if known else session.scalar(sa.text("SELECT uuid_v7()"))}
    own = {"organisation_id": actor.organisation_id, "kind": kind, "name": name, "recorded_by": known.recorded_by if known else actor.person_id}
    row, outcome = put(session, ColumnMapping, key, {**own, "mapping": dict(mapping)}, expected=expected)
    if outcome is not Outcome.UNCHANGED:
        audit.record(session, actor, "column-mapping.kept", "column-mapping", row.id, details={"kind": kind.value, "name": name})
    return row, outcome


def remove_mapping(session: Session, actor: Actor, kind: ImportKind, name: str, *, expected: int | None) -> None:
    """Raises NotAllowed, NotFound, VersionRequired, Stale."""
    require(actor, Right.SEND_IMPORTS)
    row = session.scalar(sa.select(ColumnMapping).where(*_named(actor, kind, name)).with_for_update())
    if row is None:
        raise NotFound(what="column mapping", id=name)
    check_version(row, expected)
    session.delete(row)
    session.flush()
    audit.record(session, actor, "column-mapping.removed", "column-mapping", row.id, details={"kind": kind.value, "name": name})


def _named(actor: Actor, kind: ImportKind, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return ColumnMapping.organisation_id == actor.organisation_id, ColumnMapping.kind == kind, ColumnMapping.name == name


def _check_mapping(kind: ImportKind, mapping: Mapping[str, str | None]) -> None:
    """Raises RuleViolation."""
    known = [column.name for column in KINDS[kind].columns]
    faults = [
        Fault(pointer("mapping", header), "column-unknown", {"column": column, "known": ", ".join(known)})
        for header, column in mapping.items()
        if column is not None and column not in known
    ]
    if faults:
        raise RuleViolation(faults)


def _own(session: Session, actor: Actor, import_id: UUID) -> ImportRun:
    """The import of the actor's organisation, locked. Raises NotAllowed, NotFound."""
    require(actor, Right.SEND_IMPORTS)
    own = ImportRun.organisation_id.is_not_distinct_from(actor.organisation_id)
    run = session.scalar(sa.select(ImportRun).where(ImportRun.id == import_id, own).with_for_update(key_share=True))
    if run is None:
        raise NotFound(what="import", id=import_id)
    require(actor, KINDS[run.kind].right)
    return run


def _check_ready(run: ImportRun, *statuses: ImportStatus, forgotten: bool = False) -> None:
    """Raises ImportNotReady."""
    if run.status not in statuses or (run.forgotten_at is not None and not forgotten):
        raise ImportNotReady(status="forgotten" if run.status in statuses else run.status.value)


def _enqueue(session: Session, task: str, import_id: UUID) -> None:
    jobs.enqueue(session, task, lock=str(import_id), import_id=str(import_id))


_ANNOUNCE = sa.text("INSERT INTO change (kind, subject_id, municipality_code) SELECT 'dwelling', id, municipality_code FROM pg_temp.bag_applied")


def import_bag(actor: Actor, path: Path, *, progress: Callable[[Progress], None]) -> BagImportReport:
    """Bring the register up to date with a BAG extract, or change nothing at all.

    Raises BagFileError and what `db.transaction` raises.
    """
    started = time.perf_counter()
    with db.connection() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        staged = stage(driver, path, progress=progress)
        driver.commit()
        progress(Progress("apply", 0, 1))
        with db.transaction(on=connection) as session:
            applied = _apply(session, driver, actor, path, staged.delivered)
    progress(Progress("apply", 1, 1))
    return BagImportReport(staged, applied, time.perf_counter() - started, peak_memory_mb())


def _apply(session: Session, driver: psycopg.Connection, actor: Actor, path: Path, delivered: Mapping[str, str]) -> AppliedCounts:
    applied = apply(driver, municipality_name=lambda code: municipality_name(code) or delivered.get(code))
    if applied.created or applied.changed:
        session.execute(_ANNOUNCE)
    details = {"created": applied.created, "changed": applied.changed, "unchanged": applied.unchanged}
    audit.record(session, actor, "bag.imported", "import", path.name, details=details)
    return applied
