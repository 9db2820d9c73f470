"""The second step: what each row would do to the register as it is now. Nothing is locked, and nothing of the register changes."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import transaction
from registry.imports import staging
from registry.imports.behind import Behind, one_ahead
from registry.imports.kinds import Judgement, RowFault
from registry.imports.model import ImportFault, ImportRun, ImportStatus
from registry.imports.reading import not_told
from registry.imports.running import ITSELF, Job, advance, alone
from registry.imports.staging import CHUNK_ROWS, Ended, KeptRow
from registry.versioned import Outcome

Places = Mapping[str, int]


def compare(job: Job) -> None:
    """Judge every row that says what it is about, from where an earlier comparison broke off. Raises Overtaken.

    An import that was to be applied (`mode`) has been compared before: rows with cells that can't be read are left as they were.
    """
    with transaction(role=ITSELF) as session:
        after, done = staging.last_judged(session, job.id, faulty=job.mode is None)
        places = places_of(session, job)
        total = staging.count_rows(session, job.id)
    with closing(chunks(job, after, faulty=job.mode is None)) as found, Behind() as behind:
        for rows in found:
            with transaction(role=ITSELF) as session:
                job.as_sender(session)
                judged = job.kind.judge(session, job.actor, [row.staged for row in rows])
            done += len(rows)
            behind.do(partial(_keep, job, rows, judged, places, (done, total)))


def chunks(job: Job, after: str, *, faulty: bool) -> Generator[list[KeptRow]]:
    """The rows beyond the key ``after`` in the order of their keys, the next ones fetched while the last ones are at work."""
    return one_ahead(_chunks(job, after, faulty=faulty))


def _chunks(job: Job, after: str, *, faulty: bool) -> Iterator[list[KeptRow]]:
    while True:
        with transaction(role=ITSELF) as session:
            rows = staging.rows_to_judge(session, job.id, after=after, faulty=faulty)
        if not rows:
            return
        yield rows
        after = rows[-1].staged.key


def _keep(job: Job, rows: list[KeptRow], judged: Sequence[Judgement], places: Places, progress: tuple[int, int]) -> None:
    """One transaction: outcomes, faults, and how far it is. Raises Overtaken."""
    with transaction(role=ITSELF) as session:
        alone(session, job)
        told = _told_before(session, job, rows)
        ended = [end(row, judgement, places, told.get(row.staged.row, ())) for row, judgement in zip(rows, judged, strict=True)]
        staging.add_outcomes(session, job.id, ended)
        staging.add_faults(session, job.id, ((each.row, each.faults) for each in ended if each.faults))
        if len(rows) >= CHUNK_ROWS:
            staging.too_many(session, job.id, rows[-1].staged.key, after=rows[-1].staged.row)
        advance(session, job, ImportStatus.COMPARING, *progress)
    job.tell(ImportStatus.COMPARING, *progress)


def places_of(session: Session, job: Job) -> Places:
    columns = session.scalar(sa.select(ImportRun.columns).where(ImportRun.id == job.id)) or []
    return {str(each["column"]): int(str(each["place"])) for each in columns if isinstance(each, dict) and each["column"]}


def end(row: KeptRow, judgement: Judgement, places: Places, told: Sequence[RowFault] = ()) -> Ended:
    """What becomes of a row; ``told`` is what is known to be wrong with it already."""
    if not judgement.faults and not row.staged.faulty:
        return Ended(row.staged.row, judgement.outcome, judgement.subject_id, judgement.changes, [])
    faults = [(places.get(fault.field or ""), fault) for fault in not_told(told, judgement.faults)]
    return Ended(row.staged.row, Outcome.REFUSED, judgement.subject_id, None, faults)


def _told_before(session: Session, job: Job, rows: Sequence[KeptRow]) -> dict[int, list[RowFault]]:
    faulty = [row.staged.row for row in rows if row.staged.faulty]
    found: dict[int, list[RowFault]] = {}
    if faulty:
        query = sa.select(ImportFault.row, ImportFault.field, ImportFault.code).where(ImportFault.import_id == job.id, ImportFault.row.in_(faulty))
        for each in session.execute(query):
            found.setdefault(each.row, []).append(RowFault(each.field, each.code))
    return found
