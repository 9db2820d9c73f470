"""Webhooks, their secrets, how they are doing, and what was delivered."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.changes.model import TransactionId
from registry.db import NEW_ID, RECORDED_NOW, Base, explains, one_of
from registry.errors import AlreadyExists, Conflict, NotAllowed
from registry.versioned import Versioned


class MinistryHasNoWebhooks(NotAllowed):
    """Whoever looks at what is not hers says why, each time; a machine that is told everything can't."""

    code = "ministry-has-no-webhooks"


class WebhookEnded(Conflict):
    """It was taken away, and is kept to be read only."""

    code = "webhook-ended"


class TooManyWebhooks(Conflict):
    """Every change is looked at once for each webhook, so an organisation has a few."""

    code = "too-many-webhooks"


class TooManySecrets(Conflict):
    """A delivery is signed with every secret in force; wait until one has expired."""

    code = "too-many-secrets"


class WebhookStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """By its administrator; what changes meanwhile is told when it goes on."""
    DISABLED = "disabled"
    """By the register, for ``reason``; it waits for its administrator just so."""
    ENDED = "ended"


class DisabledReason(StrEnum):
    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"
    """Nothing was taken for days."""


class DeliveryStatus(StrEnum):
    WAITING = "waiting"
    """Behind an earlier one of the same dwelling."""
    PENDING = "pending"
    """To be sent at ``next_attempt_at``; while it is being sent, that is when it is taken for lost."""
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up: the dead-letter list."""


class DeliveryError(StrEnum):
    """Why there was no answer that says it was taken."""

    ADDRESS_REFUSED = "address-refused"
    """The name leads to an address to which the register does not connect."""
    NAME_UNKNOWN = "name-unknown"
    CONNECTION_FAILED = "connection-failed"
    """Refused, broken off, or TLS came to nothing."""
    TIMED_OUT = "timed-out"
    PROTOCOL = "protocol"
    """What came back was not HTTP."""
    STATUS = "status"
    """The answer was not 2xx."""
    INTERRUPTED = "interrupted"
    """The worker was stopped meanwhile."""


class Webhook(Versioned, Base):
    """``url`` may hold a secret: it is for the organisation's administrators alone. ``events`` are the words that it wants to hear, all when empty."""

    __tablename__ = "webhook"
    __table_args__ = (
        sa.CheckConstraint("(status = 'disabled') = (reason IS NOT NULL)", name="disabled"),
        sa.Index("ix_webhook_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    name: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(server_default="{}")
    status: Mapped[WebhookStatus] = mapped_column(one_of(WebhookStatus, "status"), server_default=WebhookStatus.ACTIVE)
    reason: Mapped[DisabledReason | None] = mapped_column(one_of(DisabledReason, "reason"))


explains("pk_webhook", lambda: AlreadyExists(what="webhook", id="id"))


class WebhookSecret(Base):
    """``secret`` (``whsec_`` and base64) signs deliveries until ``expires_at``. The API may write it and never read it."""

    __tablename__ = "webhook_secret"
    __table_args__ = (sa.Index("ix_webhook_secret_webhook_id", "webhook_id", "recorded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    webhook_id: Mapped[UUID] = mapped_column(sa.ForeignKey("webhook.id"))
    secret: Mapped[str] = mapped_column(deferred=True, deferred_raiseload=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    expires_at: Mapped[datetime | None]


class WebhookState(Base):
    """How far in the feed a webhook was told of, and how its receiver is doing. It changes all the time, and so has no version.

    ``failures`` counts attempts that failed since the last one that was taken, ``failing_since`` is the first of them; until ``not_before`` nothing is sent.
    """

    __tablename__ = "webhook_state"

    webhook_id: Mapped[UUID] = mapped_column(sa.ForeignKey("webhook.id"), primary_key=True)
    epoch: Mapped[str]
    transaction_id: Mapped[int] = mapped_column(TransactionId)
    change_id: Mapped[int] = mapped_column(sa.BigInteger)
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    last_delivered_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One event for one webhook; ``id`` is in the order of the feed. What it tells of is ``subject_id``, at ``dwelling_id`` when it is at one.

    ``lane`` is whose order counts: the dwelling, or the subject when there is none. Of each lane one at most is pending, which the database holds to.
    ``attempts`` are never counted anew, so that the answer to an old attempt can't be taken for that to a later one; ``attempts_before`` are those
    before the last replay.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "event_id"),
        sa.Index("uq_webhook_delivery_lane", "webhook_id", "lane", unique=True, postgresql_where=sa.text("status = 'pending'")),
        sa.Index("ix_webhook_delivery_waiting", "webhook_id", "lane", "id", postgresql_where=sa.text("status = 'waiting'")),
        sa.Index("ix_webhook_delivery_due", "webhook_id", "next_attempt_at", "id", postgresql_where=sa.text("status = 'pending'")),
        sa.Index("ix_webhook_delivery_dead", "webhook_id", "id", postgresql_where=sa.text("status = 'dead'")),
        sa.Index("ix_webhook_delivery_webhook_id", "webhook_id", "id"),
        sa.Index("ix_webhook_delivery_settled_at", "settled_at", postgresql_where=sa.text("settled_at IS NOT NULL")),
        sa.CheckConstraint("(status IN ('delivered', 'dead')) = (settled_at IS NOT NULL)", name="settled"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(sa.ForeignKey("webhook.id"))
    event_id: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    dwelling_id: Mapped[UUID | None]
    lane: Mapped[UUID]
    occurred_at: Mapped[datetime]
    status: Mapped[DeliveryStatus] = mapped_column(one_of(DeliveryStatus, "status"), server_default=DeliveryStatus.WAITING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    attempts_before: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    settled_at: Mapped[datetime | None]
    error: Mapped[DeliveryError | None] = mapped_column(one_of(DeliveryError, "error"))
    answer_status: Mapped[int | None] = mapped_column(sa.SmallInteger)
    answer: Mapped[str | None]
    """The beginning of what the receiver answered last."""
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
