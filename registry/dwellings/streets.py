"""Names of streets, as they are looked for. Triggers keep them beside the dwellings (migration 0018); ``SELECT rebuild_street_names()`` makes them again."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base


class StreetName(Base):
    """A street in a town (woonplaats, empty where that is not known). ``folded`` is how it is compared: `folded_name` in the database says how."""

    __tablename__ = "street_name"
    __table_args__ = (sa.Index("ix_street_name_folded", "folded"), sa.Index("ix_street_name_folded_town", "folded_town"))

    municipality_code: Mapped[str] = mapped_column(primary_key=True)
    town: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    folded: Mapped[str]
    folded_town: Mapped[str]


class StreetSpelling(Base):
    """Each folded name once: the country has 48,000 of them in 250,000 streets, so that likeness is looked up five times as fast."""

    __tablename__ = "street_spelling"
    __table_args__ = (sa.Index("ix_street_spelling_folded", "folded", postgresql_using="gin", postgresql_ops={"folded": "gin_trgm_ops"}),)

    folded: Mapped[str] = mapped_column(sa.Text(collation="C"), primary_key=True)
