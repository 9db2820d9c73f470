"""The audit log."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields
from sqlalchemy.orm import Session

from api.answers import decode_cursor, dump_with, page_response
from api.auth import actor
from api.fields import Length, Moment, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry.access import Actor, Right, Role
from registry.audit import queries
from registry.db import reading
from registry.dwellings import queries as dwellings
from registry.errors import NotFound
from registry.inspections import queries as inspections
from registry.pages import page_of
from registry.photos import queries as photos
from registry.trajectories import documents
from registry.trajectories import queries as trajectories

routes = Routes("audit", "Who did what, when, for whom")


class AuditEntryOut(Schema):
    id = fields.Integer(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")
    person_id = fields.UUID(required=True, data_key="personId")
    organisation_id = fields.UUID(required=True, allow_none=True, data_key="organisationId")
    role = fields.String(required=True)
    request_id = fields.String(required=True, data_key="requestId")
    trace_id = fields.String(required=True, allow_none=True, data_key="traceId")
    reason = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    subject_kind = fields.String(required=True, data_key="subjectKind")
    subject_id = fields.String(required=True, data_key="subjectId")
    details = fields.Dict(required=True)


class AuditOut(Schema):
    items = fields.List(fields.Nested(AuditEntryOut), required=True)
    next = fields.String(required=True, allow_none=True)


class AuditQuery(PageQuery):
    subject_kind = String(load_default=None, validate=Length(1, 40))
    subject_id = String(load_default=None, validate=Length(1, 80))
    person_id = Uuid(load_default=None)
    request_id = String(load_default=None, validate=Length(1, 200))
    since = Moment(load_default=None, data_key="from")
    until = Moment(load_default=None)


dump = dump_with(AuditEntryOut())


def _line_id(text: str) -> int:
    id = int(text)
    if not 0 <= id < 2**63:
        raise ValueError(text)
    return id


SEEN_BY: dict[str, Callable[[Session, Actor, UUID], object]] = {
    "dwelling": dwellings.get,
    "trajectory": trajectories.get,
    "milestone": trajectories.get_milestone,
    "inspection": inspections.get,
    "photo": photos.get,
    "document": documents.get,
}
"""How to see the object whose history is asked for, for who may not read the whole log."""


def _see(session: Session, kind: str | None, id: str | None) -> None:
    """Raises NotAllowed, ReasonRequired, NotFound."""
    if actor().role in (Role.ADMINISTRATOR, Role.MINISTRY_AUDITOR) or kind is None or id is None:
        return
    try:
        SEEN_BY[kind](session, actor(), UUID(id))
    except (KeyError, ValueError):
        raise NotFound(what=kind, id=id) from None


@routes.on("GET", "/audit", needs=Right.READ_HISTORY, returns=AuditOut, query=AuditQuery)
def list_audit(query: dict[str, Any]) -> Response:
    """The audit log, newest first; of one object with subjectKind and subjectId"""
    after = decode_cursor(query.pop("cursor"), _line_id)
    limit = query.pop("limit")
    with reading(actor()) as session:
        _see(session, query["subject_kind"], query["subject_id"])
        found = queries.list_(session, actor(), queries.AuditFilter(**query), after=after, limit=limit + 1)
    return page_response(dump, page_of(found, limit=limit, key=lambda entry: str(entry.id)))
