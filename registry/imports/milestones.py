"""Milestones from a file. Rows about one dwelling are judged together: each trajectory over its whole corrected history, by the rules of a single report."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right
from registry.dwellings import queries as dwellings
from registry.errors import Conflict
from registry.imports import milestone_targets
from registry.imports.dwelling_of_row import NAMED_BY
from registry.imports.kinds import Effect, Identified, Judgement, RowFault, StagedRow, Values
from registry.imports.milestone_columns import COLUMNS, changes_of, dates_of, group_of, money_of, row_fault, shown, unsaid
from registry.imports.milestone_targets import Money, Target, Targets, check_money
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.sheets.columns import Column
from registry.trajectories import journal
from registry.trajectories.commands import NewTrajectory, open_each
from registry.trajectories.funding import Funding
from registry.trajectories.model import Action
from registry.trajectories.settling import Settled, settle
from registry.trajectories.undoing import take_back
from registry.versioned import Outcome


@dataclass(slots=True)
class _Plan:
    target: Target
    settled: Settled


class Milestones:
    kind = ImportKind.MILESTONES
    right = Right.REPORT_PROGRESS
    columns: tuple[Column, ...] = COLUMNS
    named_by: tuple[tuple[str, ...], ...] = (("trajectoryId",), *NAMED_BY)
    ignores_others = False

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        return milestone_targets.identify(session, actor, [values for _, values in rows])

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:  # noqa: ARG002
        by_dwelling: dict[UUID, list[StagedRow]] = defaultdict(list)
        for row in rows:
            by_dwelling[UUID(row.key)].append(row)
        targets, today = Targets(session, by_dwelling), clock.today()
        judged: dict[int, Judgement] = {}
        for dwelling_id, of_dwelling in by_dwelling.items():
            judged.update(_judge_dwelling(dwelling_id, of_dwelling, targets, today))
        return [judged[row.row] for row in rows]

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:  # noqa: ARG002
        dwellings.lock(session, {UUID(row.key) for row in rows})

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        plans = [(row.row, cast("_Plan", judgement.plan)) for row, judgement in judged]
        opened = list({target: None for _, plan in plans if (target := plan.target).opened_by is not None})
        _open(session, actor, opened)
        ordered = sorted(plans, key=lambda each: (each[1].target.dwelling_id, each[1].target.id, each[1].settled.turn))
        lines = [(row, line) for row, plan in ordered for line in _lines(plan)]
        executor = cast("UUID", actor.organisation_id)
        told = {cast("UUID", plan.target.id): (plan.target.municipality_code, executor) for _, plan in plans}
        ids = journal.append(session, actor, [line for _, line in lines], told)
        return [
            *(Effect(cast("int", each.opened_by), SubjectKind.TRAJECTORY, cast("UUID", each.id), EffectAction.CREATED, 1) for each in opened),
            *(Effect(row, SubjectKind.MILESTONE, id, EffectAction.CREATED) for (row, _), id in zip(lines, ids, strict=True)),
        ]

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        milestones = [effect.subject_id for effect in effects if effect.subject_kind is SubjectKind.MILESTONE]
        trajectories = {effect.subject_id: effect.version or 1 for effect in effects if effect.subject_kind is SubjectKind.TRAJECTORY}
        return [RowFault(None, fault.code, shown(fault.facts)) for fault in take_back(session, actor, milestones, trajectories)]


def _judge_dwelling(dwelling_id: UUID, rows: Sequence[StagedRow], known: Targets, today: date) -> dict[int, Judgement]:
    if dwelling_id not in known.municipalities:
        return {row.row: Judgement(Outcome.REFUSED, faults=[RowFault(None, "not-yours")]) for row in rows}
    judged: dict[int, Judgement] = {}
    by_target: dict[Target, list[StagedRow]] = defaultdict(list)
    for row, target in zip(rows, known.assign(dwelling_id, rows), strict=True):
        if isinstance(target, RowFault):
            judged[row.row] = Judgement(Outcome.REFUSED, faults=[target])
        else:
            by_target[target].append(row)
    for target, of_target in by_target.items():
        target.municipality_code = known.municipalities[dwelling_id]
        judged.update(_judge_target(target, of_target, today))
    return judged


def _judge_target(target: Target, rows: Sequence[StagedRow], today: date) -> dict[int, Judgement]:
    said_before: Money = {}
    wrong: list[list[RowFault]] = []
    groups = []
    for row in rows:
        dates, said = dates_of(row.values), money_of(row.values)
        faults = check_money(said, target, said_before) if said else []
        if not row.faulty:
            faults += unsaid(row.values, dates)
        said_before |= {scheme: amount for scheme, amount in said.items() if amount is not None or scheme not in said_before}
        wrong.append(faults)
        groups.append(group_of(row.values, dates, faulty=row.faulty or bool(faults)))
    settled = settle(target.present, groups, today=today)
    if target.id is None:
        _open_by(target, [row for row, each in zip(rows, settled, strict=True) if each.outcome is Outcome.CREATED])
    return {row.row: _judgement(target, row, each, rows, faults) for row, each, faults in zip(rows, settled, wrong, strict=True)}


def _open_by(target: Target, accepted: Sequence[StagedRow]) -> None:
    """What is not there yet is opened by the first row that can stand, with the money of all that can."""
    if not accepted:
        return
    first = min(accepted, key=lambda row: row.row)
    target.id, target.opened_by = first.new_id, first.row
    for row in accepted:
        target.money |= {scheme: amount for scheme, amount in money_of(row.values).items() if amount is not None or scheme not in target.money}


def _judgement(target: Target, row: StagedRow, settled: Settled, rows: Sequence[StagedRow], wrong: list[RowFault]) -> Judgement:
    if settled.outcome is Outcome.REFUSED:
        faults = wrong + [row_fault(fault, row.values) for fault in settled.faults]
        if settled.first is not None:
            faults.append(RowFault(None, "row-repeated", {"first": rows[settled.first].row}))
        return Judgement(Outcome.REFUSED, None if target.opened_by else target.id, faults)
    changes = changes_of(settled, row.values) if settled.outcome is Outcome.CHANGED else None
    return Judgement(settled.outcome, target.id, changes=changes, plan=_Plan(target, settled))


def _open(session: Session, actor: Actor, targets: Sequence[Target]) -> None:
    """Raises Conflict when a project or scheme has vanished since the rows were judged."""
    new = [
        NewTrajectory(each.dwelling_id, each.project, tuple(Funding(scheme, amount) for scheme, amount in sorted(each.money.items())), id=each.id)
        for each in targets
    ]
    faults = [fault for result in (open_each(session, actor, new) if new else ()) for fault in result.faults]
    if faults:
        raise Conflict(faults)


def _lines(plan: _Plan) -> list[dict[str, object]]:
    return [
        {
            "trajectory_id": plan.target.id,
            "dwelling_id": plan.target.dwelling_id,
            "track": step.happened.track,
            "kind": step.happened.kind,
            "effective_on": step.happened.effective_on,
            "decided_on": step.happened.decided_on,
            "note": step.note,
            "action": Action.CORRECTED if step.former else Action.REPORTED,
            "corrects_id": step.former and step.former.id,
            "evidence": step.former and json.loads(step.former.evidence),
        }
        for step in plan.settled.steps
    ]
