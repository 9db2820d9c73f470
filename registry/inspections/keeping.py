"""What is kept of the documents that phones send: the journal of all of them, and those that could not be applied. Used by `edits` and `conflicts`."""

import json
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor
from registry.audit import commands as audit
from registry.checklists.rules import digest
from registry.db import Json, one_at_a_time
from registry.errors import NotFound
from registry.inspections.announcing import tell
from registry.inspections.model import EditOutcome, Inspection, InspectionConflict, InspectionEdit, Resolution
from registry.inspections.rules import Document, document_of
from registry.versioned import VersionRequired, change

_KEEP_AS_FORMER = sa.select(InspectionConflict).from_statement(
    sa.text(
        """
        SELECT * FROM keep_edit_of_former(:inspection_id, :base_version, CAST(:base_edit_id AS uuid), CAST(:edit_id AS uuid), CAST(:document AS jsonb),
            CAST(:device_id AS uuid), CAST(:onto AS uuid))
        """
    ).columns(*InspectionConflict.__table__.columns)
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A document as a phone sends it. It was made on ``base_version`` of the inspection, or on an earlier edit of the same phone, which may not have arrived
    yet; ids of edits are made by the phone. ``clock_skew_ms`` is how far its clock is ahead of the register's.
    """

    document: Document
    base_version: int | None = None
    base_edit_id: UUID | None = None
    edit_id: UUID | None = None
    clock_skew_ms: int | None = None

    @property
    def is_known_again(self) -> bool:
        """Whether it says which edit it is, or what it is based on."""
        return (self.edit_id, self.base_version, self.base_edit_id) != (None, None, None)

    def digest(self) -> bytes:
        """Of the document and what it was based on: by it the same edit is known when it comes again."""
        ids = {name: None if id is None else str(id) for name, id in (("baseEditId", self.base_edit_id), ("editId", self.edit_id))}
        return digest({"baseVersion": self.base_version, **ids, **self.document.as_json()})


def journal(session: Session, actor: Actor, inspection_id: UUID, edit: Edit, *, version: int | None = None, conflict: InspectionConflict | None = None) -> None:
    """Remember what became of an edit: it became ``version``, or is kept in ``conflict``. One that says nothing of what it is based on can't come again."""
    if not edit.is_known_again:
        return
    values = {
        "inspection_id": inspection_id,
        "person_id": actor.person_id,
        "device_id": actor.device_id,
        "edit_id": edit.edit_id,
        "base_edit_id": edit.base_edit_id,
        "base_version": edit.base_version,
        "digest": edit.digest(),
        "outcome": EditOutcome.APPLIED if conflict is None else EditOutcome.CONFLICT,
        "version": version,
        "conflict_id": None if conflict is None else conflict.id,
        "clock_skew_ms": edit.clock_skew_ms,
    }
    session.execute(sa.insert(InspectionEdit).inline(), [values])


def keep(session: Session, actor: Actor, inspection: Inspection, edit: Edit, *, onto: InspectionConflict | None) -> InspectionConflict:
    """Keep an edit beside what the register has. ``onto`` is the open conflict in which its base stands: the edit takes its place there."""
    theirs = document_of(inspection).as_json()
    if onto is None:
        onto = InspectionConflict(
            inspection_id=inspection.id,
            revision=inspection.revision,
            base_version=edit.base_version,
            base_edit_id=edit.base_edit_id,
            current_version=inspection.version,
            yours=edit.document.as_json(),
            theirs=theirs,
            person_id=actor.person_id,
            device_id=actor.device_id,
            edit_id=edit.edit_id,
        )
        session.add(onto)
        session.flush()
        session.refresh(onto)
    else:
        change(session, onto, {"yours": edit.document.as_json(), "theirs": theirs, "current_version": inspection.version, "edit_id": edit.edit_id})
    tell(session, inspection, "inspection.conflict-kept")
    return _remembered(session, actor, edit, onto)


def one_by_one(session: Session, actor: Actor, inspection_id: UUID) -> None:
    """Until the end of the transaction, let no other edit of the same person in the same inspection by: she does not see its row, so can't lock that."""
    one_at_a_time(session, f"edits {inspection_id} {actor.person_id}")


def keep_as_former(session: Session, actor: Actor, inspection_id: UUID, edit: Edit, *, onto: InspectionConflict | None) -> InspectionConflict:
    """As `keep`, for an inspection that was hers once and that she does not see any more.

    Raises NotFound when it never was; VersionRequired for an edit that could not be known again, and would be kept once more each time it is sent.
    """
    if not session.scalar(sa.text("SELECT was_assigned(:id)"), {"id": inspection_id}):
        raise NotFound(what="inspection", id=inspection_id)
    if not edit.is_known_again:
        raise VersionRequired()
    values = {
        "inspection_id": inspection_id,
        "base_version": edit.base_version,
        "base_edit_id": edit.base_edit_id,
        "edit_id": edit.edit_id,
        "document": json.dumps(edit.document.as_json()),
        "device_id": actor.device_id,
        "onto": None if onto is None else onto.id,
    }
    conflict = session.scalars(_KEEP_AS_FORMER, values, execution_options={"populate_existing": True}).one()
    return _remembered(session, actor, edit, conflict)


def _remembered(session: Session, actor: Actor, edit: Edit, conflict: InspectionConflict) -> InspectionConflict:
    details: dict[str, Json] = {"conflictId": str(conflict.id), "baseVersion": edit.base_version, "currentVersion": conflict.current_version}
    audit.record(session, actor, "inspection.conflict-kept", "inspection", conflict.inspection_id, details=details)
    journal(session, actor, conflict.inspection_id, edit, conflict=conflict)
    return conflict


def waiting_for(session: Session, actor: Actor, inspection_id: UUID, edit_id: UUID) -> InspectionConflict | None:
    """The document of the same person that is kept because the edit on which it builds had not arrived; the first one, when two build on it."""
    kept = sa.select(InspectionConflict).where(
        InspectionConflict.base_edit_id == edit_id,
        InspectionConflict.resolution.is_(None),
        InspectionConflict.inspection_id == inspection_id,
        InspectionConflict.person_id == actor.person_id,
    )
    return session.scalar(kept.order_by(InspectionConflict.id).limit(1).with_for_update())


def settle(session: Session, actor: Actor, conflict: InspectionConflict, resolution: Resolution, inspection: Inspection) -> None:
    """Say how a conflict ended, and at which version of the inspection when its document became it."""
    became = {"resolved_version": inspection.version} if resolution in (Resolution.YOURS, Resolution.APPLIED_LATER) else {}
    change(session, conflict, {"resolution": resolution, "resolved_at": clock.now(), "resolved_by": actor.person_id, **became})
