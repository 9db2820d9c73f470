"""Who is calling: from what the request presents to an actor.

``Authorization: Bearer`` holds a token of the register or an access token of the OpenID provider; a browser that is signed in sends its session cookie,
and for a change also ``X-CSRF-Token``. ``Acting-For`` names one of several memberships; ``Reason`` says why an auditor looks.
"""

import hmac
from base64 import b64decode
from collections.abc import Collection
from typing import cast
from urllib.parse import unquote
from uuid import UUID

from flask import g, request

from api.addresses import is_own_origin
from api.oidc import provider
from api.problems import request_id
from registry.access import Actor
from registry.errors import Fault, InvalidInput, NotAllowed, NotAuthenticated
from registry.members import sign_in
from registry.members.credentials import csrf_token, digest_of, identity_digest
from registry.members.sign_in import Presented
from registry.settings import settings
from registry.tracing import Trace, continued

SESSION_COOKIE = "__Host-registry-session"
"""The prefix makes browsers refuse it from another host, over HTTP, or for a part of the site."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BASIC: set[str] = set()
"""Endpoints for programs that know HTTP Basic alone: there the password is a token, and whatever the user is called is not looked at."""
LONGEST_SECRET = 200
"""Characters of a secret of the register; the provider's tokens are longer and have a limit of their own."""
PARTS_OF_A_JWT = 3
LONGEST_REASON = 500
"""Characters."""


class AnotherSite(NotAllowed):
    """A change that the page of another site asks for with the cookie of this one."""

    code = "another-site"


class CsrfTokenMissing(NotAllowed):
    """A change asked for with a cookie and nothing that another site could not send too."""

    code = "csrf-token-missing"


def actor() -> Actor:
    """Who acts in this request, for which organisation. Raises NotAuthenticated, NoMembership, MembershipNotChosen, InvalidInput, Unavailable."""
    if "actor" not in g:
        g.actor = presented().acting(request_id(), trace_id=trace().trace_id, reason=_reason())
    return cast("Actor", g.actor)


def trace() -> Trace:
    """The W3C Trace Context of this request: the caller's, or a new one."""
    if "trace" not in g:
        g.trace = continued(request.headers.get("traceparent"))
    return cast("Trace", g.trace)


def presented() -> Presented:
    """Who is there, perhaps for no organisation yet. Raises NotAuthenticated, AnotherSite, CsrfTokenMissing, InvalidInput, Unavailable.

    A subject of the provider that nobody connected to a person of the register is as unknown as a made-up token.
    """
    if "presented" not in g:
        g.presented = sign_in.authenticate(_digest(), membership_id=_membership())
    return cast("Presented", g.presented)


def _digest() -> bytes:
    header = request.headers.get("Authorization")
    if header is None:
        return _digest_of_session()
    token = bearer_token(header)
    if token is None or not token.isascii():
        raise NotAuthenticated()
    if token.startswith("dwr_t_") and len(token) <= LONGEST_SECRET:
        return digest_of(token)
    issuer = provider()
    if issuer is None or token.count(".") != PARTS_OF_A_JWT - 1:
        raise NotAuthenticated()
    identity = issuer.verify(token)
    return identity_digest(identity.issuer, identity.subject)


def bearer_token(header: str) -> str | None:
    """The token in an Authorization header, however that is spelled; None in one of another scheme."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "basic" and request.endpoint in BASIC:
        return _password(token.strip())
    return token.strip() if scheme.lower() == "bearer" else None


def _password(credentials: str) -> str | None:
    """Of HTTP Basic (RFC 7617)."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return None


def session_secret() -> str:
    """The session that the browser shows. Raises NotAuthenticated for what can't be one."""
    session = request.cookies.get(SESSION_COOKIE, "")
    if not session.startswith("dwr_s_") or len(session) > LONGEST_SECRET or not session.isascii():
        raise NotAuthenticated()
    return session


def _digest_of_session() -> bytes:
    session = session_secret()
    if request.method in SAFE_METHODS:
        return digest_of(session)
    if not comes_from(settings().allowed_origins):
        raise AnotherSite()
    if not hmac.compare_digest(csrf_token(session).encode(), request.headers.get("X-CSRF-Token", "").encode()):
        raise CsrfTokenMissing(role="-", right="-")
    return digest_of(session)


def comes_from(allowed: Collection[str]) -> bool:
    """Whether the page that sent this request is ours, or of an origin that is ``allowed``. Programs name none, and have no cookies to misuse."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin in allowed or is_own_origin(origin)
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def _membership() -> UUID | None:
    given = request.headers.get("Acting-For")
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise InvalidInput([Fault("Acting-For", "wrong-form", {"form": "0199a2c4-…"})]) from None


def _reason() -> str | None:
    """Headers are ASCII: a reason with other letters is percent-encoded UTF-8."""
    given = request.headers.get("Reason")
    if given is None:
        return None
    reason = unquote(given).strip()
    if not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise InvalidInput([Fault("Reason", "too-long", {"max": LONGEST_REASON})])
    return reason or None
