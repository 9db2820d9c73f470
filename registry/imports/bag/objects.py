"""The objects of a BAG 2.0 extract, a record for each current occurrence (voorkomen).

Elements are found by name, because their order differs between object types and kinds of delivery. An occurrence is current when it has no end of
validity, no end of registration, and has not been made inactive or declared not part of the BAG.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from lxml import etree

from registry.dwellings.bag_words import USES
from registry.imports.bag import rules
from registry.imports.bag.archive import PartFile
from registry.imports.bag.model import BagValueInvalid, Part
from registry.imports.bag.records import AddressableObject, AddressDesignation, Building, Delivery, Record, Street, Town, TownMunicipality
from registry.imports.bag.rules import Point
from registry.imports.bag.xml import elements

OBJECTS = "{www.kadaster.nl/schemas/lvbag/imbag/objecten/v20200601}"
REFERENCES = "{www.kadaster.nl/schemas/lvbag/imbag/objecten-ref/v20200601}"
HISTORY = "{www.kadaster.nl/schemas/lvbag/imbag/historie/v20200601}"
GML = "{http://www.opengis.net/gml/3.2}"
STANDING = "{http://www.kadaster.nl/schemas/lvbag/extract-deelbestand-lvc/v20200601}bagStand"
RELATION = "{www.kadaster.nl/schemas/lvbag/gem-wpl-rel/gwr-producten-lvc/v20200601}"
PERIOD = "{www.kadaster.nl/schemas/lvbag/gem-wpl-rel/bag-types/v20200601}"
RELATIONS = "{www.kadaster.nl/schemas/lvbag/gem-wpl-rel/gwr-deelbestand-lvc/v20200601}BAG-GWR-Deelbestand-LVC"
SELECTION = "{http://www.kadaster.nl/schemas/lvbag/extract-selecties/v20200601}"
DELIVERY = "{http://www.kadaster.nl/schemas/lvbag/extract-levering/v20200601}BAG-Extract-Levering"


def current_objects(file: PartFile) -> Iterator[Record | None]:
    """One item for each occurrence in the file: the record when it is current, None when it is history.

    Raises BagValueInvalid, and what `elements` raises.
    """
    if file.part is Part.TOWN_MUNICIPALITY:
        yield from _relations(file)
        return
    tag, wanted, build = _SHAPES[file.part]
    for element in elements(file, STANDING, (tag,)):
        values = _Values(file.name, file.part)
        yield build(values) if values.collect(element, wanted) else None


def read_delivery(file: PartFile) -> Delivery:
    """The delivery document. Raises BagValueInvalid, and what `elements` raises."""
    values = _Values(file.name, file.part)
    municipalities: dict[str, str] = {}
    for element in elements(file, DELIVERY, (SELECTION + "StandTechnischeDatum", SELECTION + "Gemeente")):
        if element.tag == SELECTION + "Gemeente":
            code = element.findtext(SELECTION + "GemeenteIdentificatie") or ""
            municipalities["GM" + values.checked("GemeenteIdentificatie", code, _FOUR_DIGITS)] = element.findtext(SELECTION + "GemeenteNaam") or code
        else:
            values.found["date"] = [element.text or ""]
    return Delivery(values.date("date"), municipalities)


def _relations(file: PartFile) -> Iterator[TownMunicipality | None]:
    """The relations that hold on the date of the file. One that ends later is still current, one that begins later is not yet."""
    reference_date: date | None = None
    for element in elements(file, RELATIONS, (SELECTION + "StandTechnischeDatum", RELATION + "GemeenteWoonplaatsRelatie")):
        values = _Values(file.name, file.part)
        values.collect(element, _RELATION_FIELDS)
        if element.tag == SELECTION + "StandTechnischeDatum":
            reference_date = values.date("date")
        elif reference_date is None:
            raise values.invalid("StandTechnischeDatum", "")
        else:
            yield _relation(values, reference_date)


def _relation(values: "_Values", reference_date: date) -> TownMunicipality | None:
    first_day = values.date("first_day")
    end_day = values.date("end_day") if "end_day" in values.found else None
    if values.one("status") != rules.DEFINITIVE or not rules.is_valid_on(reference_date, first_day, end_day):
        return None
    town_code, municipality = values.found.get("code", ["", ""])[:2]
    return TownMunicipality(values.checked("woonplaats", town_code, _FOUR_DIGITS), first_day, "GM" + values.checked("gemeente", municipality, _FOUR_DIGITS))


_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_ID = re.compile(r"[0-9]{16}")
_POSTCODE = re.compile(r"[1-9][0-9]{3}[A-Z]{2}")
_HOUSE_LETTER = re.compile(r"[a-zA-Z]")
_SUFFIX = re.compile(r"[0-9a-zA-Z]{1,4}")
_NAME = re.compile(r"[^\x00-\x1f]{1,80}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_NOT_CURRENT = "not current"


class _Values:
    """The texts of one occurrence by field, and what it takes to read them."""

    def __init__(self, member: str, part: Part) -> None:
        self.found: dict[str, list[str]] = {}
        self.part = part
        self._member = member

    def collect(self, element: etree._Element, wanted: Mapping[str, str]) -> bool:
        """Take the text of every element in ``wanted``, or of the reference within it. False as soon as the occurrence turns out to be history."""
        for node in element.iter(*wanted):
            field = wanted[str(node.tag)]
            if field is _NOT_CURRENT:
                return False
            self.found.setdefault(field, []).append(_coordinates(node) if field == "ring" else (node[0].text if len(node) else node.text) or "")
        return True

    def invalid(self, field: str, value: str) -> BagValueInvalid:
        return BagValueInvalid(member=self._member, object_id=self.found.get("id", ["?"])[0], field=field, value=value)

    def checked(self, field: str, value: str, pattern: re.Pattern[str]) -> str:
        if not pattern.fullmatch(value):
            raise self.invalid(field, value)
        return value

    def one(self, field: str) -> str:
        found = self.found.get(field)
        return found[0] if found else ""

    def required(self, field: str, pattern: re.Pattern[str]) -> str:
        return self.checked(field, self.one(field), pattern)

    def optional(self, field: str, pattern: re.Pattern[str]) -> str | None:
        return self.required(field, pattern) if field in self.found else None

    def ids(self, field: str) -> tuple[str, ...]:
        """Sorted, each once: their order in the file means nothing."""
        return tuple(sorted({self.checked(field, value, _ID) for value in self.found.get(field, ())}))

    def number(self, field: str) -> int:
        return int(self.required(field, _WHOLE_NUMBER))

    def number_within(self, field: str, lowest: int, highest: int) -> int:
        number = self.number(field)
        if not lowest <= number <= highest:
            raise self.invalid(field, str(number))
        return number

    def date(self, field: str) -> date:
        try:
            return date.fromisoformat(self.one(field))
        except ValueError as error:
            raise self.invalid(field, self.one(field)) from error

    def location(self) -> Point:
        """The point itself, or a point inside the outer ring."""
        dimension, _, positions = self.one("ring").partition(":")
        try:
            numbers = [float(number) for number in positions.split()]
            step = int(dimension)
            points = tuple(map(Point, numbers[::step], numbers[1::step]))
            return points[0] if len(points) == 1 else rules.representative_point(points)
        except (ValueError, IndexError, ZeroDivisionError, OverflowError) as error:
            raise self.invalid("geometrie", self.one("ring")) from error


def _coordinates(node: etree._Element) -> str:
    """The positions of a `gml:pos` or `gml:posList`, after their number of dimensions and a colon. A `gml:pos` is one point, whatever it says."""
    text = node.text or ""
    if node.tag == GML + "pos":
        return f"{max(len(text.split()), 2)}:{text}"
    holder: etree._Element | None = node
    while holder is not None and holder.get("srsDimension") is None:
        holder = holder.getparent()
    return f"{(holder.get('srsDimension') if holder is not None else None) or 2}:{text}"


def _addressable(values: _Values) -> AddressableObject:
    is_occupiable = values.part is Part.OCCUPIABLE_OBJECT
    words, status = tuple(values.found.get("use", ())), values.one("status")
    if status not in rules.STATUSES[values.part]:
        raise values.invalid("status", status)
    if unknown := [word for word in words if word not in USES]:
        raise values.invalid("gebruiksdoel", unknown[0])
    return AddressableObject(
        part=values.part,
        id=values.required("id", _ID),
        occurrence=values.number("occurrence"),
        status=status,
        uses=words,
        floor_area_m2=values.number_within("floor_area_m2", 1, 999_999) if is_occupiable else None,
        address_id=values.required("main_address", _ID),
        building_ids=values.ids("building"),
        location=values.location(),
    )


def _address(values: _Values) -> AddressDesignation:
    return AddressDesignation(
        id=values.required("id", _ID),
        occurrence=values.number("occurrence"),
        house_number=values.number_within("house_number", 1, 99_999),
        house_letter=values.optional("house_letter", _HOUSE_LETTER),
        suffix=values.optional("suffix", _SUFFIX),
        postcode=values.optional("postcode", _POSTCODE),
        street_id=values.required("street", _ID),
        town_code=values.optional("town", _FOUR_DIGITS),
    )


def _street(values: _Values) -> Street:
    return Street(values.required("id", _ID), values.number("occurrence"), values.required("name", _NAME), values.required("town", _FOUR_DIGITS))


def _town(values: _Values) -> Town:
    return Town(values.required("id", _FOUR_DIGITS), values.number("occurrence"), values.required("name", _NAME))


def _building(values: _Values) -> Building:
    return Building(values.required("id", _ID), values.number("occurrence"), values.number_within("year_built", 0, 9999))


_COMMON = {
    OBJECTS + "identificatie": "id",
    HISTORY + "voorkomenidentificatie": "occurrence",
    HISTORY + "eindGeldigheid": _NOT_CURRENT,
    HISTORY + "eindRegistratie": _NOT_CURRENT,
    HISTORY + "tijdstipInactief": _NOT_CURRENT,
    HISTORY + "tijdstipInactiefLV": _NOT_CURRENT,
    HISTORY + "tijdstipNietBag": _NOT_CURRENT,
    HISTORY + "tijdstipNietBagLV": _NOT_CURRENT,
}
_LIVING_PLACE = {
    **_COMMON,
    OBJECTS + "heeftAlsHoofdadres": "main_address",
    OBJECTS + "status": "status",
    GML + "pos": "ring",
    GML + "posList": "ring",
}
_RELATION_FIELDS = {
    SELECTION + "StandTechnischeDatum": "date",
    PERIOD + "begindatumTijdvakGeldigheid": "first_day",
    PERIOD + "einddatumTijdvakGeldigheid": "end_day",
    RELATION + "identificatie": "code",
    RELATION + "status": "status",
}

_SHAPES: dict[Part, tuple[str, Mapping[str, str], Callable[[_Values], Record]]] = {
    Part.OCCUPIABLE_OBJECT: (
        OBJECTS + "Verblijfsobject",
        {
            **_LIVING_PLACE,
            OBJECTS + "gebruiksdoel": "use",
            OBJECTS + "oppervlakte": "floor_area_m2",
            REFERENCES + "PandRef": "building",
        },
        _addressable,
    ),
    Part.MOORING: (OBJECTS + "Ligplaats", _LIVING_PLACE, _addressable),
    Part.PITCH: (OBJECTS + "Standplaats", _LIVING_PLACE, _addressable),
    Part.ADDRESS_DESIGNATION: (
        OBJECTS + "Nummeraanduiding",
        {
            **_COMMON,
            OBJECTS + "huisnummer": "house_number",
            OBJECTS + "huisletter": "house_letter",
            OBJECTS + "huisnummertoevoeging": "suffix",
            OBJECTS + "postcode": "postcode",
            REFERENCES + "OpenbareRuimteRef": "street",
            REFERENCES + "WoonplaatsRef": "town",
        },
        _address,
    ),
    Part.STREET: (OBJECTS + "OpenbareRuimte", {**_COMMON, OBJECTS + "naam": "name", REFERENCES + "WoonplaatsRef": "town"}, _street),
    Part.TOWN: (OBJECTS + "Woonplaats", {**_COMMON, OBJECTS + "naam": "name"}, _town),
    Part.BUILDING: (OBJECTS + "Pand", {**_COMMON, OBJECTS + "oorspronkelijkBouwjaar": "year_built"}, _building),
}
