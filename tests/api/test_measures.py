"""Measures over HTTP: reported, corrected, retracted, and in bulk."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.trajectories.model import Measure
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.owner import as_owner

ROOF = {"kind": "roof-insulation", "appliedOn": "2025-03-01", "quantity": "42.50", "unit": "m2", "costEur": "4000.00"}
PUMP = {"kind": "heat-pump", "appliedOn": "2025-04-01", "quantity": "1.00", "unit": "piece", "costEur": "9000.00"}


@pytest.fixture
def trajectory_id(corporation: Caller, session: Session) -> str:
    assert corporation.organisation
    return str(makers.a_trajectory(session, corporation.organisation).id)


def applied(caller: Caller, trajectory_id: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = content(caller.post(f"/trajectories/{trajectory_id}/measures", {"items": list(items)}), 201)["items"]
    return made


def in_force(caller: Caller, trajectory_id: str) -> list[str]:
    return [each["id"] for each in content(caller.get(f"/trajectories/{trajectory_id}/measures"))["items"]]


def test_measures_are_reported_with_their_amounts_and_added_up(corporation: Caller, trajectory_id: str) -> None:
    unknown = {"kind": "draught-proofing", "appliedOn": "2025-03-02", "note": "kieren in de gang"}
    roof, _, pump = applied(corporation, trajectory_id, ROOF, unknown, PUMP)
    assert roof.items() >= {**ROOF, "supersededAt": None, "correctsId": None, "retractionReason": None, "trajectoryId": trajectory_id}.items()
    detail = content(corporation.get(f"/trajectories/{trajectory_id}"))
    assert [each["kind"] for each in detail["measures"]] == ["roof-insulation", "draught-proofing", "heat-pump"]
    assert detail["measuresCostEur"] == "13000.00"
    assert {roof["id"], pump["id"]} < set(in_force(corporation, trajectory_id))


def test_all_faults_of_measures_come_together(corporation: Caller, trajectory_id: str) -> None:
    path = f"/trajectories/{trajectory_id}/measures"
    item = {"kind": "magic", "appliedOn": "2025-02-30", "quantity": 0, "unit": "kg", "costEur": -1}
    refused(
        corporation.post(path, {"items": [item, {}]}),
        400,
        "invalid-input",
        ("/items/0/kind", "not-one-of"),
        ("/items/0/appliedOn", "not-a-date"),
        ("/items/0/quantity", "too-small"),
        ("/items/0/unit", "not-one-of"),
        ("/items/0/costEur", "too-small"),
        ("/items/1/kind", "required"),
        ("/items/1/appliedOn", "required"),
    )
    refused(corporation.post(f"/trajectories/{uuid4()}/measures", {"items": [ROOF]}), 404, "not-found")


def test_one_that_is_wrong_keeps_all_of_a_trajectory_out(corporation: Caller, trajectory_id: str) -> None:
    wrong = [{**PUMP, "unit": "m2"}, {**PUMP, "quantity": "1.50"}, {**ROOF, "unit": None}, {**ROOF, "quantity": None, "appliedOn": "2999-01-01"}]
    refused(
        corporation.post(f"/trajectories/{trajectory_id}/measures", {"items": [ROOF, *wrong]}),
        400,
        "rule-violation",
        ("/items/1/unit", "unit-does-not-fit"),
        ("/items/2/quantity", "not-a-whole-number"),
        ("/items/3/unit", "required"),
        ("/items/4/quantity", "required"),
        ("/items/4/appliedOn", "future-date"),
    )
    assert in_force(corporation, trajectory_id) == []


@pytest.mark.parametrize("quantity", ["0.001", "0.004"])
def test_a_quantity_that_rounds_to_nothing_is_nothing(corporation: Caller, quantity: str) -> None:
    body = {"items": [{"kind": "heat-pump", "appliedOn": "2025-01-01", "quantity": quantity}]}
    refused(corporation.post(f"/trajectories/{uuid4()}/measures", body), 400, "invalid-input", ("/items/0/quantity", "too-small"))


def test_a_correction_is_a_row_of_its_own_and_the_former_one_stays(corporation: Caller, trajectory_id: str) -> None:
    (first,) = applied(corporation, trajectory_id, ROOF)
    second = content(corporation.post(f"/measures/{first['id']}/correction", {**ROOF, "quantity": "40.00"}), 201)
    assert (second["correctsId"], second["quantity"], second["supersededAt"]) == (first["id"], "40.00", None)
    assert in_force(corporation, trajectory_id) == [second["id"]]
    everything = content(corporation.get(f"/trajectories/{trajectory_id}/measures?which=all"))["items"]
    former = next(each for each in everything if each["id"] == first["id"])
    assert former == {**first, "supersededAt": second["recordedAt"]}
    detail = content(corporation.get(f"/trajectories/{trajectory_id}"))
    assert detail["measures"] == [second]
    refused(corporation.post(f"/measures/{first['id']}/correction", PUMP), 409, "conflict", ("", "measure-superseded"))
    refused(corporation.post(f"/measures/{first['id']}/retraction", {"reason": "x"}), 409, "conflict", ("", "measure-superseded"))


def test_a_correction_is_checked_like_a_new_one(corporation: Caller, trajectory_id: str) -> None:
    (made,) = applied(corporation, trajectory_id, ROOF)
    path = f"/measures/{made['id']}/correction"
    refused(corporation.post(path, ROOF), 400, "rule-violation", ("", "nothing-to-correct"))
    wrong = {**ROOF, "unit": "piece", "appliedOn": "2999-01-01"}
    refused(corporation.post(path, wrong), 400, "rule-violation", ("/unit", "unit-does-not-fit"), ("/appliedOn", "future-date"))
    refused(corporation.post(path, {**ROOF, "trajectoryId": trajectory_id}), 400, "invalid-input", ("/trajectoryId", "unknown-field"))
    assert in_force(corporation, trajectory_id) == [made["id"]]


def test_a_retraction_says_why_and_stays_to_be_read(corporation: Caller, municipality: Caller, trajectory_id: str) -> None:
    roof, pump = applied(corporation, trajectory_id, ROOF, PUMP)
    refused(corporation.post(f"/measures/{roof['id']}/retraction", {}), 400, "invalid-input", ("/reason", "required"))
    gone = content(corporation.post(f"/measures/{roof['id']}/retraction", {"reason": "verkeerde woning"}))
    assert (gone["retractionReason"], gone["supersededAt"] is None) == ("verkeerde woning", False)
    assert in_force(municipality, trajectory_id) == [pump["id"]]
    everything = content(municipality.get(f"/trajectories/{trajectory_id}/measures?which=all&limit=1"))
    assert everything["next"]
    assert content(corporation.get(f"/trajectories/{trajectory_id}"))["measuresCostEur"] == "9000.00"


def test_only_who_runs_the_trajectory_writes_its_measures(corporation: Caller, municipality: Caller, other_corporation: Caller, trajectory_id: str) -> None:
    (made,) = applied(corporation, trajectory_id, ROOF)
    for caller, status, code in ((municipality, 403, "not-yours"), (other_corporation, 404, "not-found")):
        refused(caller.post(f"/trajectories/{trajectory_id}/measures", {"items": [PUMP]}), status, code)
        refused(caller.post(f"/measures/{made['id']}/correction", PUMP), status, code)
        refused(caller.post(f"/measures/{made['id']}/retraction", {"reason": "x"}), status, code)
    refused(other_corporation.get(f"/trajectories/{trajectory_id}/measures"), 404, "not-found")


def test_many_households_are_reported_at_once_each_judged_by_itself(corporation: Caller, other_corporation: Caller, session: Session) -> None:
    assert corporation.organisation
    assert other_corporation.organisation
    own = [str(makers.a_trajectory(session, corporation.organisation).id) for _ in range(3)]
    foreign = str(makers.a_trajectory(session, other_corporation.organisation).id)
    items: list[dict[str, Any]] = [{**PUMP, "id": str(uuid4()), "trajectoryId": trajectory} for trajectory in (*own, foreign)]
    items += [{**ROOF, "id": str(uuid4()), "trajectoryId": own[0], "unit": "piece"}, {"kind": "heat-pump"}]
    answer = content(corporation.post("/measures", {"items": items}))
    assert [each["outcome"] for each in answer["results"]] == ["created", "created", "created", "refused", "refused", "refused"]
    faults = [(fault["pointer"], fault["code"]) for each in answer["results"] for fault in each["errors"]]
    assert faults == [
        ("/items/3/trajectoryId", "no-such-reference"),
        ("/items/4/unit", "unit-does-not-fit"),
        ("/items/5/appliedOn", "required"),
        ("/items/5/id", "required"),
        ("/items/5/trajectoryId", "required"),
    ]
    assert answer["summary"] == {"created": 3, "unchanged": 0, "refused": 3}
    again = content(corporation.post("/measures", {"items": items[:3]}))
    assert again["summary"] == {"created": 0, "unchanged": 3, "refused": 0}
    told = session.scalars(sa.select(Change.subject_id).where(Change.action == "trajectory.measures-applied")).all()
    assert sorted(map(str, told)) == sorted(own)
    lines = session.scalars(sa.select(AuditLine.subject_id).where(AuditLine.action == "trajectory.measures-applied")).all()
    assert sorted(lines) == sorted(own)


def test_what_was_corrected_meanwhile_may_be_sent_again(corporation: Caller, trajectory_id: str) -> None:
    item = {**ROOF, "id": str(uuid4()), "trajectoryId": trajectory_id}
    content(corporation.post("/measures", {"items": [item]}))
    corrected = content(corporation.post(f"/measures/{item['id']}/correction", {**ROOF, "costEur": None}), 201)
    assert content(corporation.post("/measures", {"items": [item]}))["results"][0]["outcome"] == "unchanged"
    assert in_force(corporation, trajectory_id) == [corrected["id"]]
    twice = content(corporation.post("/measures", {"items": [{**item, "kind": "floor-insulation"}]}))["results"][0]
    assert [(fault["pointer"], fault["code"]) for fault in twice["errors"]] == [("/items/0/id", "already-exists")]


def test_the_same_id_twice_in_one_batch_is_refused(corporation: Caller, trajectory_id: str) -> None:
    item = {**ROOF, "id": str(uuid4()), "trajectoryId": trajectory_id}
    results = content(corporation.post("/measures", {"items": [item, item]}))["results"]
    assert {fault["code"] for each in results for fault in each["errors"]} == {"repeated"}


def test_a_thousand_measures_take_few_statements(corporation: Caller, session: Session, connection: sa.Connection) -> None:
    assert corporation.organisation
    trajectories = [str(makers.a_trajectory(session, corporation.organisation).id) for _ in range(20)]
    items = [{**PUMP, "id": str(uuid4()), "trajectoryId": trajectories[place % 20]} for place in range(1000)]
    statements = []
    sa.event.listen(connection, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert content(corporation.post("/measures", {"items": items}))["summary"]["created"] == 1000
    assert len(statements) < 40


def test_a_trajectory_with_too_many_measures_has_gone_astray(corporation: Caller, trajectory_id: str) -> None:
    items = [{**PUMP, "id": str(uuid4()), "trajectoryId": trajectory_id} for _ in range(502)]
    assert content(corporation.post("/measures", {"items": items}))["summary"] == {"created": 500, "unchanged": 0, "refused": 2}
    refused(corporation.post(f"/trajectories/{trajectory_id}/measures", {"items": [ROOF]}), 400, "rule-violation", ("/items/0", "too-many-measures"))


def test_of_two_who_correct_a_measure_at_once_one_is_too_late(live: Callable[[str], Caller]) -> None:
    corporation = live("corporation-editor")
    with as_owner() as session:
        dwelling = makers.a_dwelling(session, held_by=corporation.actor)
    trajectory_id = content(corporation.post("/trajectories", {"dwellingId": str(dwelling.id)}), 201)["id"]
    start = Barrier(2)

    def correct(quantity: int, measure_id: str) -> int:
        caller = live("corporation-editor")
        start.wait()
        return caller.post(f"/measures/{measure_id}/correction", {**ROOF, "quantity": f"{quantity}.00"}).status_code

    (made,) = applied(corporation, trajectory_id, ROOF)
    with ThreadPoolExecutor(2) as pool:
        for turn in range(8):
            (held,) = in_force(corporation, trajectory_id)
            assert sorted(pool.map(lambda quantity, held=held: correct(quantity, held), (2 * turn + 1, 2 * turn + 2))) == [201, 409]
    with as_owner() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Measure.trajectory_id == UUID(trajectory_id), Measure.superseded_at.is_(None))) == 1
        assert session.get_one(Measure, UUID(made["id"])).quantity == 42.5
