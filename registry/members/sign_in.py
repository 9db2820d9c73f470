"""Who is there: from what is presented to who acts, and the ways in which a person gets in.

A bearer token, a session or an identity at a provider is looked up by its digest in PostgreSQL (`authenticate`, migration 0007), at each request, so
that whatever is revoked or has ended lets nobody in from then on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import db
from registry.access import Actor, Oneself, Role
from registry.audit import commands as audit
from registry.errors import Fault, NotAllowed, NotAuthenticated, RuleViolation
from registry.members import queries
from registry.members.credentials import Secret, digest_of, hash_password, new_secret, outdated, password_matches
from registry.members.model import Credential, CredentialKind, Person
from registry.members.rules import check_password

KEPT_FOR = timedelta(days=30)
"""What has ended, for whoever wonders what happened."""


class NoMembership(NotAllowed):
    """The person is known and works for nobody today."""

    code = "no-membership"


class MembershipNotChosen(NotAllowed):
    """The person has several memberships and has not said for which one she acts."""

    code = "membership-not-chosen"


class WrongPassword(NotAuthenticated):
    """No such account, or another password: which of the two is not told."""

    code = "wrong-password"


class CodeNotValid(NotAuthenticated):
    """The code is unknown, was used, or has expired: which of them is not told."""

    code = "code-not-valid"


@dataclass(frozen=True, slots=True)
class Membership:
    """What of a membership decides who acts."""

    id: UUID
    organisation_id: UUID
    role: Role
    municipality_code: str | None
    central: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """What a good credential stands for: a person, and the memberships for which it may be used now."""

    credential_id: UUID
    kind: CredentialKind
    person_id: UUID
    memberships: Sequence[Membership]

    @property
    def membership_ids(self) -> frozenset[UUID]:
        return frozenset(membership.id for membership in self.memberships)

    def acting(self, request_id: str, *, trace_id: str | None = None, reason: str | None = None) -> Actor:
        """Raises NoMembership, MembershipNotChosen."""
        if not self.memberships:
            raise NoMembership(role="-", right="-")
        if len(self.memberships) > 1:
            raise MembershipNotChosen(role="-", right="-")
        (one,) = self.memberships
        device = self.credential_id if self.kind is CredentialKind.TOKEN else None
        return Actor(self.person_id, one.organisation_id, one.role, request_id, one.municipality_code, one.central, trace_id, reason, device)


_AUTHENTICATE = "SELECT * FROM authenticate(%(digest)s, %(wanted)s)"


def authenticate(digest: bytes, *, membership_id: UUID | None = None) -> Presented:
    """``membership_id`` is the one that the person wants to act for. Raises NotAuthenticated, Unavailable."""
    return _presented(db.ask(_AUTHENTICATE, {"digest": digest, "wanted": membership_id}))


def _presented(rows: Sequence[sa.Row[Any]]) -> Presented:
    """Raises NotAuthenticated."""
    if not rows:
        raise NotAuthenticated()
    memberships = [
        Membership(row.membership_id, row.organisation_id, Role(row.role), row.municipality_code, row.central) for row in rows if row.membership_id is not None
    ]
    return Presented(rows[0].credential_id, CredentialKind(rows[0].kind), rows[0].person_id, memberships)


def by_password(email: str, password: str, *, request_id: str) -> Secret:
    """A browser's session of the person with this local account; nothing is told about which accounts there are. Raises WrongPassword, Unavailable.

    The password is compared before a transaction begins, because that takes long; whoever changed it meanwhile has let the comparison lapse.
    """
    with db.reading() as session:
        account = None if "\0" in email else _account(session, email)
    if not password_matches(account.hash if account else None, password) or account is None:
        raise WrongPassword()
    herself = Oneself(account.person_id, request_id)
    with db.transaction(herself) as session:
        if _account(session, email) != account:
            raise WrongPassword()
        if outdated(account.hash):
            _keep(session, herself, password)
        return _begin_session(session, herself)


def by_identity(digest: bytes, *, request_id: str) -> Secret:
    """A browser's session of the person to whom this account at the provider is connected. Raises NotAuthenticated, Unavailable."""
    with db.transaction() as session:
        herself = Oneself(_identified(session, digest), request_id)
        db.act(session, herself)
        secret = _begin_session(session, herself)
        # It may have waited for somebody who voided this very way in.
        _identified(session, digest)
        return secret


def _identified(session: Session, digest: bytes) -> UUID:
    """Raises NotAuthenticated."""
    return _presented(session.connection().exec_driver_sql(_AUTHENTICATE, {"digest": digest, "wanted": None}).all()).person_id


def _begin_session(session: Session, herself: Oneself) -> Secret:
    """A browser's session, for every membership of the person; ``session`` acts for her."""
    return _begin(session, herself, CredentialKind.SESSION)[1]


def end_session(session: Session, presented: Presented, *, request_id: str) -> None:
    session.execute(
        sa.update(Credential).where(Credential.id == presented.credential_id).values(revoked_at=sa.func.now()).execution_options(synchronize_session=False)
    )
    audit.record(session, Oneself(presented.person_id, request_id), "session.ended", "session", presented.credential_id)


