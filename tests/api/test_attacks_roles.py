"""Attacks by people who are let in: taking on a role, a membership or a token that is not theirs to take. docs/attacks.md lists them all."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.members.model import Membership, Person
from registry.members.rules import ROLES
from registry.organisations.model import Organisation
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.owner import as_owner
from tests.world import World

ROOT = Path(__file__).parents[2]


def a_second_membership(session: Session, caller: Caller, role: Role, organisation_id: UUID | str) -> UUID:
    """The same person works there too."""
    person, organisation = session.get_one(Person, caller.person_id), session.get_one(Organisation, organisation_id)
    id: UUID = makers.a_membership(session, person, role, organisation).id
    return id


def a_new_member(role: Role, **more: str) -> dict[str, str]:
    return {"email": f"{uuid4().hex}@example.nl", "name": "Nieuw", "role": role.value, "validFrom": "2025-01-01", **more}


@pytest.mark.parametrize("role", [role for role in Role if role not in ROLES[next(kind for kind in ROLES if kind.value == "corporation")]])
def test_an_administrator_takes_on_nobody_in_a_role_that_her_organisation_does_not_have(world: World, role: Role) -> None:
    refused(world.near.people["administrator"].post("/members", a_new_member(role)), 400, "rule-violation", ("/role", "role-elsewhere"))


def test_an_administrator_does_not_take_herself_on_elsewhere(world: World, session: Session) -> None:
    me = world.near.people["administrator"]
    email = session.get_one(Person, me.person_id).email
    for organisation in (world.far.things["corporation"], world.near.things["municipality"], world.near.belongings["analyst"]["organisation"], uuid4()):
        refused(me.post("/members", {**a_new_member(Role.ADMINISTRATOR, organisationId=str(organisation)), "email": email}), 403, "not-yours")


def test_only_the_ministrys_own_administrator_is_central(world: World) -> None:
    """An administrator of a corporation whose token carries the right to manage members does not see or touch those of others."""
    corporation = world.near.people["administrator"]
    for path in ("members", "tokens"):
        shown = content(corporation.get(f"/{path}?limit=500"))["items"]
        assert {item.get("organisationId", str(world.near.things["corporation"])) for item in shown} == {str(world.near.things["corporation"])}
    assert len(content(world.near.people["ministry"].get("/members?limit=500"))["items"]) > 10


def test_a_person_who_also_works_elsewhere_gets_no_set_up_link_from_one_of_her_administrators(world: World, session: Session) -> None:
    a_second_membership(session, world.near.people["corporation"], Role.INSPECTOR, world.far.things["inspection_body"])
    member = world.near.belongings["corporation"]["member"]
    refused(world.near.people["administrator"].post(f"/members/{member}/set-up-link"), 403, "not-yours")
    content(world.near.people["ministry"].post(f"/members/{member}/set-up-link"), 201)


def test_nobody_enrols_a_phone_for_the_membership_of_somebody_else(world: World) -> None:
    body = {"memberId": str(world.near.belongings["reviewer"]["member"]), "name": "phone"}
    refused(world.near.people["inspector"].post("/enrolments", body), 403, "not-allowed")


def test_a_token_of_one_membership_makes_none_for_another_of_the_same_person(world: World, session: Session) -> None:
    """Whoever steals the phone of an inspector does not become the administrator that the inspector is elsewhere."""
    inspector = world.near.people["inspector"]
    other = a_second_membership(session, inspector, Role.ADMINISTRATOR, world.near.things["municipality"])
    refused(inspector.post("/enrolments", {"memberId": str(other), "name": "phone"}), 403, "not-allowed")
    refused(inspector.get("/members", Acting_For=str(other)), 403, "no-membership")
    content(inspector.post("/enrolments", {"memberId": str(world.near.belongings["inspector"]["member"]), "name": "phone"}), 201)


def test_with_the_membership_of_somebody_else_nobody_acts(world: World) -> None:
    for column in ("corporation", "municipality", "ministry"):
        for side in (world.near, world.far):
            member = side.belongings.get(column, world.far.belongings["corporation"])["member"]
            if member != world.near.belongings["inspector"]["member"]:
                refused(world.near.people["inspector"].get("/dwellings", Acting_For=str(member)), 403, "no-membership")


def test_a_membership_that_ended_is_no_longer_acted_for(world: World, session: Session) -> None:
    caller = world.near.people["corporation"]
    content(caller.get("/dwellings"))
    session.execute(
        sa.text("UPDATE membership SET valid_until = (now() AT TIME ZONE 'Europe/Amsterdam')::date WHERE person_id = :person"), {"person": caller.person_id}
    )
    refused(caller.get("/dwellings"), 403, "no-membership")


@pytest.fixture
def of_two(world: World, session: Session) -> Iterator[tuple[Caller, Caller]]:
    """One person who is an editor of both corporations: as she acts for the one, and for the other."""
    near = world.near.people["corporation"]
    far_id = a_second_membership(session, near, Role.CORPORATION_EDITOR, world.far.things["corporation"])
    token = makers.a_token(session, session.get_one(Person, near.person_id))
    ids = (world.near.belongings["corporation"]["member"], far_id)
    first, second = (replace(near, token=token, headers={"Acting-For": str(id)}) for id in ids)
    return first, second


def test_the_answer_to_one_membership_is_not_replayed_to_another(of_two: tuple[Caller, Caller]) -> None:
    """The same person, key and body, for two organisations: the second is not told what was recorded for the first."""
    body = {"municipalityCode": "GM0917"}
    made = content(of_two[0].post("/dwellings", body, key="one"), 201)
    refused(of_two[1].post("/dwellings", body, key="one"), 422, "idempotency-key-reused")
    assert content(of_two[0].post("/dwellings", body, key="one"), 201) == made


def test_who_works_for_two_sees_of_each_only_as_its_own(world: World, of_two: tuple[Caller, Caller]) -> None:
    for caller, side in zip(of_two, (world.near, world.far), strict=True):
        assert {item["id"] for item in content(caller.get("/dwellings"))["items"]} == {str(side.things[each]) for each in ("dwelling", "former")}
    refused(replace(of_two[0], headers={}).get("/dwellings"), 403, "membership-not-chosen")


def test_an_answer_is_replayed_to_nobody_else(world: World) -> None:
    body, key = {"municipalityCode": "GM0917"}, "shared-key"
    mine, theirs = (content(world.near.people[column].post("/dwellings", body, key=key), 201) for column in ("corporation", "municipality"))
    assert mine["id"] != theirs["id"]


def test_no_secret_is_kept_in_an_answer_in_the_audit_log_or_anywhere_else(world: World, session: Session) -> None:
    administrator, member = world.near.people["administrator"], str(world.near.belongings["corporation"]["member"])
    code = content(administrator.post("/enrolments", {"memberId": member, "name": "phone"}, key="kept-1"), 201)["code"]
    token = content(Caller(administrator.client, None).post("/tokens", {"code": code}, key="kept-2"), 201)["token"]
    link = content(administrator.post(f"/members/{member}/set-up-link", key="kept-3"), 201)["link"]
    assert content(Caller(administrator.client, token).get("/me"))["role"] == "corporation-editor"
    with as_owner() as whole:
        for secret in (code, code.replace("-", ""), token, link.rpartition("#")[2]):
            assert tables_with(whole, secret) == []


def tables_with(session: Session, text: str) -> list[str]:
    """The tables in which a row holds this text in any column, bytes read as text too."""
    names = session.scalars(sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")).all()
    values = {"text": f"%{text}%", "bytes": f"%{text.encode().hex()}%"}
    query = 'SELECT count(*) FROM "{0}" AS each WHERE each::text LIKE :text OR each::text LIKE :bytes'
    return [name for name in names if session.scalar(sa.text(query.format(name)), values)]


def test_a_look_without_a_body_is_audited_too(world: World, session: Session) -> None:
    """HEAD tells an auditor whether an object exists and its version."""
    auditor = world.near.people["auditor"]
    assert auditor.send("HEAD", f"/dwellings/{world.far.things['dwelling']}").status_code == 200
    query = sa.text("SELECT count(*) FROM audit_line WHERE person_id = :person AND action = 'dwelling.looked-at' AND subject_id = :id AND reason = 'a test'")
    assert session.scalar(query, {"person": auditor.person_id, "id": str(world.far.things["dwelling"])}) == 1
    assert replace(auditor, headers={}).send("HEAD", f"/dwellings/{world.far.things['dwelling']}").status_code == 400


def test_a_reviewer_of_a_corporation_sees_what_it_registered(world: World, session: Session) -> None:
    corporation = session.get_one(Organisation, world.near.things["corporation"])
    actor, token = makers.a_member(session, Role.REVIEWER, corporation)
    registered = makers.a_dwelling(session, registrar_id=corporation.id)
    seen = content(Caller(world.near.people["corporation"].client, token).get("/dwellings"))["items"]
    assert {item["id"] for item in seen} == {str(registered.id), *(str(world.near.things[each]) for each in ("dwelling", "former"))}
    assert actor.role is Role.REVIEWER


SECRETS = {"token", "secret", "digest", "password", "hash", "csrf", "code", "presented", "session"}


def test_secrets_are_looked_up_by_their_digest_or_compared_in_constant_time() -> None:
    """`==` on a secret tells by its speed how much of it was right."""
    compared = []
    for path in (ROOT / "api/auth.py", ROOT / "api/me.py", ROOT / "api/tokens.py", *(ROOT / "registry/members").glob("[!r]*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                compared += [
                    f"{path.name}: {ast.unparse(node)}" for side in (node.left, *node.comparators) if isinstance(side, ast.Name) and side.id in SECRETS
                ]
    assert compared == []
    assert "hmac.compare_digest(csrf_token(" in (ROOT / "api/auth.py").read_text(encoding="utf-8")


def test_a_membership_is_not_moved_to_another_person_role_or_organisation(world: World) -> None:
    member = world.near.belongings["corporation"]["member"]
    for name, value in (("role", "administrator"), ("organisationId", str(uuid4())), ("personId", str(uuid4())), ("email", "x@example.nl")):
        body = {"validFrom": "2020-01-01", "validUntil": None, name: value}
        refused(world.near.people["administrator"].put(f"/members/{member}", body, version=1), 400, "invalid-input", (f"/{name}", "unknown-field"))
    with as_owner() as session:
        assert session.get_one(Membership, member).version == 1
