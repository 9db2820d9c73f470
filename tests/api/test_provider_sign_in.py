"""Signing in at a real OpenID provider, and all that can go wrong on the way there and back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api import flows, oidc
from api.attempts import MOST_FROM_ADDRESS
from api.flows import FLOW_COOKIE, Flow
from registry import clock
from registry.access import Role
from registry.members.credentials import identity_digest
from registry.members.model import Credential, CredentialKind, Password, Person
from registry.settings import settings
from tests import makers
from tests.api.browser import HASH, PASSWORD, an_invitation, get, is_a_page, said, session_of, sign_in, signed_in, submit
from tests.api.callers import content, refused
from tests.identity_provider import AUDIENCE, REDIRECT_URI, WEB_CLIENT, IdentityProvider

REAL_NOW = clock.now
Configure = Callable[[IdentityProvider], IdentityProvider]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Let the register be a client of this provider."""

    def forget() -> None:
        settings.cache_clear()
        oidc.provider.cache_clear()

    def configure(provider: IdentityProvider) -> IdentityProvider:
        values = {"ISSUER": provider.issuer, "AUDIENCE": AUDIENCE, "CLIENT_ID": WEB_CLIENT[0], "CLIENT_SECRET": WEB_CLIENT[1]}
        for name, value in values.items():
            monkeypatch.setenv(f"REGISTRY_OIDC_{name}", value)
        forget()
        return provider

    yield configure
    monkeypatch.undo()
    forget()


@pytest.fixture
def provider(identity_provider: IdentityProvider, configured: Configure) -> IdentityProvider:
    identity_provider.person("anna")
    return configured(identity_provider)


