"""How large a body may be, and how long it may take, in either direction.

The times are kept by gevent: under another kind of gunicorn worker only the silence is noticed, and under another server nothing.
"""

import errno
import io
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol, cast

from flask import Response, g, request
from gevent import Timeout
from werkzeug.exceptions import ClientDisconnected, LengthRequired, RequestEntityTooLarge, RequestTimeout

LARGEST_BODY_BYTES = 8 * 1024 * 1024
"""Of a JSON body. What is streamed has a limit of its own."""
SILENCE_S = 10.0
"""Between two pieces of a request."""
START_S = 20.0
SLOWEST_BYTES_PER_S = 8_000
"""On average, after the first `START_S`: a phone with one bar does better."""
LINGER_S = 2.0
"""How long a caller who is refused may go on sending before the connection is closed: what is closed on bytes that nobody read is reset, and
the answer may be lost with it."""
PIECE_BYTES = 65_536
STREAM_PIECE_BYTES = 262_144
TICK_S = 2.0
"""How long one wait for the next piece of a stream lasts."""
STALL_S = 30.0
"""A stream from which nothing came for so long has stopped."""
PACE_WINDOW_S = 60.0
SLOWEST_STREAM_BYTES_PER_S = 1024


class Source(Protocol):
    """Where gunicorn lets a body be read from, with what `api.serving` adds to it."""

    close_connection: Callable[[], None]
    """Let the server close the connection after the answer."""
    afterwards: list[Callable[[], object]]
    """What the server calls when the answer is sent."""
    some: Callable[[int], bytes]
    """What has come of the body, at most so many bytes, waiting for it when nothing has; nothing at its end, or at that of the connection.

    Of one in chunks nothing at its end only, and after a TimeoutError nothing more can be read.
    """
    stopping: Callable[[], bool]
    """Whether this process was told to end."""

    def read(self, size: int) -> bytes: ...


def seconds_for(size_bytes: int) -> float:
    """How long so many bytes may take."""
    return START_S + size_bytes / SLOWEST_BYTES_PER_S


def judge_head(*, largest_bytes: int, chunked: bool) -> None:
    """Refuse a body by what the head of its request says, before a byte of it is read.

    Raises RequestEntityTooLarge; LengthRequired for a body in chunks, unless it may be (``chunked``): no client of ours sends one, and its size can only be
    found out by reading it.
    """
    if in_chunks() and not chunked:
        raise LengthRequired()
    request.max_content_length = largest_bytes
    if (request.content_length or 0) > largest_bytes:
        raise RequestEntityTooLarge()


def in_chunks() -> bool:
    """Whether the body says nothing of its size beforehand."""
    return "Transfer-Encoding" in request.headers


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


class Incoming:
    """The body of this request as it comes in, for who keeps what there is of it when it stops coming."""

    def __init__(self) -> None:
        self.size_bytes = request.content_length or 0
        self._in_chunks = in_chunks()
        self._source = _source()
        self._environ = request.environ
        self._left = math.inf if self._in_chunks else self.size_bytes
        self._slow_since = time.monotonic()
        self._since_bytes = 0
        self._interrupted = False

    @property
    def is_live(self) -> bool:
        """Whether it comes over a connection of ours, which can be interrupted."""
        return self._source is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come."""
        return not self._left

    def pieces(self) -> Iterator[bytes]:
        """Each piece as it comes; an empty one when none came for a while. Ends with the body, or when it stops coming."""
        if self._source is None:
            while self._left and (piece := request.environ["wsgi.input"].read(int(min(PIECE_BYTES, self._left)))):
                self._left -= len(piece)
                yield piece
            return
        connection = _connection()
        silent_since = time.monotonic()
        while self._left and not self._source.stopping():
            connection.settimeout(STALL_S if self._in_chunks else TICK_S)
            try:
                piece = self._source.some(STREAM_PIECE_BYTES)
            except TimeoutError:
                if self._in_chunks or time.monotonic() - silent_since >= STALL_S:
                    break
                yield b""
                continue
            except OSError:
                break
            finally:
                connection.settimeout(None)
            if not piece:
                self._left = 0 if self._in_chunks else self._left
                break
            silent_since = time.monotonic()
            self._left -= len(piece)
            yield piece
            if self._dribbles(len(piece)):
                break
        if not self._left and not self._interrupted:
            g.body_received = True

    def _dribbles(self, size_bytes: int) -> bool:
        """Whether it came slower than any network that still works, over a whole minute."""
        self._since_bytes += size_bytes
        passed = time.monotonic() - self._slow_since
        if passed < PACE_WINDOW_S:
            return False
        slow = self._since_bytes / passed < SLOWEST_STREAM_BYTES_PER_S
        self._slow_since, self._since_bytes = time.monotonic(), 0
        return slow

    def interrupt(self) -> None:
        """End the wait for bytes, from another thread; what came already is still read. Nothing can be read after that, so the connection is closed."""
        self._interrupted = True
        if self._source is not None:
            with suppress(OSError):
                _connection_of(self._environ).shutdown(socket.SHUT_RD)


def bound_answer(response: Response) -> None:
    """Bound the time of sending ``response``, and close the connection after it when the body of its request was not read to the end."""
    source = _source()
    if source is None:
        return
    # A broken pipe is what gunicorn takes for a caller who went away.
    limit = Timeout.start_new(seconds_for(response.content_length or 0), BrokenPipeError(errno.EPIPE, "the caller took too long to read"))
    source.afterwards.append(limit.close)
    has_body = bool(request.content_length) or in_chunks()
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
    return _connection_of(request.environ)


def _connection_of(environ: dict[str, Any]) -> socket.socket:
    return cast("socket.socket", environ["gunicorn.socket"])


def _linger(connection: socket.socket) -> None:
    """Say that this was all, and read what still comes in."""
    until = time.monotonic() + LINGER_S
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(PIECE_BYTES):
                return
