"""The state of each track as it is now: what is looked up. The journal of milestones is the truth; triggers keep this beside it (migration 0018)."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, one_of
from registry.trajectories.model import Track
from registry.trajectories.rules import TrackState


class TrajectoryTrack(Base):
    """A track of a trajectory with a milestone in force: its state, and the day of each milestone. Nothing of withdrawn trajectories.

    ``SELECT rebuild_tracks()``, as the owner, makes all of it again from the journal. What is counted, or known at another moment, is never taken from here.
    """

    __tablename__ = "trajectory_track"
    __table_args__ = (
        sa.Index("ix_trajectory_track_state", "track", "state", "dwelling_id"),
        sa.Index("ix_trajectory_track_dwelling_id", "dwelling_id"),
        sa.Index("ix_trajectory_track_planned_for", "dwelling_id", "planned_for", postgresql_where=sa.text("state = 'planned'")),
    )

    trajectory_id: Mapped[UUID] = mapped_column(sa.ForeignKey("trajectory.id"), primary_key=True)
    track: Mapped[Track] = mapped_column(one_of(Track, "track"), primary_key=True)
    dwelling_id: Mapped[UUID]
    state: Mapped[TrackState] = mapped_column(one_of(TrackState, "state"))
    planned_for: Mapped[date | None]
    started_on: Mapped[date | None]
    completed_on: Mapped[date | None]
    cancelled_on: Mapped[date | None]
