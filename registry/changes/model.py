"""One row for each thing that changed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import base as postgresql
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from registry.db import RECORDED_NOW, Base, one_of


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's ``xid8``: the number of a transaction, never reused."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


postgresql.ischema_names["xid8"] = TransactionId


class ChangeKind(StrEnum):
    DWELLING = "dwelling"
    TRAJECTORY = "trajectory"
    INSPECTION = "inspection"
    PHOTO = "photo"
    CHECKLIST = "checklist"


class Change(Base):
    """Subject ``subject_id`` changed. ``transaction_id`` and ``id`` order the feed; see queries.py for how far it may be read.

    ``person_id`` is the inspector whom it concerns, besides those who see the subject anyway; a ``personal`` row is for nobody else. ``gone`` is a tombstone:
    from here on the subject is no work of hers.
    """

    __tablename__ = "change"
    __table_args__ = (
        sa.CheckConstraint("person_id IS NOT NULL OR NOT (personal OR gone)", name="person"),
        sa.Index("ix_change_feed", "transaction_id", "id"),
        sa.Index("ix_change_person_id", "person_id", "organisation_id", "transaction_id", "id", postgresql_where=sa.text("person_id IS NOT NULL")),
        sa.Index("ix_change_subject_id", "subject_id", "transaction_id", "id", postgresql_where=sa.text("kind = 'dwelling' AND NOT personal")),
        sa.Index("ix_change_checklist", "transaction_id", "id", postgresql_where=sa.text("kind = 'checklist'")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(TransactionId, server_default=sa.text("pg_current_xact_id()"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    kind: Mapped[ChangeKind] = mapped_column(one_of(ChangeKind, "kind"))
    subject_id: Mapped[UUID]
    action: Mapped[str | None]
    """What happened, in the word of the audit log ("milestone.confirmed"), where whoever is told of it wants to know."""
    municipality_code: Mapped[str | None]
    organisation_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None]
    personal: Mapped[bool] = mapped_column(server_default="false")
    gone: Mapped[bool] = mapped_column(server_default="false")
