"""The journal of milestones against a model that is a list: whatever is done in whatever order, both say the same, of any day as known at any moment.

Several trajectories and all tracks; reports by themselves, in batches and sent again, corrections, retractions, confirmations and withdrawals, right and
wrong ones; on a real PostgreSQL.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from registry import clock
from registry.access import Actor
from registry.errors import RegistryError
from registry.organisations.model import Organisation
from registry.tallies.reached import AsOf, Scope, reached_by
from registry.trajectories import history, queries
from registry.trajectories.confirmations import NewConfirmation, confirm, withdraw
from registry.trajectories.milestones import NewMilestone, correct, report, report_each, retract
from registry.trajectories.model import MilestoneKind, Track
from registry.versioned import Outcome
from tests.conftest import rolled_back
from tests.makers import a_dwelling, a_municipality_editor, a_trajectory, an_editor
from tests.owner import as_owner

PLANNED, STARTED, COMPLETED, CANCELLED = MilestoneKind
EXAMPLES, STEPS = 200, 100
LEAST_STEPS = 10_000


@dataclass
class Confirmed:
    """At which step, and until which."""

    step: int
    until: int | None = None


@dataclass
class Row:
    """One line of the list. ``corrects`` is the place of the line that it takes the place of."""

    id: UUID
    trajectory: int
    track: Track
    kind: MilestoneKind
    on: date
    decided: date | None
    note: str | None
    action: str
    step: int
    corrects: int | None = None
    confirmed: list[Confirmed] = field(default_factory=list)


class Model:
    """Everything is worked out from the beginning each time, as slowly and plainly as it can be."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.rows: list[Row] = []

    def known(self, step: int) -> list[tuple[int, Row]]:
        return [(place, row) for place, row in enumerate(self.rows) if row.step <= step]

    def in_force(self, step: int) -> list[tuple[int, Row]]:
        known = self.known(step)
        replaced = {row.corrects for _, row in known}
        return [(place, row) for place, row in known if place not in replaced and row.action != "retracted"]

    def holds(self, place: int) -> bool:
        return any(place == other for other, _ in self.in_force(10**9))

    def of_track(self, trajectory: int, track: Track, *, but: int | None = None) -> dict[MilestoneKind, date]:
        return {row.kind: row.on for place, row in self.in_force(10**9) if (row.trajectory, row.track) == (trajectory, track) and place != but}

    def is_confirmed(self, row: Row, step: int) -> bool:
        return any(each.step <= step and (each.until is None or each.until > step) for each in row.confirmed)

    def day_faults(self, kind: MilestoneKind, on: date, decided: date | None) -> list[str]:
        faults = ["date-too-early"] if on.year < 2000 else ["future-date"] if on > self.today and kind is not PLANNED else []
        if decided is None:
            return faults
        if kind is not PLANNED:
            return [*faults, "only-of-a-plan"]
        return faults + (["date-too-early"] if decided.year < 2000 else ["future-date"] if decided > self.today else [])

    @staticmethod
    def order_faults(track: Track, dates: dict[MilestoneKind, date]) -> list[str]:
        faults = []
        if COMPLETED in dates:
            if STARTED not in dates and track is not Track.ACQUISITION:
                faults.append("completed-without-start")
            if STARTED in dates and dates[COMPLETED] < dates[STARTED]:
                faults.append("completed-before-started")
            if CANCELLED in dates:
                faults.append("cancelled-after-completion")
        if CANCELLED in dates and STARTED in dates and dates[STARTED] > dates[CANCELLED]:
            faults.append("after-cancellation")
        return faults

    def report_faults(self, new: Row) -> list[str]:
        faults, dates = self.day_faults(new.kind, new.on, new.decided), self.of_track(new.trajectory, new.track)
        if new.kind in dates:
            return [*faults, "milestone-already-reported"]
        return faults + self.order_faults(new.track, {**dates, new.kind: new.on})

    def since(self, row: Row) -> date:
        return row.on if row.kind is not PLANNED else row.decided or min(row.on, self.today)

    def reached(self, day: date, step: int) -> set[tuple[int, Track, bool, bool, bool, bool, bool]]:
        """Per trajectory and track: started, completed; and a plan, a start and a completion confirmed."""
        there = [row for _, row in self.in_force(step) if self.since(row) <= day]
        found = set()
        for trajectory, track in {(row.trajectory, row.track) for row in there}:
            rows = [row for row in there if (row.trajectory, row.track) == (trajectory, track)]
            if any(row.kind is CANCELLED for row in rows):
                continue
            sure = [row for row in rows if self.is_confirmed(row, step)]
            late = (STARTED, COMPLETED)
            found.add(
                (
                    trajectory,
                    track,
                    any(row.kind in late for row in rows),
                    any(row.kind is COMPLETED for row in rows),
                    bool(sure),
                    any(row.kind in late for row in sure),
                    any(row.kind is COMPLETED for row in sure),
                )
            )
        return found


