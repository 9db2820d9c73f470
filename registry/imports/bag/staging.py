"""From the extract into temporary tables of one database session, and the joins there: memory does not grow with the extract."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import LiteralString

import psycopg

from registry.imports.bag import rules
from registry.imports.bag.archive import PartFile
from registry.imports.bag.model import Part
from registry.imports.bag.objects import current_objects
from registry.imports.bag.records import AddressableObject, AddressDesignation, Building, Record, Street, Town, TownMunicipality
from registry.imports.bag.rules import LeftOut, Suspect
from registry.imports.bag.transformation import lon_lat

BATCH_RECORDS = 2_000
"""Coordinates are transformed this many at a time."""

Value = str | int | float | bool | list[str] | None
Row = tuple[Value, ...]

DROP = (
    "DROP TABLE IF EXISTS pg_temp.bag_object, pg_temp.bag_address, pg_temp.bag_street, pg_temp.bag_town, pg_temp.bag_building, "
    "pg_temp.bag_town_municipality, pg_temp.bag_dwelling, pg_temp.bag_applied"
)
CREATE = """
CREATE TEMP TABLE bag_object (
    id text, occurrence int, object_type text, status text, left_out text, address_id text, building_ids text[], uses text[],
    floor_area_m2 int, rd_x numeric(9, 3), rd_y numeric(9, 3), longitude float8, latitude float8, suspect text[]
);
CREATE TEMP TABLE bag_address (
    id text, occurrence int, house_number int, house_letter text, suffix text, postcode text, street_id text, town_code text
);
CREATE TEMP TABLE bag_street (id text, occurrence int, name text, town_code text);
CREATE TEMP TABLE bag_town (id text, occurrence int, name text);
CREATE TEMP TABLE bag_building (id text, occurrence int, year_built int, suspect bool);
CREATE TEMP TABLE bag_town_municipality (id text, occurrence int, municipality_code text);
CREATE TEMP TABLE bag_dwelling AS
    SELECT bag_id, bag_object_type, bag_status, address_designation_id, building_ids, street, house_number, house_letter, house_number_suffix,
        postcode, town, town_code, municipality_code, year_built, floor_area_m2, uses, rd_x, rd_y, longitude, latitude,
        ''::text AS suspect_year, false AS building_missing
    FROM dwelling WITH NO DATA;
