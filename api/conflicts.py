"""Conflicts: documents of inspections that could not be applied, kept until a person decides."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, expected_version, one, page_response
from api.auth import actor
from api.documents import ConflictOut, DocumentIn, dump_conflict
from api.fields import Boolean, Nested, OneOf, Schema, Uuid
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.inspections import conflicts
from registry.inspections.conflicts import Keep
from registry.processing import Activity

routes = Routes("conflicts", "Documents from phones that could not be applied, kept until a person decides")


class ConflictsOut(Schema):
    items = fields.List(fields.Nested(ConflictOut), required=True)
    next = fields.String(required=True, allow_none=True)


class ConflictsQuery(PageQuery):
    inspection_id = Uuid(load_default=None)
    open = Boolean(load_default=None, metadata={"description": "Whether it still has to be decided."})


class ResolutionIn(Schema):
    keep = OneOf(Keep, required=True, metadata={"description": "`yours` is what was sent, `theirs` what the register has, `merged` the `document` here."})
    document = Nested(DocumentIn, load_default=None, allow_none=True)


@routes.on("GET", "/conflicts", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=ConflictsOut, query=ConflictsQuery)
def list_conflicts(query: dict[str, Any]) -> Response:
    """Your own conflicts, and those of the inspections you may see"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump_conflict, conflicts.list_(session, actor(), **query))


@routes.on("GET", "/conflicts/<uuid:conflict_id>", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=ConflictOut, tagged=True)
def get_conflict(conflict_id: UUID) -> Response:
    """Both documents, and on what they differ"""
    with reading(actor()) as session:
        return one(dump_conflict, conflicts.get(session, actor(), conflict_id))


@routes.on(
    "POST",
    "/conflicts/<uuid:conflict_id>/resolution",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.INSPECTIONS_CHANGED,
    returns=ConflictOut,
    takes=ResolutionIn,
    versioned=True,
)
def resolve_conflict(body: dict[str, Any], conflict_id: UUID) -> Response:
    """Decide which document it is to be; If-Match names the version of the inspection (`inspectionVersion`). The same decision again changes nothing"""
    with transaction(actor()) as session:
        kept = conflicts.resolve(session, actor(), conflict_id, body["keep"], body["document"], expected=expected_version())
    return one(dump_conflict, kept)
