"""The made-up programme: its figures, and that it is valid, fictitious and the same each time."""

import re
from collections import Counter
from datetime import date

import pytest

from demo.bodies import milestone_bodies
from demo.generator import COUNT_AS_STARTED, Case, Fate, Milestone, Trajectory, country
from demo.vrieheide import Home, correction, homes
from demo.world import (
    AREAS,
    BY_CODE,
    MUNICIPALITIES,
    ORGANISATIONS,
    PROJECTS,
    PROMISED_IMPROVED,
    PROMISED_STARTED,
    PROMISED_VRIEHEIDE,
    VALID_ON,
    VRIEHEIDE_AREA,
    WELLER,
    WONEN_LIMBURG,
)

LATEST = date(2026, 9, 30)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return country()


@pytest.fixture(scope="module")
def vrieheide() -> list[Home]:
    return homes()


def reached(trajectory: Trajectory, track: str, kind: str) -> Milestone | None:
    """The milestone, when it was so on the valid date and the track is not cancelled."""
    by_kind = {each.kind: each for each in trajectory.milestones if each.track == track and each.effective_on <= VALID_ON}
    return None if "cancelled" in by_kind else by_kind.get(kind)


def is_started(trajectory: Trajectory) -> bool:
    return bool(reached(trajectory, "renovation", "started") or reached(trajectory, "sustainability", "started"))


def is_improved(trajectory: Trajectory) -> bool:
    completed = reached(trajectory, "renovation", "completed")
    return completed is not None and completed.confirmed


def test_the_world_has_20_focus_areas_in_19_municipalities() -> None:
    assert (len(AREAS), len(MUNICIPALITIES)) == (20, 19)
    assert {area.municipality for area in AREAS} == set(BY_CODE)
    assert len({organisation.slug for organisation in ORGANISATIONS}) == len(ORGANISATIONS)
    assert {project.owner for project in PROJECTS} <= {municipality.slug for municipality in MUNICIPALITIES}


def test_the_areas_add_up_to_what_is_promised() -> None:
    assert sum(area.improved for area in AREAS) == PROMISED_IMPROVED
    assert sum(area.started for area in AREAS) == PROMISED_STARTED


def test_counting_the_milestones_gives_the_figures_of_every_area(cases: list[Case], vrieheide: list[Home]) -> None:
    improved = Counter(case.dwelling.area.slug for case in cases if any(map(is_improved, case.trajectories)))
    started = Counter(case.dwelling.area.slug for case in cases if any(map(is_started, case.trajectories)))
    improved[VRIEHEIDE_AREA] += len(vrieheide)
    started[VRIEHEIDE_AREA] += sum(is_started(home.trajectory) for home in vrieheide)
    assert improved == {area.slug: area.improved for area in AREAS}
    assert started == {area.slug: area.started for area in AREAS}


def test_every_fate_occurs_in_every_area(cases: list[Case]) -> None:
    assert {(case.dwelling.area.slug, case.fate) for case in cases} == {(area.slug, fate) for area in AREAS for fate in Fate}


def test_a_fate_counts_as_started_when_its_milestones_do(cases: list[Case]) -> None:
    assert all((case.fate in COUNT_AS_STARTED) == any(map(is_started, case.trajectories)) for case in cases)


def test_some_dwellings_have_two_trajectories_under_two_schemes(cases: list[Case]) -> None:
    twice = [case for case in cases if len(case.trajectories) == 2]
    assert len(twice) > 20
    assert all(first.funding[0][0] != second.funding[0][0] for first, second in (case.trajectories for case in twice))


def test_it_is_the_same_each_time(cases: list[Case], vrieheide: list[Home]) -> None:
    assert (country(), homes()) == (cases, vrieheide)


def test_another_seed_gives_other_dwellings_with_the_same_figures(cases: list[Case]) -> None:
    others = country(seed=1)
    assert others != cases
    assert Counter(case.fate for case in others) == Counter(case.fate for case in cases)


