"""Which dwelling a row names: by its id, its BAG id, or postcode and house number. Looked up for many rows at once, as far as who sends them sees it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.db import Json
from registry.dwellings.model import Dwelling
from registry.imports.kinds import RowFault, Values
from registry.sheets import cells
from registry.sheets.columns import Column

COLUMNS = (
    Column(
        "dwellingId",
        ("Woning-id", "Dwelling id"),
        cells.uuid,
        "Het id van de woning in het register.",
        "The id of the dwelling in the register.",
        "0190f5c0-7a53-7c0b-9d0a-2f6a6d3f4c11",
    ),
    Column(
        "bagId",
        ("BAG-id", "BAG id", "VBO-id", "Verblijfsobject-id", "BAG verblijfsobject", "BAG-identificatie", "Identificatie"),
        cells.bag_id,
        "De identificatie van het verblijfsobject, de standplaats of ligplaats in de BAG: 16 cijfers.",
        "The id of the addressable object in the BAG: 16 digits.",
        "0917010000012345",
    ),
    Column("postcode", ("Postcode", "Postal code"), cells.postcode, "Een postcode als 6411 AB.", "A postal code as 6411 AB.", "6411 AB"),
    Column(
        "houseNumber",
        ("Huisnummer", "House number", "Huisnr", "Nummer"),
        cells.house_number,
        "Een huisnummer; letter en toevoeging mogen erachter staan: 15, 15a, 15 A-2.",
        "A house number; letter and suffix may follow it: 15, 15a, 15 A-2.",
        "15",
    ),
    Column("houseLetter", ("Huisletter", "House letter"), cells.text(1), "Eén letter.", "One letter.", "a"),
    Column(
        "houseNumberSuffix",
        ("Toevoeging", "Suffix", "Huisnummertoevoeging", "House number suffix"),
        cells.text(4),
        "Ten hoogste vier tekens.",
        "Four characters at most.",
        "2",
    ),
)
"""By which a row can name a dwelling."""
NAMED_BY = (("dwellingId",), ("bagId",), ("postcode", "houseNumber"))
SHOWN = 5
"""Of the dwellings at a postcode and number, when the row names none of them."""


@dataclass(frozen=True, slots=True)
class Address:
    """Postcode and house number; letter and suffix in lower case, empty when there is none."""

    postcode: str
    number: int
    letter: str
    suffix: str

    @property
    def key(self) -> tuple[str, int]:
        return self.postcode, self.number

    @property
    def addition(self) -> str:
        return self.letter + self.suffix

    def __str__(self) -> str:
        return "-".join(part for part in (f"{self.number}{self.letter}", self.suffix) if part)


@dataclass(frozen=True, slots=True)
class Place:
    """A dwelling and where it is."""

    id: UUID
    bag_id: str | None
    municipality_code: str
    address: Address


@dataclass(slots=True)
class Found:
    """The dwelling that a row names, or what is wrong with how it names one; neither when it does not try to."""

    place: Place | None = None
    faults: list[RowFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    by_id: Mapping[UUID, Place]
    by_bag_id: Mapping[str, Place]
    by_number: Mapping[tuple[str, int], Sequence[Place]]


def find(session: Session, actor: Actor, rows: Sequence[Values]) -> list[Found]:  # noqa: ARG001
    """One for each row, in a fixed number of queries. When a dwelling is named in more than one way, they must agree."""
    addresses = [_address(row) for row in rows]
    known = _known(session, rows, {address.key for address, _ in addresses if address})
    return [_find(row, address, faults, known) for row, (address, faults) in zip(rows, addresses, strict=True)]


def _address(row: Values) -> tuple[Address | None, list[RowFault]]:
    """Letter and suffix may stand behind the number or in columns of their own."""
    number = row.get("houseNumber")
    if "postcode" not in row or not isinstance(number, dict):
        return None, []
    parts, faults = [], []
    for column, name in (("houseLetter", "letter"), ("houseNumberSuffix", "suffix")):
        behind, own = str(number.get(name, "")).lower(), str(row.get(column, "")).lower()
        if behind and own and behind != own:
            faults.append(RowFault(column, "house-number-says-otherwise", {"said": behind}))
        parts.append(own or behind)
    return Address(str(row["postcode"]), cast("int", number["number"]), parts[0], parts[1]), faults


def _find(row: Values, address: Address | None, faults: list[RowFault], known: _Known) -> Found:
    at_address = _at(address, known) if address else ()
    if "dwellingId" in row:
        column, found = "dwellingId", known.by_id.get(UUID(str(row["dwellingId"])))
    elif "bagId" in row:
        column, found = "bagId", known.by_bag_id.get(str(row["bagId"]))
    elif address is None or faults:
        return Found(faults=faults)
    else:
        return _by_address(address, at_address, known)
    if found is None:
        return Found(faults=[*faults, RowFault(column, "no-such-reference", {"what": "dwelling", "id": row[column]})])
    if "bagId" in row and found.bag_id != row["bagId"]:
        faults.append(RowFault("bagId", "another-dwelling"))
    if address and not faults and found not in at_address:
        faults.append(RowFault("postcode", "another-dwelling"))
    return Found(None if faults else found, faults)


def _by_address(address: Address, at_address: Sequence[Place], known: _Known) -> Found:
    if len(at_address) == 1:
        return Found(at_address[0])
    if at_address:
        return Found(faults=[RowFault("houseNumber", "dwelling-ambiguous", {"count": len(at_address)})])
    others = known.by_number.get(address.key, ())
    if others:
        facts: dict[str, Json] = {"found": ", ".join(str(place.address) for place in others[:SHOWN]), "count": len(others)}
        return Found(faults=[RowFault("houseNumber", "address-with-other-additions", facts)])
    return Found(faults=[RowFault("postcode", "no-such-reference", {"what": "dwelling", "id": f"{address.postcode} {address}"})])


def _at(address: Address, known: _Known) -> Sequence[Place]:
    """Without letter and suffix: the one that has none, or else all that share the number. What the BAG calls a letter others call a suffix."""
    places = known.by_number.get(address.key, ())
    exact = [place for place in places if place.address == address]
    if exact or not address.addition:
        return exact or places
    return [place for place in places if place.address.addition == address.addition]


def _known(session: Session, rows: Sequence[Values], numbers: set[tuple[str, int]]) -> _Known:
    ids = {UUID(str(row["dwellingId"])) for row in rows if "dwellingId" in row}
    bag_ids = {str(row["bagId"]) for row in rows if "bagId" in row}
    places = {
        *_places(session, Dwelling.id == _any(ids, sa.Uuid()), ids),
        *_places(session, Dwelling.bag_id == _any(bag_ids, sa.Text()), bag_ids),
        *_places(session, _at_numbers(sorted(numbers)), numbers),
    }
    by_number: dict[tuple[str, int], list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: (place.address.letter, place.address.suffix, place.id)):
        by_number[place.address.key].append(place)
    return _Known({place.id: place for place in places}, {place.bag_id: place for place in places if place.bag_id}, by_number)


def _any(values: set[UUID] | set[str], type_: sa.Uuid[UUID] | sa.Text) -> sa.CollectionAggregate[bool]:
    return sa.any_(sa.cast(list(values), sa.ARRAY(type_)))


def _at_numbers(numbers: Sequence[tuple[str, int]]) -> sa.ColumnElement[bool]:
    postcodes, house_numbers = ([number[part] for number in numbers] for part in (0, 1))
    asked = sa.func.unnest(sa.cast(postcodes, sa.ARRAY(sa.Text)), sa.cast(house_numbers, sa.ARRAY(sa.Integer)))
    columns = asked.table_valued(sa.column("postcode", sa.Text), sa.column("house_number", sa.Integer)).render_derived().columns
    return sa.tuple_(Dwelling.postcode, Dwelling.house_number).in_(sa.select(*columns))


_COLUMNS = (
    Dwelling.id,
    Dwelling.bag_id,
    Dwelling.municipality_code,
    Dwelling.postcode,
    Dwelling.house_number,
    Dwelling.house_letter,
    Dwelling.house_number_suffix,
)


def _places(session: Session, named: sa.ColumnElement[bool], wanted: set[UUID] | set[str] | set[tuple[str, int]]) -> list[Place]:
    if not wanted:
        return []
    found = session.execute(sa.select(*_COLUMNS).where(named, Dwelling.withdrawn_at.is_(None)))  # as row-level security shows them (`in_sight.py`)
    return [
        Place(id, bag_id, code, Address(postcode or "", number or 0, (letter or "").lower(), (suffix or "").lower()))
        for id, bag_id, code, postcode, number, letter, suffix in found
    ]
