"""Scores by NEN 2767: every cell, the published example, the thresholds to the last decimal, and what must hold for any input."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.nen2767.method import CONDITIONS, CURRENT, EXTENTS, INTENSITIES, METHODS, SEVERITIES, Boundary, Extent, Floor, Intensity, Severity, extent_of
from registry.nen2767.rules import Defect, Rule, aggregate, score_part

TABLE = """
gering  begin     1 1 1 1 2
gering  gevorderd 1 1 1 2 3
gering  eind      1 1 2 3 4
serieus begin     1 1 1 2 3
serieus gevorderd 1 1 2 3 4
serieus eind      1 2 3 4 5
ernstig begin     1 1 2 3 4
ernstig gevorderd 1 2 3 4 5
ernstig eind      2 3 4 5 6
"""
"""As both public implementations have it."""
SEVERITY = {"gering": Severity.MINOR, "serieus": Severity.SERIOUS, "ernstig": Severity.CRITICAL}
INTENSITY = {"begin": Intensity.EARLY, "gevorderd": Intensity.ADVANCED, "eind": Intensity.FINAL}
CELLS = [
    (SEVERITY[row.split()[0]], INTENSITY[row.split()[1]], Extent(extent), int(score))
    for row in TABLE.strip().splitlines()
    for extent, score in enumerate(row.split()[2:], 1)
]
NO_FLOOR = replace(CURRENT, version="without a floor", floor=Floor.NONE)
VECTORS = "nen2767/nen2767-vectors.json"


def a_defect(percent: Decimal | int | str = 5, severity: Severity = Severity.CRITICAL, intensity: Intensity = Intensity.FINAL, key: str = "d1") -> Defect:
    share = Decimal(percent)
    return Defect(key, severity, intensity, extent_of(share), share)


values = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10**9), places=2)
scores = st.integers(1, 6)
parts = st.lists(st.tuples(values, scores), min_size=1, max_size=12)
severities, intensities = st.sampled_from(Severity), st.sampled_from(Intensity)


@st.composite
def some_defects(draw: st.DrawFn, least: int = 2, most: int = 6) -> list[Defect]:
    """Defects that together cover no more than the part, in hundredths of a per cent."""
    cuts = sorted(draw(st.sets(st.integers(1, 10_000), min_size=least, max_size=most)))
    shares = [Decimal(end - begin) / 100 for begin, end in zip([0, *cuts], cuts, strict=False)]
    return [a_defect(share, draw(severities), draw(intensities), f"d{place}") for place, share in enumerate(shares)]


def test_the_table_has_all_45_cells() -> None:
    assert len({cell[:3] for cell in CELLS}) == 45


@pytest.mark.parametrize(("severity", "intensity", "extent", "score"), CELLS)
def test_every_cell_of_the_matrix(severity: Severity, intensity: Intensity, extent: Extent, score: int) -> None:
    assert CURRENT.cell(severity, intensity, extent) == score
    assert score_part([Defect("d1", severity, intensity, extent)]).score == score


@pytest.mark.parametrize(
    ("percent", "extent"),
    [("0.01", 1), ("1.99", 1), ("2", 2), ("9.999999", 2), ("10", 3), ("29.99", 3), ("30", 4), ("69.99", 4), ("70", 5), ("100", 5)],
)
def test_a_class_of_extent_begins_at_its_boundary(percent: str, extent: int) -> None:
    assert extent_of(Decimal(percent)) == extent


def test_the_published_example_is_1134_over_920_and_moderate() -> None:
    whole = aggregate([(Decimal(value), score) for value, score in ((300, 4), (150, 5), (250, 2), (120, 3), (90, 2), (10, 2))])
    assert (whole.corrected, whole.total, whole.index, whole.score) == (Decimal(1134), Decimal(920), Decimal("1.232609"), 4)
    assert CONDITIONS[whole.score].name.nl == "matig"


def test_the_published_window_frames_are_in_class_2() -> None:
    """One of 26 frames has wood rot: 3.8 per cent. The page says class 2, by the stage 1, 2 or 3."""
    share = Decimal(100) / 26
    assert [score_part([a_defect(share, intensity=intensity)]).score for intensity in Intensity] == [1, 2, 3]


def test_the_vectors_of_the_research(shared_data: Path) -> None:
    if not (shared_data / VECTORS).exists():
        pytest.skip("no vectors here")
    vectors = json.loads((shared_data / VECTORS).read_text(encoding="utf-8"))
    for severity, rows in vectors["matrix_ernst_intensiteit_omvang1tot5"].items():
        for intensity, row in rows.items():
            assert list(CURRENT.matrix[SEVERITY[severity]][INTENSITY[intensity]]) == row
    assert [float(factor) for factor in CURRENT.factors] == list(vectors["correctiefactor"].values())
    assert [float(limit) for limit in CURRENT.thresholds] == list(vectors["drempels_max_inclusief"].values())[:5]
    for vector in vectors["aggregatie_vectoren"]:
        whole = aggregate([(Decimal(item["vervangingswaarde"]), item["conditie"]) for item in vector["items"]])
        assert (round(float(whole.index), 4), whole.score) == (vector["index"], vector["conditie"]), vector["name"]
    for known in vectors["omvang_klassen"]:
        assert extent_of(Decimal(known["van_pct"])) == known["klasse"]
        assert EXTENTS[Extent(known["klasse"])].nl == known["naam"]


@pytest.mark.parametrize(
    ("exactly", "score"),
    [
        ([("50", 1), ("50", 2)], 1),  # 1.01
        ([("0.6", 1), ("0.4", 3)], 2),  # 1.04
        ([("3", 3), ("1", 4)], 3),  # 1.15
        ([("3", 4), ("1", 5)], 4),  # 1.40
        ([("11", 5), ("4", 6)], 5),  # 1.78
    ],
)
def test_an_index_that_is_a_threshold_belongs_to_its_score_and_the_least_above_it_to_the_next(exactly: list[tuple[str, int]], score: int) -> None:
    on = [(Decimal(value), part) for value, part in exactly]
    assert aggregate(on).index == CURRENT.thresholds[score - 1]
    assert aggregate(on).score == score
    assert aggregate(on, replace(CURRENT, boundary=Boundary.EXCLUSIVE)).score == score + 1
    assert aggregate([*on, (Decimal("1e-30"), 6)]).score == score + 1
    assert aggregate([*on, (Decimal("1e-30"), 1)], replace(CURRENT, boundary=Boundary.EXCLUSIVE)).score == score


@pytest.mark.parametrize("score", range(1, 7))
def test_a_whole_of_equal_parts_is_as_its_parts(score: int) -> None:
    assert aggregate([(Decimal(7), score)]).index == CURRENT.factor(score)
    assert aggregate([(Decimal(7), score), (Decimal("0.01"), score)]).score == score


@given(parts)
def test_a_whole_is_no_better_than_its_best_part_and_no_worse_than_its_worst(parts: list[tuple[Decimal, int]]) -> None:
    whole = aggregate(parts)
    assert min(score for _, score in parts) <= whole.score <= max(score for _, score in parts)


@given(parts, st.randoms())
def test_the_order_of_the_parts_does_not_matter(parts: list[tuple[Decimal, int]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert aggregate(shuffled) == aggregate(parts)


@given(parts, st.sampled_from([Decimal("0.001"), Decimal(3), Decimal(1000), Decimal("7.77")]))
def test_the_unit_of_the_replacement_values_does_not_matter(parts: list[tuple[Decimal, int]], times: Decimal) -> None:
    scaled, whole = aggregate([(value * times, score) for value, score in parts]), aggregate(parts)
    assert (scaled.score, scaled.index) == (whole.score, whole.index)


@given(parts, st.data())
def test_a_worse_part_never_makes_the_whole_better(parts: list[tuple[Decimal, int]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(parts) - 1))
    value, score = parts[place]
    worse = [*parts]
    worse[place] = (value, data.draw(st.integers(score, 6)))
    assert aggregate(worse).score >= aggregate(parts).score


@pytest.mark.parametrize("wrong", [[], [(Decimal(0), 1)], [(Decimal(-1), 1), (Decimal(5), 1)]])
def test_a_whole_without_parts_or_with_a_part_of_no_value_is_no_whole(wrong: Sequence[tuple[Decimal, int]]) -> None:
    with pytest.raises(ValueError, match="replacement value"):
        aggregate(wrong)


@given(severities, intensities, st.sampled_from(Extent))
def test_a_defect_that_is_worse_in_any_respect_never_scores_better(severity: Severity, intensity: Intensity, extent: Extent) -> None:
    cell = CURRENT.cell(severity, intensity, extent)
    assert all(CURRENT.cell(each, intensity, extent) >= cell for each in list(Severity)[list(Severity).index(severity) :])
    assert all(CURRENT.cell(severity, each, extent) >= cell for each in list(Intensity)[list(Intensity).index(intensity) :])
    assert all(CURRENT.cell(severity, intensity, each) >= cell for each in Extent if each >= extent)


def test_a_part_without_defects_is_excellent() -> None:
    assert (score_part([]).score, score_part([]).rule) == (1, Rule.NO_DEFECTS)


def test_one_defect_is_scored_by_the_matrix_also_when_its_percentage_is_known() -> None:
    alone = score_part([a_defect("3")])
    assert (alone.score, alone.rule, alone.index) == (3, Rule.ONE_DEFECT, None)


def test_where_the_matrix_and_the_split_of_one_defect_differ() -> None:
    """Every kind of defect by tenths of a per cent: the figures of docs/nen2767.md. Why one defect is not split."""
    found = Counter[int]()
    for severity, intensity in product(Severity, Intensity):
        throughout = CURRENT.cell(severity, intensity, Extent.GENERAL)
        for share in (Decimal(tenths) / 10 for tenths in range(1, 1000)):
            split = aggregate([(share, throughout), (100 - share, 1)]).score
            found[split - CURRENT.cell(severity, intensity, extent_of(share))] += 1
    assert found == {0: 5719, 1: 3008, -1: 264}


def test_several_defects_are_shares_that_have_the_defect_throughout_and_a_sound_rest() -> None:
    part = score_part([a_defect("6"), a_defect("20", Severity.SERIOUS, Intensity.ADVANCED, "d2")])
    assert [step.throughout for step in part.steps] == [6, 4]
    assert (part.sound_percent, part.index, part.score, part.rule) == (Decimal(74), Decimal("1.12"), 3, Rule.SPLIT)


def test_defects_that_cover_the_whole_part_leave_no_sound_rest() -> None:
    part = score_part([a_defect("40"), a_defect("60", key="d2")])
    assert (part.sound_percent, part.index, part.score) == (Decimal(0), Decimal(2), 6)


def test_where_the_index_would_make_a_part_better_than_its_heaviest_defect_the_defect_decides() -> None:
    """Without this floor a second, trifling defect would turn a 3 into a 2."""
    heavy, trifle = a_defect("3"), a_defect("0.1", Severity.MINOR, Intensity.EARLY, "d2")
    assert score_part([heavy]).score == 3
    assert score_part([heavy, trifle], method=NO_FLOOR).score == 2
    part = score_part([heavy, trifle])
    assert (part.score, part.rule, part.index) == (3, Rule.HEAVIEST_DEFECT, Decimal("1.030020"))


@given(some_defects())
def test_a_part_is_no_better_than_its_heaviest_defect_alone_and_no_worse_than_if_that_were_everywhere(defects: list[Defect]) -> None:
    part = score_part(defects)
    assert max(step.alone for step in part.steps) <= part.score <= max(step.throughout for step in part.steps)


@given(some_defects())
def test_the_index_alone_is_at_most_one_better_than_the_heaviest_defect(defects: list[Defect]) -> None:
    """How much the floor ever has to mend."""
    assert score_part(defects, method=NO_FLOOR).score >= max(score_part([each]).score for each in defects) - 1


@given(some_defects(least=3))
def test_a_defect_more_never_makes_a_part_better(defects: list[Defect]) -> None:
    assert score_part(defects).score >= score_part(defects[1:]).score


def test_many_equal_defects_are_much_worse_than_one_of_them() -> None:
    """Where the reconstruction does not keep to "nor much worse than its heaviest defect alone": see docs/nen2767.md."""
    many = [a_defect("1.9", key=f"d{place}") for place in range(50)]
    assert (score_part(many[:1]).score, score_part(many).score) == (2, 6)


@given(some_defects(), st.randoms())
def test_the_order_of_the_defects_does_not_matter(defects: list[Defect], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(defects)
    random.shuffle(shuffled)
    assert (score_part(shuffled).score, score_part(shuffled).index) == (score_part(defects).score, score_part(defects).index)


@pytest.mark.parametrize(
    "wrong",
    [
        [a_defect("60"), a_defect("60", key="d2")],
        [a_defect("0"), a_defect("60", key="d2")],
        [a_defect("5"), Defect("d2", Severity.MINOR, Intensity.EARLY, Extent.LOCAL)],
    ],
)
def test_several_defects_without_a_share_or_with_too_much_of_it_are_refused(wrong: list[Defect]) -> None:
    with pytest.raises(ValueError, match="defect"):
        score_part(wrong)


def test_the_details_tell_every_step_and_are_json() -> None:
    told = score_part([a_defect("3"), a_defect("0.1", Severity.MINOR, Intensity.EARLY, "d2")], Decimal("1200.50")).details()
    assert json.loads(json.dumps(told)) == told
    assert (told["rule"], told["soundPercent"], told["index"], told["replacementValue"]) == ("heaviest-defect", "96.9", "1.030020", "1200.50")
    assert told["defects"][0] == {  # type: ignore[index, call-overload]
        "key": "d1",
        "severity": "critical",
        "intensity": "final",
        "extent": 2,
        "extentPercent": "3",
        "alone": 3,
        "throughout": 6,
        "factor": "2.00",
    }


def test_a_method_is_found_by_its_version() -> None:
    assert METHODS[CURRENT.version] is CURRENT


def test_every_score_has_a_name_in_two_languages_and_a_legible_colour() -> None:
    assert set(CONDITIONS) == set(range(1, 7))
    for condition in CONDITIONS.values():
        assert condition.name.nl
        assert condition.name.en
        light, dark = sorted((luminance(condition.colour), luminance(condition.ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, "WCAG 2.1, contrast of text"


def luminance(colour: str) -> float:
    """WCAG 2.1, relative luminance of #rrggbb."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_word_of_the_scale_has_a_name() -> None:
    assert (set(SEVERITIES), set(INTENSITIES), set(EXTENTS)) == (set(Severity), set(Intensity), set(Extent))
