"""Where things stand in a filled-in form, and conditions on them as XPath. Pure.

The language is that of ODK XForms: XPath 1.0 with a few functions of its own, such as ``selected``.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from registry.checklists.conditions import Answered, Compared, Condition, Every, Not, Some
from registry.checklists.questions import PhotoRule, QuestionType
from registry.openrosa.outline import Asked

OUTCOME: Final = "/data/visit/outcome"
INSPECTION: Final = "/data/visit/inspection"
INSPECTIONS: Final = "inspections"
"""The secondary instance: a CSV file with the caller's own open inspections."""
ROWS: Final = f"instance('{INSPECTIONS}')/root" + "/item"
OF_INSPECTION: Final = f"{ROWS}[name = {INSPECTION}]"
IS_DONE: Final = f"{OUTCOME} = 'done'"


def path(asked: Asked, *below: str) -> str:
    return "/".join(("/data/answers", asked.section, asked.key, *below))


def relevant(asked: Asked, among: Mapping[str, Asked]) -> str | None:
    """When a question is asked, None when always. ``among`` are all questions by key."""
    return None if asked.question.asked_if is None else expression(asked.question.asked_if, among)


def expression(condition: Condition, among: Mapping[str, Asked]) -> str:
    """A question that is not asked has no answer, whatever a client keeps in its place: each comparison with an answer says so itself."""
    match condition:
        case Every(of):
            return " and ".join(f"({expression(each, among)})" for each in of) or "true()"
        case Some(of):
            return " or ".join(f"({expression(each, among)})" for each in of) or "false()"
        case Not(of):
            return f"not({expression(of, among)})"
        case Answered(question, values):
            return _of_asked(among[question], _is_one_of(among[question], values), among)
        case Compared(question):
            return _of_asked(among[question], _is_within(path(among[question], "answer"), condition), among)


def _of_asked(asked: Asked, comparison: str, among: Mapping[str, Asked]) -> str:
    visible = relevant(asked, among)
    return comparison if visible is None else f"({visible}) and ({comparison})"


def _is_one_of(asked: Asked, values: tuple[str, ...]) -> str:
    answer = path(asked, "answer")
    several = asked.question.type is QuestionType.SEVERAL
    return " or ".join(f"selected({answer}, '{value}')" if several else f"{answer} = '{value}'" for value in values) or "false()"


def _is_within(answer: str, bounds: Compared) -> str:
    signs = ((">=", bounds.at_least), ("<=", bounds.at_most), (">", bounds.above), ("<", bounds.below))
    return " and ".join([f"{answer} != ''", *(f"{answer} {sign} {number(bound)}" for sign, bound in signs if bound is not None)])


def number(bound: float) -> str:
    """Without an exponent, which XPath does not have."""
    return f"{Decimal(str(bound)):f}"


def demanded(asked: Asked, place: int) -> str | None:
    """When a question needs so many pictures, None when never."""
    rules = [_applies(asked, rule) for rule in asked.question.photos if rule.minimum >= place]
    return " or ".join(f"({rule})" for rule in rules) or None


def _applies(asked: Asked, rule: PhotoRule) -> str:
    return "true()" if rule.when is None else _is_one_of(asked, rule.when)
