"""Access tokens of an OpenID provider: a real one where that is possible, and a small one that publishes what the test wants where it is not."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
import structlog
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from api import oidc, problems
from api.oidc import Endpoints, Identity, IdentityProviderUnavailable, Provider
from registry import clock
from registry.errors import RegistryError, TokenExpired, TokenInvalid
from registry.settings import TOKEN_ALGORITHMS, settings
from tests.identity_provider import AUDIENCE, IdentityProvider

ORDINARY_KEY = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})
"""Has the id of the first, and is not published."""
REAL_NOW = clock.now
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


class SmallProvider:
    """A discovery document and a key set over HTTP. ``fetched`` are the paths that were asked for."""

    def __init__(self) -> None:
        self.keys: list[Any] = [ORDINARY_KEY.as_dict(private=False)]
        self.status, self.delay_s, self.drip_s = 200, 0.0, 0.0
        self.fetched: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answers())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.discovery: dict[str, Any] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answers(self) -> type[BaseHTTPRequestHandler]:
        of = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                of.fetched.append(self.path)
                time.sleep(of.delay_s)
                self.send_response(of.status)
                self.send_header("Location", f"{of.issuer}/elsewhere")
                self.end_headers()
                body = json.dumps(of.discovery if self.path.endswith("openid-configuration") else {"keys": of.keys}).encode()
                for start in range(0, len(body), step := 1 if of.drip_s else len(body)):
                    self.wfile.write(body[start : start + step])
                    time.sleep(of.drip_s)

            def log_message(self, *_: object) -> None:
                pass

        return Answers


@pytest.fixture
def small() -> Iterator[SmallProvider]:
    provider = SmallProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(small: SmallProvider) -> Provider:
    return Provider(small.issuer, AUDIENCE)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let it be so many seconds later than it really is."""
    return lambda seconds: monkeypatch.setattr(clock, "now", lambda: REAL_NOW() + timedelta(seconds=seconds))


@pytest.fixture
def signed(small: SmallProvider) -> Callable[..., str]:
    """A token of the small provider; a claim or header that is None is left out."""

    def sign(key: Key = ORDINARY_KEY, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(REAL_NOW().timestamp())
        told = {"iss": small.issuer, "aud": AUDIENCE, "sub": "person-1", "iat": now, "exp": now + 3600, **claims}
        protected = {"alg": "RS256", "kid": key.kid, "typ": "at+jwt", **(header or {})}
        rules = JWSRegistry(algorithms=[protected["alg"]], strict_check_header=False)
        return jwt.encode(present(protected), present(told), key, registry=rules, default_type=None)

    return sign


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in members.items() if member is not None}


