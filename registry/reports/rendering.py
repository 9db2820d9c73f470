"""Laying out a report in a process of its own, so that no document takes the worker down."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from registry.errors import Unavailable
from registry.reports.content import Content
from registry.supervision import end_process

PROGRAM: Final = ("-m", "registry.reports.render")
ROOT: Final = Path(__file__).parents[2]
WALL_S: Final = 300.0
RETRY_AFTER_S: Final = 60
LONGEST_COMPLAINT: Final = 2_000

log = structlog.get_logger()


class RenderingFailed(Exception):
    """No report can be made of this; what the program complained of stands here."""


@cache
def version() -> bytes:
    """Another one for every other way of making a report: the digest of the templates, the words and the code."""
    found = sha256()
    for file in sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".typ", ".html", ".ttf")):
        found.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + sha256(file.read_bytes()).digest())
    return found.digest()


def render(folder: Path, content: Content, *, timestamp: datetime) -> tuple[Path, Path]:
    """The files of the PDF and of the HTML. The pictures that the content names are in ``photos`` inside the folder, which is used up.

    ``timestamp`` becomes that of the PDF, so that the same content gives the same bytes. Raises RenderingFailed, Unavailable.
    """
    (folder / "photos").mkdir(exist_ok=True)
    (folder / "content.json").write_text(json.dumps(asdict(content)))
    order = {"parent": os.getpid(), "folder": str(folder), "timestamp": int(timestamp.timestamp())}
    with tempfile.TemporaryFile() as complaints:
        code = _run(json.dumps(order), complaints.fileno())
        complaints.seek(0)
        complaint = complaints.read()[-LONGEST_COMPLAINT:].decode(errors="replace")
    pdf, html = folder / "report.pdf", folder / "report.html"
    if code != 0 or not pdf.exists() or not html.exists():
        raise RenderingFailed(f"exit {code}: {complaint}")
    if complaint:
        log.warning("report-in-simple-letters", complaint=complaint)
    return pdf, html


def _run(order: str, complaints: int) -> int | None:
    """The exit code; None when it took too long. Raises Unavailable when it can't be started."""
    environment = {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1", "RUST_BACKTRACE": "0"}
    command = [sys.executable, "-s", "-P", *PROGRAM, order]
    try:
        process = subprocess.Popen(
            command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints, start_new_session=True
        )
    except OSError as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(WALL_S)
        return None
    finally:
        end_process(process)
