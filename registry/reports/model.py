"""The report that is kept of an inspection."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, one_of


class ReportLanguage(StrEnum):
    DUTCH = "nl"
    ENGLISH = "en"


class ReportState(StrEnum):
    QUEUED = "queued"
    MADE = "made"
    FAILED = "failed"


class Report(Base):
    """The report of an inspection in one language, as PDF and as HTML in the object store.

    ``baseline_id`` is the earlier visit that it compares with: whoever does not see that visit gets a report without it. ``source_digest`` is the sha256 of
    all that it was made from: when that changes, it is made anew. The keys are there once it is made, and go when making it fails.
    """

    __tablename__ = "report"
    __table_args__ = (
        sa.UniqueConstraint("inspection_id", "language", "baseline_id", postgresql_nulls_not_distinct=True),
        sa.Index("ix_report_baseline_id", "baseline_id", postgresql_where=sa.text("baseline_id IS NOT NULL")),
        sa.CheckConstraint("state <> 'made' OR (source_digest IS NOT NULL AND html_key IS NOT NULL AND pdf_key IS NOT NULL)", name="made"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    baseline_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("inspection.id"))
    language: Mapped[ReportLanguage] = mapped_column(one_of(ReportLanguage, "language"))
    state: Mapped[ReportState] = mapped_column(one_of(ReportState, "state"), server_default="queued")
    source_digest: Mapped[bytes | None]
    html_key: Mapped[str | None]
    html_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    pdf_key: Mapped[str | None]
    pdf_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    requested_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    made_at: Mapped[datetime | None]
