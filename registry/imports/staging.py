"""The tables of the engine: rows, outcomes, faults and effects, each written for many rows at once.

COPY is closed to tables with row-level security, so rows go by COPY into a temporary table of the session and from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import TupleRow
from sqlalchemy.orm import Session

from registry.db import Json, array_literal
from registry.imports.kinds import Effect, RowFault, StagedRow
from registry.imports.model import EffectAction, SubjectKind
from registry.versioned import Outcome

CHUNK_ROWS: Final = 5000
"""What is in memory at a time, and in one statement."""
_VARIANT: Final = 0x8000_0000_0000_0000


@dataclass(slots=True)
class ReadyRow:
    """A row that was read: what stands in its cells, what it is about, and what is wrong with it (place in the file, fault)."""

    row: int
    cells: Sequence[str]
    values: Mapping[str, Json]
    key: str | None
    faults: list[tuple[int | None, RowFault]]


@dataclass(slots=True)
class KeptRow:
    """A row to judge, and what became of it the last time, if it was judged before: ``changes`` is JSON."""

    staged: StagedRow
    outcome: str | None
    changes: str | None


@dataclass(slots=True)
class Ended:
    """What became of a row."""

    row: int
    outcome: Outcome
    subject_id: UUID | None
    changes: Mapping[str, Json] | None
    faults: list[tuple[int | None, RowFault]]


_ROW = "CREATE TEMP TABLE IF NOT EXISTS new_import_row (row int, cells text[], values jsonb, key text, faulty boolean) ON COMMIT DELETE ROWS"
_ADD_ROWS = """
INSERT INTO import_row (import_id, row, cells, values, key, faulty)
SELECT %s, row, cells, values, key, faulty FROM pg_temp.new_import_row ON CONFLICT DO NOTHING
"""
_OUTCOME = "CREATE TEMP TABLE IF NOT EXISTS new_import_outcome (row int, outcome text, subject_id uuid, changes jsonb) ON COMMIT DELETE ROWS"
_ADD_OUTCOMES = """
INSERT INTO import_outcome (import_id, row, outcome, subject_id, changes)
SELECT %s, row, outcome, subject_id, changes FROM pg_temp.new_import_outcome
ON CONFLICT (import_id, row) DO UPDATE SET outcome = excluded.outcome, subject_id = excluded.subject_id, changes = excluded.changes
"""
_FAULT = "CREATE TEMP TABLE IF NOT EXISTS new_import_fault (row int, place smallint, field text, code text, facts jsonb) ON COMMIT DELETE ROWS"
_ADD_FAULTS = """
INSERT INTO import_fault (import_id, row, place, field, code, facts) SELECT %s, row, place, field, code, facts FROM pg_temp.new_import_fault
"""
_EFFECT = """
CREATE TEMP TABLE IF NOT EXISTS new_import_effect (row int, subject_kind text, subject_id uuid, action text, version int) ON COMMIT DELETE ROWS
"""
_ADD_EFFECTS = """
INSERT INTO import_effect (import_id, row, subject_kind, subject_id, action, version)
SELECT %s, row, subject_kind, subject_id, action, version FROM pg_temp.new_import_effect
"""


def add_rows(session: Session, import_id: UUID, rows: Sequence[ReadyRow]) -> None:
    _through(session, "new_import_row", _ROW, _ADD_ROWS, import_id, (_row_line(each) for each in rows))
    nowhere = [Ended(each.row, Outcome.REFUSED, None, None, []) for each in rows if each.key is None]
    if nowhere:
        add_outcomes(session, import_id, nowhere)
    add_faults(session, import_id, ((each.row, each.faults) for each in rows if each.faults))


def add_outcomes(session: Session, import_id: UUID, ended: Sequence[Ended]) -> None:
    """An outcome that is there already is replaced."""
    _through(session, "new_import_outcome", _OUTCOME, _ADD_OUTCOMES, import_id, (_outcome_line(each) for each in ended))


def add_faults(session: Session, import_id: UUID, by_row: Iterable[tuple[int, list[tuple[int | None, RowFault]]]]) -> None:
    lines = [
        f"{row}\t{_or_null(place)}\t{_text(fault.field)}\t{_text(fault.code)}\t{_json(fault.facts)}\n" for row, faults in by_row for place, fault in faults
    ]
    if lines:
        _through(session, "new_import_fault", _FAULT, _ADD_FAULTS, import_id, lines)


def add_effects(session: Session, import_id: UUID, effects: Sequence[Effect]) -> None:
    lines = [f"{each.row}\t{each.subject_kind.value}\t{each.subject_id}\t{each.action.value}\t{_or_null(each.version)}\n" for each in effects]
    if lines:
        _through(session, "new_import_effect", _EFFECT, _ADD_EFFECTS, import_id, lines)


def replace_faults(session: Session, import_id: UUID, rows: Sequence[int], ended: Iterable[Ended]) -> None:
    """The faults of ``rows`` are those of ``ended`` from now on."""
    driver(session).execute("DELETE FROM import_fault WHERE import_id = %s AND row = ANY(%s)", (import_id, list(rows)))
    add_faults(session, import_id, ((each.row, each.faults) for each in ended if each.faults))


def rows_to_judge(session: Session, import_id: UUID, *, after: str, faulty: bool, limit: int = CHUNK_ROWS) -> list[KeptRow]:
    """Rows in the order of their key, from the first key beyond ``after``; all rows of each key, unless one key has more than ``limit``: then its first ones.

    ``faulty``: also those with cells that can't be read.
    """
    query = _TO_JUDGE if faulty else _TO_JUDGE_AGAIN
    found = driver(session).execute(query, (import_id, after, limit + 1)).fetchall()
    if len(found) > limit:
        beyond = found[-1][1]
        found = [each for each in found if each[1] != beyond] or found[:limit]
    rows = [each[0] for each in found]
    before = {} if faulty else _outcomes(session, import_id, rows)
    return [
        KeptRow(StagedRow(row, key, orjson.loads(values), id, faulty), *before.get(row, (None, None)))
        for (row, key, values, faulty), id in zip(found, new_ids(import_id, rows), strict=True)
    ]


_TO_JUDGE: LiteralString = """
SELECT row, key, values::text, faulty FROM import_row WHERE import_id = %s AND key > %s ORDER BY key, row LIMIT %s
"""
_TO_JUDGE_AGAIN: LiteralString = """
SELECT row, key, values::text, false FROM import_row WHERE import_id = %s AND key > %s AND NOT faulty ORDER BY key, row LIMIT %s
"""


def _outcomes(session: Session, import_id: UUID, rows: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    """What became of these rows, by row. In a join PostgreSQL takes the table for empty, as it was a moment ago, and goes through all of it for each row."""
    query = "SELECT row, outcome, changes::text FROM import_outcome WHERE import_id = %s AND row = ANY(%s)"
    return {row: (outcome, changes) for row, outcome, changes in driver(session).execute(query, (import_id, list(rows)))}


def new_ids(import_id: UUID, rows: Sequence[int]) -> list[UUID]:
    """For each row the id of what it creates (UUID version 7): that of the import with the number of the row in the last bits, always the same."""
    first = (import_id.int >> 64) & ~0xF000 | 0x7000
    rest = _VARIANT | (import_id.int & 0x3FFF_FFFF) << 32
    base = first << 64 | rest
    return [UUID(int=base | row) for row in rows]


def analyze(session: Session) -> None:
    """Rows by the hundred thousand came in just now, and the statistics of the table still say that it is empty. Only its owner may tell them anew."""
    driver(session).execute(
        "DO $$ BEGIN IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'import_row'::regclass), 'USAGE') THEN "
        "ANALYZE import_row; END IF; END $$"
    )


def count_rows(session: Session, import_id: UUID) -> int:
    query = "SELECT count(*) FROM import_row WHERE import_id = %s"
    return int(str((driver(session).execute(query, (import_id,)).fetchone() or (0,))[0]))


def last_judged(session: Session, import_id: UUID, *, faulty: bool) -> tuple[str, int]:
    """The last key of which the rows have an outcome, and how many rows have one; of rows with ``faulty`` cells too, or not."""
    return _last(session, import_id, "import_outcome", "" if faulty else " AND NOT kept.faulty")


def last_written(session: Session, import_id: UUID) -> tuple[str, int]:
    """The last key of which something was written, and how many things were."""
    return _last(session, import_id, "import_effect", "")


def _last(session: Session, import_id: UUID, table: LiteralString, also: LiteralString) -> tuple[str, int]:
    query: LiteralString = f"""
    SELECT coalesce(max(kept.key), ''), count(*) FROM {table} AS told JOIN import_row AS kept ON kept.import_id = told.import_id AND kept.row = told.row
    WHERE told.import_id = %s AND kept.key IS NOT NULL{also}
    """
    key, count = driver(session).execute(query, (import_id,)).fetchone() or ("", 0)
    return key, count


def too_many(session: Session, import_id: UUID, key: str, *, after: int) -> None:
    """Refuse the rows about one thing beyond row ``after``: nobody means that many, and they would have to be judged at once."""
    rows: LiteralString = """
    SELECT row, jsonb_build_object('max', %(most)s::int) AS facts FROM import_row WHERE import_id = %(id)s AND key = %(key)s AND row > %(after)s
    """
    ended: LiteralString = ", ended AS (INSERT INTO import_outcome (import_id, row, outcome) SELECT %(id)s, row, 'refused' FROM rest ON CONFLICT DO NOTHING)"
    beyond = {"id": import_id, "key": key, "after": after, "most": CHUNK_ROWS, "code": "too-many-rows-about-one"}
    driver(session).execute(_REFUSE.format(rows=rows, also=ended), beyond)


def refuse(session: Session, import_id: UUID, rows: LiteralString, code: LiteralString) -> None:
    """``rows`` is a query that gives row and facts, with the import as ``id``: they have this fault from now on, and are not applied."""
    driver(session).execute(_REFUSE.format(rows=rows, also=""), {"id": import_id, "code": code})


_REFUSE: Final[LiteralString] = """
WITH rest AS MATERIALIZED ({rows}),
    told AS (INSERT INTO import_fault (import_id, row, code, facts) SELECT %(id)s, row, %(code)s, facts FROM rest){also}
