"""Writing the audit log, in the transaction of the change it tells of."""

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Oneself
from registry.db import Json, array_literal

_INSERT = sa.text(
    """
    INSERT INTO audit_line (person_id, organisation_id, role, request_id, trace_id, reason, action, subject_kind, subject_id, details)
    SELECT :person_id, CAST(:organisation_id AS uuid), :role, :request_id, :trace_id, :reason, :action, :subject_kind, line.subject_id, line.details::jsonb
    FROM unnest(CAST(:subject_ids AS text[]), CAST(:details AS text[])) WITH ORDINALITY AS line (subject_id, details, place)
    ORDER BY line.place
    """
)
"""One statement for any number of lines: the head of the chain moves once for each statement."""


def record(
    session: Session, actor: Actor | Oneself, action: str, subject_kind: str, subject_id: UUID | str, *, details: Mapping[str, Json] | None = None
) -> None:
    """One line for one command."""
    record_each(session, actor, action, subject_kind, [(subject_id, details or {})])


def record_each(session: Session, actor: Actor | Oneself, action: str, subject_kind: str, subjects: Iterable[tuple[UUID | str, Mapping[str, Json]]]) -> None:
    """One line for each subject of a command that works on many, written in one statement."""
    lines = [(str(subject_id), json.dumps(dict(details)) if details else "{}") for subject_id, details in subjects]
    if lines:
        session.execute(_INSERT, _values(actor, action, subject_kind, lines))


def _values(actor: Actor | Oneself, action: str, subject_kind: str, lines: list[tuple[str, str]]) -> dict[str, object]:
    return {
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
        "role": actor.role_name,
        "request_id": actor.request_id,
        "trace_id": actor.trace_id,
        "reason": actor.reason,
        "action": action,
        "subject_kind": subject_kind,
        "subject_ids": array_literal([subject_id for subject_id, _ in lines]),
        "details": array_literal([details for _, details in lines]),
    }
