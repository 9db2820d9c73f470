"""Webhooks with real commits: an organisation with dwellings, and the worker's loop in a thread."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from uuid import UUID

import sqlalchemy as sa

from registry.access import Actor, Role
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import WORKER_ROLE, database, transaction
from registry.organisations.model import Organisation, OrganisationKind
from registry.settings import Settings, settings
from registry.webhooks import commands, sending
from registry.webhooks.commands import Wanted
from registry.webhooks.model import DeliveryStatus, WebhookDelivery
from registry.webhooks.outgoing import Outgoing
from tests import makers
from tests.owner import as_owner

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass(frozen=True, slots=True)
class Firm:
    """A corporation with an administrator, and dwellings in its portfolio."""

    organisation: Organisation
    administrator: Actor
    dwellings: Sequence[UUID]


def a_firm(count: int = 3, *, kind: OrganisationKind = OrganisationKind.CORPORATION, code: str | None = None) -> Firm:
    with as_owner() as session:
        makers.a_municipality(session)
        organisation = makers.an_organisation(session, kind=kind, municipality_code=code)
        administrator, _ = makers.a_member(session, Role.ADMINISTRATOR, organisation)
        held = organisation if kind is OrganisationKind.CORPORATION else None
        dwellings = [makers.a_dwelling(session, held_by=held).id for _ in range(count)]
    return Firm(organisation, administrator, dwellings)


def a_webhook(firm: Firm, url: str, *events: str) -> tuple[UUID, str]:
    """Its id and secret."""
    with as_owner() as session:
        webhook, _, secret = commands.create(session, firm.administrator, Wanted("test", url, events), id=None, allowed=LOOPBACK)
    assert secret
    return webhook.id, secret


def happen(dwellings: Sequence[UUID], action: str | None = "dwelling.amended", code: str = makers.HEERLEN) -> None:
    """Something happens at each dwelling, in one transaction."""
    with transaction() as session:
        announce_each(session, ChangeKind.DWELLING, [(id, code, None) for id in dwellings], action=action)


def undelivered(webhook_id: UUID) -> int:
    query = sa.select(sa.func.count()).where(
        WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.status.in_((DeliveryStatus.WAITING, DeliveryStatus.PENDING))
    )
    with as_owner() as session:
        return session.scalars(query).one()


def configured(**more: object) -> Settings:
    return replace(settings(), webhook_allowed_networks=LOOPBACK, webhook_source="https://register.example.nl", **more)  # type: ignore[arg-type]


@contextmanager
def sending_to(**more: object) -> Iterator[None]:
    """The worker's loop, as the worker's database role, until the end of the block."""
    ready, loop_of = threading.Event(), {}

    def work() -> None:
        async def main() -> None:
            loop_of["loop"], loop_of["stopping"] = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await sending.run(configured(), loop_of["stopping"], outgoing=Outgoing(LOOPBACK, most=64, **more))  # type: ignore[arg-type]

        asyncio.run(main())

    before, database.role = database.role, WORKER_ROLE
    thread = threading.Thread(target=work)
    thread.start()
    try:
        ready.wait(5)
        yield
    finally:
        loop_of["loop"].call_soon_threadsafe(loop_of["stopping"].set)
        thread.join(20)
        database.role = before
        assert not thread.is_alive()
