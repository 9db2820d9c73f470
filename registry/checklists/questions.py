"""The questions of a checklist, read from its content. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import cast

from registry.checklists import conditions
from registry.checklists.conditions import Condition
from registry.db import Json
from registry.nen2767 import answers as nen2767


class QuestionType(StrEnum):
    CHOICE = "choice"
    SEVERAL = "several"
    YES_NO = "yes-no"
    """Answers yes, no, not-applicable."""
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    PHOTO = "photo"
    CONDITION = "condition"
    """The defects of one building part (NEN 2767)."""


YES_NO = ("yes", "no", "not-applicable")
CHOSEN = (QuestionType.CHOICE, QuestionType.SEVERAL, QuestionType.YES_NO)
"""Types whose answers are among options."""


@dataclass(frozen=True, slots=True)
class PhotoRule:
    """At least so many photos; with ``when`` only with one of these answers."""

    minimum: int
    when: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``asked_if`` is its own condition and that of its section together; ``decimals`` is how many an answer may have.

    Of a condition question: ``defects`` are the keys that it offers, ``replacement_value`` is in euros, ``photos_per_defect`` how many each defect needs.
    """

    key: str
    type: QuestionType
    required: bool
    section: str | None = None
    options: tuple[str, ...] = ()
    asked_if: Condition | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    photos: tuple[PhotoRule, ...] = ()
    photos_per_defect: int = 0
    defects: tuple[str, ...] = ()
    replacement_value: Decimal | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The answers among which one chooses."""
        return YES_NO if self.type is QuestionType.YES_NO else self.options


def questions(content: Mapping[str, Json]) -> list[Question]:
    """The questions of a checklist in order. Raises KeyError, TypeError, ValueError when it is not one: see `content.faults_in`."""
    return [question for section in _maps(content["sections"]) for question in _of_section(section)]


def _of_section(section: Mapping[str, Json]) -> Iterator[Question]:
    condition = _condition(section)
    for each in _maps(section["questions"]):
        yield _question(each, cast("str | None", section.get("key")), condition)


def _question(content: Mapping[str, Json], section: str | None, of_section: Condition | None) -> Question:
    type = QuestionType(cast("str", content["type"]))
    required = bool(content.get("required", False))
    photos = content.get("photos", {"min": 1} if type is QuestionType.PHOTO and required else [])
    rules = [photos] if isinstance(photos, dict) else _maps(photos)
    value = content.get("replacement-value")
    return Question(
        key=cast("str", content["key"]),
        type=type,
        required=required,
        section=section,
        options=_keys(content.get("options", [])),
        asked_if=conditions.both(of_section, _condition(content)),
        minimum=cast("float | None", content.get("min")),
        maximum=cast("float | None", content.get("max")),
        decimals=cast("int | None", content.get("decimals")),
        photos=tuple(_photo_rule(rule) for rule in rules if "min" in rule),
        photos_per_defect=max((cast("int", rule.get("per-defect", 0)) for rule in rules), default=0),
        defects=_keys(content.get("defects", [])),
        replacement_value=nen2767.number(value),
    )


def _photo_rule(content: Mapping[str, Json]) -> PhotoRule:
    when = content.get("when")
    return PhotoRule(cast("int", content["min"]), None if when is None else tuple(cast("Sequence[str]", when)))


def _condition(content: Mapping[str, Json]) -> Condition | None:
    condition = content.get("visible-if")
    return None if condition is None else conditions.read(cast("Mapping[str, Json]", condition))


def _keys(options: Json) -> tuple[str, ...]:
    return tuple(cast("str", option["key"]) for option in _maps(options))


def _maps(content: Json) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", content)
