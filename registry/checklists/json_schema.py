"""The JSON Schema (2020-12) of a checklist: what its parts are called and how large they may be. Editors read it, and `content` judges by it."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import cast

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from registry.checklists.conditions import COMPARISONS
from registry.checklists.questions import YES_NO, QuestionType
from registry.db import Json
from registry.nen2767.answers import LARGEST_VALUE_EUR
from registry.nen2767.method import Severity

SCHEMA_ID = "https://dwelling-registry.example/v1/checklist-schema"
LONGEST_CHECKLIST_KEY = 60
"""Characters, of every key."""
LONGEST_TITLE, LONGEST_QUESTION, LONGEST_HINT = 200, 1000, 2000
"""Characters, in each language."""
LONGEST_UNIT = 20
MOST_SECTIONS, MOST_QUESTIONS_IN_SECTION, MOST_OPTIONS, MOST_PHOTOS = 50, 200, 200, 50
MOST_PARTS_OF_CONDITION = 20
LARGEST_EDITION = 9999
LARGEST_NUMBER = 2**53 - 1
"""Beyond it programs read JSON numbers differently (RFC 7493)."""
MOST_DECIMALS = 6

Schema = dict[str, Json]


@cache
def schema() -> Schema:
    """The whole of it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Checklist",
        "description": "A checklist of the register of poorly maintained dwellings. How to write one: docs/checklists.md.",
        **_object(
            {
                "key": {**_ref("key"), "description": "What the checklist is called in all its editions."},
                "edition": _whole(1, LARGEST_EDITION, "A published edition is frozen; the next one has a higher number."),
                "title": _ref("title"),
                "description": _ref("hint"),
                "sections": _list(_ref("section"), 1, MOST_SECTIONS),
            },
            required=("key", "edition", "title", "sections"),
        ),
        "$defs": _definitions(),
    }


@cache
def validator() -> Validator:
    return cast("Validator", extend(Draft202012Validator, {"uniqueItems": _unique})(schema()))  # type: ignore[no-untyped-call]


def _unique(_validator: object, _wanted: Json, instance: Json, _schema: object) -> Iterator[ValidationError]:
    """Of texts, the only items that must be unique here. The library compares each with each when they are of several kinds, which takes minutes."""
    texts = [each for each in instance if isinstance(each, str)] if isinstance(instance, list) else []
    if len(set(texts)) < len(texts):
        yield ValidationError("has non-unique items")


def _definitions() -> Schema:
    key: Schema = {
        "type": "string",
        "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
        "maxLength": LONGEST_CHECKLIST_KEY,
        "examples": ["roof-leak"],
        "description": "Small letters and digits, with single hyphens between them. Answers and photos refer to it, so it never changes its meaning.",
    }
    section: Schema = {
        "key": _ref("key"),
        "title": _ref("title"),
        "text": {**_ref("hint"), "description": "What stands above the questions."},
        "visible-if": _ref("visible-if"),
        "questions": _list(_ref("question"), 1, MOST_QUESTIONS_IN_SECTION),
    }
    return {
        "key": key,
        "title": _text(LONGEST_TITLE),
        "label": _text(LONGEST_QUESTION),
        "hint": _text(LONGEST_HINT),
        "section": _object(section, required=("key", "title", "questions")),
        **_conditions(),
        **_photos(),
        **_parts(),
        "question": _any_question(),
        **{f"{type.value}-question": _question(more, required) for type, (more, required) in _by_type().items()},
    }


def _conditions() -> Schema:
    """Told apart by the word they begin with, so that what is wrong with one is said about that one."""
    several = _list(_ref("visible-if"), 1, MOST_PARTS_OF_CONDITION)
    atom: Schema = {
        **_object({"question": _ref("key"), "in": _answers(), **dict.fromkeys(COMPARISONS, _number())}, required=("question",)),
        "minProperties": 2,
    }
    kinds = {name: _object({name: part}, required=(name,)) for name, part in (("all", several), ("any", several), ("not", _ref("visible-if")))}
    choice: Schema = _ref("comparison")
    for name, kind in reversed(kinds.items()):
        choice = {"if": {"required": [name]}, "then": kind, "else": choice}
    described: Schema = {"type": "object", "description": "When it is asked: by the answers to questions before it. With all, any and not for more than one."}
    return {"comparison": atom, "visible-if": {**described, **choice}}


