"""What a proxy says of its callers, and what callers say themselves, on a real gunicorn."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import servers
from tests.owner import let_everybody_in

LIMIT = 3


@pytest.fixture
def api(fresh_database: str, tmp_path: Path) -> Iterator[servers.Api]:
    let_everybody_in(fresh_database)
    settings = {"REGISTRY_TRUSTED_PROXIES": "127.0.0.1", "REGISTRY_RATE_LIMIT_ADDRESS": f"{LIMIT}/minute"}
    with servers.gunicorn(fresh_database, tmp_path, "--workers", "1", **settings) as api:
        yield api


def stranger(api: servers.Api, address: str) -> int:
    return httpx.get(f"{api.url}/v1/me", headers={"X-Forwarded-For": f"1.2.3.4, {address}"}).status_code


def test_callers_behind_a_proxy_are_told_apart_and_refused_before_their_body_is_read(api: servers.Api) -> None:
    assert [stranger(api, "203.0.113.9") for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert stranger(api, "203.0.113.10") == 401
    head = "PUT /v1/schemes/x HTTP/1.1\r\nHost: register\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 429")


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "REMOTE_USER", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP"])
def test_no_other_header_changes_who_asks_or_for_what(api: servers.Api, name: str) -> None:
    for value in ("/v1/dwellings", "https", "203.0.113.77"):
        response = httpx.get(f"{api.url}/v1/me", headers={"Authorization": "Bearer dwr_t_of-the-ministry-auditor", name: value})
        assert (response.status_code, response.json()["role"]) == (200, "ministry-auditor")
