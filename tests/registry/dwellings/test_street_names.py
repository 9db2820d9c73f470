"""Names of streets and days of plans, as they are kept and looked for: each in a register of its own."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.db import reading
from registry.dwellings.lookup import Wanted, find
from registry.trajectories.model import MilestoneKind, Track
from tests import makers


def test_names_of_streets_follow_the_dwellings(session: Session) -> None:
    dwelling = makers.a_dwelling(session, street="Één-Nieuwestr.", town="Heerlen")
    query = sa.text("SELECT name, folded FROM street_name WHERE municipality_code = 'GM0917' ORDER BY name")
    assert session.execute(query).all() == [("Één-Nieuwestr.", "een nieuwestraat")]
    dwelling.street = "Anderepad"
    session.flush()
    assert [row.name for row in session.execute(query)] == ["Anderepad", "Één-Nieuwestr."]
    assert session.scalar(sa.text("SELECT rebuild_street_names()")) == 1
    assert [row.name for row in session.execute(query)] == ["Anderepad"]
    assert session.scalars(sa.text("SELECT folded FROM street_spelling")).all() == ["anderepad"]


def test_overdue_is_when_the_day_of_the_plan_has_passed(session: Session) -> None:
    organisation = makers.an_organisation(session)
    actor = makers.an_actor(Role.CORPORATION_EDITOR, organisation)
    trajectory = makers.a_trajectory(session, organisation)
    makers.reported(session, actor, trajectory.id, Track.RENOVATION, MilestoneKind.PLANNED, "2024-03-01")
    makers.reported(session, actor, trajectory.id, Track.RENOVATION, MilestoneKind.STARTED, "2024-04-01")
    for day, overdue in ((1, False), (2, True), (31, True), (32, False)):
        with reading(actor) as reader:
            found = find(reader, actor, Wanted(overdue_on=date(2024, 3, 1) + timedelta(days=day - 1)), limit=5).items
        assert bool(found) is overdue, day
