"""Documents that could not be applied: each is kept beside what the register has, until a person decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.inspections.announcing import tell
from registry.inspections.edits import faults_of
from registry.inspections.keeping import settle
from registry.inspections.model import OPEN, AnswersInvalid, ConflictResolved, Inspection, InspectionConflict, Resolution
from registry.inspections.queries import find_locked, visible_to
from registry.inspections.rules import Difference, Document, differences, document_of
from registry.pages import Page, page_of
from registry.versioned import change, check_version


class Keep(StrEnum):
    """Which document it is to be."""

    YOURS = "yours"
    THEIRS = "theirs"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Kept:
    """A conflict, with the inspection as it stands now: None for who does not see it any more, and learns nothing of what it became."""

    conflict: InspectionConflict
    inspection: Inspection | None

    @property
    def yours(self) -> Document:
        return Document.from_json(self.conflict.yours)

    @property
    def theirs(self) -> Document | None:
        """What the register has while nobody decided, and what it had when somebody did."""
        if self.inspection is None:
            return None
        return document_of(self.inspection) if self.conflict.resolution is None else Document.from_json(self.conflict.theirs)

    @property
    def differences(self) -> Sequence[Difference]:
        return [] if self.theirs is None else differences(self.yours, self.theirs)


def get(session: Session, actor: Actor, conflict_id: UUID) -> Kept:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_INSPECTIONS)
    found = session.execute(_seen(actor).where(InspectionConflict.id == conflict_id)).one_or_none()
    if found is None:
        raise NotFound(what="conflict", id=conflict_id)
    return Kept(found[0], found[1])


def list_(session: Session, actor: Actor, *, inspection_id: UUID | None, open: bool | None, after: UUID | None, limit: int) -> Page[Kept]:
    """One page in the order of the id: one's own, and those of the inspections that one sees. Raises NotAllowed."""
    require(actor, Right.READ_INSPECTIONS)
    query = _seen(actor).order_by(InspectionConflict.id).limit(limit + 1)
    if inspection_id is not None:
        query = query.where(InspectionConflict.inspection_id == inspection_id)
    if open is not None:
        query = query.where(InspectionConflict.resolution.is_(None) == open)
    if after is not None:
        query = query.where(InspectionConflict.id > after)
    return page_of([Kept(row[0], row[1]) for row in session.execute(query)], limit=limit, key=lambda kept: str(kept.conflict.id))


def _seen(actor: Actor) -> sa.Select[InspectionConflict, Inspection]:
    query = sa.select(InspectionConflict, Inspection)
    inspection = sa.and_(Inspection.id == InspectionConflict.inspection_id, visible_to(actor))
    if actor.role is not Role.INSPECTOR:
        return query.join(Inspection, inspection)
    # Each part by an index of its own: phones ask often, and there are many conflicts that are none of hers.
    own = sa.select(InspectionConflict.id).where(InspectionConflict.person_id == actor.person_id).correlate(None)
    of_her_work = sa.select(InspectionConflict.id).join(Inspection, inspection).correlate(None)
    return query.outerjoin(Inspection, inspection).where(InspectionConflict.id.in_(own.union(of_her_work)))


def resolve(session: Session, actor: Actor, conflict_id: UUID, keep: Keep, document: Document | None, *, expected: int | None) -> Kept:
    """Decide which document it is to be; ``document`` is the merged one. ``expected`` is the version of the inspection. The same decision again changes
    nothing.

    Raises NotAllowed, NotFound, NotYours, ConflictResolved, VersionRequired, Stale, RuleViolation, AnswersInvalid.
    """
    require(actor, Right.INSPECT if actor.role is Role.INSPECTOR else Right.REVIEW_INSPECTIONS)
    conflict, inspection = _locked(session, actor, conflict_id)
    if conflict.resolution is not None:
        if conflict.resolution.value != keep.value:
            raise ConflictResolved(resolution=conflict.resolution.value)
        return Kept(conflict, inspection)
    check_version(inspection, expected)
    theirs = document_of(inspection).as_json()
    if keep is not Keep.THEIRS:
        _replace(session, inspection, _wanted(conflict, keep, document))
    change(session, conflict, {"theirs": theirs, "current_version": expected})
    settle(session, actor, conflict, Resolution(keep.value), inspection)
    details = {"conflictId": str(conflict_id), "keep": keep.value, "version": inspection.version}
    audit.record(session, actor, "inspection.conflict-resolved", "inspection", inspection.id, details=details)
    tell(session, inspection, "inspection.conflict-resolved")
    return Kept(conflict, inspection)


def _locked(session: Session, actor: Actor, conflict_id: UUID) -> tuple[InspectionConflict, Inspection]:
    """The inspection first, as writers of edits lock it. Raises NotFound, NotYours."""
    kept = get(session, actor, conflict_id)
    if kept.inspection is None:
        raise NotYours()
    inspection = find_locked(session, actor, kept.inspection.id)
    if inspection is None:  # it went to another at this very moment
        raise NotYours()
    if actor.role is Role.INSPECTOR and (inspection.assignee_id != actor.person_id or inspection.status not in OPEN):
        raise NotYours()
    conflict = session.get_one(InspectionConflict, conflict_id, populate_existing=True, with_for_update=True)
    return conflict, inspection


def _wanted(conflict: InspectionConflict, keep: Keep, document: Document | None) -> Document:
    """Raises RuleViolation."""
    if keep is Keep.YOURS:
        return Document.from_json(conflict.yours)
    if document is None:
        raise RuleViolation([Fault("/document", "required")])
    return document


def _replace(session: Session, inspection: Inspection, document: Document) -> None:
    """Raises RuleViolation, AnswersInvalid."""
    if inspection.status not in OPEN:
        raise RuleViolation([Fault("/keep", "return-it-first")])
    faults = faults_of(session, inspection, document)
    if faults:
        raise AnswersInvalid([fault.below("/document") for fault in faults])
    change(session, inspection, document.columns())
