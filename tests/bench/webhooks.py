"""How fast webhooks are told, to a receiver on this machine: `python -m tests.bench.webhooks`.

The worker is a process of its own, as it runs in production; the receiver is one too, and answers at once. PostgreSQL keeps what it commits.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from registry import migrations
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import WORKER_ROLE, database, transaction
from registry.embedded.postgres import Postgres
from tests import makers
from tests.owner import as_owner
from tests.registry.webhooks.worlds import Firm, a_firm, a_webhook

DWELLINGS, EVENTS, SINGLE = 100, 1_000, 40
WEBHOOKS = 5
PASSWORD = "only-in-a-bench"
NOWHERE = {f"REGISTRY_S3_{name}": "http://127.0.0.1:9" for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY")}


def receive() -> None:
    """The receiver: a line with the moment and the subject for each request."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            body = await reader.readexactly(length)
            print(time.time(), body.partition(b'"subject":"')[2][:36].decode(), flush=True)  # noqa: T201
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def main() -> None:
        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await answer(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(quietly, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def running(command: list[str], out: Path, **environment: str) -> Iterator[None]:
    with out.open("wb") as file:
        process = subprocess.Popen([sys.executable, *command], stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environment})
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def lines(out: Path, count: int, within_s: float = 600) -> list[str]:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = out.read_text().splitlines()
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{len(found)} of {count}")


def happen(dwellings: list[UUID]) -> float:
    """When it was committed."""
    with transaction() as session:
        announce_each(session, ChangeKind.DWELLING, [(id, makers.HEERLEN, None) for id in dwellings], action="dwelling.amended")
    return time.time()


def measure(firm: Firm, out: Path) -> None:
    dwellings = list(firm.dwellings)
    for _ in range(EVENTS // DWELLINGS):
        happen(dwellings)
    came = lines(out, EVENTS + 1)[1 : EVENTS + 1]
    moments = [float(line.split()[0]) for line in came]
    print(f"backlog of {EVENTS} events over {DWELLINGS} dwellings: {EVENTS / (moments[-1] - moments[0]):.0f} deliveries/s")  # noqa: T201
    time.sleep(2)
    committed = []
    for place in range(SINGLE):
        committed.append((str(dwellings[place]), happen([dwellings[place]])))
        time.sleep(0.07)
    single = {line.split()[1]: float(line.split()[0]) for line in lines(out, EVENTS + SINGLE + 1)[EVENTS + 1 :]}
    waits = sorted((single[subject] - moment) * 1000 for subject, moment in committed)
    p50, p95 = statistics.median(waits), waits[int(len(waits) * 0.95)]
    print(f"one change, from commit to receipt: p50 {p50:.0f} ms, p95 {p95:.0f} ms, worst {waits[-1]:.0f} ms")  # noqa: T201


def bench() -> None:
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgresql") as postgres:
            url = postgres.start()
            migrations.upgrade(url)
            database.connect(url, pool_size=4)
            firm = a_firm(DWELLINGS)
            out = folder / "receiver"
            with running(["-c", "from tests.bench.webhooks import receive; receive()"], out):
                port = lines(out, 1)[0]
                a_webhook(firm, f"http://127.0.0.1:{port}/hook")
                settings = {"REGISTRY_DATABASE_URL": migrations.let_in(url, WORKER_ROLE, PASSWORD), "REGISTRY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
                with running(["-m", "registry.cli", "worker"], folder / "worker", **settings, **NOWHERE):
                    measure(firm, out)
                _crowd(port)
            database.close()


def _crowd(port: str) -> None:
    """What it costs to look at a feed for many organisations that see nothing of it: by the reader alone."""
    from registry.webhooks.fanning import Fanning

    for _ in range(WEBHOOKS):
        a_webhook(a_firm(1), f"http://127.0.0.1:{port}/hook")
    with as_owner() as session:
        others = [makers.a_dwelling(session).id for _ in range(1000)]
        session.execute(sa.text("ANALYZE"))
    fanning = Fanning()
    while fanning.turn():
        pass
    happen(others)
    began = time.perf_counter()
    fanning.turn()
    took = time.perf_counter() - began
    print(f"1000 changes looked at for {WEBHOOKS + 1} webhooks: {took * 1000:.0f} ms, {took * 1e6 / 1000 / (WEBHOOKS + 1):.0f} µs for each of each")  # noqa: T201
    began = time.perf_counter()
    for _ in range(100):
        fanning.turn()
    print(f"a look when nothing is new: {(time.perf_counter() - began) * 10:.1f} ms")  # noqa: T201


if __name__ == "__main__":
    bench()
