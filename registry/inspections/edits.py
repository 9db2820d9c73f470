"""Writing the document of an inspection, from a phone that may have been offline.

Every document that was written stands in the journal `InspectionEdit`, so that the same one sent again gets the same answer. A document that can't be
applied is kept as a conflict (`conflicts`): what an inspector answered is never lost.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.model import Checklist, ChecklistStatus
from registry.checklists.queries import questions_of
from registry.checklists.rules import Question, check_answers
from registry.db import Json
from registry.errors import Fault, NotFound, NotYours
from registry.inspections import keeping
from registry.inspections.announcing import tell
from registry.inspections.keeping import Edit
from registry.inspections.model import OPEN, AnswersInvalid, EditIdReused, EditOutcome, Inspection, InspectionConflict, InspectionEdit, Resolution
from registry.inspections.queries import find_locked
from registry.inspections.rules import Document
from registry.versioned import VersionRequired, change, same


class WriteOutcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an edit. ``version`` is the one of the inspection that it became, also when later ones came since; ``inspection`` is as it stands now,
    None for who does not see it any more.
    """

    outcome: WriteOutcome
    inspection: Inspection | None
    version: int | None = None
    conflict: InspectionConflict | None = None


def write(session: Session, actor: Actor, inspection_id: UUID, edit: Edit) -> Written:
    """Replace the document of an inspection. The same edit again gets the same answer, whatever happened since.

    One that is not based on the document that there is, or comes when the inspection is frozen or not hers any more, is kept as a conflict.

    Raises NotAllowed, NotFound, NotYours, EditIdReused, VersionRequired, AnswersInvalid.
    """
    require(actor, Right.INSPECT)
    inspection = find_locked(session, actor, inspection_id)
    if inspection is None:
        keeping.one_by_one(session, actor, inspection_id)
    known = _journalled(session, actor, inspection_id, edit)
    if known is not None:
        return _again(session, known, inspection)
    if inspection is not None and inspection.assignee_id != actor.person_id:
        raise NotYours()
    version, onto = _base(session, actor, inspection_id, edit)
    if inspection is None:
        return _kept(keeping.keep_as_former(session, actor, inspection_id, edit, onto=onto), None)
    if same(inspection, edit.document.columns()):
        version = inspection.version
        keeping.journal(session, actor, inspection_id, edit, version=version)
        if _apply_waiting(session, actor, inspection, edit.edit_id):
            tell(session, inspection, "inspection.filled-in")
        return Written(WriteOutcome.UNCHANGED, inspection, version)
    if edit.base_version is None and edit.base_edit_id is None:
        raise VersionRequired()
    if inspection.status not in OPEN or not _stands_since(session, inspection, version):
        return _kept(keeping.keep(session, actor, inspection, edit, onto=onto), inspection)
    return _applied(session, actor, inspection, edit)


def fill_in(session: Session, actor: Actor, inspection_id: UUID, document: Document, *, expected: int | None, clock_skew_ms: int | None = None) -> Written:
    """As `write`, for a document that is based on version ``expected``."""
    return write(session, actor, inspection_id, Edit(document, base_version=expected, clock_skew_ms=clock_skew_ms))


def own_locked(session: Session, actor: Actor, inspection_id: UUID) -> tuple[Inspection, list[Question]]:
    """The inspection, locked, and the questions of its checklist. Raises NotAllowed, NotFound, NotYours."""
    require(actor, Right.INSPECT)
    inspection = find_locked(session, actor, inspection_id)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if inspection.assignee_id != actor.person_id:
        raise NotYours()
    return inspection, questions_of(session, inspection.checklist_id)


def faults_of(session: Session, inspection: Inspection, document: Document) -> list[Fault]:
    """What is wrong with a document for this inspection; another edition of the same checklist is right as long as it is no draft."""
    if document.checklist_id not in (None, inspection.checklist_id):
        other = session.get(Checklist, document.checklist_id)
        if other is None or other.status is ChecklistStatus.DRAFT:
            return [Fault("/checklistId", "no-such-reference", {"what": "checklist", "id": document.checklist_id})]
        if other.key != session.get_one(Checklist, inspection.checklist_id).key:
            return [Fault("/checklistId", "another-checklist", {"key": other.key})]
    return check_answers(questions_of(session, document.checklist_id or inspection.checklist_id), document.answers)


