"""The job queue in PostgreSQL: a job is enqueued in the transaction of the change it follows, and so exists only if that change does."""

from typing import Final

import procrastinate
from sqlalchemy.orm import Session

EXAMINE_IMAGE: Final = "images.examine"
DELETE_SURPLUS: Final = "objects.delete-surplus"
"""An object that turned out to hold the same bytes as another one."""
FINISH_UPLOAD: Final = "uploads.finish"
"""An upload of which all bytes are here, while the object store was not."""

_names_only = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Used to enqueue by name over the connection of a transaction; it opens no connection of its own."""


def enqueue(session: Session, task: str, *, lock: str | None = None, **arguments: str) -> None:
    """Let a worker run ``task`` with ``arguments`` after this transaction commits. Jobs with the same ``lock`` run one after the other."""
    driver = session.connection().connection.driver_connection
    _names_only.configure_task(task, lock=lock, connection=driver).defer(**arguments)
