"""Attempts to do what may be guessed at, such as signing in: counted in the database, over all processes and nodes together.

Count each attempt twice, before it is judged: under the account **and** the address it comes from, and under the address alone. Never under the account
alone: a stranger who knows somebody's e-mail address could then keep her out by guessing wrongly on purpose. By pair, a stranger uses up the room of his
own address only. Guessing at one account from many addresses is then held back by the room of each address, and by what a good password and a
second factor are worth. All who share one address share its room too; give the address alone a larger one.

The table is not logged: it is empty after a crash of the database, and on a standby, and then all counts begin anew.
"""

from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from registry.db import Base

KEPT_FOR = timedelta(days=1)
"""Longer than any window."""


class AttemptCount(Base):
    """How many attempts were made under ``key`` since ``window_start``."""

    __tablename__ = "attempt_count"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[bytes] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]


def key_of(what: str, *who: str) -> bytes:
    """The key for attempts at ``what`` by ``who``: a digest, so that the table holds no e-mail address and no IP address."""
    return sha256("\0".join([what, *who]).encode()).digest()


def hit(session: Session, key: bytes, *, window_s: int, at_most: int) -> int | None:
    """Count one attempt; the seconds to wait when there were more than ``at_most`` within ``window_s`` seconds of the first, else None.

    Let its transaction end before the attempt is judged: a refusal must not take the count back with it, and others wait for it. What is tried while
    waiting does not lengthen the wait.
    """
    count, left_s = session.execute(_HIT, {"key": key, "window_s": window_s}).one()
    return max(int(left_s), 1) if count > at_most else None


_HIT = sa.text(
    """
    INSERT INTO attempt_count AS known (key, window_start, count) VALUES (:key, clock_timestamp(), 1)
    ON CONFLICT (key) DO UPDATE SET
        window_start = CASE WHEN known.window_start + make_interval(secs => :window_s) <= excluded.window_start
                            THEN excluded.window_start ELSE known.window_start END,
        count = CASE WHEN known.window_start + make_interval(secs => :window_s) <= excluded.window_start THEN 1
                     ELSE LEAST(known.count, 1000000000) + 1 END
    RETURNING count, ceil(extract(epoch FROM window_start + make_interval(secs => :window_s) - clock_timestamp()))
    """
)


def forget_before(session: Session, moment: datetime) -> int:
    """Drop counts whose window began before ``moment``; returns how many."""
    result = session.execute(sa.delete(AttemptCount).where(AttemptCount.window_start < moment))
    return int(result.rowcount)  # type: ignore[attr-defined]
