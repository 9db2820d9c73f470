"""The change feed."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from flask import Response
from marshmallow import fields

from api.answers import decode_cursor, encode_cursor, json_response
from api.auth import actor
from api.fields import Moment, OneOf, Schema
from api.processing import nothing_personal
from api.routes import PageQuery, Routes
from api.subjects import contents
from registry.access import Right
from registry.changes import queries
from registry.changes.model import ChangeKind
from registry.changes.queries import START, ChangeEntry, Position
from registry.db import reading
from registry.processing import Activity
from registry.values import rfc3339

routes = Routes("changes", "What changed, in an order that never skips a row")

LARGEST_PAGE_BYTES = 2_000_000
"""Of a page with content, or one item when that is larger by itself."""


class Include(StrEnum):
    CONTENT = "content"
    """What the changes are about, as it stands now."""


class Operation(StrEnum):
    PUT = "put"
    """It is there, new or changed."""
    GONE = "gone"
    """It is no concern of yours any more: forget it."""


class ChangeOut(Schema):
    kind = OneOf(ChangeKind, required=True)
    subject_id = fields.UUID(required=True, data_key="subjectId")
    operation = OneOf(Operation, required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")
    content = fields.Dict(
        allow_none=True,
        metadata={"description": "With `include=content`: the subject as its own GET gives it now. Null when it is gone, and of a trajectory."},
    )


class ChangesOut(Schema):
    items = fields.List(fields.Nested(ChangeOut), required=True)
    next = fields.String(required=True, metadata={"description": "Ask with this cursor for what comes after; keep it, also when there are no items."})
    more = fields.Boolean(required=True, metadata={"description": "There is more already: ask again at once."})


class ChangesQuery(PageQuery):
    include = OneOf(Include, load_default=None, metadata={"description": "`content`: with what the changes are about; a page is then at most about 2 MB."})


Item = tuple[Position, dict[str, Any] | orjson.Fragment]


def _position(text: str) -> Position:
    epoch, transaction_id, id = text.split(":") if text.count(":") > 1 else ["-", *text.split(":")]
    position = Position(int(transaction_id), int(id), epoch)
    if not (0 <= position.transaction_id < 2**63 and 0 <= position.id < 2**63):
        raise ValueError(text)
    return position


@routes.on("GET", "/changes", needs=Right.READ_CHANGES, processes=Activity.INSPECTIONS_READ, returns=ChangesOut, query=ChangesQuery, gone=True)
def list_changes(query: dict[str, Any]) -> Response:
    """What changed since a cursor, oldest first. An inspector gets what concerns her work, and with `gone` what does not any more"""
    after = decode_cursor(query["cursor"], _position) or START
    with reading(actor()) as session:
        found = queries.page(session, actor(), after=after, limit=query["limit"])
        with_content = query["include"] is Include.CONTENT
        subjects = contents(session, actor(), found.items) if with_content else {}
    if not with_content:
        nothing_personal()
        return _answer([_item(entry) for entry in found.items], found.next, more=found.more)
    items = list(_bounded(_with_content(found.items, subjects)))
    whole = not found.items or (bool(items) and items[-1][0] == found.items[-1].position)
    return _answer([item for _, item in items], found.next if whole else items[-1][0], more=found.more or not whole)


def _answer(items: Sequence[object], next: Position, *, more: bool) -> Response:
    return json_response({"items": items, "next": encode_cursor(f"{next.epoch}:{next.transaction_id}:{next.id}"), "more": more})


def _item(entry: ChangeEntry) -> dict[str, Any]:
    operation = Operation.GONE if entry.gone else Operation.PUT
    return {"kind": entry.kind, "subjectId": entry.subject_id, "operation": operation.value, "recordedAt": rfc3339(entry.recorded_at)}


def _with_content(entries: list[ChangeEntry], subjects: Mapping[tuple[str, UUID], dict[str, Any]]) -> Iterator[Item]:
    """Each subject once, at its last place, as it stands now. What can't be seen any more is gone, although the row that says so is still to come."""
    last = {(entry.kind, entry.subject_id): entry for entry in entries}
    for entry in entries:
        if last[entry.kind, entry.subject_id] is not entry:
            continue
        content = None if entry.gone else subjects.get((entry.kind, entry.subject_id))
        gone = {"operation": Operation.GONE.value} if content is None and entry.kind != ChangeKind.TRAJECTORY else {}
        yield entry.position, {**_item(entry), **gone, "content": content}


def _bounded(items: Iterator[Item]) -> Iterator[Item]:
    """As many as fit in a page, and at least one."""
    size = 0
    for position, item in items:
        body = orjson.dumps(item)
        if size and size + len(body) > LARGEST_PAGE_BYTES:
            return
        size += len(body)
        yield position, orjson.Fragment(body)
