"""The score of a building part and of a whole of parts, in exact decimals, with the steps that explain it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, localcontext
from enum import StrEnum
from typing import Final

from registry.db import Json
from registry.nen2767.method import CURRENT, Boundary, Extent, Floor, Intensity, Method, Severity

WHOLE: Final = Decimal(100)
"""Percent."""
SHOWN: Final = Decimal("0.000001")
"""An index is kept to this; it is compared with the thresholds before it is rounded."""
EXACT: Final = Context(prec=2000, traps=[Inexact, InvalidOperation, DivisionByZero])
"""Room for any sum of decimals that were a float; it refuses to round."""


class Rule(StrEnum):
    """What decided the score of a part."""

    NO_DEFECTS = "no-defects"
    ONE_DEFECT = "one-defect"
    """The matrix."""
    SPLIT = "split"
    """The index of the part, split into its defects and the sound rest."""
    HEAVIEST_DEFECT = "heaviest-defect"
    """The floor: the index alone would have said better than the heaviest defect by the matrix."""


@dataclass(frozen=True, slots=True)
class Defect:
    """``percent`` of the part that has it; without it only the class is known."""

    key: str
    severity: Severity
    intensity: Intensity
    extent: Extent
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DefectStep:
    """What one defect does: its score ``alone`` by the matrix, and, where the part is split, that of its share, ``throughout`` which it is."""

    defect: Defect
    alone: int
    throughout: int
    factor: Decimal


@dataclass(frozen=True, slots=True)
class PartScore:
    """The score of one building part and how it came about. ``index`` only where the part was split."""

    score: int
    method: str
    rule: Rule
    steps: tuple[DefectStep, ...] = ()
    sound_percent: Decimal | None = None
    index: Decimal | None = None
    replacement_value: Decimal | None = None

    def details(self) -> dict[str, Json]:
        """For the register and a report: camelCase, every decimal as text."""
        return {
            "rule": self.rule.value,
            "defects": [_told(step) for step in self.steps],
            "soundPercent": _text(self.sound_percent),
            "index": _text(self.index),
            "replacementValue": _text(self.replacement_value),
        }


@dataclass(frozen=True, slots=True)
class WholeScore:
    """``index`` is ``corrected`` / ``total``: the replacement values with and without the factor of each part's score."""

    score: int
    method: str
    index: Decimal
    corrected: Decimal
    total: Decimal


def aggregate(parts: Sequence[tuple[Decimal, int]], method: Method = CURRENT) -> WholeScore:
    """The score of a whole of parts: (replacement value, score) of each. At least one part, every value above zero, else ValueError."""
    if not parts or any(value <= 0 for value, _ in parts):
        raise ValueError("a whole has parts, each with a replacement value above zero")
    with localcontext(EXACT):
        total = sum((value for value, _ in parts), Decimal(0))
        corrected = sum((value * method.factor(score) for value, score in parts), Decimal(0))
        worse = [limit for limit in method.thresholds if _beyond(corrected, limit * total, method.boundary)]
    return WholeScore(1 + len(worse), method.version, _index(corrected, total), corrected, total)


def score_part(defects: Sequence[Defect], replacement_value: Decimal | None = None, method: Method = CURRENT) -> PartScore:
    """The score of one building part.

    One defect is scored by the matrix, by the class of its extent also when its percentage is known. With several the part is split: each defect's share
    is scored as a part that has the defect throughout, the sound rest as 1; every defect then has a ``percent``, together 100 at most, else ValueError.
    """
    steps = tuple(_step(defect, method) for defect in defects)
    if len(steps) < 2:
        rule = Rule.ONE_DEFECT if steps else Rule.NO_DEFECTS
        return PartScore(steps[0].alone if steps else 1, method.version, rule, steps, replacement_value=replacement_value)
    shares = [_share(step.defect) for step in steps]
    with localcontext(EXACT):
        sound = WHOLE - sum(shares, Decimal(0))
    if sound < 0 or min(shares) <= 0:
        raise ValueError("the defects of a part have shares above zero, together no more than the part")
    pieces = [(share, step.throughout) for share, step in zip(shares, steps, strict=True)]
    split = aggregate([*pieces, *([(sound, 1)] if sound else [])], method)
    least = max(step.alone for step in steps) if method.floor is Floor.HEAVIEST_DEFECT else 1
    rule = Rule.HEAVIEST_DEFECT if least > split.score else Rule.SPLIT
    return PartScore(max(split.score, least), method.version, rule, steps, sound, split.index, replacement_value)


def _step(defect: Defect, method: Method) -> DefectStep:
    throughout = method.cell(defect.severity, defect.intensity, Extent.GENERAL)
    return DefectStep(defect, method.cell(defect.severity, defect.intensity, defect.extent), throughout, method.factor(throughout))


def _share(defect: Defect) -> Decimal:
    if defect.percent is None:
        raise ValueError(f"defect {defect.key} is one of several and has no percentage")
    return defect.percent


def _beyond(corrected: Decimal, limit: Decimal, boundary: Boundary) -> bool:
    return corrected > limit or (boundary is Boundary.EXCLUSIVE and corrected == limit)


def _index(corrected: Decimal, total: Decimal) -> Decimal:
    return (corrected / total).quantize(SHOWN)


def _told(step: DefectStep) -> Json:
    defect = step.defect
    return {
        "key": defect.key,
        "severity": defect.severity.value,
        "intensity": defect.intensity.value,
        "extent": int(defect.extent),
        "extentPercent": _text(defect.percent),
        "alone": step.alone,
        "throughout": step.throughout,
        "factor": str(step.factor),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
