"""Planning from a file: every row of it, or none. What is wrong is said of every cell at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.batch import Result
from registry.checklists.queries import newest_published
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Fault, RuleViolation
from registry.inspections.assignment import check_post, closed, workforce
from registry.inspections.model import OPEN, Inspection
from registry.inspections.planning import Plan, judge_each, plan_each
from registry.inspections.plans_csv import Address, Column, Row, read
from registry.members import teams
from registry.versioned import Outcome

NAMESPACE = UUID("5f0c2f0e-7a53-5c0b-9d0a-2f6a6d3f4c11")
"""Of the ids of inspections that are planned from a file: the same row makes the same id, so that the same file again plans nothing twice."""
_COLUMNS = {"/dwellingId": None, "/checklistId": Column.CHECKLIST, "/assigneeId": Column.INSPECTOR, "/teamId": Column.TEAM}


class PlansRefused(RuleViolation):
    """The file has faults, and nothing of it was planned: all of them, each with its row and cell."""

    code = "csv-refused"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """``row`` counts as a spreadsheet does."""

    row: int
    id: UUID
    dwelling_id: UUID
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """``warnings`` are what was planned nevertheless and may be a mistake."""

    rows: Sequence[PlannedRow]
    warnings: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class _Place:
    id: UUID
    bag_id: str | None
    address: Address


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rows of one file refer to, as far as the actor sees it."""

    by_id: Mapping[UUID, _Place]
    by_bag_id: Mapping[str, _Place]
    by_number: Mapping[tuple[str, int], Sequence[_Place]]
    checklists: Mapping[str, UUID]
    """The newest published edition."""
    inspectors: Mapping[str, UUID]
    teams: Mapping[str, UUID]


def plan_file(session: Session, actor: Actor, body: bytes, *, organisation_id: UUID) -> PlannedFile:
    """Plan what a CSV file says, for that inspection body. Raises NotAllowed, PlansRefused."""
    require(actor, Right.PLAN_INSPECTIONS)
    rows, plans = _plans(session, actor, body, organisation_id)
    return _done(session, rows, plans, plan_each(session, actor, plans))


def try_file(session: Session, actor: Actor, body: bytes, *, organisation_id: UUID) -> PlannedFile:
    """What `plan_file` would do. Raises as that does."""
    require(actor, Right.PLAN_INSPECTIONS)
    rows, plans = _plans(session, actor, body, organisation_id)
    return _done(session, rows, plans, judge_each(session, actor, plans))


def _plans(session: Session, actor: Actor, body: bytes, organisation_id: UUID) -> tuple[list[Row], list[Plan]]:
    """The rows without faults with their plans; the other rows stay among the rows, without one. Raises PlansRefused when the file can't be read,
    RuleViolation when nothing can be planned for that organisation.
    """
    refusal = check_post(actor, (organisation_id, None, None), workforce(session, [(organisation_id, None, None)]))
    if refusal:
        raise RuleViolation([Fault("organisationId", fault.code, fault.facts) for fault in refusal])
    rows, faults = read(body)
    if faults:
        raise PlansRefused([*(fault for row in rows for fault in row.faults), *faults])
    known = _known(session, actor, rows, organisation_id)
    found = [_plan(row, known, organisation_id) for row in rows]
    _refuse_repeated(rows, found)
    wanted = {plan.id for plan in found if plan}
    editions = {row.id: row.checklist_id for row in session.execute(sa.select(Inspection.id, Inspection.checklist_id).where(Inspection.id.in_(wanted)))}
    return rows, [_with_edition(plan, editions) for plan, row in zip(found, rows, strict=True) if plan and not row.faults]


def _with_edition(plan: Plan, editions: Mapping[UUID, UUID]) -> Plan:
    """What was planned already keeps the edition that was the newest one then."""
    assert plan.id is not None
    return replace(plan, checklist_id=editions.get(plan.id, plan.checklist_id))


def _done(session: Session, rows: Sequence[Row], plans: Sequence[Plan], results: Sequence[Result]) -> PlannedFile:
    """Raises PlansRefused."""
    planned = [row for row in rows if not row.faults]
    for row, result in zip(planned, results, strict=True):
        for fault in result.faults:
            row.refuse(_COLUMNS.get(fault.pointer) or (row.named_by if fault.pointer == "/dwellingId" else None), fault.code, fault.facts)
    faults = [fault for row in rows for fault in row.faults]
    if faults:
        raise PlansRefused(faults)
    made = [PlannedRow(row.row, plan.id, plan.dwelling_id, result.outcome) for row, plan, result in zip(planned, plans, results, strict=True) if plan.id]
    today = clock.today()
    passed = [row.fault(Column.DUE_ON, "due-date-passed") for row in rows if row.due_on and row.due_on < today]
    return PlannedFile(made, [*passed, *_planned_and_over(session, rows, made)])


