"""A phone that does not give up: it sends photos over a network and to a register that break all the time, until it is told that they are stored."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from tests.faults.phone import LOST, Answer, Phone, answer

STEP_BYTES = 64 * 1024
PAUSES_S = (0.01, 0.1, 0.4)
"""After each step of one body, on average: on a good network, a moderate and a bad one."""
DELAYS_S = (0.2, 0.5, 1.0, 2.0, 3.0)
"""Between attempts that get nowhere, each at random half as long or half as long again."""
GONE = (404, 410)
STORED = ("stored", "ready")


class Picture(Protocol):
    """A photo that a phone has."""

    @property
    def id(self) -> str: ...
    @property
    def content(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Photo:
    content: bytes
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass(slots=True)
class Persistent:
    """After each ``step_bytes`` of a body it pauses, for each body as long as one of ``pauses_s``. ``setbacks`` counts what went wrong, by kind."""

    phone: Phone
    random: Random
    step_bytes: int = STEP_BYTES
    pauses_s: tuple[float, ...] = PAUSES_S
    lines: Mapping[str, str] = field(default_factory=dict)
    """By which address a server is reached, instead of by its own."""
    sent_bytes: int = 0
    """Of bodies, as far as the system took them."""
    setbacks: Counter[str] = field(default_factory=Counter)
    _fruitless: int = 0
    _sending: socket.socket | None = None

    def lose_connection(self) -> None:
        """As when the system says that its network is gone."""
        if self._sending is not None:
            with suppress(OSError):
                self._sending.shutdown(socket.SHUT_RDWR)

    def send_in_pieces(self, photo: Picture) -> None:
        """By tus, until the server has all of it."""
        path, offset = "", 0
        while offset < len(photo.content):
            try:
                said = self._look(path) if path else self.phone.create(photo.content, photo.id)
                if path and said.status in GONE:
                    self.setbacks["begun anew"] += 1
                    path = ""
                elif said.status in (200, 201):
                    path, before, offset = path or str(said.headers["Location"]), offset, said.offset
                    if offset < len(photo.content):
                        offset = self._patch(path, offset, photo.content[offset:])
                    self._fruitless = 0 if offset > before else self._fruitless
                else:
                    self._wait(f"{said.status}")
            except LOST as error:
                self._wait(type(error).__name__)

    def _look(self, path: str) -> Answer:
        return self.phone.ask("HEAD", path)

    def _patch(self, path: str, offset: int, body: bytes) -> int:
        """The offset afterwards, as far as it is known. Raises what is in `LOST`."""
        with self.phone.begin_patch(path, offset, len(body)) as connection:
            self._sending = connection
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in self._pieces(body):
                    connection.sendall(piece)
                    self.sent_bytes += len(piece)
            said = answer(connection)
        if said.status == 204:
            return said.offset
        self._wait(f"{said.status}")
        return offset

    def send_directly(self, photo: Picture) -> None:
        """As the API says: straight to the object store, or through it while that is away; until it says that the photo is stored."""
        while True:
            try:
                said = self.phone.ask_json("POST", "/v1/uploads/batch", {"items": [self.phone.particulars(photo.content, photo.id)]})
                result = json.loads(said.body)["results"][0] if said.status == 200 else {"state": None, "put": None}
                if result["state"] in STORED or (result["put"] and self._put(result["put"], photo)):
                    self._fruitless = 0
                    return
                if said.status != 200:
                    self._wait(f"{said.status}")
            except LOST as error:
                self._wait(type(error).__name__)

    def _put(self, put: dict[str, Any], photo: Picture) -> bool:
        """Whether the API says that the photo is stored. Raises what is in `LOST`."""
        where, by_api = urlsplit(put["url"]), put["needsSignIn"]
        headers = {**put["headers"], **({"Authorization": f"Bearer {self.phone.token}"} if by_api else {})}
        headers |= {"Host": where.netloc, "Connection": "close"}
        with closing(HTTPConnection(self.lines.get(where.netloc, where.netloc), timeout=self.phone.patience_s)) as connection:
            connection.request("PUT", f"{where.path}?{where.query}", body=self._counted(photo.content), headers=headers)
            said = connection.getresponse()
            status, body = said.status, said.read()
        if not by_api and status in (200, 412):
            completed = self.phone.ask_json("POST", f"/v1/uploads/{photo.id}/complete")
            status, body = completed.status, completed.body
        elif not by_api:
            self._wait(f"S3 {status}")
            return False
        if status == 200 and json.loads(body)["state"] in STORED:
            return True
        self._wait(f"{status}")
        return False

    def _counted(self, content: bytes) -> Iterator[bytes]:
        for piece in self._pieces(content):
            self.sent_bytes += len(piece)
            yield piece

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        pause_s = self.random.choice(self.pauses_s)
        for begins in range(0, len(body), self.step_bytes):
            yield body[begins : begins + self.step_bytes]
            time.sleep(self.random.uniform(0, 2 * pause_s))

    def _wait(self, why: str) -> None:
        self.setbacks[why] += 1
        time.sleep(DELAYS_S[min(self._fruitless, len(DELAYS_S) - 1)] * self.random.uniform(0.5, 1.5))
        self._fruitless += 1
