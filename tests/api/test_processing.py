"""Every processing of personal data over HTTP leaves its lines in the processing log."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from registry import processing
from registry.processing import pseudonym
from registry.settings import settings
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.contract_file import contract

KEY = "k" * 40
CONTRACT = contract()
CONTENT = {
    "read-dwellings",
    "read-progress",
    "read-inspections",
    "register-dwellings",
    "report-progress",
    "confirm-progress",
    "plan-inspections",
    "inspect",
    "read-portfolios",
    "manage-portfolios",
    "record-successions",
}
"""Rights to what is personal data."""


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The lines so far."""
    file = tmp_path / "processing.jsonl"
    log = processing.processing_log(replace(settings(), processing_log=str(file), pseudonym_key=KEY))
    monkeypatch.setattr(processing, "_log", lambda: log)
    return lambda: [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_every_route_to_personal_data_names_its_activity() -> None:
    operations = [operation for item in CONTRACT["paths"].values() for operation in item.values() if operation["x-needs"] in CONTENT]
    assert len(operations) > 20
    assert [operation["operationId"] for operation in operations if "x-processing-activity" not in operation] == []


def test_reading_a_dwelling_is_one_line_about_it(corporation: Caller, session: Session, logged: Callable[[], list[dict[str, Any]]]) -> None:
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    content(corporation.get(f"/dwellings/{dwelling.id}", traceparent=f"00-{trace}-00f067aa0ba902b7-01"))
    (line,) = logged()
    assert (line["name"], line["status"], line["trace_id"], line["parent_span_id"]) == ("dwellings.read", "Ok", trace, "00f067aa0ba902b7")
    assert line["attributes"]["dpl.core.data_subject_id"] == pseudonym(KEY.encode(), dwelling.id)
    assert str(corporation.person_id) not in json.dumps(line)


def test_a_page_is_a_line_for_each_dwelling_on_it(corporation: Caller, session: Session, logged: Callable[[], list[dict[str, Any]]]) -> None:
    dwellings = [makers.a_dwelling(session, held_by=corporation.organisation) for _ in range(3)]
    content(corporation.get("/dwellings"))
    whole, *parts = logged()
    assert "dpl.core.data_subject_id" not in whole["attributes"]
    assert {part["parent_span_id"] for part in parts} == {whole["span_id"]}
    assert {part["attributes"]["dpl.core.data_subject_id"] for part in parts} == {pseudonym(KEY.encode(), dwelling.id) for dwelling in dwellings}


def test_a_change_and_a_refusal_are_lines_too(corporation: Caller, session: Session, logged: Callable[[], list[dict[str, Any]]]) -> None:
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    made = content(corporation.post("/trajectories", {"dwellingId": str(dwelling.id)}), 201)
    batch = {"items": [{"id": made["id"], "trajectoryId": made["id"], "track": "renovation", "kind": "started", "effectiveOn": "2024-01-01"}]}
    content(corporation.post("/milestones", batch))
    refused(corporation.post("/trajectories", {}), 400, "invalid-input", ("/dwellingId", "required"))
    lines = logged()
    assert [(line["name"], line["status"]) for line in lines] == [("progress.changed", "Ok")] * 2 + [("progress.changed", "Error")]
    assert [line["attributes"].get("dpl.core.data_subject_id") for line in lines] == [pseudonym(KEY.encode(), dwelling.id)] * 2 + [None]


def test_who_is_not_let_in_processes_nothing(nobody: Caller, analyst: Caller, logged: Callable[[], list[dict[str, Any]]]) -> None:
    refused(nobody.get("/dwellings"), 401, "not-authenticated")
    refused(analyst.get("/dwellings"), 403, "not-allowed")
    content(analyst.get("/organisations"))
    assert logged() == []


def test_what_can_not_be_logged_is_not_shown(corporation: Caller, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation, street="Geheimstraat")
    log = processing.processing_log(replace(settings(), processing_log=str(tmp_path), pseudonym_key=KEY))  # a folder can't be written to
    monkeypatch.setattr(processing, "_log", lambda: log)
    response = corporation.get(f"/dwellings/{dwelling.id}")
    refused(response, 503, "unavailable")
    assert "Geheimstraat" not in response.text
