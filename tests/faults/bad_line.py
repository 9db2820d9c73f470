"""A bad network in front of a server on loopback: some connections are cut at a random moment, of others the answer gets lost after the server gave it.

One connection is one request of a client that says ``Connection: close``. What the line did to each is decided by its seed, and counted.
"""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.faults.slow_line import cut

PIECE_BYTES = 65_536
HEAD_BYTES = 600
"""About as many as the head of a request: a cut falls before, in or after it."""
LONGEST_BODY_BYTES = 1_500_000
WELL, CUT, SWALLOWED = "went well", "cut", "answer swallowed"


@dataclass(slots=True)
class BadLine:
    """``cuts`` and ``swallows`` are the shares of connections that are cut, and of which the answer never comes."""

    server_port: int
    random: Random
    cuts: float
    swallows: float
    port: int = 0
    connections: Counter[str] = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, entrance: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = entrance.accept()
                fate, after_bytes = self._fate()
                try:
                    far = socket.create_connection(("127.0.0.1", self.server_port))
                except OSError:  # the server is away
                    cut(near)
                    continue
                for target in (self._carry, self._return):
                    threading.Thread(target=target, args=(near, far, fate, after_bytes), daemon=True).start()

    def _fate(self) -> tuple[str, int]:
        with self._counting:
            drawn = self.random.random()
            fate = CUT if drawn < self.cuts else SWALLOWED if drawn < self.cuts + self.swallows else WELL
            self.connections[fate] += 1
            return fate, int(self.random.choice((HEAD_BYTES, 4 * HEAD_BYTES, LONGEST_BODY_BYTES)) * self.random.random())

    def _carry(self, near: socket.socket, far: socket.socket, fate: str, after_bytes: int) -> None:
        """To the server. A connection that is to be cut later than its request ends is cut before its answer."""
        carried = 0
        with suppress(OSError):
            while piece := near.recv(PIECE_BYTES):
                if fate == CUT and carried + len(piece) > after_bytes:
                    far.sendall(piece[: after_bytes - carried])
                    cut(near, far)
                    return
                far.sendall(piece)
                carried += len(piece)
            far.shutdown(socket.SHUT_WR)

    def _return(self, near: socket.socket, far: socket.socket, fate: str, _: int) -> None:
        """To the client. An answer that is swallowed was given: the server has done all that it says."""
        with suppress(OSError):
            while piece := far.recv(PIECE_BYTES):
                if fate == CUT:
                    break
                if fate == WELL:
                    near.sendall(piece)
        if fate != WELL:
            cut(near, far)
            return
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def bad_line(port: int, *, seed: str, cuts: float, swallows: float) -> Iterator[BadLine]:
    """To ``port`` of loopback."""
    with socket.socket() as entrance:
        entrance.bind(("127.0.0.1", 0))
        entrance.listen(128)
        line = BadLine(port, Random(seed), cuts, swallows, entrance.getsockname()[1])
        threading.Thread(target=line.accept, args=(entrance,), daemon=True).start()
        try:
            yield line
        finally:
            with suppress(OSError):
                entrance.shutdown(socket.SHUT_RDWR)
