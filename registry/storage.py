"""The object store: S3 and nothing else. No call from here is made inside a database transaction."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry.errors import Unavailable
from registry.settings import Settings, settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LINK_LIFE_S = 900
"""Seconds that a presigned link works."""
RETRY_AFTER_S = 10
CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 30


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
            max_pool_connections=32,
        ),
    )


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


def prepare() -> None:
    """Make the bucket when it is not there. Raises Unavailable."""
    with _reachable():
        try:
            _inside().head_bucket(Bucket=settings().s3_bucket)
        except ClientError as error:
            if _status(error) != 404:
                raise
            _inside().create_bucket(Bucket=settings().s3_bucket)


def put_link(key: str, *, sha256: bytes, size_bytes: int, content_type: str) -> PutLink:
    """A link that stores these bytes under ``key`` once: digest, length, type and If-None-Match are signed."""
    headers = {"Content-Type": content_type, "If-None-Match": "*", "x-amz-checksum-sha256": base64.b64encode(sha256).decode()}
    url = _outside().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": settings().s3_bucket,
            "Key": key,
            "ChecksumSHA256": headers["x-amz-checksum-sha256"],
            "ContentLength": size_bytes,
            "ContentType": content_type,
            "IfNoneMatch": "*",
        },
        ExpiresIn=LINK_LIFE_S,
    )
    return PutLink(url, {**headers, "Content-Length": str(size_bytes)}, LINK_LIFE_S)


def find(key: str) -> StoredObject | None:
    """What is stored under ``key``. Raises Unavailable."""
    with _reachable():
        try:
            found = _inside().head_object(Bucket=settings().s3_bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise
    checksum = found.get("ChecksumSHA256")
    return StoredObject(found["ContentLength"], base64.b64decode(checksum) if checksum else None)


@contextmanager
def opened(key: str) -> Iterator[BinaryIO]:
    """The bytes of an object as a stream. Raises Unavailable; FileNotFoundError when there is none."""
    with _reachable():
        try:
            body = _inside().get_object(Bucket=settings().s3_bucket, Key=key)["Body"]
        except ClientError as error:
            if _status(error) == 404:
                raise FileNotFoundError(key) from error
            raise
        try:
            yield cast("BinaryIO", body)
        finally:
            body.close()


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error
