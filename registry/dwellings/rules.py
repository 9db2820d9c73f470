"""What the particulars of a dwelling must satisfy. Pure: the facts they refer to are passed in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from registry.dwellings.model import DwellingType, LabelMethod, Tenure, Use
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
    """A registered energy label; ``surveyed_on`` is the opnamedatum, the rest as in `RegisteredLabel`."""

    label: EnergyLabel
    surveyed_on: date
    registered_on: date | None = None
    expires_on: date | None = None
    method: LabelMethod | None = None
    fossil_energy_kwh_m2: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the register has that particulars refer to. ``focus_areas`` maps a slug to its municipality code, ``holders`` a BAG id to the dwelling that has it.

    ``hidden_bag_ids`` are those of dwellings that whoever acts may not see; ``only_in`` is the one municipality in which she may register.
    """

    municipalities: Collection[str]
    focus_areas: Mapping[str, str]
    holders: Mapping[str, UUID]
    hidden_bag_ids: Collection[str] = ()
    only_in: str | None = None


def check(particulars: Mapping[str, Any], known: Known, *, own_id: UUID | None) -> list[Fault]:
    """All faults of the columns of a dwelling, in `Particulars.columns` form; ``own_id`` is that of the dwelling itself when it has one."""
    faults = [*_identity(particulars, known, own_id), *_municipality(particulars, known)]
    longitude, latitude = particulars["longitude"], particulars["latitude"]
    if (longitude is None) != (latitude is None):
        faults.append(Fault("/longitude" if longitude is None else "/latitude", "required"))
    elif longitude is not None and not in_the_netherlands(longitude, latitude):
        faults.append(Fault("/longitude", "position-outside"))
    return faults


def _identity(particulars: Mapping[str, Any], known: Known, own_id: UUID | None) -> list[Fault]:
    bag_id, object_type = particulars["bag_id"], particulars["bag_object_type"]
    if bag_id is None or object_type is None:
        return [] if bag_id is object_type else [Fault("/bagId" if bag_id is None else "/bagObjectType", "bag-id-without-type")]
    faults = []
    if not bag_type_agrees(bag_id, object_type):
        faults.append(Fault("/bagId", "bag-id-wrong-type", {"type": str(object_type), "digits": BAG_TYPE_DIGITS[object_type]}))
    holder = known.holders.get(bag_id)
    if holder is not None and holder != own_id:
        faults.append(Fault("/bagId", "bag-id-taken", {"bag_id": bag_id, "id": holder}))
    elif bag_id in known.hidden_bag_ids:
        faults.append(Fault("/bagId", "in-use-elsewhere"))
    return faults


def _municipality(particulars: Mapping[str, Any], known: Known) -> list[Fault]:
    code, area = particulars["municipality_code"], particulars["focus_area"]
    faults = []
    if code not in known.municipalities:
        faults.append(Fault("/municipalityCode", "no-such-reference", {"what": "municipality", "id": code}))
    if known.only_in is not None and code != known.only_in:
        faults.append(Fault("/municipalityCode", "outside-your-municipality"))
    if area is not None and area not in known.focus_areas:
        faults.append(Fault("/focusArea", "no-such-reference", {"what": "focus area", "id": area}))
    elif area is not None and known.focus_areas[area] != code:
        faults.append(Fault("/focusArea", "focus-area-elsewhere", {"focus_area": area, "municipality": code}))
    return faults


def check_move(former: Mapping[str, Any], particulars: Mapping[str, Any], *, organisation_id: UUID | None) -> list[Fault]:
    """Only who registered a dwelling says that it lies in another municipality. ``former`` are all columns of the dwelling."""
    if particulars["municipality_code"] != former["municipality_code"] and former["registrar_id"] != organisation_id:
        return [Fault("/municipalityCode", "municipality-stays")]
    return []


ADDRESS = ("street", "house_number", "house_letter", "house_number_suffix", "postcode", "town")


def no_longer_so(former: Mapping[str, Any], particulars: Mapping[str, Any]) -> dict[str, object]:
    """What the BAG said of another object, address or position than the dwelling has from now on."""
    cleared: dict[str, object] = {}
    if former["bag_id"] != particulars["bag_id"]:
        cleared |= {"bag_status": None, "address_designation_id": None, "building_ids": []}
    if any(former[name] != particulars[name] for name in ADDRESS):
        cleared |= {"address_designation_id": None, "town_code": None}
    if (former["longitude"], former["latitude"]) != (particulars["longitude"], particulars["latitude"]):
        cleared |= {"rd_x": None, "rd_y": None}
    return cleared


def check_label(label: Label, *, today: date) -> list[Fault]:
    wrong = [("/surveyedOn", label.surveyed_on), ("/registeredOn", label.registered_on)]
    return [Fault(pointer, "wrong-label-date") for pointer, on in wrong if on is not None and on > today]
