"""Whatever a caller sends, the answer is an honest one: a problem of RFC 9457, never a 500."""

import base64
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from api.bodies import LARGEST_BODY_BYTES
from api.fields import DEEPEST_JSON
from registry.db import database
from tests import makers
from tests.api.callers import Caller, a_problem, content, refused

PLAN = {"track": "renovation", "kind": "planned", "effectiveOn": "2025-01-01"}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"{'a': 1}",
        b"NaN",
        b'{"a": Infinity}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"n": 1e999}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused(administrator: Caller, raw: bytes) -> None:
    refused(administrator.put("/schemes/x", raw=raw), 400, "invalid-input", ("", "malformed-json"))


@pytest.mark.parametrize("raw", [b"[]", b"null", b"3", b'"text"', b"true"])
def test_a_body_is_an_object(administrator: Caller, raw: bytes) -> None:
    refused(administrator.put("/schemes/x", raw=raw), 400, "invalid-input", ("", "not-an-object"))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""])
def test_a_body_that_is_not_called_json_is_refused(administrator: Caller, kind: str) -> None:
    response = administrator.client.put(
        "/v1/schemes/x", data=b'{"name": "X"}', headers={"Authorization": f"Bearer {administrator.token}", "Content-Type": kind}
    )
    refused(response, 415, "unsupported-media-type")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "application/json;q=0", ";;;"])
def test_a_form_that_we_do_not_have_can_not_be_delivered(administrator: Caller, accept: str) -> None:
    refused(administrator.get("/me", Accept=accept), 406, "not-acceptable")


@pytest.mark.parametrize("accept", ["", "*/*", "application/*", "text/html, application/json;q=0.1", "application/problem+json"])
def test_json_can_be_asked_for_in_many_ways(administrator: Caller, accept: str) -> None:
    content(administrator.get("/me", Accept=accept))


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/dwellings/",
        "/me/",
        "//dwellings",
        "/dwellings/not-an-id",
        "/dwellings/%00",
        "/schemes/%00",
        "/schemes/%ED%A0%80",
        "/schemes/a%2Fb",
        "/schemes/%EF%BC%91",
    ],
)
def test_an_unknown_address_is_not_found_and_leads_nowhere(administrator: Caller, path: str) -> None:
    response = administrator.get(path)
    refused(response, 404, "no-such-page")
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/me", {"GET"}), ("PATCH", "/schemes/x", {"GET", "PUT"}), ("GET", "/milestones", {"POST"}), ("BREW", "/me", {"GET"})],
)
def test_a_method_that_is_not_possible_is_told_which_are(administrator: Caller, method: str, path: str, allowed: set[str]) -> None:
    response = administrator.send(method, path)
    refused(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


def test_a_body_over_the_limit_is_not_read(administrator: Caller) -> None:
    problem = refused(administrator.put("/schemes/x", raw=b'"' + b"x" * LARGEST_BODY_BYTES + b'"'), 413, "content-too-large")
    assert str(LARGEST_BODY_BYTES) in problem["detail"]
    assert administrator.put("/schemes/x", raw=b'"' + b"x" * (LARGEST_BODY_BYTES - 2) + b'"').status_code == 400


def test_a_nul_character_in_the_body_is_refused(corporation: Caller) -> None:
    body = {"municipalityCode": "GM0917", "street": "a\0b", "town": "\0"}
    refused(corporation.post("/dwellings", body), 400, "invalid-input", ("/street", "nul-character"), ("/town", "nul-character"))


@pytest.mark.parametrize("evidence", ["\0", {"a": "\0"}, {"\0": 1}, [[{"a": ["x", "\0"]}]]])
def test_a_nul_character_deep_in_the_body_is_refused(corporation: Caller, evidence: object) -> None:
    response = corporation.post(f"/trajectories/{uuid4()}/milestones", {**PLAN, "evidence": [evidence]})
    refused(response, 400, "invalid-input", ("/evidence/0", "nul-character"))


def test_a_nul_character_in_the_query_is_refused(auditor: Caller) -> None:
    response = auditor.get("/audit?subjectId=%00&subjectKind=a%00&cursor=%00")
    refused(response, 400, "invalid-input", ("subjectId", "nul-character"), ("subjectKind", "nul-character"), ("cursor", "nul-character"))
    for query in ("bagId=%00", "focusArea=%00", "municipalityCode=%00", "limit=%00", "%00=1"):
        assert a_problem(auditor.get(f"/dwellings?{query}"))["status"] == 400


@pytest.mark.parametrize(
    "path",
    [
        "/organisations",
        "/municipalities",
        "/focus-areas",
        "/schemes",
        "/projects",
        "/checklists",
        "/audit",
        "/changes",
        "/dwellings",
        "/trajectories",
        "/inspections",
        "/tallies/improved/dwellings",
    ],
)
@pytest.mark.parametrize("key", ["\0", "x", "", "-1", "9" * 300, "½", "a\0b"])
def test_no_cursor_breaks_anything(auditor: Caller, path: str, key: str) -> None:
    for text in (key, f"/v1{path} {key}"):
        cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        assert auditor.get(f"{path}?cursor={cursor}").status_code in (200, 400)


@pytest.mark.parametrize("text", ["%ED%A0%80", "%FF", "%E2%80%AE", "%F0%9F%8F%9A", "%C3%A9", quote("' OR 1=1 --"), "%25"])
def test_odd_characters_in_the_query_are_text_like_any_other(auditor: Caller, text: str) -> None:
    content(auditor.get(f"/audit?subjectId={text}"))


@pytest.mark.parametrize("name", ["Accept-Language", "Accept", "If-None-Match", "X-Request-Id", "Idempotency-Key", "If-Match", "Origin"])
@pytest.mark.parametrize("value", ["\0", "\xff", "a" * 5000, ";q=,;", '"'])
def test_no_header_breaks_anything(administrator: Caller, name: str, value: str) -> None:
    for method, path, body in (
        ("GET", "/me", None),
        ("PUT", "/schemes/x", {"name": "X"}),
        ("POST", "/organisations", {"slug": "x", "name": "X", "kind": "ministry"}),
    ):
        response = administrator.send(method, path, body, **{name.replace("-", "_"): value})
        assert response.status_code < 500
        if response.status_code >= 400:
            a_problem(response)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e308", "123456789012345678901234567890", "9223372036854775808", "-9223372036854775809", "1.5", "-0", "true", '"7"']
)
def test_no_number_breaks_anything(corporation: Caller, session: Session, number: str) -> None:
    makers.a_municipality(session)
    for name in ("houseNumber", "yearBuilt", "floorAreaM2", "longitude", "latitude"):
        raw = f'{{"municipalityCode": "GM0917", "{name}": {number}}}'.encode()
        assert a_problem(corporation.post("/dwellings", raw=raw))["status"] == 400
    for limit in (number, "٣٤٥٦", "1" * 5000):
        assert corporation.get("/dwellings?limit=" + quote(limit)).status_code == 400


