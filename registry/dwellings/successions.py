"""Successions of dwellings: recorded by their municipality, with what follows from each, and retracted when one was a mistake."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import RECORDED_NOW, Json
from registry.dwellings import portfolios, queries
from registry.dwellings.model import Dwelling, PortfolioPeriod
from registry.dwellings.succession_model import Lineage, Side, Succession, SuccessionDwelling
from registry.dwellings.succession_rules import NewSuccession, Standing, check, object_type_of
from registry.errors import AlreadyExists, Conflict, Fault, NotFound, NotYours, RuleViolation
from registry.versioned import Outcome, change

RECORD_LOCK = 4712
"""Advisory: successions are recorded one after the other, because two at once could close a circle that neither sees."""
MOST_SHOWN = 500
OF_ANOTHER_OBJECT: Mapping[str, object] = {"bag_status": None, "address_designation_id": None, "building_ids": []}
"""What the BAG said of the object that the dwelling was called by before."""


@dataclass(frozen=True, slots=True)
class Told:
    """A succession with the dwellings on both sides, and the portfolio periods that followed from it."""

    succession: Succession
    predecessors: Sequence[UUID]
    successors: Sequence[UUID]
    put_in_portfolio: Sequence[PortfolioPeriod]


def record(session: Session, actor: Actor, new: NewSuccession) -> tuple[Told, Outcome]:
    """Say what became of dwellings of the municipality, and do what follows from that; an id that exists with the same content changes nothing.

    A re-keying to a BAG id that another dwelling has already is a succession between the two. Raises NotAllowed, AlreadyExists, RuleViolation; at commit
    BagIdTaken, SuccessionInCircle.
    """
    require(actor, Right.RECORD_SUCCESSIONS)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(RECORD_LOCK)))
    new = _between_rows(session, actor, new)
    known = session.get(Succession, new.id) if new.id else None
    if known is not None:
        return _same(session, known, new), Outcome.UNCHANGED
    dwellings = _locked(session, actor, {*new.predecessors, *new.successors})
    faults = check(new, known=_standings(session, dwellings), lineage=_lineage(session, new), today=clock.today())
    if faults:
        raise RuleViolation(faults)
    succession = _insert(session, actor, new, dwellings)
    _take_effect(session, succession, new, dwellings)
    put = [] if new.keeps_row else portfolios.inherit(session, actor, succession, new.predecessors, new.successors)
    _tell(session, actor, "dwelling.succession-recorded", succession, dwellings)
    return Told(succession, sorted(new.predecessors), sorted(new.after), put), Outcome.CREATED


def _between_rows(session: Session, actor: Actor, new: NewSuccession) -> NewSuccession:
    """A re-keying to the id of another dwelling, which the BAG import made first, is one between the two."""
    if not new.keeps_row:
        return new
    named = sa.select(Dwelling.id).where(Dwelling.bag_id == new.new_bag_id, queries.visible_to(actor), Dwelling.id.not_in(new.predecessors))
    other = session.scalar(named)
    return new if other is None else replace(new, successors=(other,), new_bag_id=None)


def _same(session: Session, known: Succession, new: NewSuccession) -> Told:
    told = _told(session, [known])[0]
    said = (new.kind, new.occurred_on, new.new_bag_id, new.note, sorted(new.predecessors), sorted(new.after))
    if said != (known.kind, known.occurred_on, known.new_bag_id, known.note, list(told.predecessors), list(told.successors)):
        raise AlreadyExists(what="succession", id=known.id)
    return told


def _locked(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, Dwelling]:
    """Those of these dwellings that are in the municipality, in the order of their ids so that two writers never wait for each other."""
    query = sa.select(Dwelling).where(Dwelling.id.in_(ids), queries.kept_by(actor)).order_by(Dwelling.id).with_for_update(key_share=True)
    return {each.id: each for each in session.scalars(query.execution_options(populate_existing=True))}


def _standings(session: Session, dwellings: Mapping[UUID, Dwelling]) -> dict[UUID, Standing]:
    days: dict[tuple[UUID, Side], date] = {}
    for dwelling_id, side, occurred_on in _events(session, dwellings):
        days[dwelling_id, side] = max(occurred_on, days.get((dwelling_id, side), occurred_on))
    return {id: Standing(each.bag_id, days.get((id, Side.SUCCESSOR)), days.get((id, Side.PREDECESSOR))) for id, each in dwellings.items()}


def _events(session: Session, dwelling_ids: Iterable[UUID]) -> list[tuple[UUID, Side, date]]:
    """The successions in force in which these dwellings end or come to be."""
    query = sa.select(SuccessionDwelling.dwelling_id, SuccessionDwelling.side, Succession.occurred_on)
    query = query.join(Succession, Succession.id == SuccessionDwelling.succession_id)
    in_force = (Succession.retracted_at.is_(None), Succession.new_bag_id.is_(None))
    rows = session.execute(query.where(SuccessionDwelling.dwelling_id.in_(list(dwelling_ids)), *in_force))
    return [(row.dwelling_id, row.side, row.occurred_on) for row in rows]


def _lineage(session: Session, new: NewSuccession) -> set[tuple[UUID, UUID]]:
    """What would close a circle: which of the successors comes before a predecessor."""
    query = sa.select(Lineage.predecessor_id, Lineage.successor_id)
    query = query.where(Lineage.predecessor_id.in_(new.successors), Lineage.successor_id.in_(new.predecessors))
    return {(row.predecessor_id, row.successor_id) for row in session.execute(query)}


def _insert(session: Session, actor: Actor, new: NewSuccession, dwellings: Mapping[UUID, Dwelling]) -> Succession:
    succession = Succession(
        kind=new.kind,
        occurred_on=new.occurred_on,
        former_bag_id=dwellings[new.predecessors[0]].bag_id if new.keeps_row else None,
        new_bag_id=new.new_bag_id,
        note=new.note,
        municipality_code=actor.municipality_code,
        organisation_id=actor.organisation_id,
        recorded_by=actor.person_id,
        **({"id": new.id} if new.id else {}),
    )
    session.add(succession)
    session.flush()
    session.refresh(succession)
    sides = [(Side.PREDECESSOR, id) for id in new.predecessors] + [(Side.SUCCESSOR, id) for id in new.after]
    rows = [{"succession_id": succession.id, "side": side, "dwelling_id": id} for side, id in sides]
    session.execute(sa.insert(SuccessionDwelling).inline().values(rows))  # one statement: the lineage is looked up once
    return succession


def _take_effect(session: Session, succession: Succession, new: NewSuccession, dwellings: Mapping[UUID, Dwelling]) -> None:
    for id in sorted(new.predecessors):
        if new.new_bag_id is not None:
            _call(session, dwellings[id], new.new_bag_id)
        else:
            change(session, dwellings[id], {"ended_on": succession.occurred_on})


def _call(session: Session, dwelling: Dwelling, bag_id: str) -> None:
    change(session, dwelling, {"bag_id": bag_id, "bag_object_type": object_type_of(bag_id), **OF_ANOTHER_OBJECT})


def _tell(session: Session, actor: Actor, action: str, succession: Succession, dwellings: Mapping[UUID, Dwelling]) -> None:
    details: dict[str, Json] = {"successionId": str(succession.id), "kind": succession.kind.value, "occurredOn": succession.occurred_on.isoformat()}
    audit.record_each(session, actor, action, "dwelling", [(id, details) for id in dwellings])
    announce_each(session, ChangeKind.DWELLING, [(id, each.municipality_code, None) for id, each in dwellings.items()], action=action)


def retract(session: Session, actor: Actor, succession_id: UUID, *, reason: str) -> Told:
    """Say that a succession was never so, and undo what followed from it; retracting it again changes nothing.

    A portfolio period that somebody changed since stays. Raises NotAllowed, NotFound, NotYours, Conflict (the BAG id was changed since).
    """
    require(actor, Right.RECORD_SUCCESSIONS)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(RECORD_LOCK)))
    succession = session.scalar(sa.select(Succession).where(Succession.id == succession_id, visible_to(actor)))
    if succession is None:
        raise NotFound(what="succession", id=succession_id)
    if succession.municipality_code != actor.municipality_code:
        raise NotYours()
    (told,) = _told(session, [succession])
    if succession.retracted_at is not None:
        return told
    dwellings = _locked(session, actor, {*told.predecessors, *told.successors})
    _undo(session, succession, [dwellings[id] for id in told.predecessors if id in dwellings])
    _end(session, actor, succession, reason)
    portfolios.take_back(session, actor, told.put_in_portfolio)
    _tell(session, actor, "dwelling.succession-retracted", succession, dwellings)
    return _told(session, [succession])[0]


def _undo(session: Session, succession: Succession, predecessors: Sequence[Dwelling]) -> None:
    for dwelling in predecessors:
        if succession.former_bag_id is None:
            change(session, dwelling, {"ended_on": None})  # a dwelling ends by one succession at most
        elif dwelling.bag_id != succession.new_bag_id:
            raise Conflict([Fault("", "bag-id-changed-since", {"id": dwelling.id})])
        else:
            _call(session, dwelling, succession.former_bag_id)


def _end(session: Session, actor: Actor, succession: Succession, reason: str) -> None:
    ends = {"retracted_at": RECORDED_NOW, "retracted_by": actor.person_id, "retraction_reason": reason}
    session.execute(sa.update(Succession).where(Succession.id == succession.id).values(ends).execution_options(synchronize_session=False))
    session.refresh(succession)


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The successions of the dwellings that the actor sees, on either side."""
    seen = sa.select(Dwelling.id).where(queries.visible_to(actor))
    return Succession.id.in_(sa.select(SuccessionDwelling.succession_id).where(SuccessionDwelling.dwelling_id.in_(seen)))


