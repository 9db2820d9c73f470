"""An extract as the rows of an import: each current addressable object is one, what becomes no dwelling with the reason for that.

Rows are numbered in the order of BAG ids, so that reading the same extract again gives the same numbers.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, LiteralString, cast

import psycopg

from registry import db
from registry.db import Json
from registry.imports.bag import staging
from registry.imports.bag.commands import OWNED, read_parts
from registry.imports.bag.model import Part
from registry.imports.bag.rules import LeftOut
from registry.imports.bag.staging import Tally
from registry.imports.kinds import Read, ReadRow, RowFault

CHUNK_ROWS: Final = 5000
SHARE_OF_READING: Final = 0.7
"""Of the whole step: the rest is giving the rows to the engine. Measured on Weesp, roughly."""


def public(column: str) -> str:
    """The name in JSON of a column of the table."""
    head, *rest = column.split("_")
    return head + "".join(part.capitalize() for part in rest)


NAMES: Final = {column: public(column) for column in ("bag_id", *OWNED)}
SHOWN: Final = ("bag_id", "street", "house_number", "house_letter", "house_number_suffix", "postcode", "town")
"""What of an object is shown as its cells."""

CODES: Final = {
    LeftOut.NOT_RESIDENTIAL: "bag-not-residential",
    LeftOut.NOT_YET_BUILT: "bag-not-yet-built",
    LeftOut.NOT_REALISED: "bag-not-realised",
    LeftOut.WITHDRAWN: "bag-withdrawn",
    LeftOut.RECORDED_IN_ERROR: "bag-recorded-in-error",
    LeftOut.DUPLICATE: "bag-duplicate",
    LeftOut.ADDRESS_MISSING: "bag-address-missing",
    LeftOut.STREET_MISSING: "bag-street-missing",
    LeftOut.TOWN_MISSING: "bag-town-missing",
    LeftOut.MUNICIPALITY_MISSING: "bag-municipality-missing",
}

_NUMBER = """
CREATE TEMP TABLE bag_row AS
    SELECT row_number() OVER (ORDER BY id, left_out IS NOT NULL, occurrence DESC, ctid)::int AS row, id, left_out FROM pg_temp.bag_object
"""
_DROP = "DROP TABLE IF EXISTS pg_temp.bag_row"
_ROWS: LiteralString = f"""
SELECT numbered.row, numbered.id, numbered.left_out, {", ".join("dwelling." + column for column in OWNED)}
FROM pg_temp.bag_row AS numbered LEFT JOIN pg_temp.bag_dwelling AS dwelling ON dwelling.bag_id = numbered.id AND numbered.left_out IS NULL
WHERE numbered.row > %s ORDER BY numbered.row LIMIT {CHUNK_ROWS}
"""


def read(path: Path, *, after: int) -> Iterator[Read]:
    """Raises BagFileError."""
    with db.connection() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        yield from _read(driver, path, after)
        driver.execute(staging.DROP)
        driver.execute(_DROP)


def _read(driver: psycopg.Connection, path: Path, after: int) -> Iterator[Read]:
    size, reached = path.stat().st_size, [0]
    for _ in read_parts(driver, path, defaultdict[Part, Tally](Tally), lambda done: reached.__setitem__(0, done)):
        yield Read([], int(reached[0] * SHARE_OF_READING), size)
    staging.join(driver)
    driver.execute(_DROP)
    driver.execute(_NUMBER)
    total = next(int(count) for (count,) in driver.execute("SELECT count(*) FROM pg_temp.bag_row"))
    driver.execute("CREATE UNIQUE INDEX ON pg_temp.bag_row (row)")
    driver.execute("CREATE INDEX ON pg_temp.bag_dwelling (bag_id)")
    while rows := [_row(*found) for found in driver.execute(_ROWS, (after,))]:
        after = rows[-1].row
        yield Read(rows, int(size * (SHARE_OF_READING + (1 - SHARE_OF_READING) * after / total)), size)


def _row(number: int, id: str, left_out: str | None, *content: object) -> ReadRow:
    if left_out is not None:
        return ReadRow(number, [id], {"bagId": id}, [RowFault("bagId", CODES[LeftOut(left_out)])])
    values: dict[str, Json] = {"bagId": id}
    for column, value in zip(OWNED, content, strict=True):
        values[NAMES[column]] = value if isinstance(value, str | int | float | list | None) else str(value)
    return ReadRow(number, ["" if (value := values[NAMES[column]]) is None else str(value) for column in SHOWN], values)
