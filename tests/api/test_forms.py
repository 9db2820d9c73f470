"""Another site can't use the browser of somebody who is signed in here, nor sign her in as somebody else."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from api import auth
from api.forms import FORM_COOKIE
from registry.access import Role
from registry.members.model import Membership, Person
from registry.settings import settings
from tests import makers
from tests.api.browser import OWN, PASSWORD, a_local_account, form_token, get, is_a_page, session_of, sign_in, signed_in, submit
from tests.api.callers import Caller, content, refused

FORMS = [
    "/sign-in",
    "/sign-out",
    "/set-up",
    "/set-up/provider",
    "/account/phones",
    "/account/password",
    "/account/phones/5b0d8f4e-6f0f-4c1e-9a51-3c1b7d1f2a60/revoke",
]
PASSWORD_BODY = {"currentPassword": PASSWORD, "newPassword": "tien groene bomen op een rij"}


@pytest.fixture
def anna(session: Session) -> Person:
    person = a_local_account(session)
    makers.a_membership(session, person, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    return person


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_the_token_of_this_browser_is_refused(api: FlaskClient, anna: Person, path: str, token: str | None) -> None:
    sign_in(api, anna.email)
    before = session_of(api)
    data = {"email": anna.email, "password": PASSWORD, **({} if token is None else {"form_token": token})}
    response = api.post(path, data=data, headers={"Origin": OWN, "Accept-Language": "en"})
    assert "This form has expired" in is_a_page(response, 403)
    assert (session_of(api), signed_in(response)) == (before, False)


def test_the_token_of_another_browser_is_refused(api: FlaskClient, application: Flask, anna: Person) -> None:
    token = form_token(application.test_client())
    get(api, "/sign-in")
    assert api.post("/sign-in", data={"form_token": token, "email": anna.email, "password": PASSWORD}).status_code == 403


def test_a_token_without_the_cookie_is_refused(application: Flask, api: FlaskClient, anna: Person) -> None:
    token = form_token(api)
    api.delete_cookie(FORM_COOKIE)
    assert api.post("/sign-in", data={"form_token": token, "email": anna.email, "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8080", "http://localhost.evil.example", "https://localhost", ""])
def test_a_form_of_another_site_is_refused_even_with_the_right_token(api: FlaskClient, anna: Person, path: str, origin: str) -> None:
    token = form_token(api)
    response = api.post(path, data={"form_token": token, "email": anna.email, "password": PASSWORD}, headers={"Origin": origin, "Accept-Language": "en"})
    assert "another website" in is_a_page(response, 403)


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303), (None, 303)])
def test_without_an_origin_the_browser_says_how_near_the_other_page_is(api: FlaskClient, anna: Person, site: str | None, status: int) -> None:
    data = {"form_token": form_token(api), "email": anna.email, "password": PASSWORD}
    assert api.post("/sign-in", data=data, headers={"Sec-Fetch-Site": site} if site else {}).status_code == status


def test_behind_a_proxy_our_own_origin_is_https(api: FlaskClient, anna: Person) -> None:
    token = form_token(api)
    data = {"form_token": token, "email": anna.email, "password": PASSWORD}
    cookie = api.get_cookie(FORM_COOKIE)
    assert cookie is not None
    api.set_cookie(FORM_COOKIE, cookie.value, domain="register.example.nl")
    for origin, status in (("http://register.example.nl", 403), ("https://register.example.nl", 303)):
        response = api.post("/sign-in", data=data, headers={"Origin": origin}, base_url="http://register.example.nl")
        assert response.status_code == status


def csrf(client: FlaskClient) -> str:
    return str(content(client.get("/v1/me"))["csrfToken"])


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "\xe9"}])
def test_the_api_refuses_a_change_with_a_cookie_and_no_token(api: FlaskClient, anna: Person, headers: dict[str, str]) -> None:
    sign_in(api, anna.email)
    refused(api.put("/v1/me/password", json=PASSWORD_BODY, headers=headers), 403, "csrf-token-missing")


def test_a_browser_learns_its_token_from_the_api_and_may_change_with_it(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email)
    content(api.put("/v1/me/password", json=PASSWORD_BODY, headers={"X-CSRF-Token": csrf(api), "Origin": OWN}))
    assert signed_in(sign_in(api, anna.email, PASSWORD_BODY["newPassword"]))


def test_who_comes_with_a_token_has_no_csrf_token(api: FlaskClient, session: Session, anna: Person) -> None:
    token = makers.a_token(session, anna)
    sign_in(api, anna.email)
    assert content(api.get("/v1/me", headers={"Authorization": f"Bearer {token}"}))["csrfToken"] is None


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_the_api_refuses_a_change_that_another_site_asks_for_even_with_the_token(api: FlaskClient, anna: Person, headers: dict[str, str]) -> None:
    sign_in(api, anna.email)
    refused(api.put("/v1/me/password", json=PASSWORD_BODY, headers={"X-CSRF-Token": csrf(api), **headers}), 403, "another-site")


def test_the_page_of_an_origin_in_the_settings_may_change_with_the_token(api: FlaskClient, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(settings(), allowed_origins=("https://inspectie.example.nl",))
    monkeypatch.setattr(auth, "settings", lambda: config)
    sign_in(api, anna.email)
    headers = {"X-CSRF-Token": csrf(api), "Origin": "https://inspectie.example.nl"}
    content(api.put("/v1/me/password", json=PASSWORD_BODY, headers=headers))
    assert submit(api, "/sign-out", origin="https://inspectie.example.nl").status_code == 403


def test_a_program_with_a_token_is_not_asked_where_it_comes_from(inspector: Caller, session: Session) -> None:
    membership_id = session.scalars(sa.select(Membership.id).where(Membership.person_id == inspector.person_id)).one()
    content(inspector.post("/enrolments", {"memberId": str(membership_id), "name": "Telefoon"}, Origin="https://evil.example"), 201)
