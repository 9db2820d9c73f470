"""Confirmations over HTTP: who confirms, what a scheme demands first, and how a confirmation is taken back."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from registry.access import Role
from registry.dwellings.model import RegisteredLabel
from registry.trajectories.model import Document, DocumentKind, Evidence, MilestoneKind, Track
from registry.values import EnergyLabel
from tests import makers
from tests.api.callers import Caller, content, refused

START = {"track": "renovation", "kind": "started", "effectiveOn": "2024-06-01"}
COMPLETION = {"track": "renovation", "kind": "completed", "effectiveOn": "2025-06-01"}
OF_COMPLETION = {"track": "renovation", "kind": "completed"}
DEMANDS = [
    {**OF_COMPLETION, "evidence": "completion-inspection"},
    {**OF_COMPLETION, "evidence": "registered-label"},
    {**OF_COMPLETION, "evidence": "document", "documentKind": "grant-decision"},
]


@pytest.fixture
def path(corporation: Caller, session: Session) -> str:
    makers.a_scheme(session), makers.a_scheme(session, "regio-deal")
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    body = {"dwellingId": str(dwelling.id), "fundingLines": [{"scheme": "volkshuisvestingsfonds"}, {"scheme": "regio-deal"}]}
    return f"/trajectories/{content(corporation.post('/trajectories', body), 201)['id']}"


def reported(caller: Caller, path: str, body: dict[str, Any]) -> Any:
    return content(caller.post(f"{path}/milestones", body), 201)


def completed(corporation: Caller, path: str) -> Any:
    reported(corporation, path, START)
    return reported(corporation, path, COMPLETION)


def shown(caller: Caller, path: str, milestone: Any) -> Any:
    return next(each for each in content(caller.get(path))["milestones"] if each["id"] == milestone["id"])


def an_inspection_shows(session: Session, path: str) -> UUID:
    """That the renovation is completed."""
    inspection = makers.an_inspection(session, makers.an_actor(Role.INSPECTOR, makers.an_organisation(session)))
    who = {"recorded_by": uuid4(), "organisation_id": inspection.organisation_id}
    session.add(Evidence(trajectory_id=UUID(path.rpartition("/")[2]), track=Track.RENOVATION, kind=MilestoneKind.COMPLETED, inspection_id=inspection.id, **who))
    session.flush()
    return inspection.id


def a_label(session: Session, milestone: Any, surveyed_on: str) -> UUID:
    label = RegisteredLabel(dwelling_id=UUID(milestone["dwellingId"]), label=EnergyLabel.B, surveyed_on=date.fromisoformat(surveyed_on), recorded_by=uuid4())
    session.add(label)
    session.flush()
    return label.id


def a_document(session: Session, path: str, kind: DocumentKind, **more: Any) -> UUID:
    values = {"stored_at": makers.a_moment("2025-01-01"), "title": "Stuk", "media_type": "application/pdf", "size_bytes": 1, "sha256": b"1" * 32} | more
    document = Document(trajectory_id=UUID(path.rpartition("/")[2]), kind=kind, recorded_by=uuid4(), **values)
    session.add(document)
    session.flush()
    return document.id


def test_the_municipality_confirms_once(corporation: Caller, municipality: Caller, other_municipality: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    body = {"items": [{"milestoneId": made["id"], "note": "Gezien"}]}
    assert content(other_municipality.post("/confirmations", body))["summary"] == {"created": 0, "unchanged": 0, "refused": 1}
    assert content(municipality.post("/confirmations", body))["summary"] == {"created": 1, "unchanged": 0, "refused": 0}
    assert content(municipality.post("/confirmations", body))["summary"] == {"created": 0, "unchanged": 1, "refused": 0}
    assert content(corporation.get(path))["milestones"][0]["confirmedAt"].endswith("Z")


def test_one_milestone_is_confirmed_by_itself(corporation: Caller, municipality: Caller, other_municipality: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    confirmation = f"/milestones/{made['id']}/confirmation"
    confirmed = content(municipality.post(confirmation, {}))
    assert confirmed == {**made, "confirmedAt": confirmed["confirmedAt"]}
    assert confirmed["confirmedAt"] is not None
    assert content(municipality.post(confirmation, {})) == confirmed
    refused(other_municipality.post(confirmation, {}), 404, "not-found")
    refused(corporation.post(confirmation, {}), 403, "not-allowed")
    refused(municipality.post(f"/milestones/{uuid4()}/confirmation", {}), 404, "not-found")


def test_what_was_corrected_meanwhile_is_not_confirmed_unseen(corporation: Caller, municipality: Caller, path: str) -> None:
    made = reported(corporation, path, START)
    corrected = content(corporation.post(f"/milestones/{made['id']}/correction", {"effectiveOn": "2024-05-01"}), 201)
    problem = refused(municipality.post(f"/milestones/{made['id']}/confirmation", {}), 409, "conflict", ("", "milestone-superseded"))
    assert (problem["inForce"]["id"], problem["inForce"]["effectiveOn"]) == (corrected["id"], "2024-05-01")
    (result,) = content(municipality.post("/confirmations", {"items": [{"milestoneId": made["id"]}]}))["results"]
    assert [(fault["pointer"], fault["code"]) for fault in result["errors"]] == [("/items/0/milestoneId", "milestone-superseded")]


def test_a_confirmation_that_was_a_mistake_is_withdrawn_and_may_follow_anew(
    corporation: Caller, municipality: Caller, other_municipality: Caller, path: str
) -> None:
    made = reported(corporation, path, START)
    confirmation, withdrawal = f"/milestones/{made['id']}/confirmation", f"/milestones/{made['id']}/confirmation/withdrawal"
    refused(municipality.post(withdrawal, {"reason": "Verkeerd pand"}), 409, "conflict", ("", "milestone-not-confirmed"))
    content(municipality.post(confirmation, {}))
    refused(municipality.post(withdrawal, {}), 400, "invalid-input", ("/reason", "required"))
    refused(other_municipality.post(withdrawal, {"reason": "x"}), 404, "not-found")
    refused(corporation.post(withdrawal, {"reason": "x"}), 403, "not-allowed")
    assert content(municipality.post(withdrawal, {"reason": "Verkeerd pand"})) == made
    refused(municipality.post(withdrawal, {"reason": "Nog eens"}), 409, "conflict", ("", "milestone-not-confirmed"))
    assert content(municipality.post(confirmation, {}))["confirmedAt"] is not None
    assert len(content(corporation.get(f"{path}/milestones"))["items"][0]["confirmations"]) == 2


def test_a_confirmation_refuses_what_it_does_not_know(municipality: Caller) -> None:
    answer = content(municipality.post("/confirmations", {"items": [{"milestoneId": str(uuid4())}]}))
    assert [fault["pointer"] for fault in answer["results"][0]["errors"]] == ["/items/0/milestoneId"]
    unreadable = content(municipality.post("/confirmations", {"items": [{}]}))["results"][0]["errors"]
    assert [(fault["pointer"], fault["code"]) for fault in unreadable] == [("/items/0/milestoneId", "required")]


def test_a_corporation_does_not_confirm(corporation: Caller) -> None:
    refused(corporation.post("/confirmations", {"items": [{"milestoneId": str(uuid4())}]}), 403, "not-allowed")


def test_the_ministry_says_what_a_scheme_demands(administrator: Caller, municipality: Caller) -> None:
    made = content(administrator.put("/schemes/vhf", {"name": "VHF", "demands": DEMANDS}), 201)
    assert made["demands"] == [{**demand, "documentKind": demand.get("documentKind")} for demand in DEMANDS]
    assert content(municipality.get("/schemes/vhf"))["demands"] == made["demands"]
    assert content(administrator.put("/schemes/vhf", {"name": "VHF"}, version=1))["demands"] == []
    refused(municipality.put("/schemes/vhf", {"name": "VHF", "demands": DEMANDS}), 403, "not-allowed")


def test_all_that_is_wrong_with_demands_is_said_at_once(administrator: Caller) -> None:
    body = {
        "name": "VHF",
        "demands": [
            {**OF_COMPLETION, "evidence": "document"},
            {**OF_COMPLETION, "evidence": "registered-label", "documentKind": "invoice"},
            {"track": "renovation", "kind": "cancelled", "evidence": "completion-inspection"},
            DEMANDS[0],
            DEMANDS[0],
        ],
    }
    refused(
        administrator.put("/schemes/vhf", body),
        400,
        "rule-violation",
        ("/demands/0/documentKind", "document-kind-missing"),
        ("/demands/1/documentKind", "document-kind-of-document"),
        ("/demands/2/kind", "demand-on-cancellation"),
        ("/demands/4", "repeated"),
    )
    unreadable = {"name": "VHF", "demands": [{"track": "painting", "kind": "completed", "evidence": "hearsay", "documentKind": "poem"}, {}]}
    refused(
        administrator.put("/schemes/vhf", unreadable),
        400,
        "invalid-input",
        *((f"/demands/0/{name}", "not-one-of") for name in ("track", "evidence", "documentKind")),
        *((f"/demands/1/{name}", "required") for name in ("track", "kind", "evidence")),
    )


def test_nothing_is_confirmed_before_what_the_schemes_demand_is_there(
    corporation: Caller, municipality: Caller, administrator: Caller, path: str, session: Session
) -> None:
    content(administrator.put("/schemes/volkshuisvestingsfonds", {"name": "VHF", "demands": DEMANDS}, version=1))
    content(administrator.put("/schemes/regio-deal", {"name": "Regio Deal", "demands": DEMANDS[1:2]}, version=1))
    made = completed(corporation, path)
    start = next(each for each in content(corporation.get(path))["milestones"] if each["kind"] == "started")
    assert start["demands"] == []
    confirmation = f"/milestones/{made['id']}/confirmation"
    refused(municipality.post(confirmation, {}), 400, "rule-violation", *[("", "evidence-missing")] * 4)
    (result,) = content(municipality.post("/confirmations", {"items": [{"milestoneId": made["id"]}]}))["results"]
    assert (result["outcome"], [fault["pointer"] for fault in result["errors"]]) == ("refused", ["/items/0/milestoneId"] * 4)
    assert "volkshuisvestingsfonds" in result["errors"][0]["detail"] + result["errors"][1]["detail"]

    inspection = an_inspection_shows(session, path)
    a_label(session, made, "2024-05-31")  # from before the works: says nothing about them
    a_document(session, path, DocumentKind.INVOICE)
    a_document(session, path, DocumentKind.GRANT_DECISION, stored_at=None)
    refused(municipality.post(confirmation, {}), 400, "rule-violation", *[("", "evidence-missing")] * 3)
    label, document = a_label(session, made, "2025-06-10"), a_document(session, path, DocumentKind.GRANT_DECISION)
    asked = shown(corporation, path, made)["demands"]
    assert all(each["met"] for each in asked)
    assert {(each["scheme"], each["evidence"], each["metBy"]) for each in asked} == {
        ("volkshuisvestingsfonds", "completion-inspection", str(inspection)),
        ("volkshuisvestingsfonds", "registered-label", str(label)),
        ("volkshuisvestingsfonds", "document", str(document)),
        ("regio-deal", "registered-label", str(label)),
    }

    confirmed = content(municipality.post(confirmation, {}))
    assert {(ground["scheme"], ground["evidence"], ground["id"]) for ground in confirmed["restsOn"]} == {
        (each["scheme"], each["evidence"], each["metBy"]) for each in asked
    }
    assert shown(corporation, path, made)["restsOn"] == confirmed["restsOn"]
    (kept,) = content(corporation.get(f"{path}/milestones"))["items"][1]["confirmations"]
    assert kept["restsOn"] == confirmed["restsOn"]


def test_the_record_says_which_rule_is_not_met_yet(corporation: Caller, administrator: Caller, path: str, session: Session) -> None:
    content(administrator.put("/schemes/volkshuisvestingsfonds", {"name": "VHF", "demands": DEMANDS}, version=1))
    made = completed(corporation, path)
    label = a_label(session, made, "2024-06-01")  # on the day of the start
    assert [(each["evidence"], each["documentKind"], each["met"], each["metBy"]) for each in shown(corporation, path, made)["demands"]] == [
        ("completion-inspection", None, False, None),
        ("registered-label", None, True, str(label)),
        ("document", "grant-decision", False, None),
    ]


def test_what_is_demanded_later_takes_no_confirmation_away(corporation: Caller, municipality: Caller, administrator: Caller, path: str) -> None:
    made = completed(corporation, path)
    confirmed = content(municipality.post(f"/milestones/{made['id']}/confirmation", {}))
    content(administrator.put("/schemes/volkshuisvestingsfonds", {"name": "VHF", "demands": DEMANDS}, version=1))
    assert shown(corporation, path, made)["confirmedAt"] == confirmed["confirmedAt"]
    assert content(municipality.post(f"/milestones/{made['id']}/confirmation", {})) == confirmed
