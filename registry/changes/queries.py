"""Reading the change feed without ever skipping a row.

Transactions commit in another order than they begin, so "everything after the last number I saw" loses rows (22 % in a measurement). Every writer
shares an advisory lock from its first statement on, before it has a transaction id. The feed is read up to the *horizon*: the smallest id among the
holders of that lock, or the next id to be given out when there is none. Rows below the horizon can't appear any more.
A bulk load outside `db.transaction()` does not hold the lock and so does not hold up the feed.

A position holds the *epoch* of the database: after a restore, transaction ids and rows of before mean nothing any more (docs/adr/0004).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.db import CHANGE_FEED_LOCK
from registry.errors import RegistryError


class CursorOfAnotherRegister(RegistryError):
    """The register was restored from a backup, or moved, since this cursor was given out: what the reader has may be newer than the register."""

    code = "cursor-of-another-register"


@dataclass(frozen=True, slots=True)
class Position:
    """The place after a row of the feed, in one epoch of the database."""

    transaction_id: int
    id: int
    epoch: str = ""


START = Position(0, 0)
"""Before everything, in every epoch."""


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """``gone``: from here on the subject is no work of the inspector who reads this."""

    position: Position
    kind: str
    subject_id: UUID
    recorded_at: datetime
    gone: bool
    action: str | None = None
    """What happened, in the word of the audit log, where that is known."""


_EPOCH = """
    SELECT left(md5(concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), 'change'::regclass::oid)), 12) FROM pg_control_system()
"""
"""Another cluster, another timeline or another table: a restore that leaves all three as they were does not exist, short of putting back the disk."""
_HORIZON = sa.text(
    f"""
    WITH coming AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS id),
    -- backend_xid has 32 bits; it lies less than 2^31 from the coming id, on either side.
    open AS (
        SELECT coming.id + (((activity.backend_xid::text::bigint - coming.id + 2147483648) & 4294967295) - 2147483648) AS id
        FROM coming, pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
        WHERE held.locktype = 'advisory' AND held.objid = :lock AND held.granted
          AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    SELECT least(coming.id, (SELECT min(open.id) FROM open)) AS horizon, ({_EPOCH}) AS epoch FROM coming
    """
)

_COLUMNS = "change.transaction_id, change.id, change.kind, change.subject_id, change.recorded_at, change.gone, change.action"
_IN_ORDER = "ORDER BY change.transaction_id, change.id LIMIT :limit"
_PAGE = """
    SELECT change.transaction_id::text::bigint AS transaction_id, change.id, change.kind, change.subject_id, change.recorded_at, change.gone,
        change.action
    FROM ({parts}) AS change
    ORDER BY change.transaction_id, change.id
    LIMIT :limit
"""
"""The column is qualified: by its alias, it would be ordered as a number, without an index."""


def _part(condition: str, *, by: Mapping[str, str] | None = None) -> str:
    """The first rows after the cursor and below the horizon that meet ``condition``.

    ``by`` are columns with what they are equal to, the first ones of an index. They stand in the comparison too, so that no other index fits it: what came
    since the statistics were made counts as nothing, and PostgreSQL would go through all of that instead (14 s for a page, measured).
    """
    columns, values = "".join(f"change.{name}, " for name in by or {}), "".join(f"{value}, " for value in (by or {}).values())
    equal = "".join(f"change.{name} = {value} AND " for name, value in (by or {}).items())
    after = f"({columns}change.transaction_id, change.id) > ({values}CAST(CAST(:transaction_id AS text) AS xid8), :id)"
    below = f"({columns}change.transaction_id) < ({values}CAST(CAST(:horizon AS text) AS xid8))"
    return f"(SELECT {_COLUMNS} FROM change WHERE {equal}{after} AND {below} AND {condition} {_IN_ORDER})"


_MINE = _part("true", by={"person_id": "CAST(:person AS uuid)", "organisation_id": "CAST(:organisation AS uuid)"})
_PLACES = """
    SELECT dwelling_id FROM inspection WHERE assignee_id = :person AND organisation_id = :organisation AND status IN ('planned', 'returned')
    UNION SELECT inspection.dwelling_id FROM team_member JOIN team ON team.id = team_member.team_id JOIN inspection ON inspection.team_id = team.id
    WHERE team_member.person_id = :person AND team.organisation_id = :organisation AND inspection.organisation_id = :organisation
        AND inspection.assignee_id IS NULL AND inspection.status IN ('planned', 'returned')
"""
_OF_PLACE = _part("change.kind = 'dwelling' AND NOT change.personal", by={"subject_id": "place.dwelling_id"})
_CHECKLISTS = _part("change.kind = 'checklist'")
_AT_PLACES = f"(SELECT change.* FROM ({_PLACES}) AS place, LATERAL {_OF_PLACE} AS change {_IN_ORDER})"
_OF_INSPECTOR = sa.text(_PAGE.format(parts=f"{_MINE} UNION ALL {_AT_PLACES} UNION ALL {_CHECKLISTS}"))
"""What concerns her, the places where she still has to go, and checklists: each by an index of its own, however long the feed is."""
_SIGHT = {
    Role.MINISTRY_AUDITOR: "NOT change.personal",
    Role.MUNICIPALITY_EDITOR: "NOT change.personal AND (change.municipality_code = :municipality OR change.kind = 'checklist')",
    Role.REVIEWER: "NOT change.personal AND (change.kind NOT IN ('inspection', 'photo') OR change.organisation_id = :organisation)",
    Role.CORPORATION_EDITOR: "NOT change.personal",
}
"""Which rows others see, as far as the row itself can tell; what they see of dwellings and trajectories row-level security decides, by the subject."""
_OF_OTHERS = {role: sa.text(_PAGE.format(parts=_part(f"({condition})"))) for role, condition in _SIGHT.items()}


def end(session: Session) -> Position:
    """The place after all that can be read now."""
    horizon, epoch = session.execute(_HORIZON, {"lock": CHANGE_FEED_LOCK}).one()
    return Position(horizon, 0, epoch)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """``next`` is the position to ask from: after the last item, or at the horizon when there was nothing ``more``."""

    items: list[ChangeEntry]
    next: Position
    more: bool


def page(session: Session, actor: Actor, *, after: Position, limit: int) -> FeedPage:
    """The next ``limit`` changes after ``after`` that concern this actor. Raises NotAllowed, CursorOfAnotherRegister.

    The horizon is read in its own statement *before* the rows: rows of a transaction below it are then committed and visible.
    """
    require(actor, Right.READ_CHANGES)
    horizon, epoch = session.execute(_HORIZON, {"lock": CHANGE_FEED_LOCK}).one()
    if after != START and (after.epoch != epoch or after.transaction_id > horizon):
        raise CursorOfAnotherRegister()
    place = {"transaction_id": str(after.transaction_id), "id": after.id, "horizon": str(horizon), "limit": limit}
    whose = {"person": actor.person_id, "organisation": actor.organisation_id, "municipality": actor.municipality_code}
    rows = session.execute(_OF_INSPECTOR if actor.role is Role.INSPECTOR else _OF_OTHERS[actor.role], place | whose)
    items = [ChangeEntry(Position(row.transaction_id, row.id, epoch), row.kind, row.subject_id, row.recorded_at, row.gone, row.action) for row in rows]
    if len(items) == limit:
        return FeedPage(items, items[-1].position, more=True)
    return FeedPage(items, Position(horizon, 0, epoch) if horizon > after.transaction_id else Position(after.transaction_id, after.id, epoch), more=False)
