"""A sensible order of visits: always to the nearest one that is left. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from uuid import UUID

from registry.values import distance_m


class Point(NamedTuple):
    """Degrees, CRS84."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit. ``address`` sorts as people do: postcode, house number, letter, suffix. ``due`` is False for what has no due date, which can wait."""

    id: UUID
    at: Point | None
    address: tuple[str, int, str, str]
    due: bool = True


@dataclass(frozen=True, slots=True)
class Leg:
    """``distance_m`` is as the crow flies from the stop before it, or from the start; None where a position is not known."""

    stop: Stop
    distance_m: int | None


def in_order(stops: Iterable[Stop], *, start: Point | None = None, fixed: Sequence[UUID] = ()) -> list[Leg]:
    """The order of a day: first those in ``fixed``, as that says; then what is due, always the nearest one that is left; then what can wait, likewise.

    What has no position comes after what has one, by address. Without a ``start`` the first one by address is the first. The same stops always give the
    same order.
    """
    left = {stop.id: stop for stop in stops}
    chosen = [left.pop(id) for id in dict.fromkeys(fixed) if id in left]
    here = next((stop.at for stop in reversed(chosen) if stop.at), start)
    for due in (True, False):
        part = [stop for stop in left.values() if stop.due is due]
        placed = _nearest_first([stop for stop in part if stop.at], here)
        here = placed[-1].at if placed else here
        chosen += placed + sorted((stop for stop in part if stop.at is None), key=_by_address)
    return _legs(chosen, start)


def _nearest_first(stops: Sequence[Stop], start: Point | None) -> list[Stop]:
    left = sorted(stops, key=_by_address)
    order: list[Stop] = []
    here = start
    while left:
        nearest = left[0] if here is None else min(left, key=partial(_from, here))
        left.remove(nearest)
        order.append(nearest)
        here = nearest.at
    return order


def _from(here: Point, stop: Stop) -> tuple[int, tuple[str, int, str, str], UUID]:
    """Whole metres, so that the flats of one building come by address."""
    assert stop.at is not None
    return round(distance_m(here, stop.at)), stop.address, stop.id


def _by_address(stop: Stop) -> tuple[tuple[str, int, str, str], UUID]:
    return stop.address, stop.id


def _legs(stops: Sequence[Stop], start: Point | None) -> list[Leg]:
    legs: list[Leg] = []
    here = start
    for stop in stops:
        legs.append(Leg(stop, round(distance_m(here, stop.at)) if here and stop.at else None))
        here = stop.at or here
    return legs
