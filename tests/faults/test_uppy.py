"""Uppy in a real Chromium, on a page of another origin than the API, while the network is slow, gone and back."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from tests.conftest import SHARED
from tests.faults.sending import CLIENTS, PATIENCE_S, TOKEN, Register, ToSend, a_register, eventually, is_stored_once, node

MOBILE_BYTES_PER_S = 1_250_000
LARGE_BYTES = 8_000_000
REAL = ("phone_nokia_8.3_5g.jpg", "heic_IMG_5195.HEIC")
"""As phones made them, where the folder with real inputs is."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[str]:
    """The origin of a page that sends photos."""
    node()
    folder = tmp_path / "pages"
    options = ["--bundle", "--format=esm", "--log-level=warning", f"--outfile={folder / 'page.js'}"]
    subprocess.run([str(CLIENTS / "node_modules" / ".bin" / "esbuild"), str(CLIENTS / "page.mjs"), *options], check=True)
    shutil.copy(CLIENTS / "page.html", folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def chromium() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium here")
    return program


@pytest.fixture
def register(chromium: str, pages: str, bucket: None, tmp_path: Path) -> Iterator[Register]:
    """That lets the page in."""
    with a_register(tmp_path, REGISTRY_ALLOWED_ORIGINS=pages) as register:
        register.begin()
        register.line.bytes_per_s = MOBILE_BYTES_PER_S
        yield register


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three, one of them as large as phones make them now: noise can't be compressed."""
    large = a_picture(tmp_path / "IMG_0002.jpg", 3200, 2400)
    assert large.stat().st_size > LARGE_BYTES
    real = [SHARED / "photos" / name for name in REAL]
    return [large, *(real if all(file.exists() for file in real) else (a_picture(tmp_path / f"IMG_{width}.jpg", width, 900) for width in (800, 1600)))]


def a_picture(file: Path, width: int, height: int) -> Path:
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(file, "JPEG", quality=94)
    return file


@dataclass(frozen=True, slots=True)
class Browser:
    process: subprocess.Popen[str]

    def order(self, what: str) -> dict[str, Any]:
        """What the page says when that is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


@contextmanager
def a_browser(chromium: str, page: str, files: list[Path], folder: Path) -> Iterator[Browser]:
    """That has opened the page and begun to send the files."""
    told = {"chromium": chromium, "profile": str(folder / "profile"), "page": page, "files": [str(file) for file in files]}
    argv = [node(), str(CLIENTS / "browser.mjs"), json.dumps({**told, "screenshot": str(folder / "page.png")})]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(PATIENCE_S, process.terminate)
    watchdog.start()
    try:
        yield Browser(process)
    finally:
        watchdog.cancel()
        process.communicate("")


def test_uppy_in_a_browser_that_loses_its_network_twice_sends_each_byte_once(
    register: Register, chromium: str, pages: str, pictures: list[Path], tmp_path: Path
) -> None:
    size = sum(file.stat().st_size for file in pictures)
    told = {"endpoint": f"{register.line.url}/v1/tus", "token": TOKEN, "inspectionId": str(register.inspection_id)}
    with a_browser(chromium, f"{pages}/page.html#{quote(json.dumps(told))}", pictures, tmp_path) as browser:
        for share, away_s in ((0.3, 3.0), (0.7, 1.0)):
            assert eventually(lambda share=share: register.line.carried_bytes > share * size)
            browser.order("offline")
            register.line.lose()
            time.sleep(away_s)
            register.line.find()
            browser.order("online")
        said = browser.order("end")
    assert said["errors"] == []
    for file, sent in zip(pictures, said["files"], strict=True):
        is_stored_once(register, ToSend(file, file.read_bytes(), {"photoId": sent["photoId"]}))
    requests = register.requests()
    assert {request.status for request in requests if request.method == "OPTIONS"} == {200}
    assert sum(request.status == 503 for request in requests) >= 2
    assert register.brought_bytes() < size + MOBILE_BYTES_PER_S
    print(f"{size} bytes of photos, {register.brought_bytes() - size} received twice, {register.line.carried_bytes - size} more on the line")  # noqa: T201
