"""What a job knows of the import it works on, in whose name it writes, and how it tells how far it is.

The worker keeps the books of an import as itself, and does everything else as the sender would: as the role of the API, with the sender's claims, so that
row-level security holds it back as it does her. Both happen in one transaction, one after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import db
from registry.access import Actor, Role
from registry.db import API_ROLE, Json, transaction
from registry.errors import Fault
from registry.imports.kinds import Kind
from registry.imports.model import ImportMode, ImportRun, ImportStatus
from registry.imports.registered import KINDS
from registry.organisations.model import Organisation, OrganisationKind

ITSELF: Final = "none"
"""The database role that is connected: of the worker, or of the owner on the command line."""
NOBODY: Final = UUID(int=0)
"""The person of an import from the command line: nobody's membership is asked for."""

Progress = Callable[[ImportStatus, int, int], None]
"""Is told the step, and how far it is: done of total."""


class Overtaken(Exception):
    """The import is not in the state in which this job left it: somebody else works on it, or nobody wants it any more."""


class SenderGone(Exception):
    """Whoever sent the file, or asked to undo it, does not work for the organisation in that role any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One import, as long as a job works on it."""

    id: UUID
    kind: Kind
    actor: Actor
    mode: ImportMode | None
    sheet: str | None
    mapping: Mapping[str, str | None]
    rows_read: int
    tell: Progress

    def as_sender(self, session: Session) -> None:
        db.act(session, self.actor, role=API_ROLE)

    def as_itself(self, session: Session) -> None:
        db.act(session, None, role=ITSELF)


def found(import_id: UUID, *statuses: ImportStatus, tell: Progress) -> tuple[ImportStatus, Job] | None:
    """The import when it is in one of these states. Raises SenderGone."""
    with transaction(role=ITSELF) as session:
        run = session.get(ImportRun, import_id)
        if run is None or run.status not in statuses:
            return None
        mapping = {header: None if column is None else str(column) for header, column in run.mapping.items()}
        actor = _sender(session, run)
        return run.status, Job(run.id, KINDS[run.kind], actor, run.mode, run.sheet, mapping, run.rows_read, tell)


def _sender(session: Session, run: ImportRun) -> Actor:
    """Whoever asked to undo it takes it back, else whoever sent it writes. Raises SenderGone."""
    person_id = run.undone_by if run.status is ImportStatus.UNDOING and run.undone_by else run.person_id
    if person_id != NOBODY and not session.scalar(sa.select(sa.func.works_as(person_id, run.organisation_id, run.role.value))):
        raise SenderGone()
    db.act(session, None, role=API_ROLE)
    body = session.execute(sa.select(Organisation.municipality_code, Organisation.kind).where(Organisation.id == run.organisation_id)).one_or_none()
    code, central = (None, run.role is Role.ADMINISTRATOR) if body is None else (body.municipality_code, body.kind is OrganisationKind.MINISTRY)
    return Actor(person_id, run.organisation_id, run.role, f"import-{run.id}", code, central)


def advance(session: Session, job: Job, step: ImportStatus, done: int, total: int) -> None:
    """Say how far the step is, in the transaction that brought it there. Raises Overtaken when the import is in another step meanwhile."""
    changed = session.execute(_ADVANCE, {"id": job.id, "status": step.value, "done": done, "total": total})
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Overtaken(step)


_ADVANCE = sa.text("UPDATE import_run SET done = :done, total = :total WHERE id = :id AND status = :status")


def alone(session: Session, job: Job) -> None:
    """Until the end of the transaction no other job works on this import: one that was taken for dead may live."""
    db.one_at_a_time(session, f"import-{job.id}")


def settle(session: Session, import_id: UUID, status: ImportStatus, **columns: object) -> None:
    """End a step: the figures are those of the outcomes as they are now."""
    session.execute(_COUNT, {"id": import_id})
    session.execute(sa.update(ImportRun).where(ImportRun.id == import_id).values(status=status, **columns))


_COUNT = sa.text(
    """
    UPDATE import_run SET rows_read = passed_over + (SELECT count(*) FROM import_row WHERE import_id = :id),
        created = counted.created, changed = counted.changed, unchanged = passed_over + counted.unchanged, refused = counted.refused
    FROM (SELECT count(*) FILTER (WHERE outcome = 'created') AS created, count(*) FILTER (WHERE outcome = 'changed') AS changed,
            count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged, count(*) FILTER (WHERE outcome = 'refused') AS refused
        FROM import_outcome WHERE import_id = :id) AS counted
    WHERE id = :id
    """
)


def problem(code: str, facts: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """As `import_run.problems` keeps what is wrong with a file or a step as a whole."""
    return {"code": code, "facts": dict(facts or {}), "cell": None}


def problems_of(faults: Sequence[Fault]) -> list[Json]:
    return [
        {"code": fault.code, "facts": {name: _plain(fact) for name, fact in fault.facts.items()}, "cell": fault.cell.name if fault.cell else None}
        for fault in faults
    ]


def _plain(fact: object) -> Json:
    return fact if isinstance(fact, str | int | float | bool) or fact is None else str(fact)
