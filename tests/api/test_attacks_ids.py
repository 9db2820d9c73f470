"""Attacks with ids: those of others, in use or in bulk; members that a client may not set; cursors of others. docs/attacks.md lists them all.

Each id in each path, query and body is tried, as own, foreign and absent, in tests/api/test_matrix.py.
"""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.dwellings.model import Dwelling
from registry.organisations.model import Organisation
from registry.trajectories.model import MeasureKind
from registry.values import BagObjectType
from tests import makers
from tests.api.callers import Caller, a_problem, content, refused
from tests.api.expectations import ROWS, Row
from tests.api.test_matrix import OPERATIONS, filled
from tests.world import World

A_MILESTONE = {"track": "acquisition", "kind": "planned", "effectiveOn": "2025-01-01"}
A_PHOTO = {"question": "mould", "sha256": "ab" * 32, "sizeBytes": 9, "contentType": "image/jpeg"}
A_BAG_ID = {"bagObjectType": "occupiable-object"}


def in_use() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Who, where, the thing of the far side whose id is sent as that of a new one, and what else is sent."""
    return [
        ("municipality", "/dwellings", "dwelling", {"municipalityCode": "GM0917"}),
        ("corporation", "/dwellings", "dwelling", {"municipalityCode": "GM0917"}),
        ("corporation", "/trajectories", "trajectory", {"dwellingId": "$dwelling"}),
        (
            "municipality",
            "/inspections",
            "inspection",
            {"dwellingId": "$dwelling", "checklistId": "$checklist", "occasion": "baseline", "organisationId": "$inspection_body"},
        ),
    ]


@pytest.mark.parametrize(("column", "path", "thing", "body"), in_use())
def test_an_id_that_is_in_use_out_of_sight_is_refused_without_a_word_about_what_has_it(
    world: World, column: str, path: str, thing: str, body: dict[str, Any]
) -> None:
    response = world.near.people[column].post(path, {**named(world, body), "id": str(world.far.things[thing])})
    assert response.status_code == 409, response.text
    tells_nothing(world, response.text, but=thing)


def in_use_in_batches() -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        ("municipality", "/dwellings/batch", "dwelling", {"municipalityCode": "GM0917"}),
        ("corporation", "/dwellings/batch", "dwelling", {"municipalityCode": "GM0917"}),
        ("corporation", "/trajectories/batch", "trajectory", {"dwellingId": "$dwelling"}),
        ("municipality", "/portfolio-periods", "period", {"dwellingId": "$unheld", "organisationId": "$corporation", "validFrom": "2025-01-01"}),
        ("inspector", "/uploads/batch", "photo", {**A_PHOTO, "inspectionId": "$inspection"}),
    ]


@pytest.mark.parametrize(("column", "path", "thing", "body"), in_use_in_batches())
def test_in_a_batch_such_an_id_is_refused_and_never_called_created(world: World, column: str, path: str, thing: str, body: dict[str, Any]) -> None:
    """Once it was: nothing was recorded, and the answer said that it had been."""
    item, other = ({**named(world, body), "id": id} for id in (str(world.far.things[thing]), str(uuid4())))
    results = content(world.near.people[column].post(path, {"items": [item]}, key=None))["results"]
    assert [result["outcome"] for result in results] == ["refused"]
    assert [fault["code"] for fault in results[0]["errors"]] == ["in-use-elsewhere"]
    tells_nothing(world, json.dumps(results), but=thing)
    assert content(world.near.people[column].post(path, {"items": [other]}, key=None))["summary"]["created"] == 1


def test_a_batch_that_is_sent_again_after_a_dwelling_went_to_another_corporation_is_refused_for_that_one_only(world: World, session: Session) -> None:
    """As a corporation that sends all its dwellings every night would."""
    caller, items = world.near.people["corporation"], [{"id": str(uuid4()), "municipalityCode": "GM0917"} for _ in range(3)]
    assert content(caller.post("/dwellings/batch", {"items": items}, key=None))["summary"]["created"] == 3
    other = session.get_one(Organisation, world.far.things["corporation"])
    makers.a_portfolio_period(session, session.get_one(Dwelling, items[1]["id"]), other)
    results = content(caller.post("/dwellings/batch", {"items": items}, key=None))["results"]
    assert [result["outcome"] for result in results] == ["unchanged", "refused", "unchanged"]


def test_the_id_of_a_foreign_milestone_is_refused_too(world: World) -> None:
    item = {**A_MILESTONE, "id": str(world.far.things["milestone"]), "trajectoryId": str(world.near.thing("corporation", "trajectory"))}
    tells_nothing(world, a_conflict(world.near.people["corporation"].post("/milestones", {"items": [item]}, key=None)), but="milestone")


def a_conflict(response: Any) -> str:
    assert response.status_code == 409, response.text
    return str(a_problem(response))


@pytest.mark.parametrize("column", ["corporation", "municipality"])
def test_a_bag_id_that_is_in_use_out_of_sight_is_refused_without_saying_by_which_dwelling(world: World, column: str) -> None:
    """That it is in use can't be hidden, because it is unique; the BAG itself is public."""
    caller, bag_id = world.near.people[column], str(world.far.things["bag_id"])
    body = {"municipalityCode": "GM0917", "bagId": bag_id, "bagObjectType": "occupiable-object"}
    refused(caller.post("/dwellings", body), 409, "conflict", ("", "in-use-elsewhere"))
    (result,) = content(caller.post("/dwellings/batch", {"items": [{**body, "id": str(uuid4())}]}, key=None))["results"]
    assert (result["outcome"], [fault["code"] for fault in result["errors"]]) == ("refused", ["in-use-elsewhere"])
    tells_nothing(world, a_conflict(caller.put(f"/dwellings/{world.near.things['dwelling']}", body, version=1)), but="bag_id")


