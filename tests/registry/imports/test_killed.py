"""kill -9 of the worker in the middle of each step of an import: another one takes over, goes on after the last chunk, and comes to the right end."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from registry import migrations, storage
from registry.access import Actor, Role
from registry.db import API_ROLE, WORKER_ROLE, transaction
from registry.imports import commands
from registry.imports.model import ImportKind, ImportMode, ImportRun, ImportStatus
from tests import makers, servers
from tests.owner import as_owner
from tests.registry.imports.importing import a_csv, figures, now
from tests.registry.imports.test_dwellings import HEADER, bag_id

pytestmark = pytest.mark.slow
ROWS = 40_000
FAULTY_EVERY = 50
PATIENCE_S = 240


def rows(first: int, *, faulty: bool) -> list[list[object]]:
    places = range(first, first + ROWS)
    same = ["Heerlen", "GM0917"]
    return [
        [bag_id(place), f"Straat {place % 90}", 1 + place % 999, "6411AB", *same, "oud" if faulty and place % FAULTY_EVERY == 0 else 1962, "sociale huur"]
        for place in places
    ]


@pytest.fixture
def editor(fresh_database: str, bucket: None) -> Actor:
    with as_owner() as session:
        makers.a_municipality(session)
        return makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))[0]


@pytest.fixture
def worker_url(fresh_database: str) -> str:
    return migrations.let_in(fresh_database, WORKER_ROLE, servers.API_PASSWORD)


@contextmanager
def a_worker(url: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "REGISTRY_DATABASE_URL": url}
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "registry.cli", "worker"], cwd=servers.ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)


def until(run: Callable[[], ImportRun], so: Callable[[ImportRun], bool], *, never: Callable[[ImportRun], bool] = lambda _: False) -> ImportRun:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        found = run()
        assert not never(found), (found.status, found.done, found.problems)
        if so(found):
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{found.status} {found.done} of {found.total}")


def killed_in(url: str, folder: Path, import_id: UUID, step: ImportStatus, *, after: ImportStatus) -> None:
    """Let a worker begin, and kill it when the step is half-way."""
    with a_worker(url, folder) as process:
        until(lambda: now(import_id), lambda run: run.status is step and 0 < run.done < run.total, never=lambda run: run.status is after)
        process.send_signal(signal.SIGKILL)


def sent(editor: Actor, path: Path) -> UUID:
    with as_owner() as session:
        import_id = UUID(str(session.scalars(sa.text("SELECT uuid_v7()")).one()))
    content = path.read_bytes()
    with path.open("rb") as file:
        storage.store(commands.file_key(import_id), file, size_bytes=len(content), content_type="text/csv")
    new = commands.NewImport(ImportKind.DWELLINGS, path.name, "text/csv", len(content), hashlib.sha256(content).digest())
    with transaction(editor, role=API_ROLE) as session:
        commands.receive(session, editor, import_id, new)
    return import_id


def asked(editor: Actor, import_id: UUID, mode: ImportMode) -> None:
    with transaction(editor, role=API_ROLE) as session:
        commands.ask_to_apply(session, editor, import_id, mode=mode)


def count(query: str) -> int:
    with as_owner() as session:
        return int(session.scalar(sa.text(query)) or 0)


def test_an_import_comes_to_the_right_end_whenever_its_worker_is_killed(editor: Actor, worker_url: str, tmp_path: Path) -> None:
    import_id = sent(editor, a_csv(tmp_path / "homes.csv", HEADER, rows(1, faulty=True)))
    killed_in(worker_url, tmp_path, import_id, ImportStatus.READING, after=ImportStatus.TRIED)
    killed_in(worker_url, tmp_path, import_id, ImportStatus.COMPARING, after=ImportStatus.TRIED)
    with a_worker(worker_url, tmp_path):
        run = until(lambda: now(import_id), lambda run: run.status is ImportStatus.TRIED)
    wrong = ROWS // FAULTY_EVERY
    assert figures(run) == (ROWS - wrong, 0, 0, wrong)
    assert count("SELECT count(*) FROM import_fault") == wrong
    asked(editor, import_id, ImportMode.PER_ROW)
    killed_in(worker_url, tmp_path, import_id, ImportStatus.APPLYING, after=ImportStatus.APPLIED)
    written = count("SELECT count(*) FROM dwelling")
    assert 0 < written < ROWS
    with a_worker(worker_url, tmp_path):
        run = until(lambda: now(import_id), lambda run: run.status is ImportStatus.APPLIED)
    assert figures(run) == (ROWS - wrong, 0, 0, wrong)
    for what in ("dwelling WHERE version = 1", "import_effect", "audit_line WHERE action = 'dwelling.registered'", "change WHERE kind = 'dwelling'"):
        assert count(f"SELECT count(*) FROM {what}") == ROWS - wrong


def test_all_or_nothing_leaves_nothing_of_what_was_killed_and_then_everything(editor: Actor, worker_url: str, tmp_path: Path) -> None:
    import_id = sent(editor, a_csv(tmp_path / "homes.csv", HEADER, rows(1, faulty=False)))
    with a_worker(worker_url, tmp_path):
        until(lambda: now(import_id), lambda run: run.status is ImportStatus.TRIED)
    asked(editor, import_id, ImportMode.ALL_OR_NOTHING)
    killed_in(worker_url, tmp_path, import_id, ImportStatus.APPLYING, after=ImportStatus.APPLIED)
    assert count("SELECT count(*) FROM dwelling") == 0
    with a_worker(worker_url, tmp_path):
        run = until(lambda: now(import_id), lambda run: run.status is ImportStatus.APPLIED)
    assert figures(run) == (ROWS, 0, 0, 0)
    assert count("SELECT count(*) FROM dwelling") == ROWS