CREATE TEMP TABLE bag_applied (id uuid, municipality_code text, outcome text)
"""
_OBJECT_COPY: LiteralString = (
    "COPY pg_temp.bag_object (id, occurrence, object_type, status, left_out, address_id, building_ids, uses, floor_area_m2, rd_x, rd_y, "
    "longitude, latitude, suspect) FROM STDIN"
)
_COPY: dict[Part, LiteralString] = {
    Part.OCCUPIABLE_OBJECT: _OBJECT_COPY,
    Part.MOORING: _OBJECT_COPY,
    Part.PITCH: _OBJECT_COPY,
    Part.ADDRESS_DESIGNATION: "COPY pg_temp.bag_address FROM STDIN",
    Part.STREET: "COPY pg_temp.bag_street FROM STDIN",
    Part.TOWN: "COPY pg_temp.bag_town FROM STDIN",
    Part.BUILDING: "COPY pg_temp.bag_building FROM STDIN",
    Part.TOWN_MUNICIPALITY: "COPY pg_temp.bag_town_municipality FROM STDIN",
}


@dataclass(slots=True)
class Tally:
    """Occurrences of one object type: all in the extract, and those that are current."""

    read: int = 0
    current: int = 0


def create_tables(connection: psycopg.Connection) -> None:
    connection.execute(DROP)
    connection.execute(CREATE)


def copy_file(connection: psycopg.Connection, file: PartFile, tally: Tally) -> None:
    """Copy the current objects of one file; ``tally`` goes up with what is read."""
    rows = _object_rows if file.part in rules.OBJECT_TYPES else _other_rows
    with connection.cursor() as cursor, cursor.copy(_COPY[file.part]) as copy:
        for batch in _batches(_counted(current_objects(file), tally)):
            for row in rows(batch):
                copy.write_row(row)


def _counted(records: Iterable[Record | None], tally: Tally) -> Iterator[Record]:
    for record in records:
        tally.read += 1
        if record is not None:
            tally.current += 1
            yield record


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, BATCH_RECORDS)):
        yield batch


def _object_rows(batch: Sequence[Record]) -> Iterator[Row]:
    objects = [record for record in batch if isinstance(record, AddressableObject)]
    located = [each for each in objects if rules.is_in_the_netherlands(each.location)]
    degrees = lon_lat([each.location.x for each in located], [each.location.y for each in located])
    positions = {id(each): position for each, position in zip(located, degrees, strict=True)}
    for each in objects:
        yield _object_row(each, positions.get(id(each)))


def _object_row(each: AddressableObject, position: tuple[float, float] | None) -> Row:
    verdict = rules.judge(each.part, each.status, each.uses)
    left_out, status = (verdict, None) if isinstance(verdict, LeftOut) else (None, verdict)
    suspect: list[str] = []
    floor_area_m2 = each.floor_area_m2
    if floor_area_m2 is not None and rules.is_floor_area_suspect(floor_area_m2):
        suspect.append(Suspect.FLOOR_AREA)
        floor_area_m2 = None
    if position is None:
        suspect.append(Suspect.LOCATION)
    x, y = (round(each.location.x, 3), round(each.location.y, 3)) if position else (None, None)
    lon, lat = position or (None, None)
    head = (each.id, each.occurrence, rules.OBJECT_TYPES[each.part].value, status and status.value, left_out and left_out.value, each.address_id)
    return (*head, list(each.building_ids), [use.value for use in rules.uses(each.uses)], floor_area_m2, x, y, lon, lat, suspect)


def _other_rows(batch: Sequence[Record]) -> Iterator[Row]:
    for record in batch:
        yield _other_row(record)


def _other_row(record: Record) -> Row:
    match record:
        case AddressDesignation():
            number = (record.house_number, record.house_letter, record.suffix, record.postcode)
            return (record.id, record.occurrence, *number, record.street_id, record.town_code)
        case Street():
            return (record.id, record.occurrence, record.name, record.town_code)
        case Town():
            return (record.code, record.occurrence, record.name)
        case Building():
            suspect = rules.is_year_built_suspect(record.year_built)
            return (record.id, record.occurrence, None if suspect else record.year_built, suspect)
        case TownMunicipality():
            return (record.town_code, record.first_day.toordinal(), record.municipality_code)
        case AddressableObject():
            raise TypeError("addressable objects have a batch of their own")


_LOOKUPS: tuple[LiteralString, ...] = ("bag_address", "bag_street", "bag_town", "bag_building", "bag_town_municipality")

_LATEST_ONLY: LiteralString = """
DELETE FROM pg_temp.{0} older USING pg_temp.{0} newer
WHERE older.id = newer.id AND (older.occurrence, older.ctid) < (newer.occurrence, newer.ctid)
"""
_MARK_DUPLICATES = """
UPDATE pg_temp.bag_object older SET left_out = 'duplicate' FROM pg_temp.bag_object newer
WHERE older.id = newer.id AND (older.occurrence, older.ctid) < (newer.occurrence, newer.ctid)
"""
# An address may lie in another town than its street; then it says so itself.
_MARK_INCOMPLETE = """
UPDATE pg_temp.bag_object marked
SET left_out = CASE
    WHEN address.id IS NULL THEN 'address-missing'
    WHEN street.id IS NULL THEN 'street-missing'
    WHEN town.id IS NULL THEN 'town-missing'
    ELSE 'municipality-missing'
