"""Dwellings from a file: new ones are created, known ones changed, by the rules of a single call.

A row names a dwelling by its id in the register, by its BAG id, or by postcode and house number. A BAG id that is new to the register is given to the dwelling
at that address that has none yet, if there is one, and makes a new dwelling otherwise; so does an address at which there is none.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from registry.access import Actor, Right, Role
from registry.db import Json, array_literal
from registry.dwellings import queries
from registry.dwellings.commands import look_up
from registry.dwellings.model import Dwelling
from registry.dwellings.rules import Known, Particulars, check, check_move, no_longer_so
from registry.errors import Fault
from registry.imports import dwelling_writes
from registry.imports.dwelling_columns import COLUMNS, NAMES, said
from registry.imports.dwelling_of_row import NAMED_BY
from registry.imports.dwelling_writes import Change
from registry.imports.dwellings_named_twice import ADDRESS_OF_ROW, refuse
from registry.imports.in_sight import KEPT
from registry.imports.kinds import Effect, Identified, Judgement, RowFault, StagedRow, Values
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.imports.staging import driver
from registry.versioned import Outcome

_EMPTY: Final[Mapping[str, object]] = Particulars("").columns()
_OF_A_DWELLING: Final = tuple(_EMPTY)
Row = Mapping[str, Any]
"""All columns of a dwelling."""


@dataclass(frozen=True, slots=True)
class _Register:
    """What the register has of what rows name, as far as the actor sees it."""

    by_bag_id: Mapping[str, str]
    by_address: Mapping[tuple[object, ...], Sequence[tuple[str, str | None]]]
    """(id, BAG id) of the dwellings at an address; letter and suffix are compared without capitals."""
    named: Mapping[str, Mapping[Any, object]]
    """`_PLACED` of each dwelling that is named by its id or its BAG id."""


class Dwellings:
    kind = ImportKind.DWELLINGS
    right = Right.REGISTER_DWELLINGS
    columns = COLUMNS
    named_by = NAMED_BY
    ignores_others = False

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:  # noqa: ARG002
        told = [said(values) for _, values in rows]
        register = _look(session, [values for _, values in rows], told)
        return [_identify(values, particulars, register) for (_, values), particulars in zip(rows, told, strict=True)]

    def refuse_repeated(self, session: Session, import_id: UUID) -> None:
        refuse(session, import_id)

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:
        told = [said(row.values) for row in rows]
        # Whose a BAG id is, is asked first: what somebody else registers after that is found as a dwelling that is there.
        holders = look_up(session, actor, codes=(), slugs=(), bag_ids=(bag_ids := {str(each["bag_id"]) for each in told if each.get("bag_id")}))
        ids = _present_now(session, rows, told)
        present = _present(session, [id for id in ids if id])
        whole = [_whole(actor, particulars, present.get(id)) for particulars, id in zip(told, ids, strict=True)]
        known = _known(session, actor, whole, holders, bag_ids)
        judged = [_judge(actor, row, content, present.get(id), known) for row, content, id in zip(rows, whole, ids, strict=True)]
        said_before = _SaidBefore()
        for row, particulars, id, one in sorted(zip(rows, told, ids, judged, strict=True), key=lambda each: _rank(each[0], each[1])):
            first = said_before.first(row, particulars.get("bag_id"), id)
            if first is not None:
                one.faults.append(RowFault(None, "row-repeated", {"first": first}))
                one.outcome = Outcome.REFUSED
        return judged

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:  # noqa: ARG002
        """Those that were there when the file was read; one that has come since is changed in the version in which it was judged, or judged again."""
        queries.lock(session, {UUID(row.key[2:]) for row in rows if row.key.startswith("d:")})

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        created = [(each.subject_id, each.plan) for _, each in judged if each.outcome is Outcome.CREATED]
        changed = [each.plan for _, each in judged if isinstance(each.plan, Change)]
        dwelling_writes.create(session, actor, created)
        dwelling_writes.change(session, actor, changed)
        return [
            Effect(row.row, SubjectKind.DWELLING, each.subject_id, EffectAction(each.outcome.value), each.plan.version if isinstance(each.plan, Change) else 1)
            for row, each in judged
            if each.subject_id
        ]

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        return dwelling_writes.take_back(session, actor, effects)


def _rank(row: StagedRow, particulars: Mapping[str, object]) -> tuple[int, int]:
    """Of several rows about one dwelling the one stands that names it best, and of those the first in the file."""
    named_by = 0 if "dwellingId" in row.values else 1 if particulars.get("bag_id") is not None else 2
    return named_by, row.row


class _SaidBefore:
    """Which row stands about a dwelling, of those that are judged together; of a whole file see `dwellings_named_twice`."""

    def __init__(self) -> None:
        self._rows: dict[object, int] = {}

    def first(self, row: StagedRow, bag_id: object, id: str | None) -> int | None:
        """A row about the same that was here before, or None."""
        names = [row.key] + [f"b:{bag_id}"] * (bag_id is not None) + [f"d:{id}"] * (id is not None)
        earlier = min(self._rows.setdefault(name, row.row) for name in names)
        return None if earlier == row.row else earlier


def _identify(values: Values, particulars: Mapping[str, object], register: _Register) -> Identified:
    if "dwellingId" in values:
        id = str(values["dwellingId"])
        if id in register.named:
            return _identified(f"d:{id}", {**register.named[id], **particulars})
        return Identified(None, [RowFault("dwellingId", "no-such-reference", {"what": "dwelling", "id": id})])
    bag_id, address = particulars.get("bag_id"), _address(particulars)
    if bag_id is None and address is None:
        return Identified(None, [RowFault(None, "dwelling-not-named")])
    found, faults = _find(bag_id, address, register)
    if faults:
        return Identified(None, faults)
    key = f"d:{found}" if found else f"b:{bag_id}" if bag_id else f"a:{address}"
    return _identified(key, {**register.named.get(found or "", {}), **particulars})


def _identified(key: str, content: Mapping[str, object]) -> Identified:
    """With the address that the dwelling will have: `dwellings_named_twice` asks for it."""
    address = _address(content)
    return Identified(key, resolved={} if address is None else {ADDRESS_OF_ROW: " ".join(map(str, address))})


def _find(bag_id: object, address: tuple[object, ...] | None, register: _Register) -> tuple[str | None, list[RowFault]]:
    if bag_id is not None and str(bag_id) in register.by_bag_id:
        return register.by_bag_id[str(bag_id)], []
    there = register.by_address.get(address, ()) if address else ()
    fitting = [id for id, other in there if bag_id is None or other is None]
    if len(fitting) > 1:
        return None, [RowFault("houseNumber", "dwelling-ambiguous", {"count": len(fitting)})]
    return (fitting[0] if fitting else None), []


def _address(particulars: Mapping[str, object]) -> tuple[object, ...] | None:
    postcode, number = particulars.get("postcode"), particulars.get("house_number")
    if postcode is None or number is None:
        return None
    return postcode, number, _small(particulars.get("house_letter")), _small(particulars.get("house_number_suffix"))


def _small(text: object) -> str:
    return "" if text is None else str(text).lower()


def _look(session: Session, rows: Sequence[Values], told: Sequence[Mapping[str, object]]) -> _Register:
    """In at most four queries."""
    ids = [UUID(str(values["dwellingId"])) for values in rows if "dwellingId" in values]
    unnamed = [particulars for values, particulars in zip(rows, told, strict=True) if "dwellingId" not in values]
    bag_ids = [str(particulars["bag_id"]) for particulars in unnamed if particulars.get("bag_id") is not None]
    found = _ask(session, _BY_BAG_ID, bag_ids)
    by_bag_id = {str(dwelling.bag_id): str(dwelling.id) for dwelling in found}
    new = [particulars for particulars in unnamed if particulars.get("bag_id") not in by_bag_id]
    planned = {address[:2] for particulars in new if particulars.get("bag_id") is not None and (address := _address(particulars))}
    others = {address[:2] for particulars in new if particulars.get("bag_id") is None and (address := _address(particulars))}
    return _Register(
        by_bag_id=by_bag_id,
        named={str(dwelling.id): dwelling._mapping for dwelling in [*found, *_ask(session, _BY_ID, ids)]},
        by_address={**_at(session, planned, Dwelling.bag_id.is_(None)), **_at(session, others, sa.true())},
    )


def _listed(name: str, type_: TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """A parameter with many values, as `array_literal` writes them."""
    return sa.cast(sa.bindparam(name, type_=sa.types.NullType()), sa.ARRAY(type_))


_BY_ID: Final = Dwelling.id == sa.any_(_listed("wanted", sa.Uuid()))
_BY_BAG_ID: Final = Dwelling.bag_id == sa.any_(_listed("wanted", sa.Text()))
_PLACED: Final = (Dwelling.id, Dwelling.bag_id, Dwelling.postcode, Dwelling.house_number, Dwelling.house_letter, Dwelling.house_number_suffix)


def _ask(
    session: Session, by: sa.ColumnElement[bool], wanted: Sequence[object]
) -> Sequence[sa.Row[UUID, str | None, str | None, int | None, str | None, str | None]]:
    """`_PLACED` of each dwelling found."""
    if not wanted:
        return ()
    return session.execute(sa.select(*_PLACED).where(by, Dwelling.withdrawn_at.is_(None)), {"wanted": array_literal(wanted)}).all()


def _at(session: Session, numbers: set[tuple[object, ...]], also: sa.ColumnElement[bool]) -> Mapping[tuple[object, ...], Sequence[tuple[str, str | None]]]:
    found: dict[tuple[object, ...], list[tuple[str, str | None]]] = defaultdict(list)
    if not numbers:
        return found
    asked = (
        sa.func.unnest(_listed("postcodes", sa.Text()), _listed("numbers", sa.Integer()))
        .table_valued(sa.column("postcode", sa.Text), sa.column("house_number", sa.Integer))
        .render_derived("asked")
    )
    same = sa.and_(Dwelling.postcode == asked.c.postcode, Dwelling.house_number == asked.c.house_number)
    query = sa.select(*_PLACED).join(asked, same).where(Dwelling.withdrawn_at.is_(None), also)
    values = {"postcodes": array_literal([each[0] for each in numbers]), "numbers": array_literal([each[1] for each in numbers])}
    for id, bag_id, postcode, number, letter, suffix in session.execute(query, values):
        found[postcode, number, _small(letter), _small(suffix)].append((str(id), bag_id))
    return found


def _present_now(session: Session, rows: Sequence[StagedRow], told: Sequence[Mapping[str, object]]) -> list[str | None]:
    """The id of the dwelling of each row, None for one that is new: one that was new while the file was read may be there by now."""
    new = [place for place, row in enumerate(rows) if not row.key.startswith("d:")]
    register = _look(session, [{}] * len(new), [told[place] for place in new])
    ids = [row.key[2:] if row.key.startswith("d:") else None for row in rows]
    for place in new:
        ids[place] = _find(told[place].get("bag_id"), _address(told[place]), register)[0]
    return ids


def _present(session: Session, ids: Sequence[str]) -> dict[str | None, Row]:
    if not ids:
        return {}
    query = sa.select(*queries.COLUMNS, KEPT.label("kept")).where(_BY_ID, Dwelling.withdrawn_at.is_(None))
    return {str(row["id"]): dict(row) for row in session.execute(query, {"wanted": array_literal(ids)}).mappings()}


def _whole(actor: Actor, particulars: Mapping[str, object], present: Row | None) -> dict[str, Any]:
    """All particulars as they will be."""
    if present is not None:
        return {**{name: present[name] for name in _OF_A_DWELLING}, **particulars}
    own = actor.municipality_code if actor.role is Role.MUNICIPALITY_EDITOR else None
    return {**_EMPTY, "municipality_code": own, **particulars}


def _known(session: Session, actor: Actor, whole: Sequence[Mapping[str, Any]], holders: Known, bag_ids: Collection[str]) -> Known:
    hidden = driver(session).execute("SELECT bag_ids_out_of_sight(%s)", (array_literal(bag_ids),)).fetchall() if bag_ids else []
    codes = {each["municipality_code"] for each in whole if each["municipality_code"]}
    known = look_up(session, actor, codes=codes, slugs={each["focus_area"] for each in whole if each["focus_area"]}, bag_ids=())
    return replace(known, holders=holders.holders, hidden_bag_ids=frozenset(str(bag_id) for (bag_id,) in hidden))


def _judge(actor: Actor, row: StagedRow, content: dict[str, Any], present: Row | None, known: Known) -> Judgement:
    if present is None and row.key.startswith("d:"):
        return Judgement(Outcome.REFUSED, None, [RowFault(None, "no-such-reference", {"what": "dwelling", "id": row.key[2:]})])
    if content["municipality_code"] is None:
        return Judgement(Outcome.REFUSED, None, [RowFault("municipalityCode", "required")])
    faults = check(content, known, own_id=None if present is None else present["id"])
    if present is None:
        return Judgement(Outcome.CREATED, row.new_id, plan=content) if not faults else _refused(faults, None)
    faults += check_move(present, content, organisation_id=actor.organisation_id)
    faults += [] if present["kept"] else [Fault("", "dwelling-not-kept")]
    if faults:
        return _refused(faults, present["id"])
    different = {name: [present[name], content[name]] for name in _OF_A_DWELLING if present[name] != content[name]}
    if not different:
        return Judgement(Outcome.UNCHANGED, present["id"])
    changes: dict[str, Json] = {NAMES[name]: both for name, both in different.items()}
    told = {present["municipality_code"], content["municipality_code"]}
    plan = Change(present["id"], {**present, **content, **no_longer_so(present, content)}, present["version"] + 1, told)
    return Judgement(Outcome.CHANGED, present["id"], changes=changes, plan=plan)


def _refused(faults: Sequence[Fault], id: UUID | None) -> Judgement:
    return Judgement(Outcome.REFUSED, id, [_fault(fault) for fault in faults])


def _fault(fault: Fault) -> RowFault:
    facts: dict[str, Json] = {name: fact if isinstance(fact, str | int) else str(fact) for name, fact in fault.facts.items()}
    return RowFault(fault.pointer[1:] or None, fault.code, facts)
