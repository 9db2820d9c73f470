"""The clock of the phone that sends a request."""

from datetime import datetime

from flask import request

from registry import clock
from registry.errors import Fault, InvalidInput
from registry.inspections.clocks import skew_ms

PHONE_CLOCK = "Phone-Clock"
LONGEST_INSTANT = 40
"""Characters."""


def clock_skew_ms() -> int | None:
    """How far the phone's clock is ahead of ours, by its header; None without that. Raises InvalidInput."""
    given = request.headers.get(PHONE_CLOCK)
    if given is None:
        return None
    try:
        said = datetime.fromisoformat(given[:LONGEST_INSTANT])
        if said.tzinfo is None:
            raise ValueError(given)
        return skew_ms(said, clock.now())
    except (ValueError, OverflowError):
        raise InvalidInput([Fault(PHONE_CLOCK, "not-a-moment")]) from None
