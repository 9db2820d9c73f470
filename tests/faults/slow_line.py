"""A slow connection to a server on loopback, which can be lost: for clients that can't be told to be slow."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE_BYTES = 8_192
BUFFER_BYTES = 32_768
"""What the system may hold for who sends, so that her sending is as slow as the line."""
AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: close with a reset."""


@dataclass(slots=True)
class Line:
    """``bytes_per_s`` is how much all connections together carry towards the server; answers come at once."""

    server_port: int
    bytes_per_s: int
    port: int = 0
    carried_bytes: int = 0
    """Towards the server, heads of requests included."""
    _lost: bool = False
    _ends: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _sending: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lose(self) -> None:
        """As when a phone loses its network: it knows at once, while the server hears nothing any more. New connections fail until `find`."""
        self._lost = True
        for near, _ in self._ends:
            cut(near)

    def find(self) -> None:
        self._lost = False

    def accept(self, entrance: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = entrance.accept()
                if self._lost:
                    cut(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self.server_port))
                self._ends.append((near, far))
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
                threading.Thread(target=self._return, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := near.recv(PIECE_BYTES):
                with self._sending:
                    time.sleep(len(piece) / self.bytes_per_s)
                    if self._lost:
                        return
                    far.sendall(piece)
                    self.carried_bytes += len(piece)
        if not self._lost:
            with suppress(OSError):
                far.shutdown(socket.SHUT_WR)

    def _return(self, near: socket.socket, far: socket.socket) -> None:
        """When the server has closed, nobody need send it anything more."""
        with suppress(OSError):
            while piece := far.recv(PIECE_BYTES):
                near.sendall(piece)
        if not self._lost:
            cut(near, far)

    def close(self) -> None:
        for ends in self._ends:
            cut(*ends)


@contextmanager
def slow_line(port: int, bytes_per_s: int) -> Iterator[Line]:
    """To ``port`` of loopback."""
    with socket.socket() as entrance:
        entrance.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        entrance.bind(("127.0.0.1", 0))
        entrance.listen()
        line = Line(port, bytes_per_s, entrance.getsockname()[1])
        threading.Thread(target=line.accept, args=(entrance,), daemon=True).start()
        try:
            yield line
        finally:
            with suppress(OSError):
                entrance.shutdown(socket.SHUT_RDWR)
            line.close()


def cut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            end.shutdown(socket.SHUT_RDWR)
        end.close()
