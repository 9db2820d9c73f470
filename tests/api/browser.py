"""What a person with a browser does on the pages of the register."""

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.auth import SESSION_COOKIE
from api.headers import SECURITY_HEADERS
from api.web import PAGE_HEADERS
from registry.members.credentials import Secret, hash_password, new_secret
from registry.members.model import Credential, CredentialKind, Password, Person
from tests import makers

PASSWORD = "vier blauwe fietsen in de regen"
HASH = hash_password(PASSWORD)
ADDRESS = "198.51.100.7"
OWN = "http://localhost"


def get(client: FlaskClient, path: str, *, language: str = "nl", address: str = ADDRESS, **headers: str) -> TestResponse:
    return client.get(path, headers={"Accept-Language": language, **headers}, environ_base={"REMOTE_ADDR": address})


def submit(client: FlaskClient, path: str, *, address: str = ADDRESS, language: str = "nl", origin: str | None = OWN, **fields: str) -> TestResponse:
    """Fill in a form of ours and send it, with the token that a page of ours gives."""
    token = form_token(client)
    headers = {"Accept-Language": language, "Sec-Fetch-Site": "same-origin", **({"Origin": origin} if origin else {})}
    return client.post(path, data={"form_token": token, **fields}, headers=headers, environ_base={"REMOTE_ADDR": address})


def form_token(client: FlaskClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', get(client, "/sign-in").text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
    return submit(client, "/sign-in", email=email, password=password, **more)


def signed_in(response: TestResponse) -> bool:
    return any(cookie.startswith(f"{SESSION_COOKIE}=dwr_s_") for cookie in response.headers.getlist("Set-Cookie"))


def session_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(SESSION_COOKIE)
    return cookie.value if cookie else ""


def said(response: TestResponse) -> str:
    """The words of a page, without its marks, and without what differs at each request."""
    text = re.sub(r'(?s)<head>.*?</head>|name="form_token" value="\w+"', "", response.text)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def is_a_page(response: TestResponse, status: int = 200) -> str:
    """What every page carries; its words."""
    assert response.status_code == status, response.text
    assert response.content_type == "text/html; charset=utf-8"
    carries_page_headers(response)
    assert f'<html lang="{response.headers["Content-Language"]}">' in response.text
    return said(response)


def carries_page_headers(response: TestResponse) -> None:
    for name, value in (SECURITY_HEADERS | PAGE_HEADERS).items():
        assert response.headers.getlist(name) == [value], name


def a_local_account(session: Session, email: str | None = None) -> Person:
    """A person whose password is PASSWORD."""
    person = makers.a_person(session, email)
    session.add(Password(person_id=person.id, hash=HASH))
    session.flush()
    return person


def an_invitation(session: Session, person: Person, **more: Any) -> Secret:
    """The secret of her set-up link."""
    return a_one_time_credential(session, CredentialKind.SET_UP, person, **more)


def a_one_time_credential(session: Session, kind: CredentialKind, person: Person, **more: Any) -> Secret:
    secret = new_secret(kind)
    values = {"expires_at": makers.a_moment("2100-01-01T00:00:00"), "recorded_by": person.id} | more
    session.add(Credential(kind=kind, digest=secret.digest, person_id=person.id, **values))
    session.flush()
    return secret
