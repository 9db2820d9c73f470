"""Milestones and confirmations over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused

START = {"track": "renovation", "kind": "started", "effectiveOn": "2024-06-01"}
COMPLETION = {"track": "renovation", "kind": "completed", "effectiveOn": "2025-06-01"}


@pytest.fixture
def path(corporation: Caller, session: Session) -> str:
    body = {"dwellingId": str(makers.a_dwelling(session, held_by=corporation.organisation).id)}
    return f"/trajectories/{content(corporation.post('/trajectories', body), 201)['id']}"


def reported(caller: Caller, path: str, body: dict[str, Any]) -> Any:
    return content(caller.post(f"{path}/milestones", body), 201)


def test_a_reported_milestone_is_in_force(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, {**START, "note": "Bouwplaats ingericht", "evidence": [{"inspection": "x"}, "brief.pdf", 3, [1.5, None]]})
    assert made["evidence"] == [{"inspection": "x"}, "brief.pdf", 3, [1.5, None]]
    assert (made["action"], made["correctsId"], made["confirmedAt"]) == ("reported", None, None)
    assert content(corporation.get(path))["milestones"] == [{**made, "inspections": []}]


def test_all_faults_of_shape_come_together(corporation: Caller, path: str) -> None:
    body = {"track": "painting", "kind": None, "effectiveOn": "31-12-2025", "note": "", "evidence": {}, "id": 5}
    refused(
        corporation.post(f"{path}/milestones", body),
        400,
        "invalid-input",
        ("/track", "not-one-of"),
        ("/kind", "null"),
        ("/effectiveOn", "not-a-date"),
        ("/note", "too-short"),
        ("/evidence", "not-a-list"),
        ("/id", "not-a-uuid"),
    )


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (COMPLETION, [("/kind", "completed-without-start")]),
        ({**START, "effectiveOn": "9999-12-31"}, [("/effectiveOn", "future-date")]),
        ({**START, "effectiveOn": "0001-01-01"}, [("/effectiveOn", "date-too-early")]),
        ({**COMPLETION, "effectiveOn": "9999-12-31"}, [("/effectiveOn", "future-date"), ("/kind", "completed-without-start")]),
    ],
)
def test_a_milestone_must_make_sense(corporation: Caller, path: str, body: dict[str, str], faults: list[tuple[str, str]]) -> None:
    refused(corporation.post(f"{path}/milestones", body), 400, "rule-violation", *faults)


def test_a_plan_may_lie_far_ahead(corporation: Caller, path: str) -> None:
    assert reported(corporation, path, {**START, "kind": "planned", "effectiveOn": "9999-12-31"})["effectiveOn"] == "9999-12-31"


def test_a_milestone_is_reported_once(corporation: Caller, path: str) -> None:
    reported(corporation, path, START)
    refused(corporation.post(f"{path}/milestones", START), 409, "conflict", ("/kind", "milestone-already-reported"))


def test_the_same_client_made_id_changes_nothing(corporation: Caller, path: str) -> None:
    body = {**START, "id": str(uuid4())}
    first = reported(corporation, path, body)
    assert content(corporation.post(f"{path}/milestones", body), 200) == first
    refused(corporation.post(f"{path}/milestones", {**body, "note": "x"}), 409, "already-exists", ("/id", "already-exists"))


def test_sending_a_corrected_milestone_again_says_that_it_is_superseded(corporation: Caller, path: str) -> None:
    body = {**START, "id": str(uuid4())}
    reported(corporation, path, body)
    content(corporation.post(f"/milestones/{body['id']}/correction", {"effectiveOn": "2024-06-02"}), 201)
    refused(corporation.post(f"{path}/milestones", body), 409, "conflict", ("/id", "milestone-superseded"))


def test_a_correction_keeps_the_former_row(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-05-01", "note": "Eerder"}), 201)
    assert (corrected["action"], corrected["correctsId"], corrected["effectiveOn"]) == ("corrected", made["id"], "2024-05-01")
    assert [row["id"] for row in content(corporation.get(f"{path}/milestones"))["items"]] == [made["id"], corrected["id"]]
    assert content(corporation.get(path))["milestones"] == [{**corrected, "inspections": []}]
    again = corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-04-01"})
    refused(again, 409, "conflict", ("", "milestone-superseded"))


def test_a_correction_must_change_something_and_keep_the_history_right(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    reported(corporation, path, COMPLETION)
    correction = f"/milestones/{made['id']}/correction"
    refused(corporation.post(correction, {"effectiveOn": START["effectiveOn"]}), 400, "rule-violation", ("", "nothing-to-correct"))
    refused(corporation.post(correction, {"effectiveOn": "2025-06-02"}), 400, "rule-violation", ("/effectiveOn", "completed-before-started"))
    refused(corporation.post(correction, {}), 400, "invalid-input", ("/effectiveOn", "required"))
    refused(corporation.post(f"/milestones/{uuid4()}/correction", {"effectiveOn": "2025-06-02"}), 404, "not-found")


def test_a_retraction_says_why(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    refused(corporation.post(f"/milestones/{made['id']}/retraction", {}), 400, "invalid-input", ("/note", "required"))
    retracted = content(corporation.post(f"/milestones/{made['id']}/retraction", {"note": "Verkeerde woning"}), 201)
    assert retracted["action"] == "retracted"
    assert content(corporation.get(path))["milestones"] == []
    refused(corporation.post(f"/milestones/{uuid4()}/retraction", {"note": "x"}), 404, "not-found")


def test_a_start_with_a_completion_after_it_can_not_be_retracted(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    reported(corporation, path, COMPLETION)
    refused(corporation.post(f"/milestones/{made['id']}/retraction", {"note": "x"}), 400, "rule-violation", ("/kind", "completed-without-start"))


def test_only_the_executor_corrects(corporation: Caller, municipality: Caller, other_corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    body = {"effectiveOn": "2024-01-01"}
    refused(municipality.post(f"/milestones/{made['id']}/correction", body), 403, "not-yours")
    refused(other_corporation.post(f"/milestones/{made['id']}/correction", body), 404, "not-found")


def test_a_batch_may_stand_in_any_order(corporation: Caller, path: str) -> None:
    trajectory = path.rpartition("/")[2]
    asked = ((COMPLETION, trajectory), (START, trajectory), (START, str(uuid4())))
    items = [{**each, "id": str(uuid4()), "trajectoryId": place} for each, place in asked]
    answer = content(corporation.post("/milestones", {"items": items}))
    assert [result["outcome"] for result in answer["results"]] == ["created", "created", "refused"]
    assert [(fault["pointer"], fault["code"]) for fault in answer["results"][2]["errors"]] == [("/items/2/trajectoryId", "no-such-reference")]


def test_the_municipality_confirms_once(corporation: Caller, municipality: Caller, other_municipality: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    body = {"items": [{"milestoneId": made["id"], "note": "Gezien"}]}
    assert content(other_municipality.post("/confirmations", body))["summary"] == {"created": 0, "unchanged": 0, "refused": 1}
    assert content(municipality.post("/confirmations", body))["summary"] == {"created": 1, "unchanged": 0, "refused": 0}
    assert content(municipality.post("/confirmations", body))["summary"] == {"created": 0, "unchanged": 1, "refused": 0}
    assert content(corporation.get(path))["milestones"][0]["confirmedAt"].endswith("Z")


def test_a_confirmation_refuses_what_it_does_not_know(municipality: Caller) -> None:
    answer = content(municipality.post("/confirmations", {"items": [{"milestoneId": str(uuid4())}]}))
    assert [fault["pointer"] for fault in answer["results"][0]["errors"]] == ["/items/0/milestoneId"]
    unreadable = content(municipality.post("/confirmations", {"items": [{}]}))["results"][0]["errors"]
    assert [(fault["pointer"], fault["code"]) for fault in unreadable] == [("/items/0/milestoneId", "required")]


def test_a_corporation_does_not_confirm(corporation: Caller) -> None:
    refused(corporation.post("/confirmations", {"items": [{"milestoneId": str(uuid4())}]}), 403, "not-allowed")


@pytest.mark.parametrize("number", [1e30, -1e308, 2**53, 18446744073709551615])
def test_evidence_holds_numbers_that_every_program_reads_alike(corporation: Caller, path: str, number: float) -> None:
    body = {**START, "evidence": [{"metres": [number]}]}
    refused(corporation.post(f"{path}/milestones", body), 400, "invalid-input", ("/evidence/0", "number-too-large"))


@pytest.mark.parametrize("number", [2**53 - 1, 1e-300, -0.5, 1e15])
def test_evidence_comes_back_as_it_was_sent(corporation: Caller, path: str, number: float) -> None:
    assert reported(corporation, path, {**START, "evidence": [number]})["evidence"] == [number]


def test_a_milestone_of_an_unknown_trajectory_is_not_found(corporation: Caller) -> None:
    """registry/trajectories/milestones.py: `report` refuses with a pointer into the body, though the trajectory stands in the address."""
    response = corporation.post(f"/trajectories/{uuid4()}/milestones", START)
    assert response.status_code == 404