def segment(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def resigned(token: str, header: dict[str, Any], signature: Callable[[bytes], bytes]) -> str:
    """The same claims under another header and signature."""
    text = f"{segment(header)}.{token.split('.')[1]}"
    return f"{text}.{segment(signature(text.encode()))}"


def signed_bytes(header: dict[str, Any], claims: bytes) -> str:
    """A token with a good signature over whatever this is."""
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{segment(JWSRegistry.algorithms['RS256'].sign(text.encode(), ORDINARY_KEY))}"


def refused(provider: Provider, token: str, error: type[RegistryError] = TokenInvalid) -> None:
    with pytest.raises(error) as refusal:
        provider.verify(token)
    assert type(refusal.value) is error


# A real provider.


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_good_token_is_accepted(identity_provider: IdentityProvider, algorithm: str) -> None:
    found = Provider(identity_provider.issuer, AUDIENCE).verify(identity_provider.token(algorithm))
    assert (found.issuer, found.subject) == (identity_provider.issuer, f"machine-{algorithm}")
    assert timedelta(minutes=59) < found.expires_at - clock.now() <= timedelta(hours=1)
    assert (found.email, found.email_verified, found.name) == (None, False, None)


def test_the_token_of_a_person_says_who_she_is(identity_provider: IdentityProvider) -> None:
    found = Provider(identity_provider.issuer, AUDIENCE).verify(identity_provider.sign_in("anna")["access_token"])
    assert (found.subject, found.email, found.email_verified, found.name) == ("anna", "anna@example.nl", True, "anna")


def test_an_id_token_is_no_access_token(identity_provider: IdentityProvider) -> None:
    refused(Provider(identity_provider.issuer, AUDIENCE), identity_provider.sign_in("anna")["id_token"])


def test_a_token_for_another_resource_is_refused(identity_provider: IdentityProvider) -> None:
    refused(Provider(identity_provider.issuer, AUDIENCE), identity_provider.token(resource="https://other.example.nl/"))


def test_an_algorithm_that_is_not_on_the_list_is_refused(identity_provider: IdentityProvider) -> None:
    provider = Provider(identity_provider.issuer, AUDIENCE, ["ES256"])
    refused(provider, identity_provider.token("RS256"))
    assert provider.verify(identity_provider.token("ES256"))


def test_an_issuer_that_differs_in_a_slash_is_another_one(identity_provider: IdentityProvider) -> None:
    refused(Provider(identity_provider.issuer + "/", AUDIENCE), identity_provider.token(), IdentityProviderUnavailable)


def test_a_new_key_is_found_and_the_old_one_works_while_it_is_published(own_identity_provider: IdentityProvider, later: Callable[[float], None]) -> None:
    provider = Provider(own_identity_provider.issuer, AUDIENCE)
    old = own_identity_provider.token()
    provider.verify(old)
    own_identity_provider.rotate(keep=True)
    new = own_identity_provider.token()
    later(31)
    assert provider.verify(new)
    assert provider.verify(old)
    own_identity_provider.rotate(keep=False)
    assert provider.verify(old)
    later(31 + 601)
    refused(provider, old)
    refused(provider, new)
    assert provider.verify(own_identity_provider.token())


def test_known_keys_go_on_working_while_the_provider_is_away(
    own_identity_provider: IdentityProvider, later: Callable[[float], None], signed: Callable[..., str]
) -> None:
    provider = Provider(own_identity_provider.issuer, AUDIENCE)
    known = own_identity_provider.token()
    provider.verify(known)
    own_identity_provider.stop()
    later(1800)
    assert provider.verify(known)
    refused(provider, signed(), IdentityProviderUnavailable)
    own_identity_provider.start()
    new = own_identity_provider.token()
    refused(provider, new, IdentityProviderUnavailable)
    later(1811)
    assert provider.verify(new)
    refused(provider, known)


def test_a_provider_that_was_never_there_is_unavailable(own_identity_provider: IdentityProvider, later: Callable[[float], None]) -> None:
    provider = Provider(own_identity_provider.issuer, AUDIENCE)
    token = own_identity_provider.token()
    own_identity_provider.stop()
    refused(provider, token, IdentityProviderUnavailable)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Provider | None]]:
    """The provider of a process whose settings name this issuer."""

    def forget() -> None:
        settings.cache_clear()
        oidc.provider.cache_clear()

    def with_issuer(issuer: str) -> Provider | None:
        monkeypatch.setenv("REGISTRY_OIDC_ISSUER", issuer)
        monkeypatch.setenv("REGISTRY_OIDC_AUDIENCE", AUDIENCE)
        forget()
        return oidc.provider()

    yield with_issuer
    monkeypatch.undo()
    forget()


def test_the_settings_say_which_provider_there_is(engine: object, identity_provider: IdentityProvider, configured: Callable[[str], Provider | None]) -> None:
    found = configured(identity_provider.issuer)
    assert found is not None
    assert found.verify(identity_provider.token())
    assert oidc.provider() is found
    assert configured("") is None


# What a token must be.


def test_everything_in_order_is_accepted(provider: Provider, signed: Callable[..., str]) -> None:
    expires_at = datetime(2099, 1, 1, tzinfo=UTC)
    found = provider.verify(signed(exp=expires_at.timestamp(), email="a@example.nl", email_verified=True, name="Anna de Vries"))
    assert found == Identity(found.issuer, "person-1", expires_at, "a@example.nl", True, "Anna de Vries")


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example.nl", AUDIENCE]])
def test_the_audience_may_be_one_of_several(provider: Provider, signed: Callable[..., str], audience: Any) -> None:
    assert provider.verify(signed(aud=audience))


@pytest.mark.parametrize("audience", ["https://other.example.nl", AUDIENCE + "/", AUDIENCE.upper(), [], [["" + AUDIENCE]], {AUDIENCE: 1}, "", 1, None])
def test_another_audience_is_refused(provider: Provider, signed: Callable[..., str], audience: Any) -> None:
    refused(provider, signed(aud=audience))


