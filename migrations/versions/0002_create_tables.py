"""Every table of the register."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


class TransactionId(sa.types.UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_request",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_answered_request")),
    )
    op.create_index(op.f("ix_answered_request_recorded_at"), "answered_request", ["recorded_at"], unique=False)
    op.create_table(
        "audit_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_line")),
    )
    op.create_index("ix_audit_line_request_id", "audit_line", ["request_id"], unique=False)
    op.create_index("ix_audit_line_subject", "audit_line", ["subject_kind", "subject_id", "id"], unique=False)
    op.create_table(
        "change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("dwelling", "trajectory", "inspection", "photo", "checklist", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index("ix_change_feed", "change", ["transaction_id", "id"], unique=False)
    op.create_table(
        "checklist",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_checklist_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist")),
        sa.UniqueConstraint("key", "edition", name=op.f("uq_checklist_key_edition")),
    )
    op.create_table(
        "definition",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("name_nl", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("text_nl", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_definition_edition")),
        sa.PrimaryKeyConstraint("key", "edition", name=op.f("pk_definition")),
    )
    op.create_table(
        "municipality",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("code ~ '^GM[0-9]{4}$'", name=op.f("ck_municipality_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_municipality")),
    )
    op.create_table(
        "scheme",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_scheme_slug")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_scheme")),
    )
    op.create_table(
        "superseded_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("superseded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_superseded_row")),
    )
    op.create_index("ix_superseded_row_row", "superseded_row", ["table_name", "row_id", "superseded_at"], unique=False)
    op.create_table(
        "focus_area",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_focus_area_slug")),
        sa.ForeignKeyConstraint(["municipality_code"], ["municipality.code"], name=op.f("fk_focus_area_municipality_code")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_focus_area")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("ministry", "municipality", "corporation", "inspection-body", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(kind = 'municipality') = (municipality_code IS NOT NULL)", name=op.f("ck_organisation_municipality_code")),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_organisation_slug")),
        sa.ForeignKeyConstraint(["municipality_code"], ["municipality.code"], name=op.f("fk_organisation_municipality_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("slug", name=op.f("uq_organisation_slug")),
    )
    op.create_table(
        "project",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_project_slug")),
        sa.ForeignKeyConstraint(["municipality_code"], ["municipality.code"], name=op.f("fk_project_municipality_code")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_project")),
    )
    op.create_table(
        "dwelling",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("bag_id", sa.Text(), nullable=True),
        sa.Column(
            "bag_object_type",
            sa.Enum("occupiable-object", "pitch", "mooring", name="bag_object_type", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column(
            "bag_status",
            sa.Enum(
                "in-use",
                "in-use-unmeasured",
                "under-alteration",
                "out-of-use",
                "designated",
                name="bag_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("address_designation_id", sa.Text(), nullable=True),
        sa.Column("building_ids", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("house_number", sa.Integer(), nullable=True),
        sa.Column("house_letter", sa.Text(), nullable=True),
        sa.Column("house_number_suffix", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("town_code", sa.Text(), nullable=True),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("focus_area", sa.Text(), nullable=True),
        sa.Column("year_built", sa.Integer(), nullable=True),
        sa.Column("floor_area_m2", sa.Integer(), nullable=True),
        sa.Column("uses", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "tenure",
            sa.Enum("owner-occupied", "private-rent", "social-rent", "mid-rent", "vacant", name="tenure", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column(
            "dwelling_type", sa.Enum("single-family", "multi-family", name="dwelling_type", native_enum=False, create_constraint=True, length=40), nullable=True
        ),
        sa.Column("rd_x", sa.Numeric(precision=9, scale=3), nullable=True),
        sa.Column("rd_y", sa.Numeric(precision=9, scale=3), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column(
            "energy_label",
            sa.Enum("G", "F", "E", "D", "C", "B", "A", "A+", "A++", "A+++", "A++++", name="energy_label", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("condition_score", sa.SmallInteger(), nullable=True),
        sa.Column("source", sa.Enum("bag", "api", name="source", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("bag_id ~ '^[0-9]{16}$'", name=op.f("ck_dwelling_bag_id")),
        sa.CheckConstraint("postcode ~ '^[1-9][0-9]{3}[A-Z]{2}$'", name=op.f("ck_dwelling_postcode")),
        sa.CheckConstraint("(bag_id IS NULL) = (bag_object_type IS NULL)", name=op.f("ck_dwelling_bag_id_with_type")),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_dwelling_position")),
        sa.CheckConstraint("condition_score BETWEEN 1 AND 6", name=op.f("ck_dwelling_condition_score")),
        sa.CheckConstraint("floor_area_m2 BETWEEN 1 AND 999999", name=op.f("ck_dwelling_floor_area_m2")),
        sa.CheckConstraint("house_number BETWEEN 1 AND 99999", name=op.f("ck_dwelling_house_number")),
        sa.CheckConstraint("year_built BETWEEN 1000 AND 2200", name=op.f("ck_dwelling_year_built")),
        sa.ForeignKeyConstraint(["focus_area"], ["focus_area.slug"], name=op.f("fk_dwelling_focus_area")),
        sa.ForeignKeyConstraint(["municipality_code"], ["municipality.code"], name=op.f("fk_dwelling_municipality_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dwelling")),
        sa.UniqueConstraint("bag_id", name=op.f("uq_dwelling_bag_id")),
    )
    op.create_index("ix_dwelling_focus_area", "dwelling", ["focus_area", "id"], unique=False)
    op.create_index("ix_dwelling_municipality_code", "dwelling", ["municipality_code", "id"], unique=False)
    op.create_index("ix_dwelling_postcode_house_number", "dwelling", ["postcode", "house_number"], unique=False)
    op.create_table(
        "inspection",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column("checklist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "occasion", sa.Enum("baseline", "progress", "completion", name="occasion", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("planned", "submitted", name="status", native_enum=False, create_constraint=True, length=40),
            server_default="planned",
            nullable=False,
        ),
        sa.Column(
            "visit_outcome",
            sa.Enum("done", "nobody-home", "refused", "unsafe", "not-found", name="visit_outcome", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("visited_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("submitted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("planned_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(status = 'submitted') = (submitted_at IS NOT NULL)", name=op.f("ck_inspection_submitted")),
        sa.ForeignKeyConstraint(["checklist_id"], ["checklist.id"], name=op.f("fk_inspection_checklist_id")),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_inspection_dwelling_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_inspection_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
    )
    op.create_index("ix_inspection_assignee_id", "inspection", ["assignee_id", "id"], unique=False)
    op.create_index("ix_inspection_dwelling_id", "inspection", ["dwelling_id"], unique=False)
    op.create_index("ix_inspection_organisation_id", "inspection", ["organisation_id", "id"], unique=False)
    op.create_table(
        "registered_label",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column(
            "label",
            sa.Enum("G", "F", "E", "D", "C", "B", "A", "A+", "A++", "A+++", "A++++", name="label", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("surveyed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_registered_label_dwelling_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registered_label")),
    )
    op.create_index("ix_registered_label_dwelling_id", "registered_label", ["dwelling_id", "surveyed_on"], unique=False)
    op.create_table(
        "trajectory",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column("executor_id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_trajectory_dwelling_id")),
        sa.ForeignKeyConstraint(["executor_id"], ["organisation.id"], name=op.f("fk_trajectory_executor_id")),
        sa.ForeignKeyConstraint(["project"], ["project.slug"], name=op.f("fk_trajectory_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trajectory")),
        sa.UniqueConstraint("id", "dwelling_id", name=op.f("uq_trajectory_id_dwelling_id")),
    )
    op.create_index("ix_trajectory_dwelling_id", "trajectory", ["dwelling_id"], unique=False)
    op.create_index("ix_trajectory_executor_id", "trajectory", ["executor_id", "id"], unique=False)
    op.create_index("ix_trajectory_project", "trajectory", ["project", "id"], unique=False)
    op.create_table(
        "funding_line",
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("amount_eur", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("amount_eur >= 0", name=op.f("ck_funding_line_amount_eur")),
        sa.ForeignKeyConstraint(["scheme"], ["scheme.slug"], name=op.f("fk_funding_line_scheme")),
        sa.ForeignKeyConstraint(["trajectory_id"], ["trajectory.id"], name=op.f("fk_funding_line_trajectory_id")),
        sa.PrimaryKeyConstraint("trajectory_id", "scheme", name=op.f("pk_funding_line")),
    )
    op.create_table(
        "measure",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "roof-insulation",
                "attic-floor-insulation",
                "cavity-wall-insulation",
                "facade-insulation",
                "floor-insulation",
                "crawl-space-insulation",
                "high-efficiency-glazing",
                "triple-glazing",
                "insulated-doors",
                "co2-ventilation",
                "balanced-ventilation",
                "heat-pump",
                "hybrid-heat-pump",
                "solar-water-heater",
                "district-heating",
                "electric-cooking",
                "solar-panels",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("unit", sa.Enum("m2", "piece", name="unit", native_enum=False, create_constraint=True, length=40), nullable=True),
        sa.Column("cost_eur", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("cost_eur >= 0", name=op.f("ck_measure_cost_eur")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_measure_quantity")),
        sa.ForeignKeyConstraint(["trajectory_id"], ["trajectory.id"], name=op.f("fk_measure_trajectory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure")),
    )
    op.create_index("ix_measure_trajectory_id", "measure", ["trajectory_id"], unique=False)
    op.create_table(
        "milestone",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column(
            "track",
            sa.Enum(
                "acquisition", "renovation", "sustainability", "demolition", "construction", name="track", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "kind", sa.Enum("planned", "started", "completed", "cancelled", name="kind", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("action", sa.Enum("reported", "corrected", "retracted", name="action", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(action = 'reported') = (corrects_id IS NULL)", name=op.f("ck_milestone_corrects")),
        sa.ForeignKeyConstraint(["corrects_id"], ["milestone.id"], name=op.f("fk_milestone_corrects_id")),
        sa.ForeignKeyConstraint(
            ["trajectory_id", "dwelling_id"], ["trajectory.id", "trajectory.dwelling_id"], name=op.f("fk_milestone_trajectory_id_dwelling_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_milestone_corrects_id")),
    )
    op.create_index("ix_milestone_dwelling_id", "milestone", ["dwelling_id"], unique=False)
    op.create_index("ix_milestone_track", "milestone", ["track", "kind", "effective_on"], unique=False)
    op.create_index("ix_milestone_trajectory_id", "milestone", ["trajectory_id"], unique=False)
    op.create_table(
        "photo",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "content_type",
            sa.Enum(
                "image/jpeg", "image/heic", "image/heif", "image/png", "image/webp", name="content_type", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("taken_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("declared", "stored", "ready", "rejected", name="state", native_enum=False, create_constraint=True, length=40),
            server_default="declared",
            nullable=False,
        ),
        sa.Column("rejection", sa.Text(), nullable=True),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("exif_taken_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("exif_longitude", sa.Double(), nullable=True),
        sa.Column("exif_latitude", sa.Double(), nullable=True),
        sa.Column("stored_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(state = 'declared') = (stored_at IS NULL)", name=op.f("ck_photo_stored")),
        sa.CheckConstraint("(state = 'rejected') = (rejection IS NOT NULL)", name=op.f("ck_photo_rejection")),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_photo_position")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_photo_sha256")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_photo_size_bytes")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_photo_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
    )
    op.create_index("ix_photo_inspection_id", "photo", ["inspection_id", "id"], unique=False)
    op.create_table(
        "confirmation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("milestone_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["milestone_id"], ["milestone.id"], name=op.f("fk_confirmation_milestone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
        sa.UniqueConstraint("milestone_id", name=op.f("uq_confirmation_milestone_id")),
    )


def downgrade() -> None:
    op.drop_table("confirmation")
    op.drop_index("ix_photo_inspection_id", table_name="photo")
    op.drop_table("photo")
    op.drop_index("ix_milestone_trajectory_id", table_name="milestone")
    op.drop_index("ix_milestone_track", table_name="milestone")
    op.drop_index("ix_milestone_dwelling_id", table_name="milestone")
    op.drop_table("milestone")
    op.drop_index("ix_measure_trajectory_id", table_name="measure")
    op.drop_table("measure")
    op.drop_table("funding_line")
    op.drop_index("ix_trajectory_project", table_name="trajectory")
    op.drop_index("ix_trajectory_executor_id", table_name="trajectory")
    op.drop_index("ix_trajectory_dwelling_id", table_name="trajectory")
    op.drop_table("trajectory")
    op.drop_index("ix_registered_label_dwelling_id", table_name="registered_label")
    op.drop_table("registered_label")
    op.drop_index("ix_inspection_organisation_id", table_name="inspection")
    op.drop_index("ix_inspection_dwelling_id", table_name="inspection")
    op.drop_index("ix_inspection_assignee_id", table_name="inspection")
    op.drop_table("inspection")
    op.drop_index("ix_dwelling_postcode_house_number", table_name="dwelling")
    op.drop_index("ix_dwelling_municipality_code", table_name="dwelling")
    op.drop_index("ix_dwelling_focus_area", table_name="dwelling")
    op.drop_table("dwelling")
    op.drop_table("project")
    op.drop_table("organisation")
    op.drop_table("focus_area")
    op.drop_index("ix_superseded_row_row", table_name="superseded_row")
    op.drop_table("superseded_row")
    op.drop_table("scheme")
    op.drop_table("municipality")
    op.drop_table("definition")
    op.drop_table("checklist")
    op.drop_index("ix_change_feed", table_name="change")
    op.drop_table("change")
    op.drop_index("ix_audit_line_subject", table_name="audit_line")
    op.drop_index("ix_audit_line_request_id", table_name="audit_line")
    op.drop_table("audit_line")
    op.drop_index(op.f("ix_answered_request_recorded_at"), table_name="answered_request")
    op.drop_table("answered_request")
