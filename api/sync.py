"""Sending what was done offline: many documents at once, each answered by itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from flask import Response
from marshmallow import fields, post_load
from sqlalchemy.orm import Session

from api.answers import dump_with, json_response
from api.auth import actor
from api.batches import Each, Unreadable
from api.clocks import PHONE_CLOCK, clock_skew_ms
from api.contract import FaultOut
from api.documents import ConflictOut, DocumentIn, dump_conflict
from api.fields import Boolean, Integer, Length, Nested, OneOf, Range, Schema, Uuid
from api.inspections import InspectionOut
from api.problems import fault_out
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import transaction
from registry.errors import Fault, RegistryError, Unavailable
from registry.inspections import completeness, edits, submission
from registry.inspections.completeness import Standing
from registry.inspections.conflicts import Kept
from registry.inspections.edits import Written
from registry.inspections.keeping import Edit
from registry.processing import Activity

routes = Routes("sync", "What was done offline")
log = structlog.get_logger()

LARGEST_SYNC = 100
HIGHEST_VERSION = 999_999_999


class SyncOutcome(StrEnum):
    """What became of one item."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Item:
    """An edit of an inspection, and whether that is submitted after it."""

    inspection_id: UUID
    edit: Edit
    submit: bool


class EditIn(Schema):
    inspection_id = Uuid(required=True)
    edit_id = Uuid(load_default=None, allow_none=True, metadata={"description": "Made by the phone, a new one for each edit."})
    base_version = Integer(
        load_default=None,
        allow_none=True,
        validate=Range(1, HIGHEST_VERSION),
        metadata={"description": "The version of the inspection on which the document was made; this or `baseEditId`."},
    )
    base_edit_id = Uuid(
        load_default=None,
        allow_none=True,
        metadata={"description": "The edit on which it was made, when that one was sent and not answered, or stands before it in this list."},
    )
    document = Nested(DocumentIn, required=True)
    submit = Boolean(load_default=False, metadata={"description": "Submit the inspection too, when the document is applied."})

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> Item:
        inspection_id, submit = data.pop("inspection_id"), data.pop("submit")
        return Item(inspection_id, Edit(**data, clock_skew_ms=clock_skew_ms()), submit)


class SyncIn(Schema):
    items = Each(Nested(EditIn), required=True, validate=Length(1, LARGEST_SYNC))


class SyncResultOut(Schema):
    """What became of one item. `applied` and `unchanged`: it is in the register. `conflict`: it is kept. `refused`: it is not here, keep it on the phone.

    The same item again gets the same outcome. `errors` say why it is refused; or, when `submitted` is false, why the inspection was not submitted after it.
    """

    outcome = OneOf(SyncOutcome, required=True)
    inspection_id = fields.UUID(required=True, allow_none=True, data_key="inspectionId")
    edit_id = fields.UUID(required=True, allow_none=True, data_key="editId")
    version = fields.Integer(required=True, allow_none=True, metadata={"description": "The version of the inspection that this document became."})
    submitted = fields.Boolean(required=True, allow_none=True, metadata={"description": "Null when that was not asked, or the document was not applied."})
    complete = fields.Boolean(required=True, allow_none=True, metadata={"description": "Of a submitted inspection, as are the next two."})
    awaited = fields.Integer(required=True, allow_none=True, metadata={"description": "Photos that are declared and not here yet."})
    missing = fields.List(
        fields.Nested(FaultOut), required=True, allow_none=True, metadata={"description": "Photos that an answer demands and that are not declared."}
    )
    inspection = fields.Nested(InspectionOut, required=True, allow_none=True, metadata={"description": "As it stands now."})
    conflict = fields.Nested(ConflictOut, required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True, metadata={"description": "Stable code of the refusal, as in a problem."})
    errors = fields.List(fields.Nested(FaultOut), required=True)


class SyncOut(Schema):
    results = fields.List(fields.Nested(SyncResultOut), required=True, metadata={"description": "In the order of the items."})