def get(session: Session, actor: Actor, succession_id: UUID) -> Told:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_DWELLINGS)
    succession = session.scalar(sa.select(Succession).where(Succession.id == succession_id, visible_to(actor)))
    if succession is None:
        raise NotFound(what="succession", id=succession_id)
    return _told(session, [succession])[0]


def list_(session: Session, actor: Actor, dwelling_id: UUID) -> list[Told]:
    """How a dwelling came to be and what became of it, through all that came before and after it, by day; its own retracted ones too.

    Raises NotAllowed, NotFound.
    """
    queries.get(session, actor, dwelling_id)
    own = sa.select(SuccessionDwelling.succession_id).where(SuccessionDwelling.dwelling_id == dwelling_id)
    line = sa.select(SuccessionDwelling.succession_id).where(SuccessionDwelling.dwelling_id.in_(queries.line_of(dwelling_id)))
    related = Succession.id.in_(own) | (Succession.id.in_(line) & Succession.retracted_at.is_(None))
    query = sa.select(Succession).where(related, visible_to(actor)).order_by(Succession.occurred_on, Succession.recorded_at, Succession.id)
    return _told(session, session.scalars(query.limit(MOST_SHOWN)).all())


def _told(session: Session, successions: Sequence[Succession]) -> list[Told]:
    ids = [each.id for each in successions]
    sides: dict[tuple[UUID, Side], list[UUID]] = defaultdict(list)
    dwellings = sa.select(SuccessionDwelling).where(SuccessionDwelling.succession_id.in_(ids)).order_by(SuccessionDwelling.dwelling_id)
    for row in session.scalars(dwellings):
        sides[row.succession_id, row.side].append(row.dwelling_id)
    periods: dict[UUID | None, list[PortfolioPeriod]] = defaultdict(list)
    for period in session.scalars(sa.select(PortfolioPeriod).where(PortfolioPeriod.succession_id.in_(ids)).order_by(PortfolioPeriod.id)):
        periods[period.succession_id].append(period)
    return [Told(each, sides[each.id, Side.PREDECESSOR], sides[each.id, Side.SUCCESSOR], periods[each.id]) for each in successions]
