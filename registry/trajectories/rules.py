"""The order in which things can happen on a track. Pure: no session, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry.errors import Fault
from registry.trajectories.model import MilestoneKind, Track
from registry.values import EnergyLabel

EARLIEST = date(2000, 1, 1)
"""Dates before this are taken for typing errors: no scheme of the programme is that old."""

NEEDS_START = frozenset(Track) - {Track.ACQUISITION}
"""A dwelling is bought in one act; work has a start."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One milestone in force: what was so on which day."""

    track: Track
    kind: MilestoneKind
    effective_on: date


def check_date(happened: Happened, *, today: date) -> list[Fault]:
    """A plan may lie in the future, nothing else may."""
    latest = date.max if happened.kind is MilestoneKind.PLANNED else today
    return _check_day(happened.effective_on, latest=latest, kind=happened.kind.value, place="/effectiveOn")


def check_measure(applied_on: date, *, today: date) -> list[Fault]:
    """A measure is reported when it is applied."""
    return _check_day(applied_on, latest=today, kind="applied", place="/appliedOn")


def _check_day(day: date, *, latest: date, kind: str, place: str) -> list[Fault]:
    facts = {"kind": kind, "effective_on": day.isoformat(), "earliest": EARLIEST.isoformat()}
    if day < EARLIEST:
        return [Fault(place, "date-too-early", facts)]
    return [Fault(place, "future-date", facts)] if day > latest else []


def check_history(history: Sequence[Happened]) -> list[Fault]:
    """All that is wrong with the milestones in force of one trajectory, each kind at most once per track."""
    return [fault for track in Track for fault in _check_track(track, {each.kind: each.effective_on for each in history if each.track is track})]


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


def labels_around(labels: Sequence[tuple[date, EnergyLabel]], history: Sequence[Happened]) -> tuple[EnergyLabel | None, EnergyLabel | None]:
    """The label in force when the works began, and the newest one surveyed since. ``labels`` is ordered by survey date."""
    works = (Track.RENOVATION, Track.SUSTAINABILITY)
    starts = [each.effective_on for each in history if each.kind is MilestoneKind.STARTED and each.track in works]
    if not starts:
        return (labels[-1][1] if labels else None), None
    begun = min(starts)
    before = [label for surveyed_on, label in labels if surveyed_on <= begun]
    after = [label for surveyed_on, label in labels if surveyed_on > begun]
    return (before[-1] if before else None), (after[-1] if after else None)
