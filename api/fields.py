"""marshmallow's fields, saying what is wrong by a code of the register instead of an English sentence, so that any language can be answered."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import marshmallow as ma
from marshmallow import fields, validate

from registry.values import EARLIEST_YEAR, LATEST_YEAR

Member = TypeVar("Member", bound=Enum)
DEEPEST_JSON = 20
"""Lists and objects inside each other, in values of any form."""
LARGEST_NUMBER = 2**53 - 1
"""In values of any form."""


class Said(str):
    """A message that is a code, with the facts that fill its sentence."""

    facts: Mapping[str, object]

    def __new__(cls, code: str, **facts: object) -> "Said":
        said = super().__new__(cls, code)
        said.facts = facts
        return said


Messages = dict[str, str | list[Any] | dict[Any, Any]]


def _say(code: str, **more: str) -> Messages:
    return {"required": "required", "null": "null", "invalid": code, "validator_failed": code, **more}


class String(fields.String):
    default_error_messages = _say("not-text", invalid_utf8="not-text")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ma.ValidationError([Said("nul-character")])
        return text


class Integer(fields.Integer):
    default_error_messages = _say("not-a-whole-number", too_large="number-too-large")

    def __init__(self, *, strict: bool = True, **kwargs: Any) -> None:
        super().__init__(strict=strict, **kwargs)


class QueryInteger(Integer):
    """A whole number in a query, where everything is text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=False, **kwargs)


class Float(fields.Float):
    default_error_messages = _say("not-a-number", too_large="number-too-large", special="not-a-number")

    def _validated(self, value: Any) -> float:
        if isinstance(value, str):
            raise self.make_error("invalid")
        return super()._validated(value)


class QueryFloat(fields.Float):
    """A number in a query, where everything is text."""

    default_error_messages = _say("not-a-number", too_large="number-too-large", special="not-a-number")


class Decimal(fields.Decimal):
    default_error_messages = _say("not-a-number", special="not-a-number")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(as_string=True, **kwargs)


class Boolean(fields.Boolean):
    default_error_messages = _say("not-true-or-false")


class Date(fields.Date):
    default_error_messages = _say("not-a-date", format="not-a-date")


class Moment(fields.AwareDateTime):
    """An instant with its time zone."""

    default_error_messages = _say("not-a-moment", format="not-a-moment", invalid_awareness="not-a-moment")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            raise ma.ValidationError([Said("not-a-moment")])
        return moment


class Uuid(fields.UUID):
    default_error_messages = _say("not-a-uuid", invalid_uuid="not-a-uuid")


class List(fields.List[Any]):
    default_error_messages = _say("not-a-list")


class Repeated(List):
    """A parameter of a query that may be given more than once. What is wrong with one value is said of the parameter."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ma.ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ma.ValidationError([message for messages in error.messages.values() for message in messages]) from None


class Nested(fields.Nested):
    default_error_messages = _say("not-an-object", type="not-an-object")


class Dict(fields.Dict):
    default_error_messages = _say("not-an-object")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ma.ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ma.ValidationError({key: below.get("key") or below["value"] for key, below in error.messages.items()}) from None


class AnyJson(fields.Raw):
    """Any JSON value that the database can hold and give back: not too deep, and numbers that every program reads alike (RFC 7493)."""

    default_error_messages = _say("wrong-form")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        _check_json(value, DEEPEST_JSON)
        return super()._deserialize(value, attr, data, **kwargs)


def _check_json(value: Any, deeper: int) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ma.ValidationError([Said("nul-character")])
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        raise ma.ValidationError([Said("number-too-large")])
    if isinstance(value, Mapping | list) and not deeper:
        raise ma.ValidationError([Said("wrong-form", form=f"[[…]] ≤ {DEEPEST_JSON}")])
    parts = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    for part in parts:
        _check_json(part, deeper - 1)


class OneOf(fields.Enum[Member]):
    """A member of an enumeration, by value."""

    def __init__(self, enum: type[Member], **kwargs: Any) -> None:
        super().__init__(enum, by_value=True, **kwargs)
        self.error_messages |= _say("not-one-of")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Member:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except (ma.ValidationError, TypeError):
            allowed = ", ".join(str(member.value) for member in self.enum)
            raise ma.ValidationError([Said("not-one-of", allowed=allowed)]) from None


class Length(validate.Length):
    def __call__(self, value: Any) -> Any:
        size = len(value)
        if self.min is not None and size < self.min:
            raise ma.ValidationError([Said("too-short", min=self.min)])
        if self.max is not None and size > self.max:
            raise ma.ValidationError([Said("too-long", max=self.max)])
        return value


class Range(validate.Range):
    def __call__(self, value: Any) -> Any:
        if self.min is not None and (value < self.min or (value == self.min and not self.min_inclusive)):
            raise ma.ValidationError([Said("too-small", min=self.min if self.min_inclusive else f">{self.min}")])
        if self.max is not None and value > self.max:
            raise ma.ValidationError([Said("too-big", max=self.max)])
        return value


class Form(validate.Validator):
    """The whole text has the form of ``pattern``; ``example`` shows it to a person."""

    def __init__(self, pattern: re.Pattern[str], example: str) -> None:
        self.regex = re.compile(f"^(?:{pattern.pattern})$")
        self.example = example

    def __call__(self, value: str) -> str:
        if not self.regex.fullmatch(value):
            raise ma.ValidationError([Said("wrong-form", form=self.example)])
        return value


class Schema(ma.Schema):
    """Names in JSON are camelCase; what is unknown is refused."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": "unknown-field", "type": "not-an-object"}  # noqa: RUF012

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = field_obj.data_key or camel_case(field_name)


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


SLUG = Form(re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"), "heerlen-noord")
MUNICIPALITY_CODE = Form(re.compile(r"GM[0-9]{4}"), "GM0917")
