"""Who works for whom, and what lets them in: written by administrators, for others, and by people, for themselves."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Oneself, Right, Role, require
from registry.audit import commands as audit
from registry.batch import fresh_ids
from registry.errors import Fault, NotFound, NotYours, RuleViolation
from registry.members import queries
from registry.members.credentials import Secret, new_secret
from registry.members.model import Credential, CredentialKind, EmailTaken, Membership, Person
from registry.members.queries import Member
from registry.members.rules import NewMember, check_member
from registry.organisations import commands as organisations
from registry.organisations.model import Organisation, OrganisationKind
from registry.periods import check_period
from registry.versioned import Outcome, change, check_version

MINISTRY_SLUG = "ministerie-vro"
MINISTRY_NAME = "Ministerie van Volkshuisvesting en Ruimtelijke Ordening"


def take_on(session: Session, actor: Actor, new: NewMember) -> Member:
    """Make somebody a member. A new person gets in by `invite`; one who is known by this e-mail address keeps her name.

    Only the ministry's administrator takes on who works elsewhere already, and then how she signed in is void: e-mail addresses are not verified, so an
    account that another organisation set up may be anybody's. She gets a new link, from the ministry.

    Raises NotAllowed, NotYours, EmailTaken, RuleViolation; at commit MembershipOverlaps.
    """
    require(actor, Right.MANAGE_MEMBERS)
    organisation = _organisation(session, actor, new.organisation_id)
    faults = check_member(new, organisation.kind)
    if faults:
        raise RuleViolation(faults)
    person_id = _known_person(session, actor, new, organisation.id) or _new_person(session, new)
    membership_id = session.scalars(
        sa.insert(Membership)
        .values(person_id=person_id, organisation_id=organisation.id, role=new.role, valid_from=new.valid_from, valid_until=new.valid_until)
        .returning(Membership.id)
    ).one()
    details = {"personId": str(person_id), "organisationId": str(organisation.id), "role": new.role.value, "validFrom": new.valid_from.isoformat()}
    audit.record(session, actor, "member.taken-on", "member", membership_id, details=details)
    return queries.get(session, actor, membership_id)


def _organisation(session: Session, actor: Actor, organisation_id: UUID | None) -> Organisation:
    """The organisation that is to have the member. Raises NotYours, RuleViolation."""
    wanted = organisation_id or actor.organisation_id
    if wanted != actor.organisation_id and not actor.central:
        raise NotYours()
    found = session.get(Organisation, wanted) if wanted else None
    if found is None:
        raise RuleViolation([Fault("/organisationId", "no-such-reference", {"what": "organisation", "id": wanted})])
    return found


def _known_person(session: Session, actor: Actor, new: NewMember, organisation_id: UUID) -> UUID | None:
    """Raises EmailTaken."""
    person_id = queries.person_with(session, new.email)
    if person_id is None or not queries.works_elsewhere(session, person_id, organisation_id):
        return person_id
    if not actor.central:
        raise EmailTaken([Fault("/email", "email-taken")])
    session.execute(sa.select(sa.func.void_access(person_id)))
    audit.record(session, actor, "person.access-voided", "person", person_id)
    return person_id


def _new_person(session: Session, new: NewMember) -> UUID:
    person_id = fresh_ids(session, 1)[0]
    # Without RETURNING: until the membership is there, she is nobody's colleague and so not visible.
    session.execute(sa.insert(Person).values(id=person_id, name=new.name, email=new.email.lower()))
    return person_id


def take_on_ministry_administrator(session: Session, actor: Actor, *, email: str, name: str) -> Member:
    """An administrator of the ministry, which is made when there is none yet. For the command line: somebody must be the first.

    Raises NotAllowed; at commit MembershipOverlaps.
    """
    ministry = session.scalar(sa.select(Organisation.id).where(Organisation.kind == OrganisationKind.MINISTRY).order_by(Organisation.id).limit(1))
    if ministry is None:
        made, _ = organisations.create(session, actor, slug=MINISTRY_SLUG, name=MINISTRY_NAME, kind=OrganisationKind.MINISTRY, municipality_code=None)
        ministry = made.id
    return take_on(session, actor, NewMember(email, name, Role.ADMINISTRATOR, clock.today(), organisation_id=ministry))


def amend(session: Session, actor: Actor, membership_id: UUID, *, valid_from: date, valid_until: date | None, expected: int | None) -> Outcome:
    """Change the period of a membership; from ``valid_until`` on, nothing that rests on it lets anybody in.

    Raises NotAllowed, NotFound, VersionRequired, Stale, RuleViolation; at commit MembershipOverlaps.
    """
    require(actor, Right.MANAGE_MEMBERS)
    membership = session.scalar(sa.select(Membership).where(Membership.id == membership_id, queries.visible_to(actor)).with_for_update(key_share=True))
    if membership is None:
        raise NotFound(what="member", id=membership_id)
    if (membership.valid_from, membership.valid_until) == (valid_from, valid_until):
        return Outcome.UNCHANGED
    check_version(membership, expected)
    faults = check_period(valid_from, valid_until)
    if faults:
        raise RuleViolation(faults)
    change(session, membership, {"valid_from": valid_from, "valid_until": valid_until})
    details = {"validFrom": valid_from.isoformat(), "validUntil": valid_until.isoformat() if valid_until else None}
    audit.record(session, actor, "member.amended", "member", membership_id, details=details)
    return Outcome.CHANGED


def invite(session: Session, actor: Actor, membership_id: UUID) -> Secret:
    """The secret of a link with which a member sets up her account, or chooses a new password when she forgot hers. Only the newest is good, and using it ends
    whatever else let her in as herself.

    Raises NotAllowed, NotFound, NotYours (an administrator can't get hold of the account of a person who works elsewhere too).
    """
    require(actor, Right.MANAGE_MEMBERS)
    member = queries.get(session, actor, membership_id)
    if not actor.central and queries.works_elsewhere(session, member.person_id, member.organisation_id):
        raise NotYours()
    audit.record(session, actor, "member.invited", "member", membership_id)
    return _one_time(session, actor, CredentialKind.SET_UP, member.person_id, None, None if actor.central else member.organisation_id)


def enrol(session: Session, actor: Actor, membership_id: UUID, *, name: str) -> Secret:
    """A one-time code that a phone or program turns into a token for this membership: made by the administrator or by the member herself.

    ``name`` is what the token will be called in lists. Raises NotAllowed, NotFound.
    """
    person_id, organisation_id = _enrolled(session, actor, membership_id)
    audit.record(session, actor, "member.enrolled", "member", membership_id, details={"name": name})
    return _one_time(session, actor, CredentialKind.ENROLMENT, person_id, membership_id, organisation_id, name=name)


def _enrolled(session: Session, actor: Actor, membership_id: UUID) -> tuple[UUID, UUID]:
    """The person and organisation of the membership. Raises NotAllowed, NotFound.

    Her own is the one for which she acts: a token that is good for one membership must not make one for another.
    """
    acting = (Membership.person_id == actor.person_id, Membership.organisation_id == actor.organisation_id, Membership.role == actor.role)
    own = session.execute(sa.select(Membership.person_id, Membership.organisation_id).where(Membership.id == membership_id, *acting)).one_or_none()
    if own is not None:
        return own.person_id, own.organisation_id
    require(actor, Right.MANAGE_MEMBERS)
    member = queries.get(session, actor, membership_id)
    return member.person_id, member.organisation_id


def _one_time(
    session: Session, actor: Actor, kind: CredentialKind, person_id: UUID, membership_id: UUID | None, organisation_id: UUID | None, *, name: str | None = None
) -> Secret:
    secret = new_secret(kind)
    values = {"person_id": person_id, "membership_id": membership_id, "organisation_id": organisation_id, "name": name, "recorded_by": actor.person_id}
    session.execute(sa.insert(Credential).values(kind=kind, digest=secret.digest, expires_at=sa.func.credential_expiry(kind.value, sa.func.now()), **values))
    return secret


def rename_token(session: Session, actor: Actor, token_id: UUID, *, name: str) -> sa.RowMapping:
    """Raises NotFound."""
    queries.token(session, actor, token_id)
    _update(session, token_id, {"name": name})
    audit.record(session, actor, "token.renamed", "token", token_id, details={"name": name})
    return queries.token(session, actor, token_id)


def revoke_token(session: Session, actor: Actor | Oneself, token_id: UUID) -> sa.RowMapping:
    """From now on it lets nobody in; revoking it again changes nothing. Raises NotFound."""
    found = queries.token(session, actor, token_id)
    if found["revoked_at"] is None:
        _update(session, token_id, {"revoked_at": clock.now()})
        audit.record(session, actor, "token.revoked", "token", token_id)
    return queries.token(session, actor, token_id)


def _update(session: Session, credential_id: UUID, values: dict[str, object]) -> None:
    session.execute(sa.update(Credential).where(Credential.id == credential_id).values(values).execution_options(synchronize_session=False))
