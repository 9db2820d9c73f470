"""May they? Roles, rights, and the actor in whose name something happens.

The rights of a role stand in one table. What an actor may *see* is part of each query, by the organisation the actor acts for.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from registry.errors import NotAllowed


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
    READ_AUDIT = "read-audit"
    MANAGE_REFERENCE = "manage-reference"
    MANAGE_PROJECTS = "manage-projects"
    REGISTER_DWELLINGS = "register-dwellings"
    REPORT_PROGRESS = "report-progress"
    CONFIRM_PROGRESS = "confirm-progress"
    PLAN_INSPECTIONS = "plan-inspections"
    INSPECT = "inspect"


_EVERYONE = frozenset({Right.READ_REFERENCE})
_CONTENT = frozenset({Right.READ_DWELLINGS, Right.READ_PROGRESS, Right.READ_INSPECTIONS, Right.READ_CHANGES})

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.INSPECTOR: _EVERYONE | {Right.READ_DWELLINGS, Right.READ_INSPECTIONS, Right.READ_CHANGES, Right.INSPECT},
    Role.REVIEWER: _EVERYONE | _CONTENT | {Right.PLAN_INSPECTIONS},
    Role.CORPORATION_EDITOR: _EVERYONE | _CONTENT | {Right.REGISTER_DWELLINGS, Right.MANAGE_PROJECTS, Right.REPORT_PROGRESS, Right.READ_TALLIES},
    Role.MUNICIPALITY_EDITOR: _EVERYONE
    | _CONTENT
    | {Right.REGISTER_DWELLINGS, Right.MANAGE_PROJECTS, Right.REPORT_PROGRESS, Right.CONFIRM_PROGRESS, Right.PLAN_INSPECTIONS, Right.READ_TALLIES},
    Role.MINISTRY_ANALYST: _EVERYONE | {Right.READ_TALLIES},
    Role.MINISTRY_AUDITOR: _EVERYONE | _CONTENT | {Right.READ_TALLIES, Right.READ_AUDIT},
    Role.ADMINISTRATOR: _EVERYONE | {Right.MANAGE_REFERENCE, Right.READ_AUDIT},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation, in which role, in which request."""

    person_id: UUID
    organisation_id: UUID | None
    role: Role
    request_id: str
    municipality_code: str | None = None
    """Of the organisation, when that is a municipality."""
    trace_id: str | None = None
    """W3C Trace Context of the request, 32 hexadecimal digits; it links the audit log and the processing log."""
    reason: str | None = None
    """Why, in words of the person who acts, where one was asked for."""


def may(actor: Actor, right: Right) -> bool:
    return right in RIGHTS[actor.role]


def require(actor: Actor, right: Right) -> None:
    """Raises NotAllowed."""
    if not may(actor, right):
        raise NotAllowed(role=actor.role.value, right=right.value)


def the_system(request_id: str) -> Actor:
    """The register itself, for what a command line or a job does in nobody's name."""
    return Actor(UUID(int=0), None, Role.ADMINISTRATOR, request_id)
