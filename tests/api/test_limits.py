"""A caller who asks too often is told when to come back, and nobody else notices."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from limits import parse
from werkzeug.test import TestResponse

from api import limits
from api.limits import UNLIMITED, Counts
from registry.members.model import CredentialKind
from registry.settings import settings
from tests import makers
from tests.api.browser import a_one_time_credential
from tests.api.callers import Caller, content, refused
from tests.owner import as_owner

LIMIT = 3


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch, api: FlaskClient) -> Iterator[FlaskClient]:
    config = replace(settings(), rate_limit_token=f"{LIMIT}/minute", rate_limit_address=f"{LIMIT}/minute")
    monkeypatch.setattr(limits, "settings", lambda: config)
    with as_owner() as session:
        makers.everybody(session)
    limits.callers.clear(), limits.addresses.clear()
    yield api
    limits.callers.clear(), limits.addresses.clear()


def me(client: FlaskClient, token: str | None = None, *, address: str = "198.51.100.1", **headers: str) -> TestResponse:
    credential = {"Authorization": f"Bearer {token}"} if token else {}
    return client.get("/v1/me", headers={**credential, "Accept-Language": "en", **headers}, environ_base={"REMOTE_ADDR": address})


def test_a_token_has_so_many_requests_and_then_must_wait(limited: FlaskClient) -> None:
    for _ in range(LIMIT):
        content(me(limited, "dwr_t_of-the-administrator"))
    response = me(limited, "dwr_t_of-the-administrator")
    problem = refused(response, 429, "too-many-requests")
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert response.headers["Retry-After"] in problem["detail"]
    content(me(limited, "dwr_t_of-the-ministry-auditor"))


def test_the_sentence_is_dutch_for_who_asks_for_it(limited: FlaskClient) -> None:
    responses = [me(limited, "dwr_t_of-the-administrator", **{"Accept-Language": "nl"}) for _ in range(LIMIT + 1)]
    assert responses[-1].json["detail"].startswith("Te veel verzoeken")  # type: ignore[index]


def test_a_token_is_counted_wherever_it_comes_from(limited: FlaskClient) -> None:
    statuses = [me(limited, "dwr_t_of-the-administrator", address=f"198.51.100.{each}").status_code for each in range(LIMIT + 1)]
    assert statuses == [200] * LIMIT + [429]


def test_a_token_has_one_count_however_its_header_is_spelled(limited: FlaskClient) -> None:
    token = "dwr_t_of-the-administrator"
    spellings = [f"Bearer {token}", f"bearer {token}", f"BEARER {token}", *(f"Bearer{' ' * spaces}{token}" for spaces in range(2, 9)), f"Bearer \t{token}\xa0"]
    assert [me(limited, Authorization=each).status_code for each in spellings] == [200] * LIMIT + [429] * (len(spellings) - LIMIT)


@pytest.mark.parametrize("header", ["Basic {0}", "Token {0}", "Bearer", "Bearer ", "Bearer\t{0}", "bearer{0}", "{0}", ""])
def test_what_is_no_bearer_token_is_counted_by_address(limited: FlaskClient, header: str) -> None:
    spellings = [header.replace("{0}", f"dwr_t_{each}") for each in range(LIMIT + 1)]
    assert [me(limited, Authorization=each).status_code for each in spellings] == [401] * LIMIT + [429]
    content(me(limited, "dwr_t_of-the-administrator", address="198.51.100.2"))


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/no-such-path"), ("DELETE", "/v1/me"), ("POST", "/v1/tokens"), ("GET", "/v1/openapi.json")])
def test_a_token_that_nobody_looked_at_counts_for_its_address(limited: FlaskClient, method: str, path: str) -> None:
    def ask(number: int) -> int:
        return limited.open(path, method=method, headers={"Authorization": f"Bearer dwr_t_{number}"}).status_code

    assert 429 not in [ask(each) for each in range(LIMIT)]
    assert ask(LIMIT) == 429


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer"])
def test_a_header_that_is_no_token_does_not_begin_the_count_of_a_session_anew(limited: FlaskClient, header: str) -> None:
    with as_owner() as session:
        cookie = a_one_time_credential(session, CredentialKind.SESSION, makers.a_person(session)).text
    limited.set_cookie(limits.SESSION_COOKIE, cookie, secure=True)
    assert [me(limited).status_code for _ in range(LIMIT - 1)] == [200] * (LIMIT - 1)
    assert me(limited, Authorization=header).status_code == 401
    assert [me(limited).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("tokens", [[None], ["dwr_t_nobody"], ["wrong-1", "wrong-2", "wrong-3", "wrong-4", "wrong-5"], [None, "dwr_t_nobody"]])
def test_who_has_no_valid_token_is_counted_by_address(limited: FlaskClient, tokens: list[str | None]) -> None:
    statuses = [me(limited, tokens[each % len(tokens)]).status_code for each in range(LIMIT + 2)]
    assert statuses == [401] * LIMIT + [429] * 2
    assert me(limited, address="198.51.100.2").status_code == 401


def test_strangers_do_not_use_up_the_room_of_a_caller_at_the_same_address(limited: FlaskClient) -> None:
    content(me(limited, "dwr_t_of-the-administrator"))
    assert [me(limited).status_code for _ in range(LIMIT + 1)][-1] == 429
    content(me(limited, "dwr_t_of-the-administrator"))


def test_ipv6_addresses_of_one_network_are_one_caller(limited: FlaskClient) -> None:
    statuses = [me(limited, address=f"2001:db8::{each}").status_code for each in range(LIMIT + 1)]
    assert statuses == [401] * LIMIT + [429]
    assert me(limited, address="2001:db8:0:1::1").status_code == 401


def test_a_session_is_counted_as_a_token_is(limited: FlaskClient) -> None:
    for _ in range(LIMIT):
        limited.set_cookie(limits.SESSION_COOKIE, "a session that nobody knows", secure=True)
        assert me(limited).status_code == 401
    assert me(limited).status_code == 429


def test_health_is_asked_as_often_as_one_likes(limited: FlaskClient) -> None:
    assert {limited.get("/healthz").status_code for _ in range(LIMIT + 2)} == {200}


def test_no_secret_is_kept(limited: FlaskClient) -> None:
    me(limited, "dwr_t_of-the-administrator")
    assert "dwr_t_of-the-administrator" not in repr(limits.callers._windows)
    assert all(len(key) == 32 for key in limits.callers._windows)


def test_an_empty_setting_switches_a_limit_off(administrator: Caller) -> None:
    """As it is for all other tests."""
    assert settings().rate_limit_token == ""
    for _ in range(20):
        content(administrator.get("/me"))


class TestCounts:
    RATE = parse("2/minute")

    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def counts(self, now: list[float]) -> Counts:
        return Counts(lambda: now[0])

    def test_a_window_begins_with_the_first_request_and_ends_after_its_time(self, counts: Counts, now: list[float]) -> None:
        assert [counts.hit(b"a", self.RATE) for _ in range(3)] == [0, 0, 60]
        now[0] += 59
        assert (counts.hit(b"a", self.RATE), counts.wait(b"a", self.RATE)) == (1, 1)
        now[0] += 1
        assert counts.wait(b"a", self.RATE) == 0
        assert counts.hit(b"a", self.RATE) == 0

    def test_asking_does_not_count(self, counts: Counts) -> None:
        assert {counts.wait(b"a", self.RATE) for _ in range(9)} == {0}
        assert b"a" not in counts

    def test_its_memory_is_bounded_and_who_came_first_is_forgotten_first(self, counts: Counts, now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MOST_CALLERS", 10)
        for each in range(25):
            now[0] += 0.1
            counts.hit(b"%d" % each, UNLIMITED)
        assert [b"%d" % each in counts for each in range(25)] == [False] * 15 + [True] * 10
