"""The third step: the rows are judged once more, with what they are about locked, and written in the name of whoever sent them.

Per row, each chunk is a transaction, and one that was broken off goes on after the last one that was committed. All or nothing is one transaction; when a row
is refused by then, it is rolled back and the whole file is compared again, so that all of it can be read afterwards.

Imports that write take turns where they could wait for each other in a circle: chunks lock what they are about in the order of ids and may go side by side;
a transaction that goes on with a next chunk has the field to itself.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock
from registry.audit import commands as audit
from registry.db import Json, transaction
from registry.errors import Conflict
from registry.imports import staging
from registry.imports.comparing import Places, chunks, compare, end, places_of
from registry.imports.kinds import Judgement
from registry.imports.model import ImportMode, ImportRun, ImportStatus
from registry.imports.running import ITSELF, Job, Overtaken, advance, alone, problem, settle
from registry.imports.staging import Ended, KeptRow
from registry.versioned import Outcome

ATTEMPTS: Final = 5
"""Somebody else may register the same dwelling between the look and the write; then it is looked at once more."""
_FIELD: Final = "hashtextextended('imports-write', 0)"

log = structlog.get_logger()


class RowRefused(Exception):
    """A row of an import that is all or nothing."""


def apply(job: Job) -> None:
    """Raises Overtaken, Unavailable; Conflict when others are in the way time and again."""
    if job.mode is ImportMode.ALL_OR_NOTHING:
        _all_or_nothing(job)
    else:
        _per_row(job)


def _per_row(job: Job) -> None:
    with transaction(role=ITSELF) as session:
        after, _ = staging.last_written(session, job.id)
        places = places_of(session, job)
        done = _rows_until(session, job, after)
    with closing(chunks(job, after, faulty=False)) as found:
        for rows in found:
            done += len(rows)
            _tried_again(partial(_chunk, job, places, rows, done))
            job.tell(ImportStatus.APPLYING, done, job.rows_read)
    with transaction(role=ITSELF) as session:
        alone(session, job)
        _applied(session, job)


def _chunk(job: Job, places: Places, rows: Sequence[KeptRow], done: int) -> None:
    with transaction(role=ITSELF) as session:
        alone(session, job)
        session.execute(sa.text(f"SELECT pg_advisory_xact_lock_shared({_FIELD})"))
        _write(session, job, rows, _judged(session, job, rows), places)
        advance(session, job, ImportStatus.APPLYING, done, job.rows_read)


def _tried_again(work: Callable[[], None]) -> None:
    """Raises Conflict."""
    for _ in range(ATTEMPTS - 1):
        try:
            work()
            return
        except Conflict as conflict:
            log.info("import-chunk-again", code=conflict.code)
    work()


def _all_or_nothing(job: Job) -> None:
    try:
        _tried_again(partial(_whole, job))
    except RowRefused:
        with transaction(role=ITSELF) as session:
            alone(session, job)
            advance(session, job, ImportStatus.APPLYING, 0, job.rows_read)
            staging.forget_judgements(session, job.id)
            session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(status=ImportStatus.COMPARING))
        compare_again(job)


def compare_again(job: Job) -> None:
    """Nothing was applied, because of rows that are refused: say which, as things are now."""
    compare(job)
    with transaction(role=ITSELF) as session:
        alone(session, job)
        settle(session, job.id, ImportStatus.TRIED, mode=None, tried_at=clock.now())
        refused = session.scalar(sa.select(ImportRun.refused).where(ImportRun.id == job.id))
        problems: list[Json] = [problem("import-rows-refused", {"refused": refused})]
        session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(problems=problems))


def _whole(job: Job) -> None:
    """Raises RowRefused."""
    with transaction(role=ITSELF) as session:
        alone(session, job)
        session.execute(sa.text(f"SELECT pg_advisory_xact_lock({_FIELD})"))
        if session.scalar(sa.select(ImportRun.status).where(ImportRun.id == job.id)) is not ImportStatus.APPLYING:
            raise Overtaken(ImportStatus.APPLYING)
        places, done = places_of(session, job), 0
        with closing(chunks(job, "", faulty=False)) as found:
            for rows in found:
                judged = _judged(session, job, rows)
                if any(each.faults for each in judged):
                    raise RowRefused()
                _write(session, job, rows, judged, places)
                done += len(rows)
                _tell(job, done)
                job.as_itself(session)
        _applied(session, job)


def _tell(job: Job, done: int) -> None:
    """How far it is, for everybody to see while nothing of the rest is."""
    with transaction(role=ITSELF) as session:
        advance(session, job, ImportStatus.APPLYING, done, job.rows_read)
    job.tell(ImportStatus.APPLYING, done, job.rows_read)


def _judged(session: Session, job: Job, rows: Sequence[KeptRow]) -> list[Judgement]:
    """As whoever sent it; so is the session afterwards."""
    staged = [row.staged for row in rows]
    job.as_sender(session)
    job.kind.lock(session, job.actor, staged)
    return job.kind.judge(session, job.actor, staged)


def _write(session: Session, job: Job, rows: Sequence[KeptRow], judged: Sequence[Judgement], places: Places) -> None:
    """What is created and changed, and in the books what became of each row; so it is itself afterwards."""
    wanted = [(row.staged, each) for row, each in zip(rows, judged, strict=True) if not each.faults and each.outcome in (Outcome.CREATED, Outcome.CHANGED)]
    effects = job.kind.write(session, job.actor, wanted) if wanted else []
    job.as_itself(session)
    staging.add_effects(session, job.id, effects)
    ended = [end(row, judgement, places) for row, judgement in zip(rows, judged, strict=True)]
    _correct(session, job, rows, ended)


def _correct(session: Session, job: Job, rows: Sequence[KeptRow], ended: Iterable[Ended]) -> None:
    """Keep what came out otherwise than in the dry run."""
    pairs = list(zip(rows, ended, strict=True))
    other = [now for before, now in pairs if before.outcome != now.outcome or now.outcome is Outcome.CHANGED]
    if other:
        staging.add_outcomes(session, job.id, other)
    wrong = [now.row for before, now in pairs if now.outcome is Outcome.REFUSED or before.outcome == Outcome.REFUSED]
    if wrong:
        staging.replace_faults(session, job.id, wrong, [now for _, now in pairs])


def _rows_until(session: Session, job: Job, key: str) -> int:
    query = "SELECT count(*) FROM import_row WHERE import_id = %s AND key <= %s AND NOT faulty"
    return int(str((staging.driver(session).execute(query, (job.id, key)).fetchone() or (0,))[0]))


def _applied(session: Session, job: Job) -> None:
    advance(session, job, ImportStatus.APPLYING, job.rows_read, job.rows_read)
    settle(session, job.id, ImportStatus.APPLIED, applied_at=clock.now(), problems=[])
    figures = session.execute(sa.select(ImportRun.created, ImportRun.changed, ImportRun.unchanged, ImportRun.refused).where(ImportRun.id == job.id)).one()
    job.as_sender(session)
    audit.record(session, job.actor, "import.applied", "import", job.id, details=dict(figures._mapping))
    job.as_itself(session)
