"""What a checklist is, and whether answers fit it."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry.access import Role
from registry.checklists.commands import ChecklistFrozen, publish, shipped
from registry.checklists.rules import check_answers, check_complete, digest, faults_in, is_asked, photos_missing, questions
from registry.errors import RuleViolation
from registry.versioned import Outcome
from tests.makers import an_actor

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


def codes(faults: list) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    return [(fault.pointer, fault.code) for fault in faults]


def test_the_shipped_checklists_are_sound() -> None:
    assert [faults_in(content) for content in shipped()] == [[]]


def test_the_baseline_asks_what_the_register_is_about() -> None:
    assert {"mould", "roof-vegetation", "heating", "foundation-cracks", "glazing", "electrics-safe", "asbestos-suspected"} <= {
        question.key for question in ASKED
    }


def test_every_text_is_there_in_two_languages() -> None:
    def texts(node: object) -> list[dict]:  # type: ignore[type-arg]
        if isinstance(node, dict):
            return [node] * ("nl" in node or "en" in node) + [found for below in node.values() for found in texts(below)]
        return [found for below in node for found in texts(below)] if isinstance(node, list) else []

    found = texts(BASELINE)
    assert len(found) > 70
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


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda content: content.pop("key"), "wrong-form"),
        (lambda content: content["sections"][0]["questions"][0].update(type="essay"), "wrong-form"),
        (lambda content: content["sections"][0]["questions"].append(content["sections"][0]["questions"][0]), "repeated"),
        (lambda content: content["sections"][0]["questions"][0].update({"visible-if": {"question": "heating", "in": ["none"]}}), "unknown-question"),
    ],
)
def test_an_unsound_checklist_is_refused(break_it, code: str) -> None:  # type: ignore[no-untyped-def]
    content = copy.deepcopy(dict(BASELINE))
    break_it(content)
    assert code in [fault.code for fault in faults_in(content)]


def test_a_published_edition_is_frozen(session: Session) -> None:
    administrator = an_actor(Role.ADMINISTRATOR)
    assert publish(session, administrator, BASELINE) is Outcome.CREATED
    assert publish(session, administrator, BASELINE) is Outcome.UNCHANGED
    with pytest.raises(ChecklistFrozen):
        publish(session, administrator, {**BASELINE, "title": {"nl": "Anders", "en": "Different"}})
    assert publish(session, administrator, {**BASELINE, "edition": 2, "title": {"nl": "Anders", "en": "Different"}}) is Outcome.CREATED
    with pytest.raises(RuleViolation):
        publish(session, administrator, {"key": "x"})


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest(BASELINE) == digest(dict(reversed(list(BASELINE.items()))))
    assert digest(BASELINE) != digest({**BASELINE, "edition": 2})


def test_a_required_photo_question_demands_a_photo() -> None:
    content = {"key": "x", "edition": 1, "sections": [{"questions": [{"key": "front", "type": "photo", "required": True}]}]}
    assert [fault.code for fault in photos_missing(questions(content), {}, {})] == ["photos-missing"]


@pytest.mark.parametrize("condition", [{"photos": {"min": 1, "when": [True]}}, {"visible-if": {"question": "leak", "in": [True]}}])
def test_a_condition_on_an_answer_that_cannot_be_given_is_named(condition: dict) -> None:  # type: ignore[type-arg]
    """An unquoted yes is true in YAML, and would never be answered."""
    asked = [{"key": "leak", "type": "yes-no"}, {"key": "where", "type": "yes-no", **condition}]
    assert [fault.code for fault in faults_in({"key": "x", "edition": 1, "sections": [{"questions": asked}]})] == ["answer-not-an-option"]
