"""Reading the audit log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit.model import AuditLine
from registry.db import Json
from registry.errors import Fault, RuleViolation


class ObjectNotNamed(RuleViolation):
    """Who is no administrator or auditor reads the history of one object, not the whole log."""

    code = "object-not-named"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    recorded_at: datetime
    person_id: UUID
    organisation_id: UUID | None
    role: str
    request_id: str
    trace_id: str | None
    reason: str | None
    action: str
    subject_kind: str
    subject_id: str
    details: dict[str, Json]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines; None asks for nothing. The kind and id of a subject give the history of one object. ``since`` belongs to it, ``until`` does not."""

    subject_kind: str | None = None
    subject_id: str | None = None
    person_id: UUID | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


OF_HAZARDS = ("dwelling.hazard-recorded", "dwelling.hazard-ended", "inspection.next-visit-planned")
"""Actions whose details tell of hazards, or on what basis somebody goes there nevertheless: nothing for corporations (`dwellings.hazards`)."""
_SHOWN = [AuditLine.__table__.c[name] for name in AuditEntry.__dataclass_fields__]


def list_(session: Session, actor: Actor, wanted: AuditFilter, *, after: int | None, limit: int) -> list[AuditEntry]:
    """Audit lines, newest first, older than line ``after``: of an object that the actor sees, without who supervises, and for a corporation without hazards;
    of the actor's organisation for its administrator; or all for an auditor. Raises NotAllowed, ObjectNotNamed.
    """
    require(actor, Right.READ_HISTORY)
    query = sa.select(*_SHOWN).order_by(AuditLine.id.desc()).limit(limit).where(*_conditions(wanted))
    if actor.role is Role.ADMINISTRATOR:
        query = query.where(AuditLine.organisation_id == actor.organisation_id)
    elif actor.role is not Role.MINISTRY_AUDITOR:
        _refuse_unnamed(wanted)
        query = query.where(AuditLine.role != Role.MINISTRY_AUDITOR.value)
    if actor.role is Role.CORPORATION_EDITOR:
        query = query.where(AuditLine.action.not_in(OF_HAZARDS))
    if after is not None:
        query = query.where(AuditLine.id < after)
    return [AuditEntry(**row) for row in session.execute(query).mappings()]


def _conditions(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    equal = ("subject_kind", "subject_id", "person_id", "request_id")
    found: list[sa.ColumnElement[bool]] = [getattr(AuditLine, name) == getattr(wanted, name) for name in equal if getattr(wanted, name) is not None]
    if wanted.since is not None:
        found.append(AuditLine.recorded_at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditLine.recorded_at < wanted.until)
    return found


def _refuse_unnamed(wanted: AuditFilter) -> None:
    missing = [name for name, value in (("subjectKind", wanted.subject_kind), ("subjectId", wanted.subject_id)) if value is None]
    if missing:
        raise ObjectNotNamed([Fault(name, "required") for name in missing])
