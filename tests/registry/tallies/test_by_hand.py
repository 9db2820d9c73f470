"""Any figure equals a count by hand: random histories, counted by a model that shares nothing with the product."""

import contextlib
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.dwellings.model import Tenure
from registry.errors import RegistryError
from registry.organisations.model import Organisation
from registry.tallies.queries import GroupBy, tally
from registry.tallies.reached import AsOf, Scope
from registry.trajectories.confirmations import NewConfirmation, confirm, withdraw
from registry.trajectories.milestones import NewMilestone, correct, report, retract
from registry.trajectories.model import FundingLine, Measure, MeasureKind, MilestoneKind, Track
from tests.makers import a_dwelling, a_municipality_editor, a_scheme, a_trajectory, an_actor, an_editor

LATER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
ANALYST = an_actor(Role.MINISTRY_ANALYST)
FIRST = date(2024, 1, 1)
SCHEMES = ("woningbouwimpuls", "startbouwimpuls", "regio-deal")
KEYS = (
    "acquired",
    "started",
    "improved",
    "made-sustainable",
    "demolished",
    "in-preparation",
    "under-construction",
    "built",
    "household-helped",
)


@dataclass(frozen=True)
class Journal:
    """The tables, read once; the model does the rest in plain Python."""

    milestones: list[Any]
    confirmations: list[Any]
    measures: list[Any]
    money: list[Any]
    withdrawn: dict[UUID, datetime]
    dwelling_of: dict[UUID, UUID]
    tenure: dict[UUID, str | None]


def read(session: Session) -> Journal:
    def rows(table: str) -> list[Any]:
        return list(session.execute(sa.text(f"SELECT * FROM {table}")))

    return Journal(
        rows("milestone"),
        rows("confirmation"),
        rows("measure"),
        rows("funding_line"),
        {row.id: row.withdrawn_at for row in rows("trajectory") if row.withdrawn_at},
        {row.id: row.dwelling_id for row in rows("trajectory")},
        {row.id: row.tenure for row in rows("dwelling")},
    )


def held(recorded_at: datetime, ended_at: datetime | None, known: datetime) -> bool:
    return recorded_at < known and not (ended_at is not None and ended_at < known)


def since(row: Any) -> date:
    if row.kind != "planned":
        return row.effective_on  # type: ignore[no-any-return]
    if row.decided_on is not None:
        return row.decided_on  # type: ignore[no-any-return]
    return min(row.effective_on, row.recorded_at.astimezone(ZoneInfo("Europe/Amsterdam")).date())  # type: ignore[no-any-return]


def schemes_of(journal: Journal, trajectory: UUID, known: datetime) -> set[str]:
    return {row.scheme for row in journal.money if row.trajectory_id == trajectory and held(row.recorded_at, row.superseded_at, known)}


def facts(journal: Journal, on: date, known: datetime) -> dict[UUID, set[str]]:
    """What is so of each trajectory then: ``construction started``, ``renovation completed!`` when confirmed, ``measure``."""
    found: dict[UUID, set[str]] = defaultdict(set)
    rows = [row for row in journal.milestones if row.recorded_at < known]
    corrected = {row.corrects_id for row in rows}
    confirmed = {row.milestone_id for row in journal.confirmations if held(row.recorded_at, row.withdrawn_at, known)}
    by_track: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in rows:
        if row.id not in corrected and row.action != "retracted" and since(row) <= on:
            by_track[row.trajectory_id, row.track].append(row)
    for (trajectory, track), said in by_track.items():
        if any(row.kind == "cancelled" for row in said):
            continue
        for row in said:
            for point in {"planned": ["planned"], "started": ["planned", "started"], "completed": ["planned", "started", "completed"]}[row.kind]:
                found[trajectory] |= {f"{track} {point}"} | ({f"{track} {point}!"} if row.id in confirmed else set())
    for row in journal.measures:
        if held(row.recorded_at, row.superseded_at, known) and row.applied_on <= on:
            found[row.trajectory_id].add("measure")
    return {id: so for id, so in found.items() if not (id in journal.withdrawn and journal.withdrawn[id] < known)}


def holds(key: str, so: set[str], whole: set[str]) -> bool:
    """``so`` of the trajectories of a group, ``whole`` of all in scope: what is ruled out is ruled out by any of them."""
    return {
        "acquired": "acquisition completed" in so,
        "started": "renovation started" in so or "sustainability started" in so,
        "improved": "renovation completed!" in so,
        "made-sustainable": "sustainability completed" in so,
        "demolished": "demolition completed" in so,
        "in-preparation": "construction planned" in so and "construction started" not in whole,
        "under-construction": "construction started" in so and "construction completed" not in whole,
        "built": "construction completed" in so,
        "household-helped": "measure" in so,
    }[key]


def counted(journal: Journal, key: str, on: date, known: datetime, trajectories: set[UUID] | None = None, *, group: set[UUID] | None = None) -> set[UUID]:
    """By the ``trajectories`` in scope; with a ``group``, those of a row of a figure."""
    of_dwelling: dict[UUID, set[str]] = defaultdict(set)
    whole: dict[UUID, set[str]] = defaultdict(set)
    for trajectory, so in facts(journal, on, known).items():
        if trajectories is None or trajectory in trajectories:
            whole[journal.dwelling_of[trajectory]] |= so
            if group is None or trajectory in group:
                of_dwelling[journal.dwelling_of[trajectory]] |= so
    return {dwelling for dwelling, so in of_dwelling.items() if holds(key, so, whole[dwelling])}


