"""ODK Collect against a real gunicorn whose requests commit: what it says first, messages that break off, the same one twice at once, chunks, and a crash."""

import hashlib
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.audit.model import AuditLine
from registry.checklists.model import Checklist
from registry.checklists.rules import digest
from registry.db import sqlalchemy_url
from registry.inspections.model import Inspection, InspectionRevision, InspectionStatus
from registry.openrosa.model import OpenRosaInstance
from registry.openrosa.outline import outline
from registry.openrosa.xform import xform
from registry.photos.model import Image, Photo, PhotoState
from tests import makers, servers
from tests.api.collect import DATE, a_picture, message, messages, part
from tests.registry.openrosa.checklists import EVERYTHING
from tests.registry.openrosa.filling import filled

pytestmark = pytest.mark.usefixtures("bucket")

FORM = xform(outline(EVERYTHING))
PICTURES = {"voor-1.jpg": a_picture("#102030", (1200, 900)), "voor-2.jpg": a_picture("#203040", (1200, 900))}
BASIC = f"Basic {b64encode(f'anna@example.nl:{makers.known_token(Role.INSPECTOR)}'.encode()).decode()}"
COLLECT = {"User-Agent": "org.odk.collect.android/v2025.3.1", "X-OpenRosa-Version": "1.0", "Date": DATE}
SENT = {**COLLECT, "Authorization": BASIC}
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Register:
    api: servers.Api
    owner: sa.Engine
    inspector: Actor
    checklist_id: UUID

    def inspection(self) -> UUID:
        with Session(self.owner) as session, session.begin():
            found: UUID = makers.an_inspection(session, self.inspector, checklist_id=self.checklist_id).id
        return found

    def post(self, body: bytes | Iterator[bytes], content_type: str) -> httpx.Response:
        headers = {**SENT, "Content-Type": content_type}
        return httpx.post(f"{self.api.url}/v1/openrosa/submission?deviceID=c", content=body, headers=headers, timeout=60)

    def count(self, table: type, inspection_id: UUID) -> int:
        with Session(self.owner) as session:
            return session.scalar(sa.select(sa.func.count()).select_from(table).where(table.inspection_id == inspection_id)) or 0  # type: ignore[attr-defined]

    def is_whole(self, inspection_id: UUID, pictures: Sequence[bytes] = tuple(PICTURES.values())) -> None:
        """Everything arrived, once."""
        with Session(self.owner) as session:
            inspection = session.get_one(Inspection, inspection_id)
            photos = session.scalars(sa.select(Photo).where(Photo.inspection_id == inspection_id)).all()
            lines = session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == str(inspection_id))).all()
        assert inspection.status is InspectionStatus.SUBMITTED
        assert inspection.complete_at is not None
        assert sorted(photo.sha256 or b"" for photo in photos) == sorted(hashlib.sha256(data).digest() for data in pictures)
        assert {photo.state for photo in photos} == {PhotoState.STORED}
        assert lines.count("inspection.submitted") == lines.count("inspection.received-by-openrosa") == 1
        assert (self.count(InspectionRevision, inspection_id), self.count(OpenRosaInstance, inspection_id)) == (1, 1)


