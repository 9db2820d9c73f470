"""The second phase of Vrieheide: 40 dwellings that Weller buys, and its spreadsheet about them, with mistakes in it. Pure; all of it is invented.

None of them counts as started or improved on the valid date: they are bought, and their renovation is planned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from demo.generator import SEED, Dwelling, Milestone, Trajectory, a_dwelling, a_milestone
from demo.world import AREA_OF, SECOND_PHASE, VHF, VRIEHEIDE_AREA, WELLER, id_of

Cell = str | date | None
Row = Mapping[str, Cell]
"""Cells by the name that the API has for their column."""
HOMES = 40
FIRST_NUMBER = 11_001
BOUGHT_FROM = date(2025, 5, 12)
PLANNED_FROM = date(2027, 3, 1)
DECIDED_ON = date(2025, 11, 24)
WEEK = timedelta(weeks=1)
REPORTED = 12
"""Homes whose acquisition Weller's own system reported before."""
REPORTED_RIGHT = 8
"""The first of them; the others are a week too early there, and right in the spreadsheet."""
ACQUIRED = 32
PLANNED = 24
TRANSFERRED = 4
"""The last homes, about which the spreadsheet says nothing."""
TRANSFERRED_ON = date(2026, 7, 1)
BEGUN_BY_MISTAKE = date(2025, 11, 3)


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong row of the spreadsheet. ``repair`` are the cells as they should have been, None when the row should not be there at all."""

    row: Row
    repair: Row | None


def homes() -> list[Dwelling]:
    return [_home(place) for place in range(HOMES)]


def _home(place: int) -> Dwelling:
    made = a_dwelling(AREA_OF[VRIEHEIDE_AREA], FIRST_NUMBER + place, Random(f"{SEED}/{SECOND_PHASE}/{place}"))
    address = {"street": "Voorbeeldvrieheide", "house_number": place + 1, "postcode": "9904QW"}
    return replace(made, **address, year_built=1964, tenure="social-rent", dwelling_type="single-family")


def bought_on(place: int) -> date:
    return BOUGHT_FROM + place % 8 * WEEK


def reported_before() -> list[Trajectory]:
    """What Weller's own system has reported when the spreadsheet comes."""
    return [_reported(place, home) for place, home in enumerate(homes()[:REPORTED])]


def _reported(place: int, home: Dwelling) -> Trajectory:
    return Trajectory(id_of("trajectory", home.id), home.id, WELLER.slug, SECOND_PHASE, ((VHF, 20_000),), (_acquisition(place, home),))


def _acquisition(place: int, home: Dwelling) -> Milestone:
    day = bought_on(place) if place < REPORTED_RIGHT else bought_on(place) - WEEK
    return a_milestone(home, SECOND_PHASE, "acquisition", "completed", day)


def rows() -> list[Row]:
    """The spreadsheet as Weller sends it."""
    acquired = [_bought(place) for place in range(ACQUIRED)]
    planned = [_planned(place) for place in range(PLANNED)]
    return [*acquired, *planned, *(slip.row for slip in slips())]


def rows_meant() -> list[Row]:
    """The same without the mistakes."""
    return rows()[: ACQUIRED + PLANNED] + mended(slip.row for slip in slips())


def mistaken_rows() -> list[Row]:
    """Another spreadsheet, sent by mistake: it says that works have begun, which they have not."""
    return [_row(place, "renovatie", "gestart", BEGUN_BY_MISTAKE) for place in range(REPORTED)]


def slips() -> list[Slip]:
    date_place, id_place, track_place, start_place = range(ACQUIRED, ACQUIRED + 4)
    return [
        Slip({**_bought(date_place), "effectiveOn": "31-2-2025"}, {"effectiveOn": date(2025, 2, 28)}),
        Slip({**_bought(id_place), "bagId": "9999010004911034"}, {"bagId": _home(id_place).bag_id}),
        Slip({**_planned(track_place), "track": "schilderwerk"}, {"track": "renovatie"}),
        Slip(_planned(5), None),
        Slip(_row(start_place, "renovatie", "gereed", date(2025, 12, 1)), _planned(start_place)),
    ]


def mended(refused: Iterable[Row]) -> list[Row]:
    """Refused rows as they were meant. A row that was not known to be wrong stays as it is."""
    by_bag_id = {slip.row["bagId"]: slip for slip in slips()}
    found = [(row, by_bag_id.get(row["bagId"], Slip(row, {}))) for row in refused]
    return [{**row, **slip.repair} for row, slip in found if slip.repair is not None]


def _bought(place: int) -> Row:
    return _row(place, "verwerving", "gereed", bought_on(place))


def _planned(place: int) -> Row:
    return {**_row(place, "renovatie", "gepland", PLANNED_FROM + place // 5 * 4 * WEEK), "decidedOn": DECIDED_ON}


def _row(place: int, track: str, kind: str, day: date) -> Row:
    """Track and kind in Dutch, as people write them."""
    return {"bagId": _home(place).bag_id, "project": SECOND_PHASE, "track": track, "kind": kind, "effectiveOn": day}
