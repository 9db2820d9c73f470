"""The dwelling and its registered energy labels."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEW_ID, RECORDED_NOW, Base, explains, one_of
from registry.errors import AlreadyExists, Conflict
from registry.values import BagObjectType, EnergyLabel
from registry.versioned import Versioned


class BagStatus(StrEnum):
    """BAG statuses of an addressable object that exists; the others are not in the register."""

    IN_USE = "in-use"
    """Verblijfsobject in gebruik."""
    IN_USE_UNMEASURED = "in-use-unmeasured"
    """Verblijfsobject in gebruik (niet ingemeten)."""
    UNDER_ALTERATION = "under-alteration"
    """Verbouwing verblijfsobject."""
    OUT_OF_USE = "out-of-use"
    """Verblijfsobject buiten gebruik."""
    DESIGNATED = "designated"
    """Plaats aangewezen (standplaats, ligplaats)."""


class Use(StrEnum):
    """Gebruiksdoel in the BAG."""

    RESIDENTIAL = "residential"
    ASSEMBLY = "assembly"
    CELL = "cell"
    HEALTHCARE = "healthcare"
    INDUSTRY = "industry"
    OFFICE = "office"
    LODGING = "lodging"
    EDUCATION = "education"
    SPORT = "sport"
    RETAIL = "retail"
    OTHER = "other"


class Tenure(StrEnum):
    """Eigendomsvorm."""

    OWNER_OCCUPIED = "owner-occupied"
    """Koop, eigenaar-bewoner."""
    PRIVATE_RENT = "private-rent"
    """Particuliere huur."""
    SOCIAL_RENT = "social-rent"
    """Sociale huur."""
    MID_RENT = "mid-rent"
    """Middenhuur."""
    VACANT = "vacant"
    """Leegstand."""


class DwellingType(StrEnum):
    SINGLE_FAMILY = "single-family"
    """Eengezinswoning."""
    MULTI_FAMILY = "multi-family"
    """Meergezinswoning."""


class Source(StrEnum):
    """Where the particulars of a dwelling come from."""

    BAG = "bag"
    API = "api"


class PortfolioRelation(StrEnum):
    """What a corporation has to do with a dwelling."""

    OWNER = "owner"
    """Eigenaar."""
    MANAGER = "manager"
    """Beheerder: runs it for somebody else."""


class BagIdTaken(Conflict):
    """Another dwelling has this BAG id."""

    code = "conflict"


class PortfolioOverlaps(Conflict):
    """The dwelling has another owner, or another manager, already in part of that period."""

    code = "portfolio-overlaps"


class PortfolioTwice(Conflict):
    """The corporation has the dwelling already in part of that period, in this relation or the other one."""

    code = "portfolio-twice"


class Dwelling(Versioned, Base):
    """A BAG addressable object with a residential use, or a planned one that has no BAG id yet.

    ``longitude`` and ``latitude`` are CRS84 degrees, ``rd_x`` and ``rd_y`` metres in EPSG:28992, ``floor_area_m2`` the gebruiksoppervlakte.
    ``recorded_at`` is when the register learned this version; former versions are in `superseded_row`. ``registrar_id`` is the organisation that
    registered it, None when it came from the BAG. ``ended_on`` is the day from which it is no more: it was demolished, split, merged or re-keyed.
    ``withdrawn_at``: the import that made it was undone, so it was never there; nobody sees it.
    """

    __tablename__ = "dwelling"
    __table_args__ = (
        sa.Index("uq_dwelling_bag_id", "bag_id", unique=True, postgresql_where=sa.text("withdrawn_at IS NULL")),
        sa.CheckConstraint("bag_id ~ '^[0-9]{16}$'", name="bag_id"),
        sa.CheckConstraint("(bag_id IS NULL) = (bag_object_type IS NULL)", name="bag_id_with_type"),
        sa.CheckConstraint("postcode ~ '^[1-9][0-9]{3}[A-Z]{2}$'", name="postcode"),
        sa.CheckConstraint("house_number BETWEEN 1 AND 99999", name="house_number"),
        sa.CheckConstraint("floor_area_m2 BETWEEN 1 AND 999999", name="floor_area_m2"),
        sa.CheckConstraint("year_built BETWEEN 1000 AND 2200", name="year_built"),
        sa.CheckConstraint("condition_score BETWEEN 1 AND 6", name="condition_score"),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position"),
        sa.Index("ix_dwelling_municipality_code", "municipality_code", "id"),
        sa.Index("ix_dwelling_registrar_id", "registrar_id", "id", postgresql_where=sa.text("registrar_id IS NOT NULL")),
        sa.Index("ix_dwelling_focus_area", "focus_area", "id"),
        sa.Index("ix_dwelling_postcode_house_number", "postcode", "house_number"),
        sa.Index("ix_dwelling_street", "municipality_code", "street", "house_number"),
        sa.Index(
            "ix_dwelling_tile",
            sa.text("(floor(longitude * 200)::bigint * 100000 + floor(latitude * 200)::bigint)"),
            "id",
            postgresql_include=["longitude", "latitude", "municipality_code"],
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    bag_id: Mapped[str | None]
    bag_object_type: Mapped[BagObjectType | None] = mapped_column(one_of(BagObjectType, "bag_object_type"))
    bag_status: Mapped[BagStatus | None] = mapped_column(one_of(BagStatus, "bag_status"))
    address_designation_id: Mapped[str | None]
    building_ids: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), server_default=sa.text("'{}'"))
    street: Mapped[str | None]
    house_number: Mapped[int | None]
    house_letter: Mapped[str | None]
    house_number_suffix: Mapped[str | None]
    postcode: Mapped[str | None]
    town: Mapped[str | None]
    town_code: Mapped[str | None]
    municipality_code: Mapped[str] = mapped_column(sa.ForeignKey("municipality.code"))
    focus_area: Mapped[str | None] = mapped_column(sa.ForeignKey("focus_area.slug"))
    year_built: Mapped[int | None]
    floor_area_m2: Mapped[int | None]
    uses: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), server_default=sa.text("'{}'"))
    tenure: Mapped[Tenure | None] = mapped_column(one_of(Tenure, "tenure"))
    dwelling_type: Mapped[DwellingType | None] = mapped_column(one_of(DwellingType, "dwelling_type"))
    rd_x: Mapped[Decimal | None] = mapped_column(sa.Numeric(9, 3))
    rd_y: Mapped[Decimal | None] = mapped_column(sa.Numeric(9, 3))
    longitude: Mapped[float | None] = mapped_column(sa.Double)
    latitude: Mapped[float | None] = mapped_column(sa.Double)
    energy_label: Mapped[EnergyLabel | None] = mapped_column(one_of(EnergyLabel, "energy_label"))
    condition_score: Mapped[int | None] = mapped_column(sa.SmallInteger)
    source: Mapped[Source] = mapped_column(one_of(Source, "source"))
    registrar_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organisation.id"))
    ended_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]


class PortfolioPeriod(Versioned, Base):
    """A dwelling is in the portfolio of a corporation from ``valid_from`` until the day before ``valid_until``.

    At any day it has one owner and one manager at most, and a corporation has it in one relation, so that what it holds has each dwelling once. A period
    without a day says nothing. ``succession_id`` is the succession by which the dwelling came in the portfolio of who had the one before it.
    """

    __tablename__ = "portfolio_period"
    __table_args__ = (
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
        ExcludeConstraint(
            ("dwelling_id", "="), ("relation", "="), (sa.text("daterange(valid_from, valid_until)"), "&&"), name="ex_portfolio_period_one_at_a_time"
        ),
        ExcludeConstraint(
            ("dwelling_id", "="), ("organisation_id", "="), (sa.text("daterange(valid_from, valid_until)"), "&&"), name="ex_portfolio_period_one_relation"
        ),
        sa.Index("ix_portfolio_period_organisation_id", "organisation_id", "dwelling_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    relation: Mapped[PortfolioRelation] = mapped_column(one_of(PortfolioRelation, "relation"), server_default="owner")
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    succession_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("succession.id"))
    recorded_by: Mapped[UUID]


class LabelSource(StrEnum):
    """Where the register has an energy label from."""

    API = "api"
    EP_ONLINE = "ep-online"
    """The public file of RVO."""


class LabelMethod(StrEnum):
    """How an energy label was determined (soort, berekeningstype)."""

    NTA_8800 = "nta-8800"
    """NTA 8800, since 2021."""
    ENERGY_INDEX = "energy-index"
    """Energie-Index, Nader Voorschrift, 2015-2020."""
    SIMPLIFIED = "simplified"
    """Vereenvoudigd energielabel, 2015-2020."""


class RegisteredLabel(Base):
    """An energy label of a dwelling: ``surveyed_on`` (opnamedatum) is when it was so, ``recorded_at`` when we learned it.

    ``registered_on`` and ``expires_on`` as in EP-Online; ``fossil_energy_kwh_m2`` is the primaire fossiele energie in kWh/m² a year that decides the class.
    A row is never changed; one that was a mistake is retracted once, and is then in force until ``retracted_at`` only.
    """

    __tablename__ = "registered_label"
    __table_args__ = (sa.Index("ix_registered_label_dwelling_id", "dwelling_id", "surveyed_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    label: Mapped[EnergyLabel] = mapped_column(one_of(EnergyLabel, "label"))
    surveyed_on: Mapped[date]
    registered_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    method: Mapped[LabelMethod | None] = mapped_column(one_of(LabelMethod, "method"))
    fossil_energy_kwh_m2: Mapped[Decimal | None] = mapped_column(sa.Numeric(8, 2))
    source: Mapped[LabelSource] = mapped_column(one_of(LabelSource, "source"), server_default="api")
    recorded_at: Mapped[datetime] = mapped_column(server_default=RECORDED_NOW)
    recorded_by: Mapped[UUID]
    organisation_id: Mapped[UUID | None]
    retracted_at: Mapped[datetime | None]
    retracted_by: Mapped[UUID | None]


class HazardKind(StrEnum):
    """What somebody who goes to an address must know first."""

    COLLAPSE = "collapse"
    """Instortingsgevaar: floors, stairs, balconies, ceilings."""
    GAS = "gas"
    """Gaslucht of koolmonoxide."""
    ELECTRICITY = "electricity"
    """Blootliggende of natte elektra."""
    ASBESTOS = "asbestos"
    """Asbest of asbestverdacht materiaal."""
    DOG = "dog"
    """Hond of ander dier."""
    AGGRESSION = "aggression"
    """Agressie of bedreiging."""
    FILTH = "filth"
    """Vervuiling, ongedierte, besmettingsgevaar."""
    OTHER = "other"


class Hazard(Versioned, Base):
    """A danger at a dwelling, from ``recorded_at`` of its first version until ``ended_at``."""

    __tablename__ = "hazard"
    __table_args__ = (
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        sa.Index("ix_hazard_dwelling_id", "dwelling_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    dwelling_id: Mapped[UUID] = mapped_column(sa.ForeignKey("dwelling.id"))
    kind: Mapped[HazardKind] = mapped_column(one_of(HazardKind, "kind"))
    note: Mapped[str | None]
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organisation.id"))
    recorded_by: Mapped[UUID]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    end_reason: Mapped[str | None]
    """Why it is no danger any more, as whoever ended it says."""


explains("pk_hazard", lambda: AlreadyExists(what="hazard", id="id"))
explains("uq_dwelling_bag_id", lambda: BagIdTaken())
explains("ex_portfolio_period_one_at_a_time", lambda: PortfolioOverlaps())
explains("ex_portfolio_period_one_relation", lambda: PortfolioTwice())
