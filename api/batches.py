"""Answers to requests that carry many items: what became of each one, in the order they were sent."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.answers import json_response
from api.contract import FaultOut
from api.fields import OneOf
from api.problems import fault_out
from registry.batch import Result
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
