"""Milestones and confirmations over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
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
    assert content(corporation.get(path))["milestones"] == [{**made, "inspections": [], "demands": []}]


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
    assert refused(corporation.post(f"{path}/milestones", body), 409, "conflict", ("/id", "milestone-superseded"))["inForce"]["effectiveOn"] == "2024-06-02"


def test_a_batch_sent_again_says_what_was_corrected_since_and_changes_nothing(corporation: Caller, path: str) -> None:
    trajectory = path.rpartition("/")[2]
    items = [{**each, "id": str(uuid4()), "trajectoryId": trajectory} for each in (START, COMPLETION)]
    assert [result["supersededBy"] for result in content(corporation.post("/milestones", {"items": items}))["results"]] == [None, None]
    corrected = content(corporation.post(f"/milestones/{items[0]['id']}/correction", {"effectiveOn": "2024-06-02"}), 201)
    before = content(corporation.get(f"{path}/milestones"))
    answer = content(corporation.post("/milestones", {"items": items}))
    assert [(result["outcome"], result["supersededBy"]) for result in answer["results"]] == [("unchanged", corrected["id"]), ("unchanged", None)]
    assert content(corporation.get(f"{path}/milestones")) == before


def test_a_batch_takes_a_thousand_milestones_and_no_more(corporation: Caller, session: Session) -> None:
    assert corporation.organisation
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    trajectories = [makers.a_trajectory(session, corporation.organisation, dwelling).id for _ in range(1000)]
    items = [{**START, "id": str(uuid4()), "trajectoryId": str(id)} for id in trajectories]
    assert content(corporation.post("/milestones", {"items": items}))["summary"] == {"created": 1000, "unchanged": 0, "refused": 0}
    assert content(corporation.post("/milestones", {"items": items}))["summary"] == {"created": 0, "unchanged": 1000, "refused": 0}
    refused(corporation.post("/milestones", {"items": [*items, items[0]]}), 400, "invalid-input", ("/items", "too-long"))


def test_the_journal_tells_how_long_each_row_held_and_what_became_of_confirmations(corporation: Caller, municipality: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    content(municipality.post(f"/milestones/{made['id']}/confirmation", {"note": "Gezien"}))
    content(municipality.post(f"/milestones/{made['id']}/confirmation/withdrawal", {"reason": "Verkeerd pand"}))
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-05-01"}), 201)
    first, second = content(corporation.get(f"{path}/milestones"))["items"]
    assert (first["supersededAt"], second["supersededAt"], second["confirmations"]) == (corrected["recordedAt"], None, [])
    (kept,) = first["confirmations"]
    assert (kept["note"], kept["withdrawalReason"], kept["recordedAt"] < kept["withdrawnAt"]) == ("Gezien", "Verkeerd pand", True)


def test_a_correction_keeps_the_former_row(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-05-01", "note": "Eerder"}), 201)
    assert (corrected["action"], corrected["correctsId"], corrected["effectiveOn"]) == ("corrected", made["id"], "2024-05-01")
    assert [row["id"] for row in content(corporation.get(f"{path}/milestones"))["items"]] == [made["id"], corrected["id"]]
    assert content(corporation.get(path))["milestones"] == [{**corrected, "inspections": [], "demands": []}]


def test_who_corrects_what_another_has_corrected_is_told_what_is_in_force(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    correction, retraction = f"/milestones/{made['id']}/correction", f"/milestones/{made['id']}/retraction"
    corrected = content(corporation.post(correction, {"effectiveOn": "2024-05-01", "note": "Eerder"}), 201)
    for again in (corporation.post(correction, {"effectiveOn": "2024-04-01"}), corporation.post(retraction, {"note": "Nooit"})):
        problem = refused(again, 409, "conflict", ("", "milestone-superseded"))
        assert problem["inForce"] == {name: corrected[name] for name in problem["inForce"]}
        assert (problem["inForce"]["id"], problem["inForce"]["effectiveOn"], problem["inForce"]["note"]) == (corrected["id"], "2024-05-01", "Eerder")
    content(corporation.post(f"/milestones/{corrected['id']}/retraction", {"note": "Verkeerde woning"}), 201)
    assert refused(corporation.post(correction, {"effectiveOn": "2024-04-01"}), 409, "conflict", ("", "milestone-superseded"))["inForce"] is None


def test_two_editors_at_once_never_lose_a_change(live: Callable[[str], Caller]) -> None:
    """Each on a connection of its own, with real commits: one wins, and the other is told what is in force now."""
    corporation = live("corporation-editor")
    dwelling = content(corporation.post("/dwellings", {"municipalityCode": makers.HEERLEN}), 201)["id"]
    path = f"/trajectories/{content(corporation.post('/trajectories', {'dwellingId': dwelling}), 201)['id']}"
    milestone = reported(corporation, path, START)["id"]
    for number in range(5):
        together = Barrier(2)

        def correct(day: str, of: str = milestone, barrier: Barrier = together) -> Any:
            caller = live("corporation-editor")
            barrier.wait(10)
            return caller.post(f"/milestones/{of}/correction", {"effectiveOn": day})

        with ThreadPoolExecutor(2) as pool:
            lost, won = sorted(pool.map(correct, (f"2024-0{number + 1}-10", f"2024-0{number + 1}-20")), key=lambda answer: -answer.status_code)
        corrected = content(won, 201)
        told = refused(lost, 409, "conflict", ("", "milestone-superseded"))["inForce"]
        assert (told["id"], told["effectiveOn"]) == (corrected["id"], corrected["effectiveOn"])
        (held,) = content(corporation.get(path))["milestones"]
        assert (held["id"], held["effectiveOn"]) == (corrected["id"], corrected["effectiveOn"])
        milestone = corrected["id"]


def test_what_a_correction_leaves_out_stays_as_it_was(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, {**START, "note": "Bouwplaats ingericht", "evidence": ["brief.pdf"]})
    moved = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-05-01"}), 201)
    assert (moved["effectiveOn"], moved["note"], moved["evidence"]) == ("2024-05-01", "Bouwplaats ingericht", ["brief.pdf"])
    shown = content(corporation.post(f"/milestones/{moved['id']}/correction", {"evidence": ["foto.jpg"], "note": None}), 201)
    assert (shown["effectiveOn"], shown["note"], shown["evidence"]) == ("2024-05-01", None, ["foto.jpg"])


def test_a_plan_says_since_when_it_is_there(corporation: Caller, path: str) -> None:
    plan = {"track": "construction", "kind": "planned", "effectiveOn": "2027-01-01", "decidedOn": "2025-02-03"}
    made = reported(corporation, path, plan)
    assert made["decidedOn"] == "2025-02-03"
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"decidedOn": "2025-02-04"}), 201)
    assert (corrected["decidedOn"], corrected["effectiveOn"]) == ("2025-02-04", "2027-01-01")
    late = corporation.post(f"/milestones/{corrected['id']}/correction", {"decidedOn": "9999-01-01"})
    refused(late, 400, "rule-violation", ("/decidedOn", "future-date"))
    refused(corporation.post(f"{path}/milestones", {**START, "decidedOn": "2024-01-01"}), 400, "rule-violation", ("/decidedOn", "only-of-a-plan"))


def test_a_plan_that_is_put_off_is_no_newer_plan(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, {"track": "construction", "kind": "planned", "effectiveOn": "2090-01-01"})
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2091-01-01"}), 201)
    assert (made["decidedOn"], corrected["decidedOn"]) == (None, clock.today().isoformat())
    assert content(corporation.post(f"/milestones/{corrected['id']}/correction", {"effectiveOn": "2092-01-01"}), 201)["decidedOn"] == corrected["decidedOn"]


def test_a_plan_whose_day_is_taken_back_counts_since_the_register_first_knew_of_it(corporation: Caller, path: str, session: Session) -> None:
    first = reported(corporation, path, {"track": "construction", "kind": "planned", "effectiveOn": "2090-01-01"})
    said = content(corporation.post(f"/milestones/{first['id']}/correction", {"decidedOn": "2025-02-03"}), 201)
    session.execute(sa.text("ALTER TABLE milestone DISABLE TRIGGER USER"))
    session.execute(sa.text("UPDATE milestone SET recorded_at = '2025-03-01T12:00:00Z' WHERE id = :id"), {"id": first["id"]})
    session.execute(sa.text("ALTER TABLE milestone ENABLE TRIGGER USER"))
    again = content(corporation.post(f"/milestones/{said['id']}/correction", {"decidedOn": None}), 201)
    assert again["decidedOn"] == "2025-03-01"


def test_what_is_wrong_with_the_evidence_of_a_milestone_reported_before_is_told_too(corporation: Caller, path: str) -> None:
    reported(corporation, path, START)
    again = corporation.post(f"{path}/milestones", {**START, "evidence": [{"documentId": str(uuid4())}]})
    refused(again, 409, "conflict", ("/evidence/0/documentId", "no-such-document"), ("/kind", "milestone-already-reported"))


def test_a_correction_must_change_something_and_keep_the_history_right(corporation: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    reported(corporation, path, COMPLETION)
    correction = f"/milestones/{made['id']}/correction"
    refused(corporation.post(correction, {"effectiveOn": START["effectiveOn"]}), 400, "rule-violation", ("", "nothing-to-correct"))
    refused(corporation.post(correction, {"effectiveOn": "2025-06-02"}), 400, "rule-violation", ("/effectiveOn", "completed-before-started"))
    refused(corporation.post(correction, {}), 400, "rule-violation", ("", "nothing-to-correct"))
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
