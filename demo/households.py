"""500 households in Nieuwegein, which the municipality helps with one to three energy-saving measures each. Pure; all of it is invented."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

from demo.generator import SEED, Dwelling, Trajectory, a_dwelling
from demo.vrieheide import Measure
from demo.world import AREA_OF, HOUSEHOLDS, INSULATION, NIEUWEGEIN, NIEUWEGEIN_AREA, id_of

HOW_MANY = 500
FIRST_NUMBER = 30_001
FROM = date(2025, 2, 3)
DAY = timedelta(days=1)
KINDS = ("draught-proofing", "high-efficiency-glazing", "crawl-space-insulation")


@dataclass(frozen=True, slots=True)
class Household:
    home: Dwelling
    trajectory: Trajectory
    measures: tuple[tuple[UUID, Measure], ...]
    """With their ids."""


def households() -> list[Household]:
    return [_household(place) for place in range(HOW_MANY)]


def _household(place: int) -> Household:
    home = _home(place)
    trajectory = Trajectory(id_of("trajectory", home.id, INSULATION), home.id, NIEUWEGEIN, HOUSEHOLDS, ((INSULATION, 1_500),), ())
    return Household(home, trajectory, tuple(_measure(place, trajectory, kind) for kind in KINDS[: place % 3 + 1]))


def _home(place: int) -> Dwelling:
    made = a_dwelling(AREA_OF[NIEUWEGEIN_AREA], FIRST_NUMBER + place, Random(f"{SEED}/{INSULATION}/{place}"))
    return replace(made, street="Voorbeeldisolatielaan", house_number=place + 1, postcode="9920QS")


def _measure(place: int, trajectory: Trajectory, kind: str) -> tuple[UUID, Measure]:
    quantity, unit, cost_eur = {
        "draught-proofing": (None, None, "140.00"),
        "high-efficiency-glazing": ("12.50", "m2", "2100.00"),
        "crawl-space-insulation": ("48.00", "m2", "1250.00"),
    }[kind]
    return id_of("measure", trajectory.id, kind), Measure(kind, FROM + place % 200 * DAY, quantity, unit, cost_eur)
