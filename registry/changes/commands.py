"""Writing the change feed, in the transaction of the change."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.changes.model import Change, ChangeKind
from registry.db import array_literal


def announce(
    session: Session,
    kind: ChangeKind,
    subject_id: UUID,
    *,
    action: str | None = None,
    municipality_code: str | None = None,
    organisation_id: UUID | None = None,
) -> None:
    announce_each(session, kind, [(subject_id, municipality_code, organisation_id)], action=action)


def announce_each(
    session: Session,
    kind: ChangeKind,
    subjects: Iterable[tuple[UUID, str | None, UUID | None]],
    *,
    action: str | None = None,
    person_id: UUID | None = None,
) -> None:
    """Announce many subjects in one statement: (id, municipality code, organisation) each; the last two decide who is told.

    ``action`` is what happened, in the word of the audit log, unless somebody who is told of the subject may not know: of a hazard, for one.
    ``person_id`` is the inspector whose work they are.
    """
    rows = list(subjects)
    if rows:
        ids, municipalities, organisations = (array_literal(row[part] for row in rows) for part in range(3))
        told = {"subject_ids": ids, "municipality_codes": municipalities, "organisation_ids": organisations}
        session.execute(_ANNOUNCE, {"kind": kind.value, "action": action, "person_id": person_id, **told})


_ANNOUNCE = sa.text(
    """
    INSERT INTO change (kind, action, person_id, subject_id, municipality_code, organisation_id)
    SELECT :kind, CAST(:action AS text), CAST(:person_id AS uuid), told.subject_id, told.municipality_code, told.organisation_id
    FROM unnest(CAST(:subject_ids AS uuid[]), CAST(:municipality_codes AS text[]), CAST(:organisation_ids AS uuid[]))
        WITH ORDINALITY AS told (subject_id, municipality_code, organisation_id, place)
    ORDER BY told.place
    """
)


def announcing(kind: ChangeKind, subjects: "sa.Select[UUID, str | None, UUID | None, UUID | None]") -> sa.Insert:
    """The statement that announces the subjects a query finds, as `announce_each` would, without a round trip for them; to be made once.

    The query gives id, municipality code, organisation and the inspector whose work it is; the parameter ``action`` is what happened (`announce_each`).
    """
    table = cast("sa.Table", Change.__table__)
    rows = sa.select(sa.literal(kind, table.c.kind.type), sa.bindparam("action", type_=sa.Text), *subjects.subquery().c)
    return table.insert().from_select(["kind", "action", "subject_id", "municipality_code", "organisation_id", "person_id"], rows, include_defaults=False)
