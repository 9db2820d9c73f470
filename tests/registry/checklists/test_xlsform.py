"""Checklists out of XLSForms: what is taken over, what is reported, and files that were made to break the reader."""

import io
import zipfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.checklists import written
from registry.checklists.content import faults_in
from registry.checklists.questions import QuestionType
from registry.checklists.xlsform import expressions
from registry.checklists.xlsform.convert import Converted, convert, yaml_of
from registry.checklists.xlsform.expressions import Inexpressible, Known, Range
from registry.checklists.xlsform.workbook import LARGEST_FILE_BYTES, XlsFormUnreadable
from tests.registry.checklists.spreadsheets import CHOICES, HEADERS, SETTINGS, a_form, xlsx

TITLE = ("settings", 2, "form_title", "xlsform-language-missing")
"""An XLSForm has its title in one language."""


def questions(converted: Converted) -> dict[str, dict[str, Any]]:
    sections: Any = converted.content["sections"]
    return {question["key"]: question for section in sections for question in section["questions"]}


def reported(converted: Converted) -> list[tuple[str, int | None, str | None, str]]:
    return [(each.sheet, each.row, each.column, each.code) for each in converted.unsupported]


def sound(converted: Converted) -> Converted:
    """It can be published, and its YAML says the same."""
    assert faults_in(converted.content) == []
    assert written.read(converted.yaml).content == converted.content
    for each in converted.unsupported:
        assert each.text("nl") != each.text("en")
    return converted


def test_a_form_becomes_a_checklist() -> None:
    converted = sound(
        convert(
            a_form(
                ["begin group", "damp", "Vocht", "Damp"],
                ["note", "first", "Kijk rond", "Look around"],
                ["select_one heat", "heating", "Verwarming?", "Heating?", None, None, "yes"],
                ["select_multiple rooms", "cold_rooms", "Waar?", "Where?", "${heating} = 'none'", None, "true()"],
                ["decimal", "humidity", "Vochtigheid", "Humidity", None, ". >= 0 and . <= 100"],
                ["integer", "rooms", "Kamers", "Rooms", None, ". > 0 and .<10"],
                ["end group"],
                ["begin group", "more", "Meer", "More", "selected(${cold_rooms}, 'bed_room')"],
                ["text", "why", "Waarom?", "Why?", "${humidity} > 60.5"],
                ["date", "since", "Sinds", "Since"],
                ["image", "front", "Voorgevel", "Front", None, None, "yes"],
                ["end group"],
            )
        )
    )
    assert reported(converted) == [TITLE]
    content: Any = converted.content
    assert (content["key"], content["edition"], content["title"]) == ("damp-form", 3, {"nl": "Vocht", "en": "Vocht"})
    damp, more = content["sections"]
    assert (damp["key"], damp["title"], damp["text"]) == ("damp", {"nl": "Vocht", "en": "Damp"}, {"nl": "Kijk rond", "en": "Look around"})
    assert more["visible-if"] == {"question": "cold-rooms", "in": ["bed-room"]}
    found = questions(converted)
    assert found["heating"]["required"] is True
    assert found["heating"]["options"] == [{"key": "boiler", "nl": "Ketel", "en": "Boiler"}, {"key": "none", "nl": "Niet", "en": "None"}]
    assert (found["cold-rooms"]["type"], found["cold-rooms"]["visible-if"]) == ("several", {"question": "heating", "in": ["none"]})
    assert (found["humidity"]["min"], found["humidity"]["max"]) == (0, 100)
    assert (found["rooms"]["min"], found["rooms"]["max"], found["rooms"]["decimals"]) == (1, 9, 0)
    assert found["why"]["visible-if"] == {"question": "humidity", "above": 60.5}
    assert (found["since"]["type"], found["front"]["type"], found["front"]["photos"]) == ("date", "photo", {"min": 1})


