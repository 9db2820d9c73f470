"""The inspection and the answers in it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, Base, Json, explains, one_of
from registry.errors import AlreadyExists, Conflict, RuleViolation
from registry.versioned import Versioned


class Occasion(StrEnum):
    """When in a trajectory the inspection is made."""

    BASELINE = "baseline"
    """Nulmeting."""
    PROGRESS = "progress"
    """Voortgang."""
    COMPLETION = "completion"
    """Oplevering."""


class InspectionStatus(StrEnum):
    PLANNED = "planned"
    """Gepland; the answers may come and go."""
    SUBMITTED = "submitted"
    """Ingediend; frozen."""


class VisitOutcome(StrEnum):
    DONE = "done"
    NOBODY_HOME = "nobody-home"
    REFUSED = "refused"
    UNSAFE = "unsafe"
    NOT_FOUND = "not-found"


class InspectionConflict(Conflict):
    """Other content on the same version: both versions and the differences are in the facts ``yours``, ``theirs`` and ``differences``."""

    code = "inspection-conflict"


class InspectionSubmitted(Conflict):
    """The inspection is submitted and can't be changed."""

    code = "inspection-submitted"


class AnswersInvalid(RuleViolation):
    """The answers don't fit the checklist: all faults, each by question."""

    code = "answers-invalid"


class Inspection(Versioned, Base):
    """One visit to one dwelling with one checklist.

    ``answers`` maps question keys to values; ``visited_at`` is what the phone says, ``submitted_at`` when the register received the submission.
    """

    __tablename__ = "inspection"
    __table_args__ = (
        sa.CheckConstraint("(status = 'submitted') = (submitted_at IS NOT NULL)", name="submitted"),
        sa.Index("ix_inspection_dwelling_id", "dwelling_id"),
        sa.Index("ix_inspection_assignee_id", "assignee_id", "id"),
        sa.Index("ix_inspection_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    checklist_id: Mapped[UUID] = mapped_column(sa.ForeignKey("checklist.id"))
    occasion: Mapped[Occasion] = mapped_column(one_of(Occasion, "occasion"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    assignee_id: Mapped[UUID | None]
    due_on: Mapped[date | None]
    status: Mapped[InspectionStatus] = mapped_column(one_of(InspectionStatus, "status"), server_default="planned")
    visit_outcome: Mapped[VisitOutcome | None] = mapped_column(one_of(VisitOutcome, "visit_outcome"))
    visited_at: Mapped[datetime | None]
    answers: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    remarks: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[UUID | None]
    planned_by: Mapped[UUID]


explains("pk_inspection", lambda: AlreadyExists(what="inspection", id="id"))
