"""Conflicts: who sees what was kept, and who decides."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.audit.model import AuditLine
from registry.inspections.model import Inspection, InspectionStatus
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.api.test_inspections import COMPLETE

MINE, THEIRS = {"mould": "spots"}, {"mould": "none", "glazing": "single"}


@pytest.fixture
def conflict(session: Session, inspector: Caller) -> dict[str, Any]:
    """Two phones filled in version 1: the second document was kept."""
    path = f"/inspections/{makers.an_inspection(session, inspector.actor).id}"
    content(inspector.put(path, {"answers": THEIRS}, version=1))
    problem = refused(inspector.put(path, {"answers": MINE, "remarks": "x"}, version=1), 409, "inspection-conflict")
    kept: dict[str, Any] = content(inspector.get(f"/conflicts/{problem['conflictId']}"))
    return kept


def resolve(caller: Caller, conflict: dict[str, Any], keep: str, *, version: int | None = 2, **body: Any) -> Any:
    return caller.post(f"/conflicts/{conflict['id']}/resolution", {"keep": keep, **body}, version=version)


def submitted(session: Session, inspection_id: str) -> int:
    inspection = session.get_one(Inspection, UUID(inspection_id))
    session.refresh(inspection)
    inspection.status, inspection.version = InspectionStatus.SUBMITTED, inspection.version + 1
    inspection.submitted_at = inspection.recorded_at
    session.flush()
    return inspection.version


def test_a_conflict_shows_both_documents(conflict: dict[str, Any], inspector: Caller) -> None:
    assert (conflict["yours"]["answers"], conflict["theirs"]["answers"], conflict["inspectionVersion"]) == (MINE, THEIRS, 2)
    assert [each["pointer"] for each in conflict["differences"]] == ["/answers/glazing", "/answers/mould", "/remarks"]
    assert (conflict["personId"], conflict["baseVersion"], conflict["resolution"]) == (str(inspector.person_id), 1, None)


def test_who_sees_a_conflict(
    conflict: dict[str, Any], inspector: Caller, reviewer: Caller, municipality: Caller, other_municipality: Caller, corporation: Caller, auditor: Caller
) -> None:
    for caller in (inspector, reviewer, municipality, auditor):
        assert content(caller.get(f"/conflicts?inspectionId={conflict['inspectionId']}"))["items"] == [conflict]
        assert content(caller.get(f"/conflicts/{conflict['id']}")) == conflict
    for caller in (other_municipality, corporation):
        assert content(caller.get("/conflicts"))["items"] == []
        refused(caller.get(f"/conflicts/{conflict['id']}"), 404, "not-found")
        refused(resolve(caller, conflict, "theirs"), *((404, "not-found") if caller is other_municipality else (403, "not-allowed")))


def test_what_is_shown_follows_the_inspection(conflict: dict[str, Any], inspector: Caller) -> None:
    content(inspector.put(f"/inspections/{conflict['inspectionId']}", {"answers": {"mould": "widespread"}}, version=2))
    now = content(inspector.get(f"/conflicts/{conflict['id']}"))
    assert (now["theirs"]["answers"], now["inspectionVersion"]) == ({"mould": "widespread"}, 3)
    refused(resolve(inspector, conflict, "yours"), 412, "precondition-failed")


@pytest.mark.parametrize(("keep", "answers", "version"), [("yours", MINE, 3), ("theirs", THEIRS, 2), ("merged", {**THEIRS, **MINE}, 3)])
def test_the_inspector_decides(session: Session, conflict: dict[str, Any], inspector: Caller, keep: str, answers: dict[str, Any], version: int) -> None:
    body = {"document": {"answers": answers}} if keep == "merged" else {}
    decided = content(resolve(inspector, conflict, keep, **body))
    assert (decided["resolution"], decided["resolvedBy"]) == (keep, str(inspector.person_id))
    assert (decided["yours"]["answers"], decided["theirs"]["answers"]) == (MINE, THEIRS)
    found = content(inspector.get(f"/inspections/{conflict['inspectionId']}"))
    assert (found["answers"], found["version"]) == (answers, version)
    assert content(resolve(inspector, conflict, keep, **body))["resolvedAt"] == decided["resolvedAt"]
    refused(resolve(inspector, conflict, "yours" if keep == "theirs" else "theirs"), 409, "conflict-resolved")
    assert content(inspector.get("/conflicts?open=true"))["items"] == []
    assert len(content(inspector.get("/conflicts?open=false"))["items"]) == 1
    assert "inspection.conflict-resolved" in session.scalars(sa.select(AuditLine.action)).all()


def test_a_decision_names_a_version(conflict: dict[str, Any], inspector: Caller) -> None:
    refused(resolve(inspector, conflict, "theirs", version=None), 428, "precondition-required")


def test_a_merged_document_is_checked(conflict: dict[str, Any], inspector: Caller) -> None:
    refused(resolve(inspector, conflict, "merged"), 400, "rule-violation", ("/document", "required"))
    answer = resolve(inspector, conflict, "merged", document={"answers": {"colour": 1}})
    refused(answer, 400, "answers-invalid", ("/document/answers/colour", "unknown-question"))


def test_a_reviewer_decides_what_stands(session: Session, conflict: dict[str, Any], inspector: Caller, reviewer: Caller) -> None:
    version = submitted(session, conflict["inspectionId"])
    refused(resolve(inspector, conflict, "theirs", version=version), 403, "not-yours")
    refused(resolve(reviewer, conflict, "yours", version=version), 400, "rule-violation", ("/keep", "return-it-first"))
    assert content(resolve(reviewer, conflict, "theirs", version=version))["resolution"] == "theirs"


def test_the_phone_hears_what_was_decided(conflict: dict[str, Any], inspector: Caller, reviewer: Caller) -> None:
    content(resolve(reviewer, conflict, "theirs"))
    again = inspector.put(f"/inspections/{conflict['inspectionId']}", {"answers": MINE, "remarks": "x"}, version=1)
    assert refused(again, 409, "inspection-conflict")["resolution"] == "theirs"


def test_a_conflict_over_a_whole_inspection_is_complete(conflict: dict[str, Any], inspector: Caller) -> None:
    problem = refused(inspector.put(f"/inspections/{conflict['inspectionId']}", {"answers": COMPLETE}, version=7), 409, "inspection-conflict")
    assert problem["yours"]["answers"] == COMPLETE
    assert len(content(inspector.get("/conflicts?limit=1"))["items"]) == 1
    assert content(inspector.get("/conflicts?limit=1"))["next"]
    refused(inspector.get(f"/conflicts/{uuid4()}"), 404, "not-found")
