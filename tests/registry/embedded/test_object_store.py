"""The real SeaweedFS, on a folder of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from registry.embedded.object_store import ObjectStore, ObjectStoreAddress
from registry.embedded.server import AlreadyRunning
from tests.registry.embedded.processes import eventually, listening_addresses


@pytest.fixture(scope="module")
def store(open_folder: Path) -> Iterator[ObjectStore]:
    server = ObjectStore(open_folder / "weed", allowed_origins=["https://inspect.example"])
    try:
        server.start()
        yield server
        if server.pid is not None:
            os.kill(server.pid, signal.SIGKILL)  # saves 1.5 s: a test below stops it in the polite way
    finally:
        server.stop()


def s3(address: ObjectStoreAddress):  # type: ignore[no-untyped-def]
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint,
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        region_name="eu-central-1",
        config=config,
    )


def status(request: Request | str) -> int:
    try:
        with urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_an_object_can_be_put_and_read_at_once_and_survives_a_restart_and_kill_9(store: ObjectStore) -> None:
    address = store.start()
    client = s3(address)
    client.create_bucket(Bucket="registry")
    client.put_object(Bucket="registry", Key="photo", Body=b"one")
    store.stop()
    assert store.start() == address
    assert client.get_object(Bucket="registry", Key="photo")["Body"].read() == b"one"
    client.put_object(Bucket="registry", Key="photo", Body=b"two")
    assert store.pid is not None
    os.kill(store.pid, signal.SIGKILL)
    assert eventually(lambda: not store.running())
    assert store.start() == address
    assert client.get_object(Bucket="registry", Key="photo")["Body"].read() == b"two"
    client.put_object(Bucket="registry", Key="another", Body=b"three")


def test_unsigned_and_wrongly_signed_requests_are_refused(store: ObjectStore) -> None:
    address = store.start()
    assert status(address.endpoint) == 403
    assert status(f"{address.endpoint}/registry/photo") == 403
    assert status(Request(f"{address.endpoint}/registry/new", data=b"x", method="PUT")) == 403
    wrong = s3(ObjectStoreAddress(address.endpoint, address.access_key, "wrong"))
    with pytest.raises(wrong.exceptions.ClientError, match="SignatureDoesNotMatch"):
        wrong.list_buckets()


def test_only_the_allowed_origin_may_use_the_store(store: ObjectStore) -> None:
    def preflight(origin: str) -> int:
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        return status(Request(f"{store.start().endpoint}/registry/photo", method="OPTIONS", headers=headers))

    assert preflight("https://inspect.example") == 200
    assert preflight("https://elsewhere.example") == 403


def test_the_store_is_not_reachable_from_elsewhere_nor_without_a_key(store: ObjectStore) -> None:
    store.start()
    assert store.pid is not None
    assert listening_addresses(store.pid) == {"127.0.0.1"}
    master, _, volume, _, filer, *_ = (store.folder / "ports").read_text().split()
    assert status(f"http://127.0.0.1:{master}/dir/assign") == 404
    assert status(f"http://127.0.0.1:{volume}/1,01637037d6") == 401
    assert status(f"http://127.0.0.1:{filer}/") == 404


def test_secrets_are_private(store: ObjectStore) -> None:
    store.start()
    files = [store.folder / "s3.json", store.folder / "address", store.folder / "secret_key"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_second_start_on_the_folder_is_refused_and_harmless(store: ObjectStore) -> None:
    address = store.start()
    with pytest.raises(AlreadyRunning):
        ObjectStore(store.folder).start()
    assert ObjectStore.running_address(store.folder) == address
    assert store.start() == address
    assert status(address.endpoint) == 403
