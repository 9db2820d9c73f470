"""`registry up` as a person runs it: it starts everything, survives the death of any part, and stops all of it."""

import contextlib
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import httpx
import psutil
import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.orm import Session

from registry.db import sqlalchemy_url
from registry.embedded.postgres import Postgres
from registry.members.model import Membership, Person
from tests import makers

pytestmark = pytest.mark.slow
READY_WITHIN_S = 60
JSON = dict[str, object]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(mkdtemp(prefix="registry-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def registry_up(folder: Path, port: int) -> Iterator[tuple[psutil.Process, httpx.Client]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    argv = [sys.executable, "-m", "registry.cli", "up", "--data", str(folder), "--port", str(port)]
    process = subprocess.Popen(argv, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            wait_until_ready(client)
            yield psutil.Process(process.pid), client
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output.decode()


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the register did not become ready")


def children(process: psutil.Process, name: str) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if name in " ".join(child.cmdline())]


def send(client: httpx.Client, method: str, path: str, token: str, body: JSON | None = None, **headers: str) -> httpx.Response:
    head = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4()), **headers}
    response = client.request(method, f"/v1{path}", json=body, headers=head)
    response.raise_for_status()
    return response


def admitted(client: httpx.Client, administrator: str, role: str, organisation_id: str) -> str:
    """The token of a new member."""
    body: JSON = {"email": f"{role}@example.nl", "name": "Voorbeeld", "role": role, "validFrom": "2020-01-01", "organisationId": organisation_id}
    member = send(client, "POST", "/members", administrator, body).json()
    code = send(client, "POST", "/enrolments", administrator, {"memberId": member["id"], "name": "telefoon"}).json()["code"]
    return str(client.post("/v1/tokens", json={"code": code}).json()["token"])


def an_inspection(client: httpx.Client, administrator: str) -> tuple[str, str]:
    """Id of a planned inspection and the token of its inspector, all made through the API."""
    send(client, "PUT", "/municipalities/GM0917", administrator, {"name": "Heerlen"})
    municipality: JSON = {"slug": "heerlen", "name": "Heerlen", "kind": "municipality", "municipalityCode": "GM0917"}
    heerlen = send(client, "POST", "/organisations", administrator, municipality).json()
    body = send(client, "POST", "/organisations", administrator, {"slug": "keuring", "name": "Keuring", "kind": "inspection-body"}).json()
    editor = admitted(client, administrator, "municipality-editor", heerlen["id"])
    inspector = admitted(client, administrator, "inspector", body["id"])
    dwelling = send(client, "POST", "/dwellings", editor, {"municipalityCode": "GM0917"}).json()
    checklist = send(client, "GET", "/checklists?key=baseline", editor).json()["items"][0]
    me = send(client, "GET", "/me", inspector).json()
    plan = {"dwellingId": dwelling["id"], "checklistId": checklist["id"], "occasion": "baseline", "organisationId": body["id"], "assigneeId": me["personId"]}
    return send(client, "POST", "/inspections", editor, plan).json()["id"], inspector


def first_administrator(folder: Path) -> str:
    """The token of the administrator that the first start made, as whoever owns the data folder can make one."""
    url = Postgres.running_address(folder / "postgresql")
    assert url is not None
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        person = session.scalars(sa.select(Person)).one()
        return makers.a_token(session, person, session.scalars(sa.select(Membership)).one())


def state_of(client: httpx.Client, photo_id: str, inspector: str) -> str:
    """As soon as somebody answers: a process that has lost its parent may say that all is well, and end before the next request."""
    while True:
        wait_until_ready(client)
        with contextlib.suppress(httpx.TransportError):
            return str(send(client, "GET", f"/photos/{photo_id}", inspector).json()["state"])


def test_it_survives_the_death_of_every_part_and_keeps_what_it_has(folder: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), "green").save(file, "JPEG")
    content = file.getvalue()
    with registry_up(folder, 8710) as (process, client):
        administrator = first_administrator(folder)
        inspection, inspector = an_inspection(client, administrator)
        photo = {
            "id": str(uuid4()),
            "inspectionId": inspection,
            "question": "mould",
            "sha256": hashlib.sha256(content).hexdigest(),
            "sizeBytes": len(content),
            "contentType": "image/jpeg",
        }
        put = send(client, "POST", "/uploads/batch", inspector, {"items": [photo]}).json()["results"][0]["put"]
        assert httpx.put(put["url"], content=content, headers=put["headers"]).status_code == 200
        send(client, "POST", f"/uploads/{photo['id']}/complete", inspector)
        for victim in ("registry.cli worker", "gunicorn", "weed", "postgres"):
            for child in children(process, victim)[:1]:
                child.kill()
            time.sleep(0.5)
            assert state_of(client, photo["id"], inspector) in ("stored", "ready"), victim
        everyone = process.children(recursive=True)
    assert [child for child in everyone if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    with registry_up(folder, 8710) as (_, client):
        deadline = time.monotonic() + 30
        while (state := send(client, "GET", f"/photos/{photo['id']}", inspector).json())["state"] != "ready":
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        assert (state["found"]["widthPx"], state["found"]["heightPx"]) == (320, 240)
        assert send(client, "PUT", "/municipalities/GM0917", administrator, {"name": "Heerlen"}).status_code == 200
