"""The same request again: the same answer, and nothing recorded twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused

BODY = {"municipalityCode": "GM0917"}


@pytest.fixture(autouse=True)
def _place(request: pytest.FixtureRequest) -> None:
    if "live" not in request.fixturenames:
        makers.a_municipality(request.getfixturevalue("session"))


def test_a_repeated_request_gets_the_first_answer(corporation: Caller) -> None:
    first, again = (corporation.post("/dwellings", BODY, key="one") for _ in range(2))
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert content(again, 201) == content(first, 201)
    assert again.data == first.data
    assert [again.headers[name] for name in ("Location", "ETag")] == [first.headers[name] for name in ("Location", "ETag")]
    assert len(content(corporation.get("/dwellings"))["items"]) == 1


def test_a_key_belongs_to_one_request(corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", BODY, key="one"), 201)
    refused(corporation.post("/dwellings", {**BODY, "yearBuilt": 1960}, key="one"), 422, "idempotency-key-reused")
    label = {"label": "A", "surveyedOn": "2020-01-01"}
    refused(corporation.post(f"/dwellings/{made['id']}/energy-labels", label, key="one"), 422, "idempotency-key-reused")


@pytest.mark.parametrize("key", [None, "", "x" * 201, "a\0b"])
def test_a_post_that_records_needs_a_key(corporation: Caller, key: str | None) -> None:
    refused(corporation.post("/dwellings", BODY, key=key), 400, "idempotency-key-required", ("Idempotency-Key", "required"))


def test_a_key_may_be_long_and_odd(corporation: Caller) -> None:
    for key in ("x" * 200, "é ; , \\ '"):
        content(corporation.post("/dwellings", BODY, key=key), 201)
        assert corporation.post("/dwellings", BODY, key=key).headers["Idempotency-Replayed"] == "true"


def test_the_key_of_somebody_else_is_another_one(corporation: Caller, other_corporation: Caller) -> None:
    mine, theirs = (content(caller.post("/dwellings", BODY, key="one"), 201) for caller in (corporation, other_corporation))
    assert mine["id"] != theirs["id"]


def test_a_refused_request_leaves_its_key_free(corporation: Caller) -> None:
    """Nothing is stored of a refusal: the transaction is rolled back, so the corrected request may use the key again."""
    refused(corporation.post("/dwellings", {}, key="one"), 400, "invalid-input", ("/municipalityCode", "required"))
    refused(corporation.post("/dwellings", {"municipalityCode": "GM9999"}, key="one"), 400, "rule-violation", ("/municipalityCode", "no-such-reference"))
    response = corporation.post("/dwellings", BODY, key="one")
    content(response, 201)
    assert "Idempotency-Replayed" not in response.headers


def test_a_batch_needs_no_key(corporation: Caller) -> None:
    body = {"items": [{**BODY, "id": str(uuid4())}]}
    summaries = [content(corporation.post("/dwellings/batch", body, key=None))["summary"] for _ in range(2)]
    assert [(each["created"], each["unchanged"]) for each in summaries] == [(1, 0), (0, 1)]


@pytest.mark.parametrize("refused_first", [False, True])
def test_eight_requests_at_once_make_one_row(live: Callable[[str], Caller], refused_first: bool) -> None:
    callers = [live("corporation-editor") for _ in range(8)]
    if refused_first:
        callers[0].post("/dwellings", {"municipalityCode": "GM9999"}, key="one")
    together = Barrier(8)

    def send(caller: Caller) -> tuple[int, bytes, str]:
        together.wait()
        response = caller.post("/dwellings", BODY, key="one")
        return response.status_code, response.data, response.headers["Location"]

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(send, callers))
    assert len(answers) == 1
    assert {status for status, _, _ in answers} == {201}
    assert len(content(callers[0].get("/dwellings"))["items"]) == 1


def test_all_eight_are_refused_alike(live: Callable[[str], Caller]) -> None:
    callers = [live("corporation-editor") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda caller: caller.post("/dwellings", {"municipalityCode": "GM9999"}, key="one"), callers))
    for response in responses:
        refused(response, 400, "rule-violation", ("/municipalityCode", "no-such-reference"))


def test_replaying_works_for_every_kind_of_answer(municipality: Caller, inspector: Caller, session: Session) -> None:
    body = {
        "dwellingId": str(makers.a_dwelling(session).id),
        "checklistId": str(makers.a_checklist(session).id),
        "occasion": "baseline",
        "organisationId": str(inspector.organisation and inspector.organisation.id),
    }
    first, again = (municipality.post("/inspections", body, key="plan") for _ in range(2))
    assert content(first, 201) == content(again, 201)
