"""Imports: a file of rows that a person or a program sends, what each row would do or did to the register, and what is wrong with each cell."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.access import Role
from registry.db import NEW_ID, RECORDED_NOW, Base, Json, explains, one_of
from registry.errors import AlreadyExists, Conflict
from registry.versioned import Outcome, Versioned


class ImportKind(StrEnum):
    """What the rows of a file are."""

    BAG = "bag"
    """BAG 2.0 extract, as Kadaster delivers it."""
    DWELLINGS = "dwellings"
    """Woningen."""
    PORTFOLIO = "portfolio"
    """Bezit en beheer."""
    MILESTONES = "milestones"
    """Mijlpalen."""
    ENERGY_LABELS = "energy-labels"
    """Energielabels, also the public file of EP-Online."""


class ImportStatus(StrEnum):
    RECEIVED = "received"
    """The file is in the object store; a worker will read it."""
    READING = "reading"
    COMPARING = "comparing"
    """Read and checked, and being compared with the register."""
    TRIED = "tried"
    """The dry run (proef) is over: nothing has changed, and it may be applied."""
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    """The file can't be read as what it should be; `problems` says why."""


class ImportMode(StrEnum):
    ALL_OR_NOTHING = "all-or-nothing"
    """Every row, or none when one is refused."""
    PER_ROW = "per-row"
    """Every row that is not refused."""


class ImportNotReady(Conflict):
    """What is asked can't be done with an import in this status."""

    code = "import-not-ready"


class ImportBuiltOn(Conflict):
    """Something else builds on what the import wrote, so it can't be undone: each thing is named."""

    code = "import-built-on"


class ImportRowsRefused(Conflict):
    """All or nothing was asked of a file with rows that are refused."""

    code = "import-rows-refused"


class ImportRun(Base):
    """One file sent to be imported, in the name of a person acting for an organisation. None of both for the command line.

    ``sha256`` is that of the file, ``columns`` what each column of it was taken for (`registry/sheets/headers.py`: place, letter, header, column, how,
    suggestion), ``problems`` what is wrong with the file as a whole, or why it was not applied or undone (code, facts, and cell where there is a place).
    ``rows_read`` is ``created`` + ``changed`` + ``unchanged`` + ``refused`` as soon as it was tried. ``done`` of ``total`` is how far the present step is, in
    units of its own: bytes while reading, then rows.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "request_key"),
        sa.Index("ix_import_run_organisation_id", "organisation_id", "id"),
        sa.Index("ix_import_run_sha256", "sha256", "organisation_id"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("rows_read = created + changed + unchanged + refused OR status IN ('received', 'reading', 'comparing')", name="adds_up"),
        sa.CheckConstraint("(status IN ('undoing', 'undone')) = (undo_reason IS NOT NULL)", name="undo_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    kind: Mapped[ImportKind] = mapped_column(one_of(ImportKind, "kind"))
    status: Mapped[ImportStatus] = mapped_column(one_of(ImportStatus, "status"), server_default="received")
    mode: Mapped[ImportMode | None] = mapped_column(one_of(ImportMode, "mode"))
    organisation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID]
    role: Mapped[Role] = mapped_column(one_of(Role, "role"))
    request_key: Mapped[str | None]
    """The Idempotency-Key it was sent with."""
    file_name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes]
    sheet: Mapped[str | None]
    """The sheet of a workbook that was read, or is to be."""
    mapping: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    """Column of the register by header of the file; null for one that is left out on purpose."""
    columns: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    problems: Mapped[list[Json]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    rows_read: Mapped[int] = mapped_column(server_default="0")
    passed_over: Mapped[int] = mapped_column(server_default="0")
    """Rows that are none of the sender's business, as most of a national file: they are among ``unchanged``, and are not kept."""
    last_row: Mapped[int] = mapped_column(server_default="0")
    """Up to which row the file was read."""
    created: Mapped[int] = mapped_column(server_default="0")
    changed: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    total: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    tried_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[UUID | None]
    undo_reason: Mapped[str | None]
    forgotten_at: Mapped[datetime | None]
    """Since when the file and its rows are no longer kept; the figures stay."""


class ImportRow(Base):
    """One row of a file: its cells as they stand there, and, where they can be read, their values and the ``key`` of what they are about.

    Rows with the same key are judged together, in the order of the file. There is no foreign key to the import: checking it costs more than keeping the row.
    """

    __tablename__ = "import_row"
    __table_args__ = (sa.Index("ix_import_row_key", "import_id", "key", "row"),)

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    cells: Mapped[list[str]]
    values: Mapped[dict[str, Json] | None] = mapped_column(JSONB)
    key: Mapped[str | None]
    faulty: Mapped[bool] = mapped_column(server_default="false")
    """A cell of it can't be read, or nothing tells what it is about: it is refused whatever the register says."""


class ImportOutcome(Base):
    """What became of a row, in the dry run or when it was applied. ``changes`` are the former and new value by field."""

    __tablename__ = "import_outcome"
    __table_args__ = (sa.Index("ix_import_outcome_outcome", "import_id", "outcome", "row"),)

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    subject_id: Mapped[UUID | None]
    changes: Mapped[dict[str, Json] | None] = mapped_column(JSONB)


class ImportFault(Base):
    """One thing that is wrong with one cell, or with a whole row when ``place`` is None. ``place`` counts columns of the file from 0."""

    __tablename__ = "import_fault"
    __table_args__ = (sa.Index("ix_import_fault_row", "import_id", "row", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    import_id: Mapped[UUID]
    row: Mapped[int]
    place: Mapped[int | None] = mapped_column(sa.SmallInteger)
    field: Mapped[str | None]
    """The column of the register, as in JSON."""
    code: Mapped[str]
    facts: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))


class EffectAction(StrEnum):
    CREATED = "created"
    CHANGED = "changed"


class SubjectKind(StrEnum):
    """What an import writes."""

    DWELLING = "dwelling"
    PORTFOLIO_PERIOD = "portfolio-period"
    TRAJECTORY = "trajectory"
    MILESTONE = "milestone"
    LABEL = "label"


class ImportEffect(Base):
    """One thing that an applied import wrote, so that it can be undone: ``version`` is the one that it has since, where it has versions.

    A milestone that was corrected is one that was created: the correction.
    """

    __tablename__ = "import_effect"
    __table_args__ = (sa.Index("ix_import_effect_subject_id", "subject_id"), sa.Index("ix_import_effect_import_id", "import_id", "id"))

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    import_id: Mapped[UUID]
    row: Mapped[int]
    subject_kind: Mapped[SubjectKind] = mapped_column(one_of(SubjectKind, "subject_kind"))
    subject_id: Mapped[UUID]
    action: Mapped[EffectAction] = mapped_column(one_of(EffectAction, "action"))
    version: Mapped[int | None]


class ColumnMapping(Versioned, Base):
    """What an organisation calls its columns: column of the register by header, null for one that is left out. Used for its next files of that kind by name."""

    __tablename__ = "column_mapping"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "kind", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    kind: Mapped[ImportKind] = mapped_column(one_of(ImportKind, "kind"))
    name: Mapped[str]
    mapping: Mapped[dict[str, Json]] = mapped_column(JSONB)
    recorded_by: Mapped[UUID]


explains("uq_column_mapping_organisation_id_kind_name", lambda: AlreadyExists(what="column mapping", id="name"))
