"""Signing in at the OpenID provider: authorization code with PKCE (RFC 6749, 7636, 9207; OpenID Connect Core 1.0)."""

import hmac
import warnings

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from flask import Response, request

from api import attempts, flows
from api.addresses import own_origin
from api.flows import Flow, SignInInterrupted, new_flow
from api.forms import local_path
from api.oidc import FETCH_TIMEOUT_S, Identity, IdentityProviderUnavailable, Provider, web_provider
from api.problems import request_id
from api.sign_in import let_in
from api.web import page, refused, see, web
from registry.db import RETRY_AFTER_S
from registry.errors import NotAllowed, NotAuthenticated, NotFound, RegistryError, TokenInvalid
from registry.members import sign_in
from registry.members.credentials import identity_digest
from registry.settings import settings

with warnings.catch_warnings():
    # It says that httpx is to be followed by a package of another name.
    warnings.filterwarnings("ignore", category=AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import OAuth2Client


class NoSignInService(NotFound):
    """People sign in with local accounts only here."""

    code = "no-sign-in-service"


class SignInRefused(NotAllowed):
    """The provider did not sign the person in, or what it says about it can't be trusted."""

    code = "sign-in-refused"


class IdentityNotConnected(NotAllowed):
    """The person is known at the provider and to nobody here; nothing is made of it."""

    code = "identity-not-connected"


@web.get("/sign-in/provider")
def leave() -> Response:
    flow = new_flow(local_path(request.args.get("next", "")))
    return flows.keep(flow, see(_address(flow)))


def leave_to_connect(set_up: str) -> Response:
    """Go and prove who one is at the provider, to connect that account with a one-time code.

    It is a page that leads on and no redirect: the Content-Security-Policy lets a form lead to this site only.
    """
    flow = new_flow("/account", set_up=set_up)
    return flows.keep(flow, page("leave.html", address=_address(flow)))


@web.get("/sign-in/callback")
def come_back() -> Response:
    try:
        response = _come_back()
    except RegistryError as error:
        response = refused(error)
    return flows.forget(response)


def _come_back() -> Response:
    """Raises TooManyRequests, SignInInterrupted, SignInRefused, IdentityNotConnected, CodeNotValid, IdentityTaken, Unavailable."""
    flow = flows.kept()
    attempts.count("provider", flow.state)
    identity = _identity(flow)
    digest = identity_digest(identity.issuer, identity.subject)
    if flow.set_up:
        return let_in(sign_in.connect_identity(flow.set_up, digest, request_id=request_id()), flow.next)
    try:
        session = sign_in.by_identity(digest, request_id=request_id())
    except NotAuthenticated:
        raise IdentityNotConnected() from None
    return let_in(session, flow.next)


def _identity(flow: Flow) -> Identity:
    """Who came back. Raises SignInInterrupted, SignInRefused, IdentityProviderUnavailable."""
    answer = request.args
    if not hmac.compare_digest(flow.state.encode(), answer.get("state", "").encode()):
        raise SignInInterrupted()
    if "code" not in answer or answer.get("iss", settings().oidc_issuer) != settings().oidc_issuer:
        raise SignInRefused()
    provider = _provider()
    try:
        return provider.verify_id_token(_id_token(provider, flow, answer["code"]), client_id=settings().oidc_client_id, nonce=flow.nonce)
    except TokenInvalid:
        raise SignInRefused() from None


def _id_token(provider: Provider, flow: Flow, code: str) -> str:
    """Redeem the code. Raises SignInRefused, IdentityProviderUnavailable."""
    endpoint = provider.endpoints().token
    try:
        with _client() as client:
            answer = client.fetch_token(endpoint, grant_type="authorization_code", code=code, code_verifier=flow.verifier)
        return str(answer["id_token"])
    except httpx.HTTPError as error:
        raise IdentityProviderUnavailable(retry_after_s=RETRY_AFTER_S) from error
    except (OAuthError, KeyError, ValueError) as error:
        raise SignInRefused() from error


def _address(flow: Flow) -> str:
    """Where the person signs in. Raises NoSignInService, IdentityProviderUnavailable."""
    endpoint = _provider().endpoints().authorization
    with _client() as client:
        address, _ = client.create_authorization_url(endpoint, state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier)
    return str(address)


def _client() -> OAuth2Client:
    """Asks for nothing but who it is: the register knows people by what their administrators wrote."""
    return OAuth2Client(
        settings().oidc_client_id,
        settings().oidc_client_secret,
        scope="openid",
        redirect_uri=f"{own_origin()}/sign-in/callback",
        code_challenge_method="S256",
        timeout=FETCH_TIMEOUT_S,
        follow_redirects=False,
    )


def _provider() -> Provider:
    """Raises NoSignInService."""
    found = web_provider()
    if found is None:
        raise NoSignInService()
    return found
