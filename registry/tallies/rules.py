"""Reading the rule of a definition.

A rule is a leaf ``{"track": T, "reached": "planned" | "started" | "completed", "confirmed": true?}``, or ``{"any": [rule, …]}``, or ``{"all": [rule, …]}``.
A leaf holds for a dwelling when some trajectory of it has reached that point on that track, and the track is not cancelled. A later point includes the
earlier ones. ``confirmed`` asks that the municipality confirmed the milestone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from registry.db import Json
from registry.trajectories.model import MilestoneKind, Track


class Logic(StrEnum):
    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Leaf:
    track: Track
    reached: MilestoneKind
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Combination:
    logic: Logic
    rules: tuple["Rule", ...]


Rule = Leaf | Combination


def parse(rule: Mapping[str, Json]) -> Rule:
    """Raises KeyError, ValueError for anything else than a rule."""
    for logic in Logic:
        if logic in rule:
            return Combination(logic, tuple(parse(cast("Mapping[str, Json]", each)) for each in cast("Sequence[Json]", rule[logic])))
    return Leaf(Track(cast("str", rule["track"])), MilestoneKind(cast("str", rule["reached"])), bool(rule.get("confirmed", False)))


def without_confirmation(rule: Rule) -> Rule:
    """The same rule, not asking for confirmations: what it counts more is still to be confirmed."""
    if isinstance(rule, Leaf):
        return Leaf(rule.track, rule.reached, confirmed=False)
    return Combination(rule.logic, tuple(without_confirmation(each) for each in rule.rules))
