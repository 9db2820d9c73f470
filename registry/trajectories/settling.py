"""Many reports about one trajectory at once, in any order: which of them can stand, one after the other. Pure: no session, no clock.

What comes out is what comes of sending them one by one, each again as long as another one made it possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from registry.errors import Fault
from registry.trajectories.model import MilestoneKind, Track
from registry.trajectories.rules import Happened, check_said
from registry.versioned import Outcome

Place = tuple[Track, MilestoneKind]
"""There is one milestone in force of each kind on a track."""
ORDER = {kind: place for place, kind in enumerate(MilestoneKind)}
"""In which order milestones of one batch are judged: a start before the completion that needs it."""


@dataclass(slots=True)
class Standing:
    """A milestone in force, as far as it matters here. ``evidence`` is JSON as text."""

    id: UUID
    happened: Happened
    note: str | None
    evidence: str
    confirmed_at: datetime | None


@dataclass(slots=True)
class Said:
    """A milestone as one row says it. What the row leaves open, since when there is a plan and a note, stays as it was."""

    happened: Happened
    note: str | None = None

    @property
    def place(self) -> Place:
        return self.happened.track, self.happened.kind


@dataclass(slots=True)
class Step:
    """One thing to write: what is so instead of ``former``, or for the first time."""

    happened: Happened
    note: str | None
    former: Standing | None

    @property
    def place(self) -> Place:
        return self.happened.track, self.happened.kind


@dataclass(slots=True)
class Settled:
    """What becomes of one row. ``turn`` counts the rows that can stand, in the order in which they must be written."""

    outcome: Outcome
    faults: list[Fault] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    turn: int = 0
    first: int | None = None
    """The place of the row that says one of its milestones already; then this one is refused."""


@dataclass(slots=True)
class Group:
    """What one row says of a trajectory. One with ``faulty`` cells is refused in any case, and judged for what it does say."""

    said: Sequence[Said]
    faulty: bool = False


@dataclass(slots=True)
class _Histories:
    present: Mapping[Place, Standing]
    standing: dict[Place, Happened]
    today: date

    def faults(self, group: Group, steps: Sequence[Step]) -> list[Fault]:
        """What is wrong with these steps of the group."""
        if not steps:
            return []
        places = {step.place for step in steps}
        others = [happened for place, happened in self.standing.items() if place not in places]
        faults = check_said(others, [step.happened for step in steps], today=self.today)
        # The start may be in the cell that can't be read.
        return [fault for fault in faults if not (group.faulty and fault.code == "completed-without-start")]

    def steps(self, group: Group) -> list[Step]:
        """What the row says that is not so already; another note alone is no other milestone."""
        found = []
        for said in group.said if len(group.said) < 2 else sorted(group.said, key=lambda said: ORDER[said.happened.kind]):
            former = self.present.get(said.place)
            if former is None:
                found.append(Step(said.happened, said.note, None))
                continue
            happened = said.happened if said.happened.decided_on else replace(said.happened, decided_on=former.happened.decided_on)
            if happened != former.happened:
                found.append(Step(happened, said.note if said.note is not None else former.note, former))
        return found

    def accept(self, steps: Sequence[Step]) -> None:
        self.standing.update({step.place: step.happened for step in steps})


def settle(present: Sequence[Standing], groups: Sequence[Group], *, today: date) -> list[Settled]:
    """One for each row, in that order. ``present`` are the milestones in force."""
    by_place = {(each.happened.track, each.happened.kind): each for each in present}
    histories = _Histories(by_place, {place: each.happened for place, each in by_place.items()}, today)
    if len(groups) == 1:
        return [_settle_one(histories, groups[0])]
    results: dict[int, Settled] = _repeated(groups)
    pending = sorted(
        (place for place in range(len(groups)) if place not in results),
        key=lambda place: (min((ORDER[said.happened.kind] for said in groups[place].said), default=0), place),
    )
    turn = 0
    while pending:
        left = []
        for place in pending:
            steps = histories.steps(groups[place])
            if groups[place].faulty or histories.faults(groups[place], steps):
                left.append(place)
                continue
            results[place] = _accepted(steps, turn)
            histories.accept(steps)
            turn += 1
        if len(left) == len(pending):
            break
        pending = left
    results.update({place: Settled(Outcome.REFUSED, histories.faults(groups[place], histories.steps(groups[place]))) for place in pending})
    return [results[place] for place in range(len(groups))]


def _settle_one(histories: _Histories, group: Group) -> Settled:
    """The only row about a trajectory, as most rows are; it can't say a milestone twice."""
    steps = histories.steps(group)
    faults = histories.faults(group, steps)
    return Settled(Outcome.REFUSED, faults) if group.faulty or faults else _accepted(steps, 0)


def _accepted(steps: list[Step], turn: int) -> Settled:
    if not steps:
        return Settled(Outcome.UNCHANGED)
    return Settled(Outcome.CHANGED if any(step.former for step in steps) else Outcome.CREATED, steps=steps, turn=turn)


def _repeated(groups: Sequence[Group]) -> dict[int, Settled]:
    """The rows that say again what an earlier row says."""
    first: dict[Place, int] = {}
    again: dict[int, Settled] = {}
    for place, group in enumerate(groups):
        earlier = [first[said.place] for said in group.said if said.place in first]
        if earlier:
            again[place] = Settled(Outcome.REFUSED, first=min(earlier))
        for said in group.said:
            first.setdefault(said.place, place)
    return again
