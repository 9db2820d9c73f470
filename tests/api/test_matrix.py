"""Every route × every role × what is hers, foreign or absent. Deny by default: a new route, or a new id in an old one, fails until it has a row."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from registry import clock
from registry.db import API_ROLE, database
from registry.trajectories.model import MeasureKind
from registry.values import BagObjectType, rfc3339
from tests.api.expectations import CASES, COLUMNS, ROWS, Row, expected
from tests.contract_file import contract
from tests.owner import as_owner
from tests.world import World, a_world, keep_bytes

CONTRACT = contract()
OPERATIONS = {operation["operationId"]: (method.upper(), path, operation) for path, item in CONTRACT["paths"].items() for method, operation in item.items()}
CLIENT_MADE = {"id"}
"""Made by the caller for what is new: that one is in use can't be hidden, see tests/api/test_attacks_ids.py."""
OUTSIDE = {"openapi_json", "openapi_yaml", "healthz", "readyz", "metrics"}
BY_NAME = [f"{row.operation}-{row.place}" if row.place else row.operation for row in ROWS]


@dataclass(frozen=True, slots=True)
class Answer:
    said: str
    """As `expectations` writes it."""
    text: str
    """The body, without what names the request and the object."""


Matrix = dict[tuple[str, str, str], Answer]
CREATED = {"200", "201", "200 created"}
"""What a client makes anew differs by its own id; of what was there already, only who sees all gets such an answer."""


def key(row: Row) -> str:
    return BY_NAME[ROWS.index(row)]


@pytest.fixture(scope="module")
def matrix(engine: sa.Engine, application: Flask, bucket: None) -> Iterator[Matrix]:
    """Every answer, each asked for in a savepoint of its own."""
    with engine.connect() as connection, connection.begin() as outer:
        database.use(connection, role=API_ROLE)
        try:
            with as_owner() as session:
                world = a_world(session, application.test_client())
                keep_bytes(session)
            yield {(key(row), column, case): asked(connection, world, row, column, case) for row in ROWS for column in COLUMNS for case in cases(row)}
        finally:
            database.use(None)
            outer.rollback()


def cases(row: Row) -> tuple[str, ...]:
    return CASES if row.place else CASES[:1]


def asked(connection: sa.Connection, world: World, row: Row, column: str, case: str) -> Answer:
    method, path, _ = OPERATIONS[row.operation]
    wanted = tried(world, row, column, case)
    side = world.far if case == "foreign" else world.near
    known = {name: str(value) for name, value in world.near.things.items()} | {
        "": wanted,
        "measure": next(iter(MeasureKind)).value,
        "bag_object_type": next(iter(BagObjectType)).value,
        "code_of_it": side.things["code"],
        "metadata": f"photoId {b64encode(wanted.encode()).decode()}",
    }
    path = path if row.thing == "template" else path.replace("{kind}", "milestones")
    if row.place == "path":
        path = path[: path.index("{")] + wanted + path[path.index("}") + 1 :]
    worked_on = {"assignInspection": "untaken", "planNextVisit": "vain"}.get(row.operation, "inspection" if row.thing == "submitted" else "submitted")
    path = path.replace("{inspection_id}", known[worked_on]).replace("{revision}", "1")
    path = path.replace("{definition}", "started").replace("{size}", "320").replace("{dwelling_id}", known["dwelling"])
    query = "&".join(f"{name}={filled(value, known)}" for name, value in row.query.items())
    path = path.replace("{webhook_id}", known["webhook"])
    named = row.thing in ("code", "focus_area", "scheme", "project") or row.operation == "putColumnMapping"
    version = 1 if "If-Match" in str(OPERATIONS[row.operation]) and not named else None
    with connection.begin_nested() as savepoint:
        where, headers = f"{path}?{query}" if query else path, filled(row.headers, known)
        response = world.near.people[column].send(method, where, filled(row.body, known), version=version, raw=row.raw, **headers)
        savepoint.rollback()
    return Answer(in_short(response), without(response, wanted))


def tried(world: World, row: Row, column: str, case: str) -> str:
    if case == "absent":
        absent = {"code": "GM0001", "bag_id": "0917010000009999", "postcode": "9999ZZ", "unused_bag_id": "0917010000008888"}
        return absent.get(row.thing, f"x{uuid4()}" if row.thing in ("focus_area", "scheme", "project", "request", "mapping", "template") else str(uuid4()))
    if not row.thing:
        return ""
    if row.thing == "unused_bag_id":
        return {"own": "0917010000007777", "foreign": "0363010000007777"}[case]
    if case == "own":
        return str(world.near.thing(column, row.thing))
    return str(world.far.thing(column if column in world.far.people else "corporation", row.thing))


def filled(template: Any, known: dict[str, str]) -> Any:
    """The template with its placeholders replaced."""
    if isinstance(template, dict):
        return {name: filled(value, known) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, known) for value in template]
    if not isinstance(template, str) or not template.startswith("$"):
        return template
    made = {"$new": str(uuid4()), "$soon": rfc3339(clock.now() + timedelta(days=1))}
    return made.get(template) or known[template[1:]]


