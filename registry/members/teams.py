"""Teams: inspectors of one organisation who share their work."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, require
from registry.audit import commands as audit
from registry.db import Json
from registry.errors import AlreadyExists, Fault, NotFound, RuleViolation, pointer
from registry.members import queries as members
from registry.members.model import Person, Team, TeamMember
from registry.pages import Page, page_of
from registry.versioned import Outcome, change, check_version

LARGEST_TEAM = 200
"""Inspectors."""


@dataclass(frozen=True, slots=True)
class Colleague:
    person_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class TeamOfInspectors:
    """A team with who is in it now, by name."""

    id: UUID
    organisation_id: UUID
    name: str
    members: tuple[Colleague, ...]
    version: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class NewTeam:
    """``id`` is made by the client, so that sending it again changes nothing."""

    name: str
    member_ids: tuple[UUID, ...] = ()
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Amended:
    """A team after a change, and who came into it and left it by that."""

    team: TeamOfInspectors
    joined: frozenset[UUID] = frozenset()
    left: frozenset[UUID] = frozenset()


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The teams of the organisation; an inspector sees those that she is in."""
    if actor.role is Role.INSPECTOR:
        return Team.id.in_(teams_of(actor.person_id, actor.organisation_id))
    return Team.organisation_id == actor.organisation_id


def teams_of(person_id: object, organisation_id: object) -> sa.Select[UUID]:
    """The teams of an organisation that a person is in: values, or parameters of a query that is composed once."""
    query = sa.select(Team.id).join(TeamMember, TeamMember.team_id == Team.id)
    return query.where(TeamMember.person_id == person_id, Team.organisation_id == organisation_id)


def get(session: Session, actor: Actor, team_id: UUID) -> TeamOfInspectors:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_TEAMS)
    team = session.scalar(sa.select(Team).where(Team.id == team_id, visible_to(actor)))
    if team is None:
        raise NotFound(what="team", id=team_id)
    return _with_members(session, [team])[0]


def list_(session: Session, actor: Actor, *, after: UUID | None, limit: int) -> Page[TeamOfInspectors]:
    """One page in the order of the id. Raises NotAllowed."""
    require(actor, Right.READ_TEAMS)
    query = sa.select(Team).where(visible_to(actor)).order_by(Team.id).limit(limit + 1)
    if after is not None:
        query = query.where(Team.id > after)
    found = _with_members(session, session.scalars(query).all())
    return page_of(found, limit=limit, key=lambda team: str(team.id))


def make(session: Session, actor: Actor, new: NewTeam) -> tuple[TeamOfInspectors, Outcome]:
    """Make a team of the actor's organisation; a client-made id that exists with the same content changes nothing.

    Raises NotAllowed, AlreadyExists, RuleViolation (who is no inspector there today); TeamNameTaken.
    """
    require(actor, Right.MANAGE_TEAMS)
    known = session.scalar(sa.select(Team).where(Team.id == new.id, visible_to(actor))) if new.id else None
    if known is not None:
        team = _with_members(session, [known])[0]
        if (team.name, _ids(team)) == (new.name, frozenset(new.member_ids)):
            return team, Outcome.UNCHANGED
        raise AlreadyExists(what="team", id=new.id)
    _check_members(session, actor, new.member_ids)
    row = Team(organisation_id=actor.organisation_id, name=new.name, recorded_by=actor.person_id, **({"id": new.id} if new.id else {}))
    session.add(row)
    session.flush()
    session.refresh(row)
    _let_in(session, row.id, frozenset(new.member_ids))
    audit.record(session, actor, "team.made", "team", row.id, details={"name": new.name, "memberIds": _told(new.member_ids)})
    return _with_members(session, [row])[0], Outcome.CREATED


def amend(session: Session, actor: Actor, team_id: UUID, *, name: str, member_ids: Collection[UUID], expected: int | None) -> Amended:
    """Say what a team is called and who is in it. Whoever planned work for the team tells the phones: `inspections.team_work.change_team`.

    Raises NotAllowed, NotFound, VersionRequired, Stale, RuleViolation (who is new and no inspector there today); TeamNameTaken.
    """
    require(actor, Right.MANAGE_TEAMS)
    session.execute(_ALONE, {"ids": [team_id]})
    row = session.scalar(sa.select(Team).where(Team.id == team_id, visible_to(actor)).with_for_update(key_share=True))
    if row is None:
        raise NotFound(what="team", id=team_id)
    before = _with_members(session, [row])[0]
    wanted, present = frozenset(member_ids), _ids(before)
    if (row.name, present) == (name, wanted):
        return Amended(before)
    check_version(row, expected)
    joined, left = wanted - present, present - wanted
    _check_members(session, actor, member_ids, only=joined)
    change(session, row, {"name": name})
    session.execute(sa.delete(TeamMember).where(TeamMember.team_id == team_id, TeamMember.person_id.in_(left)))
    _let_in(session, team_id, joined)
    audit.record(session, actor, "team.amended", "team", team_id, details={"name": name, "joined": _told(joined), "left": _told(left)})
    return Amended(_with_members(session, [row])[0], joined, left)


