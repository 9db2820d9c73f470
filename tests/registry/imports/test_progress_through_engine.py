"""Milestones and portfolios through the engine of imports: read, tried, applied, sent again and taken back."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.db import API_ROLE, transaction
from registry.dwellings.model import PortfolioPeriod
from registry.imports import commands
from registry.imports.model import ImportKind, ImportStatus
from registry.organisations.model import OrganisationKind
from registry.trajectories import queries
from registry.trajectories.model import Trajectory
from tests import makers
from tests.registry.imports.importing import a_csv, applied, faults, figures, tried, undo


def homes(session: Session, holder=None) -> None:  # type: ignore[no-untyped-def]
    for number in (1, 2):
        values = {"bag_id": f"091701000000000{number}", "bag_object_type": "occupiable-object", "postcode": "6411AB", "house_number": number}
        makers.a_dwelling(session, held_by=holder, **values)


def test_milestones(session: Session, tmp_path: Path) -> None:
    makers.a_municipality(session)
    editor, _ = makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    homes(session, editor)
    header = ["Postcode", "Huisnummer", "Spoor", "Gestart op", "Gereed op"]
    rows = [["6411 AB", "1", "renovatie", "1-2-2025", "1-5-2025"], ["6411AB", "2", "sloop", "", "1-5-2025"], ["6411AB", "3", "sloop", "morgen", ""]]
    path = a_csv(tmp_path / "a.csv", header, rows)
    run = applied(editor, path, ImportKind.MILESTONES)
    assert figures(run) == (1, 0, 0, 2)
    expected = [(3, "completedOn", "completed-without-start"), (4, "postcode", "no-such-reference"), (4, "startedOn", "not-a-date")]
    assert faults(run.id) == expected
    assert figures(tried(editor, path, ImportKind.MILESTONES)) == (0, 0, 1, 2)
    assert undo(editor, run.id).status is ImportStatus.UNDONE
    session.expire_all()
    (trajectory,) = session.scalars(sa.select(Trajectory))
    assert trajectory.withdrawn_at is not None
    assert queries.in_force(session, [trajectory.id]) == []
    assert figures(tried(editor, path, ImportKind.MILESTONES)) == (1, 0, 0, 2)


def test_portfolios(session: Session, tmp_path: Path) -> None:
    makers.a_municipality(session)
    body = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
    editor, _ = makers.a_member(session, Role.MUNICIPALITY_EDITOR, body)
    for slug in ("weller", "zo-wonen"):
        makers.an_organisation(session, slug)
    homes(session)
    header = ["BAG-id", "Corporatie", "Vanaf", "Overdracht"]
    first = applied(editor, a_csv(tmp_path / "a.csv", header, [["0917010000000001", "weller", "1-1-2020", ""]]), ImportKind.PORTFOLIO)
    path = a_csv(tmp_path / "b.csv", header, [["917010000000001", "zo-wonen", "1-1-2025", "ja"], ["0917010000000002", "zo-wonenn", "1-1-2025", ""]])
    run = applied(editor, path, ImportKind.PORTFOLIO)
    assert (figures(first), figures(run)) == ((1, 0, 0, 0), (1, 0, 0, 1))
    assert faults(run.id) == [(3, "corporation", "no-such-corporation-perhaps")]
    assert undo(editor, run.id).status is ImportStatus.UNDONE
    session.expire_all()
    query = sa.select(PortfolioPeriod.valid_until).order_by(PortfolioPeriod.valid_from)
    assert [None if day is None else day.isoformat() for day in session.scalars(query)] == [None, "2025-01-01"]


def test_a_period_gets_the_end_back_that_it_had_before_the_import_that_is_undone(session: Session, tmp_path: Path) -> None:
    """Also while another import, which changed it too, waits to be undone."""
    makers.a_municipality(session)
    body = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
    editor, _ = makers.a_member(session, Role.MUNICIPALITY_EDITOR, body)
    makers.an_organisation(session, "weller")
    homes(session)
    header = ["BAG-id", "Corporatie", "Vanaf", "Tot"]
    sent = [
        applied(editor, a_csv(tmp_path / f"{place}.csv", header, [["0917010000000001", "weller", "1-1-2020", until]]), ImportKind.PORTFOLIO)
        for place, until in enumerate(("", "1-1-2025", "1-1-2028", "1-1-2030"))
    ]
    for run in (sent[1], sent[2]):
        with transaction(editor, role=API_ROLE) as asked:
            commands.ask_to_undo(asked, editor, run.id, reason="sent by mistake")
    assert undo(editor, sent[3].id).status is ImportStatus.UNDONE
    session.expire_all()
    assert [str(day) for day in session.scalars(sa.select(PortfolioPeriod.valid_until))] == ["2028-01-01"]
