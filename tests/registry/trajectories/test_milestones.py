"""The journal of milestones: nothing in it is overwritten, and both its axes of time are true."""

import threading
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Role
from registry.changes.model import Change
from registry.db import transaction
from registry.errors import Conflict, NotAllowed, NotFound, NotYours, RuleViolation
from registry.organisations.model import Organisation
from registry.trajectories import history, queries
from registry.trajectories.confirmations import NewConfirmation, confirm, confirm_each
from registry.trajectories.milestones import NewMilestone, correct, report, report_each, retract
from registry.trajectories.model import Action, Milestone, MilestoneKind, Track, Trajectory
from registry.versioned import Outcome
from tests.makers import a_dwelling, a_municipality_editor, a_trajectory, an_actor, an_editor, an_organisation, reported

RENOVATION = Track.RENOVATION
STARTED, COMPLETED = MilestoneKind.STARTED, MilestoneKind.COMPLETED


@pytest.fixture
def editor(session: Session):  # type: ignore[no-untyped-def]
    return an_editor(session)


@pytest.fixture
def trajectory(session: Session, editor):  # type: ignore[no-untyped-def]
    return a_trajectory(session, session.get_one(Organisation, editor.organisation_id))


def on(text: str) -> date:
    return date.fromisoformat(text)


