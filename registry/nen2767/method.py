"""The scale of NEN 2767-1, and the method: every number and rule that a score depends on, under a version.

A change of any of them is a new method with a new version, beside the old ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final

from registry.messages import Text


class Severity(StrEnum):
    """Ernst: what the defect does to the function of the part."""

    MINOR = "minor"
    """Gering: nothing (graffiti)."""
    SERIOUS = "serious"
    """Serieus: it wears the part down without affecting the function directly."""
    CRITICAL = "critical"
    """Ernstig: it affects the function directly (wood rot)."""


class Intensity(StrEnum):
    """Intensiteit: how far the defect has developed."""

    EARLY = "early"
    """Beginstadium."""
    ADVANCED = "advanced"
    """Gevorderd."""
    FINAL = "final"
    """Eindstadium."""


class Extent(IntEnum):
    """Omvang: the class of the share of the part that has the defect."""

    INCIDENTAL = 1
    LOCAL = 2
    REGULAR = 3
    CONSIDERABLE = 4
    GENERAL = 5


EXTENT_FROM: Final = {
    Extent.INCIDENTAL: Decimal(0),
    Extent.LOCAL: Decimal(2),
    Extent.REGULAR: Decimal(10),
    Extent.CONSIDERABLE: Decimal(30),
    Extent.GENERAL: Decimal(70),
}
"""Percent at which a class begins, itself included; which side owns the boundary is not certain."""


class Boundary(StrEnum):
    """Which score an index has that is exactly a threshold: that of the threshold (inclusive) or the next, worse one (exclusive)."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"


class Floor(StrEnum):
    """Whether a part with several defects may be better than with its heaviest defect alone."""

    HEAVIEST_DEFECT = "heaviest-defect"
    NONE = "none"


Matrix = Mapping[Severity, Mapping[Intensity, tuple[int, int, int, int, int]]]
MATRIX: Final[Matrix] = {
    Severity.MINOR: {Intensity.EARLY: (1, 1, 1, 1, 2), Intensity.ADVANCED: (1, 1, 1, 2, 3), Intensity.FINAL: (1, 1, 2, 3, 4)},
    Severity.SERIOUS: {Intensity.EARLY: (1, 1, 1, 2, 3), Intensity.ADVANCED: (1, 1, 2, 3, 4), Intensity.FINAL: (1, 2, 3, 4, 5)},
    Severity.CRITICAL: {Intensity.EARLY: (1, 1, 2, 3, 4), Intensity.ADVANCED: (1, 2, 3, 4, 5), Intensity.FINAL: (2, 3, 4, 5, 6)},
}
"""The score of one defect by the class of its extent, 1 to 5."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to score, by its version. ``factors`` belong to scores 1 to 6; ``thresholds`` are the highest index of scores 1 to 5."""

    version: str
    matrix: Matrix
    factors: tuple[Decimal, ...]
    thresholds: tuple[Decimal, ...]
    boundary: Boundary
    floor: Floor

    def cell(self, severity: Severity, intensity: Intensity, extent: Extent) -> int:
        return self.matrix[severity][intensity][extent - 1]

    def factor(self, score: int) -> Decimal:
        return self.factors[score - 1]


CURRENT: Final = Method(
    version="nen2767-1-reconstructed/1",
    matrix=MATRIX,
    factors=tuple(map(Decimal, ("1.00", "1.02", "1.10", "1.30", "1.70", "2.00"))),
    thresholds=tuple(map(Decimal, ("1.01", "1.04", "1.15", "1.40", "1.78"))),
    boundary=Boundary.INCLUSIVE,
    floor=Floor.HEAVIEST_DEFECT,
)
METHODS: Final[Mapping[str, Method]] = {CURRENT.version: CURRENT}


@dataclass(frozen=True, slots=True)
class Condition:
    """How a score is called and drawn; ``ink`` is legible on ``colour``."""

    name: Text
    colour: str
    ink: str


CONDITIONS: Final[Mapping[int, Condition]] = {
    1: Condition(Text("uitstekend", "excellent"), "#00682f", "#ffffff"),
    2: Condition(Text("goed", "good"), "#4c9a2a", "#000000"),
    3: Condition(Text("redelijk", "reasonable"), "#c8d400", "#000000"),
    4: Condition(Text("matig", "moderate"), "#ffd100", "#000000"),
    5: Condition(Text("slecht", "bad"), "#f28e00", "#000000"),
    6: Condition(Text("zeer slecht", "very bad"), "#a60f1e", "#ffffff"),
}
SEVERITIES: Final = {Severity.MINOR: Text("gering", "minor"), Severity.SERIOUS: Text("serieus", "serious"), Severity.CRITICAL: Text("ernstig", "critical")}
INTENSITIES: Final = {
    Intensity.EARLY: Text("beginstadium", "early"),
    Intensity.ADVANCED: Text("gevorderd", "advanced"),
    Intensity.FINAL: Text("eindstadium", "final"),
}
EXTENTS: Final = {
    Extent.INCIDENTAL: Text("incidenteel", "incidental"),
    Extent.LOCAL: Text("plaatselijk", "local"),
    Extent.REGULAR: Text("regelmatig", "regular"),
    Extent.CONSIDERABLE: Text("aanzienlijk", "considerable"),
    Extent.GENERAL: Text("algemeen", "general"),
}


def extent_of(percent: Decimal) -> Extent:
    """The class of a share of the part, in percent."""
    return max(extent for extent, begins in EXTENT_FROM.items() if begins <= percent)
