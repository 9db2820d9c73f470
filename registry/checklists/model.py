"""The checklist and its life."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, Base, Json, one_of
from registry.versioned import Versioned


class ChecklistStatus(StrEnum):
    DRAFT = "draft"
    """Concept; only who keeps the checklists sees it."""
    PUBLISHED = "published"
    """Frozen, and in use for new inspections."""
    RETIRED = "retired"
    """Frozen; no new inspection uses it, and what was made with it stays good."""


class ChecklistSource(StrEnum):
    """How the edition was written."""

    YAML = "yaml"
    XLSFORM = "xlsform"


class Checklist(Versioned, Base):
    """One edition of a checklist. ``content`` is the whole document; ``digest`` is the sha256 of its canonical JSON.

    From its publication on a trigger keeps its key, edition and content as they are.
    """

    __tablename__ = "checklist"
    __table_args__ = (
        sa.UniqueConstraint("key", "edition"),
        sa.CheckConstraint("edition >= 1", name="edition"),
        sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published"),
        sa.CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    key: Mapped[str]
    edition: Mapped[int]
    content: Mapped[dict[str, Json]] = mapped_column(JSONB)
    digest: Mapped[bytes]
    status: Mapped[ChecklistStatus] = mapped_column(one_of(ChecklistStatus, "status"), server_default="published")
    source: Mapped[ChecklistSource] = mapped_column(one_of(ChecklistSource, "source"), server_default="yaml")
    published_at: Mapped[datetime | None] = mapped_column(server_default=sa.text("clock_timestamp()"))
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[UUID | None]
