"""A phone as the network sees it: tus over plain sockets, so that a test decides what is sent when, and how the connection ends."""

import base64
import hashlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Any
from uuid import uuid4

PIECES = "application/offset+octet-stream"
LOST = (OSError, HTTPException)
"""What a phone sees of a connection that broke, or a server that died."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])

    @property
    def code(self) -> str:
        """Of a problem."""
        return str(json.loads(self.body)["code"])


@dataclass(frozen=True, slots=True)
class Phone:
    """Of an inspector with an inspection. ``host`` and ``port`` are where it thinks the API is."""

    port: int
    token: str
    inspection_id: str
    host: str = "127.0.0.1"
    patience_s: float = 60
    """Without any sign of life of the server."""
    question: str = "mould"
    """Of which its photos are."""
    defect: str | None = None

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=self.patience_s)

    def begin(self, method: str, path: str, size_bytes: int = 0, **headers: str) -> socket.socket:
        """A request of which only the head is sent. ``headers`` are named with underscores."""
        connection = self.connect()
        connection.sendall(self.head(method, path, size_bytes, **headers))
        return connection

    def head(self, method: str, path: str, size_bytes: int = 0, **headers: str) -> bytes:
        sent = {"Host": f"{self.host}:{self.port}", "Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0", "Connection": "close"}
        sent |= {"Content-Length": str(size_bytes)} if size_bytes or method in ("POST", "PATCH") else {}
        sent |= {"Content-Type": PIECES} if size_bytes else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return (f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n").encode()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        with self.begin(method, path, len(body), **headers) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # who is refused may still read why
                connection.sendall(body)
            return answer(connection, method)

    def ask_json(self, method: str, path: str, body: object = None) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        headers = {"Idempotency_Key": str(uuid4())} if method == "POST" else {}
        return self.ask(method, path, sent, **headers | ({"Content_Type": "application/json"} if sent else {}))

    def particulars(self, data: bytes, photo_id: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        return {
            "id": photo_id,
            "inspectionId": self.inspection_id,
            "question": self.question,
            **({} if self.defect is None else {"defect": self.defect}),
            "sha256": digest,
            "sizeBytes": len(data),
            "contentType": "image/jpeg",
        }

    def create(self, data: bytes, photo_id: str | None = None, **headers: str) -> Answer:
        """Declare a photo and begin its upload."""
        given = {name: str(value) for name, value in self.particulars(data, photo_id or str(uuid4())).items() if name != "sizeBytes"}
        return self.ask("POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(given), **headers)

    def created(self, data: bytes, photo_id: str | None = None) -> str:
        """Where the upload is."""
        response = self.create(data, photo_id)
        assert response.status == 201, response
        return str(response.headers["Location"])

    def patch(self, path: str, offset: int, body: bytes, **headers: str) -> Answer:
        return self.ask("PATCH", path, body, Upload_Offset=str(offset), **headers)

    def begin_patch(self, path: str, offset: int, size_bytes: int, sent: bytes = b"", **headers: str) -> socket.socket:
        connection = self.begin("PATCH", path, size_bytes, Upload_Offset=str(offset), **headers)
        connection.sendall(sent)
        return connection

    def offset(self, path: str) -> int:
        response = self.ask("HEAD", path)
        assert response.status == 200, response
        return response.offset

    def photo(self, photo_id: str) -> dict[str, Any]:
        response = self.ask("GET", f"/v1/photos/{photo_id}")
        assert response.status == 200, response
        return dict(json.loads(response.body))


def metadata(pairs: dict[str, str]) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def answer(connection: socket.socket, method: str = "PATCH") -> Answer:
    """What the server says. Raises what is in `LOST`."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.headers, response.read())


def reset(connection: socket.socket) -> None:
    """Close a connection as a phone does that loses its network: with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def some_bytes(size_bytes: int) -> bytes:
    return os.urandom(size_bytes)


def eventually(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
