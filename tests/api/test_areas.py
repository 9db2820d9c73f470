"""Municipalities and focus areas over HTTP."""

import pytest

from tests.api.callers import Caller, content, refused


def test_a_municipality_is_made_and_renamed(administrator: Caller) -> None:
    path = "/municipalities/GM0363"
    response = administrator.put(path, {"name": "Amsterdam", "province": "Noord-Holland"})
    made = content(response, 201)
    assert (made["code"], made["name"], made["province"]) == ("GM0363", "Amsterdam", "Noord-Holland")
    assert response.headers["Location"] == f"/v1{path}"
    assert content(administrator.put(path, {"name": "Mokum"}, version=1))["province"] is None
    assert content(administrator.get(path))["name"] == "Mokum"
    assert [each["code"] for each in content(administrator.get("/municipalities"))["items"]] == ["GM0363"]


@pytest.mark.parametrize("path", ["/municipalities/917", "/municipalities/gm0917", "/focus-areas/Heerlen", "/focus-areas/a--b", "/focus-areas/a_b"])
def test_an_address_of_the_wrong_form_does_not_exist(administrator: Caller, path: str) -> None:
    refused(administrator.get(path), 404, "no-such-page")


def test_what_is_not_there_is_not_found(administrator: Caller) -> None:
    problem = refused(administrator.get("/municipalities/GM9999"), 404, "not-found")
    assert problem["detail"] == "municipality GM9999 does not exist or is not visible to you."
    refused(administrator.get("/focus-areas/nowhere"), 404, "not-found")


def test_all_faults_come_together(administrator: Caller) -> None:
    response = administrator.put("/focus-areas/heerlen-noord", {"name": "x" * 81, "municipalityCode": "Heerlen", "size": 1})
    refused(response, 400, "invalid-input", ("/name", "too-long"), ("/municipalityCode", "wrong-form"), ("/size", "unknown-field"))


def test_a_focus_area_lies_in_a_municipality_that_exists(administrator: Caller) -> None:
    body = {"name": "Heerlen-Noord", "municipalityCode": "GM0917"}
    refused(administrator.put("/focus-areas/heerlen-noord", body), 400, "rule-violation", ("/municipalityCode", "no-such-reference"))
    content(administrator.put("/municipalities/GM0917", {"name": "Heerlen"}), 201)
    made = content(administrator.put("/focus-areas/heerlen-noord", body), 201)
    assert content(administrator.get("/focus-areas"))["items"] == [made]


def test_others_read_and_do_not_write(analyst: Caller) -> None:
    content(analyst.get("/focus-areas"))
    refused(analyst.put("/municipalities/GM0917", {"name": "Heerlen"}), 403, "not-allowed")