@pytest.mark.parametrize("issuer", ["https://login.example.nl", "{issuer}/", "{issuer}.example.nl", ["{issuer}"], 1, "", None])
def test_another_issuer_is_refused(provider: Provider, small: SmallProvider, signed: Callable[..., str], issuer: Any) -> None:
    of = json.loads(json.dumps(issuer).replace("{issuer}", small.issuer))
    refused(provider, signed(iss=of))


@pytest.mark.parametrize("subject", ["", "a" * 256, "a\0b", "a\nb", 1, ["a"], None])
def test_a_subject_that_can_not_be_one_is_refused(provider: Provider, signed: Callable[..., str], subject: Any) -> None:
    refused(provider, signed(sub=subject))


@pytest.mark.parametrize("ago_s", [61, 3600])
def test_an_expired_token_is_refused_with_a_code_of_its_own(provider: Provider, signed: Callable[..., str], ago_s: int) -> None:
    refused(provider, signed(exp=int(REAL_NOW().timestamp()) - ago_s), TokenExpired)


@pytest.mark.parametrize("claims", [{"exp": -50}, {"nbf": 50}, {"iat": 50}])
def test_clocks_may_differ_by_a_minute(provider: Provider, signed: Callable[..., str], claims: dict[str, int]) -> None:
    assert provider.verify(signed(**{name: int(REAL_NOW().timestamp()) + seconds for name, seconds in claims.items()}))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused(provider: Provider, signed: Callable[..., str], claim: str) -> None:
    refused(provider, signed(**{claim: int(REAL_NOW().timestamp()) + 90}))


@pytest.mark.parametrize("exp", [None, "2099", True, [], float("nan"), float("inf"), 1e300, 10**400, 10**18])
def test_a_token_must_say_in_a_number_when_it_expires(provider: Provider, signed: Callable[..., str], exp: Any) -> None:
    refused(provider, signed(exp=exp))


@pytest.mark.parametrize("claims", [{"at_hash": "x"}, {"c_hash": "x"}, {"cnf": {"jkt": "x"}}])
def test_an_id_token_or_a_token_bound_to_a_key_is_refused_even_for_our_audience(provider: Provider, signed: Callable[..., str], claims: dict[str, Any]) -> None:
    refused(provider, signed(**claims))


@pytest.mark.parametrize("claims", [{"email": 1, "name": []}, {"email": "a" * 321, "name": "a\0"}, {"email": "", "name": ""}])
def test_an_address_or_name_that_can_not_be_one_is_left_out(provider: Provider, signed: Callable[..., str], claims: dict[str, Any]) -> None:
    found = provider.verify(signed(email_verified="true", **claims))
    assert (found.email, found.email_verified, found.name) == (None, False, None)


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", "application/jwt", None])
def test_the_header_says_that_it_is_an_access_token_or_nothing(provider: Provider, signed: Callable[..., str], kind: str | None) -> None:
    assert provider.verify(signed(header={"typ": kind}))


@pytest.mark.parametrize("kind", ["dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "", "at+jwt "])
def test_a_token_of_another_kind_is_refused(provider: Provider, signed: Callable[..., str], kind: str) -> None:
    refused(provider, signed(header={"typ": kind}))


def test_a_header_that_nobody_knows_is_ignored(provider: Provider, signed: Callable[..., str]) -> None:
    assert provider.verify(signed(header={"x-of-a-vendor": "x", "cty": "x"}))


# Forgery.


def test_a_signature_by_another_key_with_the_same_id_is_refused(provider: Provider, signed: Callable[..., str]) -> None:
    refused(provider, signed(OTHER_KEY))


def test_a_changed_claim_breaks_the_signature(provider: Provider, signed: Callable[..., str]) -> None:
    header, _, signature = signed().split(".")
    refused(provider, f"{header}.{signed(sub='person-2').split('.')[1]}.{signature}")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "RS1", "dir", ["RS256"], {"RS256": 1}, None, 0])