def _photos() -> Schema:
    least = _whole(0, MOST_PHOTOS, "At least so many photos.")
    for_any = _object({"min": least}, required=("min",))
    by_answer = _object({"min": least, "when": {**_answers(), "description": "Only with one of these answers."}}, required=("min",))
    by_defect: Schema = {
        **_object({"min": least, "per-defect": _whole(1, MOST_PHOTOS, "Of each defect at least so many photos.")}),
        "minProperties": 1,
    }
    one_or_more: Schema = {
        "if": {"type": "array"},
        "then": _list(_ref("photos-by-answer"), 1, MOST_OPTIONS),
        "else": _ref("photos-by-answer"),
        "description": "How many photos an answer needs; a list when different answers need a different number.",
    }
    return {"photos": for_any, "photos-by-answer": by_answer, "photos-by-answers": one_or_more, "photos-by-defect": by_defect}


def _parts() -> Schema:
    words: Schema = {"nl": _ref("words"), "en": _ref("words")}
    option: Schema = {"key": _ref("key"), **words, "follow-up": {**_ref("hint"), "description": "What the inspector is advised to do with this answer."}}
    severity: Schema = {"enum": [each.value for each in Severity], "description": "How severe it usually is; the inspector decides."}
    defect: Schema = {"key": _ref("key"), **words, "severity": severity}
    element: Schema = {"code": {"type": "string", "pattern": r"^[0-9]{2}(\.[0-9]{1,3})?$", "examples": ["47.1"], "description": "NL-SfB, in quotes."}, **words}
    return {
        "words": _words(LONGEST_QUESTION),
        "option": _object(option, required=("key", "nl", "en")),
        "defect": _object(defect, required=("key", "nl", "en")),
        "element": _object(element, required=("code", "nl", "en")),
    }


def _by_type() -> dict[QuestionType, tuple[Schema, tuple[str, ...]]]:
    """What a question of each type has besides what all have, and which of it must be there."""
    by_answer: Schema = {"photos": _ref("photos-by-answers")}
    photos: Schema = {"photos": _ref("photos")}
    follow_up: Schema = {
        **_object({answer: _ref("hint") for answer in YES_NO}),
        "minProperties": 1,
        "description": "What the inspector is advised to do, by answer.",
    }
    number: Schema = {
        "unit": {"type": "string", "minLength": 1, "maxLength": LONGEST_UNIT, "examples": ["%", "mm", "°C"]},
        "min": _number(),
        "max": _number(),
        "decimals": _whole(0, MOST_DECIMALS, "How many digits the answer may have after the point; any number when left out."),
    }
    value: Schema = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": LARGEST_VALUE_EUR,
        "description": "Of the whole part new, in euros: its weight in the score of the dwelling.",
    }
    condition: Schema = {
        "element": _ref("element"),
        "replacement-value": value,
        "defects": _list(_ref("defect"), 1, MOST_OPTIONS),
        "photos": _ref("photos-by-defect"),
    }
    return {
        QuestionType.CHOICE: ({"options": _list(_ref("option"), 2, MOST_OPTIONS), **by_answer}, ("options",)),
        QuestionType.SEVERAL: ({"options": _list(_ref("option"), 1, MOST_OPTIONS), **by_answer}, ("options",)),
        QuestionType.YES_NO: ({"follow-up": follow_up, **by_answer}, ()),
        QuestionType.NUMBER: ({**number, **photos}, ()),
        QuestionType.TEXT: (photos, ()),
        QuestionType.DATE: (photos, ()),
        QuestionType.PHOTO: (photos, ()),
        QuestionType.CONDITION: (condition, ("element",)),
    }


def _question(more: Schema, required: tuple[str, ...]) -> Schema:
    of_all: Schema = {
        "key": _ref("key"),
        "type": {"type": "string"},
        "text": _ref("label"),
        "hint": _ref("hint"),
        "required": {"type": "boolean"},
        "visible-if": _ref("visible-if"),
    }
    return _object({**of_all, **more}, required=("key", "type", "text", *required))


def _any_question() -> Schema:
    types: list[Json] = [type.value for type in QuestionType]
    return {
        "type": "object",
        "properties": {"type": {"enum": types}},
        "required": ["type"],
        "allOf": [{"if": {"properties": {"type": {"const": type}}, "required": ["type"]}, "then": _ref(f"{type}-question")} for type in types],
    }


def _object(properties: Mapping[str, Json], *, required: tuple[str, ...] = ()) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}


def _list(items: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _answers() -> Schema:
    words: Schema = {"type": "string", "maxLength": LONGEST_QUESTION}
    return {**_list(words, 1, MOST_OPTIONS), "uniqueItems": True}


def _text(longest: int) -> Schema:
    return _object({"nl": _words(longest), "en": _words(longest)}, required=("nl", "en"))


def _words(longest: int) -> Schema:
    return {"type": "string", "pattern": r"\S", "maxLength": longest}


def _whole(least: int, most: int, description: str) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def _number() -> Schema:
    return {"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
