"""May they? Roles, rights, and the actor in whose name something happens.

The rights of a role stand in one table. What an actor may *see* is part of each query, by the organisation the actor acts for, and of row-level
security (migration 0007), which is told who acts for each transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from registry.db import NOBODY
from registry.errors import Fault, NotAllowed, RuleViolation


class Role(StrEnum):
    INSPECTOR = "inspector"
    REVIEWER = "reviewer"
    CORPORATION_EDITOR = "corporation-editor"
    MUNICIPALITY_EDITOR = "municipality-editor"
    MINISTRY_ANALYST = "ministry-analyst"
    MINISTRY_AUDITOR = "ministry-auditor"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    READ_REFERENCE = "read-reference"
    """Municipalities, focus areas, organisations, schemes, projects, checklists, definitions: nothing personal."""
    READ_DWELLINGS = "read-dwellings"
    READ_PROGRESS = "read-progress"
    READ_INSPECTIONS = "read-inspections"
    READ_TALLIES = "read-tallies"
    READ_CHANGES = "read-changes"
    MANAGE_REFERENCE = "manage-reference"
    MANAGE_PROJECTS = "manage-projects"
    REGISTER_DWELLINGS = "register-dwellings"
    REPORT_PROGRESS = "report-progress"
    CONFIRM_PROGRESS = "confirm-progress"
    PLAN_INSPECTIONS = "plan-inspections"
    INSPECT = "inspect"
    REVIEW_INSPECTIONS = "review-inspections"
    READ_HAZARDS = "read-hazards"
    RECORD_HAZARDS = "record-hazards"
    READ_TEAMS = "read-teams"
    MANAGE_TEAMS = "manage-teams"
    READ_SHARES = "read-shares"
    """Which links to a photo were given out to people outside the register, by whom and why; never the links themselves."""
    SHARE_PHOTOS = "share-photos"
    """Give out such links, and end them."""
    READ_PORTFOLIOS = "read-portfolios"
    MANAGE_PORTFOLIOS = "manage-portfolios"
    RECORD_SUCCESSIONS = "record-successions"
    """Say which dwellings of one's municipality ended, and which came in their place."""
    READ_IMPORTS = "read-imports"
    """The files that one's organisation sent, what became of each row and what was wrong with it."""
    IMPORT_BAG = "import-bag"
    """Send a BAG extract for the dwellings of one's municipality."""
    SEND_IMPORTS = "send-imports"
    """Send such a file, apply and undo it; each kind asks besides for the right to do by itself what its rows say."""
    READ_MEMBERS = "read-members"
    MANAGE_MEMBERS = "manage-members"
    MANAGE_WEBHOOKS = "manage-webhooks"
    """Which systems of one's organisation are told what changed, and what was delivered there."""
    READ_HISTORY = "read-history"
    """Who did what: to an object that one sees; for an administrator in the organisation, for an auditor everywhere."""


