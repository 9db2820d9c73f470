"""The work of one inspector on one day: what is due, in a sensible order, with what she must know before she rings the bell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.checklists.model import Checklist
from registry.dwellings import hazards
from registry.dwellings.model import Dwelling, Hazard
from registry.errors import Fault, RuleViolation, pointer
from registry.inspections.history import earlier_visits
from registry.inspections.model import OPEN, DayOrder, Inspection
from registry.inspections.route import Point, Stop, in_order
from registry.inspections.visits import Advice, Visit, advise

LONGEST_DAY = 200
"""Inspections."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One inspection of the day. ``distance_m`` is as the crow flies, from the one before it. ``advice`` is that of the visits before it."""

    inspection: Inspection
    dwelling: Dwelling
    checklist_key: str
    checklist_edition: int
    hazards: Sequence[Hazard]
    visits: Sequence[Visit]
    advice: Advice | None
    distance_m: int | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Day:
    """``more`` says that there is more work than a day list holds; ``ordered`` that the inspector chose the order."""

    on: date
    appointments: Sequence[Appointment]
    ordered: bool
    more: bool


def day_list(session: Session, actor: Actor, *, on: date, start: Point | None = None) -> Day:
    """The actor's open inspections that are due by then, and after them those without a due date. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    rows = session.execute(_work(actor, on).limit(LONGEST_DAY + 1)).all()
    found = {row.Inspection.id: row for row in rows[:LONGEST_DAY]}
    order = session.scalar(sa.select(DayOrder.inspection_ids).where(*_of(actor, on))) or []
    legs = in_order([_stop(row.Inspection, row.Dwelling) for row in found.values()], start=start, fixed=order)
    at_hand = hazards.open_at(session, actor, {row.Dwelling.id for row in found.values()})
    visits = earlier_visits(session, list(found))
    appointments = [_appointment(found[leg.stop.id], at_hand, visits, leg.distance_m, on) for leg in legs]
    return Day(on, appointments, bool(set(order) & set(found)), len(rows) > LONGEST_DAY)


def _appointment(
    row: "sa.Row[Inspection, Dwelling, str, int]",
    at_hand: Mapping[UUID, Sequence[Hazard]],
    visits: Mapping[UUID, Sequence[Visit]],
    distance_m: int | None,
    on: date,
) -> Appointment:
    inspection, dwelling = row.Inspection, row.Dwelling
    dangers, before = at_hand[dwelling.id], visits[inspection.id]
    advice = advise(before, hazards=[hazard.kind for hazard in dangers])
    overdue = inspection.due_on is not None and inspection.due_on < on
    return Appointment(inspection, dwelling, row.key, row.edition, dangers, before, advice, distance_m, overdue)


def _work(actor: Actor, on: date) -> sa.Select[Inspection, Dwelling, str, int]:
    return (
        sa.select(Inspection, Dwelling, Checklist.key, Checklist.edition)
        .join(Dwelling, Dwelling.id == Inspection.dwelling_id)
        .join(Checklist, Checklist.id == Inspection.checklist_id)
        .where(*_hers(actor), Inspection.status.in_(OPEN), sa.or_(Inspection.due_on <= on, Inspection.due_on.is_(None)))
        .order_by(Inspection.due_on.asc().nulls_last(), Inspection.id)
    )


def _hers(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """What she does herself; what her team may take is not on anybody's day yet."""
    return Inspection.assignee_id == actor.person_id, Inspection.organisation_id == actor.organisation_id


def _of(actor: Actor, on: date) -> tuple[sa.ColumnElement[bool], ...]:
    return DayOrder.person_id == actor.person_id, DayOrder.organisation_id == actor.organisation_id, DayOrder.day == on


def _stop(inspection: Inspection, dwelling: Dwelling) -> Stop:
    known = dwelling.longitude is not None and dwelling.latitude is not None
    at = Point(dwelling.longitude, dwelling.latitude) if known else None  # type: ignore[arg-type]
    address = (dwelling.postcode or "", dwelling.house_number or 0, dwelling.house_letter or "", dwelling.house_number_suffix or "")
    return Stop(inspection.id, at, address, due=inspection.due_on is not None)


def set_order(session: Session, actor: Actor, *, on: date, inspection_ids: Sequence[UUID]) -> None:
    """Keep the order in which the actor wants to see her work of a day; what comes after it is put behind. An empty one forgets it.

    Raises NotAllowed, RuleViolation (an inspection that is not assigned to her, or that stands in it twice).
    """
    require(actor, Right.INSPECT)
    known = set(session.scalars(sa.select(Inspection.id).where(Inspection.id.in_(inspection_ids), *_hers(actor))))
    faults = [
        Fault(pointer("inspectionIds", place), "repeated", {"value": id})
        if id in inspection_ids[:place]
        else Fault(pointer("inspectionIds", place), "no-such-reference", {"what": "inspection", "id": id})
        for place, id in enumerate(inspection_ids)
        if id not in known or id in inspection_ids[:place]
    ]
    if faults:
        raise RuleViolation(faults)
    insert = postgresql.insert(DayOrder).values(person_id=actor.person_id, organisation_id=actor.organisation_id, day=on, inspection_ids=list(inspection_ids))
    kept = {"inspection_ids": insert.excluded.inspection_ids, "recorded_at": sa.func.clock_timestamp()}
    session.execute(insert.on_conflict_do_update(constraint="pk_day_order", set_=kept))
    audit.record(session, actor, "day.ordered", "day", on.isoformat(), details={"inspectionIds": [str(id) for id in inspection_ids]})
