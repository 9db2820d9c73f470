"""Writing schemes, projects and trajectories. What is written into a trajectory is in `milestones.py`, `measures.py` and `documents.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from registry import clock, references
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, fresh_ids, only, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.trajectories import funding
from registry.trajectories.demands import Demand, as_json, check
from registry.trajectories.funding import Funding
from registry.trajectories.model import Project, Scheme, Trajectory
from registry.trajectories.queries import visible_to
from registry.trajectories.rules import check_project_days
from registry.versioned import Outcome, change, check_version


@dataclass(frozen=True, slots=True)
class NewTrajectory:
    dwelling_id: UUID
    project: str | None = None
    funding_lines: tuple[Funding, ...] = ()
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be amended of a trajectory, as a whole."""

    project: str | None
    funding_lines: tuple[Funding, ...]


@dataclass(frozen=True, slots=True)
class ProjectDetails:
    """``ends_on`` is the last day that is planned for it."""

    name: str
    municipality_code: str
    description: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _References:
    """Those that exist."""

    projects: frozenset[str]
    schemes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """``dwellings`` are those that the actor may write about, with their municipality; ``only_seen`` others that she sees."""

    dwellings: Mapping[UUID, str]
    only_seen: frozenset[UUID]
    references: _References


def put_scheme(session: Session, actor: Actor, slug: str, *, name: str, demands: Sequence[Demand] = (), expected: int | None) -> tuple[Scheme, Outcome]:
    """``demands`` hold for what is confirmed from now on. Raises NotAllowed, VersionRequired, Stale, RuleViolation."""
    require(actor, Right.MANAGE_REFERENCE)
    faults = check(demands)
    if faults:
        raise RuleViolation(faults)
    return references.write(session, actor, Scheme.slug, slug, {"name": name, "demands": as_json(demands)}, expected=expected)


def put_project(session: Session, actor: Actor, slug: str, details: ProjectDetails, *, expected: int | None) -> tuple[Project, Outcome]:
    """A project in the municipality of the actor. Raises NotAllowed, NotYours, VersionRequired, Stale, RuleViolation."""
    require(actor, Right.MANAGE_PROJECTS)
    known = session.get(Project, slug)
    if known is not None and known.municipality_code != actor.municipality_code:
        raise NotYours()
    faults = check_project_days(details.starts_on, details.ends_on)
    if details.municipality_code != actor.municipality_code:
        faults.append(Fault("/municipalityCode", "outside-your-municipality"))
    if faults:
        raise RuleViolation(faults)
    return references.write(session, actor, Project.slug, slug, details.columns(), expected=expected, right=Right.MANAGE_PROJECTS)


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
    wanted = {item.dwelling_id for item in items}
    kept = dwellings.kept_among(session, actor, wanted)
    return _Known(kept, dwellings.only_seen(session, actor, wanted - kept.keys()), _references(session, items))


def _references(session: Session, items: Sequence[NewTrajectory] | Sequence[Plan]) -> _References:
    slugs = {line.scheme for item in items for line in item.funding_lines}
    projects = {item.project for item in items if item.project}
    return _References(
        projects=frozenset(session.scalars(sa.select(Project.slug).where(Project.slug.in_(projects)))),
        schemes=frozenset(session.scalars(sa.select(Scheme.slug).where(Scheme.slug.in_(slugs)))),
    )


def _check(item: NewTrajectory | Plan, known: _References) -> list[Fault]:
    unknown = item.project is not None and item.project not in known.projects
    faults = [Fault("/project", "no-such-reference", {"what": "project", "id": item.project})] if unknown else []
    return faults + funding.check(item.funding_lines, schemes=known.schemes, today=clock.today())