def test_no_algorithm_no_signature_no_entry(provider: Provider, small: SmallProvider, signed: Callable[..., str], algorithm: Any) -> None:
    header = present({"alg": algorithm, "kid": "key-1", "typ": "JWT"})
    for signature in (b"", b"x", b"\0" * 256):
        refused(provider, resigned(signed(), header, lambda _, of=signature: of))
    refused(provider, f"{segment(header)}.{signed().split('.')[1]}")
    assert small.fetched == []


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk", "modulus"])
def test_the_public_key_is_no_shared_secret(provider: Provider, signed: Callable[..., str], algorithm: str, form: str) -> None:
    public = ORDINARY_KEY.as_dict(private=False)
    secrets = {"jwk": json.dumps(public).encode(), "modulus": str(public["n"]).encode()}
    secret = secrets.get(form) or ORDINARY_KEY.as_bytes(encoding="PEM" if form == "pem" else "DER", private=False)
    digest = getattr(hashlib, algorithm.replace("HS", "sha"))
    refused(provider, resigned(signed(), {"alg": algorithm, "kid": "key-1"}, lambda text: hmac.new(secret, text, digest).digest()))


def test_a_shared_secret_in_the_key_set_is_no_key(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    secret = OctKey.generate_key(256, {"kid": "secret", "use": "sig"})
    small.keys.append(secret.as_dict(private=True))
    assert provider.verify(signed())
    refused(provider, signed(secret, header={"alg": "HS256"}))


@pytest.mark.parametrize("algorithms", [(), ("HS256",), ("RS256", "none"), ("RS256", "HS512")])
def test_nobody_can_set_up_a_provider_with_a_symmetric_algorithm(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="Access tokens are signed with"):
        Provider("https://login.example.nl", AUDIENCE, algorithms)


def test_a_key_that_the_token_brings_along_is_not_looked_at(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    with_key = {"jwk": OTHER_KEY.as_dict(private=False)}
    with_address = {"jku": f"{small.issuer}/theirs", "x5u": f"{small.issuer}/theirs"}
    for header in (with_key, with_address):
        refused(provider, signed(OTHER_KEY, header=header))
        assert provider.verify(signed(header=header))
    assert "/theirs" not in small.fetched


@pytest.mark.parametrize(
    "kid", ["../../../dev/null", "/etc/passwd", "key-1' OR '1'='1", "key-1\0", "KEY-1", "key-1 ", "", "http://127.0.0.1/keys", 0, ["key-1"], None]
)
def test_a_key_id_is_compared_and_nothing_else(provider: Provider, small: SmallProvider, signed: Callable[..., str], kid: Any) -> None:
    token = signed()
    refused(provider, resigned(token, {"alg": "RS256", "kid": kid}, lambda text: b"x" * 256))
    assert set(small.fetched) <= {"/.well-known/openid-configuration", "/keys"}


@pytest.mark.parametrize("header", [{"crit": ["kid"]}, {"crit": ["b64"], "b64": True}, {"crit": ["exp"], "exp": 1}, {"crit": ["x"]}, {"b64": False}])
def test_a_critical_extension_is_refused_because_we_know_none(provider: Provider, signed: Callable[..., str], header: dict[str, Any]) -> None:
    claims = base64.urlsafe_b64decode(signed().split(".")[1] + "==")
    assert provider.verify(signed_bytes({"alg": "RS256", "kid": "key-1"}, claims))
    refused(provider, signed_bytes({"alg": "RS256", "kid": "key-1", **header}, claims))


def test_a_token_of_more_than_8_kib_is_refused_unread(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    assert len(signed(about="a" * 5000)) < 8192
    assert provider.verify(signed(about="a" * 5000))
    small.fetched.clear()
    refused(provider, signed(about="a" * 6500))
    refused(provider, signed(header={"kid": "unknown"}, about="a" * 6500))
    assert small.fetched == []


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "a.b.c.d.e", "é.é.é", "\ud800.a.b", " ", "dev-inspector@a", "[" * 9000])
def test_what_is_no_jwt_is_refused(provider: Provider, token: str) -> None:
    refused(provider, token)


@pytest.mark.parametrize("header", [b"[" * 5000, b'["alg"]', b'"alg"', b"1", b"null", b"\xff", b"{" * 10, b'{"alg":"RS256","kid":' + b"1" * 5000 + b"}"])
def test_a_hostile_header_is_refused(provider: Provider, header: bytes) -> None:
    refused(provider, f"{segment(header)}.{segment({})}.{segment(b'x')}")


@pytest.mark.parametrize("claims", [b"[" * 5000, b"[]", b'"a"', b"null", b"\xff", b"{" * 10, b'{"sub":' + b"1" * 5000 + b"}", b""])
def test_signed_nonsense_is_refused(provider: Provider, claims: bytes) -> None:
    refused(provider, signed_bytes({"alg": "RS256", "kid": "key-1"}, claims))


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda below: st.lists(below) | st.dictionaries(st.text(), below))


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"]), JSON | st.sampled_from(["RS256", "JWT"])) | JSON,
    claims=JSON,
    signature=st.binary(),
)
def test_whatever_is_sent_is_refused_and_breaks_nothing(header: Any, claims: Any, signature: bytes) -> None:
    nobody = Provider("http://127.0.0.1:9", AUDIENCE)
    with pytest.raises((TokenInvalid, IdentityProviderUnavailable)):
        nobody.verify(f"{segment(header)}.{segment(claims)}.{segment(signature)}")


