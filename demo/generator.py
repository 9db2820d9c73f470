"""What happens in the 20 focus areas, made up: the same in each run, with known figures. Pure.

Besides the dwellings that count there are those that must not: only planned, cancelled, begun after the valid date, completed but not confirmed.
Nothing lies after 2026-09-30. Addresses are fictitious: streets called Voorbeeld…, postcodes 9901QA to 9920QZ (no Dutch postcode has a Q), BAG ids that
begin with 9999, which is no municipality.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

from demo.world import AREAS, BY_CODE, INVENTED_CORPORATION, PROMISED_VRIEHEIDE, REGIO_DEAL, VHF, VRIEHEIDE_AREA, Area, id_of, project_of

SEED = 20251231
STREETS = ("straat", "laan", "weg", "plein", "hof", "pad", "kade", "singel")
POSTCODE_LETTERS = "ABCDEFGH"
NO_MUNICIPALITY = "9999"
"""In place of the code that begins a BAG id."""
SPREAD_DEGREES = 0.008
DAY = timedelta(days=1)


class Fate(StrEnum):
    """What becomes of a dwelling, as seen on the valid date and after it."""

    IMPROVED = "improved"
    UNCONFIRMED = "unconfirmed"
    """Renovated, and the municipality has not confirmed it."""
    UNDER_WAY = "under-way"
    INSULATING = "insulating"
    """Only the sustainability upgrade has begun."""
    FINISHED_LATER = "finished-later"
    """Begun before the valid date, completed and confirmed after it."""
    PLANNED = "planned"
    CANCELLED = "cancelled"
    STARTED_LATER = "started-later"


COUNT_AS_STARTED = frozenset({Fate.IMPROVED, Fate.UNCONFIRMED, Fate.UNDER_WAY, Fate.INSULATING, Fate.FINISHED_LATER})


@dataclass(frozen=True, slots=True)
class Dwelling:
    """``number`` runs through the municipality's area; everything about the place follows from it."""

    area: Area
    number: int
    street: str
    house_number: int
    postcode: str
    longitude: float
    latitude: float
    year_built: int
    floor_area_m2: int
    tenure: str
    dwelling_type: str

    @property
    def id(self) -> UUID:
        return id_of("dwelling", self.area.slug, self.number)

    @property
    def bag_id(self) -> str:
        return f"{NO_MUNICIPALITY}01{AREAS.index(self.area) + 1:04}{self.number:06}"

    @property
    def town(self) -> str:
        return BY_CODE[self.area.municipality].name


@dataclass(frozen=True, slots=True)
class Milestone:
    """``confirmed`` says that the municipality will confirm it."""

    id: UUID
    track: str
    kind: str
    effective_on: date
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Trajectory:
    """``executor`` is the slug of the organisation that runs it; ``funding`` is euro by scheme."""

    id: UUID
    dwelling_id: UUID
    executor: str
    project: str
    funding: tuple[tuple[str, int], ...]
    milestones: tuple[Milestone, ...]


@dataclass(frozen=True, slots=True)
class Case:
    dwelling: Dwelling
    fate: Fate
    trajectories: tuple[Trajectory, ...]


def country(seed: int = SEED) -> list[Case]:
    """Every dwelling of the programme outside the Vrieheide project."""
    return [case for area in AREAS for case in _cases(area, Random(f"{seed}/{area.slug}"))]


