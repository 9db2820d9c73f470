"""A BAG extract as an import: a municipality brings the dwellings of its territory up to date, with a dry run before and a way back after.

What the BAG decides of a dwelling is `bag.commands.OWNED`; nothing else is touched. The command line does the whole country in `commands.import_bag`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right
from registry.areas.model import Municipality
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries
from registry.dwellings.model import Dwelling
from registry.imports import dwelling_writes
from registry.imports.bag import rows as extract
from registry.imports.bag.commands import OWNED
from registry.imports.bag.rows import NAMES, SHOWN
from registry.imports.kinds import Effect, Identified, Judgement, Read, RowFault, StagedRow, Values
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.imports.staging import cell, copy, driver
from registry.sheets import cells
from registry.sheets.columns import Column
from registry.versioned import Outcome

_HEADERS: Final = {
    "bag_id": ("BAG-id", "BAG id"),
    "street": ("Straat", "Street"),
    "house_number": ("Huisnummer", "House number"),
    "house_letter": ("Huisletter", "House letter"),
    "house_number_suffix": ("Toevoeging", "Suffix"),
    "postcode": ("Postcode", "Postal code"),
    "town": ("Woonplaats", "Town"),
}
_ALL: Final = ", ".join(("id", "bag_id", *OWNED))
_TABLE: Final[LiteralString] = f"CREATE TEMP TABLE IF NOT EXISTS imported_extract ON COMMIT DELETE ROWS AS SELECT {_ALL} FROM dwelling WITH NO DATA"
_CREATE: Final = sa.text(f"INSERT INTO dwelling ({_ALL}, source, registrar_id) SELECT {_ALL}, 'bag', CAST(:registrar AS uuid) FROM pg_temp.imported_extract")
_CHANGE: Final = sa.text(
    f"""
    UPDATE dwelling AS held SET ({", ".join(OWNED)}) = ROW ({", ".join("new." + name for name in OWNED)}),
        version = held.version + 1, recorded_at = clock_timestamp()
    FROM pg_temp.imported_extract AS new WHERE held.id = new.id
    """
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """``told`` are the municipalities that hear of it."""

    content: Mapping[str, Any]
    version: int
    told: set[str]


class BagExtract:
    """It is `ReadsOwnFiles` too."""

    kind = ImportKind.BAG
    right = Right.IMPORT_BAG
    columns = tuple(
        Column(
            NAMES[name], _HEADERS[name], cells.text(200), "Zoals de BAG het levert.", "As the BAG delivers it.", "0917010000012345" if name == "bag_id" else ""
        )
        for name in SHOWN
    )
    named_by: tuple[tuple[str, ...], ...] = ()
    ignores_others = True

    def read(self, path: Path, *, after: int) -> Iterator[Read]:
        return extract.read(path, after=after)

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        """An object that becomes no dwelling has nothing but its id, and its fault is known."""
        codes = {str(values["municipalityCode"]) for _, values in rows if "municipalityCode" in values}
        known = frozenset(session.scalars(sa.select(Municipality.code).where(Municipality.code.in_(codes)))) if codes else frozenset()
        return [_identify(actor, values, known) for _, values in rows]

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:
        present, hidden = _present(session, actor, [row.key for row in rows])
        return [_judge(row, present.get(row.key), hidden) for row in rows]

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:
        present, _ = _present(session, actor, [row.key for row in rows])
        queries.lock(session, [each["id"] for each in present.values()])

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        for outcome, statement, action in ((Outcome.CREATED, _CREATE, "dwelling.registered"), (Outcome.CHANGED, _CHANGE, "dwelling.amended")):
            chosen = [(row, judgement) for row, judgement in judged if judgement.outcome is outcome]
            if chosen:
                copy(session, "imported_extract", _TABLE, [_line(row, judgement) for row, judgement in chosen])
                session.execute(statement, {"registrar": actor.organisation_id} if outcome is Outcome.CREATED else {})
                _tell(session, actor, action, [judgement for _, judgement in chosen])
        return [
            Effect(row.row, SubjectKind.DWELLING, judgement.subject_id, EffectAction(judgement.outcome.value), _plan(judgement).version)
            for row, judgement in judged
            if judgement.subject_id
        ]

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        return dwelling_writes.take_back(session, actor, effects)


def _identify(actor: Actor, values: Values, known: frozenset[str]) -> Identified:
    code = values.get("municipalityCode")
    if code is None:
        return Identified(None)
    if actor.organisation_id is not None and code != actor.municipality_code:
        return Identified(None, [RowFault("municipalityCode", "outside-your-municipality")])
    if code not in known:
        return Identified(None, [RowFault("municipalityCode", "no-such-reference", {"what": "municipality", "id": code})])
    return Identified(str(values["bagId"]))


def _present(session: Session, actor: Actor, bag_ids: Sequence[str]) -> tuple[dict[str, sa.RowMapping], frozenset[str]]:
    """The dwellings with these BAG ids, and the BAG ids that somebody else's dwelling has."""
    if not bag_ids:
        return {}, frozenset()
    hidden = frozenset(str(bag_id) for (bag_id,) in driver(session).execute("SELECT bag_ids_out_of_sight(%s)", (list(bag_ids),)))
    listed = Dwelling.bag_id == sa.any_(sa.cast(list(bag_ids), sa.ARRAY(sa.Text)))
    columns = [getattr(Dwelling, name) for name in ("id", "bag_id", "version", *OWNED)]
    sight = Dwelling.withdrawn_at.is_(None) if actor.organisation_id is None else queries.visible_to(actor)
    found = session.execute(sa.select(*columns).where(listed, sight)).mappings()
    return {str(row["bag_id"]): row for row in found}, hidden


