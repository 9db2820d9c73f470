"""The object store: S3 and nothing else. No call from here is made inside a database transaction."""

import base64
import hashlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote
from uuid import uuid4

import boto3
import structlog
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry import clock
from registry.errors import Unavailable
from registry.settings import Settings, settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LINK_LIFE_S = 900
"""Seconds that a presigned link works."""
RETRY_AFTER_S = 10
FULL_RETRY_AFTER_S = 60
ALARM_LASTS_S = 300
CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 30
MOST_CONNECTIONS = 32
READ_STEP_BYTES = SEND_STEP_BYTES = 256 * 1024
PROBES = "probe/"
"""Where the abilities of the store are tried out."""

log = structlog.get_logger()
_refusals: deque[float] = deque(maxlen=1)
"""When this process was refused last."""


class RefusesWrites(Unavailable):
    """The object store answers and takes nothing more: mostly its disk is full. Nothing that was sent is lost; somebody must make room."""

    code = "object-store-refuses-writes"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of an object. ``sha256`` is None when the store kept no checksum."""

    size_bytes: int
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class PutLink:
    """Where and how to upload: send exactly these headers with exactly the declared bytes."""

    url: str
    headers: dict[str, str]
    expires_in_s: int


def _client(endpoint: str, config: Settings) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=config.s3_access_key,
        aws_secret_access_key=config.s3_secret_key,
        region_name=config.s3_region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"max_attempts": 2, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            max_pool_connections=MOST_CONNECTIONS,
        ),
    )


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a store does of what S3 promises, found out by trying.

    ``writes_once``: If-None-Match keeps an object from being overwritten. ``judges_digests``: bytes with another SHA-256 than stated are refused.
    """

    writes_once: bool
    judges_digests: bool


@dataclass(frozen=True, slots=True)
class ListedObject:
    key: str
    size_bytes: int
    modified_at: datetime


@cache
def _inside() -> "S3Client":
    return _client(settings().s3_endpoint, settings())


@cache
def _outside() -> "S3Client":
    return _client(settings().s3_public_endpoint, settings())


def check() -> None:
    """Raises Unavailable when the bucket does not answer."""
    with _reachable():
        _inside().head_bucket(Bucket=settings().s3_bucket)


def refused_lately() -> bool:
    """Whether the store took nothing from this process in the last minutes."""
    return bool(_refusals) and clock.monotonic() - _refusals[-1] < ALARM_LASTS_S


def prepare() -> None:
    """Make the bucket when it is not there. Raises Unavailable."""
    with _reachable():
        try:
            _inside().head_bucket(Bucket=settings().s3_bucket)
        except ClientError as error:
            if _status(error) != 404:
                raise
            with suppress(_inside().exceptions.BucketAlreadyOwnedByYou):  # by another process, just now
                _inside().create_bucket(Bucket=settings().s3_bucket)


@cache
def abilities() -> Abilities:
    """What the store can do; tried out once in each process. Raises Unavailable, RefusesWrites."""
    key, content = f"{PROBES}{uuid4()}", b"probe"
    right, wrong = hashlib.sha256(content).digest(), hashlib.sha256(b"").digest()
    try:
        misled = _put(f"{key}-wrong", content, sha256=wrong, size_bytes=len(content), content_type="text/plain", once=False)
        first, second = (_put(key, content, sha256=right, size_bytes=len(content), content_type="text/plain", once=True) for _ in range(2))
    finally:
        for each in (key, f"{key}-wrong"):
            delete(each)
    for status in (misled, first, second):
        if status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED:  # it says nothing of what the store can do, and must not be remembered
            _refused(key, status)
    found = Abilities(writes_once=first < 300 and second == 412, judges_digests=misled >= 400)
    log.info("object-store-tried", writes_once=found.writes_once, judges_digests=found.judges_digests)
    return found


def takes_from_phones() -> bool:
    """Whether phones may be sent to the store: it answers, and a link to it can store nothing but the bytes that it was made for, once."""
    try:
        found = abilities()
    except Unavailable:
        return False
    return found.writes_once and found.judges_digests


def put_link(key: str, *, sha256: bytes, size_bytes: int, content_type: str) -> PutLink:
    """A link that stores these bytes under ``key`` once: digest, length, type and If-None-Match are signed."""
    url, headers = _signed_put(_outside(), key, sha256=sha256, size_bytes=size_bytes, content_type=content_type, once=True)
    return PutLink(url, headers, LINK_LIFE_S)


def get_link(key: str, *, content_type: str, filename: str) -> str:
    """A link that gives an object as a download, for `LINK_LIFE_S` seconds."""
    disposition = f"attachment; filename*=UTF-8''{quote(filename)}"
    return _outside().generate_presigned_url(
        "get_object",
        Params={"Bucket": settings().s3_bucket, "Key": key, "ResponseContentType": content_type, "ResponseContentDisposition": disposition},
        ExpiresIn=LINK_LIFE_S,
    )


def store_once(key: str, content: BinaryIO, *, sha256: bytes, size_bytes: int, content_type: str) -> None:
    """Store a file, in one request, with its digest judged by the store. The same bytes may be there already.

    ``content`` is read from its beginning. Raises Unavailable, RefusesWrites.
    """
    able = abilities()
    if not able.writes_once and find(key) is not None:
        return
    content.seek(0)
    status = _put(key, content, sha256=sha256, size_bytes=size_bytes, content_type=content_type, once=able.writes_once)
    if status >= 300 and not (status == 412 and able.writes_once):
        _refused(key, status)


