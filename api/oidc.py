"""Who a token of the OpenID provider speaks for: a signed JWT (RFC 7519, 9068; OpenID Connect Core 1.0), judged with the provider's public keys.

Owns the keys and addresses: where they come from (OpenID Connect Discovery 1.0), how long they are kept and when they are fetched again. It does not
know what a person may do here, nor how she signs in.
"""

import json
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, SecurityWarning
from joserfc.jwk import Key, KeySet, RSAKey, import_key
from joserfc.jws import JWSRegistry, extract_compact

from registry import clock
from registry.errors import TokenExpired, TokenInvalid, Unavailable
from registry.settings import TOKEN_ALGORITHMS, protected, settings

log = structlog.get_logger()

LARGEST_TOKEN_BYTES: Final = 8 * 1024
LARGEST_DOCUMENT_BYTES: Final = 256 * 1024
"""Of a discovery document or key set; real ones have a few thousand."""
LONGEST_SUBJECT: Final = 255
"""Characters, by OpenID Connect Core 1.0, section 2."""
LONGEST_ADDRESS: Final = 320
"""Characters of an e-mail address or a name; a longer one is left out."""
SMALLEST_RSA_BITS: Final = 2048
CLOCK_SKEW_S: Final = 60
FETCH_TIMEOUT_S: Final = 3.0
KEYS_FRESH_FOR: Final = timedelta(minutes=10)
KEYS_KEPT_FOR: Final = timedelta(hours=24)
"""How long known keys go on working while the provider can't be reached."""
COOL_DOWN: Final = timedelta(seconds=30)
"""Between two fetches: unknown key ids are free to make up, and must not become a flood of requests to the provider."""
COOL_DOWN_AFTER_FAILURE: Final = timedelta(seconds=10)
TOKEN_TYPES: Final = frozenset({"jwt", "application/jwt", "at+jwt", "application/at+jwt"})
"""Of the header ``typ``: RFC 9068 demands ``at+jwt``, older providers say ``JWT`` or nothing."""
NOT_OF_A_BEARER_TOKEN: Final = frozenset({"at_hash", "c_hash", "cnf"})
"""Claims of an ID token, which opens nothing even where its audience is ours, and of a token that only counts with a proof of possession."""
NEVER: Final = datetime.min.replace(tzinfo=UTC)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What joserfc and the standard library raise for hostile JSON, base64, keys and numbers."""

# joserfc says of "EdDSA" that RFC 9864 prefers the name "Ed25519", and of small RSA keys that they are small; here those are left out.
warnings.filterwarnings("ignore", category=SecurityWarning, module="joserfc")


class IdentityProviderUnavailable(Unavailable):
    """The provider can't be reached, and without it nobody can sign in there, nor can a token with a new key be judged."""

    code = "identity-provider-unavailable"


