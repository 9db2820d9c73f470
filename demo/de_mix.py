"""De Mix, Utrecht Overvecht: 80 social-rent homes demolished, 135 rebuilt elsewhere in the city, 179 mid-rent homes under construction. Pure.

The three figures are those of the programme; addresses, dates and amounts are invented.
"""

from dataclasses import dataclass, replace
from datetime import date
from random import Random

from demo.generator import SEED, Dwelling, Trajectory, a_dwelling, a_milestone
from demo.world import AREA_OF, DE_MIX, DE_MIX_AREA, INVENTED_CORPORATION, VHF, id_of

OWNED_FROM = date(2020, 1, 1)
REPLACED_ON = date(2023, 6, 1)
SUCCESSION_ID = id_of("succession", DE_MIX)


@dataclass(frozen=True, slots=True)
class Block:
    """Homes that have the same done to them, and the figure in which they count on the valid date. ``amount_eur``, for each, is of the VHF."""

    definition: str
    tenure: str
    area: str | None
    count: int
    first_number: int
    street: str
    postcode: str
    track: str
    days: tuple[tuple[str, date], ...]
    amount_eur: int | None

    @property
    def homes(self) -> list[Dwelling]:
        return [_home(self, place) for place in range(self.count)]

    @property
    def trajectories(self) -> list[Trajectory]:
        return [_trajectory(self, home) for home in self.homes]


DEMOLISHED = Block(
    "demolished",
    "social-rent",
    DE_MIX_AREA,
    80,
    20_001,
    "Voorbeeldsloopstraat",
    "9919QM",
    "demolition",
    (("started", date(2023, 2, 1)), ("completed", REPLACED_ON)),
    15_000,
)
REBUILT = Block(
    "built",
    "social-rent",
    None,
    135,
    20_101,
    "Voorbeeldherbouwstraat",
    "9919QN",
    "construction",
    (("planned", date(2022, 1, 10)), ("started", date(2022, 4, 1)), ("completed", date(2024, 5, 1))),
    None,
)
NEW = Block(
    "under-construction",
    "mid-rent",
    DE_MIX_AREA,
    179,
    20_301,
    "Voorbeeldmixhof",
    "9919QP",
    "construction",
    (("planned", date(2023, 9, 1)), ("started", date(2024, 3, 1))),
    10_000,
)
BLOCKS = (DEMOLISHED, REBUILT, NEW)


def _home(block: Block, place: int) -> Dwelling:
    number = block.first_number + place
    made = a_dwelling(AREA_OF[DE_MIX_AREA], number, Random(f"{SEED}/{DE_MIX}/{number}"))
    year_built = 1965 if block.track == "demolition" else 2024
    address = {"street": block.street, "house_number": place + 1, "postcode": block.postcode}
    return replace(made, **address, year_built=year_built, tenure=block.tenure, dwelling_type="multi-family")


def _trajectory(block: Block, home: Dwelling) -> Trajectory:
    milestones = tuple(a_milestone(home, DE_MIX, block.track, kind, day) for kind, day in block.days)
    funding = ((VHF, block.amount_eur),) if block.amount_eur else ()
    return Trajectory(id_of("trajectory", home.id, DE_MIX), home.id, INVENTED_CORPORATION.slug, DE_MIX, funding, milestones)