TODAY = clock.today()
FIRST = date(2024, 1, 1)
usual_days = st.integers(0, 40).map(lambda days: FIRST + timedelta(days=days))
days = st.one_of(usual_days, usual_days, usual_days, st.sampled_from([date(1999, 12, 31), TODAY, TODAY + timedelta(days=1), date(2090, 1, 1)]))
decisions = st.one_of(st.none(), st.none(), days)
trajectories = st.integers(0, 3)
tracks = st.sampled_from([Track.CONSTRUCTION, Track.CONSTRUCTION, Track.RENOVATION, *Track])
kinds = st.sampled_from([PLANNED, STARTED, STARTED, COMPLETED, COMPLETED, CANCELLED])
places = st.integers(0, 10**6)
notes = st.sampled_from([None, "a", "b"])
new_items = st.tuples(trajectories, tracks, kinds, days, decisions, notes)
NO_CHANGE = object()


class Journal(RuleBasedStateMachine):
    engine: ClassVar[sa.Engine]
    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        # Each run has a transaction of its own: in one for all of them, what the former ones left could not be cleared away, and every question took longer.
        self.open = ExitStack()
        self.open.enter_context(rolled_back(self.engine))
        self.session = self.open.enter_context(as_owner())
        self.editor: Actor = an_editor(self.session)
        self.municipality = a_municipality_editor(self.session)
        corporation = self.session.get_one(Organisation, self.editor.organisation_id)
        dwellings = [a_dwelling(self.session, held_by=self.editor) for _ in range(2)]
        self.ids = [a_trajectory(self.session, corporation, dwellings[place % 2]).id for place in range(4)]
        self.model = Model(TODAY)
        self.moments: list[datetime] = []

    # What is done, and what both say of it

    def done(self, name: str) -> None:
        """The step is over: nothing that comes later was known at this moment."""
        self.moments.append(datetime.now(UTC))
        self.steps[name] += 1

    @property
    def step(self) -> int:
        return len(self.moments)

    def attempt(self, act: Callable[[], Any], expected: list[str]) -> Any:
        """What ``act`` gives, None when it is refused with exactly these codes, as the model expects."""
        codes: list[str] = []
        result = None
        try:
            result = act()
        except RegistryError as error:
            codes = sorted(fault.code for fault in error.faults)
        assert codes == sorted(expected)
        return result

    def item(self, said: tuple[int, Track, MilestoneKind, date, date | None, str | None]) -> tuple[NewMilestone, Row]:
        trajectory, track, kind, on, decided, note = said
        id = uuid4()
        item = NewMilestone(self.ids[trajectory], track, kind, on, note=note, id=id, decided_on=decided)
        return item, Row(id, trajectory, track, kind, on, decided, note, "reported", self.step)

    @rule(said=new_items)
    def report(self, said: Any) -> None:
        item, row = self.item(said)
        expected = self.model.report_faults(row)
        if self.attempt(lambda: report(self.session, self.editor, item), expected) is not None:
            self.model.rows.append(row)
        self.done("reported" if not expected else "report refused")

    @rule(said=st.lists(new_items, min_size=2, max_size=5))
    def report_batch(self, said: list[Any]) -> None:
        pairs = [self.item(each) for each in said]
        expected: dict[UUID, list[str]] = {}
        for _, row in sorted(pairs, key=lambda pair: list(MilestoneKind).index(pair[1].kind)):
            expected[row.id] = self.model.report_faults(row)
            if not expected[row.id]:
                self.model.rows.append(row)
        # Judged a start before the completion that needs it, and kept in the order in which they were sent.
        self.model.rows = [row for row in self.model.rows if row.id not in expected] + [row for _, row in pairs if not expected[row.id]]
        results = report_each(self.session, self.editor, [item for item, _ in pairs])
        assert [sorted(fault.code for fault in result.faults) for result in results] == [sorted(expected[row.id]) for _, row in pairs]
        self.done("batch")

    @precondition(lambda self: self.model.rows)
    @rule(place=places)
    def send_again(self, place: int) -> None:
        row = self.model.rows[place % len(self.model.rows)]
        if row.action == "reported":
            item = NewMilestone(self.ids[row.trajectory], row.track, row.kind, row.on, note=row.note, id=row.id, decided_on=row.decided)
            assert report(self.session, self.editor, item).outcome is Outcome.UNCHANGED
        self.done("sent again")

    @precondition(lambda self: self.model.rows)
    @rule(
        place=places,
        on=st.one_of(st.just(NO_CHANGE), days, days),
        decided=st.one_of(st.just(NO_CHANGE), st.just(NO_CHANGE), decisions),
        note=st.one_of(st.just(NO_CHANGE), notes),
    )
    def correct(self, place: int, on: Any, decided: Any, note: Any) -> None:
        place %= len(self.model.rows)
        former = self.model.rows[place]
        changes = {name: value for name, value in (("effective_on", on), ("decided_on", decided), ("note", note)) if value is not NO_CHANGE}
        new = replace(
            former,
            on=former.on if on is NO_CHANGE else on,
            decided=former.decided if decided is NO_CHANGE else decided,
            note=former.note if note is NO_CHANGE else note,
            action="corrected",
            step=self.step,
            corrects=place,
            confirmed=[],
        )
        if not self.model.holds(place):
            expected = ["milestone-superseded"]
        else:
            dates = self.model.of_track(former.trajectory, former.track, but=place)
            expected = self.model.day_faults(new.kind, new.on, new.decided) + self.model.order_faults(new.track, {**dates, new.kind: new.on})
            expected += ["nothing-to-correct"] if (new.on, new.decided, new.note) == (former.on, former.decided, former.note) else []
        made = self.attempt(lambda: correct(self.session, self.editor, former.id, **changes), expected)
        if made is not None:
            if new.kind is PLANNED and new.decided is None:
                new.decided = min(self.model.today, new.on)
            new.id = made.id
            self.model.rows.append(new)
        self.done("corrected" if not expected else "correction refused")

    @precondition(lambda self: self.model.rows)
    @rule(place=places)
    def retract(self, place: int) -> None:
        place %= len(self.model.rows)
        former = self.model.rows[place]
        if not self.model.holds(place):
            expected = ["milestone-superseded"]
        else:
            expected = self.model.order_faults(former.track, self.model.of_track(former.trajectory, former.track, but=place))
        made = self.attempt(lambda: retract(self.session, self.editor, former.id, note="never so"), expected)
        if made is not None:
            self.model.rows.append(replace(former, id=made.id, note="never so", action="retracted", step=self.step, corrects=place, confirmed=[]))
        self.done("retracted" if not expected else "retraction refused")

    @precondition(lambda self: self.model.rows)
    @rule(place=places)
    def confirm(self, place: int) -> None:
        place %= len(self.model.rows)
        row = self.model.rows[place]
        held = self.model.holds(place)
        result = self.attempt(lambda: confirm(self.session, self.municipality, NewConfirmation(row.id)), [] if held else ["milestone-superseded"])
        if held:
            known = self.model.is_confirmed(row, self.step)
            assert result.outcome is (Outcome.UNCHANGED if known else Outcome.CREATED)
            row.confirmed += [] if known else [Confirmed(self.step)]
        self.done("confirmed" if held else "confirmation refused")

    @precondition(lambda self: any(row.confirmed for row in self.model.rows))
    @rule(place=places)
    def withdraw(self, place: int) -> None:
        once = [row for row in self.model.rows if row.confirmed]
        row = once[place % len(once)]
        held = self.model.holds(self.model.rows.index(row))
        known = self.model.is_confirmed(row, self.step)
        expected = ["milestone-superseded"] if not held else [] if known else ["milestone-not-confirmed"]
        self.attempt(lambda: withdraw(self.session, self.municipality, row.id, reason="a mistake"), expected)
        if not expected:
            row.confirmed[-1].until = self.step
        self.done("withdrawn" if not expected else "withdrawal refused")

    # What both say of it afterwards

    @precondition(lambda self: self.moments)
    @rule(day=days, place=places)
    def ask(self, day: date, place: int) -> None:
        """Of any day, as known at any moment."""
        step = place % len(self.moments)
        assert self.reached(day, self.moments[step]) == self.model.reached(day, step)
        self.done("asked")

    def reached(self, day: date, known_at: datetime) -> set[Any]:
        found = reached_by(AsOf(day, known_at), Scope(corporation=self.editor.organisation_id), [])
        names = ("started", "completed", "planned_confirmed", "started_confirmed", "completed_confirmed")
        rows = self.session.execute(sa.select(found.c.trajectory_id, found.c.track, *(found.c[name] for name in names)))
        return {(self.ids.index(trajectory), Track(track), *points) for trajectory, track, *points in rows}

    def teardown(self) -> None:
        with self.open:
            self.compare_all()

    def compare_all(self) -> None:
        """The whole history: each row, how long it held, and its confirmations."""
        for place, trajectory_id in enumerate(self.ids):
            journal = history.journal(self.session, self.editor, trajectory_id)
            assert [self.seen(row) for row in journal] == list(self.expected(place))
            held = {(row.id, row.confirmed_at is not None) for row in queries.in_force(self.session, [trajectory_id])}
            assert held == {(row.id, self.model.is_confirmed(row, 10**9)) for _, row in self.model.in_force(10**9) if row.trajectory == place}
        for step in range(0, len(self.moments), 25):
            day = FIRST + timedelta(days=step % 41)
            assert self.reached(day, self.moments[step]) == self.model.reached(day, step)

    def at(self, moment: datetime | None) -> int | None:
        """The step in which it was."""
        return None if moment is None else sum(before < moment for before in self.moments)

    def seen(self, row: history.JournalRow) -> tuple[Any, ...]:
        confirmations = [(self.at(each.recorded_at), self.at(each.withdrawn_at)) for each in row.confirmations]
        said = (row.id, row.track, row.kind, row.effective_on, row.decided_on, row.note, row.action.value)
        return *said, self.at(row.recorded_at), self.at(row.superseded_at), row.corrects_id, confirmations

    def expected(self, trajectory: int) -> Iterator[tuple[Any, ...]]:
        for place, row in enumerate(self.model.rows):
            if row.trajectory == trajectory:
                later = next((other.step for other in self.model.rows if other.corrects == place), None)
                corrects = None if row.corrects is None else self.model.rows[row.corrects].id
                said = (row.id, row.track, row.kind, row.on, row.decided, row.note, row.action)
                yield *said, row.step, later, corrects, [(each.step, each.until) for each in row.confirmed]


@pytest.mark.slow
def test_the_journal_says_what_a_list_says(engine: sa.Engine) -> None:
    Journal.engine, Journal.steps = engine, Counter()
    run_state_machine_as_test(
        Journal,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
    total = Journal.steps.total()
    print(f"{total} steps: {dict(Journal.steps.most_common())}")  # noqa: T201
    assert total >= LEAST_STEPS
    assert min(Journal.steps[name] for name in ("reported", "corrected", "retracted", "confirmed", "withdrawn", "asked")) >= 100
