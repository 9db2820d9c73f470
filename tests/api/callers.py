"""Callers of the API: a development token, and a way to send requests with it; and what every refusal must look like."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.headers import SECURITY_HEADERS
from api.problems import TITLES
from registry.access import Actor, Role
from registry.messages import TEXTS
from registry.organisations.model import Organisation, OrganisationKind
from tests import makers
from tests.owner import as_owner

NOBODY = Actor(UUID(int=0), None, Role.MINISTRY_ANALYST, "request-of-a-test")
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "instance", "errors"}


@dataclass
class Caller:
    """Someone with a token. Every POST gets a fresh Idempotency-Key unless ``key`` says otherwise."""

    client: FlaskClient
    token: str | None
    organisation: Organisation | None = None
    actor: Actor = NOBODY
    language: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def person_id(self) -> UUID:
        return self.actor.person_id

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = "fresh", version: int | None = None, raw: bytes | None = None, **headers: str
    ) -> TestResponse:
        """``headers`` are named with underscores: ``If_None_Match``."""
        all_headers = {"Accept-Language": self.language, **self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.token is not None:
            all_headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST" and key is not None:
            all_headers["Idempotency-Key"] = str(uuid4()) if key == "fresh" else key
        if version is not None:
            all_headers["If-Match"] = f'"{version}"'
        content_type = all_headers.pop("Content-Type", "application/json")
        more: dict[str, Any] = {"data": raw, "content_type": content_type} if raw is not None else {"json": body} if body is not None else {}
        return self.client.open(f"/v1{path}", method=method, headers=all_headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.send("POST", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.send("PUT", path, body, **more)


def a_caller(client: FlaskClient, role: str, organisation: Organisation | None = None) -> Caller:
    """A new person who works in this role for the organisation, or for a new one; an auditor gives a reason with everything."""
    with as_owner() as session:
        body = organisation or makers.an_organisation(session, kind=makers.KINDS.get(Role(role), OrganisationKind.MINISTRY))
        actor, token = makers.a_member(session, Role(role), body)
    return Caller(client, token, body, actor, headers={"Reason": "a test"} if role == Role.MINISTRY_AUDITOR else {})


def reload(session: Session) -> None:
    """Forget what the session has loaded: the API wrote in sessions of its own."""
    session.expire_all()


def content(response: TestResponse, status: int = 200) -> Any:
    """The JSON of a success."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/json"
    always_there(response)
    return response.json


def always_there(response: TestResponse) -> None:
    """What every answer carries, errors too."""
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.get(name) == value, name
    assert response.headers["API-Version"]
    assert response.headers["X-Request-Id"]
    assert "Accept-Language" in response.headers["Vary"]


def refused(response: TestResponse, status: int, code: str, *faults: tuple[str, str]) -> dict[str, Any]:
    """A valid problem with this status and code and exactly these faults (pointer, code), in any order."""
    assert response.status_code == status, response.text
    problem = a_problem(response)
    assert problem["code"] == code
    assert sorted((fault["pointer"], fault["code"]) for fault in problem["errors"]) == sorted(faults)
    return problem


def a_problem(response: TestResponse) -> dict[str, Any]:
    """The body of a refusal, which must be a valid RFC 9457 problem of ours."""
    assert response.content_type == "application/problem+json"
    always_there(response)
    problem: dict[str, Any] = response.json  # type: ignore[assignment]
    assert set(problem) >= PROBLEM_MEMBERS
    assert problem["status"] == response.status_code
    assert problem["title"] == TITLES[response.status_code]
    assert problem["code"] in TEXTS
    assert problem["type"] == f"urn:problem:registry:{problem['code']}"
    assert problem["instance"] == f"urn:request:{response.headers['X-Request-Id']}"
    assert problem["detail"]
    assert response.headers["Content-Language"] in ("nl", "en")
    for fault in problem["errors"]:
        assert set(fault) == {"pointer", "code", "detail"}
        assert fault["detail"]
        assert "{" not in fault["detail"]
    return problem
