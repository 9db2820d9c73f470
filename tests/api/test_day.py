"""The day list over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.inspections.day import LONGEST_DAY
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

DAY = "2026-11-25"
PLACES = {
    "heerlen": {"street": "Dorpsstraat", "house_number": 1, "postcode": "6411AA", "town": "Heerlen", "longitude": 5.9795, "latitude": 50.8882},
    "kerkrade": {"street": "Markt", "house_number": 2, "postcode": "6461AA", "town": "Kerkrade", "longitude": 6.0625, "latitude": 50.8658},
    "maastricht": {"street": "Vrijthof", "house_number": 3, "postcode": "6211AA", "town": "Maastricht", "longitude": 5.6909, "latitude": 50.8514},
    "nowhere": {"street": "Nieuw", "house_number": 4, "postcode": "6001AA", "town": "Weert"},
}


@pytest.fixture
def work(session: Session, inspector: Caller) -> dict[str, str]:
    """The ids of inspections, by place: all due by the day."""
    checklist_id = makers.a_checklist(session).id
    dwellings = {name: makers.a_dwelling(session, **place).id for name, place in PLACES.items()}  # type: ignore[arg-type]
    made = {name: makers.an_inspection(session, inspector.actor, dwelling_id=id, checklist_id=checklist_id, due_on=DAY) for name, id in dwellings.items()}
    return {name: str(inspection.id) for name, inspection in made.items()}


def order(day: dict[str, Any], work: dict[str, str]) -> list[str]:
    names = {id: name for name, id in work.items()}
    return [names[item["inspectionId"]] for item in day["items"]]


def test_the_day_goes_from_one_to_the_nearest(inspector: Caller, work: dict[str, str]) -> None:
    day = content(inspector.get(f"/day?on={DAY}&longitude=6.06&latitude=50.87"))
    assert order(day, work) == ["kerkrade", "heerlen", "maastricht", "nowhere"]
    first, second, _, last = day["items"]
    assert 400 < first["distanceM"] < 600
    assert 6_300 < second["distanceM"] < 6_400
    assert last["distanceM"] is None
    assert first["dwelling"].items() >= {"address": "Markt 2", "postcode": "6461AA", "town": "Kerkrade", "longitude": 6.0625}.items()
    assert (first["checklistKey"], first["checklistEdition"], first["overdue"]) == ("baseline", 1, False)
    assert (day["on"], day["ordered"], day["more"], day["hazards"]) == (DAY, False, False, [])
    assert order(content(inspector.get(f"/day?on={DAY}")), work) == ["maastricht", "heerlen", "kerkrade", "nowhere"]


def test_it_holds_what_is_due_by_that_day_and_then_what_has_no_due_date(session: Session, inspector: Caller, work: dict[str, str]) -> None:
    for name, due in (("heerlen", "2026-11-26"), ("kerkrade", None), ("maastricht", "2026-11-24")):
        session.execute(sa.text("UPDATE inspection SET due_on = :due WHERE id = :id"), {"due": due, "id": work[name]})
    day = content(inspector.get(f"/day?on={DAY}&longitude=6.06&latitude=50.87"))
    assert [(name, item["overdue"]) for name, item in zip(order(day, work), day["items"], strict=True)] == [
        ("maastricht", True),
        ("nowhere", False),
        ("kerkrade", False),
    ]
    session.execute(sa.text("UPDATE inspection SET assignee_id = NULL WHERE id = :id"), {"id": work["nowhere"]})
    session.execute(sa.text("UPDATE inspection SET status = 'withdrawn', withdrawal_reason = 'x' WHERE id = :id"), {"id": work["kerkrade"]})
    assert order(content(inspector.get(f"/day?on={DAY}")), work) == ["maastricht"]


def test_hazards_come_first(session: Session, inspector: Caller, work: dict[str, str]) -> None:
    assert inspector.organisation
    query = sa.text("SELECT dwelling_id FROM inspection WHERE id = :id")
    for name, kind in (("heerlen", "aggression"), ("heerlen", "dog"), ("kerkrade", "gas")):
        makers.a_hazard(session, session.scalar(query, {"id": work[name]}), inspector.organisation.id, kind=kind, note=None)
    session.execute(sa.text("UPDATE hazard SET ended_at = now(), ended_by = recorded_by WHERE kind = 'gas'"))
    day = content(inspector.get(f"/day?on={DAY}"))
    assert list(day)[:2] == ["on", "hazards"]
    assert [(place["address"], [hazard["kind"] for hazard in place["hazards"]]) for place in day["hazards"]] == [("Dorpsstraat 1", ["aggression", "dog"])]
    assert [next(iter(item)) for item in day["items"]] == ["hazards"] * 4
    assert [len(item["hazards"]) for item in day["items"]] == [0, 2, 0, 0]


def test_earlier_visits_come_with_their_advice_also_those_of_a_colleague(session: Session, inspector: Caller, work: dict[str, str]) -> None:
    assert inspector.organisation
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    dwelling_id, checklist_id = session.execute(sa.text("SELECT dwelling_id, checklist_id FROM inspection WHERE id = :id"), {"id": work["heerlen"]}).one()
    made = {"dwelling_id": dwelling_id, "checklist_id": checklist_id, "status": "submitted"}
    at = makers.a_moment("2026-11-20T09:00")
    before = makers.an_inspection(session, colleague.actor, **made, submitted_at=at, visited_at=at, visit_outcome="nobody-home", remarks="geheim")
    other = makers.an_inspection(session, colleague.actor, **made, submitted_at=at, visit_outcome="done", occasion="progress")
    session.execute(sa.text("UPDATE inspection SET previous_id = :previous WHERE id = :id"), {"previous": before.id, "id": work["heerlen"]})
    makers.a_hazard(session, dwelling_id, inspector.organisation.id, kind="aggression")
    day = content(inspector.get(f"/day?on={DAY}"))
    item = next(item for item in day["items"] if item["inspectionId"] == work["heerlen"])
    visits = {visit["inspectionId"]: (visit["outcome"], visit["ledToThis"]) for visit in item["visits"]}
    assert visits == {str(before.id): ("nobody-home", True), str(other.id): ("done", False)}
    assert (item["advice"]["code"], item["advice"]["company"], item["advice"]["earliestOn"]) == ("advice-try-another-time", "police", "2026-11-22")
    assert "geheim" not in str(day)
    refused(inspector.get(f"/inspections/{before.id}"), 404, "not-found")


def test_the_order_that_the_phone_sets_wins_and_new_work_comes_behind_it(session: Session, inspector: Caller, work: dict[str, str]) -> None:
    wanted = [work["kerkrade"], work["nowhere"], work["maastricht"]]
    assert content(inspector.put("/day/order", {"on": DAY, "inspectionIds": wanted})) == {"on": DAY, "inspectionIds": wanted}
    day = content(inspector.get(f"/day?on={DAY}&longitude=5.9795&latitude=50.8882"))
    assert (order(day, work), day["ordered"]) == (["kerkrade", "nowhere", "maastricht", "heerlen"], True)
    assert content(inspector.get("/day?on=2026-11-26"))["ordered"] is False
    content(inspector.put("/day/order", {"on": DAY, "inspectionIds": wanted[:1]}))
    content(inspector.put("/day/order", {"on": DAY, "inspectionIds": []}))
    assert content(inspector.get(f"/day?on={DAY}"))["ordered"] is False


def test_an_order_names_ones_own_inspections_once(session: Session, inspector: Caller, work: dict[str, str]) -> None:
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    foreign = makers.an_inspection(session, colleague.actor, checklist_id=session.scalar(sa.text("SELECT id FROM checklist")))
    ids = [work["heerlen"], str(foreign.id), str(uuid4()), work["heerlen"]]
    refused(
        inspector.put("/day/order", {"on": DAY, "inspectionIds": ids}),
        400,
        "rule-violation",
        ("/inspectionIds/1", "no-such-reference"),
        ("/inspectionIds/2", "no-such-reference"),
        ("/inspectionIds/3", "repeated"),
    )


def test_only_an_inspector_has_a_day_and_a_start_has_two_numbers(inspector: Caller, reviewer: Caller) -> None:
    refused(reviewer.get("/day"), 403, "not-allowed")
    refused(inspector.get("/day?longitude=6"), 400, "invalid-input", ("latitude", "required"))
    refused(inspector.get("/day?longitude=x&latitude=nan"), 400, "invalid-input", ("longitude", "not-a-number"), ("latitude", "not-a-number"))
    assert content(inspector.get("/day"))["items"] == []


def test_a_day_is_bounded(session: Session, inspector: Caller) -> None:
    first = makers.an_inspection(session, inspector.actor, due_on=DAY)
    names = "dwelling_id, checklist_id, occasion, organisation_id, assignee_id, due_on, planned_by"
    query = sa.text(f"INSERT INTO inspection ({names}) SELECT {names} FROM inspection, generate_series(1, :more) WHERE id = :id")
    session.execute(query, {"more": LONGEST_DAY, "id": first.id})
    day = content(inspector.get(f"/day?on={DAY}"))
    assert (len(day["items"]), day["more"]) == (LONGEST_DAY, True)
