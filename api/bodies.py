"""How large a body may be, and how long it may take, in either direction.

The times are kept by gevent: under another kind of gunicorn worker only the silence is noticed, and under another server nothing.
"""

import errno
import io
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from flask import Response, g, request
from gevent import Timeout
from werkzeug.exceptions import ClientDisconnected, LengthRequired, RequestEntityTooLarge, RequestTimeout

LARGEST_BODY_BYTES = 8 * 1024 * 1024
"""Of a JSON body. Photos go straight to the object store."""
SILENCE_S = 10.0
"""Between two pieces of a request."""
START_S = 20.0
SLOWEST_BYTES_PER_S = 8_000
"""On average, after the first `START_S`: a phone with one bar does better."""
LINGER_S = 2.0
"""How long a caller who is refused may go on sending before the connection is closed: what is closed on bytes that nobody read is reset, and
the answer may be lost with it."""
PIECE_BYTES = 65_536


class Source(Protocol):
    """Where gunicorn lets a body be read from, with what `api.serving` adds to it."""

    close_connection: Callable[[], None]
    """Let the server close the connection after the answer."""
    afterwards: list[Callable[[], object]]
    """What the server calls when the answer is sent."""

    def read(self, size: int) -> bytes: ...


def seconds_for(size_bytes: int) -> float:
    """How long so many bytes may take."""
    return START_S + size_bytes / SLOWEST_BYTES_PER_S


def judge_head() -> None:
    """Refuse a body by what the head of its request says, before a byte of it is read.

    Raises RequestEntityTooLarge; LengthRequired for a chunked body: no client of ours sends one, and its size could only be found out by reading it.
    """
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired()
    if (request.content_length or 0) > LARGEST_BODY_BYTES:
        raise RequestEntityTooLarge()


def receive() -> None:
    """Take in the whole body, before a database connection or anything else that is scarce is taken up for this request.

    Raises RequestTimeout, ClientDisconnected.
    """
    source, size = _source(), request.content_length
    if source is None or not size:
        return
    request.environ["wsgi.input"] = io.BytesIO(_read(source, _connection(), size))
    g.body_received = True


def _read(source: Source, connection: socket.socket, size: int) -> bytes:
    connection.settimeout(SILENCE_S)
    try:
        with Timeout(seconds_for(size), RequestTimeout()):
            body = source.read(size)
    except TimeoutError:
        raise RequestTimeout() from None
    finally:
        connection.settimeout(None)
    if len(body) < size:
        raise ClientDisconnected()
    return body


def bound_answer(response: Response) -> None:
    """Bound the time of sending ``response``, and close the connection after it when the body of its request was not read to the end."""
    source = _source()
    if source is None:
        return
    # A broken pipe is what gunicorn takes for a caller who went away.
    limit = Timeout.start_new(seconds_for(response.content_length or 0), BrokenPipeError(errno.EPIPE, "the caller took too long to read"))
    source.afterwards.append(limit.close)
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and "body_received" not in g:
        connection = _connection()
        source.close_connection()
        source.afterwards.append(lambda: _linger(connection))


def _source() -> Source | None:
    """None where no gunicorn with `api.serving` runs the application, as in tests."""
    if "source" not in g:
        source = request.environ["wsgi.input"]
        g.source = source if hasattr(source, "afterwards") else None
    return cast("Source | None", g.source)


def _connection() -> socket.socket:
    return cast("socket.socket", request.environ["gunicorn.socket"])


def _linger(connection: socket.socket) -> None:
    """Say that this was all, and read what still comes in."""
    until = time.monotonic() + LINGER_S
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(PIECE_BYTES):
                return
