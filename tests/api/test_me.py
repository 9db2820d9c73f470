"""Who is calling."""

import pytest
from sqlalchemy.orm import Session

from registry.access import RIGHTS, Role
from registry.settings import settings
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused


@pytest.mark.parametrize("role", Role)
def test_every_role_is_told_its_rights(nobody: Caller, session: Session, role: Role) -> None:
    caller = a_caller(nobody.client, role.value, makers.an_organisation(session))
    me = content(caller.get("/me"))
    assert me["personId"] == str(caller.person_id)
    assert me["organisationId"] == str(caller.organisation and caller.organisation.id)
    assert (me["role"], set(me["rights"])) == (role.value, {right.value for right in RIGHTS[role]})


def test_a_token_needs_no_organisation(administrator: Caller) -> None:
    assert content(administrator.get("/me"))["organisationId"] is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer dev-",
        "Bearer dev-king",
        "Basic ZGV2",
        "Bearer eyJhbGciOi",
        "dev-inspector",
        "Bearer dev-inspector@nowhere",
        "Bearer dev-inspector@a\x00b",
        "Bearer dev-inspector@\xe9",
    ],
)
def test_a_token_that_says_nothing_is_refused(nobody: Caller, header: str) -> None:
    response = nobody.get("/me", Authorization=header)
    refused(response, 401, "not-authenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_development_tokens_work_in_embedded_mode_only(nobody: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("REGISTRY_EMBEDDED", "false")
    try:
        refused(nobody.get("/me", Authorization="Bearer dev-inspector"), 401, "not-authenticated")
    finally:
        settings.cache_clear()


def test_who_is_not_known_learns_nothing_about_his_input(nobody: Caller) -> None:
    refused(nobody.post("/dwellings", raw=b"{"), 401, "not-authenticated")
