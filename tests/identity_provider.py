"""A real OpenID provider on loopback, ``tests/oidc/provider.mjs``, and what a client does with it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest

FOLDER = Path(__file__).parent / "oidc"
AUDIENCE = "https://registry.example.nl/v1"
WEB_CLIENT = ("registry-web", "secret-of-the-web-login")
REDIRECT_URI = "http://localhost/sign-in/callback"
START_TIMEOUT_S = 20


class IdentityProvider:
    """The provider as a process of its own. It keeps its address, not its keys, when it is stopped and started again."""

    def __init__(self, *redirect_uris: str) -> None:
        self._redirect_uris = redirect_uris or (REDIRECT_URI,)
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.issuer = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Skips the test where there is no node, or `make check` has not installed the provider."""
        node = shutil.which("node")
        if node is None or not (FOLDER / "node_modules" / "oidc-provider").exists():
            pytest.skip("there is no node here, or the OpenID provider is not installed (make check installs it)")
        options = json.dumps({"port": self._port, "audience": AUDIENCE, "redirectUris": self._redirect_uris})
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        argv = [node, str(FOLDER / "provider.mjs"), options]
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=quiet, text=True, env={"PATH": os.environ["PATH"]})
        assert self._process.stdout is not None
        self.issuer = self._process.stdout.readline().strip()
        assert self.issuer, "the OpenID provider did not start"
        self._port = int(self.issuer.rpartition(":")[2])

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def rotate(self, *, keep: bool) -> None:
        """Sign with a new key from now on; ``keep``: the old ones stay published."""
        httpx.post(f"{self.issuer}/test/rotate", params={"keep": str(keep).lower()}).raise_for_status()

    def person(self, name: str) -> None:
        """Who signs in from now on; her address is ``name``@example.nl."""
        httpx.post(f"{self.issuer}/test/person", params={"name": name}).raise_for_status()

    def token(self, algorithm: str = "RS256", *, resource: str = AUDIENCE) -> str:
        """An access token of a machine, whose subject is ``machine-`` with the algorithm."""
        body = {"grant_type": "client_credentials", "scope": "api", "resource": resource}
        answer = httpx.post(f"{self.issuer}/token", data=body, auth=(f"machine-{algorithm}", "secret-of-a-machine")).raise_for_status()
        return str(answer.json()["access_token"])

    def sign_in(self, name: str) -> dict[str, str]:
        """What the token endpoint gives when a person signs in: ``access_token`` and ``id_token``. Authorization code with PKCE, as RFC 7636 has it."""
        verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        with httpx.Client(base_url=self.issuer) as browser:
            asked = {"client_id": WEB_CLIENT[0], "response_type": "code", "scope": "openid profile email api", "redirect_uri": self._redirect_uris[0]}
            pkce = {"code_challenge": challenge, "code_challenge_method": "S256", "login_hint": name}
            answer = browser.get("/auth", params={**asked, **pkce})
            while not answer.headers["Location"].startswith(self._redirect_uris[0]):
                answer = browser.get(answer.headers["Location"])
            code = httpx.URL(answer.headers["Location"]).params["code"]
            body = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uris[0], "code_verifier": verifier}
            return dict(browser.post("/token", data=body, auth=WEB_CLIENT).raise_for_status().json())
