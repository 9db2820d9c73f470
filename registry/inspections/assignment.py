"""Whose work an inspection is, until when, and that it is nobody's any more.

An assignee and a team may both be named: the assignee does it, and the team is whom she hands it back to. Without an assignee each member may take it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.batch import Result, refused
from registry.db import Json
from registry.errors import Fault, NotFound, RuleViolation
from registry.inspections.announcing import tell, tell_assigned_each, tell_each, tell_gone, tell_gone_each
from registry.inspections.model import OPEN, Inspection, InspectionStatus, InspectionSubmitted, InspectionWithdrawn
from registry.inspections.queries import visible_to
from registry.members import queries as members
from registry.members import teams
from registry.organisations.model import Organisation
from registry.versioned import Outcome, change, check_version, same

MOST_AT_ONCE = 500
"""Inspections that get another assignee in one request."""


class Assignment(TypedDict, total=False):
    """What is to be different; what is left out stays as it is."""

    organisation_id: UUID
    assignee_id: UUID | None
    team_id: UUID | None
    due_on: date | None
    note: str | None


Post = tuple[UUID, UUID | None, UUID | None]
"""An organisation, an assignee and a team."""


@dataclass(frozen=True, slots=True)
class Workforce:
    """As far as some posts refer to it: which organisations there are, who inspects for them, and who is in their teams."""

    organisations: frozenset[UUID]
    inspectors: frozenset[tuple[UUID, UUID]]
    teams: Mapping[tuple[UUID, UUID], Sequence[UUID]]

    def holders(self, post: Post) -> frozenset[UUID]:
        """Whose work it is in such a post: the assignee, or whoever may take it."""
        organisation, assignee, team = post
        if assignee is not None:
            return frozenset({assignee})
        return frozenset(self.teams.get((team, organisation), ())) if team is not None else frozenset()


def workforce(session: Session, posts: Collection[Post]) -> Workforce:
    """In a fixed number of queries, however many posts there are."""
    return Workforce(
        frozenset(session.scalars(sa.select(Organisation.id).where(Organisation.id.in_({organisation for organisation, _, _ in posts})))),
        members.inspectors_among(session, {(assignee, organisation) for organisation, assignee, _ in posts if assignee}),
        teams.members_of(session, {(team, organisation) for organisation, _, team in posts if team}),
    )


def check_post(actor: Actor, post: Post, known: Workforce) -> list[Fault]:
    """A reviewer plans for her own organisation, who plans for a municipality for any."""
    organisation, assignee, team = post
    if actor.role is Role.REVIEWER and organisation != actor.organisation_id:
        return [Fault("/organisationId", "not-yours")]
    if organisation not in known.organisations:
        return [Fault("/organisationId", "no-such-reference", {"what": "organisation", "id": organisation})]
    faults = []
    if assignee is not None and (assignee, organisation) not in known.inspectors:
        faults.append(Fault("/assigneeId", "not-an-inspector-there", {"id": assignee}))
    if team is not None and (team, organisation) not in known.teams:
        faults.append(Fault("/teamId", "not-a-team-there", {"id": team}))
    return faults


def assign(session: Session, actor: Actor, inspection_id: UUID, wanted: Assignment, *, expected: int | None) -> Inspection:
    """Say whose work an inspection is. The same again changes nothing, whatever version it is based on. Answers that were written already stay.

    Raises NotAllowed, NotFound, VersionRequired, Stale, InspectionSubmitted, InspectionWithdrawn, RuleViolation.
    """
    require(actor, Right.PLAN_INSPECTIONS)
    inspection = _locked(session, actor, [inspection_id]).get(inspection_id)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if same(inspection, cast("Mapping[str, object]", wanted)):
        return inspection
    check_version(inspection, expected)
    check_open(inspection)
    known = workforce(session, [post_of(inspection), _post(inspection, wanted)])
    faults = check_post(actor, _post(inspection, wanted), known)
    if faults:
        raise RuleViolation(faults)
    _move(session, actor, [inspection], wanted, known)
    return inspection


def assign_each(session: Session, actor: Actor, inspection_ids: Sequence[UUID], wanted: Assignment) -> tuple[list[Result], list[UUID]]:
    """As `assign`, for many at once, each judged by itself, on whatever version it is; the results, and the dwellings of those found. Raises NotAllowed."""
    require(actor, Right.PLAN_INSPECTIONS)
    found = _locked(session, actor, inspection_ids)
    known = workforce(session, {post for each in found.values() for post in (post_of(each), _post(each, wanted))})
    results = [_judge(actor, id, found.get(id), wanted, known) for id in inspection_ids]
    changed = {result.id for result in results if result.outcome is Outcome.CHANGED}
    _move(session, actor, [inspection for id, inspection in found.items() if id in changed], wanted, known)
    return results, [inspection.dwelling_id for inspection in found.values()]


def _judge(actor: Actor, id: UUID, inspection: Inspection | None, wanted: Assignment, known: Workforce) -> Result:
    if inspection is None:
        return refused([Fault("", "no-such-reference", {"what": "inspection", "id": id})], id)
    if same(inspection, cast("Mapping[str, object]", wanted)):
        return Result(Outcome.UNCHANGED, id)
    if inspection.status not in OPEN:
        why = closed(inspection)
        return refused([Fault("", why.code, why.facts)], id)
    faults = check_post(actor, _post(inspection, wanted), known)
    return refused(faults, id) if faults else Result(Outcome.CHANGED, id)


def _move(session: Session, actor: Actor, inspections: Sequence[Inspection], wanted: Assignment, known: Workforce) -> None:
    """Write it, and tell those whose work it was, and those whose work it is now."""
    gone, come, lines = [], [], []
    for inspection in inspections:
        former = post_of(inspection)
        change(session, inspection, cast("Mapping[str, object]", wanted))
        post = post_of(inspection)
        before, after = known.holders(former), known.holders(post)
        moved = former[0] != post[0]
        gone.append((inspection, former[0], before if moved else before - after))
        come.append((inspection, after if moved or inspection.assignee_id is None else after - before))
        lines.append((inspection.id, _details(inspection)))
    audit.record_each(session, actor, "inspection.assigned", "inspection", lines)
    tell_each(session, inspections, "inspection.assigned")
    tell_gone_each(session, gone)
    tell_assigned_each(session, come)


def _details(inspection: Inspection) -> dict[str, Json]:
    ids = {"organisationId": inspection.organisation_id, "assigneeId": inspection.assignee_id, "teamId": inspection.team_id}
    return {**{name: str(id) for name, id in ids.items() if id}, **({"dueOn": inspection.due_on.isoformat()} if inspection.due_on else {})}


def withdraw(session: Session, actor: Actor, inspection_id: UUID, *, reason: str) -> Inspection:
    """Say that nobody need go there any more, and why. Answers that were written already stay. Withdrawing it again changes nothing.

    Raises NotAllowed, NotFound, InspectionSubmitted.
    """
    require(actor, Right.PLAN_INSPECTIONS)
    inspection = _locked(session, actor, [inspection_id]).get(inspection_id)
    if inspection is None:
        raise NotFound(what="inspection", id=inspection_id)
    if inspection.status is InspectionStatus.WITHDRAWN:
        return inspection
    check_open(inspection)
    holders = workforce(session, [post_of(inspection)]).holders(post_of(inspection))
    change(session, inspection, {"status": InspectionStatus.WITHDRAWN, "withdrawal_reason": reason})
    audit.record(session, actor, "inspection.withdrawn", "inspection", inspection_id, details={"reason": reason})
    tell(session, inspection, "inspection.withdrawn")
    if inspection.assignee_id is None:  # an assignee sees that it is withdrawn, and why: she may have written in it
        tell_gone(session, inspection, holders)
    return inspection


def post_of(inspection: Inspection) -> Post:
    return inspection.organisation_id, inspection.assignee_id, inspection.team_id


def _post(inspection: Inspection, wanted: Assignment) -> Post:
    return (
        wanted.get("organisation_id", inspection.organisation_id),
        wanted.get("assignee_id", inspection.assignee_id),
        wanted.get("team_id", inspection.team_id),
    )


def check_open(inspection: Inspection) -> None:
    """Raises InspectionSubmitted, InspectionWithdrawn."""
    if inspection.status not in OPEN:
        raise closed(inspection)


def closed(inspection: Inspection) -> InspectionSubmitted | InspectionWithdrawn:
    """Why an inspection that is not open can't change."""
    withdrawn = inspection.status is InspectionStatus.WITHDRAWN
    return InspectionWithdrawn(reason=inspection.withdrawal_reason) if withdrawn else InspectionSubmitted()


def _locked(session: Session, actor: Actor, ids: Iterable[UUID]) -> dict[UUID, Inspection]:
    """Those of these inspections that the actor sees, locked in the order of their ids so that two planners don't wait for each other."""
    query = sa.select(Inspection).where(Inspection.id.in_(set(ids)), visible_to(actor)).order_by(Inspection.id).with_for_update(key_share=True)
    return {inspection.id: inspection for inspection in session.scalars(query)}
