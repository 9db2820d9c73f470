"""The linter: everything at once, each with its line and column, and it never falls over."""

import time
import tracemalloc
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registry.checklists import written
from registry.checklists.content import MOST_FAULTS
from registry.checklists.lint import Weight, lint

SHIPPED = Path(written.__file__).parent / "shipped"
HEAD = """\
key: x
edition: 1
title: {nl: Titel, en: Title}
sections:
  - key: s
    title: {nl: Deel, en: Part}
    questions:
"""
FIRST = '      - {key: leak, type: yes-no, text: {nl: "Lekt het?", en: "Does it leak?"}}\n'


def told(text: str) -> list[tuple[int, int, str, str]]:
    return [(found.place.line, found.place.column, found.fault.pointer, found.fault.code) for found in lint(text).findings]


def of(question: str) -> list[str]:
    """The codes for one more question after `FIRST`, without which nothing would be found."""
    assert told(HEAD + FIRST) == []
    return [code for _, _, _, code in told(HEAD + FIRST + f"      - {{text: {{nl: a, en: b}}, {question}}}\n")]


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.name)
def test_the_shipped_checklists_have_no_fault_and_no_warning(file: Path) -> None:
    assert lint(file.read_text(encoding="utf-8")).findings == ()


def test_the_first_edition_reads_as_it_always_did() -> None:
    """Its digest is in the databases of those who use it."""
    text = (SHIPPED / "baseline.yaml").read_text(encoding="utf-8")
    assert written.read(text).content == yaml.safe_load(text)


def test_everything_is_said_at_once_with_line_and_column() -> None:
    text = dedent(
        """\
        key: A b
        edition: two
        title: {nl: Titel}
        sections:
          - key: s
            title: {nl: Deel, en: Part}
            questions:
              - key: leak
                type: yes-no
                text: {nl: "Lekt het?", en: "Does it leak?"}
                photos: {min: 1, when: [yes]}
                colour: red
        """
    )
    assert told(text) == [
        (1, 1, "/key", "wrong-form"),
        (2, 1, "/edition", "not-a-whole-number"),
        (3, 1, "/title/en", "text-missing"),
        (11, 33, "/sections/0/questions/0/photos/when/0", "unquoted-yes"),
        (12, 9, "/sections/0/questions/0/colour", "unknown-part"),
    ]


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("key: leak, type: text", ["repeated"]),
        ("key: q, key: r, type: text", ["repeated"]),
        ("key: q, type: essay", ["not-one-of"]),
        ("key: q, type: choice", ["required"]),
        ("key: q, type: choice, options: []", ["too-short"]),
        ("key: q, type: choice, options: [{key: a, nl: a, en: a}]", ["too-short"]),
        ("key: q, type: choice, options: [{key: a, nl: a, en: a}, {key: a, nl: b, en: b}]", ["repeated"]),
        ("key: q, type: choice, options: [{key: a, nl: a, en: a}, {key: b, nl: b}]", ["text-missing"]),
        ("key: q, type: choice, options: [{key: a, nl: ' ', en: a}, {key: b, nl: b, en: b}]", ["required"]),
        ("key: q, type: number, min: 5, max: 2", ["range-empty"]),
        ("key: q, type: number, min: .inf", ["not-a-number"]),
        ("key: q, type: text, min: 5", ["unknown-part"]),
        ("key: q, type: text, required: 'yes'", ["not-true-or-false"]),
        ("key: q, type: text, required: yes", ["unquoted-yes"]),
        (f"key: q, type: text, hint: {{nl: {'x' * 2001}, en: x}}", ["too-long"]),
        ("key: q, type: yes-no, photos: {min: 1, when: ['maybe']}", ["answer-not-an-option"]),
        ("key: q, type: yes-no, photos: {min: 1, when: [true]}", ["unquoted"]),
        ("key: q, type: text, photos: {min: 1, when: ['yes']}", ["unknown-part"]),
        ("key: q, type: text, visible-if: {question: leak, in: ['maybe']}", ["answer-not-an-option"]),
        ("key: q, type: text, visible-if: {question: none, in: ['yes']}", ["unknown-question"]),
        ("key: q, type: text, visible-if: {question: q, in: ['yes']}", ["condition-in-circle"]),
        ("key: q, type: text, visible-if: {question: leak, at-least: 3}", ["condition-does-not-fit"]),
        ("key: q, type: text, visible-if: {question: leak}", ["too-short"]),
        ("key: q, type: text, visible-if: {all: [{question: leak, in: []}]}", ["too-short"]),
        ("key: q, type: text, visible-if: {not: {any: [{question: gone, in: ['yes']}]}}", ["unknown-question"]),
        ("key: q, type: condition", ["required"]),
        ("key: q, type: condition, element: {code: 47.1, nl: a, en: b}", ["unquoted"]),
        ("key: q, type: condition, element: {code: '47.1', nl: a, en: b}, replacement-value: 0", ["too-small"]),
        ("key: q, type: condition, element: {code: '47.1', nl: a, en: b}, photos: {}", ["too-short"]),
        ("key: 2020-01-01, type: date", []),
    ],
)
def test_each_fault_has_its_code(question: str, codes: list[str]) -> None:
    assert of(question) == codes


