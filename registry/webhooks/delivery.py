"""Deliveries on their way: claimed for a while by a worker, sent by it, and settled.

A claim is a lease: whoever dies with it loses it after LEASE, and somebody else sends again. An attempt is given up long before that, so no two workers
send the same lane at the same time. The number of the attempt tells a settlement that comes too late from the right one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock
from registry.db import transaction
from registry.webhooks.commands import disable
from registry.webhooks.model import DeliveryError, DeliveryStatus, DisabledReason, WebhookDelivery, WebhookSecret, WebhookState
from registry.webhooks.queries import LOCK_LANES, PROMOTE
from registry.webhooks.rules import FAILS_FOR, GONE, TRIES_BEFORE_REST, Answer, next_attempt, rest

LEASE = timedelta(seconds=30)
"""Twice as long as an attempt may take."""
AT_ONCE, AT_ONCE_EACH = 64, 16
"""Deliveries that a worker has on their way, in total and for one webhook."""
DELIVERED_KEPT, DEAD_KEPT = timedelta(days=30), timedelta(days=90)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """What to send where. ``keys`` are the secrets in force, which nothing shows."""

    id: int
    webhook_id: UUID
    url: str
    event_id: str
    action: str
    kind: str
    subject_id: UUID
    dwelling_id: UUID | None
    lane: UUID
    occurred_at: datetime
    attempts: int
    attempts_before: int
    keys: Sequence[str]

    def __repr__(self) -> str:
        return f"Claim({self.id})"


@dataclass(frozen=True, slots=True)
class Result:
    claim: Claim
    answer: Answer


_CLAIM = sa.text(
    """
    WITH due AS (
        SELECT chosen.id, webhook.url
        FROM webhook JOIN webhook_state AS state ON state.webhook_id = webhook.id
            LEFT JOIN unnest(CAST(:busy AS uuid[]), CAST(:counts AS integer[])) AS busy (webhook_id, count) ON busy.webhook_id = webhook.id,
            LATERAL (
                SELECT id, next_attempt_at FROM webhook_delivery AS delivery
                WHERE delivery.webhook_id = webhook.id AND delivery.status = 'pending' AND delivery.next_attempt_at <= now()
                ORDER BY delivery.next_attempt_at, delivery.id
                LIMIT greatest(0, CASE WHEN state.failures >= :tries THEN 1 ELSE :each END - coalesce(busy.count, 0))
                FOR UPDATE SKIP LOCKED) AS chosen
        WHERE webhook.status = 'active' AND (state.not_before IS NULL OR state.not_before <= now())
        ORDER BY chosen.next_attempt_at LIMIT :room)
    UPDATE webhook_delivery AS delivery SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + :lease
    FROM due WHERE delivery.id = due.id
    RETURNING delivery.id, delivery.webhook_id, due.url, delivery.event_id, delivery.action, delivery.kind, delivery.subject_id, delivery.dwelling_id,
        delivery.lane, delivery.occurred_at, delivery.attempts, delivery.attempts_before
    """
)
"""The oldest of all first; of a receiver that keeps failing, one to see whether it is back."""
_SETTLE = sa.text(
    """
    UPDATE webhook_delivery AS delivery
    SET status = told.status, next_attempt_at = told.next_attempt_at, settled_at = told.settled_at, attempts_before = told.attempts_before,
        error = told.error, answer_status = told.answer_status, answer = told.answer
    FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS integer[]), CAST(:statuses AS text[]), CAST(:next_attempts_at AS timestamptz[]),
        CAST(:settled_at AS timestamptz[]), CAST(:attempts_before AS integer[]), CAST(:errors AS text[]), CAST(:answer_statuses AS smallint[]),
        CAST(:answers AS text[]))
        AS told (id, attempts, status, next_attempt_at, settled_at, attempts_before, error, answer_status, answer)
    WHERE delivery.id = told.id AND delivery.attempts = told.attempts AND delivery.status = 'pending'
    """
)


def turn(results: Sequence[Result], busy: Mapping[UUID, int], *, room: int) -> list[Claim]:
    """Settle what was sent and claim what is due, at most ``room``; ``busy`` counts what is on its way for each webhook. Raises Unavailable."""
    with transaction() as session:
        if results:
            _settle(session, results)
        return _claim(session, busy, room) if room > 0 else []


def _claim(session: Session, busy: Mapping[UUID, int], room: int) -> list[Claim]:
    values = {"busy": list(busy), "counts": list(busy.values()), "each": AT_ONCE_EACH, "tries": TRIES_BEFORE_REST, "room": room, "lease": LEASE}
    rows = session.execute(_CLAIM, values).mappings().all()
    keys = _keys(session, {row["webhook_id"] for row in rows}) if rows else {}
    return [Claim(**row, keys=keys[row["webhook_id"]]) for row in rows]


def _keys(session: Session, webhook_ids: set[UUID]) -> dict[UUID, list[str]]:
    """The newest one first."""
    in_force = sa.or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > sa.func.now())
    query = sa.select(WebhookSecret.webhook_id, WebhookSecret.secret).where(WebhookSecret.webhook_id.in_(webhook_ids), in_force)
    found: dict[UUID, list[str]] = {}
    for webhook_id, secret in session.execute(query.order_by(WebhookSecret.recorded_at.desc())):
        found.setdefault(webhook_id, []).append(secret)
    return found


def _settle(session: Session, results: Sequence[Result]) -> None:
    now = clock.now()
    ordered = sorted(results, key=lambda result: result.claim.webhook_id)
    session.execute(LOCK_LANES, {"webhook_ids": [result.claim.webhook_id for result in ordered]})
    session.execute(_SETTLE, _columns([_row(result, now) for result in ordered]))
    for webhook_id, group in groupby(ordered, key=lambda result: result.claim.webhook_id):
        of_webhook = list(group)
        session.execute(PROMOTE, {"webhook_id": webhook_id, "lanes": list({result.claim.lane for result in of_webhook})})
        _judge(session, webhook_id, [result.answer for result in of_webhook], now)


def _row(result: Result, now: datetime) -> dict[str, object]:
    claim, answer = result.claim, result.answer
    interrupted = answer.error is DeliveryError.INTERRUPTED
    again = now if interrupted else next_attempt(answer, claim.attempts - claim.attempts_before, now)
    status = DeliveryStatus.DELIVERED if answer.taken else DeliveryStatus.PENDING if again is not None else DeliveryStatus.DEAD
    return {
        "ids": claim.id,
        "attempts": claim.attempts,
        "statuses": status.value,
        "next_attempts_at": again or now,
        "settled_at": None if status is DeliveryStatus.PENDING else now,
        "attempts_before": claim.attempts_before + (1 if interrupted else 0),
        "errors": None if answer.taken else (answer.error or DeliveryError.STATUS).value,
        "answer_statuses": answer.status,
        "answers": answer.text,
    }


def _columns(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _judge(session: Session, webhook_id: UUID, answers: Sequence[Answer], now: datetime) -> None:
    """How the receiver is doing. It is not told any more when it says that it is gone, or took nothing for days."""
    told = [answer for answer in answers if answer.error is not DeliveryError.INTERRUPTED]
    if not told:
        return
    state = session.get_one(WebhookState, webhook_id)
    if any(answer.taken for answer in told):
        state.failures, state.failing_since, state.not_before, state.last_delivered_at = 0, None, None, now
    else:
        state.failures += len(told)
        state.failing_since = state.failing_since or now
        state.not_before = rest(state.failures, now)
    session.flush()
    if any(answer.status == GONE for answer in told):
        disable(session, webhook_id, DisabledReason.GONE)
    elif state.failing_since is not None and now - state.failing_since >= FAILS_FOR:
        disable(session, webhook_id, DisabledReason.FAILING)


def forget() -> int:
    """Drop what was settled long ago, and secrets that have expired; how many deliveries that were. Raises Unavailable."""
    now = clock.now()
    with transaction() as session:
        session.execute(sa.delete(WebhookSecret).where(WebhookSecret.expires_at < now))
        old = sa.or_(
            sa.and_(WebhookDelivery.status == DeliveryStatus.DELIVERED, WebhookDelivery.settled_at < now - DELIVERED_KEPT),
            WebhookDelivery.settled_at < now - DEAD_KEPT,
        )
        gone = session.connection().execute(sa.delete(WebhookDelivery).where(WebhookDelivery.settled_at < now - DELIVERED_KEPT, old))
    return gone.rowcount
