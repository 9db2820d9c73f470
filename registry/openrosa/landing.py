"""A filled-in form becomes the document of an inspection: the one place that knows how inspections are written to."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.inspections.edits import WriteOutcome, write
from registry.inspections.keeping import Edit
from registry.inspections.model import EditOutcome, Inspection, InspectionEdit
from registry.inspections.queries import visible_to
from registry.inspections.rules import Document
from registry.inspections.submission import submit
from registry.openrosa.submission import Envelope

_EDITS: Final = UUID("0b6f6a37-9a1f-5b68-8f0e-4d0a5f0a9c52")
"""Namespace of the ids of edits that come by this way."""
NO_VERSION: Final = 0
"""What a form says that does not know on which version it goes on: never the current one, so that it is kept aside when there is anything already."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a form landed. ``kept_aside``: the inspection had another document by then, and a person has to choose.

    ``dwelling_id`` is None when the inspection is not hers any more. ``version`` is the one that the form became.
    """

    inspection_id: UUID
    dwelling_id: UUID | None
    kept_aside: bool
    version: int | None = None


def land(session: Session, actor: Actor, envelope: Envelope, document: Document) -> Landing:
    """Write the document, or keep it beside the other one. Raises NotAllowed, NotFound, NotYours, AnswersInvalid."""
    edit = Edit(document, base_version=_base(session, actor, envelope), edit_id=edit_id(actor, envelope.instance_id))
    written = write(session, actor, envelope.inspection_id, edit)
    dwelling_id = None if written.inspection is None else written.inspection.dwelling_id
    return Landing(envelope.inspection_id, dwelling_id, written.outcome is WriteOutcome.CONFLICT, written.version)


def landed(session: Session, actor: Actor, envelope: Envelope) -> Landing:
    """Where it landed when it was received before."""
    dwelling_id = session.scalar(sa.select(Inspection.dwelling_id).where(Inspection.id == envelope.inspection_id, visible_to(actor)))
    wanted = (InspectionEdit.person_id == actor.person_id, InspectionEdit.edit_id == edit_id(actor, envelope.instance_id))
    outcome = session.scalar(sa.select(InspectionEdit.outcome).where(*wanted))
    return Landing(envelope.inspection_id, dwelling_id, outcome is EditOutcome.CONFLICT)


def finish(session: Session, actor: Actor, landing: Landing) -> None:
    """Submit what landed, with its photos declared. Raises NotAllowed, NotFound, AnswersInvalid."""
    if not landing.kept_aside:
        submit(session, actor, landing.inspection_id, expected=landing.version)


def edit_id(actor: Actor, instance_id: str) -> UUID:
    return uuid5(_EDITS, f"{actor.person_id} {instance_id}")


def _base(session: Session, actor: Actor, envelope: Envelope) -> int:
    """The version that the form goes on from. Where nobody has filled in anything yet there is nothing to be in conflict with."""
    untouched = (Inspection.answers == sa.cast({}, JSONB), Inspection.visit_outcome.is_(None), Inspection.remarks.is_(None))
    wanted = (Inspection.id == envelope.inspection_id, visible_to(actor), *untouched)
    current = session.scalar(sa.select(Inspection.version).where(*wanted))
    return current or envelope.base_version or NO_VERSION
