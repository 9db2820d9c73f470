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
    action: str
    subject_kind: str
    subject_id: str
    details: dict[str, Json]


def list_(session: Session, actor: Actor, *, subject_kind: str | None, subject_id: str | None, after: int | None, limit: int) -> list[AuditEntry]:
    """Audit lines, newest first, older than line ``after``: of an object that the actor sees, of the actor's organisation for its administrator, or all
    for an auditor. Raises NotAllowed, ObjectNotNamed.
    """
    require(actor, Right.READ_HISTORY)
    query = sa.select(*AuditLine.__table__.columns).order_by(AuditLine.id.desc()).limit(limit)
    if actor.role is Role.ADMINISTRATOR:
        query = query.where(AuditLine.organisation_id == actor.organisation_id)
    elif actor.role is not Role.MINISTRY_AUDITOR and (subject_kind is None or subject_id is None):
        raise ObjectNotNamed([Fault(name, "required") for name, value in (("subjectKind", subject_kind), ("subjectId", subject_id)) if value is None])
    if subject_kind is not None:
        query = query.where(AuditLine.subject_kind == subject_kind)
    if subject_id is not None:
        query = query.where(AuditLine.subject_id == subject_id)
    if after is not None:
        query = query.where(AuditLine.id < after)
    return [AuditEntry(**row) for row in session.execute(query).mappings()]
