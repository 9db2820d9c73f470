"""What a submitted inspection costs: its document, one photo of 2 MB, and the submission, in the ways in which phones send them.

    python -m tests.bench.submissions --inspections 200 --clients 4

ODK Central takes 37 to 48 ms of CPU (node and PostgreSQL) for a submission with one photo of 2 MB, measured on a machine like this one; that is the figure
to compare the sum of the API and PostgreSQL with. The object store is counted apart, and a bare PUT to it stands beside it: Central keeps photos in
PostgreSQL. The ways take turns; the median of the rounds counts.
"""

import http.client
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import click
import sqlalchemy as sa
from rich.table import Table
from sqlalchemy.orm import Session

from registry.access import Role
from registry.checklists.model import Checklist
from registry.db import sqlalchemy_url
from registry.inspections.model import Inspection, Occasion
from registry.members.model import Membership
from tests import makers
from tests.bench import openrosa, uploads
from tests.bench.uploads import Bench, Photo, console, in_full, send
from tests.faults.phone import metadata

ANSWERS = {
    "occupancy": "owner",
    "acute-danger": "no",
    "mould": "none",
    "rising-damp": "no",
    "roof-vegetation": "none",
    "roof-leak": "no",
    "heating": "district",
    "foundation-cracks": "none",
    "glazing": "double",
    "electrics-safe": "yes",
    "asbestos-suspected": "no",
}
JSON = {"Content-Type": "application/json"}
IN_A_DAY = 25
"""Inspections that a phone syncs at once."""


@dataclass(slots=True)
class Work:
    """Inspections that wait, and the bench that carries them out."""

    bench: Bench
    owner: sa.Engine
    count: int

    def planned(self) -> list[str]:
        """New inspections of the inspector, straight in the table: planning is not what is measured."""
        with Session(self.owner) as session, session.begin():
            membership = session.scalars(sa.select(Membership).where(Membership.role == Role.INSPECTOR)).one()
            checklist_id = session.scalars(sa.select(Checklist.id)).first()
            dwelling_id = makers.a_dwelling(session).id
            row = {"organisation_id": membership.organisation_id, "assignee_id": membership.person_id, "planned_by": uuid4()}
            rows = [{**row, "dwelling_id": dwelling_id, "checklist_id": checklist_id, "occasion": Occasion.BASELINE} for _ in range(self.count)]
            return [str(id) for id in session.scalars(sa.insert(Inspection).returning(Inspection.id), rows)]


def document(place: int) -> dict[str, Any]:
    return {"answers": ANSWERS, "visitOutcome": "done", "visitedAt": "2026-11-25T09:30:00Z", "remarks": f"Woning {place}"}


def fill_in(bench: Bench, api: http.client.HTTPConnection, inspection_id: str) -> None:
    send(api, "PUT", f"/v1/inspections/{inspection_id}", json.dumps(document(1)).encode(), {**bench.headers, **JSON, "If-Match": '"1"'})


def submit(bench: Bench, api: http.client.HTTPConnection, inspection_id: str) -> None:
    send(api, "POST", f"/v1/inspections/{inspection_id}/submission", b"", bench.headers)


def put_photo(bench: Bench, store: http.client.HTTPConnection, photo: Photo, put: dict[str, Any]) -> None:
    send(store, "PUT", in_full(put["url"]), bench.content(bytes.fromhex(photo.seed)), put["headers"])


def in_one_piece(photo: Photo, size: int) -> dict[str, str]:
    """Headers that declare a photo and send it."""
    said = {"photoId": photo.id, "inspectionId": photo.inspection_id, "question": uploads.QUESTION, "sha256": photo.sha256, "contentType": "image/jpeg"}
    return {**uploads.tus_headers(photo, size), "Upload-Metadata": metadata(said)}


def straight(work: Work, ids: list[str]) -> None:
    """One by one: document, declaration, bytes straight to the store, completion, submission."""
    bench = work.bench
    with bench.connected(bench.api) as api, bench.connected(bench.store) as store:
        for inspection_id in ids:
            photo = bench.new_photo(inspection_id)
            fill_in(bench, api, inspection_id)
            (result,) = bench.declare_over(api, [photo])
            put_photo(bench, store, photo, result["put"])
            send(api, "POST", f"/v1/uploads/{photo.id}/complete", b"", bench.headers)
            submit(bench, api, inspection_id)


def in_pieces(work: Work, ids: list[str]) -> None:
    """One by one: document, photo by tus (declared by its metadata), submission."""
    bench = work.bench
    with bench.connected(bench.api) as api:
        for inspection_id in ids:
            photo = bench.new_photo(inspection_id)
            fill_in(bench, api, inspection_id)
            send(api, "POST", "/v1/tus", bench.content(bytes.fromhex(photo.seed)), {**bench.headers, **in_one_piece(photo, bench.size)})
            submit(bench, api, inspection_id)