def fates(area: Area) -> list[Fate]:
    """One for each dwelling of the area, without those of Vrieheide."""
    improved = area.improved - (PROMISED_VRIEHEIDE if area.slug == VRIEHEIDE_AREA else 0)
    counted = {
        Fate.IMPROVED: improved,
        Fate.UNCONFIRMED: area.started // 28 + 1,
        Fate.INSULATING: area.started // 9,
        Fate.FINISHED_LATER: area.started // 10,
    }
    under_way = area.started - (area.improved - improved) - sum(counted.values())
    not_counted = {Fate.PLANNED: area.started // 14, Fate.CANCELLED: area.started // 45 + 1, Fate.STARTED_LATER: area.started // 18}
    return [fate for fate, how_many in {**counted, Fate.UNDER_WAY: under_way, **not_counted}.items() for _ in range(how_many)]


def a_dwelling(area: Area, number: int, random: Random) -> Dwelling:
    house_number, street = divmod(number - 1, len(STREETS))
    return Dwelling(
        area=area,
        number=number,
        street=f"Voorbeeld{STREETS[street]}",
        house_number=house_number + 1,
        postcode=f"99{AREAS.index(area) + 1:02}Q{POSTCODE_LETTERS[street]}",
        longitude=round(area.longitude + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 6),
        latitude=round(area.latitude + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 6),
        year_built=random.randint(1908, 1974),
        floor_area_m2=random.randint(52, 118),
        tenure=random.choice(("owner-occupied", "owner-occupied", "private-rent")),
        dwelling_type=random.choice(("single-family", "multi-family")),
    )


def _cases(area: Area, random: Random) -> Iterator[Case]:
    shuffled = fates(area)
    random.shuffle(shuffled)
    for number, fate in enumerate(shuffled, start=1):
        dwelling = a_dwelling(area, number, random)
        corporation = random.random() < 0.3
        executor = INVENTED_CORPORATION.slug if corporation else BY_CODE[area.municipality].slug
        first = _trajectory(dwelling, executor, VHF, random.randint(18, 60) * 500, tuple(_milestones(dwelling, fate, random)))
        twice = fate in COUNT_AS_STARTED and number % 50 == 0
        yield Case(dwelling, fate, (first, _second(dwelling, random)) if twice else (first,))


def _trajectory(dwelling: Dwelling, executor: str, scheme: str, amount_eur: int, milestones: tuple[Milestone, ...]) -> Trajectory:
    return Trajectory(id_of("trajectory", dwelling.id, scheme), dwelling.id, executor, project_of(dwelling.area), ((scheme, amount_eur),), milestones)


def _second(dwelling: Dwelling, random: Random) -> Trajectory:
    """The same dwelling under another scheme, which must not make it count twice."""
    begun = _day(random, date(2024, 3, 1), date(2025, 6, 30))
    milestones = (a_milestone(dwelling, REGIO_DEAL, "sustainability", "started", begun),)
    return _trajectory(dwelling, BY_CODE[dwelling.area.municipality].slug, REGIO_DEAL, random.randint(4, 20) * 500, milestones)


def a_milestone(dwelling: Dwelling, scheme: str, track: str, kind: str, effective_on: date, *, confirmed: bool = False) -> Milestone:
    return Milestone(id_of("milestone", dwelling.id, scheme, track, kind), track, kind, effective_on, confirmed)


def _milestones(dwelling: Dwelling, fate: Fate, random: Random) -> Iterator[Milestone]:
    track = "sustainability" if fate is Fate.INSULATING else "renovation"
    begun, ended = _begun_and_ended(fate, random)
    yield a_milestone(dwelling, VHF, track, "planned", begun - random.randint(30, 200) * DAY if fate is not Fate.PLANNED else begun)
    if fate is not Fate.PLANNED:
        yield a_milestone(dwelling, VHF, track, "started", begun)
    if fate is Fate.CANCELLED:
        yield a_milestone(dwelling, VHF, track, "cancelled", ended)
    if fate in (Fate.IMPROVED, Fate.UNCONFIRMED, Fate.FINISHED_LATER):
        yield a_milestone(dwelling, VHF, track, "completed", ended, confirmed=fate is not Fate.UNCONFIRMED)


def _begun_and_ended(fate: Fate, random: Random) -> tuple[date, date]:
    first, last, shortest, longest = {
        Fate.IMPROVED: (date(2022, 9, 1), date(2025, 2, 28), 90, 300),
        Fate.UNCONFIRMED: (date(2025, 2, 1), date(2025, 6, 30), 120, 180),
        Fate.UNDER_WAY: (date(2024, 1, 8), date(2025, 12, 19), 0, 0),
        Fate.INSULATING: (date(2024, 1, 8), date(2025, 12, 19), 0, 0),
        Fate.FINISHED_LATER: (date(2025, 5, 1), date(2025, 9, 30), 250, 360),
        Fate.PLANNED: (date(2025, 1, 6), date(2025, 12, 19), 0, 0),
        Fate.CANCELLED: (date(2024, 1, 8), date(2025, 3, 31), 30, 150),
        Fate.STARTED_LATER: (date(2026, 1, 5), date(2026, 9, 30), 0, 0),
    }[fate]
    begun = _day(random, first, last)
    return begun, begun + random.randint(shortest, longest) * DAY


def _day(random: Random, first: date, last: date) -> date:
    return first + random.randint(0, (last - first).days) * DAY
