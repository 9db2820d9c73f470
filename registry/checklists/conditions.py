"""When a question is asked: conditions on the answers to questions before it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from registry.db import Json


@dataclass(frozen=True, slots=True)
class Answered:
    """One of ``values`` is the answer, or among the answers."""

    question: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer is a number within these bounds; without an answer it is not."""

    question: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Every:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: "Condition"


Condition: TypeAlias = Answered | Compared | Every | Some | Not
Atom: TypeAlias = Answered | Compared
COMPARISONS = ("at-least", "at-most", "above", "below")


def read(content: Mapping[str, Json]) -> Condition:
    """The condition under ``visible-if``. Raises KeyError, TypeError, AttributeError when it is not one: see `content.faults_in`."""
    if "all" in content:
        return Every(_each(content["all"]))
    if "any" in content:
        return Some(_each(content["any"]))
    if "not" in content:
        return Not(read(cast("Mapping[str, Json]", content["not"])))
    question = cast("str", content["question"])
    if "in" in content:
        return Answered(question, tuple(cast("Sequence[str]", content["in"])))
    bounds = {name.replace("-", "_"): cast("float", content[name]) for name in COMPARISONS if name in content}
    return Compared(question, **bounds)


def _each(content: Json) -> tuple[Condition, ...]:
    return tuple(read(each) for each in cast("Sequence[Mapping[str, Json]]", content))


def both(one: Condition | None, other: Condition | None) -> Condition | None:
    return other if one is None else one if other is None else Every((one, other))


def holds(condition: Condition, answers: Mapping[str, Json]) -> bool:
    match condition:
        case Every(of):
            return all(holds(each, answers) for each in of)
        case Some(of):
            return any(holds(each, answers) for each in of)
        case Not(of):
            return not holds(of, answers)
        case Answered(question, values):
            return any(value in values for value in given(answers.get(question)))
        case Compared(question):
            return _within(condition, answers.get(question))


def given(answer: Json) -> Iterator[Json]:
    """Each of several answers, or the one."""
    yield from answer if isinstance(answer, list) else (answer,)


def _within(bounds: Compared, answer: Json) -> bool:
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    return (
        (bounds.at_least is None or answer >= bounds.at_least)
        and (bounds.at_most is None or answer <= bounds.at_most)
        and (bounds.above is None or answer > bounds.above)
        and (bounds.below is None or answer < bounds.below)
    )


def atoms(condition: Condition) -> Iterator[Atom]:
    """The comparisons with an answer that a condition is made of."""
    match condition:
        case Every(of) | Some(of):
            for each in of:
                yield from atoms(each)
        case Not(of):
            yield from atoms(of)
        case _:
            yield condition


def necessary(condition: Condition) -> Iterator[tuple[Atom, bool]]:
    """Comparisons that must hold (true) or must not (false) for the condition to hold: not all of them where there is a choice."""
    match condition:
        case Every(of):
            for each in of:
                yield from necessary(each)
        case Some((only,)):
            yield from necessary(only)
        case Not(Some(of)):
            for each in of:
                yield from necessary(Not(each))
        case Not(Not(of)):
            yield from necessary(of)
        case Not(Answered() | Compared() as atom):
            yield atom, False
        case Answered() | Compared():
            yield condition, True
