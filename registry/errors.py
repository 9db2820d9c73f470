"""What can go wrong, in the register's words. HTTP is added in one place, ``api/problems.py``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from registry.messages import Language, text


@dataclass(frozen=True, slots=True)
class Cell:
    """A place in a file of rows. ``row`` counts as a spreadsheet does, so that the header is row 1; ``column`` is the header's own word, empty for a whole row;
    ``name`` is what a spreadsheet calls it: F417, or 417 for a whole row.
    """

    row: int
    column: str
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one place in the input.

    ``pointer`` is a JSON pointer (RFC 6901) into the body, or the name of a query parameter or header; ``facts`` fill the sentence of ``code``.
    ``cell`` is the place in a body that is a file of rows.
    """

    pointer: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    cell: Cell | None = None

    def text(self, language: Language) -> str:
        return text(self.code, language, self.facts)

    def below(self, prefix: str) -> "Fault":
        """The same fault, seen from a document that holds this one at ``prefix``."""
        return Fault(prefix + self.pointer, self.code, self.facts, self.cell)


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) to the place that ``parts`` lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


class RegistryError(Exception):
    """Anything the register refuses. ``code`` is public and never changes; ``facts`` help the caller; ``faults`` are complete."""

    code: ClassVar[str]

    def __init__(self, faults: Sequence[Fault] = (), **facts: object) -> None:
        self.faults = tuple(faults)
        self.facts: dict[str, object] = {"count": len(self.faults), **facts}
        super().__init__(self.text("en"))

    def text(self, language: Language) -> str:
        return text(self.code, language, self.facts)


class NotFound(RegistryError):
    """It does not exist, or this actor may not know that it does."""

    code = "not-found"


class NotAuthenticated(RegistryError):
    code = "not-authenticated"


class TokenInvalid(NotAuthenticated):
    """There is a token, and it does not open this register. Why is in the log only: the reason would help who forges more than who mistakes."""

    code = "token-invalid"


class TokenExpired(TokenInvalid):
    """The token was good and is no longer: a new one of the same kind is the way on."""

    code = "token-expired"


class NotAllowed(RegistryError):
    """The role of the actor does not carry the right."""

    code = "not-allowed"


class NotYours(NotAllowed):
    """The right is there, but the object belongs to another organisation."""

    code = "not-yours"


class InvalidInput(RegistryError):
    """The shape is wrong: all faults together."""

    code = "invalid-input"


class RuleViolation(RegistryError):
    """The shape is right and the meaning is not: all faults together."""

    code = "rule-violation"


class Conflict(RegistryError):
    """It contradicts what the register already knows."""

    code = "conflict"


class AlreadyExists(Conflict):
    """The client's id is in use for something with other content."""

    code = "already-exists"


class Stale(RegistryError):
    """The change is based on a version that is no longer the current one."""

    code = "precondition-failed"


class Unavailable(RegistryError):
    """The database or the object store can't be reached now; trying again later is right."""

    code = "unavailable"


class TooManyRequests(RegistryError):
    """Too often in too short a time; ``retry_after_s`` says how long to wait."""

    code = "too-many-requests"
