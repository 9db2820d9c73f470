"""The order of a day."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registry.inspections.route import Point, Stop, distance_m, in_order

HEERLEN, KERKRADE, MAASTRICHT = Point(5.9795, 50.8882), Point(6.0625, 50.8658), Point(5.6909, 50.8514)


def stop(number: int, at: Point | None, *, address: str = "6411AB", due: bool = True) -> Stop:
    return Stop(UUID(int=number), at, (address, number, "", ""), due)


def numbers(stops: list[Stop], **more: object) -> list[int]:
    return [leg.stop.id.int for leg in in_order(stops, **more)]  # type: ignore[arg-type]


def test_a_distance_is_as_the_crow_flies() -> None:
    assert round(distance_m(HEERLEN, MAASTRICHT), -2) == 20_700
    assert distance_m(HEERLEN, HEERLEN) == 0


def test_the_nearest_one_that_is_left_is_next() -> None:
    stops = [stop(1, MAASTRICHT), stop(2, KERKRADE), stop(3, HEERLEN)]
    assert numbers(stops, start=Point(6.06, 50.86)) == [2, 3, 1]


def test_without_a_start_the_first_by_address_is_the_first() -> None:
    stops = [stop(1, MAASTRICHT, address="6461AA"), stop(2, KERKRADE, address="6411AB"), stop(3, HEERLEN, address="6421AA")]
    assert numbers(stops) == [2, 3, 1]
    assert [leg.distance_m is None for leg in in_order(stops)] == [True, False, False]


def test_what_has_no_position_comes_after_what_has_one_and_what_can_wait_after_what_is_due() -> None:
    stops = [stop(1, None), stop(2, HEERLEN, due=False), stop(3, MAASTRICHT), stop(4, None, due=False), stop(5, None, address="6401AA")]
    assert numbers(stops, start=HEERLEN) == [3, 5, 1, 2, 4]


def test_the_order_that_was_set_wins_and_what_is_new_comes_behind_it() -> None:
    stops = [stop(1, MAASTRICHT), stop(2, KERKRADE), stop(3, HEERLEN)]
    assert numbers(stops, start=KERKRADE, fixed=[UUID(int=1), UUID(int=9)]) == [1, 3, 2]


def test_the_flats_of_one_building_come_by_number() -> None:
    stops = [stop(number, HEERLEN) for number in (3, 1, 2)]
    assert numbers(stops, start=MAASTRICHT) == [1, 2, 3]


POINTS = st.builds(Point, st.floats(3.4, 7.2), st.floats(50.7, 53.6))


@given(st.lists(st.tuples(st.one_of(st.none(), POINTS), st.booleans()), max_size=12), st.one_of(st.none(), POINTS), st.randoms())
def test_every_stop_comes_once_and_the_same_stops_always_come_in_the_same_order(places, start, shuffled) -> None:  # type: ignore[no-untyped-def]
    stops = [stop(number, at, due=due) for number, (at, due) in enumerate(places)]
    order = numbers(stops, start=start)
    assert sorted(order) == list(range(len(stops)))
    shuffled.shuffle(stops)
    assert numbers(stops, start=start) == order
