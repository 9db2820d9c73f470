"""Whether answers fit a checklist, and what of them is still missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checklists.commands import shipped
from registry.checklists.rules import MOST_TOLD, check_answers, check_complete, digest, follow_ups, is_asked, photos_missing, questions
from registry.db import Json

BASELINE = next(iter(shipped()))
ASKED = questions(BASELINE)
COMPLETE = {
    "occupancy": "vacant",
    "acute-danger": "no",
    "mould": "widespread",
    "mould-rooms": ["bedroom", "bathroom"],
    "rising-damp": "yes",
    "roof-vegetation": "trees",
    "roof-leak": "no",
    "heating": "none",
    "foundation-cracks": "none",
    "glazing": "single",
    "electrics-safe": "no",
    "asbestos-suspected": "no",
}


SECOND = next(content for content in shipped() if (content["key"], content["edition"]) == ("baseline", 2))
ASKED_SECOND = questions(SECOND)


def asked(*each: dict[str, Json], **section: Json) -> list:  # type: ignore[type-arg]
    """Questions that stand in one section."""
    return questions({"sections": [{"key": "s", **section, "questions": list(each)}]})


def codes(faults: list) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    return [(fault.pointer, fault.code) for fault in faults]


def test_the_baseline_asks_what_the_register_is_about() -> None:
    assert {"mould", "roof-vegetation", "heating", "foundation-cracks", "glazing", "electrics-safe", "asbestos-suspected"} <= {
        question.key for question in ASKED
    }


def test_every_text_is_there_in_two_languages() -> None:
    def texts(node: object) -> list[dict]:  # type: ignore[type-arg]
        if isinstance(node, dict):
            return [node] * ("nl" in node or "en" in node) + [found for below in node.values() for found in texts(below)]
        return [found for below in node for found in texts(below)] if isinstance(node, list) else []

    for content in shipped():
        found = texts(content)
        assert len(found) > 30
        assert all({"nl", "en"} <= set(text) for text in found)


def test_complete_answers_have_no_fault() -> None:
    assert check_complete(ASKED, COMPLETE) == []


def test_everything_that_is_wrong_is_said_at_once_by_question() -> None:
    answers = {"mould": "pink", "roof-leak": 3, "relative-humidity": 140, "mould-rooms": ["attic"], "colour": "red"}
    assert codes(check_answers(ASKED, answers)) == [
        ("/answers/colour", "unknown-question"),
        ("/answers/mould", "answer-not-an-option"),
        ("/answers/mould-rooms", "answer-not-an-option"),
        ("/answers/relative-humidity", "answer-out-of-range"),
        ("/answers/roof-leak", "answer-wrong-type"),
    ]


def test_unanswered_questions_are_a_fault_only_at_submission() -> None:
    assert check_answers(ASKED, {}) == []
    missing = codes(check_complete(ASKED, {}))
    assert ("/answers/mould", "answer-required") in missing
    assert ("/answers/mould-rooms", "answer-required") not in missing


def test_a_follow_up_is_asked_when_its_answer_asks_for_it() -> None:
    rooms = next(question for question in ASKED if question.key == "mould-rooms")
    assert not is_asked(rooms, {"mould": "none"})
    assert is_asked(rooms, {"mould": "spots"})
    assert codes(check_complete(ASKED, {**COMPLETE, "mould": "none"})) == [("/answers/mould-rooms", "question-not-asked")]


def test_photos_are_demanded_by_the_answer() -> None:
    missing = photos_missing(ASKED, COMPLETE, {})
    assert [fault.facts["question"] for fault in missing] == ["mould", "roof-vegetation", "heating", "overall-photo"]
    assert photos_missing(ASKED, COMPLETE, {"mould": 1, "roof-vegetation": 1, "heating": 2, "overall-photo": 1}) == []
    assert [fault.facts["question"] for fault in photos_missing(ASKED, {}, {})] == ["overall-photo"]


@given(
    st.dictionaries(
        st.sampled_from([question.key for question in ASKED] + ["x"]), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5)
    )
)
def test_any_answers_are_judged_without_falling_over(answers: dict) -> None:  # type: ignore[type-arg]
    for fault in check_complete(ASKED, answers):
        assert fault.text("nl")
        assert fault.text("en")


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest(BASELINE) == digest(dict(reversed(list(BASELINE.items()))))
    assert digest(BASELINE) != digest({**BASELINE, "edition": 2})


def test_a_required_photo_question_demands_a_photo() -> None:
    assert codes(photos_missing(asked({"key": "front", "type": "photo", "required": True}), {}, {})) == [("/answers/front", "photos-missing")]
    assert photos_missing(asked({"key": "front", "type": "photo"}), {}, {}) == []


def test_different_answers_demand_a_different_number_of_photos() -> None:
    mould = {"key": "mould", "type": "several", "options": [{"key": "spots"}, {"key": "large"}, {"key": "none"}]}
    rules = asked({**mould, "photos": [{"min": 1, "when": ["spots"]}, {"min": 3, "when": ["large"]}]})
    assert photos_missing(rules, {"mould": ["none"]}, {}) == []
    for answer, least in {"spots": 1, "large": 3}.items():
        assert len(photos_missing(rules, {"mould": [answer]}, {"mould": least - 1})) == 1
        assert photos_missing(rules, {"mould": [answer]}, {"mould": least}) == []
    assert photos_missing(rules, {"mould": ["spots", "large"]}, {"mould": 2})[0].facts["min"] == 3


ROOF: dict[str, Json] = {
    "key": "roof",
    "type": "condition",
    "required": True,
    "replacement-value": 12000,
    "element": {"code": "47", "nl": "Dak", "en": "Roof"},
    "defects": [{"key": "leak", "nl": "Lek", "en": "Leak"}],
    "photos": {"per-defect": 2},
}
TWO_DEFECTS: Json = {
    "defects": [
        {"key": "d1", "defect": "leak", "severity": "critical", "intensity": "final", "extentPercent": 12.5},
        {"key": "d2", "severity": "minor", "intensity": "early", "extentPercent": 3},
    ]
}


def test_each_defect_needs_photos_of_its_own() -> None:
    rules = asked(ROOF)
    missing = photos_missing(rules, {"roof": TWO_DEFECTS}, {"roof": 9}, {("roof", "d1"): 2, ("roof", "d2"): 1})
    assert [(fault.pointer, fault.code, fault.facts["declared"]) for fault in missing] == [("/answers/roof/defects/1", "defect-photos-missing", 1)]
    assert photos_missing(rules, {"roof": TWO_DEFECTS}, {"roof": 4}, {("roof", "d1"): 2, ("roof", "d2"): 2}) == []
    assert photos_missing(rules, {"roof": {"defects": []}}, {}, {}) == []


def test_without_counts_by_defect_the_question_needs_as_many_as_its_defects_together() -> None:
    assert photos_missing(asked(ROOF), {"roof": TWO_DEFECTS}, {"roof": 3})[0].facts == {"question": "roof", "declared": 3, "min": 4}
    assert photos_missing(asked(ROOF), {"roof": TWO_DEFECTS}, {"roof": 4}) == []


def test_what_is_wrong_with_a_condition_answer_is_said_by_defect() -> None:
    wrong: dict[str, Json] = {"roof": {"defects": [{"key": "d1", "defect": "fire", "severity": "bad", "intensity": "final", "extent": 3}]}}
    assert codes(check_answers(asked(ROOF), wrong)) == [
        ("/answers/roof/defects/0/defect", "unknown-defect"),
        ("/answers/roof/defects/0/severity", "not-one-of"),
    ]
    assert check_complete(asked(ROOF), {"roof": TWO_DEFECTS}) == []
    assert codes(check_complete(asked(ROOF), {})) == [("/answers/roof", "answer-required")]


WIDTH: dict[str, Json] = {"key": "width", "type": "number", "min": 0, "max": 10, "decimals": 1}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (-0.1, "answer-out-of-range"),
        (10.5, "answer-out-of-range"),
        (0.25, "answer-too-precise"),
        (1e-7, "answer-too-precise"),
        (float("nan"), "answer-wrong-type"),
        (True, "answer-wrong-type"),
        ("1", "answer-wrong-type"),
    ],
)
def test_a_number_keeps_to_its_range_and_decimals(answer: Json, code: str) -> None:
    assert codes(check_answers(asked(WIDTH), {"width": answer})) == [("/answers/width", code)]


@pytest.mark.parametrize("answer", [0, 10, 7.5, 1.0, 1e1, 0.1])
def test_decimals_are_counted_as_they_were_written(answer: float) -> None:
    assert check_answers(asked(WIDTH), {"width": answer}) == []


HEATING: dict[str, Json] = {"key": "heating", "type": "choice", "options": [{"key": "boiler"}, {"key": "none"}]}


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        ({"question": "width", "at-least": 5}, True),
        ({"question": "width", "above": 5}, False),
        ({"question": "width", "below": 5}, False),
        ({"question": "width", "at-most": 5, "at-least": 5}, True),
        ({"not": {"question": "heating", "in": ["none"]}}, True),
        ({"not": {"question": "later", "in": ["none"]}}, True),
        ({"question": "absent", "at-least": 0}, False),
        ({"all": [{"question": "heating", "in": ["boiler"]}, {"question": "width", "above": 4.9}]}, True),
        ({"any": [{"question": "heating", "in": ["none"]}, {"question": "width", "below": 4}]}, False),
    ],
)
def test_conditions_combine(condition: Json, seen: bool) -> None:
    question = asked(HEATING, WIDTH, {"key": "q", "type": "text", "visible-if": condition})[-1]
    assert is_asked(question, {"heating": "boiler", "width": 5}) is seen


def test_a_question_is_asked_when_its_section_is() -> None:
    section: Json = {"question": "heating", "in": ["boiler"]}
    question = asked({"key": "q", "type": "text", "visible-if": {"question": "width", "at-least": 5}}, **{"visible-if": section})[0]
    assert is_asked(question, {"heating": "boiler", "width": 5})
    assert not is_asked(question, {"heating": "none", "width": 5})
    assert not is_asked(question, {"heating": "boiler", "width": 4})


def test_an_answer_may_carry_advice() -> None:
    answers: dict[str, Json] = {"smoke-alarms": "no", "mould": "widespread", "acute-danger": "no", "gas-smell": "yes", "heating": "none"}
    assert [(advice.question, advice.answer) for advice in follow_ups(SECOND, answers)] == [
        ("smoke-alarms", "no"),
        ("mould", "widespread"),
        ("heating", "none"),
    ], "a gas smell is only asked about where there is gas"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["defects", "key", "severity", "intensity", "extent", "extentPercent", "notPresent"]) | st.text(max_size=5), inner)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from([question.key for question in ASKED_SECOND]) | st.text(max_size=5), json_values, max_size=8))
def test_any_json_is_judged_without_falling_over(answers: dict[str, Json]) -> None:
    faults = check_complete(ASKED_SECOND, answers) + photos_missing(ASKED_SECOND, answers, {}, {}) + photos_missing(ASKED_SECOND, answers, {})
    list(follow_ups(SECOND, answers))
    for fault in faults:
        assert fault.text("nl")
        assert fault.text("en")


def test_of_many_wrong_answers_to_one_question_some_are_named_and_none_stands_twice() -> None:
    options: list[Json] = [{"key": key, "nl": key, "en": key} for key in ("bath", "bed")]
    rooms = asked({"key": "rooms", "type": "several", "options": options})
    wrong = check_answers(rooms, {"rooms": [f"x{number}" for number in range(100_000)]})
    assert {fault.code for fault in wrong} == {"answer-not-an-option"}
    assert len(wrong) == MOST_TOLD
    assert [fault.code for fault in check_answers(rooms, {"rooms": ["bath", "bed", "bath"]})] == ["repeated"]
    assert check_answers(rooms, {"rooms": ["bath", "bed"]}) == []
