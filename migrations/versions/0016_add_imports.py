"""Imports: the files that organisations send, their rows, what is wrong with them and what became of them; and who sees that.

The worker applies an import in the name of the person who sent it, as the role of the API, so that row-level security holds it back as it does her.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

API, WORKER = "registry_api", "registry_worker"
DEFINER = "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp"
TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
ROLE, PERSON, ORGANISATION, MUNICIPALITY = (f"(SELECT acting_{name}())" for name in ("role", "person", "organisation", "municipality"))
EXPLAINED = "(SELECT acting_reason()) IS NOT NULL"
MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
JSON = postgresql.JSONB(astext_type=sa.Text())
KINDS = ("bag", "dwellings", "portfolio", "milestones", "energy-labels")
STATUSES = ("received", "reading", "comparing", "tried", "applying", "applied", "undoing", "undone", "failed")
ROLES = ("inspector", "reviewer", "corporation-editor", "municipality-editor", "ministry-analyst", "ministry-auditor", "administrator")
ROWS = ("import_row", "import_outcome", "import_fault", "import_effect")

LET_WORKER_ACT = """
DO $$ BEGIN
    IF NOT pg_has_role('registry_worker', 'registry_api', 'SET') THEN
        GRANT registry_api TO registry_worker WITH INHERIT FALSE, SET TRUE;
    END IF;
END $$
"""
SEES_IMPORT = f"""
CREATE FUNCTION sees_import(of_import uuid) RETURNS boolean {DEFINER} AS $$
BEGIN
    RETURN CASE acting_role() WHEN 'ministry-auditor' THEN acting_reason() IS NOT NULL
        WHEN 'corporation-editor' THEN true WHEN 'municipality-editor' THEN true ELSE false END
        AND EXISTS (SELECT FROM import_run
            WHERE id = of_import AND (organisation_id = acting_organisation() OR acting_role() = 'ministry-auditor'));
END $$
"""


def sees_dwelling(withdrawn: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION sees_dwelling(of_dwelling uuid) RETURNS boolean {DEFINER} AS $$
DECLARE held dwelling%ROWTYPE;
BEGIN
    SELECT * INTO held FROM dwelling WHERE id = of_dwelling{withdrawn};
    RETURN FOUND AND sees_row_of_dwelling(held.id, held.municipality_code, held.registrar_id);
END $$
"""


DWELLING = f"""CASE {ROLE} WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED}
    WHEN 'corporation-editor' THEN holds_dwelling(id, registrar_id, {ORGANISATION}, (SELECT {TODAY}))
    WHEN 'ministry-analyst' THEN false WHEN 'administrator' THEN false ELSE sees_row_of_dwelling(id, municipality_code, registrar_id) END"""
READS_PROGRESS = f"{ROLE} IN ('corporation-editor', 'municipality-editor', 'reviewer', 'ministry-auditor')"
TRAJECTORY = f"{READS_PROGRESS} AND sees_dwelling(dwelling_id)"
EDITORS = f"{ROLE} IN ('corporation-editor', 'municipality-editor')"
OWN = f"{EDITORS} AND organisation_id = {ORGANISATION}"
RUN = f"({OWN}) OR ({ROLE} = 'ministry-auditor' AND {EXPLAINED})"
POLICIES = {
    "import_run": {"SELECT": RUN, "INSERT": f"{OWN} AND person_id = {PERSON} AND role = {ROLE}", "UPDATE": OWN},
    **{table: {"SELECT": "sees_import(import_id)"} for table in ROWS},
    "column_mapping": dict.fromkeys(("SELECT", "INSERT", "UPDATE", "DELETE"), OWN),
}
GRANTS = {
    API: (
        "SELECT, INSERT, UPDATE (status, mode, mapping, sheet, done, total, undone_by, undo_reason) ON import_run",
        *(f"SELECT ON {table}" for table in ROWS),
        "SELECT, INSERT, UPDATE, DELETE ON column_mapping",
        "EXECUTE ON FUNCTION sees_import(uuid)",
    ),
    WORKER: (
        *(f"SELECT, INSERT, UPDATE, DELETE ON {table}" for table in ("import_run", *ROWS)),
        "SELECT ON column_mapping",
        "EXECUTE ON FUNCTION works_as(uuid, uuid, text)",
    ),
}


