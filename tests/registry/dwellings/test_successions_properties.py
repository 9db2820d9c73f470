"""Any successions, recorded and retracted in any order: lineage, ends and figures are what plain Python makes of them, now and as known at every moment."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.db import counting, reading, transaction
from registry.dwellings import queries, successions
from registry.dwellings.succession_model import SuccessionKind
from registry.dwellings.succession_rules import SHAPES, NewSuccession
from registry.errors import RuleViolation
from registry.organisations.model import OrganisationKind
from registry.tallies.queries import GroupBy, dwellings_counted, tally
from registry.tallies.reached import AsOf, Scope
from registry.trajectories.model import Action, Confirmation, Milestone, MilestoneKind, Track
from tests import makers
from tests.owner import as_owner

FIRST_DAY = date(2024, 1, 1)
DAYS = 6
LATE = FIRST_DAY + timedelta(days=DAYS)
HOMES = 6
EXAMPLES = 25
KEYS = ("made-sustainable", "improved")
"""Definitions that a confirmation plays no part in, and that it does."""
done: Counter[str] = Counter()


@dataclass(frozen=True)
class Home:
    """On which days it was made sustainable and renovated, None for never; by which of two corporations; and whether the latter is confirmed."""

    sustainable: int | None
    renovated: int | None
    corporation: int
    confirmed: bool


@dataclass(frozen=True)
class Record:
    kind: SuccessionKind
    day: int
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class Retract:
    place: int
    """Which of the successions recorded so far, counted round."""


Step = Record | Retract


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind = draw(st.sampled_from([*SuccessionKind, SuccessionKind.SPLIT, SuccessionKind.MERGE]))
    (least, most), (later_least, later_most) = SHAPES[kind]
    homes = draw(st.permutations(range(HOMES)))
    count, later = draw(st.integers(least, min(most, 3))), draw(st.integers(later_least, min(later_most, 3)))
    return Record(kind, draw(st.integers(0, DAYS)), tuple(homes[:count]), tuple(homes[count : count + later]))


days = st.none() | st.integers(0, DAYS)
homes_of_a_case = st.lists(st.builds(Home, days, days, st.integers(0, 1), st.booleans()), min_size=HOMES, max_size=HOMES)
steps_of_a_case = st.lists(st.one_of(records(), records(), records(), st.builds(Retract, st.integers(0, 9))), min_size=1, max_size=9)


@dataclass
class Turn:
    """A succession that was accepted, from when the register knew it and until when."""

    id: UUID
    step: Record
    known_from: datetime
    known_until: datetime | None = None


@dataclass
class Model:
    """The register in plain Python."""

    homes: list[Home]
    turns: list[Turn] = field(default_factory=list)

    def in_force(self, known_at: datetime | None = None, day: int = DAYS) -> list[Record]:
        return [
            turn.step
            for turn in self.turns
            if turn.step.day <= day
            and (known_at is None or turn.known_from < known_at)
            and (turn.known_until is None or (known_at is not None and turn.known_until >= known_at))
        ]

    def before(self, home: int, records: list[Record]) -> set[int]:
        found: set[int] = set()
        todo = [home]
        while todo:
            later = todo.pop()
            new = {earlier for record in records if later in record.after for earlier in record.before} - found
            found |= new
            todo += new
        return found

    def lineage(self) -> set[tuple[int, int]]:
        return {(earlier, home) for home in range(HOMES) for earlier in self.before(home, self.in_force())}

    def ended(self) -> list[int | None]:
        return [next((record.day for record in self.in_force() if home in record.before), None) for home in range(HOMES)]

    def counted(self, key: str, day: int, known_at: datetime | None, group: int | None = None) -> set[int]:
        def holds(home: Home) -> bool:
            when = home.sustainable if key == "made-sustainable" else home.renovated
            return when is not None and when <= day and (key == "made-sustainable" or home.confirmed) and group in (None, home.corporation)

        held = {place for place, home in enumerate(self.homes) if holds(home)}
        records = self.in_force(known_at, day)
        return {home for home in held if not self.before(home, records) & held}


@dataclass
class World:
    municipality: Actor
    corporations: list[Actor]
    ids: list[UUID]

    def day(self, offset: int) -> date:
        return FIRST_DAY + timedelta(days=offset)


def a_world(session: Session, homes: list[Home]) -> World:
    makers.a_municipality(session)
    municipality = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=makers.HEERLEN)
    actor, _ = makers.a_member(session, Role.MUNICIPALITY_EDITOR, municipality)
    corporations = [makers.an_organisation(session) for _ in range(2)]
    editors = [makers.a_member(session, Role.CORPORATION_EDITOR, each)[0] for each in corporations]
    ids = []
    for home in homes:
        dwelling = makers.a_dwelling(session)
        ids.append(dwelling.id)
        trajectory = makers.a_trajectory(session, corporations[home.corporation], dwelling)
        for track, day in ((Track.SUSTAINABILITY, home.sustainable), (Track.RENOVATION, home.renovated)):
            if day is not None:
                said = {"trajectory_id": trajectory.id, "dwelling_id": dwelling.id, "action": Action.REPORTED, "recorded_by": uuid4()}
                milestone = Milestone(track=track, kind=MilestoneKind.COMPLETED, effective_on=FIRST_DAY + timedelta(days=day), **said)
                session.add(milestone)
                session.flush()
                if track is Track.RENOVATION and home.confirmed:
                    session.add(Confirmation(milestone_id=milestone.id, recorded_by=uuid4()))
    session.flush()
    return World(actor, editors, ids)


def now(session: Session) -> datetime:
    return session.scalars(sa.text("SELECT clock_timestamp()")).one()


def take(world: World, model: Model, step: Step) -> bool:
    """Do one step in the register and, when it is accepted, in the model."""
    with transaction(world.municipality) as session:
        if isinstance(step, Retract):
            if not model.turns:
                return False
            turn = model.turns[step.place % len(model.turns)]
            told = successions.retract(session, world.municipality, turn.id, reason="a test")
            assert told.succession.retracted_at
            turn.known_until = turn.known_until or told.succession.retracted_at
            return True
        before, after = (tuple(world.ids[place] for place in places) for places in (step.before, step.after))
        new = NewSuccession(step.kind, world.day(step.day), before, after)
        if not may_be_so(model, step):
            with pytest.raises(RuleViolation):
                successions.record(session, world.municipality, new)
            return False
        told, _ = successions.record(session, world.municipality, new)
        model.turns.append(Turn(told.succession.id, step, told.succession.recorded_at))
        return True


def may_be_so(model: Model, step: Record) -> bool:
    """A dwelling ends once, not before it came, nothing comes of one that had ended, and none comes before itself."""
    present = model.in_force()
    ends = {home: record.day for record in present for home in record.before}
    comes = {home: max(record.day for record in present if home in record.after) for record in present for home in record.after}
    circle = set(step.after) & {*step.before, *(earlier for home in step.before for earlier in model.before(home, present))}
    return not (
        circle
        or any(home in ends or comes.get(home, step.day) > step.day for home in step.before)
        or any(ends.get(home, step.day) < step.day for home in step.after)
    )


def agrees(world: World, model: Model) -> None:
    places = {id: place for place, id in enumerate(world.ids)}
    with as_owner() as session:
        lineage = session.execute(sa.text("SELECT predecessor_id, successor_id FROM lineage"))
        assert {(places[row[0]], places[row[1]]) for row in lineage} == model.lineage()
        ended = dict(session.execute(sa.text("SELECT id, ended_on FROM dwelling")).all())
        assert [ended[id] for id in world.ids] == [None if day is None else world.day(day) for day in model.ended()]
    with reading(world.municipality) as session:
        for place, id in enumerate(world.ids):
            line = {places[each] for each in session.scalars(queries.line_of(id))}
            assert line == {place} | {other for pair in model.lineage() if place in pair for other in pair}


def figures(world: World, known_at: datetime, day: int) -> dict[tuple[str, int | None], int]:
    as_of = AsOf(world.day(day), known_at)
    with counting(world.municipality) as session:
        counted = tally(session, world.municipality, KEYS, as_of=as_of, group_by=GroupBy.CORPORATION, scope=Scope(municipality=makers.HEERLEN))
    rows = {row.key: row for row in counted.rows}
    found: dict[tuple[str, int | None], int] = {(key, None): counted.total.counts[key] for key in KEYS}
    for group, editor in enumerate(world.corporations):
        row = rows.get(str(editor.organisation_id))
        found |= {(key, group): row.counts[key] if row else 0 for key in KEYS}
    assert all(missing >= 0 for row in (*counted.rows, counted.total) for missing in row.to_be_confirmed.values())
    return found


def wanted(model: Model, known_at: datetime, day: int) -> dict[tuple[str, int | None], int]:
    return {(key, group): len(model.counted(key, day, known_at, group)) for key in KEYS for group in (None, 0, 1)}


def behind(world: World, key: str, known_at: datetime) -> set[int]:
    """The dwellings that a figure is made of."""
    with reading(world.municipality) as session:
        as_of = AsOf(LATE, known_at)
        page = dwellings_counted(session, world.municipality, key, as_of=as_of, scope=Scope(municipality=makers.HEERLEN), after=None, limit=500)
    return {world.ids.index(row["id"]) for row in page.items}


@settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=True)
@given(homes=homes_of_a_case, steps=steps_of_a_case)
def test_figures_and_lineage_are_those_of_plain_python(whole: sa.Connection, homes: list[Home], steps: list[Step]) -> None:
    savepoint = whole.begin_nested()
    try:
        run(homes, steps)
    finally:
        savepoint.rollback()


def run(homes: list[Home], steps: list[Step]) -> None:
    model = Model(homes)
    moments: list[tuple[datetime, dict[tuple[str, int | None], int]]] = []
    with as_owner() as session:
        world = a_world(session, homes)
        moment = now(session)
    for step in steps:
        before = figures(world, moment, DAYS)
        accepted = take(world, model, step)
        done[f"{type(step).__name__} {accepted}"] += 1
        with as_owner() as session:
            moment = now(session)
        after = figures(world, moment, DAYS)
        assert after == wanted(model, moment, DAYS)
        if isinstance(step, Record):
            assert all(after[key] <= count for key, count in before.items())
            done["counted less"] += any(after[key] < count for key, count in before.items())
        for key in KEYS:
            counted = behind(world, key, moment)
            assert counted == model.counted(key, DAYS, None)
            assert not any(one in model.before(other, model.in_force()) for one in counted for other in counted)
        agrees(world, model)
        moments.append((moment, after))
    for moment, figure in moments:
        assert figures(world, moment, DAYS) == figure
        assert figures(world, moment, 3) == wanted(model, moment, 3)
    everything_retracted(world, model, figures(world, moments[0][0], DAYS) if not model.turns else None)


def everything_retracted(world: World, model: Model, untouched: dict[tuple[str, int | None], int] | None) -> None:
    """Then all is as if nothing had been recorded; and what can be made anew is what the triggers kept."""
    with as_owner() as session:
        kept = session.execute(sa.text("SELECT predecessor_id, successor_id FROM lineage ORDER BY 1, 2")).all()
        session.execute(sa.text("SELECT rebuild_lineage()"))
        assert session.execute(sa.text("SELECT predecessor_id, successor_id FROM lineage ORDER BY 1, 2")).all() == kept
    for place in range(len(model.turns)):
        take(world, model, Retract(place))
    agrees(world, model)
    with as_owner() as session:
        moment = now(session)
    restored = figures(world, moment, DAYS)
    assert restored == wanted(replace(model, turns=[]), moment, DAYS)
    assert untouched in (None, restored)


def test_the_examples_said_something() -> None:
    """Run with -s to see how much."""
    print(dict(done))  # noqa: T201
    assert done["Record True"] > 20
    assert done["Record False"] > 15
    assert done["Retract True"] > 10
    assert done["counted less"] > 5
