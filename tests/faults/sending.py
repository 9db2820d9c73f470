"""What tests with real clients of tus begin from: a gunicorn of two processes with a journal, a slow line to it, an inspection, and photos on disk."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Role
from registry.db import sqlalchemy_url
from registry.photos.model import Fragment, Image, Photo, Upload, UploadState
from tests import makers, servers
from tests.faults import journal
from tests.faults.slow_line import Line, slow_line

CLIENTS = Path(__file__).parents[1] / "tus"
TOKEN = makers.known_token(Role.INSPECTOR)
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept-Language": "en"}
SLOW_BYTES_PER_S = 500_000
PATIENCE_S = 60


@dataclass(slots=True)
class Register:
    """A running API, its database as the owner sees it, and a slow line to it."""

    api: servers.Api
    owner: sa.Engine
    line: Line
    inspection_id: UUID
    _seen: int = 0

    def begin(self) -> None:
        """Forget what came before this test."""
        self._seen = len(journal.requests(self.api.log))
        self.line.carried_bytes, self.line.bytes_per_s = 0, SLOW_BYTES_PER_S

    def requests(self) -> list[journal.Request]:
        """What came since this test began, without looks at how far it is."""
        since = journal.requests(self.api.log)[self._seen :]
        return [request for request in since if request.path.startswith("/v1/tus") and request.method != "GET"]

    def brought_bytes(self) -> int:
        return sum(request.brought_bytes for request in self.requests())

    def kill_when_some_is_kept(self, photo_id: str) -> None:
        """End the processes of the API as a lack of memory does, while bytes of this photo come in. The line is fast from then on."""
        assert eventually(lambda: self._offset_of(photo_id) > 0)
        time.sleep(0.2)
        for worker in self.api.workers():
            worker.kill()
        self.line.bytes_per_s = 20 * SLOW_BYTES_PER_S

    def _offset_of(self, photo_id: str) -> int:
        with Session(self.owner) as session:
            return session.scalar(sa.select(Upload.offset_bytes).where(Upload.photo_id == UUID(photo_id), Upload.state == UploadState.RECEIVING)) or 0


@contextmanager
def a_register(folder: Path, **settings: str) -> Iterator[Register]:
    name = f"clients_{uuid4().hex}"
    url = servers.create_database(name)
    owner = sa.create_engine(sqlalchemy_url(url))
    with Session(owner) as session, session.begin():
        inspection_id = makers.an_inspection(session, makers.everybody(session)[Role.INSPECTOR]).id
    options = ("--graceful-timeout", "2")  # a client may keep a connection open
    with servers.gunicorn(url, folder, *options, application="tests.faults.journal:journalled()", **settings) as api, slow_line(api.port, 1) as line:
        yield Register(api, owner, line, inspection_id)
    owner.dispose()
    servers.drop_database(name)


@dataclass(frozen=True, slots=True)
class ToSend:
    """A photo on the disk of who sends it, and what she says of it."""

    file: Path
    data: bytes
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def photo_id(self) -> str:
        return self.metadata["photoId"]


def to_send(register: Register, folder: Path, size_bytes: int) -> ToSend:
    file = folder / "IMG_0001.jpg"
    file.write_bytes(b"\xff\xd8" + os.urandom(size_bytes - 2))
    said = {"photoId": str(uuid4()), "inspectionId": str(register.inspection_id), "question": "mould", "contentType": "image/jpeg"}
    return ToSend(file, file.read_bytes(), {**said, "caption": "Schimmel in de hoek, ernstig – 2 m²"})


def is_stored_once(register: Register, photo: ToSend, *, uploads: int = 1) -> None:
    """As the API says, as the tables have it, and as the object store has it. ``uploads`` were begun for it."""
    sha256 = hashlib.sha256(photo.data)
    said = httpx.get(f"{register.api.url}/v1/photos/{photo.photo_id}", headers=HEADERS).raise_for_status().json()
    assert (said["state"], said["sha256"], said["sizeBytes"]) == ("stored", sha256.hexdigest(), len(photo.data))
    with Session(register.owner) as session:
        image = session.scalars(sa.select(Image).where(Image.sha256 == sha256.digest())).one()
        assert session.scalars(sa.select(Photo.id).where(Photo.image_id == image.id)).all() == [UUID(photo.photo_id)]
        states = session.scalars(sa.select(Upload.state).where(Upload.photo_id == UUID(photo.photo_id))).all()
        assert (len(states), states.count(UploadState.STORED)) == (uploads, 1)
        assert session.scalar(sa.select(sa.func.count()).select_from(Fragment)) == 0
    with storage.opened(image.object_key) as stream:
        assert hashlib.file_digest(stream, "sha256").digest() == sha256.digest()


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def node() -> str:
    """Skips the test where there is no node, or `make` has not installed the clients."""
    program = shutil.which("node")
    if program is None or not (CLIENTS / "node_modules" / "tus-js-client").exists():
        pytest.skip("there is no node here, or the clients of tus are not installed (make check installs them)")
    return program