def as_a_day(work: Work, ids: list[str]) -> None:
    """A day at once: 25 documents with their submission in one request, 25 declarations, the bytes to the store, one completion."""
    bench = work.bench
    with bench.connected(bench.api) as api, bench.connected(bench.store) as store:
        for begin in range(0, len(ids), IN_A_DAY):
            day = ids[begin : begin + IN_A_DAY]
            items = [{"inspectionId": each, "editId": str(uuid4()), "baseVersion": 1, "document": document(1), "submit": True} for each in day]
            said = json.loads(send(api, "POST", "/v1/sync", json.dumps({"items": items}).encode(), {**bench.headers, **JSON}))
            if any(result["outcome"] != "applied" for result in said["results"]):
                raise SystemExit(f"not applied: {said['results'][:2]}")
            photos = [bench.new_photo(each) for each in day]
            for photo, result in zip(photos, bench.declare_over(api, photos), strict=True):
                put_photo(bench, store, photo, result["put"])
            body = json.dumps({"photoIds": [photo.id for photo in photos]}).encode()
            send(api, "POST", "/v1/uploads/complete", body, {**bench.headers, **JSON})


def as_collect(work: Work, ids: list[str]) -> None:
    """As ODK Collect does it: one message with the form and the photo, for which ODK Central takes its 37 to 48 ms."""
    bench = work.bench
    with bench.connected(bench.api) as api:
        for inspection_id in ids:
            photo = bench.content(b"\xff\xd8\xff\xe0" + uuid4().bytes)
            body, content_type = openrosa.submission(inspection_id, ANSWERS, photo_of=uploads.QUESTION, photo=photo)
            send(api, "POST", "/v1/openrosa/submission", body, {**bench.headers, "Content-Type": content_type})


def without_photo(work: Work, ids: list[str]) -> None:
    """Document and submission only; the photo that it lacks is told."""
    bench = work.bench
    with bench.connected(bench.api) as api:
        for inspection_id in ids:
            fill_in(bench, api, inspection_id)
            submit(bench, api, inspection_id)


def bare_put(work: Work, ids: list[str]) -> None:
    """The bytes to the store and nothing else: what no register can do without."""
    uploads.put_each(work.bench, [work.bench.new_photo(each) for each in ids])


WAYS: dict[str, Callable[[Work, list[str]], None]] = {
    "bare PUT to the store, no register": bare_put,
    "document, declare, PUT, complete, submit": straight,
    "document, tus, submit": in_pieces,
    "a day: sync 25, declare 25, PUT each, complete 25": as_a_day,
    "ODK Collect: one message": as_collect,
    "document and submit, no photo": without_photo,
}


@click.command()
@click.option("--inspections", default=200, show_default=True)
@click.option("--size", default=2_000_000, show_default=True, help="Bytes of the photo.")
@click.option("--clients", default=4, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(inspections: int, size: int, clients: int, rounds: int) -> None:
    measure(inspections, size, clients, rounds)


def measure(inspections: int = 200, size: int = 2_000_000, clients: int = 4, rounds: int = 3) -> None:
    with ExitStack() as stack:
        bench = uploads.set_up(stack, inspections, size, clients)
        work = Work(bench, sa.create_engine(sqlalchemy_url(bench.database_url), poolclass=sa.NullPool), inspections)
        done: dict[str, list[uploads.Round]] = {name: [] for name in WAYS}
        for _ in range(rounds):
            for name, way in WAYS.items():
                ids = work.planned()
                done[name].append(uploads.measured(bench, lambda _, way=way, ids=ids: _timed(work, way, ids)))
        _show(done, inspections, size, clients)


def _timed(work: Work, way: Callable[[Work, list[str]], None], ids: list[str]) -> tuple[float, list[float]]:
    clients = work.bench.clients
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda place: way(work, ids[place::clients]), range(clients)))
    return time.perf_counter() - began, []


def _show(done: dict[str, list[uploads.Round]], inspections: int, size: int, clients: int) -> None:
    table = Table(title=f"{inspections} submitted inspections, one photo of {size:,} bytes each, {clients} clients; CPU in ms for each inspection")
    for heading in ("", "per s", "API", "PostgreSQL", "API + PostgreSQL", "store", "ODK Central: node + PostgreSQL"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, rounds in done.items():
        api, database, store = (
            statistics.median(getattr(each, what) for each in rounds) / inspections * 1000 for what in ("api_cpu_s", "database_cpu_s", "store_cpu_s")
        )
        rate = inspections / statistics.median(each.seconds for each in rounds)
        theirs = "-" if name.startswith("bare") or "no photo" in name else "37-48"
        table.add_row(name, f"{rate:.0f}", f"{api:.1f}", f"{database:.1f}", f"{api + database:.1f}", f"{store:.1f}", theirs)
    console.print(table)


if __name__ == "__main__":
    main()
