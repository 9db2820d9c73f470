"""Portfolios over HTTP: the municipality says who has which dwelling, and that decides who sees it."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from registry import clock
from tests import makers
from tests.api.callers import Caller, content, refused


def a_period(dwelling_id: object, corporation: Caller, **more: Any) -> dict[str, Any]:
    ids = {"id": str(uuid4()), "dwellingId": str(dwelling_id), "organisationId": str(corporation.actor.organisation_id)}
    return {**ids, "validFrom": "2024-01-01", **more}


@pytest.fixture
def dwelling_id(session: Session) -> str:
    return str(makers.a_dwelling(session).id)


def put(municipality: Caller, *periods: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = content(municipality.post("/portfolio-periods", {"items": list(periods)}))["results"]
    return results


def test_a_corporation_sees_what_is_put_in_its_portfolio(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str) -> None:
    refused(corporation.get(f"/dwellings/{dwelling_id}"), 404, "not-found")
    period = a_period(dwelling_id, corporation)
    assert [result["outcome"] for result in put(municipality, period)] == ["created"]
    assert [result["outcome"] for result in put(municipality, period)] == ["unchanged"]
    content(corporation.get(f"/dwellings/{dwelling_id}"))
    refused(other_corporation.get(f"/dwellings/{dwelling_id}"), 404, "not-found")
    shown = content(corporation.get("/portfolio-periods"))["items"]
    assert [each["id"] for each in shown] == [period["id"]]
    assert content(corporation.get(f"/portfolio-periods/{period['id']}")) == shown[0]
    assert content(other_corporation.get("/portfolio-periods"))["items"] == []
    refused(other_corporation.get(f"/portfolio-periods/{period['id']}"), 404, "not-found")


def test_access_ends_with_the_period_and_another_may_follow(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str) -> None:
    period = a_period(dwelling_id, corporation)
    put(municipality, period)
    today = clock.today().isoformat()
    body = {"validFrom": period["validFrom"], "validUntil": today}
    refused(municipality.put(f"/portfolio-periods/{period['id']}", body), 428, "precondition-required")
    assert content(municipality.put(f"/portfolio-periods/{period['id']}", body, version=1))["validUntil"] == today
    refused(corporation.get(f"/dwellings/{dwelling_id}"), 404, "not-found")
    assert put(municipality, a_period(dwelling_id, other_corporation, validFrom=today))[0]["outcome"] == "created"
    content(other_corporation.get(f"/dwellings/{dwelling_id}"))


def test_all_faults_of_an_item_come_together(municipality: Caller, corporation: Caller, inspector: Caller, dwelling_id: str, session: Session) -> None:
    abroad = makers.a_dwelling(session, "GM0363").id
    wrong = {**a_period(abroad, inspector), "validUntil": "2023-01-01"}
    (result,) = put(municipality, wrong)
    assert [(fault["pointer"], fault["code"]) for fault in result["errors"]] == [
        ("/items/0/dwellingId", "no-such-reference"),
        ("/items/0/organisationId", "not-a-corporation"),
        ("/items/0/validUntil", "ends-before-it-begins"),
    ]


def test_a_dwelling_is_in_one_portfolio_at_a_time(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str) -> None:
    first = a_period(dwelling_id, corporation, validUntil="2025-01-01")
    overlapping = a_period(dwelling_id, other_corporation, validFrom="2024-12-31")
    following = a_period(dwelling_id, other_corporation, validFrom="2025-01-01")
    results = put(municipality, first, overlapping, following)
    assert [result["outcome"] for result in results] == ["created", "refused", "created"]
    assert results[1]["errors"][0]["code"] == "portfolio-overlaps"
    body = {"validFrom": "2024-01-01", "validUntil": None}
    refused(municipality.put(f"/portfolio-periods/{first['id']}", body, version=1), 409, "portfolio-overlaps")


def test_only_the_municipality_of_the_dwelling_says_so(
    municipality: Caller, other_municipality: Caller, corporation: Caller, administrator: Caller, dwelling_id: str
) -> None:
    period = a_period(dwelling_id, corporation)
    for caller in (corporation, administrator):
        refused(caller.post("/portfolio-periods", {"items": [period]}), 403, "not-allowed")
    assert put(other_municipality, period)[0]["errors"][0]["code"] == "no-such-reference"
    put(municipality, period)
    refused(other_municipality.put(f"/portfolio-periods/{period['id']}", {"validFrom": "2024-01-01", "validUntil": None}, version=1), 404, "not-found")


def test_what_a_corporation_registers_it_sees_until_a_portfolio_says_otherwise(municipality: Caller, corporation: Caller, other_corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    content(corporation.get(f"/dwellings/{made['id']}"))
    put(municipality, a_period(made["id"], other_corporation))
    refused(corporation.get(f"/dwellings/{made['id']}"), 404, "not-found")
    content(other_corporation.get(f"/dwellings/{made['id']}"))
