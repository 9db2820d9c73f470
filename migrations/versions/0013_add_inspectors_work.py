"""Tables for the work of inspectors: teams, hazards, revisions, edits and conflicts, reviews, condition scores, evidence, reports, and what OpenRosa sent.

Checklists get a life (draft, published, retired) instead of being a journal, and the change feed says for which inspector a row is.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

JOURNALS = ("inspection_revision", "inspection_edit", "review", "condition_score", "evidence", "openrosa_instance")
MUTABLE = ("checklist", "team", "hazard", "inspection_conflict")
CHECKS = {
    "change": {"person": "person_id IS NOT NULL OR NOT (personal OR gone)"},
    "checklist": {"published": "(status = 'draft') = (published_at IS NULL)", "retired": "(status = 'retired') = (retired_at IS NOT NULL)"},
    "inspection": {
        "complete": "complete_at IS NULL OR submitted_at IS NOT NULL",
        "withdrawn": "(status = 'withdrawn') = (withdrawal_reason IS NOT NULL)",
        "revision": "revision >= 1",
    },
}
STATUSES = {"old": ("planned", "submitted"), "new": ("planned", "submitted", "returned", "approved", "withdrawn")}
SUBMITTED = {"old": "(status = 'submitted') = (submitted_at IS NOT NULL)", "new": "(status IN ('submitted', 'approved')) = (submitted_at IS NOT NULL)"}
FREEZE = """
CREATE FUNCTION keep_checklist_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A draft may change and become published; what is published may be retired, and nothing else.
    IF TG_OP = 'UPDATE' AND (old.status = 'draft' AND new.status IN ('draft', 'published') AND new.id = old.id
        OR (old.id, old.key, old.edition, old.content, old.digest, old.source, old.published_at)
            = (new.id, new.key, new.edition, new.content, new.digest, new.source, new.published_at)
        AND (new.status = old.status OR (old.status = 'published' AND new.status = 'retired'))) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'a published checklist is frozen' USING ERRCODE = 'restrict_violation';
END $$
"""
STANDS = """
CREATE FUNCTION keep_submission_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What is submitted stands until the reviewer gives it back, and what is approved for good.
    IF (old.answers, old.visit_outcome, old.visited_at, old.remarks, old.checklist_id)
            IS DISTINCT FROM (new.answers, new.visit_outcome, new.visited_at, new.remarks, new.checklist_id)
        OR (old.status = 'submitted' AND new.status NOT IN ('submitted', 'approved', 'returned'))
        OR (old.status <> 'submitted' AND new.status <> old.status) THEN
        RAISE EXCEPTION 'what was submitted stands' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$
"""
REVISIONS = """
INSERT INTO inspection_revision
    (inspection_id, revision, checklist_id, visit_outcome, visited_at, answers, remarks, digest, submitted_at, submitted_by)
SELECT id, 1, checklist_id, visit_outcome, visited_at, answers, remarks,
    sha256(convert_to(jsonb_build_object('answers', answers, 'visitOutcome', visit_outcome, 'visitedAt', visited_at, 'remarks', remarks)::text, 'UTF8')),
    submitted_at, submitted_by
FROM inspection WHERE status = 'submitted'
"""
"""Of what was submitted before revisions were kept."""
FEED = """
SELECT pg_advisory_xact_lock_shared(4711);
INSERT INTO change (kind, subject_id, organisation_id, person_id, personal)
SELECT DISTINCT 'dwelling', dwelling_id, organisation_id, assignee_id, true FROM inspection WHERE assignee_id IS NOT NULL
UNION ALL SELECT 'inspection', id, organisation_id, assignee_id, true FROM inspection WHERE assignee_id IS NOT NULL
UNION ALL SELECT 'photo', photo.id, inspection.organisation_id, inspection.assignee_id, true
    FROM photo JOIN inspection ON inspection.id = photo.inspection_id WHERE inspection.assignee_id IS NOT NULL
