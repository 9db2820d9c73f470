"""What a project has come to, with the figures of Vrieheide."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from registry.trajectories.model import MilestoneKind, Track
from tests import makers
from tests.api.callers import Caller, content, refused

HOMES = {"E": 20, "F": 21, "G": 10}
"""51, all of which became B."""


@pytest.fixture
def vrieheide(corporation: Caller, session: Session) -> str:
    for scheme in ("volkshuisvestingsfonds", "regio-deal"):
        makers.a_scheme(session, scheme)
    makers.a_project(session)
    for label in homes():
        dwelling = makers.a_dwelling(session, held_by=corporation.actor)
        money = [{"scheme": "volkshuisvestingsfonds", "amountEur": "30000.00"}, {"scheme": "regio-deal", "amountEur": "12500.50"}]
        made = content(corporation.post("/trajectories", {"dwellingId": str(dwelling.id), "project": "vrieheide", "fundingLines": money}), 201)
        works_on(corporation, session, made["id"], str(dwelling.id), label, "B")
    return "/projects/vrieheide/results"


def homes() -> Iterator[str]:
    for label, count in HOMES.items():
        yield from [label] * count


def works_on(corporation: Caller, session: Session, trajectory_id: str, dwelling_id: str, before: str, after: str) -> None:
    makers.reported(session, corporation.actor, UUID(trajectory_id), Track.SUSTAINABILITY, MilestoneKind.STARTED, "2024-03-01")
    for label, day in ((before, "2020-01-01"), (after, "2025-02-01")):
        content(corporation.post(f"/dwellings/{dwelling_id}/energy-labels", {"label": label, "surveyedOn": day}), 201)
    measure = {"kind": "roof-insulation", "appliedOn": "2024-06-01", "quantity": "60.00", "unit": "m2", "costEur": "8000.00"}
    content(corporation.post(f"/trajectories/{trajectory_id}/measures", {"items": [measure]}), 201)


def test_the_51_homes_of_vrieheide_count_once_and_both_schemes_pay_for_all_of_them(vrieheide: str, corporation: Caller, municipality: Caller) -> None:
    found = content(municipality.get(vrieheide))
    assert found == {
        "dwellings": 51,
        "trajectories": 51,
        "funding": [
            {"scheme": "regio-deal", "dwellings": 51, "amountEur": "637525.50"},
            {"scheme": "volkshuisvestingsfonds", "dwellings": 51, "amountEur": "1530000.00"},
        ],
        "fundingEur": "2167525.50",
        "measuresCostEur": "408000.00",
        "labels": [{"before": label, "after": "B", "labelJump": jump, "dwellings": HOMES[label]} for label, jump in (("E", 3), ("F", 4), ("G", 5))],
    }
    assert content(corporation.get(vrieheide)) == found


def test_a_second_trajectory_brings_money_and_no_second_dwelling(corporation: Caller, session: Session) -> None:
    makers.a_scheme(session), makers.a_scheme(session, "regio-deal"), makers.a_project(session)
    dwelling = str(makers.a_dwelling(session, held_by=corporation.actor).id)
    for scheme, amount in (("volkshuisvestingsfonds", "10.00"), ("volkshuisvestingsfonds", None), ("regio-deal", None)):
        lines = [{"scheme": scheme, "amountEur": amount}]
        made = content(corporation.post("/trajectories", {"dwellingId": dwelling, "project": "vrieheide", "fundingLines": lines}), 201)
    works_on(corporation, session, made["id"], dwelling, "G", "A")
    found = content(corporation.get("/projects/vrieheide/results"))
    assert (found["dwellings"], found["trajectories"]) == (1, 3)
    assert [(each["scheme"], each["dwellings"], each["amountEur"]) for each in found["funding"]] == [
        ("regio-deal", 1, None),
        ("volkshuisvestingsfonds", 1, "10.00"),
    ]
    assert found["labels"] == [{"before": "G", "after": "A", "labelJump": 6, "dwellings": 1}]


def test_money_that_was_taken_back_and_measures_that_never_were_do_not_count(corporation: Caller, session: Session) -> None:
    makers.a_scheme(session), makers.a_project(session)
    dwelling = str(makers.a_dwelling(session, held_by=corporation.actor).id)
    lines = [{"scheme": "volkshuisvestingsfonds", "amountEur": "10.00"}]
    path = f"/trajectories/{content(corporation.post('/trajectories', {'dwellingId': dwelling, 'project': 'vrieheide', 'fundingLines': lines}), 201)['id']}"
    (measure,) = content(corporation.post(f"{path}/measures", {"items": [{"kind": "heat-pump", "appliedOn": "2025-01-01", "costEur": "5.00"}]}), 201)["items"]
    content(corporation.post(f"/measures/{measure['id']}/retraction", {"reason": "x"}))
    content(corporation.put(path, {"project": "vrieheide", "fundingLines": []}, version=1))
    found = content(corporation.get("/projects/vrieheide/results"))
    assert (found["funding"], found["fundingEur"], found["measuresCostEur"]) == ([], None, None)
    assert found["labels"] == [{"before": None, "after": None, "labelJump": None, "dwellings": 1}]


def test_everyone_gets_what_she_may_see(vrieheide: str, other_corporation: Caller, other_municipality: Caller, inspector: Caller) -> None:
    for caller in (other_corporation, other_municipality):
        assert content(caller.get(vrieheide))["dwellings"] == 0
    refused(inspector.get(vrieheide), 403, "not-allowed")
    refused(other_corporation.get("/projects/nowhere/results"), 404, "not-found")
