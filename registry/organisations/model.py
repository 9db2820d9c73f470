"""Organisations."""

from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.areas.model import no_such_municipality
from registry.db import NEW_ID, Base, explains, one_of
from registry.errors import AlreadyExists, Conflict
from registry.versioned import Versioned


class OrganisationKind(StrEnum):
    MINISTRY = "ministry"
    MUNICIPALITY = "municipality"
    CORPORATION = "corporation"
    """Woningcorporatie, toegelaten instelling."""
    INSPECTION_BODY = "inspection-body"


class OrganisationSlugTaken(Conflict):
    """Another organisation has this slug."""

    code = "already-exists"


class Organisation(Versioned, Base):
    __tablename__ = "organisation"
    __table_args__ = (
        sa.UniqueConstraint("slug"),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        sa.CheckConstraint("(kind = 'municipality') = (municipality_code IS NOT NULL)", name="municipality_code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    slug: Mapped[str]
    name: Mapped[str]
    kind: Mapped[OrganisationKind] = mapped_column(one_of(OrganisationKind, "kind"))
    municipality_code: Mapped[str | None] = mapped_column(sa.ForeignKey("municipality.code"))


explains("uq_organisation_slug", lambda: OrganisationSlugTaken(what="organisation", id="slug"))
explains("pk_organisation", lambda: AlreadyExists(what="organisation", id="id"))
explains("fk_organisation_municipality_code", no_such_municipality)
