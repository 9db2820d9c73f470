"""The inspection, the answers in it as they stood at each moment, and what was made of them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, Json, explains, one_of
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
    """Ingediend; frozen, and awaits its review."""
    RETURNED = "returned"
    """Teruggegeven by the reviewer; a new revision, of which the answers may come and go."""
    APPROVED = "approved"
    """Goedgekeurd; frozen for good."""
    WITHDRAWN = "withdrawn"
    """Ingetrokken by who planned it; nobody need go there any more."""


OPEN = (InspectionStatus.PLANNED, InspectionStatus.RETURNED)
"""Statuses in which the inspector works on it."""


class VisitOutcome(StrEnum):
    DONE = "done"
    NOBODY_HOME = "nobody-home"
    REFUSED = "refused"
    UNSAFE = "unsafe"
    NOT_FOUND = "not-found"


class EditConflict(Conflict):
    """A document on an older version, or for what is frozen: it is kept, with the other one and the differences, until a person decides."""

    code = "inspection-conflict"


class InspectionSubmitted(Conflict):
    """The inspection is submitted and can't be changed."""

    code = "inspection-submitted"


class AnswersInvalid(RuleViolation):
    """The answers don't fit the checklist: all faults, each by question."""

    code = "answers-invalid"


class Inspection(Versioned, Base):
    """One visit to one dwelling with one checklist.

    ``answers`` maps question keys to values, as in the revision under way or the last one. ``visited_at`` is what the phone says; its clock was
    ``clock_skew_ms`` ahead of the register's when it last wrote. ``submitted_at`` is when the register received the submission; ``complete_at`` when the
    last photo that the answers demand had arrived, None while one is missing. ``previous_id`` is the visit to which this is the next one.
    """

    __tablename__ = "inspection"
    __table_args__ = (
        sa.CheckConstraint("(status IN ('submitted', 'approved')) = (submitted_at IS NOT NULL)", name="submitted"),
        sa.CheckConstraint("complete_at IS NULL OR submitted_at IS NOT NULL", name="complete"),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawal_reason IS NOT NULL)", name="withdrawn"),
        sa.CheckConstraint("revision >= 1", name="revision"),
        sa.Index("ix_inspection_dwelling_id", "dwelling_id"),
        sa.Index("ix_inspection_assignee_id", "assignee_id", "id"),
        sa.Index("ix_inspection_team_id", "team_id", "id", postgresql_where=sa.text("team_id IS NOT NULL")),
        sa.Index("ix_inspection_organisation_id", "organisation_id", "id"),
        sa.Index("ix_inspection_previous_id", "previous_id", postgresql_where=sa.text("previous_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    checklist_id: Mapped[UUID] = mapped_column(sa.ForeignKey("checklist.id"))
    occasion: Mapped[Occasion] = mapped_column(one_of(Occasion, "occasion"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    assignee_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("team.id"))
    """Whose members may take it while nobody is assigned."""
    due_on: Mapped[date | None]
    note: Mapped[str | None]
    """From who planned it to who goes there."""
    previous_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("inspection.id"))
    status: Mapped[InspectionStatus] = mapped_column(one_of(InspectionStatus, "status"), server_default="planned")
    revision: Mapped[int] = mapped_column(server_default="1")
    visit_outcome: Mapped[VisitOutcome | None] = mapped_column(one_of(VisitOutcome, "visit_outcome"))
    visited_at: Mapped[datetime | None]
    clock_skew_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    answers: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    remarks: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[UUID | None]
    complete_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None]
    planned_by: Mapped[UUID]


class InspectionRevision(Base):
    """What was submitted, append-only: revision 1, and another one for each time that the reviewer gave it back. ``missing`` are the faults of photos."""

    __tablename__ = "inspection_revision"

    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    checklist_id: Mapped[UUID] = mapped_column(sa.ForeignKey("checklist.id"))
    visit_outcome: Mapped[VisitOutcome] = mapped_column(one_of(VisitOutcome, "visit_outcome"))
    visited_at: Mapped[datetime | None]
    clock_skew_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    answers: Mapped[dict[str, Json]] = mapped_column(JSONB)
    remarks: Mapped[str | None]
    digest: Mapped[bytes]
    """sha256 of the canonical JSON of the document: what the inspector put her name to."""
    missing: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    submitted_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    submitted_by: Mapped[UUID]
    device_id: Mapped[UUID | None]


class EditOutcome(StrEnum):
    APPLIED = "applied"
    CONFLICT = "conflict"


class InspectionEdit(Base):
    """A document that was written, append-only, so that the same one sent again gets the same answer whatever happened since.

    ``digest`` is the sha256 of the canonical JSON of the document and what it was based on; ``version`` is the one that it became.
    """

    __tablename__ = "inspection_edit"
    __table_args__ = (
        sa.UniqueConstraint("inspection_id", "person_id", "digest"),
        sa.Index("uq_inspection_edit_edit_id", "person_id", "edit_id", unique=True, postgresql_where=sa.text("edit_id IS NOT NULL")),
        sa.CheckConstraint("(outcome = 'applied') = (version IS NOT NULL)", name="version"),
        sa.CheckConstraint("(outcome = 'conflict') = (conflict_id IS NOT NULL)", name="conflict"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    person_id: Mapped[UUID]
    device_id: Mapped[UUID | None]
    edit_id: Mapped[UUID | None]
    """Made by the phone."""
    base_edit_id: Mapped[UUID | None]
    base_version: Mapped[int | None]
    digest: Mapped[bytes]
    outcome: Mapped[EditOutcome] = mapped_column(one_of(EditOutcome, "outcome"))
    version: Mapped[int | None]
    conflict_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("inspection_conflict.id"))
    clock_skew_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)


class Resolution(StrEnum):
    YOURS = "yours"
    """The document that was kept took the place of the other."""
    THEIRS = "theirs"
    """The document in the register stayed."""
    MERGED = "merged"
    """A third one, made of both, took the place."""
    APPLIED_LATER = "applied-later"
    """The edit that it was based on arrived after it; nothing was in conflict."""


class InspectionConflict(Versioned, Base):
    """A document that was based on an older version, or came when the inspection was frozen. It is kept beside the other until a person decides.

    ``yours`` is what was sent, ``theirs`` what the register had; both as `inspections.rules.Document` in JSON. It is open while ``resolution`` is None.
    """

    __tablename__ = "inspection_conflict"
    __table_args__ = (
        sa.CheckConstraint("(resolution IS NULL) = (resolved_at IS NULL)", name="resolved"),
        sa.Index("ix_inspection_conflict_inspection_id", "inspection_id", "id"),
        sa.Index("ix_inspection_conflict_base_edit_id", "base_edit_id", postgresql_where=sa.text("base_edit_id IS NOT NULL AND resolution IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    revision: Mapped[int]
    base_version: Mapped[int | None]
    base_edit_id: Mapped[UUID | None]
    current_version: Mapped[int]
    yours: Mapped[dict[str, Json]] = mapped_column(JSONB)
    theirs: Mapped[dict[str, Json]] = mapped_column(JSONB)
    person_id: Mapped[UUID]
    device_id: Mapped[UUID | None]
    resolution: Mapped[Resolution | None] = mapped_column(one_of(Resolution, "resolution"))
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]


class Decision(StrEnum):
    APPROVED = "approved"
    RETURNED = "returned"


class Review(Base):
    """What a reviewer decided about one revision, append-only. ``questions`` maps question keys to remarks."""

    __tablename__ = "review"
    __table_args__ = (sa.UniqueConstraint("inspection_id", "revision"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    revision: Mapped[int]
    decision: Mapped[Decision] = mapped_column(one_of(Decision, "decision"))
    remarks: Mapped[str | None]
    questions: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]


class ConditionScore(Base):
    """A condition score by NEN 2767, append-only: of one building element (``question``), or of the whole dwelling when that is None.

    ``method`` is the version of the method (`registry.nen2767`); another method adds rows and leaves these. ``index_value`` is the weighted average of the
    correction factors; ``details`` are the steps of the calculation.
    """

    __tablename__ = "condition_score"
    __table_args__ = (
        sa.UniqueConstraint("inspection_id", "revision", "method", "question", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("score BETWEEN 1 AND 6", name="score"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    revision: Mapped[int]
    method: Mapped[str]
    question: Mapped[str | None]
    score: Mapped[int] = mapped_column(sa.SmallInteger)
    index_value: Mapped[Decimal | None]
    details: Mapped[dict[str, Json]] = mapped_column(JSONB)
    computed_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)


class DayOrder(Base):
    """In which order an inspector wants to see her inspections of one day."""

    __tablename__ = "day_order"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    inspection_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)


explains("pk_inspection", lambda: AlreadyExists(what="inspection", id="id"))