"""
"""Inspectors read what concerns them by their own id from now on."""


def upgrade() -> None:
    op.create_table(
        "day_order",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("inspection_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_day_order_organisation_id")),
        sa.PrimaryKeyConstraint("person_id", "organisation_id", "day", name=op.f("pk_day_order")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_team_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_team_organisation_id_name")),
    )
    op.create_table(
        "hazard",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "collapse",
                "gas",
                "electricity",
                "asbestos",
                "dog",
                "aggression",
                "filth",
                "other",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_hazard_ended")),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_hazard_dwelling_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_hazard_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hazard")),
    )
    op.create_index("ix_hazard_dwelling_id", "hazard", ["dwelling_id", "id"], unique=False)
    op.create_table(
        "team_member",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_team_member_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_member_team_id")),
        sa.PrimaryKeyConstraint("team_id", "person_id", name=op.f("pk_team_member")),
    )
    op.create_index("ix_team_member_person_id", "team_member", ["person_id"], unique=False)
    op.create_table(
        "condition_score",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("index_value", sa.Numeric(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("computed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 6", name=op.f("ck_condition_score_score")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_condition_score_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition_score")),
        sa.UniqueConstraint(
            "inspection_id",
            "revision",
            "method",
            "question",
            name=op.f("uq_condition_score_inspection_id_revision_method_question"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
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
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_evidence_inspection_id")),
        sa.ForeignKeyConstraint(["trajectory_id"], ["trajectory.id"], name=op.f("fk_evidence_trajectory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("trajectory_id", "track", "kind", "inspection_id", name=op.f("uq_evidence_trajectory_id_track_kind_inspection_id")),
    )
    op.create_index("ix_evidence_inspection_id", "evidence", ["inspection_id"], unique=False)
    op.create_table(
        "inspection_conflict",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("base_edit_id", sa.Uuid(), nullable=True),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("yours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("theirs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("edit_id", sa.Uuid(), nullable=True),
        sa.Column(
            "resolution",
            sa.Enum("yours", "theirs", "merged", "applied-later", name="resolution", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_version", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(resolution IS NULL) = (resolved_at IS NULL)", name=op.f("ck_inspection_conflict_resolved")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_inspection_conflict_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_conflict")),
    )
    op.create_index(
        "ix_inspection_conflict_base_edit_id",
        "inspection_conflict",
        ["base_edit_id"],
        unique=False,
        postgresql_where=sa.text("base_edit_id IS NOT NULL AND resolution IS NULL"),
    )
    op.create_index("ix_inspection_conflict_inspection_id", "inspection_conflict", ["inspection_id", "id"], unique=False)
    op.create_index("ix_inspection_conflict_person_id", "inspection_conflict", ["person_id", "id"], unique=False)
    op.create_table(
        "inspection_revision",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("checklist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "visit_outcome",
            sa.Enum("done", "nobody-home", "refused", "unsafe", "not-found", name="visit_outcome", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("visited_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("missing", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("submitted_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["checklist_id"], ["checklist.id"], name=op.f("fk_inspection_revision_checklist_id")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_inspection_revision_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", "revision", name=op.f("pk_inspection_revision")),
    )
    op.create_table(
        "openrosa_instance",
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_openrosa_instance_digest")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_openrosa_instance_inspection_id")),
        sa.PrimaryKeyConstraint("instance_id", "person_id", name=op.f("pk_openrosa_instance")),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("baseline_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.Enum("nl", "en", name="language", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum("queued", "made", "failed", name="state", native_enum=False, create_constraint=True, length=40),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("source_digest", sa.LargeBinary(), nullable=True),
        sa.Column("html_key", sa.Text(), nullable=True),
        sa.Column("html_bytes", sa.BigInteger(), nullable=True),
        sa.Column("pdf_key", sa.Text(), nullable=True),
        sa.Column("pdf_bytes", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'made' OR (source_digest IS NOT NULL AND html_key IS NOT NULL AND pdf_key IS NOT NULL)", name=op.f("ck_report_made")),
        sa.ForeignKeyConstraint(["baseline_id"], ["inspection.id"], name=op.f("fk_report_baseline_id")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_report_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "inspection_id", "language", "baseline_id", name=op.f("uq_report_inspection_id_language_baseline_id"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_report_baseline_id", "report", ["baseline_id"], postgresql_where=sa.text("baseline_id IS NOT NULL"))
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Enum("approved", "returned", name="decision", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("questions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_review_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("inspection_id", "revision", name=op.f("uq_review_inspection_id_revision")),
    )
    op.create_table(
        "inspection_edit",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("edit_id", sa.Uuid(), nullable=True),
        sa.Column("base_edit_id", sa.Uuid(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Enum("applied", "conflict", name="outcome", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("conflict_id", sa.Uuid(), nullable=True),
        sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("(outcome = 'applied') = (version IS NOT NULL)", name=op.f("ck_inspection_edit_version")),
        sa.CheckConstraint("(outcome = 'conflict') = (conflict_id IS NOT NULL)", name=op.f("ck_inspection_edit_conflict")),
        sa.ForeignKeyConstraint(["conflict_id"], ["inspection_conflict.id"], name=op.f("fk_inspection_edit_conflict_id")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_inspection_edit_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_edit")),
        sa.UniqueConstraint("inspection_id", "person_id", "digest", name=op.f("uq_inspection_edit_inspection_id_person_id_digest")),
    )
    op.create_index("uq_inspection_edit_edit_id", "inspection_edit", ["person_id", "edit_id"], unique=True, postgresql_where=sa.text("edit_id IS NOT NULL"))
    op.add_column("change", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.add_column("change", sa.Column("personal", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("change", sa.Column("gone", sa.Boolean(), server_default="false", nullable=False))
    op.create_index("ix_change_checklist", "change", ["transaction_id", "id"], unique=False, postgresql_where=sa.text("kind = 'checklist'"))
    op.create_index(
        "ix_change_person_id",
        "change",
        ["person_id", "organisation_id", "transaction_id", "id"],
        unique=False,
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )
    op.create_index(
        "ix_change_subject_id", "change", ["subject_id", "transaction_id", "id"], unique=False, postgresql_where=sa.text("kind = 'dwelling' AND NOT personal")
    )
    op.add_column(
        "checklist",
        sa.Column(
            "status",
            sa.Enum("draft", "published", "retired", name="status", native_enum=False, create_constraint=True, length=40),
            server_default="published",
            nullable=False,
        ),
    )
    op.add_column(
        "checklist",
        sa.Column(
            "source", sa.Enum("yaml", "xlsform", name="source", native_enum=False, create_constraint=True, length=40), server_default="yaml", nullable=False
        ),
    )
    op.add_column("checklist", sa.Column("retired_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("checklist", sa.Column("retired_by", sa.Uuid(), nullable=True))
    op.add_column("checklist", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("checklist", sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False))
    op.alter_column(
        "checklist", "published_at", existing_type=postgresql.TIMESTAMP(timezone=True), nullable=True, existing_server_default=sa.text("clock_timestamp()")
    )
    op.add_column("inspection", sa.Column("team_id", sa.Uuid(), nullable=True))
    op.add_column("inspection", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("inspection", sa.Column("previous_id", sa.Uuid(), nullable=True))
    op.add_column("inspection", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("inspection", sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True))
    op.add_column("inspection", sa.Column("complete_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("inspection", sa.Column("withdrawal_reason", sa.Text(), nullable=True))
    op.create_index(
        "ix_inspection_incomplete", "inspection", ["id"], unique=False, postgresql_where=sa.text("complete_at IS NULL AND submitted_at IS NOT NULL")
    )
    op.create_index("ix_inspection_previous_id", "inspection", ["previous_id"], unique=False, postgresql_where=sa.text("previous_id IS NOT NULL"))
    op.create_index("ix_inspection_team_id", "inspection", ["team_id", "id"], unique=False, postgresql_where=sa.text("team_id IS NOT NULL"))
    op.create_foreign_key(op.f("fk_inspection_previous_id"), "inspection", "inspection", ["previous_id"], ["id"])
    op.create_foreign_key(op.f("fk_inspection_team_id"), "inspection", "team", ["team_id"], ["id"])
    op.add_column("photo", sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True))
    op.add_column("photo", sa.Column("device_id", sa.Uuid(), nullable=True))
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    _statuses("new")
    op.execute("DROP TRIGGER checklist_is_append_only ON checklist")
    op.execute(FREEZE)
    op.execute("CREATE TRIGGER checklist_is_frozen BEFORE UPDATE OR DELETE ON checklist FOR EACH ROW EXECUTE FUNCTION keep_checklist_frozen()")
    for table in JOURNALS:
        op.execute(f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_is_never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    for table in MUTABLE:
        changed = "FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)"
        op.execute(f"CREATE TRIGGER {table}_keeps_superseded AFTER UPDATE ON {table} {changed} EXECUTE FUNCTION keep_superseded_row('id')")
    op.execute(STANDS)
    op.execute(
        "CREATE TRIGGER inspection_stands BEFORE UPDATE ON inspection FOR EACH ROW WHEN (old.status NOT IN ('planned', 'returned'))"
        " EXECUTE FUNCTION keep_submission_standing()"
    )
    op.execute(REVISIONS)
    for statement in FEED.split(";"):
        op.execute(statement)


def _statuses(which: str) -> None:
    names = ", ".join(f"'{status}'" for status in STATUSES[which])
    op.drop_constraint(op.f("ck_inspection_status"), "inspection", type_="check")
    op.drop_constraint(op.f("ck_inspection_submitted"), "inspection", type_="check")
    op.create_check_constraint(op.f("ck_inspection_status"), "inspection", f"status IN ({names})")
    op.create_check_constraint(op.f("ck_inspection_submitted"), "inspection", SUBMITTED[which])


def downgrade() -> None:
    op.execute("ALTER TABLE change DISABLE TRIGGER USER")
    op.execute("DELETE FROM change WHERE personal")
    op.execute("ALTER TABLE change ENABLE TRIGGER USER")
    op.execute("DROP TRIGGER inspection_stands ON inspection")
    op.execute("DROP FUNCTION keep_submission_standing()")
    op.execute("DROP TRIGGER checklist_keeps_superseded ON checklist")
    op.execute("DROP TRIGGER checklist_is_frozen ON checklist")
    op.execute("DROP FUNCTION keep_checklist_frozen()")
    op.execute("DELETE FROM checklist WHERE status = 'draft'")  # no inspection has one, and every checklist was published before this
    op.execute("CREATE TRIGGER checklist_is_append_only BEFORE UPDATE OR DELETE ON checklist FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("ALTER TABLE inspection DISABLE TRIGGER USER")
    op.execute(
        """
        UPDATE inspection SET complete_at = NULL, submitted_at = CASE status WHEN 'approved' THEN submitted_at END, withdrawal_reason = NULL,
            status = CASE status WHEN 'approved' THEN 'submitted' ELSE 'planned' END
        WHERE status IN ('approved', 'returned', 'withdrawn')
        """
    )
    op.execute("ALTER TABLE inspection ENABLE TRIGGER USER")
    _statuses("old")
    for table, checks in CHECKS.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_column("photo", "device_id")
    op.drop_column("photo", "clock_skew_ms")
    op.drop_constraint(op.f("fk_inspection_team_id"), "inspection", type_="foreignkey")
    op.drop_constraint(op.f("fk_inspection_previous_id"), "inspection", type_="foreignkey")
    op.drop_index("ix_inspection_team_id", table_name="inspection", postgresql_where=sa.text("team_id IS NOT NULL"))
    op.drop_index("ix_inspection_previous_id", table_name="inspection", postgresql_where=sa.text("previous_id IS NOT NULL"))
    op.drop_index("ix_inspection_incomplete", table_name="inspection", postgresql_where=sa.text("complete_at IS NULL AND submitted_at IS NOT NULL"))
    op.drop_column("inspection", "withdrawal_reason")
    op.drop_column("inspection", "complete_at")
    op.drop_column("inspection", "clock_skew_ms")
    op.drop_column("inspection", "revision")
    op.drop_column("inspection", "previous_id")
    op.drop_column("inspection", "note")
    op.drop_column("inspection", "team_id")
    op.alter_column(
        "checklist", "published_at", existing_type=postgresql.TIMESTAMP(timezone=True), nullable=False, existing_server_default=sa.text("clock_timestamp()")
    )
    op.drop_column("checklist", "recorded_at")
    op.drop_column("checklist", "version")
    op.drop_column("checklist", "retired_by")
    op.drop_column("checklist", "retired_at")
    op.drop_column("checklist", "source")
    op.drop_column("checklist", "status")
    op.drop_index("ix_change_subject_id", table_name="change", postgresql_where=sa.text("kind = 'dwelling' AND NOT personal"))
    op.drop_index("ix_change_person_id", table_name="change", postgresql_where=sa.text("person_id IS NOT NULL"))
    op.drop_index("ix_change_checklist", table_name="change", postgresql_where=sa.text("kind = 'checklist'"))
    op.drop_column("change", "gone")
    op.drop_column("change", "personal")
    op.drop_column("change", "person_id")
    op.drop_index("uq_inspection_edit_edit_id", table_name="inspection_edit", postgresql_where=sa.text("edit_id IS NOT NULL"))
    op.drop_table("inspection_edit")
    op.drop_table("review")
    op.drop_table("report")
    op.drop_table("openrosa_instance")
    op.drop_table("inspection_revision")
    op.drop_index("ix_inspection_conflict_person_id", table_name="inspection_conflict")
    op.drop_index("ix_inspection_conflict_inspection_id", table_name="inspection_conflict")
    op.drop_index(
        "ix_inspection_conflict_base_edit_id", table_name="inspection_conflict", postgresql_where=sa.text("base_edit_id IS NOT NULL AND resolution IS NULL")
    )
    op.drop_table("inspection_conflict")
    op.drop_index("ix_evidence_inspection_id", table_name="evidence")
    op.drop_table("evidence")
    op.drop_table("condition_score")
    op.drop_index("ix_team_member_person_id", table_name="team_member")
    op.drop_table("team_member")
    op.drop_index("ix_hazard_dwelling_id", table_name="hazard")
    op.drop_table("hazard")
    op.drop_table("team")
    op.drop_table("day_order")