@pytest.fixture
def anna(session: Session, provider: IdentityProvider) -> Person:
    """Is connected with her account at the provider, where she signs in."""
    person = makers.a_person(session)
    makers.a_membership(session, person, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    digest = identity_digest(provider.issuer, "anna")
    session.add(Credential(kind=CredentialKind.IDENTITY, digest=digest, person_id=person.id, recorded_by=person.id))
    session.flush()
    return person


def at_provider(address: str) -> str:
    """What a browser does there; the path with which it is sent back."""
    with httpx.Client() as browser:
        while not address.startswith(REDIRECT_URI):
            address = str(httpx.URL(address).join(browser.get(address).headers["Location"]))
    return address.removeprefix("http://localhost")


def leave(api: FlaskClient, next: str = "/account") -> str:
    """The address at the provider to which one is sent."""
    response = get(api, f"/sign-in/provider?next={next}")
    assert response.status_code == 303
    return response.headers["Location"]


def refuses(api: FlaskClient, response: TestResponse, status: int, words: str) -> None:
    """A page says so, nobody is signed in, and the attempt is over."""
    assert words in is_a_page(response, status)
    assert not signed_in(response)
    assert api.get_cookie(FLOW_COOKIE) is None


def test_a_person_signs_in_at_the_provider_and_the_api_knows_her(api: FlaskClient, anna: Person) -> None:
    assert "Inloggen met 127.0.0.1" in is_a_page(get(api, "/sign-in"))
    response = get(api, at_provider(leave(api, "/account?done=phone")))
    assert (response.status_code, response.headers["Location"], signed_in(response)) == (303, "/account?done=phone", True)
    assert api.get_cookie(FLOW_COOKIE) is None
    assert content(api.get("/v1/me"))["personId"] == str(anna.id)
    assert "/account/password" not in get(api, "/account").text


def test_the_request_to_the_provider_proves_later_who_made_it_and_asks_for_no_more_than_who_it_is(api: FlaskClient, provider: IdentityProvider) -> None:
    address = leave(api)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{provider.issuer}/auth?")
    fixed = {"client_id": WEB_CLIENT[0], "response_type": "code", "scope": "openid", "redirect_uri": REDIRECT_URI, "code_challenge_method": "S256"}
    assert {name: asked.pop(name) for name in fixed} == fixed
    assert {name: len(value) for name, value in asked.items()} == {"state": 43, "nonce": 43, "code_challenge": 43}
    again = parse_qs(urlsplit(leave(api)).query)
    assert all(again[name] != [asked[name]] for name in asked)


def test_the_cookie_of_an_attempt_tells_nothing_and_does_not_last(api: FlaskClient, provider: IdentityProvider) -> None:
    response = get(api, "/sign-in/provider?next=/account")
    (cookie,) = [each for each in response.headers.getlist("Set-Cookie") if each.startswith(FLOW_COOKIE)]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"} <= set(cookie.split("; "))
    state = parse_qs(urlsplit(response.headers["Location"]).query)["state"][0]
    assert state not in cookie
    assert "account" not in cookie


def test_an_invitation_connects_an_account_which_then_signs_in_and_whose_tokens_open_the_api(
    api: FlaskClient, application: Flask, provider: IdentityProvider, session: Session
) -> None:
    bea = makers.a_person(session)
    code = an_invitation(session, bea).text
    token = provider.sign_in("bea")["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    refused(api.get("/v1/me", headers=bearer), 401, "not-authenticated")
    provider.person("bea")
    page = submit(api, "/set-up/provider", code=code)
    is_a_page(page)
    response = get(api, at_provider(leads_on(page)))
    assert (response.status_code, signed_in(response)) == (303, True)
    assert content(api.get("/v1/me"))["personId"] == str(bea.id)
    other = application.test_client()
    assert signed_in(get(other, at_provider(leave(other))))
    assert content(other.get("/v1/me"))["personId"] == str(bea.id)
    assert content(application.test_client().get("/v1/me", headers=bearer))["personId"] == str(bea.id)
    assert submit(other, "/set-up", code=code, new_password=PASSWORD).status_code == 401


def leads_on(page: TestResponse) -> str:
    """Where a page leads by itself."""
    return page.text.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")


def connect(api: FlaskClient, code: str) -> TestResponse:
    """Sign in at the provider with the code of a link."""
    return get(api, at_provider(leads_on(submit(api, "/set-up/provider", code=code))))


def test_an_invitation_that_is_used_or_made_up_connects_nothing(api: FlaskClient, provider: IdentityProvider, session: Session) -> None:
    provider.person("cor")
    used = an_invitation(session, makers.a_person(session), used_at=REAL_NOW()).text
    for code in (used, "dwr_u_unknown"):
        response = connect(api, code)
        refuses(api, response, 401, "Deze code is onbekend, al gebruikt of verlopen.")
    assert session.scalar(sa.select(sa.func.count()).where(Credential.kind == CredentialKind.IDENTITY)) == 0


def test_an_account_that_is_somebodys_already_is_not_connected_again_and_the_link_stays_good(api: FlaskClient, anna: Person, session: Session) -> None:
    code = an_invitation(session, makers.a_person(session)).text
    response = connect(api, code)
    refuses(api, response, 409, "hoort al bij iemand in het register")
    assert signed_in(submit(api, "/set-up", code=code, new_password=PASSWORD))


def test_connecting_asks_for_a_code_first(api: FlaskClient, provider: IdentityProvider) -> None:
    assert '<a href="#code">' in submit(api, "/set-up/provider", code="").text


def test_somebody_whom_nobody_connected_is_told_so_and_nothing_is_made_of_it(api: FlaskClient, provider: IdentityProvider, session: Session) -> None:
    def rows() -> list[int]:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in (Person, Credential)]

    makers.a_person(session, "dirk@example.nl")
    before = rows()
    provider.person("dirk")
    response = get(api, at_provider(leave(api)))
    refuses(api, response, 403, "is in het register niemand bekend")
    assert "dirk" not in response.text
    assert rows() == before


@pytest.mark.parametrize(
    "change", [lambda path: path.replace("state=", "state=x"), lambda path: path.replace("state=", "x="), lambda path: "/sign-in/callback"]
)
def test_an_answer_to_another_attempt_is_refused(api: FlaskClient, anna: Person, change: Callable[[str], str]) -> None:
    refuses(api, get(api, change(at_provider(leave(api)))), 401, "Het inloggen is onderbroken")


def test_an_answer_in_a_browser_that_did_not_ask_is_refused(api: FlaskClient, application: Flask, anna: Person) -> None:
    """Or somebody could sign another in as himself with a link."""
    path = at_provider(leave(application.test_client()))
    refuses(api, get(api, path), 401, "Het inloggen is onderbroken")
    leave(api)
    refuses(api, get(api, path), 401, "Het inloggen is onderbroken")


def test_an_answer_is_good_once(api: FlaskClient, anna: Person) -> None:
    path = at_provider(leave(api))
    cookie = api.get_cookie(FLOW_COOKIE)
    assert cookie is not None
    assert signed_in(get(api, path))
    refuses(api, get(api, path), 401, "Het inloggen is onderbroken")
    api.set_cookie(FLOW_COOKIE, cookie.value, secure=True)
    refuses(api, get(api, path), 403, "De inlogdienst heeft u niet aangemeld")


def test_an_answer_that_comes_too_late_is_refused(api: FlaskClient, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    path = at_provider(leave(api))
    cookie = api.get_cookie(FLOW_COOKIE)
    assert cookie is not None
    api.set_cookie(FLOW_COOKIE, cookie.value, secure=True)
    monkeypatch.setattr(clock, "now", lambda: REAL_NOW() + timedelta(seconds=flows.FLOW_S + 2))
    refuses(api, get(api, path), 401, "Het inloggen is onderbroken")


@pytest.mark.parametrize("value", ["", "x", "gAAAAAB", "é", "a" * 3000])
def test_a_cookie_that_we_did_not_make_is_no_attempt(api: FlaskClient, provider: IdentityProvider, value: str) -> None:
    api.set_cookie(FLOW_COOKIE, value, secure=True)
    refuses(api, get(api, "/sign-in/callback?state=&code=x"), 401, "Het inloggen is onderbroken")


def other_flow(api: FlaskClient, application: Flask, **more: Any) -> None:
    """Let the browser bring another attempt back than the one with which it left."""
    with application.test_request_context(headers={"Cookie": f"{FLOW_COOKIE}={api.get_cookie(FLOW_COOKIE).value}"}):  # type: ignore[union-attr]
        kept = flows.kept()
        response = flows.keep(Flow(**{name: more.get(name, getattr(kept, name)) for name in Flow.__slots__}), application.response_class())
    api.set_cookie(FLOW_COOKIE, response.headers["Set-Cookie"].partition("=")[2].partition(";")[0], secure=True)


@pytest.mark.parametrize("part", ["nonce", "verifier"])
def test_an_answer_with_another_nonce_or_proof_is_refused(api: FlaskClient, application: Flask, anna: Person, part: str) -> None:
    path = at_provider(leave(api))
    other_flow(api, application, **{part: "x" * 43})
    refuses(api, get(api, path), 403, "De inlogdienst heeft u niet aangemeld")


@pytest.mark.parametrize("query", ["error=access_denied", "error=access_denied&code=x", "code=made-up", "", "code=x&iss=https://evil.example"])
def test_who_is_refused_there_or_brings_no_good_code_is_told_so(api: FlaskClient, anna: Person, query: str) -> None:
    state = parse_qs(urlsplit(leave(api)).query)["state"][0]
    refuses(api, get(api, f"/sign-in/callback?state={state}&{query}"), 403, "De inlogdienst heeft u niet aangemeld")


def test_a_provider_that_is_down_is_said_to_be_down(api: FlaskClient, own_identity_provider: IdentityProvider, configured: Configure) -> None:
    configured(own_identity_provider).person("anna")
    path = at_provider(leave(api))
    own_identity_provider.stop()
    response = get(api, path)
    refuses(api, response, 503, "identiteitsprovider")
    assert int(response.headers["Retry-After"]) > 0
    oidc.provider.cache_clear()
    refuses(api, get(api, "/sign-in/provider"), 503, "identiteitsprovider")
    refuses(api, submit(api, "/set-up/provider", code="x"), 503, "identiteitsprovider")
    assert get(api, "/sign-in").status_code == 200


def test_a_session_from_before_is_ended_and_a_new_one_begun(api: FlaskClient, anna: Person, application: Flask) -> None:
    assert signed_in(get(api, at_provider(leave(api))))
    first = session_of(api)
    assert signed_in(get(api, at_provider(leave(api))))
    assert session_of(api) != first
    other = application.test_client()
    other.set_cookie("__Host-registry-session", first, secure=True)
    assert get(other, "/account").status_code == 303


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/%5Cevil.example"])
def test_nobody_is_led_to_another_site(api: FlaskClient, anna: Person, path: str) -> None:
    assert get(api, at_provider(leave(api, path))).headers["Location"] == "/account"


def test_attempts_are_counted(api: FlaskClient, provider: IdentityProvider) -> None:
    statuses = []
    for _ in range(MOST_FROM_ADDRESS + 1):
        leave(api)
        statuses.append(get(api, "/sign-in/callback?state=x&code=x").status_code)
    assert statuses == [401] * MOST_FROM_ADDRESS + [429]


def test_without_a_provider_there_is_no_such_way_in(api: FlaskClient) -> None:
    assert "Inloggen met" not in is_a_page(get(api, "/sign-in"))
    assert "Dit register is niet aan een inlogdienst gekoppeld." in said(get(api, "/sign-in/provider"))
    assert "Dit register is niet aan een inlogdienst gekoppeld." in said(submit(api, "/set-up/provider", code="x"))
    assert get(api, "/sign-in/callback?code=x&state=x").status_code == 401


def test_a_new_link_ends_the_account_that_was_connected_before(api: FlaskClient, anna: Person, session: Session) -> None:
    """Whoever got hold of an earlier link, and connected an account of his own, is out."""
    assert signed_in(submit(api, "/set-up", code=an_invitation(session, anna).text, new_password=PASSWORD))
    assert signed_in(sign_in(api, anna.email))
    refuses(api, get(api, at_provider(leave(api))), 403, "in het register niemand bekend")


def test_a_new_link_ends_the_password_that_was_chosen_before(api: FlaskClient, anna: Person, session: Session) -> None:
    session.add(Password(person_id=anna.id, hash=HASH))
    session.flush()
    assert signed_in(connect(api, an_invitation(session, anna).text))
    assert sign_in(api, anna.email).status_code == 401


def test_an_account_that_was_let_go_can_be_connected_again(api: FlaskClient, anna: Person, session: Session) -> None:
    session.execute(sa.update(Credential).values(revoked_at=sa.func.now()))
    refuses(api, get(api, at_provider(leave(api))), 403, "in het register niemand bekend")
    assert signed_in(connect(api, an_invitation(session, anna).text))
    assert signed_in(get(api, at_provider(leave(api))))
    assert content(api.get("/v1/me"))["personId"] == str(anna.id)