def _journalled(session: Session, actor: Actor, inspection_id: UUID, edit: Edit) -> InspectionEdit | None:
    """The same edit, when it was written before. Raises EditIdReused."""
    if not edit.is_known_again:
        return None
    sent = edit.digest()
    by_content = sa.and_(InspectionEdit.inspection_id == inspection_id, InspectionEdit.digest == sent)
    wanted = by_content if edit.edit_id is None else InspectionEdit.edit_id == edit.edit_id
    known = session.scalar(sa.select(InspectionEdit).where(InspectionEdit.person_id == actor.person_id, wanted))
    if known is not None and (known.inspection_id, known.digest) != (inspection_id, sent):
        raise EditIdReused(id=edit.edit_id)
    return known


def _again(session: Session, known: InspectionEdit, inspection: Inspection | None) -> Written:
    if known.outcome is EditOutcome.APPLIED:
        return Written(WriteOutcome.APPLIED, inspection, known.version)
    conflict = session.get_one(InspectionConflict, known.conflict_id)
    if conflict.resolution is Resolution.APPLIED_LATER:
        return Written(WriteOutcome.APPLIED, inspection, conflict.resolved_version)
    return _kept(conflict, inspection)


def _kept(conflict: InspectionConflict, inspection: Inspection | None) -> Written:
    return Written(WriteOutcome.CONFLICT, inspection, conflict=conflict)


def _base(session: Session, actor: Actor, inspection_id: UUID, edit: Edit) -> tuple[int | None, InspectionConflict | None]:
    """The version that an edit was made on, None when it is none of the register's; and the open conflict in which its base stands."""
    if edit.base_edit_id is None:
        return edit.base_version, None
    query = (
        sa.select(InspectionEdit.version, InspectionConflict)
        .outerjoin(InspectionConflict, InspectionConflict.id == InspectionEdit.conflict_id)
        .where(InspectionEdit.person_id == actor.person_id, InspectionEdit.edit_id == edit.base_edit_id, InspectionEdit.inspection_id == inspection_id)
    )
    version, conflict = session.execute(query).one_or_none() or (None, None)
    if conflict is None or conflict.edit_id != edit.base_edit_id:
        return version, None
    return conflict.resolved_version, conflict if conflict.resolution is None else None


def _stands_since(session: Session, inspection: Inspection, version: int | None) -> bool:
    """Whether the document is the one of that version: a planner who changes the due date meanwhile is nothing to decide about."""
    if version is None or version == inspection.version:
        return version is not None
    return bool(session.scalar(sa.select(sa.func.document_stands_since(inspection.id, version))))


def _applied(session: Session, actor: Actor, inspection: Inspection, edit: Edit) -> Written:
    faults = faults_of(session, inspection, edit.document)
    if faults:
        raise AnswersInvalid(faults)
    change(session, inspection, {**edit.document.columns(), "clock_skew_ms": edit.clock_skew_ms})
    version = inspection.version
    keeping.journal(session, actor, inspection.id, edit, version=version)
    audit.record(session, actor, "inspection.filled-in", "inspection", inspection.id, details={"version": version})
    _apply_waiting(session, actor, inspection, edit.edit_id)
    tell(session, inspection, "inspection.filled-in")
    return Written(WriteOutcome.APPLIED, inspection, version)


def _apply_waiting(session: Session, actor: Actor, inspection: Inspection, edit_id: UUID | None) -> bool:
    """Edits that overtook the one on which they build were kept as conflicts: apply them after it, as far as the chain goes. Whether there were any."""
    any_waited = False
    while edit_id is not None and inspection.status in OPEN:
        waiting = keeping.waiting_for(session, actor, inspection.id, edit_id)
        if waiting is None:
            break
        document = Document.from_json(waiting.yours)
        if faults_of(session, inspection, document):
            break
        if not same(inspection, document.columns()):
            change(session, inspection, document.columns())
            details: dict[str, Json] = {"version": inspection.version, "conflictId": str(waiting.id)}
            audit.record(session, actor, "inspection.filled-in", "inspection", inspection.id, details=details)
        keeping.settle(session, actor, waiting, Resolution.APPLIED_LATER, inspection)
        any_waited, edit_id = True, waiting.edit_id
    return any_waited
