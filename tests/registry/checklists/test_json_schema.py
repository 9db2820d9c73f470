"""The JSON Schema of a checklist: what editors are told is what the register judges by."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from registry.checklists import json_schema
from registry.checklists.commands import shipped
from registry.checklists.content import faults_in
from registry.checklists.questions import QuestionType
from registry.checklists_cli import schema_text

FOLDER = Path(json_schema.__file__).parent
BASELINE: dict[str, Any] = dict(next(content for content in shipped() if content["edition"] == 2))


def test_it_is_a_sound_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema.schema())


def test_the_file_beside_the_shipped_checklists_is_fresh() -> None:
    """Editors find it by the first line of each of them."""
    text = (FOLDER / "checklist.schema.json").read_text(encoding="utf-8")
    assert text == schema_text(), "run: registry checklists schema > registry/checklists/checklist.schema.json"


@pytest.mark.parametrize("file", sorted((FOLDER / "shipped").glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_file_fits_also_for_who_reads_yaml_otherwise(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads(schema_text()))
    if file.name != "baseline.yaml":  # it was published before there was a schema
        assert text.startswith("# yaml-language-server: $schema=../checklist.schema.json\n")


def question(content: dict[str, Any], key: str) -> dict[str, Any]:
    return next(each for section in content["sections"] for each in section["questions"] if each["key"] == key)


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("required", lambda content: content.pop("key")),
    ("required", lambda content: content.pop("sections")),
    ("not-a-whole-number", lambda content: content.update(edition=1.5)),
    ("too-small", lambda content: content.update(edition=0)),
    ("not-a-list", lambda content: content.update(sections={})),
    ("too-short", lambda content: content.update(sections=[])),
    ("unknown-part", lambda content: content.update(colour="red")),
    ("text-missing", lambda content: content["title"].pop("en")),
    ("not-text", lambda content: content["title"].update(en=3)),
    ("wrong-form", lambda content: question(content, "mould").update(key="Mould")),
    ("not-one-of", lambda content: question(content, "mould").update(type="essay")),
    ("required", lambda content: question(content, "mould").pop("options")),
    ("too-short", lambda content: question(content, "mould").update(options=[])),
    ("not-true-or-false", lambda content: question(content, "mould").update(required="yes")),
    ("required", lambda content: question(content, "mould").update(photos={"when": ["spots"]})),
    ("repeated", lambda content: question(content, "mould").update(photos={"min": 1, "when": ["spots", "spots"]})),
    ("too-big", lambda content: question(content, "mould").update(photos={"min": 51})),
    ("not-an-object", lambda content: question(content, "mould-rooms").update({"visible-if": "mould"})),
    ("required", lambda content: question(content, "mould-rooms").update({"visible-if": {"in": ["spots"]}})),
    ("unknown-part", lambda content: question(content, "mould-rooms").update({"visible-if": {"all": [], "any": []}})),
    ("not-a-number", lambda content: question(content, "relative-humidity").update(max="100")),
    ("too-long", lambda content: question(content, "relative-humidity").update(unit="percent of the whole air")),
    ("unknown-part", lambda content: question(content, "mould").update(unit="%")),
    ("wrong-form", lambda content: question(content, "roof-condition")["element"].update(code="4.7")),
    ("too-small", lambda content: question(content, "roof-condition").update({"replacement-value": 0})),
    ("not-one-of", lambda content: question(content, "roof-condition")["defects"][0].update(severity="bad")),
]


@pytest.mark.parametrize(("code", "break_it"), BROKEN)
def test_every_fault_of_the_form_is_refused_by_schema_and_register_alike(code: str, break_it: Callable[[dict[str, Any]], object]) -> None:
    content = copy.deepcopy(BASELINE)
    assert faults_in(content) == []
    break_it(content)
    assert not json_schema.validator().is_valid(content)
    found = faults_in(content)
    assert code in [fault.code for fault in found]
    for fault in found:
        assert fault.text("nl")
        assert fault.text("en")


def test_every_type_of_question_has_a_form() -> None:
    definitions = json_schema.schema()["$defs"]
    assert isinstance(definitions, dict)
    assert {f"{type.value}-question" for type in QuestionType} <= definitions.keys()