def _told(person_ids: Collection[UUID]) -> list[Json]:
    return [str(person_id) for person_id in sorted(person_ids)]


def _ids(team: TeamOfInspectors) -> frozenset[UUID]:
    return frozenset(member.person_id for member in team.members)


def _let_in(session: Session, team_id: UUID, person_ids: Collection[UUID]) -> None:
    if person_ids:
        session.execute(sa.insert(TeamMember).inline(), [{"team_id": team_id, "person_id": person_id} for person_id in sorted(person_ids)])


def _check_members(session: Session, actor: Actor, member_ids: Collection[UUID], *, only: Collection[UUID] | None = None) -> None:
    """Raises RuleViolation. ``only``: who is asked about, all without it; who was in the team before may stay when her membership has ended."""
    organisation_id = actor.organisation_id
    if organisation_id is None:
        raise RuleViolation([Fault("/organisationId", "required")])
    asked = [person_id for person_id in member_ids if only is None or person_id in only]
    inspectors = members.inspectors_among(session, [(person_id, organisation_id) for person_id in asked])
    wrong = {person_id for person_id in asked if (person_id, organisation_id) not in inspectors}
    faults = [
        Fault(pointer("memberIds", place), "not-an-inspector-there", {"id": person_id}) for place, person_id in enumerate(member_ids) if person_id in wrong
    ]
    if faults:
        raise RuleViolation(faults)


def _with_members(session: Session, teams: Sequence[Team]) -> list[TeamOfInspectors]:
    ids = [team.id for team in teams]
    query = sa.select(TeamMember.team_id, Person.id, Person.name).join_from(TeamMember, Person, Person.id == TeamMember.person_id)
    rows = session.execute(query.where(TeamMember.team_id.in_(ids)).order_by(Person.name, Person.id)).all() if ids else []
    found: dict[UUID, list[Colleague]] = {id: [] for id in ids}
    for row in rows:
        found[row.team_id].append(Colleague(row.id, row.name))
    return [TeamOfInspectors(team.id, team.organisation_id, team.name, tuple(found[team.id]), team.version, team.recorded_at) for team in teams]


def members_of(session: Session, teams: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[UUID]]:
    """Who is in each of these teams, given with the organisation that it is of; also for who plans for another organisation.

    A team that is none of that organisation has no entry; one without members has an empty one. Until the end of the transaction they stay as they are:
    otherwise somebody who joins a team would not be told of the work that it is given at that very moment.
    """
    if not teams:
        return {}
    ids, organisations = (list(column) for column in zip(*sorted(teams), strict=True))
    session.execute(_TOGETHER, {"ids": ids})
    found: dict[tuple[UUID, UUID], list[UUID]] = {}
    for row in session.execute(_MEMBERS_OF, {"ids": ids, "organisations": organisations}):
        found.setdefault((row.team, row.organisation), []).extend([row.member] if row.member else [])
    return found


def _locks(how: str) -> sa.TextClause:
    """By team, in the order of their ids; not of the row, which an inspector may not lock."""
    return sa.text(f"SELECT {how}(hashtextextended('team ' || id, 0)) FROM (SELECT unnest(CAST(:ids AS uuid[]))::text AS id ORDER BY 1) AS team")


_ALONE, _TOGETHER = _locks("pg_advisory_xact_lock"), _locks("pg_advisory_xact_lock_shared")
_MEMBERS_OF = sa.text(
    """
    SELECT asked.team, asked.organisation, member
    FROM unnest(CAST(:ids AS uuid[]), CAST(:organisations AS uuid[])) AS asked (team, organisation)
        LEFT JOIN LATERAL team_members(asked.team, asked.organisation) AS member ON true
    WHERE is_team_of(asked.team, asked.organisation) ORDER BY asked.team, member
    """
)


def named(session: Session, names: Collection[str], organisation_id: UUID) -> dict[str, UUID]:
    """The teams of that organisation with these names; for who plans."""
    return _found(session, "teams_by_name", "called", "team", names, organisation_id)


def inspectors_with(session: Session, emails: Collection[str], organisation_id: UUID) -> dict[str, UUID]:
    """The inspectors of that organisation, today, with these e-mail addresses in lower case; for who plans."""
    return _found(session, "inspectors_by_email", "address", "inspector", emails, organisation_id)


def _found(session: Session, function: str, key: str, value: str, wanted: Collection[str], organisation_id: UUID) -> dict[str, UUID]:
    if not wanted:
        return {}
    query = sa.text(f"SELECT {key}, {value} FROM {function}(CAST(:wanted AS text[]), :organisation_id)")
    return {row[0]: row[1] for row in session.execute(query, {"wanted": sorted(wanted), "organisation_id": organisation_id})}