END
FROM pg_temp.bag_object object
LEFT JOIN pg_temp.bag_address address ON address.id = object.address_id
LEFT JOIN pg_temp.bag_street street ON street.id = address.street_id
LEFT JOIN pg_temp.bag_town town ON town.id = coalesce(address.town_code, street.town_code)
LEFT JOIN pg_temp.bag_town_municipality municipality ON municipality.id = town.id
WHERE marked.ctid = object.ctid AND object.left_out IS NULL
    AND (address.id IS NULL OR street.id IS NULL OR town.id IS NULL OR municipality.id IS NULL)
"""
# A dwelling in several buildings is as old as the oldest of them.
_JOIN = """
WITH building AS (
    SELECT object.id, min(building.year_built) AS year_built, coalesce(bool_or(building.suspect), false) AS suspect,
        bool_or(building.id IS NULL) AS missing
    FROM pg_temp.bag_object object CROSS JOIN unnest(object.building_ids) AS reference (building_id)
    LEFT JOIN pg_temp.bag_building building ON building.id = reference.building_id
    WHERE object.left_out IS NULL
    GROUP BY object.id
)
INSERT INTO pg_temp.bag_dwelling
SELECT object.id, object.object_type, object.status, object.address_id, object.building_ids, street.name, address.house_number,
    address.house_letter, address.suffix, address.postcode, town.name, town.id, municipality.municipality_code, building.year_built,
    object.floor_area_m2, object.uses, object.rd_x, object.rd_y, object.longitude, object.latitude,
    CASE WHEN building.suspect THEN 'year-built-placeholder' END, coalesce(building.missing, false)
FROM pg_temp.bag_object object
JOIN pg_temp.bag_address address ON address.id = object.address_id
JOIN pg_temp.bag_street street ON street.id = address.street_id
JOIN pg_temp.bag_town town ON town.id = coalesce(address.town_code, street.town_code)
JOIN pg_temp.bag_town_municipality municipality ON municipality.id = town.id
LEFT JOIN building ON building.id = object.id
WHERE object.left_out IS NULL
"""


def join(connection: psycopg.Connection) -> None:
    """Fill `bag_dwelling` and give every object that can't be completed its reason."""
    for table in _LOOKUPS:
        connection.execute(_LATEST_ONLY.format(table))
    connection.execute(_MARK_DUPLICATES)
    for table in (*_LOOKUPS, "bag_object"):
        connection.execute(f"ANALYZE pg_temp.{table}")
    connection.execute(_MARK_INCOMPLETE)
    connection.execute(_JOIN)
    connection.execute("ANALYZE pg_temp.bag_dwelling")


@dataclass(frozen=True, slots=True)
class Joined:
    kept: int
    buildings_missing: int
    left_out: dict[LeftOut, int]
    suspect: dict[Suspect, int]


def count_joined(connection: psycopg.Connection) -> Joined:
    kept, missing, years = _numbers(connection, "SELECT count(*), count(*) FILTER (WHERE building_missing), count(suspect_year) FROM pg_temp.bag_dwelling")
    left_out = Counter(dict(_pairs(connection, "SELECT left_out, count(*) FROM pg_temp.bag_object WHERE left_out IS NOT NULL GROUP BY 1")))
    suspect = Counter(dict(_pairs(connection, "SELECT unnest(suspect), count(*) FROM pg_temp.bag_object WHERE left_out IS NULL GROUP BY 1")))
    suspect[Suspect.YEAR_BUILT] = years
    return Joined(kept, missing, {each: left_out[each] for each in LeftOut if left_out[each]}, {each: suspect[each] for each in Suspect if suspect[each]})


def _pairs(connection: psycopg.Connection, query: LiteralString) -> list[tuple[str, int]]:
    return [(str(name), int(count)) for name, count in connection.execute(query)]


def _numbers(connection: psycopg.Connection, query: LiteralString) -> tuple[int, ...]:
    return next(tuple(map(int, row)) for row in connection.execute(query))
