"""What a scheme demands to be shown before the municipality may confirm a milestone that it pays for. Pure: no session, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import cast
from uuid import UUID

from registry.db import Json
from registry.errors import Fault, pointer
from registry.trajectories.model import DocumentKind, MilestoneKind, Track
from registry.trajectories.rules import Happened

LARGEST_DEMANDS = 50
"""Demands of one scheme."""


class EvidenceKind(StrEnum):
    """What a scheme can ask for."""

    COMPLETION_INSPECTION = "completion-inspection"
    """Opleveropname: an approved inspection that is evidence for the milestone."""
    REGISTERED_LABEL = "registered-label"
    """Geregistreerd energielabel."""
    DOCUMENT = "document"
    """A document of the trajectory, of one kind, whose bytes are there."""


@dataclass(frozen=True, slots=True)
class Demand:
    """``document_kind`` is of a document only."""

    track: Track
    kind: MilestoneKind
    evidence: EvidenceKind
    document_kind: DocumentKind | None = None

    @property
    def about(self) -> tuple[Track, MilestoneKind]:
        return self.track, self.kind


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is for one trajectory: approved inspections by milestone, labels of its dwelling by their survey, stored documents; nothing taken back."""

    inspections: Mapping[tuple[Track, MilestoneKind], Sequence[UUID]] = field(default_factory=dict)
    labels: Sequence[tuple[UUID, date]] = ()
    documents: Sequence[tuple[UUID, DocumentKind]] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A demand of a scheme for one milestone; ``met_by`` is the inspection, label or document that meets it, None when nothing does yet."""

    scheme: str
    demand: Demand
    met_by: UUID | None

    @property
    def evidence(self) -> EvidenceKind:
        return self.demand.evidence

    @property
    def document_kind(self) -> DocumentKind | None:
        return self.demand.document_kind

    @property
    def met(self) -> bool:
        return self.met_by is not None

    @property
    def rests_on(self) -> dict[str, Json]:
        """As the confirmation keeps it."""
        return {"scheme": self.scheme, "evidence": self.evidence.value, "id": str(self.met_by)}


def check(demands: Sequence[Demand]) -> list[Fault]:
    """All that is wrong with the demands of a scheme."""
    faults = []
    for place, demand in enumerate(demands):
        faults += [fault.below(pointer("demands", place)) for fault in _check(demand)]
        if demand in demands[:place]:
            faults.append(Fault(pointer("demands", place), "repeated", {"value": _wanted(demand)}))
    return faults


def _check(demand: Demand) -> list[Fault]:
    faults = []
    if demand.kind is MilestoneKind.CANCELLED:
        faults.append(Fault("/kind", "demand-on-cancellation"))
    if demand.evidence is EvidenceKind.DOCUMENT and demand.document_kind is None:
        faults.append(Fault("/documentKind", "document-kind-missing"))
    if demand.evidence is not EvidenceKind.DOCUMENT and demand.document_kind is not None:
        faults.append(Fault("/documentKind", "document-kind-of-document"))
    return faults


def as_json(demands: Iterable[Demand]) -> list[Json]:
    return [_as_json(each) for each in demands]


def _as_json(demand: Demand) -> dict[str, Json]:
    of: dict[str, Json] = {} if demand.document_kind is None else {"documentKind": demand.document_kind.value}
    return {"track": demand.track.value, "kind": demand.kind.value, "evidence": demand.evidence.value, **of}


def parse(stored: Sequence[Json]) -> list[Demand]:
    """What `as_json` made."""
    return [_parse(cast("Mapping[str, str]", each)) for each in stored]


def _parse(stored: Mapping[str, str]) -> Demand:
    of = stored.get("documentKind")
    return Demand(Track(stored["track"]), MilestoneKind(stored["kind"]), EvidenceKind(stored["evidence"]), None if of is None else DocumentKind(of))


def judge(asked: Iterable[tuple[str, Demand]], happened: Happened, history: Sequence[Happened], shown: Shown) -> list[Judged]:
    """The demands of schemes that are about this milestone, and what meets each. ``history`` are the milestones in force of its trajectory."""
    return [Judged(scheme, demand, _met_by(demand, happened, history, shown)) for scheme, demand in asked if demand.about == (happened.track, happened.kind)]


def _met_by(demand: Demand, happened: Happened, history: Sequence[Happened], shown: Shown) -> UUID | None:
    if demand.evidence is EvidenceKind.COMPLETION_INSPECTION:
        return next(reversed(shown.inspections.get(demand.about, ())), None)
    if demand.evidence is EvidenceKind.REGISTERED_LABEL:
        return _label(happened, history, shown.labels)
    return next((id for id, kind in reversed(shown.documents) if kind is demand.document_kind), None)


def _label(happened: Happened, history: Sequence[Happened], labels: Sequence[tuple[UUID, date]]) -> UUID | None:
    """The newest label that shows it.

    Of completed works, one surveyed on or after the day on which they started on that track: an older one says nothing about them. Of a plan, a start, or
    a purchase that had no start, one surveyed on or before its day: what the dwelling was like, from which a label jump is counted.
    """
    started = next((each.effective_on for each in history if (each.track, each.kind) == (happened.track, MilestoneKind.STARTED)), None)
    if happened.kind is MilestoneKind.COMPLETED and started is not None:
        return next((id for id, surveyed_on in reversed(labels) if surveyed_on >= started), None)
    return next((id for id, surveyed_on in reversed(labels) if surveyed_on <= happened.effective_on), None)


def missing(judged: Iterable[Judged]) -> list[Fault]:
    """One fault for each demand that is not met."""
    return [
        Fault("/milestoneId", "evidence-missing", {"scheme": each.scheme, "kind": each.demand.kind, "track": each.demand.track, "type": _wanted(each.demand)})
        for each in judged
        if not each.met
    ]


def _wanted(demand: Demand) -> str:
    return (demand.document_kind or demand.evidence).value
