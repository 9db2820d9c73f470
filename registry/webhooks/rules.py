"""What a webhook may be, what it is told and how often that is tried: pure functions."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

from registry.access import Actor, Role
from registry.errors import Fault
from registry.organisations.model import OrganisationKind
from registry.webhooks.addresses import Network, as_address, may_connect
from registry.webhooks.model import DeliveryError

ROLES: Mapping[OrganisationKind, Role] = MappingProxyType(
    {
        OrganisationKind.CORPORATION: Role.CORPORATION_EDITOR,
        OrganisationKind.MUNICIPALITY: Role.MUNICIPALITY_EDITOR,
        OrganisationKind.INSPECTION_BODY: Role.REVIEWER,
    }
)
"""In which role a webhook reads the change feed. The ministry has none: see MinistryHasNoWebhooks."""
LONGEST_URL = 1000
MOST_EVENTS = 50
MOST_WEBHOOKS = 20
"""Of an organisation, not counting those that have ended."""
MOST_SECRETS = 3
"""In force at the same time."""
OLD_SECRET_LASTS = timedelta(hours=24)
EVENT = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)?")
"""A word of the audit log, or what such words begin with: ``milestone`` or ``milestone.confirmed``."""
HTTPS_PORT, HTTP_PORT, FIRST_USER_PORT, LAST_PORT = 443, 80, 1024, 65535
_NEVER_IN_A_URL = frozenset(" \\<>\"'`{}|^")
HOST_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""At least two labels, in small letters, the last one no number: ``2130706433`` and ``0x7f.1`` are addresses to a resolver."""
LONGEST_HOST_NAME = 253

BACK_OFF: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After each failed attempt, as Standard Webhooks recommends; after the last, the delivery is dead."""
JITTER = 0.2
"""As a part of the wait, added to it: those that failed together don't come back together."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
FAILS_FOR = timedelta(days=5)
"""A receiver that took nothing for so long is not told any more."""
REFUSED_FOR_GOOD = frozenset({413, 422})
"""Statuses that say that the receiver has read this event and will never take it."""
GONE = 410
TRIES_BEFORE_REST = 10
"""Failures after each other, nothing taken between them, before the receiver is left alone for a while."""
SHORTEST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)


def told_as(webhook_id: UUID, organisation_id: UUID, kind: OrganisationKind, municipality_code: str | None) -> Actor:
    """Who reads the feed for a webhook: somebody of its organisation, in the role in which its people see the register."""
    return Actor(webhook_id, organisation_id, ROLES[kind], "webhook", municipality_code)


def check_url(url: str, allowed: Sequence[Network]) -> list[Fault]:
    """Where the name leads is judged when the register connects; an address that is written out is judged at once."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return [Fault("/url", "webhook-url-wrong")]
    if parts.scheme not in ("https", "http") or not url.isascii() or not url.isprintable() or set(url) & _NEVER_IN_A_URL:
        return [Fault("/url", "webhook-url-wrong")]
    if "[" in parts.netloc and ":" not in host:  # a form of address to come (RFC 3986), or nonsense
        return [Fault("/url", "webhook-url-wrong")]
    faults = []
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        faults.append(Fault("/url", "webhook-url-user"))
    if "#" in url:
        faults.append(Fault("/url", "webhook-url-fragment"))
    if parts.scheme == "http" and not allowed:
        faults.append(Fault("/url", "webhook-url-https"))
    if port is not None and port not in (HTTPS_PORT, HTTP_PORT) and not FIRST_USER_PORT <= port <= LAST_PORT:
        faults.append(Fault("/url", "webhook-url-port", {"port": port}))
    return faults + _check_host(host, encrypted=parts.scheme == "https", allowed=allowed)


def _check_host(host: str, *, encrypted: bool, allowed: Sequence[Network]) -> list[Fault]:
    try:
        address = as_address(host)
    except ValueError:
        named = HOST_NAME.fullmatch(host) is not None and len(host) <= LONGEST_HOST_NAME and not host.endswith((".localhost", ".local", ".internal"))
        return [] if named or (allowed and host == "localhost") else [Fault("/url", "webhook-url-host", {"host": host})]
    if "%" in host or not may_connect(address, encrypted=encrypted, allowed=allowed):
        return [Fault("/url", "webhook-url-private", {"host": host})]
    return []


def check_events(events: Sequence[str]) -> list[Fault]:
    return [Fault(f"/events/{place}", "wrong-form", {"form": "milestone.confirmed"}) for place, event in enumerate(events) if not EVENT.fullmatch(event)]


def wants(events: Sequence[str], action: str) -> bool:
    """Whether a webhook wants to hear of ``action``: all when it names none, else what it names in full or by the word before the dot."""
    return not events or action in events or action.partition(".")[0] in events


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt: the status and the beginning of an answer, or an error when there was none. ``retry_after_s`` is what was asked for."""

    status: int | None
    text: str | None = None
    error: DeliveryError | None = None
    retry_after_s: int | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def next_attempt(answer: Answer, tries: int, now: datetime, *, chance: float | None = None) -> datetime | None:
    """When to try again after ``tries`` failed attempts; None when never. ``chance`` is from 0 to 1, drawn when it is not given."""
    if answer.status in REFUSED_FOR_GOOD or tries > len(BACK_OFF):
        return None
    wait = BACK_OFF[tries - 1] * (1 + JITTER * (random.random() if chance is None else chance))  # noqa: S311 (no secret)
    asked = timedelta(seconds=answer.retry_after_s or 0)
    return now + max(wait, min(asked, LONGEST_RETRY_AFTER))


def rest(failures: int, now: datetime) -> datetime | None:
    """Until when to leave a receiver alone that has failed this often after each other, whatever is still to be told."""
    if failures < TRIES_BEFORE_REST:
        return None
    longer: int = 2 ** min(failures - TRIES_BEFORE_REST, 10)
    return now + min(SHORTEST_REST * longer, LONGEST_REST)
