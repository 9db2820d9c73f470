"""Health, readiness, figures for Prometheus, and the contract."""

import pytest
import yaml
from flask.testing import FlaskClient

from registry.db import database
from tests.api.callers import Caller, always_there
from tests.contract_file import contract


def test_a_living_process_says_so(api: FlaskClient) -> None:
    response = api.get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})
    always_there(response)


@pytest.mark.usefixtures("bucket")
def test_a_register_with_database_and_store_is_ready(api: FlaskClient) -> None:
    assert api.get("/readyz").json == {"status": "ok", "database": "ok", "objectStore": "ok"}


@pytest.mark.usefixtures("bucket")
def test_a_register_without_database_is_alive_and_not_ready(application) -> None:  # type: ignore[no-untyped-def]
    database.connect("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    try:
        response = application.test_client().get("/readyz")
        assert application.test_client().get("/healthz").status_code == 200
    finally:
        database.use(None)
    assert response.status_code == 503
    assert (response.json["status"], response.json["database"], response.json["objectStore"]) == ("unavailable", "unavailable", "ok")


def test_prometheus_reads_routes_and_no_identities(administrator: Caller) -> None:
    administrator.get("/organisations/5b0d8f4e-6f0f-5c1e-9a51-3c1b7d1f2a60")
    administrator.client.open("/v1/me", method="INVENTED")
    text = administrator.client.get("/metrics").text
    assert "registry_request_seconds_bucket" in text
    assert "/v1/organisations/<uuid:organisation_id>" in text
    assert "5b0d8f4e" not in text
    assert "INVENTED" not in text


@pytest.mark.parametrize("accept", ["*/*", "application/yaml", "application/json"])
def test_the_contract_is_open_to_everyone(api: FlaskClient, accept: str) -> None:
    written = contract()
    for path, kind in (("/v1/openapi.json", "application/json"), ("/v1/openapi.yaml", "application/yaml")):
        response = api.get(path, headers={"Accept": accept})
        assert response.content_type == kind
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert yaml.load(response.text, Loader=yaml.CSafeLoader) == written


def test_the_contract_is_written_once(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes so long that a stranger who asked again and again held up everybody."""
    first = api.get("/v1/openapi.yaml").text
    monkeypatch.setattr("api.operations.as_yaml", None)
    assert api.get("/v1/openapi.yaml").text == first
