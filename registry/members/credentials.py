"""Secrets: how they are made, and what the register keeps of them.

Every secret is random and long enough that nobody can guess it (256 bits; a code that a person types 60 bits, good for half an hour, once), so its
SHA-256 is all the register needs to recognise it. Passwords are people's own and get argon2id instead.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import argon2
import gevent
import gevent.monkey

from registry.members.model import CredentialKind

PREFIXES = {CredentialKind.TOKEN: "dwr_t_", CredentialKind.SESSION: "dwr_s_", CredentialKind.SET_UP: "dwr_u_"}
"""So that a leaked secret is recognised, by scanners of code too."""
SECRET_BYTES = 32
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as another character."""
CODE_CHARACTERS = 12
CODE_GROUP = 4
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's parameters: 19 MiB and about 20 ms for a try. A hash with others is made anew when its owner signs in."""
_NOBODYS = _hasher.hash(secrets.token_urlsafe())
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Secret:
    """``text`` is shown once; ``digest`` (32 bytes) is kept."""

    text: str
    digest: bytes

    def __repr__(self) -> str:
        return "Secret(…)"


def new_secret(kind: CredentialKind) -> Secret:
    text = _new_code() if kind is CredentialKind.ENROLMENT else PREFIXES[kind] + secrets.token_urlsafe(SECRET_BYTES)
    return Secret(text, digest_of(text))


def _new_code() -> str:
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))
    return "-".join(code[start : start + CODE_GROUP] for start in range(0, CODE_CHARACTERS, CODE_GROUP))


def digest_of(text: str) -> bytes:
    """Of what is presented. A code may be typed in small letters, with or without hyphens."""
    if not text.startswith("dwr_"):
        text = text.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    return hashlib.sha256(text.encode()).digest()


def identity_digest(issuer: str, subject: str) -> bytes:
    """Of a person at an OpenID provider; the two parts can't be shifted into each other."""
    return hashlib.sha256(f"{len(issuer)}:{issuer}:{subject}".encode()).digest()


def csrf_token(session: str) -> str:
    """What a form sent within this session must carry: whoever does not have the cookie can't make it."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def hash_password(password: str) -> str:
    return _aside(lambda: _hasher.hash(password))


def password_matches(hash: str | None, password: str) -> bool:
    """Takes as long when there is no such account."""
    try:
        return _aside(lambda: _hasher.verify(hash or _NOBODYS, password)) and hash is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def outdated(hash: str) -> bool:
    return _hasher.check_needs_rehash(hash)


def _aside(work: Callable[[], Result]) -> Result:
    """argon2 keeps a processor busy and lets go of Python meanwhile. Where gevent's loop serves all requests, they go on while a thread does the work."""
    if gevent.monkey.is_module_patched("socket"):
        return gevent.get_hub().threadpool.apply(work)  # type: ignore[no-any-return]
    return work()
