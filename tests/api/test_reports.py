"""The report of an inspection over HTTP: asked for, made, given out whole, in parts and conditionally; and that every look leaves a line."""

import io
from uuid import UUID

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from registry import storage
from registry.audit.model import AuditLine
from registry.db import WORKER_ROLE, database
from registry.inspections.model import Inspection
from registry.reports import making
from registry.reports.model import Report, ReportState
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused, reload
from tests.registry.reports.conftest import a_seen_photo, a_submitted

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    found = a_submitted(session, inspector.actor)
    a_seen_photo(session, found, caption="Noordgevel")
    return found


def report(caller: Caller, inspection: Inspection, query: str = "", *, method: str = "GET", **headers: str) -> TestResponse:
    return caller.send(method, f"/inspections/{inspection.id}/report{query}", **headers)


def let_it_be_made(session: Session) -> None:
    """What the worker does meanwhile."""
    session.flush()
    before, database.role = database.role, WORKER_ROLE
    try:
        for report_id in session.scalars(sa.select(Report.id).where(Report.state == ReportState.QUEUED)).all():
            making.make(report_id)
    finally:
        database.role = before
    session.expire_all()


def made(session: Session, caller: Caller, inspection: Inspection, query: str = "") -> TestResponse:
    report(caller, inspection, query)
    let_it_be_made(session)
    return report(caller, inspection, query)


def test_a_report_that_is_not_there_yet_is_asked_for_once(session: Session, inspector: Caller, inspection: Inspection) -> None:
    for _ in range(2):
        response = report(inspector, inspection)
        assert content(response, 202) == {"state": "being-made"}
        assert response.headers["Retry-After"] == "3"
    assert session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'reports.make'")) == 1


def test_the_pdf_comes_when_it_is_made(session: Session, inspector: Caller, inspection: Inspection) -> None:
    response = made(session, inspector, inspection)
    assert (response.status_code, response.content_type) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == f'inline; filename="inspection-{inspection.id}-en.pdf"'
    assert response.headers["Cache-Control"] == "no-store"
    assert "Noordgevel" in "".join(page.extract_text() for page in PdfReader(io.BytesIO(response.data)).pages)


def test_the_html_may_not_fetch_or_run_anything(session: Session, inspector: Caller, inspection: Inspection) -> None:
    response = made(session, inspector, inspection, "?format=html&language=nl")
    assert response.content_type == "text/html; charset=utf-8"
    assert '<html lang="nl">' in response.text
    expected = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
    assert response.headers["Content-Security-Policy"] == expected
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_language_is_that_of_the_caller_unless_she_says_otherwise(session: Session, inspector: Caller, inspection: Inspection) -> None:
    inspector.language = "nl"
    assert "-nl.pdf" in made(session, inspector, inspection).headers["Content-Disposition"]
    assert "-en.pdf" in made(session, inspector, inspection, "?language=en").headers["Content-Disposition"]


def test_who_has_it_already_is_told_so(session: Session, inspector: Caller, inspection: Inspection) -> None:
    tag = made(session, inspector, inspection).headers["ETag"]
    assert report(inspector, inspection, If_None_Match=tag).status_code == 304
    assert report(inspector, inspection, "?format=html", If_None_Match=tag).status_code == 200


def test_a_part_can_be_asked_for(session: Session, inspector: Caller, inspection: Inspection) -> None:
    whole = made(session, inspector, inspection)
    response = report(inspector, inspection, Range="bytes=0-3", If_Range=whole.headers["ETag"])
    assert (response.status_code, response.data) == (206, b"%PDF")
    assert response.headers["Content-Range"] == f"bytes 0-3/{len(whole.data)}"
    assert report(inspector, inspection, Range=f"bytes={len(whole.data)}-").status_code == 416


def test_its_head_tells_its_size(session: Session, inspector: Caller, inspection: Inspection) -> None:
    whole = made(session, inspector, inspection)
    head = report(inspector, inspection, method="HEAD")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(len(whole.data)))


def test_it_is_made_anew_after_a_change(session: Session, inspector: Caller, inspection: Inspection) -> None:
    former = made(session, inspector, inspection).headers["ETag"]
    a_seen_photo(session, inspection, "navy")
    assert report(inspector, inspection).status_code == 202
    let_it_be_made(session)
    assert report(inspector, inspection).headers["ETag"] != former


def test_one_whose_object_is_lost_is_made_again(session: Session, inspector: Caller, inspection: Inspection) -> None:
    made(session, inspector, inspection)
    for each in storage.listed(f"{making.REPORTS}{inspection.id}/"):
        storage.delete(each.key)
    assert report(inspector, inspection).status_code == 202
    let_it_be_made(session)
    assert report(inspector, inspection).status_code == 200


def test_one_that_can_not_be_made_says_when_to_ask_again(session: Session, inspector: Caller, inspection: Inspection, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise making.RenderingFailed("a test")

    monkeypatch.setattr(making.rendering, "render", fails)
    response = made(session, inspector, inspection)
    refused(response, 503, "report-failed")
    assert response.headers["Retry-After"] == "300"


def test_before_anything_is_submitted_there_is_none(session: Session, inspector: Caller) -> None:
    refused(report(inspector, makers.an_inspection(session, inspector.actor)), 409, "report-needs-submission")


def test_nobody_else_sees_it(inspection: Inspection, inspector: Caller) -> None:
    refused(report(a_caller(inspector.client, "inspector"), inspection), 404, "not-found")


@pytest.mark.parametrize(("query", "name"), [("?format=docx", "format"), ("?language=fr", "language"), ("?format=", "format")])
def test_only_what_there_is_can_be_asked_for(inspector: Caller, inspection: Inspection, query: str, name: str) -> None:
    refused(report(inspector, inspection, query), 400, "invalid-input", (name, "not-one-of"))


def test_each_look_leaves_a_line(session: Session, inspector: Caller, inspection: Inspection) -> None:
    made(session, inspector, inspection)
    reload(session)
    lines = session.scalars(sa.select(AuditLine).where(AuditLine.action == "inspection.report-read").order_by(AuditLine.id)).all()
    assert [(line.person_id, UUID(line.subject_id)) for line in lines] == [(inspector.person_id, inspection.id)] * 2
