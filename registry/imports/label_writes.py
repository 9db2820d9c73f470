"""Writing energy labels by the thousand, as `dwellings.commands.register_label` does one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings import queries
from registry.dwellings.model import Dwelling, LabelSource
from registry.dwellings.rules import Label
from registry.imports.in_sight import KEPT
from registry.imports.kinds import RowFault
from registry.imports.staging import NULL, copy, driver


@dataclass(frozen=True, slots=True)
class NewLabel:
    id: UUID
    dwelling_id: UUID
    label: Label
    source: LabelSource


def lock(session: Session, ids: set[UUID]) -> None:
    queries.lock(session, ids)


def kept(session: Session, ids: set[UUID]) -> frozenset[UUID]:
    """Those of these dwellings that whoever acts may write about."""
    listed = sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))
    return frozenset(session.scalars(sa.select(Dwelling.id).where(Dwelling.id == listed, Dwelling.withdrawn_at.is_(None), KEPT)))


_TABLE: Final = """
CREATE TEMP TABLE IF NOT EXISTS imported_label (place int, id uuid, dwelling_id uuid, label text, surveyed_on date, registered_on date, expires_on date,
    method text, fossil_energy_kwh_m2 numeric, source text) ON COMMIT DELETE ROWS
"""
_COLUMNS: Final = "id, dwelling_id, label, surveyed_on, registered_on, expires_on, method, fossil_energy_kwh_m2, source"
# In the order of the file, but of one day what was registered last comes last: that is the one in force.
_ADD: Final = f"""
INSERT INTO registered_label ({_COLUMNS}, recorded_by, organisation_id)
SELECT {_COLUMNS}, :person_id, CAST(:organisation_id AS uuid) FROM pg_temp.imported_label ORDER BY dwelling_id, surveyed_on, registered_on NULLS FIRST, place
"""
_NEWEST: Final = sa.text(
    """
    UPDATE dwelling AS held SET energy_label = newest.label, version = held.version + 1, recorded_at = clock_timestamp()
    FROM unnest(CAST(:ids AS uuid[])) AS wanted (id) LEFT JOIN LATERAL (
        SELECT label FROM registered_label WHERE dwelling_id = wanted.id AND retracted_at IS NULL ORDER BY surveyed_on DESC, recorded_at DESC LIMIT 1
    ) AS newest ON true
    WHERE held.id = wanted.id AND held.energy_label IS DISTINCT FROM newest.label
    """
)
"""The rule of `queries.newest_label`, for many dwellings."""


def add(session: Session, actor: Actor, labels: Sequence[NewLabel]) -> None:
    """To dwellings that are locked."""
    if not labels:
        return
    copy(session, "imported_label", _TABLE, (_line(place, each) for place, each in enumerate(labels)))
    session.execute(sa.text(_ADD), {"person_id": actor.person_id, "organisation_id": actor.organisation_id})
    _settle(session, {each.dwelling_id for each in labels})
    details: list[tuple[UUID | str, Mapping[str, Json]]] = [
        (each.dwelling_id, {"label": each.label.label.value, "surveyedOn": each.label.surveyed_on.isoformat()}) for each in labels
    ]
    audit.record_each(session, actor, "dwelling.label-registered", "dwelling", details)
    _announce(session, {each.dwelling_id for each in labels}, "dwelling.label-registered")


def take_back(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[RowFault]:
    """Retract labels; what builds on them, and then nothing may be kept."""
    found = driver(session).execute(_ON_LABELS, (list(ids),)).fetchall()
    if found:
        return [RowFault(None, "import-built-on-label", {"id": str(id)}) for (id,) in found]
    owned = driver(session).execute(_DWELLINGS, (list(ids),)).fetchall()
    lock(session, {UUID(str(id)) for (id,) in owned})
    taken = driver(session).execute(_RETRACT, (actor.person_id, list(ids))).fetchall()
    out_of_sight = set(ids) - {UUID(str(id)) for id, _ in taken}
    if out_of_sight:
        return [RowFault(None, "import-built-on-label", {"id": str(id)}) for id in sorted(out_of_sight)]
    dwelling_ids = {UUID(str(id)) for _, id in taken}
    _settle(session, dwelling_ids)
    audit.record_each(session, actor, "dwelling.label-retracted", "dwelling", [(id, {}) for id in sorted(dwelling_ids)])
    _announce(session, dwelling_ids, "dwelling.label-retracted")
    return []


_DWELLINGS: Final[LiteralString] = "SELECT DISTINCT dwelling_id FROM registered_label WHERE id = ANY(%s)"
_RETRACT: Final[LiteralString] = """
UPDATE registered_label SET retracted_at = clock_timestamp(), retracted_by = %s WHERE id = ANY(%s) AND retracted_at IS NULL RETURNING id, dwelling_id
"""
_ON_LABELS: Final[LiteralString] = """
SELECT label.id FROM registered_label AS label WHERE label.id = ANY(%s) AND EXISTS (
    SELECT FROM milestone JOIN confirmation ON confirmation.milestone_id = milestone.id AND confirmation.withdrawn_at IS NULL
    WHERE milestone.dwelling_id = label.dwelling_id AND confirmation.rests_on @> jsonb_build_array(jsonb_build_object('id', label.id::text)))
ORDER BY label.id
"""
"""The municipality has confirmed something because of it."""


def _settle(session: Session, dwelling_ids: set[UUID]) -> None:
    """The newest label that is in force is that of the dwelling."""
    session.execute(_NEWEST, {"ids": sorted(dwelling_ids)})


def _announce(session: Session, dwelling_ids: set[UUID], action: str) -> None:
    listed = sa.any_(sa.cast(list(dwelling_ids), sa.ARRAY(sa.Uuid)))
    rows = session.execute(sa.select(Dwelling.id, Dwelling.municipality_code).where(Dwelling.id == listed).order_by(Dwelling.id))
    announce_each(session, ChangeKind.DWELLING, [(id, code, None) for id, code in rows], action=action)


def _line(place: int, new: NewLabel) -> str:
    each = new.label
    given = (each.registered_on, each.expires_on, each.method and each.method.value, each.fossil_energy_kwh_m2)
    rest = "\t".join(NULL if value is None else str(value) for value in given)
    return f"{place}\t{new.id}\t{new.dwelling_id}\t{each.label.value}\t{each.surveyed_on}\t{rest}\t{new.source.value}\n"