@pytest.mark.parametrize("day", ["0000-01-01", "10000-01-01", "2025-02-29", "2025-1-1", "-0001-01-01", "20250101T000000", 20250101, None, ""])
def test_a_day_that_does_not_exist_is_refused(corporation: Caller, day: object) -> None:
    problem = a_problem(corporation.post(f"/dwellings/{uuid4()}/energy-labels", {"label": "A", "surveyedOn": day}))
    assert [fault["pointer"] for fault in problem["errors"]] == ["/surveyedOn"]


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1899-12-31T23:59:59Z",
        "2025-01-01T00:00:00",
        "2025-01-01T25:00:00Z",
        "2025-01-01T00:00:00+99:00",
        0,
    ],
)
def test_a_moment_at_the_end_of_the_calendar_is_refused(inspector: Caller, analyst: Caller, moment: object) -> None:
    refused(inspector.put(f"/inspections/{uuid4()}", {"answers": {}, "visitedAt": moment}), 400, "invalid-input", ("/visitedAt", "not-a-moment"))
    refused(analyst.get(f"/tallies?knownAt={quote(str(moment))}"), 400, "invalid-input", ("knownAt", "not-a-moment"))


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [DEEPEST_JSON + 1, 300, 900])
def test_json_may_not_be_endlessly_deep(corporation: Caller, depth: int) -> None:
    response = corporation.post(f"/trajectories/{uuid4()}/milestones", {**PLAN, "evidence": [nested(depth)]})
    refused(response, 400, "invalid-input", ("/evidence/0", "wrong-form"))


def test_json_may_be_as_deep_as_it_says(corporation: Caller, session: Session) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": str(makers.a_dwelling(session, held_by=corporation.organisation).id)}), 201)
    body = {**PLAN, "evidence": [nested(DEEPEST_JSON)]}
    assert content(corporation.post(f"/trajectories/{made['id']}/milestones", body), 201)["evidence"] == body["evidence"]


def test_without_database_the_register_is_unavailable_for_a_while(application: Flask) -> None:
    database.connect("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    try:
        response = Caller(application.test_client(), "dwr_t_somebody").get("/schemes")
        refused(response, 503, "unavailable")
        assert int(response.headers["Retry-After"]) > 0
    finally:
        database.use(None)


def test_a_request_carries_its_name_through(administrator: Caller) -> None:
    assert administrator.get("/me", X_Request_Id="my-request-17").headers["X-Request-Id"] == "my-request-17"
    problem = refused(administrator.get("/nothing", X_Request_Id="my-request-18"), 404, "no-such-page")
    assert problem["instance"] == "urn:request:my-request-18"


@pytest.mark.parametrize("name", ["short", "x" * 65, "with space in it", "new\xa0line-here", "<script>alert(1)</script>"])
def test_a_name_that_is_not_sensible_is_replaced(administrator: Caller, name: str) -> None:
    assert administrator.get("/me", X_Request_Id=name).headers["X-Request-Id"] != name


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_an_origin_that_is_not_on_the_list_may_not_read(administrator: Caller, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in administrator.get("/me", Origin=origin).headers
