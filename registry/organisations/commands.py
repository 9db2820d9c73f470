"""Writing organisations."""

from uuid import UUID

from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.errors import AlreadyExists, Fault, RuleViolation
from registry.organisations.model import Organisation, OrganisationKind
from registry.versioned import Outcome, same


def create(
    session: Session, actor: Actor, *, slug: str, name: str, kind: OrganisationKind, municipality_code: str | None, id: UUID | None = None
) -> tuple[Organisation, Outcome]:
    """Add an organisation; with a client-made ``id`` that exists already with the same content, nothing happens.

    Raises NotAllowed, AlreadyExists, RuleViolation; at commit OrganisationSlugTaken.
    """
    require(actor, Right.MANAGE_REFERENCE)
    if (kind is OrganisationKind.MUNICIPALITY) != (municipality_code is not None):
        raise RuleViolation([Fault("/municipalityCode", "municipality-required")])
    values: dict[str, object] = {"slug": slug, "name": name, "kind": kind, "municipality_code": municipality_code}
    known = session.get(Organisation, id) if id else None
    if known is not None:
        if same(known, values):
            return known, Outcome.UNCHANGED
        raise AlreadyExists(what="organisation", id=id)
    organisation = Organisation(**values, **({"id": id} if id else {}))
    session.add(organisation)
    session.flush()
    session.refresh(organisation)
    audit.record(session, actor, "organisation.created", "organisation", organisation.id, details={"slug": slug, "kind": kind.value})
    return organisation, Outcome.CREATED
