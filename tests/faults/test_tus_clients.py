"""Real clients of tus against a real gunicorn: tus-js-client on node, and tuspy. None of them was made for us. Uppy stands in `test_uppy.py`."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.fingerprint.fingerprint import Fingerprint
from tusclient.storage.filestorage import FileStorage

from tests.faults.sending import CLIENTS, HEADERS, PATIENCE_S, SLOW_BYTES_PER_S, TOKEN, Register, ToSend, a_register, is_stored_once, node, to_send

SIZE = 2_500_000
LOST_BYTES = SLOW_BYTES_PER_S
"""What may come twice: a second of the line."""


@pytest.fixture(scope="module")
def running(bucket: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    with a_register(tmp_path_factory.mktemp("api")) as register:
        yield register


@pytest.fixture
def register(running: Register) -> Register:
    running.begin()
    return running


@pytest.fixture
def photo(register: Register, tmp_path: Path) -> ToSend:
    return to_send(register, tmp_path, SIZE)


def begun(register: Register, photo: ToSend, way: str) -> subprocess.Popen[str]:
    asked = {
        "way": way,
        "fast": f"{register.api.url}/v1/tus",
        "slow": f"{register.line.url}/v1/tus",
        "token": TOKEN,
        "file": str(photo.file),
        "metadata": photo.metadata,
        "storage": str(photo.file.with_suffix(".addresses")),
    }
    return subprocess.Popen([node(), str(CLIENTS / "client.mjs"), json.dumps(asked)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


def sent(register: Register, photo: ToSend, way: str) -> list[tuple[str, int, str | None]]:
    """Method, status and Upload-Offset of the answers that tus-js-client saw."""
    result = ended(begun(register, photo, way))
    assert result["error"] is None, result
    return [(method, status, offset) for method, status, offset in result["answers"]]


ONCE = [
    "one PATCH",
    "one PATCH of a file",
    "with the creation",
    "with the creation, in pieces",
    "in pieces",
    "POST only",
    "length told last",
    "length told last, with the creation",
]


@pytest.mark.parametrize("way", ONCE)
def test_tus_js_client_sends_a_photo(register: Register, photo: ToSend, way: str) -> None:
    answers = sent(register, photo, way)
    assert {status for _, status, _ in answers} <= {201, 204}
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


def test_tus_js_client_sends_a_photo_slowly(register: Register, photo: ToSend) -> None:
    """So slowly that what has come is kept on the way."""
    register.line.bytes_per_s = SIZE // 3
    assert [(method, status) for method, status, _ in sent(register, photo, "one PATCH, slowly")] == [("POST", 201), ("PATCH", 204)]
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


@pytest.mark.parametrize("way", ["from a stored address", "from a remembered address"])
def test_tus_js_client_goes_on_where_it_was_broken_off(register: Register, photo: ToSend, way: str) -> None:
    answers = sent(register, photo, way)
    assert [(method, status) for method, status, _ in answers] == [("POST", 201), ("HEAD", 200), ("PATCH", 204)]
    assert answers[1][2] != "0"
    assert register.brought_bytes() < SIZE + LOST_BYTES
    is_stored_once(register, photo)


def test_tus_js_client_goes_on_when_the_processes_are_killed_in_the_middle(register: Register, photo: ToSend) -> None:
    process = begun(register, photo, "one PATCH, slowly")
    register.kill_when_some_is_kept(photo.photo_id)
    result = ended(process)
    assert result["error"] is None, result
    assert register.brought_bytes() < SIZE + LOST_BYTES
    is_stored_once(register, photo)


def test_tus_js_client_ends_an_upload_and_sends_the_photo_anew(register: Register, photo: ToSend) -> None:
    answers = sent(register, photo, "ended, then anew")
    assert [(method, status) for method, status, _ in answers] == [("POST", 201), ("DELETE", 204), ("POST", 201), ("PATCH", 204)]
    is_stored_once(register, photo, uploads=2)


def test_tus_js_client_that_creates_anew_after_a_401_gets_the_same_upload(register: Register, photo: ToSend) -> None:
    """It forgets its address when HEAD is refused. It always sends from 0 what it has created, so it is told once where to go on."""
    answers = sent(register, photo, "token forgotten with HEAD")
    begun_with = [(method, status) for method, status, _ in answers[:5]]
    assert begun_with == [("POST", 201), ("HEAD", 401), ("POST", 201), ("PATCH", 409), ("HEAD", 200)]
    assert answers[2][2] != "0"
    assert register.brought_bytes() < SIZE + LOST_BYTES
    is_stored_once(register, photo)


def test_tus_js_client_goes_on_after_a_401_in_the_middle(register: Register, photo: ToSend) -> None:
    answers = sent(register, photo, "token forgotten with PATCH")
    assert answers[2:4] == [("PATCH", 401, None), ("HEAD", 200, "300000")]
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


def test_tus_js_client_is_told_at_once_that_parts_in_parallel_are_not_offered(register: Register, photo: ToSend) -> None:
    result = ended(begun(register, photo, "in parallel"))
    assert "Upload-Concat" in result["error"]
    assert "parallelUploads: 1" in result["error"]
    assert result["answers"] == [["POST", 400, None]]
    assert len(register.requests()) <= 2


def tuspy(address: str) -> TusClient:
    return TusClient(f"{address}/v1/tus", headers=HEADERS)


def test_tuspy_without_metadata_is_told_what_is_missing(register: Register, photo: ToSend) -> None:
    with pytest.raises(TusCommunicationError) as refusal:
        tuspy(register.api.url).uploader(str(photo.file)).upload()
    assert refusal.value.status_code == 400
    (fault,) = json.loads(refusal.value.response_content)["errors"]
    assert (fault["pointer"], fault["code"]) == ("Upload-Metadata/photoId", "required")


@pytest.mark.parametrize(
    "options",
    [{}, {"chunk_size": 300_000}, {"upload_checksum": True}, {"upload_checksum": True, "chunk_size": 300_000}],
    ids=["whole", "in pieces", "with a checksum", "in pieces with checksums"],
)
def test_tuspy_sends_a_photo(register: Register, photo: ToSend, options: dict[str, Any]) -> None:
    tuspy(register.api.url).uploader(str(photo.file), metadata=photo.metadata, **options).upload()
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


def test_tuspy_sends_a_photo_asynchronously(register: Register, photo: ToSend) -> None:
    asyncio.run(tuspy(register.api.url).async_uploader(str(photo.file), metadata=photo.metadata, chunk_size=1_000_000).upload())
    is_stored_once(register, photo)


def test_tuspy_goes_on_from_an_address(register: Register, photo: ToSend) -> None:
    client = tuspy(register.api.url)
    first = client.uploader(str(photo.file), metadata=photo.metadata, chunk_size=300_000)
    first.upload(stop_at=900_000)
    again = client.uploader(str(photo.file), url=first.url)
    assert again.offset == 900_000
    again.upload()
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


def test_tuspy_goes_on_from_a_remembered_address(register: Register, photo: ToSend, tmp_path: Path) -> None:
    client, addresses = tuspy(register.api.url), FileStorage(str(tmp_path / "addresses.json"))
    options = {"metadata": photo.metadata, "store_url": True, "url_storage": addresses, "fingerprinter": Fingerprint()}
    client.uploader(str(photo.file), chunk_size=300_000, **options).upload(stop_at=300_000)
    again = client.uploader(str(photo.file), **options)
    assert again.offset == 300_000
    again.upload()
    assert register.brought_bytes() == SIZE
    is_stored_once(register, photo)


def test_tuspy_goes_on_when_the_processes_are_killed_in_the_middle(register: Register, photo: ToSend) -> None:
    uploader = tuspy(register.line.url).uploader(str(photo.file), metadata=photo.metadata, retries=5, retry_delay=1)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(uploader.upload)
        register.kill_when_some_is_kept(photo.photo_id)
        sending.result(PATIENCE_S)
    assert register.brought_bytes() < SIZE + LOST_BYTES
    is_stored_once(register, photo)
