"""The columns of a file of dwellings. A column that is not there and a cell that is empty leave what they are about as it is; a cell with `-` clears it."""

import re
from functools import lru_cache
from typing import Final

from registry.dwellings.bag_words import USES
from registry.dwellings.model import DwellingType, Tenure, Use
from registry.imports import dwelling_of_row
from registry.imports.kinds import Values
from registry.sheets import cells
from registry.sheets.columns import CellRefused, Column, Convert
from registry.values import BAG_TYPE_DIGITS, MUNICIPALITY_CODE, SLUG, BagObjectType

CLEARS: Final = "-"
_DEGREES: Final = re.compile(r"-?[0-9]{1,3}([.,][0-9]{1,17})?")
_LETTER: Final = re.compile("[A-Za-z]")
_SUFFIX: Final = re.compile("[0-9A-Za-z]{1,4}")
TENURES: Final = {
    "koop": Tenure.OWNER_OCCUPIED,
    "particuliere huur": Tenure.PRIVATE_RENT,
    "sociale huur": Tenure.SOCIAL_RENT,
    "middenhuur": Tenure.MID_RENT,
    "leegstand": Tenure.VACANT,
}
TYPES: Final = {"eengezinswoning": DwellingType.SINGLE_FAMILY, "meergezinswoning": DwellingType.MULTI_FAMILY}
OBJECT_TYPES: Final = {
    "verblijfsobject": BagObjectType.OCCUPIABLE_OBJECT,
    "standplaats": BagObjectType.PITCH,
    "ligplaats": BagObjectType.MOORING,
}
_one_use: Final = cells.choice(USES)


def uses(cell: str) -> list[str]:
    """Several are separated by a comma, a bar or a plus, in any order: each once."""
    words = [word.strip() for word in cell.replace("|", ",").replace("+", ",").replace(";", ",").split(",")]
    found = {str(_one_use(word)) for word in words if word}
    return [use.value for use in Use if use.value in found]


def matching(pattern: re.Pattern[str], form: str) -> Convert:
    def convert(cell: str) -> str:
        if not pattern.fullmatch(cell):
            raise CellRefused("wrong-form", {"form": form})
        return cell

    return convert


def municipality(cell: str) -> str:
    """'GM0917', '0917' and '917' (a spreadsheet drops the zero) are the same."""
    code = f"GM{cell.zfill(4)}" if cell.isdecimal() and len(cell) <= 4 else cell.upper()
    return str(matching(MUNICIPALITY_CODE, "GM0917")(code))


def degrees(cell: str) -> float:
    """With a comma or a point: in degrees there are no thousands."""
    if not _DEGREES.fullmatch(cell):
        raise CellRefused("not-a-number")
    return float(cell.replace(",", "."))


def clearable(convert: Convert) -> Convert:
    """None for a cell that clears."""
    return lambda cell: None if cell == CLEARS else convert(cell)


_SHARED: Final = {column.name: column for column in dwelling_of_row.COLUMNS}


def _cleared(name: str, convert: Convert | None = None) -> Column:
    """A column by which a row may name a dwelling, and that it may change too."""
    one = _SHARED[name]
    return Column(one.name, one.headers, clearable(convert or one.convert), one.about_nl, one.about_en, one.example)


