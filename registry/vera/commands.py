"""Keeping that a portfolio was taken out of the register as a whole."""

from uuid import UUID

from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit


def record_export(session: Session, actor: Actor, organisation_id: UUID, *, dwellings: int) -> None:
    """Raises NotAllowed."""
    require(actor, Right.READ_PORTFOLIOS)
    audit.record(session, actor, "portfolio.exported", "organisation", organisation_id, details={"as": "vera", "dwellings": dwellings})
