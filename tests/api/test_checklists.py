"""Checklists over HTTP."""

from uuid import uuid4

from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused


def test_a_published_checklist_can_be_read_by_everyone(inspector: Caller, analyst: Caller, session: Session) -> None:
    checklist = makers.a_checklist(session)
    shown = content(inspector.get(f"/checklists/{checklist.id}"))
    assert (shown["key"], shown["edition"], shown["content"]) == ("baseline", 1, checklist.content)
    assert content(analyst.get("/checklists?key=baseline"))["items"] == [shown]
    assert content(analyst.get("/checklists?key=other"))["items"] == []


def test_a_missing_checklist_is_not_found(inspector: Caller) -> None:
    refused(inspector.get(f"/checklists/{uuid4()}"), 404, "not-found")
    refused(inspector.get("/checklists?key=Not%20a%20key"), 400, "invalid-input", ("key", "wrong-form"))
