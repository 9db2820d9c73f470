"""The worker: runs the jobs that changes leave behind."""

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

import procrastinate
import structlog

from registry import attempts, clock, idempotency, jobs
from registry.db import database, transaction
from registry.errors import Unavailable
from registry.imports import forgetting
from registry.imports import runs as imports
from registry.imports.model import ImportBuiltOn
from registry.inspections.completeness import settle_again
from registry.members import sign_in
from registry.photos.destruction import destroy_due
from registry.photos.examine import examine, try_again
from registry.photos.keeping import delete_image, delete_surplus, expire_uploads, forget_uploads
from registry.photos.receiving import finish_later
from registry.photos.sweep import sweep
from registry.reports import making
from registry.settings import Settings
from registry.webhooks import delivery, sending

log = structlog.get_logger()

CONCURRENCY = 2
PATIENCE = procrastinate.RetryStrategy(max_attempts=17, exponential_wait=2, retry_exceptions=[Unavailable])
"""A job that can't reach the database or the object store is tried again for three days, at growing intervals."""
HEARTBEAT_S = 5.0
SILENT_S = 15.0
"""A worker that has been silent this long is dead; what it was doing is done again."""


def run(config: Settings) -> None:
    """Work until told to stop (SIGTERM, SIGINT); a job under way is finished first."""
    logging.basicConfig(level=logging.WARNING)
    # An import says on a second connection how far it is, and finds its next rows on a third.
    database.connect(config.database_url, pool_size=3 * CONCURRENCY + 1 + sending.CONNECTIONS)
    queue = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=config.database_url, min_size=1, max_size=4))
    _tasks(queue)
    _keep_photos(queue, config)
    _make_reports(queue)
    _import(queue)
    _keep_deliveries(queue)
    asyncio.run(_work(queue, config))


async def _work(queue: procrastinate.App, config: Settings) -> None:
    stopping = asyncio.Event()
    async with queue.open_async():
        watching = asyncio.create_task(_watch(queue))
        telling = asyncio.create_task(sending.run(config, stopping))
        log.info("worker-started")
        try:
            await queue.run_worker_async(
                concurrency=CONCURRENCY, delete_jobs="successful", update_heartbeat_interval=HEARTBEAT_S, stalled_worker_timeout=SILENT_S
            )
        finally:
            stopping.set()
            await telling
            watching.cancel()


async def _watch(queue: procrastinate.App) -> None:
    """Look for the jobs of dead workers as often as a living one gives a sign."""
    while True:
        try:
            await _take_over(queue)
        except procrastinate.exceptions.ConnectorException as error:
            log.warning("take-over-failed", cause=str(error))
        await asyncio.sleep(HEARTBEAT_S)


async def _take_over(queue: procrastinate.App) -> None:
    """Let the jobs of workers that died be done again; each job may be done twice without harm."""
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_S):
        log.warning("job-taken-over", task=job.task_name, job=job.id)
        await queue.job_manager.retry_job(job)


def _tasks(queue: procrastinate.App) -> None:
    @queue.task(name=jobs.FINISH_UPLOAD, retry=PATIENCE)
    def finish_upload(upload_id: str) -> None:
        finish_later(UUID(upload_id))

    @queue.task(name=jobs.EXAMINE_IMAGE, retry=PATIENCE)
    def examine_image(image_id: str) -> None:
        examine(UUID(image_id))

    @queue.periodic(cron="*/30 * * * *")
    @queue.task(name="inspections.settle", queueing_lock="inspections.settle")
    def settle_inspections(timestamp: int) -> None:  # noqa: ARG001
        if count := settle_again():
            log.warning("inspections-settled-late", count=count)

    @queue.periodic(cron="*/10 * * * *")
    @queue.task(name="images.try-again", queueing_lock="images.try-again")
    def try_images_again(timestamp: int) -> None:  # noqa: ARG001
        if count := try_again():
            log.info("images-tried-again", count=count)

    @queue.periodic(cron="57 3 * * *")
    @queue.task(name="images.forget-failures", queueing_lock="images.forget-failures")
    def forget_failed_examinations(timestamp: int) -> None:  # noqa: ARG001
        """What was given up is tried again once a day."""
        with transaction() as session:
            jobs.forget_failed(session, jobs.EXAMINE_IMAGE)

    @queue.periodic(cron="17 3 * * *")
    @queue.task(name="idempotency.forget", queueing_lock="idempotency.forget")
    def forget_answers(timestamp: int) -> None:  # noqa: ARG001
        with transaction() as session:
            log.info("answers-forgotten", count=idempotency.forget_before(session, clock.now() - idempotency.KEPT_FOR))

    @queue.periodic(cron="37 3 * * *")
    @queue.task(name="credentials.forget", queueing_lock="credentials.forget")
    def forget_credentials(timestamp: int) -> None:  # noqa: ARG001
        with transaction() as session:
            log.info("credentials-forgotten", count=sign_in.forget_before(session, clock.now() - sign_in.KEPT_FOR))

    @queue.periodic(cron="47 3 * * *")
    @queue.task(name="attempts.forget", queueing_lock="attempts.forget")
    def forget_attempts(timestamp: int) -> None:  # noqa: ARG001
        with transaction() as session:
            log.info("attempts-forgotten", count=attempts.forget_before(session, clock.now() - attempts.KEPT_FOR))


