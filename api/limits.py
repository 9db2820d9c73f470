"""How many requests a caller may make: per token or session, and per address for whoever has none that is valid.

Counted in this process alone, so what a caller can really do is the limit times the number of API processes. That is meant: these limits keep one
caller from using up the register, and a count in the database for each request would cost more than it saves. Attempts to sign in are counted in the
database instead (`registry.attempts`), over all processes.
"""

import time
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from math import ceil

from flask import g, request
from limits import RateLimitItem, parse

from api.addresses import counted, remote_address
from api.auth import SESSION_COOKIE, bearer_token
from registry.errors import TooManyRequests
from registry.settings import settings

MOST_CALLERS = 20_000
"""Callers remembered in each of the two counts, about 4 MB. Over it the one whose window ends first is forgotten, and starts anew."""
UNLIMITED = parse(f"{10**9}/minute")


class Counts:
    """Requests of each caller, in a window that begins with its first request.

    Not the memory storage of `limits`: that one has no upper bound, and looks at all its keys every hundredth of a second in which it is used.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[bytes, tuple[float, int]] = {}
        """When it ends and how many were counted; in the order of ending, because all windows of one count are equally long."""

    def __contains__(self, key: bytes) -> bool:
        return key in self._windows

    def hit(self, key: bytes, rate: RateLimitItem) -> float:
        """Count one request; the seconds to wait, 0 when there is room for it."""
        now = self._now()
        ends, count = self._windows.get(key, (now, 0))
        if ends <= now:
            self.forget(key)
            while len(self._windows) >= MOST_CALLERS:
                self.forget(next(iter(self._windows)))
            ends, count = now + rate.get_expiry(), 0
        self._windows[key] = ends, count + 1
        return ends - now if count >= rate.amount else 0

    def wait(self, key: bytes, rate: RateLimitItem) -> float:
        """The seconds to wait before another request, without counting one."""
        now = self._now()
        ends, count = self._windows.get(key, (now, 0))
        return max(ends - now, 0) if count >= rate.amount else 0

    def forget(self, key: bytes) -> None:
        self._windows.pop(key, None)

    def clear(self) -> None:
        self._windows.clear()


callers = Counts()
"""Those whose token or session was valid, by its digest."""
addresses = Counts()


def admit() -> None:
    """Count this request before anything is done for it. Raises TooManyRequests.

    A credential that this process has seen to be valid has a count of its own, so nobody who shares its address can use up its room. One that
    is not known yet is let through to be examined only while its address has room.
    """
    credential = _credential()
    if credential is None:
        _refuse(addresses.hit(_address(), _address_rate()))
    elif credential in callers:
        _refuse(callers.hit(credential, _caller_rate()))
    else:
        _refuse(addresses.wait(_address(), _address_rate()))
        g.not_counted_yet = True


def count_what_was_not() -> None:
    """A request that ended before anybody asked whether its credential is valid counts for its address."""
    if g.pop("not_counted_yet", False):
        addresses.hit(_address(), _address_rate())


def admit_address() -> None:
    """Count this request for its address, whatever it shows: for pages, of which the first ones know nobody. Raises TooManyRequests."""
    _refuse(addresses.hit(_address(), _address_rate()))


def recognised() -> None:
    """The credential of this request turned out to be valid."""
    g.pop("not_counted_yet", None)
    credential = _credential()
    if credential is not None and credential not in callers:
        callers.hit(credential, _caller_rate())


def not_recognised() -> None:
    """The credential of this request turned out not to be valid: it counts for the address. Raises TooManyRequests."""
    g.pop("not_counted_yet", None)
    credential = _credential()
    if credential is not None:
        callers.forget(credential)
        _refuse(addresses.hit(_address(), _address_rate()))


def _credential() -> bytes | None:
    """The digest of what the caller shows to be known by: the secret itself is never kept."""
    header = request.headers.get("Authorization")
    shown = request.cookies.get(SESSION_COOKIE) if header is None else bearer_token(header)
    return sha256(shown.encode()).digest() if shown else None


def _address() -> bytes:
    return counted(remote_address()).encode()


def _caller_rate() -> RateLimitItem:
    return _rate(settings().rate_limit_token)


def _address_rate() -> RateLimitItem:
    return _rate(settings().rate_limit_address)


@cache
def _rate(text: str) -> RateLimitItem:
    return parse(text) if text else UNLIMITED


def _refuse(wait_s: float) -> None:
    if wait_s > 0:
        raise TooManyRequests(retry_after_s=ceil(wait_s))
