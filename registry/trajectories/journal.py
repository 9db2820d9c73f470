"""Appending to the journal of milestones, in statements for any number of rows. The only place that inserts into it."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.audit import commands as audit
from registry.batch import fresh_ids
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.trajectories.model import Action

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
    "evidence": "text",
}
_APPEND = sa.text(
    f"""
    INSERT INTO milestone (recorded_by, organisation_id, {", ".join(_TYPES)})
    SELECT :person_id, CAST(:organisation_id AS uuid), {", ".join(f"row.{name}" for name in _TYPES if name != "evidence")}, row.evidence::jsonb
    FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _TYPES.items())}) WITH ORDINALITY AS row ({", ".join(_TYPES)}, place)
    ORDER BY row.place
    """
)


def append(session: Session, actor: Actor, rows: Sequence[Row], told: Mapping[UUID, tuple[str, UUID]]) -> list[UUID]:
    """Insert these rows in this order, with their audit lines and the change feed; the id of each. The dwellings are locked.

    ``told`` are the municipality of the dwelling and the executor of each trajectory.
    """
    if not rows:
        return []
    ids = [cast("UUID", row.get("id") or fresh) for row, fresh in zip(rows, fresh_ids(session, len(rows)), strict=True)]
    columns: dict[str, list[object]] = {name: [row.get(name) for row in rows] for name in _TYPES}
    columns |= {"id": list(ids), "evidence": [json.dumps(row.get("evidence") or []) for row in rows]}
    session.execute(_APPEND, {"person_id": actor.person_id, "organisation_id": actor.organisation_id, **columns})
    by_action: dict[Action, list[tuple[UUID, Row]]] = defaultdict(list)
    for id, row in zip(ids, rows, strict=True):
        by_action[cast("Action", row["action"])].append((id, row))
    for action, of_action in by_action.items():
        _tell(session, actor, f"milestone.{action}", of_action, told)
    return ids


def _tell(session: Session, actor: Actor, action: str, rows: Sequence[tuple[UUID, Row]], told: Mapping[UUID, tuple[str, UUID]]) -> None:
    audit.record_each(session, actor, action, "milestone", [(id, _details(row)) for id, row in rows])
    touched = sorted({cast("UUID", row["trajectory_id"]) for _, row in rows})
    announce_each(session, ChangeKind.TRAJECTORY, [(id, *told[id]) for id in touched], action=action)


def _details(row: Row) -> dict[str, Json]:
    names = {"trajectory_id": "trajectoryId", "track": "track", "kind": "kind", "effective_on": "effectiveOn"}
    return {public: str(row[name]) for name, public in names.items()}
