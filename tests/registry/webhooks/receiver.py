"""A receiver of webhooks on loopback, that keeps what it got and answers as a test says."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Got:
    """One request, and when it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Say:
    """An answer. ``after_s`` is how long it takes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after_s: float = 0.0


@dataclass
class Receiver:
    """``taken`` are those answered with 2xx, ``got`` all, each in the order in which they came."""

    url: str
    answer: Callable[[Got], Say]
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: int = 0
    most_at_once: int = 0

    def wait(self, count: int, *, within_s: float = 20.0, of: str = "taken") -> list[Got]:
        deadline = time.monotonic() + within_s
        while len(getattr(self, of)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        found = list(getattr(self, of))
        assert len(found) >= count, f"{len(found)} of {count}"
        return found


@contextmanager
def a_receiver(answer: Callable[[Got], Say] = lambda got: Say(), *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body, time.monotonic())
            with receiver.lock:
                receiver.got.append(got)
                receiver.under_way += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver.under_way)
            try:
                said = receiver.answer(got)
                time.sleep(said.after_s)
            finally:
                with receiver.lock:
                    receiver.under_way -= 1
            if 200 <= said.status < 300:
                with receiver.lock:
                    receiver.taken.append(got)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *arguments: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
