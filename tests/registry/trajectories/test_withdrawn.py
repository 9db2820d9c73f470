"""A trajectory whose import was undone: nothing is written into it any more, also past all of our code."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor
from registry.db import API_ROLE, transaction
from registry.errors import NotAllowed
from registry.organisations.model import Organisation
from registry.trajectories.model import Measure, MeasureKind, Trajectory
from tests import makers


def write_into(trajectory: Trajectory, editor: Actor) -> None:
    with transaction(editor, role=API_ROLE) as session:
        values = {"kind": MeasureKind.HEAT_PUMP, "applied_on": date(2024, 1, 1), "recorded_by": editor.person_id, "organisation_id": editor.organisation_id}
        session.execute(sa.insert(Measure).inline().values(trajectory_id=trajectory.id, **values))


@pytest.mark.parametrize("withdrawn", [False, True])
def test_row_level_security_lets_nobody_write_into_what_was_withdrawn(session: Session, *, withdrawn: bool) -> None:
    editor = makers.an_editor(session)
    corporation = session.get_one(Organisation, editor.organisation_id)
    trajectory = makers.a_trajectory(session, corporation, withdrawn_at=sa.func.clock_timestamp() if withdrawn else None)
    if withdrawn:
        with pytest.raises(NotAllowed):
            write_into(trajectory, editor)
    else:
        write_into(trajectory, editor)
