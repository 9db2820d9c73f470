"""Figures over HTTP."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused


@pytest.fixture
def improved(session: Session, corporation: Caller, municipality: Caller) -> dict[str, Any]:
    """A dwelling whose renovation is completed and confirmed; its confirmed milestone."""
    makers.a_focus_area(session), makers.a_project(session), makers.a_scheme(session)
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation, focus_area="heerlen-noord", tenure="social-rent")
    body = {"dwellingId": str(dwelling.id), "project": "vrieheide", "fundingLines": [{"scheme": "volkshuisvestingsfonds"}]}
    path = f"/trajectories/{content(corporation.post('/trajectories', body), 201)['id']}/milestones"
    content(corporation.post(path, {"track": "renovation", "kind": "started", "effectiveOn": "2024-01-01"}), 201)
    done: dict[str, Any] = content(corporation.post(path, {"track": "renovation", "kind": "completed", "effectiveOn": "2025-01-01"}), 201)
    content(municipality.post("/confirmations", {"items": [{"milestoneId": done["id"]}]}))
    return done


def figures(tally: dict[str, Any]) -> dict[str, int]:
    return {count["definition"]: count["dwellings"] for count in tally["total"]}


def test_a_figure_names_all_that_explains_it(analyst: Caller, improved: dict[str, Any]) -> None:
    tally = content(analyst.get("/tallies"))
    assert figures(tally) == {"improved": 1, "started": 1}
    assert [definition["key"] for definition in tally["definitions"]] == ["improved", "started"]
    assert (tally["groupBy"], tally["rows"]) == ("nothing", [])
    assert tally["knownAt"].endswith("Z")


def test_a_figure_is_as_of_a_day_as_known_at_a_moment(analyst: Caller, improved: dict[str, Any]) -> None:
    assert figures(content(analyst.get("/tallies?validOn=2024-12-31"))) == {"improved": 0, "started": 1}
    assert figures(content(analyst.get("/tallies?validOn=0001-01-01"))) == {"improved": 0, "started": 0}
    assert figures(content(analyst.get("/tallies?validOn=9999-12-31"))) == {"improved": 1, "started": 1}
    assert figures(content(analyst.get("/tallies?knownAt=2020-01-01T00:00:00Z"))) == {"improved": 0, "started": 0}


def test_a_figure_asked_again_with_its_moment_is_the_same(analyst: Caller, improved: dict[str, Any]) -> None:
    first = analyst.get("/tallies?groupBy=municipality")
    query = {"groupBy": "municipality", "knownAt": content(first)["knownAt"], "validOn": content(first)["validOn"]}
    again = analyst.get("/tallies?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert content(again) == content(first)
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize(
    ("group", "key"),
    [
        ("focusArea", "heerlen-noord"),
        ("municipality", "GM0917"),
        ("scheme", "volkshuisvestingsfonds"),
        ("project", "vrieheide"),
        ("corporation", None),
        ("tenure", "social-rent"),
    ],
)
def test_a_figure_can_be_split(analyst: Caller, corporation: Caller, improved: dict[str, Any], group: str, key: str | None) -> None:
    (row,) = content(analyst.get(f"/tallies?groupBy={group}&definitions=improved"))["rows"]
    assert row["key"] == (key or str(corporation.organisation and corporation.organisation.id))
    assert [(count["definition"], count["dwellings"]) for count in row["counts"]] == [("improved", 1)]


@pytest.mark.parametrize(
    "scope", ["focusArea=elsewhere", "municipality=GM0001", "corporation=00000000-0000-0000-0000-000000000000", "scheme=x", "project=x", "tenure=vacant"]
)
def test_a_figure_can_be_limited(analyst: Caller, improved: dict[str, Any], scope: str) -> None:
    assert figures(content(analyst.get(f"/tallies?{scope}"))) == {"improved": 0, "started": 0}


def test_several_schemes_are_trajectories_with_money_of_at_least_one(analyst: Caller, improved: dict[str, Any]) -> None:
    assert figures(content(analyst.get("/tallies?scheme=x&scheme=volkshuisvestingsfonds"))) == {"improved": 1, "started": 1}
    assert figures(content(analyst.get("/tallies?scheme=x&scheme=y"))) == {"improved": 0, "started": 0}


def test_all_faults_come_together(analyst: Caller) -> None:
    refused(
        analyst.get(
            "/tallies?validOn=1&knownAt=2&focusArea=A&municipality=b&corporation=c&groupBy=d&definitions=,&scheme=E&scheme=x&scheme=Y&project=F&tenure=G"
        ),
        400,
        "invalid-input",
        ("validOn", "not-a-date"),
        ("knownAt", "not-a-moment"),
        ("focusArea", "wrong-form"),
        ("municipality", "wrong-form"),
        ("corporation", "not-a-uuid"),
        ("groupBy", "not-one-of"),
        ("definitions", "wrong-form"),
        ("scheme", "wrong-form"),
        ("scheme", "wrong-form"),
        ("project", "wrong-form"),
        ("tenure", "not-one-of"),
    )
    unknown = ("definitions", "unknown-definition")
    refused(analyst.get("/tallies?definitions=improved,happy,rich"), 400, "rule-violation", unknown, unknown)
    refused(analyst.get("/tallies?knownAt=8999-01-01T00:00:00Z"), 400, "invalid-input", ("knownAt", "as-known-too-late"))


def test_the_dwellings_behind_a_figure(municipality: Caller, analyst: Caller, improved: dict[str, Any]) -> None:
    (dwelling,) = content(municipality.get("/tallies/improved/dwellings"))["items"]
    assert dwelling["id"] == improved["dwellingId"]
    refused(analyst.get("/tallies/improved/dwellings"), 403, "not-allowed")
    refused(municipality.get("/tallies/happy/dwellings"), 404, "not-found")


def test_every_definition_can_be_read(inspector: Caller) -> None:
    items = content(inspector.get("/definitions"))["items"]
    assert {item["key"] for item in items} >= {
        *("acquired", "started", "improved", "made-sustainable", "demolished", "in-preparation", "under-construction", "built", "household-helped")
    }
    assert all(item["textNl"] != item["textEn"] for item in items)


def test_an_inspector_sees_no_figures(inspector: Caller) -> None:
    refused(inspector.get("/tallies"), 403, "not-allowed")
