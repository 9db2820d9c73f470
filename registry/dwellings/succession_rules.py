"""What a succession must satisfy, and what follows from it for portfolios. Pure: what the register knows is passed in."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from registry.batch import repeated
from registry.dwellings.model import PortfolioPeriod, PortfolioRelation
from registry.dwellings.succession_model import SuccessionKind
from registry.errors import Fault
from registry.values import BAG_TYPE_DIGITS, BagObjectType

MOST_ON_A_SIDE = 250
"""Dwellings: each one that comes before is related to each one that comes after."""
SHAPES = {
    SuccessionKind.SPLIT: ((1, 1), (2, MOST_ON_A_SIDE)),
    SuccessionKind.MERGE: ((2, MOST_ON_A_SIDE), (1, 1)),
    SuccessionKind.REPLACEMENT: ((1, MOST_ON_A_SIDE), (1, MOST_ON_A_SIDE)),
    SuccessionKind.DEMOLITION: ((1, MOST_ON_A_SIDE), (0, 0)),
    SuccessionKind.RE_KEYING: ((1, 1), (1, 1)),
}
"""How many dwellings at least and at most, before and after."""


@dataclass(frozen=True, slots=True)
class NewSuccession:
    """``id`` is made by the client, so that sending it again changes nothing. ``new_bag_id`` is what the one dwelling of a re-keying is called from then on."""

    kind: SuccessionKind
    occurred_on: date
    predecessors: tuple[UUID, ...]
    successors: tuple[UUID, ...] = ()
    new_bag_id: str | None = None
    note: str | None = None
    id: UUID | None = None

    @property
    def keeps_row(self) -> bool:
        """One dwelling gets another BAG id, and stays the one it is."""
        return self.kind is SuccessionKind.RE_KEYING and self.new_bag_id is not None and self.successors in ((), self.predecessors)

    @property
    def after(self) -> tuple[UUID, ...]:
        """The dwellings that there are from then on."""
        return self.predecessors if self.keeps_row else self.successors


@dataclass(frozen=True, slots=True)
class Standing:
    """What successions that are not retracted say of a dwelling: when it came to be, by the last of them, and when it ended."""

    bag_id: str | None = None
    came_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A portfolio period that a dwelling gets because those before it were in that portfolio."""

    dwelling_id: UUID
    organisation_id: UUID
    relation: PortfolioRelation
    valid_from: date
    valid_until: date | None


def check(new: NewSuccession, *, known: Mapping[UUID, Standing], lineage: Collection[tuple[UUID, UUID]], today: date) -> list[Fault]:
    """All faults. ``known`` has the dwellings that the actor may write of, ``lineage`` which of them comes before which already."""
    faults = [Fault("/occurredOn", "succession-in-future")] if new.occurred_on > today else []
    faults += _shape(new) + _references(new, known) + _days(new, known)
    return faults + _re_keying(new, known) + _circle(new, lineage)


def _shape(new: NewSuccession) -> list[Fault]:
    before, after = SHAPES[new.kind]
    sides = (("/predecessors", len(new.predecessors), *before), ("/successors", len(new.after), *after))
    faults = []
    for pointer, count, least, most in sides:
        if count < least:
            faults.append(Fault(pointer, "too-few-dwellings", {"kind": new.kind.value, "least": least}))
        if count > most:
            faults.append(Fault(pointer, "too-many-dwellings", {"kind": new.kind.value, "most": most}))
    return faults


def _places(new: NewSuccession) -> Iterator[tuple[str, UUID]]:
    yield from ((f"/predecessors/{place}", id) for place, id in enumerate(new.predecessors))
    yield from ((f"/successors/{place}", id) for place, id in enumerate(new.successors))


def _references(new: NewSuccession, known: Mapping[UUID, Standing]) -> list[Fault]:
    twice = repeated(new.predecessors) | repeated(new.successors)
    faults = [Fault(pointer, "no-such-reference", {"what": "dwelling", "id": id}) for pointer, id in _places(new) if id not in known]
    return faults + [Fault(pointer, "repeated", {"value": id}) for pointer, id in _places(new) if id in twice]


def _days(new: NewSuccession, known: Mapping[UUID, Standing]) -> list[Fault]:
    """A dwelling ends once, not before it came to be, and nothing comes of one that has ended."""
    faults = []
    for pointer, id in _places(new):
        standing = known.get(id, Standing())
        before = pointer.startswith("/predecessors")
        if standing.ended_on is not None and (before or standing.ended_on < new.occurred_on):
            faults.append(Fault(pointer, "dwelling-ended", {"id": id, "ended_on": standing.ended_on.isoformat()}))
        if before and standing.came_on is not None and standing.came_on > new.occurred_on:
            faults.append(Fault(pointer, "dwelling-came-later", {"id": id, "came_on": standing.came_on.isoformat()}))
    return faults


def _re_keying(new: NewSuccession, known: Mapping[UUID, Standing]) -> list[Fault]:
    if new.new_bag_id is None:
        missing = new.kind is SuccessionKind.RE_KEYING and new.successors in ((), new.predecessors)
        return [Fault("/newBagId", "required")] if missing else []
    if not new.keeps_row:
        return [Fault("/newBagId", "bag-id-of-no-re-keying")]
    faults = [] if object_type_of(new.new_bag_id) else [Fault("/newBagId", "bag-id-of-no-dwelling")]
    former = [(f"/predecessors/{place}", known[id].bag_id) for place, id in enumerate(new.predecessors) if id in known]
    faults += [Fault(pointer, "no-bag-id-to-change") for pointer, bag_id in former if bag_id is None]
    return faults + [Fault("/newBagId", "bag-id-is-the-same") for _, bag_id in former if bag_id == new.new_bag_id]


def object_type_of(bag_id: str) -> BagObjectType | None:
    """What the digits of a BAG id say that it is; None when that is nothing one can live in."""
    return next((kind for kind, digits in BAG_TYPE_DIGITS.items() if bag_id[4:6] == digits), None)


def _circle(new: NewSuccession, lineage: Collection[tuple[UUID, UUID]]) -> list[Fault]:
    if new.keeps_row:
        return []
    before = set(new.predecessors)
    closing = before | {earlier for earlier, later in lineage if later in before}
    return [Fault(f"/successors/{place}", "succession-in-circle", {"id": id}) for place, id in enumerate(new.successors) if id in closing]


def inherited(predecessors: Iterable[Sequence[PortfolioPeriod]], successors: Mapping[UUID, Sequence[PortfolioPeriod]], *, on: date) -> list[Given]:
    """What each successor that is in no portfolio on that day gets: the relations in which one corporation has all predecessors.

    Until the first of those would have ended, or something else is known of the successor. Each sequence has all periods of one dwelling.
    """
    before = [{period.relation: period for period in periods if _holds(period, on)} for periods in predecessors]
    free = {id: own for id, own in successors.items() if not any(_holds(period, on) for period in own)}
    given = []
    for relation in PortfolioRelation:
        periods = [each[relation] for each in before if relation in each]
        holders = {period.organisation_id for period in periods}
        if len(periods) < len(before) or len(holders) != 1:
            continue
        (organisation_id,) = holders
        ends = [period.valid_until for period in periods if period.valid_until]
        for id, own in free.items():
            later = [each.valid_from for each in own if each.valid_from > on and (each.relation is relation or each.organisation_id == organisation_id)]
            given.append(Given(id, organisation_id, relation, on, min([*ends, *later], default=None)))
    return given


def _holds(period: PortfolioPeriod, day: date) -> bool:
    return period.valid_from <= day and (period.valid_until is None or day < period.valid_until)
