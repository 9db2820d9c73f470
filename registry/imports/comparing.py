"""The second step: what each row would do to the register as it is now. Nothing is locked, and nothing of the register changes."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import transaction
from registry.imports import staging
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
    while True:
        with transaction(role=ITSELF) as session:
            alone(session, job)
            rows = staging.rows_to_judge(session, job.id, after=after, faulty=job.mode is None)
            if not rows:
                return
            job.as_sender(session)
            judged = job.kind.judge(session, job.actor, [row.staged for row in rows])
            job.as_itself(session)
            told = _told_before(session, job, rows)
            ended = [end(row, judgement, places, told.get(row.staged.row, ())) for row, judgement in zip(rows, judged, strict=True)]
            staging.add_outcomes(session, job.id, ended)
            staging.add_faults(session, job.id, ((each.row, each.faults) for each in ended if each.faults))
            after, done = rows[-1].staged.key, done + len(rows)
            if len(rows) >= CHUNK_ROWS:
                staging.too_many(session, job.id, after, after=rows[-1].staged.row)
            advance(session, job, ImportStatus.COMPARING, done, total)
        job.tell(ImportStatus.COMPARING, done, total)


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
