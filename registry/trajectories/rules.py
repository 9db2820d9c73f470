"""The order in which things can happen on a track. Pure: no session, no clock."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from registry.db import Json
from registry.errors import Fault, pointer
from registry.trajectories.model import MeasureKind, MilestoneKind, Track, Unit

Found = TypeVar("Found")

EARLIEST = date(2000, 1, 1)
"""Dates before this are taken for typing errors: no scheme of the programme is that old."""

WORKS = frozenset({Track.RENOVATION, Track.SUSTAINABILITY})
"""The tracks on which a dwelling that stays is improved."""

BY_AREA = frozenset(
    {
        MeasureKind.ROOF_INSULATION,
        MeasureKind.ATTIC_FLOOR_INSULATION,
        MeasureKind.CAVITY_WALL_INSULATION,
        MeasureKind.FACADE_INSULATION,
        MeasureKind.FLOOR_INSULATION,
        MeasureKind.CRAWL_SPACE_INSULATION,
        MeasureKind.HIGH_EFFICIENCY_GLAZING,
        MeasureKind.TRIPLE_GLAZING,
        MeasureKind.VACUUM_GLAZING,
        MeasureKind.INSULATED_PANELS,
    }
)
"""Measured in square metres, as ISDE does."""
BY_PIECE = frozenset(
    {
        MeasureKind.CO2_VENTILATION,
        MeasureKind.BALANCED_VENTILATION,
        MeasureKind.HEAT_PUMP,
        MeasureKind.HYBRID_HEAT_PUMP,
        MeasureKind.SOLAR_WATER_HEATER,
        MeasureKind.DISTRICT_HEATING,
        MeasureKind.ELECTRIC_COOKING,
    }
)
"""Counted: installations and connections. Doors, solar panels and small measures are told either way."""

NEEDS_START = frozenset(Track) - {Track.ACQUISITION}
"""A dwelling is bought in one act; work has a start."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One milestone in force: what was so on which day, and of a plan since when there is that plan, where that is said."""

    track: Track
    kind: MilestoneKind
    effective_on: date
    decided_on: date | None = None


def check_date(happened: Happened, *, today: date) -> list[Fault]:
    """A plan may lie in the future, nothing else may; it is made when it is reported."""
    latest = date.max if happened.kind is MilestoneKind.PLANNED else today
    faults = _check_day(happened.effective_on, latest=latest, kind=happened.kind.value, place="/effectiveOn")
    if happened.decided_on is None:
        return faults
    if happened.kind is not MilestoneKind.PLANNED:
        return [*faults, Fault("/decidedOn", "only-of-a-plan", {"kind": happened.kind.value})]
    return faults + _check_day(happened.decided_on, latest=today, kind="decided", place="/decidedOn")


def check_measure(kind: MeasureKind, applied_on: date, quantity: Decimal | None, unit: Unit | None, *, today: date) -> list[Fault]:
    """A measure is reported when it is applied; how much of it is said in a unit that fits it."""
    faults = _check_day(applied_on, latest=today, kind="applied", place="/appliedOn")
    if (quantity is None) != (unit is None):
        faults.append(Fault("/quantity" if quantity is None else "/unit", "required"))
    elif quantity is not None and unit is not None:
        faults += _check_unit(kind, quantity, unit)
    return faults


def _check_unit(kind: MeasureKind, quantity: Decimal, unit: Unit) -> list[Fault]:
    fits = Unit.M2 if kind in BY_AREA else Unit.PIECE if kind in BY_PIECE else unit
    if unit is not fits:
        return [Fault("/unit", "unit-does-not-fit", {"kind": kind.value, "fits": fits.value})]
    broken = unit is Unit.PIECE and quantity != quantity.to_integral_value()
    return [Fault("/quantity", "not-a-whole-number")] if broken else []


def check_award(awarded_on: date | None, *, today: date) -> list[Fault]:
    """The decision to pay is taken when it is reported."""
    return [] if awarded_on is None else _check_day(awarded_on, latest=today, kind="awarded", place="/awardedOn")


def check_cited(evidence: Sequence[Json], there: Collection[UUID]) -> list[Fault]:
    """An item ``{"documentId": …}`` of the evidence names one of the documents that are ``there``."""
    known = {str(id) for id in there}
    named = [(place, item["documentId"]) for place, item in enumerate(evidence) if isinstance(item, dict) and "documentId" in item]
    return [Fault(pointer("evidence", place, "documentId"), "no-such-document", {"id": id}) for place, id in named if str(id).lower() not in known]


