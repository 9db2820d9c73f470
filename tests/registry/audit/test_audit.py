"""Every command leaves a line, and no line can be changed."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.areas.commands import put_focus_area, put_municipality
from registry.audit.model import AuditLine
from registry.audit.queries import AuditFilter, ObjectNotNamed, list_
from registry.errors import NotAllowed
from registry.organisations.commands import create
from registry.organisations.model import OrganisationKind
from registry.trajectories.commands import NewTrajectory, ProjectDetails, open_one, put_project, put_scheme
from registry.trajectories.confirmations import NewConfirmation, confirm
from registry.trajectories.funding import Funding
from registry.trajectories.measures import Applied, NewMeasure, apply_to
from registry.trajectories.milestones import correct, retract
from registry.trajectories.model import MeasureKind, MilestoneKind, Track
from tests.makers import HEERLEN, a_dwelling, a_moment, a_municipality_editor, an_actor, an_editor, reported


def actions(session: Session) -> list[str]:
    return list(session.scalars(sa.select(AuditLine.action).order_by(AuditLine.id)))


def test_each_command_of_a_story_leaves_one_line(session: Session) -> None:
    administrator, editor = an_actor(Role.ADMINISTRATOR), an_editor(session)
    put_municipality(session, administrator, HEERLEN, name="Heerlen", province=None, expected=None)
    municipality = a_municipality_editor(session)
    put_focus_area(session, administrator, "heerlen-noord", name="Heerlen-Noord", municipality_code=HEERLEN, expected=None)
    create(session, administrator, slug="weller-wonen", name="Weller Wonen", kind=OrganisationKind.CORPORATION, municipality_code=None)
    put_scheme(session, administrator, "regio-deal", name="Regio Deal", expected=None)
    put_project(session, municipality, "vrieheide", ProjectDetails("Vrieheide", HEERLEN), expected=None)
    trajectory = open_one(session, editor, NewTrajectory(a_dwelling(session, held_by=editor).id, "vrieheide", (Funding("regio-deal"),))).id
    assert trajectory is not None
    apply_to(session, editor, trajectory, [NewMeasure(trajectory, Applied(MeasureKind.HEAT_PUMP, a_moment("2025-01-01").date()))])
    milestone = reported(session, editor, trajectory, Track.RENOVATION, MilestoneKind.STARTED, "2025-01-01")
    confirm(session, municipality, NewConfirmation(milestone))
    corrected = correct(session, editor, milestone, effective_on=a_moment("2025-02-01").date(), note=None)
    retract(session, editor, corrected.id, note="verkeerde woning")
    assert actions(session) == [
        "municipality.created",
        "focus_area.created",
        "organisation.created",
        "scheme.created",
        "project.created",
        "trajectory.opened",
        "trajectory.measures-applied",
        "milestone.reported",
        "milestone.confirmed",
        "milestone.corrected",
        "milestone.retracted",
    ]


def test_what_changes_nothing_leaves_no_line(session: Session) -> None:
    administrator = an_actor(Role.ADMINISTRATOR)
    for _ in range(2):
        put_scheme(session, administrator, "regio-deal", name="Regio Deal", expected=None)
    assert actions(session) == ["scheme.created"]


@pytest.mark.parametrize("statement", ["UPDATE audit_line SET role = 'nobody'", "DELETE FROM audit_line", "TRUNCATE audit_line"])
def test_the_log_refuses_to_be_changed(session: Session, statement: str) -> None:
    put_scheme(session, an_actor(Role.ADMINISTRATOR), "regio-deal", name="Regio Deal", expected=None)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
        session.execute(sa.text(statement))


def test_the_log_is_read_newest_first_and_by_subject(session: Session) -> None:
    administrator = an_actor(Role.ADMINISTRATOR)
    for slug in ("a", "b", "c"):
        put_scheme(session, administrator, slug, name=slug, expected=None)
    found = list_(session, administrator, AuditFilter(subject_kind="scheme"), after=None, limit=2)
    assert [entry.subject_id for entry in found] == ["c", "b"]
    assert [entry.subject_id for entry in list_(session, administrator, AuditFilter(subject_kind="scheme", subject_id="a"), after=None, limit=9)] == ["a"]
    assert [entry.subject_id for entry in list_(session, administrator, AuditFilter(), after=found[-1].id, limit=9)] == ["a"]


def test_only_auditors_and_administrators_read_all_of_it(session: Session) -> None:
    with pytest.raises(ObjectNotNamed):
        list_(session, an_editor(session), AuditFilter(), after=None, limit=1)
    with pytest.raises(NotAllowed):
        list_(session, an_actor(Role.MINISTRY_ANALYST), AuditFilter(), after=None, limit=1)
