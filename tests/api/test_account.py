"""One's own account: what one sees of oneself, one's phones, and nobody else's."""

import re
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry.access import Role
from registry.members.model import Membership, Password, Person
from tests import makers
from tests.api.browser import a_local_account, get, is_a_page, sign_in, submit
from tests.api.callers import content, refused

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture
def anna(session: Session) -> Person:
    return a_local_account(session)


@pytest.fixture
def membership(session: Session, anna: Person) -> Membership:
    return makers.a_membership(session, anna, Role.INSPECTOR, makers.an_organisation(session))


@pytest.fixture
def browser(api: FlaskClient, anna: Person, membership: Membership) -> FlaskClient:
    sign_in(api, anna.email)
    return api


def test_a_stranger_is_asked_to_sign_in_and_comes_back(api: FlaskClient) -> None:
    response = get(api, "/account")
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?next=%2Faccount")


def test_she_sees_for_whom_she_works(browser: FlaskClient, session: Session, anna: Person) -> None:
    heerlen = makers.an_organisation(session)
    heerlen.name = "Gemeente Heerlen"
    makers.a_membership(session, anna, Role.REVIEWER, heerlen)
    session.flush()
    words = is_a_page(get(browser, "/account"))
    assert "Voorbeeld Wonen inspecteur" in words
    assert "Gemeente Heerlen beoordelaar" in words
    assert "inspector" in is_a_page(get(browser, "/account", language="en"))


def test_she_connects_a_phone_for_one_of_her_memberships(browser: FlaskClient, session: Session, anna: Person, membership: Membership) -> None:
    makers.a_membership(session, anna, Role.REVIEWER, makers.an_organisation(session))
    response = submit(browser, "/account/phones", name="Mijn telefoon", member_id=str(membership.id))
    words = is_a_page(response)
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", words)
    assert code
    assert "<svg" in response.text
    phone = browser.application.test_client()
    token = content(phone.post("/v1/tokens", json={"code": code[0]}), 201)["token"]
    me = content(phone.get("/v1/me", headers={"Authorization": f"Bearer {token}"}))
    assert (me["personId"], me["role"]) == (str(anna.id), "inspector")
    assert "Mijn telefoon" in is_a_page(get(browser, "/account"))


def test_she_can_not_connect_one_for_the_membership_of_another(browser: FlaskClient, session: Session) -> None:
    other = makers.a_membership(session, makers.a_person(session), Role.INSPECTOR, makers.an_organisation(session))
    for member_id in (str(other.id), str(uuid4())):
        is_a_page(submit(browser, "/account/phones", name="x", member_id=member_id), 404)


@pytest.mark.parametrize("fields", [{}, {"name": " "}, {"member_id": "x"}])
def test_what_is_missing_for_a_phone_is_named(browser: FlaskClient, fields: dict[str, str]) -> None:
    response = submit(browser, "/account/phones", **fields)
    is_a_page(response, 400)
    assert '<a href="#name">' in response.text
    assert '<a href="#member_id">' in response.text


def test_a_phone_that_she_revokes_is_not_let_in_any_more(browser: FlaskClient, session: Session, anna: Person, membership: Membership) -> None:
    token = makers.a_token(session, anna, membership)
    headers = {"Authorization": f"Bearer {token}"}
    content(browser.get("/v1/me", headers=headers))
    address = re.search(r"/account/phones/[0-9a-f-]{36}/revoke", get(browser, "/account").text)
    assert address
    assert submit(browser, address[0]).headers["Location"] == "/account?done=phone"
    refused(browser.get("/v1/me", headers=headers), 401, "not-authenticated")
    assert address[0] not in get(browser, "/account?done=phone").text
    assert submit(browser, address[0]).status_code == 303


def test_the_phone_of_another_can_neither_be_seen_nor_revoked(browser: FlaskClient, application: Flask, session: Session) -> None:
    other = a_local_account(session)
    token = makers.a_token(session, other)
    hers = application.test_client()
    sign_in(hers, other.email)
    address = re.search(r"/account/phones/[0-9a-f-]{36}/revoke", get(hers, "/account").text)
    assert address
    assert address[0] not in get(browser, "/account").text
    is_a_page(submit(browser, address[0]), 404)
    content(hers.get("/v1/me", headers={"Authorization": f"Bearer {token}"}))


def test_an_administrator_sees_her_own_phones_here_and_not_those_of_the_organisation(api: FlaskClient, session: Session, anna: Person) -> None:
    organisation = makers.an_organisation(session)
    makers.a_member(session, Role.INSPECTOR, organisation)
    makers.a_membership(session, anna, Role.ADMINISTRATOR, organisation)
    sign_in(api, anna.email)
    assert "/revoke" not in get(api, "/account").text


def test_names_are_shown_as_they_are_and_run_nothing(api: FlaskClient, session: Session) -> None:
    person = a_local_account(session)
    person.name = HOSTILE
    organisation = makers.an_organisation(session)
    organisation.name = HOSTILE
    membership = makers.a_membership(session, person, Role.INSPECTOR, organisation)
    session.flush()
    sign_in(api, person.email)
    pages = [
        submit(api, "/account/phones", name=HOSTILE, member_id=str(membership.id)),
        submit(api, "/account/phones", name=HOSTILE, member_id="x"),
        get(api, "/account"),
    ]
    for response in pages:
        assert "alert(1)" in response.text
        assert "<script>alert" not in response.text
        assert "<img" not in response.text
        assert "{{ 7*7 }}" in response.text


@pytest.mark.parametrize(
    "path", ["/account?done=<script>", "/account?done=", "/sign-in?next=%22%3E%3Cscript%3E", "/sign-in/callback?error=<script>alert(1)</script>"]
)
def test_what_stands_in_an_address_is_not_shown(browser: FlaskClient, path: str) -> None:
    assert "<script>" not in get(browser, path).text
    assert 'role="status"' not in get(browser, path).text


def test_only_who_has_a_password_is_asked_for_one(browser: FlaskClient, session: Session, anna: Person) -> None:
    assert "/account/password" in get(browser, "/account").text
    session.execute(sa.delete(Password).where(Password.person_id == anna.id))
    assert "/account/password" not in get(browser, "/account").text


def test_the_link_of_a_qr_picture_explains_itself_in_a_browser(api: FlaskClient) -> None:
    response = get(api, "/enrol")
    assert "inspectie-app" in is_a_page(response)
    assert "data-from-fragment" in response.text
