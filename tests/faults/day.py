"""A day of inspectors on a bad network: `python -m tests.faults.day --phones 8 --inspections 25 --photos 12 --seed 1`.

Each phone fetches its work, fills in everything without a connection, and then sends documents, photos and submissions over lines that cut a fifth of the
connections and swallow a tenth of the answers, until the receipt of the device says that nothing is missing. Afterwards the database and the object store
are looked at from outside: everything arrived exactly once, and the receipts say of each photo what the store really has.
"""

import hashlib
import io
import json
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4, uuid5

import click
import httpx
import psycopg
import sqlalchemy as sa
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from registry.access import Role
from registry.checklists.model import Checklist
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.conftest import SHARED
from tests.faults.answers import answered, demanded
from tests.faults.bad_line import BadLine, bad_line
from tests.faults.behind import BUCKET, as_owner_of, count
from tests.faults.campaign import Running, commented, registry_up
from tests.faults.persistent import Persistent
from tests.faults.phone import LOST, Phone

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CUTS, SWALLOWS = 0.2, 0.1
SYNCED_AT_ONCE = 10
UPLOADS_AT_ONCE = 2
PATIENCE_S = 20
EXAMINED_WITHIN_S = 1200
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FILES = ("orientation_landscape_1.jpg", "orientation_landscape_6.jpg", "orientation_portrait_5_mirrored.jpg", "orientation_portrait_0_invalid_value.jpg")

KEPT = """
SELECT photo.id, photo.inspection_id, question, defect, state, image.sha256, object_key, image.size_bytes FROM photo JOIN image ON image.id = image_id
"""
DOCUMENTS = "SELECT id::text, jsonb_build_object('answers', answers, 'visitOutcome', visit_outcome, 'remarks', remarks) FROM inspection"


@dataclass(frozen=True, slots=True)
class Taken:
    """A photo on a phone: a real one, with a comment that no other has. Its bytes are made when they are looked at."""

    base: bytes
    inspection_id: str
    question: str
    defect: str | None
    id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def content(self) -> bytes:
        return commented(self.base, UUID(self.id).bytes)


