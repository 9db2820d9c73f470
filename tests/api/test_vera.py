"""A portfolio in VERA's names, over HTTP."""

import pytest
from sqlalchemy.orm import Session

from registry.dwellings.model import PortfolioRelation, RegisteredLabel, Tenure
from registry.trajectories.model import Measure, MeasureKind, MilestoneKind, Track
from registry.values import EnergyLabel
from tests import makers
from tests.api.callers import Caller, content, refused


@pytest.fixture
def held(session: Session, corporation: Caller) -> str:
    """A renovated dwelling in the portfolio of the corporation."""
    dwelling = makers.a_dwelling(session, held_by=corporation.actor, tenure=Tenure.SOCIAL_RENT, year_built=1962)
    makers.a_project(session)
    trajectory = makers.a_trajectory(session, corporation.organisation, dwelling, project="vrieheide")
    for kind, on in ((MilestoneKind.STARTED, "2025-01-01"), (MilestoneKind.COMPLETED, "2025-06-01")):
        makers.reported(session, corporation.actor, trajectory.id, Track.RENOVATION, kind, on)
    who = {"recorded_by": corporation.actor.person_id, "organisation_id": corporation.actor.organisation_id}
    day = makers.a_moment("2025-05-01T00:00:00Z").date()
    session.add(Measure(trajectory_id=trajectory.id, kind=MeasureKind.ROOF_INSULATION, applied_on=day, cost_eur=1250, **who))
    session.add(RegisteredLabel(dwelling_id=dwelling.id, label=EnergyLabel.B, surveyed_on=day, **who))
    session.flush()
    return str(dwelling.id)


def test_a_corporation_reads_its_portfolio_in_vera(corporation: Caller, other_corporation: Caller, held: str) -> None:
    (item,) = content(corporation.get("/vera-units"))["items"]
    unit = item["eenheid"]
    assert (unit["id"], unit["status"]["code"], unit["bouwjaar"]) == (held, "VEH", 1962)
    assert unit["energieprestaties"][0]["label"]["code"] == "B"
    assert unit["renovatie"] == {"datum": "2025-06-01", "bedragInvestering": 1250.0}
    assert [cluster["code"] for cluster in unit["clusters"]] == ["vrieheide"]
    assert item["conditiemeting"] is None
    assert content(other_corporation.get("/vera-units"))["items"] == []
    assert content(other_corporation.get(f"/vera-units?organisationId={corporation.organisation.id}"))["items"] == []


def test_the_municipality_reads_that_of_a_corporation(municipality: Caller, corporation: Caller, inspector: Caller, held: str) -> None:
    found = content(municipality.get(f"/vera-units?organisationId={corporation.organisation.id}"))["items"]
    assert [item["eenheid"]["id"] for item in found] == [held]
    assert content(municipality.get("/vera-units"))["items"] == []
    refused(inspector.get("/vera-units"), 403, "not-allowed")


def test_pages_are_complete_and_cost_the_same(corporation: Caller, session: Session) -> None:
    ids = {str(makers.a_dwelling(session, held_by=corporation.actor).id) for _ in range(5)}
    seen: list[str] = []
    path: str | None = "/vera-units?limit=2"
    while path:
        page = content(corporation.get(path))
        seen += [item["eenheid"]["id"] for item in page["items"]]
        path = f"/vera-units?limit=2&cursor={page['next']}" if page["next"] else None
    assert len(seen) == 5
    assert set(seen) == ids


def test_what_is_only_managed_says_so(corporation: Caller, session: Session) -> None:
    dwelling = makers.a_dwelling(session)
    makers.a_portfolio_period(session, dwelling, corporation.actor, relation=PortfolioRelation.MANAGER)
    (item,) = content(corporation.get("/vera-units"))["items"]
    assert item["eenheid"]["inExploitatieReden"]["code"] == "ADM"


def test_what_was_demolished_says_why_it_is_out_of_use(municipality: Caller, corporation: Caller, held: str) -> None:
    body = {"kind": "demolition", "occurredOn": "2026-01-15", "predecessors": [held], "successors": []}
    content(municipality.post("/successions", body), 201)
    (item,) = content(corporation.get("/vera-units"))["items"]
    unit = item["eenheid"]
    assert (unit["status"]["code"], unit["uitExploitatieReden"]["code"], unit["uitExploitatiedatum"]) == ("UIT", "SLO", "2026-01-15")
