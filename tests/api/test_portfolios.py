"""Portfolios over HTTP: the municipality says who has which dwelling, and that decides who sees it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.db import reading, transaction
from registry.dwellings.transfers import Transfer, transfer_each
from registry.errors import Conflict
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.owner import as_owner


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


def test_a_dwelling_has_one_owner_and_one_manager_at_a_time(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str) -> None:
    owned = a_period(dwelling_id, corporation)
    managed = a_period(dwelling_id, other_corporation, relation="manager")
    third = a_caller(corporation.client, "corporation-editor")  # of a corporation of her own
    also_managed = a_period(dwelling_id, third, relation="manager")
    both = a_period(dwelling_id, corporation, relation="manager")
    results = put(municipality, owned, managed, also_managed, both)
    assert [result["outcome"] for result in results] == ["created", "created", "refused", "refused"]
    assert [fault["code"] for fault in results[2]["errors"]] == ["portfolio-overlaps"]
    assert [(fault["pointer"], fault["code"]) for fault in results[3]["errors"]] == [
        ("/items/3/organisationId", "portfolio-twice"),
        ("/items/3/validFrom", "portfolio-overlaps"),
    ]
    for caller, relation in ((corporation, "owner"), (other_corporation, "manager")):
        content(caller.get(f"/dwellings/{dwelling_id}"))
        assert [each["relation"] for each in content(caller.get("/portfolio-periods"))["items"]] == [relation]
        assert len(content(caller.get("/dwellings"))["items"]) == 1


def test_the_database_refuses_the_same_corporation_in_both_relations(municipality: Caller, corporation: Caller, dwelling_id: str, session: Session) -> None:
    earlier = a_period(dwelling_id, corporation, validUntil="2025-01-01")
    put(municipality, earlier, a_period(dwelling_id, corporation, relation="manager", validFrom="2025-01-01"))
    body = {"validFrom": "2024-01-01", "validUntil": None}
    refused(municipality.put(f"/portfolio-periods/{earlier['id']}", body, version=1), 409, "portfolio-twice")


def test_periods_are_listed_by_day_relation_and_corporation(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str) -> None:
    past = a_period(dwelling_id, corporation, validUntil="2025-01-01")
    present = a_period(dwelling_id, other_corporation, validFrom="2025-01-01")
    managed = a_period(dwelling_id, corporation, validFrom="2025-06-01", relation="manager")
    put(municipality, past, present, managed)

    def found(query: str) -> list[str]:
        return [each["id"] for each in content(municipality.get(f"/portfolio-periods?{query}"))["items"]]

    assert found("heldOn=2024-12-31") == [past["id"]]
    assert found("heldOn=2025-01-01") == [present["id"]]
    assert sorted(found("heldOn=2025-06-01")) == sorted([present["id"], managed["id"]])
    assert found("heldOn=2025-06-01&relation=manager") == [managed["id"]]
    assert sorted(found(f"organisationId={corporation.actor.organisation_id}")) == sorted([past["id"], managed["id"]])
    refused(municipality.get("/portfolio-periods?relation=tenant"), 400, "invalid-input", ("relation", "not-one-of"))


def a_transfer(giver: Caller, taker: Caller, *dwelling_ids: str, **more: Any) -> dict[str, Any]:
    organisations = {"fromOrganisationId": str(giver.actor.organisation_id), "toOrganisationId": str(taker.actor.organisation_id)}
    return {**organisations, "transferredOn": clock.today().isoformat(), "items": [{"dwellingId": id} for id in dwelling_ids], **more}


def outcomes(answer: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(result["outcome"], [fault["code"] for fault in result["errors"]]) for result in answer["results"]]


def test_a_transfer_ends_one_period_and_begins_the_next(municipality: Caller, corporation: Caller, other_corporation: Caller, session: Session) -> None:
    held, other, unheld, twice = (str(makers.a_dwelling(session).id) for _ in range(4))
    until = (clock.today() + timedelta(days=900)).isoformat()
    put(municipality, a_period(held, corporation), a_period(other, corporation, relation="manager", validUntil=until), a_period(twice, corporation))
    put(municipality, a_period(twice, other_corporation, relation="manager"))
    transfer = a_transfer(corporation, other_corporation, held, other, unheld, twice)
    first = content(municipality.post("/portfolio-transfers", transfer))
    done = [("created", []), ("created", []), ("refused", ["not-in-portfolio"]), ("refused", ["portfolio-twice"])]
    assert outcomes(first) == done
    refused(corporation.get(f"/dwellings/{held}"), 404, "not-found")
    content(other_corporation.get(f"/dwellings/{held}"))
    new = content(municipality.get(f"/portfolio-periods/{first['results'][1]['id']}"))
    assert (new["relation"], new["validFrom"], new["validUntil"]) == ("manager", clock.today().isoformat(), until)
    again = content(municipality.post("/portfolio-transfers", transfer))
    assert outcomes(again) == [("unchanged", []), ("unchanged", []), *done[2:]]
    assert [each["id"] for each in again["results"][:2]] == [each["id"] for each in first["results"][:2]]


def test_a_transfer_tells_both_corporations(municipality: Caller, corporation: Caller, other_corporation: Caller, dwelling_id: str, session: Session) -> None:
    put(municipality, a_period(dwelling_id, corporation))
    content(municipality.post("/portfolio-transfers", a_transfer(corporation, other_corporation, dwelling_id)))
    told = sa.text("SELECT organisation_id FROM change WHERE action = 'dwelling.portfolio-transferred' ORDER BY id")
    organisations = [caller.actor.organisation_id for caller in (corporation, other_corporation)]
    assert session.scalars(told).all() == organisations
    with reading(corporation.actor) as seen:  # of what it sees no more it is told this, and that it once got it
        assert seen.scalars(told).all() == organisations[:1]
        assert seen.scalar(sa.text("SELECT count(*) FROM change")) == 2
    (line,) = content(other_corporation.get(f"/audit?subjectKind=dwelling&subjectId={dwelling_id}"))["items"][:1]
    assert line["action"] == "dwelling.portfolio-transferred"
    assert line["details"]["fromOrganisationId"] == str(corporation.actor.organisation_id)


def test_a_transfer_needs_two_corporations_and_each_dwelling_once(
    municipality: Caller, corporation: Caller, other_corporation: Caller, inspector: Caller, dwelling_id: str
) -> None:
    put(municipality, a_period(dwelling_id, corporation))
    itself = a_transfer(corporation, corporation, dwelling_id)
    refused(municipality.post("/portfolio-transfers", itself), 400, "rule-violation", ("/toOrganisationId", "transfer-to-itself"))
    nobody = a_transfer(corporation, inspector, dwelling_id)
    refused(municipality.post("/portfolio-transfers", nobody), 400, "rule-violation", ("/toOrganisationId", "not-a-corporation"))
    refused(corporation.post("/portfolio-transfers", a_transfer(corporation, other_corporation, dwelling_id)), 403, "not-allowed")
    repeated = a_transfer(corporation, other_corporation, dwelling_id, dwelling_id)
    assert outcomes(content(municipality.post("/portfolio-transfers", repeated))) == [("refused", ["repeated"])] * 2
    manager = a_transfer(corporation, other_corporation, dwelling_id, relation="manager")
    assert outcomes(content(municipality.post("/portfolio-transfers", manager))) == [("refused", ["not-in-portfolio"])]


def test_an_id_that_another_dwelling_of_the_municipality_has_is_named_as_such(municipality: Caller, corporation: Caller, session: Session) -> None:
    one, other = (str(makers.a_dwelling(session).id) for _ in range(2))
    period = a_period(one, corporation)
    put(municipality, period)
    (result,) = put(municipality, {**period, "dwellingId": other})
    assert [(fault["pointer"], fault["code"]) for fault in result["errors"]] == [("/items/0/id", "already-exists")]


def test_what_somebody_assigns_during_a_transfer_leaves_no_dwelling_without_its_owner(live: Callable[[str], Caller]) -> None:
    """The taker becomes manager after the transfer looked at the periods: then it can't become owner, and the giver must stay it."""
    municipality, giver = live("municipality-editor"), live("corporation-editor")
    with as_owner() as session:
        taker = makers.an_organisation(session)
        dwelling = makers.a_dwelling(session, held_by=giver.actor)
    transfer = Transfer(giver.organisation.id, taker.id, clock.today())  # type: ignore[union-attr]
    managed = {"id": str(uuid4()), "dwellingId": str(dwelling.id), "organisationId": str(taker.id), "validFrom": "2024-01-01", "relation": "manager"}
    assigned: list[dict[str, Any]] = []

    def transfer_meanwhile() -> None:
        with transaction(municipality.actor) as session:
            execute = session.execute

            def assigning_first(statement: Any, *arguments: Any, **more: Any) -> Any:
                if isinstance(statement, sa.Update) and not assigned:
                    assigned.extend(put(live("municipality-editor"), managed))
                return execute(statement, *arguments, **more)

            session.execute = assigning_first  # type: ignore[method-assign]
            transfer_each(session, municipality.actor, transfer, [dwelling.id])

    with pytest.raises(Conflict):
        transfer_meanwhile()
    assert [each["outcome"] for each in assigned] == ["created"]
    held = content(municipality.get(f"/portfolio-periods?dwellingId={dwelling.id}&heldOn={clock.today()}"))["items"]
    assert {(each["organisationId"], each["relation"]) for each in held} == {(str(giver.actor.organisation_id), "owner"), (str(taker.id), "manager")}