_EVERYONE = frozenset({Right.READ_REFERENCE})
_CONTENT = frozenset({Right.READ_DWELLINGS, Right.READ_PROGRESS, Right.READ_INSPECTIONS, Right.READ_SHARES, Right.READ_CHANGES, Right.READ_HISTORY})
_IMPORTS = frozenset({Right.READ_IMPORTS, Right.SEND_IMPORTS})
_EDITS = frozenset({Right.REGISTER_DWELLINGS, Right.REPORT_PROGRESS, Right.READ_TALLIES, Right.READ_PORTFOLIOS}) | _IMPORTS
_HAZARDS = frozenset({Right.READ_HAZARDS, Right.RECORD_HAZARDS})
"""Of those who go there, and of those who send them."""

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.INSPECTOR: _EVERYONE
    | _HAZARDS
    | {Right.READ_DWELLINGS, Right.READ_INSPECTIONS, Right.READ_CHANGES, Right.READ_HISTORY, Right.INSPECT}
    | {Right.READ_TEAMS},
    Role.REVIEWER: _EVERYONE
    | _CONTENT
    | _HAZARDS
    | {Right.PLAN_INSPECTIONS, Right.REVIEW_INSPECTIONS, Right.READ_TEAMS, Right.MANAGE_TEAMS, Right.SHARE_PHOTOS, Right.READ_MEMBERS},
    Role.CORPORATION_EDITOR: _EVERYONE | _CONTENT | _EDITS,
    Role.MUNICIPALITY_EDITOR: _EVERYONE
    | _CONTENT
    | _EDITS
    | _HAZARDS
    | {Right.CONFIRM_PROGRESS, Right.MANAGE_PROJECTS, Right.PLAN_INSPECTIONS, Right.REVIEW_INSPECTIONS, Right.SHARE_PHOTOS, Right.MANAGE_PORTFOLIOS}
    | {Right.READ_MEMBERS, Right.READ_TEAMS, Right.RECORD_SUCCESSIONS, Right.IMPORT_BAG},
    Role.MINISTRY_ANALYST: _EVERYONE | {Right.READ_TALLIES},
    Role.MINISTRY_AUDITOR: _EVERYONE | _CONTENT | {Right.READ_TALLIES, Right.READ_PORTFOLIOS, Right.READ_HAZARDS, Right.READ_IMPORTS},
    Role.ADMINISTRATOR: _EVERYONE | {Right.READ_MEMBERS, Right.MANAGE_MEMBERS, Right.READ_HISTORY, Right.MANAGE_WEBHOOKS},
}
OF_THE_MINISTRY = frozenset({Right.MANAGE_REFERENCE})
"""What an administrator may besides, when the organisation is the ministry: it keeps the lists that everyone reads."""
EXPLAINED = frozenset(
    {
        Right.READ_DWELLINGS,
        Right.READ_PROGRESS,
        Right.READ_INSPECTIONS,
        Right.READ_SHARES,
        Right.READ_CHANGES,
        Right.READ_HISTORY,
        Right.READ_PORTFOLIOS,
        Right.READ_HAZARDS,
        Right.READ_IMPORTS,
    }
)
"""Rights that an auditor uses for a reason only, which is kept."""


class ReasonRequired(RuleViolation):
    """An auditor looks at what is not hers and has not said why."""

    code = "reason-required"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation, in which role, in which request, and why when that must be said."""

    person_id: UUID
    organisation_id: UUID | None
    role: Role
    request_id: str
    municipality_code: str | None = None
    """Of the organisation, when that is a municipality."""
    central: bool = False
    """The organisation is the ministry."""
    trace_id: str | None = None
    """W3C Trace Context of the request, 32 hexadecimal digits; it links the audit log and the processing log."""
    reason: str | None = None
    """Why, in words of the person who acts, where one was asked for."""
    device_id: UUID | None = None
    """The credential of the phone or the program that she acts with; None in a browser."""

    @property
    def claims(self) -> Mapping[str, str]:
        """What row-level security is told (`registry.db`)."""
        return {
            "person": str(self.person_id),
            "organisation": "" if self.organisation_id is None else str(self.organisation_id),
            "role": self.role.value,
            "municipality": self.municipality_code or "",
            "central": str(self.central).lower(),
            "reason": self.reason or "",
        }

    @property
    def role_name(self) -> str:
        return self.role.value

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self.role] | (OF_THE_MINISTRY if self.role is Role.ADMINISTRATOR and self.central else frozenset())


@dataclass(frozen=True, slots=True)
class Oneself:
    """A person who has proved who she is and acts for no organisation: she signs in, chooses a password, manages her phones."""

    person_id: UUID
    request_id: str
    organisation_id: None = None
    trace_id: str | None = None
    reason: None = None

    @property
    def role_name(self) -> str:
        return "oneself"

    @property
    def claims(self) -> Mapping[str, str]:
        return {**NOBODY, "person": str(self.person_id)}


def may(actor: Actor, right: Right) -> bool:
    return right in actor.rights


def require(actor: Actor, right: Right) -> None:
    """Raises NotAllowed, ReasonRequired."""
    if not may(actor, right):
        raise NotAllowed(role=actor.role.value, right=right.value)
    if actor.role is Role.MINISTRY_AUDITOR and right in EXPLAINED and not actor.reason:
        raise ReasonRequired([Fault("Reason", "reason-required")])


def the_system(request_id: str) -> Actor:
    """The register itself, for what a command line or a job does in nobody's name."""
    return Actor(UUID(int=0), None, Role.ADMINISTRATOR, request_id, central=True)
