"""Two at the same time, with real commits: planners, inspectors and reviewers who do not wait for each other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.access import Actor
from registry.changes.model import Change
from registry.checklists.model import Checklist
from registry.db import API_ROLE, database, transaction
from registry.dwellings.model import Dwelling
from registry.inspections import assignment, planning, review, team_work
from registry.inspections.model import ConditionScore, Decision, Inspection, InspectionConflict, InspectionRevision, InspectionStatus, Occasion, VisitOutcome
from registry.inspections.planning import Plan
from registry.inspections.review import Verdict
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.api.test_sync import edit, outcomes, send
from tests.api.test_teams import at_once
from tests.owner import as_owner

LONG_ENOUGH_S = 0.5
"""For a request to reach the lock that it must wait for."""


@dataclass
class Office:
    """An inspection body, whose people each call with a client of their own."""

    application: Flask
    people: dict[str, Caller] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Caller:
        role = "reviewer" if name == "reviewer" else "inspector"
        if name not in self.people:
            organisation = next(iter(self.people.values())).organisation if self.people else None
            self.people[name] = a_caller(self.application.test_client(), role, organisation)
        return replace(self.people[name], client=self.application.test_client())


@pytest.fixture
def office(fresh_database: str, application: Flask) -> Office:
    database.role = API_ROLE
    with as_owner() as session:
        body = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
    return Office(application, {"reviewer": a_caller(application.test_client(), "reviewer", body)})


def an_inspection(office: Office, **more: Any) -> Inspection:
    ann = office.ann.actor
    with as_owner() as session:
        checklist_id = session.scalar(sa.select(Checklist.id).where(Checklist.key == "baseline"))
        inspection: Inspection = makers.an_inspection(session, ann, **({"checklist_id": checklist_id} | more))
        if inspection.assignee_id is not None:
            session.add(Change(kind="inspection", subject_id=inspection.id, person_id=inspection.assignee_id, organisation_id=inspection.organisation_id))
        return inspection


@contextmanager
def meanwhile(actor: Actor, act: Callable[[Any], Any], call: Callable[[], Any]) -> Iterator[list[Any]]:
    """``act`` in a transaction; ``call`` comes when that is done and not yet committed. What ``call`` answered, once both have ended."""
    answers: list[Any] = []
    thread = Thread(target=lambda: answers.append(call()))
    with transaction(actor) as session:
        act(session)
        thread.start()
        thread.join(LONG_ENOUGH_S)
    thread.join()
    yield answers


def test_who_joins_a_team_hears_of_what_is_planned_for_it_at_that_moment(office: Office) -> None:
    reviewer, ann, bea = office.reviewer, office.ann, office.bea
    team = content(reviewer.post("/teams", {"name": "Noord", "memberIds": [str(ann.person_id)]}), 201)
    first = an_inspection(office, assignee_id=None, team_id=UUID(team["id"]))
    item = Plan(first.dwelling_id, first.checklist_id, Occasion.BASELINE, first.organisation_id, team_id=UUID(team["id"]), id=uuid4())
    amend = partial(reviewer.put, f"/teams/{team['id']}", {"name": "Noord", "memberIds": [str(bea.person_id)]}, version=1)
    with meanwhile(reviewer.actor, lambda session: planning.plan(session, reviewer.actor, item), amend) as answers:
        content(answers[0])
    assert {entry["subjectId"] for entry in content(bea.get("/changes"))["items"] if entry["kind"] == "inspection"} == {str(first.id), str(item.id)}


def test_what_is_planned_while_somebody_joins_the_team_reaches_her(office: Office) -> None:
    reviewer, ann, bea = office.reviewer, office.ann, office.bea
    team = content(reviewer.post("/teams", {"name": "Noord", "memberIds": [str(ann.person_id)]}), 201)
    inspection = an_inspection(office)
    amend = partial(team_work.change_team, actor=reviewer.actor, team_id=UUID(team["id"]), name="Noord", member_ids=[bea.person_id], expected=1)
    hand_over = partial(reviewer.put, f"/inspections/{inspection.id}/assignment", {"teamId": team["id"]}, version=1)
    with meanwhile(reviewer.actor, lambda session: amend(session), hand_over) as answers:
        content(answers[0])
    assert {entry["subjectId"] for entry in content(bea.get("/changes"))["items"] if entry["kind"] == "inspection"} == {str(inspection.id)}


def test_a_decision_over_what_is_given_to_another_at_that_moment_is_refused(office: Office) -> None:
    reviewer, ann, bea = office.reviewer, office.ann, office.bea
    inspection = an_inspection(office)
    results = send(ann, *(edit(str(inspection.id), {"mould": mould}, baseVersion=1) for mould in ("none", "spots")))
    decide = partial(ann.post, f"/conflicts/{results[1]['conflict']['id']}/resolution", {"keep": "yours"}, version=2)
    give = partial(assignment.assign, actor=reviewer.actor, inspection_id=inspection.id, wanted={"assignee_id": bea.person_id}, expected=2)
    with meanwhile(reviewer.actor, lambda session: give(session), decide) as answers:
        refused(answers[0], 403, "not-yours")


def test_the_same_edit_of_a_former_inspector_twice_at_once_is_kept_once(office: Office) -> None:
    reviewer, ann, bea = office.reviewer, office.ann, office.bea
    for _ in range(10):
        inspection = an_inspection(office)
        content(reviewer.put(f"/inspections/{inspection.id}/assignment", {"assigneeId": str(bea.person_id)}, version=1))
        item = edit(str(inspection.id), {"mould": "none"}, editId=str(uuid4()), baseVersion=1)
        answers = at_once([partial(send, replace(ann, client=office.application.test_client()), item) for _ in range(4)])
        assert [outcomes(answer) for answer in answers] == [["conflict"]] * 4
        with as_owner() as session:
            kept = session.scalar(sa.select(sa.func.count()).select_from(InspectionConflict).where(InspectionConflict.inspection_id == inspection.id))
        assert kept == 1


def test_an_id_of_an_edit_is_used_once_also_by_two_at_once(office: Office) -> None:
    for _ in range(5):
        edit_id = str(uuid4())
        both = [edit(str(an_inspection(office).id), {"mould": "none"}, editId=edit_id, baseVersion=1) for _ in range(2)]
        answers = at_once([partial(send, replace(office.ann, client=office.application.test_client()), item) for item in both])
        assert sorted((answer[0]["outcome"], answer[0]["code"] or "") for answer in answers) == [("applied", ""), ("refused", "edit-id-reused")]


def test_of_two_approved_at_once_the_dwelling_has_the_score_of_the_later_visit(office: Office) -> None:
    reviewer = office.reviewer
    older = _submitted(office, 3, "2026-01-10")
    newer = _submitted(office, 5, "2026-02-10", dwelling_id=older.dwelling_id, checklist_id=older.checklist_id)
    approve = partial(reviewer.post, f"/inspections/{older.id}/review", {"decision": "approved"}, version=1)
    verdict = Verdict(Decision.APPROVED)
    with meanwhile(reviewer.actor, lambda session: review.review(session, reviewer.actor, newer.id, verdict, expected=1), approve) as answers:
        assert answers[0].status_code < 300, answers[0].text
    with as_owner() as session:
        assert session.get_one(Dwelling, older.dwelling_id).condition_score == 5


def test_planners_who_move_many_and_phones_that_send_at_the_same_time_all_get_through(office: Office) -> None:
    """In whatever order they lock: no deadlock, nothing refused but by a rule."""
    reviewer, ann, bea = office.reviewer, office.ann, office.bea
    team = content(reviewer.post("/teams", {"name": "Noord", "memberIds": [str(ann.person_id), str(bea.person_id)]}), 201)
    ids = [str(an_inspection(office, team_id=UUID(team["id"])).id) for _ in range(12)]

    def clients(caller: Caller) -> Caller:
        return replace(caller, client=office.application.test_client())

    moves = [
        partial(clients(reviewer).post, "/inspections/assignments", {"inspectionIds": order, "note": note}) for note, order in (("a", ids), ("b", ids[::-1]))
    ]
    members = {"name": "Noord", "memberIds": [str(ann.person_id)]}
    calls = [
        *moves,
        partial(clients(reviewer).put, f"/teams/{team['id']}", members, version=1),
        *(partial(clients(reviewer).post, f"/inspections/{id}/withdrawal", {"reason": "sloop"}) for id in ids[:2]),
        *(partial(clients(ann).post, f"/inspections/{id}/handing-back") for id in ids[2:4]),
        partial(clients(ann).post, "/sync", {"items": [edit(id, {"mould": "none"}, baseVersion=1) for id in ids]}),
        partial(clients(ann).post, "/sync", {"items": [edit(id, {"mould": "spots"}, baseVersion=1) for id in ids[::-1]]}),
    ]
    answers = at_once(calls)
    assert {answer.status_code for answer in answers} <= {200, 409}
    results = [result for answer in answers if answer.status_code == 200 for result in answer.json.get("results", ())]
    assert {result["code"] for result in results if "code" in result} <= {None, "not-yours"}


def _submitted(office: Office, score: int, day: str, **more: Any) -> Inspection:
    at = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    done = {"status": InspectionStatus.SUBMITTED, "visit_outcome": VisitOutcome.DONE, "visited_at": at, "submitted_at": at, "complete_at": at}
    ann = office.ann
    with as_owner() as session:
        made: Inspection = makers.an_inspection(session, ann.actor, submitted_by=ann.person_id, **done, **more)
        kept = {"inspection_id": made.id, "revision": 1}
        answered = {"checklist_id": made.checklist_id, "visit_outcome": VisitOutcome.DONE, "answers": {}, "digest": b"x", "submitted_by": ann.person_id}
        session.add(InspectionRevision(**kept, **answered))
        session.add(ConditionScore(**kept, method="x", score=score, details={}))
        return made
