"""Clients that are slow, silent, too large or dishonest, on a real gunicorn of one process: they get a clear answer, and nobody else notices."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from api.bodies import LARGEST_BODY_BYTES, SILENCE_S, START_S
from api.headers import SECURITY_HEADERS
from tests import servers
from tests.owner import let_everybody_in

HEAD_S = 3
STALLED = 1000
AUDITOR = "Authorization: Bearer dwr_t_of-the-ministry-auditor\r\n"
ADMINISTRATOR = "Authorization: Bearer dwr_t_of-the-administrator\r\n"
PUT = "PUT /v1/schemes/slow HTTP/1.1\r\nHost: register\r\nContent-Type: application/json\r\n"
ME = "GET /v1/me HTTP/1.1\r\nHost: register\r\n"


@pytest.fixture(scope="module")
def database(engine: sa.Engine) -> Iterator[str]:
    name = f"slow_{uuid4().hex}"
    url = servers.create_database(name)
    let_everybody_in(url)
    yield url
    servers.drop_database(name)


@pytest.fixture(scope="module")
def api(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Api]:
    with servers.gunicorn(database, tmp_path_factory.mktemp("api"), "--workers", "1", "--keep-alive", str(HEAD_S)) as api:
        answers_me(api)  # what is loaded at the first request is loaded
        yield api


def connect(api: servers.Api, sent: str | bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", api.port), timeout=60)
    connection.sendall(sent.encode() if isinstance(sent, str) else sent)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What the server says until it closes the connection."""
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    connection.close()
    return said


def refused(said: bytes, status: int, code: str) -> None:
    """Exactly one answer: a problem that carries the security headers and closes the connection."""
    assert said.count(b"HTTP/1.1 ") == 1, said
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert lines[0].split()[1] == str(status), said
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert headers["connection"] == "close"
    assert headers["content-type"] == "application/problem+json"
    assert {name: headers.get(name.lower()) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert not re.search(r"[0-9]", headers.get("server", ""))


def answers_me(api: servers.Api) -> None:
    response = httpx.get(f"{api.url}/v1/me", headers={"Authorization": "Bearer dwr_t_of-the-ministry-auditor"}, timeout=20)
    assert response.status_code == 200, response.text


def eventually(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def connections(api: servers.Api) -> int:
    """Connections that the API holds to its callers."""
    (worker,) = api.workers()
    return sum(1 for each in worker.net_connections("tcp") if each.status != "LISTEN" and each.laddr.port == api.port)


def threads(api: servers.Api) -> int:
    (worker,) = api.workers()
    return int(worker.num_threads())


def test_a_thousand_stalled_clients_hold_up_nobody_and_leave_nothing_behind(api: servers.Api) -> None:
    before = threads(api)
    body = PUT + ADMINISTRATOR + 'Content-Length: 100000\r\n\r\n{"name": '
    with ExitStack() as stack:
        for each in range(STALLED):
            stack.enter_context(connect(api, body if each % 2 else ME + "X-Slow: "))
        assert eventually(lambda: connections(api) > STALLED / 2)
        for _ in range(20):
            answers_me(api)
        assert connections(api) > STALLED / 3
        assert threads(api) == before
    assert eventually(lambda: connections(api) == 0)
    answers_me(api)


def test_a_head_that_dribbles_in_is_cut_off(api: servers.Api) -> None:
    began = time.monotonic()
    with connect(api, ME) as connection, pytest.raises(OSError):  # noqa: PT012
        while time.monotonic() - began < 5 * HEAD_S:
            connection.sendall(b"X-A: b\r\n")
            time.sleep(0.2)
    assert time.monotonic() - began < 4 * HEAD_S


def test_a_connection_that_says_nothing_is_closed(api: servers.Api) -> None:
    began = time.monotonic()
    assert everything(connect(api)) == b""
    assert time.monotonic() - began < 4 * HEAD_S


@pytest.mark.slow
def test_a_body_that_stalls_or_dribbles_in_is_refused_and_a_caller_who_does_not_read_is_cut_off(api: servers.Api) -> None:
    head = PUT + ADMINISTRATOR + "Content-Length: 1000\r\n\r\n"
    with ThreadPoolExecutor() as pool:
        silent = pool.submit(timed, lambda: everything(connect(api, head + "{")))
        dribbling = pool.submit(timed, lambda: dribble(connect(api, head + "{")))
        deaf = pool.submit(timed, lambda: does_not_read(api))
        said, seconds = silent.result()
        refused(said, 408, "request-timeout")
        assert SILENCE_S - 1 < seconds < SILENCE_S + 10
        said, seconds = dribbling.result()
        refused(said, 408, "request-timeout")
        assert START_S - 1 < seconds < START_S + 10
        assert deaf.result()[0]
    assert eventually(lambda: connections(api) == 0)
    assert "Traceback" not in api.log.read_text()


def timed(act: Callable[[], object]) -> tuple[bytes, float]:
    began = time.monotonic()
    return act(), time.monotonic() - began  # type: ignore[return-value]


def dribble(connection: socket.socket) -> bytes:
    connection.settimeout(0.5)
    while True:
        try:
            said = connection.recv(65_536)
        except TimeoutError:
            connection.sendall(b" ")
            continue
        connection.settimeout(10)
        return said + everything(connection)


def does_not_read(api: servers.Api) -> bool:
    """Ask for the contract again and again and never read it; True when the server hangs up. Packed, as the server allows more time for more bytes."""
    ask = b"GET /v1/openapi.yaml HTTP/1.1\r\nHost: register\r\nAccept-Encoding: gzip\r\n\r\n"
    with connect(api, ask * 400) as connection:
        port = connection.getsockname()[1]
        (worker,) = api.workers()

        def held() -> bool:
            return any(each.raddr.port == port for each in worker.net_connections("tcp") if each.raddr)

        assert eventually(held)  # it is let in a moment after it is there
        return eventually(lambda: not held(), 90)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: servers.Api) -> None:
    refused(everything(connect(api, PUT + ADMINISTRATOR + f"Content-Length: {LARGEST_BODY_BYTES + 1}\r\n\r\n")), 413, "content-too-large")


def test_who_sends_all_of_a_body_that_is_too_large_can_still_read_the_answer(api: servers.Api) -> None:
    body = b" " * (4 * LARGEST_BODY_BYTES)
    connection = connect(api, PUT + ADMINISTRATOR + f"Content-Length: {len(body)}\r\n\r\n")
    connection.sendall(body)
    refused(everything(connection), 413, "content-too-large")


def test_the_body_of_a_stranger_is_not_waited_for(api: servers.Api) -> None:
    for path, status, code in (("/v1/schemes/slow", 401, "not-authenticated"), ("/v1/nothing", 404, "no-such-page")):
        head = PUT.replace("/v1/schemes/slow", path) + "Content-Length: 1000\r\n\r\n{"
        said, seconds = timed(lambda head=head: everything(connect(api, head)))  # type: ignore[misc]
        refused(said, status, code)
        assert seconds < SILENCE_S


def test_a_body_in_pieces_arrives(api: servers.Api) -> None:
    connection = connect(api, PUT + ADMINISTRATOR + 'Connection: close\r\nContent-Length: 18\r\n\r\n{"name":')
    time.sleep(0.5)
    connection.sendall(b' "Slowly"')
    time.sleep(0.5)
    connection.sendall(b"}")
    assert everything(connection).startswith(b"HTTP/1.1 201")


def test_a_body_that_breaks_off_changes_nothing(api: servers.Api) -> None:
    connection = connect(api, PUT.replace("slow", "broken-off") + ADMINISTRATOR + 'Content-Length: 30\r\n\r\n{"name": "Half"}')
    connection.shutdown(socket.SHUT_WR)
    assert b"400" in everything(connection)
    assert httpx.get(f"{api.url}/v1/schemes/broken-off", headers={"Authorization": "Bearer dwr_t_of-the-administrator"}).status_code == 404


def test_a_chunked_body_is_refused(api: servers.Api) -> None:
    head = PUT + ADMINISTRATOR + "Transfer-Encoding: chunked\r\n\r\n"
    refused(everything(connect(api, head + "2\r\n{}\r\n0\r\n\r\n" + ME + "\r\n")), 411, "length-required")
    refused(everything(connect(api, head)), 411, "length-required")


SMUGGLED = ME + AUDITOR + "\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 90\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: ²\r\n",
        "Content-Length: \r\n",
        "X-A: b\n\nGET / HTTP/1.1\r\n",
        "X A: b\r\n",
        "Content_Length: 2\r\nBad\r\n",
    ],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_nothing_after_it_is_answered(api: servers.Api, headers: str) -> None:
    refused(everything(connect(api, PUT + ADMINISTRATOR + headers + "\r\n{}" + SMUGGLED)), 400, "bad-request")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("NONSENSE\r\n\r\n", 400),
        ("GET /v1/me HTTP/9.9\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (PUT + "Transfer-Encoding: gzip-but-not\r\n\r\n", 501),
        ("GET /" + "a" * 5000 + " HTTP/1.1\r\n\r\n", 414),
        (ME + "X-A: " + "b" * 9000 + "\r\n\r\n", 431),
        (ME + "".join(f"X-{each}: b\r\n" for each in range(70)) + "\r\n", 431),
    ],
)
def test_what_is_no_request_of_a_decent_size_is_refused(api: servers.Api, request_: str, status: int) -> None:
    refused(everything(connect(api, request_)), status, "bad-request" if status < 500 else "internal-error")


