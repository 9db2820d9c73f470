"""Planning inspections: where, with which checklist, by whom, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.batch import Result, create_each, fresh_ids, insert_new, only, refused, repeated
from registry.checklists.model import Checklist, ChecklistStatus
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import AlreadyExists, Fault
from registry.inspections.announcing import tell_assigned_each, tell_each
from registry.inspections.assignment import Post, Workforce, check_post, post_of, workforce
from registry.inspections.model import Inspection, Occasion
from registry.inspections.queries import visible_to
from registry.versioned import Outcome, same


@dataclass(frozen=True, slots=True)
class Plan:
    """``organisation_id`` is the inspection body; ``assignee_id`` the person, who may be named later; ``team_id`` those who may take it until then.

    ``previous_id`` is the visit to which this is the next one. A ``due_on`` in the past is no fault: a visit may be recorded afterwards.
    """

    dwelling_id: UUID
    checklist_id: UUID
    occasion: Occasion
    organisation_id: UUID
    assignee_id: UUID | None = None
    due_on: date | None = None
    id: UUID | None = None
    team_id: UUID | None = None
    note: str | None = None
    previous_id: UUID | None = None

    def columns(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in (*_FIXED, "organisation_id", "assignee_id", "team_id", "due_on", "note")}

    @property
    def post(self) -> Post:
        return self.organisation_id, self.assignee_id, self.team_id


_FIXED = ("dwelling_id", "checklist_id", "occasion", "previous_id")
"""What a plan stays with: the rest can be changed by assigning it anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the register has that the plans of one batch refer to, as far as the actor sees it."""

    dwellings: frozenset[UUID]
    checklists: Mapping[UUID, ChecklistStatus]
    previous: Mapping[UUID, UUID]
    """The dwelling of each."""
    present: Mapping[UUID, Inspection]
    workforce: Workforce


def plan(session: Session, actor: Actor, item: Plan) -> tuple[Inspection, Outcome]:
    """Plan an inspection; a client-made id that exists with the same plan changes nothing.

    Raises NotAllowed, AlreadyExists, Conflict (the id is in use out of sight), RuleViolation.
    """
    (result,) = results = plan_each(session, actor, [item])
    if any(fault.code == AlreadyExists.code for fault in result.faults):
        raise AlreadyExists(what="inspection", id=item.id)
    only(results)
    return session.get_one(Inspection, result.id, populate_existing=True), result.outcome


def plan_each(session: Session, actor: Actor, items: Sequence[Plan]) -> list[Result]:
    """Plan inspections, each judged by itself. One whose id exists is left as it is when it was planned so, whatever became of it since.

    Raises NotAllowed.
    """
    require(actor, Right.PLAN_INSPECTIONS)
    return create_each(lambda: judge_each(session, actor, items), lambda places: _insert(session, actor, [items[place] for place in places]))


def judge_each(session: Session, actor: Actor, items: Sequence[Plan]) -> list[Result]:
    """What `plan_each` would do. Raises NotAllowed."""
    require(actor, Right.PLAN_INSPECTIONS)
    known = _known(session, actor, items)
    twice = repeated([item.id for item in items])
    return [_judge(actor, item, known, twice) for item in items]


def _known(session: Session, actor: Actor, items: Sequence[Plan]) -> _Known:
    seen = sa.select(Dwelling.id).where(Dwelling.id.in_({item.dwelling_id for item in items}), dwellings.kept_by(actor))
    checklists = sa.select(Checklist.id, Checklist.status).where(Checklist.id.in_({item.checklist_id for item in items}))
    previous = sa.select(Inspection.id, Inspection.dwelling_id).where(Inspection.id.in_({item.previous_id for item in items if item.previous_id}))
    present = sa.select(Inspection).where(Inspection.id.in_({item.id for item in items if item.id}), visible_to(actor))
    return _Known(
        frozenset(session.scalars(seen)),
        {row.id: row.status for row in session.execute(checklists)},
        {row.id: row.dwelling_id for row in session.execute(previous.where(visible_to(actor)))},
        {inspection.id: inspection for inspection in session.scalars(present)},
        workforce(session, {item.post for item in items}),
    )


def _judge(actor: Actor, item: Plan, known: _Known, twice: set[object]) -> Result:
    present = known.present.get(item.id) if item.id else None
    if present is not None and item.id not in twice:
        if _planned_so(present, item):
            return Result(Outcome.UNCHANGED, present.id)
        return refused([Fault("/id", "already-exists", {"what": "inspection", "id": item.id})], item.id)
    faults = [*_faults(item, known), *check_post(actor, item.post, known.workforce)]
    if item.id in twice:
        faults.append(Fault("/id", "repeated", {"value": item.id}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _planned_so(present: Inspection, item: Plan) -> bool:
    """While nothing happened to it all must be the same; afterwards what stays of a plan."""
    columns = item.columns()
    return same(present, columns if present.version == 1 else {name: columns[name] for name in _FIXED})


def _faults(item: Plan, known: _Known) -> list[Fault]:
    faults = []
    if item.dwelling_id not in known.dwellings:
        faults.append(Fault("/dwellingId", "no-such-reference", {"what": "dwelling", "id": item.dwelling_id}))
    status = known.checklists.get(item.checklist_id)
    if status in (None, ChecklistStatus.DRAFT):
        faults.append(Fault("/checklistId", "no-such-reference", {"what": "checklist", "id": item.checklist_id}))
    elif status is ChecklistStatus.RETIRED:
        faults.append(Fault("/checklistId", "checklist-retired"))
    if item.previous_id is not None:
        dwelling_id = known.previous.get(item.previous_id)
        if dwelling_id is None:
            faults.append(Fault("/previousId", "no-such-reference", {"what": "inspection", "id": item.previous_id}))
        elif dwelling_id != item.dwelling_id:
            faults.append(Fault("/previousId", "previous-of-another-dwelling"))
    return faults


def _insert(session: Session, actor: Actor, items: Sequence[Plan]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else planned at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows: list[dict[str, object]] = [{**item.columns(), "id": id, "planned_by": actor.person_id} for id, item in zip(ids, items, strict=True)]
    inserted = insert_new(session, Inspection, rows)
    made = [Inspection(**row) for row in rows if row["id"] in inserted]
    known = workforce(session, {post_of(inspection) for inspection in made})
    lines = [(inspection.id, _details(inspection)) for inspection in made]
    audit.record_each(session, actor, "inspection.planned", "inspection", lines)
    tell_each(session, made, "inspection.planned")
    tell_assigned_each(session, [(inspection, known.holders(post_of(inspection))) for inspection in made])
    return [id if id in inserted else None for id in ids]


def _details(inspection: Inspection) -> dict[str, Json]:
    named = {"assigneeId": inspection.assignee_id, "teamId": inspection.team_id, "previousId": inspection.previous_id}
    said = {"dwellingId": str(inspection.dwelling_id), "occasion": inspection.occasion.value}
    return cast("dict[str, Json]", {**said, **{name: str(id) for name, id in named.items() if id}})
