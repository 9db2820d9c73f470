"""Every answer that is not a success: RFC 9457 problems. The only place that knows which HTTP status an error of the register has."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import orjson
import structlog
from flask import Flask, Response, g, request
from marshmallow import RAISE, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from api.fields import Said
from registry.changes.queries import CursorOfAnotherRegister
from registry.errors import (
    Conflict,
    Fault,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RegistryError,
    RuleViolation,
    Stale,
    TokenInvalid,
    TooManyRequests,
    Unavailable,
)
from registry.messages import DEFAULT_LANGUAGE, TEXTS, Language, text
from registry.photos.claims import PhotoTooLarge, UploadGone, UploadStored
from registry.photos.model import PhotoGone
from registry.photos.receiving import BodyDiffers, SentBytesDiffer, UploadInterrupted
from registry.trajectories.documents import DocumentBytesDiffer, DocumentGone
from registry.versioned import VersionRequired

log = structlog.get_logger()

STATUSES: tuple[tuple[type[RegistryError], int], ...] = (
    (BodyDiffers, 460),
    (CursorOfAnotherRegister, 410),
    (DocumentBytesDiffer, 422),
    (DocumentGone, 410),
    (PhotoGone, 410),
    (PhotoTooLarge, 413),
    (SentBytesDiffer, 422),
    (UploadGone, 410),
    (UploadStored, 403),
    (InvalidInput, 400),
    (RuleViolation, 400),
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Stale, 412),
    (VersionRequired, 428),
    (TooManyRequests, 429),
    (Unavailable, 503),
)
TITLES: dict[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    460: "Checksum Mismatch",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_HTTP_CODES = {
    404: "no-such-page",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    411: "length-required",
    413: "content-too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}


class IdempotencyKeyRequired(RuleViolation):
    code = "idempotency-key-required"


class IdempotencyKeyReused(RegistryError):
    """The key was used for another request."""

    code = "idempotency-key-reused"


class TusVersionDiffers(RegistryError):
    """The client speaks another version of tus, or does not say which."""

    code = "tus-version-differs"


def status_of(error: RegistryError) -> int:
    if isinstance(error, IdempotencyKeyReused):
        return 422
    if isinstance(error, TusVersionDiffers):
        return 412
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def language() -> Language:
    return cast("Language", request.accept_languages.best_match(["nl", "en"], DEFAULT_LANGUAGE))


def fault_out(fault: Fault) -> dict[str, object]:
    cell = fault.cell
    place: dict[str, object] = {"row": cell.row, "column": cell.column, "cell": cell.name} if cell else {}
    return {"pointer": fault.pointer, "code": fault.code, "detail": fault.text(language()), **place}


def problem(status: int, code: str, detail: str, *, faults: Sequence[Fault] = (), more: Mapping[str, object] | None = None) -> Response:
    body = {
        "type": f"urn:problem:registry:{code}",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
        "instance": f"urn:request:{request_id()}",
        "errors": [fault_out(fault) for fault in faults],
        **(more or {}),
    }
    response = Response(orjson.dumps(body, default=str), status, content_type="application/problem+json")
    response.headers["Content-Language"] = language()
    return response


def request_id() -> str:
    """The caller's X-Request-Id when it is a sensible one, else a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if 8 <= len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum() else str(uuid.uuid4())
    return cast("str", g.request_id)


def register(app: Flask) -> None:
    app.register_error_handler(RegistryError, refusal)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def refusal(error: RegistryError) -> Response:
    status = status_of(error)
    response = problem(status, error.code, error.text(language()), faults=error.faults, more=_more(error))
    if isinstance(error, Unavailable) and not isinstance(error, UploadInterrupted):
        log.warning("unavailable", cause=repr(error.__cause__))
    response.headers.update(retry_after(error))
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if isinstance(error, TokenInvalid) else "Bearer"
    return response


def retry_after(error: RegistryError) -> dict[str, str]:
    """The header, when it is known how long to wait."""
    return {"Retry-After": str(error.facts["retry_after_s"])} if "retry_after_s" in error.facts else {}


def _more(error: RegistryError) -> dict[str, object]:
    """What a program needs to go on: the current version of what it wants to change, what is in force instead of it, the offset of what it sends."""
    names = {"current": "currentVersion", "offset": "offset", "in_force": "inForce"}
    return {name: error.facts[fact] for fact, name in names.items() if fact in error.facts}


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return cast("Response", error.response)
    code = http_code(status)
    facts = {"expected": "application/json", "limit_bytes": request.max_content_length, "request_id": request_id()}
    response = problem(status if status in TITLES else 400, code, text(code, language(), facts))
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Content-Range", "Retry-After"):
            response.headers[name] = value
    return response


def http_code(status: int) -> str:
    """The code of a refusal that Flask or Werkzeug made."""
    return _HTTP_CODES.get(status, "bad-request" if status < 500 else "internal-error")


def _broken(error: Exception) -> Response:
    route = request.url_rule.rule if request.url_rule else None  # not the path: a code in it may let someone in
    log.exception("internal-error", request_id=request_id(), route=route, error=type(error).__name__)
    return problem(500, "internal-error", text("internal-error", language(), {"request_id": request_id()}))


class Parser(FlaskParser):
    """Reads arguments by marshmallow schema; all faults of a request become one problem."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": RAISE, "query": RAISE}  # noqa: RUF012

    def handle_error(self, error: ValidationError, req: Any, schema: Any, *, error_status_code: int | None, error_headers: Any) -> Any:  # noqa: ARG002
        """Raises InvalidInput."""
        location, messages = next(iter(error.normalized_messages().items()))  # type: ignore[no-untyped-call]
        faults = faults_of(messages, "/" if location == "json" else "")
        raise InvalidInput(sorted(faults, key=lambda fault: fault.pointer))

    def load_json(self, req: Any, schema: Any) -> Any:  # noqa: ARG002
        """Raises InvalidInput."""
        try:
            return orjson.loads(req.get_data())
        except orjson.JSONDecodeError:
            raise InvalidInput([Fault("", "malformed-json")]) from None


def faults_of(messages: Any, pointer: str) -> Iterator[Fault]:
    """Flatten marshmallow's nested messages into faults with JSON pointers; a query parameter is pointed at by its name."""
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            if key == "_schema":
                yield from faults_of(below, pointer.rstrip("/"))
            else:
                place = str(key).replace("~", "~0").replace("/", "~1")
                yield from faults_of(below, f"{pointer}{place}/" if pointer else place)
    else:
        for message in messages:
            code = str(message) if str(message) in TEXTS else "wrong-form"
            facts = message.facts if isinstance(message, Said) else {"form": str(message)}
            yield Fault(pointer.rstrip("/"), code, facts)
