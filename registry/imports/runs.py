"""What the worker does with an import: try it out, apply it, take it back. The command line does the same in its own process (`import_now`).

Each step may be done again after it was broken off anywhere: it goes on after the last chunk that was committed, or begins anew where nothing was.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock, storage
from registry.access import Actor
from registry.db import Json, transaction
from registry.errors import Conflict, RegistryError, Unavailable
from registry.imports import applying, commands, staging, undoing
from registry.imports.collecting import seldom
from registry.imports.comparing import compare
from registry.imports.kinds import KnowsRepeatedRows
from registry.imports.model import ImportBuiltOn, ImportMode, ImportRun, ImportStatus
from registry.imports.reading import read
from registry.imports.running import ITSELF, Job, Overtaken, Progress, SenderGone, alone, found, problem, problems_of, settle

COPY_STEP_BYTES: Final = 256 * 1024
UNTRIED: Final = (ImportStatus.RECEIVED, ImportStatus.READING, ImportStatus.COMPARING)

log = structlog.get_logger()


def quietly(status: ImportStatus, done: int, total: int) -> None:
    """Nobody watches."""


def try_out(import_id: UUID, *, file: Path | None = None, tell: Progress = quietly) -> None:
    """The dry run. ``file`` is at hand already, otherwise it comes from the object store. Raises Unavailable."""
    with _ending(import_id, ImportStatus.FAILED):
        there = found(import_id, *UNTRIED, tell=tell)
        if there is not None:
            _try_out(*there, file)


def _try_out(status: ImportStatus, job: Job, file: Path | None) -> None:
    if status is not ImportStatus.COMPARING:
        if status is ImportStatus.RECEIVED:
            _begin(job)
        with _at_hand(job, file) as path:
            read(job, path)
        _begin_to_compare(job)
    if job.mode is not None:  # it was to be applied, and can't
        applying.compare_again(job)
        return
    compare(job)
    with transaction(role=ITSELF) as session:
        alone(session, job)
        _check(session, job, ImportStatus.COMPARING)
        settle(session, job.id, ImportStatus.TRIED, tried_at=clock.now(), problems=[])


def apply(import_id: UUID, *, tell: Progress = quietly) -> None:
    """Raises Unavailable."""
    with _ending(import_id, ImportStatus.TRIED):
        there = found(import_id, ImportStatus.APPLYING, ImportStatus.COMPARING, tell=tell)
        if there is not None and there[0] is ImportStatus.COMPARING:
            _try_out(*there, None)
        elif there is not None:
            applying.apply(there[1])


def undo(import_id: UUID, *, tell: Progress = quietly) -> None:
    """Raises Unavailable, ImportBuiltOn."""
    with _ending(import_id, ImportStatus.APPLIED):
        there = found(import_id, ImportStatus.UNDOING, tell=tell)
        if there is not None:
            undoing.undo(there[1])


def import_now(actor: Actor, import_id: UUID, new: commands.NewImport, file: Path, *, mode: ImportMode | None, tell: Progress = quietly) -> ImportRun:
    """Try a file out, and apply it when there is a ``mode`` and nothing is against that, all in this process; how it ended.

    The rows are kept as those of any import. Raises NotAllowed, RuleViolation, ImportRowsRefused, Unavailable.
    """
    with transaction(actor, role=ITSELF) as session:
        commands.take_in(session, actor, import_id, new)
    try_out(import_id, file=file, tell=tell)
    run = _now(import_id)
    if mode is not None and run.status is ImportStatus.TRIED:
        with transaction(actor, role=ITSELF) as session:
            commands.begin_to_apply(session, actor, import_id, mode=mode)
        apply(import_id, tell=tell)
    return _now(import_id)


def _now(import_id: UUID) -> ImportRun:
    with transaction(role=ITSELF) as session:
        return session.get_one(ImportRun, import_id)


def _begin(job: Job) -> None:
    with transaction(role=ITSELF) as session:
        alone(session, job)
        _check(session, job, ImportStatus.RECEIVED)
        staging.forget_rows(session, job.id)
        values = {"status": ImportStatus.READING, "columns": [], "problems": [], "last_row": 0, "passed_over": 0}
        session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(values))


def _begin_to_compare(job: Job) -> None:
    with transaction(role=ITSELF) as session:
        alone(session, job)
        _check(session, job, ImportStatus.READING)
        staging.analyze(session)
        if hasattr(job.kind, "refuse_repeated"):
            cast("KnowsRepeatedRows", job.kind).refuse_repeated(session, job.id)
        session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(status=ImportStatus.COMPARING))


def _check(session: Session, job: Job, status: ImportStatus) -> None:
    """Raises Overtaken."""
    if session.scalar(sa.select(ImportRun.status).where(ImportRun.id == job.id)) is not status:
        raise Overtaken(status)


@contextmanager
def _at_hand(job: Job, file: Path | None) -> Iterator[Path]:
    """The file on disk. Raises Unavailable; FileNotFoundError when it is not in the object store."""
    if file is not None:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        path = Path(folder) / "file"
        with storage.opened(commands.file_key(job.id)) as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, COPY_STEP_BYTES)
        yield path


@contextmanager
def _ending(import_id: UUID, otherwise: ImportStatus) -> Iterator[None]:
    """What can't go on ends in the state ``otherwise``, with what is wrong among its problems."""
    try:
        with seldom():
            yield
    except Overtaken as overtaken:
        log.warning("import-overtaken", id=str(import_id), state=str(overtaken))
    except (Unavailable, ImportBuiltOn):
        raise
    except SenderGone:
        _give_up(import_id, otherwise, [problem("sender-gone")])
    except FileNotFoundError:
        _give_up(import_id, otherwise, [problem("file-gone")])
    except Conflict as conflict:
        _give_up(import_id, otherwise, [problem(conflict.code)])
    except RegistryError as error:
        _give_up(import_id, otherwise, problems_of(error.faults) or [problem(error.code)])
    except Exception:
        log.exception("import-broke-off", id=str(import_id))
        _give_up(import_id, otherwise, [problem("import-broke-off")])


def _give_up(import_id: UUID, status: ImportStatus, problems: list[Json]) -> None:
    """A step per row that was broken off half-way stays where it was: asking for it again goes on."""
    with transaction(role=ITSELF) as session:
        run = session.get_one(ImportRun, import_id, with_for_update=True)
        run.problems = problems
        if run.status is ImportStatus.APPLYING and run.mode is ImportMode.PER_ROW and staging.last_written(session, import_id)[1]:
            return
        if run.status in UNTRIED:
            run.status, run.rows_read, run.passed_over = ImportStatus.FAILED, 0, 0
            run.created = run.changed = run.unchanged = run.refused = 0
        elif run.status is ImportStatus.APPLYING:
            run.status, run.mode = status, None
        elif run.status is ImportStatus.UNDOING:
            run.status, run.undo_reason, run.undone_by = status, None, None
