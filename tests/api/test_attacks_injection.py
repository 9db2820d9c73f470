"""SQL and other payloads in every parameter, path segment and text of a body, read from openapi.yaml: no 500, and nothing that the caller may not see."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from registry.db import API_ROLE, database
from tests.api.callers import Caller
from tests.api.expectations import ROWS, Row
from tests.api.test_attacks_ids import named, thing_of
from tests.api.test_matrix import OPERATIONS
from tests.owner import as_owner
from tests.world import World, a_world

PAYLOADS = (
    "' OR '1'='1",
    "'; DROP TABLE dwelling; --",
    "' UNION SELECT digest FROM credential --",
    "1) OR pg_sleep(9)::text='",
    "%' OR TRUE --",
    "\\' OR 1=1 --",
    "\"; SELECT set_config('registry.role', 'ministry-auditor', true); --",
    "%(person)s %s :id $1 {0} ${jndi:x} {{7*7}}",
    "\x00",
    "\ud7ff\U0010ffff‮",
    "$ne",
    "x" * 5000,
)
BY_OPERATION = list({row.operation: row for row in ROWS}.values())
TABLES = ("dwelling", "trajectory", "inspection", "photo", "portfolio_period", "membership", "person", "organisation", "audit_line", "credential")


@pytest.fixture(scope="module")
def attacked(engine: sa.Engine, application: Flask) -> Iterator[tuple[sa.Connection, World]]:
    with engine.connect() as connection, connection.begin() as outer:
        database.use(connection, role=API_ROLE)
        try:
            with as_owner() as session:
                world = a_world(session, application.test_client())
            yield connection, world
        finally:
            database.use(None)
            outer.rollback()


def attacker(world: World, row: Row) -> tuple[str, Caller]:
    """Somebody of the near side with the right, to whom the far side is foreign."""
    column = next((column for column in row.may.split() if column not in ("auditor", "ministry")), next(iter(row.may.split()), "nobody"))
    return column, world.near.people[column]


@pytest.mark.parametrize("row", BY_OPERATION, ids=[row.operation for row in BY_OPERATION])
def test_a_payload_is_data_wherever_it_stands(attacked: tuple[sa.Connection, World], row: Row) -> None:
    connection, world = attacked
    column, caller = attacker(world, row)
    for method, path, body, said in attempts(world, row, column):
        with connection.begin_nested() as savepoint:
            response = caller.send(method, path, body, version=1)
            savepoint.rollback()
        assert response.status_code < 500, (path, body, response.text)
        shows_nothing_foreign(world, row, caller, response, said)


def attempts(world: World, row: Row, column: str) -> Iterator[tuple[str, str, Any, str]]:
    """Each place of the operation with each payload: method, path, body, and what was sent."""
    method, path, operation = OPERATIONS[row.operation]
    known, body = path_of(world, row, column), named(world, row.body)
    for payload in PAYLOADS:
        for name in (part[1:-1] for part in path.split("/") if part.startswith("{")):
            yield method, known.replace(segment(world, row, column, name), quote(payload, safe="")), body, payload
        for parameter in (each["name"] for each in operation.get("parameters", []) if each["in"] == "query"):
            yield method, f"{known}?{parameter}={quote(payload)}", body, payload
        for changed in with_payload(body, payload):
            yield method, known, changed, payload


def path_of(world: World, row: Row, column: str) -> str:
    path = OPERATIONS[row.operation][1]
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, segment(world, row, column, part[1:-1]))
    return path


def segment(world: World, row: Row, column: str, name: str) -> str:
    fixed = {"definition": "started", "size": "320", "revision": "1"}
    return fixed[name] if name in fixed else str(world.near.thing(column, thing_of(name.removesuffix("_id"), row)))


def with_payload(body: Any, payload: str) -> Iterator[Any]:
    """The body with the payload in place of each of its values, and as the name of a member, one at a time."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield {**body, name: payload}
            yield from ({**body, name: changed} for changed in with_payload(value, payload))
        yield {**body, payload: 1}
    if isinstance(body, list) and body:
        yield from ([changed] for changed in with_payload(body[0], payload))


def shows_nothing_foreign(world: World, row: Row, caller: Caller, response: TestResponse, said: str) -> None:
    """References are everybody's; of the rest no id of the far side may appear."""
    public = {"checklist", "template", "code", "focus_area", "scheme", "project", "municipality", "corporation", "inspection_body", "executor"}
    if row.operation in ("getTally", "listDefinitions", "createOrganisation"):
        return
    text = response.text if said not in response.text else response.text.replace(json.dumps(said), "")
    assert [name for name, value in world.far.things.items() if name not in public and str(value) in text] == [], (row.operation, said)


def test_afterwards_everything_is_still_there(attacked: tuple[sa.Connection, World]) -> None:
    connection, _ = attacked
    assert all(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in TABLES)
