"""Writing the journal of milestones: report, correct, retract, confirm. Nothing in it is ever overwritten."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, fresh_ids, only, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.trajectories.commands import own
from registry.trajectories.model import Action, Confirmation, Milestone, MilestoneAlreadySuperseded, MilestoneKind, Track, Trajectory
from registry.trajectories.queries import MilestoneInForce, as_said, find, in_force, visible_to
from registry.trajectories.rules import Happened, check_date, check_history
from registry.versioned import Outcome


@dataclass(frozen=True, slots=True)
class NewMilestone:
    """``id`` is made by the client, so that sending it again changes nothing."""

    trajectory_id: UUID
    track: Track
    kind: MilestoneKind
    effective_on: date
    evidence: tuple[Json, ...] = ()
    note: str | None = None
    id: UUID | None = None

    @property
    def happened(self) -> Happened:
        return Happened(self.track, self.kind, self.effective_on)


@dataclass(frozen=True, slots=True)
class NewConfirmation:
    milestone_id: UUID
    note: str | None = None


@dataclass(slots=True)
class _Known:
    """The trajectories of a batch, and their milestones in force as the batch goes on."""

    trajectories: Mapping[UUID, Trajectory]
    municipalities: Mapping[UUID, str]
    present: Mapping[UUID, Milestone]
    histories: dict[UUID, dict[tuple[Track, MilestoneKind], tuple[UUID | None, Happened]]] = field(default_factory=lambda: defaultdict(dict))


_ORDER = {kind: place for place, kind in enumerate(MilestoneKind)}


def report(session: Session, actor: Actor, item: NewMilestone) -> Result:
    """Raises NotAllowed, NotFound, NotYours, AlreadyExists, Conflict, RuleViolation."""
    require(actor, Right.REPORT_PROGRESS)
    own(session, actor, item.trajectory_id)
    return only(report_each(session, actor, [item]))


def report_each(session: Session, actor: Actor, items: Sequence[NewMilestone]) -> list[Result]:
    """Record milestones of trajectories that the actor's organisation runs.

    The items of one batch may stand in any order: a start counts before the completion that follows it. An id that exists with the same content
    is left as it is. Raises NotAllowed.
    """
    require(actor, Right.REPORT_PROGRESS)
    known = _known(session, actor, items)
    twice = repeated([item.id for item in items])
    results: dict[int, Result] = {}
    for place in sorted(range(len(items)), key=lambda place: _ORDER[items[place].kind]):
        results[place] = _judge(actor, items[place], known, twice)
    wanted = [place for place in range(len(items)) if results[place].outcome is Outcome.CREATED]
    for place, milestone_id in zip(
        wanted, _insert(session, actor, [_row(items[place], known) for place in wanted], known.trajectories, known.municipalities), strict=True
    ):
        results[place] = Result(Outcome.CREATED, milestone_id)
    return [results[place] for place in range(len(items))]


def _known(session: Session, actor: Actor, items: Sequence[NewMilestone]) -> _Known:
    trajectories = session.scalars(sa.select(Trajectory).where(Trajectory.id.in_({item.trajectory_id for item in items}), visible_to(actor)))
    by_id = {trajectory.id: trajectory for trajectory in trajectories}
    municipalities = dwellings.lock(session, [trajectory.dwelling_id for trajectory in by_id.values()])
    present = session.scalars(sa.select(Milestone).where(Milestone.id.in_([item.id for item in items if item.id])))
    known = _Known(by_id, municipalities, {milestone.id: milestone for milestone in present})
    for milestone in in_force(session, by_id):
        known.histories[milestone.trajectory_id][milestone.track, milestone.kind] = (milestone.id, milestone.happened)
    return known


def _judge(actor: Actor, item: NewMilestone, known: _Known, twice: set[object]) -> Result:
    foreign = _not_own(actor, item, known)
    if foreign:
        return refused(foreign, item.id)
    present = known.present.get(item.id) if item.id else None
    if present is not None:
        said = (item.trajectory_id, item.track, item.kind, item.effective_on, list(item.evidence), item.note)
        if said == (present.trajectory_id, present.track, present.kind, present.effective_on, present.evidence, present.note):
            return Result(Outcome.UNCHANGED, present.id)
        return refused([Fault("/id", "already-exists", {"what": "milestone", "id": item.id})], item.id)
    faults = _faults(item, known)
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    if faults:
        return refused(faults, item.id)
    known.histories[item.trajectory_id][item.track, item.kind] = (item.id, item.happened)
    return Result(Outcome.CREATED, item.id)


def _not_own(actor: Actor, item: NewMilestone, known: _Known) -> list[Fault]:
    trajectory = known.trajectories.get(item.trajectory_id)
    if trajectory is None:
        return [Fault("/trajectoryId", "no-such-reference", {"what": "trajectory", "id": item.trajectory_id})]
    return [] if trajectory.executor_id == actor.organisation_id else [Fault("/trajectoryId", "not-yours")]


def _faults(item: NewMilestone, known: _Known) -> list[Fault]:
    history = known.histories[item.trajectory_id]
    faults = check_date(item.happened, today=clock.today())
    if (item.track, item.kind) in history:
        facts = {"kind": item.kind.value, "track": item.track.value, "id": history[item.track, item.kind][0]}
        return [*faults, Fault("/kind", "milestone-already-reported", facts)]
    return faults + check_history([*(happened for _, happened in history.values()), item.happened])


def _row(item: NewMilestone, known: _Known) -> dict[str, object]:
    return {
        "id": item.id,
        "trajectory_id": item.trajectory_id,
        "dwelling_id": known.trajectories[item.trajectory_id].dwelling_id,
        "track": item.track,
        "kind": item.kind,
        "effective_on": item.effective_on,
        "evidence": list(item.evidence),
        "note": item.note,
        "action": Action.REPORTED,
    }


def _insert(
    session: Session, actor: Actor, rows: Sequence[dict[str, object]], trajectories: Mapping[UUID, Trajectory], municipalities: Mapping[UUID, str]
) -> list[UUID]:
    if not rows:
        return []
    made = fresh_ids(session, len(rows))
    who = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id}
    complete = [{**row, **who, "id": row["id"] or fresh} for row, fresh in zip(rows, made, strict=True)]
    session.execute(sa.insert(Milestone), complete)
    audit.record_each(
        session, actor, f"milestone.{cast('Action', rows[0]['action'])}", "milestone", [(cast("UUID", row["id"]), _details(row)) for row in complete]
    )
    touched = [trajectories[id] for id in sorted({cast("UUID", row["trajectory_id"]) for row in rows})]
    announce_each(session, ChangeKind.TRAJECTORY, [(each.id, municipalities[each.dwelling_id], each.executor_id) for each in touched])
    return [cast("UUID", row["id"]) for row in complete]


def _details(row: Mapping[str, object]) -> dict[str, Json]:
    names = {"trajectory_id": "trajectoryId", "track": "track", "kind": "kind", "effective_on": "effectiveOn"}
    return {public: str(row[name]) for name, public in names.items()}


def correct(session: Session, actor: Actor, milestone_id: UUID, *, effective_on: date, note: str | None, evidence: Sequence[Json] = ()) -> MilestoneInForce:
    """Say that a milestone was on another day, or rests on other evidence. The former row stays; a confirmation of it does not carry over.

    Raises NotAllowed, NotFound, NotYours, MilestoneAlreadySuperseded, RuleViolation (the corrected history as a whole).
    """
    milestone, trajectory = _correctable(session, actor, milestone_id)
    happened = Happened(milestone.track, milestone.kind, effective_on)
    faults = check_date(happened, today=clock.today()) + check_history([*_others(session, milestone), happened])
    if (effective_on, note, list(evidence)) == (milestone.effective_on, milestone.note, milestone.evidence):
        faults.append(Fault("", "nothing-to-correct"))
    if faults:
        raise RuleViolation(faults)
    values = {"effective_on": effective_on, "note": note, "evidence": list(evidence), "action": Action.CORRECTED}
    return _supersede(session, actor, milestone, trajectory, values)


def retract(session: Session, actor: Actor, milestone_id: UUID, *, note: str | None) -> MilestoneInForce:
    """Say that a milestone was never so. Raises as `correct` does."""
    milestone, trajectory = _correctable(session, actor, milestone_id)
    faults = check_history(_others(session, milestone))
    if faults:
        raise RuleViolation(faults)
    return _supersede(session, actor, milestone, trajectory, {"note": note, "evidence": [], "action": Action.RETRACTED, "effective_on": milestone.effective_on})


def _correctable(session: Session, actor: Actor, milestone_id: UUID) -> tuple[MilestoneInForce, Trajectory]:
    require(actor, Right.REPORT_PROGRESS)
    query = sa.select(Trajectory).join(Milestone, Milestone.trajectory_id == Trajectory.id).where(Milestone.id == milestone_id, visible_to(actor))
    trajectory = session.scalar(query)
    if trajectory is None:
        raise NotFound(what="milestone", id=milestone_id)
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    dwellings.lock(session, [trajectory.dwelling_id])
    milestone = find(session, [milestone_id]).get(milestone_id)
    if milestone is None:
        raise MilestoneAlreadySuperseded([Fault("", "milestone-superseded", {"id": milestone_id})])
    return milestone, trajectory


def _others(session: Session, milestone: MilestoneInForce) -> list[Happened]:
    return [each.happened for each in in_force(session, [milestone.trajectory_id]) if each.id != milestone.id]


def _supersede(session: Session, actor: Actor, milestone: MilestoneInForce, trajectory: Trajectory, values: Mapping[str, object]) -> MilestoneInForce:
    row = {
        "id": None,
        "trajectory_id": milestone.trajectory_id,
        "dwelling_id": milestone.dwelling_id,
        "track": milestone.track,
        "kind": milestone.kind,
        "corrects_id": milestone.id,
        **values,
    }
    municipalities = dwellings.lock(session, [trajectory.dwelling_id])
    (new_id,) = _insert(session, actor, [row], {trajectory.id: trajectory}, municipalities)
    return as_said(session.get_one(Milestone, new_id), None)


def confirm(session: Session, actor: Actor, item: NewConfirmation) -> Result:
    """Raises NotAllowed, Conflict, RuleViolation; at commit RuleViolation (confirmed at the same moment)."""
    return only(confirm_each(session, actor, [item]))


def confirm_each(session: Session, actor: Actor, items: Sequence[NewConfirmation]) -> list[Result]:
    """Say, as the municipality of the dwelling, that milestones are so. One that is confirmed already is left as it is. Raises NotAllowed."""
    require(actor, Right.CONFIRM_PROGRESS)
    ids = {item.milestone_id for item in items}
    municipalities = dwellings.lock(session, session.scalars(sa.select(Milestone.dwelling_id).where(Milestone.id.in_(ids))).all())
    milestones = find(session, ids)
    twice = repeated([item.milestone_id for item in items])
    results = [_judge_confirmation(actor, item, milestones, municipalities, twice) for item in items]
    new = [item for item, result in zip(items, results, strict=True) if result.outcome is Outcome.CREATED]
    if new:
        who = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id}
        session.execute(sa.insert(Confirmation), [{"milestone_id": item.milestone_id, "note": item.note, **who} for item in new])
        audit.record_each(session, actor, "milestone.confirmed", "milestone", [(item.milestone_id, {}) for item in new])
        touched = {milestones[item.milestone_id].trajectory_id for item in new}
        executors = session.execute(sa.select(Trajectory.id, Trajectory.executor_id).where(Trajectory.id.in_(touched)).order_by(Trajectory.id))
        announce_each(session, ChangeKind.TRAJECTORY, [(row.id, actor.municipality_code, row.executor_id) for row in executors])
    return results


def _judge_confirmation(
    actor: Actor, item: NewConfirmation, milestones: Mapping[UUID, MilestoneInForce], municipalities: Mapping[UUID, str], twice: set[object]
) -> Result:
    milestone = milestones.get(item.milestone_id)
    if milestone is None or municipalities[milestone.dwelling_id] != actor.municipality_code:
        return refused([Fault("/milestoneId", "no-such-reference", {"what": "milestone in force", "id": item.milestone_id})], item.milestone_id)
    if item.milestone_id in twice:
        return refused([Fault("/milestoneId", "repeated", {"value": item.milestone_id})], item.milestone_id)
    return Result(Outcome.UNCHANGED if milestone.confirmed_at else Outcome.CREATED, item.milestone_id)
