"""Writing measures (maatregelen): applied, corrected, retracted. A row is never changed: it ends, and what corrects it is a row of its own."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import CONFLICT_CODES, Result, create_each, fresh_ids, insert_new, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Conflict, Fault, NotFound, NotYours, RuleViolation, pointer
from registry.pages import Page, page_of
from registry.trajectories.commands import own
from registry.trajectories.model import Measure, MeasureKind, Trajectory, Unit
from registry.trajectories.queries import check_visible, kept_by, out_of_reach, visible_to
from registry.trajectories.rules import check_measure
from registry.versioned import Outcome

MOST_MEASURES: Final = 500
"""In force in one trajectory; a sender of more has gone astray."""


class MeasureAlreadySuperseded(Conflict):
    """Somebody else corrected or retracted this measure first."""

    code = "conflict"


@dataclass(frozen=True, slots=True)
class Applied:
    """What is said of a measure; the cost is in euro."""

    kind: MeasureKind
    applied_on: date
    quantity: Decimal | None = None
    unit: Unit | None = None
    cost_eur: Decimal | None = None
    note: str | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    def check(self) -> list[Fault]:
        return check_measure(self.kind, self.applied_on, self.quantity, self.unit, today=clock.today())


@dataclass(frozen=True, slots=True)
class NewMeasure:
    """``id`` is made by the client, so that sending it again changes nothing."""

    trajectory_id: UUID
    applied: Applied
    id: UUID | None = None


@dataclass(slots=True)
class _Known:
    """The trajectories of a batch, what measures they have, and the rows with the ids of its items."""

    trajectories: Mapping[UUID, Trajectory]
    present: Mapping[UUID, Measure]
    out_of_reach: Mapping[UUID, Fault]
    counts: Counter[UUID] = field(default_factory=Counter)


def apply_to(session: Session, actor: Actor, trajectory_id: UUID, items: Sequence[NewMeasure]) -> list[Measure]:
    """Record measures of one trajectory that the actor's organisation runs, all or none.

    Raises NotAllowed, NotFound, NotYours, Conflict, RuleViolation.
    """
    require(actor, Right.REPORT_PROGRESS)
    own(session, actor, trajectory_id)
    results = apply_each(session, actor, items)
    faults = [_in_body(fault).below(pointer("items", place)) for place, result in enumerate(results) for fault in result.faults]
    if faults:
        raise (Conflict if {fault.code for fault in faults} <= CONFLICT_CODES else RuleViolation)(faults)
    found = {row.id: row for row in session.scalars(sa.select(Measure).where(Measure.id.in_([result.id for result in results])))}
    return [found[cast("UUID", result.id)] for result in results]


def _in_body(fault: Fault) -> Fault:
    """The trajectory is in the path: what is wrong with it is said of the item."""
    return replace(fault, pointer="") if fault.pointer == "/trajectoryId" else fault


def apply_each(session: Session, actor: Actor, items: Sequence[NewMeasure]) -> list[Result]:
    """Record measures of trajectories that the actor's organisation runs; one whose id exists with the same content is left as it is.

    Raises NotAllowed.
    """
    require(actor, Right.REPORT_PROGRESS)
    wanted = {item.trajectory_id for item in items}
    query = sa.select(Trajectory, Dwelling.municipality_code).join(Dwelling, Dwelling.id == Trajectory.dwelling_id)
    rows = session.execute(query.where(Trajectory.id.in_(wanted), kept_by(actor))).all()
    trajectories, municipalities = {row[0].id: row[0] for row in rows}, {row[0].id: row[1] for row in rows}
    others = out_of_reach(session, actor, wanted - trajectories.keys())
    return create_each(
        lambda: _judge_each(actor, items, _known(session, items, trajectories, others)),
        lambda places: _insert(session, actor, [items[place] for place in places], trajectories, municipalities),
    )


def _known(session: Session, items: Sequence[NewMeasure], trajectories: Mapping[UUID, Trajectory], others: Mapping[UUID, Fault]) -> _Known:
    present = {row.id: row for row in session.scalars(sa.select(Measure).where(Measure.id.in_([item.id for item in items if item.id])))}
    of_these = (Measure.trajectory_id.in_(trajectories), Measure.superseded_at.is_(None))
    counts = session.execute(sa.select(Measure.trajectory_id, sa.func.count()).where(*of_these).group_by(Measure.trajectory_id))
    return _Known(trajectories, present, others, Counter({row[0]: row[1] for row in counts}))


def _judge_each(actor: Actor, items: Sequence[NewMeasure], known: _Known) -> list[Result]:
    twice = repeated([item.id for item in items])
    return [_judge(actor, item, known, twice) for item in items]


def _judge(actor: Actor, item: NewMeasure, known: _Known, twice: set[object]) -> Result:
    trajectory = known.trajectories.get(item.trajectory_id)
    if trajectory is None:
        return refused([known.out_of_reach[item.trajectory_id]], item.id)
    if trajectory.executor_id != actor.organisation_id:
        return refused([Fault("/trajectoryId", "not-yours")], item.id)
    present = known.present.get(item.id) if item.id else None
    if present is not None:
        if (present.trajectory_id, _said(present)) == (item.trajectory_id, item.applied):
            return Result(Outcome.UNCHANGED, present.id)
        return refused([Fault("/id", "already-exists", {"what": "measure", "id": item.id})], item.id)
    faults = item.applied.check()
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    if known.counts[item.trajectory_id] >= MOST_MEASURES:
        faults.append(Fault("/trajectoryId", "too-many-measures", {"max": MOST_MEASURES}))
    if faults:
        return refused(faults, item.id)
    known.counts[item.trajectory_id] += 1
    return Result(Outcome.CREATED, item.id)


def _said(row: Measure) -> Applied:
    return Applied(row.kind, row.applied_on, row.quantity, row.unit, row.cost_eur, row.note)


def _insert(
    session: Session, actor: Actor, items: Sequence[NewMeasure], trajectories: Mapping[UUID, Trajectory], municipalities: Mapping[UUID, str]
) -> list[UUID | None]:
    """The id of each item, None for one that somebody else recorded at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows = [_row(actor, id, item.trajectory_id, item.applied) for id, item in zip(ids, items, strict=True)]
    inserted = insert_new(session, Measure, rows)
    applied: Mapping[UUID, list[tuple[UUID, Applied]]] = defaultdict(list)
    for id, item in zip(ids, items, strict=True):
        if id in inserted:
            applied[item.trajectory_id].append((id, item.applied))
    lines = [(trajectory_id, _details(measures)) for trajectory_id, measures in applied.items()]
    audit.record_each(session, actor, "trajectory.measures-applied", "trajectory", lines)
    told = [(id, municipalities[id], trajectories[id].executor_id) for id in sorted(applied)]
    announce_each(session, ChangeKind.TRAJECTORY, told, action="trajectory.measures-applied")
    return [id if id in inserted else None for id in ids]


