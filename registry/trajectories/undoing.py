"""Taking back what an import wrote, as long as nothing builds on it. Nothing is overwritten: milestones are retracted or get their former content back by a
correction, and trajectories that were opened are withdrawn, after which nobody sees them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.dwellings import queries as dwellings
from registry.errors import Fault
from registry.trajectories import journal
from registry.trajectories.model import Action, Document, Evidence, Measure, Milestone, Trajectory
from registry.trajectories.queries import MilestoneInForce, in_force, visible_to
from registry.trajectories.rules import Happened, check_history


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is to be taken back, and what is there now."""

    rows: Mapping[UUID, Milestone]
    formers: Mapping[UUID, Milestone]
    trajectories: Mapping[UUID, Trajectory]
    in_force: Mapping[UUID, MilestoneInForce]


def take_back(session: Session, actor: Actor, milestone_ids: Sequence[UUID], opened: Mapping[UUID, int]) -> list[Fault]:
    """Take back milestones, and trajectories that were opened at that version; or say what builds on them, and then nothing is taken back.

    Raises NotAllowed.
    """
    require(actor, Right.REPORT_PROGRESS)
    taken = _taken(session, actor, milestone_ids, opened)
    faults = _out_of_reach(actor, milestone_ids, opened, taken)
    faults = faults or [*_on_milestones(session, taken), *_on_histories(taken), *_on_trajectories(session, opened, taken)]
    if faults:
        return faults
    told = _told(session, taken)
    journal.append(session, actor, [_line(taken, id) for id in milestone_ids], told)
    if opened:
        withdrawn = session.scalars(sa.select(sa.func.withdraw_trajectories(sa.cast(sorted(opened), sa.ARRAY(sa.Uuid))))).all()
        audit.record_each(session, actor, "trajectory.withdrawn", "trajectory", [(id, {}) for id in withdrawn])
        announce_each(session, ChangeKind.TRAJECTORY, [(id, *told[id]) for id in withdrawn], action="trajectory.withdrawn")
    return []


def _taken(session: Session, actor: Actor, milestone_ids: Sequence[UUID], opened: Mapping[UUID, int]) -> _Taken:
    rows = {row.id: row for row in session.scalars(sa.select(Milestone).where(_among(Milestone.id, milestone_ids)))}
    formers = session.scalars(sa.select(Milestone).where(_among(Milestone.id, [row.corrects_id for row in rows.values() if row.corrects_id])))
    touched = {*opened, *(row.trajectory_id for row in rows.values())}
    wanted = sa.select(Trajectory).where(_among(Trajectory.id, list(touched)), visible_to(actor))
    dwellings.lock(session, {trajectory.dwelling_id for trajectory in session.scalars(wanted)})
    # Whoever amends one of them meanwhile is waited for: her version is seen below.
    session.execute(sa.select(Trajectory.id).where(_among(Trajectory.id, list(opened))).order_by(Trajectory.id).with_for_update(key_share=True))
    trajectories = {each.id: each for each in session.scalars(wanted.execution_options(populate_existing=True))}
    return _Taken(rows, {row.id: row for row in formers}, trajectories, {each.id: each for each in in_force(session, list(trajectories))})


def _among(column: sa.orm.attributes.InstrumentedAttribute[UUID], ids: Sequence[UUID]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))


def _out_of_reach(actor: Actor, milestone_ids: Sequence[UUID], opened: Mapping[UUID, int], taken: _Taken) -> list[Fault]:
    faults = [Fault("", "no-such-reference", {"what": "milestone", "id": id}) for id in milestone_ids if id not in taken.rows]
    wanted = {*opened, *(row.trajectory_id for row in taken.rows.values())}
    faults += [Fault("", "no-such-reference", {"what": "trajectory", "id": id}) for id in sorted(wanted) if id not in taken.trajectories]
    return faults + [Fault("", "not-yours", {"id": id}) for id, each in sorted(taken.trajectories.items()) if each.executor_id != actor.organisation_id]


def _on_milestones(session: Session, taken: _Taken) -> list[Fault]:
    """Corrected since, confirmed, or shown by an inspection."""
    faults = []
    shown = defaultdict(list)
    for each in session.scalars(sa.select(Evidence).where(_among(Evidence.trajectory_id, list(taken.trajectories)))):
        shown[each.trajectory_id, each.track, each.kind].append(each.recorded_at)
    for id, row in taken.rows.items():
        facts = {"id": id, "kind": row.kind.value, "track": row.track.value}
        if id not in taken.in_force:
            faults.append(Fault("", "milestone-superseded", facts))
        elif taken.in_force[id].confirmed_at is not None:
            faults.append(Fault("", "milestone-confirmed", facts))
        if any(moment > row.recorded_at for moment in shown[row.trajectory_id, row.track, row.kind]):
            faults.append(Fault("", "milestone-has-evidence", facts))
    return faults


def _on_histories(taken: _Taken) -> list[Fault]:
    """Milestones reported since that could not stand without them."""
    histories: dict[UUID, list[Happened]] = {id: [] for id in taken.trajectories}
    for each in taken.in_force.values():
        if each.id not in taken.rows:
            histories[each.trajectory_id].append(each.happened)
    for row in taken.formers.values():
        histories[row.trajectory_id].append(Happened(row.track, row.kind, row.effective_on, row.decided_on))
    return [Fault("", fault.code, {**fault.facts, "what": "trajectory", "id": id}) for id, history in histories.items() for fault in check_history(history)]


def _on_trajectories(session: Session, opened: Mapping[UUID, int], taken: _Taken) -> list[Fault]:
    """What was reported about a trajectory that was opened, and is not taken back with it; or its project or money changed."""
    if not opened:
        return []
    built = {(each.trajectory_id, "milestone") for each in taken.in_force.values() if each.trajectory_id in opened and each.id not in taken.rows}
    for model, what, ended in ((Measure, "measure", Measure.superseded_at), (Document, "document", Document.withdrawn_at), (Evidence, "evidence", None)):
        query = sa.select(model.trajectory_id).where(_among(model.trajectory_id, list(opened)))
        built |= {(id, what) for id in session.scalars(query if ended is None else query.where(ended.is_(None)))}
    changed = {(id, "change") for id, version in opened.items() if taken.trajectories[id].version != version}
    return [Fault("", "trajectory-built-on", {"id": id, "what": what}) for id, what in sorted(built | changed)]


def _told(session: Session, taken: _Taken) -> dict[UUID, tuple[str, UUID]]:
    municipalities = dwellings.lock(session, {each.dwelling_id for each in taken.trajectories.values()})
    return {id: (municipalities[each.dwelling_id], each.executor_id) for id, each in taken.trajectories.items()}


def _line(taken: _Taken, id: UUID) -> journal.Row:
    row = taken.rows[id]
    said = taken.formers[row.corrects_id] if row.corrects_id else row
    line = {"trajectory_id": row.trajectory_id, "dwelling_id": row.dwelling_id, "track": row.track, "kind": row.kind, "corrects_id": id}
    if said is row:
        return {**line, "effective_on": row.effective_on, "decided_on": row.decided_on, "action": Action.RETRACTED}
    again = {"effective_on": said.effective_on, "decided_on": said.decided_on, "evidence": said.evidence, "note": said.note}
    return {**line, **again, "action": Action.CORRECTED}
