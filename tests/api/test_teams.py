"""Teams over HTTP, and the work that they share."""

from collections.abc import Callable
from functools import partial
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from registry.changes.model import Change
from registry.db import API_ROLE, database
from registry.inspections.model import Inspection
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused, reload
from tests.owner import as_owner


@pytest.fixture
def colleague(inspector: Caller) -> Caller:
    return a_caller(inspector.client, "inspector", inspector.organisation)


def a_team(reviewer: Caller, *people: Caller, name: str = "Noord") -> dict[str, Any]:
    made: dict[str, Any] = content(reviewer.post("/teams", {"name": name, "memberIds": [str(each.person_id) for each in people]}), 201)
    return made


def an_untaken(session: Session, team: dict[str, Any], inspector: Caller, **more: Any) -> Inspection:
    made: Inspection = makers.an_inspection(session, inspector.actor, **({"assignee_id": None, "team_id": team["id"]} | more))
    return made


def told(session: Session, caller: Caller, subject: Any) -> list[tuple[str, bool]]:
    """The personal rows of the feed: the kind, and whether it is gone."""
    query = sa.select(Change.kind, Change.gone).where(Change.person_id == caller.person_id, Change.personal, Change.subject_id == subject)
    return [(row.kind.value, row.gone) for row in session.execute(query.order_by(Change.id))]


def test_a_reviewer_makes_a_team_and_its_members_see_it(reviewer: Caller, inspector: Caller, colleague: Caller, municipality: Caller) -> None:
    response = reviewer.post("/teams", {"name": "Noord", "memberIds": [str(inspector.person_id)]})
    team = content(response, 201)
    assert response.headers["Location"] == f"/v1/teams/{team['id']}"
    assert team["members"] == [{"personId": str(inspector.person_id), "name": "Voorbeeld"}]
    assert content(inspector.get(f"/teams/{team['id']}")) == team == content(reviewer.get("/teams"))["items"][0]
    assert content(colleague.get("/teams"))["items"] == []
    refused(colleague.get(f"/teams/{team['id']}"), 404, "not-found")
    refused(municipality.get(f"/teams/{team['id']}"), 404, "not-found")
    refused(inspector.post("/teams", {"name": "Zuid", "memberIds": []}), 403, "not-allowed")


def test_a_team_has_inspectors_of_the_organisation_and_a_name_of_its_own(reviewer: Caller, inspector: Caller) -> None:
    stranger = a_caller(inspector.client, "inspector")
    members = [str(each.person_id) for each in (inspector, stranger, reviewer)]
    response = reviewer.post("/teams", {"name": "Noord", "memberIds": members})
    refused(response, 400, "rule-violation", ("/memberIds/1", "not-an-inspector-there"), ("/memberIds/2", "not-an-inspector-there"))
    team = a_team(reviewer, inspector)
    refused(reviewer.post("/teams", {"name": "Noord", "memberIds": []}), 409, "team-name-taken")
    again = {"id": str(uuid4()), "name": "Zuid", "memberIds": members[:1]}
    assert content(reviewer.post("/teams", again), 201) == content(reviewer.post("/teams", again), 200)
    refused(reviewer.post("/teams", {**again, "name": "West"}), 409, "already-exists")
    refused(reviewer.put(f"/teams/{team['id']}", {"name": "Oost", "memberIds": []}), 428, "precondition-required")
    refused(reviewer.put(f"/teams/{team['id']}", {"name": "Oost", "memberIds": []}, version=9), 412, "precondition-failed")
    assert content(reviewer.put(f"/teams/{team['id']}", {"name": "Oost", "memberIds": []}, version=1))["version"] == 2
    refused(reviewer.put(f"/teams/{uuid4()}", {"name": "Oost", "memberIds": []}, version=1), 404, "not-found")


def test_who_joins_a_team_gets_what_is_there_to_take_and_who_leaves_loses_it(session: Session, reviewer: Caller, inspector: Caller, colleague: Caller) -> None:
    team = a_team(reviewer, inspector)
    there = an_untaken(session, team, inspector)
    taken = an_untaken(session, team, inspector, assignee_id=inspector.person_id, checklist_id=there.checklist_id)
    for path in (f"/inspections/{there.id}", f"/dwellings/{there.dwelling_id}"):
        content(inspector.get(path))
        refused(colleague.get(path), 404, "not-found")
    content(reviewer.put(f"/teams/{team['id']}", {"name": "Noord", "memberIds": [str(colleague.person_id)]}, version=1))
    for path in (f"/inspections/{there.id}", f"/dwellings/{there.dwelling_id}"):
        content(colleague.get(path))
        refused(inspector.get(path), 404, "not-found")
    content(inspector.get(f"/inspections/{taken.id}"))
    assert told(session, inspector, there.id) == [("inspection", True)]
    assert told(session, colleague, there.id) == [("inspection", False)]
    assert told(session, colleague, there.dwelling_id) == [("dwelling", False)]
    assert told(session, inspector, taken.id) == told(session, colleague, taken.id) == []