@pytest.fixture(scope="module")
def register(engine: sa.Engine, bucket: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    name = f"openrosa_{uuid4().hex}"
    url = servers.create_database(name)
    owner = sa.create_engine(sqlalchemy_url(url))
    with Session(owner, expire_on_commit=False) as session, session.begin():
        inspector = makers.everybody(session)[Role.INSPECTOR]
        session.add(checklist := Checklist(key="everything", edition=3, content=EVERYTHING, digest=digest(EVERYTHING)))
    with servers.gunicorn(url, tmp_path_factory.mktemp("openrosa")) as api:
        yield Register(api, owner, inspector, checklist.id)
    owner.dispose()
    servers.drop_database(name)


def done(inspection_id: UUID) -> bytes:
    values = {
        "visit/inspection": str(inspection_id),
        "visit/outcome": "done",
        "answers/first/mould/answer": "none",
        "answers/first/danger/answer": "no",
        "answers/parts/roof/state": "none",
        "answers/parts/front/photo-1": "voor-1.jpg",
        "answers/parts/front/photo-2": "voor-2.jpg",
    }
    return filled(FORM, values, instance_id=f"uuid:{uuid4()}")


def one_message(inspection_id: UUID) -> tuple[bytes, str]:
    ((body, content_type),) = messages(done(inspection_id), PICTURES, 10**7)
    return body, content_type


def test_collect_is_challenged_then_told_where_to_send_and_sends(register: Register) -> None:
    inspection_id = register.inspection()
    with httpx.Client(base_url=register.api.url, headers=COLLECT) as collect:
        challenged = collect.head("/v1/openrosa/submission?deviceID=c")
        assert (challenged.status_code, challenged.headers["WWW-Authenticate"]) == (401, 'Basic realm="registry", charset="UTF-8"')
        collect.headers["Authorization"] = BASIC
        told = collect.head("/v1/openrosa/submission?deviceID=c")
        assert (told.status_code, told.headers["Location"]) == (204, f"{register.api.url}/v1/openrosa/submission")
        assert len(told.headers.get_list("Date")) == 1
        for body, content_type in messages(done(inspection_id), PICTURES, int(told.headers["X-OpenRosa-Accept-Content-Length"])):
            assert collect.post(told.headers["Location"], content=body, headers={"Content-Type": content_type}).status_code == 201
    register.is_whole(inspection_id)


def test_a_message_that_breaks_off_leaves_nothing_and_is_whole_the_next_time(register: Register) -> None:
    inspection_id = register.inspection()
    body, content_type = one_message(inspection_id)
    for cut in (200, len(body) // 2, len(body) - 4):
        with socket.create_connection(("127.0.0.1", register.api.port), timeout=30) as connection:
            connection.sendall(head(content_type, f"Content-Length: {len(body)}") + body[:cut])
            time.sleep(0.2)
    time.sleep(1)
    assert (register.count(Photo, inspection_id), register.count(OpenRosaInstance, inspection_id)) == (0, 0)
    assert register.post(body, content_type).status_code == 201
    register.is_whole(inspection_id)


def head(content_type: str, length: str) -> bytes:
    lines = ["POST /v1/openrosa/submission HTTP/1.1", f"Host: 127.0.0.1:{0}", *(f"{name}: {value}" for name, value in SENT.items())]
    return "\r\n".join([*lines, f"Content-Type: {content_type}", length, "", ""]).encode()


def test_the_same_message_many_times_at_once_arrives_once(register: Register) -> None:
    inspection_id = register.inspection()
    body, content_type = one_message(inspection_id)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda _: register.post(body, content_type).status_code, range(AT_ONCE)))
    assert set(statuses) == {201}
    register.is_whole(inspection_id)


def test_two_forms_about_one_inspection_at_once_are_both_kept(register: Register) -> None:
    inspection_id = register.inspection()
    forms = [done(inspection_id).replace(b"<remarks/>", f"<remarks>{place}</remarks>".encode()) for place in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda xml: register.post(*message([part("xml_submission_file", xml, "text/xml", "a.xml")])).status_code, forms))
    assert sorted(statuses) == [201] + [202] * (AT_ONCE - 1)
    assert register.count(OpenRosaInstance, inspection_id) == AT_ONCE


def test_a_body_in_chunks_is_taken_in(register: Register) -> None:
    """OpenRosa demands it of servers; Collect and Enketo know their sizes."""
    inspection_id = register.inspection()
    body, content_type = one_message(inspection_id)
    pieces = (body[start : start + 1000] for start in range(0, len(body), 1000))
    response = register.post(pieces, content_type)
    assert (response.status_code, response.request.headers["Transfer-Encoding"]) == (201, "chunked")
    register.is_whole(inspection_id)
    for broken in (b"5\r\nabc", b"zz\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", register.api.port), timeout=30) as connection:
            connection.sendall(head(content_type, "Transfer-Encoding: chunked") + broken)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_without_end_is_stopped(register: Register) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="a.jpg"; filename="a.jpg"\r\n\r\n'
        while True:
            yield b"\xff" * 262_144

    with suppress(httpx.TransportError):  # it went on sending
        assert register.post(endless(), "multipart/form-data; boundary=b").status_code == 413


def test_a_crash_between_the_document_and_its_photos_loses_nothing(register: Register) -> None:
    """Whatever moment the process ends at, sending it all again makes it whole."""
    for pause in (0.03, 0.08):
        inspection_id = register.inspection()
        body, content_type = one_message(inspection_id)
        sender = threading.Thread(target=lambda body=body, content_type=content_type: quietly(register, body, content_type))
        sender.start()
        time.sleep(pause)
        for worker in register.api.workers():
            worker.kill()
        sender.join()
        assert again(register, body, content_type) == 201
        register.is_whole(inspection_id)


def quietly(register: Register, body: bytes, content_type: str) -> None:
    with suppress(httpx.TransportError):
        register.post(body, content_type)


def again(register: Register, body: bytes, content_type: str) -> int:
    """Until there is a process that answers."""
    for _ in range(50):
        try:
            return register.post(body, content_type).status_code
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError


def test_an_image_is_kept_once(register: Register) -> None:
    with Session(register.owner) as session:
        digests = session.scalars(sa.select(Image.sha256)).all()
    assert len(digests) == len(set(digests))
