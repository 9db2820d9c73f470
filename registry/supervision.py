"""Several children, one parent.

Owns how a child process is born (its own session, gone when its parent is gone), how it is kept alive and in which order all of them end.
It does not know what the children do.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from registry import orphans

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
STABLE_AFTER_S = 30.0
POLL_S = 0.1
LARGEST_LOG_BYTES = 16 * 1024 * 1024


class StartError(Exception):
    """A child could not be started; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system user, for a server that refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a child gets from its parent besides arguments and environment.

    ``death_signal`` is what it receives when the parent dies, ``kept_fd`` an open file that it inherits.
    """

    cwd: Path | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM
    kept_fd: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One child to keep alive. ``start`` may return a process that runs already; it raises StartError or OSError."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0


def spawn(argv: Sequence[str], *, env: Mapping[str, str], log: Path | None, surroundings: Surroundings | None = None) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C reaches only us, and tied to our life.

    ``log`` receives what it prints (appended; None: our own output). The files it makes are private (umask 077).
    On Linux the child is told when the *thread* that called this ends: call it from the main thread. Elsewhere it is not told.

    Raises OSError.
    """
    inside = surroundings or Surroundings()
    account = inside.account
    with _output(log) as output:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=inside.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=() if inside.kept_fd is None else (inside.kept_fd,),
            preexec_fn=_follow_parent(inside.death_signal),
        )


@contextlib.contextmanager
def _output(log: Path | None) -> Iterator[int | None]:
    if log is None:
        yield None
        return
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_name(log.name + ".old"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _follow_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec; after the change of user."""
    return partial(orphans.follow, os.getpid(), death_signal) if sys.platform == "linux" else None


def supervise(services: Sequence[Service], *, on_event: Callable[[str], None], stop: threading.Event) -> None:
    """Start the services in order and keep them alive until SIGINT, SIGTERM or ``stop``; then stop them in reverse order.

    A child that ends is started again after 0.2 s, doubling up to 10 s, and from 0.2 s again once it lived for 30 s.
    A second signal kills all children at once. Signals are heard only in the main thread; elsewhere ``stop`` is the only end.
    ``stop`` is set when this returns.
    """
    children = [_Child(service, on_event) for service in services]
    with _asked_to_stop(children) as asked:
        try:
            _keep_alive(children, lambda: stop.is_set() or bool(asked))
        finally:
            stop.set()
            for child in reversed(children):
                child.end(patient=len(asked) < 2)


def _keep_alive(children: Sequence["_Child"], over: Callable[[], bool]) -> None:
    while not over():
        for child in children:
            if over():
                return
            child.tend()
        time.sleep(POLL_S)


@contextlib.contextmanager
def _asked_to_stop(children: Sequence["_Child"]) -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them.

    The handler only appends: setting a threading.Event in it could deadlock with the wait that it interrupts.
    """
    asked: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            for child in children:
                child.kill()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class _Child:
    service: Service
    on_event: Callable[[str], None]
    process: subprocess.Popen[bytes] | None = None
    delay_s: float = FIRST_DELAY_S
    started_at: float = field(default=0.0)
    due_at: float = field(default=0.0)

    def tend(self) -> None:
        if self.process is not None and self.process.poll() is None:
            if time.monotonic() - self.started_at > STABLE_AFTER_S:
                self.delay_s = FIRST_DELAY_S
            return
        if self.process is not None:
            self._retry_later(f"{self.service.name} ended ({_cause(self.process.returncode)})")
            self.process = None
        if time.monotonic() >= self.due_at:
            self._begin()

    def _begin(self) -> None:
        try:
            self.process = self.service.start()
        except (StartError, OSError) as error:
            self._retry_later(f"{self.service.name} did not start: {error}")
            return
        self.started_at = time.monotonic()
        self.on_event(f"{self.service.name} runs (pid {self.process.pid})")

    def _retry_later(self, what: str) -> None:
        self.on_event(f"{what}; next attempt in {self.delay_s:.1f} s")
        self.due_at = time.monotonic() + self.delay_s
        self.delay_s = min(self.delay_s * 2, LONGEST_DELAY_S)

    def end(self, *, patient: bool) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        if patient:
            end_process(self.process, (self.service.stop_signal, self.service.stop_timeout_s))
        else:
            end_process(self.process)
        self.on_event(f"{self.service.name} stopped ({_cause(self.process.returncode)})")

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            _kill_group(self.process)


def end_process(process: subprocess.Popen[bytes], *attempts: tuple[signal.Signals, float]) -> None:
    """End a child of ``spawn``: each signal in turn with the seconds to wait for its effect, at last SIGKILL to its whole group."""
    for number, timeout_s in attempts:
        if process.poll() is None:
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
            return
    _kill_group(process)
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _cause(returncode: int) -> str:
    if returncode >= 0:
        return f"exit {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
