"""Entity tags, If-None-Match and If-Match."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused


@pytest.fixture
def path(session: Session, corporation: Caller) -> str:
    makers.a_municipality(session)
    return f"/dwellings/{content(corporation.post('/dwellings', {'municipalityCode': 'GM0917'}), 201)['id']}"


def body(year: int) -> dict[str, object]:
    return {"municipalityCode": "GM0917", "yearBuilt": year}


@pytest.mark.parametrize("condition", ['"1"', 'W/"1"', '"7", "1"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_did_not_change_is_not_sent_again(corporation: Caller, path: str, condition: str, method: str) -> None:
    response = corporation.send(method, path, If_None_Match=condition)
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("condition", ['"2"', "1x", '"', "W/", ""])
def test_what_did_change_is_sent(corporation: Caller, path: str, condition: str) -> None:
    content(corporation.get(path, If_None_Match=condition))


def test_an_answer_without_a_version_is_tagged_by_its_content(administrator: Caller) -> None:
    tag = administrator.get("/definitions").headers["ETag"]
    assert administrator.get("/definitions", If_None_Match=tag).status_code == 304


def test_a_change_says_what_it_is_based_on(corporation: Caller, path: str) -> None:
    refused(corporation.put(path, body(1960)), 428, "precondition-required")
    content(corporation.put(path, body(1960), version=1))


def test_a_change_of_an_old_version_is_refused_with_the_current_one(corporation: Caller, path: str) -> None:
    content(corporation.put(path, body(1960), version=1))
    problem = refused(corporation.put(path, body(1961), version=1), 412, "precondition-failed")
    assert problem["currentVersion"] == 2
    assert "2" in problem["detail"]
    assert content(corporation.get(path))["yearBuilt"] == 1960


@pytest.mark.parametrize("condition", ["*", 'W/"1"', "one", '"1", "2"', '"-1"', '"9999999999"', '"１"', '""', ""])
def test_a_condition_of_the_wrong_form_is_refused(corporation: Caller, path: str, condition: str) -> None:
    response = corporation.put(path, body(1960), If_Match=condition.encode().decode("latin-1"))
    refused(response, 400, "invalid-input", ("If-Match", "wrong-form"))


def test_the_same_content_needs_no_condition(corporation: Caller, path: str) -> None:
    content(corporation.put(path, body(1960), version=1))
    assert content(corporation.put(path, body(1960)))["version"] == 2
    assert content(corporation.put(path, body(1960), version=1))["version"] == 2


def test_a_change_of_what_is_not_there_is_refused(administrator: Caller) -> None:
    """registry/versioned.py: `put` creates the row though If-Match says that it must exist (RFC 9110, 13.1.1)."""
    assert administrator.put("/schemes/new-one", {"name": "New"}, version=3).status_code == 412


@pytest.mark.parametrize("way", ["dwelling", "scheme"])
def test_of_two_editors_at_once_one_wins_and_nothing_is_lost(live: Callable[[str], Caller], way: str) -> None:
    if way == "dwelling":
        editors = [live("corporation-editor") for _ in range(4)]
        path = f"/dwellings/{content(editors[0].post('/dwellings', {'municipalityCode': 'GM0917'}), 201)['id']}"
        bodies = [body(1960 + place) for place in range(4)]
    else:
        editors = [live("administrator") for _ in range(4)]
        path, bodies = "/schemes/new-one", [{"name": f"Name {place}"} for place in range(4)]
        content(editors[0].put(path, {"name": "First"}), 201)
    together = Barrier(4)

    def change(place: int) -> int:
        together.wait()
        response = editors[place].put(path, bodies[place], version=1)
        if response.status_code == 412:
            assert refused(response, 412, "precondition-failed")["currentVersion"] == 2
        return response.status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(change, range(4)))
    assert sorted(statuses) == [200, 412, 412, 412]
    after = content(editors[0].get(path))
    assert after.items() >= bodies[statuses.index(200)].items()
    lines = [line for line in content(live("ministry-auditor").get("/audit"))["items"] if not line["action"].endswith("looked-at")]
    assert len(lines) == 2
