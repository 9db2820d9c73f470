"""Planning many inspections, saying whose work they are, and planning the next visit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.checklists.model import ChecklistStatus
from registry.inspections.model import Inspection, InspectionStatus
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

IN_VAIN = {"answers": {}, "visitedAt": "2026-11-23T09:00:00Z"}


@pytest.fixture
def plan(session: Session, inspector: Caller) -> dict[str, Any]:
    return {
        "dwellingId": str(makers.a_dwelling(session).id),
        "checklistId": str(makers.a_checklist(session).id),
        "occasion": "baseline",
        "organisationId": str(inspector.organisation and inspector.organisation.id),
    }


def personal(session: Session, caller: Caller) -> list[tuple[str, bool]]:
    query = sa.select(Change.subject_id, Change.gone).where(Change.person_id == caller.person_id, Change.personal, Change.kind == "inspection")
    return [(str(row.subject_id), row.gone) for row in session.execute(query.order_by(Change.id))]


def test_a_plan_has_a_team_a_note_and_the_visit_before(session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    assert inspector.organisation
    team = makers.a_team(session, inspector.organisation, inspector.actor)
    first = content(municipality.post("/inspections", plan), 201)
    body = {**plan, "teamId": str(team.id), "note": "bel eerst", "previousId": first["id"], "dueOn": "2020-01-01"}
    made = content(municipality.post("/inspections", body), 201)
    assert made.items() >= body.items()
    assert content(inspector.get(f"/inspections/{made['id']}")) == made
    assert personal(session, inspector) == [(made["id"], False)]


def test_a_plan_names_a_team_of_that_organisation_and_a_checklist_in_use_and_the_same_dwelling(
    session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    foreign = makers.a_team(session, makers.an_organisation(session))
    elsewhere = makers.an_inspection(session, inspector.actor, checklist_id=plan["checklistId"])
    body = {**plan, "teamId": str(foreign.id), "previousId": str(elsewhere.id)}
    refused(
        municipality.post("/inspections", body),
        400,
        "rule-violation",
        ("/teamId", "not-a-team-there"),
        ("/previousId", "previous-of-another-dwelling"),
    )
    refused(municipality.post("/inspections", {**plan, "previousId": str(uuid4())}), 400, "rule-violation", ("/previousId", "no-such-reference"))
    session.execute(sa.text("UPDATE checklist SET status = 'retired', retired_at = now()"))
    refused(municipality.post("/inspections", plan), 400, "rule-violation", ("/checklistId", "checklist-retired"))


def test_a_batch_of_plans_is_judged_one_by_one_and_sent_again_changes_nothing(
    session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    good = [{**plan, "id": str(uuid4()), "assigneeId": str(inspector.person_id)} for _ in range(3)]
    bad = {**plan, "id": str(uuid4()), "dwellingId": str(uuid4()), "assigneeId": str(uuid4())}
    items = [*good, bad, {"id": str(uuid4())}, {**good[0], "occasion": "progress"}]
    answer = content(municipality.post("/inspections/batch", {"items": items[:5]}, key=None))
    assert answer["summary"] == {"created": 3, "unchanged": 0, "refused": 2}
    assert {(fault["pointer"], fault["code"]) for fault in answer["results"][3]["errors"]} == {
        ("/items/3/dwellingId", "no-such-reference"),
        ("/items/3/assigneeId", "not-an-inspector-there"),
    }
    assert content(municipality.post("/inspections/batch", {"items": good}, key=None))["summary"] == {"created": 0, "unchanged": 3, "refused": 0}
    repeated = content(municipality.post("/inspections/batch", {"items": [good[0], items[5]]}, key=None))
    assert [result["outcome"] for result in repeated["results"]] == ["refused", "refused"]
    assert len(content(inspector.get("/inspections"))["items"]) == 3
    lines = session.scalars(sa.select(AuditLine.subject_id).where(AuditLine.action == "inspection.planned")).all()
    assert sorted(lines) == sorted(item["id"] for item in good)


def test_a_batch_takes_a_fixed_number_of_queries(session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    def queries(count: int) -> int:
        seen: list[str] = []
        items = [{**plan, "id": str(uuid4()), "assigneeId": str(inspector.person_id)} for _ in range(count)]
        listener = lambda conn, cursor, statement, parameters, context, many: seen.append(statement)  # noqa: E731
        engine = session.get_bind().engine
        sa.event.listen(engine, "after_cursor_execute", listener)
        try:
            assert content(municipality.post("/inspections/batch", {"items": items}, key=None))["summary"]["created"] == count
        finally:
            sa.event.remove(engine, "after_cursor_execute", listener)
        return len(seen)

    assert queries(40) <= queries(2)


def test_a_plan_that_was_changed_since_is_known_by_what_stays(session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    body = {**plan, "id": str(uuid4()), "dueOn": "2026-12-01"}
    content(municipality.post("/inspections", body), 201)
    refused(municipality.post("/inspections", {**body, "dueOn": "2026-12-02"}), 409, "already-exists")
    moved = {"assigneeId": str(inspector.person_id), "dueOn": "2026-12-24"}
    assigned = content(municipality.put(f"/inspections/{body['id']}/assignment", moved, version=1))
    assert content(municipality.post("/inspections", body), 200) == assigned
    refused(municipality.post("/inspections", {**body, "occasion": "progress"}), 409, "already-exists")


def test_an_inspection_goes_to_another_inspector_with_what_was_written_in_it(
    session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    other = a_caller(inspector.client, "inspector", inspector.organisation)
    made = content(municipality.post("/inspections", {**plan, "assigneeId": str(inspector.person_id), "note": "sleutel bij de buren"}), 201)
    path = f"/inspections/{made['id']}"
    content(inspector.put(path, {"answers": {"mould": "none"}}, version=1))
    body = {"assigneeId": str(other.person_id), "dueOn": "2026-12-01"}
    refused(municipality.put(f"{path}/assignment", body), 428, "precondition-required")
    refused(municipality.put(f"{path}/assignment", body, version=1), 412, "precondition-failed")
    moved = content(municipality.put(f"{path}/assignment", body, version=2))
    assert (moved["assigneeId"], moved["dueOn"], moved["note"], moved["answers"]) == (str(other.person_id), "2026-12-01", None, {"mould": "none"})
    assert content(municipality.put(f"{path}/assignment", body, version=1)) == moved
    refused(inspector.get(path), 404, "not-found")
    assert content(other.get(path)) == moved
    assert personal(session, inspector) == [(made["id"], False), (made["id"], True)]
    assert personal(session, other) == [(made["id"], False)]


def test_a_municipality_gives_work_to_another_organisation_and_a_reviewer_does_not(
    session: Session, municipality: Caller, reviewer: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    other = a_caller(inspector.client, "inspector")
    assert other.organisation
    made = content(reviewer.post("/inspections", {**plan, "assigneeId": str(inspector.person_id), "dwellingId": _seen(session, inspector)}), 201)
    body = {"organisationId": str(other.organisation.id), "assigneeId": str(other.person_id)}
    path = f"/inspections/{made['id']}/assignment"
    refused(reviewer.put(path, body, version=1), 400, "rule-violation", ("/organisationId", "not-yours"))
    refused(
        municipality.put(path, {**body, "assigneeId": str(inspector.person_id)}, version=1),
        400,
        "rule-violation",
        ("/assigneeId", "not-an-inspector-there"),
    )
    content(municipality.put(path, body, version=1))
    assert content(other.get(f"/inspections/{made['id']}"))["organisationId"] == str(other.organisation.id)
    assert personal(session, inspector)[-1] == (made["id"], True)


def _seen(session: Session, inspector: Caller) -> str:
    """A dwelling that the reviewer of the inspector sees."""
    return str(makers.an_inspection(session, inspector.actor, checklist_id=session.scalar(sa.text("SELECT id FROM checklist"))).dwelling_id)


def test_many_inspections_get_one_inspector_and_keep_the_rest(session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    ids = [content(municipality.post("/inspections", {**plan, "dueOn": "2026-12-01"}), 201)["id"] for _ in range(3)]
    session.execute(sa.text("UPDATE inspection SET status = 'withdrawn', withdrawal_reason = 'x' WHERE id = :id"), {"id": ids[2]})
    absent = str(uuid4())
    body = {"inspectionIds": [*ids, absent], "assigneeId": str(inspector.person_id)}
    answer = content(municipality.post("/inspections/assignments", body, key=None))
    assert answer["summary"] == {"changed": 2, "unchanged": 0, "refused": 2}
    assert [fault["pointer"] for result in answer["results"] for fault in result["errors"]] == ["/inspectionIds/2", "/inspectionIds/3"]
    assert content(municipality.post("/inspections/assignments", body, key=None))["summary"]["unchanged"] == 2
    work = content(inspector.get("/inspections"))["items"]
    assert [(item["id"], item["dueOn"]) for item in work] == [(id, "2026-12-01") for id in sorted(ids[:2])]
    nobody = {**body, "inspectionIds": ids[:1], "assigneeId": str(uuid4())}
    refusal = content(municipality.post("/inspections/assignments", nobody, key=None))["results"][0]
    assert [(fault["pointer"], fault["code"]) for fault in refusal["errors"]] == [("/assigneeId", "not-an-inspector-there")]


def test_an_inspection_is_withdrawn_and_its_inspector_reads_why(municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    made = content(municipality.post("/inspections", {**plan, "assigneeId": str(inspector.person_id)}), 201)
    path = f"/inspections/{made['id']}"
    content(inspector.put(path, {"answers": {"mould": "none"}}, version=1))
    withdrawn = content(municipality.post(f"{path}/withdrawal", {"reason": "gesloopt"}))
    assert (withdrawn["status"], withdrawn["withdrawalReason"], withdrawn["answers"]) == ("withdrawn", "gesloopt", {"mould": "none"})
    assert content(municipality.post(f"{path}/withdrawal", {"reason": "nog eens"})) == withdrawn == content(inspector.get(path))
    refused(municipality.put(f"{path}/assignment", {}, version=3), 409, "inspection-withdrawn")


def test_what_is_submitted_is_not_withdrawn_nor_given_to_another(session: Session, municipality: Caller, inspector: Caller) -> None:
    submitted = makers.an_inspection(session, inspector.actor, status=InspectionStatus.SUBMITTED, submitted_at=clock.now(), visit_outcome="refused")
    path = f"/inspections/{submitted.id}"
    refused(municipality.post(f"{path}/withdrawal", {"reason": "x"}), 409, "inspection-submitted")
    refused(municipality.put(f"{path}/assignment", {}, version=1), 409, "inspection-submitted")


def in_vain(municipality: Caller, inspector: Caller, plan: dict[str, Any], outcome: str, at: str = "2026-11-23T09:00:00Z") -> dict[str, Any]:
    """A visit that is planned, made and submitted."""
    made = content(municipality.post("/inspections", {**plan, "assigneeId": str(inspector.person_id)}), 201)
    return visited(inspector, made["id"], outcome, at)


def visited(inspector: Caller, id: str, outcome: str, at: str) -> dict[str, Any]:
    content(inspector.put(f"/inspections/{id}", {"answers": {}, "visitOutcome": outcome, "visitedAt": at}, version=1))
    content(inspector.post(f"/inspections/{id}/submission", version=2))
    found: dict[str, Any] = content(inspector.get(f"/inspections/{id}"))
    return found


def test_a_visit_in_vain_advises_on_the_next_one_which_follows_it(municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    first = in_vain(municipality, inspector, {**plan, "note": "bel eerst"}, "nobody-home")
    advice = first["advice"]
    assert (advice["code"], advice["nextVisit"], advice["earliestOn"], advice["tries"]) == ("advice-try-another-time", True, "2026-11-25", 1)
    assert advice["partsOfDay"] == ["evening", "weekend", "afternoon"]
    assert "thuis" in advice["text"]["nl"]
    response = municipality.post(f"/inspections/{first['id']}/next-visit", {})
    second = content(response, 201)
    assert response.headers["Location"] == f"/v1/inspections/{second['id']}"
    copied = ("dwellingId", "checklistId", "occasion", "organisationId", "assigneeId", "note")
    assert {name: second[name] for name in copied} == {name: first[name] for name in copied}
    assert (second["previousId"], second["status"]) == (first["id"], "planned")
    assert second["dueOn"] == max((clock.today() + timedelta(days=14)).isoformat(), "2026-12-09")
    problem = refused(municipality.post(f"/inspections/{first['id']}/next-visit", {}), 409, "next-visit-planned")
    assert second["id"] in problem["detail"]
    content(municipality.post(f"/inspections/{second['id']}/withdrawal", {"reason": "x"}))
    again = {"id": str(uuid4()), "dueOn": "2027-01-10", "note": "avond"}
    third = content(municipality.post(f"/inspections/{first['id']}/next-visit", again), 201)
    assert (third["dueOn"], third["note"]) == ("2027-01-10", "avond")
    assert content(municipality.post(f"/inspections/{first['id']}/next-visit", again), 200) == third


def test_the_third_time_that_nobody_is_home_a_letter_goes_first_also_when_each_was_another_inspector(
    municipality: Caller, inspector: Caller, reviewer: Caller, plan: dict[str, Any]
) -> None:
    last = in_vain(municipality, inspector, plan, "nobody-home")
    for number, at in enumerate(("2026-11-25T18:00:00Z", "2026-11-28T10:00:00Z"), start=2):
        other = a_caller(inspector.client, "inspector", inspector.organisation)
        planned = content(municipality.post(f"/inspections/{last['id']}/next-visit", {"assigneeId": str(other.person_id)}), 201)
        last = visited(other, planned["id"], "nobody-home", at)
        assert last["advice"]["tries"] == number
    assert (last["advice"]["code"], last["advice"]["first"]) == ("advice-letter-first", ["letter", "phone"])
    assert last["advice"]["partsOfDay"] == ["afternoon"]
    for caller in (municipality, reviewer):
        assert content(caller.get(f"/inspections/{last['id']}"))["advice"] == last["advice"]
    listed = {item["id"]: item["advice"] for item in content(municipality.get("/inspections"))["items"]}
    assert listed[last["id"]] == last["advice"]


def test_after_a_refusal_the_planner_says_on_what_basis_somebody_goes_again(
    session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    first = in_vain(municipality, inspector, plan, "refused")
    path = f"/inspections/{first['id']}/next-visit"
    refused(municipality.post(path, {}), 400, "rule-violation", ("/basis", "next-visit-needs-basis"))
    content(municipality.post(path, {"basis": "machtiging van 1 december"}), 201)
    line = session.scalars(sa.select(AuditLine).where(AuditLine.action == "inspection.next-visit-planned")).one()
    assert (line.subject_id, line.details["basis"]) == (first["id"], "machtiging van 1 december")


def test_there_is_no_next_visit_after_one_that_was_carried_out_or_not_made(
    session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]
) -> None:
    planned = content(municipality.post("/inspections", plan), 201)
    refused(municipality.post(f"/inspections/{planned['id']}/next-visit", {}), 409, "no-visit-in-vain")
    done = makers.an_inspection(
        session, inspector.actor, status="submitted", submitted_at=datetime.now(UTC), visit_outcome="done", checklist_id=plan["checklistId"]
    )
    refused(municipality.post(f"/inspections/{done.id}/next-visit", {}), 409, "no-visit-in-vain")
    assert content(municipality.get(f"/inspections/{done.id}"))["advice"] is None


def test_a_next_visit_uses_the_newest_edition(session: Session, municipality: Caller, inspector: Caller, plan: dict[str, Any]) -> None:
    first = in_vain(municipality, inspector, plan, "nobody-home")
    newest = makers.another_edition(session)
    second = content(municipality.post(f"/inspections/{first['id']}/next-visit", {}), 201)
    assert second["checklistId"] == str(newest.id)
    assert newest.status is ChecklistStatus.PUBLISHED
    assert session.get_one(Inspection, second["id"]).previous_id is not None