def redeem_enrolment(code: str, *, name: str | None, request_id: str) -> tuple[UUID, Secret]:
    """Turn a one-time enrolment code into a device token: its id, and the token. Of two at the same moment one gets it. Raises CodeNotValid."""
    with _redeemed(code, CredentialKind.ENROLMENT, request_id) as (session, herself, found):
        names = {"membership_id": found.membership_id, "organisation_id": found.organisation_id, "name": name or found.name}
        return _begin(session, herself, CredentialKind.TOKEN, **names)


def set_up(code: str, password: str, *, request_id: str) -> Secret:
    """Choose the first password, or a new one, with the one-time link that an administrator made; a browser's session begins.

    Raises CodeNotValid, RuleViolation.
    """
    with _redeemed(code, CredentialKind.SET_UP, request_id) as (session, herself, _):
        _keep(session, herself, password)
        return _begin_session(session, herself)


def connect_identity(code: str, digest: bytes, *, request_id: str) -> Secret:
    """Let a person at an OpenID provider be the one for whom an administrator made this one-time link; a browser's session begins.

    Raises CodeNotValid, IdentityTaken.
    """
    with _redeemed(code, CredentialKind.SET_UP, request_id) as (session, herself, _):
        values = {"kind": CredentialKind.IDENTITY, "digest": digest, "person_id": herself.person_id, "recorded_by": herself.person_id}
        session.execute(sa.insert(Credential).values(values))
        audit.record(session, herself, "identity.connected", "person", herself.person_id)
        return _begin_session(session, herself)


def forget_before(session: Session, moment: datetime) -> int:
    """Drop sessions and one-time secrets that ended before ``moment``; returns how many. Tokens stay in the lists of their owners."""
    ended = (Credential.kind.in_([CredentialKind.SESSION, CredentialKind.ENROLMENT, CredentialKind.SET_UP]), Credential.expires_at < moment)
    return int(session.execute(sa.delete(Credential).where(*ended)).rowcount)  # type: ignore[attr-defined]


def change_password_and_go_on(session: Session, herself: Oneself, *, current: str, new: str) -> Secret:
    """As `change_password`, for a browser, which gets a new session. Raises RuleViolation."""
    change_password(session, herself, current=current, new=new)
    return _begin_session(session, herself)


def change_password(session: Session, herself: Oneself, *, current: str, new: str) -> None:
    """Every session of the person ends. Raises RuleViolation."""
    person = queries.person(session, herself.person_id)
    account = _account(session, person.email)
    right = account is not None and password_matches(account.hash, current)
    faults = [] if right else [Fault("/currentPassword", "current-password-wrong")]
    faults += _faults(person, new)
    if faults:
        raise RuleViolation(faults)
    _change(session, herself, new)


def has_password(session: Session, email: str) -> bool:
    """Whether the person with this address signs in with a password."""
    return _account(session, email) is not None


def _account(session: Session, email: str) -> sa.Row[tuple[UUID, str]] | None:
    return session.execute(sa.text("SELECT person_id, hash FROM local_account(:address)"), {"address": email.strip().lower()}).one_or_none()


@contextmanager
def _redeemed(code: str, kind: CredentialKind, request_id: str) -> Iterator[tuple[Session, Oneself, sa.Row[tuple[UUID, UUID | None, UUID | None, str | None]]]]:
    """A transaction that uses the code up and goes on in the name of its person; when that fails the code is as good as before."""
    query = sa.text("SELECT person_id, membership_id, organisation_id, name FROM redeem(:digest, :kind)")
    with db.transaction() as session:
        found = session.execute(query, {"digest": digest_of(code), "kind": kind.value}).one_or_none()
        if found is None:
            raise CodeNotValid()
        herself = Oneself(found.person_id, request_id)
        db.act(session, herself)
        yield session, herself, found


def _begin(
    session: Session,
    herself: Oneself,
    kind: CredentialKind,
    *,
    membership_id: UUID | None = None,
    organisation_id: UUID | None = None,
    name: str | None = None,
) -> tuple[UUID, Secret]:
    secret = new_secret(kind)
    values = {
        "kind": kind,
        "digest": secret.digest,
        "person_id": herself.person_id,
        "membership_id": membership_id,
        "organisation_id": organisation_id,
        "name": name,
        "recorded_by": herself.person_id,
        "expires_at": sa.func.credential_expiry(kind.value, sa.func.now()),
    }
    credential_id = session.scalars(sa.insert(Credential).values(values).returning(Credential.id)).one()
    audit.record(session, herself, f"{kind.value}.begun", kind.value, credential_id, details={"name": name})
    return credential_id, secret


def _keep(session: Session, herself: Oneself, password: str) -> None:
    """Raises RuleViolation."""
    faults = _faults(queries.person(session, herself.person_id), password)
    if faults:
        raise RuleViolation(faults)
    _change(session, herself, password)


def _faults(person: Person, password: str) -> list[Fault]:
    return check_password(password, about=f"{person.name} {person.email}")


def _change(session: Session, herself: Oneself, password: str) -> None:
    session.execute(sa.select(sa.func.change_password(herself.person_id, hash_password(password))))
    audit.record(session, herself, "password.changed", "person", herself.person_id)
