"""What the particulars of a dwelling must satisfy. Pure: the facts they refer to are passed in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date
from uuid import UUID

from registry.dwellings.model import DwellingType, Tenure, Use
from registry.errors import Fault
from registry.values import BAG_TYPE_DIGITS, BagObjectType, EnergyLabel, bag_type_agrees, in_the_netherlands


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a party may say about a dwelling. Areas in m², position in CRS84 degrees."""

    municipality_code: str
    focus_area: str | None = None
    bag_id: str | None = None
    bag_object_type: BagObjectType | None = None
    street: str | None = None
    house_number: int | None = None
    house_letter: str | None = None
    house_number_suffix: str | None = None
    postcode: str | None = None
    town: str | None = None
    year_built: int | None = None
    floor_area_m2: int | None = None
    uses: tuple[Use, ...] = (Use.RESIDENTIAL,)
    tenure: Tenure | None = None
    dwelling_type: DwellingType | None = None
    longitude: float | None = None
    latitude: float | None = None

    def columns(self) -> dict[str, object]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "uses": [use.value for use in self.uses]}


@dataclass(frozen=True, slots=True)
class NewDwelling:
    """``id`` is made by the client, so that sending it again changes nothing."""

    particulars: Particulars
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A registered energy label; ``surveyed_on`` is the opnamedatum."""

    label: EnergyLabel
    surveyed_on: date


def check(particulars: Particulars, *, municipalities: Collection[str], focus_areas: Mapping[str, str]) -> list[Fault]:
    """All faults. ``focus_areas`` maps a slug to its municipality code."""
    return [*_identity(particulars), *_place(particulars, municipalities, focus_areas)]


def _identity(particulars: Particulars) -> list[Fault]:
    bag_id, object_type = particulars.bag_id, particulars.bag_object_type
    if bag_id is not None and object_type is not None:
        if bag_type_agrees(bag_id, object_type):
            return []
        return [Fault("/bagId", "bag-id-wrong-type", {"type": object_type.value, "digits": BAG_TYPE_DIGITS[object_type]})]
    return [] if bag_id is object_type else [Fault("/bagId" if bag_id is None else "/bagObjectType", "bag-id-without-type")]


def _place(particulars: Particulars, municipalities: Collection[str], focus_areas: Mapping[str, str]) -> list[Fault]:
    faults = []
    if particulars.municipality_code not in municipalities:
        faults.append(Fault("/municipalityCode", "no-such-reference", {"what": "municipality", "id": particulars.municipality_code}))
    area = particulars.focus_area
    if area is not None and area not in focus_areas:
        faults.append(Fault("/focusArea", "no-such-reference", {"what": "focus area", "id": area}))
    elif area is not None and focus_areas[area] != particulars.municipality_code:
        faults.append(Fault("/focusArea", "focus-area-elsewhere", {"focus_area": area, "municipality": particulars.municipality_code}))
    longitude, latitude = particulars.longitude, particulars.latitude
    if (longitude is None) != (latitude is None):
        faults.append(Fault("/longitude" if longitude is None else "/latitude", "required"))
    elif longitude is not None and latitude is not None and not in_the_netherlands(longitude, latitude):
        faults.append(Fault("/longitude", "position-outside"))
    return faults


def check_label(label: Label, *, today: date) -> list[Fault]:
    return [Fault("/surveyedOn", "wrong-label-date")] if label.surveyed_on > today else []
