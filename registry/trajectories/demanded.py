"""Which demands of schemes there are for milestones, and what is there that meets them (`registry/trajectories/demands.py`)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.dwellings.model import RegisteredLabel
from registry.trajectories.demands import Demand, Judged, Shown, judge, parse
from registry.trajectories.model import Document, DocumentKind, Evidence, FundingLine, MilestoneKind, Scheme, Track
from registry.trajectories.rules import Happened


class InForce(Protocol):
    """A milestone that nothing corrects or retracts."""

    @property
    def id(self) -> UUID: ...
    @property
    def trajectory_id(self) -> UUID: ...
    @property
    def dwelling_id(self) -> UUID: ...
    @property
    def happened(self) -> Happened: ...


def judge_each(session: Session, milestones: Sequence[InForce]) -> dict[UUID, list[Judged]]:
    """The demands for each of these milestones, which are all that are in force of their trajectories, by the id of the milestone."""
    asked = _asked(session, {each.trajectory_id for each in milestones})
    if not asked:
        return {each.id: [] for each in milestones}
    histories: dict[UUID, list[Happened]] = defaultdict(list)
    for each in milestones:
        histories[each.trajectory_id].append(each.happened)
    shown = _shown(session, {each.trajectory_id: each.dwelling_id for each in milestones if each.trajectory_id in asked})
    return {
        each.id: judge(asked[each.trajectory_id], each.happened, histories[each.trajectory_id], shown[each.trajectory_id])
        if each.trajectory_id in asked
        else []
        for each in milestones
    }


def _asked(session: Session, trajectory_ids: Collection[UUID]) -> dict[UUID, list[tuple[str, Demand]]]:
    """The demands of the schemes whose money each trajectory has now; nothing for a trajectory without any."""
    query = (
        sa.select(FundingLine.trajectory_id, Scheme.slug, Scheme.demands)
        .join(Scheme, Scheme.slug == FundingLine.scheme)
        .where(FundingLine.trajectory_id.in_(trajectory_ids), FundingLine.superseded_at.is_(None), sa.func.jsonb_array_length(Scheme.demands) > 0)
        .order_by(Scheme.slug)
    )
    asked: dict[UUID, list[tuple[str, Demand]]] = defaultdict(list)
    for row in session.execute(query):
        asked[row.trajectory_id] += [(row.slug, demand) for demand in parse(row.demands)]
    return asked


def _shown(session: Session, dwellings: Mapping[UUID, UUID]) -> dict[UUID, Shown]:
    """``dwellings`` is the dwelling of each trajectory."""
    inspections, documents = _inspections(session, dwellings), _documents(session, dwellings)
    labels = _labels(session, set(dwellings.values()))
    return {id: Shown(inspections.get(id, {}), labels.get(dwelling, ()), documents.get(id, ())) for id, dwelling in dwellings.items()}


def _inspections(session: Session, trajectory_ids: Iterable[UUID]) -> dict[UUID, dict[tuple[Track, MilestoneKind], list[UUID]]]:
    found: dict[UUID, dict[tuple[Track, MilestoneKind], list[UUID]]] = defaultdict(lambda: defaultdict(list))
    query = sa.select(Evidence).where(Evidence.trajectory_id.in_(trajectory_ids)).order_by(Evidence.recorded_at, Evidence.id)
    for row in session.scalars(query):
        found[row.trajectory_id][row.track, row.kind].append(row.inspection_id)
    return found


def _labels(session: Session, dwelling_ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, date]]]:
    found: dict[UUID, list[tuple[UUID, date]]] = defaultdict(list)
    query = sa.select(RegisteredLabel.dwelling_id, RegisteredLabel.id, RegisteredLabel.surveyed_on).where(
        RegisteredLabel.dwelling_id.in_(dwelling_ids), RegisteredLabel.retracted_at.is_(None)
    )
    for row in session.execute(query.order_by(RegisteredLabel.surveyed_on, RegisteredLabel.recorded_at)):
        found[row.dwelling_id].append((row.id, row.surveyed_on))
    return found


def _documents(session: Session, trajectory_ids: Iterable[UUID]) -> dict[UUID, list[tuple[UUID, DocumentKind]]]:
    found: dict[UUID, list[tuple[UUID, DocumentKind]]] = defaultdict(list)
    there = (Document.stored_at.is_not(None), Document.withdrawn_at.is_(None))
    query = sa.select(Document.trajectory_id, Document.id, Document.kind).where(Document.trajectory_id.in_(trajectory_ids), *there)
    for row in session.execute(query.order_by(Document.recorded_at, Document.id)):
        found[row.trajectory_id].append((row.id, row.kind))
    return found
