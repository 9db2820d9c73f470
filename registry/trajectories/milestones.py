"""Writing the journal of milestones: report, correct, retract. Nothing in it is ever overwritten. They are confirmed in `confirmations.py`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypedDict, Unpack
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.batch import Result, only, refused, repeated
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.trajectories import documents, journal
from registry.trajectories.commands import own
from registry.trajectories.history import superseded
from registry.trajectories.model import Action, Milestone, MilestoneKind, Track, Trajectory
from registry.trajectories.queries import MilestoneInForce, as_said, find, in_force, kept_each, out_of_reach, visible_to
from registry.trajectories.rules import Happened, check_cited, check_date, check_history, check_said
from registry.trajectories.settling import ORDER
from registry.versioned import Outcome, same


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
    decided_on: date | None = None

    @property
    def happened(self) -> Happened:
        return Happened(self.track, self.kind, self.effective_on, self.decided_on)

    @property
    def said(self) -> dict[str, object]:
        return {
            "trajectory_id": self.trajectory_id,
            "track": self.track,
            "kind": self.kind,
            "effective_on": self.effective_on,
            "decided_on": self.decided_on,
            "evidence": list(self.evidence),
            "note": self.note,
        }


class Changes(TypedDict, total=False):
    """What a correction says; what it does not name stays as it was."""

    effective_on: date
    decided_on: date | None
    evidence: Sequence[Json]
    note: str | None


@dataclass(slots=True)
class _Known:
    """The trajectories of a batch, and their milestones in force as the batch goes on. ``out_of_reach`` says why others can't be written into."""

    trajectories: Mapping[UUID, Trajectory]
    municipalities: Mapping[UUID, str]
    present: Mapping[UUID, Milestone]
    documents: Mapping[UUID, set[UUID]]
    out_of_reach: Mapping[UUID, Fault]
    histories: dict[UUID, dict[tuple[Track, MilestoneKind], tuple[UUID | None, Happened]]] = field(default_factory=lambda: defaultdict(dict))


def report(session: Session, actor: Actor, item: NewMilestone) -> Result:
    """Raises NotAllowed, NotFound, NotYours, AlreadyExists, Conflict, RuleViolation."""
    require(actor, Right.REPORT_PROGRESS)
    own(session, actor, item.trajectory_id)
    return only(report_each(session, actor, [item]))


def report_each(session: Session, actor: Actor, items: Sequence[NewMilestone]) -> list[Result]:
    """Record milestones of trajectories that the actor's organisation runs.

    The items of one batch may stand in any order: a start counts before the completion that follows it. An id that exists with the same content
    is left as it is, also when it was corrected or retracted since (`history.superseded_by`). Raises NotAllowed.
    """
    require(actor, Right.REPORT_PROGRESS)
    known = _known(session, actor, items)
    twice = repeated([item.id for item in items])
    results: dict[int, Result] = {}
    for place in sorted(range(len(items)), key=lambda place: ORDER[items[place].kind]):
        results[place] = _judge(actor, items[place], known, twice)
    wanted = [place for place in range(len(items)) if results[place].outcome is Outcome.CREATED]
    ids = journal.append(session, actor, [_row(items[place], known) for place in wanted], _told(known.trajectories, known.municipalities))
    for place, milestone_id in zip(wanted, ids, strict=True):
        results[place] = Result(Outcome.CREATED, milestone_id)
    return [results[place] for place in range(len(items))]


def _known(session: Session, actor: Actor, items: Sequence[NewMilestone]) -> _Known:
    wanted = {item.trajectory_id for item in items}
    by_id = {trajectory.id: trajectory for trajectory in kept_each(session, actor, wanted)}
    municipalities = dwellings.lock(session, [trajectory.dwelling_id for trajectory in by_id.values()])
    present = session.scalars(sa.select(Milestone).where(Milestone.id.in_([item.id for item in items if item.id])))
    cited = documents.there(session, by_id if any(item.evidence for item in items) else ())
    known = _Known(by_id, municipalities, {milestone.id: milestone for milestone in present}, cited, out_of_reach(session, actor, wanted - by_id.keys()))
    for milestone in in_force(session, by_id):
        known.histories[milestone.trajectory_id][milestone.track, milestone.kind] = (milestone.id, milestone.happened)
    return known


