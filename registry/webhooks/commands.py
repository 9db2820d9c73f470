"""Writing webhooks: where to, what of, with which secret; pausing them, and sending again what was sent or given up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require, the_system
from registry.audit import commands as audit
from registry.changes import queries as feed
from registry.changes.queries import Position
from registry.db import Json, one_at_a_time
from registry.errors import AlreadyExists, NotFound, RuleViolation
from registry.organisations import queries as organisations
from registry.organisations.model import OrganisationKind
from registry.versioned import Outcome, change, check_version, same
from registry.webhooks import events, signing
from registry.webhooks.addresses import Network
from registry.webhooks.model import (
    DeliveryStatus,
    DisabledReason,
    MinistryHasNoWebhooks,
    TooManySecrets,
    TooManyWebhooks,
    Webhook,
    WebhookDelivery,
    WebhookEnded,
    WebhookSecret,
    WebhookState,
    WebhookStatus,
)
from registry.webhooks.queries import LOCK_LANES, PROMOTE, secrets_in_force, visible_to
from registry.webhooks.rules import MOST_SECRETS, MOST_WEBHOOKS, OLD_SECRET_LASTS, check_events, check_url

MOST_REPLAYED = 10_000
"""In one request."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an administrator says of a webhook. ``events`` is what it wants to hear, all when empty."""

    name: str
    url: str
    events: Sequence[str] = ()

    def columns(self) -> dict[str, object]:
        return {"name": self.name, "url": self.url, "events": list(self.events)}


def create(session: Session, actor: Actor, wanted: Wanted, *, id: UUID | None, allowed: Sequence[Network]) -> tuple[Webhook, Outcome, str | None]:
    """A webhook that is told what changes from now on, and its secret; no secret when it exists already with the same content.

    ``allowed`` are the networks that may be told although they are not public.
    Raises NotAllowed, MinistryHasNoWebhooks, RuleViolation, AlreadyExists, TooManyWebhooks.
    """
    require(actor, Right.MANAGE_WEBHOOKS)
    organisation = organisations.get(session, actor, actor.organisation_id) if actor.organisation_id else None
    if organisation is None or organisation.kind is OrganisationKind.MINISTRY:
        raise MinistryHasNoWebhooks(role=actor.role.value, right=Right.MANAGE_WEBHOOKS.value)
    one_at_a_time(session, f"webhooks of {organisation.id}")
    known = session.get(Webhook, id) if id else None
    if known is not None:
        if not same(known, wanted.columns()):
            raise AlreadyExists(what="webhook", id=id)
        return known, Outcome.UNCHANGED, None
    _check(wanted, allowed)
    if session.scalars(sa.select(sa.func.count()).select_from(Webhook).where(visible_to(actor))).one() >= MOST_WEBHOOKS:
        raise TooManyWebhooks(most=MOST_WEBHOOKS)
    webhook = Webhook(organisation_id=organisation.id, **({"id": id} if id else {}), **wanted.columns())
    session.add(webhook)
    session.flush()
    session.refresh(webhook)
    session.execute(sa.insert(WebhookState).values(webhook_id=webhook.id, **_place(feed.end(session))))
    secret = _add_secret(session, webhook.id)
    audit.record(session, actor, "webhook.created", "webhook", webhook.id, details={"name": webhook.name, "events": list[Json](webhook.events)})
    return webhook, Outcome.CREATED, secret


def _check(wanted: Wanted, allowed: Sequence[Network]) -> None:
    """Raises RuleViolation."""
    faults = check_url(wanted.url, allowed) + check_events(wanted.events)
    if faults:
        raise RuleViolation(faults)


def _add_secret(session: Session, webhook_id: UUID) -> str:
    secret = signing.new_secret()
    session.execute(sa.insert(WebhookSecret).inline(), [{"webhook_id": webhook_id, "secret": secret}])
    session.flush()
    return secret


def amend(session: Session, actor: Actor, webhook_id: UUID, wanted: Wanted, *, allowed: Sequence[Network], expected: int | None) -> Webhook:
    """Another name or address, or other events. What is still to be told goes to the new address.

    Raises NotAllowed, NotFound, WebhookEnded, RuleViolation, VersionRequired, Stale.
    """
    require(actor, Right.MANAGE_WEBHOOKS)
    webhook = _locked(session, actor, webhook_id)
    _check(wanted, allowed)
    if same(webhook, wanted.columns()):
        return webhook
    check_version(webhook, expected)
    moved = webhook.url != wanted.url
    change(session, webhook, wanted.columns())
    if moved:
        _well_again(session, webhook_id)
    audit.record(session, actor, "webhook.amended", "webhook", webhook_id, details={"name": webhook.name, "moved": moved})
    return webhook


