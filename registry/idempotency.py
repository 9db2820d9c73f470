"""Requests that were already answered, so that a repeat gets the same answer and records nothing twice."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from registry.db import RECORDED_NOW, Base, Json

KEPT_FOR = timedelta(days=90)


class AnsweredRequest(Base):
    """The answer to one POST: unique per person and Idempotency-Key."""

    __tablename__ = "answered_request"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(sa.SmallInteger)
    headers: Mapped[dict[str, Json] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW, index=True)


def claim(session: Session, person_id: UUID, key: str, fingerprint: bytes) -> AnsweredRequest | None:
    """Claim ``key`` for this request; the earlier request when there was one. A request in flight with the same key is waited for."""
    claimed = session.execute(_CLAIM, {"person_id": person_id, "key": key, "fingerprint": fingerprint}).rowcount  # type: ignore[attr-defined]
    return None if claimed else session.get_one(AnsweredRequest, (person_id, key))


_CLAIM = sa.text("INSERT INTO answered_request (person_id, key, fingerprint) VALUES (:person_id, :key, :fingerprint) ON CONFLICT DO NOTHING")


def keep(session: Session, person_id: UUID, key: str, *, status: int, headers: dict[str, str], body: bytes) -> None:
    values: dict[str, object] = {"status": status, "headers": headers, "body": body}
    session.execute(sa.update(AnsweredRequest).where(AnsweredRequest.person_id == person_id, AnsweredRequest.key == key).values(values))


def forget_before(session: Session, moment: datetime) -> int:
    """Drop answers older than ``moment``; returns how many."""
    result = session.execute(sa.delete(AnsweredRequest).where(AnsweredRequest.recorded_at < moment))
    return int(result.rowcount)  # type: ignore[attr-defined]
