"""The worker: runs the jobs that changes leave behind."""

import logging
from uuid import UUID

import procrastinate
import structlog

from registry import clock, idempotency, jobs
from registry.db import database, transaction
from registry.errors import Unavailable
from registry.photos.examine import examine
from registry.settings import Settings

log = structlog.get_logger()

CONCURRENCY = 2
PATIENCE = procrastinate.RetryStrategy(max_attempts=20, exponential_wait=3, retry_exceptions=[Unavailable])
"""A job that can't reach the database or the object store is tried again for days."""


def run(config: Settings) -> None:
    """Work until told to stop (SIGTERM, SIGINT); a job under way is finished first."""
    logging.basicConfig(level=logging.WARNING)
    database.connect(config.database_url, pool_size=CONCURRENCY + 1)
    queue = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=config.database_url, min_size=1, max_size=3))
    _tasks(queue)
    log.info("worker-started")
    queue.run_worker(concurrency=CONCURRENCY, wait=True, delete_jobs="successful")


def _tasks(queue: procrastinate.App) -> None:
    @queue.task(name=jobs.EXAMINE_PHOTO, retry=PATIENCE)
    def examine_photo(photo_id: str) -> None:
        examine(UUID(photo_id))

    @queue.periodic(cron="17 3 * * *")
    @queue.task(name="idempotency.forget", queueing_lock="idempotency.forget")
    def forget_answers(timestamp: int) -> None:  # noqa: ARG001
        with transaction() as session:
            log.info("answers-forgotten", count=idempotency.forget_before(session, clock.now() - idempotency.KEPT_FOR))
