"""What a test asks about a process."""

import time
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def listening_addresses(pid: int) -> set[str]:
    process = psutil.Process(pid)
    return {found.laddr.ip for one in (process, *process.children(recursive=True)) for found in one.net_connections("inet") if found.status == "LISTEN"}
