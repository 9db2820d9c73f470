"""A browser's session ends: by itself, by signing out, with a password that is changed, and with the work of its person nothing is left to do."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Role
from registry.audit.model import AuditLine
from registry.db import API_ROLE, database
from registry.members.model import Credential, CredentialKind, Membership, Person
from tests import makers
from tests.api.browser import PASSWORD, a_local_account, get, is_a_page, session_of, sign_in, signed_in, submit
from tests.api.callers import content, refused
from tests.owner import as_owner

NEW = "tien groene bomen op een rij"
SESSIONS = Credential.kind == CredentialKind.SESSION


@pytest.fixture
def anna(session: Session) -> Person:
    person = a_local_account(session)
    makers.a_membership(session, person, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    return person


@pytest.fixture
def browsers(application: Flask, api: FlaskClient, anna: Person) -> list[FlaskClient]:
    """Three in which she is signed in."""
    found = [application.test_client() for _ in range(3)]
    for browser in found:
        sign_in(browser, anna.email)
    return found


def alive(browser: FlaskClient) -> bool:
    return get(browser, "/account").status_code == 200 and browser.get("/v1/me").status_code == 200


def move(session: Session, **times: timedelta) -> None:
    """Let the sessions have begun, been used or be good until so much from now."""
    session.execute(sa.update(Credential).where(SESSIONS).values({name: clock.now() + away for name, away in times.items()}))


def test_the_api_takes_the_cookie_as_it_takes_a_token(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email)
    me = content(api.get("/v1/me"))
    assert (me["personId"], me["role"]) == (str(anna.id), "corporation-editor")
    assert len(me["csrfToken"]) == 64
    assert session_of(api) not in str(me)


def test_a_session_is_new_for_two_hours_and_ends_when_it_is_not_used(api: FlaskClient, anna: Person, session: Session) -> None:
    sign_in(api, anna.email)
    kept = session.scalars(sa.select(Credential).where(SESSIONS)).one()
    assert kept.expires_at is not None
    assert timedelta(minutes=119) < kept.expires_at - clock.now() <= timedelta(hours=2)
    move(session, expires_at=timedelta(seconds=-1))
    assert not alive(api)


def test_use_keeps_it_alive_but_no_longer_than_a_working_day(fresh_database: str, application: Flask) -> None:
    database.role = API_ROLE
    browser = application.test_client()
    with as_owner() as session:
        person = a_local_account(session)
    sign_in(browser, person.email)
    for begun, left in ((-1, timedelta(hours=2)), (-11, timedelta(hours=1))):
        with as_owner() as session:
            move(session, recorded_at=timedelta(hours=begun), last_used_at=timedelta(hours=-1), expires_at=timedelta(minutes=10))
        assert alive(browser)
        with as_owner() as session:
            ends = session.scalars(sa.select(Credential.expires_at).where(SESSIONS)).one()
        assert ends is not None
        assert left - timedelta(minutes=1) < ends - clock.now() <= left
    with as_owner() as session:
        move(session, recorded_at=timedelta(hours=-13), last_used_at=timedelta(hours=-1), expires_at=timedelta(minutes=10))
    assert not [alive(browser) for _ in range(2)][1]


def test_signing_out_in_one_browser_leaves_the_others(browsers: list[FlaskClient]) -> None:
    submit(browsers[0], "/sign-out")
    assert [alive(browser) for browser in browsers] == [False, True, True]


def test_another_password_ends_every_session_but_the_one_it_is_chosen_in(browsers: list[FlaskClient], anna: Person) -> None:
    before = session_of(browsers[0])
    response = submit(browsers[0], "/account/password", current_password=PASSWORD, new_password=NEW)
    assert (response.status_code, response.headers["Location"]) == (303, "/account?done=password")
    assert session_of(browsers[0]) != before
    assert [alive(browser) for browser in browsers] == [True, False, False]
    assert "Uw wachtwoord is gewijzigd." in is_a_page(get(browsers[0], "/account?done=password"))
    assert sign_in(browsers[1], anna.email).status_code == 401
    assert signed_in(sign_in(browsers[1], anna.email, NEW))


def test_the_session_from_before_is_dead_even_where_the_password_was_chosen(browsers: list[FlaskClient]) -> None:
    before = session_of(browsers[0])
    submit(browsers[0], "/account/password", current_password=PASSWORD, new_password=NEW)
    browsers[0].set_cookie("__Host-registry-session", before, secure=True)
    assert not alive(browsers[0])


def test_another_password_through_the_api_ends_every_session(browsers: list[FlaskClient]) -> None:
    csrf = content(browsers[0].get("/v1/me"))["csrfToken"]
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    content(browsers[0].put("/v1/me/password", json=body, headers={"X-CSRF-Token": csrf}))
    assert [alive(browser) for browser in browsers] == [False] * 3


def test_phones_stay_connected_when_the_password_changes(browsers: list[FlaskClient], session: Session, anna: Person) -> None:
    token = makers.a_token(session, anna)
    submit(browsers[0], "/account/password", current_password=PASSWORD, new_password=NEW)
    content(browsers[0].get("/v1/me", headers={"Authorization": f"Bearer {token}"}))


def test_all_faults_of_a_new_password_are_shown_at_once_and_nothing_changes(browsers: list[FlaskClient]) -> None:
    words = is_a_page(submit(browsers[0], "/account/password", current_password="wrong", new_password="aaaa"), 400)
    for sentence in ("Dit is niet uw huidige wachtwoord.", "Kies 12 tot 128 tekens.", "Dit is te raden"):
        assert sentence in words
    assert [alive(browser) for browser in browsers] == [True] * 3


def test_through_the_api_too(browsers: list[FlaskClient]) -> None:
    csrf = content(browsers[0].get("/v1/me"))["csrfToken"]
    response = browsers[0].put("/v1/me/password", json={"currentPassword": "wrong", "newPassword": "aaaa"}, headers={"X-CSRF-Token": csrf})
    faults = (("/currentPassword", "current-password-wrong"), ("/newPassword", "password-length"), ("/newPassword", "password-guessable"))
    refused(response, 400, "rule-violation", *faults)


def test_who_works_for_nobody_any_more_is_signed_in_and_sees_nothing(api: FlaskClient, anna: Person, session: Session) -> None:
    sign_in(api, anna.email)
    session.execute(sa.update(Membership).where(Membership.person_id == anna.id).values(valid_until=clock.today()))
    assert "voor geen organisatie" in is_a_page(get(api, "/account"))
    assert content(api.get("/v1/me"))["rights"] == []
    refused(api.get("/v1/dwellings"), 403, "no-membership")


def test_what_happened_stands_in_the_audit_log(browsers: list[FlaskClient], anna: Person, session: Session) -> None:
    submit(browsers[0], "/account/password", current_password=PASSWORD, new_password=NEW)
    submit(browsers[0], "/sign-out")
    lines = session.scalars(sa.select(AuditLine.action).where(AuditLine.person_id == anna.id)).all()
    assert sorted(lines) == sorted(["session.begun"] * 4 + ["password.changed", "session.ended"])
