"""Pages: every row once, also while rows are added."""

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from registry.pages import LARGEST_PAGE
from tests import makers
from tests.api.callers import Caller, content, refused

COLLECTIONS = [
    "/organisations",
    "/municipalities",
    "/focus-areas",
    "/schemes",
    "/projects",
    "/checklists",
    "/dwellings",
    "/trajectories",
    "/inspections",
    "/audit",
]


def walk(caller: Caller, path: str, limit: int, between: object = None) -> list[str]:
    """The ids on all pages, following Link."""
    found, following = [], f"/v1{path}?limit={limit}"
    while following:
        response = caller.get(following.removeprefix("/v1"))
        page = content(response)
        assert len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        link = response.headers.get("Link")
        assert (link is None) == (page["next"] is None)
        assert link is None or link.endswith('; rel="next"')
        following = link.partition(">")[0].removeprefix("<") if link else ""
        if callable(between):
            between()
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 500])
def test_every_dwelling_is_on_one_page(corporation: Caller, session: Session, limit: int) -> None:
    ids = sorted(str(makers.a_dwelling(session, held_by=corporation.organisation).id) for _ in range(7))
    assert walk(corporation, "/dwellings", limit) == ids


def test_rows_added_in_between_shift_nothing(corporation: Caller, session: Session) -> None:
    ids = [makers.a_dwelling(session, held_by=corporation.organisation, id=UUID(int=place)).id for place in range(10, 100, 10)]
    added = iter(range(11, 1000, 7))

    def add() -> None:
        makers.a_dwelling(session, held_by=corporation.organisation, id=UUID(int=next(added)))
        session.flush()

    found = walk(corporation, "/dwellings", 2, add)
    assert len(found) == len(set(found))
    assert set(map(str, ids)) <= set(found)


def test_a_link_keeps_the_question(auditor: Caller, session: Session) -> None:
    for _ in range(3):
        makers.a_dwelling(session)
    link = auditor.get("/dwellings?limit=2&municipalityCode=GM0917").headers["Link"]
    assert "limit=2&municipalityCode=GM0917&cursor=" in link


@pytest.mark.parametrize("path", [*COLLECTIONS, "/changes"])
def test_a_limit_has_limits(auditor: Caller, path: str) -> None:
    for limit, code in (
        ("0", "too-small"),
        ("-1", "too-small"),
        (str(LARGEST_PAGE + 1), "too-big"),
        ("x", "not-a-whole-number"),
        ("1.5", "not-a-whole-number"),
        ("", "not-a-whole-number"),
    ):
        refused(auditor.get(f"{path}?limit={limit}"), 400, "invalid-input", ("limit", code))
    content(auditor.get(f"{path}?limit={LARGEST_PAGE}"))


@pytest.mark.parametrize("path", [*COLLECTIONS, "/changes"])
@pytest.mark.parametrize("cursor", ["", "x", "%%%", "AAAA", "=", "é", "L3YxL2R3ZWxsaW5ncyB4"])
def test_a_cursor_that_we_did_not_issue_is_refused(auditor: Caller, path: str, cursor: str) -> None:
    refused(auditor.get(f"{path}?cursor={cursor}"), 400, "invalid-input", ("cursor", "bad-cursor"))


def test_a_cursor_is_too_long_to_be_ours(auditor: Caller) -> None:
    refused(auditor.get(f"/dwellings?cursor={'A' * 501}"), 400, "invalid-input", ("cursor", "too-long"))


@pytest.mark.parametrize("path", [path for path in COLLECTIONS if path != "/organisations"])
def test_a_cursor_of_another_collection_is_refused(auditor: Caller, session: Session, path: str) -> None:
    for _ in range(2):
        makers.an_organisation(session)
    cursor = content(auditor.get("/organisations?limit=1"))["next"]
    content(auditor.get(f"/organisations?cursor={cursor}"))
    refused(auditor.get(f"{path}?cursor={cursor}"), 400, "invalid-input", ("cursor", "bad-cursor"))
