"""Load on a server of ours: wrk sends it, the process table says what it cost. All on this machine."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
CONNECTIONS = 16
RUNS = 5
WRK = ("wrk", "-t1", f"-c{CONNECTIONS}", "--latency")
SETTINGS = {"REGISTRY_RATE_LIMIT_TOKEN": "", "REGISTRY_RATE_LIMIT_ADDRESS": ""} | {
    f"REGISTRY_S3_{name}": "http://127.0.0.1:9" for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY")
}
"""Without limits, and without an object store: no request that is measured needs one."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk and the process table say of one URL; times in milliseconds, CPU in microseconds for each request."""

    per_second: float
    p50_ms: float
    p99_ms: float
    api_cpu_us: float
    database_cpu_us: float


@contextmanager
def serving(application: str, settings: dict[str, str]) -> Iterator[tuple[str, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "gunicorn", "--config", "python:api.serving", "--bind", f"127.0.0.1:{port}", application]
    process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **settings})
    try:
        _wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


def load(url: str, token: str, api_pid: int, postgres_pid: int, seconds: int) -> Load:
    """The best of some runs: other guests of the host slow a run down by half at random, nothing speeds one up."""
    one_load(url, token, api_pid, postgres_pid, 1)
    return max((one_load(url, token, api_pid, postgres_pid, seconds) for _ in range(RUNS)), key=lambda each: each.per_second)


def one_load(url: str, token: str, api_pid: int, postgres_pid: int, seconds: int) -> Load:
    before = cpu_s(api_pid), cpu_s(postgres_pid)
    headers = ("-H", f"Authorization: Bearer {token}", "-H", "Reason: bench")
    said = subprocess.run([*WRK, *headers, f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    after = cpu_s(api_pid), cpu_s(postgres_pid)
    if "Non-2xx" in said:
        raise SystemExit(f"{url} did not answer with success:\n{said}")
    requests = int(_find(r"(\d+) requests in", said))
    api_us, database_us = ((late - early) / requests * 1e6 for early, late in zip(before, after, strict=True))
    return Load(float(_find(r"Requests/sec:\s+([\d.]+)", said)), _ms(said, "50%"), _ms(said, "99%"), api_us, database_us)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


def _ms(said: str, percentile: str) -> float:
    value, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", said).groups()  # type: ignore[union-attr]
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children so far."""
    if not pid:
        return 0.0
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
