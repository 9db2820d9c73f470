"""Which report of an inspection is kept, and whether it still tells what is so."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.errors import Conflict, Unavailable
from registry.inspections import comparison, queries
from registry.inspections.comparison import NothingToCompare
from registry.inspections.model import Inspection, Occasion
from registry.photos.files import File
from registry.reports import rendering
from registry.reports.model import Report, ReportLanguage, ReportState

PDF: Final = "application/pdf"
HTML: Final = "text/html"
TRIED_AGAIN_AFTER: Final = timedelta(minutes=5)


class ReportNeedsSubmission(Conflict):
    """Nothing of the inspection was submitted yet, so there is nothing to report."""

    code = "report-needs-submission"


class ReportFailed(Unavailable):
    """The report could not be made of what there is now; it is tried again later."""

    code = "report-failed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One report: of an inspection, compared with an earlier visit when there is one that the reader sees, in one language."""

    inspection_id: UUID
    baseline_id: UUID | None
    language: ReportLanguage


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a report. ``source_digest`` is that of what there is now."""

    wanted: Wanted
    dwelling_id: UUID
    source_digest: bytes
    report: Report | None

    @property
    def is_current(self) -> bool:
        return self.report is not None and self.report.pdf_key is not None and self.report.source_digest == self.source_digest

    @property
    def has_failed(self) -> bool:
        return self.report is not None and self.report.state is ReportState.FAILED and self.report.source_digest == self.source_digest

    def file(self, content_type: str) -> File:
        """The report of this kind, when it `is_current`. Its name says nothing of the address."""
        assert self.report is not None
        key, size = (self.report.pdf_key, self.report.pdf_bytes) if content_type == PDF else (self.report.html_key, self.report.html_bytes)
        ending = "pdf" if content_type == PDF else "html"
        name = f"inspection-{self.wanted.inspection_id}-{self.wanted.language.value}.{ending}"
        return File(str(key), name, content_type, f"{self.source_digest.hex()}-{ending}", size)


def get(session: Session, actor: Actor, inspection_id: UUID, language: ReportLanguage) -> Kept:
    """Raises NotAllowed, NotFound, ReportNeedsSubmission."""
    inspection = queries.get(session, actor, inspection_id)
    wanted = Wanted(inspection_id, baseline_of(session, actor, inspection), language)
    digest = source_digest(session, wanted)
    if digest is None:
        raise ReportNeedsSubmission(id=inspection_id)
    return Kept(wanted, inspection.dwelling_id, digest, session.scalar(of(wanted)))


def of(wanted: Wanted) -> "sa.Select[Report]":
    return sa.select(Report).where(
        Report.inspection_id == wanted.inspection_id, Report.baseline_id.is_not_distinct_from(wanted.baseline_id), Report.language == wanted.language
    )


def baseline_of(session: Session, actor: Actor, inspection: Inspection) -> UUID | None:
    """The visit that a completion is compared with: the newest baseline before it of those that the actor sees."""
    if inspection.occasion is not Occasion.COMPLETION:
        return None
    try:
        return comparison.baseline_before(session, actor, inspection).id
    except NothingToCompare:
        return None


def source_digest(session: Session, wanted: Wanted) -> bytes | None:
    """The sha256 of all that the report tells and of how it is told; None while nothing was submitted."""
    found = session.scalar(sa.select(sa.func.report_source(wanted.inspection_id, wanted.baseline_id, type_=sa.LargeBinary)))
    return sha256(found + rendering.version() + wanted.language.value.encode()).digest() if found else None