@dataclass(slots=True)
class Device:
    """The phone of one inspector: what it was given, what it wrote, and what became of it."""

    token: str
    line: BadLine
    store_line: BadLine
    random: Random
    store: str
    work: dict[str, dict[str, Any]] = field(default_factory=dict)
    checklists: dict[str, dict[str, Any]] = field(default_factory=dict)
    dwellings: set[str] = field(default_factory=set)
    edits: list[dict[str, Any]] = field(default_factory=list)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    photos: list[Taken] = field(default_factory=list)
    setbacks: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0
    receipt: dict[str, Any] = field(default_factory=dict)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def phone(self) -> Phone:
        return Phone(self.line.port, self.token, "", patience_s=PATIENCE_S)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the register answers in the end. A refusal is a flaw of this program or of the register."""
        while True:
            try:
                said = self.phone.ask_json(method, path, body)
            except LOST as error:
                self.setbacks[type(error).__name__] += 1
                time.sleep(self.random.uniform(0, 0.3))
                continue
            if said.status < 300:
                return json.loads(said.body)
            if said.status < 500 and said.status != 429:
                raise AssertionError(f"{method} {path}: {said.status} {said.body[:500]!r}")
            self.setbacks[str(said.status)] += 1
            time.sleep(self.random.uniform(0.2, 1))

    def fetch_work(self, inspections: int) -> None:
        """In the morning: the feed from the beginning, until all is there."""
        cursor = ""
        while len(self.work) < inspections or len(self.dwellings) < inspections:
            page = self.ask("GET", "/v1/changes?include=content&limit=50" + (f"&cursor={cursor}" if cursor else ""))
            cursor = page["next"]
            for item in page["items"]:
                self._keep(item)

    def _keep(self, item: dict[str, Any]) -> None:
        if item["operation"] == "gone":
            raise AssertionError(f"nothing was taken away: {item}")
        if item["kind"] == "inspection":
            self.work[item["subjectId"]] = item["content"]
        elif item["kind"] == "checklist":
            self.checklists[item["subjectId"]] = item["content"]["content"]
        elif item["kind"] == "dwelling":
            self.dwellings.add(item["subjectId"])

    def fill_in(self, bases: list[bytes], photos: int) -> None:
        """During the day: two edits of each document, the second on top of the first, and the photos."""
        for inspection_id, work in self.work.items():
            content = self.checklists[work["checklistId"]]
            answers = answered(content, self.random)
            visited = {"visitOutcome": "done", "visitedAt": "2026-11-25T10:00:00Z"}
            half = {"answers": dict(list(answers.items())[: len(answers) // 2]), **visited, "remarks": None}
            whole = {"answers": answers, **visited, "remarks": f"Woning {inspection_id[:8]}, afgesloten"}
            first, second = str(uuid4()), str(uuid4())
            common = {"inspectionId": inspection_id}
            self.edits.append({**common, "editId": first, "baseVersion": work["version"], "document": half})
            self.edits.append({**common, "editId": second, "baseEditId": first, "document": whole, "submit": True})
            self.documents[inspection_id] = whole
            wanted = demanded(content, answers)
            wanted += [(key, None) for key in self.random.choices(sorted(answers), k=max(0, photos - len(wanted)))]
            self.photos += [Taken(self.random.choice(bases), inspection_id, question, defect) for question, defect in wanted]

    def send(self, told: Callable[[], None]) -> None:
        """In the evening: documents and photos at the same time, each until the register says that it has them."""
        self.random.shuffle(self.photos)
        with ThreadPoolExecutor(UPLOADS_AT_ONCE + 1) as pool:
            jobs = [pool.submit(self._sync)]
            jobs += [pool.submit(self._send_photos, self.photos[place::UPLOADS_AT_ONCE], told) for place in range(UPLOADS_AT_ONCE)]
            for job in jobs:
                job.result()

    def _sync(self) -> None:
        """Some edits go out in the wrong order."""
        for place in range(0, len(self.edits) - 2, 2):
            if self.random.random() < 0.1:
                self.edits[place], self.edits[place + 1] = self.edits[place + 1], self.edits[place]
        for begin in range(0, len(self.edits), SYNCED_AT_ONCE):
            batch = self.edits[begin : begin + SYNCED_AT_ONCE]
            results = self.ask("POST", "/v1/sync", {"items": batch})["results"]
            refused = [result for result in results if result["outcome"] == "refused"]
            if len(results) != len(batch) or refused:
                raise AssertionError(f"{len(results)} answers to {len(batch)} edits; refused: {refused}")
        for inspection_id in self.documents:  # those of which the last edit overtook the one before it are not submitted yet
            self.ask("POST", f"/v1/inspections/{inspection_id}/submission")

    def _send_photos(self, photos: list[Taken], told: Callable[[], None]) -> None:
        for number, photo in enumerate(photos):
            phone = replace(self.phone, inspection_id=photo.inspection_id, question=photo.question, defect=photo.defect)
            lines = {self.store: f"127.0.0.1:{self.store_line.port}"}
            sender = Persistent(phone, Random(photo.id), pauses_s=(0.0, 0.01), lines=lines)
            (sender.send_directly if number % 2 else sender.send_in_pieces)(photo)
            self.sent_bytes += sender.sent_bytes
            self.setbacks += sender.setbacks
            told()

    def look_at_receipt(self) -> None:
        """At the end of the day: is anything missing?"""
        until = time.monotonic() + EXAMINED_WITHIN_S
        since = DAY.isoformat().replace("+00:00", "Z")
        while time.monotonic() < until:
            pages = list(self._receipt_pages(f"/v1/receipt?since={since}&limit=50"))
            self.receipt = pages[0]
            self.receipts = {each["inspectionId"]: each for page in pages for each in page["items"]}
            if self.receipt["totals"]["complete"] == len(self.work) and not self.receipt["totals"]["photosAwaited"]:
                return
            time.sleep(2)

    def _receipt_pages(self, path: str) -> Iterator[dict[str, Any]]:
        cursor: str | None = ""
        while cursor is not None:
            page = self.ask("GET", path + (f"&cursor={cursor}" if cursor else ""))
            cursor = page["next"]
            yield page


@dataclass(slots=True)
class Outcome:
    """Figures of a day; all in `flaws` must be nothing."""

    inspections: int
    photos: int
    photo_bytes: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0
    connections: Counter[str] = field(default_factory=Counter)
    setbacks: Counter[str] = field(default_factory=Counter)
    flaws: dict[str, object] = field(default_factory=dict)

    def judge(self, **found: object) -> None:
        self.flaws |= {name: value for name, value in found.items() if value}


def day(folder: Path, *, phones: int, inspections: int, photos: int, seed: int, told: Callable[[], None] = lambda: None) -> Outcome:
    """``told`` is called for each photo that a phone was told is stored."""
    bases = pictures()
    with registry_up(folder) as running, ExitStack() as lines:
        store = running.objects().meta.endpoint_url.removeprefix("http://")
        tokens = plan(running, phones, inspections)
        devices = [
            Device(
                token,
                lines.enter_context(bad_line(running.port, seed=f"{seed} {place}", cuts=CUTS, swallows=SWALLOWS)),
                lines.enter_context(bad_line(int(store.rpartition(":")[2]), seed=f"{seed} {place} store", cuts=CUTS, swallows=SWALLOWS)),
                Random(f"{seed} {place} phone"),
                store,
            )
            for place, token in enumerate(tokens)
        ]
        began = time.monotonic()

        def work(device: Device) -> None:
            device.fetch_work(inspections)
            device.fill_in(bases, photos)
            device.send(told)
            device.look_at_receipt()

        with ThreadPoolExecutor(phones) as pool:
            list(pool.map(work, devices))
        outcome = Outcome(phones * inspections, sum(len(device.photos) for device in devices), seconds=time.monotonic() - began)
        outcome.photo_bytes = sum(len(photo.base) for device in devices for photo in device.photos)
        outcome.sent_bytes = sum(device.sent_bytes for device in devices)
        for device in devices:
            outcome.connections += device.line.connections + device.store_line.connections
            outcome.setbacks += device.setbacks
        _judge(running, devices, outcome)
    return outcome


def pictures() -> list[bytes]:
    """Real phone photos where they are, and made ones of the same size where they are not."""
    if (SHARED / "photos").exists():
        return [(SHARED / "photos" / name).read_bytes() for name in FILES]
    file = io.BytesIO()
    Image.effect_noise((700, 700), 90).convert("RGB").save(file, "JPEG", quality=88)
    return [file.getvalue()]


def plan(running: Running, phones: int, inspections: int) -> list[str]:
    """The tokens of inspectors for whom their reviewer has planned so many inspections, each at a dwelling of its own, in one request each."""
    with as_owner_of(running.database()) as session:
        body = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=makers.a_municipality(session).code)
        _, planner = makers.a_member(session, Role.MUNICIPALITY_EDITOR, body)
        agency = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
        people = [makers.a_member(session, Role.INSPECTOR, agency) for _ in range(phones)]
        checklist = session.scalars(sa.select(Checklist).where(Checklist.key == "baseline").order_by(Checklist.edition.desc()).limit(1)).one()
        homes = [[makers.a_dwelling(session, street="Vrieheide", house_number=1 + place).id for place in range(inspections)] for _ in people]
        plans = {
            token: [
                {
                    "id": str(uuid5(home, "baseline")),
                    "dwellingId": str(home),
                    "checklistId": str(checklist.id),
                    "occasion": "baseline",
                    "organisationId": str(agency.id),
                    "assigneeId": str(actor.person_id),
                }
                for home in of_person
            ]
            for (actor, token), of_person in zip(people, homes, strict=True)
        }
    for items in plans.values():
        headers = {"Authorization": f"Bearer {planner}", "Idempotency-Key": str(uuid4())}
        said = httpx.post(f"http://127.0.0.1:{running.port}/v1/inspections/batch", json={"items": items}, headers=headers, timeout=60)
        if said.status_code != 200 or said.json()["summary"]["created"] != len(items):
            raise AssertionError(said.text[:1000])
    return list(plans)


def _judge(running: Running, devices: list[Device], outcome: Outcome) -> None:
    """From outside, once the worker has examined everything."""
    url, until = running.database(), time.monotonic() + EXAMINED_WITHIN_S
    while count(url, "SELECT count(*) FROM photo WHERE state = 'stored'") and time.monotonic() < until:
        time.sleep(0.5)
    for device in devices:
        device.look_at_receipt()
    photos = {photo.id: photo for device in devices for photo in device.photos}
    digests = {photo_id: hashlib.sha256(photo.content).digest() for photo_id, photo in photos.items()}
    with psycopg.connect(url) as connection:
        rows = {str(row[0]): row[1:] for row in connection.execute(KEPT)}
        documents = dict(connection.execute(DOCUMENTS).fetchall())
        revisions = dict(connection.execute("SELECT inspection_id::text, count(*) FROM inspection_revision GROUP BY 1").fetchall())
    objects = running.objects()
    store = {photo_id: _digest(objects, row[5]) for photo_id, row in rows.items()}
    said = {photo["id"]: photo for device in devices for receipt in device.receipts.values() for photo in receipt["photos"]}
    outcome.judge(
        photos_lost=len(photos.keys() - rows.keys()),
        photos_never_sent=len(rows.keys() - photos.keys()),
        photos_not_ready=sum(row[3] != "ready" for row in rows.values()),
        photos_elsewhere=sum(
            (str(row[0]), row[1], row[2]) != (photos[id].inspection_id, photos[id].question, photos[id].defect) for id, row in rows.items() if id in photos
        ),
        images_too_many=count(url, "SELECT count(*) FROM image") - len(photos),
        bytes_differ=sum(store.get(id) != digest for id, digest in digests.items()),
        receipts_differ=sum(said.get(id, {}).get("sha256") != digest.hex() or said[id]["sizeBytes"] != rows[id][6] for id, digest in digests.items()),
        strange_objects=len(_keys(objects) - {row[5] for row in rows.values()}),
        inspections_not_complete=outcome.inspections - count(url, "SELECT count(*) FROM inspection WHERE status = 'submitted' AND complete_at IS NOT NULL"),
        revisions_not_one=sum(number != 1 for number in revisions.values()) + abs(outcome.inspections - len(revisions)),
        documents_differ=sum(
            documents[id] != {name: document[name] for name in ("answers", "visitOutcome", "remarks")}
            for device in devices
            for id, document in device.documents.items()
        ),
        open_conflicts=count(url, "SELECT count(*) FROM inspection_conflict WHERE resolution IS NULL"),
        edits_not_once=count(url, "SELECT count(*) FROM inspection_edit") - sum(len(device.edits) for device in devices),
        still_receiving=count(url, "SELECT count(*) FROM upload WHERE state = 'receiving'"),
        fragments=count(url, "SELECT count(*) FROM fragment"),
        failed_jobs=count(url, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'"),
        device_receipts_not_complete=sum(device.receipt["totals"]["complete"] != len(device.work) for device in devices),
    )


def _digest(objects: "S3Client", key: str) -> bytes | None:
    with suppress(objects.exceptions.NoSuchKey):
        return hashlib.sha256(objects.get_object(Bucket=BUCKET, Key=key)["Body"].read()).digest()
    return None


def _keys(objects: "S3Client") -> set[str]:
    pages = objects.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="media/")
    return {each["Key"] for page in pages for each in page.get("Contents", ())}


def table(outcome: Outcome) -> Table:
    found = Table("what", "figure", title="A day of inspectors on a bad network")
    found.add_row("inspections; photos", f"{outcome.inspections}; {outcome.photos} ({outcome.photo_bytes / 1e6:.0f} MB)")
    found.add_row("time until every device was told that nothing is missing", f"{outcome.seconds:.0f} s")
    total = outcome.connections.total()
    for fate, times in sorted(outcome.connections.items()):
        found.add_row(f"connections: {fate}", f"{times} ({times / total:.1%})")
    for why, times in outcome.setbacks.most_common(8):
        found.add_row(f"setback of a phone: {why}", str(times))
    found.add_row("bytes of photos sent, for each byte of the photos", f"{outcome.sent_bytes / outcome.photo_bytes:.2f}")
    found.add_row("flaws: lost, double, different, incomplete, strange", str(outcome.flaws or "none"))
    return found


@click.command()
@click.option("--phones", default=8, show_default=True)
@click.option("--inspections", default=25, show_default=True, help="Of each phone.")
@click.option("--photos", default=12, show_default=True, help="Of each inspection; more where its answers demand more.")
@click.option("--seed", default=1, show_default=True)
def main(phones: int, inspections: int, photos: int, seed: int) -> None:
    """Simulate the day and look for what was lost."""
    folder = Path(tempfile.mkdtemp(prefix="registry-day-"))
    folder.chmod(0o711)
    console, lock = Console(width=140), threading.Lock()
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("photos stored", total=phones * inspections * photos)

            def told() -> None:
                with lock:
                    progress.advance(task)

            outcome = day(folder, phones=phones, inspections=inspections, photos=photos, seed=seed, told=told)
        console.print(table(outcome))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if outcome.flaws else 0)


if __name__ == "__main__":
    main()
