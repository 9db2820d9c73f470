"""Condition scores of an inspection, with the steps that led to them."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema
from marshmallow import fields

from api.answers import dump_with, one
from api.auth import actor
from api.fields import Moment
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import reading
from registry.inspections import queries, scores
from registry.processing import Activity

routes = Routes("scores", "Condition scores (NEN 2767)")


class ScoreOut(OutSchema):
    """Decimals in `details` are text; what they mean is in docs/nen2767.md."""

    question = fields.String(required=True, allow_none=True, metadata={"description": "Of which building element; empty for the whole dwelling."})
    revision = fields.Integer(required=True)
    method = fields.String(required=True, metadata={"description": "Version of the method."})
    score = fields.Integer(required=True, metadata={"description": "1 (excellent) to 6 (very bad)."})
    index_value = fields.Decimal(
        required=True,
        allow_none=True,
        as_string=True,
        data_key="index",
        metadata={"description": "Average of the correction factors; empty where the matrix alone decides."},
    )
    details = fields.Dict(required=True)
    computed_at = Moment(required=True, data_key="computedAt")


class ScoresOut(OutSchema):
    """Of the revision that was submitted last, by the method that computed them last."""

    whole = fields.Nested(ScoreOut, required=True, allow_none=True)
    parts = fields.List(fields.Nested(ScoreOut), required=True)


_dump = dump_with(ScoreOut())


def _dump_scores(found: scores.Scores) -> dict[str, Any]:
    return {"whole": None if found.whole is None else _dump(found.whole), "parts": [_dump(found.by_question[key]) for key in sorted(found.by_question)]}


@routes.on("GET", "/inspections/<uuid:inspection_id>/scores", needs=Right.READ_INSPECTIONS, processes=Activity.INSPECTIONS_READ, returns=ScoresOut, tagged=True)
def get_scores(inspection_id: UUID) -> Response:
    """The condition scores of an inspection: of each building element and of the whole dwelling; none before it is submitted"""
    with reading(actor()) as session:
        inspection = queries.get(session, actor(), inspection_id)
        found = scores.current(session, [inspection_id]).get(inspection_id, scores.Scores())
    concerns(inspection.dwelling_id)
    return one(_dump_scores, found)
