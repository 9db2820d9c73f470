"""The API as gunicorn runs it, with a line in its log for each request: what a client really sends, counted where it arrives.

`gunicorn … "tests.faults.journal:journalled()"`. A piece is written down before the application sees it, so that a killed process leaves its lines behind.
"""

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MARK = "journal "
KEPT = ("HTTP_UPLOAD_OFFSET", "HTTP_TRANSFER_ENCODING", "HTTP_ORIGIN")
_numbers = itertools.count()


def journalled() -> "WSGIApplication":
    from api.wsgi import app as register

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        id = f"{os.getpid()}-{next(_numbers)}"
        headers = {name: environ[name] for name in KEPT if name in environ}
        _note(id, method=environ["REQUEST_METHOD"], path=environ["PATH_INFO"], headers=headers)
        source = environ["wsgi.input"]
        some: Callable[[int], bytes] = source.some

        def counted(most_bytes: int) -> bytes:
            piece = some(most_bytes)
            _note(id, brought=len(piece))
            return piece

        def answered(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            _note(id, status=int(status.split()[0]))
            return start_response(status, headers, *more)

        source.some = counted
        return register(environ, answered)

    return application


def _note(id: str, **what: Any) -> None:
    sys.stderr.write(f"{MARK}{json.dumps({'id': id, **what})}\n")
    sys.stderr.flush()


@dataclass(slots=True)
class Request:
    """``status`` is 0 when there was no answer; ``brought_bytes`` came of a body that is taken in piece by piece."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    brought_bytes: int = 0


def requests(log: Path) -> list[Request]:
    """All requests so far, in the order in which they came."""
    found: dict[str, Request] = {}
    for line in log.read_text().splitlines():
        if not line.startswith(MARK):
            continue
        said = json.loads(line.removeprefix(MARK))
        id = said.pop("id")
        if "method" in said:
            found[id] = Request(**said)
        else:
            found[id].status = said.get("status", found[id].status)
            found[id].brought_bytes += said.get("brought", 0)
    return list(found.values())
