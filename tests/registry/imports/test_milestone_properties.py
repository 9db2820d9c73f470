"""A file of milestones does what its rows do one by one through the API, sent again as long as another one made them possible; and it can be undone."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry import clock
from registry.db import transaction
from registry.errors import RegistryError
from registry.imports.milestones import Milestones
from registry.organisations.model import Organisation
from registry.trajectories import milestones, queries
from registry.trajectories.model import Action, Milestone, MilestoneKind, Track, Trajectory
from tests import makers
from tests.registry.imports.by_hand import Done, apply, undo

KIND = Milestones()
COLUMNS = {
    MilestoneKind.PLANNED: "plannedOn",
    MilestoneKind.STARTED: "startedOn",
    MilestoneKind.COMPLETED: "completedOn",
    MilestoneKind.CANCELLED: "cancelledOn",
}
ORDER = list(MilestoneKind)
NUMBERS = count(1)
days = st.integers(0, 9).map(lambda day: date(2025, 1, 1) + timedelta(days=day)) | st.sampled_from([date(1999, 1, 1), date(2099, 1, 1)])
rows_of_one_track = st.tuples(st.sampled_from([Track.RENOVATION, Track.ACQUISITION]), st.dictionaries(st.sampled_from(ORDER), days, min_size=1, max_size=3))
Row = tuple[Track, dict[MilestoneKind, date]]


def text_of(trajectory_id: UUID, row: Row) -> dict[str, object]:
    """One milestone in the long form, several in the wide one."""
    track, dates = row
    said = {"trajectoryId": str(trajectory_id), "track": track.value}
    if len(dates) == 1:
        ((kind, day),) = dates.items()
        return {**said, "kind": kind.value, "effectiveOn": day.isoformat()}
    return {**said, **{COLUMNS[kind]: day.isoformat() for kind, day in dates.items()}}


def one_by_one(session: Session, actor, trajectory_id: UUID, rows: Sequence[Row]) -> list[tuple[str, set[str]]]:  # type: ignore[no-untyped-def]
    """Outcome and codes of each row: every row as a whole or not at all, over and over until nothing moves any more."""
    results: dict[int, tuple[str, set[str]]] = {}
    said: set[tuple[Track, MilestoneKind]] = set()
    for place, (track, dates) in enumerate(rows):
        if said & {(track, kind) for kind in dates}:
            results[place] = ("refused", {"row-repeated"})
        said |= {(track, kind) for kind in dates}
    pending = sorted((place for place in range(len(rows)) if place not in results), key=lambda place: (min(map(ORDER.index, rows[place][1])), place))
    moved = True
    while moved:
        moved = False
        for place in list(pending):
            results[place] = whole_row(session, actor, trajectory_id, rows[place])
            if results[place][0] != "refused":
                pending.remove(place)
                moved = True
    return [results[place] for place in range(len(rows))]


def whole_row(session: Session, actor, trajectory_id: UUID, row: Row) -> tuple[str, set[str]]:  # type: ignore[no-untyped-def]
    track, dates = row
    savepoint = session.begin_nested()
    left, outcomes, codes = sorted(dates, key=ORDER.index), set(), set[str]()
    moved = True
    while left and moved:
        moved, codes = False, set()
        for kind in list(left):
            outcome, wrong = one(session, actor, trajectory_id, track, kind, dates[kind])
            codes |= wrong
            if not wrong:
                left.remove(kind)
                outcomes.add(outcome)
                moved = True
    if left:
        savepoint.rollback()
        return "refused", codes
    savepoint.commit()
    return next(outcome for outcome in ("changed", "created", "unchanged") if outcome in outcomes), set()


def one(session: Session, actor, trajectory_id: UUID, track: Track, kind: MilestoneKind, day: date) -> tuple[str, set[str]]:  # type: ignore[no-untyped-def]
    present = {(each.track, each.kind): each for each in queries.in_force(session, [trajectory_id])}.get((track, kind))
    try:
        if present is None:
            return milestones.report(session, actor, milestones.NewMilestone(trajectory_id, track, kind, day)).outcome.value, set()
        if present.effective_on == day:
            return "unchanged", set()
        milestones.correct(session, actor, present.id, effective_on=day, note=present.note)
    except RegistryError as error:
        return "refused", {fault.code for fault in error.faults}
    return "changed", set()


def journal(session: Session, trajectory_id: UUID) -> list[tuple[object, ...]]:
    """What every row says, and what the row that it corrects said."""
    session.expire_all()
    rows = {row.id: row for row in session.scalars(sa.select(Milestone).where(Milestone.trajectory_id == trajectory_id))}
    said = [(row.action, row.track, row.kind, row.effective_on, row.corrects_id and rows[row.corrects_id].effective_on) for row in rows.values()]
    return sorted(said, key=str)


def in_force(session: Session, trajectory_id: UUID) -> set[tuple[object, ...]]:
    """With the day from which each counts: a plan that takes the place of another one says it, where the former one left it to be seen."""
    session.expire_all()
    found = queries.in_force(session, [trajectory_id])
    return {(each.track, each.kind, each.effective_on, each.note, each.decided_on or min(each.effective_on, clock.today())) for each in found}


@pytest.fixture
def editor(session: Session):  # type: ignore[no-untyped-def]
    return makers.an_editor(session)


def a_trajectory(session: Session, editor, present: Sequence[Row]) -> Trajectory:  # type: ignore[no-untyped-def]
    dwelling = makers.a_dwelling(session, held_by=editor, bag_id=f"0917010000{next(NUMBERS):06}", bag_object_type="occupiable-object")
    trajectory = makers.a_trajectory(session, session.get_one(Organisation, editor.organisation_id), dwelling)
    with transaction(editor) as api:
        one_by_one(api, editor, trajectory.id, present)
    return trajectory


def imported(editor, trajectory: Trajectory, rows: Sequence[Row]) -> Done:  # type: ignore[no-untyped-def]
    return apply(KIND, editor, [text_of(trajectory.id, row) for row in rows])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(present=st.lists(rows_of_one_track, max_size=4), rows=st.lists(rows_of_one_track, min_size=1, max_size=6))
def test_a_file_does_what_its_rows_do_one_by_one(session: Session, editor, present: list[Row], rows: list[Row]) -> None:  # type: ignore[no-untyped-def]
    by_file, by_hand = a_trajectory(session, editor, present), a_trajectory(session, editor, present)
    before = in_force(session, by_file.id)
    done = imported(editor, by_file, rows)
    with transaction(editor) as api:
        expected = one_by_one(api, editor, by_hand.id, rows)
    assert done.outcomes == [outcome for outcome, _ in expected]
    assert journal(session, by_file.id) == journal(session, by_hand.id)
    for place, (_, codes) in enumerate(expected):
        if len(rows[place][1]) == 1:
            assert {fault.code for fault in done.judged[place + 2].faults} == codes
    again = imported(editor, by_file, rows)
    assert again.effects == []
    assert [outcome == "refused" for outcome in again.outcomes] == [outcome == "refused" for outcome in done.outcomes]
    assert undo(KIND, editor, done) == []
    assert in_force(session, by_file.id) == before


def test_undoing_appends_and_overwrites_nothing(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = a_trajectory(session, editor, [(Track.RENOVATION, {MilestoneKind.STARTED: date(2025, 1, 1)})])
    done = imported(editor, trajectory, [(Track.RENOVATION, {MilestoneKind.STARTED: date(2025, 1, 2), MilestoneKind.COMPLETED: date(2025, 1, 3)})])
    before = journal(session, trajectory.id)
    assert undo(KIND, editor, done) == []
    after = journal(session, trajectory.id)
    assert [row for row in after if row in before] == before
    assert sorted(row[0] for row in after if row not in before) == [Action.CORRECTED, Action.RETRACTED]
