"""People, memberships and credentials.

A *person* exists once, however many organisations she works for. A *membership* is one role in one organisation for a period. A *credential* is
anything that proves who somebody is; the register keeps its digest only, so nobody who reads the table can sign in with what stands there.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.access import Role
from registry.db import NEW_ID, RECORDED_NOW, Base, explains, one_of
from registry.errors import AlreadyExists, Conflict
from registry.versioned import Versioned


class CredentialKind(StrEnum):
    IDENTITY = "identity"
    """A subject of an OpenID Connect provider."""
    SESSION = "session"
    """A browser that is signed in."""
    TOKEN = "token"  # noqa: S105
    """A phone or a program."""
    ENROLMENT = "enrolment"
    """A code that becomes a token, once."""
    SET_UP = "set-up"
    """A link with which a person chooses a password or connects her account at the provider, once."""


class MembershipOverlaps(Conflict):
    """The person has this role in this organisation already in part of that period."""

    code = "membership-overlaps"


class EmailTaken(Conflict):
    """Whoever has this e-mail address works for another organisation already."""

    code = "email-taken"


class IdentityTaken(Conflict):
    """This account at the provider belongs to a person of the register already."""

    code = "identity-taken"


class TeamNameTaken(Conflict):
    """The organisation has another team with this name."""

    code = "team-name-taken"


class Person(Versioned, Base):
    __tablename__ = "person"
    __table_args__ = (sa.UniqueConstraint("email"), sa.CheckConstraint("email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    name: Mapped[str]
    email: Mapped[str]


class Membership(Versioned, Base):
    """From ``valid_from`` until the day before ``valid_until``, or for as long as that is empty."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        ExcludeConstraint(
            ("person_id", "="),
            ("organisation_id", "="),
            ("role", "="),
            (sa.text("daterange(valid_from, valid_until)"), "&&"),
            name="ex_membership_one_at_a_time",
        ),
        sa.Index("ix_membership_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    role: Mapped[Role] = mapped_column(one_of(Role, "role"))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]


class Credential(Base):
    """``digest`` is the SHA-256 of what is presented; ``membership_id`` is empty when it serves for each membership of the person.

    ``organisation_id`` is that of the membership, or of the administrator who made a one-time credential. ``used_at`` is when a one-time credential
    was used up.
    """

    __tablename__ = "credential"
    __table_args__ = (
        # An account at the provider that was let go can be connected again.
        sa.Index("uq_credential_digest", "digest", unique=True, postgresql_where=sa.text("revoked_at IS NULL")),
        sa.CheckConstraint("length(digest) = 32", name="digest"),
        sa.Index("ix_credential_person_id", "person_id", "id"),
        sa.Index("ix_credential_organisation_id", "organisation_id", "id"),
        sa.Index("ix_credential_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    kind: Mapped[CredentialKind] = mapped_column(one_of(CredentialKind, "kind"))
    digest: Mapped[bytes]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    membership_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("membership.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organisation.id"))
    name: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Password(Base):
    """The argon2id hash of the password that a person with a local account has now."""

    __tablename__ = "password"

    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    hash: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)


class Team(Versioned, Base):
    """Inspectors of one organisation who share their work: any of them may take an inspection that is planned for the team."""

    __tablename__ = "team"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    name: Mapped[str]
    recorded_by: Mapped[UUID]


class TeamMember(Base):
    """A person in a team now; who joined and left when stands in the audit log."""

    __tablename__ = "team_member"
    __table_args__ = (sa.Index("ix_team_member_person_id", "person_id"),)

    team_id: Mapped[UUID] = mapped_column(sa.ForeignKey("team.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)


explains("uq_person_email", lambda: EmailTaken())
explains("pk_team", lambda: AlreadyExists(what="team", id="id"))
explains("uq_team_organisation_id_name", lambda: TeamNameTaken())
explains("uq_credential_digest", lambda: IdentityTaken())
explains("ex_membership_one_at_a_time", lambda: MembershipOverlaps())
