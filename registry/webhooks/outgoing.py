"""Sending to an address that somebody else chose: no further than it may go, no longer than it may take, and nothing believed of what comes back."""

import asyncio
import email.utils
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import TypeAlias
from urllib.parse import urlsplit

import httpcore

from registry import clock
from registry.webhooks.addresses import Address, Network, as_address, may_connect
from registry.webhooks.model import DeliveryError
from registry.webhooks.rules import Answer

ATTEMPT_S = 15.0
"""An attempt is given up after this, whatever the receiver does meanwhile."""
CONNECT_S, ANSWER_S = 5.0, 10.0
ANSWER_BYTES, ANSWER_KEPT = 4096, 500
"""Bytes of an answer that are read, and characters that are kept of them."""
MOST_ADDRESSES = 3
"""Of a name, that are tried after each other."""
IDLE_S = 10.0
"""A connection is kept open for the next event for so long."""
RESOLVERS = 8

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class AddressRefused(Exception):
    """The name leads where the register does not connect to."""


class NameUnknown(Exception):
    """The name leads nowhere."""


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged, not to names: what a name leads to a moment later does not matter.

    TLS still is for the name: the certificate must be its own. When one address of a name may not be connected to, none is: such a name is a trap.
    """

    def __init__(self, resolve: Resolve, allowed: Sequence[Network], *, encrypted: bool) -> None:
        self._resolve, self._allowed, self._encrypted = resolve, allowed, encrypted
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused, NameUnknown, httpcore.ConnectError, httpcore.ConnectTimeout."""
        last: Exception = NameUnknown(host)
        for address in await self._judged(host.strip("[]"), port):
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def _judged(self, host: str, port: int) -> Sequence[Address]:
        addresses = list(dict.fromkeys(map(as_address, await self._resolve(host, port))))
        if not all(may_connect(address, encrypted=self._encrypted, allowed=self._allowed) for address in addresses):
            raise AddressRefused(host)
        return addresses[:MOST_ADDRESSES]


class Outgoing:
    """Connections to receivers, kept open between events. ``resolve`` gives the addresses of a name, as text."""

    def __init__(self, allowed: Sequence[Network], *, most: int, resolve: Resolve | None = None, trusting: ssl.SSLContext | None = None) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")
        context = trusting or ssl.create_default_context()
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=most,
                keepalive_expiry=IDLE_S,
                network_backend=Guarded(resolve or self._look_up, allowed, encrypted=scheme == "https"),
            )
            for scheme in ("https", "http")
        }

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of it; never raises for what a receiver or a name server does."""
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._post(url, headers, body)
        except AddressRefused:
            return Answer(None, error=DeliveryError.ADDRESS_REFUSED)
        except NameUnknown:
            return Answer(None, error=DeliveryError.NAME_UNKNOWN)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(None, error=DeliveryError.TIMED_OUT)
        except (httpcore.NetworkError, ssl.SSLError, OSError):
            return Answer(None, error=DeliveryError.CONNECTION_FAILED)
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, UnicodeError, ValueError):
            return Answer(None, error=DeliveryError.PROTOCOL)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        waits = {"timeout": {"connect": CONNECT_S, "write": ANSWER_S, "read": ANSWER_S, "pool": ATTEMPT_S}}
        plain = {"Accept-Encoding": "identity", "User-Agent": "dwelling-registry", **headers}
        pool = self._pools[urlsplit(url).scheme]
        async with pool.stream("POST", url, headers=list(plain.items()), content=body, extensions=waits) as response:
            answer = bytearray()
            async for piece in response.aiter_stream():
                answer += piece
                if len(answer) >= ANSWER_BYTES:
                    break
            return Answer(response.status, _kept(answer), retry_after_s=_retry_after_s(response.headers))

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        """Raises NameUnknown."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            raise NameUnknown(host) from error
        return [str(address[0]) for *_, address in found]


def _kept(answer: bytearray) -> str:
    """What PostgreSQL can keep and a page can show."""
    text = bytes(answer[:ANSWER_BYTES]).decode("utf-8", "replace")
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)[:ANSWER_KEPT]


def _retry_after_s(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Of the header, in seconds or as a date (RFC 9110, section 10.2.3)."""
    given = next((value for name, value in headers if name.lower() == b"retry-after"), b"").decode("ascii", "replace").strip()
    if given.isascii() and given.isdigit():
        return int(given[:9])
    try:
        moment = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((aware - clock.now()).total_seconds()))
