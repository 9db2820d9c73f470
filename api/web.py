"""Pages for people in a browser: signing in, setting up an account, and one's own phones. Everything else is the API.

Owns what all pages share: who is let in to ask, the language, the security headers, how a refusal looks, and that forms are ours (`api.forms`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api import bodies, forms, limits
from api.auth import SAFE_METHODS
from api.problems import http_code, language, request_id, retry_after, status_of
from registry.errors import Fault, NotAuthenticated, RegistryError, Unavailable
from registry.messages import DUTCH, text

log = structlog.get_logger()

LARGEST_FORM_BYTES = 16 * 1024
FOLDER = Path(__file__).parent / "pages"
FIELDS = {
    "/email": "email",
    "/password": "password",
    "/code": "code",
    "/currentPassword": "current_password",
    "/newPassword": "new_password",
    "/name": "name",
    "/memberId": "member_id",
}
"""The field of a form that a fault points at."""
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With no-referrer a browser sends "Origin: null" with our own forms, and we could not tell them from those of another site.
    "Referrer-Policy": "same-origin",
}
"""Instead of, or beside, those of `api.headers`."""

web = Blueprint("web", __name__, template_folder=FOLDER)


def page(template: str, status: int = 200, *, faults: Sequence[Fault] = (), **values: object) -> Response:
    """A page in the language of the reader, with what is wrong in its form above it and at each field."""
    shared = {"language": language(), "t": _in_language, "word": _word, "form_token": forms.token()}
    wrong = [(FIELDS[fault.pointer], fault.text(language())) for fault in faults]
    body = render_template(template, **shared, **values, faults=wrong)
    response = Response(body, status, content_type="text/html; charset=utf-8", headers=PAGE_HEADERS)
    response.headers["Content-Language"] = language()
    return forms.remember(response)


def see(path: str) -> Response:
    """Go on there, with GET."""
    return Response(status=303, headers={**PAGE_HEADERS, "Location": path})


def _in_language(nl: str, en: str) -> str:
    return nl if language() == "nl" else en


def _word(name: str) -> str:
    return DUTCH.get(name, name) if language() == "nl" else name.replace("-", " ")


@web.before_request
def _admit() -> None:
    """Raises TooManyRequests, RequestEntityTooLarge, RequestTimeout, ClientDisconnected, FormRefused, AnotherSite."""
    limits.admit_address()
    if request.method in SAFE_METHODS:
        return
    if (request.content_length or 0) > LARGEST_FORM_BYTES:
        raise RequestEntityTooLarge()
    bodies.receive()
    forms.judge()


@web.errorhandler(RegistryError)
def refused(error: RegistryError) -> Response:
    if type(error) is NotAuthenticated:
        return see("/sign-in?" + urlencode({"next": request.path if request.method == "GET" else "/account"}))
    if isinstance(error, Unavailable):
        log.warning("unavailable", cause=repr(error.__cause__))
    response = _refusal(status_of(error), error.code, error.facts)
    response.headers.update(retry_after(error))
    return response


@web.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or 500
    return _refusal(status, http_code(status), {"expected": "application/x-www-form-urlencoded", "limit_bytes": LARGEST_FORM_BYTES, "request_id": request_id()})


@web.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    log.exception("internal-error", request_id=request_id(), route=request.endpoint, error=type(error).__name__)
    return _refusal(500, "internal-error", {"request_id": request_id()})


def _refusal(status: int, code: str, facts: Mapping[str, object]) -> Response:
    return page("refused.html", status, sentence=text(code, language(), facts), code=code)


@web.get("/assets/<any('pages.css', 'pages.js'):name>")
def asset(name: str) -> Response:
    response = send_from_directory(FOLDER, name, conditional=True)
    response.headers["Cache-Control"] = "no-cache"
    return response
