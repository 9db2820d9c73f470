"""Reading imports: an organisation sees its own, an auditor all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.db import Json
from registry.errors import NotFound
from registry.imports.model import ColumnMapping, ImportFault, ImportKind, ImportOutcome, ImportRow, ImportRun, ImportStatus
from registry.pages import Page, page_of
from registry.versioned import Outcome

ROWS_AT_ONCE = 1000
"""Of refused rows: what is in memory of a download."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A refused row as it stood in the file, and all that is wrong with it in the order of its cells."""

    row: int
    cells: Sequence[str]
    faults: Sequence[sa.RowMapping]
    """`place` (None for the whole row), `field`, `code`, `facts`."""


def list_(
    session: Session, actor: Actor, *, kind: ImportKind | None = None, status: ImportStatus | None = None, after: UUID | None = None, limit: int
) -> Page[sa.RowMapping]:
    """One page of the imports of the actor's organisation, the newest first; ``after`` is the id of the last one seen. Raises NotAllowed."""
    require(actor, Right.READ_IMPORTS)
    query = sa.select(*ImportRun.__table__.columns).where(visible_to(actor)).order_by(ImportRun.id.desc()).limit(limit + 1)
    for column, wanted in ((ImportRun.kind, kind), (ImportRun.status, status)):
        query = query if wanted is None else query.where(column == wanted)
    query = query if after is None else query.where(ImportRun.id < after)
    return page_of(session.execute(query).mappings().all(), limit=limit, key=lambda row: str(row["id"]))


