"""What the worker does: makes a report, keeps it, and forgets the reports that a photo was taken out of.

The objects are in the store before the row names them, and a row that is gone meanwhile takes them along. Objects that no row names are removed whenever a
report of the inspection is made or forgotten.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import structlog

from registry import clock, storage
from registry.db import reading, transaction
from registry.errors import Unavailable
from registry.inspections.model import Inspection
from registry.reports import queries, rendering
from registry.reports.building import build
from registry.reports.content import Content, Picture
from registry.reports.model import Report, ReportState
from registry.reports.queries import HTML, PDF, Wanted
from registry.reports.rendering import RenderingFailed
from registry.reports.source import Source, find

REPORTS: Final = "reports/"
RETRY_AFTER_S: Final = 60
COPY_STEP_BYTES: Final = 256 * 1024

log = structlog.get_logger()


def make(report_id: UUID) -> None:
    """Make the report that was asked for, of what is so now. Raises Unavailable."""
    with reading() as session:
        report = session.get(Report, report_id)
        wanted = Wanted(report.inspection_id, report.baseline_id, report.language) if report else None
        digest = queries.source_digest(session, wanted) if wanted else None  # before the rows: what changes after it, makes the report an old one
        source = find(session, wanted.inspection_id, wanted.baseline_id) if wanted and digest else None
    if wanted is None or digest is None or source is None:
        return
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        try:
            files = _rendered(Path(folder), source, wanted)
        except RenderingFailed as failure:
            log.error("report-failed", inspection=str(wanted.inspection_id), complaint=str(failure))
            _record(report_id, {"state": ReportState.FAILED, "source_digest": digest, **dict.fromkeys(("html_key", "html_bytes", "pdf_key", "pdf_bytes"))})
        else:
            _keep(report_id, wanted.inspection_id, digest, files)
    _tidy(wanted.inspection_id)


def forget(inspection_id: UUID) -> None:
    """Remove every report that shows photos of this inspection: its own, and those that compare with it. Raises Unavailable."""
    shows = sa.or_(Report.inspection_id == inspection_id, Report.baseline_id == inspection_id)
    with transaction() as session:
        # A job that is done again finds no rows any more, and so looks at every inspection of the dwelling.
        dwelling = sa.select(Inspection.dwelling_id).where(Inspection.id == inspection_id).scalar_subquery()
        near = session.scalars(sa.select(Inspection.id).where(Inspection.dwelling_id == dwelling)).all()
        session.execute(sa.delete(Report).where(shows))
    for id in near:
        _tidy(id)


def _rendered(folder: Path, source: Source, wanted: Wanted) -> Mapping[str, Path]:
    """The files by media type. Raises RenderingFailed, Unavailable."""
    try:
        content = build(source, wanted.language.value)
    except Exception as error:  # an answer of which nobody thought: the report fails, and its readers hear so
        log.exception("report-not-built", inspection=str(wanted.inspection_id), error=type(error).__name__)
        raise RenderingFailed(type(error).__name__) from error
    photos = folder / "photos"
    photos.mkdir()
    for name in _shown(content):
        _fetch(source.previews[name], photos / name)
    moment = source.review.recorded_at if source.review else source.visit.revision.submitted_at
    pdf, html = rendering.render(folder, content, timestamp=moment)
    return {PDF: pdf, HTML: html}


def _shown(content: Content) -> set[str]:
    """The files of all pictures in it."""
    return {picture.file for picture in _pictures(content) if picture.file}


def _pictures(part: object) -> Iterator[Picture]:
    if isinstance(part, Picture):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _pictures(each)
    elif is_dataclass(part):
        for each in fields(part):
            yield from _pictures(getattr(part, each.name))


def _fetch(key: str, file: Path) -> None:
    """Raises Unavailable, also when the preview is being made again or was destroyed just now: then there is another source."""
    try:
        with storage.opened(key) as stream, file.open("wb") as copy:
            shutil.copyfileobj(stream, copy, COPY_STEP_BYTES)
    except FileNotFoundError as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error


def _keep(report_id: UUID, inspection_id: UUID, digest: bytes, files: Mapping[str, Path]) -> None:
    """Raises Unavailable."""
    base = f"{_folder(inspection_id)}{digest.hex()}"
    columns: dict[str, object] = {"state": ReportState.MADE, "source_digest": digest, "made_at": clock.now()}
    for (content_type, file), ending in zip(files.items(), ("pdf", "html"), strict=True):
        size, key = file.stat().st_size, f"{base}.{ending}"
        with file.open("rb") as content:
            storage.store(key, content, size_bytes=size, content_type=content_type)
        columns |= {f"{ending}_key": key, f"{ending}_bytes": size}
    if _record(report_id, columns):
        log.info("report-made", inspection=str(inspection_id), pdf_bytes=columns["pdf_bytes"], html_bytes=columns["html_bytes"])


def _record(report_id: UUID, columns: Mapping[str, object]) -> bool:
    """Whether the report is still wanted."""
    with transaction() as session:
        return session.scalar(sa.update(Report).where(Report.id == report_id).values(columns).returning(Report.id)) is not None


def _folder(inspection_id: UUID) -> str:
    """Not by organisation: the inspection may become another one's, and what was made before then would never be found again."""
    return f"{REPORTS}{inspection_id}/"


def _tidy(inspection_id: UUID) -> None:
    """Remove the objects of an inspection's reports that no row names. Raises Unavailable."""
    found = [each.key for each in storage.listed(_folder(inspection_id))]
    if not found:
        return
    with reading() as session:
        rows = session.execute(sa.select(Report.pdf_key, Report.html_key).where(Report.inspection_id == inspection_id)).all()
    named = {key for row in rows for key in row}
    for key in found:
        if key not in named:
            storage.delete(key)
