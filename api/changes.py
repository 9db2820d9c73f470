"""The change feed."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, dump_with, encode_cursor, json_response
from api.auth import actor
from api.fields import Moment, OneOf, Schema
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.changes import queries
from registry.changes.model import ChangeKind
from registry.changes.queries import START, Position
from registry.db import reading

routes = Routes("changes", "What changed, in an order that never skips a row")


class ChangeOut(Schema):
    kind = OneOf(ChangeKind, required=True)
    subject_id = fields.UUID(required=True, data_key="subjectId")
    recorded_at = Moment(required=True, data_key="recordedAt")


class ChangesOut(Schema):
    items = fields.List(fields.Nested(ChangeOut), required=True)
    next = fields.String(required=True, metadata={"description": "Ask with this cursor for what comes after; keep it, also when there are no items."})


dump = dump_with(ChangeOut())


def _position(text: str) -> Position:
    transaction_id, _, id = text.partition(":")
    position = Position(int(transaction_id), int(id))
    if not (0 <= position.transaction_id < 2**63 and 0 <= position.id < 2**63):
        raise ValueError(text)
    return position


@routes.on("GET", "/changes", needs=Right.READ_CHANGES, returns=ChangesOut, query=PageQuery)
def list_changes(query: dict[str, Any]) -> Response:
    """What changed since a cursor, oldest first"""
    after = decode_cursor(query["cursor"], _position) or START
    with reading(actor()) as session:
        found = queries.page(session, actor(), after=after, limit=query["limit"])
    return json_response({"items": [dump(each) for each in found.items], "next": encode_cursor(f"{found.next.transaction_id}:{found.next.id}")})
