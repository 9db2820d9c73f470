"""Settings, from the environment only, checked when the program starts.

Nothing here has a default that would be unsafe on a server: without a database and an object store the program says what is missing.
`registry up` fills in both when it starts them itself.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

import limits
from environs import Env, EnvError, ValidationError, validate

Network = IPv4Network | IPv6Network
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
TOKEN_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""What an access token may be signed with (RFC 7518, 8037, 9864): public keys only, because whoever can check a shared secret can also forge with it."""
TOKEN_RATE, ADDRESS_RATE = "1200/minute", "600/minute"
"""Requests of one token, and of one address that shows none."""
DEFAULT_PROCESSING_REGISTER = "https://dwelling-registry.example/processing-activities"
DEFAULT_WEBHOOK_SOURCE = "https://dwelling-registry.example"
DEFAULT_WEBHOOK_TYPE_PREFIX = "nl.dwelling-registry"
TYPE_PREFIX: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
LONGEST_RETENTION_YEARS = 200
"""Who keeps for ever leaves the setting out."""
STANDARD_OUTPUT = "-"
"""As REGISTRY_PROCESSING_LOG."""
SHORTEST_KEY = 32
"""Characters of REGISTRY_PSEUDONYM_KEY: a key of 256 bits needs more than this in any way of writing it down but raw bytes."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``s3_public_endpoint`` is the address phones reach the object store at; presigned links carry it.

    ``oidc_issuer`` is the OpenID provider whose access tokens open the API, empty when there is none; ``oidc_client_id`` and ``oidc_client_secret`` are
    for signing in on the web and may be empty.
    ``processing_log`` is a file for JSON lines, ``-`` for standard output, or nothing; ``otlp_endpoint`` a collector, or nothing: the processing log is
    off when both are nothing. ``pseudonym_key`` makes the pseudonyms in it, and ``processing_register`` is the base of the URIs of its activities.
    ``trusted_proxies`` are believed about whose request they pass on. The rates are in the notation of `limits`, such as ``1200/minute``; empty
    is no limit. ``photo_retention_years`` counts from the submission of an inspection; None destroys nothing for its age.
    ``webhook_allowed_networks`` may be told of changes although they are not public, and over http; ``webhook_source`` is the address of this register in
    the events, and ``webhook_type_prefix`` the reversed domain name that their types begin with.
    """

    database_url: str
    s3_endpoint: str
    s3_public_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    s3_region: str
    allowed_origins: tuple[str, ...]
    log_level: str
    pool_size: int
    prepared_statements: bool = True
    trusted_proxies: tuple[Network, ...] = ()
    rate_limit_token: str = TOKEN_RATE
    rate_limit_address: str = ADDRESS_RATE
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_algorithms: tuple[str, ...] = TOKEN_ALGORITHMS
    processing_log: str = ""
    otlp_endpoint: str = ""
    pseudonym_key: str = field(default="", repr=False)
    processing_register: str = DEFAULT_PROCESSING_REGISTER
    photo_retention_years: int | None = None
    webhook_allowed_networks: tuple[Network, ...] = ()
    webhook_source: str = DEFAULT_WEBHOOK_SOURCE
    webhook_type_prefix: str = DEFAULT_WEBHOOK_TYPE_PREFIX