def in_short(response: TestResponse) -> str:
    content = body_of(response)
    if response.status_code >= 400:
        return f"{response.status_code} {content['code']}" if content else str(response.status_code)
    if "results" in content:
        result = content["results"][0]
        return f"{response.status_code} {result.get('outcome') or ('some' if result['state'] else 'none')}"
    if "items" in content:
        return f"{response.status_code} {'some' if content['items'] else 'none'}"
    return str(response.status_code)


def body_of(response: TestResponse) -> dict[str, Any]:
    """Empty for an answer to HEAD and for a file."""
    return (response.json or {}) if response.data and response.mimetype.endswith("json") else {}


def without(response: TestResponse, wanted: str) -> str:
    content = {**body_of(response), "instance": None}
    for result in content.get("results", []):
        result["id"] = None
    text = json.dumps(content, sort_keys=True)
    return text.replace(wanted, "…") if wanted else text


@pytest.mark.parametrize("row", ROWS, ids=BY_NAME)
def test_everyone_gets_what_the_table_says(matrix: Matrix, row: Row) -> None:
    method, _, operation = OPERATIONS[row.operation]
    wanted = {(column, case): expected(row, column, case, operation["x-needs"]) for column in COLUMNS for case in cases(row)}
    if method == "HEAD":  # its answers have no body that could say why
        wanted = {place: answer.partition(" ")[0] for place, answer in wanted.items()}
    assert {(column, case): matrix[key(row), column, case].said for column, case in wanted} == wanted


@pytest.mark.parametrize("row", [row for row in ROWS if row.place], ids=[name for name, row in zip(BY_NAME, ROWS, strict=True) if row.place])
def test_what_is_foreign_looks_as_if_it_were_absent(matrix: Matrix, row: Row) -> None:
    """To everyone to whom something is foreign, also in every word of the answer."""
    for column in COLUMNS:
        foreign, absent = (matrix[key(row), column, case] for case in ("foreign", "absent"))
        if column not in row.everywhere.split() and foreign.said not in CREATED:
            assert foreign == absent, column


def test_every_operation_declares_who_may_call_it() -> None:
    assert [name for name, (_, _, operation) in OPERATIONS.items() if not operation.get("x-needs")] == []


def test_every_operation_and_every_id_in_it_has_a_row() -> None:
    places = {(name, place) for name in OPERATIONS for place in ids_of(name)}
    assert {(row.operation, row.place) for row in ROWS} >= places
    assert {row.operation for row in ROWS} == set(OPERATIONS)
    assert len(set(BY_NAME)) == len(ROWS)


def ids_of(name: str) -> Iterator[str]:
    """The places for an id in an operation."""
    _, path, operation = OPERATIONS[name]
    if "{" in path and "{definition}" not in path:
        yield "path"
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and is_an_id(parameter["name"], parameter["schema"]):
            yield parameter["name"]
    if "requestBody" in operation:
        yield from members_that_are_ids(operation["requestBody"]["content"].get("application/json", {}).get("schema", {}))


def members_that_are_ids(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, member in schema.get("properties", {}).items():
        if is_an_id(name, member) and name not in CLIENT_MADE:
            yield name
        yield from members_that_are_ids(member.get("items", {}))


def is_an_id(name: str, schema: dict[str, Any]) -> bool:
    return schema.get("format") == "uuid" or name.lower().endswith("id")


def test_every_route_of_the_application_is_in_the_contract(application: Flask) -> None:
    elsewhere = ("web.", "openrosa.")  # tests/api/test_page_rights.py, tests/api/test_openrosa.py
    rules = [rule for rule in application.url_map.iter_rules() if not rule.endpoint.startswith(elsewhere)]
    endpoints = {rule.endpoint for rule in rules}
    methods = [rule for rule in rules if rule.endpoint not in OUTSIDE]
    assert {endpoint for endpoint in endpoints if "." not in endpoint} == OUTSIDE
    assert len(methods) == len(OPERATIONS)


def test_every_operation_is_possible_for_somebody(matrix: Matrix) -> None:
    open_to = {row.operation: [matrix[key(row), column, "own"].said for column in COLUMNS] for row in ROWS}
    assert [name for name, said in open_to.items() if all(answer >= "4" for answer in said)] == ["changePassword", "redeemEnrolment"]


def test_it_prints_the_matrix(matrix: Matrix) -> None:
    """Run with -s: o is own, f foreign, a absent, each with its status; + is some or created, - is none or refused."""
    print(table(matrix))  # noqa: T201
    assert len(matrix) > 1000


def table(matrix: Matrix) -> str:
    width = max(map(len, BY_NAME))
    lines = [f"{'':{width}} " + " ".join(f"{column[:14]:14}" for column in COLUMNS)]
    for name, answers in groupby(matrix.items(), key=lambda each: each[0][0]):
        found = {(column, case): mark(answer.said) for (_, column, case), answer in answers}
        cells = [" ".join(found[column, case] for case in CASES if (column, case) in found) for column in COLUMNS]
        lines.append(f"{name:{width}} " + " ".join(f"{cell:14}" for cell in cells))
    return "\n".join(lines)


def mark(said: str) -> str:
    status, _, more = said.partition(" ")
    return status + {"some": "+", "created": "+", "none": "-", "refused": "-"}.get(more, "")
