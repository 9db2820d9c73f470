"""Trajectories, schemes, projects and measures over HTTP."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from registry.trajectories.model import MilestoneKind, Track
from tests import makers
from tests.api.callers import Caller, content, refused


@pytest.fixture
def dwelling_id(corporation: Caller, session: Session) -> str:
    return str(makers.a_dwelling(session, held_by=corporation.organisation).id)


def test_an_opened_trajectory_can_be_read_back(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session), makers.a_scheme(session, "regio-deal"), makers.a_project(session)
    money = [{"scheme": "regio-deal", "amountEur": None}, {"scheme": "volkshuisvestingsfonds", "amountEur": "25000.50"}]
    response = corporation.post("/trajectories", {"dwellingId": dwelling_id, "project": "vrieheide", "fundingLines": money})
    made = content(response, 201)
    assert response.headers["Location"] == f"/v1/trajectories/{made['id']}"
    assert made["fundingLines"] == money
    assert made["executorId"] == str(corporation.organisation and corporation.organisation.id)
    assert [made[name] for name in ("tracks", "milestones", "measures", "labelJump")] == [[], [], [], None]
    assert content(corporation.get(f"/trajectories/{made['id']}")) == made


def test_money_may_be_a_number_or_text(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session)
    for amount, stored in ((12, "12.00"), ("12.3", "12.30"), (0, "0.00"), (99999999999, "99999999999.00")):
        body = {"dwellingId": dwelling_id, "fundingLines": [{"scheme": "volkshuisvestingsfonds", "amountEur": amount}]}
        assert content(corporation.post("/trajectories", body), 201)["fundingLines"][0]["amountEur"] == stored


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (-1, "too-small"),
        ("NaN", "not-a-number"),
        ("Infinity", "not-a-number"),
        ("1e999999", "not-a-number"),
        (10**12, "too-big"),
        (True, "not-a-number"),
        ([], "not-a-number"),
    ],
)
def test_money_is_a_sensible_amount(corporation: Caller, dwelling_id: str, amount: object, code: str) -> None:
    body = {"dwellingId": dwelling_id, "fundingLines": [{"scheme": "x", "amountEur": amount}]}
    refused(corporation.post("/trajectories", body), 400, "invalid-input", ("/fundingLines/0/amountEur", code))


def test_all_references_are_checked_together(corporation: Caller) -> None:
    body = {"dwellingId": str(uuid4()), "project": "nowhere", "fundingLines": [{"scheme": "a"}, {"scheme": "a"}]}
    refused(
        corporation.post("/trajectories", body),
        400,
        "rule-violation",
        ("/dwellingId", "no-such-reference"),
        ("/project", "no-such-reference"),
        ("/fundingLines/0/scheme", "no-such-reference"),
        ("/fundingLines/1/scheme", "no-such-reference"),
        ("/fundingLines", "repeated"),
    )


def test_the_same_client_made_id_changes_nothing(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_project(session)
    body = {"dwellingId": dwelling_id, "id": str(uuid4())}
    first = content(corporation.post("/trajectories", body), 201)
    assert content(corporation.post("/trajectories", body), 200) == first
    refused(corporation.post("/trajectories", {**body, "project": "vrieheide"}), 409, "already-exists", ("/id", "already-exists"))


def test_a_batch_judges_each_trajectory_by_itself(corporation: Caller, dwelling_id: str) -> None:
    items = [{"id": str(uuid4()), "dwellingId": dwelling} for dwelling in (str(uuid4()), dwelling_id)]
    answer = content(corporation.post("/trajectories/batch", {"items": items}))
    assert [result["outcome"] for result in answer["results"]] == ["refused", "created"]
    assert answer["results"][0]["errors"][0]["pointer"] == "/items/0/dwellingId"


def test_a_corporation_sees_only_its_own_trajectories(corporation: Caller, other_corporation: Caller, municipality: Caller, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    refused(other_corporation.get(f"/trajectories/{made['id']}"), 404, "not-found")
    assert content(other_corporation.get("/trajectories"))["items"] == []
    assert content(municipality.get(f"/trajectories/{made['id']}")) == made
    (listed,) = content(municipality.get(f"/trajectories?dwellingId={dwelling_id}&executorId={made['executorId']}"))["items"]
    assert listed.items() <= made.items()


def test_a_municipality_may_look_but_not_report_for_another(corporation: Caller, municipality: Caller, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    body = {"items": [{"kind": "heat-pump", "appliedOn": "2025-01-01"}]}
    refused(municipality.post(f"/trajectories/{made['id']}/measures", body), 403, "not-yours")


def test_measures_are_reported_with_their_amounts(corporation: Caller, dwelling_id: str) -> None:
    path = f"/trajectories/{content(corporation.post('/trajectories', {'dwellingId': dwelling_id}), 201)['id']}"
    item = {"kind": "roof-insulation", "appliedOn": "2025-03-01", "quantity": "42.50", "unit": "m2", "costEur": "0.00"}
    (made,) = content(corporation.post(f"{path}/measures", {"items": [item]}), 201)["items"]
    assert made.items() >= item.items()
    assert content(corporation.get(path))["measures"] == [made]


def test_all_faults_of_measures_come_together(corporation: Caller, dwelling_id: str) -> None:
    path = f"/trajectories/{content(corporation.post('/trajectories', {'dwellingId': dwelling_id}), 201)['id']}/measures"
    item = {"kind": "magic", "appliedOn": "2025-02-30", "quantity": 0, "unit": "kg", "costEur": -1}
    refused(
        corporation.post(path, {"items": [item, {}]}),
        400,
        "invalid-input",
        ("/items/0/kind", "not-one-of"),
        ("/items/0/appliedOn", "not-a-date"),
        ("/items/0/quantity", "too-small"),
        ("/items/0/unit", "not-one-of"),
        ("/items/0/costEur", "too-small"),
        ("/items/1/kind", "required"),
        ("/items/1/appliedOn", "required"),
    )
    refused(corporation.post(f"/trajectories/{uuid4()}/measures", {"items": [{"kind": "heat-pump", "appliedOn": "2025-01-01"}]}), 404, "not-found")


@pytest.mark.parametrize("quantity", ["0.001", "0.004"])
def test_a_quantity_that_rounds_to_nothing_is_nothing(corporation: Caller, quantity: str) -> None:
    body = {"items": [{"kind": "heat-pump", "appliedOn": "2025-01-01", "quantity": quantity}]}
    refused(corporation.post(f"/trajectories/{uuid4()}/measures", body), 400, "invalid-input", ("/items/0/quantity", "too-small"))


def test_the_label_jump_is_counted_around_the_start(corporation: Caller, session: Session, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    makers.reported(session, corporation.actor, UUID(made["id"]), Track.RENOVATION, MilestoneKind.STARTED, "2024-06-01")
    for label, day in (("F", "2020-01-01"), ("A", "2025-01-01")):
        content(corporation.post(f"/dwellings/{dwelling_id}/energy-labels", {"label": label, "surveyedOn": day}), 201)
    detail = content(corporation.get(f"/trajectories/{made['id']}"))
    assert (detail["labelBefore"], detail["labelAfter"], detail["labelJump"]) == ("F", "A", 5)
    assert detail["tracks"] == [{"track": "renovation", "state": "started"}]


@pytest.mark.parametrize("path", ["/schemes/new-one", "/projects/new-one"])
def test_a_reference_is_made_changed_and_read(administrator: Caller, municipality: Caller, path: str) -> None:
    writer = municipality if path.startswith("/projects") else administrator
    more = {"municipalityCode": "GM0917"} if path.startswith("/projects") else {}
    response = writer.put(path, {"name": "One", **more})
    assert content(response, 201)["name"] == "One"
    assert response.headers["Location"] == f"/v1{path}"
    assert content(writer.put(path, {"name": "One", **more}))["name"] == "One"
    assert content(writer.put(path, {"name": "Two", **more}, version=1))["name"] == "Two"
    assert content(writer.get(path)) in content(writer.get(path.rpartition("/")[0]))["items"]
    refused(writer.get(f"{path}-x"), 404, "not-found")
    refused(writer.put(path, {**more}), 400, "invalid-input", ("/name", "required"))


def test_a_project_belongs_to_its_municipality(municipality: Caller, other_municipality: Caller, corporation: Caller) -> None:
    for code in ("GM9999", "GM0363"):
        body = {"name": "Elsewhere", "municipalityCode": code}
        refused(municipality.put("/projects/elsewhere", body), 400, "rule-violation", ("/municipalityCode", "outside-your-municipality"))
    content(municipality.put("/projects/ours", {"name": "Ours", "municipalityCode": "GM0917"}), 201)
    for code in ("GM0917", "GM0363"):
        refused(other_municipality.put("/projects/ours", {"name": "Theirs", "municipalityCode": code}, version=1), 403, "not-yours")
    refused(corporation.put("/projects/ours", {"name": "Theirs", "municipalityCode": "GM0917"}, version=1), 403, "not-allowed")


def test_an_endless_slug_is_no_address(administrator: Caller) -> None:
    refused(administrator.put(f"/schemes/{'a1' * 4000}", {"name": "x"}), 404, "no-such-page")