def named(world: World, template: Any) -> Any:
    known = {name: str(value) for name, value in world.near.things.items()}
    more = {"": str(uuid4()), "measure": next(iter(MeasureKind)).value, "bag_object_type": next(iter(BagObjectType)).value, "code_of_it": known["code"]}
    return filled(template, known | more)


def tells_nothing(world: World, text: str, *, but: str) -> None:
    """No id of the far side stands in the text, except the one that was sent."""
    assert [name for name, value in world.far.things.items() if name not in (but, "checklist") and str(value) in text and value != world.far.things[but]] == []


SET_BY_THE_REGISTER = (
    "version", "recordedAt", "registrarId", "executorId", "personId", "state", "status", "source", "central", "submittedAt", "confirmedAt", "storedAt",
    "plannedBy", "declaredBy", "rights", "membershipId", "objectKey", "energyLabel", "conditionScore", "__proto__", "organisation_id", "recorded_by",
)  # fmt: skip
SEARCHED_BY = {"searchDwellings": ("executorId", "energyLabel")}
"""What a body asks for, instead of setting it."""
WITH_BODY = list({row.operation: row for row in ROWS if row.body and row.may}.values())


@pytest.mark.parametrize("row", WITH_BODY, ids=[row.operation for row in WITH_BODY])
def test_what_the_register_sets_is_refused_by_name_when_a_client_sends_it(world: World, row: Row) -> None:
    body = named(world, row.body)
    for name in SET_BY_THE_REGISTER:
        if name in SEARCHED_BY.get(row.operation, ()):
            continue
        hostile, pointer = with_member(body, name)
        response = send(world, row, hostile)
        if '"outcome"' in response.text:
            faults = [(fault["pointer"], fault["code"]) for fault in content(response)["results"][0]["errors"]]
        else:
            assert response.status_code == 400, (name, response.text)
            faults = [(fault["pointer"], fault["code"]) for fault in a_problem(response)["errors"]]
        assert (pointer, "unknown-field") in faults


