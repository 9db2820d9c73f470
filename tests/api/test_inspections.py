"""Inspections over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

COMPLETE = {
    "occupancy": "vacant",
    "acute-danger": "no",
    "mould": "none",
    "rising-damp": "no",
    "roof-vegetation": "none",
    "roof-leak": "no",
    "heating": "district",
    "foundation-cracks": "none",
    "glazing": "double",
    "electrics-safe": "yes",
    "asbestos-suspected": "no",
}


@pytest.fixture
def path(session: Session, inspector: Caller) -> str:
    return f"/inspections/{makers.an_inspection(session, inspector.actor).id}"


@pytest.fixture
def plan(session: Session, inspector: Caller) -> dict[str, Any]:
    return {
        "dwellingId": str(makers.a_dwelling(session).id),
        "checklistId": str(makers.a_checklist(session).id),
        "occasion": "baseline",
        "organisationId": str(inspector.organisation and inspector.organisation.id),
        "assigneeId": str(inspector.person_id),
        "dueOn": "2026-12-31",
    }


def test_a_planned_inspection_is_the_inspectors_work(municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    response = municipality.post("/inspections", plan)
    made = content(response, 201)
    assert made.items() >= {**plan, "status": "planned", "answers": {}, "version": 1, "visitOutcome": None}.items()
    assert response.headers["Location"] == f"/v1/inspections/{made['id']}"
    assert content(inspector.get("/inspections?status=planned"))["items"] == [made]
    assert content(inspector.get(f"/inspections/{made['id']}")) == made


def test_all_faults_of_a_plan_come_together(municipality: Caller, plan: dict[str, Any]) -> None:
    refused(
        municipality.post("/inspections", {"occasion": "x", "assigneeId": "x", "dueOn": 3}),
        400,
        "invalid-input",
        ("/dwellingId", "required"),
        ("/checklistId", "required"),
        ("/organisationId", "required"),
        ("/occasion", "not-one-of"),
        ("/assigneeId", "not-a-uuid"),
        ("/dueOn", "not-a-date"),
    )
    wrong = {**plan, "dwellingId": str(uuid4()), "checklistId": str(uuid4())}
    refused(municipality.post("/inspections", wrong), 400, "rule-violation", ("/dwellingId", "no-such-reference"), ("/checklistId", "no-such-reference"))


def test_an_inspection_is_planned_for_an_organisation_that_exists(municipality: Caller, plan: dict[str, Any]) -> None:
    response = municipality.post("/inspections", {**plan, "organisationId": str(uuid4())})
    refused(response, 400, "rule-violation", ("/organisationId", "no-such-reference"))


def test_the_same_plan_changes_nothing(municipality: Caller, plan: dict[str, Any]) -> None:
    body = {**plan, "id": str(uuid4())}
    first = content(municipality.post("/inspections", body), 201)
    assert content(municipality.post("/inspections", body), 200) == first
    refused(municipality.post("/inspections", {**body, "occasion": "progress"}), 409, "already-exists")


def test_who_sees_an_inspection(path: str, inspector: Caller, reviewer: Caller, municipality: Caller, other_municipality: Caller, auditor: Caller) -> None:
    for caller in (inspector, reviewer, municipality, auditor):
        content(caller.get(path))
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    for caller in (colleague, other_municipality):
        refused(caller.get(path), 404, "not-found")
        assert content(caller.get("/inspections"))["items"] == []


def test_answers_are_filled_in_version_by_version(path: str, inspector: Caller) -> None:
    body = {"answers": {"mould": "none"}, "visitOutcome": "done", "visitedAt": "2026-03-01T10:00:00+01:00", "remarks": "Hond"}
    response = inspector.put(path, body, version=1)
    filled = content(response)
    assert (filled["version"], filled["answers"], filled["visitedAt"]) == (2, body["answers"], "2026-03-01T09:00:00Z")
    assert response.headers["ETag"] == '"2"'
    assert content(inspector.put(path, body, version=1)) == filled
    assert content(inspector.put(path, body)) == filled


def test_other_content_on_an_old_version_shows_both(path: str, inspector: Caller) -> None:
    content(inspector.put(path, {"answers": {"mould": "none", "glazing": "single"}}, version=1))
    problem = refused(inspector.put(path, {"answers": {"mould": "spots"}, "remarks": "x"}, version=1), 409, "inspection-conflict")
    assert problem["currentVersion"] == 2
    assert problem["yours"]["answers"] == {"mould": "spots"}
    assert problem["theirs"]["answers"] == {"mould": "none", "glazing": "single"}
    assert {each["pointer"] for each in problem["differences"]} == {"/answers/mould", "/answers/glazing", "/remarks"}
    refused(inspector.put(path, {"answers": {"mould": "spots"}}), 428, "precondition-required")


def test_all_faults_of_a_document_come_together(path: str, inspector: Caller) -> None:
    body = {
        "answers": {"mould": None, "x" * 101: 1, "a": "\0", "b": {"c": "\0"}, "": 1},
        "visitOutcome": "gone",
        "visitedAt": "2026-03-01T10:00:00",
        "status": "submitted",
    }
    refused(
        inspector.put(path, body, version=1),
        400,
        "invalid-input",
        ("/answers/mould", "null"),
        (f"/answers/{'x' * 101}", "too-long"),
        ("/answers/a", "nul-character"),
        ("/answers/b", "nul-character"),
        ("/answers", "too-short"),
        ("/visitOutcome", "not-one-of"),
        ("/visitedAt", "not-a-moment"),
        ("/status", "unknown-field"),
    )


def test_all_answers_that_do_not_fit_are_named(path: str, inspector: Caller) -> None:
    answers = {"mould": "green", "relative-humidity": 101, "rising-damp": True, "overall-photo": "x", "facade-defects": ["wood-rot", "rust"], "nonsense": 1}
    refused(
        inspector.put(path, {"answers": answers}, version=1),
        400,
        "answers-invalid",
        ("/answers/mould", "answer-not-an-option"),
        ("/answers/relative-humidity", "answer-out-of-range"),
        ("/answers/rising-damp", "answer-wrong-type"),
        ("/answers/overall-photo", "answer-wrong-type"),
        ("/answers/facade-defects", "answer-not-an-option"),
        ("/answers/nonsense", "unknown-question"),
    )


def test_a_pointer_to_an_odd_question_is_escaped(path: str, inspector: Caller) -> None:
    """registry/checklists/rules.py `check_answers` and registry/inspections/rules.py `differences` leave / and ~ as they are (RFC 6901)."""
    refused(inspector.put(path, {"answers": {"a/b~c": 1}}, version=1), 400, "answers-invalid", ("/answers/a~1b~0c", "unknown-question"))
    problem = refused(inspector.put(path, {"answers": {"a/b~c": 1}}, version=7), 409, "inspection-conflict")
    assert problem["differences"][0]["pointer"] == "/answers/a~1b~0c"


def test_a_complete_inspection_is_submitted_once(path: str, inspector: Caller) -> None:
    content(inspector.put(path, {"answers": COMPLETE, "visitOutcome": "done"}, version=1))
    submitted = content(inspector.post(f"{path}/submission"))
    assert (submitted["status"], submitted["version"]) == ("submitted", 3)
    assert submitted["submittedAt"].endswith("Z")
    assert content(inspector.post(f"{path}/submission")) == submitted
    kept = refused(inspector.put(path, {"answers": {}}, version=3), 409, "inspection-conflict")
    assert (kept["yours"]["answers"], kept["theirs"]["answers"]) == ({}, COMPLETE)
    assert content(inspector.get(path)).items() <= submitted.items()


def test_a_submission_names_all_that_is_missing(path: str, inspector: Caller) -> None:
    content(inspector.put(path, {"answers": {"mould": "spots", "heating-safe": "yes"}}, version=1))
    problem = inspector.post(f"{path}/submission").json
    found = {(fault["pointer"], fault["code"]) for fault in problem["errors"]}  # type: ignore[index]
    assert found >= {
        ("/visitOutcome", "required"),
        ("/answers/mould-rooms", "answer-required"),
        ("/answers/heating-safe", "question-not-asked"),
        ("/answers/glazing", "answer-required"),
    }


def test_nobody_home_needs_no_answers(path: str, inspector: Caller) -> None:
    content(inspector.put(path, {"answers": {"mould": "none"}, "visitOutcome": "nobody-home"}, version=1))
    refused(inspector.post(f"{path}/submission"), 400, "answers-invalid", ("/answers", "visit-not-done"))
    content(inspector.put(path, {"answers": {}, "visitOutcome": "nobody-home"}, version=2))
    assert content(inspector.post(f"{path}/submission"))["status"] == "submitted"


def test_only_the_assignee_fills_in(path: str, inspector: Caller, reviewer: Caller) -> None:
    refused(reviewer.put(path, {"answers": {}, "remarks": "x"}, version=1), 403, "not-allowed")
    refused(a_caller(inspector.client, "inspector", inspector.organisation).put(path, {"answers": {}, "remarks": "x"}, version=1), 404, "not-found")
    refused(reviewer.post(f"{path}/submission"), 403, "not-allowed")
    refused(inspector.post(f"/inspections/{uuid4()}/submission"), 404, "not-found")


def test_a_list_can_be_narrowed(path: str, inspector: Caller, auditor: Caller) -> None:
    made = content(inspector.get(path))
    assert content(auditor.get(f"/inspections?dwellingId={made['dwellingId']}&assigneeId={inspector.person_id}"))["items"] == [made]
    assert content(auditor.get("/inspections?status=submitted"))["items"] == []
    refused(auditor.get("/inspections?status=x&dwellingId=y"), 400, "invalid-input", ("status", "not-one-of"), ("dwellingId", "not-a-uuid"))