def _well_again(session: Session, webhook_id: UUID) -> None:
    """Whatever failed before says nothing of what comes now."""
    session.execute(LOCK_LANES, {"webhook_ids": [webhook_id]})
    well = {"failures": 0, "failing_since": None, "not_before": None}
    session.execute(sa.update(WebhookState).where(WebhookState.webhook_id == webhook_id).values(well))
    waiting = sa.update(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.status == DeliveryStatus.PENDING)
    # What is on its way comes due no earlier than its lease ends: who sends it now has not been answered yet.
    session.execute(waiting.where(WebhookDelivery.next_attempt_at > sa.func.now() + sa.text("interval '2 minutes'")).values(next_attempt_at=sa.func.now()))


def rotate_secret(session: Session, actor: Actor, webhook_id: UUID) -> tuple[str, datetime]:
    """A new secret, and until when the former ones sign too. Raises NotAllowed, NotFound, WebhookEnded, TooManySecrets."""
    require(actor, Right.MANAGE_WEBHOOKS)
    webhook = _locked(session, actor, webhook_id)
    in_force = session.scalars(secrets_in_force(webhook_id)).all()
    if len(in_force) >= MOST_SECRETS:
        raise TooManySecrets(most=MOST_SECRETS)
    until = clock.now() + OLD_SECRET_LASTS
    session.execute(sa.update(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id, WebhookSecret.expires_at.is_(None)).values(expires_at=until))
    secret = _add_secret(session, webhook.id)
    audit.record(session, actor, "webhook.secret-rotated", "webhook", webhook_id)
    return secret, until


def pause(session: Session, actor: Actor, webhook_id: UUID, *, expected: int | None) -> Webhook:
    """Tell it nothing for now. Raises NotAllowed, NotFound, WebhookEnded, VersionRequired, Stale."""
    return _go_to(session, actor, webhook_id, WebhookStatus.PAUSED, "webhook.paused", expected=expected)


class Missed(StrEnum):
    """What becomes of what changed while a webhook was stopped."""

    TELL = "tell"
    SKIP = "skip"


def resume(session: Session, actor: Actor, webhook_id: UUID, *, missed: Missed, expected: int | None) -> Webhook:
    """Go on, whether an administrator or the register had stopped it. Raises as `pause`."""
    webhook = _go_to(session, actor, webhook_id, WebhookStatus.ACTIVE, "webhook.resumed", expected=expected)
    _well_again(session, webhook_id)
    if missed is Missed.SKIP:
        session.execute(sa.update(WebhookState).where(WebhookState.webhook_id == webhook_id).values(_place(feed.end(session))))
    return webhook


def _place(position: Position) -> dict[str, Any]:
    number = sa.cast(str(position.transaction_id), WebhookState.transaction_id.type)
    return {"epoch": position.epoch, "transaction_id": number, "change_id": position.id}


def end(session: Session, actor: Actor, webhook_id: UUID, *, expected: int | None) -> Webhook:
    """Take it away; what was delivered stays to be read for as long as all deliveries do. Raises as `pause`."""
    webhook = _go_to(session, actor, webhook_id, WebhookStatus.ENDED, "webhook.ended", expected=expected)
    session.execute(sa.update(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id).values(expires_at=clock.now()))
    return webhook


def _go_to(session: Session, actor: Actor, webhook_id: UUID, status: WebhookStatus, action: str, *, expected: int | None) -> Webhook:
    require(actor, Right.MANAGE_WEBHOOKS)
    webhook = _locked(session, actor, webhook_id)
    check_version(webhook, expected)
    if webhook.status is not status:
        change(session, webhook, {"status": status, "reason": None})
        audit.record(session, actor, action, "webhook", webhook_id)
    return webhook


