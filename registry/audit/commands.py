"""Writing the audit log, in the transaction of the change it tells of."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Oneself
from registry.audit.model import AuditLine
from registry.db import Json


def record(
    session: Session, actor: Actor | Oneself, action: str, subject_kind: str, subject_id: UUID | str, *, details: Mapping[str, Json] | None = None
) -> None:
    """One line for one command."""
    record_each(session, actor, action, subject_kind, [(subject_id, details or {})])


def record_each(session: Session, actor: Actor | Oneself, action: str, subject_kind: str, subjects: Iterable[tuple[UUID | str, Mapping[str, Json]]]) -> None:
    """One line for each subject of a command that works on many, written in one statement."""
    lines = [_line(actor, action, subject_kind, subject_id, details) for subject_id, details in subjects]
    if lines:
        session.execute(sa.insert(AuditLine).inline(), lines)


def _line(actor: Actor | Oneself, action: str, subject_kind: str, subject_id: UUID | str, details: Mapping[str, Json]) -> dict[str, object]:
    return {
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
        "role": actor.role_name,
        "request_id": actor.request_id,
        "action": action,
        "subject_kind": subject_kind,
        "subject_id": str(subject_id),
        "details": dict(details),
    }
