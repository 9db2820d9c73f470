"""What ODK Collect and Enketo fetch: which forms there are, and the inspections for which an inspector fills them in."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.checklists.model import Checklist, ChecklistStatus
from registry.dwellings import hazards
from registry.dwellings.model import Dwelling, Hazard
from registry.errors import NotFound
from registry.inspections.model import OPEN, Inspection
from registry.inspections.queries import visible_to
from registry.messages import Language
from registry.openrosa.forms import Form, form_of, kept
from registry.openrosa.model import OpenRosaInstance
from registry.openrosa.outline import FORM_ID
from registry.openrosa.words import HAZARDS

MOST_LISTED: Final = 500
"""Inspections in one list: those that are due first."""
COLUMNS: Final = ("name", "label", "version", "hazards", "note")


def published(session: Session, actor: Actor) -> list[Checklist]:
    """Published checklists, and retired ones with which the actor still has work to do. Raises NotAllowed."""
    require(actor, Right.INSPECT)
    at_work = sa.select(Inspection.checklist_id).where(_own_open(actor))
    wanted = sa.or_(Checklist.status == ChecklistStatus.PUBLISHED, sa.and_(Checklist.status == ChecklistStatus.RETIRED, Checklist.id.in_(at_work)))
    return list(session.scalars(sa.select(Checklist).where(wanted).order_by(Checklist.key, Checklist.edition)))


def get_form(session: Session, actor: Actor, form_id: str) -> tuple[UUID, Form]:
    """As `find_form`, by the id of the form. Raises NotAllowed, NotFound."""
    require(actor, Right.INSPECT)
    named = FORM_ID.fullmatch(form_id)
    found = None if named is None else find_form(session, named[1], int(named[2]))
    if found is None:
        raise NotFound(what="form", id=form_id)
    return found


def find_form(session: Session, key: str, edition: int) -> tuple[UUID, Form] | None:
    """The id of a checklist that is or was published, and its form; the checklist itself is read once."""
    wanted = (Checklist.key == key, Checklist.edition == edition, Checklist.status.in_((ChecklistStatus.PUBLISHED, ChecklistStatus.RETIRED)))
    row = session.execute(sa.select(Checklist.id, Checklist.digest).where(*wanted)).one_or_none()
    if row is None:
        return None
    form = kept(row.digest) or form_of(session.get_one(Checklist, row.id))
    return (row.id, form) if isinstance(form, Form) else None


def find_instance(session: Session, actor: Actor, instance_id: str) -> OpenRosaInstance | None:
    return session.get(OpenRosaInstance, (instance_id, actor.person_id))


@dataclass(frozen=True, slots=True)
class Work:
    """The actor's open inspections with one checklist: the file that a form lets her choose from, and the dwellings in it."""

    csv: bytes
    dwelling_ids: frozenset[UUID]

    @property
    def md5(self) -> str:
        """What clients compare, in hexadecimal; it protects nothing."""
        return hashlib.md5(self.csv, usedforsecurity=False).hexdigest()


def work(session: Session, actor: Actor, checklist_id: UUID, language: Language) -> Work:
    """Raises NotAllowed."""
    require(actor, Right.INSPECT)
    query = (
        sa.select(Inspection.id, Inspection.version, Inspection.due_on, Inspection.note, Dwelling)
        .join(Dwelling, Dwelling.id == Inspection.dwelling_id)
        .where(_own_open(actor), Inspection.checklist_id == checklist_id)
        .order_by(Inspection.due_on.asc().nulls_last(), Dwelling.postcode, Dwelling.house_number, Inspection.id)
        .limit(MOST_LISTED)
    )
    rows = session.execute(query).all()
    dwelling_ids = frozenset(row.Dwelling.id for row in rows)
    return Work(_written(rows, hazards.open_at(session, actor, dwelling_ids), language), dwelling_ids)


def _own_open(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(visible_to(actor), Inspection.assignee_id == actor.person_id, Inspection.status.in_(OPEN))


def _written(rows: "Sequence[sa.Row[UUID, int, date | None, str | None, Dwelling]]", at: Mapping[UUID, Sequence[Hazard]], language: Language) -> bytes:
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in rows:
        due = f" · {row.due_on.isoformat()}" if row.due_on else ""
        dangers = "; ".join(_in(language, hazard) for hazard in at[row.Dwelling.id])
        lines.writerow([row.id, _line(f"{address_of(row.Dwelling)}{due}"), row.version, _line(dangers), _line(row.note or "")])
    return file.getvalue().encode()


def _in(language: Language, hazard: Hazard) -> str:
    word = HAZARDS[hazard.kind][language]
    return f"{word}: {hazard.note}" if hazard.note else word


def _line(text: str) -> str:
    """On one line: clients read a CSV file line by line."""
    return " ".join(text.split())


def address_of(dwelling: Dwelling) -> str:
    """As on an envelope; a dwelling that has no address yet is known by its id."""
    number = "".join(
        [str(dwelling.house_number or ""), dwelling.house_letter or "", f"-{dwelling.house_number_suffix}" if dwelling.house_number_suffix else ""]
    )
    street = " ".join(part for part in (dwelling.street, number) if part)
    town = " ".join(part for part in (dwelling.postcode, dwelling.town) if part)
    return ", ".join(part for part in (street, town) if part) or str(dwelling.id)