def test_whatever_a_checklist_cannot_express_is_reported_with_its_place() -> None:
    headers = [*HEADERS, "appearance", "calculation", "choice_filter", "default", "media::image::English (en)", "hint::Frysk (fy)"]
    converted = sound(
        convert(
            a_form(
                ["start", "start"],
                ["calculate", "sum", None, None, None, None, None, None, "1 + 1"],
                ["geopoint", "where", "Waar", "Where"],
                ["select_one heat", "heating", "Verwarming ${sum}", "Heating", None, None, "${sum} > 1", "minimal", None, "name != 'none'", "none"],
                ["text", "why", "Waarom?", None, "count(${heating}) > 1", "regex(., 'x')", None, None, None, None, None, "x.png"],
                ["decimal", "width", "Breed", "Wide", None, ". > 0"],
                ["note", "end", "Klaar", "Done"],
                ["begin repeat", "again", "Weer", "Again"],
                ["text", "inside", "Binnen", "Inside"],
                ["end repeat"],
                ["begin group", "outer", "Buiten", "Outer"],
                ["begin group", "inner", "Binnen", "Inner"],
                ["text", "deep", "Diep", "Deep"],
                ["end group"],
                ["text", "Why!Not".replace("!", "."), "Daarna", "Afterwards"],
                ["end group"],
                headers=headers,
                settings=[[*SETTINGS[0], "style"], ["Vocht", "damp_form", "2024010100", "pages"]],
                choices=[*CHOICES, ["lonely", "one", "Een", "One"]],
            )
        )
    )
    assert set(reported(converted)) == {
        TITLE,
        ("settings", 2, "style", "xlsform-setting"),
        ("settings", 2, "version", "xlsform-version"),
        ("survey", 1, "hint::Frysk (fy)", "xlsform-other-language"),
        ("survey", 2, "type", "xlsform-metadata"),
        ("survey", 3, "type", "xlsform-type"),
        ("survey", 4, "type", "xlsform-type"),
        ("survey", 5, "label::Nederlands (nl)", "xlsform-reference-in-text"),
        ("survey", 5, "required", "xlsform-expression"),
        ("survey", 5, "appearance", "xlsform-appearance"),
        ("survey", 5, "choice_filter", "xlsform-choice-filter"),
        ("survey", 5, "default", "xlsform-column"),
        ("survey", 6, "label::Nederlands (nl)", "xlsform-language-missing"),
        ("survey", 6, "relevant", "xlsform-relevant"),
        ("survey", 6, "constraint", "xlsform-constraint"),
        ("survey", 6, "media::image::English (en)", "xlsform-column"),
        ("survey", 7, "constraint", "xlsform-constraint"),
        ("survey", 8, "type", "xlsform-note"),
        ("survey", 9, "type", "xlsform-repeat"),
        ("survey", 10, "type", "xlsform-repeat"),
        ("survey", 13, "type", "xlsform-group-in-group"),
        ("survey", 16, "name", "xlsform-renamed"),
    }
    found = questions(converted)
    assert found.keys() == {"heating", "why", "width", "deep", "why-not"}
    assert "required" not in found["heating"]
    assert "visible-if" not in found["why"]
    assert found["why"]["text"] == {"nl": "Waarom?", "en": "Waarom?"}


def test_a_group_in_a_group_keeps_the_conditions_of_both() -> None:
    converted = sound(
        convert(
            a_form(
                ["select_one heat", "a", "A", "A"],
                ["begin group", "outer", "Buiten", "Outer", "${a} = 'none'"],
                ["integer", "n", "N", "N"],
                ["begin group", "inner", "Binnen", "Inner", "${n} >= 2"],
                ["text", "deep", "Diep", "Deep"],
                ["end group"],
                ["text", "after", "Daarna", "Afterwards"],
                ["end group"],
            )
        )
    )
    sections: Any = converted.content["sections"]
    outer, n = {"question": "a", "in": ["none"]}, {"question": "n", "at-least": 2}
    assert [(section["key"], section.get("visible-if")) for section in sections] == [
        ("general", None),
        ("outer", outer),
        ("inner", {"all": [outer, n]}),
        ("outer-2", outer),
    ]
    assert sections[2]["title"] == {"nl": "Buiten – Binnen", "en": "Outer – Inner"}


def test_a_form_in_one_language_is_filled_from_it_and_told_so() -> None:
    headers = ("type", "name", "label")
    choices = [["list_name", "name", "label"], ["l", "1", "Een"], ["l", "2", "Twee"]]
    file = a_form(["select_one l", "q", "Vraag"], headers=headers, choices=choices, settings=[["form_title", "default_language"], ["Titel", "Nederlands (nl)"]])
    converted = sound(convert(file))
    assert questions(converted)["q"]["text"] == {"nl": "Vraag", "en": "Vraag"}
    missing = [(each.sheet, each.row, each.facts["language"]) for each in converted.unsupported if each.code == "xlsform-language-missing"]
    assert missing == [("choices", 2, "en"), ("choices", 3, "en"), ("survey", 2, "en"), ("settings", 2, "en")]


def test_a_choice_of_one_and_or_other_are_reported() -> None:
    converted = sound(convert(a_form(["select_one one", "q", "V", "Q"], choices=[*CHOICES, ["one", "a", "A", "A"]])))
    assert questions(converted)["q"]["type"] == "several"
    assert [code for *_, code in reported(converted)] == ["xlsform-one-option", TITLE[-1]]


