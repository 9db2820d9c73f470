"""The real extract of Weesp, as Kadaster delivered it on 15 October 2021."""

import csv
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from registry.imports.bag.commands import PartCounts, import_extract
from registry.imports.bag.model import Part
from registry.imports.bag.report import report_lines
from registry.imports.bag.rules import LeftOut

MAX_MEMORY_MB = 300
STATUSES = {
    "Verblijfsobject in gebruik": "in-use",
    "Verblijfsobject in gebruik (niet ingemeten)": "in-use-unmeasured",
    "Verbouwing verblijfsobject": "under-alteration",
    "Verblijfsobject buiten gebruik": "out-of-use",
}
OLDER_THAN_FIRST_BUILDING = {
    "0457010000000631": "1835",
    "0457010000001075": "1875",
    "0457010000002587": "1750",
    "0457010000003722": "1892",
    "0457010000004769": "1880",
    "0457010000006542": "1850",
    "0457010000006937": "1951",
    "0457010000008114": "1890",
    "0457010000008971": "1895",
}
"""Dwellings in several buildings of different ages: the file for comparison has the first building, the register the oldest."""
KEPT = """
SELECT bag_id, address_designation_id, street, house_number::text, coalesce(house_letter, ''), coalesce(house_number_suffix, ''), coalesce(postcode, ''),
    town, bag_status, floor_area_m2::text, year_built::text, array_to_string(building_ids, '|'), rd_x, rd_y
FROM dwelling WHERE bag_object_type = 'occupiable-object'
"""


def test_the_figures_the_rows_and_a_second_run(bag_connection: psycopg.Connection, weesp: Path) -> None:
    report = import_extract(bag_connection, weesp, municipality_name=lambda code: None, progress=lambda progress: None)
    staged, applied = report.staged, report.applied
    assert staged.parts[Part.OCCUPIABLE_OBJECT] == PartCounts(26_085, 12_509)
    assert staged.parts[Part.ADDRESS_DESIGNATION] == PartCounts(16_113, 12_694)
    assert staged.parts[Part.BUILDING] == PartCounts(23_091, 12_899)
    assert (staged.parts[Part.MOORING].read, staged.parts[Part.PITCH].read, staged.parts[Part.STREET].read, staged.parts[Part.TOWN].read) == (167, 21, 593, 3)
    assert staged.left_out == {
        LeftOut.NOT_RESIDENTIAL: 1_802,
        LeftOut.NOT_YET_BUILT: 760,
        LeftOut.NOT_REALISED: 143,
        LeftOut.WITHDRAWN: 289,
        LeftOut.RECORDED_IN_ERROR: 3,
    }
    assert (staged.kept, applied.created, applied.changed, applied.unchanged) == (9_692, 9_692, 0, 0)
    assert bag_connection.execute("SELECT code, name FROM municipality").fetchall() == [("GM0457", "Weesp")]

    with weesp.with_name("weesp-woningen-2021-10-15.csv").open(encoding="utf-8", newline="") as file:
        expected = {_comparable(row) for row in csv.DictReader(file, delimiter=";") if row["verblijfsobjectstatus"] in STATUSES}
    assert len(expected) == 9_520
    assert set(bag_connection.execute(KEPT)) == expected

    before = bag_connection.execute("SELECT id, version, recorded_at FROM dwelling ORDER BY id").fetchall()
    again = import_extract(bag_connection, weesp, municipality_name=lambda code: None, progress=lambda progress: None)
    assert (again.applied.created, again.applied.changed, again.applied.unchanged) == (0, 0, 9_692)
    assert "Nothing has changed: the register already had all of this." in report_lines(again)
    assert bag_connection.execute("SELECT id, version, recorded_at FROM dwelling ORDER BY id").fetchall() == before


def _comparable(row: dict[str, str]) -> tuple[object, ...]:
    id = row["verblijfsobject_id"]
    address = ("nummeraanduiding_id", "openbareruimte", "huisnummer", "huisletter", "huisnummertoevoeging", "postcode", "woonplaats")
    year = OLDER_THAN_FIRST_BUILDING.get(id, row["oorspronkelijk_bouwjaar"])
    buildings = "|".join(sorted(row["pand_ids"].split("|")))
    place = (Decimal(row["rd_x"]), Decimal(row["rd_y"]))
    return (id, *(row[name] for name in address), STATUSES[row["verblijfsobjectstatus"]], row["oppervlakte_m2"], year, buildings, *place)


@pytest.mark.slow
def test_the_real_extract_fits_in_little_memory(bag_connection: psycopg.Connection, bag_database: str, weesp: Path) -> None:
    program = (
        "import sys, pathlib, psycopg\n"
        "from registry.imports.bag.commands import import_extract\n"
        "from registry.imports.bag.report import report_lines\n"
        "with psycopg.connect(sys.argv[1], autocommit=True) as connection:\n"
        "    report = import_extract(connection, pathlib.Path(sys.argv[2]), municipality_name=lambda code: None, progress=lambda progress: None)\n"
        "print(*report_lines(report), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, bag_database, str(weesp)], capture_output=True, text=True, check=True)
    found = re.search(r"[\d,]+ dwellings/s, at most (\d+) MB", done.stdout)
    assert found
    assert int(found[1]) < MAX_MEMORY_MB
