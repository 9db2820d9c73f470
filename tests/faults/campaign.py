"""The whole product, whose parts are killed at random while phones send photos: `python -m tests.faults.campaign --uploads 500 --seed 1`.

`registry up` runs everything; SIGKILL hits its parts, never itself. Afterwards the database and the object store are looked at from outside.
"""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import click
import httpx
import psutil
import psycopg
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres
from registry.installation import DATABASE_FOLDER, OBJECTS_FOLDER
from tests import servers
from tests.faults.behind import BUCKET, count, inspectors, objects_of
from tests.faults.persistent import Persistent, Photo
from tests.faults.phone import Phone

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PHONES = 4
SIZES_BYTES = (200_000, 800_000)
KILL_EVERY_S = 5.0
"""Not much oftener: a part that dies again and again is started again at growing intervals."""
UNLIMITED = sys.maxsize
READY_WITHIN_S = 120
EXAMINED_WITHIN_S = 300
"""After the last photo is stored and all is well again: a job that met five outages waits for half a minute."""
Found = TypeVar("Found")


@dataclass(slots=True)
class Outcome:
    """What became of a campaign; all but the first group of figures must be zero."""

    uploads: int
    seconds: float = 0.0
    settled_s: float = 0.0
    photo_bytes: int = 0
    sent_bytes: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    setbacks: Counter[str] = field(default_factory=Counter)
    not_acknowledged: int = 0
    lost: int = 0
    duplicates: int = 0
    not_ready: int = 0
    still_receiving: int = 0
    fragments: int = 0
    failed_jobs: int = 0
    strange_objects: int = 0
    audit_flaws: str = ""

    @property
    def flaws(self) -> dict[str, int | str]:
        names = ("not_acknowledged", "lost", "duplicates", "not_ready", "still_receiving", "fragments", "failed_jobs", "strange_objects", "audit_flaws")
        return {name: found for name in names if (found := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Running:
    """`registry up` on a data folder."""

    folder: Path
    process: psutil.Process
    port: int

    def database(self) -> str:
        """Its URL, once the database is there again."""
        return self._until(lambda: Postgres.running_address(self.folder / DATABASE_FOLDER))

    def objects(self) -> "S3Client":
        return objects_of(self._until(lambda: ObjectStore.running_address(self.folder / OBJECTS_FOLDER)))

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).status_code == 200
            return False

        self._until(ready)

    def _until(self, ask: Callable[[], Found | None]) -> Found:
        deadline = time.monotonic() + READY_WITHIN_S
        while not (found := ask()):
            if time.monotonic() > deadline or not self.process.is_running():
                raise TimeoutError("the register did not get ready")
            time.sleep(0.1)
        return found


@contextmanager
def registry_up(folder: Path) -> Iterator[Running]:
    with tempfile.TemporaryFile() as output:
        port = 8720 + os.getpid() % 200
        own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")} | {"REGISTRY_RATE_LIMIT_TOKEN": ""}
        argv = [sys.executable, "-m", "registry.cli", "up", "--data", str(folder), "--port", str(port)]
        process = subprocess.Popen(argv, cwd=servers.ROOT, env=own, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        running = Running(folder, psutil.Process(process.pid), port)
        try:
            running.wait_until_ready()
            yield running
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)
            output.seek(0)
            (folder / "up.log").write_bytes(output.read())


def victims(running: Running) -> dict[str, list[psutil.Process]]:
    """The parts of the register that may die, as they are now."""
    parts = {child.pid: (child, " ".join(child.cmdline())) for child in running.process.children()}

    def own(name: str) -> list[psutil.Process]:
        return [process for process, command in parts.values() if name in command]

    return {
        "API worker": [child for process in own("gunicorn") for child in process.children()],
        "API first process": own("gunicorn"),
        "photo worker": own("registry.cli worker"),
        "SeaweedFS": own("weed server"),
        "PostgreSQL": own("postgres"),
        "PostgreSQL backend": [child for process in own("postgres") for child in process.children()],
    }


def keep_killing(running: Running, random: Random, every_s: float, most: int, kills: Counter[str], over: threading.Event) -> None:
    """Kill one part after another, each kind as often as the others, at random moments; also while an earlier one is not back yet."""
    round_: list[str] = []
    while kills.total() < most and not over.wait(random.uniform(0.1, 2 * every_s)):
        with suppress(psutil.NoSuchProcess):
            alive = victims(running)
            if not round_:
                round_ = random.sample(sorted(alive), len(alive))
            kind = round_.pop()
            if alive[kind]:
                random.choice(alive[kind]).kill()
                kills[kind] += 1


def photographs(number: int, random: Random) -> list[Photo]:
    """JPEG files of a few sizes, each with a comment that no other has."""
    kinds: list[bytes] = []
    for side in range(520, 1100, 60):
        file = io.BytesIO()
        Image.effect_noise((side, side), 90).convert("RGB").save(file, "JPEG", quality=88)
        kinds.append(file.getvalue())
    kinds = [each for each in kinds if SIZES_BYTES[0] <= len(each) <= SIZES_BYTES[1]]
    return [Photo(commented(random.choice(kinds), uuid4().bytes)) for _ in range(number)]


def commented(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def campaign(folder: Path, *, uploads: int, seed: int, kill_every_s: float, most_kills: int = UNLIMITED, told: Callable[[], None] = lambda: None) -> Outcome:
    """``told`` is called for each photo that a phone was told is stored."""
    random, outcome, over = Random(seed), Outcome(uploads), threading.Event()
    photos = photographs(uploads, random)
    outcome.photo_bytes = sum(len(photo.content) for photo in photos)
    with registry_up(folder) as running:
        people = inspectors(running.database(), PHONES)
        phones = [
            Persistent(Phone(running.port, token, inspection_id, patience_s=20), Random(f"{seed} {place}"))
            for place, (token, inspection_id) in enumerate(people)
        ]
        acknowledged: list[Photo] = []

        def send_all(place: int) -> None:
            for number, photo in enumerate(photos[place::PHONES]):
                (phones[place].send_directly if number % 2 else phones[place].send_in_pieces)(photo)
                acknowledged.append(photo)
                told()

        killer = threading.Thread(target=keep_killing, args=(running, random, kill_every_s, most_kills, outcome.kills, over), daemon=True)
        began = time.monotonic()
        killer.start()
        try:
            with ThreadPoolExecutor(PHONES) as pool:
                list(pool.map(send_all, range(PHONES)))
        finally:
            over.set()
            killer.join()
        outcome.seconds = time.monotonic() - began
        running.wait_until_ready()
        outcome.not_acknowledged = uploads - len(acknowledged)
        outcome.sent_bytes = sum(phone.sent_bytes for phone in phones)
        outcome.setbacks = sum((phone.setbacks for phone in phones), Counter[str]())
        _judge(running, acknowledged, outcome)
    return outcome


def _judge(running: Running, acknowledged: list[Photo], outcome: Outcome) -> None:
    """Look at the database and the object store from outside, when the worker has had time to examine what there is."""
    url, began = running.database(), time.monotonic()
    not_ready = "SELECT count(*) FROM photo WHERE state <> 'ready'"
    while count(url, not_ready) and time.monotonic() - began < EXAMINED_WITHIN_S:
        time.sleep(0.2)
    outcome.settled_s = time.monotonic() - began
    outcome.not_ready = count(url, not_ready)
    outcome.duplicates = count(url, "SELECT count(*) - count(DISTINCT sha256) FROM image") + count(url, "SELECT count(*) FROM photo") - outcome.uploads
    outcome.still_receiving = count(url, "SELECT count(*) FROM upload WHERE state = 'receiving'")
    outcome.fragments = count(url, "SELECT count(*) FROM fragment")
    outcome.failed_jobs = count(url, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
    with psycopg.connect(url) as connection:
        keys = {row[0]: bytes(row[1]) for row in connection.execute("SELECT object_key, sha256 FROM image")}
    objects = running.objects()
    there = {each["Key"] for page in objects.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="media/") for each in page.get("Contents", ())}
    outcome.strange_objects = len(there - keys.keys())
    right = {sha256 for key, sha256 in keys.items() if key in there and _digest(objects, key) == sha256}
    outcome.lost = sum(hashlib.sha256(photo.content).digest() not in right for photo in acknowledged)
    own = {**os.environ, "REGISTRY_DATABASE_URL": url}
    verified = subprocess.run([sys.executable, "-m", "registry.cli", "audit", "verify"], cwd=servers.ROOT, env=own, capture_output=True, text=True, check=False)
    outcome.audit_flaws = verified.stdout + verified.stderr if verified.returncode else ""


def _digest(objects: "S3Client", key: str) -> bytes:
    return hashlib.sha256(objects.get_object(Bucket=BUCKET, Key=key)["Body"].read()).digest()


def table(outcome: Outcome) -> Table:
    found = Table("what", "figure", title="Uploads while the register is killed part by part")
    found.add_row("photos, half in pieces and half straight to the object store", f"{outcome.uploads} ({outcome.photo_bytes / 1e6:.0f} MB)")
    found.add_row("time until all were acknowledged; until all were examined", f"{outcome.seconds:.0f} s; {outcome.settled_s:.0f} s")
    for kind, times in sorted(outcome.kills.items()):
        found.add_row(f"kill -9 of {kind}", str(times))
    for why, times in outcome.setbacks.most_common():
        found.add_row(f"setback of a phone: {why}", str(times))
    found.add_row("bytes sent, for each byte of the photos", f"{outcome.sent_bytes / outcome.photo_bytes:.2f}")
    for name in ("not_acknowledged", "lost", "duplicates", "not_ready", "still_receiving", "fragments", "failed_jobs", "strange_objects"):
        found.add_row(f"{name.replace('_', ' ')} (must be 0)", str(getattr(outcome, name)))
    found.add_row("audit log", outcome.audit_flaws or "whole")
    return found


@click.command()
@click.option("--uploads", default=500, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of who is killed when, and of the pauses of the phones.")
@click.option("--kill-every", default=KILL_EVERY_S, show_default=True, help="Seconds, on average.")
@click.option("--keep", is_flag=True, help="Leave the data folder and its logs behind.")
def main(uploads: int, seed: int, kill_every: float, keep: bool) -> None:
    """Send photos while the parts of the register are killed, and look for what was lost."""
    folder = Path(tempfile.mkdtemp(prefix="registry-campaign-"))
    folder.chmod(0o711)
    console = Console(width=120)
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("stored", total=uploads)
            outcome = campaign(folder, uploads=uploads, seed=seed, kill_every_s=kill_every, told=lambda: progress.advance(task))
        console.print(table(outcome))
    finally:
        if keep:
            console.print(f"The data is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if outcome.flaws else 0)


if __name__ == "__main__":
    main()
