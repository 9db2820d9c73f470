"""Asking for a report, which a worker makes."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry import clock, jobs
from registry.access import Actor
from registry.reports import queries
from registry.reports.model import Report, ReportLanguage, ReportState
from registry.reports.queries import TRIED_AGAIN_AFTER, Kept

ASKED_AGAIN_AFTER: Final = timedelta(minutes=15)
"""A job that is not done by then may be lost; asking twice does no harm."""


def request(session: Session, actor: Actor, inspection_id: UUID, language: ReportLanguage = ReportLanguage.DUTCH) -> bool:
    """Let the report be made, unless it is there or on its way; whether it was asked for now. No audit line: nothing in the register changes by it.

    Raises NotAllowed, NotFound, ReportNeedsSubmission.
    """
    kept = queries.get(session, actor, inspection_id, language)
    return False if kept.is_current or _failed_lately(kept) else renew(session, kept)


def renew(session: Session, kept: Kept) -> bool:
    """Let a report be made that is not there, whatever its row says; whether it was asked for now, and not before."""
    wanted, now = kept.wanted, clock.now()
    inspection_id = wanted.inspection_id
    insert = postgresql.insert(Report).values(inspection_id=inspection_id, baseline_id=wanted.baseline_id, language=wanted.language, requested_at=now)
    asked = insert.on_conflict_do_update(
        index_elements=["inspection_id", "language", "baseline_id"],
        set_={"state": ReportState.QUEUED, "requested_at": now},
        where=sa.or_(Report.state != ReportState.QUEUED, Report.requested_at < now - ASKED_AGAIN_AFTER),
    )
    report_id = session.scalar(asked.returning(Report.id))
    if report_id is not None:
        jobs.enqueue(session, jobs.MAKE_REPORT, lock=lock_of(inspection_id), report_id=str(report_id))
    return report_id is not None


def _failed_lately(kept: Kept) -> bool:
    return kept.has_failed and kept.report is not None and kept.report.requested_at > clock.now() - TRIED_AGAIN_AFTER


def lock_of(inspection_id: UUID) -> str:
    """Reports of one inspection are made and forgotten one after the other."""
    return f"reports-{inspection_id}"
