"""De Mix and the households that are helped: their figures, that their addresses are nobody's, and that none of it counts as started."""

import re
from collections import Counter
from uuid import UUID

from demo.bodies import household_bodies, milestone_bodies, succession_body
from demo.client import LARGEST_BATCH
from demo.de_mix import BLOCKS, DEMOLISHED, REBUILT
from demo.generator import Dwelling, country
from demo.households import households
from demo.second_phase import homes as second_phase
from demo.vrieheide import homes
from demo.world import VALID_ON
from registry.dwellings.succession_rules import MOST_ON_A_SIDE

MADE_UP = [home for block in BLOCKS for home in block.homes] + [each.home for each in households()]


def addresses(dwellings: list[Dwelling]) -> list[tuple[str, int]]:
    return [(each.postcode, each.house_number) for each in dwellings]


def test_de_mix_is_80_and_135_social_rent_homes_and_179_mid_rent_homes() -> None:
    assert [(block.count, block.tenure, block.area) for block in BLOCKS] == [
        (80, "social-rent", "utrecht-overvecht"),
        (135, "social-rent", None),
        (179, "mid-rent", "utrecht-overvecht"),
    ]
    assert all(len(block.homes) == block.count for block in BLOCKS)


def test_milestones_of_de_mix_are_in_order_before_the_valid_date_and_of_no_track_that_counts_as_started() -> None:
    for block in BLOCKS:
        days = [day for _, day in block.days]
        assert days == sorted(days)
        assert days[-1] <= VALID_ON
        assert block.track in {"demolition", "construction"}


def test_the_succession_has_both_sides_and_is_small_enough() -> None:
    body = succession_body()
    assert [len(set(body[side])) for side in ("predecessors", "successors")] == [DEMOLISHED.count, REBUILT.count]
    assert max(DEMOLISHED.count, REBUILT.count) <= MOST_ON_A_SIDE
    assert UUID(body["predecessors"][0]) == DEMOLISHED.homes[0].id


def test_500_households_get_one_to_three_measures_that_fit_in_one_batch() -> None:
    got = Counter(len(each.measures) for each in households())
    assert got == {1: 167, 2: 167, 3: 166}
    items = [body for each in households() for body in household_bodies(each)]
    assert 900 < len(items) <= LARGEST_BATCH
    assert len({item["id"] for item in items}) == len(items)
    assert all(measure.applied_on <= VALID_ON for each in households() for _, measure in each.measures)


def test_helping_a_household_is_no_milestone() -> None:
    assert [body for each in households() for body in milestone_bodies(each.trajectory)] == []


def test_bag_ids_and_addresses_are_fictitious_and_nobody_elses() -> None:
    others = [case.dwelling for case in country()] + [home.dwelling for home in homes()] + second_phase()
    everything = [*others, *MADE_UP]
    assert len({each.bag_id for each in everything}) == len(set(addresses(everything))) == len({each.id for each in everything}) == len(everything)
    for dwelling in MADE_UP:
        assert re.fullmatch(r"999901[0-9]{10}", dwelling.bag_id)
        assert re.fullmatch(r"99[0-9]{2}Q[A-Z]", dwelling.postcode)
        assert dwelling.street.startswith("Voorbeeld")
