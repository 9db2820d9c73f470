"""Schemes, projects, trajectories, and the append-only journal of milestones and confirmations."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registry.areas.model import no_such_municipality
from registry.db import NEW_ID, RECORDED_NOW, Base, Json, explains, one_of
from registry.errors import AlreadyExists, Conflict
from registry.versioned import Versioned


class Track(StrEnum):
    """Spoor: the kinds of work in a trajectory."""

    ACQUISITION = "acquisition"
    """Verwerving, aankoop, inponding."""
    RENOVATION = "renovation"
    SUSTAINABILITY = "sustainability"
    """Verduurzaming."""
    DEMOLITION = "demolition"
    """Sloop."""
    CONSTRUCTION = "construction"
    """Nieuwbouw, transformatie."""


class MilestoneKind(StrEnum):
    PLANNED = "planned"
    STARTED = "started"
    COMPLETED = "completed"
    """Gereed, opgeleverd."""
    CANCELLED = "cancelled"


class Action(StrEnum):
    """What a row of the journal does: report something new, or correct or retract what an earlier row said."""

    REPORTED = "reported"
    CORRECTED = "corrected"
    RETRACTED = "retracted"


class MeasureKind(StrEnum):
    """Maatregelen, after the ISDE list."""

    ROOF_INSULATION = "roof-insulation"
    """Dakisolatie."""
    ATTIC_FLOOR_INSULATION = "attic-floor-insulation"
    """Zolder- of vlieringvloerisolatie."""
    CAVITY_WALL_INSULATION = "cavity-wall-insulation"
    """Spouwmuurisolatie."""
    FACADE_INSULATION = "facade-insulation"
    """Gevelisolatie."""
    FLOOR_INSULATION = "floor-insulation"
    """Vloerisolatie."""
    CRAWL_SPACE_INSULATION = "crawl-space-insulation"
    """Bodemisolatie."""
    HIGH_EFFICIENCY_GLAZING = "high-efficiency-glazing"
    """HR++ glas."""
    TRIPLE_GLAZING = "triple-glazing"
    """Triple glas."""
    INSULATED_DOORS = "insulated-doors"
    """Isolerende deuren."""
    CO2_VENTILATION = "co2-ventilation"
    """CO2-gestuurde ventilatie."""
    BALANCED_VENTILATION = "balanced-ventilation"
    """Balansventilatie met warmteterugwinning."""
    HEAT_PUMP = "heat-pump"
    """Warmtepomp."""
    HYBRID_HEAT_PUMP = "hybrid-heat-pump"
    """Hybride warmtepomp."""
    SOLAR_WATER_HEATER = "solar-water-heater"
    """Zonneboiler."""
    DISTRICT_HEATING = "district-heating"
    """Aansluiting op een warmtenet."""
    ELECTRIC_COOKING = "electric-cooking"
    """Elektrische kookvoorziening."""
    SOLAR_PANELS = "solar-panels"
    """Zonnepanelen."""
    VACUUM_GLAZING = "vacuum-glazing"
    """Vacuümglas."""
    INSULATED_PANELS = "insulated-panels"
    """Isolerende kozijnpanelen."""
    DRAUGHT_PROOFING = "draught-proofing"
    """Kierdichting."""
    SMALL_MEASURES = "small-measures"
    """Kleine energiebesparende maatregelen: radiatorfolie, leidingisolatie, ledlampen, waterzijdig inregelen."""


class Unit(StrEnum):
    M2 = "m2"
    PIECE = "piece"


class MilestoneAlreadySuperseded(Conflict):
    """Somebody else corrected or retracted this milestone first."""

    code = "conflict"


class DocumentKind(StrEnum):
    """Soort document."""

    GRANT_DECISION = "grant-decision"
    """Beschikking."""
    COMPLETION_REPORT = "completion-report"
    """Opleverrapport, proces-verbaal van oplevering."""
    ENERGY_LABEL = "energy-label"
    """Afschrift van het energielabel."""
    CONTRACT = "contract"
    """Koop-, aannemings- of huurovereenkomst."""
    INVOICE = "invoice"
    """Factuur."""
    PERMIT = "permit"
    """Vergunning of melding, ook voor sloop."""
    OTHER = "other"
    """Ander document."""


class Scheme(Versioned, Base):
    """A regeling that pays, e.g. volkshuisvestingsfonds-2023.

    ``demands`` is what must show that a milestone of a trajectory with its money is so, before the municipality may confirm it: a list of
    ``{"track": T, "kind": K, "evidence": "completion-inspection" | "registered-label" | "document", "documentKind": D?}`` (`registry/trajectories/demands.py`).
    """

    __tablename__ = "scheme"
    __table_args__ = (sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),)

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    demands: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))


class Project(Versioned, Base):
    """A set of trajectories under one name, e.g. vrieheide."""

    __tablename__ = "project"
    __table_args__ = (sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),)

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    municipality_code: Mapped[str] = mapped_column(sa.ForeignKey("municipality.code"))
    description: Mapped[str | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    """The last day that is planned for it."""


class Trajectory(Versioned, Base):
    """One effort to improve a dwelling, run by one organisation (the executor). ``withdrawn_at``: the import that opened it was undone; nobody sees it."""

    __tablename__ = "trajectory"
    __table_args__ = (
        sa.Index("ix_trajectory_dwelling_id", "dwelling_id"),
        sa.Index("ix_trajectory_executor_id", "executor_id", "id"),
        sa.Index("ix_trajectory_project", "project", "id"),
        sa.Index("ix_trajectory_executor_id_dwelling_id", "executor_id", "dwelling_id"),
        sa.Index("ix_trajectory_project_dwelling_id", "project", "dwelling_id"),
        sa.UniqueConstraint("id", "dwelling_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    executor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    project: Mapped[str | None] = mapped_column(sa.ForeignKey("project.slug"))
    withdrawn_at: Mapped[datetime | None]

    funding_lines: Mapped[list["FundingLine"]] = relationship(
        lazy="raise",
        order_by="FundingLine.scheme",
        viewonly=True,
        primaryjoin="and_(Trajectory.id == foreign(FundingLine.trajectory_id), FundingLine.superseded_at.is_(None))",
    )
    """Those in force."""


class FundingLine(Base):
    """Money from one scheme for one trajectory; several schemes can fund one trajectory, which still counts once.

    ``awarded_on`` is the day of the decision (beschikking), None while it is not known. A row is never changed: it is in force from ``recorded_at`` until
    ``superseded_at``, which is set once, and what replaces it is a row of its own.
    """

    __tablename__ = "funding_line"
    __table_args__ = (
        sa.CheckConstraint("amount_eur >= 0", name="amount_eur"),
        sa.Index("uq_funding_line_scheme", "trajectory_id", "scheme", unique=True, postgresql_where=sa.text("superseded_at IS NULL")),
        sa.Index("ix_funding_line_scheme", "scheme", "trajectory_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    trajectory_id: Mapped[UUID] = mapped_column(sa.ForeignKey("trajectory.id"))
    scheme: Mapped[str] = mapped_column(sa.ForeignKey("scheme.slug"))
    amount_eur: Mapped[Decimal | None] = mapped_column(sa.Numeric(14, 2))
    awarded_on: Mapped[date | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None]
    superseded_at: Mapped[datetime | None]


class Milestone(Base):
    """One row of the journal.

    ``effective_on`` is when it was so, of a plan the day for which it is planned; ``decided_on`` is since when there is that plan, where that is said;
    ``recorded_at`` when the register learned it, stamped by a trigger after the dwelling's row is locked, so that the moments of one dwelling are in the
    order in which its rows became true. A row is in force from its ``recorded_at`` until that of the row that names it in ``corrects_id``.
    """

    __tablename__ = "milestone"
    __table_args__ = (
        sa.ForeignKeyConstraint(["trajectory_id", "dwelling_id"], ["trajectory.id", "trajectory.dwelling_id"]),
        sa.UniqueConstraint("corrects_id"),
        sa.CheckConstraint("(action = 'reported') = (corrects_id IS NULL)", name="corrects"),
        sa.CheckConstraint("decided_on IS NULL OR kind = 'planned'", name="decided_on"),
        sa.Index("ix_milestone_trajectory_id", "trajectory_id"),
        sa.Index("ix_milestone_dwelling_id", "dwelling_id"),
        sa.Index("ix_milestone_track", "track", "kind", "effective_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    trajectory_id: Mapped[UUID]
    dwelling_id: Mapped[UUID]
    track: Mapped[Track] = mapped_column(one_of(Track, "track"))
    kind: Mapped[MilestoneKind] = mapped_column(one_of(MilestoneKind, "kind"))
    effective_on: Mapped[date]
    decided_on: Mapped[date | None]
    action: Mapped[Action] = mapped_column(one_of(Action, "action"))
    corrects_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("milestone.id"))
    evidence: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    note: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]


class Confirmation(Base):
    """The municipality says that a milestone is so. A corrected milestone needs a new one.

    ``rests_on`` says by what each demand of the schemes was met. A confirmation that was a mistake is withdrawn, once, with a reason; another may follow.
    """

    __tablename__ = "confirmation"
    __table_args__ = (
        sa.Index("uq_confirmation_milestone_id", "milestone_id", unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")),
        sa.Index("ix_confirmation_milestone_id", "milestone_id"),
        sa.CheckConstraint("num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)", name="withdrawn"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    milestone_id: Mapped[UUID] = mapped_column(sa.ForeignKey("milestone.id"))
    note: Mapped[str | None]
    rests_on: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None]
    withdrawal_reason: Mapped[str | None]


class Measure(Base):
    """A measure (maatregel) applied in a trajectory, in force from ``recorded_at`` until ``superseded_at``, which is set once.

    What corrects it names it in ``corrects_id``; one that is superseded and not corrected was never so, for ``retraction_reason``.
    """

    __tablename__ = "measure"
    __table_args__ = (
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.CheckConstraint("cost_eur >= 0", name="cost_eur"),
        sa.CheckConstraint("retraction_reason IS NULL OR superseded_at IS NOT NULL", name="retraction_reason"),
        sa.Index("ix_measure_trajectory_id", "trajectory_id"),
        sa.UniqueConstraint("corrects_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    trajectory_id: Mapped[UUID] = mapped_column(sa.ForeignKey("trajectory.id"))
    kind: Mapped[MeasureKind] = mapped_column(one_of(MeasureKind, "kind"))
    applied_on: Mapped[date]
    quantity: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    unit: Mapped[Unit | None] = mapped_column(one_of(Unit, "unit"))
    cost_eur: Mapped[Decimal | None] = mapped_column(sa.Numeric(14, 2))
    note: Mapped[str | None]
    corrects_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("measure.id"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    superseded_at: Mapped[datetime | None]
    retraction_reason: Mapped[str | None]


class Document(Base):
    """A document (document) of a trajectory. Its bytes are in the object store under `documents.key_of`, once ``stored_at`` is set.

    A document is never changed; one that was a mistake is withdrawn, once, with a reason, and its bytes stay.
    """

    __tablename__ = "document"
    __table_args__ = (
        sa.CheckConstraint("size_bytes > 0", name="size_bytes"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)", name="withdrawn"),
        sa.Index("ix_document_trajectory_id", "trajectory_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    trajectory_id: Mapped[UUID] = mapped_column(sa.ForeignKey("trajectory.id"))
    kind: Mapped[DocumentKind] = mapped_column(one_of(DocumentKind, "kind"))
    title: Mapped[str]
    dated_on: Mapped[date | None]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes]
    stored_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None]
    withdrawal_reason: Mapped[str | None]


class Evidence(Base):
    """An approved inspection as evidence for a milestone of a track, append-only. It outlives corrections of that milestone."""

    __tablename__ = "evidence"
    __table_args__ = (
        sa.UniqueConstraint("trajectory_id", "track", "kind", "inspection_id"),
        sa.Index("ix_evidence_inspection_id", "inspection_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    trajectory_id: Mapped[UUID] = mapped_column(sa.ForeignKey("trajectory.id"))
    track: Mapped[Track] = mapped_column(one_of(Track, "track"))
    kind: Mapped[MilestoneKind] = mapped_column(one_of(MilestoneKind, "kind"))
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]


explains("uq_milestone_corrects_id", lambda: MilestoneAlreadySuperseded())
explains("pk_milestone", lambda: AlreadyExists(what="milestone", id="id"))
explains("fk_project_municipality_code", no_such_municipality)
