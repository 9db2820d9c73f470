"""The audit log and the history of mutable rows. Both refuse UPDATE and DELETE by trigger (migration 0003)."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import RECORDED_NOW, Base, Json


class AuditLine(Base):
    """One command: who, in which role, for which organisation, in which request, on what."""

    __tablename__ = "audit_line"
    __table_args__ = (sa.Index("ix_audit_line_subject", "subject_kind", "subject_id", "id"), sa.Index("ix_audit_line_request_id", "request_id"))

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