# ID tokens, when somebody signs in on the web.


def id_token_refused(provider: Provider, token: str) -> None:
    with pytest.raises(TokenInvalid):
        provider.verify_id_token(token, client_id="registry", nonce="n-1")


@pytest.mark.parametrize("more", [{}, {"aud": ["registry"]}, {"azp": "registry"}, {"aud": ["registry", "other"], "azp": "registry"}, {"at_hash": "x"}])
def test_an_id_token_for_this_client_and_this_attempt_is_accepted(provider: Provider, signed: Callable[..., str], more: dict[str, Any]) -> None:
    token = signed(**{"aud": "registry", "nonce": "n-1", **more}, header={"typ": "JWT"})
    assert provider.verify_id_token(token, client_id="registry", nonce="n-1").subject == "person-1"


@pytest.mark.parametrize(
    "more",
    [
        {"nonce": "n-2"},
        {"nonce": None},
        {"nonce": ["n-1"]},
        {"aud": AUDIENCE},
        {"aud": None},
        {"aud": ["registry", "other"]},
        {"azp": "other"},
        {"iss": "https://login.example.nl"},
        {"iat": None},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": "a" * 256},
        {"exp": 10**30},
    ],
)
def test_any_other_id_token_is_refused(provider: Provider, signed: Callable[..., str], more: dict[str, Any]) -> None:
    id_token_refused(provider, signed(**{"aud": "registry", "nonce": "n-1", **more}, header={"typ": "JWT"}))


def test_an_id_token_of_somebody_elses_key_is_refused(provider: Provider, signed: Callable[..., str]) -> None:
    id_token_refused(provider, signed(OTHER_KEY, aud="registry", nonce="n-1"))


