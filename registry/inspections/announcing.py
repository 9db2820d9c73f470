"""Telling of inspections in the change feed: those who oversee them, and the phones of the inspectors whom they concern.

A row of an inspection names its assignee. *Personal* rows are for one inspector alone: what became her work, with the dwelling where it is, and what is
none of her work any more.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.changes.model import ChangeKind
from registry.inspections.model import Inspection

_TELL = sa.text(
    """
    INSERT INTO change (kind, action, subject_id, municipality_code, organisation_id, person_id)
    SELECT 'inspection', :action, told.id, dwelling.municipality_code, told.organisation_id, told.assignee_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:dwellings AS uuid[]), CAST(:organisations AS uuid[]), CAST(:assignees AS uuid[]))
        WITH ORDINALITY AS told (id, dwelling_id, organisation_id, assignee_id, place)
    JOIN dwelling ON dwelling.id = told.dwelling_id
    ORDER BY told.place
    """
)
_TELL_PERSONALLY = sa.text(
    """
    INSERT INTO change (kind, subject_id, organisation_id, person_id, personal, gone)
    SELECT told.kind, told.subject_id, told.organisation_id, told.person_id, true, :gone
    FROM unnest(CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:organisations AS uuid[]), CAST(:people AS uuid[]))
        WITH ORDINALITY AS told (kind, subject_id, organisation_id, person_id, place)
    ORDER BY told.place
    """
)


def tell(session: Session, inspection: Inspection, action: str) -> None:
    """An inspection changed, for whoever sees it and for the inspector it is assigned to; ``action`` is what happened, in the word of the audit log."""
    tell_each(session, [inspection], action)


def tell_each(session: Session, inspections: Sequence[Inspection], action: str) -> None:
    """As `tell`, of many in one statement. Raises LookupError when a dwelling is out of sight: who can't see it can't have changed its inspection."""
    if not inspections:
        return
    values = {
        "action": action,
        "ids": [inspection.id for inspection in inspections],
        "dwellings": [inspection.dwelling_id for inspection in inspections],
        "organisations": [inspection.organisation_id for inspection in inspections],
        "assignees": [inspection.assignee_id for inspection in inspections],
    }
    told = session.connection().execute(_TELL, values, execution_options={"preserve_rowcount": True})
    if told.rowcount != len(inspections):
        raise LookupError("dwelling")


def tell_assigned(session: Session, inspection: Inspection, person_ids: Iterable[UUID]) -> None:
    """To each of these inspectors: the inspection became her work, and this is the dwelling."""
    tell_assigned_each(session, [(inspection, person_ids)])


def tell_assigned_each(session: Session, told: Iterable[tuple[Inspection, Iterable[UUID]]]) -> None:
    """As `tell_assigned`, of many in one statement."""
    _tell_personally(
        session,
        [
            (kind, subject_id, inspection.organisation_id, person_id)
            for inspection, person_ids in told
            for person_id in dict.fromkeys(person_ids)
            for kind, subject_id in ((ChangeKind.DWELLING, inspection.dwelling_id), (ChangeKind.INSPECTION, inspection.id))
        ],
        gone=False,
    )


def tell_gone(session: Session, inspection: Inspection, person_ids: Iterable[UUID]) -> None:
    """To each of these inspectors: the inspection is none of her work any more. What she wrote in it offline is kept all the same (`edits`)."""
    tell_gone_each(session, [(inspection, inspection.organisation_id, person_ids)])


def tell_gone_each(session: Session, told: Iterable[tuple[Inspection, UUID, Iterable[UUID]]]) -> None:
    """As `tell_gone`, of many in one statement; the organisation is the one for which it was their work."""
    _tell_personally(
        session,
        [
            (ChangeKind.INSPECTION, inspection.id, organisation_id, person_id)
            for inspection, organisation_id, person_ids in told
            for person_id in dict.fromkeys(person_ids)
        ],
        gone=True,
    )


def _tell_personally(session: Session, rows: Sequence[tuple[ChangeKind, UUID, UUID, UUID]], *, gone: bool) -> None:
    """Kind, subject, organisation and person of each. A team times its work is tens of thousands of rows, which one by one take seconds."""
    if not rows:
        return
    kinds, subjects, organisations, people = (list(column) for column in zip(*rows, strict=True))
    values = {"kinds": [str(kind) for kind in kinds], "subjects": subjects, "organisations": organisations, "people": people, "gone": gone}
    session.execute(_TELL_PERSONALLY, values)
