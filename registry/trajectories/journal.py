"""Appending to the journal of milestones, in statements for any number of rows. The only place that inserts into it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor
from registry.audit import commands as audit
from registry.batch import fresh_ids
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.trajectories.history import known_since
from registry.trajectories.model import Action, MilestoneKind
from registry.trajectories.rules import plan_kept

Row = Mapping[str, object]
"""Columns of a row of the journal by name; what is not there is empty, and an id is made."""
_TYPES = {
    "id": "uuid",
    "trajectory_id": "uuid",
    "dwelling_id": "uuid",
    "track": "text",
    "kind": "text",
    "effective_on": "date",
    "decided_on": "date",
    "action": "text",
    "corrects_id": "uuid",
    "note": "text",
    "evidence": "jsonb",
}
_APPEND = sa.text(
    f"""
    INSERT INTO milestone (recorded_by, organisation_id, {", ".join(_TYPES)})
    SELECT :person_id, CAST(:organisation_id AS uuid), {", ".join(f"row.{name}" for name in _TYPES)}
    FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS ({", ".join(f"{name} {kind}" for name, kind in _TYPES.items())}))
        WITH ORDINALITY AS row ({", ".join(_TYPES)}, place)
    ORDER BY row.place
    """
)


def append(session: Session, actor: Actor, rows: Sequence[Row], told: Mapping[UUID, tuple[str, UUID]]) -> list[UUID]:
    """Insert these rows in this order, with their audit lines and the change feed; the id of each. The dwellings are locked.

    ``told`` are the municipality of the dwelling and the executor of each trajectory.
    """
    if not rows:
        return []
    rows = _keeping_plans(session, rows)
    ids = [cast("UUID", row.get("id") or fresh) for row, fresh in zip(rows, fresh_ids(session, len(rows)), strict=True)]
    full = [{name: row.get(name) for name in _TYPES} | {"id": id, "evidence": row.get("evidence") or []} for id, row in zip(ids, rows, strict=True)]
    session.execute(_APPEND, {"person_id": actor.person_id, "organisation_id": actor.organisation_id, "rows": orjson.dumps(full).decode()})
    by_action: dict[Action, list[tuple[UUID, Row]]] = defaultdict(list)
    for id, row in zip(ids, rows, strict=True):
        by_action[cast("Action", row["action"])].append((id, row))
    for action, of_action in by_action.items():
        _tell(session, actor, f"milestone.{action}", of_action, told)
    return ids


def _keeping_plans(session: Session, rows: Sequence[Row]) -> Sequence[Row]:
    """A plan that takes the place of another one counts from the day on which that was known, unless it says something else (`rules.plan_kept`)."""
    silent = {cast("UUID", row["corrects_id"]) for row in rows if _silent(row)}
    if not silent:
        return rows
    days = {id: clock.dutch_date(moment) for id, moment in known_since(session, silent).items()}
    return [{**row, "decided_on": _kept(row, days)} if _silent(row) else row for row in rows]


def _kept(row: Row, days: Mapping[UUID, date]) -> date:
    return plan_kept(known_on=days[cast("UUID", row["corrects_id"])], planned_for=cast("date", row["effective_on"]))


def _silent(row: Row) -> bool:
    return row["action"] == Action.CORRECTED and row["kind"] == MilestoneKind.PLANNED and row.get("decided_on") is None


def _tell(session: Session, actor: Actor, action: str, rows: Sequence[tuple[UUID, Row]], told: Mapping[UUID, tuple[str, UUID]]) -> None:
    audit.record_each(session, actor, action, "milestone", [(id, _details(row)) for id, row in rows])
    touched = sorted({cast("UUID", row["trajectory_id"]) for _, row in rows})
    announce_each(session, ChangeKind.TRAJECTORY, [(id, *told[id]) for id in touched], action=action)


def _details(row: Row) -> dict[str, Json]:
    names = {"trajectory_id": "trajectoryId", "track": "track", "kind": "kind", "effective_on": "effectiveOn"}
    return {public: str(row[name]) for name, public in names.items()}