COLUMNS: Final = (
    _SHARED["dwellingId"],
    _cleared("bagId"),
    Column(
        "bagObjectType",
        ("Objecttype", "Object type", "BAG-objecttype"),
        cells.choice(OBJECT_TYPES),
        "Verblijfsobject, standplaats of ligplaats; zonder deze kolom volgt het uit de BAG-id.",
        "Occupiable object, pitch or mooring; without this column it follows from the BAG id.",
        "verblijfsobject",
        choices=tuple(OBJECT_TYPES),
    ),
    Column(
        "street",
        ("Straat", "Street", "Straatnaam", "Openbare ruimte"),
        clearable(cells.text(80)),
        "De straatnaam.",
        "The name of the street.",
        "Vrieheidestraat",
    ),
    _cleared("houseNumber"),
    _cleared("houseLetter", matching(_LETTER, "a")),
    _cleared("houseNumberSuffix", matching(_SUFFIX, "2")),
    _cleared("postcode"),
    Column("town", ("Woonplaats", "Town", "Plaats", "City"), clearable(cells.text(80)), "De woonplaats.", "The town.", "Heerlen"),
    Column(
        "municipalityCode",
        ("Gemeentecode", "Municipality code", "Gemeente"),
        municipality,
        "De code van de gemeente als GM0917; een gemeente mag haar eigen code weglaten.",
        "The code of the municipality as GM0917; a municipality may leave out its own.",
        "GM0917",
    ),
    Column(
        "focusArea",
        ("Focusgebied", "Focus area", "Vernieuwingsgebied"),
        clearable(matching(SLUG, "heerlen-noord")),
        "De naam van het focusgebied als in het register.",
        "The name of the focus area as in the register.",
        "heerlen-noord",
    ),
    Column("yearBuilt", ("Bouwjaar", "Year built"), clearable(cells.whole_number(1000, 2200)), "Een jaar als 1962.", "A year as 1962.", "1962"),
    Column(
        "floorAreaM2",
        ("Oppervlakte m2", "Floor area m2", "Oppervlakte", "Gebruiksoppervlakte", "GBO"),
        clearable(cells.whole_number(1, 999_999)),
        "De gebruiksoppervlakte in hele vierkante meters.",
        "The usable floor area in whole square metres.",
        "84",
    ),
    Column(
        "uses",
        ("Gebruiksdoel", "Uses", "Gebruiksdoelen"),
        uses,
        "Gebruiksdoelen van de BAG, met een komma ertussen.",
        "Uses as in the BAG, separated by commas.",
        "woonfunctie",
    ),
    Column(
        "tenure",
        ("Eigendomsvorm", "Tenure", "Eigendom"),
        clearable(cells.choice(TENURES)),
        "Koop, particuliere huur, sociale huur, middenhuur of leegstand.",
        "Owner-occupied, private rent, social rent, mid rent or vacant.",
        "sociale huur",
        choices=tuple(TENURES),
    ),
    Column(
        "dwellingType",
        ("Woningtype", "Dwelling type", "Soort woning"),
        clearable(cells.choice(TYPES)),
        "Eengezinswoning of meergezinswoning.",
        "Single-family or multi-family.",
        "eengezinswoning",
        choices=tuple(TYPES),
    ),
    Column("longitude", ("Lengtegraad", "Longitude", "Lon"), clearable(degrees), "Graden (WGS 84), als 5,98.", "Degrees (WGS 84), as 5.98.", "5,98123"),
    Column("latitude", ("Breedtegraad", "Latitude", "Lat"), clearable(degrees), "Graden (WGS 84), als 50,90.", "Degrees (WGS 84), as 50.90.", "50,90321"),
)
_SAME: Final = {
    "bagId": "bag_id",
    "bagObjectType": "bag_object_type",
    "street": "street",
    "houseLetter": "house_letter",
    "houseNumberSuffix": "house_number_suffix",
    "postcode": "postcode",
    "town": "town",
    "municipalityCode": "municipality_code",
    "focusArea": "focus_area",
    "yearBuilt": "year_built",
    "floorAreaM2": "floor_area_m2",
    "uses": "uses",
    "tenure": "tenure",
    "dwellingType": "dwelling_type",
    "longitude": "longitude",
    "latitude": "latitude",
}
NAMES: Final = {**{column: name for name, column in _SAME.items()}, "house_number": "houseNumber"}
"""Of the API, by the column of the table."""
_TYPES_BY_DIGITS: Final = {digits: type_.value for type_, digits in BAG_TYPE_DIGITS.items()}


@lru_cache(1000)
def _columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Of the table, for these of the API; "" for what is said otherwise. Most rows of a file have the same ones."""
    return tuple(_SAME.get(name, "") for name in names)


def said(values: Values) -> dict[str, object]:
    """What a row says, by the column of the table; None for what it clears. Letter and suffix behind the house number count unless they have own cells."""
    columns = _columns(tuple(values))
    found: dict[str, object] = dict(zip(columns, values.values(), strict=True))
    found.pop("", None)
    if "houseNumber" in values:
        number = values["houseNumber"]
        if isinstance(number, dict):
            found["house_number"] = number["number"]
            for part, column in (("letter", "house_letter"), ("suffix", "house_number_suffix")):
                if part in number:
                    found.setdefault(column, number[part])
        else:
            found["house_number"] = number
    if "bag_id" in found and "bag_object_type" not in found:
        bag_id = found["bag_id"]
        found["bag_object_type"] = None if bag_id is None else _TYPES_BY_DIGITS.get(str(bag_id)[4:6], BagObjectType.OCCUPIABLE_OBJECT.value)
    return found
