"""Reading organisations."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.organisations.model import Organisation, OrganisationKind
from registry.pages import Page, page_of


def get(session: Session, actor: Actor, organisation_id: UUID) -> Organisation:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_REFERENCE)
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound(what="organisation", id=organisation_id)
    return organisation


def list_(session: Session, actor: Actor, *, kind: OrganisationKind | None, after: str | None, limit: int) -> Page[Organisation]:
    """One page in the order of the slug. Raises NotAllowed."""
    require(actor, Right.READ_REFERENCE)
    query = sa.select(Organisation).order_by(Organisation.slug).limit(limit + 1)
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    if after is not None:
        query = query.where(Organisation.slug > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda organisation: organisation.slug)


def slugs(session: Session, organisation_ids: Collection[UUID]) -> dict[UUID, str]:
    """For the command line."""
    return {row.id: row.slug for row in session.execute(sa.select(Organisation.id, Organisation.slug).where(Organisation.id.in_(organisation_ids)))}


def find_by_slug(session: Session, slug: str) -> Organisation | None:
    """For the command line."""
    return session.scalar(sa.select(Organisation).where(Organisation.slug == slug))