@dataclass(frozen=True, slots=True)
class Identity:
    """``subject`` is unique and never reused within ``issuer``. ``email`` is as the provider says: prove nothing with it unless ``email_verified``."""

    issuer: str
    subject: str
    expires_at: datetime
    email: str | None
    email_verified: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where people sign in at the provider, and where a code of theirs is redeemed."""

    authorization: str
    token: str


class Provider:
    """One OpenID provider and what we expect of its tokens. Safe to share between threads."""

    def __init__(self, issuer: str, audience: str, algorithms: Sequence[str] = TOKEN_ALGORITHMS) -> None:
        """Raises ValueError for a list without algorithms (joserfc would allow HMAC then) or with one that is not asymmetric."""
        if not algorithms or not set(algorithms) <= set(TOKEN_ALGORITHMS):
            raise ValueError(f"Access tokens are signed with some of {TOKEN_ALGORITHMS}, not {algorithms}.")
        self._issuer, self._audience, self._algorithms = issuer, audience, tuple(algorithms)
        self._keys = Keys(issuer)

    def verify(self, token: str) -> Identity:
        """The identity behind an access token, a compact JWT.

        Raises TokenInvalid, TokenExpired, IdentityProviderUnavailable.
        """
        claims = self._claims(token, self._expectations(self._audience))
        for claim in sorted(NOT_OF_A_BEARER_TOKEN & claims.keys()):
            raise _refusal(InvalidClaimError(claim))
        return _identity(claims)

    def verify_id_token(self, token: str, *, client_id: str, nonce: str) -> Identity:
        """The identity behind an ID token that came straight from the token endpoint, for this client and this attempt to sign in.

        Raises TokenInvalid, TokenExpired, IdentityProviderUnavailable.
        """
        claims = self._claims(token, self._expectations(client_id, iat={"essential": True}))
        if claims.get("nonce") != nonce:
            raise _refusal(InvalidClaimError("nonce"))
        if claims.get("azp", client_id) != client_id or (isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims):
            raise _refusal(InvalidClaimError("azp"))
        return _identity(claims)

    def endpoints(self) -> Endpoints:
        """Raises IdentityProviderUnavailable."""
        return self._keys.endpoints()

    def _claims(self, token: str, expected: jwt.JWTClaimsRegistry) -> Mapping[str, Any]:
        """Raises TokenInvalid, TokenExpired, IdentityProviderUnavailable."""
        kid = _key_id(token, self._algorithms)
        keys = self._keys.with_id(kid)
        try:
            claims = jwt.decode(token, keys, registry=_jws(self._algorithms)).claims
            expected.validate(claims)
            _check_subject(claims)
            return claims
        except ExpiredTokenError:
            raise TokenExpired() from None
        except UNREADABLE as error:
            raise _refusal(error) from None

    def _expectations(self, audience: str, **more: Any) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=CLOCK_SKEW_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            **more,
        )


class Keys:
    """The public keys of ``issuer`` by id, and its addresses, fetched when they are asked for, and kept."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._known = KeySet([])
        self._endpoints: Endpoints | None = None
        self._fetched_at = self._next_fetch_at = NEVER
        self._reached = False
        self._fetching = threading.Lock()

    def with_id(self, kid: str) -> KeySet:
        """All usable keys, with at least one that has this id.

        A token with a known key never waits for a fetch that is under way; one with an unknown key does, instead of starting a second.

        Raises TokenInvalid (no such key), IdentityProviderUnavailable (it may be a new key, and the provider can't be reached).
        """
        if not self._knows(kid) or self._age() >= KEYS_FRESH_FOR:
            self._refresh(wait=not self._knows(kid))
        if self._knows(kid):
            return self._known
        if self._reached:
            raise _refusal("unknown key")
        raise self._unavailable()

    def endpoints(self) -> Endpoints:
        """Raises IdentityProviderUnavailable, also when the addresses are known: nobody is sent to a provider that did not answer just now."""
        if not self._reached or self._age() >= KEYS_FRESH_FOR:
            self._refresh(wait=True)
        if self._endpoints is None or not self._reached:
            raise self._unavailable()
        return self._endpoints

    def _refresh(self, *, wait: bool) -> None:
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            if clock.now() >= self._next_fetch_at:
                self._fetch()
        finally:
            self._fetching.release()

    def _unavailable(self) -> IdentityProviderUnavailable:
        return IdentityProviderUnavailable(retry_after_s=max(1, round((self._next_fetch_at - clock.now()).total_seconds())))

    def _knows(self, kid: str) -> bool:
        return self._age() < KEYS_KEPT_FOR and any(key.kid == kid for key in self._known)

    def _age(self) -> timedelta:
        return clock.now() - self._fetched_at

    def _fetch(self) -> None:
        try:
            self._known, self._endpoints = _published(self._issuer)
            self._fetched_at, self._reached = clock.now(), True
        except (httpx.HTTPError, httpx.InvalidURL, *UNREADABLE) as error:
            self._reached = False
            log.warning("identity-provider-unreachable", issuer=self._issuer, cause=repr(error))
        self._next_fetch_at = clock.now() + (COOL_DOWN if self._reached else COOL_DOWN_AFTER_FAILURE)


@cache
def provider() -> Provider | None:
    """The provider in the settings, one for the process so that its keys are fetched once; None when there is none."""
    of = settings()
    return Provider(of.oidc_issuer, of.oidc_audience, of.oidc_algorithms) if of.oidc_issuer else None


def web_provider() -> Provider | None:
    """The provider when people may sign in there on the web: only then the register is a client of it that can keep a secret."""
    of = settings()
    return provider() if of.oidc_client_id and of.oidc_client_secret else None


def web_provider_name() -> str | None:
    """What people know it by: its host."""
    return urlsplit(settings().oidc_issuer).hostname if web_provider() else None