def disable(session: Session, webhook_id: UUID, reason: DisabledReason) -> None:
    """By the register itself, in the log of the organisation. One that was stopped or changed meanwhile is left as it is."""
    webhook = session.scalar(sa.select(Webhook).where(Webhook.id == webhook_id, Webhook.status == WebhookStatus.ACTIVE).with_for_update(key_share=True))
    if webhook is None:
        return
    change(session, webhook, {"status": WebhookStatus.DISABLED, "reason": reason})
    actor = replace(the_system("webhook"), organisation_id=webhook.organisation_id, central=False)
    audit.record(session, actor, "webhook.disabled", "webhook", webhook_id, details={"reason": reason.value})


def send_test(session: Session, actor: Actor, webhook_id: UUID) -> WebhookDelivery:
    """Send an event that says nothing, to see whether it arrives. Raises NotAllowed, NotFound, WebhookEnded."""
    require(actor, Right.MANAGE_WEBHOOKS)
    _locked(session, actor, webhook_id)
    session.execute(LOCK_LANES, {"webhook_ids": [webhook_id]})
    said = {"action": events.TEST, "kind": events.WEBHOOK, "subject_id": webhook_id, "lane": webhook_id}
    delivery = WebhookDelivery(webhook_id=webhook_id, event_id=f"test-{uuid4()}", occurred_at=clock.now(), **said)
    session.add(delivery)
    session.flush()
    session.execute(PROMOTE, {"webhook_id": webhook_id, "lanes": [webhook_id]})
    session.refresh(delivery)
    audit.record(session, actor, "webhook.tested", "webhook", webhook_id)
    return delivery


@dataclass(frozen=True, slots=True)
class Which:
    """What to send again: one event, or all that happened since a moment, or, with neither, all that was given up."""

    event_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """``more``: there are more than one request sends; those that happened since ``until`` are still to be asked for."""

    count: int
    more: bool
    until: datetime | None


def replay(session: Session, actor: Actor, webhook_id: UUID, which: Which) -> Replayed:
    """Send again, with the same id and in the order of their dwelling. What is not settled yet is left to its own course.

    Raises NotAllowed, NotFound, WebhookEnded.
    """
    require(actor, Right.MANAGE_WEBHOOKS)
    _locked(session, actor, webhook_id)
    session.execute(LOCK_LANES, {"webhook_ids": [webhook_id]})
    chosen = session.execute(_chosen(webhook_id, which).limit(MOST_REPLAYED + 1)).all()
    if which.event_id is not None and not chosen:
        _known(session, webhook_id, which.event_id)
    again = chosen[:MOST_REPLAYED]
    anew = {"status": DeliveryStatus.WAITING, "settled_at": None, "attempts_before": WebhookDelivery.attempts}
    session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.id.in_([row.id for row in again])).values(anew))
    session.execute(PROMOTE, {"webhook_id": webhook_id, "lanes": list({row.lane for row in again})})
    audit.record(session, actor, "webhook.replayed", "webhook", webhook_id, details={"count": len(again)})
    return Replayed(len(again), len(chosen) > MOST_REPLAYED, again[-1].occurred_at if again else None)


def _chosen(webhook_id: UUID, which: Which) -> sa.Select[int, UUID, datetime]:
    columns = (WebhookDelivery.id, WebhookDelivery.lane, WebhookDelivery.occurred_at)
    query = sa.select(*columns).where(WebhookDelivery.webhook_id == webhook_id).order_by(WebhookDelivery.occurred_at, WebhookDelivery.id)
    settled = WebhookDelivery.status.in_((DeliveryStatus.DELIVERED, DeliveryStatus.DEAD))
    if which.event_id is not None:
        return query.where(WebhookDelivery.event_id == which.event_id, settled)
    if which.since is not None:
        return query.where(WebhookDelivery.occurred_at >= which.since, settled)
    return query.where(WebhookDelivery.status == DeliveryStatus.DEAD)


def _known(session: Session, webhook_id: UUID, event_id: str) -> None:
    """Raises NotFound."""
    query = sa.select(WebhookDelivery.id).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.event_id == event_id)
    if session.scalar(query) is None:
        raise NotFound(what="event", id=event_id)


def _locked(session: Session, actor: Actor, webhook_id: UUID) -> Webhook:
    """Raises NotFound, WebhookEnded."""
    query = sa.select(Webhook).where(Webhook.id == webhook_id, Webhook.organisation_id == actor.organisation_id).with_for_update(key_share=True)
    webhook = session.scalar(query)
    if webhook is None:
        raise NotFound(what="webhook", id=webhook_id)
    if webhook.status is WebhookStatus.ENDED:
        raise WebhookEnded(id=webhook_id)
    return webhook
