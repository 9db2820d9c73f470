"""Workers that tell webhooks what changed are killed in the middle of it, and nothing is lost, doubled in the register or told out of order."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from registry import migrations
from registry.changes.model import Change
from registry.db import WORKER_ROLE
from registry.webhooks.delivery import LEASE
from registry.webhooks.model import WebhookDelivery
from tests import servers
from tests.owner import as_owner
from tests.registry.webhooks.receiver import Got, Say, a_receiver
from tests.registry.webhooks.worlds import a_firm, a_webhook, happen, undelivered


@contextmanager
def worker(url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, as its own database role."""
    environment = {**os.environ, "REGISTRY_DATABASE_URL": url, "REGISTRY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with log.open("ab") as file:
        process = subprocess.Popen([sys.executable, "-m", "registry.cli", "worker"], cwd=servers.ROOT, env=environment, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def all_told(webhook_id: UUID, count: int, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with as_owner() as session:
            made = session.scalars(sa.select(sa.func.count()).select_from(WebhookDelivery)).one()
        if made == count and not undelivered(webhook_id):
            return
        time.sleep(0.2)
    raise AssertionError(f"{made} of {count} made, {undelivered(webhook_id)} undelivered")


@pytest.mark.slow
def test_workers_that_are_killed_lose_nothing_and_keep_the_order_of_each_dwelling(fresh_database: str, tmp_path: Path) -> None:
    """Two workers, one killed with SIGKILL every second and started again, a receiver that refuses some the first time; then all of the feed is there."""
    url = migrations.let_in(fresh_database, WORKER_ROLE, servers.API_PASSWORD)
    firm, choose, turned_away = a_firm(40), random.Random(3), set[str]()
    kills = 0

    def answer(got: Got) -> Say:
        first = got.event["id"] not in turned_away
        turned_away.add(got.event["id"])
        return Say(503 if first and choose.random() < 0.05 else 200, after_s=choose.random() * 0.2)

    with a_receiver(answer) as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        stop = threading.Event()

        def write() -> None:
            for _ in range(60):
                happen(choose.sample(list(firm.dwellings), 10))
                time.sleep(0.1)
            stop.set()

        writing = threading.Thread(target=write)
        with worker(url, tmp_path / "steady.log"):
            writing.start()
            while not stop.is_set() or kills < 4:
                with worker(url, tmp_path / "killed.log") as victim:
                    before = len(receiver.got)
                    deadline = time.monotonic() + 10
                    while len(receiver.got) < before + 20 and time.monotonic() < deadline and not stop.is_set():
                        time.sleep(0.02)
                    time.sleep(2 + choose.random())
                    victim.send_signal(signal.SIGKILL)
                    kills += 1
            writing.join()
            all_told(webhook_id, 600, LEASE.total_seconds() * 3)
    with as_owner() as session:
        changed = session.scalars(sa.select(Change.id).where(Change.action == "dwelling.amended").order_by(Change.transaction_id, Change.id)).all()
        told = session.scalars(sa.select(WebhookDelivery.event_id).order_by(WebhookDelivery.id)).all()
    assert [int(event.rpartition("-")[2]) for event in told] == list(changed)
    assert {got.event["id"] for got in receiver.taken} == set(told)
    order: dict[str, list[str]] = defaultdict(list)
    for got in receiver.taken:
        order[got.event["subject"]].append(got.event["sequence"])
    for dwelling, sequence in order.items():
        first = list(dict.fromkeys(sequence))
        assert first == sorted(first), dwelling
    assert kills >= 4


@pytest.mark.slow
def test_a_worker_stops_within_seconds_and_leaves_what_was_on_its_way_to_the_next_one(fresh_database: str, tmp_path: Path) -> None:
    url = migrations.let_in(fresh_database, WORKER_ROLE, servers.API_PASSWORD)
    firm = a_firm(3)
    with a_receiver(lambda got: Say(after_s=60)) as receiver:
        webhook_id, secret = a_webhook(firm, receiver.url)
        happen(firm.dwellings)
        with worker(url, tmp_path / "first.log") as first:
            receiver.wait(3, of="got", within_s=60)
            began = time.monotonic()
            first.terminate()
            assert first.wait(20) == 0
            assert time.monotonic() - began < 10
        receiver.answer = lambda got: Say()
        with worker(url, tmp_path / "second.log"):
            receiver.wait(3, within_s=60)
            all_told(webhook_id, 3, 20)
    text = (tmp_path / "first.log").read_text() + (tmp_path / "second.log").read_text()
    assert secret not in text
    assert receiver.url not in text
    assert "Traceback" not in text
