"""A browser of an allowed origin may call the API; its preflight carries no token."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from api import origins
from registry.settings import settings

ORIGIN = "https://inspectie.example.nl"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch, api: FlaskClient) -> FlaskClient:
    config = replace(settings(), allowed_origins=(ORIGIN,))
    monkeypatch.setattr(origins, "settings", lambda: config)
    return api


def preflight(client: FlaskClient, origin: str):  # type: ignore[no-untyped-def]
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}
    return client.options("/v1/inspections/5b0d8f4e-6f0f-4c1e-9a51-3c1b7d1f2a60", headers=asked)


def test_a_preflight_of_an_allowed_origin_is_answered(allowed: FlaskClient) -> None:
    answer = preflight(allowed, ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert {"Authorization", "If-Match"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


def test_another_origin_is_allowed_nothing(allowed: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(allowed, "https://elsewhere.example").headers
    assert "Access-Control-Allow-Origin" not in allowed.get("/v1/me", headers={"Origin": "https://elsewhere.example"}).headers
