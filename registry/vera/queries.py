"""Reading a portfolio for VERA, a page at a time, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.areas.model import Municipality
from registry.dwellings import portfolios
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, PortfolioPeriod, PortfolioRelation, RegisteredLabel
from registry.dwellings.succession_model import Side, Succession, SuccessionDwelling
from registry.pages import Page, page_of
from registry.periods import holds_on
from registry.trajectories import queries as trajectories
from registry.trajectories.model import Measure, MeasureKind, MilestoneKind, Project, Track, Trajectory
from registry.trajectories.rules import TrackState, track_states
from registry.vera.units import KnownLabel, KnownUnit

_FURTHEST = (TrackState.CANCELLED, TrackState.PLANNED, TrackState.STARTED, TrackState.COMPLETED)


@dataclass(slots=True)
class _Works:
    """What happened to one dwelling in all its trajectories."""

    tracks: dict[Track, TrackState]
    projects: dict[str, str]
    measures: list[MeasureKind]
    renovated_on: date | None = None
    cost_eur: Decimal | None = None


def page(session: Session, actor: Actor, organisation_id: UUID, *, after: UUID | None, limit: int) -> Page[KnownUnit]:
    """One page of what is in the portfolio of that corporation today, as far as the actor sees it, in the order of the dwelling's id.

    Raises NotAllowed.
    """
    require(actor, Right.READ_PORTFOLIOS)
    require(actor, Right.READ_DWELLINGS)
    rows = session.execute(_held(actor, organisation_id, after, limit + 1)).mappings().all()
    ids = [row["id"] for row in rows]
    labels, works, ended = _labels(session, ids), _works(session, actor, ids), _ended(session, ids)
    units = [_unit(dict(row), organisation_id, labels[row["id"]], works[row["id"]], ended.get(row["id"])) for row in rows]
    return page_of(units, limit=limit, key=lambda unit: str(unit.id))


def _held(actor: Actor, organisation_id: UUID, after: UUID | None, limit: int) -> sa.Select[*tuple[object, ...]]:
    period = (PortfolioPeriod.relation, PortfolioPeriod.valid_from, PortfolioPeriod.valid_until)
    query = (
        sa.select(*dwellings.COLUMNS, *period, Municipality.name.label("municipality_name"))
        .join(PortfolioPeriod, PortfolioPeriod.dwelling_id == Dwelling.id)
        .join(Municipality, Municipality.code == Dwelling.municipality_code)
        .where(PortfolioPeriod.organisation_id == organisation_id, holds_on(PortfolioPeriod, clock.today()))
        .where(dwellings.visible_to(actor), portfolios.visible_to(actor))
        .order_by(PortfolioPeriod.dwelling_id)
        .limit(limit)
    )
    return query if after is None else query.where(PortfolioPeriod.dwelling_id > after)


def _unit(row: Mapping[str, object], organisation_id: UUID, labels: Sequence[KnownLabel], works: _Works, ended: str | None) -> KnownUnit:
    return KnownUnit(
        dwelling=row,
        organisation_id=organisation_id,
        municipality=str(row["municipality_name"]),
        manages_only=row["relation"] is PortfolioRelation.MANAGER,
        held_from=row["valid_from"],  # type: ignore[arg-type]
        held_until=row["valid_until"],  # type: ignore[arg-type]
        on=clock.today(),
        tracks=works.tracks,
        labels=labels,
        measures=works.measures,
        projects=works.projects,
        renovated_on=works.renovated_on,
        cost_eur=works.cost_eur,
        ended_by=ended,
    )


def _labels(session: Session, ids: Collection[UUID]) -> Mapping[UUID, list[KnownLabel]]:
    found: dict[UUID, list[KnownLabel]] = defaultdict(list)
    query = sa.select(RegisteredLabel).where(RegisteredLabel.dwelling_id.in_(ids), RegisteredLabel.retracted_at.is_(None))
    for each in session.scalars(query.order_by(RegisteredLabel.surveyed_on, RegisteredLabel.recorded_at)):
        found[each.dwelling_id].append(KnownLabel(each.label, each.method, each.surveyed_on, each.expires_on, each.fossil_energy_kwh_m2))
    return found


def _ended(session: Session, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The kind of the event by which a dwelling is no more."""
    query = (
        sa.select(SuccessionDwelling.dwelling_id, Succession.kind)
        .join(Succession, Succession.id == SuccessionDwelling.succession_id)
        .where(SuccessionDwelling.dwelling_id.in_(ids), SuccessionDwelling.side == Side.PREDECESSOR)
        .where(Succession.retracted_at.is_(None), Succession.former_bag_id.is_(None))
    )
    return {row.dwelling_id: row.kind.value for row in session.execute(query)}


def _works(session: Session, actor: Actor, ids: Collection[UUID]) -> Mapping[UUID, _Works]:
    works: dict[UUID, _Works] = defaultdict(lambda: _Works({}, {}, []))
    query = sa.select(Trajectory.id, Trajectory.dwelling_id, Project.slug, Project.name).outerjoin(Project, Project.slug == Trajectory.project)
    rows = session.execute(query.where(Trajectory.dwelling_id.in_(ids), trajectories.visible_to(actor))).all()
    for row in rows:
        if row.slug is not None:
            works[row.dwelling_id].projects[row.slug] = row.name
    of = {row.id: row.dwelling_id for row in rows}
    _add_milestones(session, works, of)
    measures = sa.select(Measure).where(Measure.trajectory_id.in_(of), Measure.superseded_at.is_(None)).order_by(Measure.applied_on, Measure.id)
    for measure in session.scalars(measures):
        each = works[of[measure.trajectory_id]]
        each.measures.append(measure.kind)
        if measure.cost_eur is not None:
            each.cost_eur = (each.cost_eur or Decimal(0)) + measure.cost_eur
    return works


def _add_milestones(session: Session, works: Mapping[UUID, _Works], of: Mapping[UUID, UUID]) -> None:
    by_trajectory = defaultdict(list)
    for milestone in trajectories.in_force(session, of):
        by_trajectory[milestone.trajectory_id].append(milestone.happened)
    for trajectory_id, history in by_trajectory.items():
        each = works[of[trajectory_id]]
        for track, state in track_states(history).items():
            each.tracks[track] = max(each.tracks.get(track, state), state, key=_FURTHEST.index)
        done = [happened.effective_on for happened in history if (happened.track, happened.kind) == (Track.RENOVATION, MilestoneKind.COMPLETED)]
        each.renovated_on = max([*done, *([each.renovated_on] if each.renovated_on else [])], default=None)
