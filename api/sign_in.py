"""Signing in with a local account, and signing out."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Response, request

from api import attempts
from api.auth import SESSION_COOKIE, session_secret
from api.forms import email_address, line, local_path, missing
from api.oidc import web_provider_name
from api.problems import request_id
from api.web import page, see, web
from registry.access import Oneself
from registry.db import transaction
from registry.errors import Fault, NotAuthenticated
from registry.members import sign_in
from registry.members.credentials import Secret, digest_of
from registry.members.sign_in import Presented, WrongPassword


@web.get("/sign-in")
def show_sign_in() -> Response:
    return _form(local_path(request.args.get("next", "")))


@web.post("/sign-in")
def by_password() -> Response:
    email, password, next = email_address("email"), request.form.get("password", ""), local_path(line("next"))
    faults = missing(("/email", email), ("/password", password))
    if faults:
        return _form(next, 400, faults, email)
    attempts.count("sign-in", email)
    try:
        session = sign_in.by_password(email, password, request_id=request_id())
    except WrongPassword as error:
        return _form(next, 401, [Fault("/email", error.code)], email)
    return let_in(session, next)


def _form(next: str, status: int = 200, faults: Sequence[Fault] = (), email: str = "") -> Response:
    provider = web_provider_name()
    return page(
        "sign_in.html", status, faults=faults, email=email, next=next, provider=provider, provider_link=f"/sign-in/provider?{urlencode({'next': next})}"
    )


@web.post("/sign-out")
def sign_out() -> Response:
    _end_session()
    response = see("/sign-in")
    response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Lax")
    return response


def visitor() -> Presented:
    """Who is signed in in this browser. Raises NotAuthenticated, Unavailable."""
    return sign_in.authenticate(digest_of(session_secret()))


def let_in(session: Secret, path: str) -> Response:
    """Go on there with the session that has begun, which is new for every sign-in; the one that the browser had ends."""
    _end_session()
    response = see(path)
    response.set_cookie(SESSION_COOKIE, session.text, secure=True, httponly=True, samesite="Lax")
    return response


def _end_session() -> None:
    try:
        gone = visitor()
    except NotAuthenticated:
        return
    with transaction(Oneself(gone.person_id, request_id())) as session:
        sign_in.end_session(session, gone, request_id=request_id())
