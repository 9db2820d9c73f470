"""`registry up` as a person runs it: it starts everything, survives the death of any part, and stops all of it."""

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
from PIL import Image

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


def an_inspection(client: httpx.Client) -> tuple[str, str]:
    """Id of a planned inspection and the token of its inspector, all made through the API."""
    administrator = "dev-administrator"
    send(client, "PUT", "/municipalities/GM0917", administrator, {"name": "Heerlen"})
    send(client, "POST", "/organisations", administrator, {"slug": "heerlen", "name": "Heerlen", "kind": "municipality", "municipalityCode": "GM0917"})
    body = send(client, "POST", "/organisations", administrator, {"slug": "keuring", "name": "Keuring", "kind": "inspection-body"}).json()
    editor, inspector = "dev-municipality-editor@heerlen", "dev-inspector@keuring"
    dwelling = send(client, "POST", "/dwellings", editor, {"municipalityCode": "GM0917"}).json()
    checklist = send(client, "GET", "/checklists?key=baseline", editor).json()["items"][0]
    me = send(client, "GET", "/me", inspector).json()
    plan = {"dwellingId": dwelling["id"], "checklistId": checklist["id"], "occasion": "baseline", "organisationId": body["id"], "assigneeId": me["personId"]}
    return send(client, "POST", "/inspections", editor, plan).json()["id"], inspector


def test_it_survives_the_death_of_every_part_and_keeps_what_it_has(folder: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), "green").save(file, "JPEG")
    content = file.getvalue()
    with registry_up(folder, 8710) as (process, client):
        inspection, inspector = an_inspection(client)
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
            wait_until_ready(client)
            assert send(client, "GET", f"/photos/{photo['id']}", inspector).json()["state"] in ("stored", "ready"), victim
        everyone = process.children(recursive=True)
    assert [child for child in everyone if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    with registry_up(folder, 8710) as (_, client):
        deadline = time.monotonic() + 30
        while (state := send(client, "GET", f"/photos/{photo['id']}", inspector).json())["state"] != "ready":
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        assert (state["widthPx"], state["heightPx"]) == (320, 240)
        assert send(client, "PUT", "/municipalities/GM0917", "dev-administrator", {"name": "Heerlen"}).status_code == 200


def test_development_tokens_do_nothing_outside_embedded_mode(folder: Path) -> None:
    """The same server with a database of one's own refuses them."""
    with registry_up(folder, 8720) as (process, client):
        (api, *_) = children(process, "gunicorn")
        own = {name: value for name, value in api.environ().items() if name != "REGISTRY_EMBEDDED"}
        argv = [sys.executable, "-m", "gunicorn", "--config", "python:api.serving", "--bind", "127.0.0.1:8729", "api.wsgi:app"]
        production = subprocess.Popen(argv, env=own)
        try:
            with httpx.Client(base_url="http://127.0.0.1:8729") as outside:
                wait_until_ready(outside)
                assert outside.get("/v1/me", headers={"Authorization": "Bearer dev-administrator"}).status_code == 401
        finally:
            production.terminate()
            production.wait(20)
        assert client.get("/v1/me", headers={"Authorization": "Bearer dev-administrator"}).status_code == 200
