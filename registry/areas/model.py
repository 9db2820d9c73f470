"""Municipalities and focus areas."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, explains
from registry.errors import Fault, RuleViolation
from registry.versioned import Versioned


class Municipality(Versioned, Base):
    """A gemeente, by its CBS code: GM and four digits."""

    __tablename__ = "municipality"
    __table_args__ = (sa.CheckConstraint("code ~ '^GM[0-9]{4}$'", name="code"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    province: Mapped[str | None]


class FocusArea(Versioned, Base):
    """A focusgebied of the NPLV, by a slug since its spelling varies between publications."""

    __tablename__ = "focus_area"
    __table_args__ = (sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),)

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    municipality_code: Mapped[str] = mapped_column(sa.ForeignKey("municipality.code"))


def no_such_municipality() -> RuleViolation:
    """What a broken reference to a municipality means, for every table that has one."""
    return RuleViolation([Fault("/municipalityCode", "no-such-reference", {"what": "municipality", "id": ""})])


explains("fk_focus_area_municipality_code", no_such_municipality)
