"""The first step: from the file to rows whose values are known and that say what they are about, or that are refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import Json, transaction
from registry.imports import staging
from registry.imports.behind import Behind
from registry.imports.kinds import Kind, Read, ReadRow, ReadsOwnFiles, RowFault
from registry.imports.model import ImportRun, ImportStatus
from registry.imports.running import ITSELF, Job, Overtaken, advance, alone
from registry.imports.staging import CHUNK_ROWS, ReadyRow
from registry.sheets import headers
from registry.sheets.checking import CellFault, Checker
from registry.sheets.faults import FileRefused
from registry.sheets.headers import FileColumn, How
from registry.sheets.reading import Sheet, open_sheet

Places = Mapping[str, int]
"""The place in the file of each column of the register that it has."""


def read(job: Job, path: Path) -> None:
    """Read the file at ``path``, from where an earlier reading broke off. Raises RegistryError (what is wrong with the file as a whole), Overtaken."""
    with transaction(role=ITSELF) as session:
        after = session.scalar(sa.select(ImportRun.last_row).where(ImportRun.id == job.id)) or 0
    with path.open("rb") as file, Behind() as behind:
        if hasattr(job.kind, "read"):
            for part in cast("ReadsOwnFiles", job.kind).read(path, after=after):
                behind.do(partial(_keep, job, part, {}))
            return
        mapping = {**dict.fromkeys(getattr(job.kind, "left_out", ())), **job.mapping}
        sheet = open_sheet(file, job.kind.columns, mapping=mapping, sheet=job.sheet)
        places = _understand(job, sheet, mapping)
        size = path.stat().st_size
        for rows in _checked(job.kind, sheet, places, after):
            part = Read(rows, int(sheet.progress * size), size)
            behind.do(partial(_keep, job, part, places))


def _understand(job: Job, sheet: Sheet, mapping: Mapping[str, str | None]) -> Places:
    """What each column of the file is, kept with the import. Raises FileRefused when columns are missing or occur twice."""
    found = headers.match(sheet.header, job.kind.columns, mapping)
    if job.kind.ignores_others:
        found = [FileColumn(each.place, each.letter, each.header, None, How.LEFT_OUT) if each.how is How.UNKNOWN else each for each in found]
    with transaction(role=ITSELF) as session:
        columns = [cast("dict[str, Json]", asdict(each)) for each in found]
        session.execute(sa.update(ImportRun).where(ImportRun.id == job.id).values(columns=columns, sheet=sheet.name))
    wrong = [fault for fault in headers.faults(found, job.kind.columns, row=sheet.header_row) if fault.code == "column-repeated"]
    wrong += headers.missing(found, job.kind.columns, job.kind.named_by, row=sheet.header_row)
    if wrong:
        raise FileRefused(wrong)
    return {each.column: each.place for each in found if each.column}


def _checked(kind: Kind, sheet: Sheet, places: Places, after: int) -> Iterator[list[ReadRow]]:
    checker = Checker([(places[column.name], column) for column in kind.columns if column.name in places])
    rest = sheet.records(after=after)
    while records := list(islice(rest, CHUNK_ROWS)):
        checked = checker.check(records)
        yield [ReadRow(record.row, record.cells, each.values, [_fault(fault) for fault in each.faults]) for record, each in zip(records, checked, strict=True)]


def _fault(fault: CellFault) -> RowFault:
    return RowFault(fault.column.name if fault.column else None, fault.code, fault.facts)


def _keep(job: Job, part: Read, places: Places) -> None:
    """One transaction: rows, faults, and how far the reading is. Raises Overtaken."""
    with transaction(role=ITSELF) as session:
        alone(session, job)
        ready = _identified(job, session, part.rows, places) if part.rows else []
        job.as_itself(session)
        staging.add_rows(session, job.id, ready)
        if part.rows:
            _come_to(session, job, part.rows, passed_over=len(part.rows) - len(ready))
        advance(session, job, ImportStatus.READING, part.done, part.total)
    job.tell(ImportStatus.READING, part.done, part.total)


def _come_to(session: Session, job: Job, rows: list[ReadRow], *, passed_over: int) -> None:
    """Raises Overtaken when these rows were read already."""
    values = {"last_row": rows[-1].row, "passed_over": ImportRun.passed_over + passed_over}
    changed = session.execute(sa.update(ImportRun).where(ImportRun.id == job.id, ImportRun.last_row < rows[0].row).values(values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Overtaken(ImportStatus.READING)


def _identified(job: Job, session: Session, rows: list[ReadRow], places: Places) -> list[ReadyRow]:
    job.as_sender(session)
    ready = []
    for row, identified in zip(rows, job.kind.identify(session, job.actor, [(row.row, row.values) for row in rows]), strict=True):
        if identified.passed_over:
            continue
        values = {**row.values, **identified.resolved} if identified.resolved else row.values
        faults = row.faults
        if identified.faults:
            faults = [*faults, *not_told(faults, identified.faults)]
        ready.append(ReadyRow(row.row, row.cells, values, identified.key, [(places.get(fault.field or ""), fault) for fault in faults]))
    return ready


def not_told(told: Iterable[RowFault], more: Iterable[RowFault]) -> list[RowFault]:
    """Those of ``more`` in fields of which nothing was told: what is missing because its cell can't be read, is not missing. Of a row as a whole, those that
    say something else.
    """
    told = list(told)
    fields, of_row = {fault.field for fault in told}, {fault.code for fault in told if fault.field is None}
    return [fault for fault in more if (fault.code not in of_row if fault.field is None else fault.field not in fields)]