def get(session: Session, actor: Actor, import_id: UUID) -> sa.RowMapping:
    """All columns of one import. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_IMPORTS)
    row = session.execute(sa.select(*ImportRun.__table__.columns).where(ImportRun.id == import_id, visible_to(actor))).mappings().one_or_none()
    if row is None:
        raise NotFound(what="import", id=import_id)
    return row


def find_sent(session: Session, actor: Actor, request_key: str) -> sa.RowMapping | None:
    """The import that this person sent with this Idempotency-Key: look before storing the file once more. Raises NotAllowed."""
    require(actor, Right.READ_IMPORTS)
    query = sa.select(*ImportRun.__table__.columns).where(ImportRun.person_id == actor.person_id, ImportRun.request_key == request_key, visible_to(actor))
    return session.execute(query).mappings().one_or_none()


def rows(session: Session, actor: Actor, import_id: UUID, *, outcome: Outcome | None = None, after: int | None = None, limit: int) -> Page[sa.RowMapping]:
    """One page of rows in the order of the file: `row`, `outcome`, `subject_id`, `changes` ([former, new] by field), `cells`.

    ``after`` is the number of the last row seen. Rows that were not judged yet are not there. Raises NotAllowed, NotFound.
    """
    get(session, actor, import_id)
    columns = (ImportOutcome.row, ImportOutcome.outcome, ImportOutcome.subject_id, ImportOutcome.changes, ImportRow.cells)
    query = sa.select(*columns).join(ImportRow, _same_row(ImportOutcome, ImportRow)).where(ImportOutcome.import_id == import_id)
    query = query if outcome is None else query.where(ImportOutcome.outcome == outcome)
    query = query if after is None else query.where(ImportOutcome.row > after)
    found = session.execute(query.order_by(ImportOutcome.row).limit(limit + 1)).mappings().all()
    return page_of(found, limit=limit, key=lambda row: str(row["row"]))


def _same_row(one: type[ImportOutcome] | type[ImportFault], other: type[ImportRow]) -> sa.ColumnElement[bool]:
    return sa.and_(one.import_id == other.import_id, one.row == other.row)


def faults(
    session: Session, actor: Actor, import_id: UUID, *, code: str | None = None, after: tuple[int, int] | None = None, limit: int
) -> Page[sa.RowMapping]:
    """One page of faults in the order of the file: `id`, `row`, `place`, `field`, `code`, `facts`, and `cells` of the row.

    ``after`` is (row, id) of the last one seen; the key of the page is "row.id". Raises NotAllowed, NotFound.
    """
    get(session, actor, import_id)
    query = sa.select(*_FAULT, ImportRow.cells).join(ImportRow, _same_row(ImportFault, ImportRow)).where(ImportFault.import_id == import_id)
    query = query if code is None else query.where(ImportFault.code == code)
    query = query if after is None else query.where(sa.tuple_(ImportFault.row, ImportFault.id) > sa.tuple_(*after))
    found = session.execute(query.order_by(ImportFault.row, ImportFault.id).limit(limit + 1)).mappings().all()
    return page_of(found, limit=limit, key=lambda fault: f"{fault['row']}.{fault['id']}")


_FAULT = (ImportFault.id, ImportFault.row, ImportFault.place, ImportFault.field, ImportFault.code, ImportFault.facts)


def faults_summary(session: Session, actor: Actor, import_id: UUID) -> Sequence[sa.RowMapping]:
    """How often each thing is wrong, the most frequent first: `code`, `field`, `count`, `first_row`. Raises NotAllowed, NotFound."""
    get(session, actor, import_id)
    columns = (ImportFault.code, ImportFault.field, sa.func.count().label("count"), sa.func.min(ImportFault.row).label("first_row"))
    query = sa.select(*columns).where(ImportFault.import_id == import_id).group_by(ImportFault.code, ImportFault.field)
    return session.execute(query.order_by(sa.desc("count"), "first_row").limit(1000)).mappings().all()


def refused(session: Session, actor: Actor, import_id: UUID) -> Iterator[RefusedRow]:
    """Every refused row in the order of the file, a few at a time from the database: for the file to mend and send again. Use it within `reading`.

    Raises NotAllowed, NotFound, before the first row.
    """
    get(session, actor, import_id)
    return _refused(session, import_id)


def _refused(session: Session, import_id: UUID) -> Iterator[RefusedRow]:
    after = 0
    query = sa.select(ImportRow.row, ImportRow.cells).join(ImportOutcome, _same_row(ImportOutcome, ImportRow))
    query = query.where(ImportOutcome.import_id == import_id, ImportOutcome.outcome == Outcome.REFUSED).order_by(ImportOutcome.row).limit(ROWS_AT_ONCE)
    while found := session.execute(query.where(ImportOutcome.row > after)).all():
        wrong = _by_row(session, import_id, found[0].row, found[-1].row)
        yield from (RefusedRow(each.row, each.cells, wrong.get(each.row, ())) for each in found)
        after = found[-1].row


def _by_row(session: Session, import_id: UUID, first: int, last: int) -> Mapping[int, Sequence[sa.RowMapping]]:
    query = sa.select(*_FAULT).where(ImportFault.import_id == import_id, ImportFault.row.between(first, last))
    by_row: dict[int, list[sa.RowMapping]] = {}
    for fault in session.execute(query.order_by(ImportFault.row, ImportFault.place.nulls_first(), ImportFault.id)).mappings():
        by_row.setdefault(fault["row"], []).append(fault)
    return by_row


def mappings(session: Session, actor: Actor, *, kind: ImportKind | None = None) -> Sequence[sa.RowMapping]:
    """The saved column mappings of the actor's organisation, by kind and name. Raises NotAllowed."""
    require(actor, Right.READ_IMPORTS)
    query = sa.select(*ColumnMapping.__table__.columns).where(ColumnMapping.organisation_id == actor.organisation_id)
    query = query if kind is None else query.where(ColumnMapping.kind == kind)
    return session.execute(query.order_by(ColumnMapping.kind, ColumnMapping.name).limit(500)).mappings().all()


def mapping(session: Session, actor: Actor, kind: ImportKind, name: str) -> Mapping[str, Json]:
    """All columns of one saved mapping; `mapping` is column by header. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_IMPORTS)
    named = (ColumnMapping.organisation_id == actor.organisation_id, ColumnMapping.kind == kind, ColumnMapping.name == name)
    found = session.execute(sa.select(*ColumnMapping.__table__.columns).where(*named)).mappings().one_or_none()
    if found is None:
        raise NotFound(what="column mapping", id=name)
    return dict(found)


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """An organisation's own imports; for an auditor all."""
    if actor.role is Role.MINISTRY_AUDITOR:
        return sa.true()
    return ImportRun.organisation_id.is_not_distinct_from(actor.organisation_id)
