"""Reading schemes, projects, trajectories and the milestones in force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, selectinload

from registry.access import Actor, Right, require
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Fault, NotFound
from registry.pages import Page, page_of
from registry.trajectories import demanded, surveyed
from registry.trajectories.demands import Judged
from registry.trajectories.model import (
    Action,
    Confirmation,
    Evidence,
    FundingLine,
    Measure,
    Milestone,
    MilestoneKind,
    Track,
    Trajectory,
)
from registry.trajectories.rules import Happened, TrackState, around, total, track_states
from registry.values import EnergyLabel, label_jump


@dataclass(frozen=True, slots=True)
class MilestoneInForce:
    """A milestone that nothing corrects or retracts, with its confirmation if it has one."""

    id: UUID
    trajectory_id: UUID
    dwelling_id: UUID
    track: Track
    kind: MilestoneKind
    effective_on: date
    decided_on: date | None
    action: Action
    corrects_id: UUID | None
    evidence: list[Json]
    note: str | None
    recorded_at: datetime
    organisation_id: UUID | None
    confirmed_at: datetime | None
    rests_on: Sequence[Json] = ()
    """By what its confirmation says that each demand was met."""
    inspections: tuple[UUID, ...] = ()
    """Approved ones that are evidence for it; looked up for one trajectory only."""
    demands: Sequence[Judged] = ()
    """Of the schemes that pay; looked up for one trajectory only."""

    @property
    def happened(self) -> Happened:
        return Happened(self.track, self.kind, self.effective_on, self.decided_on)


@dataclass(frozen=True, slots=True)
class TrajectoryDetail:
    """A trajectory with all that is known of it now."""

    trajectory: Trajectory
    milestones: Sequence[MilestoneInForce]
    measures: Sequence[Measure]
    label_before: EnergyLabel | None
    label_after: EnergyLabel | None
    condition_before: int | None
    condition_after: int | None

    @property
    def id(self) -> UUID:
        return self.trajectory.id

    @property
    def dwelling_id(self) -> UUID:
        return self.trajectory.dwelling_id

    @property
    def executor_id(self) -> UUID:
        return self.trajectory.executor_id

    @property
    def project(self) -> str | None:
        return self.trajectory.project

    @property
    def funding_lines(self) -> Sequence[FundingLine]:
        return self.trajectory.funding_lines

    @property
    def recorded_at(self) -> datetime:
        return self.trajectory.recorded_at

    @property
    def version(self) -> int:
        return self.trajectory.version

    @property
    def funding_eur(self) -> Decimal | None:
        return total(line.amount_eur for line in self.funding_lines)

    @property
    def measures_cost_eur(self) -> Decimal | None:
        return total(measure.cost_eur for measure in self.measures)

    @property
    def tracks(self) -> dict[Track, TrackState]:
        return track_states([milestone.happened for milestone in self.milestones])

    @property
    def label_jump(self) -> int | None:
        return label_jump(self.label_before, self.label_after)


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The trajectories of the dwellings that the actor sees, whoever runs them."""
    return sa.and_(Trajectory.withdrawn_at.is_(None), Trajectory.dwelling_id.in_(sa.select(Dwelling.id).where(dwellings.visible_to(actor))))


