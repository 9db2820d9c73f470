"""Small values with rules of their own: identifiers, postcodes, energy labels, positions."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Final

MUNICIPALITY_CODE: Final = re.compile(r"GM[0-9]{4}")
SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
POSTCODE: Final = re.compile(r"[1-9][0-9]{3}[A-Z]{2}")
POSTCODE_PREFIX: Final = re.compile(r"[1-9][0-9]{0,2}|[1-9][0-9]{3}[A-Z]{0,2}")
BAG_ID: Final = re.compile(r"[0-9]{16}")
SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")

SPACE_IN_POSTCODE: Final = re.compile(r"\s+")
EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean one."""
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 9000
"""Moments outside these years are typing errors, and near the ends of the calendar they can't be converted to another time zone."""


class EnergyLabel(StrEnum):
    """Energielabel, from worst to best; a label jump (labelsprong) counts the steps. Codes as printed on the label."""

    G = "G"
    F = "F"
    E = "E"
    D = "D"
    C = "C"
    B = "B"
    A = "A"
    A_1 = "A+"
    A_2 = "A++"
    A_3 = "A+++"
    A_4 = "A++++"


_ORDER = {label: place for place, label in enumerate(EnergyLabel)}


def label_jump(before: EnergyLabel | None, after: EnergyLabel | None) -> int | None:
    """Steps from ``before`` to ``after``, negative when it got worse; None while either is unknown."""
    if before is None or after is None:
        return None
    return _ORDER[after] - _ORDER[before]


class BagObjectType(StrEnum):
    """The kinds of addressable object (adresseerbaar object) in the BAG."""

    OCCUPIABLE_OBJECT = "occupiable-object"
    """Verblijfsobject (code 01)."""
    PITCH = "pitch"
    """Standplaats (code 03)."""
    MOORING = "mooring"
    """Ligplaats (code 02)."""


BAG_TYPE_DIGITS: Final = {BagObjectType.OCCUPIABLE_OBJECT: "01", BagObjectType.MOORING: "02", BagObjectType.PITCH: "03"}
"""Places 5 and 6 of a BAG id. Places 1 to 4 name the municipality that once created it, which says nothing about today."""


def bag_type_agrees(bag_id: str, object_type: BagObjectType) -> bool:
    return bag_id[4:6] == BAG_TYPE_DIGITS[object_type]


def normal_postcode(postcode: str) -> str:
    """'6411 ab' as '6411AB'."""
    return SPACE_IN_POSTCODE.sub("", postcode).upper()


def in_the_netherlands(longitude: float, latitude: float) -> bool:
    """Whether a CRS84 position lies in the box around the European Netherlands."""
    return 3.0 <= longitude <= 7.4 and 50.6 <= latitude <= 53.8


def address_line(street: str | None, number: int | None, letter: str | None, suffix: str | None) -> str | None:
    """'Dorpsstraat 15 c-2', or None without a street."""
    if street is None:
        return None
    parts: list[str | None] = [street, str(number) if number else None, letter]
    line = " ".join(part for part in parts if part)
    return f"{line}-{suffix}" if suffix else line


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres along a great circle between two positions (longitude, latitude in degrees), as on a sphere."""
    (east, north), (other_east, other_north) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((other_north - north) / 2) ** 2 + cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def rfc3339(moment: datetime) -> str:
    """In UTC, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
