"""Writing the change feed, in the transaction of the change."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.changes.model import Change, ChangeKind


def announce(session: Session, kind: ChangeKind, subject_id: UUID, *, municipality_code: str | None = None, organisation_id: UUID | None = None) -> None:
    announce_each(session, kind, [(subject_id, municipality_code, organisation_id)])


def announce_each(session: Session, kind: ChangeKind, subjects: Iterable[tuple[UUID, str | None, UUID | None]], *, person_id: UUID | None = None) -> None:
    """Announce many subjects in one statement: (id, municipality code, organisation) each; the last two decide who is told.

    ``person_id`` is the inspector whose work they are.
    """
    rows = [
        {"kind": kind, "subject_id": subject_id, "municipality_code": municipality, "organisation_id": organisation, "person_id": person_id}
        for subject_id, municipality, organisation in subjects
    ]
    if rows:
        session.execute(sa.insert(Change).inline(), rows)


def announcing(kind: ChangeKind, subjects: "sa.Select[UUID, str | None, UUID | None, UUID | None]") -> sa.Insert:
    """The statement that announces the subjects a query finds, as `announce_each` would, without a round trip for them; to be made once.

    The query gives id, municipality code, organisation and the inspector whose work it is.
    """
    table = cast("sa.Table", Change.__table__)
    rows = sa.select(sa.literal(kind, table.c.kind.type), *subjects.subquery().c)
    return table.insert().from_select(["kind", "subject_id", "municipality_code", "organisation_id", "person_id"], rows, include_defaults=False)