UPDATE import_row SET faulty = true FROM rest WHERE import_row.import_id = %(id)s AND import_row.row = rest.row
"""


def forget_judgements(session: Session, import_id: UUID) -> None:
    """Of every row that can be judged again."""
    for table in ("import_fault", "import_outcome"):
        query: LiteralString = f"""
        DELETE FROM {table} AS told USING import_row AS kept
        WHERE told.import_id = %(id)s AND kept.import_id = %(id)s AND kept.row = told.row AND NOT kept.faulty
        """
        driver(session).execute(query, {"id": import_id})


def forget_rows(session: Session, import_id: UUID) -> None:
    for table in ("import_fault", "import_outcome", "import_row"):
        query: LiteralString = f"DELETE FROM {table} WHERE import_id = %s"
        driver(session).execute(query, (import_id,))


def effects_backwards(session: Session, import_id: UUID, *, before: int | None, limit: int = CHUNK_ROWS) -> list[tuple[int, Effect]]:
    """Effects with their id, the newest first."""
    query = """
    SELECT id, row, subject_kind, subject_id, action, version FROM import_effect
    WHERE import_id = %s AND id < coalesce(%s, 9223372036854775807) ORDER BY id DESC LIMIT %s
    """
    found = driver(session).execute(query, (import_id, before, limit)).fetchall()
    return [(id, Effect(row, SubjectKind(kind), subject, EffectAction(action), version)) for id, row, kind, subject, action, version in found]


def driver(session: Session) -> "psycopg.Connection[TupleRow]":
    return session.connection().connection.driver_connection  # type: ignore[return-value]


def copy(session: Session, table: LiteralString, definition: LiteralString, lines: Iterable[str]) -> None:
    """Fill a temporary table, which is made when it is not there, with lines in the text format of COPY and nothing else."""
    connection = driver(session)
    connection.execute(definition)
    connection.execute(f"TRUNCATE pg_temp.{table}")
    with connection.cursor().copy(f"COPY pg_temp.{table} FROM STDIN") as copying:
        copying.write("".join(lines))


def _through(session: Session, table: LiteralString, definition: LiteralString, insert: LiteralString, import_id: UUID, lines: Iterable[str]) -> None:
    copy(session, table, definition, lines)
    driver(session).execute(insert, (import_id,))


def _row_line(each: ReadyRow) -> str:
    faulty = "t" if each.faults or each.key is None else "f"
    return f"{each.row}\t{_array(each.cells)}\t{_json(each.values)}\t{_text(each.key)}\t{faulty}\n"


def _outcome_line(each: Ended) -> str:
    return f"{each.row}\t{each.outcome.value}\t{_or_null(each.subject_id)}\t{_json(each.changes) if each.changes else NULL}\n"


NULL: Final = "\\N"


def cell(value: object) -> str:
    """A value of a column in a line of COPY; a list holds nothing that has to be quoted."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return text(value)
    return "{" + ",".join(map(str, value)) + "}" if isinstance(value, list) else str(value)


def _or_null(value: object) -> str:
    return NULL if value is None else str(value)


def _text(value: str | None) -> str:
    return NULL if value is None else text(value)


def text(value: str) -> str:
    """As it stands in a line of COPY. PostgreSQL has no character NUL."""
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": None})


def _json(value: object) -> str:
    written = orjson.dumps(value).decode()
    if "\\" not in written:
        return written
    if "\\u0000" in written:
        written = orjson.dumps(_without_nul(value)).decode()
    return written.replace("\\", "\\\\")


def _without_nul(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_nul(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(each) for each in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def _array(cells: Sequence[str]) -> str:
    """JSON and PostgreSQL write a list of texts alike, but for the brackets, as long as nothing has to be escaped."""
    written = orjson.dumps(cells).decode()
    if "\\" not in written:
        return "{" + written[1:-1] + "}"
    return text(array_literal(cells))