def check_document_day(dated_on: date | None, *, today: date) -> list[Fault]:
    """A document is written when it is declared; it may be older than the programme."""
    late = dated_on is not None and dated_on > today
    return [Fault("/datedOn", "future-date", {"kind": "dated", "effective_on": str(dated_on)})] if late else []


def check_project_days(starts_on: date | None, ends_on: date | None) -> list[Fault]:
    ends_first = starts_on is not None and ends_on is not None and ends_on < starts_on
    return [Fault("/endsOn", "ends-before-it-begins")] if ends_first else []


def _check_day(day: date, *, latest: date, kind: str, place: str) -> list[Fault]:
    facts = {"kind": kind, "effective_on": day.isoformat(), "earliest": EARLIEST.isoformat()}
    if day < EARLIEST:
        return [Fault(place, "date-too-early", facts)]
    return [Fault(place, "future-date", facts)] if day > latest else []


def check_said(others: Sequence[Happened], said: Sequence[Happened], *, today: date) -> list[Fault]:
    """All that is wrong with saying this beside the other milestones in force of one trajectory: in one call, in a batch, in a file."""
    return [fault for each in said for fault in check_date(each, today=today)] + check_history([*others, *said])


def check_history(history: Sequence[Happened]) -> list[Fault]:
    """All that is wrong with the milestones in force of one trajectory, each kind at most once per track."""
    by_track: dict[Track, dict[MilestoneKind, date]] = {}
    for each in history:
        by_track.setdefault(each.track, {})[each.kind] = each.effective_on
    return [fault for track in Track if track in by_track for fault in _check_track(track, by_track[track])]


def _check_track(track: Track, dates: dict[MilestoneKind, date]) -> list[Fault]:
    faults = []
    started, completed, cancelled = dates.get(MilestoneKind.STARTED), dates.get(MilestoneKind.COMPLETED), dates.get(MilestoneKind.CANCELLED)
    if completed and not started and track in NEEDS_START:
        faults.append(Fault("/kind", "completed-without-start", {"track": track.value}))
    if completed and started and completed < started:
        facts = {"track": track.value, "completed_on": completed.isoformat(), "started_on": started.isoformat()}
        faults.append(Fault("/effectiveOn", "completed-before-started", facts))
    if completed and cancelled:
        faults.append(Fault("/kind", "cancelled-after-completion", {"track": track.value}))
    if cancelled and started and started > cancelled:
        faults.append(Fault("/effectiveOn", "after-cancellation", {"track": track.value, "cancelled_on": cancelled.isoformat()}))
    return faults


def plan_kept(*, known_on: date, planned_for: date) -> date:
    """Since when there is a plan, for a row that takes the place of another one and does not say so: since the register knew of it, or the day it is for.
    Correcting a plan does not make it a newer one.
    """
    return min(known_on, planned_for)


class TrackState(StrEnum):
    PLANNED = "planned"
    STARTED = "started"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


_LAST_WORD = (MilestoneKind.CANCELLED, MilestoneKind.COMPLETED, MilestoneKind.STARTED, MilestoneKind.PLANNED)


def track_states(history: Sequence[Happened]) -> dict[Track, TrackState]:
    """The state of each track that has a milestone."""
    states = {}
    for track in Track:
        kinds = {each.kind for each in history if each.track is track}
        said = next((kind for kind in _LAST_WORD if kind in kinds), None)
        if said is not None:
            states[track] = TrackState(said.value)
    return states


def around(found: Sequence[tuple[date, Found]], history: Sequence[Happened]) -> tuple[Found | None, Found | None]:
    """What was so when the works began, and what was found last since: labels, condition scores. ``found`` is in the order of its days.

    What was found on the day of the start is from before the works.
    """
    begun = start_of_works(history)
    before = [value for day, value in found if begun is None or day <= begun]
    after = [value for day, value in found if begun is not None and day > begun]
    return (before[-1] if before else None), (after[-1] if after else None)


def start_of_works(history: Sequence[Happened]) -> date | None:
    """The day on which the dwelling began to be improved."""
    return min((each.effective_on for each in history if each.kind is MilestoneKind.STARTED and each.track in WORKS), default=None)


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the amounts that are known, in euro; None when none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
