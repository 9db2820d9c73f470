"""Signing in with a local account: nobody learns which accounts there are, and a session is new each time."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from api.auth import SESSION_COOKIE
from registry.members.credentials import digest_of, new_secret
from registry.members.model import Credential, CredentialKind, Person
from tests import makers
from tests.api.browser import PASSWORD, a_local_account, carries_page_headers, get, is_a_page, said, session_of, sign_in, signed_in, submit


@pytest.fixture
def anna(session: Session) -> Person:
    return a_local_account(session, "anna@example.nl")


def test_a_person_signs_in_and_sees_her_account(api: FlaskClient, anna: Person) -> None:
    response = sign_in(api, "anna@example.nl")
    assert (response.status_code, response.headers["Location"]) == (303, "/account")
    carries_page_headers(response)
    assert "anna@example.nl" in is_a_page(get(api, "/account"))


def test_capitals_and_spaces_around_the_address_do_not_matter(api: FlaskClient, anna: Person) -> None:
    assert signed_in(sign_in(api, "  Anna@Example.NL "))


def test_the_session_cookie_is_for_this_host_alone_and_for_no_script(api: FlaskClient, anna: Person) -> None:
    (cookie,) = [each for each in sign_in(api, anna.email).headers.getlist("Set-Cookie") if each.startswith(SESSION_COOKIE)]
    assert cookie.startswith("__Host-")
    assert set(cookie.split("; ")[1:]) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_the_register_keeps_no_session_that_could_be_used(api: FlaskClient, anna: Person, session: Session) -> None:
    sign_in(api, anna.email)
    secret = session_of(api)
    (kept,) = session.scalars(sa.select(Credential).where(Credential.person_id == anna.id, Credential.kind == CredentialKind.SESSION)).all()
    assert kept.digest == digest_of(secret)
    assert secret.encode() not in kept.digest


def test_an_unknown_account_a_wrong_password_and_an_account_without_password_get_the_same_answer(api: FlaskClient, anna: Person, session: Session) -> None:
    makers.a_person(session, "bea@example.nl")
    answers = [sign_in(api, email, "verkeerd wachtwoord") for email in ("anna@example.nl", "bea@example.nl", "nobody@example.nl", "no address", "a\0b@c.nl")]
    assert {answer.status_code for answer in answers} == {401}
    assert {said(answer) for answer in answers} == {said(answers[0])}
    assert "Dit e-mailadres en wachtwoord horen niet bij elkaar." in said(answers[0])
    assert {frozenset(answer.headers.keys()) for answer in answers} == {frozenset(answers[0].headers.keys())}
    assert not any(signed_in(answer) for answer in answers)


def test_all_that_is_missing_is_named_and_linked_to_its_field(api: FlaskClient) -> None:
    response = submit(api, "/sign-in")
    is_a_page(response, 400)
    assert '<a href="#email">Dit veld is verplicht.</a>' in response.text
    assert '<a href="#password">Dit veld is verplicht.</a>' in response.text
    assert response.text.count('aria-invalid="true"') == 2
    assert "<title>Fout: " in response.text


def test_what_was_typed_is_shown_again_but_never_a_password(api: FlaskClient) -> None:
    response = sign_in(api, 'a"><script>alert(1)</script>@example.nl', "geheim wachtwoord")
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text
    assert "geheim wachtwoord" not in response.text


def test_a_session_that_somebody_planted_is_not_the_one_that_is_begun(api: FlaskClient, anna: Person) -> None:
    planted = new_secret(CredentialKind.SESSION).text
    api.set_cookie(SESSION_COOKIE, planted, secure=True)
    sign_in(api, anna.email)
    assert session_of(api) != planted
    api.set_cookie(SESSION_COOKIE, planted, secure=True)
    assert get(api, "/account").status_code == 303


def test_signing_in_again_ends_the_session_before(api: FlaskClient, application: Flask, anna: Person) -> None:
    sign_in(api, anna.email)
    first = session_of(api)
    sign_in(api, anna.email)
    assert session_of(api) != first
    other = application.test_client()
    other.set_cookie(SESSION_COOKIE, first, secure=True)
    assert get(other, "/account").status_code == 303


def test_signing_out_ends_the_session_at_the_register_and_not_in_the_browser_alone(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email)
    secret = session_of(api)
    response = submit(api, "/sign-out")
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in")
    assert session_of(api) == ""
    api.set_cookie(SESSION_COOKIE, secret, secure=True)
    assert get(api, "/account").status_code == 303
    assert api.get("/v1/me").status_code == 401


def test_who_is_not_signed_in_can_sign_out_all_the_same(api: FlaskClient) -> None:
    assert submit(api, "/sign-out").status_code == 303


@pytest.mark.parametrize("path", ["/account", "/account?done=phone", "/enrol", "/a/b_c-d.e~f%20g?h=i&j=k"])
def test_one_goes_on_to_the_page_that_was_asked_for(api: FlaskClient, anna: Person, path: str) -> None:
    assert sign_in(api, anna.email, next=path).headers["Location"] == path


OPEN_REDIRECTS = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/a\\..\\evil",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "",
    "/é",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("path", OPEN_REDIRECTS)
def test_nobody_is_led_to_another_site(api: FlaskClient, anna: Person, path: str) -> None:
    where = sign_in(api, anna.email, next=path).headers["Location"]
    assert where == "/account"
    assert 'value="/account"' in api.get("/sign-in", query_string={"next": path}).text


@pytest.mark.parametrize(
    ("languages", "language", "word"), [("nl", "nl", "Inloggen"), ("en-GB,en", "en", "Sign in"), ("de", "nl", "Inloggen"), ("", "nl", "Inloggen")]
)
def test_pages_are_dutch_or_english(api: FlaskClient, languages: str, language: str, word: str) -> None:
    response = get(api, "/sign-in", language=languages)
    assert word in is_a_page(response)
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize("path", ["/sign-in", "/set-up", "/enrol", "/account", "/sign-in/callback", "/sign-in/provider"])
def test_every_page_carries_the_headers_and_nothing_that_runs_in_it(api: FlaskClient, path: str) -> None:
    response = get(api, path)
    carries_page_headers(response)
    assert "style=" not in response.text
    assert "onclick" not in response.text
    assert "<script>" not in response.text


def test_the_style_and_the_script_are_served_by_us(api: FlaskClient) -> None:
    for name, kind in (("pages.css", "text/css"), ("pages.js", "text/javascript")):
        response = get(api, f"/assets/{name}")
        assert (response.status_code, response.mimetype) == (200, kind)
        assert get(api, f"/assets/{name}", If_None_Match="x").status_code == 200
        assert api.get(f"/assets/{name}", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert get(api, "/assets/base.html").status_code == 404
    assert get(api, "/assets/../web.py").status_code == 404


def test_a_form_that_is_too_large_is_refused_with_a_page(api: FlaskClient) -> None:
    is_a_page(submit(api, "/sign-in", email="a" * 20_000, password=PASSWORD), 413)
