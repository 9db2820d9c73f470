"""The audit log and the history of mutable rows. Both refuse UPDATE and DELETE by trigger (migration 0003); the log is chained too (docs/adr/0013)."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import RECORDED_NOW, Base, Json

STREAMS = 128
"""Chains that writers choose from: more than PostgreSQL's usual limit of 100 connections, so that nobody waits for a free one."""
DIGEST_BYTES = 32


class AuditLine(Base):
    """One command: who, in which role, for which organisation, in which request and trace, on what, and why if a person gave a reason.

    A trigger sets ``recorded_at`` and the last three: the line is number ``sequence`` (from 1) of ``stream``, and ``digest`` is the raw SHA-256 of the
    digest of the line before it and of its own content (`registry/audit/verify.py`).
    """

    __tablename__ = "audit_line"
    __table_args__ = (
        sa.Index("ix_audit_line_subject", "subject_kind", "subject_id", "id"),
        sa.Index("ix_audit_line_request_id", "request_id"),
        sa.Index("ix_audit_line_person_id", "person_id", "id"),
        sa.UniqueConstraint("stream", "sequence"),
        sa.CheckConstraint(f"octet_length(digest) = {DIGEST_BYTES}", name="digest"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    person_id: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    role: Mapped[str]
    request_id: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    details: Mapped[dict[str, Json]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    trace_id: Mapped[str | None]
    reason: Mapped[str | None]
    stream: Mapped[int] = mapped_column(sa.SmallInteger)
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    digest: Mapped[bytes]


class AuditStream(Base):
    """The head of a stream: the number and digest of its last line; 0 and zeros before the first. It only goes forward, by trigger."""

    __tablename__ = "audit_stream"
    __table_args__ = (
        sa.CheckConstraint(f"stream BETWEEN 0 AND {STREAMS - 1}", name="stream"),
        sa.CheckConstraint("sequence >= 0", name="sequence"),
        sa.CheckConstraint(f"octet_length(digest) = {DIGEST_BYTES}", name="digest"),
    )

    stream: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    digest: Mapped[bytes]


class SupersededRow(Base):
    """A former version of a row, written by trigger when the row changes: it held from ``recorded_at`` until ``superseded_at``."""

    __tablename__ = "superseded_row"
    __table_args__ = (sa.Index("ix_superseded_row_row", "table_name", "row_id", "superseded_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    table_name: Mapped[str]
    row_id: Mapped[str]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    content: Mapped[dict[str, Json]] = mapped_column(JSONB)
