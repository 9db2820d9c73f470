"""Milestones from a file. Rows about one dwelling are judged together: each trajectory over its whole corrected history, by the rules of a single report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling
from registry.errors import Conflict
from registry.imports import milestone_targets
from registry.imports.dwelling_of_row import NAMED_BY
from registry.imports.in_sight import KEPT
from registry.imports.kinds import Effect, Identified, Judgement, RowFault, StagedRow, Values
from registry.imports.milestone_columns import COLUMNS, changes_of, group_of, money_of, row_fault, shown, unsaid
from registry.imports.milestone_targets import Money, Target, Targets, check_money
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.sheets.columns import Column
from registry.trajectories import journal
from registry.trajectories.commands import NewTrajectory, open_each
from registry.trajectories.funding import Funding
from registry.trajectories.model import Action
from registry.trajectories.queries import MilestoneInForce, in_force
from registry.trajectories.settling import Settled, settle
from registry.trajectories.undoing import take_back
from registry.versioned import Outcome


@dataclass(frozen=True, slots=True)
class _Plan:
    target: Target
    settled: Settled


@dataclass(frozen=True, slots=True)
class _Known:
    today: date
    dwellings: Mapping[UUID, str]
    """The municipality of each that the actor may write about."""
    targets: Targets
    in_force: Mapping[UUID, Sequence[MilestoneInForce]]


class Milestones:
    kind = ImportKind.MILESTONES
    right = Right.REPORT_PROGRESS
    columns: tuple[Column, ...] = COLUMNS
    named_by: tuple[tuple[str, ...], ...] = (("trajectoryId",), *NAMED_BY)
    ignores_others = False

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        return milestone_targets.identify(session, actor, [values for _, values in rows])

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:
        by_dwelling: dict[UUID, list[StagedRow]] = defaultdict(list)
        for row in rows:
            by_dwelling[UUID(row.key)].append(row)
        known = _known(session, actor, by_dwelling)
        judged: dict[int, Judgement] = {}
        for dwelling_id, of_dwelling in by_dwelling.items():
            judged |= _judge_dwelling(dwelling_id, of_dwelling, known)
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


def _known(session: Session, actor: Actor, dwelling_ids: Mapping[UUID, object]) -> _Known:
    ids = list(dwelling_ids)
    targets = Targets(session, actor, ids)
    by_trajectory: dict[UUID, list[MilestoneInForce]] = defaultdict(list)
    for milestone in in_force(session, list(targets.by_id)) if targets.by_id else ():
        by_trajectory[milestone.trajectory_id].append(milestone)
    kept = sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id == sa.any_(sa.cast(ids, sa.ARRAY(sa.Uuid))), KEPT)
    return _Known(clock.today(), {row.id: row.municipality_code for row in session.execute(kept)}, targets, by_trajectory)


def _judge_dwelling(dwelling_id: UUID, rows: Sequence[StagedRow], known: _Known) -> dict[int, Judgement]:
    if dwelling_id not in known.dwellings:
        return {row.row: Judgement(Outcome.REFUSED, faults=[RowFault(None, "not-yours")]) for row in rows}
    judged: dict[int, Judgement] = {}
    by_target: dict[Target, list[StagedRow]] = defaultdict(list)
    for row, target in zip(rows, known.targets.assign(dwelling_id, rows), strict=True):
        if isinstance(target, RowFault):
            judged[row.row] = Judgement(Outcome.REFUSED, faults=[target])
        else:
            by_target[target].append(row)
    for target, of_target in by_target.items():
        target.municipality_code = known.dwellings[dwelling_id]
        judged |= _judge_target(target, of_target, known.in_force.get(target.id, ()) if target.id else (), known.today)
    return judged


def _judge_target(target: Target, rows: Sequence[StagedRow], present: Sequence[MilestoneInForce], today: date) -> dict[int, Judgement]:
    said_before: Money = {}
    wrong: dict[int, list[RowFault]] = {}
    for row in rows:
        said = money_of(row.values)
        wrong[row.row] = check_money(said, target, said_before) + ([] if row.faulty else unsaid(row.values))
        said_before |= {scheme: amount for scheme, amount in said.items() if amount is not None or scheme not in said_before}
    groups = [group_of(row.values, faulty=row.faulty or bool(wrong[row.row])) for row in rows]
    settled = settle(present, groups, today=today)
    _open_by(target, [row for row, each in zip(rows, settled, strict=True) if each.outcome is Outcome.CREATED])
    return {row.row: _judgement(target, row, each, rows, wrong[row.row]) for row, each in zip(rows, settled, strict=True)}


def _open_by(target: Target, accepted: Sequence[StagedRow]) -> None:
    """What is not there yet is opened by the first row that can stand, with the money of all that can."""
    if target.id is not None or not accepted:
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
    return Judgement(settled.outcome, target.id, changes=changes_of(settled, row.values), plan=_Plan(target, settled))


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
            "evidence": step.former and step.former.evidence,
        }
        for step in plan.settled.steps
    ]