def _planned_and_over(session: Session, rows: Sequence[Row], made: Sequence[PlannedRow]) -> list[Fault]:
    """The rows that plan nothing because what they planned once is submitted or withdrawn: another visit needs another due date."""
    known = {planned.id: planned.row for planned in made if planned.outcome is Outcome.UNCHANGED}
    over = session.scalars(sa.select(Inspection).where(Inspection.id.in_(known), Inspection.status.not_in(OPEN))) if known else ()
    why = {known[inspection.id]: closed(inspection) for inspection in over}
    return [row.fault(None, why[row.row].code, why[row.row].facts) for row in rows if row.row in why]


def _refuse_repeated(rows: Sequence[Row], plans: Sequence[Plan | None]) -> None:
    first: dict[UUID, int] = {}
    for row, plan in zip(rows, plans, strict=True):
        if plan is not None and plan.id is not None and first.setdefault(plan.id, row.row) != row.row:
            row.refuse(None, "row-repeated", {"first": first[plan.id]})


def _plan(row: Row, known: _Known, organisation_id: UUID) -> Plan | None:
    """None, and faults in the row, when it can't be planned."""
    place = _dwelling(row, known)
    checklist_id = known.checklists.get(row.checklist or "")
    assignee_id, team_id = known.inspectors.get(row.inspector or ""), known.teams.get(row.team or "")
    if row.checklist and checklist_id is None:
        row.refuse(Column.CHECKLIST, "no-such-reference", {"what": "checklist", "id": row.checklist})
    if row.inspector and assignee_id is None:
        row.refuse(Column.INSPECTOR, "not-an-inspector-there", {"id": row.inspector})
    if row.team and team_id is None:
        row.refuse(Column.TEAM, "not-a-team-there", {"id": row.team})
    if row.faults or place is None or checklist_id is None or row.occasion is None:
        return None
    name = "/".join(map(str, (organisation_id, place.id, row.checklist, row.occasion.value, row.due_on)))
    return Plan(
        place.id,
        checklist_id,
        row.occasion,
        organisation_id,
        assignee_id=assignee_id,
        team_id=team_id,
        due_on=row.due_on,
        note=row.note,
        id=uuid5(NAMESPACE, name),
    )


def _dwelling(row: Row, known: _Known) -> _Place | None:
    """The dwelling that the row names; when it is named in more than one way they must agree."""
    column = row.named_by
    if column is None:
        return None
    at_address = _at(known, row.address) if row.address else []
    if column is Column.POSTCODE:
        if len(at_address) > 1:
            row.refuse(column, "dwelling-ambiguous", {"count": len(at_address)})
            return None
        found = at_address[0] if at_address else None
    else:
        found = known.by_id.get(row.dwelling_id) if row.dwelling_id else known.by_bag_id.get(row.bag_id or "")
    if found is None:
        row.refuse(column, "no-such-reference", {"what": "dwelling", "id": row.dwelling_id or row.bag_id or row.address})
    elif row.bag_id and found.bag_id != row.bag_id:
        row.refuse(Column.BAG_ID, "another-dwelling")
    elif row.address and found not in at_address:
        row.refuse(Column.POSTCODE, "another-dwelling")
    return found


def _at(known: _Known, address: Address) -> Sequence[_Place]:
    """Without letter and suffix: the one that has none, or else all that share the number."""
    found = known.by_number.get((address.postcode, address.number), [])
    exact = [place for place in found if place.address == address]
    if exact or address.letter or address.suffix:
        return exact
    return found


def _known(session: Session, actor: Actor, rows: Sequence[Row], organisation_id: UUID) -> _Known:
    """In a fixed number of queries, however many rows there are."""
    named = sa.or_(
        Dwelling.id.in_({row.dwelling_id for row in rows if row.dwelling_id}),
        Dwelling.bag_id.in_({row.bag_id for row in rows if row.bag_id}),
        sa.tuple_(Dwelling.postcode, Dwelling.house_number).in_({(row.address.postcode, row.address.number) for row in rows if row.address}),
    )
    places = _places(session, actor, named)
    by_number = defaultdict(list)
    for place in places:
        by_number[place.address.postcode, place.address.number].append(place)
    return _Known(
        {place.id: place for place in places},
        {place.bag_id: place for place in places if place.bag_id},
        by_number,
        newest_published(session, {row.checklist for row in rows if row.checklist}),
        teams.inspectors_with(session, {row.inspector for row in rows if row.inspector}, organisation_id),
        teams.named(session, {row.team for row in rows if row.team}, organisation_id),
    )


def _places(session: Session, actor: Actor, named: sa.ColumnElement[bool]) -> list[_Place]:
    columns = (Dwelling.id, Dwelling.bag_id, Dwelling.postcode, Dwelling.house_number, Dwelling.house_letter, Dwelling.house_number_suffix)
    query = sa.select(*columns).where(named, dwellings.kept_by(actor)).order_by(Dwelling.id)
    return [
        _Place(id, bag_id, Address(postcode or "", number or 0, letter and letter.lower(), suffix and suffix.lower()))
        for id, bag_id, postcode, number, letter, suffix in session.execute(query)
    ]
