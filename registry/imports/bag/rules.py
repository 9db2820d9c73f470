"""Which BAG objects are dwellings, what the BAG's words are in the register, and where a dwelling lies. Pure functions."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry.dwellings.bag_words import STATUSES as EXISTING
from registry.dwellings.bag_words import USES
from registry.dwellings.model import BagStatus, Use
from registry.imports.bag.model import Part
from registry.values import BagObjectType


class LeftOut(StrEnum):
    """Why a current object does not become a dwelling. The first reason that applies counts."""

    NOT_RESIDENTIAL = "not-residential"
    NOT_YET_BUILT = "not-yet-built"
    NOT_REALISED = "not-realised"
    WITHDRAWN = "withdrawn"
    RECORDED_IN_ERROR = "recorded-in-error"
    DUPLICATE = "duplicate"
    ADDRESS_MISSING = "address-missing"
    STREET_MISSING = "street-missing"
    TOWN_MISSING = "town-missing"
    MUNICIPALITY_MISSING = "municipality-missing"


class Suspect(StrEnum):
    """A value that stands for "unknown" in practice; the register stores none."""

    FLOOR_AREA = "floor-area-placeholder"
    YEAR_BUILT = "year-built-placeholder"
    LOCATION = "location-outside-the-netherlands"


OBJECT_TYPES = {Part.OCCUPIABLE_OBJECT: BagObjectType.OCCUPIABLE_OBJECT, Part.MOORING: BagObjectType.MOORING, Part.PITCH: BagObjectType.PITCH}

_PLACE = "Plaats aangewezen"
_OCCUPIABLE_OBJECT_STATUSES: dict[str, BagStatus | LeftOut] = {
    "Verblijfsobject gevormd": LeftOut.NOT_YET_BUILT,
    "Niet gerealiseerd verblijfsobject": LeftOut.NOT_REALISED,
    "Verblijfsobject ingetrokken": LeftOut.WITHDRAWN,
    "Verblijfsobject ten onrechte opgevoerd": LeftOut.RECORDED_IN_ERROR,
    **{word: status for word, status in EXISTING.items() if word != _PLACE},
}
_PLACE_STATUSES: dict[str, BagStatus | LeftOut] = {_PLACE: EXISTING[_PLACE], "Plaats ingetrokken": LeftOut.WITHDRAWN}
STATUSES = {Part.OCCUPIABLE_OBJECT: _OCCUPIABLE_OBJECT_STATUSES, Part.MOORING: _PLACE_STATUSES, Part.PITCH: _PLACE_STATUSES}
_USE_ORDER = {use: place for place, use in enumerate(USES.values())}

FLOOR_AREA_PLACEHOLDERS_M2 = frozenset({1, 999_999})
YEAR_BUILT_PLACEHOLDERS = frozenset({1005, 9999})
YEAR_BUILT_RANGE = (1000, 2200)
"""1005 is Amsterdam's "before the land register"; 9999 is the last year that fits. Real years go back to the Middle Ages."""
RD_X_RANGE_M = (-7_000.0, 300_000.0)
RD_Y_RANGE_M = (289_000.0, 629_000.0)
"""The area in which RD coordinates are defined."""

DEFINITIVE = "definitief"


@dataclass(frozen=True, slots=True)
class Point:
    """RD New (EPSG:28992), in metres."""

    x: float
    y: float


def uses(words: tuple[str, ...]) -> tuple[Use, ...]:
    """Each use once, in the order of `USES`, so that their order in the file means nothing. Raises KeyError for a word that the BAG does not know."""
    return tuple(sorted({USES[word] for word in words}, key=_USE_ORDER.__getitem__))


def judge(part: Part, status: str, words: tuple[str, ...]) -> BagStatus | LeftOut:
    """The status in the register, or the reason why the object stays out. Pitches and moorings are there to live on.

    Raises KeyError for a status or a use that the BAG does not know.
    """
    found = STATUSES[part][status]
    if part is Part.OCCUPIABLE_OBJECT and Use.RESIDENTIAL not in uses(words):
        return LeftOut.NOT_RESIDENTIAL
    return found


def is_floor_area_suspect(floor_area_m2: int) -> bool:
    return floor_area_m2 in FLOOR_AREA_PLACEHOLDERS_M2


def is_year_built_suspect(year: int) -> bool:
    return year in YEAR_BUILT_PLACEHOLDERS or not YEAR_BUILT_RANGE[0] <= year <= YEAR_BUILT_RANGE[1]


def is_in_the_netherlands(point: Point) -> bool:
    return RD_X_RANGE_M[0] <= point.x <= RD_X_RANGE_M[1] and RD_Y_RANGE_M[0] <= point.y <= RD_Y_RANGE_M[1]


def is_valid_on(day: date, first_day: date, end_day: date | None) -> bool:
    """A period runs from its first day up to, not including, its end day."""
    return first_day <= day and (end_day is None or day < end_day)


def representative_point(ring: tuple[Point, ...]) -> Point:
    """A point inside the polygon: its centroid, or, when a hollow shape has that outside, the middle of the widest stretch at its height.

    ``ring`` is the outer boundary, of at least one point; inner rings are not looked at. A ring without area gives the mean of its points.
    """
    centroid = _centroid(ring)
    if centroid is None:
        return Point(sum(point.x for point in ring) / len(ring), sum(point.y for point in ring) / len(ring))
    crossings = _crossings(ring, centroid.y)
    stretches = list(zip(crossings[::2], crossings[1::2], strict=False))
    if not stretches or any(left <= centroid.x <= right for left, right in stretches):
        return centroid
    left, right = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return Point((left + right) / 2, centroid.y)


_MIN_AREA_M2 = 1e-6


def _centroid(ring: tuple[Point, ...]) -> Point | None:
    # Counted from the first point: RD coordinates are so large that the products would lose the millimetres.
    origin = ring[0]
    twice_area = moment_x = moment_y = 0.0
    for start, end in _edges(ring):
        x1, y1, x2, y2 = start.x - origin.x, start.y - origin.y, end.x - origin.x, end.y - origin.y
        cross = x1 * y2 - x2 * y1
        twice_area += cross
        moment_x += (x1 + x2) * cross
        moment_y += (y1 + y2) * cross
    if abs(twice_area) < 2 * _MIN_AREA_M2:
        return None
    return Point(origin.x + moment_x / (3 * twice_area), origin.y + moment_y / (3 * twice_area))


def _crossings(ring: tuple[Point, ...], y: float) -> list[float]:
    """Where the boundary crosses the height ``y``, from west to east."""
    return sorted(start.x + (y - start.y) * (end.x - start.x) / (end.y - start.y) for start, end in _edges(ring) if (start.y > y) != (end.y > y))


def _edges(ring: tuple[Point, ...]) -> list[tuple[Point, Point]]:
    return list(zip(ring, (*ring[1:], ring[0]), strict=True))
