"""Reading the rule of a definition.

A rule is one of

- ``{"track": T, "reached": "planned" | "started" | "completed", "confirmed": true?}``: some trajectory of the dwelling has reached that point on that
  track, and the track is not cancelled. A later point includes the earlier ones. A plan is there from the day on which it was decided; when that is not
  said, from the day on which it was recorded, or the day for which it is planned if that is earlier. ``confirmed`` asks that the municipality confirmed
  the milestone;
- ``{"measure": "any" | [kind, …]}``: in some trajectory of the dwelling an energy-saving measure was applied, of any kind or of one of these;
- ``{"any": [rule, …]}``, ``{"all": [rule, …]}``, and ``{"not": rule}`` inside an ``all`` that holds something else too.

A rule is about the trajectories in the scope of a figure. ``not`` means that no trajectory in that scope has it, also where the figure is split by scheme,
project or corporation: a row has no dwelling that the total does not have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from registry.db import Json
from registry.trajectories.model import MeasureKind, MilestoneKind, Track


class Logic(StrEnum):
    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Leaf:
    track: Track
    reached: MilestoneKind
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """A measure of one of these kinds."""

    kinds: frozenset[MeasureKind]


@dataclass(frozen=True, slots=True)
class Not:
    rule: "Rule"


@dataclass(frozen=True, slots=True)
class Combination:
    logic: Logic
    rules: tuple["Rule", ...]


Rule = Leaf | Applied | Not | Combination


def parse(rule: Mapping[str, Json]) -> Rule:
    """Raises KeyError, ValueError for anything else than a rule, and for one that would hold for dwellings of which nothing is known."""
    parsed = _parse(rule)
    if not _asks(parsed):
        raise ValueError(rule)
    return parsed


def _parse(rule: Mapping[str, Json]) -> Rule:
    for logic in Logic:
        if logic in rule:
            return Combination(logic, tuple(_parse(cast("Mapping[str, Json]", each)) for each in cast("Sequence[Json]", rule[logic])))
    if "not" in rule:
        return Not(_parse(cast("Mapping[str, Json]", rule["not"])))
    if "measure" in rule:
        kinds = rule["measure"]
        return Applied(frozenset(MeasureKind if kinds == "any" else map(MeasureKind, cast("Sequence[str]", kinds))))
    reached = MilestoneKind(cast("str", rule["reached"]))
    if reached is MilestoneKind.CANCELLED:
        raise ValueError(rule)
    return Leaf(Track(cast("str", rule["track"])), reached, bool(rule.get("confirmed", False)))


def _asks(rule: Rule) -> bool:
    """Whether something must have happened for the rule to hold."""
    if isinstance(rule, Combination):
        return bool(rule.rules) and (any if rule.logic is Logic.ALL else all)(map(_asks, rule.rules))
    return not isinstance(rule, Not)


def without_confirmation(rule: Rule) -> Rule:
    """The same rule, not asking for confirmations: what it counts more is still to be confirmed. What a ``not`` rules out stays ruled out."""
    if isinstance(rule, Leaf):
        return Leaf(rule.track, rule.reached, confirmed=False)
    if isinstance(rule, Combination):
        return Combination(rule.logic, tuple(without_confirmation(each) for each in rule.rules))
    return rule


def nots(rule: Rule) -> list[Not]:
    """Each ``not`` in it."""
    if isinstance(rule, Combination):
        return [found for each in rule.rules for found in nots(each)]
    return [rule] if isinstance(rule, Not) else []


def asks_for_measures(rule: Rule) -> bool:
    if isinstance(rule, Combination):
        return any(map(asks_for_measures, rule.rules))
    return asks_for_measures(rule.rule) if isinstance(rule, Not) else isinstance(rule, Applied)
