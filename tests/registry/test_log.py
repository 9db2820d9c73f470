"""Nothing secret stands in a log, whichever way it would get there; and what is no secret does."""

import io
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import structlog

from registry import log
from registry.db import transaction
from registry.log import REDACTED, redact_event, redacted
from registry.members.credentials import PREFIXES, new_secret
from registry.members.model import CredentialKind

SECRET = "Xq7-hunter2.verysecret"


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """What is logged from now on, by structlog and by the standard library."""
    factory, hooks, stream, configured = logging.getLogRecordFactory(), sys.excepthook, io.StringIO(), structlog.get_config()
    log.configure("DEBUG")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("of-a-test")
    logger.addHandler(handler)
    yield stream.getvalue
    logger.removeHandler(handler)
    logging.setLogRecordFactory(factory)
    sys.excepthook = hooks
    structlog.configure(**configured)


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"Cookie: session={SECRET}; other={SECRET}",
        f"Set-Cookie: __Host-session={SECRET}; Secure; HttpOnly",
        f"GET /v1/me?token={SECRET} HTTP/1.1",
        f"GET /v1/me?a=b&access_token={SECRET}&c=d",
        f"/callback?code={SECRET}&state=x",
        f"/callback?code%3D{SECRET}",
        f'{{"password": "{SECRET}"}}',
        f'{{"newPassword":"{SECRET}"}}',
        f'{{\\"password\\": \\"{SECRET}\\"}}',
        f"{{'client_secret': '{SECRET}'}}",
        f"password={SECRET}",
        f"postgresql://registry:{SECRET}@db.internal:5432/registry",
        f"X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"X-CSRF-Token: {SECRET}",
        f"REGISTRY_S3_SECRET_KEY={SECRET}",
        f"enrolment_code={SECRET}",
        f'{{"password": "{SECRET}',
        f"{{'otp': b'{SECRET}'}}",
        f"duplicate key\\nDETAIL:  Key (email)=({SECRET}) already exists.",
        f'duplicate key value violates unique constraint "uq_a"\nDETAIL:  Key (email)=({SECRET}) already exists.',
        f"null value violates not-null constraint\nDETAIL:  Failing row contains (1, {SECRET}, null).\nCONTEXT:  SQL statement",
    ],
)
def test_a_secret_is_taken_out_of_a_line(line: str) -> None:
    assert SECRET not in redacted(line)
    assert REDACTED in redacted(line)


@pytest.mark.parametrize("kind", PREFIXES)
@pytest.mark.parametrize("line", ["{}", "could not use {}.", "GET /set-up#{}", "/set-up%23{}", "('{}',)", "token={}", "see_{}"])
def test_a_secret_of_the_register_is_taken_out_also_without_a_name(kind: CredentialKind, line: str) -> None:
    secret = new_secret(kind).text
    assert redacted(line.format(secret)) == line.format(REDACTED)


@pytest.mark.parametrize(
    "line",
    [
        "ready",
        "GET /v1/dwellings?limit=5&municipalityCode=GM0917 HTTP/1.1",
        '{"code": "not-found", "status": 404}',
        "http://127.0.0.1:8000/v1",
        "Worker exiting (pid: 17)",
        "municipality_code=GM0917",
        "[SQL: SELECT token FROM session WHERE id = %(id)s]",
        'duplicate key value violates unique constraint "uq_a"',
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


def test_a_long_line_takes_no_long_time() -> None:
    began = time.perf_counter()
    for line in (
        "a_" * 50_000,
        "token" * 20_000,
        "code-" * 20_000,
        'password="' * 10_000,
        "DETAIL:" * 10_000,
        "dwr_t_" * 20_000,
        "cookie" * 10_000,
        '\\"' * 50_000,
    ):
        redacted(line)
    assert time.perf_counter() - began < 5


def test_the_settings_that_are_secret_are_taken_out_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_S3_SECRET_KEY", SECRET)
    monkeypatch.setenv("REGISTRY_DATABASE_URL", "postgresql://registry:p%40ss-word@db/registry")
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "WARNING")
    log._settings.cache_clear()
    try:
        line = redacted(f"could not use {SECRET} nor p@ss-word nor p%40ss-word; WARNING")
    finally:
        log._settings.cache_clear()
    assert line == f"could not use {REDACTED} nor {REDACTED} nor {REDACTED}; WARNING"


def test_the_keys_of_an_event_say_what_is_secret() -> None:
    event: dict[str, Any] = {
        "event": "request",
        "authorization": SECRET,
        "headers": {"Cookie": SECRET, "Accept": "application/json"},
        "tried": [{"password": SECRET}, f"Bearer {SECRET}"],
        "error": ValueError(f"token={SECRET}"),
        "code": "not-found",
        "status": 404,
        "nothing": None,
    }
    left = redact_event(None, "", event)
    assert SECRET not in json.dumps(left)
    assert left["headers"]["Accept"] == "application/json"
    assert (left["code"], left["status"], left["nothing"], left["event"]) == ("not-found", 404, None, "request")


def test_a_logged_exception_holds_no_secret(written: Callable[[], str]) -> None:
    try:
        raise ValueError(f"password={SECRET}")
    except ValueError:
        structlog.get_logger().exception("internal-error")
        logging.getLogger("of-a-test").exception("it broke with token=%s", SECRET)
    assert "ValueError" in written()
    assert written().count("Traceback") == 2
    assert SECRET not in written()


def test_a_logged_stack_and_an_argument_hold_no_secret(written: Callable[[], str]) -> None:
    logging.getLogger("of-a-test").warning("asked %s", f"/x?token={SECRET}", stack_info=True)
    assert "asked" in written()
    assert SECRET not in written()


def test_the_last_words_of_a_program_hold_no_secret(capsys: pytest.CaptureFixture[str], written: Callable[[], str]) -> None:
    sys.excepthook(RuntimeError, RuntimeError(f"postgresql://a:{SECRET}@b/c"), None)
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert SECRET not in said


def test_a_database_error_says_neither_parameters_nor_values(written: Callable[[], str], fresh_database: str) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught, transaction() as session:  # noqa: PT012
        session.execute(sa.text("CREATE TEMP TABLE person (email text PRIMARY KEY, age int NOT NULL)"))
        session.execute(sa.text("INSERT INTO person VALUES (:email, NULL)"), {"email": SECRET})
    structlog.get_logger().error("internal-error", exc_info=caught.value)
    assert "person" in written()
    assert SECRET not in written()


def test_a_driver_error_that_is_logged_by_itself_says_no_values(written: Callable[[], str], fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        connection.execute("CREATE TEMP TABLE person (email text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES (%s)", [SECRET])
        try:
            connection.execute("INSERT INTO person VALUES (%s)", [SECRET])
        except psycopg.Error as error:
            structlog.get_logger().warning("unavailable", cause=repr(error))
            logging.getLogger("of-a-test").exception("broken")
    assert "person_pkey" in written()
    assert SECRET not in written()
