"""The 51 dwellings of Vrieheide, Heerlen Noord: bought in a very bad state, renovated and made sustainable. Pure.

That 51 dwellings of 1962 with labels E, F and G were bought by Weller (26) and Wonen Limburg (25) was in the press; addresses, dates, amounts and
measures are invented.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

from demo.generator import SEED, Dwelling, Milestone, Trajectory, a_dwelling, a_milestone
from demo.world import AREA_OF, PROMISED_VRIEHEIDE, REGIO_DEAL, VHF, VRIEHEIDE, VRIEHEIDE_AREA, WELLER, WONEN_LIMBURG, id_of

BOUGHT_BY_WELLER = 26
FIRST_NUMBER = 10_001
"""So that no dwelling of the rest of Heerlen Noord has the same number."""
SPREAD_DEGREES = 0.0015
SURVEYED_BEFORE = date(2023, 3, 1)
BOUGHT_FROM = date(2023, 6, 15)
BEGUN_FROM = date(2024, 2, 5)
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
BEFORE = "EFG"
AFTER = "B"
SLIP = 50
"""The place of the dwelling whose completion is reported a year late, in 2026, and corrected."""


@dataclass(frozen=True, slots=True)
class Measure:
    kind: str
    applied_on: date
    quantity: str | None
    unit: str | None
    cost_eur: str


@dataclass(frozen=True, slots=True)
class Home:
    """One dwelling of the project, from the survey before to the survey after."""

    dwelling: Dwelling
    trajectory: Trajectory
    label_before: str
    surveyed_before: date
    measures: tuple[Measure, ...]
    surveyed_after: date

    @property
    def executor(self) -> str:
        return self.trajectory.executor

    @property
    def bought_on(self) -> date:
        return next(each.effective_on for each in self.trajectory.milestones if each.track == "acquisition")

    @property
    def completed_on(self) -> date:
        """When the renovation was, as first reported."""
        return _completion(self.trajectory).effective_on


@dataclass(frozen=True, slots=True)
class Correction:
    """A milestone first reported on a wrong day."""

    trajectory_id: UUID
    milestone_id: UUID
    effective_on: date
    note: str = "Tikfout: het jaar was een jaar te laat."


def homes() -> list[Home]:
    return [_home(place) for place in range(PROMISED_VRIEHEIDE)]


def correction() -> Correction:
    """The completion of the renovation at `SLIP` as it should have been reported."""
    trajectory = _home(SLIP).trajectory
    completed = _completion(trajectory)
    return Correction(trajectory.id, completed.id, completed.effective_on.replace(year=completed.effective_on.year - 1))


def _completion(trajectory: Trajectory) -> Milestone:
    return next(each for each in trajectory.milestones if (each.track, each.kind) == ("renovation", "completed"))


def _home(place: int) -> Home:
    random = Random(f"{SEED}/{VRIEHEIDE}/{place}")
    dwelling = _dwelling(place, random)
    begun = BEGUN_FROM + (place // 4) * 4 * WEEK
    ended = begun + random.randint(150, 230) * DAY
    return Home(
        dwelling=dwelling,
        trajectory=_trajectory(place, dwelling, begun, ended, random),
        label_before=BEFORE[place % len(BEFORE)],
        surveyed_before=SURVEYED_BEFORE + (place % 20) * DAY,
        measures=_measures(begun, random),
        surveyed_after=ended + 2 * WEEK,
    )


def _dwelling(place: int, random: Random) -> Dwelling:
    area = AREA_OF[VRIEHEIDE_AREA]
    return replace(
        a_dwelling(area, FIRST_NUMBER + place, random),
        street="Voorbeeldvrieheide",
        house_number=place + 1,
        postcode="9904QV",
        longitude=round(area.longitude + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 6),
        latitude=round(area.latitude + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 6),
        year_built=1962,
        floor_area_m2=random.randint(84, 96),
        tenure="private-rent",
        dwelling_type="single-family",
    )


def _trajectory(place: int, dwelling: Dwelling, begun: date, ended: date, random: Random) -> Trajectory:
    weller = place < BOUGHT_BY_WELLER
    return Trajectory(
        id=id_of("trajectory", dwelling.id),
        dwelling_id=dwelling.id,
        executor=(WELLER if weller else WONEN_LIMBURG).slug,
        project=VRIEHEIDE,
        funding=((VHF, random.randint(60, 80) * 500), (REGIO_DEAL, random.randint(20, 30) * 500)),
        milestones=_milestones(place, dwelling, begun, ended),
    )


def _milestones(place: int, dwelling: Dwelling, begun: date, ended: date) -> tuple[Milestone, ...]:
    bought = BOUGHT_FROM + (place % 10) * WEEK
    reported = ended.replace(year=ended.year + 1) if place == SLIP else ended
    return (
        a_milestone(dwelling, VRIEHEIDE, "acquisition", "completed", bought, confirmed=True),
        a_milestone(dwelling, VRIEHEIDE, "renovation", "planned", begun - 12 * WEEK),
        a_milestone(dwelling, VRIEHEIDE, "renovation", "started", begun),
        a_milestone(dwelling, VRIEHEIDE, "renovation", "completed", reported, confirmed=place != SLIP),
        a_milestone(dwelling, VRIEHEIDE, "sustainability", "started", begun + 3 * WEEK),
        a_milestone(dwelling, VRIEHEIDE, "sustainability", "completed", ended - 2 * WEEK, confirmed=True),
    )


def _measures(begun: date, random: Random) -> tuple[Measure, ...]:
    return (
        Measure("roof-insulation", begun + 4 * WEEK, f"{random.randint(58, 66)}.00", "m2", f"{random.randint(70, 84)}00.00"),
        Measure("cavity-wall-insulation", begun + 6 * WEEK, f"{random.randint(70, 82)}.00", "m2", f"{random.randint(19, 24)}00.00"),
        Measure("high-efficiency-glazing", begun + 8 * WEEK, f"{random.randint(17, 21)}.50", "m2", f"{random.randint(52, 61)}00.00"),
        Measure("hybrid-heat-pump", begun + 12 * WEEK, "1.00", "piece", f"{random.randint(48, 56)}00.00"),
    )
