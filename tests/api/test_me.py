"""Who is calling."""

import pytest
from sqlalchemy.orm import Session

from registry.access import RIGHTS, Role
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused


@pytest.mark.parametrize("role", Role)
def test_every_role_is_told_its_rights(nobody: Caller, session: Session, role: Role) -> None:
    caller = a_caller(nobody.client, role.value, makers.an_organisation(session))
    me = content(caller.get("/me"))
    assert me["personId"] == str(caller.person_id)
    assert me["organisationId"] == str(caller.organisation and caller.organisation.id)
    assert (me["role"], set(me["rights"])) == (role.value, {right.value for right in RIGHTS[role]})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer dwr_t_",
        "Bearer dwr_t_unknown",
        "Basic ZGV2",
        "Bearer eyJhbGciOi",
        "dwr_t_unknown",
        "Bearer dwr_s_a-session-is-no-token",
        "Bearer dwr_t_a\x00b",
        "Bearer dwr_t_\xe9",
        "Bearer dwr_t_" + "x" * 5000,
    ],
)
def test_a_token_that_says_nothing_is_refused(nobody: Caller, header: str) -> None:
    response = nobody.get("/me", Authorization=header)
    refused(response, 401, "not-authenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_who_is_not_known_learns_nothing_about_his_input(nobody: Caller) -> None:
    refused(nobody.post("/dwellings", raw=b"{"), 401, "not-authenticated")
