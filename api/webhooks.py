"""Webhooks: which systems of an organisation are told what changed, and what was delivered there."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response
from marshmallow import ValidationError, fields, post_load, validates_schema
from sqlalchemy.orm import Session

from api.answers import answer_once, decode_cursor, dump_with, expected_version, json_response, one, page_response
from api.auth import actor
from api.batches import created_or_known
from api.fields import Boolean, Length, List, Moment, OneOf, Said, Schema, String, Uuid
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.settings import settings
from registry.versioned import Outcome
from registry.webhooks import commands, queries
from registry.webhooks.commands import Missed, Wanted, Which
from registry.webhooks.model import DeliveryError, DeliveryStatus, DisabledReason, Webhook, WebhookStatus
from registry.webhooks.rules import LONGEST_URL, MOST_EVENTS

routes = Routes("webhooks", "Systems of an organisation that are told what changed (webhooks)")

LONGEST_NAME, LONGEST_EVENT, LONGEST_EVENT_ID = 120, 80, 80
LARGEST_ID = 2**63 - 1
ONE_OF_THREE = "eventId | since | dead"
SECRET = "Shown once, here; deliveries are signed with it as Standard Webhooks says."  # noqa: S105 (no secret)


class WantedIn(Schema):
    name = String(required=True, validate=Length(1, LONGEST_NAME), metadata={"description": "What it is called in lists."})
    url = String(
        required=True,
        validate=Length(1, LONGEST_URL),
        metadata={"description": "Where events are sent: https, to a public address. Only administrators of the organisation can read it."},
    )
    events = List(
        String(validate=Length(1, LONGEST_EVENT)),
        load_default=list,
        validate=Length(0, MOST_EVENTS),
        metadata={"description": "What it wants to hear: `milestone.confirmed`, or `milestone` for all that begins with it; everything when empty."},
    )

    @post_load
    def wanted(self, data: dict[str, Any], **_: Any) -> Any:
        return Wanted(**data)


class WebhookIn(WantedIn):
    id = Uuid(load_default=None, metadata={"description": "Made by the client, so that sending it again changes nothing."})

    @post_load
    def wanted(self, data: dict[str, Any], **_: Any) -> Any:
        id = data.pop("id")
        return {"id": id, "wanted": Wanted(**data)}


class WebhookOut(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    status = OneOf(WebhookStatus, required=True, metadata={"description": "`disabled` is done by the register, for `reason`; it waits until it is resumed."})
    reason = OneOf(DisabledReason, required=True, allow_none=True)
    recorded_at = Moment(required=True, data_key="recordedAt")
    version = fields.Integer(required=True)


class NewWebhookOut(WebhookOut):
    secret = fields.String(required=True, allow_none=True, metadata={"description": f"{SECRET} Null in the answer to a repeated request: ask for another one."})


class WebhooksOut(Schema):
    items = fields.List(fields.Nested(WebhookOut), required=True)
    next = fields.String(required=True, allow_none=True)


class SecretOut(Schema):
    secret = fields.String(required=True, metadata={"description": SECRET})
    former_until = Moment(required=True, data_key="formerUntil", metadata={"description": "Until then the former secret signs too."})


class SecretInForceOut(Schema):
    recorded_at = Moment(required=True, data_key="recordedAt")
    expires_at = Moment(required=True, allow_none=True, data_key="expiresAt")


class StandingOut(Schema):
    status = OneOf(WebhookStatus, required=True)
    waiting = fields.Integer(required=True, metadata={"description": "Undelivered, also what is on its way."})
    dead = fields.Integer(required=True, metadata={"description": "Given up: `GET …/deliveries?status=dead`."})
    oldest_at = Moment(required=True, allow_none=True, data_key="oldestAt", metadata={"description": "Since when the oldest of them waits."})
    failures = fields.Integer(required=True, metadata={"description": "Attempts that failed since the last one that was taken."})
    failing_since = Moment(required=True, allow_none=True, data_key="failingSince")
    not_before = Moment(required=True, allow_none=True, data_key="notBefore", metadata={"description": "Until then it is left alone, after many failures."})
    last_delivered_at = Moment(required=True, allow_none=True, data_key="lastDeliveredAt")
    secrets = fields.List(fields.Nested(SecretInForceOut), required=True, metadata={"description": "Since when and until when each secret signs."})


class DeliveryOut(Schema):
    id = fields.Integer(required=True, metadata={"description": "In the order in which things happened."})
    event_id = fields.String(required=True, data_key="eventId", metadata={"description": "The `id` of the event and its `webhook-id`."})
    action = fields.String(required=True, metadata={"description": "The `type` of the event, without what it begins with."})
    kind = fields.String(required=True)
    subject_id = fields.UUID(required=True, data_key="subjectId")
    dwelling_id = fields.UUID(required=True, allow_none=True, data_key="dwellingId")
    occurred_at = Moment(required=True, data_key="occurredAt")
    status = OneOf(DeliveryStatus, required=True)
    attempts = fields.Integer(required=True)
    next_attempt_at = Moment(required=True, data_key="nextAttemptAt", metadata={"description": "While it is `pending`."})
    settled_at = Moment(required=True, allow_none=True, data_key="settledAt")
    error = OneOf(DeliveryError, required=True, allow_none=True)
    answer_status = fields.Integer(required=True, allow_none=True, data_key="answerStatus")
    answer = fields.String(required=True, allow_none=True, metadata={"description": "The beginning of what was answered last."})


class DeliveriesOut(Schema):
    items = fields.List(fields.Nested(DeliveryOut), required=True)
    next = fields.String(required=True, allow_none=True)


class DeliveriesQuery(PageQuery):
    status = OneOf(DeliveryStatus, load_default=None)


class ResumeIn(Schema):
    missed = OneOf(Missed, load_default=Missed.TELL, metadata={"description": "What becomes of what changed meanwhile."})


class ReplayIn(Schema):
    """One of the three."""

    event_id = String(load_default=None, allow_none=True, data_key="eventId", validate=Length(1, LONGEST_EVENT_ID))
    since = Moment(load_default=None, allow_none=True, metadata={"description": "All that happened from then on, delivered or given up."})
    dead = Boolean(load_default=False, metadata={"description": "All that was given up."})

    @validates_schema
    def one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if [data["event_id"] is not None, data["since"] is not None, data["dead"]].count(True) != 1:
            raise ValidationError([Said("wrong-form", form=ONE_OF_THREE)])

    @post_load
    def which(self, data: dict[str, Any], **_: Any) -> Which:
        return Which(data["event_id"], data["since"])


class ReplayedOut(Schema):
    count = fields.Integer(required=True)
    more = fields.Boolean(required=True, metadata={"description": "There are more than one request sends again: ask once more, with this `until` as `since`."})
    until = Moment(required=True, allow_none=True, metadata={"description": "When the last of them happened."})


dump = dump_with(WebhookOut())
dump_delivery = dump_with(DeliveryOut())
dump_standing = dump_with(StandingOut())
dump_secret = dump_with(SecretOut())
dump_replayed = dump_with(ReplayedOut())


def _created(webhook: Webhook) -> dict[str, Any]:
    return {**dump(webhook), "secret": None}


@routes.on("GET", "/webhooks", needs=Right.MANAGE_WEBHOOKS, returns=WebhooksOut, query=PageQuery)
def list_webhooks(query: dict[str, Any]) -> Response:
    """The webhooks of the organisation"""
    with reading(actor()) as session:
        return page_response(dump, queries.list_(session, actor(), after=decode_cursor(query["cursor"], UUID), limit=query["limit"]))


@routes.on("POST", "/webhooks", needs=Right.MANAGE_WEBHOOKS, returns=NewWebhookOut, status=201, takes=WebhookIn, tagged=True, once=True)
def create_webhook(body: dict[str, Any]) -> Response:
    """Let a system be told what changes from now on, as far as the organisation sees it"""
    shown: list[str] = []

    def act(session: Session) -> Response:
        webhook, outcome, secret = commands.create(session, actor(), body["wanted"], id=body["id"], allowed=settings().webhook_allowed_networks)
        if outcome is Outcome.CREATED and secret is not None:
            shown.append(secret)
        return one(_created, webhook, version=webhook.version, status=created_or_known(outcome), location=f"/v1/webhooks/{webhook.id}")

    response = answer_once(act)
    for secret in shown:  # added after the answer was kept for repeated requests: the secret is kept nowhere that the API can read
        response.set_data(orjson.dumps({**orjson.loads(response.get_data()), "secret": secret}))
    return response


@routes.on("GET", "/webhooks/<uuid:webhook_id>", needs=Right.MANAGE_WEBHOOKS, returns=WebhookOut, tagged=True)
def get_webhook(webhook_id: UUID) -> Response:
    """One webhook, also one that has ended; never its secret"""
    with reading(actor()) as session:
        found = queries.get(session, actor(), webhook_id)
    return one(dump, found, version=found.version)


@routes.on("PUT", "/webhooks/<uuid:webhook_id>", needs=Right.MANAGE_WEBHOOKS, returns=WebhookOut, takes=WantedIn, tagged=True, versioned=True)
def amend_webhook(wanted: Wanted, webhook_id: UUID) -> Response:
    """Another name, address or choice of events; what is still to be told goes to the new address"""
    with transaction(actor()) as session:
        allowed, expected = settings().webhook_allowed_networks, expected_version()
        changed = commands.amend(session, actor(), webhook_id, wanted, allowed=allowed, expected=expected)
    return one(dump, changed, version=changed.version)


@routes.on("DELETE", "/webhooks/<uuid:webhook_id>", needs=Right.MANAGE_WEBHOOKS, returns=WebhookOut, versioned=True)
def end_webhook(webhook_id: UUID) -> Response:
    """Tell it nothing any more; what was delivered stays to be read for a while"""
    with transaction(actor()) as session:
        return one(dump, ended := commands.end(session, actor(), webhook_id, expected=expected_version()), version=ended.version)


@routes.on("POST", "/webhooks/<uuid:webhook_id>/secret", needs=Right.MANAGE_WEBHOOKS, returns=SecretOut, status=201)
def rotate_webhook_secret(webhook_id: UUID) -> Response:
    """A new secret; for 24 hours the former one signs too, so that the receiver can change over without missing anything"""
    with transaction(actor()) as session:
        secret, until = commands.rotate_secret(session, actor(), webhook_id)
    return json_response(dump_secret({"secret": secret, "former_until": until}), 201)


@routes.on("POST", "/webhooks/<uuid:webhook_id>/pause", needs=Right.MANAGE_WEBHOOKS, returns=WebhookOut, tagged=True, versioned=True)
def pause_webhook(webhook_id: UUID) -> Response:
    """Tell it nothing until it is resumed"""
    with transaction(actor()) as session:
        paused = commands.pause(session, actor(), webhook_id, expected=expected_version())
    return one(dump, paused, version=paused.version)


@routes.on("POST", "/webhooks/<uuid:webhook_id>/resume", needs=Right.MANAGE_WEBHOOKS, returns=WebhookOut, takes=ResumeIn, tagged=True, versioned=True)
def resume_webhook(body: dict[str, Any], webhook_id: UUID) -> Response:
    """Go on where it stopped, or here and now"""
    with transaction(actor()) as session:
        resumed = commands.resume(session, actor(), webhook_id, missed=body["missed"], expected=expected_version())
    return one(dump, resumed, version=resumed.version)


@routes.on("GET", "/webhooks/<uuid:webhook_id>/state", needs=Right.MANAGE_WEBHOOKS, returns=StandingOut, tagged=True)
def get_webhook_state(webhook_id: UUID) -> Response:
    """How a webhook is doing: what waits, what was given up, since when it fails"""
    with reading(actor()) as session:
        found = queries.standing(session, actor(), webhook_id)
    return one(dump_standing, found)


@routes.on("GET", "/webhooks/<uuid:webhook_id>/deliveries", needs=Right.MANAGE_WEBHOOKS, returns=DeliveriesOut, query=DeliveriesQuery)
def list_deliveries(query: dict[str, Any], webhook_id: UUID) -> Response:
    """What was told and is to be told, the newest first; `status=dead` is the dead-letter list"""
    after = decode_cursor(query["cursor"], _number)
    with reading(actor()) as session:
        found = queries.deliveries(session, actor(), webhook_id, status=query["status"], after=after, limit=query["limit"])
    return page_response(dump_delivery, found)


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError(text)
    return number


@routes.on("POST", "/webhooks/<uuid:webhook_id>/replay", needs=Right.MANAGE_WEBHOOKS, returns=ReplayedOut, takes=ReplayIn)
def replay_deliveries(which: Which, webhook_id: UUID) -> Response:
    """Send again: one event, all since a moment, or all that was given up; each with the same id as before"""
    with transaction(actor()) as session:
        replayed = commands.replay(session, actor(), webhook_id, which)
    return json_response(dump_replayed(replayed))


@routes.on("POST", "/webhooks/<uuid:webhook_id>/test", needs=Right.MANAGE_WEBHOOKS, returns=DeliveryOut, status=201)
def test_webhook(webhook_id: UUID) -> Response:
    """Send an event that says nothing, to see whether it arrives"""
    with transaction(actor()) as session:
        return json_response(dump_delivery(commands.send_test(session, actor(), webhook_id)), 201)