def test_the_addresses_of_a_provider_are_fetched_with_its_keys(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    small.discovery |= {"authorization_endpoint": f"{small.issuer}/auth", "token_endpoint": f"{small.issuer}/token"}
    assert provider.endpoints() == Endpoints(f"{small.issuer}/auth", f"{small.issuer}/token")
    provider.verify(signed())
    assert small.fetched == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize("address", [None, 1, "http://login.example.nl/auth", "/auth", "javascript:alert(1)"])
def test_nobody_is_sent_to_an_address_that_is_not_https(provider: Provider, small: SmallProvider, signed: Callable[..., str], address: Any) -> None:
    for bad in ("authorization_endpoint", "token_endpoint"):
        small.discovery |= {"authorization_endpoint": f"{small.issuer}/auth", "token_endpoint": f"{small.issuer}/token", bad: address}
        with pytest.raises(IdentityProviderUnavailable):
            Provider(small.issuer, AUDIENCE).endpoints()
    assert provider.verify(signed())


def test_nobody_is_sent_to_a_provider_that_just_failed(provider: Provider, small: SmallProvider, later: Callable[[float], None]) -> None:
    small.discovery |= {"authorization_endpoint": f"{small.issuer}/auth", "token_endpoint": f"{small.issuer}/token"}
    provider.endpoints()
    small.status = 500
    later(601)
    for _ in range(5):
        with pytest.raises(IdentityProviderUnavailable):
            provider.endpoints()
    assert len(small.fetched) == 3
    small.status = 200
    later(612)
    assert provider.endpoints()


# Keys.


@pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
def test_every_algorithm_of_the_list_works(provider: Provider, small: SmallProvider, signed: Callable[..., str], algorithm: str) -> None:
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    of = {"kid": "new", "use": "sig"}
    key: Key = ORDINARY_KEY
    if algorithm in curves:
        key = ECKey.generate_key(curves[algorithm], of)  # type: ignore[arg-type]
    elif algorithm.startswith("Ed"):
        key = OKPKey.generate_key("Ed25519", of)  # type: ignore[arg-type]
    small.keys.append(key.as_dict(private=False))
    assert provider.verify(signed(key, header={"alg": algorithm}))


@pytest.mark.parametrize("member", [{"use": "enc"}, {"alg": "RS512"}, {"alg": "RSA-OAEP"}, {"key_ops": ["encrypt"]}, {"kid": 1}])
def test_a_key_serves_only_what_it_is_published_for(provider: Provider, small: SmallProvider, signed: Callable[..., str], member: dict[str, Any]) -> None:
    small.keys = [{**ORDINARY_KEY.as_dict(private=False), **member}]
    refused(provider, signed())


def test_a_private_key_that_is_published_is_ignored(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    small.keys = [ORDINARY_KEY.as_dict(private=True)]
    refused(provider, signed())


def test_an_rsa_key_under_2048_bits_is_ignored(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    with pytest.warns(UserWarning, match="2048"):
        weak = RSAKey.generate_key(1024, {"kid": "weak", "use": "sig"})
    small.keys.append(weak.as_dict(private=False))
    refused(provider, signed(weak))
    assert provider.verify(signed())


@pytest.mark.parametrize(
    "strange",
    [
        1,
        None,
        "x",
        [],
        {},
        {"kty": "AKP", "alg": "ML-DSA-44"},
        {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": 1},
    ],
)
def test_a_key_that_we_do_not_understand_does_not_spoil_the_others(provider: Provider, small: SmallProvider, signed: Callable[..., str], strange: Any) -> None:
    small.keys.insert(0, strange)
    assert provider.verify(signed())


# Fetching.


def test_made_up_key_ids_cause_one_fetch_in_a_cool_down(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], later: Callable[[float], None]
) -> None:
    provider.verify(signed())
    for seconds in (0, 10, 29):
        later(seconds)
        for _ in range(20):
            refused(provider, signed(header={"kid": str(uuid4())}))
    assert small.fetched == ["/.well-known/openid-configuration", "/keys"]
    later(31)
    for _ in range(20):
        refused(provider, signed(header={"kid": str(uuid4())}))
    assert len(small.fetched) == 4


def test_made_up_key_ids_do_not_hammer_a_provider_that_fails(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], later: Callable[[float], None]
) -> None:
    small.status = 500
    for seconds in (0, 5, 11):
        later(seconds)
        for _ in range(20):
            refused(provider, signed(header={"kid": str(uuid4())}), IdentityProviderUnavailable)
    assert len(small.fetched) == 2


def test_keys_are_fetched_again_after_ten_minutes_and_no_sooner(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], later: Callable[[float], None]
) -> None:
    for seconds, fetches in ((0, 2), (590, 2), (601, 4), (1190, 4), (1202, 6)):
        later(seconds)
        provider.verify(signed())
        assert len(small.fetched) == fetches


def test_known_keys_are_kept_for_a_day_without_the_provider(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], later: Callable[[float], None]
) -> None:
    token = signed(exp=int(REAL_NOW().timestamp()) + 10**6)
    provider.verify(token)
    small.status = 503
    later(23 * 3600)
    assert provider.verify(token)
    later(24 * 3600 + 60)
    refused(provider, token, IdentityProviderUnavailable)
    small.status = 200
    later(24 * 3600 + 120)
    assert provider.verify(token)


def test_requests_at_the_same_time_share_one_fetch(provider: Provider, small: SmallProvider, signed: Callable[..., str]) -> None:
    small.delay_s = 0.2
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(provider.verify, [signed()] * 16))
    assert len(found) == 16
    assert small.fetched == ["/.well-known/openid-configuration", "/keys"]


def test_a_known_key_does_not_wait_for_a_slow_provider(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], later: Callable[[float], None]
) -> None:
    token = signed()
    provider.verify(token)
    small.delay_s = 1.0
    later(700)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(provider.verify, token)
        while len(small.fetched) < 3:
            time.sleep(0.01)
        before = time.monotonic()
        assert provider.verify(token)
        assert time.monotonic() - before < 0.5
        assert fetching.result()


def test_a_provider_that_sends_byte_by_byte_is_given_up(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "FETCH_TIMEOUT_S", 0.5)
    small.drip_s = 0.1
    before = time.monotonic()
    refused(provider, signed(), IdentityProviderUnavailable)
    assert time.monotonic() - before < 2