def test_a_range_has_its_ends() -> None:
    headers = [*HEADERS, "parameters"]
    row = ["range", "mark", "Cijfer", "Mark", None, None, None]
    converted = sound(convert(a_form([*row, "start=1 end=6 step=0.5"], [*row[:1], "b", *row[2:], "start=1 end=6 step=1"], headers=headers)))
    found = questions(converted)
    assert (found["mark"]["min"], found["mark"]["max"], found["mark"]["decimals"]) == (1, 6, 1)
    assert found["b"]["decimals"] == 0
    assert [(row, code) for sheet, row, _, code in reported(converted) if sheet == "survey"] == [(2, "xlsform-parameters")]


KNOWN = {
    "heat": Known("heat", QuestionType.CHOICE, {"none": "none", "gas_stove": "gas-stove", "boiler": "boiler"}),
    "rooms": Known("rooms", QuestionType.SEVERAL, {"a": "a", "b": "b"}),
    "n": Known("n", QuestionType.NUMBER, {}),
    "t": Known("t", QuestionType.TEXT, {}),
}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("${heat} = 'gas_stove'", {"question": "heat", "in": ["gas-stove"]}),
        ('${heat}="none"', {"question": "heat", "in": ["none"]}),
        ("'none' = ${heat}", {"question": "heat", "in": ["none"]}),
        ("${heat} != 'none'", {"not": {"question": "heat", "in": ["none"]}}),
        ("${heat} != ''", {"question": "heat", "in": ["none", "gas-stove", "boiler"]}),
        ("${n} = ''", {"not": {"question": "n", "at-least": -(2**53 - 1)}}),
        ("selected(${rooms}, 'a')", {"question": "rooms", "in": ["a"]}),
        ("${rooms} = 'a'", {"all": [{"question": "rooms", "in": ["a"]}, {"not": {"question": "rooms", "in": ["b"]}}]}),
        ("not(selected(${rooms},'a'))", {"not": {"question": "rooms", "in": ["a"]}}),
        ("${n} >= 2 and ${n}<=5.5", {"all": [{"question": "n", "at-least": 2}, {"question": "n", "at-most": 5.5}]}),
        ("3 < ${n}", {"question": "n", "above": 3}),
        ("${n} < -1", {"question": "n", "below": -1}),
        ("${n} = 3", {"question": "n", "at-least": 3, "at-most": 3}),
        ("${t} = 'x y'", {"question": "t", "in": ["x y"]}),
        (
            "${heat} = 'none' or ${n} > 1 and ${n} < 3",
            {"any": [{"question": "heat", "in": ["none"]}, {"all": [{"question": "n", "above": 1}, {"question": "n", "below": 3}]}]},
        ),
        (
            "(${heat} = 'none'  or  ${n} > 1) and not(${n} = 3)",
            {
                "all": [
                    {"any": [{"question": "heat", "in": ["none"]}, {"question": "n", "above": 1}]},
                    {"not": {"question": "n", "at-least": 3, "at-most": 3}},
                ]
            },
        ),
    ],
)
def test_an_expression_becomes_a_condition(text: str, condition: dict[str, Any]) -> None:
    assert expressions.condition(text, KNOWN) == condition


@pytest.mark.parametrize(
    "text",
    [
        "",
        "${heat}",
        "${heat} =",
        "${heat} = 'unknown'",
        "${later} = 'x'",
        "${heat} > 'none'",
        "${t} != ''",
        "${n} = ${n}",
        "${n} + 1 > 2",
        "count(${rooms}) > 1",
        "selected(${rooms}, ${heat})",
        "selected(${n}, '1')",
        "selected(${rooms} 'a')",
        "true()",
        "${n} > today()",
        "(${n} > 1",
        "${n} > 1)",
        "${n} > 1 2",
        "../n > 1",
        "${n} > 9e99",
        "(" * 1000 + "${n} > 1" + ")" * 1000,
        "${n} > 1 and " * 500,
        "${last-saved#n} > 1",
    ],
)
def test_what_no_condition_can_say_is_refused(text: str) -> None:
    with pytest.raises(Inexpressible):
        expressions.condition(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "whole", "expected"),
    [
        (". >= 0 and . <= 100", False, Range(0, 100)),
        (".>0 and .<10", True, Range(1, 9)),
        ("(. >= 0.5)", False, Range(0.5, None)),
        (". >= 1 and . >= 3 and 5 >= .", True, Range(3, 5)),
        (". = 4", False, Range(4, 4)),
    ],
)
def test_a_constraint_becomes_a_range(text: str, whole: bool, expected: Range) -> None:
    assert expressions.range_of(text, whole=whole) == expected


@pytest.mark.parametrize("text", [". > 0", ". < 5 or . > 9", "not(. = 3)", "regex(., '[0-9]')", ". >= ${n}", ". != 3", ". mod 2 = 0"])
def test_a_constraint_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Inexpressible):
        expressions.range_of(text, whole=False)


