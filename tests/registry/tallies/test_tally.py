"""Counting: as of a date, as known at a moment, each dwelling once."""

import random
import threading
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Role
from registry.db import Json, reading, transaction
from registry.errors import InvalidInput, NotAllowed, NotFound, RuleViolation
from registry.organisations.model import Organisation
from registry.tallies.queries import GroupBy, dwellings_counted, settled, tally, watermark
from registry.tallies.reached import AsOf, Scope
from registry.tallies.rules import parse, without_confirmation
from registry.trajectories.confirmations import NewConfirmation, confirm, withdraw
from registry.trajectories.milestones import NewMilestone, correct, report, retract
from registry.trajectories.model import FundingLine, Measure, MeasureKind, MilestoneKind, Track
from tests.makers import (
    a_dwelling,
    a_focus_area,
    a_municipality_editor,
    a_project,
    a_scheme,
    a_trajectory,
    an_actor,
    an_editor,
    an_organisation,
    reported,
)

RENOVATION, CONSTRUCTION = Track.RENOVATION, Track.CONSTRUCTION
PLANNED, STARTED, COMPLETED, CANCELLED = MilestoneKind
ANALYST = an_actor(Role.MINISTRY_ANALYST)
LATER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def count(session: Session, key: str, on: str, known_at: datetime = LATER, **scope: object) -> int:
    as_of = AsOf(date.fromisoformat(on), known_at)
    return tally(session, ANALYST, [key], as_of=as_of, group_by=GroupBy.NOTHING, scope=Scope(**scope)).total.counts[key]  # type: ignore[arg-type]


def corporation_of(session: Session, editor: Actor) -> Organisation:
    assert editor.organisation_id
    return session.get_one(Organisation, editor.organisation_id)


def now(session: Session) -> datetime:
    return session.scalars(sa.text("SELECT clock_timestamp()")).one()


