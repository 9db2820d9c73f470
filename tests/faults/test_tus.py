"""Uploads in pieces on real gunicorn processes, over connections that break, stall, race and lie: nothing that arrived is lost, nothing is stored twice."""

import base64
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from registry import storage
from registry.photos.receiving import KEEP_AT_LEAST_BYTES, KEEP_EVERY_S
from tests import servers
from tests.faults.behind import inspectors, kept_bytes, upload_column
from tests.faults.impatient import STALL_S
from tests.faults.phone import LOST, PIECES, Answer, Phone, answer, eventually, metadata, reset, some_bytes

pytestmark = pytest.mark.usefixtures("bucket")
SIZE = 1_000_000
HALF = SIZE // 2
RACES = 40


@pytest.fixture(scope="module")
def database(engine: sa.Engine) -> Iterator[str]:
    name = f"tus_{uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture(scope="module")
def api(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Api]:
    with servers.gunicorn(database, tmp_path_factory.mktemp("api"), "--workers", "1") as api:
        yield api


@pytest.fixture(scope="module")
def other_api(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Api]:
    """Another process on the same database."""
    with servers.gunicorn(database, tmp_path_factory.mktemp("other"), "--workers", "1") as api:
        yield api


@pytest.fixture(scope="module")
def impatient_api(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Api]:
    with servers.gunicorn(database, tmp_path_factory.mktemp("impatient"), "--workers", "1", application="tests.faults.impatient:app()") as api:
        yield api


@pytest.fixture
def phone(database: str, api: servers.Api) -> Phone:
    ((token, inspection_id),) = inspectors(database, 1)
    return Phone(api.port, token, inspection_id)


@pytest.fixture
def elsewhere(phone: Phone, other_api: servers.Api) -> Phone:
    """The same phone, whose requests reach another process."""
    return Phone(other_api.port, phone.token, phone.inspection_id)


@pytest.fixture
def data() -> bytes:
    return some_bytes(SIZE)


def half_sent(phone: Phone, database: str, path: str, data: bytes, **headers: str) -> socket.socket:
    """A request that brings half of its body and then nothing, once the server is at it."""
    connection = phone.begin_patch(path, 0, len(data), data[: len(data) // 2], **headers)
    assert eventually(lambda: bool(upload_column(database, path, "receiving")))
    time.sleep(0.2)
    return connection


def finished(phone: Phone, database: str, path: str, data: bytes) -> None:
    """Go on from where the server says, and find the photo stored once."""
    offset = phone.offset(path)
    assert phone.patch(path, offset, data[offset:]).status == 204
    stored_once(database, data)


def stored_once(database: str, data: bytes) -> None:
    """There is one image with these bytes, its object has them, and no piece of it is left anywhere else."""
    digest = hashlib.sha256(data).digest()
    with psycopg.connect(database) as connection:
        ((key,),) = connection.execute("SELECT object_key FROM image WHERE sha256 = %s", [digest]).fetchall()
        ((left,),) = connection.execute("SELECT count(*) FROM fragment JOIN upload ON upload.id = upload_id WHERE state = 'stored'").fetchall()
    assert left == 0
    with storage.opened(key) as stream:
        assert stream.read() == data


@pytest.mark.parametrize("cut", [socket.socket.close, reset], ids=["FIN", "RST"])
def test_what_came_before_a_cut_is_kept(phone: Phone, database: str, data: bytes, cut: Callable[[socket.socket], None]) -> None:
    path = phone.created(data)
    cut(half_sent(phone, database, path, data))
    offset = phone.offset(path)
    assert 0.98 * HALF <= offset <= HALF
    assert kept_bytes(database, path) == data[:offset]
    finished(phone, database, path, data)


def test_what_is_kept_of_a_photo_that_comes_slowly_is_gone_when_it_is_stored(phone: Phone, database: str, data: bytes) -> None:
    path = phone.created(data)
    with phone.begin_patch(path, 0, SIZE, data[:HALF]) as slow:
        time.sleep(KEEP_EVERY_S + 0.5)
        slow.sendall(data[HALF:-1])
        assert eventually(lambda: upload_column(database, path, "offset_bytes") != 0)
        slow.sendall(data[-1:])
        assert answer(slow).status == 204
    stored_once(database, data)


@pytest.mark.parametrize("where", ["phone", "elsewhere"])
def test_a_look_ends_a_request_that_has_stalled_and_keeps_what_it_brought(
    phone: Phone, database: str, data: bytes, where: str, request: pytest.FixtureRequest
) -> None:
    looking: Phone = request.getfixturevalue(where)
    path = phone.created(data)
    with half_sent(phone, database, path, data) as stalled:
        began = time.monotonic()
        offset = looking.offset(path)
        assert time.monotonic() - began < 1.2
        assert 0.99 * HALF <= offset <= HALF
        said = told(stalled)
        assert said is None or (said.status == 503 and said.offset == offset)
        with suppress(OSError):
            stalled.sendall(data[HALF:])
    time.sleep(0.3)
    assert looking.offset(path) == offset
    assert kept_bytes(database, path) == data[:offset]
    assert looking.patch(path, offset, data[offset:]).status == 204
    stored_once(database, data)


def told(connection: socket.socket) -> Answer | None:
    try:
        return answer(connection)
    except LOST:
        return None


def test_who_does_not_hear_that_another_took_over_writes_nothing_any_more(
    phone: Phone, elsewhere: Phone, other_api: servers.Api, database: str, data: bytes
) -> None:
    path = phone.created(data)
    (worker,) = other_api.workers()
    with half_sent(elsewhere, database, path, data) as left_behind:
        worker.suspend()
        try:
            began = time.monotonic()
            offset = phone.offset(path)
            assert time.monotonic() - began < 1.5
            assert phone.patch(path, offset, data[offset : offset + 1000]).offset == offset + 1000
        finally:
            worker.resume()
        with suppress(OSError):
            left_behind.sendall(data[HALF:])
        said = told(left_behind)
        assert said is None or said.status in (409, 503)
    assert phone.offset(path) == offset + 1000
    finished(phone, database, path, data)


def test_the_same_body_eight_times_at_once_is_one_photo(phone: Phone, elsewhere: Phone, database: str, data: bytes) -> None:
    path = phone.created(data)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda place: (phone, elsewhere)[place % 2].patch(path, 0, data), range(8)))
    assert {each.status for each in answers} <= {204, 409, 503}
    if phone.offset(path) < SIZE:
        finished(phone, database, path, data)
    stored_once(database, data)