@given(st.text(alphabet="${}n()'., =<>!andortselcd0123456789-", max_size=60))
def test_any_expression_is_read_without_falling_over(text: str) -> None:
    for act in (lambda: expressions.condition(text, KNOWN), lambda: expressions.range_of(text, whole=True)):
        with suppress(Inexpressible):
            act()


def refusal(file: bytes) -> str:
    with pytest.raises(XlsFormUnreadable) as refused:
        convert(file)
    (fault,) = refused.value.faults
    assert fault.text("nl") != fault.text("en")
    return fault.code


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def changed(file: bytes, name: str, change: Any) -> bytes:
    """The same .xlsx file with one of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return zipped(**{member: change(archive.read(member)) if member == name else archive.read(member) for member in archive.namelist()})


GOOD = a_form(["text", "q", "V", "Q"])
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("file", [b"", b"PK", b"not a spreadsheet", zipped(a=b"x"), GOOD[:500]], ids=["empty", "two bytes", "text", "other zip", "cut"])
def test_what_is_no_spreadsheet_is_refused(file: bytes) -> None:
    assert refusal(file) == "xlsform-not-xlsx"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    assert refusal(changed(GOOD, SHEET, lambda content: content + b" " * 30_000_000)) == "xlsform-too-large"
    assert refusal(zipped(**{f"m{number}": b"" for number in range(400)})) == "xlsform-too-large"
    assert refusal(b"PK" + b"\0" * LARGEST_FILE_BYTES) == "xlsform-too-large"


def test_a_document_type_is_refused() -> None:
    """It could define entities that grow without end, or name a file of the server."""
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    assert refusal(changed(GOOD, SHEET, lambda content: entity + content.partition(b"?>")[2])) == "xlsform-not-xlsx"


def test_a_sheet_that_claims_to_be_endless_is_read_to_its_real_end() -> None:
    claimed = changed(GOOD, SHEET, lambda content: content.replace(b'<dimension ref="A1:G2"', b'<dimension ref="A1:XFD1048576"'))
    assert claimed != GOOD
    assert questions(convert(claimed)).keys() == {"q"}


def test_too_many_rows_or_columns_are_refused() -> None:
    assert refusal(a_form(*[["text", f"q{number}", "V", "Q"] for number in range(2_001)])) == "xlsform-too-large"
    assert refusal(a_form(["text", "q", *["x"] * 150])) == "xlsform-too-large"


def test_too_much_text_is_refused() -> None:
    assert refusal(a_form(["text", "q", "V" * 4_001, "Q"])) == "xlsform-too-large"
    assert refusal(a_form(*[["text", f"q{number}", "V" * 3_900, "Q"] for number in range(300)])) == "xlsform-too-large"


@pytest.mark.parametrize(
    "file",
    [
        xlsx(survey=[["type", "name"], ["text", "q"], ["text", "q"]]),
        xlsx(survey=[["type", "name", "label"], ["select_one nowhere", "q", "Q"]]),
        xlsx(survey=[["type", "name", "label"], ["begin group", "g", "G"]]),
        xlsx(survey=[["type", "name", "label"], ["end group"]]),
        xlsx(survey=[["type", "name", "label"], ["text", "q", "Q"]], choices=[["list_name", "name"], ["l", None]]),
        xlsx(survey=[["type", "name", "label", "relevant"], ["text", "q", "Q", "${nowhere} = 1"]]),
        xlsx(survey=[["x"], ["y"]]),
        xlsx(survey=[]),
    ],
    ids=["name twice", "no list", "no end", "no beginning", "no name", "no question", "no columns", "empty"],
)
def test_what_pyxform_refuses_is_refused_with_its_reason(file: bytes) -> None:
    assert refusal(file) == "xlsform-refused"


def test_a_workbook_without_a_survey_is_refused() -> None:
    assert refusal(xlsx(questions=[["type", "name"], ["text", "q"]], choices=[["list_name", "name"]])) == "xlsform-no-survey"


WORDS = "text,note,begin group,end group,begin repeat,end repeat,select_one heat,integer,q1,q2,${q1} = 'none',. > 1,yes,X y"
cells = st.none() | st.sampled_from(WORDS.split(","))


@settings(max_examples=150)
@given(st.lists(st.lists(cells, min_size=7, max_size=7), max_size=7))
def test_any_grid_of_cells_is_converted_or_refused(rows: list[list[str | None]]) -> None:
    try:
        converted = convert(a_form(["text", "always", "A", "A"], *rows))
    except XlsFormUnreadable:
        return
    sound(converted)


@given(st.text(max_size=30) | st.text(alphabet="a '\":\n\t", min_size=150, max_size=400))
def test_any_text_survives_the_yaml(text: str) -> None:
    assume_kept = "".join(character for character in text if not "\ud800" <= character <= "\udfff")
    assert written.read(yaml_of({"title": assume_kept, "list": [assume_kept]})).content == {"title": assume_kept, "list": [assume_kept]}
