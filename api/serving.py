"""How gunicorn runs the API: `gunicorn --config python:api.serving --bind 127.0.0.1:8000 api.wsgi:app`. Its command line overrides what stands here.

This module is read by gunicorn's first process, before gevent has replaced the blocking calls of the standard library: it must not import the
application, nor anything that opens connections. `--preload` would break that too.
"""

import resource
import uuid
from functools import partial
from typing import Any

import gunicorn.util
import orjson
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import ParseException

from api.headers import SECURITY_HEADERS
from registry import log
from registry.messages import DEFAULT_LANGUAGE, text

MOST_CONNECTIONS = 2000
"""Per process, busy, idle and stalled ones together."""
OTHER_FILES = MOST_CONNECTIONS + 200
"""Open files that are not connections: the spool of each upload, and the rest."""
HEAD_S = 10
"""A head must be complete this long after the request before it ended, or the connection began. Idle connections are closed after it too."""


def _allow_connections() -> int:
    """As many as the system lets one process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 2)


log.redact_records()

worker_class = "gevent"
workers = 2
worker_connections = _allow_connections()
timeout = 60
graceful_timeout = 10
keepalive = HEAD_S

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
http_protocols = "h1"

# Whom to believe about the caller is told by REGISTRY_TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
forwarder_headers = ""

accesslog = None
loglevel = "warning"
control_socket_disable = True
sendfile = False


def post_worker_init(_worker: object) -> None:
    gunicorn.util.write_error = _write_error


def pre_request(worker: Any, request: Any) -> None:
    """Give the application, through its `wsgi.input`, some things that gunicorn keeps from it; see `api.bodies.Source`."""
    request.body.close_connection = request.force_close
    request.body.afterwards = []
    reader = request.body.reader
    request.body.some = partial(_chunk if isinstance(reader, ChunkedReader) else _some, reader)
    request.body.stopping = lambda: not worker.alive


def _some(reader: Any, most_bytes: int) -> bytes:
    """gunicorn's own `read` waits until it has as much as was asked for, and drops what it has when the connection breaks meanwhile."""
    left = min(reader.length, most_bytes)
    if not left:
        return b""
    piece: bytes = reader.unreader.read(None, read_ahead=left)
    if len(piece) > reader.length:  # the next request of this connection came with it
        reader.unreader.unread(piece[reader.length :])
        piece = piece[: reader.length]
    reader.length -= len(piece)
    return piece


def _chunk(reader: Any, _most_bytes: int) -> bytes:
    """Of a body in chunks. Raises OSError when it breaks off, or what comes is no chunk."""
    try:
        return next((piece for piece in reader.parser if piece), b"")
    except ParseException as error:
        raise OSError(str(error)) from error


def post_request(_worker: object, request: Any, _environ: object, _response: object) -> None:
    for act in request.body.afterwards:
        act()


def _write_error(connection: Any, status: int, reason: str, _message: str) -> None:
    """Answer what is no HTTP request as the application would. gunicorn's own message is left out: it repeats what the caller sent."""
    request_id = str(uuid.uuid4())
    code = "bad-request" if status < 500 else "internal-error"
    problem = {
        "type": f"urn:problem:registry:{code}",
        "title": reason,
        "status": status,
        "detail": text(code, DEFAULT_LANGUAGE, {"request_id": request_id}),
        "code": code,
        "instance": f"urn:request:{request_id}",
        "errors": [],
    }
    body = orjson.dumps(problem)
    headers = {
        **SECURITY_HEADERS,
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Language": DEFAULT_LANGUAGE,
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    gunicorn.util.write_nonblock(connection, f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("latin1") + body)
