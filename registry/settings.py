"""Settings, from the environment only, checked when the program starts.

Nothing here has a default that would be unsafe on a server: without a database and an object store the program says what is missing.
`registry up` fills in both when it starts them itself.
"""

from dataclasses import dataclass
from functools import cache
from typing import cast

from environs import Env, EnvError, validate


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``s3_public_endpoint`` is the address phones reach the object store at; presigned links carry it."""

    database_url: str
    s3_endpoint: str
    s3_public_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    s3_region: str
    embedded: bool
    allowed_origins: tuple[str, ...]
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
        allowed_origins=tuple(cast("list[str]", env.list("ALLOWED_ORIGINS", []))),
        log_level=env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        pool_size=env.int("POOL_SIZE", 8, validate=validate.Range(min=1)),
    )
    try:
        env.seal()
    except EnvError as error:
        raise SettingsError(f"Settings: {error}") from error
    return settings


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return read()