def test_a_dwelling_counts_from_the_day_it_was_so(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-03-01")
    assert [count(session, "started", day) for day in ("2025-02-28", "2025-03-01", "2026-01-01")] == [0, 1, 1]


def test_a_dwelling_counts_from_the_moment_it_was_known(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    before = now(session)
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-03-01")
    assert (count(session, "started", "2025-12-31", before), count(session, "started", "2025-12-31", now(session))) == (0, 1)


def test_a_correction_changes_the_figure_and_the_former_figure_can_be_asked_again(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    milestone = reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-03-01")
    first = now(session)
    corrected = correct(session, editor, milestone, effective_on=date(2025, 6, 1), note=None)
    second = now(session)
    retract(session, editor, corrected.id, note="verkeerde woning")
    figures = [[count(session, "started", day, known) for day in ("2025-04-01", "2025-07-01")] for known in (first, second, now(session))]
    assert figures == [[1, 1], [0, 1], [0, 0]]


def test_improved_asks_for_the_confirmation_of_the_municipality(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    milestone = reported(session, editor, trajectory.id, RENOVATION, COMPLETED, "2025-02-01")
    as_of = AsOf(date(2025, 12, 31), LATER)
    before = tally(session, ANALYST, ["improved"], as_of=as_of, group_by=GroupBy.NOTHING, scope=Scope())
    unconfirmed = now(session)
    confirm(session, a_municipality_editor(session), NewConfirmation(milestone))
    after = tally(session, ANALYST, ["improved"], as_of=as_of, group_by=GroupBy.NOTHING, scope=Scope())
    assert (before.total.counts, before.total.to_be_confirmed) == ({"improved": 0}, {"improved": 1})
    assert (after.total.counts, after.total.to_be_confirmed) == ({"improved": 1}, {"improved": 0})
    assert count(session, "improved", "2025-12-31", unconfirmed) == 0


def test_a_cancelled_track_does_not_count(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    reported(session, editor, trajectory.id, RENOVATION, CANCELLED, "2025-05-01")
    assert (count(session, "started", "2025-04-30"), count(session, "started", "2025-05-01")) == (1, 0)


def test_a_dwelling_with_two_trajectories_and_two_schemes_counts_once(session: Session) -> None:
    """As the 51 homes in Vrieheide, which had money from the Volkshuisvestingsfonds and a Regio Deal."""
    editor = an_editor(session)
    dwelling = a_dwelling(session, held_by=editor)
    for _ in range(2):
        trajectory = a_trajectory(session, corporation_of(session, editor), dwelling)
        session.add_all([FundingLine(trajectory_id=trajectory.id, scheme=a_scheme(session, slug).slug) for slug in ("volkshuisvestingsfonds", "regio-deal")])
        reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    found = tally(session, ANALYST, ["started"], as_of=AsOf(date(2025, 12, 31), LATER), group_by=GroupBy.SCHEME, scope=Scope())
    assert {row.key: row.counts["started"] for row in found.rows} == {"volkshuisvestingsfonds": 1, "regio-deal": 1}
    assert found.total.counts == {"started": 1}


def test_figures_by_area_add_up_and_show_what_lies_outside(session: Session) -> None:
    editor = an_editor(session)
    area = a_focus_area(session)
    for focus_area in (area.slug, area.slug, None):
        dwelling = a_dwelling(session, held_by=editor, focus_area=focus_area)
        reported(session, editor, a_trajectory(session, corporation_of(session, editor), dwelling).id, RENOVATION, STARTED, "2025-01-01")
    found = tally(session, ANALYST, ["started"], as_of=AsOf(date(2025, 12, 31), LATER), group_by=GroupBy.FOCUS_AREA, scope=Scope())
    assert [(row.key, row.counts["started"]) for row in found.rows] == [("heerlen-noord", 2), (None, 1)]
    assert found.total.counts == {"started": 3}


def test_a_scope_limits_what_counts(session: Session) -> None:
    editor, other = an_editor(session), an_editor(session)
    project = a_project(session)
    inside = a_trajectory(session, corporation_of(session, editor), project=project.slug)
    outside = a_trajectory(session, corporation_of(session, other))
    for actor, trajectory in ((editor, inside), (other, outside)):
        reported(session, actor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    assert count(session, "started", "2025-12-31", project="vrieheide") == 1
    assert count(session, "started", "2025-12-31", corporation=other.organisation_id) == 1
    assert count(session, "started", "2025-12-31", municipality="GM0917") == 2
    assert count(session, "started", "2025-12-31", municipality="GM0363") == 0


def test_the_dwellings_behind_a_figure_are_those_it_counts(session: Session) -> None:
    editor = an_editor(session)
    counted = []
    for day in ("2025-01-01", "2025-02-01", "2026-02-01"):
        trajectory = a_trajectory(session, corporation_of(session, editor))
        reported(session, editor, trajectory.id, RENOVATION, STARTED, day)
        counted.append(trajectory.dwelling_id)
    auditor = an_actor(Role.MINISTRY_AUDITOR)
    first = dwellings_counted(session, auditor, "started", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=None, limit=1)
    rest = dwellings_counted(session, auditor, "started", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=UUID(first.next), limit=10)
    assert {row["id"] for row in [*first.items, *rest.items]} == set(counted[:2])
    with pytest.raises(NotAllowed):
        dwellings_counted(session, ANALYST, "started", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=None, limit=1)
    with pytest.raises(NotFound):
        dwellings_counted(session, auditor, "no-such-thing", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=None, limit=1)


def test_an_unknown_definition_is_named(session: Session) -> None:
    with pytest.raises(RuleViolation) as refusal:
        tally(session, ANALYST, ["improved", "doubled", "halved"], as_of=AsOf(date(2025, 1, 1), LATER), group_by=GroupBy.NOTHING, scope=Scope())
    assert [fault.facts["definition"] for fault in refusal.value.faults] == ["doubled", "halved"]


def test_a_plan_counts_from_the_day_on_which_it_was_decided(session: Session) -> None:
    """Not from the day for which it is planned, which lies ahead."""
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    plan = NewMilestone(trajectory.id, CONSTRUCTION, PLANNED, date(2090, 1, 1), decided_on=date(2025, 3, 1))
    report(session, editor, plan)
    assert [count(session, "in-preparation", day) for day in ("2025-02-28", "2025-03-01", "2091-01-01")] == [0, 1, 1]
    reported(session, editor, trajectory.id, CONSTRUCTION, STARTED, "2025-06-01")
    assert [count(session, "in-preparation", day) for day in ("2025-05-31", "2025-06-01")] == [1, 0]
    assert [count(session, "under-construction", day) for day in ("2025-05-31", "2025-06-01")] == [0, 1]


def test_a_plan_that_does_not_say_since_when_counts_from_its_recording_or_its_day(session: Session) -> None:
    editor = an_editor(session)
    ahead, past = (a_trajectory(session, corporation_of(session, editor)) for _ in range(2))
    milestone = reported(session, editor, ahead.id, CONSTRUCTION, PLANNED, "2090-01-01")
    reported(session, editor, past.id, CONSTRUCTION, PLANNED, "2025-03-01")
    today, yesterday = clock.today(), clock.today() - timedelta(days=1)
    assert [count(session, "in-preparation", day.isoformat()) for day in (date(2025, 2, 28), date(2025, 3, 1), yesterday, today)] == [0, 1, 1, 2]
    correct(session, editor, milestone, effective_on=date(2091, 1, 1))
    assert [count(session, "in-preparation", day.isoformat()) for day in (yesterday, today)] == [1, 2]


def test_a_cancelled_plan_is_in_preparation_no_more(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    report(session, editor, NewMilestone(trajectory.id, CONSTRUCTION, PLANNED, date(2090, 1, 1), decided_on=date(2025, 3, 1)))
    reported(session, editor, trajectory.id, CONSTRUCTION, CANCELLED, "2025-05-01")
    assert [count(session, "in-preparation", day) for day in ("2025-04-30", "2025-05-01")] == [1, 0]


def test_a_household_is_helped_once_however_many_measures_it_got(session: Session) -> None:
    editor = an_editor(session)
    dwelling = a_dwelling(session, held_by=editor)
    for day in ("2025-02-01", "2025-03-01"):
        trajectory = a_trajectory(session, corporation_of(session, editor), dwelling)
        for kind in (MeasureKind.ROOF_INSULATION, MeasureKind.SMALL_MEASURES):
            session.add(Measure(trajectory_id=trajectory.id, kind=kind, applied_on=date.fromisoformat(day), recorded_by=uuid4()))
    session.flush()
    before = now(session)
    assert [count(session, "household-helped", day) for day in ("2025-01-31", "2025-02-01", "2025-12-31")] == [0, 1, 1]
    session.execute(sa.text("UPDATE measure SET superseded_at = clock_timestamp()"))
    assert (count(session, "household-helped", "2025-12-31", before), count(session, "household-helped", "2025-12-31")) == (1, 0)


def test_the_households_of_one_corporation_are_counted_and_found(session: Session) -> None:
    mine, other = an_editor(session), an_editor(session)
    trajectories = [a_trajectory(session, corporation_of(session, editor), project=a_project(session).slug) for editor in (mine, other)]
    for trajectory in trajectories:
        session.add(Measure(trajectory_id=trajectory.id, kind=MeasureKind.HEAT_PUMP, applied_on=date(2025, 1, 1), recorded_by=uuid4()))
    session.flush()
    on, scope = "2025-12-31", Scope(corporation=mine.organisation_id, municipality="GM0917", project="vrieheide")
    assert (count(session, "household-helped", on), count(session, "household-helped", on, corporation=mine.organisation_id)) == (2, 1)
    auditor = an_actor(Role.MINISTRY_AUDITOR)
    page = dwellings_counted(session, auditor, "household-helped", as_of=AsOf(date(2025, 12, 31), LATER), scope=scope, after=None, limit=10)
    assert [row["id"] for row in page.items] == [trajectories[0].dwelling_id]
    page = dwellings_counted(session, mine, "household-helped", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=None, limit=10)
    assert [row["id"] for row in page.items] == [trajectories[0].dwelling_id]
    as_of = AsOf(date(2025, 12, 31), LATER)
    found = tally(session, ANALYST, ["household-helped"], as_of=as_of, group_by=GroupBy.CORPORATION, scope=Scope(project="vrieheide"))
    assert {row.key: row.counts["household-helped"] for row in found.rows} == {str(mine.organisation_id): 1, str(other.organisation_id): 1}


def test_a_withdrawn_confirmation_counts_as_long_as_it_was_not_known_to_be_a_mistake(session: Session) -> None:
    editor, municipality = an_editor(session), a_municipality_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    milestone = reported(session, editor, trajectory.id, RENOVATION, COMPLETED, "2025-02-01")
    confirm(session, municipality, NewConfirmation(milestone))
    confirmed = now(session)
    withdraw(session, municipality, milestone, reason="verkeerd pand")
    withdrawn = now(session)
    confirm(session, municipality, NewConfirmation(milestone))
    assert [count(session, "improved", "2025-12-31", moment) for moment in (confirmed, withdrawn, LATER)] == [1, 0, 1]


def test_what_an_undone_import_opened_does_not_count_from_then_on(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    before = now(session)
    session.execute(sa.text("UPDATE trajectory SET withdrawn_at = clock_timestamp()"))
    assert (count(session, "started", "2025-12-31", before), count(session, "started", "2025-12-31")) == (1, 0)


def test_money_that_was_taken_back_puts_a_dwelling_in_no_group_of_its_scheme(session: Session) -> None:
    editor = an_editor(session)
    trajectory = a_trajectory(session, corporation_of(session, editor))
    session.add_all([FundingLine(trajectory_id=trajectory.id, scheme=a_scheme(session, slug).slug) for slug in ("volkshuisvestingsfonds", "regio-deal")])
    reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    before = now(session)
    session.execute(sa.text("UPDATE funding_line SET superseded_at = clock_timestamp() WHERE scheme = 'regio-deal'"))

    def by_scheme(known_at: datetime) -> dict[str | None, int]:
        as_of = AsOf(date(2025, 12, 31), known_at)
        return {row.key: row.counts["started"] for row in tally(session, ANALYST, ["started"], as_of=as_of, group_by=GroupBy.SCHEME, scope=Scope()).rows}

    assert by_scheme(before) == {"volkshuisvestingsfonds": 1, "regio-deal": 1}
    assert by_scheme(LATER) == {"volkshuisvestingsfonds": 1}
    assert [count(session, "started", "2025-12-31", moment, schemes=("regio-deal",)) for moment in (before, LATER)] == [1, 0]


def test_a_dwelling_that_is_being_built_is_in_preparation_by_no_scheme(session: Session) -> None:
    """Also where the trajectory that is started has no money of the scheme: a row has no dwelling that the total does not have."""
    editor = an_editor(session)
    dwelling = a_dwelling(session, held_by=editor)
    a_scheme(session)
    paid, unpaid = (a_trajectory(session, corporation_of(session, editor), dwelling) for _ in range(2))
    session.add(FundingLine(trajectory_id=paid.id, scheme="volkshuisvestingsfonds"))
    reported(session, editor, paid.id, CONSTRUCTION, PLANNED, "2025-01-01")
    reported(session, editor, unpaid.id, CONSTRUCTION, STARTED, "2025-06-01")

    def in_preparation(on: str) -> tuple[dict[str | None, int], int]:
        as_of = AsOf(date.fromisoformat(on), LATER)
        found = tally(session, ANALYST, ["in-preparation"], as_of=as_of, group_by=GroupBy.SCHEME, scope=Scope())
        return {row.key: row.counts["in-preparation"] for row in found.rows}, found.total.counts["in-preparation"]

    assert in_preparation("2025-05-31") == ({"volkshuisvestingsfonds": 1}, 1)
    assert in_preparation("2025-06-01") == ({"volkshuisvestingsfonds": 0, None: 0}, 0)


@pytest.mark.parametrize(
    "rule",
    [
        {"not": {"measure": "any"}},
        {"any": [{"measure": "any"}, {"not": {"track": "renovation", "reached": "started"}}]},
        {"all": []},
        {"any": []},
        {"all": [{"not": {"measure": "any"}}]},
        {"measure": ["painting"]},
        {"track": "renovation", "reached": "cancelled"},
    ],
)
def test_a_rule_asks_for_something_that_happened(rule: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(rule)


def test_what_a_rule_rules_out_stays_ruled_out_without_confirmation() -> None:
    rule = parse({"all": [{"track": "renovation", "reached": "started"}, {"not": {"track": "renovation", "reached": "completed", "confirmed": True}}]})
    assert without_confirmation(rule) == rule


def test_a_rule_without_confirmation_keeps_its_shape() -> None:
    rule = parse({"any": [{"track": "renovation", "reached": "completed", "confirmed": True}, {"track": "sustainability", "reached": "started"}]})
    assert without_confirmation(rule) == parse({"any": [{"track": "renovation", "reached": "completed"}, {"track": "sustainability", "reached": "started"}]})


def test_a_moment_that_is_not_settled_is_refused(fresh_database: str) -> None:
    """While a writer is open, what it will record may still get a moment before now: only the time before it started is settled."""
    inside, release = threading.Event(), threading.Event()

    def writer() -> None:
        with transaction() as session:
            session.execute(sa.text("SELECT 1"))
            inside.set()
            release.wait(10)

    thread = threading.Thread(target=writer)
    thread.start()
    inside.wait(10)
    with reading() as session:
        mark = watermark(session)
        with pytest.raises(InvalidInput):
            settled(session, clock.now())
        assert settled(session, mark) == mark
    release.set()
    thread.join()
    with reading() as session:
        assert watermark(session) > mark


def test_a_figure_at_the_watermark_never_changes_afterwards(fresh_database: str) -> None:
    """Writers go on all the time; each figure is asked at the watermark, and again when all is quiet."""
    with transaction() as session:
        corporation = an_organisation(session)
        editor = an_actor(Role.CORPORATION_EDITOR, corporation)
        trajectories = [a_trajectory(session, corporation).id for _ in range(200)]
    queue, lock = list(trajectories), threading.Lock()

    def writer(seed: int) -> None:
        choose = random.Random(seed)
        while True:
            with lock:
                if not queue:
                    return
                trajectory = queue.pop()
            with transaction() as session:
                reported(session, editor, trajectory, RENOVATION, STARTED, "2025-01-01")
                session.execute(sa.text("SELECT pg_sleep(:s)"), {"s": choose.random() * 0.02})

    writers = [threading.Thread(target=writer, args=(seed,)) for seed in range(6)]
    for thread in writers:
        thread.start()
    published: list[tuple[datetime, int]] = []
    while any(thread.is_alive() for thread in writers):
        with reading() as session:
            mark = watermark(session)
            published.append((mark, count(session, "started", "2025-12-31", mark)))
    with reading() as session:
        again = [(mark, count(session, "started", "2025-12-31", mark)) for mark, _ in published]
        assert count(session, "started", "2025-12-31", watermark(session)) == 200
    assert again == published
    assert len({figure for _, figure in published}) > 3


def test_a_corporation_sees_the_dwellings_of_its_own_trajectories_only(session: Session) -> None:
    mine, other = an_editor(session), an_editor(session)
    trajectories = [a_trajectory(session, corporation_of(session, editor)) for editor in (mine, other)]
    for editor, trajectory in zip((mine, other), trajectories, strict=True):
        reported(session, editor, trajectory.id, RENOVATION, STARTED, "2025-01-01")
    page = dwellings_counted(session, mine, "started", as_of=AsOf(date(2025, 12, 31), LATER), scope=Scope(), after=None, limit=10)
    assert [row["id"] for row in page.items] == [trajectories[0].dwelling_id]