def test_a_head_has_an_upper_bound_also_without_a_line_end(api: servers.Api) -> None:
    connection = connect(api)
    with pytest.raises(OSError):  # noqa: PT012
        for _ in range(10_000):
            connection.sendall(b"x" * 10_000)
    connection.close()
    answers_me(api)


def test_work_in_the_database_that_takes_long_holds_up_only_itself(api: servers.Api, database: str) -> None:
    """One process, 50 requests that wait for a lock: as many as the pool has get in, the others are told to come back, who needs no database is served."""
    headers = {"Authorization": "Bearer dwr_t_of-the-administrator"}
    with psycopg.connect(database) as holder, httpx.Client(base_url=api.url, headers=headers, timeout=60, limits=httpx.Limits(max_connections=60)) as client:
        holder.execute("LOCK TABLE scheme IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(50) as pool:
            waiting = [pool.submit(client.get, "/v1/schemes") for _ in range(50)]
            assert eventually(lambda: blocked(database) == 8)
            assert client.get("/healthz").status_code == 200
            assert eventually(lambda: sum(each.done() for each in waiting) == 42)
            holder.rollback()
            answers = [each.result() for each in waiting]
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [503] * 42
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
    assert httpx.get(f"{api.url}/v1/schemes", headers=headers).status_code == 200


def blocked(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").fetchone()
    assert row
    return int(row[0])


def test_after_all_of_that_nothing_is_leaked(api: servers.Api, database: str) -> None:
    assert eventually(lambda: connections(api) == 0)
    assert threads(api) < 10
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'").fetchone()
    assert row == (1,)
    log = api.log.read_text()
    assert "Traceback" not in log, log[-3000:]