def store(key: str, content: BinaryIO, *, size_bytes: int, content_type: str) -> None:
    """Store a file that can be made again, over what is there. Raises Unavailable, RefusesWrites."""
    digest = digest_of(content)
    content.seek(0)
    status = _put(key, content, sha256=digest, size_bytes=size_bytes, content_type=content_type, once=False)
    if status >= 300:
        _refused(key, status)


def _refused(key: str, status: int) -> None:
    """Raises RefusesWrites when the store answers otherwise, else Unavailable."""
    check()
    _refusals.append(clock.monotonic())
    log.error("object-store-refuses-writes", status=status, key=key, hint="is its disk full?")
    raise RefusesWrites(retry_after_s=FULL_RETRY_AFTER_S)


def _put(key: str, content: BinaryIO | bytes, *, sha256: bytes, size_bytes: int, content_type: str, once: bool) -> int:
    """The status of one PUT over a connection that stays open.

    Signed as for a phone, and not sent by boto3: that would read the file once more to sign what the digest vouches for already, and wait for a
    100 Continue. Raises Unavailable.
    """
    url, headers = _signed_put(_inside(), key, sha256=sha256, size_bytes=size_bytes, content_type=content_type, once=once)
    return _send("PUT", url, body=content, headers=headers).status


def _send(method: str, url: str, *, headers: dict[str, str], body: BinaryIO | bytes | None = None) -> urllib3.BaseHTTPResponse:
    """Raises Unavailable."""
    with _reachable():
        return _sender().request(method, url, body=body, headers=headers, redirect=False)


@cache
def _sender() -> urllib3.PoolManager:
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
    return urllib3.PoolManager(maxsize=MOST_CONNECTIONS, timeout=timeout, retries=False, blocksize=SEND_STEP_BYTES)


def _signed_put(client: "S3Client", key: str, *, sha256: bytes, size_bytes: int, content_type: str, once: bool) -> tuple[str, dict[str, str]]:
    digest = base64.b64encode(sha256).decode()
    signed: dict[str, Any] = {"ContentType": content_type, "ChecksumSHA256": digest, "ContentLength": size_bytes, **({"IfNoneMatch": "*"} if once else {})}
    url = client.generate_presigned_url("put_object", Params={"Bucket": settings().s3_bucket, "Key": key, **signed}, ExpiresIn=LINK_LIFE_S)
    headers = {"Content-Type": content_type, "x-amz-checksum-sha256": digest, "Content-Length": str(size_bytes)}
    return url, headers | ({"If-None-Match": "*"} if once else {})


def delete(key: str) -> None:
    """Remove an object for good; one that is not there is gone already. Raises Unavailable."""
    with _reachable():
        _inside().delete_object(Bucket=settings().s3_bucket, Key=key)


def listed(prefix: str, *, after: str = "") -> Iterator[ListedObject]:
    """The objects under ``prefix`` in the order of their keys, a thousand at a time. Raises Unavailable."""
    while True:
        with _reachable():
            page = _inside().list_objects_v2(Bucket=settings().s3_bucket, Prefix=prefix, StartAfter=after)
        for each in page.get("Contents", ()):
            yield ListedObject(each["Key"], each["Size"], each["LastModified"])
            after = each["Key"]
        if not page.get("IsTruncated"):
            return


def find(key: str) -> StoredObject | None:
    """What is stored under ``key``. Raises Unavailable."""
    url = _inside().generate_presigned_url("head_object", Params={"Bucket": settings().s3_bucket, "Key": key, "ChecksumMode": "ENABLED"}, ExpiresIn=LINK_LIFE_S)
    found = _send("HEAD", url, headers={"x-amz-checksum-mode": "ENABLED"})
    if found.status == 404:
        return None
    if found.status != 200:
        raise Unavailable(retry_after_s=RETRY_AFTER_S)
    checksum = found.headers.get("x-amz-checksum-sha256")
    return StoredObject(int(found.headers["Content-Length"]), base64.b64decode(checksum) if checksum else None)


@contextmanager
def opened(key: str, *, first: int = 0, last: int | None = None) -> Iterator[BinaryIO]:
    """The bytes of an object as a stream, from ``first`` to ``last`` included. Raises Unavailable; FileNotFoundError when there is none."""
    wanted: dict[str, Any] = {"Range": f"bytes={first}-{'' if last is None else last}"} if first or last is not None else {}
    with _reachable():
        try:
            body = _inside().get_object(Bucket=settings().s3_bucket, Key=key, **wanted)["Body"]
        except ClientError as error:
            if _status(error) == 404:
                raise FileNotFoundError(key) from error
            raise
        try:
            yield cast("BinaryIO", body)
        finally:
            body.close()


def digest(key: str) -> bytes:
    """The SHA-256 of an object, read in steps. Raises Unavailable; FileNotFoundError when there is none."""
    with opened(key) as stream:
        return _digest(stream)


def digest_of(file: BinaryIO) -> bytes:
    """The SHA-256 of a file, from its beginning to its end."""
    file.seek(0)
    return _digest(file)


def _digest(stream: BinaryIO) -> bytes:
    found = hashlib.sha256()
    while step := stream.read(READ_STEP_BYTES):
        found.update(step)
    return found.digest()


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, urllib3.exceptions.HTTPError) as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error
