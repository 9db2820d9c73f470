"""How often one may try what can be guessed at: a password, a code, a link. Counted over all processes together (`registry.attempts`)."""

from api.addresses import counted, remote_address
from registry.attempts import hit, key_of
from registry.db import transaction
from registry.errors import TooManyRequests

WINDOW_S = 15 * 60
MOST_FOR_ONE = 10
"""Attempts at one account, code or session from one address within the window."""
MOST_FROM_ADDRESS = 100
"""Attempts at anything of one kind from one address: a whole office may be behind it."""


def count(what: str, at: str) -> None:
    """Count an attempt before it is judged, in a transaction of its own. ``at`` is the account, code or session that is tried.

    Whoever guesses uses up the room of his own address, never that of the account. Raises TooManyRequests, Unavailable.
    """
    address = counted(remote_address())
    with transaction() as session:
        waits = (
            hit(session, key_of(what, at, address), window_s=WINDOW_S, at_most=MOST_FOR_ONE),
            hit(session, key_of(what, address), window_s=WINDOW_S, at_most=MOST_FROM_ADDRESS),
        )
    wait_s = max(wait or 0 for wait in waits)
    if wait_s:
        raise TooManyRequests(retry_after_s=wait_s)
