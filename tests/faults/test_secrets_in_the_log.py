"""What a caller sends in confidence stands in no log of the API, however its request ends."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from tests import servers
from tests.owner import let_everybody_in

TOKEN, COOKIE, PASSWORD, IN_QUERY, VALUE = "token-of-hers-4711", "cookie-of-hers-4712", "password-of-hers-4713", "query-of-hers-4714", "name-of-hers-4715"
SECRETS = (TOKEN, COOKIE, PASSWORD, IN_QUERY, VALUE)
HEADERS = {"Authorization": "Bearer dwr_t_of-the-administrator", "Cookie": f"__Host-registry-session={COOKIE}; token={TOKEN}", "X-CSRF-Token": TOKEN}
BODY = {"name": VALUE}


@pytest.fixture
def database(engine: sa.Engine) -> Iterator[str]:
    name = f"secrets_{uuid4().hex}"
    url = servers.create_database(name)
    let_everybody_in(url)
    yield url
    servers.drop_database(name)


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[servers.Api]:
    with servers.gunicorn(database, tmp_path, "--workers", "1", REGISTRY_LOG_LEVEL="DEBUG") as api:
        yield api


def test_no_secret_of_a_caller_and_none_of_ours_is_logged(api: servers.Api, database: str) -> None:
    def put(body: dict[str, str], slug: str = "x", **more: str) -> int:
        return httpx.put(f"{api.url}/v1/schemes/{slug}?token={IN_QUERY}", json=body, headers={**HEADERS, **more}, timeout=30).status_code

    assert put({**BODY, "password": PASSWORD}) == 400
    assert put(BODY, Authorization=f"Bearer {TOKEN}") == 401
    assert put(BODY) == 201
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        assert put(BODY) == 503
        connection.execute("ALTER TABLE scheme ADD CONSTRAINT ck_scheme_nothing_new CHECK (false) NOT VALID")
        assert put(BODY, "y") == 500
        connection.execute("ALTER TABLE scheme RENAME TO scheme_elsewhere")
        assert put(BODY) == 500
    assert httpx.get(f"{api.url}/v1/nothing/{TOKEN}?code={IN_QUERY}", headers=HEADERS).status_code == 404
    log = api.log.read_text()
    assert log.count("internal-error") >= 2, log
    assert "unavailable" in log
    assert "Traceback" in log
    ours = (sa.make_url(database).password, os.environ["REGISTRY_S3_SECRET_KEY"])
    assert all(ours)
    assert [secret for secret in (*SECRETS, *ours) if str(secret) in log] == [], log


def test_a_request_that_gunicorn_refuses_leaves_no_secret_in_the_log(api: servers.Api) -> None:
    for text in (
        f"GET /v1/me?token={IN_QUERY} HTTP/9.9\r\n\r\n",
        f"GET /v1/me HTTP/1.1\r\nAuthorization Bearer {TOKEN}\r\n\r\n",
        f"GET /?password={PASSWORD}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", api.port), timeout=30) as connection:
            connection.sendall(text.encode())
            assert b" 400 " in connection.recv(1000)
    log = api.log.read_text()
    assert "Invalid" in log
    assert [secret for secret in SECRETS if secret in log] == [], log
