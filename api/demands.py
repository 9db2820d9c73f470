"""What schemes demand to be shown, as the contract says it; the routes of schemes are in `api.schemes`, those of trajectories in `api.trajectories`."""

from typing import Any

from marshmallow import fields, post_load

from api.fields import OneOf, Schema
from registry.trajectories.demands import Demand, EvidenceKind
from registry.trajectories.model import DocumentKind, MilestoneKind, Track


class DemandIn(Schema):
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True, metadata={"description": "Of the milestone that may only be confirmed when the evidence is there."})
    evidence = OneOf(EvidenceKind, required=True)
    document_kind = OneOf(DocumentKind, load_default=None, allow_none=True, metadata={"description": "Of a document only."})

    @post_load
    def demand(self, data: dict[str, Any], **_: Any) -> Demand:
        return Demand(**data)


class DemandOut(Schema):
    track = OneOf(Track, required=True)
    kind = OneOf(MilestoneKind, required=True)
    evidence = OneOf(EvidenceKind, required=True)
    document_kind = OneOf(DocumentKind, required=True, allow_none=True, data_key="documentKind")


class JudgedDemandOut(Schema):
    """What a scheme demands before the municipality may confirm the milestone, and what meets it."""

    scheme = fields.String(required=True)
    evidence = OneOf(EvidenceKind, required=True)
    document_kind = OneOf(DocumentKind, required=True, allow_none=True, data_key="documentKind")
    met = fields.Boolean(required=True)
    met_by = fields.UUID(
        required=True, allow_none=True, data_key="metBy", metadata={"description": "The inspection, label or document; null while there is none."}
    )


class GroundOut(Schema):
    """What met a demand of a scheme when the milestone was confirmed: an inspection, a label or a document."""

    scheme = fields.String(required=True)
    evidence = OneOf(EvidenceKind, required=True)
    id = fields.UUID(required=True)
