"""What is sent: CloudEvents 1.0 in structured JSON. Ids and links, nothing personal: the receiver fetches what it may see at that moment."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

import orjson

from registry.changes.model import ChangeKind
from registry.db import Json
from registry.values import rfc3339

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
TEST, RESTORED = "webhook.test", "register.restored"
"""Sent to see whether it arrives; and after the register went back to a backup, so that the receiver fetches all anew."""
WEBHOOK = "webhook"
PLACES: Mapping[str, str] = MappingProxyType(
    {
        ChangeKind.DWELLING: "dwellings",
        ChangeKind.TRAJECTORY: "trajectories",
        ChangeKind.INSPECTION: "inspections",
        ChangeKind.PHOTO: "photos",
        ChangeKind.CHECKLIST: "checklists",
        WEBHOOK: "webhooks",
    }
)
"""Where the subject of each kind is in the API."""
SEQUENCE_DIGITS = 20


class Told(Protocol):
    """A delivery, as far as its event is concerned."""

    @property
    def id(self) -> int: ...
    @property
    def event_id(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject_id(self) -> UUID: ...
    @property
    def dwelling_id(self) -> UUID | None: ...
    @property
    def occurred_at(self) -> datetime: ...


def action_of(kind: str, action: str | None) -> str:
    """The word for what happened; only that something changed when the feed does not say what."""
    return action or f"{kind}.changed"


def body(told: Told, *, source: str, prefix: str) -> bytes:
    """The same bytes at each attempt. ``sequence`` is in the order of the feed for one webhook, so a replay is recognised as old."""
    links: dict[str, Json] = {"self": f"{source}/v1/{PLACES[told.kind]}/{told.subject_id}"}
    if told.dwelling_id is not None:
        links["dwelling"] = f"{source}/v1/dwellings/{told.dwelling_id}"
    event: dict[str, Json] = {
        "specversion": "1.0",
        "id": told.event_id,
        "source": source,
        "type": f"{prefix}.{told.action}",
        "subject": str(told.dwelling_id or told.subject_id),
        "time": rfc3339(told.occurred_at),
        "sequence": str(told.id).zfill(SEQUENCE_DIGITS),
        "datacontenttype": "application/json",
        "data": {"kind": told.kind, "id": str(told.subject_id), "dwellingId": str(told.dwelling_id) if told.dwelling_id else None, "links": links},
    }
    return orjson.dumps(event)
