"""The municipality says that milestones are so, once what the schemes demand is there; and takes that back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, refused, repeated
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import RECORDED_NOW, Json
from registry.dwellings import queries as dwellings
from registry.errors import Conflict, Fault, NotFound, RuleViolation
from registry.trajectories import demanded
from registry.trajectories.demands import Judged, missing
from registry.trajectories.history import superseded
from registry.trajectories.model import Confirmation, Milestone, Trajectory
from registry.trajectories.queries import MilestoneInForce, in_force
from registry.versioned import Outcome


@dataclass(frozen=True, slots=True)
class NewConfirmation:
    milestone_id: UUID
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """``dwellings``: of each milestone of the municipality that was asked for, in force or not. ``demands``: by milestone."""

    dwellings: Mapping[UUID, UUID]
    in_force: Mapping[UUID, MilestoneInForce]
    demands: Mapping[UUID, Sequence[Judged]]


def confirm(session: Session, actor: Actor, item: NewConfirmation) -> Result:
    """Raises NotAllowed, NotFound, MilestoneAlreadySuperseded, RuleViolation (what a scheme demands is not there)."""
    (result,) = confirm_each(session, actor, [item])
    codes = {fault.code for fault in result.faults}
    if "no-such-reference" in codes:
        raise NotFound(what="milestone", id=item.milestone_id)
    if "milestone-superseded" in codes:
        raise superseded(session, item.milestone_id)
    if codes:
        raise RuleViolation([replace(fault, pointer="") for fault in result.faults])
    return result


def confirm_each(session: Session, actor: Actor, items: Sequence[NewConfirmation]) -> list[Result]:
    """Say, as the municipality of the dwelling, that milestones are so. One that is confirmed already is left as it is. Raises NotAllowed."""
    require(actor, Right.CONFIRM_PROGRESS)
    known = _known(session, actor, {item.milestone_id for item in items})
    twice = repeated([item.milestone_id for item in items])
    results = [_judge(item, known, twice) for item in items]
    new = [item for item, result in zip(items, results, strict=True) if result.outcome is Outcome.CREATED]
    if new:
        rests_on = {item.milestone_id: [each.rests_on for each in known.demands[item.milestone_id]] for item in new}
        who = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id}
        rows = [{"milestone_id": item.milestone_id, "note": item.note, "rests_on": rests_on[item.milestone_id], **who} for item in new]
        session.execute(sa.insert(Confirmation), rows)
        details: list[tuple[UUID, dict[str, Json]]] = [(id, {"restsOn": [*found]} if found else {}) for id, found in rests_on.items()]
        audit.record_each(session, actor, "milestone.confirmed", "milestone", details)
        _announce(session, actor, {known.in_force[id].trajectory_id for id in rests_on}, "milestone.confirmed")
    return results


def _known(session: Session, actor: Actor, milestone_ids: set[UUID]) -> _Known:
    """What there is when nobody else can change it: the dwellings are locked first."""
    asked = session.execute(sa.select(Milestone.id, Milestone.dwelling_id, Milestone.trajectory_id).where(Milestone.id.in_(milestone_ids))).all()
    municipalities = dwellings.lock(session, {row.dwelling_id for row in asked})
    own = [row for row in asked if municipalities.get(row.dwelling_id) == actor.municipality_code]
    held = in_force(session, {row.trajectory_id for row in own})
    return _Known({row.id: row.dwelling_id for row in own}, {each.id: each for each in held}, demanded.judge_each(session, held))


def _judge(item: NewConfirmation, known: _Known, twice: set[object]) -> Result:
    id = item.milestone_id
    if id not in known.dwellings:
        return refused([Fault("/milestoneId", "no-such-reference", {"what": "milestone", "id": id})], id)
    milestone = known.in_force.get(id)
    if milestone is None:
        return refused([Fault("/milestoneId", "milestone-superseded", {"id": id})], id)
    if id in twice:
        return refused([Fault("/milestoneId", "repeated", {"value": id})], id)
    if milestone.confirmed_at:
        return Result(Outcome.UNCHANGED, id)
    faults = missing(known.demands[id])
    return refused(faults, id) if faults else Result(Outcome.CREATED, id)


def withdraw(session: Session, actor: Actor, milestone_id: UUID, *, reason: str) -> None:
    """Say that a confirmation was a mistake, and why. It stays in the record; the milestone may be confirmed anew.

    Raises NotAllowed, NotFound, MilestoneAlreadySuperseded, Conflict (it is not confirmed).
    """
    require(actor, Right.CONFIRM_PROGRESS)
    known = _known(session, actor, {milestone_id})
    if milestone_id not in known.dwellings:
        raise NotFound(what="milestone", id=milestone_id)
    milestone = known.in_force.get(milestone_id)
    if milestone is None:
        raise superseded(session, milestone_id)
    if milestone.confirmed_at is None:
        raise Conflict([Fault("", "milestone-not-confirmed", {"id": milestone_id})])
    ends = {"withdrawn_at": RECORDED_NOW, "withdrawn_by": actor.person_id, "withdrawal_reason": reason}
    session.execute(sa.update(Confirmation).where(Confirmation.milestone_id == milestone_id, Confirmation.withdrawn_at.is_(None)).values(ends))
    audit.record(session, actor, "milestone.confirmation-withdrawn", "milestone", milestone_id, details={"reason": reason})
    _announce(session, actor, {milestone.trajectory_id}, "milestone.confirmation-withdrawn")


def _announce(session: Session, actor: Actor, trajectory_ids: set[UUID], action: str) -> None:
    executors = session.execute(sa.select(Trajectory.id, Trajectory.executor_id).where(Trajectory.id.in_(trajectory_ids)).order_by(Trajectory.id))
    told = [(row.id, actor.municipality_code, row.executor_id) for row in executors]
    announce_each(session, ChangeKind.TRAJECTORY, told, action=action)