def all_taken(phone: Phone, database: str, size: int, cut: Callable[[socket.socket], None]) -> bytes:
    """What was sent before the connection was cut; nothing when not all of it was taken."""
    data = some_bytes(size)
    path = phone.created(data)
    connection = phone.begin_patch(path, 0, size, data)
    assert eventually(lambda: upload_column(database, path, "attempt") == 1)
    cut(connection)
    return data if eventually(lambda: phone.offset(path) == size, timeout_s=10) else b""


@pytest.mark.parametrize("cut", [socket.socket.close, reset], ids=["FIN", "RST"])
def test_a_photo_whose_last_answer_is_lost_is_stored(phone: Phone, database: str, cut: Callable[[socket.socket], None]) -> None:
    """The phone goes out of reach right after the last byte."""
    for size in (10_000, 100_000, SIZE):
        # A reset throws away what the server has not read yet: then it came too early, and not after the last byte.
        attempts = (all_taken(phone, database, size, cut) for _ in range(1 if cut is socket.socket.close else 5))
        stored_once(database, next(filter(None, attempts)))


def test_of_two_bodies_that_race_at_most_one_is_taken_and_they_are_never_mixed(phone: Phone, elsewhere: Phone, database: str) -> None:
    size = 60_000
    with ThreadPoolExecutor(2) as pool:
        for race in range(RACES):
            bodies = [some_bytes(size), some_bytes(size)]
            whole = size if race % 2 else 2 * size
            given = {"photoId": str(uuid4()), "inspectionId": phone.inspection_id, "question": "mould", "contentType": "image/jpeg"}
            path = str(phone.ask("POST", "/v1/tus", Upload_Length=str(whole), Upload_Metadata=metadata(given)).headers["Location"])
            tries = [pool.submit(who.patch, path, 0, body) for who, body in zip((phone, elsewhere), bodies, strict=True)]
            statuses = [each.result().status for each in tries]
            assert set(statuses) <= {204, 409, 503}
            assert statuses.count(204) <= 1
            offset = phone.offset(path)
            if statuses.count(204) == 1 and whole == size:
                stored_once(database, bodies[statuses.index(204)])
            elif statuses.count(204) == 1:
                assert (offset, kept_bytes(database, path)) == (size, bodies[statuses.index(204)])
            else:
                assert kept_bytes(database, path) in [body[:offset] for body in bodies]


@pytest.mark.parametrize("id", ["x", "..", "%00", "%2e%2e%2fme", "0" * 3000, "00000000-0000-0000-0000-000000000000", "*", "a/b", "%ff", "1%27--", "-1"])
def test_an_odd_id_is_nobodys_upload(phone: Phone, id: str) -> None:
    for method in ("HEAD", "PATCH", "DELETE", "GET"):
        response = phone.ask(method, f"/v1/tus/{id}", **({"Upload_Offset": "0", "Content_Type": PIECES} if method == "PATCH" else {}))
        assert response.status in (404, 405), (method, response)
        assert "Upload-Offset" not in response.headers


def test_nothing_comes_after_the_end(phone: Phone, database: str, data: bytes) -> None:
    path = phone.created(data)
    assert phone.patch(path, 0, data).status == 204
    at_the_end = phone.patch(path, SIZE, b"", Content_Type=PIECES)
    assert (at_the_end.status, at_the_end.offset) == (204, SIZE)
    more = phone.patch(path, SIZE, b"x")
    assert (more.status, more.offset) == (409, SIZE)
    stored_once(database, data)


