"""Logging: one JSON line for each event, to standard error, without secrets.

What `redacted` takes out: the values of REGISTRY_ settings that are secret, whatever stands under a name in `SECRETS` (as key of an event, header,
parameter, JSON member or setting), what starts like a secret of the register, credentials in URLs, and the rows that PostgreSQL quotes; SQLAlchemy
leaves out the parameters of statements itself (`registry.db`). `redact_records` does the same to the standard library's logging, which gunicorn,
procrastinate and boto3 use, and to the traceback of a program that breaks. A secret with neither name nor prefix, such as a code in the path of a URL,
can't be recognised: no line of ours holds a path.
"""

import logging
import os
import re
import sys
import threading
import traceback
from functools import cache
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

REDACTED = "[redacted]"
SECRETS = (
    r"[\w-]*(?:authorization|cookie|pass(?:word|wd|phrase|code)|pwd|secret|token|otp|credentials?|signature|session(?:[-_]?id)?|"
    r"(?:api|access|private|secret)[-_]?key|verifier|assertion|database[-_]url)|pass|pin|(?:[\w-]*[-_])?code"
)
"""Names of what no log may hold; ``code`` is one that lets someone in, but the codes of this register's own problems are no secret."""
_PUBLIC_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+|GM[0-9]{4}|[0-9]{3}")
_NAME = re.compile(SECRETS, re.IGNORECASE)
_SECRET_SETTING = re.compile(r"REGISTRY_\w*(?:SECRET|PASSWORD|TOKEN|KEY|DATABASE_URL)\w*")
_SHORTEST_SECRET = 6
"""Characters; a shorter setting would blot out words by accident."""
_HEADER = re.compile(r"(?im)(\b(?:proxy-)?authorization|\b(?:set-)?cookie)(['\"]?\s*[:=,]\s*)(?:b?'[^'\r\n]*'|b?\"[^\"\r\n]*\"|[^\r\n]+)")
_NAMED = re.compile(
    rf"(?is)(?<![\w-])((?:{SECRETS})\\*['\"]?\s*(?:=|:(?!//)|%3D)\s*)"
    r"(\\+\".*?\\+\"|\"(?:[^\"\\]|\\.)*\"|b?'(?:[^'\\]|\\.)*'|['\"]?[^\s&;,'\")}\]]+)"
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|digest)\s+[a-z0-9._~+/=@:-]{6,}")
_PREFIXED = re.compile(r"dwr_[a-z]_[\w-]+", re.ASCII)
"""Secrets of the register itself (`registry/members/credentials.py`)."""
_IN_URL = re.compile(r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]+@")
_ROW = re.compile(r"(?s)(?<![A-Z])(DETAIL|CONTEXT):(?:(?!\n\[SQL|\n\nThe above|\n\nDuring handling).)*")
"""PostgreSQL repeats whole rows there."""


def configure(level: str) -> None:
    redact_records()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def redact_event(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: _value(key, value) for key, value in event.items()}


def redacted(text: str) -> str:
    """``text`` without the secrets in it."""
    for secret in _settings():
        text = text.replace(secret, REDACTED)
    text = _IN_URL.sub(rf"\1{REDACTED}@", _ROW.sub(rf"\1: {REDACTED}", text))
    text = _HEADER.sub(rf"\1\2{REDACTED}", text)
    text = _NAMED.sub(lambda found: found[0] if _harmless(found[2]) else f"{found[1]}{REDACTED}", text)
    return _PREFIXED.sub(REDACTED, _SCHEME.sub(rf"\1 {REDACTED}", text))


def redact_records() -> None:
    """Let the standard library's logging and the last words of a program pass through `redacted`. Doing it again changes nothing."""
    logging.setLogRecordFactory(_Record)
    sys.excepthook = _last_words
    threading.excepthook = lambda of: _last_words(of.exc_type, of.exc_value, of.exc_traceback)


class _Record(logging.LogRecord):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = redacted("".join(traceback.format_exception(*self.exc_info)).rstrip("\n"))
        if self.stack_info:
            self.stack_info = redacted(self.stack_info)

    def getMessage(self) -> str:  # noqa: N802
        return redacted(super().getMessage())


def _last_words(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


def _value(key: str, value: Any) -> Any:
    if _NAME.fullmatch(key) and not (isinstance(value, str) and _harmless(value)):
        return REDACTED
    if isinstance(value, dict):
        return {name: _value(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value("", each) for each in value]
    if isinstance(value, str):
        return redacted(value)
    return value if value is None or isinstance(value, bool | int | float) else redacted(str(value))


def _harmless(value: str) -> bool:
    return _PUBLIC_CODE.fullmatch(value.strip("\"'")) is not None or value == REDACTED


@cache
def _settings() -> tuple[str, ...]:
    """The secrets in the environment, the longest first; of the database's address also the password alone."""
    given = [value for name, value in os.environ.items() if _SECRET_SETTING.fullmatch(name)]
    return tuple(sorted({part for value in given for part in (value, *_passwords(value)) if len(part) >= _SHORTEST_SECRET}, key=len, reverse=True))


def _passwords(url: str) -> tuple[str, ...]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return ()
    return (password, unquote(password))
