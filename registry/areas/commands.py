"""Writing municipalities and focus areas."""

from sqlalchemy.orm import Session

from registry import references
from registry.access import Actor
from registry.areas.model import FocusArea, Municipality
from registry.versioned import Outcome


def put_municipality(session: Session, actor: Actor, code: str, *, name: str, province: str | None, expected: int | None) -> tuple[Municipality, Outcome]:
    """Raises NotAllowed, VersionRequired, Stale."""
    return references.write(session, actor, Municipality.code, code, {"name": name, "province": province}, expected=expected)


def put_focus_area(session: Session, actor: Actor, slug: str, *, name: str, municipality_code: str, expected: int | None) -> tuple[FocusArea, Outcome]:
    """Raises NotAllowed, VersionRequired, Stale; RuleViolation (no such municipality)."""
    return references.write(session, actor, FocusArea.slug, slug, {"name": name, "municipality_code": municipality_code}, expected=expected)
