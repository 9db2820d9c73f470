"""Which trajectory each row of a file is about: one that the sender's organisation runs, or one that is to be opened."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import LiteralString, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.db import Json, array_literal
from registry.imports.dwelling_of_row import Found, find
from registry.imports.kinds import Identified, RowFault, StagedRow, Values
from registry.imports.milestone_columns import form_faults
from registry.imports.staging import driver
from registry.trajectories.model import FundingLine, MilestoneKind, Project, Scheme, Track, Trajectory
from registry.trajectories.rules import Happened
from registry.trajectories.settling import Standing

Money = dict[str, Decimal | None]
"""Amount in euro by scheme, None while it is not known."""


@dataclass(slots=True, eq=False)
class Target:
    """A trajectory that rows are about. ``id`` is None for one to open, until a row is found that opens it: ``opened_by``."""

    dwelling_id: UUID
    project: str | None
    id: UUID | None = None
    money: Money = field(default_factory=dict)
    opened_by: int | None = None
    municipality_code: str = ""
    present: list[Standing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the rows of a chunk name, as far as the actor sees it."""

    trajectories: Mapping[UUID, sa.Row[UUID, UUID, UUID, str | None]]
    projects: Mapping[str, Collection[str]]
    schemes: Mapping[str, Collection[str]]


def identify(session: Session, actor: Actor, rows: Sequence[Values]) -> list[Identified]:
    """The dwelling is the key: the rows about one dwelling are judged together, since they may open a trajectory that others mean."""
    named = _named(session, rows)
    return [_identify(actor, row, found, named) for row, found in zip(rows, find(session, actor, rows), strict=True)]


def _identify(actor: Actor, row: Values, found: Found, named: _Named) -> Identified:
    faults, resolved = [*found.faults, *form_faults(row)], dict[str, Json]()
    dwelling_id = found.place.id if found.place else None
    if "project" in row:
        resolved["project"] = _one(str(row["project"]), named.projects, "project", faults)
    if isinstance(row.get("scheme"), list):
        resolved["money"] = _money(row, named, faults)
    if "trajectoryId" in row:
        trajectory = named.trajectories.get(UUID(str(row["trajectoryId"])))
        if trajectory is None:
            faults.append(RowFault("trajectoryId", "no-such-reference", {"what": "trajectory", "id": row["trajectoryId"]}))
        elif trajectory.executor_id != actor.organisation_id:
            faults.append(RowFault("trajectoryId", "not-yours"))
        elif dwelling_id not in (None, trajectory.dwelling_id):
            faults.append(RowFault("trajectoryId", "another-dwelling"))
        elif resolved.get("project") not in (None, trajectory.project):
            faults.append(RowFault("project", "another-project", {"project": trajectory.project or "-"}))
        dwelling_id = dwelling_id or (trajectory.dwelling_id if trajectory else None)
    elif dwelling_id is None and not found.faults:
        faults.append(RowFault(None, "dwelling-not-named"))
    return Identified(None if dwelling_id is None else str(dwelling_id), faults, resolved)


def _one(name: str, known: Mapping[str, Collection[str]], what: str, faults: list[RowFault]) -> str | None:
    """The slug of what has this slug or this name."""
    slugs = known.get(name.casefold(), ())
    if len(slugs) == 1:
        return next(iter(slugs))
    if slugs:
        faults.append(RowFault(what, "name-ambiguous", {"name": name, "found": ", ".join(sorted(slugs))}))
    else:
        faults.append(RowFault(what, "no-such-reference", {"what": what, "id": name}))
    return None


def _money(row: Values, named: _Named, faults: list[RowFault]) -> list[Json]:
    """Pairs of scheme and amount."""
    names, amounts = cast("list[str]", row["scheme"]), cast("list[str]", row.get("amount") or [])
    schemes = [_one(name, named.schemes, "scheme", faults) for name in names]
    known = [scheme for scheme in schemes if scheme]
    faults += [RowFault("scheme", "repeated", {"value": scheme}) for scheme in sorted({scheme for scheme in known if known.count(scheme) > 1})]
    return [[scheme, amounts[place] if len(amounts) == len(names) else None] for place, scheme in enumerate(schemes) if scheme]


def _named(session: Session, rows: Sequence[Values]) -> _Named:
    ids = {UUID(str(row["trajectoryId"])) for row in rows if "trajectoryId" in row}
    columns = (Trajectory.id, Trajectory.dwelling_id, Trajectory.executor_id, Trajectory.project)
    # What she sees is for row-level security to say: see in_sight.py.
    listed = Trajectory.id == sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))
    found = session.execute(sa.select(*columns).where(listed, Trajectory.withdrawn_at.is_(None))) if ids else ()
    projects = {str(row["project"]) for row in rows if "project" in row}
    schemes = {str(name) for row in rows if isinstance(row.get("scheme"), list) for name in cast("list[str]", row["scheme"])}
    return _Named({row.id: row for row in found}, _slugs(session, Project, projects), _slugs(session, Scheme, schemes))


