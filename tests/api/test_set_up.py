"""One-time links and codes: good once, for a while, for one of two who use them at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from registry.access import Role
from registry.db import API_ROLE, database
from registry.errors import NotAuthenticated
from registry.members import sign_in as sign_in_of_members
from registry.members.credentials import identity_digest, password_matches
from registry.members.model import Credential, CredentialKind, Password, Person
from tests import makers
from tests.api.browser import HASH, PASSWORD, a_local_account, a_one_time_credential, an_invitation, get, is_a_page, said, sign_in, signed_in, submit
from tests.api.callers import Caller, a_caller, content, refused
from tests.owner import as_owner

PAST = makers.a_moment("2020-01-01T00:00:00")


@pytest.fixture
def bea(session: Session) -> Person:
    """Has no password yet."""
    return makers.a_person(session, "bea@example.nl")


def set_up(api: FlaskClient, code: str, password: str = PASSWORD, **more: Any) -> TestResponse:
    return submit(api, "/set-up", code=code, new_password=password, **more)


def test_an_administrator_invites_and_the_member_chooses_a_password_and_is_signed_in(api: FlaskClient, bea: Person, session: Session) -> None:
    administrator = a_caller(api, "administrator")
    assert administrator.organisation is not None
    membership = makers.a_membership(session, bea, Role.MINISTRY_ANALYST, administrator.organisation)
    link = content(administrator.post(f"/members/{membership.id}/set-up-link"), 201)["link"]
    assert link.startswith("http://localhost/set-up#dwr_u_")
    is_a_page(get(api, "/set-up"))
    response = set_up(api, link.partition("#")[2])
    assert (response.status_code, response.headers["Location"], signed_in(response)) == (303, "/account", True)
    assert "bea@example.nl" in is_a_page(get(api, "/account"))
    assert signed_in(sign_in(api, "bea@example.nl"))


def test_the_whole_link_may_be_pasted(api: FlaskClient, bea: Person, session: Session) -> None:
    assert signed_in(set_up(api, f" https://register.example.nl/set-up#{an_invitation(session, bea).text} "))


def test_a_link_works_once(api: FlaskClient, bea: Person, session: Session) -> None:
    code = an_invitation(session, bea).text
    assert signed_in(set_up(api, code))
    again = set_up(api, code, "tien groene bomen op een rij")
    assert (again.status_code, signed_in(again)) == (401, False)
    assert signed_in(sign_in(api, bea.email))


def test_unknown_used_expired_and_revoked_links_get_the_same_answer(api: FlaskClient, bea: Person, session: Session) -> None:
    used, expired = an_invitation(session, bea).text, an_invitation(session, bea, expires_at=PAST).text
    revoked, enrolment = an_invitation(session, bea, revoked_at=PAST).text, a_one_time_credential(session, CredentialKind.ENROLMENT, bea).text
    set_up(api, used)
    answers = [set_up(api, code) for code in (used, expired, revoked, enrolment, "dwr_u_unknown", "x")]
    assert {answer.status_code for answer in answers} == {401}
    assert {said(answer) for answer in answers} == {said(answers[0])}
    assert "Deze code is onbekend, al gebruikt of verlopen." in said(answers[0])


@pytest.mark.parametrize(
    ("password", "sentences"),
    [
        ("kort", ["Kies 12 tot 128 tekens.", "Dit is te raden"]),
        ("a" * 13, ["Dit is te raden"]),
        ("x" * 129 + "abcdef", ["Kies 12 tot 128 tekens."]),
        ("bea@example.nl", ["Dit is te raden"]),
        ("", ["Dit veld is verplicht."]),
    ],
)
def test_a_password_that_is_refused_does_not_use_the_link_up(api: FlaskClient, bea: Person, session: Session, password: str, sentences: list[str]) -> None:
    code = an_invitation(session, bea).text
    response = set_up(api, code, password)
    words = is_a_page(response, 400)
    assert [sentence for sentence in sentences if sentence not in words] == []
    assert f'value="{code}"' in response.text
    assert not password or password not in words
    assert signed_in(set_up(api, code))


def test_a_new_password_ends_what_was_signed_in_with_the_old_one(api: FlaskClient, application: Flask, session: Session) -> None:
    person = a_local_account(session)
    other = application.test_client()
    sign_in(other, person.email)
    assert signed_in(set_up(api, an_invitation(session, person).text, "tien groene bomen op een rij"))
    assert get(other, "/account").status_code == 303


def test_a_newer_link_ends_the_older_one(api: FlaskClient, bea: Person, session: Session) -> None:
    administrator = a_caller(api, "administrator")
    assert administrator.organisation is not None
    membership = makers.a_membership(session, bea, Role.MINISTRY_ANALYST, administrator.organisation)
    older, newer = (content(administrator.post(f"/members/{membership.id}/set-up-link"), 201)["link"].partition("#")[2] for _ in range(2))
    assert set_up(api, older).status_code == 401
    assert signed_in(set_up(api, newer))


def test_a_newer_link_of_the_organisation_ends_an_older_one_of_the_ministry(api: FlaskClient, bea: Person, session: Session) -> None:
    organisation = makers.an_organisation(session)
    membership = makers.a_membership(session, bea, Role.CORPORATION_EDITOR, organisation)
    administrators = (a_caller(api, "administrator"), a_caller(api, "administrator", organisation))
    older, newer = (content(each.post(f"/members/{membership.id}/set-up-link"), 201)["link"].partition("#")[2] for each in administrators)
    assert set_up(api, older).status_code == 401
    assert signed_in(set_up(api, newer))


def at_once(ask: Callable[[int], TestResponse], times: int = 8) -> list[int]:
    with ThreadPoolExecutor(times) as pool:
        return sorted(response.status_code for response in pool.map(ask, range(times)))


@pytest.fixture
def committed(fresh_database: str) -> Person:
    database.role = API_ROLE
    with as_owner() as session:
        person = makers.a_person(session)
        makers.a_membership(session, person, Role.INSPECTOR, makers.an_organisation(session))
    return person


def test_of_those_who_use_a_link_at_the_same_moment_one_gets_in(committed: Person, application: Flask) -> None:
    with as_owner() as session:
        code = an_invitation(session, committed).text
    passwords = [f"wachtwoord van nummer {each}" for each in range(8)]
    assert at_once(lambda each: set_up(application.test_client(), code, passwords[each])) == [303] + [401] * 7
    assert sum(signed_in(sign_in(application.test_client(), committed.email, password)) for password in passwords) == 1


def test_of_those_who_use_a_code_for_a_phone_at_the_same_moment_one_gets_a_token(committed: Person, application: Flask) -> None:
    with as_owner() as session:
        code = a_one_time_credential(session, CredentialKind.ENROLMENT, committed).text
    assert at_once(lambda _: application.test_client().post("/v1/tokens", json={"code": code})) == [201] + [401] * 7
    with as_owner() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Credential.kind == CredentialKind.TOKEN)) == 1


def test_whoever_voids_a_way_in_waits_for_who_is_just_getting_in_and_then_ends_it(committed: Person, fresh_database: str) -> None:
    with as_owner() as session:
        code = an_invitation(session, committed)
    with psycopg.connect(fresh_database) as guest, psycopg.connect(fresh_database) as ministry, ThreadPoolExecutor(1) as pool:
        guest.execute("SELECT redeem(%s, 'set-up')", [code.digest])
        guest.execute("SELECT set_config('registry.person', %s, true), change_password(%s, 'hash')", [str(committed.id), committed.id])
        voided = pool.submit(ministry.execute, "SELECT void_access(%s)", [committed.id])
        with pytest.raises(TimeoutError):
            voided.result(0.3)
        guest.commit()
        voided.result(10)
        assert ministry.execute("SELECT count(*) FROM password").fetchone() == (0,)


def test_whoever_changes_a_password_waits_for_who_is_just_signing_in_with_it(committed: Person, fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as guest, psycopg.connect(fresh_database) as herself, ThreadPoolExecutor(1) as pool:
        guest.execute("SELECT local_account(%s)", [committed.email])
        herself.execute("SELECT set_config('registry.person', %s, true)", [str(committed.id)])
        changed = pool.submit(herself.execute, "SELECT change_password(%s, 'hash')", [committed.id])
        with pytest.raises(TimeoutError):
            changed.result(0.3)
        guest.commit()
        changed.result(10)


def test_a_password_that_was_changed_while_it_was_compared_begins_no_session(committed: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with as_owner() as session:
        session.add(Password(person_id=committed.id, hash=HASH))

    def compare(hash: str | None, password: str) -> bool:
        with as_owner() as session:
            session.execute(sa.update(Password).values(hash="another"))
        return password_matches(hash, password)

    monkeypatch.setattr(sign_in_of_members, "password_matches", compare)
    with pytest.raises(sign_in_of_members.WrongPassword):
        sign_in_of_members.by_password(committed.email, PASSWORD, request_id="request-of-a-test")
    with as_owner() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Credential)) == 0


def test_who_signs_in_while_that_very_way_in_is_voided_gets_no_session(committed: Person, fresh_database: str) -> None:
    digest = identity_digest("https://login.example.nl", "bea")
    with as_owner() as session:
        session.add(Credential(kind=CredentialKind.IDENTITY, digest=digest, person_id=committed.id, recorded_by=committed.id))
    with psycopg.connect(fresh_database) as ministry, ThreadPoolExecutor(1) as pool:
        ministry.execute("SELECT void_access(%s)", [committed.id])
        session_begun = pool.submit(sign_in_of_members.by_identity, digest, request_id="request-of-a-test")
        with pytest.raises(TimeoutError):
            session_begun.result(0.3)
        ministry.commit()
        with pytest.raises(NotAuthenticated):
            session_begun.result(10)


def test_a_code_for_a_phone_works_once_however_it_is_typed(nobody: Caller, bea: Person, session: Session) -> None:
    code = a_one_time_credential(session, CredentialKind.ENROLMENT, bea, name="telefoon").text
    token = content(nobody.post("/tokens", {"code": code.lower().replace("-", " ")}), 201)["token"]
    assert content(nobody.get("/me", Authorization=f"Bearer {token}"))["personId"] == str(bea.id)
    refused(nobody.post("/tokens", {"code": code}), 401, "code-not-valid")


def test_unknown_used_and_expired_codes_get_the_same_answer(nobody: Caller, bea: Person, session: Session) -> None:
    used, expired = (a_one_time_credential(session, CredentialKind.ENROLMENT, bea, **more).text for more in ({}, {"expires_at": PAST}))
    invitation = an_invitation(session, bea).text
    content(nobody.post("/tokens", {"code": used}), 201)
    answers = [nobody.post("/tokens", {"code": code}) for code in (used, expired, "ABCD-EFGH-JKMN", invitation)]
    problems = [{name: value for name, value in refused(answer, 401, "code-not-valid").items() if name != "instance"} for answer in answers]
    assert all(problem == problems[0] for problem in problems)