def with_member(body: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """The body with one more member, in its first item when it has items; and where that stands."""
    if "items" in body:
        return {**body, "items": [{**body["items"][0], name: "x"}]}, f"/items/0/{name}"
    return {**body, name: "x"}, f"/{name}"


def send(world: World, row: Row, body: Any) -> Any:
    method, path, _ = OPERATIONS[row.operation]
    column = row.may.split()[0]
    while "{" in path:
        name = path[path.index("{") + 1 : path.index("}")].removesuffix("_id")
        path = path.replace(f"{{{name}_id}}" if f"{{{name}_id}}" in path else f"{{{name}}}", str(world.near.thing(column, thing_of(name, row))))
    return world.near.people[column].send(method, path, body, version=1)


def thing_of(name: str, row: Row) -> str:
    """The thing that a parameter of the path names."""
    return {"slug": row.thing, "code": "code", "member": "colleague", "kind": "template", "measure": "measure_row"}.get(name, name)


def a_thousand(session: Session) -> list[str]:
    query = "INSERT INTO dwelling (municipality_code, source) SELECT 'GM0363', 'api' FROM generate_series(1, 1000) RETURNING id"
    return [str(id) for id in session.scalars(sa.text(query))]


def test_a_batch_of_a_thousand_foreign_ids_reveals_nothing(world: World, session: Session) -> None:
    foreign, absent = a_thousand(session), [str(uuid4()) for _ in range(1000)]
    period = {"organisationId": str(world.near.things["corporation"]), "validFrom": "2025-01-01"}
    for column, path, more in (("corporation", "/trajectories/batch", {}), ("municipality", "/portfolio-periods", period)):
        told = [told_of(world.near.people[column], path, ids, more) for ids in (foreign, absent)]
        assert told[0] == told[1]
        assert told[0]["summary"] == {"created": 0, "unchanged": 0, "refused": 1000}


def told_of(caller: Caller, path: str, ids: list[str], more: dict[str, str]) -> dict[str, Any]:
    """The answer, with a number in place of each dwelling."""
    answer = caller.post(path, {"items": [{"id": str(uuid4()), "dwellingId": id, **more} for id in ids]}, key=None)
    found: dict[str, Any] = content(answer)
    for place, result in enumerate(found["results"]):
        result["id"] = None
        result["errors"] = json.loads(json.dumps(result["errors"]).replace(ids[place], str(place)))
    return found


def test_the_cursor_of_somebody_else_shows_only_what_is_mine(world: World, session: Session) -> None:
    a_thousand(session)
    theirs = content(world.far.people["municipality"].get("/dwellings?limit=1"))["next"]
    mine = {str(world.near.things["dwelling"]), str(world.near.things["unheld"])}
    shown = content(world.near.people["municipality"].get(f"/dwellings?cursor={theirs}&limit=500"))["items"]
    assert {item["id"] for item in shown} <= mine
    refused(world.near.people["municipality"].get(f"/inspections?cursor={theirs}"), 400, "invalid-input", ("cursor", "bad-cursor"))


@pytest.mark.parametrize("key", ["00000000-0000-0000-0000-000000000000", "' OR 1=1 --", "-1", "", "9" * 40])
@pytest.mark.parametrize("path", ["/dwellings", "/members", "/changes", "/audit", "/tokens", "/portfolio-periods", "/trajectories"])
def test_a_cursor_that_i_make_myself_shows_only_what_is_mine(world: World, path: str, key: str) -> None:
    cursor = base64.urlsafe_b64encode(f"/v1{path} {key}".encode()).decode().rstrip("=")
    response = world.near.people["municipality"].get(f"{path}?cursor={cursor}")
    assert response.status_code in (200, 400), response.text
    assert [name for name in ("dwelling", "trajectory", "period") if str(world.far.things[name]) in response.text] == []


def test_an_error_shows_nothing_of_the_object_that_it_hides(world: World, session: Session) -> None:
    session.execute(sa.text("UPDATE dwelling SET street = 'Geheimstraat' WHERE municipality_code = 'GM0363'"))
    body = {"municipalityCode": "GM0363", "bagId": str(world.far.things["bag_id"]), "bagObjectType": "occupiable-object", "street": "Andere"}
    for response in (
        world.near.people["corporation"].post("/dwellings", {**body, "id": str(world.far.things["dwelling"])}),
        world.near.people["corporation"].put(f"/dwellings/{world.far.things['dwelling']}", body, version=1),
        world.near.people["inspector"].put(f"/inspections/{world.far.things['inspection']}", {"answers": {"mould": "no"}}, version=99),
    ):
        assert response.status_code in (404, 409)
        assert "Geheimstraat" not in response.text
        assert not {"yours", "theirs", "differences", "currentVersion"} & set(a_problem(response))
