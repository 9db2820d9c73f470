"""Writing dwellings by the thousand: in a few statements, each version kept, audited and announced as that of a single call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.dwellings.model import Dwelling
from registry.errors import Conflict
from registry.imports.kinds import Effect, RowFault
from registry.imports.staging import cell, copy, driver

_TYPES: Final[Mapping[str, LiteralString]] = {
    "municipality_code": "text",
    "focus_area": "text",
    "bag_id": "text",
    "bag_object_type": "text",
    "street": "text",
    "house_number": "int",
    "house_letter": "text",
    "house_number_suffix": "text",
    "postcode": "text",
    "town": "text",
    "year_built": "int",
    "floor_area_m2": "int",
    "uses": "text[]",
    "tenure": "text",
    "dwelling_type": "text",
    "longitude": "float8",
    "latitude": "float8",
}
_FROM_BAG: Final[Mapping[str, LiteralString]] = {
    "bag_status": "text",
    "address_designation_id": "text",
    "building_ids": "text[]",
    "town_code": "text",
    "rd_x": "numeric",
    "rd_y": "numeric",
}
"""What the BAG says besides, and what a change of ours makes obsolete (`rules.no_longer_so`)."""


@dataclass(frozen=True, slots=True)
class Change:
    """``content`` are all columns as they will be, ``told`` the municipalities that hear of it."""

    id: UUID
    content: Mapping[str, Any]
    version: int
    told: set[str]


def _names(types: Mapping[str, LiteralString]) -> LiteralString:
    return ", ".join(types)


def _table(name: LiteralString, types: Mapping[str, LiteralString]) -> LiteralString:
    columns = ", ".join(f"{column} {type_}" for column, type_ in types.items())
    return f"CREATE TEMP TABLE IF NOT EXISTS {name} (id uuid, {columns}) ON COMMIT DELETE ROWS"


_NEW: Final = _table("imported_dwelling", _TYPES)
_CREATE: Final[LiteralString] = f"""
INSERT INTO dwelling (id, {_names(_TYPES)}, source, registrar_id)
SELECT id, {_names(_TYPES)}, 'api', %s FROM pg_temp.imported_dwelling
"""
_ALL: Final = {**_TYPES, **_FROM_BAG}
_JUDGED: Final = {**_ALL, "version": "int"}
_CHANGED: Final = _table("changed_dwelling", _JUDGED)
_CHANGE: Final[LiteralString] = f"""
UPDATE dwelling AS held SET version = held.version + 1, recorded_at = clock_timestamp(),
    ({_names(_ALL)}) = ROW ({", ".join("new." + name for name in _ALL)})
FROM pg_temp.changed_dwelling AS new WHERE held.id = new.id AND held.version = new.version
"""


def create(session: Session, actor: Actor, rows: Sequence[tuple[UUID | None, object]]) -> None:
    """Each with the particulars by column. Raises BagIdTaken when somebody else was quicker."""
    if not rows:
        return
    whole = [(id, content) for id, content in rows if id is not None and isinstance(content, Mapping)]
    copy(session, "imported_dwelling", _NEW, _lines(whole, _TYPES))
    session.execute(sa.text(_CREATE.replace("%s", "CAST(:registrar AS uuid)")), {"registrar": actor.organisation_id})
    _tell(session, actor, "dwelling.registered", [(id, {str(content["municipality_code"])}) for id, content in whole])


def change(session: Session, actor: Actor, changes: Sequence[Change]) -> None:
    """Raises BagIdTaken when somebody else was quicker, Conflict when a dwelling has another version than the one that was judged."""
    if not changes:
        return
    copy(session, "changed_dwelling", _CHANGED, _lines([(each.id, each.content) for each in changes], _JUDGED))
    if session.execute(sa.text(_CHANGE)).rowcount != len(changes):  # type: ignore[attr-defined]
        raise Conflict()
    _tell(session, actor, "dwelling.amended", [(each.id, each.told) for each in changes])


def take_back(session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
    """Withdraw what was created and put back what was changed; what builds on it, and then nothing may be kept."""
    ids, versions = [effect.subject_id for effect in effects], [effect.version for effect in effects]
    own = {actor.municipality_code} if actor.municipality_code else set[str]()
    before = _municipalities(session, ids)
    found = driver(session).execute("SELECT dwelling_id, built_on FROM undo_dwellings(%s, %s)", (ids, versions)).fetchall()
    if found:
        return [RowFault(None, "import-built-on-dwelling", {"id": str(id), "by": str(what)}) for id, what in found]
    after = _municipalities(session, ids)
    _tell(session, actor, "dwelling.import-undone", [(id, before.get(id, own) | after.get(id, set())) for id in ids])
    return []


def _municipalities(session: Session, ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    listed = sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))
    return {id: {code} for id, code in session.execute(sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id == listed))}


def _tell(session: Session, actor: Actor, action: str, told: Iterable[tuple[UUID, set[str]]]) -> None:
    told = list(told)
    audit.record_each(session, actor, action, "dwelling", [(id, {}) for id, _ in told])
    announce_each(session, ChangeKind.DWELLING, [(id, code, None) for id, codes in told for code in sorted(codes)], action=action)


def _lines(rows: Sequence[tuple[UUID, Mapping[str, Any]]], types: Mapping[str, LiteralString]) -> list[str]:
    """Column by column: most values of a column occur again and again."""
    if not rows:
        return []
    columns: list[Iterable[str]] = [[str(id) for id, _ in rows]]
    for name, type_ in types.items():
        values = [content[name] for _, content in rows]
        columns.append(map(cell, values) if type_.endswith("[]") else map(_Cells().__getitem__, values))
    return ["\n".join(map("\t".join, zip(*columns, strict=True))), "\n"]


class _Cells(dict[object, str]):
    """What a value of one column is in a line of COPY."""

    def __missing__(self, value: object) -> str:
        written = self[value] = cell(value)
        return written