def test_ids_bag_ids_and_addresses_are_unique(cases: list[Case], vrieheide: list[Home]) -> None:
    dwellings = [case.dwelling for case in cases] + [home.dwelling for home in vrieheide]
    trajectories = [each for case in cases for each in case.trajectories] + [home.trajectory for home in vrieheide]
    milestones = [milestone.id for trajectory in trajectories for milestone in trajectory.milestones]
    for things in (
        [each.id for each in dwellings],
        [each.bag_id for each in dwellings],
        [(each.postcode, each.house_number) for each in dwellings],
        [each.id for each in trajectories],
        milestones,
    ):
        assert len(set(things)) == len(things)


def test_addresses_are_valid_in_form_and_clearly_fictitious(cases: list[Case], vrieheide: list[Home]) -> None:
    for dwelling in [case.dwelling for case in cases] + [home.dwelling for home in vrieheide]:
        assert re.fullmatch(r"999901[0-9]{10}", dwelling.bag_id)
        assert re.fullmatch(r"99(0[1-9]|1[0-9]|20)Q[A-Z]", dwelling.postcode)
        assert dwelling.street.startswith("Voorbeeld")
        assert abs(dwelling.longitude - dwelling.area.longitude) < 0.01
        assert abs(dwelling.latitude - dwelling.area.latitude) < 0.01


def test_milestones_are_in_order_and_none_is_later_than_september_2026(cases: list[Case], vrieheide: list[Home]) -> None:
    order = {"planned": 0, "started": 1, "completed": 2, "cancelled": 2}
    for trajectory in [each for case in cases for each in case.trajectories] + [home.trajectory for home in vrieheide]:
        for track in {each.track for each in trajectory.milestones}:
            on_track = sorted((each for each in trajectory.milestones if each.track == track), key=lambda each: order[each.kind])
            days = [each.effective_on for each in on_track]
            assert days == sorted(days)
            assert days[-1] <= LATEST


def test_only_the_fates_of_2026_reach_into_2026(cases: list[Case]) -> None:
    late = {case.fate for case in cases for trajectory in case.trajectories for each in trajectory.milestones if each.effective_on > VALID_ON}
    assert late == {Fate.FINISHED_LATER, Fate.STARTED_LATER}


def test_vrieheide_is_51_dwellings_of_1962_bought_by_two_corporations(vrieheide: list[Home]) -> None:
    assert len(vrieheide) == PROMISED_VRIEHEIDE
    assert Counter(home.executor for home in vrieheide) == {WELLER.slug: 26, WONEN_LIMBURG.slug: 25}
    assert {home.dwelling.year_built for home in vrieheide} == {1962}
    assert {home.label_before for home in vrieheide} == set("EFG")
    assert all(reached(home.trajectory, "acquisition", "completed") for home in vrieheide)


def test_labels_and_measures_lie_on_the_right_side_of_the_works(vrieheide: list[Home]) -> None:
    for home in vrieheide:
        begun = reached(home.trajectory, "renovation", "started")
        assert begun is not None
        assert home.surveyed_before < begun.effective_on < home.surveyed_after <= VALID_ON
        assert all(begun.effective_on < measure.applied_on < home.surveyed_after for measure in home.measures)


def test_one_completion_counts_only_when_it_is_corrected(vrieheide: list[Home]) -> None:
    wrong = correction()
    trajectory = next(home.trajectory for home in vrieheide if home.trajectory.id == wrong.trajectory_id)
    reported = next(each for each in trajectory.milestones if each.id == wrong.milestone_id)
    begun = reached(trajectory, "renovation", "started")
    assert begun is not None
    assert begun.effective_on < wrong.effective_on <= VALID_ON < reported.effective_on
    assert [home for home in vrieheide if not is_improved(home.trajectory)] == [home for home in vrieheide if home.trajectory is trajectory]


def test_milestones_of_one_trajectory_fit_in_one_batch(cases: list[Case]) -> None:
    assert max(len(milestone_bodies(trajectory)) for case in cases for trajectory in case.trajectories) < 10
