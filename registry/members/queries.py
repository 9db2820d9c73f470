"""Reading members, and the credentials that belong to them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Oneself, Right, Role, require
from registry.db import Base
from registry.errors import NotFound
from registry.members.model import Credential, CredentialKind, Membership, Person
from registry.pages import Page, page_of
from registry.periods import holds_on

SHOWN = tuple(column for column in Credential.__table__.columns if column.name != "digest")
"""The API's role can't read digests."""
MOST_OWN_TOKENS = 100
"""Shown at once."""


@dataclass(frozen=True, slots=True)
class Member:
    """A membership with the person whose it is."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    organisation_id: UUID
    role: Role
    valid_from: date
    valid_until: date | None
    version: int
    recorded_at: datetime


_COLUMNS = (
    Membership.id,
    Membership.person_id,
    Person.name,
    Person.email,
    Membership.organisation_id,
    Membership.role,
    Membership.valid_from,
    Membership.valid_until,
    Membership.version,
    Membership.recorded_at,
)
_MEMBERS = sa.select(*_COLUMNS).join_from(Membership, Person, Person.id == Membership.person_id)


def person_with(session: Session, email: str) -> UUID | None:
    """The person with this e-mail address; for administrators and the command line."""
    found: UUID | None = session.scalar(sa.select(sa.func.person_by_email(email.lower())))
    return found


def works_elsewhere(session: Session, person_id: UUID, organisation_id: UUID) -> bool:
    """Whether the person is, was or will be a member of another organisation too."""
    return bool(session.scalar(sa.select(sa.func.works_elsewhere(person_id, organisation_id))))


def is_there_anybody(session: Session) -> bool:
    """Whether anybody has ever been a member; for the first start."""
    return session.scalar(sa.select(Membership.id).limit(1)) is not None


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The members of the actor's organisation; the administrator of the ministry sees those of all."""
    if actor.role is Role.ADMINISTRATOR and actor.central:
        return sa.true()
    return Membership.organisation_id == actor.organisation_id


def get(session: Session, actor: Actor, membership_id: UUID) -> Member:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_MEMBERS)
    row = session.execute(_MEMBERS.where(Membership.id == membership_id, visible_to(actor))).mappings().one_or_none()
    if row is None:
        raise NotFound(what="member", id=membership_id)
    return Member(**row)


def list_(session: Session, actor: Actor, *, role: Role | None, organisation_id: UUID | None, after: UUID | None, limit: int) -> Page[Member]:
    """One page in the order of the id, memberships that have ended included. Raises NotAllowed."""
    require(actor, Right.READ_MEMBERS)
    query = _MEMBERS.where(visible_to(actor)).order_by(Membership.id).limit(limit + 1)
    for column, wanted in ((Membership.role, role), (Membership.organisation_id, organisation_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(Membership.id > after)
    return page_of([Member(**row) for row in session.execute(query).mappings()], limit=limit, key=lambda member: str(member.id))


def held_by(session: Session, person_id: UUID) -> Sequence[sa.RowMapping]:
    """The memberships that hold today, with the slug, name and kind of their organisation. For the person herself."""
    organisation = Base.metadata.tables["organisation"]
    query = (
        sa.select(Membership.id, Membership.role, Membership.organisation_id, organisation.c.slug, organisation.c.name)
        .join_from(Membership, organisation, organisation.c.id == Membership.organisation_id)
        .where(Membership.person_id == person_id, holds_on(Membership, clock.today()))
    )
    return session.execute(query.order_by(organisation.c.name, Membership.role).limit(50)).mappings().all()


def person(session: Session, person_id: UUID) -> Person:
    """For the person herself."""
    return session.scalars(sa.select(Person).where(Person.id == person_id)).one()


def own_tokens(session: Session, person_id: UUID) -> Sequence[sa.RowMapping]:
    """The phones and programs that are let in for this person now, the newest first. For the person herself."""
    query = sa.select(*SHOWN).where(
        Credential.kind == CredentialKind.TOKEN, Credential.person_id == person_id, Credential.revoked_at.is_(None), Credential.expires_at > clock.now()
    )
    return session.execute(query.order_by(Credential.id.desc()).limit(MOST_OWN_TOKENS)).mappings().all()


def credentials_visible_to(actor: Actor | Oneself) -> sa.ColumnElement[bool]:
    """A person's own, and when she acts for an organisation those for that one only; for an administrator those of the whole organisation."""
    if isinstance(actor, Oneself):
        return Credential.person_id == actor.person_id
    if actor.role is Role.ADMINISTRATOR:
        return sa.true() if actor.central else Credential.organisation_id == actor.organisation_id
    return sa.and_(Credential.person_id == actor.person_id, Credential.organisation_id == actor.organisation_id)


def tokens(session: Session, actor: Actor, *, after: UUID | None, limit: int) -> Page[sa.RowMapping]:
    """Device tokens, one page in the order of the id, revoked and expired ones included."""
    query = sa.select(*SHOWN).where(Credential.kind == CredentialKind.TOKEN, credentials_visible_to(actor)).order_by(Credential.id).limit(limit + 1)
    if after is not None:
        query = query.where(Credential.id > after)
    return page_of(session.execute(query).mappings().all(), limit=limit, key=lambda row: str(row["id"]))


def token(session: Session, actor: Actor | Oneself, token_id: UUID) -> sa.RowMapping:
    """Raises NotFound."""
    query = sa.select(*SHOWN).where(Credential.id == token_id, Credential.kind == CredentialKind.TOKEN, credentials_visible_to(actor))
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(what="token", id=token_id)
    return row


def inspectors_among(session: Session, asked: Collection[tuple[UUID, UUID]]) -> frozenset[tuple[UUID, UUID]]:
    """Those of these people, each with an organisation, who are an inspector of it today; also asked by those who plan for another organisation."""
    if not asked:
        return frozenset()
    people, organisations = (sa.cast(list(ids), sa.ARRAY(sa.Uuid)) for ids in zip(*sorted(set(asked)), strict=True))
    pair = sa.func.unnest(people, organisations).table_valued(sa.column("person_id", sa.Uuid), sa.column("organisation_id", sa.Uuid)).render_derived()
    query = sa.select(pair.c.person_id, pair.c.organisation_id).where(sa.func.works_as(pair.c.person_id, pair.c.organisation_id, Role.INSPECTOR.value))
    return frozenset((row.person_id, row.organisation_id) for row in session.execute(query))