def _details(measures: Sequence[tuple[UUID, Applied]]) -> dict[str, Json]:
    return {"measures": [applied.kind.value for _, applied in measures], "ids": [str(id) for id, _ in measures]}


def _row(actor: Actor, id: UUID, trajectory_id: UUID, applied: Applied) -> dict[str, object]:
    return {"id": id, "trajectory_id": trajectory_id, **applied.columns(), "recorded_by": actor.person_id, "organisation_id": actor.organisation_id}


def correct(session: Session, actor: Actor, measure_id: UUID, applied: Applied) -> Measure:
    """Say what a measure really was; the former row stays. Gives the new one.

    Raises NotAllowed, NotFound, NotYours, MeasureAlreadySuperseded, RuleViolation.
    """
    measure, trajectory = _own(session, actor, measure_id)
    faults = applied.check()
    if applied == _said(measure):
        faults.append(Fault("", "nothing-to-correct"))
    if faults:
        raise RuleViolation(faults)
    moment = _end(session, measure_id)
    (new_id,) = fresh_ids(session, 1)
    row = {**_row(actor, new_id, trajectory.id, applied), "corrects_id": measure_id, "recorded_at": moment}
    session.execute(sa.insert(Measure), [row])
    _tell(session, actor, trajectory, "trajectory.measure-corrected", {"measureId": str(new_id), "correctsId": str(measure_id)})
    return session.get_one(Measure, new_id)


def retract(session: Session, actor: Actor, measure_id: UUID, *, reason: str) -> Measure:
    """Say that a measure was never applied, and why; the row stays. Raises NotAllowed, NotFound, NotYours, MeasureAlreadySuperseded."""
    _, trajectory = _own(session, actor, measure_id)
    _end(session, measure_id, reason)
    _tell(session, actor, trajectory, "trajectory.measure-retracted", {"measureId": str(measure_id), "reason": reason})
    return session.get_one(Measure, measure_id, populate_existing=True)


def _own(session: Session, actor: Actor, measure_id: UUID) -> tuple[Measure, Trajectory]:
    require(actor, Right.REPORT_PROGRESS)
    query = sa.select(Measure, Trajectory).join(Trajectory, Trajectory.id == Measure.trajectory_id).where(Measure.id == measure_id, visible_to(actor))
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(what="measure", id=measure_id)
    measure, trajectory = found
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    dwellings.check_kept(session, actor, trajectory.dwelling_id)
    return measure, trajectory


def _end(session: Session, measure_id: UUID, reason: str | None = None) -> datetime:
    """When the row ceased to be in force: now. Of two who end it at once, one is too late. Raises MeasureAlreadySuperseded."""
    in_force = sa.update(Measure).where(Measure.id == measure_id, Measure.superseded_at.is_(None)).execution_options(synchronize_session=False)
    ended = in_force.values(superseded_at=sa.func.clock_timestamp(), retraction_reason=reason).returning(Measure.superseded_at)
    moment: datetime | None = session.scalar(ended)
    if moment is None:
        raise MeasureAlreadySuperseded([Fault("", "measure-superseded", {"id": measure_id})])
    return moment


def _tell(session: Session, actor: Actor, trajectory: Trajectory, action: str, details: dict[str, Json]) -> None:
    audit.record(session, actor, action, "trajectory", trajectory.id, details=details)
    municipality = dwellings.municipality_of(session, trajectory.dwelling_id)
    announce_each(session, ChangeKind.TRAJECTORY, [(trajectory.id, municipality, trajectory.executor_id)], action=action)


class Which(StrEnum):
    """Of the measures of a trajectory."""

    IN_FORCE = "in-force"
    ALL = "all"
    """Corrected and retracted ones too."""


def list_(session: Session, actor: Actor, trajectory_id: UUID, which: Which, *, after: UUID | None = None, limit: int) -> Page[Measure]:
    """One page in the order of the id. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    check_visible(session, actor, trajectory_id)
    query = sa.select(Measure).where(Measure.trajectory_id == trajectory_id).order_by(Measure.id).limit(limit + 1)
    if which is Which.IN_FORCE:
        query = query.where(Measure.superseded_at.is_(None))
    query = query if after is None else query.where(Measure.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda measure: str(measure.id))