def _judge(actor: Actor, item: NewMilestone, known: _Known, twice: set[object]) -> Result:
    foreign = _not_own(actor, item, known)
    if foreign:
        return refused(foreign, item.id)
    present = known.present.get(item.id) if item.id else None
    if present is not None:
        if same(present, item.said):
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
        return [known.out_of_reach[item.trajectory_id]]
    return [] if trajectory.executor_id == actor.organisation_id else [Fault("/trajectoryId", "not-yours")]


def _faults(item: NewMilestone, known: _Known) -> list[Fault]:
    history = known.histories[item.trajectory_id]
    cited = check_cited(item.evidence, known.documents.get(item.trajectory_id, ()))
    if (item.track, item.kind) in history:
        facts = {"kind": item.kind.value, "track": item.track.value, "id": history[item.track, item.kind][0]}
        return [*cited, *check_date(item.happened, today=clock.today()), Fault("/kind", "milestone-already-reported", facts)]
    return cited + check_said([happened for _, happened in history.values()], [item.happened], today=clock.today())


def _row(item: NewMilestone, known: _Known) -> dict[str, object]:
    return {**item.said, "id": item.id, "dwelling_id": known.trajectories[item.trajectory_id].dwelling_id, "action": Action.REPORTED}


def _told(trajectories: Mapping[UUID, Trajectory], municipalities: Mapping[UUID, str]) -> dict[UUID, tuple[str, UUID]]:
    return {each.id: (municipalities[each.dwelling_id], each.executor_id) for each in trajectories.values()}


def correct(session: Session, actor: Actor, milestone_id: UUID, **changes: Unpack[Changes]) -> MilestoneInForce:
    """Say that a milestone was on another day, decided on another day, or rests on other evidence. The former row stays; its confirmation does not carry over.

    Raises NotAllowed, NotFound, NotYours, MilestoneAlreadySuperseded, RuleViolation (the corrected history as a whole).
    """
    milestone, trajectory = _correctable(session, actor, milestone_id)
    said: dict[str, object] = dict(changes) | ({"evidence": list(changes["evidence"])} if "evidence" in changes else {})
    corrected = replace(milestone, **said)  # type: ignore[arg-type]
    faults = check_said(_others(session, milestone), [corrected.happened], today=clock.today())
    if same(milestone, said):
        faults.append(Fault("", "nothing-to-correct"))
    elif "evidence" in said:
        faults += check_cited(corrected.evidence, documents.there(session, [trajectory.id])[trajectory.id])
    if faults:
        raise RuleViolation(faults)
    values = {name: getattr(corrected, name) for name in ("effective_on", "decided_on", "note", "evidence")}
    return _supersede(session, actor, milestone, trajectory, {**values, "action": Action.CORRECTED})


def retract(session: Session, actor: Actor, milestone_id: UUID, *, note: str | None) -> MilestoneInForce:
    """Say that a milestone was never so. Raises as `correct` does."""
    milestone, trajectory = _correctable(session, actor, milestone_id)
    faults = check_history(_others(session, milestone))
    if faults:
        raise RuleViolation(faults)
    said: dict[str, object] = {"effective_on": milestone.effective_on, "decided_on": milestone.decided_on}
    values = {**said, "note": note, "evidence": [], "action": Action.RETRACTED}
    return _supersede(session, actor, milestone, trajectory, values)


def _correctable(session: Session, actor: Actor, milestone_id: UUID) -> tuple[MilestoneInForce, Trajectory]:
    require(actor, Right.REPORT_PROGRESS)
    query = sa.select(Trajectory).join(Milestone, Milestone.trajectory_id == Trajectory.id).where(Milestone.id == milestone_id, visible_to(actor))
    trajectory = session.scalar(query)
    if trajectory is None:
        raise NotFound(what="milestone", id=milestone_id)
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    dwellings.check_kept(session, actor, trajectory.dwelling_id)
    dwellings.lock(session, [trajectory.dwelling_id])
    milestone = find(session, [milestone_id]).get(milestone_id)
    if milestone is None:
        raise superseded(session, milestone_id)
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
    (new_id,) = journal.append(session, actor, [row], _told({trajectory.id: trajectory}, municipalities))
    return as_said(session.get_one(Milestone, new_id))