def _judge(actor: Actor, item: NewTrajectory, known: _Known, present: Mapping[UUID, Trajectory], twice: set[object]) -> Result:
    faults = _check(item, known.references)
    if item.dwelling_id in known.only_seen:
        faults.append(Fault("/dwellingId", "dwelling-not-kept"))
    elif item.dwelling_id not in known.dwellings:
        faults.append(Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": item.dwelling_id}))
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    trajectory = present.get(item.id) if item.id else None
    if trajectory is not None and not faults:
        if _same(actor, item, trajectory):
            return Result(Outcome.UNCHANGED, trajectory.id)
        faults.append(Fault("/id", "already-exists", {"what": "trajectory", "id": item.id}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _same(actor: Actor, item: NewTrajectory, present: Trajectory) -> bool:
    there = (present.dwelling_id, present.executor_id, present.project, funding.said(present.funding_lines))
    return there == (item.dwelling_id, actor.organisation_id, item.project, funding.said(item.funding_lines))


_OPEN = sa.text(
    """
    INSERT INTO trajectory (id, dwelling_id, executor_id, project) SELECT row.id, row.dwelling_id, CAST(:executor_id AS uuid), row.project
    FROM json_to_recordset(CAST(:rows AS json)) AS row (id uuid, dwelling_id uuid, project text) ORDER BY row.id ON CONFLICT DO NOTHING RETURNING id
    """
)
"""In the order of the ids, so that two batches don't wait for each other; what somebody else inserted at the same moment is left out."""


def _insert(session: Session, actor: Actor, items: Sequence[NewTrajectory], municipalities: Mapping[UUID, str]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else opened at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows = [{"id": id, "dwelling_id": item.dwelling_id, "project": item.project} for id, item in zip(ids, items, strict=True)]
    inserted = set(session.scalars(_OPEN, {"executor_id": actor.organisation_id, "rows": orjson.dumps(rows).decode()})) if rows else set()
    new = [(id, item) for id, item in zip(ids, items, strict=True) if id in inserted]
    funding.insert(session, actor, [(id, line) for id, item in new for line in item.funding_lines])
    audit.record_each(session, actor, "trajectory.opened", "trajectory", [(id, {"dwellingId": str(item.dwelling_id)}) for id, item in new])
    told = [(id, municipalities[item.dwelling_id], actor.organisation_id) for id, item in new]
    announce_each(session, ChangeKind.TRAJECTORY, told, action="trajectory.opened")
    return [id if id in inserted else None for id in ids]


def amend(session: Session, actor: Actor, trajectory_id: UUID, plan: Plan, *, expected: int | None) -> Outcome:
    """Replace project and money of a trajectory that the actor's organisation runs; the former ones stay in its history.

    Raises NotAllowed, NotFound, NotYours, VersionRequired, Stale, RuleViolation.
    """
    require(actor, Right.REPORT_PROGRESS)
    trajectory = own(session, actor, trajectory_id)
    faults = _check(plan, _references(session, [plan]))
    if faults:
        raise RuleViolation(faults)
    _lock(session, trajectory_id)
    present = funding.in_force(session, trajectory_id)
    if (trajectory.project, funding.said(present)) == (plan.project, funding.said(plan.funding_lines)):
        return Outcome.UNCHANGED
    check_version(trajectory, expected)
    change(session, trajectory, {"project": plan.project})
    funding.replace(session, actor, trajectory, present, plan.funding_lines)
    details: dict[str, Json] = {"project": plan.project, "fundingLines": funding.as_json(plan.funding_lines)}
    audit.record(session, actor, "trajectory.amended", "trajectory", trajectory_id, details=details)
    municipality = dwellings.municipality_of(session, trajectory.dwelling_id)
    announce_each(session, ChangeKind.TRAJECTORY, [(trajectory_id, municipality, trajectory.executor_id)], action="trajectory.amended")
    return Outcome.CHANGED


def _lock(session: Session, trajectory_id: UUID) -> None:
    """Of two who amend it, one goes first and the other one sees its version. Raises NotFound when it was withdrawn meanwhile."""
    query = sa.select(Trajectory).where(Trajectory.id == trajectory_id, Trajectory.withdrawn_at.is_(None)).with_for_update(key_share=True)
    if session.scalar(query.execution_options(populate_existing=True)) is None:
        raise NotFound(what="trajectory", id=trajectory_id)


def own(session: Session, actor: Actor, trajectory_id: UUID) -> Trajectory:
    """The trajectory, when the actor's organisation runs it. Raises NotFound, NotYours."""
    trajectory = session.scalar(sa.select(Trajectory).where(Trajectory.id == trajectory_id, visible_to(actor)))
    if trajectory is None:
        raise NotFound(what="trajectory", id=trajectory_id)
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    dwellings.check_kept(session, actor, trajectory.dwelling_id)
    return trajectory
