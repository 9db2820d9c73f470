"""Rows of one file that name a dwelling in two ways, or two dwellings at a place of which another row knows nothing but the place.

Rows with the same key are judged together (`Kind.judge`); these have different ones, and each would be right without the other. What they would do together
depends on which of them is written first: one makes a dwelling, the other gives it a BAG id, or moves a second one to an address that was to name the first.
So of rows with one BAG id the first in the file stands, and a row that has no more than an address gives way to any other at that address. The same file says
the same again when a part of it has been applied.
"""

from typing import Final, LiteralString
from uuid import UUID

from sqlalchemy.orm import Session

from registry.imports import staging

ADDRESS_OF_ROW: Final[LiteralString] = "address"
"""Among the values that are kept of a row: the address that its dwelling will have, in one text; not there when it has none."""
_REPEATED: Final[LiteralString] = f"""
WITH told AS MATERIALIZED (
    SELECT row, key, values->>'bagId' AS bag_id, values->>'{ADDRESS_OF_ROW}' AS address, values->>'bagId' IS NULL AND NOT values ? 'dwellingId' AS by_address
    FROM import_row WHERE import_id = %(id)s AND key IS NOT NULL
), of_one_bag_id AS (
    SELECT bag_id, min(row) AS first FROM told WHERE bag_id IS NOT NULL GROUP BY bag_id HAVING min(key) <> max(key)
), at_one_address AS (
    SELECT address, min(row) FILTER (WHERE NOT by_address) AS first FROM told WHERE address IS NOT NULL
    GROUP BY address HAVING bool_or(by_address) AND bool_or(NOT by_address)
), repeated AS (
    SELECT told.row, first FROM of_one_bag_id JOIN told USING (bag_id) JOIN told AS stands ON stands.row = first WHERE told.key <> stands.key
    UNION ALL
    SELECT told.row, first FROM at_one_address JOIN told USING (address) WHERE told.by_address
)
SELECT row, jsonb_build_object('first', min(first)) AS facts FROM repeated GROUP BY row
"""


def refuse(session: Session, import_id: UUID) -> None:
    """Tell it of every row of an import that was read to its end."""
    staging.refuse(session, import_id, _REPEATED, "row-repeated")