class World:
    """Two corporations' worth of random reports on few dwellings, so that they meet."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.choose = session, random.Random(seed)
        self.editor: Actor = an_editor(session)
        self.municipality = a_municipality_editor(session)
        corporation = session.get_one(Organisation, self.editor.organisation_id)
        for slug in SCHEMES:
            a_scheme(session, slug)
        tenures = [*Tenure, None]
        dwellings = [a_dwelling(session, held_by=self.editor, tenure=self.choose.choice(tenures)) for _ in range(6)]
        self.trajectories = [a_trajectory(session, corporation, self.choose.choice(dwellings)).id for _ in range(12)]
        self.milestones: list[UUID] = []
        self.moments = [self.now()]

    def now(self) -> datetime:
        return self.session.scalars(sa.text("SELECT clock_timestamp()")).one()

    def day(self) -> date:
        return FIRST + timedelta(days=self.choose.randrange(700))

    def step(self) -> None:
        acts = (self.report, self.correct, self.retract, self.confirm, self.withdraw, self.measure, self.pay, self.end, self.undo)
        act = self.choose.choices(acts, (56, 10, 4, 14, 4, 6, 8, 4, 0.4))[0] if self.milestones else self.report
        with contextlib.suppress(RegistryError):
            act()
        self.moments.append(self.now())

    def report(self) -> None:
        kind = self.choose.choices(list(MilestoneKind), (4, 6, 6, 0.5))[0]
        decided_on = self.day() if kind is MilestoneKind.PLANNED and self.choose.random() < 0.6 else None
        effective_on = self.day() if kind is not MilestoneKind.PLANNED or self.choose.random() < 0.5 else date(2090, 1, 1)
        track = self.choose.choices(list(Track), (1, 2, 1, 1, 3))[0]
        done = report(self.session, self.editor, NewMilestone(self.choose.choice(self.trajectories), track, kind, effective_on, decided_on=decided_on))
        assert done.id
        self.milestones.append(done.id)

    def correct(self) -> None:
        self.milestones.append(correct(self.session, self.editor, self.choose.choice(self.milestones), effective_on=self.day()).id)

    def retract(self) -> None:
        retract(self.session, self.editor, self.choose.choice(self.milestones), note="nooit gebeurd")

    def confirm(self) -> None:
        confirm(self.session, self.municipality, NewConfirmation(self.choose.choice(self.milestones[-15:])))

    def withdraw(self) -> None:
        withdraw(self.session, self.municipality, self.choose.choice(self.milestones), reason="een vergissing")

    def measure(self) -> None:
        kind = self.choose.choice(list(MeasureKind))
        self.session.add(Measure(trajectory_id=self.choose.choice(self.trajectories), kind=kind, applied_on=self.day(), recorded_by=uuid4()))
        self.session.flush()

    def pay(self) -> None:
        trajectory, scheme = self.choose.choice(self.trajectories), self.choose.choice(SCHEMES)
        if scheme not in schemes_of(read(self.session), trajectory, LATER):
            self.session.add(FundingLine(trajectory_id=trajectory, scheme=scheme))
            self.session.flush()

    def end(self) -> None:
        """Take back a measure or a funding line."""
        table = self.choose.choice(("measure", "funding_line"))
        ids = self.session.scalars(sa.text(f"SELECT id FROM {table} WHERE superseded_at IS NULL ORDER BY id")).all()
        if ids:
            self.session.execute(sa.text(f"UPDATE {table} SET superseded_at = clock_timestamp() WHERE id = :id"), {"id": self.choose.choice(ids)})

    def undo(self) -> None:
        """As undoing an import does."""
        undone = sa.text("UPDATE trajectory SET withdrawn_at = clock_timestamp() WHERE id = :id AND withdrawn_at IS NULL")
        self.session.execute(undone, {"id": self.choose.choice(self.trajectories)})


@pytest.fixture(params=range(5))
def world(session: Session, request: pytest.FixtureRequest) -> World:
    world = World(session, request.param)
    for _ in range(220):
        world.step()
    return world


def test_any_figure_equals_a_count_by_hand(world: World) -> None:
    """Each definition in total, by scheme and by tenure, and for several schemes together; random dates and moments."""
    session, journal = world.session, read(world.session)
    assert len(journal.milestones) > 40
    assert all((journal.confirmations, journal.measures, journal.money))
    seen: set[str] = set()
    for _ in range(12):
        on, known = world.day() + timedelta(days=60), world.choose.choice(world.moments[60:])
        as_of = AsOf(on, known)
        total = tally(session, ANALYST, KEYS, as_of=as_of, group_by=GroupBy.SCHEME, scope=Scope())
        by_tenure = tally(session, ANALYST, KEYS, as_of=as_of, group_by=GroupBy.TENURE, scope=Scope(schemes=SCHEMES[:2]))
        paid = {id: schemes_of(journal, id, known) for id in world.trajectories}
        either = {id for id, schemes in paid.items() if schemes & set(SCHEMES[:2])}
        for key in KEYS:
            expected = counted(journal, key, on, known)
            seen |= {key} if expected else set()
            assert total.total.counts[key] == len(expected), (key, as_of)
            rows = {row.key: row.counts[key] for row in total.rows}
            for scheme in SCHEMES:
                by_hand = counted(journal, key, on, known, group={id for id, schemes in paid.items() if scheme in schemes})
                assert rows.get(scheme, 0) == len(by_hand), (key, scheme, as_of)
            in_scope = counted(journal, key, on, known, either)
            assert by_tenure.total.counts[key] == len(in_scope), (key, as_of)
            tenures = {row.key: row.counts[key] for row in by_tenure.rows}
            for tenure in (*Tenure, None):
                assert tenures.get(tenure, 0) == sum(journal.tenure[dwelling] == tenure for dwelling in in_scope), (key, tenure, as_of)
    assert len(seen) >= 6, seen
