"""The processing log of a request: about which dwellings it was, and the line that says so before the answer leaves."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from flask import Response, g

from api.auth import trace
from registry import clock
from registry.processing import Activity, Status, log_processing

REFUSED = 400
"""The first status that is no success."""


def begin() -> None:
    """Called as soon as a request is let in."""
    g.processing_began = clock.now()
    g.concerned = set()


def concerns(*dwelling_ids: UUID | None) -> None:
    """Personal data of these dwellings is in the request or its answer."""
    cast("set[UUID]", g.setdefault("concerned", set())).update(id for id in dwelling_ids if id is not None)


def nothing_personal() -> None:
    """This answer has no personal data in it, although others of the same route do."""
    g.processing_began = None


def concerned_in(thing: Any) -> UUID | None:
    """The dwelling that a resource is about, when it says so itself."""
    if isinstance(thing, dict):
        return None
    names = thing if hasattr(thing, "keys") else None
    if names is None:
        return cast("UUID | None", getattr(thing, "dwelling_id", None))
    return cast("UUID | None", thing["id"] if "bag_object_type" in names else thing.get("dwelling_id"))


def log(activity: Activity, response: Response) -> None:
    """Write the lines of this request. Raises Unavailable: what can't be logged is not shown."""
    began = cast("datetime | None", g.get("processing_began"))
    if began is None:
        return  # it was not let in, so nothing was processed
    status = Status.OK if response.status_code < REFUSED else Status.ERROR
    log_processing(activity, cast("set[UUID]", g.concerned), trace=trace(), started=began, status=status)
