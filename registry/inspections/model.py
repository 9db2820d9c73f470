"""The inspection, the answers in it as they stood at each moment, and what was made of them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, array
from sqlalchemy.orm import Mapped, column_property, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, Json, explains, one_of
from registry.errors import AlreadyExists, Conflict, RuleViolation
from registry.inspections.clocks import corrected
from registry.inspections.visits import Advice, Visit, advise
from registry.inspections.visits import VisitOutcome as VisitOutcome
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
FROZEN = (InspectionStatus.SUBMITTED, InspectionStatus.APPROVED)
"""Statuses in which what was submitted stands, and is complete or not."""


class EditIdReused(Conflict):
    """The phone gave one id to two different edits."""

    code = "edit-id-reused"


class ConflictResolved(Conflict):
    """Somebody decided about this conflict already, and otherwise."""

    code = "conflict-resolved"


class InspectionSubmitted(Conflict):
    """The inspection is submitted and can't be changed."""

    code = "inspection-submitted"


class InspectionWithdrawn(Conflict):
    """The inspection is withdrawn: nobody need go there any more."""

    code = "inspection-withdrawn"


class AnswersInvalid(RuleViolation):
    """The answers don't fit the checklist: all faults, each by question."""

    code = "answers-invalid"


_REVIEW = sa.table("review", *(sa.column(name) for name in ("inspection_id", "revision", "decision", "remarks", "questions", "recorded_at")))
_LAST_REVIEW = sa.literal_column(
    "jsonb_build_object('revision', review.revision, 'decision', review.decision, 'remarks', review.remarks, 'questions', review.questions,"
    """ 'recorded_at', to_char(review.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))""",
    JSONB,
)


def _chain_before(id: Mapped[UUID]) -> sa.ScalarSelect[list[Json] | None]:
    names = ("earlier", "visit_outcome", "visited_at", "in_chain")
    before = sa.func.visits_before(array([cast("orm.MappedColumn[UUID]", id).column])).table_valued(*names, name="before")
    found = sa.func.jsonb_build_array(before.c.earlier, before.c.visit_outcome, before.c.visited_at)
    one_by_one = aggregate_order_by(found, before.c.visited_at, before.c.earlier)
    return sa.select(sa.func.jsonb_agg(one_by_one, type_=JSONB)).select_from(before).where(before.c.in_chain).correlate_except(before).scalar_subquery()


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
        sa.Index("ix_inspection_incomplete", "id", postgresql_where=sa.text("complete_at IS NULL AND submitted_at IS NOT NULL")),
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
    review: Mapped[dict[str, Json] | None] = column_property(
        sa.select(_LAST_REVIEW)
        .select_from(_REVIEW)
        .where(_REVIEW.c.inspection_id == id)
        .order_by(_REVIEW.c.revision.desc())
        .limit(sa.literal_column("1"))
        .correlate_except(_REVIEW)
        .scalar_subquery()
    )
    """The last one: revision, decision, remarks, questions, recorded_at. Read with the row; a change of the row does not read it again."""
    earlier: Mapped[list[Json] | None] = column_property(sa.case((previous_id.is_not(None), _chain_before(id))))
    """The visits that led to this one, the oldest first, also those of a colleague: inspection, outcome and moment of each. Read with the row."""

    @property
    def advice(self) -> Advice | None:
        """For the next visit, when this one was in vain."""
        if self.visit_outcome in (None, VisitOutcome.DONE):
            return None
        return advise([*(Visit.from_json(each) for each in self.earlier or ()), self.visit])

    @property
    def visit(self) -> Visit:
        """This visit, which has an outcome."""
        assert self.visit_outcome is not None
        return Visit(self.id, self.visit_outcome, self.visited_at or self.submitted_at)

    @property
    def visited_at_corrected(self) -> datetime | None:
        """By our clock; None when the phone did not say what its clock was."""
        return corrected(self.visited_at, self.clock_skew_ms)


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
        sa.Index("ix_inspection_conflict_person_id", "person_id", "id"),
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
    edit_id: Mapped[UUID | None]
    """Of ``yours``: an edit that builds on it takes its place here."""
    resolution: Mapped[Resolution | None] = mapped_column(one_of(Resolution, "resolution"))
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    resolved_version: Mapped[int | None]
    """Of the inspection, when ``yours`` became it."""


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
explains("uq_inspection_edit_edit_id", lambda: EditIdReused(id="editId"))
