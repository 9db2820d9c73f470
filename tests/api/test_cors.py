"""A browser of an allowed origin may call the API, with its cookies; its preflight carries no token. Other origins get nothing."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import origins
from registry.settings import settings

ORIGIN = "https://inspectie.example.nl"
STRANGERS = [
    "https://elsewhere.example",
    "null",
    "*",
    "",
    "http://inspectie.example.nl",
    f"{ORIGIN}:8443",
    f"{ORIGIN}.evil.example",
    f"{ORIGIN}/",
    ORIGIN.upper(),
]
CORS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods")


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch, api: FlaskClient) -> FlaskClient:
    config = replace(settings(), allowed_origins=("https://other.example.nl", ORIGIN))
    monkeypatch.setattr(origins, "settings", lambda: config)
    return api


def preflight(client: FlaskClient, origin: str) -> TestResponse:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}
    return client.options("/v1/inspections/5b0d8f4e-6f0f-4c1e-9a51-3c1b7d1f2a60", headers=asked)


def test_a_preflight_of_an_allowed_origin_is_answered(allowed: FlaskClient) -> None:
    answer = preflight(allowed, ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    named = {"Authorization", "If-Match", "Idempotency-Key", "X-CSRF-Token", "Acting-For", "Reason", "Content-Type"}
    assert named <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer dwr_t_of-the-administrator"}])
def test_an_allowed_origin_may_read_every_answer_also_a_refusal(allowed: FlaskClient, headers: dict[str, str]) -> None:
    answer = allowed.get("/v1/me", headers={"Origin": ORIGIN, **headers})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"ETag", "Link", "Location", "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize("origin", STRANGERS)
def test_another_origin_is_allowed_nothing(allowed: FlaskClient, origin: str) -> None:
    for answer in (preflight(allowed, origin), allowed.get("/v1/me", headers={"Origin": origin})):
        assert [name for name in CORS if name in answer.headers] == []


@pytest.mark.parametrize("origin", [None, ORIGIN, "https://elsewhere.example"])
def test_no_store_of_answers_mixes_up_origins(allowed: FlaskClient, origin: str | None) -> None:
    answer = allowed.get("/v1/me", headers={"Origin": origin} if origin else {})
    assert {"Origin", "Accept-Language"} <= set(answer.vary)


def test_without_a_list_no_origin_is_allowed_anything(api: FlaskClient) -> None:
    answer = preflight(api, ORIGIN)
    assert [name for name in CORS if name in answer.headers] == []
    assert "Origin" not in answer.vary


def test_the_contract_is_open_to_all_and_takes_no_credentials(allowed: FlaskClient) -> None:
    answer = allowed.get("/v1/openapi.json", headers={"Origin": ORIGIN})
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
