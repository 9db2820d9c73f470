"""Finding dwellings over HTTP."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.lookup import _digest
from registry.access import Role
from registry.audit.model import AuditLine
from registry.dwellings.lookup import Wanted
from registry.trajectories.model import MilestoneKind, Track
from tests import makers
from tests.api.callers import Caller, content, refused

HOME = {"municipalityCode": "GM0917", "town": "Heerlen", "longitude": 5.98, "latitude": 50.92}


@pytest.fixture(autouse=True)
def _places(session: Session) -> None:
    makers.a_municipality(session)


@pytest.fixture
def homes(corporation: Caller) -> list[dict[str, Any]]:
    """Vrieheidestraat 10 to 14 and Kerkstraat 12."""
    return [
        content(corporation.post("/dwellings", {**HOME, "street": street, "houseNumber": number, "postcode": postcode, "longitude": 5.98 + number / 1000}), 201)
        for street, number, postcode in [*(("Vrieheidestraat", number, "6411AB") for number in range(10, 15)), ("Kerkstraat", 12, "6412CD")]
    ]


def found(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    return content(caller.post("/dwellings/_search", asked))["items"]  # type: ignore[no-any-return]


def test_a_street_with_a_typing_error_a_number_and_a_town(corporation: Caller, homes: list[dict[str, Any]]) -> None:
    assert found(corporation, text="vrieheidestrat 12 heerlen")[0] == homes[2]
    assert found(corporation, text="Vrieheidestr. 12") == found(corporation, text="vrieheidestraat", houseNumber=12, town="heerlen") == [homes[2]]
    assert [home["houseNumber"] for home in found(corporation, text="vrieheide")] == [10, 11, 12, 13, 14]


def test_postcodes_boxes_and_several_conditions_together(corporation: Caller, homes: list[dict[str, Any]]) -> None:
    assert found(corporation, postcode="6411 ab", houseNumber=12) == found(corporation, text="12, 6411ab") == [homes[2]]
    assert found(corporation, postcodePrefix="6411") == found(corporation, postcodePrefix="6411a") == homes[:5]
    assert found(corporation, bbox=[5.9905, 50.91, 5.9925, 50.93]) == [homes[1], homes[2], homes[5]]
    assert found(corporation, bbox=[5.9905, 50.91, 5.9925, 50.93], postcodePrefix="6411") == homes[1:3]
    assert content(corporation.get("/dwellings?bbox=5.9905,50.91,5.9925,50.93"))["items"] == [homes[1], homes[2], homes[5]]


def test_pages_hold_for_one_question_only(corporation: Caller, homes: list[dict[str, Any]]) -> None:
    for asked in ({"text": "vrieheidestrat"}, {"postcodePrefix": "6411"}):
        items, cursor = [], None
        while True:
            page = content(corporation.post("/dwellings/_search", {**asked, "limit": 2, "cursor": cursor}))
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
            refused(corporation.post("/dwellings/_search", {"municipalityCode": "GM0917", "cursor": cursor}), 400, "invalid-input", ("/cursor", "bad-cursor"))
        assert items == homes[:5]


NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "after",
    ["[Infinity, null]", "[1e400, null]", "[0.5, null]", *(json.dumps([0, json.dumps([1, odd, "", "", 1, "", "", NOWHERE])]) for odd in ("\0", "\ud800"))],
)
def test_a_place_that_no_page_has_was_not_issued(corporation: Caller, after: str) -> None:
    cursor = base64.urlsafe_b64encode(f"/v1/dwellings/_search {_digest(Wanted(text='kerkstraat'))} {after}".encode()).decode().rstrip("=")
    refused(corporation.post("/dwellings/_search", {"text": "kerkstraat", "cursor": cursor}), 400, "invalid-input", ("/cursor", "bad-cursor"))


def test_a_street_of_abbreviations_is_in_nobodys_way(corporation: Caller) -> None:
    long = content(corporation.post("/dwellings", {**HOME, "street": " ".join("n" * 40), "houseNumber": 1, "postcode": "6411AB"}), 201)
    assert found(corporation, text="nieuwe") == found(corporation, text=" ".join("n" * 40)) == [long]


@pytest.mark.parametrize("box", [[1e308, 0, 1e308, 0], [180, 50, 180.01, 50], [5, -90.01, 5, -90]])
def test_a_box_lies_on_earth(corporation: Caller, box: list[float]) -> None:
    refused(corporation.post("/dwellings/_search", {"bbox": box}), 400, "rule-violation", ("/bbox", "wrong-form"))


def test_work_is_looked_up_by_track_project_executor_and_day(corporation: Caller, homes: list[dict[str, Any]], session: Session) -> None:
    makers.a_project(session)
    session.flush()
    opened = content(corporation.post("/trajectories", {"dwellingId": homes[0]["id"], "project": "vrieheide"}), 201)
    actor = corporation.actor
    makers.reported(session, actor, UUID(opened["id"]), Track.RENOVATION, MilestoneKind.PLANNED, "2024-03-01")
    session.flush()
    state = {"track": "renovation", "state": "planned"}
    for asked in ({"trackState": state}, {"project": "vrieheide"}, {"executorId": str(actor.organisation_id)}, {"overdue": True}, {"overdueOn": "2024-03-02"}):
        assert found(corporation, **asked) == [homes[0]], asked
    assert found(corporation, overdueOn="2024-03-01") == found(corporation, trackState={**state, "state": "started"}) == []
    assert found(corporation, trackState=state, project="vrieheide", overdue=True, text="vrieheide") == [homes[0]]
    for query in ("project=vrieheide", "track=renovation&trackState=planned", "overdueOn=2024-03-02&municipalityCode=GM0917"):
        assert content(corporation.get(f"/dwellings?{query}"))["items"] == [homes[0]], query
    refused(corporation.get("/dwellings?track=renovation"), 400, "rule-violation", ("trackState", "required"))


def test_all_that_is_wrong_is_said_at_once(corporation: Caller) -> None:
    wrong = {"bbox": [1, 2, 3], "trackState": {"track": "x"}, "text": "k", "limit": 501, "postcode": "6411", "colour": "red", "overdueOn": "soon"}
    refused(
        corporation.post("/dwellings/_search", wrong), 400, "invalid-input",
        ("/bbox", "too-short"), ("/trackState/track", "not-one-of"), ("/trackState/state", "required"),
        ("/text", "too-short"), ("/limit", "too-big"), ("/postcode", "wrong-form"), ("/houseNumber", "required"), ("/colour", "unknown-field"),
        ("/overdueOn", "not-a-date"),
    )  # fmt: skip
    together = {"bbox": [6, 50, 5, 51], "town": "Heerlen", "houseLetter": "a"}
    refused(
        corporation.post("/dwellings/_search", together),
        400,
        "rule-violation",
        ("/bbox", "box-turned-over"),
        ("/text", "required"),
        ("/houseNumber", "required"),
    )
    refused(corporation.get("/dwellings?bbox=5,50,5.2,50"), 400, "rule-violation", ("bbox", "box-too-large"))
    refused(corporation.get("/dwellings?bbox=5,50,x"), 400, "invalid-input", ("bbox", "wrong-form"))


def test_each_search_is_in_the_audit_log(corporation: Caller, homes: list[dict[str, Any]], session: Session) -> None:
    found(corporation, postcode="6411AB", houseNumber=12, houseLetter="a")
    found(corporation, text="vrieheide")
    lines = session.scalars(sa.select(AuditLine.subject_id).where(AuditLine.action == "dwelling.searched").order_by(AuditLine.sequence)).all()
    assert lines == ["6411AB 12 a", '{"text": "vrieheide"}']


def test_an_inspector_does_not_ask_about_work(inspector: Caller) -> None:
    for asked in ({"project": "x"}, {"overdue": True}, {"trackState": {"track": "renovation", "state": "planned"}}):
        refused(inspector.post("/dwellings/_search", asked), 403, "not-allowed")
    assert Role.INSPECTOR is inspector.actor.role
    assert found(inspector, text="kerkstraat 12") == []
