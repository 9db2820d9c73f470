"""The job queue in PostgreSQL: a job is enqueued in the transaction of the change it follows, and so exists only if that change does."""

from collections.abc import Iterable
from typing import Final

import procrastinate
import sqlalchemy as sa
from sqlalchemy.orm import Session

EXAMINE_IMAGE: Final = "images.examine"
DELETE_SURPLUS: Final = "objects.delete-surplus"
"""An object that turned out to hold the same bytes as another one."""
DELETE_IMAGE: Final = "images.delete"
"""Original and previews of an image that is destroyed."""
FINISH_UPLOAD: Final = "uploads.finish"
"""An upload of which all bytes are kept: store it, unless that is done."""
MAKE_REPORT: Final = "reports.make"
FORGET_REPORTS: Final = "reports.forget"
"""Every report in which photos of an inspection are shown: one of them was taken back or destroyed."""
TRY_IMPORT: Final = "imports.try"
"""The dry run of a file that was sent: read it, and compare it with the register."""
APPLY_IMPORT: Final = "imports.apply"
UNDO_IMPORT: Final = "imports.undo"

_names_only = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Used to enqueue by name over the connection of a transaction; it opens no connection of its own."""


def enqueue(session: Session, task: str, *, lock: str | None = None, after_s: int = 0, **arguments: str) -> None:
    """Let a worker run ``task`` with ``arguments`` when this transaction has committed, and ``after_s`` seconds have passed.

    Jobs with the same ``lock`` run one after the other.
    """
    driver = session.connection().connection.driver_connection
    later = {"seconds": after_s} if after_s else None
    _names_only.configure_task(task, lock=lock, schedule_in=later, connection=driver).defer(**arguments)


_JOBS = sa.table("procrastinate_jobs", sa.column("task_name", sa.Text), sa.column("lock", sa.Text), sa.column("status", sa.Text))
_STATUS = sa.cast(_JOBS.c.status, sa.Text)


def is_queued(task: str, lock: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a job of this task with this lock waits, also for its next attempt, or is being done; for a worker's queries."""
    return sa.exists().where(_JOBS.c.task_name == task, _JOBS.c.lock == lock, _STATUS.in_(("todo", "doing")))


def is_given_up(task: str, lock: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a job of this task with this lock has failed for good, and is not forgotten yet."""
    return sa.exists().where(_JOBS.c.task_name == task, _JOBS.c.lock == lock, _STATUS == "failed")


def forget_failed(session: Session, task: str, locks: Iterable[str] | None = None) -> None:
    """Remove jobs of this task that were given up, all of them or those with these locks, so that they may be enqueued anew."""
    failed = sa.delete(_JOBS).where(_JOBS.c.task_name == task, _STATUS == "failed")
    session.execute(failed if locks is None else failed.where(_JOBS.c.lock.in_(list(locks))))