def test_a_chunked_body_is_refused_and_changes_nothing(phone: Phone, data: bytes) -> None:
    path = phone.created(data)
    with phone.begin("PATCH", path, Upload_Offset="0", Content_Type=PIECES, Transfer_Encoding="chunked") as connection:
        connection.sendall(b"5\r\nbytes\r\n0\r\n\r\n")
        assert connection.recv(100).startswith((b"HTTP/1.1 411", b"HTTP/1.1 400"))
    assert phone.offset(path) == 0


def test_beginning_eight_times_at_once_is_beginning_once(phone: Phone, elsewhere: Phone, data: bytes) -> None:
    for _ in range(5):
        photo_id = str(uuid4())
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda place, id=photo_id: (phone, elsewhere)[place % 2].create(data, id), range(8)))
        assert [each.status for each in answers] == [201] * 8
        assert len({each.headers["Location"] for each in answers}) == 1


def test_an_interrupted_body_with_a_checksum_is_not_kept(phone: Phone, database: str, data: bytes) -> None:
    path = phone.created(data)
    checksum = f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"
    with half_sent(phone, database, path, data, Upload_Checksum=checksum):
        assert phone.offset(path) == 0
    reset(half_sent(phone, database, path, data, Upload_Checksum=checksum))
    assert phone.offset(path) == 0
    assert phone.patch(path, 0, data, Upload_Checksum=checksum).status == 204
    stored_once(database, data)


def test_a_request_from_which_nothing_comes_is_ended_and_its_bytes_are_kept(phone: Phone, impatient_api: servers.Api, database: str, data: bytes) -> None:
    phone = Phone(impatient_api.port, phone.token, phone.inspection_id)
    path = phone.created(data)
    began = time.monotonic()
    with half_sent(phone, database, path, data) as stalled:
        said = answer(stalled)
        assert time.monotonic() - began < STALL_S + 3
        assert (said.status, said.code, said.offset) == (503, "upload-interrupted", HALF)
        assert said.headers["Retry-After"]
        assert stalled.recv(1) == b""
    assert not upload_column(database, path, "receiving")
    finished(phone, database, path, data)


def test_a_body_that_dribbles_in_is_cut_off_and_its_bytes_are_kept(phone: Phone, impatient_api: servers.Api, database: str, data: bytes) -> None:
    phone = Phone(impatient_api.port, phone.token, phone.inspection_id)
    path, sent, began = phone.created(data), 0, time.monotonic()
    with phone.begin_patch(path, 0, SIZE) as dribbling:
        dribbling.settimeout(0.1)
        while time.monotonic() - began < 20:
            dribbling.sendall(data[sent : sent + 10])
            sent += 10
            with suppress(TimeoutError):
                assert dribbling.recv(100, socket.MSG_PEEK)
                break
        dribbling.settimeout(10)
        said = answer(dribbling)
    assert (said.status, said.code) == (503, "upload-interrupted")
    assert sent - 30 <= said.offset <= sent
    assert phone.offset(path) == said.offset
    finished(phone, database, path, data)


def test_a_process_that_is_told_to_end_keeps_what_came(phone: Phone, api: servers.Api, database: str, data: bytes) -> None:
    path = phone.created(data)
    with half_sent(phone, database, path, data) as under_way:
        (worker,) = api.workers()
        worker.terminate()
        said = told(under_way)
        assert said is None or (said.status == 503 and said.offset == HALF)
        worker.wait(15)
    assert eventually(lambda: bool(api.workers()))
    assert kept_bytes(database, path) == data[:HALF]
    finished(phone, database, path, data)


def test_a_process_that_is_killed_loses_no_more_than_it_brought_since_it_last_kept_something(
    phone: Phone, api: servers.Api, database: str, data: bytes
) -> None:
    path, step = phone.created(data), KEEP_AT_LEAST_BYTES // 2
    with phone.begin_patch(path, 0, SIZE) as connection:
        sent, began = 0, time.monotonic()
        while time.monotonic() - began < 2 * KEEP_EVERY_S + 1 and sent + step < SIZE:
            connection.sendall(data[sent : sent + step])
            sent += step
            time.sleep(0.4)
        (worker,) = api.workers()
        worker.kill()
        worker.wait(10)
    assert eventually(lambda: bool(api.workers()))
    offset = phone.offset(path)
    assert offset >= sent - KEEP_AT_LEAST_BYTES - step * (KEEP_EVERY_S / 0.4 + 1)
    assert 0 < offset <= sent
    assert kept_bytes(database, path) == data[:offset]
    finished(phone, database, path, data)


def test_after_all_of_that_nothing_broke(api: servers.Api, other_api: servers.Api, impatient_api: servers.Api) -> None:
    for each in (api, other_api, impatient_api):
        log = each.log.read_text()
        assert "Traceback" not in log, log[-3000:]
        assert "internal-error" not in log
