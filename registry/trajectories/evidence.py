"""Inspections as evidence: which approved inspection shows that a milestone of a track is so."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.dwellings import queries as dwellings
from registry.errors import Fault, pointer
from registry.trajectories.model import Evidence, MilestoneKind, Track, Trajectory
from registry.trajectories.queries import visible_to


@dataclass(frozen=True, slots=True)
class Shows:
    """The milestone that an inspection is evidence for, also when nobody has reported that milestone yet."""

    trajectory_id: UUID
    track: Track
    kind: MilestoneKind


def check(session: Session, actor: Actor, shown: Sequence[Shows], dwelling_id: UUID) -> list[Fault]:
    """Evidence is for trajectories of the dwelling that was inspected, which the actor sees."""
    if not shown:
        return []
    wanted = sa.and_(Trajectory.id.in_({each.trajectory_id for each in shown}), Trajectory.dwelling_id == dwelling_id)
    known = set(session.scalars(sa.select(Trajectory.id).where(wanted, visible_to(actor))))
    return [
        Fault(pointer("evidence", place, "trajectoryId"), "no-such-reference", {"what": "trajectory", "id": each.trajectory_id})
        for place, each in enumerate(shown)
        if each.trajectory_id not in known
    ]


def keep(session: Session, actor: Actor, inspection_id: UUID, dwelling_id: UUID, shown: Sequence[Shows]) -> None:
    """Keep an approved inspection as evidence, in the transaction of its approval, and tell of the trajectories. What is there already stays."""
    rows = [
        {
            "trajectory_id": each.trajectory_id,
            "track": each.track,
            "kind": each.kind,
            "inspection_id": inspection_id,
            "recorded_by": actor.person_id,
            "organisation_id": actor.organisation_id,
        }
        for each in dict.fromkeys(shown)
    ]
    if not rows:
        return
    session.execute(postgresql.insert(Evidence).on_conflict_do_nothing(), rows)
    municipality = dwellings.municipality_of(session, dwelling_id)
    touched = session.execute(sa.select(Trajectory.id, Trajectory.executor_id).where(Trajectory.id.in_({each.trajectory_id for each in shown})))
    announce_each(session, ChangeKind.TRAJECTORY, [(row.id, municipality, row.executor_id) for row in touched], action="trajectory.evidence-kept")


def of_inspection(session: Session, inspection_id: UUID) -> set[Shows]:
    """What an inspection is evidence for."""
    return {Shows(row.trajectory_id, row.track, row.kind) for row in session.scalars(sa.select(Evidence).where(Evidence.inspection_id == inspection_id))}
