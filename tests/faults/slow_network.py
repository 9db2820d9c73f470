"""A bad mobile network, with the system's own TCP at both ends: packets go through a slow queue, some are lost, and now and then there is no network.

`python -m tests.faults.slow_network --kbit-per-s 100 --loss 5` sends one photo over it and tells how much of it was sent twice. Needs root and Linux: the
phone is in a network namespace of its own, and every packet between it and the API passes through this process.
"""

import ctypes
import fcntl
import hashlib
import heapq
import os
import selectors
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeVar

import click
import psycopg

from registry import storage
from tests import servers
from tests.faults.behind import inspectors
from tests.faults.persistent import Persistent, Photo
from tests.faults.phone import Phone, some_bytes

Done = TypeVar("Done")
PREFIX = f"10.91.{os.getpid() % 250}"
SERVER, PORT = f"{PREFIX}.1", 18_077
NAMESPACE = f"registry-phone-{os.getpid()}"
OUTSIDE, INSIDE = f"api{os.getpid()}", f"phone{os.getpid()}"
"""The devices: what the API sees of the network, and what the phone sees. All of these names are of this process, so that two can run."""
LARGEST_PACKET = 1400
QUEUE_S = 1.0
"""So much waits for its turn; more is thrown away."""
STEP_BYTES = 8192
PATIENCE_S = 20.0
_SET_INTERFACE, _TUN_WITHOUT_HEAD = 0x400454CA, 0x1001
_NEW_NETWORK = 0x40000000
_TCP = 6


@dataclass(frozen=True, slots=True)
class Conditions:
    """``loss`` is the part of all packets that is lost, either way. ``steady_s`` and ``gap_s`` are the shortest and longest times with and without a
    network; after every second gap the phone has another address, as when it goes from one network to another, and its connections are dead."""

    kbit_per_s: float
    loss: float = 0.05
    delay_s: float = 0.05
    steady_s: tuple[float, float] = (30.0, 90.0)
    gap_s: tuple[float, float] = (3.0, 25.0)


@dataclass(slots=True)
class Network:
    """``sent`` is what the phone put on the air: for each connection the first and the last byte, by the numbers of TCP, and ``payload_bytes`` of all
    packets together, so also those that TCP sent again."""

    conditions: Conditions
    random: Random
    on_new_address: Callable[[], None] = lambda: None
    payload_bytes: int = 0
    gaps: int = 0
    addresses: int = 1
    sent: dict[tuple[bytes, int], list[int]] = field(default_factory=dict)
    _down: bool = False
    _over: threading.Event = field(default_factory=threading.Event)
    _pipes: dict[int, int] = field(default_factory=dict)

    @property
    def sent_bytes(self) -> int:
        """What the phone sent, each byte counted once for each connection."""
        return sum((last - first) & 0xFFFFFFFF for first, last in list(self.sent.values()))

    def run_in_it(self, act: Callable[[], Done]) -> Done:
        """In a thread that has no other network."""
        with ThreadPoolExecutor(1, initializer=_enter) as pool:
            return pool.submit(act).result()

    def carry(self) -> None:
        """Let packets through, until it is over."""
        waiting: list[tuple[float, int, int, bytes]] = []
        free_at, numbers = dict.fromkeys(self._pipes, 0.0), count()
        with selectors.DefaultSelector() as selector:
            for near in self._pipes:
                selector.register(near, selectors.EVENT_READ)
            while not self._over.is_set():
                now = time.monotonic()
                while waiting and waiting[0][0] <= now:
                    _, _, far, packet = heapq.heappop(waiting)
                    with suppress(OSError):
                        os.write(far, packet)
                for key, _ in selector.select(min(0.1, max(0.0, waiting[0][0] - now)) if waiting else 0.1):
                    near = int(key.fd)
                    packet, now = os.read(near, 65_536), time.monotonic()
                    self._note(packet)
                    ends = max(now, free_at[near]) + len(packet) * 8 / (self.conditions.kbit_per_s * 1000)
                    if self._down or self.random.random() < self.conditions.loss or ends - now > QUEUE_S:
                        continue
                    free_at[near] = ends
                    heapq.heappush(waiting, (ends + self.conditions.delay_s, next(numbers), self._pipes[near], packet))

    def _note(self, packet: bytes) -> None:
        head = (packet[0] & 15) * 4
        if packet[0] >> 4 != 4 or packet[9] != _TCP or packet[16:20] != bytes(map(int, SERVER.split("."))):
            return
        port, sequence = struct.unpack_from("!H2xI", packet, head)
        size = struct.unpack_from("!H", packet, 2)[0] - head - (packet[head + 12] >> 4) * 4
        if size:
            self.payload_bytes += size
            span = self.sent.setdefault((packet[12:16], port), [sequence, sequence])
            if ((sequence + size - span[1]) & 0xFFFFFFFF) < 1 << 31:
                span[1] = (sequence + size) & 0xFFFFFFFF

    def break_down_again_and_again(self) -> None:
        while not self._over.wait(self.random.uniform(*self.conditions.steady_s)):
            self._down, self.gaps = True, self.gaps + 1
            if self.gaps % 2 == 0:
                self._change_address()
            self._over.wait(self.random.uniform(*self.conditions.gap_s))
            self._down = False

    def _change_address(self) -> None:
        _ip("-n", NAMESPACE, "addr", "del", f"{PREFIX}.{self.addresses + 1}/24", "dev", INSIDE)
        self.addresses += 1
        _ip("-n", NAMESPACE, "addr", "add", f"{PREFIX}.{self.addresses + 1}/24", "dev", INSIDE)
        self.on_new_address()

    def end(self) -> None:
        self._over.set()


