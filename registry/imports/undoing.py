"""Taking back a whole import: everything that it wrote, the newest first, or nothing when something builds on it."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit import commands as audit
from registry.db import Json, transaction
from registry.imports import staging
from registry.imports.kinds import RowFault
from registry.imports.model import ImportBuiltOn, ImportRun, ImportStatus
from registry.imports.running import ITSELF, Job, Overtaken, advance, alone

NAMED_MOST: Final = 1000
"""Things that build on an import; of more than these only the number is told."""
_FIELD: Final = "SELECT pg_advisory_xact_lock(hashtextextended('imports-write', 0))"


def undo(job: Job) -> None:
    """Raises Overtaken, ImportBuiltOn (and then the import is applied as before)."""
    builds = _taken_back(job)
    if builds:
        problems: list[Json] = [{"code": each.code, "facts": each.facts, "cell": None} for each in builds[:NAMED_MOST]]
        with transaction(role=ITSELF) as session:
            alone(session, job)
            run = session.get_one(ImportRun, job.id, with_for_update=True)
            if run.status is not ImportStatus.UNDOING:
                raise Overtaken(run.status)
            run.status, run.undo_reason, run.undone_by, run.problems = ImportStatus.APPLIED, None, None, problems
        raise ImportBuiltOn(count=len(builds))


class _BuiltOn(Exception):
    pass


def _taken_back(job: Job) -> list[RowFault]:
    """What builds on it, and then nothing was kept."""
    builds: list[RowFault] = []
    try:
        with transaction(role=ITSELF) as session:
            alone(session, job)
            session.execute(sa.text(_FIELD))
            before, done = None, 0
            while found := staging.effects_backwards(session, job.id, before=before):
                job.as_sender(session)
                builds += job.kind.undo(session, job.actor, [effect for _, effect in found])
                before, done = found[-1][0], done + len(found)
                job.as_itself(session)
                _tell(job, done)
            if builds:
                raise _BuiltOn()
            _undone(session, job)
    except _BuiltOn:
        pass
    return builds


def _tell(job: Job, done: int) -> None:
    with transaction(role=ITSELF) as session:
        advance(session, job, ImportStatus.UNDOING, done, max(done, job.rows_read))
    job.tell(ImportStatus.UNDOING, done, max(done, job.rows_read))


def _undone(session: Session, job: Job) -> None:
    job.as_itself(session)
    advance(session, job, ImportStatus.UNDOING, job.rows_read, job.rows_read)
    session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(status=ImportStatus.UNDONE, undone_at=clock.now(), problems=[]))
    job.as_sender(session)
    audit.record(session, job.actor, "import.undone", "import", job.id)
    job.as_itself(session)
