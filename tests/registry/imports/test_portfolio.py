"""Portfolios from a file: who owns and manages what, transfers, overlaps that say who has it, and taking back."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import transaction
from registry.dwellings import portfolios
from registry.dwellings.model import PortfolioPeriod
from registry.imports.portfolio import Portfolio
from tests import makers
from tests.registry.imports.by_hand import apply, cells, dry_run, undo

KIND = Portfolio()
HEADER = "bagId | corporation | relation | validFrom | validUntil | transfer"
ONE, TWO = "0917010000000001", "0917010000000002"


@pytest.fixture
def editor(session: Session):  # type: ignore[no-untyped-def]
    for slug, name in (("de-voorzorg", "De Voorzorg"), ("weller", "Weller Wonen"), ("zo-wonen", "ZOwonen"), ("zo-wonen-2", "ZO Wonen")):
        makers.an_organisation(session, slug).name = name
    for bag_id in (ONE, TWO):
        makers.a_dwelling(session, bag_id=bag_id, bag_object_type="occupiable-object", postcode="6411AB", house_number=int(bag_id[-2:]))
    session.flush()
    return makers.a_municipality_editor(session)


def held(session: Session) -> list[tuple[str, str, str, str, str]]:
    """BAG id, corporation, relation, from and until of each period that has a day."""
    session.expire_all()
    query = sa.text(
        "SELECT bag_id, slug, relation, valid_from, coalesce(valid_until::text, '') FROM portfolio_period AS period JOIN dwelling ON dwelling.id = dwelling_id "
        "JOIN organisation ON organisation.id = period.organisation_id WHERE valid_until IS DISTINCT FROM valid_from ORDER BY bag_id, valid_from, relation"
    )
    return [(bag_id[-1], slug, relation, str(first), until) for bag_id, slug, relation, first, until in session.execute(query)]


def test_a_corporation_is_known_by_name_slug_or_id(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    id = session.scalar(sa.text("SELECT id FROM organisation WHERE slug = 'weller'"))
    rows = [f"{ONE}|DE VOORZORG||1-1-2020||", f"{ONE}|{id}|beheerder|1-1-2021||", f"{TWO}|zo-wonen|eigenaar|2020-01-01|1-1-2030|"]
    done = apply(KIND, editor, cells(HEADER, rows))
    assert done.outcomes == ["created"] * 3
    expected = [
        ("1", "de-voorzorg", "owner", "2020-01-01", ""),
        ("1", "weller", "manager", "2021-01-01", ""),
        ("2", "zo-wonen", "owner", "2020-01-01", "2030-01-01"),
    ]
    assert held(session) == expected
    again = apply(KIND, editor, cells(HEADER, rows))
    assert (again.outcomes, again.effects, held(session)) == (["unchanged"] * 3, [], expected)


def test_who_is_not_known_or_not_one_is_refused_with_what_may_be_meant(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    rows = [f"{ONE}|De Vorzorg||1-1-2020||", f"{ONE}|zo wonen||1-1-2020||", f"{ONE}|Qqqqq||1-1-2020||", f"{ONE}|weller||1-1-2020|1-1-2019|"]
    done = dry_run(KIND, editor, cells(HEADER, [*rows, "0917010000000009|weller||1-1-2020||", "|weller||1-1-2020||", f"{TWO}|||1-1-2020||"]))
    assert done.faults == [
        (2, "corporation", "no-such-corporation-perhaps"),
        (3, "corporation", "name-ambiguous"),
        (4, "corporation", "no-such-corporation"),
        (5, "validUntil", "ends-before-it-begins"),
        (6, "bagId", "no-such-reference"),
        (7, None, "dwelling-not-named"),
        (8, "corporation", "required"),
    ]
    assert done.judged[2].faults[0].facts["suggestions"] == "De Voorzorg"


def test_an_overlap_says_who_has_the_dwelling_until_when(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020||", f"{TWO}|de-voorzorg||1-1-2020|1-1-2027|"]))
    done = apply(KIND, editor, cells(HEADER, [f"{ONE}|weller||1-6-2025||", f"{TWO}|weller||1-6-2025||ja"]))
    assert done.faults == [(2, "validFrom", "portfolio-held"), (3, "validFrom", "portfolio-held-later")]
    assert done.judged[2].faults[0].facts == {"corporation": "De Voorzorg", "relation": "owner", "from": "2020-01-01", "until": "…"}
    assert done.judged[3].faults[0].facts["until"] == "2027-01-01"


def test_a_transfer_ends_what_the_other_one_has_that_day(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020||"]))
    rows = cells(HEADER, [f"{ONE}|zo-wonen||1-1-2026||ja", f"{ONE}|weller||1-6-2025||ja"])
    done = apply(KIND, editor, rows)
    assert (done.outcomes, done.judged[3].changes) == (["created", "created"], {"corporation": ["De Voorzorg", "Weller Wonen"]})
    expected = [
        ("1", "de-voorzorg", "owner", "2020-01-01", "2025-06-01"),
        ("1", "weller", "owner", "2025-06-01", "2026-01-01"),
        ("1", "zo-wonen", "owner", "2026-01-01", ""),
    ]
    assert held(session) == expected
    assert apply(KIND, editor, rows).outcomes == ["unchanged", "unchanged"]
    assert undo(KIND, editor, done) == []
    assert held(session) == [("1", "de-voorzorg", "owner", "2020-01-01", "")]
    assert apply(KIND, editor, rows).outcomes == ["created", "created"]
    assert held(session) == expected


def test_rows_of_one_file_are_taken_in_the_order_of_time(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    """The row that ends the present period makes room for the one above it."""
    apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020||"]))
    done = apply(KIND, editor, cells(HEADER, [f"{ONE}|weller||1-6-2025||", f"{ONE}|de-voorzorg||1-1-2020|1-6-2025|", f"{ONE}|weller||1-6-2025||"]))
    assert (done.outcomes, done.faults) == (["created", "changed", "refused"], [(4, None, "row-repeated")])
    assert done.judged[3].changes == {"validUntil": [None, "2025-06-01"]}
    assert undo(KIND, editor, done) == []
    assert held(session) == [("1", "de-voorzorg", "owner", "2020-01-01", "")]


def test_what_was_changed_since_is_not_undone(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    done = apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020||"]))
    period_id = session.scalars(sa.select(PortfolioPeriod.id)).one()
    with transaction(editor) as api:
        portfolios.amend(api, editor, period_id, valid_from=date(2020, 1, 1), valid_until=date(2028, 1, 1), expected=1)
    (fault,) = undo(KIND, editor, done)
    assert (fault.code, UUID(str(fault.facts["id"]))) == ("portfolio-period-changed", period_id)
    assert held(session) == [("1", "de-voorzorg", "owner", "2020-01-01", "2028-01-01")]


def test_a_former_period_does_not_come_back_where_another_one_is(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020||"]))
    ended = apply(KIND, editor, cells(HEADER, [f"{ONE}|de-voorzorg||1-1-2020|1-1-2025|"]))
    apply(KIND, editor, cells(HEADER, [f"{ONE}|weller||1-1-2025||"]))
    assert {fault.code for fault in undo(KIND, editor, ended)} == {"portfolio-overlaps"}


def test_another_municipality_may_not(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    makers.a_municipality(session, "GM0344", "Utrecht")
    stranger = makers.a_municipality_editor(session, "GM0344")
    assert apply(KIND, stranger, cells(HEADER, [f"{ONE}|weller||1-1-2020||"])).faults == [(2, "bagId", "no-such-reference")]