def kept_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Those of them that she may write about, when her organisation runs them."""
    return sa.and_(Trajectory.withdrawn_at.is_(None), Trajectory.dwelling_id.in_(sa.select(Dwelling.id).where(dwellings.kept_by(actor))))


def kept_each(session: Session, actor: Actor, trajectory_ids: Collection[UUID]) -> list[Trajectory]:
    """As `kept_by`, of thousands that are named. The dwellings are asked for apart: PostgreSQL expects few rows of a join under row-level security, and
    goes through all of one side for each of the other.
    """
    listed = Trajectory.id == sa.any_(sa.cast(list(trajectory_ids), sa.ARRAY(sa.Uuid)))
    found = session.scalars(sa.select(Trajectory).where(listed, Trajectory.withdrawn_at.is_(None))).all()
    kept = dwellings.kept_among(session, actor, {trajectory.dwelling_id for trajectory in found})
    return [trajectory for trajectory in found if trajectory.dwelling_id in kept]


def out_of_reach(session: Session, actor: Actor, trajectory_ids: Collection[UUID]) -> dict[UUID, Fault]:
    """Why the actor can't write into each of these trajectories, none of which is of a dwelling that she keeps; for items of a batch."""
    seen = sa.select(Trajectory.id, Trajectory.executor_id).where(Trajectory.id.in_(trajectory_ids), visible_to(actor))
    executors = {row.id: row.executor_id for row in session.execute(seen)} if trajectory_ids else {}
    return {id: _out_of_reach(actor, id, executors) for id in trajectory_ids}


def _out_of_reach(actor: Actor, trajectory_id: UUID, executors: Mapping[UUID, UUID]) -> Fault:
    if trajectory_id not in executors:
        return Fault("/trajectoryId", "no-such-reference", {"what": "trajectory", "id": trajectory_id})
    return Fault("/trajectoryId", "dwelling-not-kept" if executors[trajectory_id] == actor.organisation_id else "not-yours")


def check_visible(session: Session, actor: Actor, trajectory_id: UUID) -> None:
    """Raises NotFound."""
    if session.scalar(sa.select(Trajectory.id).where(Trajectory.id == trajectory_id, visible_to(actor))) is None:
        raise NotFound(what="trajectory", id=trajectory_id)


def get(session: Session, actor: Actor, trajectory_id: UUID) -> TrajectoryDetail:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    query = sa.select(Trajectory).where(Trajectory.id == trajectory_id, visible_to(actor)).options(selectinload(Trajectory.funding_lines))
    trajectory = session.scalar(query)
    if trajectory is None:
        raise NotFound(what="trajectory", id=trajectory_id)
    shown = evidence(session, trajectory_id)
    held = in_force(session, [trajectory_id])
    judged = demanded.judge_each(session, held)
    milestones = [replace(each, inspections=shown.get((each.track, each.kind), ()), demands=judged[each.id]) for each in held]
    measures = measures_in_force(session, trajectory_id)
    history = [milestone.happened for milestone in milestones]
    labels = around(surveyed.labels(session, [trajectory.dwelling_id]).get(trajectory.dwelling_id, ()), history)
    conditions = around(surveyed.conditions(session, trajectory.dwelling_id), history)
    return TrajectoryDetail(trajectory, milestones, measures, *labels, *conditions)


def measures_in_force(session: Session, trajectory_id: UUID) -> Sequence[Measure]:
    """By the day on which they were applied."""
    query = sa.select(Measure).where(Measure.trajectory_id == trajectory_id, Measure.superseded_at.is_(None))
    return session.scalars(query.order_by(Measure.applied_on, Measure.id).limit(500)).all()


def evidence(session: Session, trajectory_id: UUID) -> Mapping[tuple[Track, MilestoneKind], tuple[UUID, ...]]:
    """The inspections that are evidence for milestones of a trajectory, by track and kind, the oldest first."""
    query = sa.select(Evidence).where(Evidence.trajectory_id == trajectory_id).order_by(Evidence.recorded_at, Evidence.id).limit(500)
    found: dict[tuple[Track, MilestoneKind], tuple[UUID, ...]] = {}
    for row in session.scalars(query):
        found[row.track, row.kind] = (*found.get((row.track, row.kind), ()), row.inspection_id)
    return found