def _slugs(session: Session, model: type[Project] | type[Scheme], names: Collection[str]) -> Mapping[str, Collection[str]]:
    """Slugs by slug or name, without capitals; a slug goes before a name."""
    if not names:
        return {}
    wanted = [name.casefold() for name in names]
    slugs, by_name = {}, defaultdict(set)
    for slug, name in session.execute(sa.select(model.slug, model.name).where(sa.or_(model.slug.in_(wanted), sa.func.lower(model.name).in_(wanted)))):
        slugs[slug] = {slug}
        by_name[name.casefold()].add(slug)
    return {**by_name, **slugs}


_RUN: LiteralString = """
SELECT dwelling_id, municipality_code, trajectory_id, project, id, track, kind, effective_on, decided_on, note, evidence, confirmed_at
FROM run_on_dwellings(%s::uuid[]) ORDER BY trajectory_id
"""
_TRACK = {each.value: each for each in Track}
_KIND = {each.value: each for each in MilestoneKind}


def _standing(id: UUID, track: str, kind: str, effective_on: date, decided_on: date | None, *rest: *tuple[str | None, str, datetime | None]) -> Standing:
    return Standing(id, Happened(_TRACK[track], _KIND[kind], effective_on, decided_on), *rest)


class Targets:
    """The trajectories of the sender's organisation on some dwellings, with their milestones in force, and those that the rows would open there."""

    def __init__(self, session: Session, dwelling_ids: Collection[UUID]) -> None:
        self.municipalities: dict[UUID, str] = {}
        """Of each dwelling that the actor may write about."""
        self.own: dict[UUID, list[Target]] = defaultdict(list)
        self.by_id: dict[UUID, Target] = {}
        for dwelling_id, municipality, trajectory_id, project, *said in driver(session).execute(_RUN, (array_literal(dwelling_ids),)):
            self.municipalities[dwelling_id] = municipality
            if trajectory_id is None:
                continue
            target = self.by_id.get(trajectory_id)
            if target is None:
                target = self.by_id[trajectory_id] = Target(dwelling_id, project, trajectory_id)
                self.own[dwelling_id].append(target)
            if said[0] is not None:
                target.present.append(_standing(*said))
        self._add_money(session)

    def _add_money(self, session: Session) -> None:
        listed = FundingLine.trajectory_id == sa.any_(sa.cast(list(self.by_id), sa.ARRAY(sa.Uuid)))
        query = sa.select(FundingLine.trajectory_id, FundingLine.scheme, FundingLine.amount_eur).where(listed, FundingLine.superseded_at.is_(None))
        for row in session.execute(query) if self.by_id else ():
            self.by_id[row.trajectory_id].money[row.scheme] = row.amount_eur

    def assign(self, dwelling_id: UUID, rows: Sequence[StagedRow]) -> list[Target | RowFault]:
        """The target of each row about one dwelling, or why it has none. A trajectory that a row would open may be what another row means."""
        targets: list[Target] = list(self.own.get(dwelling_id, ()))
        if len(rows) == 1 and len(targets) == 1 and "trajectoryId" not in rows[0].values and _project(rows[0]) in (None, targets[0].project):
            return [targets[0]]
        named = dict.fromkeys(_project(row) for row in rows if "trajectoryId" not in row.values and not row.faulty)
        for project in sorted(named, key=lambda project: project is None):
            if not any(project in (None, target.project) for target in targets):
                targets.append(Target(dwelling_id, project))
        return [self._assign(row, targets, dwelling_id) for row in rows]

    def _assign(self, row: StagedRow, targets: Sequence[Target], dwelling_id: UUID) -> Target | RowFault:
        if "trajectoryId" in row.values:
            named = UUID(str(row.values["trajectoryId"]))
            if named not in self.by_id and not row.faulty:
                return RowFault("trajectoryId", "no-such-reference", {"what": "trajectory", "id": str(named)})
            return self.by_id.get(named) or Target(dwelling_id, None)
        meant = [target for target in targets if _project(row) in (None, target.project)]
        if len(meant) > 1:
            return RowFault(None, "trajectory-ambiguous", {"count": len(meant)})
        return meant[0] if meant else Target(dwelling_id, _project(row))


def _project(row: StagedRow) -> str | None:
    return cast("str | None", row.values.get("project"))


def check_money(said: Money, target: Target, said_before: Money) -> list[RowFault]:
    """A row says with what money a trajectory is opened, as other rows do; it can't change that of one that is there."""
    faults = []
    for scheme, amount in said.items():
        known = said_before if target.id is None else target.money
        absent = target.id is not None and scheme not in known
        if absent or (amount is not None and known.get(scheme, amount) not in ((amount,) if target.id else (amount, None))):
            faults.append(RowFault("scheme" if absent else "amount", "money-said-otherwise", {"scheme": scheme}))
    return faults