def test_a_condition_on_a_later_question_is_told_from_a_circle() -> None:
    early = '      - {key: early, type: yes-no, text: {nl: a, en: b}, visible-if: {question: late, in: ["yes"]}}\n'
    late = "      - {key: late, type: yes-no, text: {nl: a, en: b}}\n"
    back = '      - {key: late, type: yes-no, text: {nl: a, en: b}, visible-if: {question: early, in: ["yes"]}}\n'
    assert [code for *_, code in told(HEAD + early + late)] == ["condition-on-later"]
    assert [code for *_, code in told(HEAD + early + back)] == ["condition-in-circle"]


def test_a_section_depends_on_sections_before_it() -> None:
    second = '  - {key: t, title: {nl: a, en: b}, visible-if: {question: %s, in: ["yes"]}, questions: [{key: q, type: yes-no, text: {nl: a, en: b}}]}\n'
    assert told(HEAD + FIRST + second % "leak") == []
    assert [code for *_, code in told(HEAD + FIRST + second % "q")] == ["condition-on-later"]


@pytest.mark.parametrize(
    "condition",
    [
        "{all: [{question: leak, in: ['yes']}, {question: leak, in: ['no']}]}",
        "{all: [{question: leak, in: ['yes']}, {not: {question: leak, in: ['yes']}}]}",
        "{all: [{question: width, at-least: 5}, {question: width, below: 5}]}",
        "{question: width, above: 10}",
        "{question: follows, in: ['yes']}",
    ],
)
def test_a_question_that_is_never_asked_is_a_warning(condition: str) -> None:
    more = (
        "      - {key: width, type: number, max: 10, text: {nl: a, en: b}}\n"
        "      - {key: follows, type: yes-no, text: {nl: a, en: b}, visible-if: "
        "{all: [{question: leak, in: ['yes']}, {question: leak, in: ['no']}]}}\n"
        f"      - {{key: q, type: text, text: {{nl: a, en: b}}, visible-if: {condition}}}\n"
    )
    linted = lint(HEAD + FIRST + more)
    assert {(found.fault.code, found.weight) for found in linted.findings} == {("never-asked", Weight.WARNING)}
    assert len(linted.findings) == 2
    assert linted.faults == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-an-object"),
        ("# nothing", "not-an-object"),
        ("- key: x", "not-an-object"),
        ("key: [1, 2", "yaml-malformed"),
        ("key: 'x", "yaml-malformed"),
        ("key: x\x07", "yaml-malformed"),
        ("key: !!python/object/apply:os.system [ls]", "yaml-tag"),
        ("key: x\n---\nkey: y", "yaml-second-document"),
        ("? [a, b]\n: c", "yaml-key-not-text"),
        ('key: "\\0"', "nul-character"),
        ("key: \ud800", "broken-character"),
        ("key: " + "9" * 25, "number-too-large"),
        ("a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]", "yaml-alias"),
        ("[" * 100_000, "too-deep"),
        ("{a: " * 100_000, "too-deep"),
        ("key: " + "x" * 1_000_001, "too-long"),
        ("key: [" + "1," * 60_000 + "]", "too-long"),
    ],
    ids=lambda each: each[:20].encode("ascii", "replace").decode(),
)
def test_what_is_no_checklist_at_all_is_refused_cheaply(text: str, code: str) -> None:
    assert code in [code for *_, code in told(text)]