@contextmanager
def bad_network(conditions: Conditions, *, seed: int) -> Iterator[Network]:
    """Between here and a namespace of its own, in which this machine is `SERVER`. Raises OSError or CalledProcessError where it can't be made."""
    with ExitStack() as stack:
        _ip("netns", "add", NAMESPACE)
        stack.callback(_ip, "netns", "del", NAMESPACE)
        outside, inside = (_device(stack, name) for name in (OUTSIDE, INSIDE))
        _ip("link", "set", INSIDE, "netns", NAMESPACE)
        for place, device, address in (((), OUTSIDE, SERVER), (("-n", NAMESPACE), INSIDE, f"{PREFIX}.2")):
            _ip(*place, "addr", "add", f"{address}/24", "dev", device)
            _ip(*place, "link", "set", device, "mtu", str(LARGEST_PACKET), "up")
        network = Network(conditions, Random(seed), _pipes={outside: inside, inside: outside})
        threads = [threading.Thread(target=act) for act in (network.carry, network.break_down_again_and_again)]
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        stack.callback(network.end)
        yield network


def _device(stack: ExitStack, name: str) -> int:
    """The packets of a new network device, to read and to write."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    stack.callback(os.close, device)
    fcntl.ioctl(device, _SET_INTERFACE, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEAD))
    return device


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter() -> None:
    """Only this thread."""
    with open(f"/run/netns/{NAMESPACE}") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "setns")


@dataclass(frozen=True, slots=True)
class Figures:
    """``twice`` is the part of the photo that the phone sent more than once because it had to go on somewhere, ``air`` what all packets carried for each
    byte of the photo; both with the heads of the requests."""

    size_bytes: int
    seconds: float
    gaps: int
    addresses: int
    twice: float
    air: float
    setbacks: dict[str, int]


def send_over(conditions: Conditions, database_url: str, folder: Path, *, size_bytes: int, seed: int, patience_s: float = PATIENCE_S) -> Figures:
    """Send one photo to an API of its own; the phone waits ``patience_s`` for a sign of life. Raises AssertionError when the photo does not arrive."""
    photo, ((token, inspection_id),) = Photo(some_bytes(size_bytes)), inspectors(database_url, 1)
    with bad_network(conditions, seed=seed) as network, servers.gunicorn(database_url, folder, "--workers", "2", "--bind", f"{SERVER}:{PORT}"):
        phone = Persistent(Phone(PORT, token, inspection_id, SERVER, patience_s=patience_s), Random(seed), step_bytes=STEP_BYTES, pauses_s=(0.0,))
        network.on_new_address = phone.lose_connection
        began = time.monotonic()
        network.run_in_it(lambda: phone.send_in_pieces(photo))
        seconds = time.monotonic() - began
        twice, air = (sent / size_bytes - 1 for sent in (network.sent_bytes, network.payload_bytes))
    with psycopg.connect(database_url) as connection:
        states = connection.execute("SELECT state FROM photo WHERE sha256 = %s", [hashlib.sha256(photo.content).digest()]).fetchall()
    assert states == [("stored",)]
    return Figures(size_bytes, seconds, network.gaps, network.addresses, twice, 1 + air, dict(phone.setbacks))


@click.command()
@click.option("--kbit-per-s", default=100.0, show_default=True)
@click.option("--loss", default=5.0, show_default=True, help="Percent of all packets.")
@click.option("--size", default=8_000_000, show_default=True, help="Bytes of the photo.")
@click.option("--seed", default=1, show_default=True)
def main(kbit_per_s: float, loss: float, size: int, seed: int) -> None:
    """Send one photo over a bad network."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-slow-")))
        servers.start(stack)
        url = os.environ["REGISTRY_DATABASE_URL"] = servers.create_database("slow_network")
        storage.prepare()
        click.echo(send_over(Conditions(kbit_per_s, loss / 100), url, folder, size_bytes=size, seed=seed))


if __name__ == "__main__":
    main()
