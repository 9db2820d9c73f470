"""What an inspection costs that ODK Collect sends: one message with the form and one photo of 2 MB, beside the same over our own API.

    python -m tests.bench.openrosa --inspections 200 --clients 4

ODK Central takes 37 to 48 ms of CPU (node and PostgreSQL) for this very message; `tests.bench.submissions` says more of that.
"""

from contextlib import ExitStack
from uuid import uuid4

import click
import sqlalchemy as sa

from registry.checklists.commands import shipped
from registry.db import sqlalchemy_url
from registry.openrosa import xpath
from registry.openrosa.outline import outline
from registry.openrosa.xform import xform
from tests.api.collect import message, part
from tests.bench import submissions, uploads
from tests.bench.submissions import ANSWERS, Work
from tests.bench.uploads import send
from tests.registry.openrosa.filling import filled

CHECKLIST = outline(next(iter(shipped())))
FORM = xform(CHECKLIST)


def xml(inspection_id: str) -> bytes:
    values = {"visit/inspection": inspection_id, "visit/base-version": "1", "visit/outcome": "done", "visit/started-at": "2026-11-25T10:30:00.000+01:00"}
    for asked in CHECKLIST.questions:
        answer = ANSWERS.get(asked.key)
        if answer is not None:
            values[xpath.path(asked, "answer").removeprefix("/data/")] = " ".join(answer) if isinstance(answer, list) else str(answer)
        if asked.key == "mould":
            values[xpath.path(asked, "photo-1").removeprefix("/data/")] = "1.jpg"
    return filled(FORM, values, instance_id=f"uuid:{uuid4()}")


def as_collect(work: Work, ids: list[str]) -> None:
    """One message for each: the form and its photo."""
    bench = work.bench
    with bench.connected(bench.api) as api:
        for inspection_id in ids:
            seed = b"\xff\xd8\xff\xe0" + uuid4().bytes
            parts = [part("xml_submission_file", xml(inspection_id), "text/xml", "a.xml"), part("1.jpg", bench.content(seed), "image/jpeg", "1.jpg")]
            body, content_type = message(parts)
            send(api, "POST", "/v1/openrosa/submission", body, {**bench.headers, "Content-Type": content_type})


WAYS = {
    "bare PUT to the store, no register": submissions.bare_put,
    "our API: document, tus, submit": submissions.in_pieces,
    "ODK Collect: one message": as_collect,
}


@click.command()
@click.option("--inspections", default=200, show_default=True)
@click.option("--size", default=2_000_000, show_default=True, help="Bytes of the photo.")
@click.option("--clients", default=4, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(inspections: int, size: int, clients: int, rounds: int) -> None:
    with ExitStack() as stack:
        bench = uploads.set_up(stack, inspections, size, clients)
        work = Work(bench, sa.create_engine(sqlalchemy_url(bench.database_url), poolclass=sa.NullPool), inspections)
        done: dict[str, list[uploads.Round]] = {name: [] for name in WAYS}
        for _ in range(rounds):
            for name, way in WAYS.items():
                ids = work.planned()
                done[name].append(uploads.measured(bench, lambda _, way=way, ids=ids: submissions._timed(work, way, ids)))
        submissions._show(done, inspections, size, clients)


if __name__ == "__main__":
    main()
