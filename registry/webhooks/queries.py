"""Reading webhooks and their deliveries; and the statements that keep the order of deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.pages import Page, page_of
from registry.webhooks.model import DeliveryStatus, Webhook, WebhookDelivery, WebhookSecret, WebhookState, WebhookStatus

LOCK_LANES = sa.text("SELECT FROM webhook_state WHERE webhook_id = ANY (:webhook_ids) ORDER BY webhook_id FOR UPDATE")
"""Before anything is put into a lane or taken from it: who looks at a lane then sees all that is in it."""
PROMOTE = sa.text(
    """
    UPDATE webhook_delivery SET status = 'pending', next_attempt_at = now()
    FROM unnest(CAST(:lanes AS uuid[])) AS free (lane), LATERAL (
        SELECT id FROM webhook_delivery AS waiting
        WHERE waiting.webhook_id = :webhook_id AND waiting.lane = free.lane AND waiting.status = 'waiting' ORDER BY waiting.id LIMIT 1) AS first
    WHERE webhook_delivery.id = first.id AND NOT EXISTS (
        SELECT FROM webhook_delivery AS other WHERE other.webhook_id = :webhook_id AND other.lane = free.lane AND other.status = 'pending')
    """
)
"""In each of these lanes, let the first that waits be sent, unless one is being sent."""
_BACKLOG = sa.text("SELECT undelivered, oldest_s, dead, disabled FROM webhook_backlog()")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Of all organisations together."""

    undelivered: int
    oldest_s: float
    dead: int
    disabled: int


def backlog(session: Session) -> Backlog:
    """For whoever runs the register."""
    return Backlog(**session.execute(_BACKLOG).mappings().one())


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(Webhook.organisation_id == actor.organisation_id, Webhook.status != WebhookStatus.ENDED)


def get(session: Session, actor: Actor, webhook_id: UUID) -> Webhook:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.MANAGE_WEBHOOKS)
    webhook = session.scalar(sa.select(Webhook).where(Webhook.id == webhook_id, Webhook.organisation_id == actor.organisation_id))
    if webhook is None:
        raise NotFound(what="webhook", id=webhook_id)
    return webhook


def list_(session: Session, actor: Actor, *, after: UUID | None, limit: int) -> Page[Webhook]:
    """Those of the organisation that have not ended. Raises NotAllowed."""
    require(actor, Right.MANAGE_WEBHOOKS)
    query = sa.select(Webhook).where(visible_to(actor)).order_by(Webhook.id).limit(limit + 1)
    if after is not None:
        query = query.where(Webhook.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda webhook: str(webhook.id))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a webhook is doing. ``waiting`` counts what is undelivered, also what is on its way; ``oldest_at`` is when the oldest of that was written down."""

    status: WebhookStatus
    waiting: int
    dead: int
    oldest_at: datetime | None
    failures: int
    failing_since: datetime | None
    not_before: datetime | None
    last_delivered_at: datetime | None
    secrets: Sequence[WebhookSecret]


def standing(session: Session, actor: Actor, webhook_id: UUID) -> Standing:
    """Raises NotAllowed, NotFound."""
    webhook = get(session, actor, webhook_id)
    state = session.get_one(WebhookState, webhook_id)
    undelivered = WebhookDelivery.status.in_((DeliveryStatus.WAITING, DeliveryStatus.PENDING))
    counted = sa.select(
        sa.func.count().filter(undelivered),
        sa.func.count().filter(WebhookDelivery.status == DeliveryStatus.DEAD),
        sa.func.min(WebhookDelivery.recorded_at).filter(undelivered),
    ).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.status != DeliveryStatus.DELIVERED)
    waiting, dead, oldest_at = session.execute(counted).one()
    secrets = session.scalars(secrets_in_force(webhook_id)).all()
    return Standing(webhook.status, waiting, dead, oldest_at, state.failures, state.failing_since, state.not_before, state.last_delivered_at, list(secrets))


def secrets_in_force(webhook_id: UUID) -> sa.Select[WebhookSecret]:
    """The newest one first; what they are is not read."""
    in_force = sa.or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > sa.func.now())
    return sa.select(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id, in_force).order_by(WebhookSecret.recorded_at.desc())


def deliveries(session: Session, actor: Actor, webhook_id: UUID, *, status: DeliveryStatus | None, after: int | None, limit: int) -> Page[WebhookDelivery]:
    """The newest first. Raises NotAllowed, NotFound."""
    get(session, actor, webhook_id)
    query = sa.select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id).order_by(WebhookDelivery.id.desc()).limit(limit + 1)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if after is not None:
        query = query.where(WebhookDelivery.id < after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda delivery: str(delivery.id))
