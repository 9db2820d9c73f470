"""Successions (BAG: splitsing, samenvoeging, sloop, vervanging, omnummering): events in which dwellings end and others come in their place."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, explains, one_of
from registry.errors import AlreadyExists, Conflict


class SuccessionKind(StrEnum):
    SPLIT = "split"
    """Splitsing: one dwelling becomes several."""
    MERGE = "merge"
    """Samenvoeging: several become one."""
    REPLACEMENT = "replacement"
    """Vervanging: demolished and built again, as many or not."""
    DEMOLITION = "demolition"
    """Sloop, and nothing comes in its place."""
    RE_KEYING = "re-keying"
    """Omnummering: the BAG calls the same dwelling by another id from now on."""


class Side(StrEnum):
    """On which side of a succession a dwelling stands."""

    PREDECESSOR = "predecessor"
    SUCCESSOR = "successor"


class SuccessionInCircle(Conflict):
    """A dwelling would come before itself."""

    code = "succession-in-circle"


class Succession(Base):
    """An event of ``occurred_on``, recorded once. One that was a mistake is retracted, once, with a reason; what it did is then undone.

    ``former_bag_id`` and ``new_bag_id`` are of a re-keying in which the dwelling keeps its row: it then stands on both sides.
    """

    __tablename__ = "succession"
    __table_args__ = (
        sa.CheckConstraint("(former_bag_id IS NULL) = (new_bag_id IS NULL)", name="bag_ids"),
        sa.CheckConstraint("former_bag_id IS NULL OR kind = 're-keying'", name="re_keyed"),
        sa.CheckConstraint("num_nulls(retracted_at, retracted_by, retraction_reason) IN (0, 3)", name="retracted"),
        sa.Index("ix_succession_former_bag_id", "former_bag_id", postgresql_where=sa.text("former_bag_id IS NOT NULL AND retracted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    kind: Mapped[SuccessionKind] = mapped_column(one_of(SuccessionKind, "kind"))
    occurred_on: Mapped[date]
    former_bag_id: Mapped[str | None]
    new_bag_id: Mapped[str | None]
    note: Mapped[str | None]
    municipality_code: Mapped[str] = mapped_column(sa.ForeignKey("municipality.code"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    retracted_at: Mapped[datetime | None]
    retracted_by: Mapped[UUID | None]
    retraction_reason: Mapped[str | None]


class SuccessionDwelling(Base):
    """A dwelling in a succession; recorded with it and never changed."""

    __tablename__ = "succession_dwelling"
    __table_args__ = (sa.Index("ix_succession_dwelling_dwelling_id", "dwelling_id", "side"),)

    succession_id: Mapped[UUID] = mapped_column(sa.ForeignKey("succession.id"), primary_key=True)
    side: Mapped[Side] = mapped_column(one_of(Side, "side"), primary_key=True)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"), primary_key=True)


class Lineage(Base):
    """Which dwelling came before which, by any number of successions that are not retracted. Triggers keep it (migration 0019), in the same transaction.

    What can be counted again later is counted by the successions themselves and never by this.
    """

    __tablename__ = "lineage"
    __table_args__ = (
        sa.CheckConstraint("predecessor_id <> successor_id", name="forward"),
        sa.Index("ix_lineage_successor_id", "successor_id", "predecessor_id"),
    )

    predecessor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"), primary_key=True)
    successor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"), primary_key=True)


class InheritedDwelling(Base):
    """A dwelling that came before the one of a portfolio period: whoever holds the later one sees it too. Kept by the same triggers as `Lineage`."""

    __tablename__ = "inherited_dwelling"
    __table_args__ = (sa.Index("ix_inherited_dwelling_period_id", "period_id"),)

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"), primary_key=True)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"), primary_key=True)
    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("portfolio_period.id", ondelete="CASCADE"), primary_key=True)


explains("pk_succession", lambda: AlreadyExists(what="succession", id="id"))
explains("ck_lineage_forward", lambda: SuccessionInCircle())
