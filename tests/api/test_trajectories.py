"""Trajectories, their money and what came of them, schemes and projects over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.checklists.model import Checklist
from registry.inspections.model import ConditionScore, InspectionStatus, VisitOutcome
from registry.trajectories.model import MilestoneKind, Track
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.owner import as_owner

NOTHING = {"project": None, "fundingLines": []}


@pytest.fixture
def dwelling_id(corporation: Caller, session: Session) -> str:
    return str(makers.a_dwelling(session, held_by=corporation.organisation).id)


def test_an_opened_trajectory_can_be_read_back(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session), makers.a_scheme(session, "regio-deal"), makers.a_project(session)
    money = [
        {"scheme": "regio-deal", "amountEur": None, "awardedOn": None},
        {"scheme": "volkshuisvestingsfonds", "amountEur": "25000.50", "awardedOn": "2024-05-01"},
    ]
    response = corporation.post("/trajectories", {"dwellingId": dwelling_id, "project": "vrieheide", "fundingLines": money})
    made = content(response, 201)
    assert response.headers["Location"] == f"/v1/trajectories/{made['id']}"
    assert made["fundingLines"] == money
    assert made["executorId"] == str(corporation.organisation and corporation.organisation.id)
    assert [made[name] for name in ("tracks", "milestones", "measures", "labelJump", "conditionBefore")] == [[], [], [], None, None]
    assert (made["fundingEur"], made["measuresCostEur"], made["version"]) == ("25000.50", None, 1)
    assert content(corporation.get(f"/trajectories/{made['id']}")) == made


def test_money_may_be_a_number_or_text(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session)
    for amount, stored in ((12, "12.00"), ("12.3", "12.30"), (0, "0.00"), (99999999999, "99999999999.00")):
        body = {"dwellingId": dwelling_id, "fundingLines": [{"scheme": "volkshuisvestingsfonds", "amountEur": amount}]}
        assert content(corporation.post("/trajectories", body), 201)["fundingLines"][0]["amountEur"] == stored


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (-1, "too-small"),
        ("NaN", "not-a-number"),
        ("Infinity", "not-a-number"),
        ("1e999999", "not-a-number"),
        (10**12, "too-big"),
        (True, "not-a-number"),
        ([], "not-a-number"),
    ],
)
def test_money_is_a_sensible_amount(corporation: Caller, dwelling_id: str, amount: object, code: str) -> None:
    body = {"dwellingId": dwelling_id, "fundingLines": [{"scheme": "x", "amountEur": amount}]}
    refused(corporation.post("/trajectories", body), 400, "invalid-input", ("/fundingLines/0/amountEur", code))


def test_all_references_are_checked_together(corporation: Caller) -> None:
    body = {"dwellingId": str(uuid4()), "project": "nowhere", "fundingLines": [{"scheme": "a"}, {"scheme": "a"}]}
    refused(
        corporation.post("/trajectories", body),
        400,
        "rule-violation",
        ("/dwellingId", "no-such-reference"),
        ("/project", "no-such-reference"),
        ("/fundingLines/0/scheme", "no-such-reference"),
        ("/fundingLines/1/scheme", "no-such-reference"),
        ("/fundingLines", "repeated"),
    )


def test_the_same_client_made_id_changes_nothing(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_project(session)
    body = {"dwellingId": dwelling_id, "id": str(uuid4())}
    first = content(corporation.post("/trajectories", body), 201)
    assert content(corporation.post("/trajectories", body), 200) == first
    refused(corporation.post("/trajectories", {**body, "project": "vrieheide"}), 409, "already-exists", ("/id", "already-exists"))


def test_a_batch_judges_each_trajectory_by_itself(corporation: Caller, dwelling_id: str) -> None:
    items = [{"id": str(uuid4()), "dwellingId": dwelling} for dwelling in (str(uuid4()), dwelling_id)]
    answer = content(corporation.post("/trajectories/batch", {"items": items}))
    assert [result["outcome"] for result in answer["results"]] == ["refused", "created"]
    assert answer["results"][0]["errors"][0]["pointer"] == "/items/0/dwellingId"


def test_a_corporation_sees_only_its_own_trajectories(corporation: Caller, other_corporation: Caller, municipality: Caller, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    refused(other_corporation.get(f"/trajectories/{made['id']}"), 404, "not-found")
    assert content(other_corporation.get("/trajectories"))["items"] == []
    assert content(municipality.get(f"/trajectories/{made['id']}")) == made
    (listed,) = content(municipality.get(f"/trajectories?dwellingId={dwelling_id}&executorId={made['executorId']}"))["items"]
    assert listed.items() <= made.items()


def test_a_municipality_may_look_but_not_amend_for_another(corporation: Caller, municipality: Caller, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    refused(municipality.put(f"/trajectories/{made['id']}", NOTHING, version=1), 403, "not-yours")
    assert content(municipality.get(f"/trajectories/{made['id']}/funding-lines"))["items"] == []


def a_trajectory(caller: Caller, dwelling_id: str, *money: dict[str, object]) -> str:
    """Its path."""
    return f"/trajectories/{content(caller.post('/trajectories', {'dwellingId': dwelling_id, 'fundingLines': list(money)}), 201)['id']}"


def money(scheme: str, amount: str | None = None, awarded_on: str | None = None) -> dict[str, object]:
    return {"scheme": scheme, "amountEur": amount, "awardedOn": awarded_on}


def test_project_and_money_are_amended_as_a_whole_and_every_former_line_stays(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session), makers.a_scheme(session, "regio-deal"), makers.a_scheme(session, "own-money"), makers.a_project(session)
    path = a_trajectory(corporation, dwelling_id, money("regio-deal", "100.00"), money("own-money", "5.00"))
    wanted = [money("regio-deal", "100.00"), money("volkshuisvestingsfonds", "25000.00", "2024-05-01")]
    response = corporation.put(path, {"project": "vrieheide", "fundingLines": wanted}, version=1)
    amended = content(response)
    assert (amended["project"], amended["fundingLines"], amended["fundingEur"], amended["version"]) == ("vrieheide", wanted, "25100.00", 2)
    assert content(corporation.get(path)) == amended
    lines = content(corporation.get(f"{path}/funding-lines"))["items"]
    in_force = [(line["scheme"], line["supersededAt"] is None) for line in lines]
    assert sorted(in_force[:2]) == [("own-money", False), ("regio-deal", True)]  # which the register learned at once
    assert in_force[2:] == [("volkshuisvestingsfonds", True)]
    (ended,) = (line for line in lines if line["scheme"] == "own-money")
    assert ended["supersededAt"] == lines[2]["recordedAt"]


def test_an_amount_that_turns_out_otherwise_replaces_the_line(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session)
    path = a_trajectory(corporation, dwelling_id, money("volkshuisvestingsfonds"))
    for version, amount in enumerate(("1.00", "2.00", "1.00"), start=1):
        content(corporation.put(path, {"project": None, "fundingLines": [money("volkshuisvestingsfonds", amount)]}, version=version))
    lines = content(corporation.get(f"{path}/funding-lines?limit=500"))["items"]
    assert [line["amountEur"] for line in lines] == [None, "1.00", "2.00", "1.00"]
    assert [before["supersededAt"] for before in lines] == [after["recordedAt"] for after in lines[1:]] + [None]


def test_the_tag_of_a_trajectory_is_a_version_whatever_else_was_reported_meanwhile(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_project(session)
    path = a_trajectory(corporation, dwelling_id)
    seen = corporation.get(path).headers["ETag"]
    makers.reported(session, corporation.actor, UUID(path[-36:]), Track.RENOVATION, MilestoneKind.STARTED, "2024-06-01")
    now = corporation.get(path, If_None_Match=seen)
    assert now.status_code == 200, "a cache must not keep what was shown before the milestone"
    assert now.headers["ETag"] != seen
    assert corporation.get(path, If_None_Match=now.headers["ETag"]).status_code == 304
    body = {"project": "vrieheide", "fundingLines": []}
    assert content(corporation.put(path, body, If_Match=seen))["version"] == 2
    refused(corporation.put(path, NOTHING, If_Match=seen), 412, "precondition-failed")


def test_an_amendment_says_what_it_is_based_on(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_project(session)
    path, body = a_trajectory(corporation, dwelling_id), {"project": "vrieheide", "fundingLines": []}
    refused(corporation.put(path, body), 428, "precondition-required")
    content(corporation.put(path, body, version=1))
    assert content(corporation.put(path, body, version=1))["version"] == 2, "the same again changes nothing"
    assert content(corporation.put(path, body))["version"] == 2
    assert refused(corporation.put(path, NOTHING, version=1), 412, "precondition-failed")["currentVersion"] == 2
    for tag in ('"2.abc"', '"x"', '".2"', 'W/"2"', '"2-0123456789abcdef0123456789abcdef"'):
        refused(corporation.put(path, NOTHING, If_Match=tag), 400, "invalid-input", ("If-Match", "wrong-form"))
    refused(corporation.put(path, {}, version=2), 400, "invalid-input", ("/project", "required"), ("/fundingLines", "required"))


def test_all_faults_of_an_amendment_come_together(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_scheme(session)
    path = a_trajectory(corporation, dwelling_id)
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    lines = [money("nowhere"), money("volkshuisvestingsfonds", awarded_on=tomorrow), money("volkshuisvestingsfonds", awarded_on="1999-12-31")]
    refused(
        corporation.put(path, {"project": "nowhere", "fundingLines": lines}, version=1),
        400,
        "rule-violation",
        ("/project", "no-such-reference"),
        ("/fundingLines/0/scheme", "no-such-reference"),
        ("/fundingLines/1/awardedOn", "future-date"),
        ("/fundingLines/2/awardedOn", "date-too-early"),
        ("/fundingLines", "repeated"),
    )
    refused(corporation.put(f"/trajectories/{uuid4()}", NOTHING, version=1), 404, "not-found")


def test_an_amendment_is_told_of(corporation: Caller, session: Session, dwelling_id: str) -> None:
    makers.a_project(session)
    path = a_trajectory(corporation, dwelling_id)
    content(corporation.put(path, {"project": "vrieheide", "fundingLines": []}, version=1))
    told = session.scalars(sa.select(Change.action).where(Change.subject_id == UUID(path[-36:])).order_by(Change.id)).all()
    lines = session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == path[-36:]).order_by(AuditLine.id)).all()
    assert told == lines == ["trajectory.opened", "trajectory.amended"]


def test_of_two_who_amend_at_once_one_is_told_to_look_again(live: Callable[[str], Caller]) -> None:
    """Two connections that really commit, over and over: no change is lost, and the journal has no gap and no overlap."""
    corporation = live("corporation-editor")
    with as_owner() as session:
        makers.a_scheme(session)
        dwelling = makers.a_dwelling(session, held_by=corporation.actor)
    path = a_trajectory(corporation, str(dwelling.id))
    start = Barrier(2)

    def amend(amount: int, version: int) -> int:
        caller, body = live("corporation-editor"), {"project": None, "fundingLines": [money("volkshuisvestingsfonds", f"{amount}.00")]}
        start.wait()
        return caller.put(path, body, version=version).status_code

    with ThreadPoolExecutor(2) as pool:
        for version in range(1, 16):
            said = list(pool.map(lambda amount, version=version: amend(amount, version), (2 * version, 2 * version + 1)))
            assert sorted(said) == [200, 412]
    lines = content(corporation.get(f"{path}/funding-lines?limit=500"))["items"]
    assert len(lines) == 15
    assert [before["supersededAt"] for before in lines] == [after["recordedAt"] for after in lines[1:]] + [None]
    assert content(corporation.get(path))["version"] == 16


def test_the_label_jump_is_counted_around_the_start(corporation: Caller, session: Session, dwelling_id: str) -> None:
    made = content(corporation.post("/trajectories", {"dwellingId": dwelling_id}), 201)
    makers.reported(session, corporation.actor, UUID(made["id"]), Track.RENOVATION, MilestoneKind.STARTED, "2024-06-01")
    for label, day in (("F", "2020-01-01"), ("A", "2025-01-01")):
        content(corporation.post(f"/dwellings/{dwelling_id}/energy-labels", {"label": label, "surveyedOn": day}), 201)
    detail = content(corporation.get(f"/trajectories/{made['id']}"))
    assert (detail["labelBefore"], detail["labelAfter"], detail["labelJump"]) == ("F", "A", 5)
    assert detail["tracks"] == [{"track": "renovation", "state": "started"}]


def test_the_condition_is_told_around_the_start_by_the_day_of_the_visit(
    corporation: Caller, municipality: Caller, inspector: Caller, session: Session, dwelling_id: str
) -> None:
    path = a_trajectory(corporation, dwelling_id)
    makers.reported(session, corporation.actor, UUID(path[-36:]), Track.RENOVATION, MilestoneKind.STARTED, "2024-06-01")
    visits = (("2023-01-01T10:00:00+00:00", 6), ("2024-05-31T22:30:00+00:00", 5), ("2025-03-01T10:00:00+00:00", 3), ("2025-09-01T10:00:00+00:00", 2))
    for visited_at, score in reversed(visits):
        an_approved_score(session, inspector, dwelling_id, score, visited_at)
    for caller in (corporation, municipality):
        detail = content(caller.get(path))
        assert (detail["conditionBefore"], detail["conditionAfter"]) == (5, 2), "half past midnight on the first of June in the Netherlands"


def test_only_an_approved_score_of_the_whole_dwelling_tells_its_condition(corporation: Caller, inspector: Caller, session: Session, dwelling_id: str) -> None:
    path = a_trajectory(corporation, dwelling_id)
    an_approved_score(session, inspector, dwelling_id, 4, "2024-01-01T10:00:00+00:00")
    an_approved_score(session, inspector, dwelling_id, 1, "2024-02-01T10:00:00+00:00", question="roof")
    an_approved_score(session, inspector, dwelling_id, 2, "2024-03-01T10:00:00+00:00", revision=2)
    an_approved_score(session, inspector, dwelling_id, 3, "2024-04-01T10:00:00+00:00", status=InspectionStatus.SUBMITTED)
    assert content(corporation.get(path))["conditionBefore"] == 4


def test_a_phone_whose_clock_is_ahead_does_not_put_a_visit_after_the_start(corporation: Caller, inspector: Caller, session: Session, dwelling_id: str) -> None:
    path = a_trajectory(corporation, dwelling_id)
    makers.reported(session, corporation.actor, UUID(path[-36:]), Track.RENOVATION, MilestoneKind.STARTED, "2024-06-01")
    year_ms = 365 * 24 * 3600 * 1000
    an_approved_score(session, inspector, dwelling_id, 5, "2025-05-01T10:00:00+00:00", clock_skew_ms=year_ms)
    an_approved_score(session, inspector, dwelling_id, 6, "2999-01-01T10:00:00+00:00", submitted_at=makers.a_moment("2024-05-02"))
    assert content(corporation.get(path))["conditionBefore"] == 6, "the register had it a day later"
    assert content(corporation.get(path))["conditionAfter"] is None


def an_approved_score(session: Session, inspector: Caller, dwelling_id: str, score: int, visited_at: str, **more: object) -> None:
    question, revision = more.pop("question", None), more.pop("revision", 1)
    said = {"visited_at": datetime.fromisoformat(visited_at), "submitted_at": clock.now(), "status": InspectionStatus.APPROVED, **more}
    checklist_id = session.scalar(sa.select(Checklist.id).limit(1)) or makers.a_checklist(session).id
    said["checklist_id"] = checklist_id
    inspection = makers.an_inspection(session, inspector.actor, dwelling_id=UUID(dwelling_id), visit_outcome=VisitOutcome.DONE, **said)
    session.add(ConditionScore(inspection_id=inspection.id, revision=revision, method="of-a-test", question=question, score=score, details={}))
    session.flush()


def test_a_project_says_what_it_is_and_how_long_it_lasts(municipality: Caller) -> None:
    body = {"name": "Vrieheide", "municipalityCode": "GM0917", "description": "51 woningen", "startsOn": "2024-01-01", "endsOn": "2026-12-31"}
    made = content(municipality.put("/projects/vrieheide-2", body), 201)
    assert made.items() >= body.items()
    assert content(municipality.get("/projects/vrieheide-2")) == made
    assert content(municipality.put("/projects/vrieheide-2", {**body, "endsOn": body["startsOn"]}, version=1))["endsOn"] == "2024-01-01"
    refused(
        municipality.put("/projects/vrieheide-2", {**body, "endsOn": "2023-12-31", "municipalityCode": "GM0363"}, version=2),
        400,
        "rule-violation",
        ("/endsOn", "ends-before-it-begins"),
        ("/municipalityCode", "outside-your-municipality"),
    )


@pytest.mark.parametrize("path", ["/schemes/new-one", "/projects/new-one"])
def test_a_reference_is_made_changed_and_read(administrator: Caller, municipality: Caller, path: str) -> None:
    writer = municipality if path.startswith("/projects") else administrator
    more = {"municipalityCode": "GM0917"} if path.startswith("/projects") else {}
    response = writer.put(path, {"name": "One", **more})
    assert content(response, 201)["name"] == "One"
    assert response.headers["Location"] == f"/v1{path}"
    assert content(writer.put(path, {"name": "One", **more}))["name"] == "One"
    assert content(writer.put(path, {"name": "Two", **more}, version=1))["name"] == "Two"
    assert content(writer.get(path)) in content(writer.get(path.rpartition("/")[0]))["items"]
    refused(writer.get(f"{path}-x"), 404, "not-found")
    refused(writer.put(path, {**more}), 400, "invalid-input", ("/name", "required"))


def test_a_project_belongs_to_its_municipality(municipality: Caller, other_municipality: Caller, corporation: Caller) -> None:
    for code in ("GM9999", "GM0363"):
        body = {"name": "Elsewhere", "municipalityCode": code}
        refused(municipality.put("/projects/elsewhere", body), 400, "rule-violation", ("/municipalityCode", "outside-your-municipality"))
    content(municipality.put("/projects/ours", {"name": "Ours", "municipalityCode": "GM0917"}), 201)
    for code in ("GM0917", "GM0363"):
        refused(other_municipality.put("/projects/ours", {"name": "Theirs", "municipalityCode": code}, version=1), 403, "not-yours")
    refused(corporation.put("/projects/ours", {"name": "Theirs", "municipalityCode": "GM0917"}, version=1), 403, "not-allowed")


def test_an_endless_slug_is_no_address(administrator: Caller) -> None:
    refused(administrator.put(f"/schemes/{'a1' * 4000}", {"name": "x"}), 404, "no-such-page")
