"""The only place that asks what time it is, so that a test can answer."""

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CIVIL_TIME = ZoneInfo("Europe/Amsterdam")
"""A date in the register is a Dutch calendar date; an instant is UTC."""


def now() -> datetime:
    return datetime.now(UTC)


def today() -> date:
    """The calendar date in the Netherlands."""
    return dutch_date(now())


def dutch_date(moment: datetime) -> date:
    """The calendar date in the Netherlands at that moment."""
    return moment.astimezone(CIVIL_TIME).date()


def monotonic() -> float:
    """Seconds from some moment on, never backwards."""
    return time.monotonic()