def _key_id(token: str, algorithms: Sequence[str]) -> str:
    """The key id in the header of a token that is worth a look at the keys. What else the header says about keys (``jwk``, ``jku``, ``x5u``) is not read.

    Raises TokenInvalid.
    """
    if len(token) > LARGEST_TOKEN_BYTES or not token.isascii():
        raise _refusal("too long or not ASCII")
    try:
        header = extract_compact(token.encode(), registry=_jws(algorithms)).headers()
        kid, kind = header["kid"], header.get("typ", "JWT").lower()
    except UNREADABLE as error:
        raise _refusal(error) from None
    if header["alg"] not in algorithms or "crit" in header or kind not in TOKEN_TYPES or not isinstance(kid, str):
        raise _refusal("algorithm, type, critical extension or key id in the header")
    return kid


def _jws(algorithms: Sequence[str]) -> JWSRegistry:
    """joserfc's rules for a signature, with room for the long headers that some providers write."""
    rules = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    rules.max_header_length = LARGEST_TOKEN_BYTES
    return rules


def _check_subject(claims: Mapping[str, Any]) -> None:
    """Raises InvalidClaimError, OverflowError for an end that no calendar has."""
    subject = claims["sub"]
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidClaimError("sub")
    _moment(claims["exp"])


def _identity(claims: Mapping[str, Any]) -> Identity:
    email, name = _line(claims.get("email")), _line(claims.get("name"))
    return Identity(claims["iss"], claims["sub"], _moment(claims["exp"]), email, claims.get("email_verified") is True, name)


def _moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def _line(claim: object) -> str | None:
    return claim if isinstance(claim, str) and 0 < len(claim) <= LONGEST_ADDRESS and claim.isprintable() else None


def _refusal(reason: str | Exception) -> TokenInvalid:
    """Of exceptions only joserfc's are logged in full: a decoder's can quote the token."""
    log.info("token-refused", reason=str(reason) if isinstance(reason, str | JoseError) else type(reason).__name__)
    return TokenInvalid()


def _published(issuer: str) -> tuple[KeySet, Endpoints | None]:
    """The keys that the provider publishes now, and its addresses when they can be trusted. Raises httpx.HTTPError, httpx.InvalidURL, and UNREADABLE."""
    discovery = _document(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if discovery["issuer"] != issuer:
        raise ValueError(f"its discovery document is of {discovery['issuer']!r}")
    keys = _document(discovery["jwks_uri"])["keys"]
    return KeySet([key for key in map(_key, keys) if key is not None]), _endpoints(discovery)


def _endpoints(discovery: Mapping[str, Any]) -> Endpoints | None:
    authorization, token = discovery.get("authorization_endpoint"), discovery.get("token_endpoint")
    if not isinstance(authorization, str) or not isinstance(token, str) or not (protected(authorization) and protected(token)):
        return None
    return Endpoints(authorization, token)


def _key(published: dict[str, Any]) -> Key | None:
    """None for what is no public key or a weak one: the other keys must go on working (RFC 7517, section 5).

    What the key is for (``use``, ``alg``, ``key_ops``) joserfc looks at when a token is verified with it.
    """
    try:
        key = import_key(dict(published))
        # A private key that is published can be anybody's. A shared secret counts as private.
        return key if not key.is_private and not _is_weak(key) else None
    except Exception:  # whatever the libraries make of it: some have no Ed25519 or other curve on this machine
        return None


def _is_weak(key: Key) -> bool:
    return isinstance(key, RSAKey) and key.raw_value.key_size < SMALLEST_RSA_BITS


def _document(url: str) -> dict[str, Any]:
    """A JSON object, never from where a redirect leads. Raises httpx.HTTPError, httpx.InvalidURL, ValueError."""
    if not protected(url):
        raise ValueError(f"{url!r} is not https")
    # Compression is declined, so that the limit on bytes is one on memory.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    with httpx.stream("GET", url, headers=headers, timeout=FETCH_TIMEOUT_S, follow_redirects=False) as response:
        response.raise_for_status()
        found = json.loads(_limited(response))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _limited(response: httpx.Response) -> bytes:
    """The body. httpx's time-out is for each piece of it, this one for all pieces together. Raises httpx.HTTPError, ValueError."""
    body, until = b"", monotonic() + FETCH_TIMEOUT_S
    for piece in response.iter_raw():
        body += piece
        if len(body) > LARGEST_DOCUMENT_BYTES:
            raise ValueError("too large")
        if monotonic() > until:
            raise httpx.ReadTimeout("too slow", request=response.request)
    return body