def chained(questions: int, step: int) -> str:
    """Each question depends on the next or the one before."""
    row = '      - {key: q%d, type: yes-no, text: {nl: a, en: b}, visible-if: {question: q%d, in: ["yes"]}}\n'
    rows = [row % (number, number + step) for number in range(questions)]
    breaks = {number: f"  - key: s{number}\n    title: {{nl: a, en: b}}\n    questions:\n" for number in range(200, questions, 200)}
    return HEAD + "".join(breaks.get(number, "") + row for number, row in enumerate(rows))


@pytest.mark.parametrize("step", [1, -1])
def test_a_long_chain_of_conditions_is_judged_in_a_moment(step: int) -> None:
    for questions, least in ((500, 1), (2000, 1)):
        began = time.process_time()
        findings = lint(chained(questions, step)).findings
        assert time.process_time() - began < 5
        assert len(findings) >= least
    assert "too-many-questions" in [found.fault.code for found in findings]


texts = st.text(max_size=200) | st.text(alphabet="abc:-{}[],'\"\n !&*?|>#%@0.~", max_size=200)


@given(texts)
def test_any_text_is_linted_without_falling_over(text: str) -> None:
    for found in lint(text).findings:
        assert found.fault.text("nl")
        assert found.fault.text("en")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10) | st.sampled_from(["leak", "yes", "choice", "number"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "type", "text", "options", "photos", "visible-if", "all", "any", "not", "question", "in", "min", "when"]), inner
        )
    ),
    max_leaves=25,
)


@given(st.lists(json_values, max_size=3), json_values)
def test_any_content_is_linted_without_falling_over(questions: list[object], condition: object) -> None:
    content = {"key": "x", "edition": 1, "title": {}, "sections": [{"key": "s", "visible-if": condition, "questions": questions}]}
    for found in lint(yaml.safe_dump(content)).findings:
        assert found.fault.text("nl")


def measured(text: str) -> tuple[float, list[str]]:
    began = time.process_time()
    codes = [found.fault.code for found in lint(text).findings]
    return time.process_time() - began, codes


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_thousands_of_tag_directives_do_not_hold_up_the_process(end: str) -> None:
    took_s, codes = measured("# first" + end + "".join(f"%TAG !a{number}! x{end}" for number in range(50_000)) + f"---{end}key: a{end}")
    assert took_s < 1
    assert codes == ["yaml-tag"]
    assert told(f"%YAML 1.1\n%TAG !a! x\n---\n{HEAD}")[0] == (2, 1, "", "yaml-tag")


def test_lists_that_were_made_to_be_compared_each_with_each_cost_little() -> None:
    many = ", ".join(f"q{number}" for number in range(24_000))
    options = ", ".join(f"{{key: o{number:05d}{'x' * 60}}}" for number in range(5_500))
    for question in (f"type: yes-no, photos: {{min: 1, when: [{many}, q1]}}", f"type: yes-no, photos: {{min: 1, when: [1, {many}]}}"):
        took_s, codes = measured(HEAD + f"      - {{key: a, text: {{nl: a, en: b}}, {question}}}\n")
        assert took_s < 2
        assert "too-long" in codes
    tracemalloc.start()
    took_s, codes = measured(HEAD + f"      - {{key: a, type: choice, text: {{nl: a, en: b}}, options: [{options}], photos: {{min: 1, when: [{many}]}}}}\n")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 5
    assert peak_bytes < 200_000_000
    assert len(codes) <= 2 * MOST_FAULTS


def test_conditions_on_all_that_went_before_are_followed_so_far_and_no_further() -> None:
    lines = [HEAD.replace("key: s\n", "key: s0\n")]
    for number in range(430):
        before = ", ".join(f"{{question: q{other}, at-least: 1}}" for other in range(max(0, number - 8), number))
        condition = f", visible-if: {{all: [{before}]}}" if before else ""
        lines.append(f"      - {{key: q{number}, type: number, text: {{nl: a, en: b}}{condition}}}\n")
        if number in (150, 300):
            lines.append(f"  - key: s{number}\n    title: {{nl: Deel, en: Part}}\n    questions:\n")
    took_s, codes = measured("".join(lines))
    assert took_s < 6
    assert codes == []
