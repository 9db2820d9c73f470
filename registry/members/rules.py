"""What memberships and passwords must satisfy. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from registry.access import Role
from registry.errors import Fault
from registry.organisations.model import OrganisationKind
from registry.periods import check_period

SHORTEST_PASSWORD = 12
"""Characters. Length is what makes a password strong; which characters it has is left to its owner (NIST SP 800-63B)."""
LONGEST_PASSWORD = 128
FEWEST_DIFFERENT = 5
"""Characters."""
SHORTEST_WORD = 3
"""Characters of a name that is worth looking for."""

ROLES: Mapping[OrganisationKind, frozenset[Role]] = {
    OrganisationKind.MINISTRY: frozenset({Role.MINISTRY_ANALYST, Role.MINISTRY_AUDITOR, Role.ADMINISTRATOR}),
    OrganisationKind.MUNICIPALITY: frozenset({Role.MUNICIPALITY_EDITOR, Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR}),
    OrganisationKind.CORPORATION: frozenset({Role.CORPORATION_EDITOR, Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR}),
    OrganisationKind.INSPECTION_BODY: frozenset({Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR}),
}
"""The roles that mean something in each kind of organisation: what a role may see follows from its organisation."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody who is to work for an organisation. ``organisation_id`` is that of the administrator unless the ministry's says otherwise."""

    email: str
    name: str
    role: Role
    valid_from: date
    valid_until: date | None = None
    organisation_id: UUID | None = None


def check_member(member: NewMember, kind: OrganisationKind) -> list[Fault]:
    faults = check_period(member.valid_from, member.valid_until)
    if member.role not in ROLES[kind]:
        faults.append(Fault("/role", "role-elsewhere", {"role": member.role.value, "kind": kind.value}))
    return faults


def check_password(password: str, *, about: str) -> list[Fault]:
    """``about`` is what others know of the person: her name and e-mail address."""
    faults = []
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        faults.append(Fault("/newPassword", "password-length", {"min": SHORTEST_PASSWORD, "max": LONGEST_PASSWORD}))
    if len(set(password.lower())) < FEWEST_DIFFERENT or _mostly(password.lower(), about.lower()):
        faults.append(Fault("/newPassword", "password-guessable"))
    return faults


def _mostly(password: str, about: str) -> bool:
    """The password is little more than words of ``about``, or an address in it as a whole."""
    rest = password
    for word in sorted({*about.split(), *about.replace("@", " ").replace(".", " ").split()}, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) >= SHORTEST_WORD else rest
    return rest != password and len(rest) < SHORTEST_PASSWORD // 2
