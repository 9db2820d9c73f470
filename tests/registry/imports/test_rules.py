from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.dwellings.model import BagStatus, Use
from registry.imports.bag import rules
from registry.imports.bag.archive import is_hostile_name, part_of
from registry.imports.bag.model import Part
from registry.imports.bag.rules import LeftOut, Point
from registry.imports.bag.transformation import describe_transformation, lon_lat


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("Verblijfsobject gevormd", LeftOut.NOT_YET_BUILT),
        ("Niet gerealiseerd verblijfsobject", LeftOut.NOT_REALISED),
        ("Verblijfsobject in gebruik (niet ingemeten)", BagStatus.IN_USE_UNMEASURED),
        ("Verblijfsobject in gebruik", BagStatus.IN_USE),
        ("Verbouwing verblijfsobject", BagStatus.UNDER_ALTERATION),
        ("Verblijfsobject ingetrokken", LeftOut.WITHDRAWN),
        ("Verblijfsobject buiten gebruik", BagStatus.OUT_OF_USE),
        ("Verblijfsobject ten onrechte opgevoerd", LeftOut.RECORDED_IN_ERROR),
    ],
)
def test_a_home_is_judged_by_its_status(status: str, verdict: BagStatus | LeftOut) -> None:
    assert rules.judge(Part.OCCUPIABLE_OBJECT, status, ("kantoorfunctie", "woonfunctie")) == verdict


def test_every_status_of_an_office_is_left_out_as_not_residential() -> None:
    verdicts = {rules.judge(Part.OCCUPIABLE_OBJECT, status, ("kantoorfunctie",)) for status in rules.STATUSES[Part.OCCUPIABLE_OBJECT]}
    assert verdicts == {LeftOut.NOT_RESIDENTIAL}


@pytest.mark.parametrize("part", [Part.MOORING, Part.PITCH])
def test_a_place_to_live_counts_while_it_is_designated(part: Part) -> None:
    assert rules.judge(part, "Plaats aangewezen", ()) == BagStatus.DESIGNATED
    assert rules.judge(part, "Plaats ingetrokken", ()) == LeftOut.WITHDRAWN


def test_every_use_of_the_bag_has_a_word_in_the_register() -> None:
    assert set(rules.USES.values()) == set(Use)


def test_uses_do_not_depend_on_their_order_in_the_file() -> None:
    assert rules.uses(("winkelfunctie", "woonfunctie", "winkelfunctie")) == rules.uses(("woonfunctie", "winkelfunctie")) == (Use.RESIDENTIAL, Use.RETAIL)


@pytest.mark.parametrize(("year", "suspect"), [(1005, True), (9999, True), (999, True), (2201, True), (1462, False), (1550, False), (2024, False)])
def test_placeholder_years_are_suspect_and_old_ones_are_not(year: int, suspect: bool) -> None:
    assert rules.is_year_built_suspect(year) is suspect


@pytest.mark.parametrize(("area", "suspect"), [(1, True), (999_999, True), (2, False), (11_184, False)])
def test_placeholder_floor_areas_are_suspect(area: int, suspect: bool) -> None:
    assert rules.is_floor_area_suspect(area) is suspect


@pytest.mark.parametrize(("end", "valid"), [(None, True), (date(2021, 10, 16), True), (date(2021, 10, 15), False), (date(2021, 1, 1), False)])
def test_a_period_ends_before_its_end_day(end: date | None, valid: bool) -> None:
    assert rules.is_valid_on(date(2021, 10, 15), date(2016, 1, 1), end) is valid


def test_a_period_that_has_yet_to_begin_is_not_valid() -> None:
    assert not rules.is_valid_on(date(2021, 10, 15), date(2022, 1, 1), None)


def a_ring(*corners: tuple[float, float]) -> tuple[Point, ...]:
    return tuple(Point(131_000 + x, 482_000 + y) for x, y in (*corners, corners[0]))


def test_the_point_of_a_square_is_its_middle() -> None:
    assert rules.representative_point(a_ring((0, 0), (10, 0), (10, 10), (0, 10))) == Point(131_005, 482_005)


def test_the_point_of_a_hollow_shape_lies_inside_it() -> None:
    # A U whose centroid lies between its arms; the right arm is the wider one.
    found = rules.representative_point(a_ring((0, 0), (30, 0), (30, 30), (20, 30), (20, 2), (5, 2), (5, 30), (0, 30)))
    assert 131_020 <= found.x <= 131_030
    assert 482_000 <= found.y <= 482_030


def test_a_ring_without_area_gives_the_mean_of_its_points() -> None:
    assert rules.representative_point(a_ring((0, 0), (0, 0))) == Point(131_000, 482_000)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=1, max_size=12))
def test_the_point_of_any_ring_lies_in_its_bounding_box_when_it_does_not_cross_itself(corners: list[tuple[float, float]]) -> None:
    convex = _hull(corners)
    ring = a_ring(*convex)
    found = rules.representative_point(ring)
    assert min(p.x for p in ring) - 1e-3 <= found.x <= max(p.x for p in ring) + 1e-3
    assert min(p.y for p in ring) - 1e-3 <= found.y <= max(p.y for p in ring) + 1e-3


def _hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    unique = sorted({(round(x, 1), round(y, 1)) for x, y in points})
    if len(unique) < 3:
        return unique

    def half(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(chain) > 1 and (chain[-1][0] - chain[-2][0]) * (y - chain[-2][1]) <= (chain[-1][1] - chain[-2][1]) * (x - chain[-2][0]):
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return half(unique) + half(unique[::-1])


def test_the_tower_of_amersfoort_lies_where_it_should() -> None:
    # The origin of RD: 155 000, 463 000 is 5.38720621 E, 52.15517440 N on ETRS89 (kadaster.nl); the accuracy is about 0.25 m.
    [(longitude, latitude)] = lon_lat([155_000.0], [463_000.0])
    assert longitude == pytest.approx(5.38720621, abs=4e-6)
    assert latitude == pytest.approx(52.15517440, abs=3e-6)


def test_the_transformation_says_how_accurate_it_is() -> None:
    used = describe_transformation()
    assert "Amersfoort to ETRS89" in used.name
    assert used.accuracy_m is not None
    assert used.accuracy_m <= 0.25


@pytest.mark.parametrize(
    "name", ["../a.xml", "a/../../b.xml", "/etc/passwd", "C:evil.xml", "a\\b.xml", "..\\b", "", "a\x00.xml", "a\nb.xml", "x" * 300, "a//b", "./a"]
)
def test_names_that_could_leave_a_folder_are_hostile(name: str) -> None:
    assert is_hostile_name(name)


@pytest.mark.parametrize("name", ["0457VBO15102021-000001.xml", "map/0457VBO15102021.zip", "map/", "GEM-WPL-RELATIE-15102021.zip"])
def test_names_that_kadaster_uses_are_not_hostile(name: str) -> None:
    assert not is_hostile_name(name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("0457VBO15102021-000001.xml", Part.OCCUPIABLE_OBJECT),
        ("9999PND08112021-002136.xml", Part.BUILDING),
        ("GEM-WPL-RELATIE-15102021-000001.xml", Part.TOWN_MUNICIPALITY),
        ("Leveringsdocument-BAG-Extract.xml", Part.DELIVERY),
        ("0457IAVBO15102021-000001.xml", None),
        ("0457NBVBO15102021-000001.xml", None),
        ("README_UNITTEST.md", None),
    ],
)
def test_a_file_is_known_by_its_name(name: str, part: Part | None) -> None:
    assert part_of(name) is part
