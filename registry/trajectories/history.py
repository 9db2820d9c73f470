"""The journal of milestones as it is read: every row, how long it held, and what took its place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.db import Json
from registry.errors import Fault, NotFound
from registry.trajectories.model import Action, Confirmation, Milestone, MilestoneAlreadySuperseded, MilestoneKind, Track, Trajectory
from registry.trajectories.queries import LATER, MilestoneInForce, in_force, visible_to
from registry.values import rfc3339


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A row of the journal, in force from ``recorded_at`` until ``superseded_at``, with every confirmation it ever had."""

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
    recorded_by: UUID
    organisation_id: UUID | None
    superseded_at: datetime | None
    confirmations: Sequence[Confirmation]


def journal(session: Session, actor: Actor, trajectory_id: UUID) -> list[JournalRow]:
    """Every row ever recorded of a trajectory, in the order in which the register learned it. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    if session.scalar(sa.select(Trajectory.id).where(Trajectory.id == trajectory_id, visible_to(actor))) is None:
        raise NotFound(what="trajectory", id=trajectory_id)
    columns = [getattr(Milestone, name) for name in JournalRow.__slots__ if name not in ("superseded_at", "confirmations")]
    query = sa.select(*columns, LATER.recorded_at.label("superseded_at")).outerjoin(LATER, LATER.corrects_id == Milestone.id)
    rows = session.execute(query.where(Milestone.trajectory_id == trajectory_id).order_by(Milestone.recorded_at).limit(500)).mappings().all()
    confirmations = _confirmations(session, [row["id"] for row in rows])
    return [JournalRow(**row, confirmations=confirmations.get(row["id"], ())) for row in rows]


def _confirmations(session: Session, milestone_ids: Collection[UUID]) -> dict[UUID, list[Confirmation]]:
    """By milestone, the oldest first, withdrawn ones too."""
    found: dict[UUID, list[Confirmation]] = {}
    query = sa.select(Confirmation).where(Confirmation.milestone_id.in_(milestone_ids)).order_by(Confirmation.recorded_at, Confirmation.id)
    for confirmation in session.scalars(query):
        found.setdefault(confirmation.milestone_id, []).append(confirmation)
    return found


def known_since(session: Session, milestone_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the register first learned of what each of these rows says or corrects: the moment of the first row that it came in the place of."""
    listed = Milestone.id == sa.any_(sa.cast(list(milestone_ids), sa.ARRAY(sa.Uuid)))
    chain = sa.select(Milestone.id.label("of"), Milestone.corrects_id, Milestone.recorded_at).where(listed).cte("chain", recursive=True)
    former = sa.select(chain.c.of, Milestone.corrects_id, Milestone.recorded_at).join(chain, Milestone.id == chain.c.corrects_id)
    rows = chain.union_all(former)
    return {row[0]: row[1] for row in session.execute(sa.select(rows.c.of, sa.func.min(rows.c.recorded_at)).group_by(rows.c.of))}


def superseded_by(session: Session, milestone_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The row that corrects or retracts each of these milestones; nothing for one that is in force."""
    if not milestone_ids:
        return {}
    query = sa.select(Milestone.corrects_id, Milestone.id).where(Milestone.corrects_id.in_(milestone_ids))
    return {corrected: later for corrected, later in session.execute(query) if corrected is not None}


def superseded(session: Session, milestone_id: UUID, *, at: str = "") -> MilestoneAlreadySuperseded:
    """The refusal to change a milestone that is not in force any more: it tells what is in force in its place, None when nothing is."""
    former = session.get_one(Milestone, milestone_id)
    held = next((each for each in in_force(session, [former.trajectory_id]) if (each.track, each.kind) == (former.track, former.kind)), None)
    return MilestoneAlreadySuperseded([Fault(at, "milestone-superseded", {"id": milestone_id})], in_force=None if held is None else _told(held))


def _told(milestone: MilestoneInForce) -> dict[str, Json]:
    """In the words of the API, for whoever has to decide what it should be."""
    return {
        "id": str(milestone.id),
        "effectiveOn": milestone.effective_on.isoformat(),
        "decidedOn": milestone.decided_on.isoformat() if milestone.decided_on else None,
        "action": milestone.action.value,
        "evidence": milestone.evidence,
        "note": milestone.note,
        "recordedAt": rfc3339(milestone.recorded_at),
        "organisationId": str(milestone.organisation_id) if milestone.organisation_id else None,
    }
