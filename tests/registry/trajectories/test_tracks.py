"""The state of each track as it is kept for lookup is what the journal says, whatever is reported, corrected, retracted and withdrawn."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry.trajectories.model import Action, Milestone, MilestoneKind, Track
from registry.trajectories.queries import in_force
from registry.trajectories.rules import track_states
from registry.trajectories.tracks import TrajectoryTrack
from tests import makers
from tests.owner import as_owner

DAY = date(2024, 1, 1)
DATES = {
    MilestoneKind.PLANNED: "planned_for", MilestoneKind.STARTED: "started_on", MilestoneKind.COMPLETED: "completed_on", MilestoneKind.CANCELLED: "cancelled_on",
}  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("report"),
            st.lists(st.tuples(st.integers(0, 2), st.sampled_from(Track), st.sampled_from(MilestoneKind), st.integers(0, 99)), min_size=1, max_size=4),
        ),
        st.tuples(st.sampled_from(("correct", "retract")), st.integers(0, 30)),
        st.tuples(st.sampled_from(("withdraw", "restore")), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=12,
)


def told(session: Session) -> dict[tuple[UUID, Track], tuple[Any, ...]]:
    """By the rules, over the milestones in force of trajectories that were not withdrawn."""
    ids = session.scalars(sa.text("SELECT id FROM trajectory WHERE withdrawn_at IS NULL")).all()
    histories = defaultdict(list)
    for milestone in in_force(session, ids):
        histories[milestone.trajectory_id].append(milestone.happened)
    found = {}
    for id, history in histories.items():
        for track, state in track_states(history).items():
            dates = {DATES[each.kind]: each.effective_on for each in history if each.track is track}
            found[id, track] = (state, *(dates.get(name) for name in DATES.values()))
    return found


def kept(session: Session) -> dict[tuple[UUID, Track], tuple[Any, ...]]:
    rows = session.execute(sa.select(*TrajectoryTrack.__table__.columns))
    return {(row.trajectory_id, row.track): (row.state, *(getattr(row, name) for name in DATES.values())) for row in rows}


@settings(max_examples=40, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(steps=steps)
def test_what_is_kept_is_what_the_journal_says(connection: sa.Connection, steps: list[Any]) -> None:
    savepoint = connection.begin_nested()
    try:
        with as_owner() as session:
            organisation = makers.an_organisation(session)
            trajectories = [makers.a_trajectory(session, organisation) for _ in range(3)]
            places = [(each.id, each.dwelling_id) for each in trajectories]
            live: list[dict[str, Any]] = []
            for what, how in steps:
                take(session, what, how, places, live)
                assert kept(session) == told(session), (what, how)
            before = kept(session)
            assert session.scalar(sa.text("SELECT rebuild_tracks()")) == len(before)
            assert kept(session) == before
    finally:
        savepoint.rollback()


def take(session: Session, what: str, how: Any, places: list[tuple[UUID, UUID]], live: list[dict[str, Any]]) -> None:
    """One step. ``live`` are the rows of the journal that are in force."""
    if what in ("withdraw", "restore"):
        value = "clock_timestamp()" if what == "withdraw" else "NULL"
        session.execute(sa.text(f"UPDATE trajectory SET withdrawn_at = {value} WHERE id = :id"), {"id": places[how][0]})
    elif what == "report":
        taken = {(row["trajectory_id"], row["track"], row["kind"]) for row in live}
        rows: dict[Any, dict[str, Any]] = {}
        for place, track, kind, day in how:
            id, dwelling_id = places[place]
            if (id, track, kind) not in taken:
                said = {"trajectory_id": id, "dwelling_id": dwelling_id, "track": track, "kind": kind, "effective_on": DAY + timedelta(days=day)}
                rows[id, track, kind] = {"id": uuid4(), **said, "action": Action.REPORTED, "corrects_id": None, "recorded_by": uuid4()}
        if rows:
            session.execute(sa.insert(Milestone), list(rows.values()))
            live.extend(rows.values())
    elif live:
        row = live.pop(how % len(live))
        action = Action.CORRECTED if what == "correct" else Action.RETRACTED
        later = {**row, "id": uuid4(), "corrects_id": row["id"], "action": action, "effective_on": row["effective_on"] + timedelta(days=how)}
        session.execute(sa.insert(Milestone), [later])
        if what == "correct":
            live.append(later)
