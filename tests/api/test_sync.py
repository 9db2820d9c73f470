"""Sending what was done offline: no answer is lost, and nothing is done twice."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from api import sync
from registry.changes.model import Change
from registry.checklists.model import Checklist, ChecklistStatus
from registry.checklists.rules import digest
from registry.errors import Unavailable
from registry.inspections.model import Inspection, InspectionConflict, InspectionEdit, InspectionStatus
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.api.test_inspections import COMPLETE


@pytest.fixture
def inspection_id(session: Session, inspector: Caller) -> str:
    return str(makers.an_inspection(session, inspector.actor).id)


def edit(inspection_id: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inspectionId": inspection_id, "document": {"answers": answers, **more.pop("document", {})}, **more}


def send(caller: Caller, *items: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = content(caller.post("/sync", {"items": list(items)}, **headers))["results"]
    assert len(results) == len(items)
    return results


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["outcome"] for result in results]


def test_edits_are_applied_in_order_and_each_is_answered(inspector: Caller, inspection_id: str) -> None:
    first, second = str(uuid4()), str(uuid4())
    results = send(
        inspector,
        edit(inspection_id, {"mould": "none"}, editId=first, baseVersion=1),
        edit(inspection_id, {"mould": "spots"}, editId=second, baseEditId=first),
    )
    assert [(result["outcome"], result["editId"], result["version"]) for result in results] == [("applied", first, 2), ("applied", second, 3)]
    assert results[1]["inspection"] == content(inspector.get(f"/inspections/{inspection_id}"))
    assert results[1]["inspection"]["answers"] == {"mould": "spots"}
    assert results[1]["submitted"] is None


def test_the_same_edit_again_gets_the_same_outcome_whatever_happened_since(inspector: Caller, inspection_id: str) -> None:
    item = edit(inspection_id, {"mould": "none"}, editId=str(uuid4()), baseVersion=1)
    unnamed = edit(inspection_id, {"mould": "widespread"}, baseVersion=2)
    assert outcomes(send(inspector, item, unnamed)) == ["applied", "applied"]
    (again, too) = send(inspector, item, unnamed)
    assert (again["outcome"], again["version"], again["inspection"]["version"]) == ("applied", 2, 3)
    assert (too["outcome"], too["version"]) == ("applied", 3)
    assert content(inspector.get(f"/inspections/{inspection_id}"))["version"] == 3


def test_an_id_of_an_edit_is_used_once(inspector: Caller, inspection_id: str) -> None:
    item = edit(inspection_id, {"mould": "none"}, editId=str(uuid4()), baseVersion=1)
    other = {**item, "document": {"answers": {"mould": "spots"}}}
    results = send(inspector, item, other)
    assert outcomes(results) == ["applied", "refused"]
    assert results[1]["code"] == "edit-id-reused"


def test_what_the_register_has_already_is_no_conflict(inspector: Caller, inspection_id: str) -> None:
    results = send(
        inspector,
        edit(inspection_id, {"mould": "none"}, baseVersion=1),
        edit(inspection_id, {"mould": "none"}, editId=str(uuid4()), baseVersion=1),
        edit(inspection_id, {"mould": "none"}),
    )
    assert outcomes(results) == ["applied", "unchanged", "unchanged"]
    assert [result["version"] for result in results] == [2, 2, 2]


def test_an_edit_on_an_old_version_is_kept(inspector: Caller, inspection_id: str) -> None:
    mine = edit(inspection_id, {"mould": "spots"}, editId=str(uuid4()), baseVersion=1)
    results = send(inspector, edit(inspection_id, {"mould": "none"}, baseVersion=1), mine)
    conflict = results[1]["conflict"]
    assert outcomes(results) == ["applied", "conflict"]
    assert (conflict["yours"]["answers"], conflict["theirs"]["answers"]) == ({"mould": "spots"}, {"mould": "none"})
    assert conflict["differences"] == [{"pointer": "/answers/mould", "yours": "spots", "theirs": "none"}]
    (again,) = send(inspector, mine)
    assert (again["outcome"], again["conflict"]) == ("conflict", conflict)


def test_an_edit_that_overtook_the_one_before_it_is_applied_after_it(session: Session, inspector: Caller, inspection_id: str) -> None:
    ids = [str(uuid4()) for _ in range(4)]
    chain = [
        edit(inspection_id, {"mould": mould}, editId=id, **({"baseEditId": before} if before else {"baseVersion": 1}))
        for mould, id, before in zip(("none", "spots", "widespread", "none"), ids, [None, *ids[:-1]], strict=True)
    ]
    assert outcomes(send(inspector, chain[3], chain[2], chain[1])) == ["conflict"] * 3
    (first,) = send(inspector, chain[0])
    assert (first["outcome"], first["version"], first["inspection"]["version"]) == ("applied", 2, 5)
    assert first["inspection"]["answers"] == {"mould": "none"}
    assert [(result["outcome"], result["version"]) for result in send(inspector, *chain)] == [("applied", 2), ("applied", 3), ("applied", 4), ("applied", 5)]
    assert set(session.scalars(sa.select(InspectionConflict.resolution))) == {"applied-later"}
    (last,) = send(inspector, edit(inspection_id, {"mould": "spots"}, baseEditId=ids[3], editId=str(uuid4())))
    assert (last["outcome"], last["version"]) == ("applied", 6)


def test_edits_that_build_on_a_kept_one_take_its_place(session: Session, inspector: Caller, inspection_id: str) -> None:
    """A day of saving again and again on top of a conflict leaves one conflict, with the last document; the others are in its history."""
    ids = [str(uuid4()) for _ in range(3)]
    send(inspector, edit(inspection_id, {"glazing": "single"}, baseVersion=1))
    results = send(
        inspector,
        edit(inspection_id, {"mould": "none"}, editId=ids[0], baseVersion=1),
        edit(inspection_id, {"mould": "spots"}, editId=ids[1], baseEditId=ids[0]),
        edit(inspection_id, {"mould": "widespread"}, editId=ids[2], baseEditId=ids[1]),
    )
    assert outcomes(results) == ["conflict"] * 3
    assert len({result["conflict"]["id"] for result in results}) == 1
    (kept,) = session.scalars(sa.select(InspectionConflict))
    assert kept.yours["answers"] == {"mould": "widespread"}
    former = session.scalars(sa.text("SELECT content -> 'yours' -> 'answers' ->> 'mould' FROM superseded_row WHERE table_name = 'inspection_conflict'"))
    assert set(former) == {"none", "spots"}


def test_one_that_fails_stops_none_of_the_others(inspector: Caller, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [str(makers.an_inspection(session, inspector.actor, checklist_id=makers.a_checklist(session).id).id) if place == 0 else "" for place in range(1)]
    checklist_id = session.get_one(Inspection, UUID(mine[0])).checklist_id
    mine += [str(makers.an_inspection(session, inspector.actor, checklist_id=checklist_id).id) for _ in range(2)]
    write = sync.edits.write

    def write_or_fail(session: Any, actor: Any, inspection_id: UUID, edit: Any) -> Any:
        if str(inspection_id) == mine[1]:
            raise ZeroDivisionError
        return write(session, actor, inspection_id, edit)

    monkeypatch.setattr(sync.edits, "write", write_or_fail)
    results = send(
        inspector,
        edit(mine[0], {"mould": "none"}, baseVersion=1),
        edit(mine[1], {"mould": "none"}, baseVersion=1),
        {"inspectionId": "x", "document": 3},
        edit(str(uuid4()), {}, baseVersion=1),
        edit(mine[0], {"mould": "green", "colour": 1}, baseVersion=2),
        edit(mine[0], {"mould": "spots"}),
        edit(mine[2], {"mould": "none"}, baseVersion=1),
    )
    assert outcomes(results) == ["applied", "refused", "refused", "refused", "refused", "refused", "applied"]
    assert [result["code"] for result in results[1:6]] == ["internal-error", "invalid-input", "not-found", "answers-invalid", "precondition-required"]
    assert {fault["pointer"] for fault in results[2]["errors"]} == {"/items/2/inspectionId", "/items/2/document"}
    assert {fault["pointer"] for fault in results[4]["errors"]} == {"/items/4/document/answers/mould", "/items/4/document/answers/colour"}


def test_a_database_that_is_away_is_asked_once(inspector: Caller, inspection_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []

    def away(session: Any, actor: Any, inspection_id: UUID, edit: Any) -> Any:
        asked.append(inspection_id)
        raise Unavailable(retry_after_s=5)

    monkeypatch.setattr(sync.edits, "write", away)
    results = send(inspector, *(edit(inspection_id, {}, baseVersion=version) for version in (1, 2, 3)))
    assert (outcomes(results), {result["code"] for result in results}, len(asked)) == (["refused"] * 3, {"unavailable"}, 1)


def test_an_inspection_is_submitted_with_its_last_edit(inspector: Caller, inspection_id: str) -> None:
    item = edit(inspection_id, COMPLETE, document={"visitOutcome": "done"}, editId=str(uuid4()), baseVersion=1, submit=True)
    (result,) = send(inspector, item)
    assert (result["outcome"], result["submitted"], result["version"], result["inspection"]["status"]) == ("applied", True, 2, "submitted")
    assert (result["complete"], result["awaited"], [fault["code"] for fault in result["missing"]]) == (False, 0, ["photos-missing"])
    (again,) = send(inspector, item)
    assert (again["outcome"], again["submitted"], again["inspection"]["version"]) == ("applied", True, result["inspection"]["version"])


def test_a_document_stays_when_its_inspection_can_not_be_submitted_yet(inspector: Caller, inspection_id: str) -> None:
    (result,) = send(inspector, edit(inspection_id, {"mould": "none"}, baseVersion=1, submit=True))
    assert (result["outcome"], result["submitted"], result["code"]) == ("applied", False, "answers-invalid")
    assert "/items/0/document/visitOutcome" in {fault["pointer"] for fault in result["errors"]}
    assert content(inspector.get(f"/inspections/{inspection_id}"))["answers"] == {"mould": "none"}


def test_a_repeated_edit_does_not_submit_what_was_returned(session: Session, inspector: Caller, inspection_id: str) -> None:
    item = edit(inspection_id, COMPLETE, document={"visitOutcome": "done"}, editId=str(uuid4()), baseVersion=1, submit=True)
    send(inspector, item)
    inspection = session.get_one(Inspection, UUID(inspection_id))
    session.refresh(inspection)
    inspection.status, inspection.submitted_at, inspection.complete_at = InspectionStatus.RETURNED, None, None
    inspection.revision, inspection.version = 2, inspection.version + 1
    session.flush()
    (again,) = send(inspector, item)
    assert (again["outcome"], again["submitted"], again["inspection"]["status"]) == ("applied", False, "returned")


def test_what_is_frozen_keeps_a_late_edit_beside_it(inspector: Caller, inspection_id: str) -> None:
    send(inspector, edit(inspection_id, COMPLETE, document={"visitOutcome": "done"}, baseVersion=1, submit=True))
    version = content(inspector.get(f"/inspections/{inspection_id}"))["version"]
    (late,) = send(inspector, edit(inspection_id, {**COMPLETE, "mould": "spots"}, document={"visitOutcome": "done"}, baseVersion=version, submit=True))
    assert (late["outcome"], late["submitted"], late["inspection"]["status"]) == ("conflict", None, "submitted")


def test_what_became_the_work_of_a_colleague_is_kept_and_not_shown(session: Session, inspector: Caller, inspection_id: str) -> None:
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    first = edit(inspection_id, {"mould": "none"}, editId=str(uuid4()), baseVersion=1)
    send(inspector, first)
    inspection = session.get_one(Inspection, UUID(inspection_id))
    session.refresh(inspection)
    inspection.assignee_id, inspection.version = colleague.person_id, inspection.version + 1
    session.flush()
    ids = [str(uuid4()) for _ in range(2)]
    results = send(
        inspector,
        edit(inspection_id, {"mould": "spots"}, editId=ids[0], baseEditId=first["editId"]),
        edit(inspection_id, {"mould": "widespread"}, editId=ids[1], baseEditId=ids[0]),
        first,
    )
    assert outcomes(results) == ["conflict", "conflict", "applied"]
    assert [result["inspection"] for result in results] == [None] * 3
    kept = results[1]["conflict"]
    assert (kept["id"], kept["theirs"], kept["inspectionVersion"], kept["differences"]) == (results[0]["conflict"]["id"], None, None, [])
    assert content(inspector.get("/conflicts"))["items"] == [kept]
    seen = content(colleague.get(f"/conflicts/{kept['id']}"))
    assert (seen["yours"]["answers"], seen["theirs"]["answers"]) == ({"mould": "widespread"}, {"mould": "none"})
    problem = refused(
        inspector.put(f"/inspections/{inspection_id}", {"answers": {"mould": "none", "glazing": "single"}}, version=2), 409, "inspection-conflict"
    )
    assert (problem["theirs"], "currentVersion" in problem) == (None, False)


def test_what_never_was_hers_is_not_there(inspector: Caller, inspection_id: str) -> None:
    stranger = a_caller(inspector.client, "inspector", inspector.organisation)
    (result,) = send(stranger, edit(inspection_id, {}, baseVersion=1))
    assert (result["outcome"], result["code"]) == ("refused", "not-found")
    refused(stranger.put(f"/inspections/{inspection_id}", {"answers": {}}, version=1), 404, "not-found")


def test_how_wrong_the_clock_of_the_phone_is_stays_beside_what_it_said(session: Session, inspector: Caller, inspection_id: str) -> None:
    when = {"document": {"visitedAt": "2031-01-01T10:00:00Z"}}
    (result,) = send(inspector, edit(inspection_id, {}, baseVersion=1, **when), Phone_Clock="2031-01-01T12:00:00+01:00")
    skew = session.scalars(sa.select(InspectionEdit.clock_skew_ms)).one()
    assert skew is not None
    assert skew > 24 * 3600 * 1000
    assert result["inspection"]["visitedAt"] == "2031-01-01T10:00:00Z"
    assert result["inspection"]["visitedAtCorrected"] < "2031"
    body = {"answers": {}, "visitedAt": "2031-01-01T11:00:00Z"}
    response = inspector.put(f"/inspections/{inspection_id}", body, version=2)
    assert content(response)["visitedAtCorrected"] is None
    wrong = inspector.put(f"/inspections/{inspection_id}", body, version=2, Phone_Clock="yesterday")
    refused(wrong, 400, "invalid-input", ("Phone-Clock", "not-a-moment"))


def another_edition(session: Session, of: UUID, **more: Any) -> Checklist:
    checklist = session.get_one(Checklist, of)
    body = {**checklist.content, "edition": 2}
    values = {"key": checklist.key, "edition": 2, "content": body, "digest": digest(body), **more}
    made = Checklist(**values)
    session.add(made)
    session.flush()
    return made


def test_a_document_made_with_another_edition_brings_it_along(session: Session, inspector: Caller, inspection_id: str) -> None:
    of = session.get_one(Inspection, UUID(inspection_id)).checklist_id
    other = another_edition(session, of)
    (result,) = send(inspector, edit(inspection_id, {"mould": "none"}, document={"checklistId": str(other.id)}, baseVersion=1))
    assert (result["outcome"], result["inspection"]["checklistId"]) == ("applied", str(other.id))


def test_a_draft_or_another_checklist_is_no_edition_of_it(session: Session, inspector: Caller, inspection_id: str) -> None:
    of = session.get_one(Inspection, UUID(inspection_id)).checklist_id
    draft = another_edition(session, of, status=ChecklistStatus.DRAFT, published_at=sa.null())
    different = another_edition(session, of, key="other")
    results = send(
        inspector,
        *(edit(inspection_id, {"mould": "none"}, document={"checklistId": str(each)}, baseVersion=1) for each in (draft.id, different.id, uuid4())),
    )
    assert outcomes(results) == ["refused"] * 3
    assert [[(fault["pointer"], fault["code"]) for fault in result["errors"]] for result in results] == [
        [("/items/0/document/checklistId", "no-such-reference")],
        [("/items/1/document/checklistId", "another-checklist")],
        [("/items/2/document/checklistId", "no-such-reference")],
    ]


def test_a_list_has_a_limit(application: Flask, inspector: Caller, inspection_id: str) -> None:
    item = edit(inspection_id, {}, baseVersion=1)
    refused(inspector.post("/sync", {"items": [item] * (sync.LARGEST_SYNC + 1)}), 400, "invalid-input", ("/items", "too-long"))
    refused(inspector.post("/sync", {"items": []}), 400, "invalid-input", ("/items", "too-short"))


def test_who_inspects_nothing_sends_nothing(reviewer: Caller, inspection_id: str) -> None:
    refused(reviewer.post("/sync", {"items": [edit(inspection_id, {}, baseVersion=1)]}), 403, "not-allowed")


def test_what_the_planner_changed_is_no_conflict(inspector: Caller, reviewer: Caller, inspection_id: str) -> None:
    """Until when, a note, another inspector and back: she has nothing to decide about."""
    path = f"/inspections/{inspection_id}/assignment"
    first, second = str(uuid4()), str(uuid4())
    assert outcomes(send(inspector, edit(inspection_id, {"mould": "none"}, editId=first, baseVersion=1))) == ["applied"]
    content(reviewer.put(path, {"assigneeId": str(inspector.person_id), "dueOn": "2027-01-01"}, version=2))
    content(reviewer.put(path, {"assigneeId": str(inspector.person_id), "note": "Bel eerst"}, version=3))
    results = send(
        inspector,
        edit(inspection_id, {"mould": "spots"}, editId=second, baseEditId=first),
        edit(inspection_id, {"mould": "widespread"}, editId=str(uuid4()), baseEditId=first),
        edit(inspection_id, {"mould": "widespread"}, editId=str(uuid4()), baseVersion=4),
    )
    assert [(each["outcome"], each["version"]) for each in results] == [("applied", 5), ("conflict", None), ("conflict", None)]
    assert content(inspector.get(f"/inspections/{inspection_id}"))["note"] == "Bel eerst"


def test_what_was_returned_is_another_document_also_with_the_same_answers(session: Session, inspector: Caller, inspection_id: str) -> None:
    inspection = session.get_one(Inspection, UUID(inspection_id))
    inspection.revision, inspection.version, inspection.status = 2, 3, InspectionStatus.RETURNED
    session.flush()
    assert outcomes(send(inspector, edit(inspection_id, {"mould": "none"}, baseVersion=1))) == ["conflict"]


def test_what_was_written_before_it_went_back_to_the_team_gets_the_same_answer_again(session: Session, inspector: Caller, reviewer: Caller) -> None:
    team = content(reviewer.post("/teams", {"name": "Noord", "memberIds": [str(inspector.person_id)]}), 201)
    id = str(makers.an_inspection(session, inspector.actor, team_id=UUID(team["id"])).id)
    item = edit(id, {"mould": "none"}, editId=str(uuid4()), baseVersion=1)
    assert outcomes(send(inspector, item)) == ["applied"]
    content(inspector.post(f"/inspections/{id}/handing-back"))
    again, other = send(inspector, item, edit(id, {"mould": "spots"}, baseVersion=2))
    assert (again["outcome"], again["version"]) == ("applied", 2)
    assert (other["outcome"], other["code"]) == ("refused", "not-yours")  # she takes it first


def test_a_former_inspector_says_what_a_document_is_based_on(session: Session, inspector: Caller, reviewer: Caller, inspection_id: str) -> None:
    """It is kept, so it must be known when it comes again."""
    inspection = session.get_one(Inspection, UUID(inspection_id))
    session.add(Change(kind="inspection", subject_id=inspection.id, person_id=inspector.person_id, organisation_id=inspection.organisation_id))
    session.flush()
    content(reviewer.put(f"/inspections/{inspection_id}/assignment", {}, version=1))
    refused(inspector.put(f"/inspections/{inspection_id}", {"answers": {"mould": "none"}}), 428, "precondition-required")
    kept = [refused(inspector.put(f"/inspections/{inspection_id}", {"answers": {"mould": "none"}}, version=1), 409, "inspection-conflict") for _ in range(2)]
    assert kept[0]["conflictId"] == kept[1]["conflictId"]