def test_a_provider_that_hangs_is_given_up(provider: Provider, small: SmallProvider, signed: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "FETCH_TIMEOUT_S", 0.2)
    small.delay_s = 1.0
    refused(provider, signed(), IdentityProviderUnavailable)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://login.example.nl"},
        {"issuer": None},
        {"issuer": ["{issuer}"]},
        {"jwks_uri": None},
        {"jwks_uri": 1},
        {"jwks_uri": "http://login.example.nl/keys"},
        {"jwks_uri": "http://0.0.0.0:{port}/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "/keys"},
        {"jwks_uri": "https://login.example.nl:99999/keys"},
        {"jwks_uri": "http://127.0.0.1:9/keys"},
        {"more": "a" * 300_000},
    ],
)
def test_a_discovery_document_that_can_not_be_trusted_is_not_used(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], discovery: dict[str, Any]
) -> None:
    port = small.issuer.rpartition(":")[2]
    small.discovery = {**small.discovery, **json.loads(json.dumps(discovery).replace("{port}", port).replace("{issuer}", small.issuer))}
    refused(provider, signed(), IdentityProviderUnavailable)
    assert small.fetched == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500])
def test_a_redirect_is_not_followed_and_an_error_is_not_read(provider: Provider, small: SmallProvider, signed: Callable[..., str], status: int) -> None:
    small.status = status
    refused(provider, signed(), IdentityProviderUnavailable)
    assert small.fetched == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("keys", [None, 1, {"a": 1}])
def test_a_key_set_without_keys_opens_nothing(provider: Provider, small: SmallProvider, signed: Callable[..., str], keys: Any) -> None:
    small.keys = keys
    with pytest.raises((TokenInvalid, IdentityProviderUnavailable)):
        provider.verify(signed())


# What the caller sees.


@pytest.fixture
def answer() -> Callable[[Callable[[], object]], Any]:
    """The answer of a request in which this happens."""

    def of(what: Callable[[], object], language: str = "en") -> Any:
        app = Flask(__name__)
        problems.register(app)
        app.add_url_rule("/", view_func=lambda: str(what()))
        return app.test_client().get("/", headers={"Accept-Language": language})

    return of


def test_a_refused_token_is_a_401_that_says_what_to_do_and_not_why(provider: Provider, signed: Callable[..., str], answer: Any) -> None:
    wrong, expired = signed(aud="other"), signed(exp=1)
    for token, code in ((wrong, "token-invalid"), (signed(OTHER_KEY), "token-invalid"), (expired, "token-expired")):
        response = answer(lambda of=token: provider.verify(of))
        assert (response.status_code, response.json["code"]) == (401, code)
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    details = {answer(lambda of=token: provider.verify(of)).json["detail"] for token in (wrong, signed(OTHER_KEY), "x.y.z")}
    assert details == {"This access token is not accepted here: sign in again."}


def test_an_unavailable_provider_is_a_503_that_says_which_part_is_missing_and_when_to_come_back(
    provider: Provider, small: SmallProvider, signed: Callable[..., str], answer: Any
) -> None:
    small.status = 500
    response = answer(lambda: provider.verify(signed()), "nl")
    assert (response.status_code, response.json["code"]) == (503, "identity-provider-unavailable")
    assert response.headers["Retry-After"] == "10"
    assert "identiteitsprovider" in response.json["detail"]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged at INFO and above, which tests do not show otherwise."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with structlog.testing.capture_logs() as events:
        yield events
    structlog.configure(wrapper_class=before)


def test_the_log_says_why_and_holds_nothing_of_the_token(provider: Provider, signed: Callable[..., str], logged: list[Any]) -> None:
    refused(provider, signed(aud="https://other.example.nl", sub="somebody-real"))
    refused(provider, signed_bytes({"alg": "RS256", "kid": "key-1"}, b"somebody-real \xff"))
    assert [event["event"] for event in logged] == ["token-refused"] * 2
    assert "'aud'" in logged[0]["reason"]
    assert "somebody-real" not in str(logged)


def test_the_log_says_what_is_wrong_with_the_provider(provider: Provider, small: SmallProvider, signed: Callable[..., str], logged: list[Any]) -> None:
    small.discovery["issuer"] = "https://login.example.nl"
    refused(provider, signed(), IdentityProviderUnavailable)
    assert [(event["event"], event["issuer"]) for event in logged] == [("identity-provider-unreachable", small.issuer)]
    assert "https://login.example.nl" in logged[0]["cause"]
