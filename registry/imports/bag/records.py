"""What one current occurrence (voorkomen) of a BAG object says; ``occurrence`` is its number within the object.

Statuses and uses are the BAG's own words here, ids are sixteen digits, town codes four.
"""

from dataclasses import dataclass
from datetime import date

from registry.imports.bag.model import Part
from registry.imports.bag.rules import Point


@dataclass(frozen=True, slots=True)
class AddressableObject:
    """A verblijfsobject, ligplaats or standplaats. The last two have neither uses, floor area nor buildings."""

    part: Part
    id: str
    occurrence: int
    status: str
    uses: tuple[str, ...]
    floor_area_m2: int | None
    address_id: str
    building_ids: tuple[str, ...]
    location: Point


@dataclass(frozen=True, slots=True)
class AddressDesignation:
    """``town_code`` is only there when the address lies in another town than its street does."""

    id: str
    occurrence: int
    house_number: int
    house_letter: str | None
    suffix: str | None
    postcode: str | None
    street_id: str
    town_code: str | None


@dataclass(frozen=True, slots=True)
class Street:
    id: str
    occurrence: int
    name: str
    town_code: str


@dataclass(frozen=True, slots=True)
class Town:
    code: str
    occurrence: int
    name: str


@dataclass(frozen=True, slots=True)
class Building:
    id: str
    occurrence: int
    year_built: int


@dataclass(frozen=True, slots=True)
class TownMunicipality:
    """``municipality_code`` has the form of CBS: GM0457."""

    town_code: str
    first_day: date
    municipality_code: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """``municipalities`` is empty for a delivery of another area."""

    reference_date: date
    municipalities: dict[str, str]


Record = AddressableObject | AddressDesignation | Street | Town | Building | TownMunicipality