def upgrade() -> None:
    _tables()
    op.execute(
        "CREATE TRIGGER column_mapping_keeps_superseded AFTER UPDATE ON column_mapping FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) "
        "EXECUTE FUNCTION keep_superseded_row('id')"
    )
    _define(LET_WORKER_ACT)
    _define(SEES_IMPORT)
    op.execute("REVOKE EXECUTE ON FUNCTION sees_import(uuid) FROM PUBLIC")
    _define(sees_dwelling(" AND withdrawn_at IS NULL"))
    op.execute(f"ALTER POLICY api_select ON dwelling USING (withdrawn_at IS NULL AND ({DWELLING}))")
    op.execute(f"ALTER POLICY api_select ON trajectory USING (withdrawn_at IS NULL AND ({TRAJECTORY}))")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owned ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY worked_on ON {table} TO {WORKER} USING (true) WITH CHECK (true)")
        for command, condition in policies.items():
            uses = {"INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}.get(command, f"USING ({condition})")
            op.execute(f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO {API} {uses}")
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def _define(function: str) -> None:
    op.get_bind().exec_driver_sql(function.replace("%", "%%"))


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _tables() -> None:
    op.create_table(
        "column_mapping",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _one_of("kind", *KINDS), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_column_mapping_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_mapping")),
        sa.UniqueConstraint("organisation_id", "kind", "name", name=op.f("uq_column_mapping_organisation_id_kind_name")),
    )
    op.create_table(
        "import_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("kind", _one_of("kind", *KINDS), nullable=False),
        sa.Column("status", _one_of("status", *STATUSES), server_default="received", nullable=False),
        sa.Column("mode", _one_of("mode", "all-or-nothing", "per-row"), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", _one_of("role", *ROLES), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("mapping", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("columns", JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("problems", JSON, server_default=sa.text("'[]'"), nullable=False),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("rows_read", "created", "changed", "unchanged", "refused")),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in ("done", "total")),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("tried_at", "applied_at", "undone_at")),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undo_reason", sa.Text(), nullable=True),
        sa.Column("forgotten_at", MOMENT, nullable=True),
        sa.CheckConstraint("(status IN ('undoing', 'undone')) = (undo_reason IS NOT NULL)", name=op.f("ck_import_run_undo_reason")),
        sa.CheckConstraint(
            "rows_read = created + changed + unchanged + refused OR status IN ('received', 'reading', 'comparing')", name=op.f("ck_import_run_adds_up")
        ),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_import_run_sha256")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_import_run_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("person_id", "request_key", name=op.f("uq_import_run_person_id_request_key")),
    )
    op.create_index("ix_import_run_organisation_id", "import_run", ["organisation_id", "id"], unique=False)
    op.create_index("ix_import_run_sha256", "import_run", ["sha256", "organisation_id"], unique=False)
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("values", JSON, nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_key", "import_row", ["import_id", "key", "row"], unique=False)
    op.create_table(
        "import_outcome",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("outcome", _one_of("outcome", "created", "changed", "unchanged", "refused"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("changes", JSON, nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_import_outcome")),
    )
    op.create_index("ix_import_outcome_outcome", "import_outcome", ["import_id", "outcome", "row"], unique=False)
    op.create_table(
        "import_fault",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("facts", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_fault")),
    )
    op.create_index("ix_import_fault_row", "import_fault", ["import_id", "row", "id"], unique=False)
    op.create_table(
        "import_effect",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("subject_kind", _one_of("subject_kind", "dwelling", "portfolio-period", "trajectory", "milestone", "label"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action", _one_of("action", "created", "changed"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_effect")),
    )
    op.create_index("ix_import_effect_import_id", "import_effect", ["import_id", "id"], unique=False)
    op.create_index("ix_import_effect_subject_id", "import_effect", ["subject_id"], unique=False)


def downgrade() -> None:
    op.execute(f"ALTER POLICY api_select ON trajectory USING ({TRAJECTORY})")
    op.execute(f"ALTER POLICY api_select ON dwelling USING ({DWELLING})")
    _define(sees_dwelling(""))
    for table in ("column_mapping", *ROWS, "import_run"):
        op.drop_table(table)
    op.execute(f"REVOKE EXECUTE ON FUNCTION works_as(uuid, uuid, text) FROM {WORKER}")
    op.execute("DROP FUNCTION sees_import(uuid)")
