"""The worker's part: reads the feed for the webhooks and sends what is due, several at the same time, until it is told to stop."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from registry import clock
from registry.errors import Unavailable
from registry.settings import Settings
from registry.webhooks import delivery, events, signing
from registry.webhooks.delivery import AT_ONCE, Claim, Result
from registry.webhooks.fanning import Fanning
from registry.webhooks.model import DeliveryError
from registry.webhooks.outgoing import Outgoing
from registry.webhooks.rules import Answer

TICK_S = 0.2
"""How often the feed is looked at when nothing happens. A notification at each commit would be quicker, and is paid by every writer (docs/adr/0025)."""
GATHER_S = 0.02
"""What is answered within this is settled together."""
PAUSE_S = 1.0
"""After a mistake, or without a database."""
LAST_WORDS_S = 3.0
"""For receivers to answer when the worker is told to stop."""
CONNECTIONS = 2
"""To the database: one reads the feed, one settles and claims."""

log = structlog.get_logger()
Value = TypeVar("Value")


async def run(config: Settings, stopping: asyncio.Event, *, outgoing: Outgoing | None = None) -> None:
    """Tell webhooks what changes, until ``stopping`` is set; then within LAST_WORDS_S, and what was on its way is sent again by who comes next."""
    sending = Sending(config, stopping, outgoing or Outgoing(config.webhook_allowed_networks, most=AT_ONCE))
    try:
        await asyncio.gather(sending.read_feed(), sending.send())
    finally:
        await sending.outgoing.close()
        sending.threads.shutdown(wait=False)


@dataclass(slots=True)
class Sending:
    config: Settings
    stopping: asyncio.Event
    outgoing: Outgoing
    made: asyncio.Event = field(default_factory=asyncio.Event)
    """There is something new to be sent."""
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="webhooks"))
    flying: dict[asyncio.Task[Answer], Claim] = field(default_factory=dict)
    landed: list[Result] = field(default_factory=list)

    async def read_feed(self) -> None:
        fanning = Fanning()
        while not self.stopping.is_set():
            made = await self._trying(fanning.turn)
            if made:
                self.made.set()
            else:
                await _either(self.stopping, timeout=PAUSE_S if made is None else TICK_S)

    async def send(self) -> None:
        while not self.stopping.is_set():
            self.made.clear()
            claims = await self._turn(room=AT_ONCE - len(self.flying))
            for claim in claims or ():
                self.flying[asyncio.create_task(self._send(claim))] = claim
            if claims is None:
                await _either(self.stopping, timeout=PAUSE_S)
            elif self.flying:
                await self._landing()
            else:
                await _either(self.stopping, self.made, timeout=TICK_S)
        await self._last_words()

    async def _turn(self, *, room: int) -> list[Claim] | None:
        """What was answered is kept until it is settled, also when the database is away meanwhile."""
        landed, busy = list(self.landed), Counter(claim.webhook_id for claim in self.flying.values())
        claims = await self._trying(lambda: delivery.turn(landed, busy, room=room))
        if claims is not None:
            del self.landed[: len(landed)]
        return claims

    async def _send(self, claim: Claim) -> Answer:
        body = events.body(claim, source=self.config.webhook_source, prefix=self.config.webhook_type_prefix)
        signed = signing.headers(claim.event_id, clock.now(), body, claim.keys)
        try:
            return await self.outgoing.post(claim.url, {"Content-Type": events.CONTENT_TYPE, **signed}, body)
        except asyncio.CancelledError:
            return Answer(None, error=DeliveryError.INTERRUPTED)

    async def _landing(self) -> None:
        """Wait for an answer, or until there may be more to send."""
        waits = {asyncio.create_task(self.made.wait()), asyncio.create_task(self.stopping.wait())}
        await asyncio.wait({*self.flying, *waits}, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.sleep(GATHER_S)
        self._land()

    def _land(self) -> None:
        for task in [task for task in self.flying if task.done()]:
            claim = self.flying.pop(task)
            if task.exception() is not None:
                log.error("webhook-delivery-failed", delivery=claim.id, exc_info=task.exception())
            self.landed.append(Result(claim, Answer(None, error=DeliveryError.PROTOCOL) if task.exception() else task.result()))

    async def _last_words(self) -> None:
        if self.flying:
            await asyncio.wait(self.flying, timeout=LAST_WORDS_S)
            for task in self.flying:
                task.cancel()
            await asyncio.wait(self.flying)
            self._land()
        if self.landed:
            await self._turn(room=0)

    async def _trying(self, work: Callable[[], Value]) -> Value | None:
        """The value, None when it came to nothing: that must not be the end of all deliveries."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, work)
        except Unavailable as error:
            log.warning("webhooks-wait-for-the-database", cause=str(error.__cause__))
        except Exception:
            log.exception("webhooks-failed")
        return None


async def _either(*events: asyncio.Event, timeout: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
