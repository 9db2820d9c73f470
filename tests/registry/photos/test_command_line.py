"""`registry photos …` in other processes, on a database and a bucket with really stored photos."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from registry import storage
from registry.access import Role
from registry.audit.verify import verify as verify_log
from registry.db import reading
from registry.organisations.model import OrganisationKind
from tests.makers import an_actor, an_inspection, an_organisation
from tests.owner import as_owner
from tests.registry.photos.conftest import put, stored_photo

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def photo_ids(fresh_database: str, own_bucket: str) -> list[UUID]:
    with as_owner() as session:
        actor = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        inspection = an_inspection(session, actor)
        return [stored_photo(session, inspection, os.urandom(20_000)).id for _ in range(60)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where also the account that runs PostgreSQL gets, so that it is used as it is."""
    with tempfile.TemporaryDirectory(prefix="registry-tests-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def start(photo_ids: list[UUID], fresh_database: str, own_bucket: str, folder: Path) -> Start:
    kept = {name: os.environ[name] for name in ("PATH", "REGISTRY_S3_ENDPOINT", "REGISTRY_S3_ACCESS_KEY", "REGISTRY_S3_SECRET_KEY")}

    def start(*arguments: str, **own: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "registry.cli", "photos", *arguments, "--data", str(folder)]
        environment = {**kept, "REGISTRY_DATABASE_URL": fresh_database, "REGISTRY_S3_BUCKET": own_bucket, **own}
        return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def run(process: "subprocess.Popen[str]", status: int) -> str:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == status, (output, errors)
    assert "Traceback" not in errors
    return output


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_verification_goes_on_and_nothing_is_read_twice_or_left_out(photo_ids: list[UUID], start: Start, folder: Path, end: signal.Signals) -> None:
    lost, altered = image_key(photo_ids[1]), image_key(photo_ids[50])
    storage.delete(lost)
    put(altered, b"other bytes")
    first = start("verify", "--rate", "0.2")
    standing = folder / "photos-verify.json"
    wait_until(lambda: standing.exists() and json.loads(standing.read_text())["images"] >= 10)
    first.send_signal(end)
    first.communicate(timeout=30)
    before = json.loads(standing.read_text())
    assert first.returncode == (-signal.SIGKILL if end is signal.SIGKILL else 1)
    assert 10 <= before["images"] < 50
    output = run(start("verify"), 1)
    assert [line.partition(":")[0] for line in output.splitlines()[:2]] == ["missing", "altered"]
    assert str(photo_ids[1]) in output
    assert f"60 original(s) of {60 * 20_000} bytes were read since {before['began_at']}; 2 finding(s)." in output
    put_back = start("verify")
    assert f"since {before['began_at']}" not in run(put_back, 1)


def test_a_verification_may_begin_anew(start: Start, folder: Path) -> None:
    first = start("verify", "--rate", "0.2")
    wait_until(lambda: (folder / "photos-verify.json").exists())
    assert "Another verification" in start("verify").communicate(timeout=30)[1]
    first.kill()
    first.communicate(timeout=30)
    began_at = json.loads((folder / "photos-verify.json").read_text())["began_at"]
    output = run(start("verify", "--from-start"), 0)
    assert "60 original(s)" in output
    assert began_at not in output


def test_a_photo_is_held_released_destroyed_and_accounted_for(photo_ids: list[UUID], start: Start) -> None:
    key, one = image_key(photo_ids[0]), str(photo_ids[0])
    destroy = ("destroy", one, "--ground", "erasure", "--reason", "Asked for by who lives there.")
    assert "Hold " in run(start("hold", "photo", one, "--reason", "a lawsuit"), 0)
    assert one in run(start("holds"), 0)
    refused = start(*destroy)
    assert "there is a legal hold" in refused.communicate(timeout=60)[1]
    assert refused.returncode == 1
    run(start("release", "photo", one), 0)
    assert "erasure" in run(start(*destroy), 0)
    assert "NOT GONE YET" in run(start("destruction", one), 1)
    storage.delete(key)
    record = run(start("destruction", one), 0)
    for fact in (one, key.rpartition("/")[2], "Asked for by who lives there.", "the register itself", "audit line", "gone"):
        assert fact in record
    assert run(start("destructions"), 0).split("\t")[1] == one
    with reading() as session:
        assert verify_log(session, report=print, progress=lambda done, total: None).flaws == 0


def test_what_is_due_is_told_first_and_destroyed_afterwards(photo_ids: list[UUID], start: Start) -> None:
    with as_owner() as session:
        session.execute(sa.text("UPDATE photo SET stored_at = '2010-01-01' WHERE id = ANY (:ids)"), {"ids": photo_ids[:3]})
    assert "retention: 0" in run(start("destroy", "--due"), 0)
    years = {"REGISTRY_PHOTO_RETENTION_YEARS": "10"}
    for _ in range(2):
        told = run(start("destroy", "--due", "--dry-run", **years), 0)
    assert sorted(line.split("\t")[0] for line in told.splitlines()[:-1]) == sorted(map(str, photo_ids[:3]))
    assert "retention: 3" in run(start("destroy", "--due", **years), 0)
    assert "retention: 0" in run(start("destroy", "--due", **years), 0)


@pytest.mark.parametrize("arguments", [(), ("--due", "00000000-0000-0000-0000-000000000000"), ("00000000-0000-0000-0000-000000000000",), ("--dry-run",)])
def test_what_is_to_be_destroyed_must_be_said(start: Start, arguments: tuple[str, ...]) -> None:
    assert "Give either --due" in start("destroy", *arguments).communicate(timeout=30)[1]


def test_the_sweep_says_what_it_would_do_and_ends_with_one_when_originals_are_lost(photo_ids: list[UUID], start: Start) -> None:
    put("probe/1", b"probe")
    assert "leftover: 0" in run(start("sweep", "--dry-run"), 0)
    lost = image_key(photo_ids[0])
    storage.delete(lost)
    for arguments in (("sweep", "--dry-run"), ("sweep",)):
        output = run(start(*arguments), 1)
        assert f"original-missing\t{lost}" in output
        assert "original-missing: 1" in output


def image_key(photo_id: UUID) -> str:
    with as_owner() as session:
        return session.scalars(sa.text("SELECT object_key FROM image JOIN photo ON image_id = image.id WHERE photo.id = :id"), {"id": photo_id}).one()


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise TimeoutError
