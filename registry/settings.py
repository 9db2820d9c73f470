"""Settings, from the environment only, checked when the program starts.

Nothing here has a default that would be unsafe on a server: without a database and an object store the program says what is missing.
`registry up` fills in both when it starts them itself.
"""

import re
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import cast

import limits
from environs import Env, EnvError, ValidationError, validate

Network = IPv4Network | IPv6Network
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``s3_public_endpoint`` is the address phones reach the object store at; presigned links carry it.

    ``trusted_proxies`` are believed about whose request they pass on. The rates are in the notation of `limits`, such as ``1200/minute``; empty
    is no limit.
    """

    database_url: str
    s3_endpoint: str
    s3_public_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    s3_region: str
    embedded: bool
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    rate_limit_token: str
    rate_limit_address: str
    log_level: str
    pool_size: int


def read(env: Env | None = None) -> Settings:
    """Read and check every setting; all faults are reported together.

    Raises SettingsError.
    """
    env = env or Env(eager=False, prefix="REGISTRY_")
    not_empty = validate.Length(min=1)
    settings = Settings(
        database_url=env.str("DATABASE_URL", validate=not_empty),
        s3_endpoint=env.str("S3_ENDPOINT", validate=not_empty),
        s3_public_endpoint=env.str("S3_PUBLIC_ENDPOINT", env.str("S3_ENDPOINT", "")),
        s3_access_key=env.str("S3_ACCESS_KEY", validate=not_empty),
        s3_secret_key=env.str("S3_SECRET_KEY", validate=not_empty),
        s3_bucket=env.str("S3_BUCKET", "registry"),
        s3_region=env.str("S3_REGION", "eu-central-1"),
        embedded=env.bool("EMBEDDED", False),
        allowed_origins=tuple(cast("list[str]", env.list("ALLOWED_ORIGINS", [], subcast=_origin) or [])),
        trusted_proxies=tuple(cast("list[Network]", env.list("TRUSTED_PROXIES", [], subcast=_network) or [])),
        rate_limit_token=env.str("RATE_LIMIT_TOKEN", "1200/minute", validate=_is_rate),
        rate_limit_address=env.str("RATE_LIMIT_ADDRESS", "600/minute", validate=_is_rate),
        log_level=env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        pool_size=env.int("POOL_SIZE", 8, validate=validate.Range(min=1)),
    )
    try:
        env.seal()
    except EnvError as error:
        raise SettingsError(f"Settings: {error}") from error
    return settings


def _origin(text: str) -> str:
    """Raises ValidationError, also for ``*`` and ``null``: either would let any page use the session of whoever looks at it."""
    if not ORIGIN.fullmatch(text.strip()):
        raise ValidationError(f"{text.strip()!r} is no web origin, such as https://inspectie.example.nl.")
    return text.strip()


def _network(text: str) -> Network:
    """Raises ValidationError."""
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise ValidationError(f"{error}.") from None


def _is_rate(text: str) -> None:
    """Raises ValidationError."""
    try:
        right = not text or [rate.amount > 0 for rate in limits.parse_many(text)] == [True]
    except ValueError:
        right = False
    if not right:
        raise ValidationError(f"{text!r} is no rate, such as 1200/minute.")


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return read()
