"""What a browser keeps for us between leaving for the OpenID provider and coming back: in a cookie that nobody but the register can read or make.

The key comes from the client secret, so that every process and node has it and there is nothing more to set; scrypt makes that secret hard to guess from
a cookie.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final

import orjson
from cryptography.fernet import Fernet, InvalidToken
from flask import Response, request

from registry import clock
from registry.errors import NotAuthenticated
from registry.settings import settings

FLOW_COOKIE: Final = "__Host-registry-flow"
FLOW_S: Final = 600


class SignInInterrupted(NotAuthenticated):
    """The browser comes back from the provider without having left from here, or too late, or with another attempt's answer."""

    code = "sign-in-interrupted"


@dataclass(frozen=True, slots=True)
class Flow:
    """One attempt to sign in at the provider. ``set_up`` is the one-time code of a person who connects her account there, else empty."""

    state: str
    nonce: str
    verifier: str
    next: str
    set_up: str


def new_flow(next: str, *, set_up: str = "") -> Flow:
    return Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), next, set_up)


def keep(flow: Flow, response: Response) -> Response:
    sealed = _cipher().encrypt_at_time(orjson.dumps(asdict(flow)), _now()).decode()
    response.set_cookie(FLOW_COOKIE, sealed, max_age=FLOW_S, secure=True, httponly=True, samesite="Lax")
    return response


def kept() -> Flow:
    """Raises SignInInterrupted."""
    try:
        opened = _cipher().decrypt_at_time(request.cookies.get(FLOW_COOKIE, "").encode(), FLOW_S, _now())
    except InvalidToken:
        raise SignInInterrupted() from None
    return Flow(**orjson.loads(opened))


def forget(response: Response) -> Response:
    response.delete_cookie(FLOW_COOKIE, secure=True, httponly=True, samesite="Lax")
    return response


def _now() -> int:
    return int(clock.now().timestamp())


def _cipher() -> Fernet:
    of = settings()
    return Fernet(_key(of.oidc_client_secret, f"{of.oidc_issuer} {of.oidc_client_id}"))


@cache
def _key(secret: str, purpose: str) -> bytes:
    return urlsafe_b64encode(hashlib.scrypt(secret.encode(), salt=f"sign-in flow {purpose}".encode(), n=2**14, r=8, p=1, dklen=32))
