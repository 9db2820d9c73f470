"""Condition scores over HTTP: who sees the inspection sees how its scores came about."""

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.registry.inspections.test_scores import a_condition_checklist

ROOF = {"defects": [{"key": "d1", "description": "Lek", "severity": "critical", "intensity": "final", "extentPercent": 6}]}


@pytest.fixture
def path(session: Session, inspector: Caller) -> str:
    roof = {"key": "roof", "type": "condition", "replacement-value": 1000}
    facade = {"key": "facade", "type": "condition", "replacement-value": 3000}
    checklist = a_condition_checklist(session, roof, facade)
    return f"/inspections/{makers.an_inspection(session, inspector.actor, checklist_id=checklist.id).id}"


def test_the_scores_are_there_with_their_steps_once_it_is_submitted(path: str, inspector: Caller, reviewer: Caller) -> None:
    assert content(inspector.get(f"{path}/scores")) == {"whole": None, "parts": []}
    content(inspector.put(path, {"answers": {"roof": ROOF, "facade": {"defects": []}}, "visitOutcome": "done"}, version=1))
    content(inspector.post(f"{path}/submission"))
    response = reviewer.get(f"{path}/scores")
    found = content(response)
    assert {part["question"]: part["score"] for part in found["parts"]} == {"roof": 3, "facade": 1}
    # (1000 × 1.10 + 3000 × 1.00) / 4000 = 1.025
    assert (found["whole"]["score"], found["whole"]["index"], found["whole"]["question"]) == (2, "1.025000", None)
    assert found["whole"]["method"] == "nen2767-1-reconstructed/1"
    assert reviewer.get(f"{path}/scores", If_None_Match=response.headers["ETag"]).status_code == 304


def test_who_does_not_see_the_inspection_does_not_see_its_scores(path: str, inspector: Caller) -> None:
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    refused(colleague.get(f"{path}/scores"), 404, "not-found")
