"""Definitions: what counts, as data with a version."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import RECORDED_NOW, Base, Json


class Definition(Base):
    """One edition of a definition, append-only.

    ``rule`` is read by `registry.tallies.rules`. We don't claim that it is the ministry's formal definition, which is not public.
    """

    __tablename__ = "definition"
    __table_args__ = (sa.CheckConstraint("edition >= 1", name="edition"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[dict[str, Json]] = mapped_column(JSONB)
    name_nl: Mapped[str]
    name_en: Mapped[str]
    text_nl: Mapped[str]
    text_en: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
