"""Reading the audit log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit.model import AuditLine
from registry.db import Json


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
    """Audit lines, newest first, older than line ``after``. Raises NotAllowed."""
    require(actor, Right.READ_AUDIT)
    query = sa.select(*AuditLine.__table__.columns).order_by(AuditLine.id.desc()).limit(limit)
    if subject_kind is not None:
        query = query.where(AuditLine.subject_kind == subject_kind)
    if subject_id is not None:
        query = query.where(AuditLine.subject_id == subject_id)
    if after is not None:
        query = query.where(AuditLine.id < after)
    return [AuditEntry(**row) for row in session.execute(query).mappings()]