def test_one_takes_an_inspection_and_hands_it_back(session: Session, reviewer: Caller, inspector: Caller, colleague: Caller) -> None:
    team = a_team(reviewer, inspector, colleague)
    plan = {"dwellingId": str(makers.a_dwelling(session).id), "checklistId": str(makers.a_checklist(session).id), "occasion": "baseline"}
    municipality = a_caller(
        inspector.client, "municipality-editor", makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
    )
    made = content(municipality.post("/inspections", {**plan, "organisationId": team["organisationId"], "teamId": team["id"]}), 201)
    path = f"/inspections/{made['id']}"
    assert told(session, colleague, made["id"]) == told(session, inspector, made["id"]) == [("inspection", False)]
    refused(inspector.put(path, {"answers": {"mould": "none"}}, version=1), 403, "not-yours")
    mine = content(inspector.post(f"{path}/taking"))
    assert (mine["assigneeId"], mine["teamId"], mine["version"]) == (str(inspector.person_id), team["id"], 2)
    assert content(inspector.post(f"{path}/taking")) == mine
    refused(colleague.post(f"{path}/taking"), 409, "inspection-taken")
    refused(colleague.get(path), 404, "not-found")
    content(inspector.put(path, {"answers": {"mould": "none"}}, version=2))
    back = content(inspector.post(f"{path}/handing-back"))
    assert (back["assigneeId"], back["answers"], back["version"]) == (None, {"mould": "none"}, 4)
    assert content(inspector.post(f"{path}/handing-back")) == back
    assert content(colleague.post(f"{path}/taking"))["answers"] == {"mould": "none"}
    assert told(session, colleague, made["id"]) == [("inspection", False), ("inspection", True), ("inspection", False), ("inspection", False)]
    stranger = a_caller(inspector.client, "inspector", inspector.organisation)
    refused(stranger.post(f"{path}/taking"), 404, "not-found")


def test_what_was_planned_for_one_inspector_is_not_handed_back(session: Session, inspector: Caller, reviewer: Caller) -> None:
    alone = makers.an_inspection(session, inspector.actor)
    refused(inspector.post(f"/inspections/{alone.id}/handing-back"), 409, "nobody-to-hand-back-to")
    team = a_team(reviewer)  # she is not in it
    of_others = an_untaken(session, team, inspector, assignee_id=inspector.person_id, checklist_id=alone.checklist_id)
    refused(inspector.post(f"/inspections/{of_others.id}/handing-back"), 409, "nobody-to-hand-back-to")


def test_what_is_submitted_or_withdrawn_is_not_taken(session: Session, inspector: Caller, reviewer: Caller) -> None:
    team = a_team(reviewer, inspector)
    withdrawn = an_untaken(session, team, inspector)
    content(reviewer.post(f"/inspections/{withdrawn.id}/withdrawal", {"reason": "sloop"}))
    refused(inspector.post(f"/inspections/{withdrawn.id}/taking"), 409, "inspection-withdrawn")
    assert told(session, inspector, withdrawn.id) == [("inspection", True)]
    reload(session)


def test_of_many_who_take_at_once_one_gets_it(fresh_database: str, application: Flask) -> None:
    """With real commits, many times: the others hear that it is taken."""
    database.role = API_ROLE
    with as_owner() as session:
        body = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
    people = [a_caller(application.test_client(), "inspector", body) for _ in range(4)]
    with as_owner() as session:
        team = makers.a_team(session, body, *(caller.actor for caller in people))
        checklist = makers.a_checklist(session)
        ids = [makers.an_inspection(session, people[0].actor, assignee_id=None, team_id=team.id, checklist_id=checklist.id).id for _ in range(8)]
        session.add_all(  # as planning tells them
            Change(kind="inspection", subject_id=id, person_id=caller.person_id, organisation_id=body.id, personal=True) for id in ids for caller in people
        )
    for id in ids:
        answers = at_once([partial(caller.post, f"/inspections/{id}/taking") for caller in people])
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"inspection-taken"}
    with as_owner() as session:
        kept = session.scalars(sa.select(Inspection).where(Inspection.id.in_(ids))).all()
        assert {each.version for each in kept} == {2}
        gone = session.scalars(sa.select(Change.id).where(Change.gone)).all()
        assert len(gone) == 3 * len(ids)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    together, answers = Barrier(len(calls)), []

    def call(each: Callable[[], Any]) -> None:
        together.wait()
        answers.append(each())

    threads = [Thread(target=call, args=(each,)) for each in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
