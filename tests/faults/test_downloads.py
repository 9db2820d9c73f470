"""Downloads of photos over bad networks, from a real gunicorn of one process: cut off, gone on with, slow, many at once."""

import hashlib
import io
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Role
from registry.db import sqlalchemy_url
from registry.settings import settings
from tests import makers, servers
from tests.faults.test_slow_clients import eventually

MIB = 1024 * 1024
DATA = os.urandom(8 * MIB)
"""Much more than the buffers of a connection hold."""
SLOW = 50
READ_BEFORE_THE_CUT = 500_000


@dataclass(frozen=True, slots=True)
class Register:
    api: servers.Api
    photo_id: UUID

    def held(self) -> int:
        """Connections that the process holds to the object store."""
        (worker,) = self.api.workers()
        port = urlsplit(settings().s3_endpoint).port
        return sum(1 for each in worker.net_connections("tcp") if each.raddr and each.raddr.port == port and each.status == "ESTABLISHED")

    def rss_mib(self) -> float:
        (worker,) = self.api.workers()
        return float(worker.memory_info().rss) / MIB

    @property
    def path(self) -> str:
        return f"/v1/photos/{self.photo_id}/original"

    def get(self, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.api.url}{self.path}", headers={"Authorization": f"Bearer {makers.known_token('inspector')}", **headers}, timeout=60)


@pytest.fixture(scope="module")
def register(engine: sa.Engine, bucket: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    name = f"downloads_{uuid4().hex}"
    url = servers.create_database(name)
    photo_id = a_photo(url)
    with servers.gunicorn(url, tmp_path_factory.mktemp("api"), "--workers", "1") as api:
        register = Register(api, photo_id)
        assert register.get().content == DATA
        yield register
    servers.drop_database(name)


def a_photo(url: str) -> UUID:
    key = f"media/{uuid4()}"
    storage.store(key, io.BytesIO(DATA), size_bytes=len(DATA), content_type="image/jpeg")
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        inspection = makers.an_inspection(session, makers.everybody(session)[Role.INSPECTOR])
        return makers.a_photo_of(session, inspection, DATA, object_key=key).id


def begin(register: Register) -> socket.socket:
    """A download over a connection that takes little at a time."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", register.api.port))
    head = f"GET {register.path} HTTP/1.1\r\nHost: register\r\nAuthorization: Bearer {makers.known_token('inspector')}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def take(connection: socket.socket, most_bytes: int) -> bytes:
    taken = bytearray()
    while len(taken) < most_bytes and (piece := connection.recv(min(65_536, most_bytes - len(taken)))):
        taken += piece
    return bytes(taken)


def body_of(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return body


@pytest.mark.parametrize("way", ["closed", "reset"])
def test_a_download_that_is_cut_lets_the_object_store_go_and_is_gone_on_with(register: Register, way: str) -> None:
    before = register.held()
    with begin(register) as connection:
        begun = body_of(take(connection, READ_BEFORE_THE_CUT))
        assert register.held() > 0
        if way == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert eventually(lambda: register.held() <= before, 10)
    rest = register.get(Range=f"bytes={len(begun)}-", **{"If-Range": f'"{hashlib.sha256(DATA).hexdigest()}"'})
    assert rest.status_code == 206
    assert begun + rest.content == DATA
    assert "Traceback" not in register.api.log.read_text()


@pytest.mark.slow
def test_many_slow_downloads_need_no_memory_and_hold_up_nobody(register: Register) -> None:
    """Fifty of 8 MiB at once, each at about 100 kB/s: what they have in common is not in memory fifty times, and not even once."""
    register.get()
    before, ends = register.rss_mib(), time.monotonic() + 6
    most = before

    def slowly(connection: socket.socket) -> bytes:
        taken = b""
        while time.monotonic() < ends:
            taken += take(connection, 10_000)
            time.sleep(0.1)
        return taken

    with ExitStack() as stack, ThreadPoolExecutor(SLOW) as pool:
        connections = [stack.enter_context(begin(register)) for _ in range(SLOW)]
        slow = [pool.submit(slowly, connection) for connection in connections]
        while time.monotonic() < ends:
            most = max(most, register.rss_mib())
            began = time.monotonic()
            assert httpx.get(f"{register.api.url}/healthz", timeout=5).status_code == 200
            assert time.monotonic() - began < 2
            time.sleep(0.2)
        assert register.held() >= SLOW
        begun = [each.result() for each in slow]
        for connection, taken in list(zip(connections, begun, strict=True))[:3]:
            assert body_of(taken + take(connection, len(DATA) + 10_000)) == DATA
    print(f"rss {before:.0f} MiB before, at most {most:.0f} MiB with {SLOW} slow downloads")  # noqa: T201
    assert most - before < 32
    assert eventually(lambda: register.held() <= storage.MOST_CONNECTIONS, 10)
    assert register.get().content == DATA


class Flaky:
    """Passes bytes on to the object store, and breaks off an answer of it after ``most_bytes``."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            caller, _ = self._listener.accept()
            store = socket.create_connection(("127.0.0.1", urlsplit(settings().s3_endpoint).port or 80))
            Thread(target=self._pass_on, args=(caller, store, 10**12), daemon=True).start()
            Thread(target=self._pass_on, args=(store, caller, self._most_bytes), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, most_bytes: int) -> None:
        with suppress(OSError):
            passed = 0
            while passed < most_bytes and (piece := source.recv(65_536)):
                target.sendall(piece)
                passed += len(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def test_what_breaks_off_at_the_object_store_is_not_taken_for_whole(engine: sa.Engine, bucket: None, tmp_path: Path) -> None:
    name = f"downloads_{uuid4().hex}"
    url = servers.create_database(name)
    photo_id = a_photo(url)
    with servers.gunicorn(url, tmp_path, "--workers", "1", REGISTRY_S3_ENDPOINT=Flaky(3 * MIB).endpoint) as api:
        register = Register(api, photo_id)
        for _ in range(3):
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                register.get()
        begun = take(begin(register), len(DATA))
        assert DATA.startswith(body_of(begun))
        assert 1 * MIB < len(begun) < 4 * MIB
        assert register.get(Range="bytes=-1000").content == DATA[-1000:]
    servers.drop_database(name)