def test_a_milestone_is_in_force_once_reported(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    milestone_id = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    (milestone,) = queries.in_force(session, [trajectory.id])
    assert (milestone.id, milestone.effective_on, milestone.action) == (milestone_id, on("2025-01-01"), Action.REPORTED)


def test_the_items_of_a_batch_may_stand_in_any_order(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    items = [NewMilestone(trajectory.id, RENOVATION, COMPLETED, on("2025-02-01")), NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-01-01"))]
    assert [result.outcome for result in report_each(session, editor, items)] == [Outcome.CREATED, Outcome.CREATED]


def test_one_refused_item_does_not_stop_the_others(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    items = [
        NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-01-01")),
        NewMilestone(uuid4(), RENOVATION, STARTED, on("2025-01-01")),
        NewMilestone(trajectory.id, Track.SUSTAINABILITY, COMPLETED, on("2025-01-01")),
    ]
    results = report_each(session, editor, items)
    assert [result.outcome for result in results] == [Outcome.CREATED, Outcome.REFUSED, Outcome.REFUSED]
    assert [fault.code for result in results for fault in result.faults] == ["no-such-reference", "completed-without-start"]


def test_the_same_id_with_the_same_content_changes_nothing(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    item = NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-01-01"), note="gestart", id=uuid4())
    assert report(session, editor, item).outcome is Outcome.CREATED
    assert report(session, editor, item).outcome is Outcome.UNCHANGED
    with pytest.raises(Conflict, match="already exists"):
        report(session, editor, NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-01-02"), id=item.id))


def test_a_kind_is_reported_once_per_track(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    with pytest.raises(Conflict) as refusal:
        report(session, editor, NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-02-01")))
    assert refusal.value.faults[0].code == "milestone-already-reported"


def test_a_correction_supersedes_and_the_former_row_stays(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    first = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    second = correct(session, editor, first, effective_on=on("2025-03-01"), note="verkeerde datum")
    assert [(each.id, each.effective_on) for each in queries.in_force(session, [trajectory.id])] == [(second.id, on("2025-03-01"))]
    assert [(row.action, row.corrects_id) for row in history.journal(session, editor, trajectory.id)] == [(Action.REPORTED, None), (Action.CORRECTED, first)]
    assert second.recorded_at > session.get_one(Milestone, first).recorded_at


def test_a_correction_is_judged_on_the_whole_corrected_history(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    reported(session, editor, trajectory.id, RENOVATION, COMPLETED, "2025-02-01")
    with pytest.raises(RuleViolation) as refusal:
        correct(session, editor, start, effective_on=on("2025-02-02"), note=None)
    assert [fault.code for fault in refusal.value.faults] == ["completed-before-started"]
    with pytest.raises(RuleViolation) as refusal:
        retract(session, editor, start, note="nooit begonnen")
    assert [fault.code for fault in refusal.value.faults] == ["completed-without-start"]


def test_a_retracted_milestone_can_be_reported_anew(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    retract(session, editor, start, note="verkeerde woning")
    assert queries.in_force(session, [trajectory.id]) == []
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-05-01")


def test_only_the_newest_row_can_be_corrected(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    correct(session, editor, start, effective_on=on("2025-01-02"), note=None)
    with pytest.raises(Conflict):
        correct(session, editor, start, effective_on=on("2025-01-03"), note=None)


def test_a_correction_that_changes_nothing_is_refused(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    with pytest.raises(RuleViolation) as refusal:
        correct(session, editor, start, effective_on=on("2025-01-01"), note=None)
    assert refusal.value.faults[0].code == "nothing-to-correct"


def test_today_is_the_dutch_date(session: Session, editor, trajectory, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """At 23:30 in London on 30 June it is already 1 July in the Netherlands."""
    monkeypatch.setattr(clock, "now", lambda: clock.datetime.fromisoformat("2026-06-30T22:30:00+00:00"))
    assert report(session, editor, NewMilestone(trajectory.id, RENOVATION, STARTED, on("2026-07-01"))).outcome is Outcome.CREATED


def test_only_who_runs_the_trajectory_reports_on_it(session: Session, trajectory) -> None:  # type: ignore[no-untyped-def]
    stranger, municipality = an_editor(session), a_municipality_editor(session)
    item = NewMilestone(trajectory.id, RENOVATION, STARTED, on("2025-01-01"))
    (unseen,) = report_each(session, stranger, [item])
    assert unseen.faults[0].code == "no-such-reference"
    (seen,) = report_each(session, municipality, [item])
    assert seen.faults[0].code == "not-yours"
    with pytest.raises(NotAllowed):
        report(session, an_actor(Role.MINISTRY_ANALYST), item)


def test_a_stranger_can_neither_correct_nor_see(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    with pytest.raises(NotFound):
        correct(session, an_editor(session), start, effective_on=on("2025-01-02"), note=None)
    with pytest.raises(NotYours):
        correct(session, a_municipality_editor(session), start, effective_on=on("2025-01-02"), note=None)
    with pytest.raises(NotFound):
        queries.get(session, an_editor(session), trajectory.id)


def test_the_municipality_of_the_dwelling_confirms_once(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    municipality = a_municipality_editor(session)
    assert confirm(session, municipality, NewConfirmation(milestone)).outcome is Outcome.CREATED
    assert confirm(session, municipality, NewConfirmation(milestone)).outcome is Outcome.UNCHANGED
    assert queries.in_force(session, [trajectory.id])[0].confirmed_at is not None


def test_another_municipality_cannot_confirm(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    (result,) = confirm_each(session, a_municipality_editor(session, "GM0363"), [NewConfirmation(milestone)])
    assert result.faults[0].code == "no-such-reference"


def test_a_confirmation_does_not_carry_over_to_a_correction(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    confirm(session, a_municipality_editor(session), NewConfirmation(milestone))
    correct(session, editor, milestone, effective_on=on("2025-01-05"), note=None)
    assert queries.in_force(session, [trajectory.id])[0].confirmed_at is None


@pytest.mark.parametrize("statement", ["UPDATE milestone SET effective_on = '2000-01-01'", "DELETE FROM milestone", "TRUNCATE milestone CASCADE"])
def test_the_journal_refuses_to_be_changed(session: Session, editor, trajectory, statement: str) -> None:  # type: ignore[no-untyped-def]
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
        session.execute(sa.text(statement))


def test_the_moment_of_recording_is_the_databases_and_cannot_be_given(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    row = Milestone(
        trajectory_id=trajectory.id,
        dwelling_id=trajectory.dwelling_id,
        track=RENOVATION,
        kind=STARTED,
        effective_on=on("2025-01-01"),
        action=Action.REPORTED,
        recorded_by=uuid4(),
        recorded_at=clock.now() - timedelta(days=900),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    assert clock.now() - row.recorded_at < timedelta(minutes=1)


def test_a_milestone_belongs_to_the_dwelling_of_its_trajectory(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    other = a_dwelling(session)
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(
            sa.insert(Milestone).values(
                trajectory_id=trajectory.id,
                dwelling_id=other.id,
                track="renovation",
                kind="started",
                effective_on=on("2025-01-01"),
                action="reported",
                recorded_by=uuid4(),
            )
        )


def test_the_moment_is_taken_after_waiting_for_the_dwelling(fresh_database: str) -> None:
    """A writer that waited for the lock records a later moment than the one it waited for, though it started earlier."""
    with transaction() as session:
        corporation = an_organisation(session)
        editor = an_actor(Role.CORPORATION_EDITOR, corporation)
        trajectory = a_trajectory(session, corporation)
    started, release = threading.Event(), threading.Event()

    def first() -> None:
        with transaction() as session:
            started.set()
            release.wait(10)
            reported(session, editor, trajectory.id, Track.SUSTAINABILITY, STARTED, "2025-01-01")

    writer = threading.Thread(target=first)
    writer.start()
    started.wait(10)
    with transaction() as session:
        reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
        release.set()
        held_until = session.scalars(sa.text("SELECT clock_timestamp() FROM pg_sleep(0.3)")).one()
    writer.join()
    with psycopg.connect(fresh_database) as raw:
        moments = dict(raw.execute("SELECT track, recorded_at FROM milestone").fetchall())
    assert moments["renovation"] < held_until < moments["sustainability"]


def test_two_corrections_at_once_leave_one_and_tell_the_other(fresh_database: str) -> None:
    with transaction() as session:
        corporation = an_organisation(session)
        editor = an_actor(Role.CORPORATION_EDITOR, corporation)
        trajectory = a_trajectory(session, corporation)
        milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    outcomes: list[str] = []

    def attempt(day: int) -> None:
        try:
            with transaction() as session:
                correct(session, editor, milestone, effective_on=date(2025, 2, day), note=None)
            outcomes.append("corrected")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=attempt, args=(day,)) for day in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["corrected"]


def told(session: Session, trajectory: Trajectory) -> list[tuple[str | None, object]]:
    rows = session.execute(sa.select(Change.municipality_code, Change.organisation_id).where(Change.subject_id == trajectory.id).order_by(Change.id))
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_municipality_and_executor_both_hear_of_every_step(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    confirm(session, a_municipality_editor(session), NewConfirmation(milestone))
    correct(session, editor, milestone, effective_on=on("2025-01-02"), note=None)
    assert told(session, trajectory) == [("GM0917", editor.organisation_id)] * 3


def test_work_goes_on_when_its_cancellation_was_a_mistake(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    cancelled = reported(session, editor, trajectory.id, RENOVATION, MilestoneKind.CANCELLED, "2025-03-01")
    with pytest.raises(RuleViolation) as refusal:
        report(session, editor, NewMilestone(trajectory.id, RENOVATION, COMPLETED, on("2025-04-01")))
    assert [fault.code for fault in refusal.value.faults] == ["cancelled-after-completion"]
    retract(session, editor, cancelled, note="ander traject")
    reported(session, editor, trajectory.id, RENOVATION, COMPLETED, "2025-04-01")
    with pytest.raises(RuleViolation) as refusal:
        report(session, editor, NewMilestone(trajectory.id, RENOVATION, MilestoneKind.CANCELLED, on("2025-05-01")))
    assert [fault.code for fault in refusal.value.faults] == ["cancelled-after-completion"]


def test_a_start_may_be_corrected_up_to_the_day_of_completion(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    completion = reported(session, editor, trajectory.id, RENOVATION, COMPLETED, "2025-02-01")
    moved = correct(session, editor, start, effective_on=on("2025-02-01"))
    with pytest.raises(RuleViolation):
        correct(session, editor, completion, effective_on=on("2025-01-31"))
    retract(session, editor, completion, note="nog niet gereed")
    correct(session, editor, moved.id, effective_on=on("2025-02-02"))


def test_a_cancellation_can_not_be_moved_before_the_start(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-02-01")
    cancelled = reported(session, editor, trajectory.id, RENOVATION, MilestoneKind.CANCELLED, "2025-03-01")
    with pytest.raises(RuleViolation) as refusal:
        correct(session, editor, cancelled, effective_on=on("2025-01-31"))
    assert [fault.code for fault in refusal.value.faults] == ["after-cancellation"]


def test_a_retraction_is_the_end_of_its_row(session: Session, editor, trajectory) -> None:  # type: ignore[no-untyped-def]
    start = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    gone = retract(session, editor, start, note="verkeerde woning")
    for attempt in (start, gone.id):
        with pytest.raises(Conflict):
            correct(session, editor, attempt, effective_on=on("2025-01-02"))
        with pytest.raises(Conflict):
            retract(session, editor, attempt, note="nog eens")
