"""The report of an inspection, as PDF and as HTML.

It is made in the background and kept; what is given out was made of what is so now. Photos are in it, so each look leaves a line in the audit log.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema as OutSchema

from api.answers import dump_with, json_response
from api.auth import actor
from api.fields import OneOf, Schema
from api.photo_files import sent
from api.problems import language
from api.processing import concerns
from api.routes import Routes
from registry.access import Right
from registry.db import reading, transaction
from registry.processing import Activity
from registry.reports import asking, queries
from registry.reports.model import ReportLanguage
from registry.reports.queries import HTML, PDF, TRIED_AGAIN_AFTER, Kept, ReportFailed

routes = Routes("reports", "Reports of inspections (inspectierapporten)")

RETRY_AFTER_S = 3
STYLED_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""Content-Security-Policy of the HTML: it has its looks and its photos in itself, and nothing in it runs."""


class ReportFormat(StrEnum):
    PDF = "pdf"
    HTML = "html"


CONTENT_TYPES = {ReportFormat.PDF: PDF, ReportFormat.HTML: HTML}


class ReportState(StrEnum):
    BEING_MADE = "being-made"


class ReportQuery(Schema):
    format = OneOf(ReportFormat, load_default=ReportFormat.PDF)
    language = OneOf(ReportLanguage, load_default=None, metadata={"description": "Of the report; without it that of `Accept-Language`."})


class ReportAwaitedOut(OutSchema):
    state = OneOf(ReportState, required=True)


_dump_awaited = dump_with(ReportAwaitedOut())


@routes.on(
    "GET",
    "/inspections/<uuid:inspection_id>/report",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.INSPECTIONS_READ,
    returns=None,
    query=ReportQuery,
    serves=(PDF, HTML),
    later=ReportAwaitedOut,
    tagged=True,
    watched=True,
    look="report-read",
)
def get_report(query: dict[str, Any], inspection_id: UUID) -> Response:
    """The report of what was submitted last: findings, scores, photos, before and after, signature and review; accessible PDF (PDF/UA-1) or one HTML file"""
    wanted = query["language"] or ReportLanguage(language())
    with reading(actor()) as session:
        kept = queries.get(session, actor(), inspection_id, wanted)
    concerns(kept.dwelling_id)
    if not kept.is_current:
        with transaction(actor()) as session:
            asked = asking.request(session, actor(), inspection_id, wanted)
        return _awaited(kept, asked=asked)
    try:
        response = sent(kept.file(CONTENT_TYPES[query["format"]]), "inline")
    except FileNotFoundError:  # forgotten just now, with a photo that was in it
        with transaction(actor()) as session:
            asked = asking.renew(session, kept)
        return _awaited(kept, asked=asked)
    if response.status_code != 304 and query["format"] is ReportFormat.HTML:
        response.content_type = f"{HTML}; charset=utf-8"
        response.headers["Content-Security-Policy"] = STYLED_SANDBOX
    return response


def _awaited(kept: Kept, *, asked: bool) -> Response:
    """202. Raises ReportFailed when it could not be made of what there is now, a moment ago."""
    if kept.has_failed and not asked:
        raise ReportFailed(retry_after_s=int(TRIED_AGAIN_AFTER.total_seconds()))
    return json_response(_dump_awaited({"state": ReportState.BEING_MADE}), 202, {"Retry-After": str(RETRY_AFTER_S)})
