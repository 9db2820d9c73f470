"""The answer to a condition question: all its faults at once, its score, and no JSON that crashes it."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.db import Json
from registry.nen2767.answers import LARGEST_VALUE_EUR, MOST_DEFECTS, check, number, score_answer
from registry.nen2767.method import CURRENT
from registry.nen2767.rules import PartScore, Rule

DEFECT: dict[str, Json] = {"key": "d1", "severity": "critical", "intensity": "final", "extentPercent": 6}
KNOWN = ("leak", "rot")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
nearly_numbers = st.one_of(anything, st.integers(-5, 200), st.floats(-1, 101), st.just(10**400), st.just(5e-324))
nearly_a_defect = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from(["d1", "d2", "", "x" * 200]) | anything,
        "defect": st.sampled_from(["leak", "flood"]) | anything,
        "description": anything,
        "severity": st.sampled_from(["minor", "serious", "critical", "gering"]) | anything,
        "intensity": st.sampled_from(["early", "advanced", "final", 3]) | anything,
        "extent": nearly_numbers,
        "extentPercent": nearly_numbers,
        "more": anything,
    },
)
nearly_an_answer = st.fixed_dictionaries(
    {},
    optional={
        "defects": st.lists(nearly_a_defect | anything, max_size=4) | anything,
        "replacementValue": nearly_numbers,
        "notPresent": anything,
        "x": anything,
    },
)
good_defect = st.fixed_dictionaries(
    {
        "severity": st.sampled_from(["minor", "serious", "critical"]),
        "intensity": st.sampled_from(["early", "advanced", "final"]),
        "extentPercent": st.floats(min_value=5e-324, max_value=100) | st.integers(1, 100),
    }
)


def codes(answer: Json) -> set[tuple[str, str]]:
    return {(fault.pointer, fault.code) for fault in check(answer, KNOWN)}


def two(**second: Any) -> dict[str, Json]:
    return {"defects": [DEFECT, {**DEFECT, "key": "d2", **second}]}


@pytest.mark.parametrize(
    "answer",
    [
        {"defects": []},
        {"defects": [DEFECT]},
        {"defects": [{"key": "d1", "severity": "minor", "intensity": "early", "extent": 5}]},
        {"defects": [{**DEFECT, "defect": "leak", "description": ""}], "replacementValue": 12000.5},
        two(extentPercent=94),
        two(extentPercent=33.3),
        {"notPresent": True},
        {"notPresent": True, "defects": []},
        {"notPresent": False, "defects": [], "replacementValue": LARGEST_VALUE_EUR},
    ],
)
def test_a_good_answer_has_no_faults(answer: Json) -> None:
    assert check(answer, KNOWN) == []


@pytest.mark.parametrize(
    ("answer", "pointer", "code"),
    [
        (None, "", "not-an-object"),
        ([], "", "not-an-object"),
        ({}, "/defects", "required"),
        ({"notPresent": False}, "/defects", "required"),
        ({"defects": None}, "/defects", "not-a-list"),
        ({"defects": [], "score": 3}, "/score", "unknown-field"),
        ({"defects": [], "notPresent": "yes"}, "/notPresent", "not-true-or-false"),
        ({"defects": [DEFECT], "notPresent": True}, "/notPresent", "not-present-with-defects"),
        ({"defects": [], "replacementValue": "12"}, "/replacementValue", "not-a-number"),
        ({"defects": [], "replacementValue": True}, "/replacementValue", "not-a-number"),
        ({"defects": [], "replacementValue": float("nan")}, "/replacementValue", "not-a-number"),
        ({"defects": [], "replacementValue": 0}, "/replacementValue", "replacement-value-out-of-range"),
        ({"defects": [], "replacementValue": -1.5}, "/replacementValue", "replacement-value-out-of-range"),
        ({"defects": [], "replacementValue": LARGEST_VALUE_EUR + 1}, "/replacementValue", "replacement-value-out-of-range"),
        ({"defects": [3]}, "/defects/0", "not-an-object"),
        ({"defects": [{}]}, "/defects/0/key", "required"),
        ({"defects": [{}]}, "/defects/0/severity", "required"),
        ({"defects": [{}]}, "/defects/0/intensity", "required"),
        ({"defects": [{}]}, "/defects/0/extent", "extent-required"),
        ({"defects": [{**DEFECT, "key": 3}]}, "/defects/0/key", "not-text"),
        ({"defects": [{**DEFECT, "key": " "}]}, "/defects/0/key", "too-short"),
        ({"defects": [{**DEFECT, "key": "x" * 101}]}, "/defects/0/key", "too-long"),
        ({"defects": [{**DEFECT, "description": "x" * 4001}]}, "/defects/0/description", "too-long"),
        ({"defects": [{**DEFECT, "description": None}]}, "/defects/0/description", "not-text"),
        ({"defects": [{**DEFECT, "severity": "gering"}]}, "/defects/0/severity", "not-one-of"),
        ({"defects": [{**DEFECT, "severity": ["minor"]}]}, "/defects/0/severity", "not-one-of"),
        ({"defects": [{**DEFECT, "intensity": 1}]}, "/defects/0/intensity", "not-one-of"),
        ({"defects": [{**DEFECT, "defect": "flood"}]}, "/defects/0/defect", "unknown-defect"),
        ({"defects": [{**DEFECT, "defect": {}}]}, "/defects/0/defect", "not-text"),
        ({"defects": [{**DEFECT, "colour": "red"}]}, "/defects/0/colour", "unknown-field"),
        ({"defects": [{**DEFECT, "extent": 2}]}, "/defects/0/extentPercent", "extent-twice"),
        ({"defects": [{**DEFECT, "extentPercent": 0}]}, "/defects/0/extentPercent", "extent-out-of-range"),
        ({"defects": [{**DEFECT, "extentPercent": 100.00001}]}, "/defects/0/extentPercent", "extent-out-of-range"),
        ({"defects": [{**DEFECT, "extentPercent": "6"}]}, "/defects/0/extentPercent", "not-a-number"),
        ({"defects": [{"key": "d1", "severity": "minor", "intensity": "early", "extent": 6}]}, "/defects/0/extent", "not-one-of"),
        ({"defects": [{"key": "d1", "severity": "minor", "intensity": "early", "extent": True}]}, "/defects/0/extent", "not-one-of"),
        (two(key="d1"), "/defects/1/key", "repeated"),
        (two(extentPercent=94.1), "/defects", "extents-above-whole"),
        ({"defects": [DEFECT, {"key": "d2", "severity": "minor", "intensity": "early", "extent": 2}]}, "/defects/1/extentPercent", "extent-percent-required"),
        ({"defects": [DEFECT] * (MOST_DEFECTS + 1)}, "/defects", "too-many-defects"),
    ],
)
def test_every_fault_has_its_place_and_its_code(answer: Json, pointer: str, code: str) -> None:
    assert (pointer, code) in codes(answer)


def test_all_faults_are_said_at_once() -> None:
    assert codes({"defects": [{"severity": "bad", "intensity": "bad", "extent": 9}, 7], "replacementValue": 0, "x": 1}) == {
        ("/x", "unknown-field"),
        ("/replacementValue", "replacement-value-out-of-range"),
        ("/defects/0/key", "required"),
        ("/defects/0/severity", "not-one-of"),
        ("/defects/0/intensity", "not-one-of"),
        ("/defects/0/extentPercent", "extent-percent-required"),
        ("/defects/1", "not-an-object"),
    }


@given(anything | nearly_an_answer)
def test_no_json_crashes_the_check_and_every_fault_can_be_said(answer: Json) -> None:
    for fault in check(answer, KNOWN):
        assert fault.text("nl")
        assert fault.text("en")


@given(nearly_an_answer)
def test_an_answer_without_faults_can_be_scored(answer: dict[str, Json]) -> None:
    if not check(answer, KNOWN):
        scored = score_answer(answer, None)
        assert scored is None or 1 <= scored.score <= 6


@given(st.lists(good_defect, max_size=4))
def test_shares_of_any_precision_are_summed_exactly(defects: list[dict[str, Json]]) -> None:
    answer: dict[str, Json] = {"defects": [{**defect, "key": f"d{place}"} for place, defect in enumerate(defects)]}
    total = sum(Fraction(repr(defect["extentPercent"])) for defect in defects)
    assert [fault.code for fault in check(answer)] == (["extents-above-whole"] if total > 100 else [])
    if total <= 100:
        assert 1 <= score(answer).score <= 6


def score(answer: dict[str, Json], replacement_value: Decimal | None = None) -> PartScore:
    found = score_answer(answer, replacement_value)
    assert found is not None
    return found


def test_an_absent_part_has_no_score() -> None:
    assert score_answer({"notPresent": True}, Decimal(5)) is None


def test_a_part_without_defects_scores_1() -> None:
    found = score({"defects": []}, Decimal(500))
    assert (found.score, found.rule, found.replacement_value, found.method) == (1, Rule.NO_DEFECTS, Decimal(500), CURRENT.version)


def test_one_defect_by_class_and_by_percentage_score_the_same() -> None:
    by_class = {"key": "d1", "severity": "serious", "intensity": "final", "extent": 3}
    by_percent = {"key": "d1", "severity": "serious", "intensity": "final", "extentPercent": 10}
    assert score({"defects": [by_class]}).score == score({"defects": [by_percent]}).score == 3


def test_the_value_in_the_answer_goes_before_that_of_the_checklist() -> None:
    assert score({"defects": [], "replacementValue": 0.1}, Decimal(500)).replacement_value == Decimal("0.1")


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0.1, "0.1"),
        (12, "12"),
        (1e-7, "0.0000001"),
        (33.33333333333333, "33.33333333333333"),
        (10**400, "1E400"),
        (float("inf"), None),
        (True, None),
        ("1", None),
    ],
)
def test_a_number_is_what_was_written(value: Json, exact: str | None) -> None:
    assert number(value) == (None if exact is None else Decimal(exact))
