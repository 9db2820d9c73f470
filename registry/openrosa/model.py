"""What ODK Collect and Enketo have sent."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import RECORDED_NOW, Base


class OpenRosaInstance(Base):
    """A filled-in form that was received, append-only. ``digest`` is the sha256 of its XML: the same one sent again is known, another one is refused."""

    __tablename__ = "openrosa_instance"
    __table_args__ = (sa.CheckConstraint("octet_length(digest) = 32", name="digest"),)

    instance_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    inspection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("inspection.id"))
    digest: Mapped[bytes]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
