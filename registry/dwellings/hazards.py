"""Hazards: what somebody who goes to a dwelling must know first. Of those who go there and those who send them, and never of corporations."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, Hazard, HazardKind
from registry.errors import AlreadyExists, Fault, NotFound, RuleViolation
from registry.versioned import Outcome, change, same

MOST_SHOWN = 500
"""Of one dwelling, ended ones included."""


@dataclass(frozen=True, slots=True)
class NewHazard:
    """``id`` is made by the client, so that sending it again changes nothing."""

    kind: HazardKind
    note: str | None = None
    id: UUID | None = None


def list_(session: Session, actor: Actor, dwelling_id: UUID) -> list[Hazard]:
    """The hazards of a dwelling: those that there are, and then those that have ended, each the newest first. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_HAZARDS)
    dwellings.get(session, actor, dwelling_id)
    query = sa.select(Hazard).where(Hazard.dwelling_id == dwelling_id).order_by(Hazard.ended_at.is_not(None), Hazard.id.desc())
    return list(session.scalars(query.limit(MOST_SHOWN)))


def open_at(session: Session, actor: Actor, dwelling_ids: Collection[UUID]) -> dict[UUID, list[Hazard]]:
    """The hazards that there are at these dwellings, the oldest first. Raises NotAllowed."""
    require(actor, Right.READ_HAZARDS)
    found: dict[UUID, list[Hazard]] = {dwelling_id: [] for dwelling_id in dwelling_ids}
    seen = sa.select(Dwelling.id).where(dwellings.visible_to(actor))
    query = sa.select(Hazard).where(Hazard.dwelling_id.in_(found), Hazard.dwelling_id.in_(seen), Hazard.ended_at.is_(None))
    for hazard in session.scalars(query.order_by(Hazard.id)):
        found[hazard.dwelling_id].append(hazard)
    return found


def record(session: Session, actor: Actor, dwelling_id: UUID, new: NewHazard) -> tuple[Hazard, Outcome]:
    """Say that there is a hazard at a dwelling; a client-made id that exists with the same content changes nothing.

    Raises NotAllowed, NotFound, AlreadyExists, RuleViolation (another kind without a note).
    """
    require(actor, Right.RECORD_HAZARDS)
    municipality = _place(session, actor, dwelling_id)
    if new.kind is HazardKind.OTHER and not (new.note or "").strip():
        raise RuleViolation([Fault("/note", "required")])
    known = session.get(Hazard, new.id) if new.id else None
    if known is not None:
        if same(known, {"dwelling_id": dwelling_id, "kind": new.kind, "note": new.note}):
            return known, Outcome.UNCHANGED
        raise AlreadyExists(what="hazard", id=new.id)
    values = {"dwelling_id": dwelling_id, "kind": new.kind, "note": new.note, "organisation_id": actor.organisation_id, "recorded_by": actor.person_id}
    hazard = Hazard(**values, **({"id": new.id} if new.id else {}))
    session.add(hazard)
    session.flush()
    session.refresh(hazard)
    audit.record(session, actor, "dwelling.hazard-recorded", "dwelling", dwelling_id, details={"hazardId": str(hazard.id), "kind": new.kind.value})
    announce(session, ChangeKind.DWELLING, dwelling_id, municipality_code=municipality)
    return hazard, Outcome.CREATED


def end(session: Session, actor: Actor, hazard_id: UUID, *, reason: str) -> Hazard:
    """Say that a hazard is there no more, and why; ending it again changes nothing. Raises NotAllowed, NotFound."""
    require(actor, Right.RECORD_HAZARDS)
    seen = sa.select(Dwelling.id).where(dwellings.kept_by(actor))
    hazard = session.scalar(sa.select(Hazard).where(Hazard.id == hazard_id, Hazard.dwelling_id.in_(seen)).with_for_update(key_share=True))
    if hazard is None:
        raise NotFound(what="hazard", id=hazard_id)
    if hazard.ended_at is not None:
        return hazard
    change(session, hazard, {"ended_at": clock.now(), "ended_by": actor.person_id, "end_reason": reason})
    audit.record(session, actor, "dwelling.hazard-ended", "dwelling", hazard.dwelling_id, details={"hazardId": str(hazard_id), "reason": reason})
    announce(session, ChangeKind.DWELLING, hazard.dwelling_id, municipality_code=dwellings.municipality_of(session, hazard.dwelling_id))
    return hazard


def _place(session: Session, actor: Actor, dwelling_id: UUID) -> str:
    """The municipality code of a dwelling that this actor sees and may write about. Raises NotFound, NotYours."""
    found = dwellings.get(session, actor, dwelling_id)
    dwellings.check_kept(session, actor, dwelling_id)
    return str(found["municipality_code"])
