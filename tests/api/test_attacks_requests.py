"""Attacks with odd addresses and headers: never another object, never a 500. docs/attacks.md lists them all."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.api.callers import Caller, a_problem, content, refused
from tests.world import World

FULL_WIDTH = str.maketrans("0123456789abcdef", "０１２３４５６７８９ａｂｃｄｅｆ")


def odd_paths(id: UUID | str) -> list[str]:
    """Addresses that some server or other takes for ``/dwellings/{id}`` or for what lies beside it."""
    return [
        f"/dwellings/../dwellings/{id}",
        f"/inspections/%2e%2e/dwellings/{id}",
        f"/inspections/%2E%2E%2Fdwellings%2F{id}",
        f"/dwellings/{id}%00",
        f"/dwellings/{id}%0a",
        f"/dwellings/{id}%20",
        f"/dwellings/{id};a=b",
        f"/dwellings/{id}/",
        f"/dwellings/{id}/.",
        f"/dwellings/{id}.json",
        f"/dwellings//{id}",
        f"//dwellings/{id}",
        f"/Dwellings/{id}",
        f"/dwellings/{{{id}}}",
        f"/dwellings/urn:uuid:{id}",
        f"/dwellings/{str(id).replace('-', '')}",
        f"/dwellings/{quote(str(id).translate(FULL_WIDTH))}",
        f"/dwellings/{id}{'a' * 3000}",
        f"/dwellings/{id}/{'../' * 200}",
        f"/dwellings/%c0%af{id}",
        f"/dwellings/%ff%fe{id}",
        f"/dwellings/{id}%252e%252e",
        f"/dwellings/{id}\\..\\",
        f"/dwellings/{id},{id}",
    ]


@pytest.mark.parametrize("place", range(len(odd_paths(""))))
def test_an_odd_address_is_no_address(world: World, place: int) -> None:
    for side, column in ((world.near, "corporation"), (world.far, "corporation"), (world.near, "auditor")):
        path = odd_paths(side.things["dwelling"])[place]
        response = world.near.people[column].get(path)
        assert response.status_code in (400, 404), (path, response.status_code)
        assert a_problem(response)["code"] in ("no-such-page", "not-found")
        assert "postcode" not in response.text


def test_an_escaped_slash_is_a_slash_and_shows_what_that_would_show(world: World) -> None:
    """WSGI decodes the path before anyone sees it. The rights are asked of the address that comes out."""
    content(world.near.people["corporation"].get(f"/dwellings%2f{world.near.things['dwelling']}"))
    refused(world.near.people["corporation"].get(f"/dwellings%2F{world.far.things['dwelling']}"), 404, "not-found")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH"])
def test_the_address_of_a_foreign_object_in_capitals_is_still_foreign(world: World, method: str) -> None:
    path = f"/dwellings/{str(world.far.things['dwelling']).upper()}"
    response = world.near.people["corporation"].send(method, path, {"municipalityCode": "GM0917"} if method == "PUT" else None, version=1)
    assert response.status_code in (404, 405)
    content(world.near.people["corporation"].get(f"/dwellings/{str(world.near.things['dwelling']).upper()}"))


@pytest.mark.parametrize("slug", ["GM0917", "a" * 61, "a" * 5000, "-a", "a--b", "ａ", "a%00", "a%2fb", "..", "a'--", "%F0%9F%92%A9"])
def test_a_name_that_is_none_is_not_found(world: World, slug: str) -> None:
    for path in ("schemes", "projects", "focus-areas"):
        for method in ("GET", "PUT"):
            response = world.near.people["ministry"].send(method, f"/{path}/{slug}", {"name": "x"} if method == "PUT" else None)
            assert response.status_code == 404, (path, response.text)


@pytest.mark.parametrize("code", ["GM０９１７", "gm0917", "GM09170", "GM%0917", "0917"])
def test_a_municipality_code_is_ascii_digits(world: World, code: str) -> None:
    assert world.near.people["ministry"].put(f"/municipalities/{quote(code, safe='%')}", {"name": "x"}).status_code == 404


LIES = [
    {"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https", "Forwarded": "for=127.0.0.1;host=evil.example"},
    {"X_Original_URL": "/v1/audit", "X_Rewrite_URL": "/v1/audit", "X_Forwarded_Prefix": "/v1/audit"},
    {"X_HTTP_Method_Override": "DELETE", "X_Method_Override": "PUT", "X_HTTP_Method": "DELETE"},
    {"X_Role": "administrator", "X_User": "admin", "X_Organisation": "x", "Role": "ministry-auditor", "X_Registry_Role": "ministry-auditor"},
    {"X_Remote_User": "admin", "Remote_User": "admin", "X_Client_Cert": "x", "X_SSL_Client_Verify": "SUCCESS"},
]


@pytest.mark.parametrize("lies", LIES, ids=[next(iter(lies)) for lies in LIES])
def test_a_header_that_is_not_in_the_contract_changes_nothing(world: World, lies: dict[str, str]) -> None:
    for column, path in (("corporation", "/dwellings"), ("inspector", "/inspections"), ("reviewer", "/members")):
        caller = world.near.people[column]
        assert caller.get(path, **lies).data == caller.get(path).data
    refused(world.near.people["corporation"].get("/members", **lies), 403, "not-allowed")
    token = world.near.belongings["corporation"]["token"]
    content(world.near.people["corporation"].get(f"/tokens/{token}", **lies))
    assert content(world.near.people["corporation"].get(f"/tokens/{token}"))["revokedAt"] is None


def raw(caller: Caller, path: str, headers: list[tuple[str, str]]) -> TestResponse:
    return caller.client.open(f"/v1{path}", headers=headers)


def test_of_several_authorization_headers_none_is_taken(world: World) -> None:
    near, far = (side.people["corporation"].token for side in (world.near, world.far))
    for values in ([f"Bearer {near}", f"Bearer {far}"], [f"Bearer {near}, Bearer {far}"], ["Basic eDp5", f"Bearer {far}"]):
        refused(raw(world.near.people["corporation"], "/dwellings", [("Authorization", value) for value in values]), 401, "not-authenticated")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Basic {0}",
        "bearer{0}",
        "Token {0}",
        "Bearer {0}x",
        "Bearer {0} {0}",
        "Bearer\t{0}",
        "{0}",
        "Bearer é{0}",
        "Bearer dwr_t_" + "x" * 5000,
    ],
)
def test_a_credential_that_is_not_whole_is_none(world: World, value: str) -> None:
    token = world.near.people["corporation"].token or ""
    response = raw(world.near.people["corporation"], "/dwellings", [("Authorization", value.replace("{0}", token))])
    refused(response, 401, "not-authenticated")


@pytest.mark.parametrize("given", ["", "x", "null", "00000000-0000-0000-0000-000000000000", "' OR 1=1 --", "*", "é", "1" * 5000])
def test_acting_for_nothing_that_is_hers_is_refused(world: World, given: str) -> None:
    response = raw(
        world.near.people["corporation"], "/dwellings", [("Authorization", f"Bearer {world.near.people['corporation'].token}"), ("Acting-For", given)]
    )
    assert response.status_code in (400, 403), response.text
    assert a_problem(response)["code"] in ("invalid-input", "no-membership")


@pytest.mark.parametrize("reason", ["", " ", "%20", "a%0d%0aSet-Cookie: a=b", "a%00b", "%E2%80%AE", "x" * 501, "%C3%A9" * 501, "\x85"])
def test_a_reason_that_says_nothing_or_breaks_the_line_is_refused(world: World, reason: str) -> None:
    auditor = world.near.people["auditor"]
    response = raw(auditor, "/dwellings", [("Authorization", f"Bearer {auditor.token}"), ("Reason", reason)])
    assert response.status_code == 400, response.text
    assert a_problem(response)["code"] in ("reason-required", "invalid-input")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("reason", ["klacht 12", "%C3%A9%C3%A9n klacht", "\xe9\xe9n", "%FF", "100%", "'; DROP TABLE dwelling; --", "%", "a\tb"])
def test_any_other_reason_is_kept_or_refused_and_breaks_nothing(world: World, reason: str, session: Session) -> None:
    auditor = world.near.people["auditor"]
    response = raw(auditor, "/dwellings", [("Authorization", f"Bearer {auditor.token}"), ("Reason", reason)])
    assert response.status_code in (200, 400), response.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:99999", "a b", "é.example", "x" * 8000, "", "evil.example/@", "[::1", "a\tb"])
def test_a_link_with_a_secret_goes_to_nobody_else_whatever_the_host_header_says(world: World, host: str) -> None:
    """The answer goes to whoever sent the header, so a lie there deceives only its author; it must not break the answer."""
    administrator, body = world.near.people["administrator"], {"memberId": str(world.near.belongings["corporation"]["member"]), "name": "phone"}
    response = administrator.post("/enrolments", body, Host=host)
    assert response.status_code < 500, response.text


def test_a_body_where_none_belongs_changes_nothing(world: World) -> None:
    caller: Any = world.near.people["corporation"]
    assert caller.send("GET", "/dwellings", {"limit": 500, "municipalityCode": "GM0363"}).data == caller.get("/dwellings").data


def test_a_parameter_that_is_given_twice_or_is_unknown_widens_nothing(world: World) -> None:
    caller = world.near.people["corporation"]
    mine, theirs = (str(side.things["dwelling"]) for side in (world.near, world.far))
    for query in (f"dwellingId={mine}&dwellingId={theirs}", f"dwellingId[]={theirs}", f"dwellingId={theirs}&organisationId=*", "all=true", "organisation_id=x"):
        response = caller.get(f"/portfolio-periods?{query}")
        assert theirs not in response.text
        assert response.status_code in (200, 400)