def list_(
    session: Session,
    actor: Actor,
    *,
    dwelling_id: UUID | None = None,
    line_of: UUID | None = None,
    executor_id: UUID | None = None,
    project: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Page[Trajectory]:
    """One page in the order of the id, without milestones; ``line_of`` asks for a dwelling with all before and after it. Raises NotAllowed."""
    require(actor, Right.READ_PROGRESS)
    query = sa.select(Trajectory).where(visible_to(actor)).options(selectinload(Trajectory.funding_lines)).order_by(Trajectory.id).limit(limit + 1)
    for column, wanted in ((Trajectory.dwelling_id, dwelling_id), (Trajectory.executor_id, executor_id), (Trajectory.project, project)):
        if wanted is not None:
            query = query.where(column == wanted)
    if line_of is not None:
        query = query.where(Trajectory.dwelling_id.in_(dwellings.line_of(line_of)))
    if after is not None:
        query = query.where(Trajectory.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda trajectory: str(trajectory.id))


LATER = aliased(Milestone)
_IN_FORCE = (
    sa.select(Milestone, Confirmation.recorded_at.label("confirmed_at"), Confirmation.rests_on)
    .outerjoin(LATER, LATER.corrects_id == Milestone.id)
    .outerjoin(Confirmation, sa.and_(Confirmation.milestone_id == Milestone.id, Confirmation.withdrawn_at.is_(None)))
    .where(LATER.id.is_(None), Milestone.action != Action.RETRACTED)
)


def in_force(session: Session, trajectory_ids: Collection[UUID]) -> list[MilestoneInForce]:
    """The milestones of these trajectories that hold now, by date."""
    listed = Milestone.trajectory_id == sa.any_(sa.cast(list(trajectory_ids), sa.ARRAY(sa.Uuid)))
    query = _IN_FORCE.where(listed).order_by(Milestone.effective_on, Milestone.recorded_at)
    return [as_said(*row) for row in session.execute(query)]


def get_milestone(session: Session, actor: Actor, milestone_id: UUID) -> Milestone:
    """One row of the journal, in force or not. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    mine = sa.select(Trajectory.id).where(visible_to(actor))
    milestone = session.scalar(sa.select(Milestone).where(Milestone.id == milestone_id, Milestone.trajectory_id.in_(mine)))
    if milestone is None:
        raise NotFound(what="milestone", id=milestone_id)
    return milestone


def dwelling_of(session: Session, trajectory_id: UUID) -> UUID | None:
    return session.scalar(sa.select(Trajectory.dwelling_id).where(Trajectory.id == trajectory_id))


def dwellings_in(session: Session, trajectory_ids: Collection[UUID]) -> set[UUID]:
    """The dwellings of these trajectories."""
    return set(session.scalars(sa.select(Trajectory.dwelling_id).where(Trajectory.id.in_(trajectory_ids)))) if trajectory_ids else set()


def dwellings_of(session: Session, milestone_ids: Collection[UUID]) -> set[UUID]:
    """The dwellings that these milestones are about."""
    return set(session.scalars(sa.select(Milestone.dwelling_id).where(Milestone.id.in_(milestone_ids)))) if milestone_ids else set()


def find(session: Session, milestone_ids: Collection[UUID]) -> dict[UUID, MilestoneInForce]:
    """Those of these milestones that are in force."""
    rows = session.execute(_IN_FORCE.where(Milestone.id.in_(milestone_ids)))
    return {row[0].id: as_said(*row) for row in rows}


def as_said(row: Milestone, confirmed_at: datetime | None = None, rests_on: Sequence[Json] | None = None) -> MilestoneInForce:
    """A row of the journal with its confirmation."""
    return MilestoneInForce(
        id=row.id,
        trajectory_id=row.trajectory_id,
        dwelling_id=row.dwelling_id,
        track=row.track,
        kind=row.kind,
        effective_on=row.effective_on,
        decided_on=row.decided_on,
        action=row.action,
        corrects_id=row.corrects_id,
        evidence=row.evidence,
        note=row.note,
        recorded_at=row.recorded_at,
        organisation_id=row.organisation_id,
        confirmed_at=confirmed_at,
        rests_on=rests_on or (),
    )
