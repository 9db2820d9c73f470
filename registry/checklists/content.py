"""What is wrong with a checklist as a document: whether it can be kept at all, its form by the JSON Schema, then its meaning. Pure."""

import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final, cast

from jsonschema import ValidationError

from registry.checklists.json_schema import LARGEST_NUMBER, validator
from registry.checklists.meaning import meaning_faults, unreachable
from registry.db import Json
from registry.errors import Fault, pointer

DEEPEST: Final = 20
"""Lists and mappings inside each other."""
MOST_FAULTS: Final = 500
"""That are told at once."""
_TYPES = {
    "object": "not-an-object",
    "array": "not-a-list",
    "string": "not-text",
    "number": "not-a-number",
    "integer": "not-a-whole-number",
    "boolean": "not-true-or-false",
}
_SIZES = {
    "minimum": ("too-small", "min"),
    "exclusiveMinimum": ("too-small", "min"),
    "maximum": ("too-big", "max"),
    "maxLength": ("too-long", "max"),
    "minLength": ("too-short", "min"),
    "maxItems": ("too-long", "max"),
    "minItems": ("too-short", "min"),
    "minProperties": ("too-short", "min"),
}


def faults_in(content: Json) -> list[Fault]:
    """All that keeps a checklist from being published, as far as the document alone can tell."""
    return faults_and_warnings_in(content)[0]


def faults_and_warnings_in(content: Json) -> tuple[list[Fault], list[Fault]]:
    """As `faults_in`, and what is no fault, but hardly meant; the latter of a checklist of the right form."""
    unkept = list(islice(unkept_in(content), MOST_FAULTS))
    if unkept:
        return unkept, []
    of_form = form_faults(content)
    warnings = [] if of_form else list(islice(unreachable(content), MOST_FAULTS))
    return _each_once(chain(of_form, meaning_faults(content))), warnings


def _each_once(faults: Iterable[Fault]) -> list[Fault]:
    """The first of them: a text that was made to have many would fill the memory with the sentences about it."""
    found: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        found.setdefault((fault.pointer, fault.code), fault)
        if len(found) == MOST_FAULTS:
            break
    return list(found.values())


def unkept_in(value: Json, place: str = "", deeper: int = DEEPEST) -> Iterator[Fault]:
    """What no database can keep and give back to every program: too deep, no number of JSON, broken characters."""
    if isinstance(value, str):
        yield from _characters(value, place)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(place, "not-a-number")
    elif isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        yield Fault(place, "number-too-large")
    elif isinstance(value, dict | list) and not deeper:
        yield Fault(place, "too-deep", {"max": DEEPEST})
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _characters(name, place)
            yield from unkept_in(each, place + pointer(name), deeper - 1)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from unkept_in(each, place + pointer(number), deeper - 1)


def _characters(text: str, place: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(place, "nul-character")
    elif any("\ud800" <= character <= "\udfff" for character in text):
        yield Fault(place, "broken-character")


def form_faults(content: Json) -> list[Fault]:
    """What the JSON Schema refuses, in the register's words."""
    return _each_once(fault for error in islice(validator().iter_errors(content), MOST_FAULTS) for fault in _said(error))


def _said(error: ValidationError) -> Iterator[Fault]:
    place, keyword, value, instance = pointer(*error.absolute_path), str(error.validator), error.validator_value, cast("Json", error.instance)
    if keyword == "type":
        yield Fault(place, _TYPES[str(value)])
    elif keyword == "required" and isinstance(instance, dict):
        yield from (_lacking(place, name) for name in cast("list[str]", value) if name not in instance)
    elif keyword == "additionalProperties" and isinstance(instance, dict):
        known = cast("dict[str, Json]", cast("dict[str, Json]", error.schema)["properties"])
        yield from (Fault(place + pointer(name), "unknown-part", {"name": name, "allowed": ", ".join(known)}) for name in instance if name not in known)
    elif keyword == "enum":
        yield Fault(place, "not-one-of", {"allowed": ", ".join(map(str, cast("list[Json]", value)))})
    elif keyword == "pattern":
        examples = cast("dict[str, list[str]]", error.schema).get("examples")
        yield Fault(place, "wrong-form", {"form": examples[0]}) if examples else Fault(place, "required")
    elif keyword == "uniqueItems" and isinstance(instance, list):
        yield from _repeated(place, instance)
    else:
        code, fact = _SIZES[keyword]
        yield Fault(place, code, {fact: f">{value}" if keyword == "exclusiveMinimum" else value})


def _repeated(place: str, texts: list[Json]) -> Iterator[Fault]:
    seen = set[str]()
    for number, each in enumerate(texts):
        if isinstance(each, str):
            if each in seen:
                yield Fault(place + pointer(number), "repeated", {"value": each})
            seen.add(each)


def _lacking(place: str, name: str) -> Fault:
    return Fault(place + pointer(name), "text-missing" if name in ("nl", "en") else "required", {"language": name} if name in ("nl", "en") else {})
