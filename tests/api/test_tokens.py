"""Enrolment codes and device tokens over HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.members.model import Credential, Membership, Person
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused


def membership_of(session: Session, caller: Caller) -> str:
    return str(session.scalars(sa.select(Membership.id).where(Membership.person_id == caller.person_id)).one())


@pytest.fixture
def enrolment(inspector: Caller, session: Session) -> dict[str, Any]:
    body = {"memberId": membership_of(session, inspector), "name": "Telefoon van Anna"}
    made: dict[str, Any] = content(inspector.post("/enrolments", body), 201)
    return made


def redeemed(caller: Caller, code: str, **more: str) -> dict[str, Any]:
    made: dict[str, Any] = content(caller.post("/tokens", {"code": code, **more}), 201)
    return made


def test_a_code_becomes_a_token_that_acts_as_its_member(nobody: Caller, inspector: Caller, enrolment: dict[str, Any]) -> None:
    assert enrolment["uri"].endswith(f"/enrol#{enrolment['code']}")
    assert enrolment["qr"].startswith("<svg")
    phone = Caller(nobody.client, redeemed(nobody, enrolment["code"])["token"])
    me = content(phone.get("/me"))
    assert (me["personId"], me["role"]) == (str(inspector.person_id), "inspector")


def test_a_code_is_good_once_however_it_is_typed(nobody: Caller, enrolment: dict[str, Any]) -> None:
    redeemed(nobody, enrolment["code"].lower().replace("-", " "), name="Andere naam")
    for code in (enrolment["code"], "0000-0000-0000", "dwr_t_x", "é"):
        refused(nobody.post("/tokens", {"code": code}), 401, "code-not-valid")


def test_a_code_expires(nobody: Caller, enrolment: dict[str, Any], session: Session) -> None:
    session.execute(sa.update(Credential).where(Credential.kind == "enrolment").values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    refused(nobody.post("/tokens", {"code": enrolment["code"]}), 401, "code-not-valid")


def test_tokens_are_listed_named_and_revoked(nobody: Caller, inspector: Caller, enrolment: dict[str, Any]) -> None:
    made = redeemed(nobody, enrolment["code"])
    phone = Caller(nobody.client, made["token"])
    content(phone.get("/me"))
    listed = next(each for each in content(inspector.get("/tokens"))["items"] if each["id"] == made["id"])
    assert (listed["name"], listed["revokedAt"]) == ("Telefoon van Anna", None)
    assert listed["lastUsedAt"]
    assert made["token"] not in inspector.get("/tokens").text
    assert content(inspector.put(f"/tokens/{made['id']}", {"name": "Reservetelefoon"}))["name"] == "Reservetelefoon"
    revoked = content(inspector.send("DELETE", f"/tokens/{made['id']}"))
    assert revoked["revokedAt"]
    assert content(inspector.send("DELETE", f"/tokens/{made['id']}")) == revoked
    refused(phone.get("/me"), 401, "not-authenticated")


def test_a_token_expires_when_it_is_not_used(nobody: Caller, enrolment: dict[str, Any], session: Session) -> None:
    made = redeemed(nobody, enrolment["code"])
    phone = Caller(nobody.client, made["token"])
    content(phone.get("/me"))
    token = sa.update(Credential).where(Credential.id == made["id"])
    session.execute(token.values(last_used_at=datetime.now(UTC) - timedelta(days=80), expires_at=datetime.now(UTC) + timedelta(days=10)))
    content(phone.get("/me"))
    assert session.scalars(sa.select(Credential.expires_at).where(Credential.id == made["id"])).one() > datetime.now(UTC) + timedelta(days=89)
    session.execute(token.values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    refused(phone.get("/me"), 401, "not-authenticated")


def test_an_administrator_revokes_the_phones_of_the_organisation(nobody: Caller, inspector: Caller, corporation: Caller, enrolment: dict[str, Any]) -> None:
    made = redeemed(nobody, enrolment["code"])
    other = a_caller(inspector.client, Role.ADMINISTRATOR, corporation.organisation)
    for path, send in (("GET", other.get), ("DELETE", lambda path: other.send("DELETE", path))):
        refused(send(f"/tokens/{made['id']}"), 404, "not-found"), path
    own = a_caller(inspector.client, Role.ADMINISTRATOR, inspector.organisation)
    content(own.send("DELETE", f"/tokens/{made['id']}"))
    refused(Caller(nobody.client, made["token"]).get("/me"), 401, "not-authenticated")


def test_a_phone_is_enrolled_by_its_member_or_her_administrator(inspector: Caller, corporation: Caller, session: Session) -> None:
    body = {"memberId": membership_of(session, inspector), "name": "Telefoon"}
    content(a_caller(inspector.client, Role.ADMINISTRATOR, inspector.organisation).post("/enrolments", body), 201)
    colleague = a_caller(inspector.client, Role.INSPECTOR, inspector.organisation)
    refused(colleague.post("/enrolments", body), 403, "not-allowed")
    refused(a_caller(inspector.client, Role.ADMINISTRATOR, corporation.organisation).post("/enrolments", body), 404, "not-found")


def test_no_secret_is_kept(nobody: Caller, enrolment: dict[str, Any], session: Session) -> None:
    token = redeemed(nobody, enrolment["code"])["token"]
    for table in ("credential", "audit_line", "answered_request", "superseded_row"):
        for (row,) in session.execute(sa.text(f"SELECT kept::text FROM {table} AS kept")):
            assert token not in row
            assert enrolment["code"] not in row


def test_a_phone_for_one_organisation_has_nothing_to_do_with_another(nobody: Caller, inspector: Caller, session: Session) -> None:
    person = session.get_one(Person, inspector.person_id)
    elsewhere = makers.a_membership(session, person, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    other = Caller(nobody.client, makers.a_token(session, person, elsewhere))
    (listed,) = content(other.get("/tokens"))["items"]
    body = {"memberId": str(next(held.id for held in memberships(session, person) if held.id != elsewhere.id)), "name": "Telefoon"}
    phone = Caller(nobody.client, redeemed(nobody, content(inspector.post("/enrolments", body), 201)["code"])["token"])
    assert [held["id"] for held in content(phone.get("/me"))["memberships"]] == [body["memberId"]]
    assert [held["id"] for held in content(other.get("/me"))["memberships"]] == [str(elsewhere.id)]
    assert {item["membershipId"] for item in content(phone.get("/tokens"))["items"]} == {body["memberId"]}
    for asked in (phone.get(f"/tokens/{listed['id']}"), phone.put(f"/tokens/{listed['id']}", {"name": "x"}), phone.send("DELETE", f"/tokens/{listed['id']}")):
        refused(asked, 404, "not-found")
    content(other.get("/me"))


def memberships(session: Session, person: Person) -> Sequence[Membership]:
    return session.scalars(sa.select(Membership).where(Membership.person_id == person.id)).all()


def test_a_phone_does_not_try_out_or_change_the_password_of_its_person(inspector: Caller) -> None:
    refused(inspector.put("/me/password", {"currentPassword": "geraden", "newPassword": "tien groene bomen op een rij"}), 403, "sign-in-needed")
