"""Writing schemes, projects, trajectories and measures. Milestones are written in `milestones.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from registry import clock, references
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, fresh_ids, insert_new, only, refused, repeated
from registry.changes.commands import announce, announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.trajectories.model import FundingLine, Measure, MeasureKind, Project, Scheme, Trajectory, Unit
from registry.trajectories.queries import visible_to
from registry.trajectories.rules import check_measure
from registry.versioned import Outcome


@dataclass(frozen=True, slots=True)
class Funding:
    """Money from one scheme, in euro, None while the amount is not known."""

    scheme: str
    amount_eur: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NewTrajectory:
    dwelling_id: UUID
    project: str | None = None
    funding_lines: tuple[Funding, ...] = ()
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewMeasure:
    kind: MeasureKind
    applied_on: date
    quantity: Decimal | None = None
    unit: Unit | None = None
    cost_eur: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    dwellings: Mapping[UUID, str]
    projects: frozenset[str]
    schemes: frozenset[str]


def put_scheme(session: Session, actor: Actor, slug: str, *, name: str, expected: int | None) -> tuple[Scheme, Outcome]:
    """Raises NotAllowed, VersionRequired, Stale."""
    return references.write(session, actor, Scheme.slug, slug, {"name": name}, expected=expected)


def put_project(session: Session, actor: Actor, slug: str, *, name: str, municipality_code: str, expected: int | None) -> tuple[Project, Outcome]:
    """A project in the municipality of the actor. Raises NotAllowed, NotYours, VersionRequired, Stale, RuleViolation."""
    require(actor, Right.MANAGE_PROJECTS)
    known = session.get(Project, slug)
    if known is not None and known.municipality_code != actor.municipality_code:
        raise NotYours()
    if municipality_code != actor.municipality_code:
        raise RuleViolation([Fault("/municipalityCode", "outside-your-municipality")])
    values = {"name": name, "municipality_code": municipality_code}
    return references.write(session, actor, Project.slug, slug, values, expected=expected, right=Right.MANAGE_PROJECTS)


def open_one(session: Session, actor: Actor, item: NewTrajectory) -> Result:
    """Raises NotAllowed, AlreadyExists, Conflict, RuleViolation."""
    return only(open_each(session, actor, [item]))


def open_each(session: Session, actor: Actor, items: Sequence[NewTrajectory]) -> list[Result]:
    """Open trajectories that the actor's organisation runs; one whose id exists with the same content is left as it is.

    Raises NotAllowed.
    """
    require(actor, Right.REPORT_PROGRESS)
    if actor.organisation_id is None:
        raise NotYours()
    known = _known(session, actor, items)
    return create_each(
        lambda: _judge_each(session, actor, items, known),
        lambda places: _insert(session, actor, [items[place] for place in places], known.dwellings),
    )


def _judge_each(session: Session, actor: Actor, items: Sequence[NewTrajectory], known: _Known) -> list[Result]:
    query = sa.select(Trajectory).where(Trajectory.id.in_([item.id for item in items if item.id])).options(selectinload(Trajectory.funding_lines))
    present = {trajectory.id: trajectory for trajectory in session.scalars(query)}
    twice = repeated([item.id for item in items])
    return [_judge(actor, item, known, present, twice) for item in items]


def _known(session: Session, actor: Actor, items: Sequence[NewTrajectory]) -> _Known:
    slugs = {funding.scheme for item in items for funding in item.funding_lines}
    projects = {item.project for item in items if item.project}
    visible = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id.in_({item.dwelling_id for item in items}), dwellings.visible_to(actor))
    return _Known(
        dwellings={row.id: row.municipality_code for row in session.execute(visible)},
        projects=frozenset(session.scalars(sa.select(Project.slug).where(Project.slug.in_(projects)))),
        schemes=frozenset(session.scalars(sa.select(Scheme.slug).where(Scheme.slug.in_(slugs)))),
    )


def _judge(actor: Actor, item: NewTrajectory, known: _Known, present: Mapping[UUID, Trajectory], twice: set[object]) -> Result:
    faults = []
    if item.dwelling_id not in known.dwellings:
        faults.append(Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": item.dwelling_id}))
    if item.project is not None and item.project not in known.projects:
        faults.append(Fault("/project", "no-such-reference", {"what": "project", "id": item.project}))
    for place, funding in enumerate(item.funding_lines):
        if funding.scheme not in known.schemes:
            faults.append(Fault(f"/fundingLines/{place}/scheme", "no-such-reference", {"what": "scheme", "id": funding.scheme}))
    schemes = [funding.scheme for funding in item.funding_lines]
    faults += [Fault("/fundingLines", "repeated", {"value": scheme}) for scheme in sorted(cast("set[str]", repeated(schemes)))]
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    trajectory = present.get(item.id) if item.id else None
    if trajectory is not None and not faults:
        if _same(actor, item, trajectory):
            return Result(Outcome.UNCHANGED, trajectory.id)
        faults.append(Fault("/id", "already-exists", {"what": "trajectory", "id": item.id}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _same(actor: Actor, item: NewTrajectory, present: Trajectory) -> bool:
    money = {line.scheme: line.amount_eur for line in present.funding_lines}
    said = {funding.scheme: funding.amount_eur for funding in item.funding_lines}
    return (present.dwelling_id, present.executor_id, present.project, money) == (item.dwelling_id, actor.organisation_id, item.project, said)


def _insert(session: Session, actor: Actor, items: Sequence[NewTrajectory], municipalities: Mapping[UUID, str]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else opened at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows = [
        {"id": id, "dwelling_id": item.dwelling_id, "executor_id": actor.organisation_id, "project": item.project} for id, item in zip(ids, items, strict=True)
    ]
    inserted = insert_new(session, Trajectory, rows)
    new = [(id, item) for id, item in zip(ids, items, strict=True) if id in inserted]
    money = [{"trajectory_id": id, "scheme": funding.scheme, "amount_eur": funding.amount_eur} for id, item in new for funding in item.funding_lines]
    if money:
        session.execute(sa.insert(FundingLine), money)
    audit.record_each(session, actor, "trajectory.opened", "trajectory", [(id, {"dwellingId": str(item.dwelling_id)}) for id, item in new])
    announce_each(session, ChangeKind.TRAJECTORY, [(id, municipalities[item.dwelling_id], actor.organisation_id) for id, item in new])
    return [id if id in inserted else None for id in ids]


def apply_measures(session: Session, actor: Actor, trajectory_id: UUID, measures: Sequence[NewMeasure]) -> list[Measure]:
    """Add measures to a trajectory that the actor's organisation runs. Raises NotAllowed, NotFound, NotYours, RuleViolation."""
    require(actor, Right.REPORT_PROGRESS)
    trajectory = own(session, actor, trajectory_id)
    faults = [fault.below(f"/items/{place}") for place, measure in enumerate(measures) for fault in check_measure(measure.applied_on, today=clock.today())]
    if faults:
        raise RuleViolation(faults)
    rows = [
        Measure(
            trajectory_id=trajectory_id,
            kind=measure.kind,
            applied_on=measure.applied_on,
            quantity=measure.quantity,
            unit=measure.unit,
            cost_eur=measure.cost_eur,
            recorded_by=actor.person_id,
            organisation_id=actor.organisation_id,
        )
        for measure in measures
    ]
    session.add_all(rows)
    session.flush()
    kinds: dict[str, Json] = {"measures": [measure.kind.value for measure in measures]}
    audit.record(session, actor, "trajectory.measures-applied", "trajectory", trajectory_id, details=kinds)
    municipality = dwellings.municipality_of(session, trajectory.dwelling_id)
    announce(session, ChangeKind.TRAJECTORY, trajectory_id, municipality_code=municipality, organisation_id=trajectory.executor_id)
    return rows


def own(session: Session, actor: Actor, trajectory_id: UUID) -> Trajectory:
    """The trajectory, when the actor's organisation runs it. Raises NotFound, NotYours."""
    trajectory = session.scalar(sa.select(Trajectory).where(Trajectory.id == trajectory_id, visible_to(actor)))
    if trajectory is None:
        raise NotFound(what="trajectory", id=trajectory_id)
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    return trajectory
