"""Deny by default, read from openapi.yaml: a new route without a right fails here."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from sqlalchemy.orm import Session

from registry.access import Role
from tests.api.callers import Caller, a_caller, refused

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = [(method.upper(), path, operation) for path, item in CONTRACT["paths"].items() for method, operation in item.items()]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
FOR_EVERYONE = (
    {"getMe", "changePassword", "redeemEnrolment", "listTokens", "getToken", "renameToken", "revokeToken"}
    | {f"{verb}{what}" for verb, what in (("list", "Organisations"), ("get", "Organisation"), ("list", "Municipalities"), ("get", "Municipality"))}
    | {"listFocusAreas", "getFocusArea", "listSchemes", "getScheme", "listProjects", "getProject", "listChecklists", "getChecklist", "listDefinitions"}
)
"""What every role may read, nothing personal, and do for herself. Everything else is refused to somebody."""


def an_example(schema: dict[str, Any]) -> Any:
    """A value that satisfies a schema of the contract, with the required properties only."""
    if "$ref" in schema:
        return an_example(CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: an_example(schema["properties"][name]) for name in schema.get("required", [])}
    if kind == "array":
        return [an_example(schema["items"])]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return a_text(schema)


def a_text(schema: dict[str, Any]) -> str:
    forms = {"uuid": str(uuid4()), "date": "2025-01-01", "date-time": "2025-01-01T00:00:00Z"}
    if "format" in schema:
        return forms[schema["format"]]
    pattern = schema.get("pattern", "")
    known = {"GM": "GM0917", "[0-9a-f]{64}": "0" * 64, "[A-Z]{2}": "6411AB"}
    return next((text for part, text in known.items() if part in pattern), "example")


def ask(caller: Caller, method: str, path: str, operation: dict[str, Any]) -> Any:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", a_text(parameter["schema"]))
    body = None
    if "requestBody" in operation:
        body = an_example(operation["requestBody"]["content"]["application/json"]["schema"])
    return caller.send(method, path, body, version=1 if method == "PUT" else None)


def matrix(caller: Caller, session: Session) -> dict[str, dict[Role, int]]:
    """operation → role → status."""
    callers = {role: a_caller(caller.client, role.value) for role in Role}
    return {
        operation["operationId"]: {role: ask(each, method, path, operation).status_code for role, each in callers.items()}
        for method, path, operation in OPERATIONS
    }


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_without_a_token_nothing_is_told(nobody: Caller, method: str, path: str, operation: dict[str, Any]) -> None:
    response = ask(nobody, method, path, operation)
    if operation.get("security") == []:
        refused(response, 401, "code-not-valid")
        return
    refused(response, 401, "not-authenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_every_operation_is_refused_to_somebody(nobody: Caller, session: Session) -> None:
    statuses = matrix(nobody, session)
    for name, by_role in statuses.items():
        print(f"{name:24}", *(f"{role.value}={status}" for role, status in by_role.items()))  # noqa: T201
    refused_to_nobody = {name for name, by_role in statuses.items() if 403 not in by_role.values()}
    assert refused_to_nobody == FOR_EVERYONE
    assert all(status < 500 for by_role in statuses.values() for status in by_role.values())


def test_every_operation_is_possible_for_somebody(nobody: Caller, session: Session) -> None:
    assert [name for name, by_role in matrix(nobody, session).items() if set(by_role.values()) <= {401, 403}] == []


def test_every_route_of_the_application_is_in_the_contract(nobody: Caller) -> None:
    rules = {rule.endpoint for rule in nobody.client.application.url_map.iter_rules()}
    assert len({endpoint for endpoint in rules if "." in endpoint}) > 20
    outside = {endpoint for endpoint in rules if "." not in endpoint}
    assert outside == {"openapi_json", "openapi_yaml", "healthz", "readyz", "metrics"}
