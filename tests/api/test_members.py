"""Members over HTTP: taken on, found, ended; and who may do that."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Role
from registry.members import sign_in
from registry.members.model import Person
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

PERSON = {"email": "Inspecteur@Voorbeeld.nl", "name": "Inspecteur", "validFrom": "2020-01-01"}


def an_administrator(session: Session, caller: Caller) -> Caller:
    """Of the organisation of ``caller``."""
    return a_caller(caller.client, Role.ADMINISTRATOR, caller.organisation)


def test_an_administrator_takes_somebody_on(inspector: Caller, session: Session) -> None:
    administrator = an_administrator(session, inspector)
    response = administrator.post("/members", {**PERSON, "role": "inspector"})
    made = content(response, 201)
    assert response.headers["Location"] == f"/v1/members/{made['id']}"
    assert (made["email"], made["role"], made["validUntil"]) == ("inspecteur@voorbeeld.nl", "inspector", None)
    assert made["organisationId"] == str(administrator.actor.organisation_id)
    assert content(administrator.get(f"/members/{made['id']}")) == made
    assert made in content(administrator.get("/members?role=inspector"))["items"]
    link = content(administrator.post(f"/members/{made['id']}/set-up-link"), 201)["link"]
    assert "/set-up#dwr_u_" in link


def test_the_roles_of_an_organisation_follow_from_its_kind(corporation: Caller, session: Session) -> None:
    administrator = an_administrator(session, corporation)
    for role in ("ministry-auditor", "municipality-editor"):
        refused(administrator.post("/members", {**PERSON, "role": role}), 400, "rule-violation", ("/role", "role-elsewhere"))
    body = {"email": "no address", "name": "", "role": "king", "validFrom": "yesterday", "validUntil": 3, "personId": "x"}
    faults = {
        "email": "wrong-form",
        "name": "too-short",
        "role": "not-one-of",
        "validFrom": "not-a-date",
        "validUntil": "not-a-date",
        "personId": "unknown-field",
    }
    refused(administrator.post("/members", body), 400, "invalid-input", *((f"/{name}", code) for name, code in faults.items()))


def test_nobody_is_taken_on_twice_in_a_role(inspector: Caller, session: Session) -> None:
    administrator = an_administrator(session, inspector)
    made = content(administrator.post("/members", {**PERSON, "role": "inspector", "validUntil": "2024-01-01"}), 201)
    refused(administrator.post("/members", {**PERSON, "role": "inspector", "validFrom": "2023-12-31"}), 409, "membership-overlaps")
    again = content(administrator.post("/members", {**PERSON, "role": "inspector", "validFrom": "2024-01-01"}), 201)
    assert again["personId"] == made["personId"]


def test_access_ends_with_the_membership(inspector: Caller, session: Session) -> None:
    administrator = an_administrator(session, inspector)
    (own,) = [each for each in content(administrator.get("/members?role=inspector"))["items"] if each["personId"] == str(inspector.person_id)]
    content(inspector.get("/inspections"))
    today = clock.today()
    body = {"validFrom": own["validFrom"], "validUntil": today.isoformat()}
    refused(administrator.put(f"/members/{own['id']}", body), 428, "precondition-required")
    ended = content(administrator.put(f"/members/{own['id']}", body, version=1))
    assert ended["validUntil"] == today.isoformat()
    refused(inspector.get("/inspections"), 403, "no-membership")
    me = content(inspector.get("/me"))
    assert (me["role"], me["memberships"], me["rights"]) == (None, [], [])
    tomorrow = {**body, "validUntil": (today + timedelta(days=1)).isoformat()}
    content(administrator.put(f"/members/{own['id']}", tomorrow, version=2))
    content(inspector.get("/inspections"))


def test_another_organisation_does_not_see_or_change_them(inspector: Caller, corporation: Caller, session: Session) -> None:
    own, other = an_administrator(session, inspector), an_administrator(session, corporation)
    made = content(own.post("/members", {**PERSON, "role": "inspector"}), 201)
    refused(other.get(f"/members/{made['id']}"), 404, "not-found")
    refused(other.put(f"/members/{made['id']}", {"validFrom": "2020-01-01", "validUntil": "2021-01-01"}, version=1), 404, "not-found")
    refused(other.post(f"/members/{made['id']}/set-up-link"), 404, "not-found")
    assert made["id"] not in [each["id"] for each in content(other.get("/members"))["items"]]
    refused(other.post("/members", {**PERSON, "role": "inspector", "organisationId": made["organisationId"]}), 403, "not-yours")


def test_the_ministry_lets_the_first_administrator_of_an_organisation_in(administrator: Caller, corporation: Caller, session: Session) -> None:
    body = {**PERSON, "role": "administrator", "organisationId": str(corporation.actor.organisation_id)}
    made = content(administrator.post("/members", body), 201)
    assert content(administrator.get(f"/members?organisationId={made['organisationId']}&role=administrator"))["items"] == [made]
    content(administrator.post(f"/members/{made['id']}/set-up-link"), 201)


def test_only_the_ministry_takes_on_who_works_elsewhere_already(inspector: Caller, corporation: Caller, administrator: Caller, session: Session) -> None:
    """E-mail addresses are not verified: an account that one administrator set up, for somebody else's address, must not become a member elsewhere."""
    own, other = an_administrator(session, inspector), an_administrator(session, corporation)
    made = content(own.post("/members", {**PERSON, "role": "inspector"}), 201)
    early = content(own.post(f"/members/{made['id']}/set-up-link"), 201)["link"].partition("#")[2]
    late = content(own.post(f"/members/{made['id']}/set-up-link"), 201)["link"].partition("#")[2]
    problem = refused(other.post("/members", {**PERSON, "role": "inspector"}), 409, "email-taken", ("/email", "email-taken"))
    assert made["personId"] not in str(problem)
    assert sign_in.set_up(late, "een lange zin die niemand raadt", request_id="request-of-a-test")
    body = {**PERSON, "role": "inspector", "organisationId": str(corporation.actor.organisation_id)}
    theirs = content(administrator.post("/members", body), 201)
    assert (theirs["personId"], theirs["name"]) == (made["personId"], "Inspecteur")
    with pytest.raises(sign_in.WrongPassword):
        sign_in.by_password(PERSON["email"], "een lange zin die niemand raadt", request_id="request-of-a-test")
    for code in (early, late):
        with pytest.raises(sign_in.CodeNotValid):
            sign_in.set_up(code, "een andere zin die niemand raadt", request_id="request-of-a-test")
    for caller, member in ((other, theirs), (own, made)):
        refused(caller.post(f"/members/{member['id']}/set-up-link"), 403, "not-yours")
    link = content(administrator.post(f"/members/{theirs['id']}/set-up-link"), 201)["link"]
    assert sign_in.set_up(link.partition("#")[2], "een andere zin die niemand raadt", request_id="request-of-a-test")


