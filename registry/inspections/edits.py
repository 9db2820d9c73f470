"""Writing the document of an inspection, from a phone that may have been offline."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.model import Checklist
from registry.checklists.rules import Question, check_answers, questions
from registry.errors import NotFound, NotYours
from registry.inspections.announcing import tell
from registry.inspections.model import AnswersInvalid, EditConflict, Inspection, InspectionStatus, InspectionSubmitted
from registry.inspections.queries import visible_to
from registry.inspections.rules import Document, differences
from registry.versioned import VersionRequired, change, same


def fill_in(session: Session, actor: Actor, inspection_id: UUID, document: Document, *, expected: int | None) -> Inspection:
    """Replace the answers of an inspection. The same document again gives the same inspection, whatever version it was based on.

    Raises NotAllowed, NotFound, InspectionSubmitted, VersionRequired, EditConflict (both versions and their differences), AnswersInvalid.
    """
    inspection, asked = own_locked(session, actor, inspection_id)
    if same(inspection, document.columns()):
        return inspection
    if inspection.status is InspectionStatus.SUBMITTED:
        raise InspectionSubmitted()
    if expected is None:
        raise VersionRequired()
    if expected != inspection.version:
        theirs = Document(inspection.answers, inspection.visit_outcome, inspection.visited_at, inspection.remarks)
        raise EditConflict(current=inspection.version, yours=document, theirs=theirs, differences=differences(document, theirs))
    faults = check_answers(asked, document.answers)
    if faults:
        raise AnswersInvalid(faults)
    change(session, inspection, document.columns())
    audit.record(session, actor, "inspection.filled-in", "inspection", inspection_id, details={"version": inspection.version})
    tell(session, inspection)
    return inspection


def own_locked(session: Session, actor: Actor, inspection_id: UUID) -> tuple[Inspection, list[Question]]:
    """The inspection, locked, and the questions of its checklist. Raises NotAllowed, NotFound, NotYours."""
    require(actor, Right.INSPECT)
    query = sa.select(Inspection).where(Inspection.id == inspection_id, visible_to(actor)).with_for_update(key_share=True)
    inspection = session.scalar(query)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if inspection.assignee_id != actor.person_id:
        raise NotYours()
    return inspection, questions(session.get_one(Checklist, inspection.checklist_id).content)
