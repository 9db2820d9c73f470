"""The checklist."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, Json


class Checklist(Base):
    """One published version of a checklist. ``content`` is the whole document; ``digest`` is the sha256 of its canonical JSON."""

    __tablename__ = "checklist"
    __table_args__ = (sa.UniqueConstraint("key", "edition"), sa.CheckConstraint("edition >= 1", name="edition"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    key: Mapped[str]
    edition: Mapped[int]
    content: Mapped[dict[str, Json]] = mapped_column(JSONB)
    digest: Mapped[bytes]
    published_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
