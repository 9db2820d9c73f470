"""Periods of whole days: from ``valid_from`` until the day before ``valid_until``, or for as long as that is empty."""

from datetime import date
from typing import Any

import sqlalchemy as sa

from registry.errors import Fault


def check_period(valid_from: date, valid_until: date | None) -> list[Fault]:
    return [Fault("/validUntil", "ends-before-it-begins")] if valid_until is not None and valid_until < valid_from else []


def holds_on(period: Any, day: Any) -> sa.ColumnElement[bool]:
    """Whether a row of the table ``period`` holds on ``day``, a date or what stands for one in a query."""
    return sa.and_(period.valid_from <= day, sa.or_(period.valid_until.is_(None), period.valid_until > day))
