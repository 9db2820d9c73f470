"""Answers to requests that carry many items: what became of each one, in the order they were sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.answers import json_response
from api.contract import FaultOut
from api.fields import List, OneOf, Uuid
from api.problems import fault_out, faults_of
from registry.batch import Result, refused
from registry.errors import Fault
from registry.versioned import Outcome


class ResultOut(Schema):
    """What became of one item; `errors` say why when it is refused."""

    outcome = OneOf(Outcome, required=True)
    id = fields.UUID(required=True, allow_none=True)
    errors = fields.List(fields.Nested(FaultOut), required=True)


class SummaryOut(Schema):
    """How many of each; together they are the items sent."""

    created = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)


class BatchOut(Schema):
    results = fields.List(fields.Nested(ResultOut), required=True)
    summary = fields.Nested(SummaryOut, required=True)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of a batch whose shape is wrong."""

    faults: tuple[Fault, ...]


class Each(List):
    """The items of a batch: one whose shape is wrong does not stop the others."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:  # noqa: ARG002
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [self._one(each, **kwargs) for each in value]

    def _one(self, item: Any, **kwargs: Any) -> Any:
        try:
            return self.inner.deserialize(item, **kwargs)
        except ValidationError as error:
            return Unreadable(tuple(sorted(faults_of(error.messages, "/"), key=lambda fault: fault.pointer)))


def judge_each(items: Sequence[Any], command: Callable[[list[Any]], list[Result]]) -> list[Result]:
    """The results of ``command`` for the items that can be read, and the faults of the others, each in its place."""
    results = iter(command([item for item in items if not isinstance(item, Unreadable)]))
    return [refused(item.faults) if isinstance(item, Unreadable) else next(results) for item in items]


def batch_id() -> Uuid:
    """A batch has no Idempotency-Key: the ids of its items make it harmless to send it again."""
    return Uuid(required=True, metadata={"description": "Made by the client, so that sending it again changes nothing."})


def created_or_known(outcome: Outcome) -> int:
    """The status of a POST with a client-made id: 200 when it was recorded before."""
    return 201 if outcome is Outcome.CREATED else 200


def batch_response(results: Sequence[Result], *, more: Callable[[Result], dict[str, Any]] = lambda _: {}) -> Response:
    """``more`` adds to the item of a result. Pointers start at the item's place in the request."""
    items = [
        {
            "outcome": result.outcome.value,
            "id": result.id,
            "errors": [fault_out(fault.below(f"/items/{place}")) for fault in result.faults],
            **more(result),
        }
        for place, result in enumerate(results)
    ]
    outcomes = [result.outcome for result in results]
    summary = {outcome.value: outcomes.count(outcome) for outcome in (Outcome.CREATED, Outcome.UNCHANGED, Outcome.REFUSED)}
    return json_response({"results": items, "summary": summary})