_dump_inspection = dump_with(InspectionOut())
Result = dict[str, Any]


@routes.on("POST", "/sync", needs=Right.INSPECT, processes=Activity.INSPECTIONS_CHANGED, returns=SyncOut, takes=SyncIn, sends=(PHONE_CLOCK,))
def send_edits(body: dict[str, Any]) -> Response:
    """Send up to 100 documents in the order in which they were written; each is a change by itself, and one that fails stops none of the others"""
    results: list[Result] = []
    down: Unavailable | None = None
    for place, item in enumerate(body["items"]):
        if down is not None:
            results.append(_refused(item, down, place))
            continue
        try:
            results.append(_write(item, place))
        except Unavailable as error:  # nor would the next ones get through: the phone keeps them
            down = error
            results.append(_refused(item, error, place))
    return json_response({"results": results})


def _write(item: Item | Unreadable, place: int) -> Result:
    """Raises Unavailable."""
    if isinstance(item, Unreadable):
        return _result(item, place, SyncOutcome.REFUSED, code="invalid-input", faults=item.faults)
    try:
        with transaction(actor()) as session:
            written = edits.write(session, actor(), item.inspection_id, item.edit)
            error = _submit(session, item, written)
            standing = completeness.of(session, written.inspection) if error is None and _asks(item, written) and written.inspection else None
    except Unavailable:
        raise
    except RegistryError as refusal:
        return _refused(item, refusal, place)
    except Exception as mistake:
        log.exception("sync-item-failed", inspection_id=str(item.inspection_id), error=type(mistake).__name__)
        return _result(item, place, SyncOutcome.REFUSED, code="internal-error")
    if written.inspection is not None:
        concerns(written.inspection.dwelling_id)
    outcome, code, faults = SyncOutcome(written.outcome.value), error.code if error else None, error.faults if error else ()
    return _result(item, place, outcome, written=written, code=code, faults=faults, standing=standing)


def _asks(item: Item, written: Written) -> bool:
    """Whether the inspection is to be submitted, and holds the document."""
    return item.submit and written.conflict is None and written.inspection is not None


def _submit(session: Session, item: Item, written: Written) -> RegistryError | None:
    """Submit the inspection when that is asked and the document is what it now holds; the document stays when that is refused."""
    if not _asks(item, written):
        return None
    try:
        with session.begin_nested():
            submission.submit(session, actor(), item.inspection_id, expected=written.version)
    except Unavailable:
        raise
    except RegistryError as refusal:
        return refusal
    return None


def _refused(item: Item | Unreadable, error: RegistryError, place: int) -> Result:
    return _result(item, place, SyncOutcome.REFUSED, code=error.code, faults=error.faults)


def _result(
    item: Item | Unreadable,
    place: int,
    outcome: SyncOutcome,
    *,
    written: Written | None = None,
    code: str | None = None,
    faults: tuple[Fault, ...] = (),
    standing: Standing | None = None,
) -> Result:
    known = item if isinstance(item, Item) else None
    inspection = written.inspection if written else None
    conflict = written.conflict if written else None
    asked = known is not None and written is not None and _asks(known, written)
    return {
        "outcome": outcome.value,
        "inspectionId": known and known.inspection_id,
        "editId": known and known.edit.edit_id,
        "version": written and written.version,
        "submitted": code is None if asked else None,
        "complete": standing and standing.complete,
        "awaited": standing and standing.awaited,
        "missing": [fault_out(fault) for fault in standing.missing] if standing else None,
        "inspection": None if inspection is None else _dump_inspection(inspection),
        "conflict": None if conflict is None else dump_conflict(Kept(conflict, inspection)),
        "code": code,
        "errors": [fault_out(fault.below(f"/items/{place}{_within(fault)}")) for fault in faults],
    }


def _within(fault: Fault) -> str:
    """Faults of a document point into it."""
    return "/document" if fault.pointer.startswith(("/answers", "/visitOutcome", "/checklistId")) else ""
