"""The order in which things can happen on a track."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.db import Json
from registry.trajectories.model import MeasureKind, MilestoneKind, Track, Unit
from registry.trajectories.rules import (
    BY_AREA,
    BY_PIECE,
    Happened,
    TrackState,
    around,
    check_cited,
    check_date,
    check_document_day,
    check_history,
    check_measure,
    check_project_days,
    total,
    track_states,
)
from registry.values import EnergyLabel, label_jump

TODAY = date(2026, 3, 1)
P, S, C, X = MilestoneKind
RENOVATION, SUSTAINABILITY, ACQUISITION = Track.RENOVATION, Track.SUSTAINABILITY, Track.ACQUISITION


def happened(kind: MilestoneKind, on: str, track: Track = RENOVATION) -> Happened:
    return Happened(track, kind, date.fromisoformat(on))


def codes(*history: Happened) -> list[str]:
    return [fault.code for fault in check_history(history)]


def test_a_plan_may_lie_in_the_future() -> None:
    assert check_date(happened(P, "2027-01-01"), today=TODAY) == []


@pytest.mark.parametrize("kind", [S, C, X])
def test_nothing_else_may_lie_in_the_future(kind: MilestoneKind) -> None:
    assert check_date(happened(kind, "2026-03-01"), today=TODAY) == []
    assert [fault.code for fault in check_date(happened(kind, "2026-03-02"), today=TODAY)] == ["future-date"]


def test_a_date_from_before_the_programme_is_a_typing_error() -> None:
    assert [fault.code for fault in check_date(happened(S, "0206-03-01"), today=TODAY)] == ["date-too-early"]


def test_work_is_completed_on_or_after_its_start() -> None:
    assert codes(happened(S, "2025-01-02"), happened(C, "2025-01-02")) == []
    assert codes(happened(S, "2025-01-02"), happened(C, "2025-01-01")) == ["completed-before-started"]


def test_work_is_not_completed_without_a_start_but_a_dwelling_can_be_bought_at_once() -> None:
    assert codes(happened(C, "2025-01-01")) == ["completed-without-start"]
    assert codes(happened(C, "2025-01-01", ACQUISITION)) == []


def test_nothing_happens_after_a_cancellation() -> None:
    assert codes(happened(S, "2025-02-01"), happened(X, "2025-03-01")) == []
    assert codes(happened(S, "2025-04-01"), happened(X, "2025-03-01")) == ["after-cancellation"]
    assert codes(happened(S, "2025-01-01"), happened(C, "2025-02-01"), happened(X, "2025-03-01")) == ["cancelled-after-completion"]


def test_tracks_do_not_hinder_each_other() -> None:
    assert codes(happened(X, "2025-01-01"), happened(S, "2025-02-01", SUSTAINABILITY)) == []


def test_all_faults_are_found_at_once() -> None:
    assert codes(happened(C, "2025-01-01"), happened(C, "2025-01-01", SUSTAINABILITY)) == ["completed-without-start"] * 2


def test_the_state_of_a_track_is_the_furthest_it_came() -> None:
    history = [happened(P, "2024-01-01"), happened(S, "2025-01-01"), happened(P, "2027-01-01", SUSTAINABILITY)]
    assert track_states(history) == {RENOVATION: TrackState.STARTED, SUSTAINABILITY: TrackState.PLANNED}
    assert track_states([*history, happened(X, "2025-02-01")])[RENOVATION] is TrackState.CANCELLED


@given(
    st.lists(
        st.builds(Happened, st.sampled_from(Track), st.sampled_from(MilestoneKind), st.dates(date(2020, 1, 1), date(2026, 1, 1))),
        unique_by=lambda h: (h.track, h.kind),
    )
)
def test_an_accepted_history_satisfies_every_rule(history: list[Happened]) -> None:
    if check_history(history):
        return
    for track in Track:
        dates = {each.kind: each.effective_on for each in history if each.track is track}
        if C in dates:
            assert X not in dates
            assert track is ACQUISITION or S in dates
            assert dates.get(S, date.min) <= dates[C]
        if X in dates:
            assert dates.get(S, date.min) <= dates[X]


def test_the_label_jump_is_between_the_label_at_the_start_and_the_newest_since() -> None:
    labels = [(date(2010, 1, 1), EnergyLabel.G), (date(2015, 1, 1), EnergyLabel.F), (date(2025, 6, 1), EnergyLabel.C), (date(2025, 9, 1), EnergyLabel.B)]
    history = [happened(S, "2024-01-01"), happened(S, "2024-05-01", SUSTAINABILITY)]
    before, after = around(labels, history)
    assert (before, after, label_jump(before, after)) == (EnergyLabel.F, EnergyLabel.B, 4)


def test_without_works_there_is_a_label_before_and_none_after() -> None:
    assert around([(date(2015, 1, 1), EnergyLabel.F)], []) == (EnergyLabel.F, None)
    assert label_jump(EnergyLabel.F, None) is None


def test_eleven_classes_lie_ten_steps_apart() -> None:
    assert label_jump(EnergyLabel.G, EnergyLabel.A_4) == 10
    assert label_jump(EnergyLabel.A, EnergyLabel.B) == -1


def test_what_was_found_on_the_day_of_the_start_is_from_before_the_works() -> None:
    found = [(date(2023, 1, 1), 6), (date(2024, 1, 1), 5), (date(2024, 1, 2), 3)]
    assert around(found, [happened(S, "2024-01-01")]) == (5, 3)
    assert around(found, [happened(S, "2022-01-01")]) == (None, 3)
    assert around(found, [happened(S, "2024-01-01", Track.DEMOLITION)]) == (3, None), "demolition improves no dwelling"
    assert around([], [happened(S, "2024-01-01")]) == (None, None)


def test_an_unknown_amount_is_no_zero() -> None:
    assert total([]) is None
    assert total([None, None]) is None
    assert total([None, Decimal("0.00")]) == 0
    assert total([Decimal("0.10"), Decimal("0.20"), None]) == Decimal("0.30")


@pytest.mark.parametrize("kind", MeasureKind)
@pytest.mark.parametrize("unit", Unit)
def test_how_much_of_a_measure_is_told_in_a_unit_that_fits_it(kind: MeasureKind, unit: Unit) -> None:
    fits = not (kind in BY_AREA and unit is Unit.PIECE) and not (kind in BY_PIECE and unit is Unit.M2)
    found = [fault.code for fault in check_measure(kind, TODAY, Decimal(2), unit, today=TODAY)]
    assert found == ([] if fits else ["unit-does-not-fit"])
    assert check_measure(kind, TODAY, None, None, today=TODAY) == []


def test_every_insulation_is_measured_and_every_pump_is_counted() -> None:
    assert {kind for kind in MeasureKind if "insulation" in kind or "glazing" in kind} <= BY_AREA
    assert {kind for kind in MeasureKind if "pump" in kind or "ventilation" in kind} <= BY_PIECE
    assert not BY_AREA & BY_PIECE


@pytest.mark.parametrize(
    ("quantity", "unit", "on", "codes"),
    [
        ("1.5", Unit.PIECE, TODAY, ["not-a-whole-number"]),
        ("1.50", None, TODAY, ["required"]),
        (None, Unit.PIECE, TODAY, ["required"]),
        ("1", Unit.M2, date(2026, 3, 2), ["future-date", "unit-does-not-fit"]),
        ("3.00", Unit.PIECE, date(1999, 12, 31), ["date-too-early"]),
    ],
)
def test_all_that_is_wrong_with_a_measure_is_told(quantity: str | None, unit: Unit | None, on: date, codes: list[str]) -> None:
    found = check_measure(MeasureKind.HEAT_PUMP, on, None if quantity is None else Decimal(quantity), unit, today=TODAY)
    assert [fault.code for fault in found] == codes


def test_a_project_ends_on_or_after_the_day_on_which_it_starts() -> None:
    assert check_project_days(TODAY, TODAY) == check_project_days(None, TODAY) == check_project_days(TODAY, None) == []
    assert [fault.pointer for fault in check_project_days(TODAY, date(2026, 2, 28))] == ["/endsOn"]


def test_a_document_may_be_older_than_the_programme_but_is_not_from_tomorrow() -> None:
    assert check_document_day(date(1931, 1, 1), today=TODAY) == check_document_day(None, today=TODAY) == []
    assert [fault.code for fault in check_document_day(date(2026, 3, 2), today=TODAY)] == ["future-date"]


def test_evidence_that_names_a_document_names_one_that_is_there() -> None:
    there, other = uuid4(), uuid4()
    evidence: list[Json] = [{"documentId": str(there).upper()}, "a letter", {"documentId": str(other)}, {"documentId": None}, {"inspectionId": str(other)}]
    assert [fault.pointer for fault in check_cited(evidence, {there})] == ["/evidence/2/documentId", "/evidence/3/documentId"]
