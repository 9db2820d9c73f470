"""One machine that runs all of it: embedded servers where none are given, migrations, the API under gunicorn, and a worker."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session

from registry import migrations
from registry.access import Actor, Role, the_system
from registry.db import API_ROLE, WORKER_ROLE, database, transaction
from registry.embedded.folder import remembered
from registry.embedded.object_store import ObjectStore, ObjectStoreAddress
from registry.embedded.postgres import Postgres
from registry.embedded.server import make_folder
from registry.members import commands
from registry.members import queries as members
from registry.supervision import Service, StartError, spawn, supervise

DATABASE_FOLDER = "postgresql"
ROLE_SETTINGS = {API_ROLE: "REGISTRY_API_DATABASE_URL", WORKER_ROLE: "REGISTRY_WORKER_DATABASE_URL"}
PLAYER_CODE = "REGISTRY_ENROLMENT_CODE"
"""Where a player finds its code; not among its arguments, which everybody on the machine can see."""
OBJECTS_FOLDER = "seaweedfs"
READY_WITHIN_S = 60
PORTS_TO_TRY = 100
FOLDER_MODE = 0o711
"""Of the data folder: as root, PostgreSQL runs under another account, which must be able to pass. What is secret in it has modes of its own."""


@dataclass(slots=True)
class Installation:
    """The register in ``folder``, with its API on ``port`` of the loopback address. ``say`` tells a person what happens."""

    folder: Path
    port: int
    say: Callable[[str], None]
    admin_email: str = "beheerder@localhost"
    """Of the administrator that the first start makes."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _player_status: int = 0
    _player_code: str = ""

    def run(self, *, player: str | None = None, stop_after_player: bool = False) -> int:
        """Run until Ctrl-C. ``player`` is a Python module to run against the API once it is ready; its exit status is returned.

        Raises StartError.
        """
        make_folder(self.folder, FOLDER_MODE)
        port = _free_port(self.port)
        if port != self.port:
            self.say(f"Port {self.port} is taken: the API will be at {port}")
            self.port = port
        self.say(f"The data is in {self.folder.resolve()}")
        with ExitStack() as stack:
            services, environment = self._servers(stack)
            self._prepare(environment)
            addresses = self._addresses(environment)
            stack.enter_context(_metrics_folder(environment))
            services += [self._api(_as(environment, addresses[API_ROLE])), self._worker(_as(environment, addresses[WORKER_ROLE]))]
            self._administrator(environment, player)
            follower = threading.Thread(target=self._follow, args=(player, stop_after_player), daemon=True)
            follower.start()
            supervise(services, on_event=self.say, stop=self._stop)
            follower.join(timeout=5)
        self.say("Everything is stopped.")
        return self._player_status

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _servers(self, stack: ExitStack) -> tuple[list[Service], dict[str, str]]:
        """Start what is not given from outside, and say where everything is in the environment of the children."""
        services: list[Service] = []
        found: dict[str, str] = {}
        if "REGISTRY_DATABASE_URL" not in os.environ:
            self.say("Starting PostgreSQL")
            postgres = stack.enter_context(Postgres(self.folder / DATABASE_FOLDER))
            found |= {"REGISTRY_DATABASE_URL": postgres.start()}
            services.append(postgres.service())
        if "REGISTRY_S3_ENDPOINT" not in os.environ:
            self.say("Starting SeaweedFS")
            store = stack.enter_context(ObjectStore(self.folder / OBJECTS_FOLDER))
            found |= store_settings(store.start())
            services.append(store.service())
        return services, {**self._processing_log(), **os.environ, **found}

    def _processing_log(self) -> dict[str, str]:
        """A file in the data folder, unless the environment says where processing of personal data is to be logged."""
        if {"REGISTRY_PROCESSING_LOG", "REGISTRY_OTLP_ENDPOINT"} & os.environ.keys():
            return {}
        key = remembered(self.folder / "pseudonym-key", lambda: secrets.token_urlsafe(32))
        return {"REGISTRY_PROCESSING_LOG": str(self.folder.resolve() / "processing.jsonl"), "REGISTRY_PSEUDONYM_KEY": key}

    def _administrator(self, environment: Mapping[str, str], player: str | None) -> None:
        """The first start makes an administrator and says how she gets in; a player gets in by a code that only it is told."""
        database.connect(environment["REGISTRY_DATABASE_URL"], pool_size=1)
        actor = the_system("first-start")
        with transaction() as session:
            first = not members.is_there_anybody(session)
            if first:
                self.say(f"First start. Set up the administrator within a week, here, once: {self.url}/set-up#{_invitation(session, actor, self.admin_email)}")
            if player is not None:
                self._player_code = _code(session, actor)
        database.close()

    def _prepare(self, environment: dict[str, str]) -> None:
        """Raises StartError."""
        self.say("Bringing the database up to date")
        migrations.upgrade(environment["REGISTRY_DATABASE_URL"])
        done = subprocess.run([sys.executable, "-m", "registry.cli", "prepare"], env=environment, check=False)
        if done.returncode:
            raise StartError("the register could not be prepared; the lines above say why")

    def _addresses(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The URL of each database role that only a part of the register uses. Raises StartError."""
        given = {role: os.environ.get(setting) for role, setting in ROLE_SETTINGS.items()}
        if "REGISTRY_DATABASE_URL" not in os.environ:
            return {role: url or self._let_in(environment["REGISTRY_DATABASE_URL"], role) for role, url in given.items()}
        missing = [ROLE_SETTINGS[role] for role, url in given.items() if not url]
        if missing:
            raise StartError(f"with REGISTRY_DATABASE_URL set, also set {' and '.join(missing)} (docs/operations.md, Database roles)")
        return {role: cast("str", url) for role, url in given.items()}

    def _let_in(self, owner_url: str, role: str) -> str:
        password = remembered(self.folder / f"{role}-password", lambda: secrets.token_hex(24))
        return migrations.let_in(owner_url, role, password)

    def _api(self, environment: Mapping[str, str]) -> Service:
        argv = [sys.executable, "-m", "gunicorn", "--config", "python:api.serving", "--bind", f"127.0.0.1:{self.port}", "api.wsgi:app"]
        return Service("API", lambda: spawn(argv, env=environment, log=self.folder / "api.log"), signal.SIGTERM, 15)

    def _worker(self, environment: Mapping[str, str]) -> Service:
        argv = [sys.executable, "-m", "registry.cli", "worker"]
        return Service("worker", lambda: spawn(argv, env=environment, log=self.folder / "worker.log"), signal.SIGTERM, 15)

    def _follow(self, player: str | None, stop_after_player: bool) -> None:
        if not self._ready():
            self.say(f"The API is not ready after {READY_WITHIN_S} s; see {self.folder / 'api.log'}")
            self._player_status = 1
            self._stop.set()
            return
        self.say(f"Ready: {self.url}/v1/openapi.json — stop with Ctrl-C")
        if player is not None:
            self._player_status = self._play(player)
            if stop_after_player:
                self._stop.set()

    def _play(self, player: str) -> int:
        known = {**os.environ, PLAYER_CODE: self._player_code}
        process = subprocess.Popen([sys.executable, "-m", player, "--url", self.url, "--tokens", str(self.folder / "tokens.env")], env=known)
        while process.poll() is None:
            if self._stop.wait(0.1):
                process.terminate()
        return process.returncode

    def _ready(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and not self._stop.is_set():
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):  # noqa: S310
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False


def store_settings(address: ObjectStoreAddress) -> dict[str, str]:
    """The settings by which the register finds an object store."""
    keys = {"REGISTRY_S3_ACCESS_KEY": address.access_key, "REGISTRY_S3_SECRET_KEY": address.secret_key}
    return {"REGISTRY_S3_ENDPOINT": address.endpoint, **keys}


def _free_port(wanted: int) -> int:
    """``wanted``, or the next port that nobody listens on. Raises StartError."""
    for port in range(wanted, min(wanted + PORTS_TO_TRY, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartError(f"no free port from {wanted} on")


def _as(environment: Mapping[str, str], database_url: str) -> dict[str, str]:
    """A part of the register is told of its own database role only."""
    settings = set(ROLE_SETTINGS.values())
    return {**{name: value for name, value in environment.items() if name not in settings}, "REGISTRY_DATABASE_URL": database_url}


def _invitation(session: Session, actor: Actor, email: str) -> str:
    member = commands.take_on_ministry_administrator(session, actor, email=email, name="Beheerder")
    return commands.invite(session, actor, member.id).text


def _code(session: Session, actor: Actor) -> str:
    """An enrolment code for the first administrator."""
    (first,) = members.list_(session, actor, role=Role.ADMINISTRATOR, organisation_id=None, after=None, limit=1).items
    return commands.enrol(session, actor, first.id, name="demo").text


def _metrics_folder(environment: dict[str, str]) -> tempfile.TemporaryDirectory[str]:
    """Where the API processes put their counters together, empty at each start."""
    folder = tempfile.TemporaryDirectory(prefix="registry-metrics-")
    environment["PROMETHEUS_MULTIPROC_DIR"] = folder.name
    return folder
