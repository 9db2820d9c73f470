"""Reviewing inspections over HTTP, the evidence that an approval leaves, and before and after."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.audit.model import AuditLine
from registry.changes.model import Change, ChangeKind
from registry.dwellings.model import Dwelling
from registry.inspections.model import Inspection, InspectionStatus, Occasion, VisitOutcome
from registry.photos.model import PhotoState
from registry.trajectories.model import MilestoneKind, Track, Trajectory
from tests import makers
from tests.api.callers import Caller, content, refused, reload
from tests.checklists import BAD, LEAK, MOULD, OVERALL, ROOF, SOUND, a_small_checklist, an_inspection_with

APPROVED = {"decision": "approved"}
RETURNED = {"decision": "returned", "remarks": "Foto te donker", "questions": {"mould": "Welke kamer?"}}


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    """Submitted with a photo of everything that its answers demand."""
    return submitted(session, inspector, SOUND)


@pytest.fixture
def path(inspection: Inspection) -> str:
    return f"/inspections/{inspection.id}"


ONE_PHOTO = (("overall", None),)


def submitted(session: Session, inspector: Caller, answers: dict[str, Any], *, photos: tuple[tuple[str, str | None], ...] = ONE_PHOTO, **more: Any) -> Any:
    inspection = an_inspection_with(session, inspector.actor, **more)
    for question, defect in photos:
        makers.a_photo(session, inspection, question=question, defect=defect, state=PhotoState.READY, sha256=uuid4().bytes * 2)
    submit(inspector, f"/inspections/{inspection.id}", answers)
    reload(session)
    return inspection


def submit(inspector: Caller, path: str, answers: dict[str, Any], visited_at: str = "2026-03-01T09:00:00Z") -> int:
    """The version after it."""
    version = content(inspector.get(path))["version"]
    written = content(inspector.put(path, {"answers": answers, "visitOutcome": "done", "visitedAt": visited_at}, version=version))
    return int(content(inspector.post(f"{path}/submission", version=written["version"]))["version"])


def version_of(caller: Caller, path: str) -> int:
    return int(content(caller.get(path))["version"])


def reviewed(caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content(caller.post(f"{path}/review", body, version=version_of(caller, path)))
    return found


def test_an_approved_inspection_gives_the_dwelling_its_condition_score(session: Session, inspection: Inspection, reviewer: Caller, path: str) -> None:
    found = reviewed(reviewer, path, APPROVED)
    assert (found["status"], found["review"]["decision"], found["review"]["revision"]) == ("approved", "approved", 1)
    reload(session)
    assert session.get_one(Dwelling, inspection.dwelling_id).condition_score == 1
    told = session.scalars(sa.select(Change.kind).where(Change.subject_id.in_((inspection.id, inspection.dwelling_id))).order_by(Change.id.desc()).limit(2))
    assert set(told) == {ChangeKind.DWELLING, ChangeKind.INSPECTION}
    actions = session.scalars(sa.select(AuditLine.action).order_by(AuditLine.id.desc()).limit(2)).all()
    assert list(actions) == ["dwelling.condition-adopted", "inspection.approved"]


def test_a_returned_inspection_is_open_again_with_its_answers_and_the_remarks(inspector: Caller, municipality: Caller, path: str) -> None:
    reviewed(municipality, path, RETURNED)
    found = content(inspector.get(path))
    assert (found["status"], found["revision"], found["submittedAt"], found["completeAt"], found["answers"]) == ("returned", 2, None, None, SOUND)
    review = found["review"]
    assert {name: review[name] for name in ("revision", "decision", "remarks", "questions")} == {"revision": 1, **RETURNED}
    assert review["recordedAt"].endswith("Z")
    refused(inspector.post(f"{path}/submission"), 428, "precondition-required")
    submit(inspector, path, {**SOUND, "mould": "none"})
    assert reviewed(municipality, path, APPROVED)["review"]["revision"] == 2
    first, second = content(municipality.get(f"{path}/revisions"))["items"]
    assert (first["revision"], first["review"]["decision"], first["review"]["questions"]) == (1, "returned", RETURNED["questions"])
    assert (second["revision"], second["review"]["decision"], second["review"]["recordedBy"]) == (2, "approved", str(municipality.person_id))


@pytest.mark.parametrize("body", [APPROVED, RETURNED])
def test_the_same_review_again_gets_the_same_answer(session: Session, reviewer: Caller, path: str, body: dict[str, Any]) -> None:
    version = version_of(reviewer, path)
    first, again = (reviewer.post(f"{path}/review", body, version=version) for _ in range(2))
    assert content(first) == content(again)
    count = sa.select(sa.func.count()).where(AuditLine.action == f"inspection.{body['decision']}", AuditLine.subject_id == path.rpartition("/")[2])
    assert session.scalar(count) == 1


def test_what_is_reviewed_already_is_not_reviewed_otherwise(reviewer: Caller, municipality: Caller, path: str) -> None:
    reviewed(reviewer, path, APPROVED)
    for caller, body in ((reviewer, RETURNED), (reviewer, {**APPROVED, "remarks": "x"}), (municipality, APPROVED)):
        refused(caller.post(f"{path}/review", body, version=version_of(caller, path)), 409, "inspection-not-submitted")


def test_a_review_names_the_version_that_was_looked_at(reviewer: Caller, path: str) -> None:
    refused(reviewer.post(f"{path}/review", APPROVED), 428, "precondition-required")
    refused(reviewer.post(f"{path}/review", APPROVED, version=1), 412, "precondition-failed")


def test_what_is_not_submitted_is_not_reviewed(session: Session, inspector: Caller, reviewer: Caller) -> None:
    path = f"/inspections/{an_inspection_with(session, inspector.actor).id}"
    refused(reviewer.post(f"{path}/review", APPROVED, version=1), 409, "inspection-not-submitted")


def test_nobody_reviews_her_own(session: Session, inspector: Caller, path: str) -> None:
    """Somebody who is an inspector and a reviewer of the same organisation."""
    person = inspector.actor.person_id
    from registry.members.model import Person

    assert inspector.organisation
    membership = makers.a_membership(session, session.get_one(Person, person), Role.REVIEWER, inspector.organisation)
    token = makers.a_token(session, session.get_one(Person, person), membership)
    reviewer = Caller(inspector.client, token, inspector.organisation, inspector.actor)
    refused(reviewer.post(f"{path}/review", APPROVED, version=version_of(reviewer, path)), 403, "own-inspection")


def test_only_reviewers_and_the_municipality_of_the_dwelling_review(
    inspector: Caller, corporation: Caller, auditor: Caller, other_municipality: Caller, path: str
) -> None:
    for caller in (inspector, corporation, auditor):
        refused(caller.post(f"{path}/review", APPROVED, version=3), 403, "not-allowed")
    refused(other_municipality.post(f"{path}/review", APPROVED, version=3), 404, "not-found")


def test_all_faults_of_a_review_come_together(reviewer: Caller, path: str) -> None:
    shown = {"trajectoryId": str(uuid4()), "track": "renovation", "kind": "completed"}
    body = {"decision": "returned", "questions": {"nonsense": "x", "mould": ""}, "evidence": [{"track": "x"}], "more": 1}
    refused(
        reviewer.post(f"{path}/review", body, version=3),
        400,
        "invalid-input",
        ("/questions/mould", "too-short"),
        ("/evidence/0/trajectoryId", "required"),
        ("/evidence/0/track", "not-one-of"),
        ("/evidence/0/kind", "required"),
        ("/more", "unknown-field"),
    )
    body = {"decision": "returned", "questions": {"nonsense": "x"}, "evidence": [shown]}
    refused(
        reviewer.post(f"{path}/review", body, version=3),
        400,
        "rule-violation",
        ("/questions/nonsense", "unknown-question"),
        ("/evidence/0/trajectoryId", "no-such-reference"),
        ("/evidence", "evidence-when-approved"),
    )
    refused(reviewer.post(f"{path}/review", {"decision": "returned"}, version=3), 400, "rule-violation", ("/remarks", "required"))


def test_an_incomplete_inspection_is_approved_for_a_reason_only(session: Session, inspector: Caller, reviewer: Caller) -> None:
    path = f"/inspections/{submitted(session, inspector, SOUND, photos=()).id}"
    version = version_of(reviewer, path)
    refused(reviewer.post(f"{path}/review", APPROVED, version=version), 400, "rule-violation", ("/acceptIncomplete", "inspection-incomplete"))
    body = {**APPROVED, "acceptIncomplete": True}
    refused(reviewer.post(f"{path}/review", body, version=version), 400, "rule-violation", ("/remarks", "required"))
    assert reviewed(reviewer, path, {**body, "remarks": "Telefoon stuk"})["completeAt"] is None


def test_an_approved_inspection_is_evidence_for_a_milestone(session: Session, inspection: Inspection, corporation: Caller, reviewer: Caller, path: str) -> None:
    assert corporation.organisation
    trajectory = makers.a_trajectory(session, corporation.organisation, session.get_one(Dwelling, inspection.dwelling_id))
    makers.a_portfolio_period(session, session.get_one(Dwelling, inspection.dwelling_id), corporation.organisation)
    shown = {"trajectoryId": str(trajectory.id), "track": "renovation", "kind": "started"}
    reviewed(reviewer, path, {**APPROVED, "evidence": [shown, shown]})
    for kind in (MilestoneKind.STARTED, MilestoneKind.COMPLETED):
        makers.reported(session, corporation.actor, trajectory.id, Track.RENOVATION, kind, "2024-02-01")
    milestones = content(corporation.get(f"/trajectories/{trajectory.id}"))["milestones"]
    assert {each["kind"]: each["inspections"] for each in milestones} == {"started": [str(inspection.id)], "completed": []}


def test_evidence_is_for_trajectories_of_the_same_dwelling_and_of_a_visit_that_was_made(
    session: Session, inspector: Caller, corporation: Caller, reviewer: Caller, path: str
) -> None:
    elsewhere: Trajectory = makers.a_trajectory(session, corporation.organisation)  # type: ignore[arg-type]
    shown = {"trajectoryId": str(elsewhere.id), "track": "renovation", "kind": "completed"}
    body = {**APPROVED, "evidence": [shown]}
    version = version_of(reviewer, path)
    refused(reviewer.post(f"{path}/review", body, version=version), 400, "rule-violation", ("/evidence/0/trajectoryId", "no-such-reference"))
    path = f"/inspections/{an_inspection_with(session, inspector.actor, dwelling_id=elsewhere.dwelling_id).id}"
    content(inspector.put(path, {"answers": {}, "visitOutcome": "refused"}, version=1))
    content(inspector.post(f"{path}/submission"))
    refused(reviewer.post(f"{path}/review", body, version=version_of(reviewer, path)), 400, "rule-violation", ("/evidence", "evidence-without-visit"))


def test_what_awaits_its_review_can_be_listed(session: Session, inspector: Caller, inspection: Inspection, reviewer: Caller) -> None:
    other = submitted(session, inspector, SOUND, photos=(), occasion=Occasion.COMPLETION)

    def listed(query: str) -> list[str]:
        return [each["id"] for each in content(reviewer.get(f"/inspections?{query}"))["items"]]

    assert listed("status=submitted&complete=true") == [str(inspection.id)]
    assert listed("complete=false") == [str(other.id)]
    assert listed("occasion=completion") == [str(other.id)]
    assert listed(f"teamId={uuid4()}") == []
    refused(reviewer.get("/inspections?complete=x&teamId=y"), 400, "invalid-input", ("complete", "not-true-or-false"), ("teamId", "not-a-uuid"))


@pytest.fixture
def baseline(session: Session, inspector: Caller) -> Inspection:
    """Mould, and a leaking roof."""
    found: Inspection = submitted(session, inspector, BAD, photos=(("overall", None), ("mould", None), ("roof", "d1")))
    return found


def test_before_and_after_are_paired_by_question(session: Session, inspector: Caller, reviewer: Caller, baseline: Inspection) -> None:
    extra = {"key": "extra", "type": "text", "text": {"nl": "Meer?", "en": "More?"}}
    later = a_small_checklist(session, OVERALL, ROOF, {**MOULD, "text": {"nl": "Nog schimmel?", "en": "Still mould?"}}, extra)
    after = an_inspection_with(session, inspector.actor, checklist_id=later.id, dwelling_id=baseline.dwelling_id, occasion=Occasion.COMPLETION)
    photo = makers.a_photo(session, after, question="overall", state=PhotoState.READY)
    makers.a_photo(session, after, question="overall")
    submit(inspector, f"/inspections/{after.id}", SOUND, "2026-09-01T09:00:00Z")
    found = content(reviewer.get(f"/inspections/{after.id}/comparison"))
    assert (found["before"]["inspectionId"], found["after"]["inspectionId"]) == (str(baseline.id), str(after.id))
    assert (found["before"]["score"], found["after"]["score"], found["trend"]) == (6, 1, "improved")
    pairs = {pair["question"]: pair for pair in found["pairs"]}
    assert list(pairs) == ["overall", "roof", "mould"]
    assert (pairs["mould"]["before"]["answer"], pairs["mould"]["after"]["answer"], pairs["mould"]["changed"]) == ("spots", "none", True)
    assert pairs["mould"]["text"]["en"] == "Still mould?"
    assert pairs["roof"]["trend"] == "improved"
    assert pairs["overall"]["after"]["photoIds"] == [str(photo.id)]
    assert len(pairs["overall"]["before"]["photoIds"]) == 1
    assert (pairs["overall"]["changed"], found["onlyAfter"], found["onlyBefore"]) == (False, ["extra"], [])
    turned = content(reviewer.get(f"/inspections/{baseline.id}/comparison?with={after.id}"))
    assert turned == found


def test_a_roof_may_get_worse(session: Session, inspector: Caller, reviewer: Caller, inspection: Inspection) -> None:
    values = {"answers": {**SOUND, "roof": {"defects": [LEAK]}}, "dwelling_id": inspection.dwelling_id}
    after = an_inspection_with(session, inspector.actor, checklist_id=inspection.checklist_id, dwelling_id=values["dwelling_id"])
    submit(inspector, f"/inspections/{after.id}", values["answers"], "2026-09-01T09:00:00Z")  # type: ignore[arg-type]
    found = content(reviewer.get(f"/inspections/{after.id}/comparison"))
    assert (found["trend"], [pair["question"] for pair in found["pairs"] if pair["changed"]]) == ("worse", ["roof"])


def test_the_newest_baseline_before_it_is_taken(session: Session, inspector: Caller, reviewer: Caller, baseline: Inspection) -> None:
    moments = ("2026-04-01T09:00:00Z", "2026-10-01T09:00:00Z")
    newer, too_new = (an_inspection_with(session, inspector.actor, checklist_id=baseline.checklist_id, dwelling_id=baseline.dwelling_id) for _ in moments)
    for each, moment in zip((newer, too_new), moments, strict=True):
        submit(inspector, f"/inspections/{each.id}", SOUND, moment)
    after = an_inspection_with(session, inspector.actor, checklist_id=baseline.checklist_id, dwelling_id=baseline.dwelling_id, occasion=Occasion.COMPLETION)
    submit(inspector, f"/inspections/{after.id}", SOUND, "2026-09-01T09:00:00Z")
    assert content(reviewer.get(f"/inspections/{after.id}/comparison"))["before"]["inspectionId"] == str(newer.id)


def test_no_visit_was_after_its_submission_whatever_the_clock_of_a_phone_says(session: Session, inspector: Caller, reviewer: Caller) -> None:
    first, second = (an_inspection_with(session, inspector.actor, **more) for more in ({}, {"occasion": Occasion.COMPLETION}))
    second.dwelling_id = first.dwelling_id
    session.flush()
    submit(inspector, f"/inspections/{first.id}", SOUND, "2089-01-01T09:00:00Z")
    submit(inspector, f"/inspections/{second.id}", SOUND, "2088-01-01T09:00:00Z")
    found = content(reviewer.get(f"/inspections/{second.id}/comparison"))
    assert (found["before"]["inspectionId"], found["after"]["inspectionId"]) == (str(first.id), str(second.id))


def test_there_may_be_nothing_to_compare(session: Session, inspector: Caller, reviewer: Caller, inspection: Inspection, path: str) -> None:
    refused(reviewer.get(f"{path}/comparison"), 404, "nothing-to-compare")
    other = submitted(session, inspector, SOUND)
    for wrong in (inspection.id, other.id):
        refused(reviewer.get(f"{path}/comparison?with={wrong}"), 400, "rule-violation", ("with", "not-comparable"))
    refused(reviewer.get(f"{path}/comparison?with={uuid4()}"), 404, "not-found")


def test_a_baseline_that_one_does_not_see_is_not_compared_with(session: Session, inspector: Caller, baseline: Inspection) -> None:
    stranger = makers.an_actor(Role.INSPECTOR, makers.an_organisation(session))
    values = {"status": InspectionStatus.SUBMITTED, "submitted_at": makers.a_moment("2026-08-01T09:00"), "visit_outcome": VisitOutcome.DONE}
    an_inspection_with(session, stranger, dwelling_id=baseline.dwelling_id, **values)
    after = an_inspection_with(session, inspector.actor, checklist_id=baseline.checklist_id, dwelling_id=baseline.dwelling_id)
    found = content(inspector.get(f"/inspections/{after.id}/comparison"))
    assert UUID(found["before"]["inspectionId"]) == baseline.id
