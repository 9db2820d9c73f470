"""The API with little patience, so that a test of it need not wait for long: `gunicorn … tests.faults.impatient:app`."""

from typing import TYPE_CHECKING

from api import bodies

if TYPE_CHECKING:
    from flask import Flask

STALL_S = 3.0
PACE_WINDOW_S = 5.0


def app() -> "Flask":
    """For gunicorn to call."""
    bodies.STALL_S, bodies.TICK_S, bodies.PACE_WINDOW_S = STALL_S, STALL_S / 3, PACE_WINDOW_S
    from api.wsgi import app

    return app
