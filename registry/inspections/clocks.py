"""The clock of a phone, which may be wrong by minutes or by years. Pure.

What a phone says of time is kept as it said it, beside how far its clock was ahead of the register's when it sent it. Nothing is put in order by it: the
order of events is that in which the register received them.
"""

from datetime import datetime, timedelta

from registry.values import EARLIEST_YEAR, LATEST_YEAR

SLOWEST_REQUEST = timedelta(seconds=5)
"""A request on a poor line is that long under way, so that a smaller difference says nothing about the clock."""


def skew_ms(said: datetime, received: datetime) -> int:
    """Milliseconds by which the clock that ``said`` this, when it sent it, is ahead of ours; 0 when the way here explains it."""
    ahead = said - received
    return 0 if abs(ahead) < SLOWEST_REQUEST else ahead // timedelta(milliseconds=1)


def corrected(moment: datetime | None, ahead_ms: int | None) -> datetime | None:
    """What our clock would have said at a moment of a clock that was ahead; None when nothing is known of that clock, or the answer is no date."""
    if moment is None or ahead_ms is None:
        return None
    try:
        right = moment - timedelta(milliseconds=ahead_ms)
    except OverflowError:
        return None
    return right if EARLIEST_YEAR <= right.year <= LATEST_YEAR else None
