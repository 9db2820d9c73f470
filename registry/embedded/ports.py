"""The ports of a server: on the loopback address only, and the same ones at every start."""

import secrets
import socket
from pathlib import Path

from registry.embedded.folder import write_private

LOOPBACK = "127.0.0.1"
PORT_RANGE = range(20_000, 32_000)
"""Below the ports Linux hands out for outgoing connections, so that a remembered port is rarely taken at the next start."""


def remembered_ports(folder: Path, count: int) -> list[int]:
    """As many ports as asked: each the one of last time, or another where that one is taken now."""
    file = folder / "ports"
    last = [int(word) for word in file.read_text().split()] if file.exists() else []
    ports: list[int] = []
    for position in range(count):
        port = last[position] if position < len(last) else _any_port()
        while not _is_free(port) or port in ports or port in last[position + 1 :]:
            port = _any_port()
        ports.append(port)
    write_private(file, " ".join(map(str, ports)))
    return ports


def _any_port() -> int:
    return PORT_RANGE.start + secrets.randbelow(len(PORT_RANGE))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