def _judge(row: StagedRow, present: sa.RowMapping | None, hidden: frozenset[str]) -> Judgement:
    content = {column: row.values.get(NAMES[column]) for column in OWNED}
    if present is None and row.key in hidden:
        return Judgement(Outcome.REFUSED, faults=[RowFault("bagId", "in-use-elsewhere")])
    if present is None:
        return Judgement(Outcome.CREATED, row.new_id, plan=_Plan(content, 1, {str(content["municipality_code"])}))
    held = {column: _plain(present[column]) for column in OWNED}
    changes: dict[str, Json] = {NAMES[column]: [_json(held[column]), _json(content[column])] for column in OWNED if not _same(held[column], content[column])}
    if not changes:
        return Judgement(Outcome.UNCHANGED, present["id"])
    told = {str(present["municipality_code"]), str(content["municipality_code"])}
    return Judgement(Outcome.CHANGED, present["id"], changes=changes, plan=_Plan(content, present["version"] + 1, told))


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _same(held: Any, said: Any) -> bool:
    return bool(held == (Decimal(said) if isinstance(held, Decimal) and isinstance(said, str) else said))


def _json(value: Any) -> Json:
    return str(value) if isinstance(value, Decimal) else value


def _plan(judgement: Judgement) -> _Plan:
    assert isinstance(judgement.plan, _Plan)
    return judgement.plan


def _line(row: StagedRow, judgement: Judgement) -> str:
    content = _plan(judgement).content
    return "\t".join([str(judgement.subject_id), row.key, *(cell(content[name]) for name in OWNED)]) + "\n"


def _tell(session: Session, actor: Actor, action: str, judged: Sequence[Judgement]) -> None:
    touched = [(each.subject_id, _plan(each).told) for each in judged if each.subject_id]
    audit.record_each(session, actor, action, "dwelling", [(id, {"source": "bag"}) for id, _ in touched])
    told: list[tuple[UUID, str | None, UUID | None]] = [(id, code, None) for id, codes in touched for code in sorted(codes)]
    announce_each(session, ChangeKind.DWELLING, told, action=action)
