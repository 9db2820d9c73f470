"""The fast dump writes what marshmallow's own dump writes, for every schema it is used with."""

import importlib
import json
import pkgutil
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow as ma
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import fields

import api
from api.answers import dump_with

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5))])
MOMENTS = st.builds(lambda minutes, zone: datetime(1900, 1, 2, tzinfo=zone) + timedelta(minutes=minutes), st.integers(0, 10**8), ZONES)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5), lambda below: st.lists(below, max_size=3), max_leaves=5)


def out_schemas() -> list[type[ma.Schema]]:
    """Every schema of the API that describes an answer."""
    modules = [importlib.import_module(module.name) for module in pkgutil.iter_modules(api.__path__, "api.") if module.name != "api.wsgi"]
    found = {
        thing for module in modules for name, thing in vars(module).items() if isinstance(thing, type) and issubclass(thing, ma.Schema) and name.endswith("Out")
    }
    return sorted(found, key=lambda schema: schema.__name__)


def values(schema: ma.Schema) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field.attribute or name: a_value(field) for name, field in schema.dump_fields.items()})


def a_value(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    strategy = _a_value(field)
    return st.none() | strategy if field.allow_none else strategy


def _a_value(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    if isinstance(field, fields.Nested):
        return st.lists(values(field.schema), max_size=3) if field.many else values(field.schema)
    if isinstance(field, fields.List):
        return st.lists(a_value(field.inner), max_size=3)
    if isinstance(field, fields.Enum):
        return st.sampled_from(list(field.enum))
    simple: list[tuple[type[fields.Field[Any]], st.SearchStrategy[Any]]] = [
        (fields.UUID, st.uuids()),
        (fields.AwareDateTime, MOMENTS),
        (fields.Date, st.dates()),
        (fields.Decimal, st.decimals(0, 10**11, places=2)),
        (fields.Boolean, st.booleans()),
        (fields.Integer, st.integers(-(2**31), 2**31)),
        (fields.Float, st.floats(-180, 180)),
        (fields.Dict, st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)),
        (fields.String, st.text(max_size=20)),
        (fields.Raw, JSON),
    ]
    return next(strategy for kind, strategy in simple if isinstance(field, kind))


def plain(content: Any) -> Any:
    """As a reader of the JSON sees it, with every moment as the instant that it is."""
    return moments(json.loads(orjson.dumps(content)))


def moments(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: moments(below) for key, below in value.items()}
    if isinstance(value, list):
        return [moments(below) for below in value]
    if isinstance(value, str) and "T" in value and value[:4].isdigit():
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


@pytest.mark.parametrize("schema", out_schemas(), ids=lambda schema: schema.__name__)
def test_the_fast_dump_equals_marshmallows(schema: type[ma.Schema]) -> None:
    slow, fast = schema(), dump_with(schema())

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(values(slow))
    def holds(thing: dict[str, Any]) -> None:
        written = fast(thing)
        assert plain(written) == plain(slow.dump(thing))
        assert list(written) == list(slow.dump(thing))

    holds()


def test_there_are_schemas_to_compare() -> None:
    assert len(out_schemas()) > 30


def test_every_moment_ends_in_z_and_every_decimal_is_text() -> None:
    class Everything(ma.Schema):
        at = fields.AwareDateTime()
        on = fields.Date()
        amount = fields.Decimal()
        id = fields.UUID()

    summer = datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    written = dump_with(Everything())({"at": summer, "on": date(1, 1, 1), "amount": Decimal("1.50"), "id": UUID(int=1)})
    assert json.loads(orjson.dumps(written)) == {
        "at": "2026-07-01T10:30:00Z",
        "on": "0001-01-01",
        "amount": "1.50",
        "id": "00000000-0000-0000-0000-000000000001",
    }


def test_an_object_is_dumped_like_a_mapping() -> None:
    class Named(ma.Schema):
        first_name = fields.String(data_key="firstName", allow_none=True)

    class Person:
        first_name = None

    assert dump_with(Named())(Person()) == dump_with(Named())({"first_name": None}) == {"firstName": None}