def test_a_link_of_one_organisation_is_void_once_its_person_works_elsewhere(inspector: Caller, corporation: Caller, session: Session) -> None:
    own = an_administrator(session, inspector)
    made = content(own.post("/members", {**PERSON, "role": "inspector"}), 201)
    code = content(own.post(f"/members/{made['id']}/set-up-link"), 201)["link"].partition("#")[2]
    makers.a_membership(session, session.get_one(Person, UUID(made["personId"])), Role.INSPECTOR, corporation.organisation)
    with pytest.raises(sign_in.CodeNotValid):
        sign_in.set_up(code, "een lange zin die niemand raadt", request_id="request-of-a-test")


def test_who_works_for_two_says_for_which_she_acts(inspector: Caller, session: Session) -> None:
    person = makers.a_person(session)
    bodies = [makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY) for _ in range(2)]
    memberships = [makers.a_membership(session, person, Role.INSPECTOR, body) for body in bodies]
    strange = makers.a_membership(session, makers.a_person(session), Role.INSPECTOR, bodies[0])
    caller = Caller(inspector.client, makers.a_token(session, person))
    refused(caller.get("/inspections"), 403, "membership-not-chosen")
    me = content(caller.get("/me"))
    assert {each["id"] for each in me["memberships"]} == {str(each.id) for each in memberships}
    for membership, body in zip(memberships, bodies, strict=True):
        assert content(caller.get("/me", Acting_For=str(membership.id)))["organisationId"] == str(body.id)
        content(caller.get("/inspections", Acting_For=str(membership.id)))
    refused(caller.get("/inspections", Acting_For=str(strange.id)), 403, "no-membership")
    refused(caller.get("/inspections", Acting_For="mine"), 400, "invalid-input", ("Acting-For", "wrong-form"))


def test_a_reviewer_and_a_municipality_find_their_inspectors(inspector: Caller, reviewer: Caller, municipality: Caller) -> None:
    found = content(reviewer.get("/members?role=inspector"))["items"]
    assert [each["personId"] for each in found] == [str(inspector.person_id)]
    assert content(municipality.get("/members?role=inspector"))["items"] == []
    refused(inspector.get("/members"), 403, "not-allowed")
    refused(reviewer.post("/members", {**PERSON, "role": "inspector"}), 403, "not-allowed")
