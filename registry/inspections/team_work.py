"""Work that a team shares: one of its inspectors takes an inspection, or hands it back."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.errors import Conflict, NotFound
from registry.inspections.announcing import tell, tell_assigned, tell_assigned_each, tell_gone, tell_gone_each
from registry.inspections.assignment import check_open, post_of, workforce
from registry.inspections.model import OPEN, Inspection
from registry.inspections.queries import find_locked, visible_to
from registry.members import teams
from registry.members.teams import TeamOfInspectors
from registry.versioned import change


class InspectionTaken(Conflict):
    """Another inspector was first, or the planner gave it to somebody else."""

    code = "inspection-taken"


class NobodyToHandBackTo(Conflict):
    """It was planned for this inspector alone, or for a team that she is not in."""

    code = "nobody-to-hand-back-to"


def take(session: Session, actor: Actor, inspection_id: UUID) -> Inspection:
    """Make an inspection of one's team one's own. Taking it again changes nothing; of two at once one gets it.

    Raises NotAllowed, NotFound, InspectionTaken, InspectionSubmitted, InspectionWithdrawn.
    """
    require(actor, Right.INSPECT)
    inspection = find_locked(session, actor, inspection_id)
    if inspection is None:
        raise _why_not(session, inspection_id)
    check_open(inspection)
    if inspection.assignee_id == actor.person_id:
        return inspection
    others = workforce(session, [post_of(inspection)]).holders(post_of(inspection)) - {actor.person_id}
    change(session, inspection, {"assignee_id": actor.person_id})
    audit.record(session, actor, "inspection.taken", "inspection", inspection_id, details={"teamId": str(inspection.team_id)})
    tell(session, inspection, "inspection.taken")
    tell_gone(session, inspection, others)
    tell_assigned(session, inspection, [actor.person_id])
    return inspection


def hand_back(session: Session, actor: Actor, inspection_id: UUID) -> Inspection:
    """Give an inspection back to the team, for another to take. Answers that were written already stay. Handing it back again changes nothing.

    Raises NotAllowed, NotFound, NobodyToHandBackTo, InspectionSubmitted, InspectionWithdrawn.
    """
    require(actor, Right.INSPECT)
    inspection = find_locked(session, actor, inspection_id)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if inspection.assignee_id is None:
        return inspection
    check_open(inspection)
    organisation, _, team = post_of(inspection)
    members = workforce(session, [(organisation, None, team)]).holders((organisation, None, team))
    if actor.person_id not in members:
        raise NobodyToHandBackTo()
    change(session, inspection, {"assignee_id": None})
    audit.record(session, actor, "inspection.handed-back", "inspection", inspection_id, details={"teamId": str(team)})
    tell(session, inspection, "inspection.handed-back")
    tell_assigned(session, inspection, members)
    return inspection


def _why_not(session: Session, inspection_id: UUID) -> InspectionTaken | NotFound:
    """Who was told of it once, as work of hers or of her team, learns that somebody else has it."""
    told = session.scalar(sa.select(sa.func.was_assigned(inspection_id)))
    return InspectionTaken() if told else NotFound(what="inspection", id=inspection_id)


def change_team(session: Session, actor: Actor, team_id: UUID, *, name: str, member_ids: Collection[UUID], expected: int | None) -> TeamOfInspectors:
    """Say what a team is called and who is in it: who joins gets what is there to take, and who leaves loses that.

    What somebody who leaves has taken stays hers. Raises as `members.teams.amend`.
    """
    amended = teams.amend(session, actor, team_id, name=name, member_ids=member_ids, expected=expected)
    if amended.joined or amended.left:
        query = sa.select(Inspection).where(
            Inspection.team_id == team_id,
            Inspection.organisation_id == amended.team.organisation_id,
            Inspection.assignee_id.is_(None),
            Inspection.status.in_(OPEN),
            visible_to(actor),
        )
        untaken = session.scalars(query.order_by(Inspection.id)).all()
        tell_gone_each(session, [(each, each.organisation_id, amended.left) for each in untaken])
        tell_assigned_each(session, [(each, amended.joined) for each in untaken])
    return amended.team
