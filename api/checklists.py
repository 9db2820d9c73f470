"""Checklists."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, dump_with, one, page_response
from api.auth import actor
from api.fields import SLUG, Moment, Schema, String
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.checklists import queries
from registry.db import reading

routes = Routes("checklists", "Checklists, frozen when published")


class ChecklistOut(Schema):
    id = fields.UUID(required=True)
    key = fields.String(required=True)
    edition = fields.Integer(required=True)
    content = fields.Dict(required=True, metadata={"description": "Title, sections and questions with Dutch and English texts."})
    published_at = Moment(required=True, data_key="publishedAt")


class ChecklistsOut(Schema):
    items = fields.List(fields.Nested(ChecklistOut), required=True)
    next = fields.String(required=True, allow_none=True)


class ChecklistsQuery(PageQuery):
    key = String(load_default=None, validate=SLUG)


dump = dump_with(ChecklistOut())


@routes.on("GET", "/checklists", needs=Right.READ_REFERENCE, returns=ChecklistsOut, query=ChecklistsQuery)
def list_checklists(query: dict[str, Any]) -> Response:
    """The published checklists"""
    query["after"] = decode_cursor(query.pop("cursor"), UUID)
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), **query))


@routes.on("GET", "/checklists/<uuid:checklist_id>", needs=Right.READ_REFERENCE, returns=ChecklistOut, tagged=True)
def get_checklist(checklist_id: UUID) -> Response:
    """One edition of a checklist"""
    with reading(actor()) as session:
        return one(dump, queries.get(session, actor(), checklist_id))
