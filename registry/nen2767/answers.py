"""The answer to a condition question: what is wrong with it, and its score. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final, cast

from registry.db import Json
from registry.errors import Fault, pointer
from registry.nen2767.method import CURRENT, Extent, Intensity, Method, Severity, extent_of
from registry.nen2767.rules import EXACT, WHOLE, Defect, PartScore, score_part

LARGEST_VALUE_EUR: Final = 1_000_000_000
MOST_DEFECTS: Final = 50
"""In one building part."""
LONGEST_KEY: Final = 100
"""As in the `defect` of a photo, which refers to it."""
LONGEST_DESCRIPTION: Final = 4000


def score_answer(answer: Mapping[str, Json], replacement_value: Decimal | None, method: Method = CURRENT) -> PartScore | None:
    """The score of a condition answer without faults (see `check`), None when the part is not there.

    ``replacement_value`` is that of the checklist, in euros; the answer's own goes before it.
    """
    if answer.get("notPresent") is True:
        return None
    own = answer.get("replacementValue")
    defects = [_read(cast("Mapping[str, Json]", each)) for each in cast("Sequence[Json]", answer["defects"])]
    return score_part(defects, number(own) if own is not None else replacement_value, method)


def number(value: Json) -> Decimal | None:
    """A JSON number exactly as it was written (0.1 is one tenth), None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    return exact if exact.is_finite() else None


def check(answer: Json, known_defects: Collection[str] = ()) -> list[Fault]:
    """All that is wrong with a condition answer; pointers into the answer. ``known_defects`` are the keys that the question offers."""
    if not isinstance(answer, dict):
        return [Fault("", "not-an-object")]
    faults = _unknown(answer, ("defects", "replacementValue", "notPresent"))
    absent = answer.get("notPresent", False)
    if not isinstance(absent, bool):
        faults.append(Fault("/notPresent", "not-true-or-false"))
    if "replacementValue" in answer:
        faults += _check_value(answer["replacementValue"])
    if "defects" not in answer:
        return faults if absent else [*faults, Fault("/defects", "required")]
    if absent is True and answer["defects"] != []:
        faults.append(Fault("/notPresent", "not-present-with-defects"))
    return faults + _check_defects(answer["defects"], known_defects)


def _check_value(value: Json) -> list[Fault]:
    amount = number(value)
    if amount is None:
        return [Fault("/replacementValue", "not-a-number")]
    return [] if 0 < amount <= LARGEST_VALUE_EUR else [Fault("/replacementValue", "replacement-value-out-of-range", {"max": LARGEST_VALUE_EUR})]


def _check_defects(defects: Json, known: Collection[str]) -> list[Fault]:
    if not isinstance(defects, list):
        return [Fault("/defects", "not-a-list")]
    if len(defects) > MOST_DEFECTS:
        return [Fault("/defects", "too-many-defects", {"max": MOST_DEFECTS})]
    faults: list[Fault] = []
    seen: set[str] = set()
    for place, defect in enumerate(defects):
        found = _check_defect(defect, known, several=len(defects) > 1)
        if isinstance(defect, dict) and isinstance(key := defect.get("key"), str):
            found += [Fault("/key", "repeated", {"value": key})] if key in seen else []
            seen.add(key)
        faults += [fault.below(pointer("defects", place)) for fault in found]
    return faults + _check_sum(defects)


def _check_defect(defect: Json, known: Collection[str], *, several: bool) -> list[Fault]:
    if not isinstance(defect, dict):
        return [Fault("", "not-an-object")]
    faults = _unknown(defect, ("key", "defect", "description", "severity", "intensity", "extent", "extentPercent"))
    faults += _check_text(defect, "key", LONGEST_KEY) if "key" in defect else [Fault("/key", "required")]
    if "description" in defect:
        faults += _check_text(defect, "description", LONGEST_DESCRIPTION, least=0)
    if "defect" in defect:
        faults += _check_kind(defect["defect"], known)
    for name, allowed in (("severity", Severity), ("intensity", Intensity)):
        faults += _one_of(defect, name, [each.value for each in allowed])
    return faults + _check_extent(defect, several=several)


def _check_kind(kind: Json, known: Collection[str]) -> list[Fault]:
    if not isinstance(kind, str):
        return [Fault("/defect", "not-text")]
    return [] if kind in known else [Fault("/defect", "unknown-defect", {"defect": kind, "allowed": ", ".join(known) or "–"})]


def _check_extent(defect: Mapping[str, Json], *, several: bool) -> list[Fault]:
    by_class, by_percent = "extent" in defect, "extentPercent" in defect
    if by_class and by_percent:
        return [Fault("/extentPercent", "extent-twice")]
    if by_percent:
        percent = number(defect["extentPercent"])
        if percent is None:
            return [Fault("/extentPercent", "not-a-number")]
        return [] if 0 < percent <= WHOLE else [Fault("/extentPercent", "extent-out-of-range")]
    if several:
        return [Fault("/extentPercent", "extent-percent-required")]
    return _one_of(defect, "extent", [each.value for each in Extent]) if by_class else [Fault("/extent", "extent-required")]


def _check_sum(defects: Sequence[Json]) -> list[Fault]:
    given = [number(each.get("extentPercent")) for each in defects if isinstance(each, dict)]
    shares = [share for share in given if share is not None and 0 < share <= WHOLE]
    with localcontext(EXACT):
        total = sum(shares, Decimal(0))
    return [Fault("/defects", "extents-above-whole", {"sum": f"{total.normalize():f}"})] if len(shares) > 1 and total > WHOLE else []


def _check_text(defect: Mapping[str, Json], name: str, longest: int, *, least: int = 1) -> list[Fault]:
    text = defect[name]
    if not isinstance(text, str):
        return [Fault(pointer(name), "not-text")]
    if len(text.strip()) < least:
        return [Fault(pointer(name), "too-short", {"min": least})]
    return [Fault(pointer(name), "too-long", {"max": longest})] if len(text) > longest else []


def _one_of(document: Mapping[str, Json], name: str, allowed: Sequence[str | int]) -> list[Fault]:
    if name not in document:
        return [Fault(pointer(name), "required")]
    value = document[name]
    fits = any(type(value) is type(each) and value == each for each in allowed)
    return [] if fits else [Fault(pointer(name), "not-one-of", {"allowed": ", ".join(map(str, allowed))})]


def _unknown(document: Mapping[str, Json], known: Iterable[str]) -> list[Fault]:
    return [Fault(pointer(name), "unknown-field") for name in document if name not in known]


def _read(defect: Mapping[str, Json]) -> Defect:
    percent = number(defect.get("extentPercent"))
    extent = extent_of(percent) if percent is not None else Extent(cast("int", defect["extent"]))
    return Defect(cast("str", defect["key"]), Severity(cast("str", defect["severity"])), Intensity(cast("str", defect["intensity"])), extent, percent)
