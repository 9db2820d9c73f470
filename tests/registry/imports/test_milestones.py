"""Milestones from a file: in both forms, in any order, by the rules of a single report, and taken back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import AuditLine
from registry.db import transaction
from registry.imports.milestones import Milestones
from registry.organisations.model import Organisation
from registry.trajectories import milestones, queries
from registry.trajectories.model import Action, Confirmation, FundingLine, Measure, MeasureKind, Milestone, MilestoneKind, Track, Trajectory
from tests import makers
from tests.registry.imports.by_hand import apply, cells, dry_run, undo

KIND = Milestones()
LONG = "bagId | track | kind | effectiveOn"
WIDE = "bagId | track | plannedOn | startedOn | completedOn"


@pytest.fixture
def editor(session: Session):  # type: ignore[no-untyped-def]
    makers.a_scheme(session)
    makers.a_project(session)
    return makers.an_editor(session)


def held(session: Session, editor, number: int = 1, **more):  # type: ignore[no-untyped-def]
    """A dwelling in the portfolio, known by its BAG id."""
    values = {"bag_id": f"0917010000{number:06}", "bag_object_type": "occupiable-object", "postcode": "6411AB", "house_number": number} | more
    return makers.a_dwelling(session, held_by=editor, **values)


def run_by(session: Session, editor, dwelling, **more) -> Trajectory:  # type: ignore[no-untyped-def]
    return makers.a_trajectory(session, session.get_one(Organisation, editor.organisation_id), dwelling, **more)


def confirmed(session: Session, milestone_id: UUID) -> None:
    session.add(Confirmation(milestone_id=milestone_id, recorded_by=uuid4()))
    session.flush()


def measured(session: Session, trajectory_id: UUID) -> None:
    session.add(Measure(trajectory_id=trajectory_id, kind=MeasureKind.HEAT_PUMP, applied_on=date(2025, 3, 1), recorded_by=uuid4()))
    session.flush()


@contextmanager
def statements(connection: sa.Connection) -> Iterator[list[str]]:
    found: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    sa.event.listen(connection, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        sa.event.remove(connection, "before_cursor_execute", keep)


def history(session: Session, trajectory_id: UUID) -> dict[tuple[str, str], str]:
    session.expire_all()
    return {(each.track.value, each.kind.value): each.effective_on.isoformat() for each in queries.in_force(session, [trajectory_id])}


def test_rows_may_stand_in_any_order(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = run_by(session, editor, held(session, editor))
    done = apply(KIND, editor, cells(LONG, ["0917010000000001|renovatie|gereed|1-3-2025", "917010000000001|Renovatie|Gestart|1-2-2025"]))
    assert done.outcomes == ["created", "created"]
    assert history(session, trajectory.id) == {("renovation", "started"): "2025-02-01", ("renovation", "completed"): "2025-03-01"}
    assert done.subjects == [trajectory.id, trajectory.id]
    assert set(session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_kind == "milestone"))) == {"milestone.reported"}


def test_one_row_may_have_a_date_for_each_kind(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = run_by(session, editor, held(session, editor))
    done = apply(KIND, editor, cells(WIDE, ["0917010000000001|renovatie|1-1-2025|1-2-2025|1-3-2025"]))
    assert (done.outcomes, len(done.effects)) == (["created"], 3)
    assert history(session, trajectory.id)["renovation", "planned"] == "2025-01-01"
    again = apply(KIND, editor, cells(WIDE, ["0917010000000001|renovatie|1-1-2025|1-2-2025|1-3-2025"]))
    assert (again.outcomes, again.effects) == (["unchanged"], [])


def test_another_date_is_a_correction_and_its_confirmation_does_not_carry_over(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = run_by(session, editor, held(session, editor))
    first = makers.reported(session, editor, trajectory.id, Track.RENOVATION, MilestoneKind.STARTED, "2025-02-01")
    confirmed(session, first)
    done = apply(KIND, editor, cells(LONG, ["0917010000000001|renovatie|gestart|1-4-2025"]))
    assert done.judged[2].changes == {"effectiveOn": ["2025-02-01", "2025-04-01"], "confirmed": [True, False]}
    (milestone,) = queries.in_force(session, [trajectory.id])
    assert (milestone.action, milestone.corrects_id, milestone.confirmed_at) == (Action.CORRECTED, first, None)


def test_dates_that_move_together_are_judged_together(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    """Started on 1 June is after the completion that is known, and right beside the one that the same file tells."""
    trajectory = run_by(session, editor, held(session, editor))
    apply(KIND, editor, cells(WIDE, ["0917010000000001|renovatie||1-3-2025|1-5-2025"]))
    done = apply(KIND, editor, cells(LONG, ["0917010000000001|renovatie|gestart|1-6-2025", "0917010000000001|renovatie|gereed|1-8-2025"]))
    assert done.outcomes == ["changed", "changed"]
    assert history(session, trajectory.id) == {("renovation", "started"): "2025-06-01", ("renovation", "completed"): "2025-08-01"}


def test_every_fault_points_to_its_cell(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    for number in range(1, 6):
        run_by(session, editor, held(session, editor, number))
    tomorrow = (clock.today() + timedelta(days=2)).isoformat()
    header = "bagId | track | kind | effectiveOn | startedOn | completedOn | cancelledOn"
    rows = [
        "0917010000000001|renovatie|||1-3-2025|1-2-2025|",
        f"0917010000000002|renovatie|||{tomorrow}||",
        "0917010000000003|sloop|gereed|1-2-2025|||",
        "0917010000000004|renovatie|||1-1-2025|1-2-2025|1-3-2025",
        "0917010000000005|renovatie|gestart||||",
        "0917010000000005|zwembad|||31-2-2025||",
        "0917010000000099|renovatie|||1-2-2025||",
        "|renovatie|||1-2-2025||",
        "0917010000000005|renovatie|||||",
    ]
    done = dry_run(KIND, editor, cells(header, rows))
    assert done.faults == [
        (2, "completedOn", "completed-before-started"),
        (3, "startedOn", "future-date"),
        (4, "kind", "completed-without-start"),
        (5, "cancelledOn", "cancelled-after-completion"),
        (6, "effectiveOn", "required"),
        (7, "track", "not-one-of"),
        (7, "startedOn", "no-such-day"),
        (8, "bagId", "no-such-reference"),
        (9, None, "dwelling-not-named"),
        (10, "effectiveOn", "milestone-not-said"),
    ]


def test_what_is_said_twice_in_a_file_is_refused_the_second_time(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    run_by(session, editor, held(session, editor))
    rows = ["0917010000000001|renovatie|gestart|1-2-2025", "0917010000000001|renovatie|gestart|2-2-2025"]
    done = apply(KIND, editor, cells(LONG, rows))
    assert (done.outcomes, done.faults, done.judged[3].faults[0].facts) == (["created", "refused"], [(3, None, "row-repeated")], {"first": 2})


def test_a_trajectory_that_is_not_there_is_opened_with_its_money(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    dwelling = held(session, editor)
    makers.a_scheme(session, "regio-deal")
    header = "postcode | houseNumber | project | track | startedOn | completedOn | scheme | amount"
    rows = cells(
        header,
        [
            "6411 ab | 1 | Vrieheide | renovatie | 1-2-2025 | | Volkshuisvestingsfonds; regio-deal | 12.500,50; 3000",
            "6411AB | 1 | | sloop | 1-2-2025 | 1-3-2025 | |",
        ],
    )
    done = apply(KIND, editor, rows)
    assert done.outcomes == ["created", "created"]
    trajectory = session.scalars(sa.select(Trajectory)).one()
    assert (trajectory.dwelling_id, trajectory.executor_id, trajectory.project) == (dwelling.id, editor.organisation_id, "vrieheide")
    lines = session.execute(sa.select(FundingLine.scheme, FundingLine.amount_eur).order_by(FundingLine.scheme)).all()
    assert [(scheme, str(amount)) for scheme, amount in lines] == [("regio-deal", "3000.00"), ("volkshuisvestingsfonds", "12500.50")]
    assert apply(KIND, editor, rows).outcomes == ["unchanged", "unchanged"]
    other = apply(KIND, editor, cells(header, ["6411AB|1|vrieheide|renovatie|1-2-2025||regio-deal|4000", "6411AB|1|vrieheide|renovatie||1-5-2025|startbouw|"]))
    assert other.faults == [(2, "amount", "money-said-otherwise"), (3, "scheme", "no-such-reference")]


def test_refused_rows_open_nothing(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    held(session, editor)
    done = apply(KIND, editor, cells(LONG, ["0917010000000001|renovatie|gereed|1-3-2025"]))
    assert (done.outcomes, session.scalar(sa.select(sa.func.count()).select_from(Trajectory))) == (["refused"], 0)


def test_a_trajectory_that_may_be_meant_twice_is_not_guessed(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    dwelling = held(session, editor)
    run_by(session, editor, dwelling)
    run_by(session, editor, dwelling, project="vrieheide")
    done = apply(
        KIND,
        editor,
        cells(LONG + " | project", ["0917010000000001|renovatie|gestart|1-3-2025|", "0917010000000001|sloop|gestart|1-3-2025|vrieheide"]),
    )
    assert (done.outcomes, done.faults) == (["refused", "created"], [(2, None, "trajectory-ambiguous")])


def test_somebody_elses_dwellings_and_trajectories_are_refused(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    stranger = makers.an_editor(session)
    held(session, stranger)
    municipality = makers.a_municipality_editor(session)
    own = held(session, editor, 2)
    theirs = run_by(session, municipality, own)
    hidden = run_by(session, stranger, makers.a_dwelling(session, held_by=stranger))
    header = "trajectoryId | bagId | track | kind | effectiveOn"
    rows = [
        "|0917010000000001|renovatie|gestart|1-3-2025",
        f"{theirs.id}||renovatie|gestart|1-3-2025",
        f"{hidden.id}||renovatie|gestart|1-3-2025",
        "|0917010000000002|renovatie|gestart|1-3-2025",
    ]
    done = apply(KIND, editor, cells(header, rows))
    assert done.faults == [(2, "bagId", "no-such-reference"), (3, "trajectoryId", "not-yours"), (4, "trajectoryId", "no-such-reference")]
    assert done.outcomes[3] == "created"


def test_an_address_is_found_with_letter_and_suffix_wherever_they_stand(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    for suffix in ("a", "b"):
        held(session, editor, 7 if suffix == "a" else 8, house_number=5, house_number_suffix=suffix)
    held(session, editor, 9, house_number=5, house_letter="C")
    header = "postcode | houseNumber | houseLetter | houseNumberSuffix | track | startedOn"
    rows = ["6411AB|5-a|||renovatie|1-2-2025", "6411AB|5||B|renovatie|1-2-2025", "6411AB|5c|||renovatie|1-2-2025"]
    rows += ["6411AB|5|||renovatie|1-2-2025", "6411AB|5d|||renovatie|1-2-2025", "6411AB|5a|b||renovatie|1-2-2025", "6499ZZ|5|||renovatie|1-2-2025"]
    done = dry_run(KIND, editor, cells(header, rows))
    assert done.outcomes[:3] == ["created"] * 3
    assert done.faults == [
        (5, "houseNumber", "dwelling-ambiguous"),
        (6, "houseNumber", "address-with-other-additions"),
        (7, "houseLetter", "house-number-says-otherwise"),
        (8, "postcode", "no-such-reference"),
    ]
    assert done.judged[6].faults[0].facts == {"found": "5-a, 5-b, 5c", "count": 3}


def test_undoing_takes_everything_back(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = run_by(session, editor, held(session, editor))
    held(session, editor, 2)
    apply(KIND, editor, cells(WIDE, ["0917010000000001|renovatie|1-1-2025|1-2-2025|"]))
    before = history(session, trajectory.id)
    done = apply(KIND, editor, cells(WIDE, ["0917010000000001|renovatie|1-1-2025|1-3-2025|1-4-2025", "0917010000000002|sloop||1-3-2025|"]))
    assert done.outcomes == ["changed", "created"]
    assert undo(KIND, editor, done) == []
    assert history(session, trajectory.id) == before
    opened = session.scalars(sa.select(Trajectory).where(Trajectory.id != trajectory.id)).one()
    assert (opened.withdrawn_at is not None, opened.version, history(session, opened.id)) == (True, 2, {})
    with transaction(editor) as api:
        assert [each.id for each in queries.list_(api, editor, limit=10).items] == [trajectory.id]
    assert set(session.scalars(sa.select(AuditLine.action))) >= {"milestone.retracted", "milestone.corrected", "trajectory.withdrawn"}
    assert apply(KIND, editor, cells(WIDE, ["0917010000000002|sloop||1-3-2025|"])).outcomes == ["created"]


def test_a_plan_that_undoing_gives_back_is_no_newer_plan(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    trajectory = run_by(session, editor, held(session, editor))
    makers.reported(session, editor, trajectory.id, Track.CONSTRUCTION, MilestoneKind.PLANNED, "2090-01-01")
    session.execute(sa.text("ALTER TABLE milestone DISABLE TRIGGER USER"))
    session.execute(sa.text("UPDATE milestone SET recorded_at = '2025-03-01T12:00:00Z'"))
    session.execute(sa.text("ALTER TABLE milestone ENABLE TRIGGER USER"))
    done = apply(KIND, editor, cells(WIDE, ["0917010000000001|nieuwbouw|1-1-2091||"]))
    assert (done.outcomes, decided(session, trajectory.id)) == (["changed"], "2025-03-01")
    assert undo(KIND, editor, done) == []
    assert (history(session, trajectory.id), decided(session, trajectory.id)) == ({("construction", "planned"): "2090-01-01"}, "2025-03-01")


def decided(session: Session, trajectory_id: UUID) -> str:
    session.expire_all()
    (plan,) = queries.in_force(session, [trajectory_id])
    return str(plan.decided_on)


def test_what_something_builds_on_is_not_undone(session: Session, editor) -> None:  # type: ignore[no-untyped-def]
    for number in range(1, 6):
        held(session, editor, number)
    rows = [f"091701000000000{number}|renovatie|gestart|1-2-2025" for number in range(1, 6)]
    done = apply(KIND, editor, cells(LONG, rows))
    by_row = {effect.row: effect.subject_id for effect in done.effects if effect.subject_kind == "milestone"}
    trajectories = {effect.row: effect.subject_id for effect in done.effects if effect.subject_kind == "trajectory"}
    confirmed(session, by_row[2])
    milestones.correct(session, editor, by_row[3], effective_on=date(2025, 2, 3), note=None)
    makers.reported(session, editor, trajectories[4], Track.RENOVATION, MilestoneKind.COMPLETED, "2025-06-01")
    measured(session, trajectories[5])
    before = session.scalar(sa.select(sa.func.count()).select_from(Milestone))
    found = {(fault.code, str(fault.facts.get("what", ""))) for fault in undo(KIND, editor, done)}
    assert found == {
        ("milestone-confirmed", ""),
        ("milestone-superseded", ""),
        ("completed-without-start", "trajectory"),
        ("trajectory-built-on", "milestone"),
        ("trajectory-built-on", "measure"),
    }
    assert session.scalar(sa.select(sa.func.count()).select_from(Milestone)) == before


def test_many_rows_take_as_many_queries_as_few(session: Session, connection: sa.Connection, editor) -> None:  # type: ignore[no-untyped-def]
    def count(numbers: Sequence[int]) -> int:
        for number in numbers:
            held(session, editor, number)
        rows = cells(WIDE, [f"0917010000{number:06}|renovatie||1-2-2025|1-3-2025" for number in numbers])
        with statements(connection) as found:
            assert set(apply(KIND, editor, rows).outcomes) == {"created"}
        return len(found)

    assert count(range(1, 3)) == count(range(10, 40))