def _keep_photos(queue: procrastinate.App, config: Settings) -> None:
    """What must go, goes; what must stay is looked after."""

    @queue.task(name=jobs.DELETE_SURPLUS, retry=PATIENCE)
    def delete_surplus_object(key: str) -> None:
        delete_surplus(key)

    @queue.task(name=jobs.DELETE_IMAGE, retry=PATIENCE)
    def delete_destroyed_image(image_id: str) -> None:
        delete_image(UUID(image_id))

    @queue.periodic(cron="*/5 * * * *")
    @queue.task(name="uploads.expire", queueing_lock="uploads.expire")
    def expire(timestamp: int) -> None:  # noqa: ARG001
        if count := expire_uploads():
            log.info("uploads-expired", count=count)

    @queue.periodic(cron="57 3 * * *")
    @queue.task(name="uploads.forget", queueing_lock="uploads.forget")
    def forget(timestamp: int) -> None:  # noqa: ARG001
        log.info("uploads-forgotten", count=forget_uploads())

    @queue.periodic(cron="7 1 * * *")
    @queue.task(name="objects.sweep", queueing_lock="objects.sweep")
    def sweep_objects(timestamp: int) -> None:  # noqa: ARG001
        sweep()

    @queue.periodic(cron="7 4 * * *")
    @queue.task(name="photos.destroy-due", queueing_lock="photos.destroy-due")
    def destroy_due_photos(timestamp: int) -> None:  # noqa: ARG001
        done = destroy_due(retention_years=config.photo_retention_years)
        log.info("photos-destroyed", **{ground.value: count for ground, count in done.items()})


def _make_reports(queue: procrastinate.App) -> None:
    @queue.task(name=jobs.MAKE_REPORT, retry=PATIENCE)
    def make_report(report_id: str) -> None:
        making.make(UUID(report_id))

    @queue.task(name=jobs.FORGET_REPORTS, retry=PATIENCE)
    def forget_reports(inspection_id: str) -> None:
        making.forget(UUID(inspection_id))


def _keep_deliveries(queue: procrastinate.App) -> None:
    @queue.periodic(cron="27 4 * * *")
    @queue.task(name="webhooks.forget", queueing_lock="webhooks.forget")
    def forget_deliveries(timestamp: int) -> None:  # noqa: ARG001
        log.info("webhook-deliveries-forgotten", count=delivery.forget())


def _import(queue: procrastinate.App) -> None:
    @queue.task(name=jobs.TRY_IMPORT, retry=PATIENCE)
    def try_import(import_id: str) -> None:
        imports.try_out(UUID(import_id))

    @queue.task(name=jobs.APPLY_IMPORT, retry=PATIENCE)
    def apply_import(import_id: str) -> None:
        imports.apply(UUID(import_id))

    @queue.task(name=jobs.UNDO_IMPORT, retry=PATIENCE)
    def undo_import(import_id: str) -> None:
        with suppress(ImportBuiltOn):  # it says so itself, to whoever asked
            imports.undo(UUID(import_id))

    @queue.periodic(cron="27 4 * * *")
    @queue.task(name="imports.forget", queueing_lock="imports.forget")
    def forget_imports(timestamp: int) -> None:  # noqa: ARG001
        log.info("imports-forgotten", count=forgetting.forget(), swept=forgetting.sweep())
