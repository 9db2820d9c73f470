"""Forms that only our own pages can send, also before anybody is signed in.

Each form carries a token made from a random cookie that is bound to this host (double submit): another site can let a browser send the cookie, and can
neither read nor set it. Besides, a browser says which page sent the form, and another site's is refused whatever it carries.
"""

import hmac
import re
import secrets
from typing import cast

from flask import Response, g, request

from api.auth import AnotherSite, comes_from
from registry.errors import Fault, NotAllowed
from registry.members.credentials import csrf_token

FORM_COOKIE = "__Host-registry-form"
COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
"""`secrets.token_urlsafe(32)`."""
FIELD = "form_token"
LONGEST_LINE = 500
"""Characters of what is no password."""
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,400}")
"""Printable ASCII without a backslash, and no second slash: browsers would go to another host."""
HOME = "/account"


class FormRefused(NotAllowed):
    """The form has no token, or that of another browser."""

    code = "form-refused"


def token() -> str:
    """For the forms of this page."""
    return csrf_token(_cookie())


def remember(response: Response) -> Response:
    """Give the browser the cookie that goes with the tokens, when it has none."""
    if request.cookies.get(FORM_COOKIE) != _cookie():
        response.set_cookie(FORM_COOKIE, _cookie(), secure=True, httponly=True, samesite="Lax")
    return response


def judge() -> None:
    """Raises AnotherSite, FormRefused."""
    if not comes_from(()):
        raise AnotherSite()
    if not hmac.compare_digest(token().encode(), request.form.get(FIELD, "").encode()):
        raise FormRefused()


def _cookie() -> str:
    if "form_cookie" not in g:
        given = request.cookies.get(FORM_COOKIE, "")
        g.form_cookie = given if COOKIE.fullmatch(given) else secrets.token_urlsafe(32)
    return cast("str", g.form_cookie)


def line(name: str) -> str:
    """What was typed in this field, without control characters and without spaces around it; empty when there is no such field.

    Spaces are taken off last too: each of the other steps can bring new ones to the edge.
    """
    return CONTROL_CHARACTERS.sub("", request.form.get(name, "")).strip()[:LONGEST_LINE].strip()


def email_address(name: str) -> str:
    """The e-mail address in this field as it is looked up: what has one spelling here has one count of attempts."""
    return line(name).lower()


def one_time_code(name: str) -> str:
    """The code of a link, also when the whole link was pasted."""
    return line(name).rpartition("#")[2].strip()


def local_path(given: str) -> str:
    """Where to go on: a path of this site, or home."""
    return given if LOCAL_PATH.fullmatch(given) else HOME


def missing(*fields: tuple[str, str]) -> list[Fault]:
    """A fault for each (pointer, value) without a value."""
    return [Fault(pointer, "required") for pointer, value in fields if not value]