def read(env: Env | None = None) -> Settings:
    """Read and check every setting; all faults are reported together.

    Raises SettingsError.
    """
    env = env or Env(eager=False, prefix="REGISTRY_")
    not_empty = validate.Length(min=1)
    issuer = env.str("OIDC_ISSUER", "", validate=_names_a_provider)
    algorithms = cast("list[str] | None", env.list("OIDC_ALGORITHMS", list(TOKEN_ALGORITHMS), validate=[not_empty, validate.ContainsOnly(TOKEN_ALGORITHMS)]))
    settings = Settings(
        database_url=env.str("DATABASE_URL", validate=not_empty),
        s3_endpoint=env.str("S3_ENDPOINT", validate=not_empty),
        s3_public_endpoint=env.str("S3_PUBLIC_ENDPOINT", env.str("S3_ENDPOINT", "")),
        s3_access_key=env.str("S3_ACCESS_KEY", validate=not_empty),
        s3_secret_key=env.str("S3_SECRET_KEY", validate=not_empty),
        s3_bucket=env.str("S3_BUCKET", "registry"),
        s3_region=env.str("S3_REGION", "eu-central-1"),
        allowed_origins=tuple(cast("list[str]", env.list("ALLOWED_ORIGINS", [], subcast=_origin) or [])),
        prepared_statements=env.bool("PREPARED_STATEMENTS", True),
        trusted_proxies=tuple(cast("list[Network]", env.list("TRUSTED_PROXIES", [], subcast=_network) or [])),
        rate_limit_token=env.str("RATE_LIMIT_TOKEN", TOKEN_RATE, validate=_is_rate),
        rate_limit_address=env.str("RATE_LIMIT_ADDRESS", ADDRESS_RATE, validate=_is_rate),
        log_level=env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        pool_size=env.int("POOL_SIZE", 8, validate=validate.Range(min=1)),
        oidc_issuer=issuer,
        oidc_audience=env.str("OIDC_AUDIENCE", validate=not_empty) if issuer != "" else env.str("OIDC_AUDIENCE", ""),
        oidc_client_id=env.str("OIDC_CLIENT_ID", ""),
        oidc_client_secret=env.str("OIDC_CLIENT_SECRET", ""),
        oidc_algorithms=tuple(algorithms or ()),
        processing_log=env.str("PROCESSING_LOG", "", validate=_in_a_folder),
        otlp_endpoint=env.str("OTLP_ENDPOINT", "", validate=_encrypted_or_here),
        pseudonym_key=_pseudonym_key(env),
        processing_register=env.str("PROCESSING_REGISTER", DEFAULT_PROCESSING_REGISTER, validate=_web_address),
        webhook_allowed_networks=tuple(cast("list[Network]", env.list("WEBHOOK_ALLOWED_NETWORKS", [], subcast=_network) or [])),
        webhook_source=env.str("WEBHOOK_SOURCE", DEFAULT_WEBHOOK_SOURCE, validate=_web_address).rstrip("/"),
        webhook_type_prefix=env.str("WEBHOOK_TYPE_PREFIX", DEFAULT_WEBHOOK_TYPE_PREFIX, validate=validate.Regexp(f"^{TYPE_PREFIX}$")),
        photo_retention_years=env.int("PHOTO_RETENTION_YEARS", None, validate=validate.Range(min=1, max=LONGEST_RETENTION_YEARS)),
    )
    try:
        env.seal()
    except EnvError as error:
        raise SettingsError(f"Settings: {error}") from error
    return settings


def protected(url: str) -> bool:
    """Whether nobody on the way can change what ``url`` answers: it is https, or does not leave this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _names_a_provider(url: str) -> None:
    """The form of OpenID Connect Discovery 1.0, section 2. Raises ValidationError."""
    if url and (not protected(url) or set(url) & set("@?#")):
        raise ValidationError("Must be an https URL (http only on this machine) without user, query or fragment.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pseudonym_key(env: Env) -> str:
    """Without a key nothing can be logged, so it is required as soon as there is a place to log to."""
    long_enough = validate.Length(min=SHORTEST_KEY)
    if env.str("PROCESSING_LOG", "") or env.str("OTLP_ENDPOINT", ""):
        return env.str("PSEUDONYM_KEY", validate=long_enough)
    return env.str("PSEUDONYM_KEY", "", validate=[_nothing_or(long_enough)])


def _nothing_or(check: Callable[[str], object]) -> Callable[[str], None]:
    def checked(value: str) -> None:
        if value:
            check(value)

    return checked


def _in_a_folder(value: str) -> None:
    if value not in ("", STANDARD_OUTPUT) and not Path(value).parent.is_dir():
        raise ValidationError("There is no such folder.")


def _web_address(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError("Not a web address.")


def _encrypted_or_here(value: str) -> None:
    """The standard of the processing log asks for TLS; on this machine there is nobody between."""
    if value:
        _web_address(value)
        if not protected(value):
            raise ValidationError("Only https, unless it is on this machine.")


def _origin(text: str) -> str:
    """Raises ValidationError, also for ``*`` and ``null``: either would let any page use the session of whoever looks at it."""
    if not ORIGIN.fullmatch(text.strip()):
        raise ValidationError(f"{text.strip()!r} is no web origin, such as https://inspectie.example.nl.")
    return text.strip()


def _network(text: str) -> Network:
    """Raises ValidationError."""
    try:
        return ipaddress.ip_network(text.strip())
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
