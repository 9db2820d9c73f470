"""What both servers share: a folder, a lock on it, a child process, and the wait until it answers."""

import fcntl
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from registry.embedded.folder import write_private
from registry.supervision import Service, StartError, end_process

START_TIMEOUT_S = 90.0
LOCK_TIMEOUT_S = 8.0
POLL_S = 0.03
LOG_EXCERPT_LINES = 15
PASSED_ON = ("PATH", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""The only variables of ours that the servers see: PG*, WEED_* and AWS_* would change what they do."""

A = TypeVar("A")


class EmbeddedError(StartError):
    """An embedded server can't run here; the message says what to do or which log to read."""


class AlreadyRunning(EmbeddedError):
    """Another process runs this server on this folder; ``running_address`` says where."""


class Server(ABC, Generic[A]):
    """A folder, a lock, a child and its log.

    The lock (flock) is inherited by the child and its children: as long as one of them lives, nobody else can start on the folder, and
    a lock that is free means that the server is gone, whatever pid files say. ``start`` is to be called from the main thread (see ``spawn``).
    """

    name: ClassVar[str]
    stop_attempts: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._address: A | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.running() else None

    def running(self) -> bool:
        """Whether the child that this object started lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> A:
        """Start the server, wait until it answers and say where it is; it does nothing more when it runs already.

        Raises EmbeddedError; AlreadyRunning when another process runs it.
        """
        if self._address is not None and self.running():
            return self._address
        self.stop()
        try:
            self._occupy()
            self._process = self._launch()
            self._address = self._until_ready()
            write_private(self.folder / "address", self._written(self._address))
        except BaseException:
            self.stop()
            raise
        return self._address

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process, *self.stop_attempts)
            self._process = self._address = None
            (self.folder / "address").unlink(missing_ok=True)
            self._tidy()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def service(self) -> Service:
        """For ``supervise``: started again on the same address when it dies."""

        def start() -> subprocess.Popen[bytes]:
            self.start()
            assert self._process is not None
            return self._process

        number, timeout_s = self.stop_attempts[0]
        return Service(self.name, start, stop_signal=number, stop_timeout_s=timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @classmethod
    def running_address(cls, folder: Path) -> A | None:
        """Where the server on ``folder`` answers, when this or another process runs it."""
        if _lock_is_free(folder / "lock"):
            return None
        try:
            return cls._read((folder / "address").read_text())
        except FileNotFoundError:
            return None

    def _occupy(self) -> None:
        self._prepare_folder()
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while not _locked(self._lock, fcntl.LOCK_EX):
            in_use = self.running_address(self.folder) is not None and not _is_orphan(self.folder)
            if in_use or time.monotonic() > deadline:
                raise AlreadyRunning(f"{self.name} runs already on {self.folder}.")
            time.sleep(POLL_S)
        (self.folder / "address").unlink(missing_ok=True)
        write_private(self.folder / "parent", str(os.getpid()))

    def _until_ready(self) -> A:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if not self.running():
                raise EmbeddedError(f"{self.name} stopped while it started. The end of {self.log}:\n{last_lines(self.log)}")
            address = self._answering()
            if address is not None:
                return address
            if time.monotonic() > deadline:
                late = f"{self.name} did not answer within {START_TIMEOUT_S:.0f} s"
                raise EmbeddedError(f"{late}. The end of {self.log}:\n{last_lines(self.log)}")
            time.sleep(POLL_S)

    @abstractmethod
    def _prepare_folder(self) -> None: ...

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _answering(self) -> A | None:
        """The address when the server answers now."""

    def _tidy(self) -> None:
        """What the server leaves outside its folder."""

    @classmethod
    @abstractmethod
    def _read(cls, text: str) -> A: ...

    @classmethod
    @abstractmethod
    def _written(cls, address: A) -> str: ...


def make_folder(folder: Path, mode: int) -> None:
    """Make the folder, and the missing ones above it, with ``mode`` whatever the umask; existing ones stay as they are."""
    try:
        for step in (*reversed(folder.parents), folder):
            if not step.exists():
                step.mkdir(exist_ok=True)
                step.chmod(mode)
    except OSError as error:
        raise EmbeddedError(f"The folder {folder} can't be made ({error.strerror}): choose another folder with --data.") from error


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def last_lines(log: Path) -> str:
    if not log.exists():
        return "(empty)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_EXCERPT_LINES:])


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_is_free(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _is_orphan(folder: Path) -> bool:
    """Whether the process that started the server is gone, so that the server is on its way out."""
    try:
        os.kill(int((folder / "parent").read_text()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return True
    except PermissionError:
        return False
    return False
