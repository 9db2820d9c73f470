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
OUTCOMES = ("created", "changed", "unchanged", "refused")
STATUSES = ("received", "reading", "comparing", "tried", "applying", "applied", "undoing", "undone", "failed")
ROLES = ("inspector", "reviewer", "corporation-editor", "municipality-editor", "ministry-analyst", "ministry-auditor", "administrator")
ROWS = ("import_row", "import_outcome", "import_fault", "import_effect")

LET_ACT = """
DO $$ DECLARE who name;
BEGIN
    -- The worker imports in the name of who sent a file; on the command line the owner does, for an organisation.
    FOREACH who IN ARRAY ARRAY['registry_worker', current_user] LOOP
        IF NOT pg_has_role(who, 'registry_api', 'SET') THEN
            EXECUTE format('GRANT registry_api TO %I WITH INHERIT FALSE, SET TRUE', who);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'imports need: GRANT registry_api TO registry_worker, % WITH INHERIT FALSE, SET TRUE', current_user;
END $$
"""


WITHDRAW_TRAJECTORIES = """
CREATE FUNCTION withdraw_trajectories(ids uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- For an import that is undone. The policy hides what is withdrawn, so the API's role can't say this by itself; it may of what it runs, with no
    -- milestone left.
    RETURN QUERY UPDATE trajectory SET withdrawn_at = clock_timestamp(), recorded_at = clock_timestamp(), version = version + 1
    WHERE id = ANY (ids) AND withdrawn_at IS NULL AND runs_trajectory(id) AND NOT EXISTS (SELECT FROM milestone AS said
        WHERE said.trajectory_id = trajectory.id AND said.action <> 'retracted' AND NOT EXISTS (SELECT FROM milestone WHERE corrects_id = said.id))
    RETURNING id;
END $$
"""


PORTFOLIO_ENDS = """
CREATE FUNCTION portfolio_ends_to_undo(ids uuid[], versions int[]) RETURNS TABLE (id uuid, valid_until date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- When periods ended before an import of the acting organisation changed that, which is being undone: former versions are hidden from the API's role.
    -- Several imports may wait to be undone: the version that one gave a period tells which it is.
    SELECT effect.subject_id, (kept.content ->> 'valid_until')::date
    FROM unnest(ids, versions) AS wanted (id, version) JOIN import_effect AS effect ON effect.subject_id = wanted.id AND effect.version = wanted.version
        JOIN import_run AS run ON run.id = effect.import_id
        JOIN superseded_row AS kept ON kept.table_name = 'portfolio_period' AND kept.row_id = effect.subject_id::text
            AND (kept.content ->> 'version')::int = effect.version - 1
    WHERE effect.subject_kind = 'portfolio-period' AND effect.action = 'changed' AND run.status = 'undoing'
        AND run.organisation_id IS NOT DISTINCT FROM acting_organisation()
$$
"""
HIDDEN_BAG_IDS = """
CREATE FUNCTION bag_ids_out_of_sight(bag_ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- BAG ids that are in use: a single call is refused for one of them, and the dry run of an import has to say so beforehand.
    SELECT bag_id FROM dwelling
    WHERE bag_id = ANY (bag_ids) AND withdrawn_at IS NULL AND NOT sees_row_of_dwelling(id, municipality_code, registrar_id)
$$
"""
TO_UNDO = """
CREATE FUNCTION dwellings_to_undo(ids uuid[], versions int[]) RETURNS TABLE (id uuid, action text, version int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- Several imports may wait to be undone: the version that one gave a dwelling tells which it is.
    SELECT effect.subject_id, effect.action, effect.version
    FROM unnest(ids, versions) AS wanted (id, version) JOIN import_effect AS effect ON effect.subject_id = wanted.id AND effect.version = wanted.version
        JOIN import_run AS run ON run.id = effect.import_id
    WHERE effect.subject_kind = 'dwelling' AND run.status = 'undoing'
        AND run.organisation_id IS NOT DISTINCT FROM acting_organisation()
$$
"""
UNDO_DWELLINGS = """
CREATE FUNCTION undo_dwellings(ids uuid[], versions int[]) RETURNS TABLE (dwelling_id uuid, built_on text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- Takes back what an import of the acting organisation, which is being undone, wrote to these dwellings, and tells what builds on that; whoever calls it
    -- keeps nothing when anything does. Policies hide a withdrawn row and the former content, so the owner does it.
    PERFORM FROM dwelling WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    RETURN QUERY SELECT undone.id, things.what FROM dwellings_to_undo(ids, versions) AS undone JOIN dwelling AS held ON held.id = undone.id,
        LATERAL (SELECT 'version' WHERE held.version <> undone.version
            UNION ALL SELECT 'trajectory' WHERE undone.action = 'created'
                AND EXISTS (SELECT FROM trajectory WHERE trajectory.dwelling_id = held.id AND withdrawn_at IS NULL)
            UNION ALL SELECT 'inspection' WHERE undone.action = 'created' AND EXISTS (SELECT FROM inspection WHERE inspection.dwelling_id = held.id)
            UNION ALL SELECT 'portfolio-period' WHERE undone.action = 'created' AND EXISTS (SELECT FROM portfolio_period
                WHERE portfolio_period.dwelling_id = held.id AND valid_until IS DISTINCT FROM valid_from)
            UNION ALL SELECT 'label' WHERE undone.action = 'created'
                AND EXISTS (SELECT FROM registered_label WHERE registered_label.dwelling_id = held.id AND retracted_at IS NULL)
            UNION ALL SELECT 'hazard' WHERE undone.action = 'created' AND EXISTS (SELECT FROM hazard WHERE hazard.dwelling_id = held.id)
            UNION ALL SELECT 'succession' WHERE undone.action = 'created'
                AND EXISTS (SELECT FROM succession_dwelling WHERE succession_dwelling.dwelling_id = held.id)
        ) AS things (what) ORDER BY 1, 2;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE dwelling AS held SET version = held.version + 1, recorded_at = clock_timestamp(),
        (%COLUMNS%) = ROW (%FORMER%)
    FROM dwellings_to_undo(ids, versions) AS undone
        JOIN superseded_row AS kept ON kept.table_name = 'dwelling' AND kept.row_id = undone.id::text
            AND (kept.content ->> 'version')::int = undone.version - 1,
        LATERAL jsonb_populate_record(NULL::dwelling, kept.content) AS former
    WHERE held.id = undone.id AND held.version = undone.version AND undone.action = 'changed';
    UPDATE dwelling AS held SET withdrawn_at = clock_timestamp(), version = held.version + 1, recorded_at = clock_timestamp()
    FROM dwellings_to_undo(ids, versions) AS undone WHERE held.id = undone.id AND held.version = undone.version AND undone.action = 'created';
END $$
"""
OF_DWELLING = (  # noqa: SIM905
    "municipality_code focus_area bag_id bag_object_type street house_number house_letter house_number_suffix postcode town year_built "
    "floor_area_m2 uses tenure dwelling_type longitude latitude bag_status address_designation_id building_ids town_code rd_x rd_y "
).split()
"""What an import of dwellings may change."""


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
# The rows of an import are seen by whoever sees the import, and that is found out once for a query: there are many rows.
POLICIES = {
    "import_run": {"SELECT": RUN, "INSERT": f"{OWN} AND person_id = {PERSON} AND role = {ROLE}", "UPDATE": OWN},
    **{table: {"SELECT": "import_id IN (SELECT id FROM import_run)"} for table in ROWS},
    "column_mapping": dict.fromkeys(("SELECT", "INSERT", "UPDATE", "DELETE"), OWN),
}
GRANTS = {
    API: (
        "SELECT, INSERT, UPDATE (status, mode, mapping, sheet, done, total, undone_by, undo_reason) ON import_run",
        *(f"SELECT ON {table}" for table in ROWS),
        "SELECT, INSERT, UPDATE, DELETE ON column_mapping",
        "EXECUTE ON FUNCTION bag_ids_out_of_sight(text[])",
        "EXECUTE ON FUNCTION undo_dwellings(uuid[], int[])",
        "EXECUTE ON FUNCTION withdraw_trajectories(uuid[])",
        "EXECUTE ON FUNCTION portfolio_ends_to_undo(uuid[], int[])",
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
    _define(LET_ACT)
    _define(WITHDRAW_TRAJECTORIES)
    _define(PORTFOLIO_ENDS)
    for function in ("withdraw_trajectories(uuid[])", "portfolio_ends_to_undo(uuid[], int[])"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    _define(sees_dwelling(" AND withdrawn_at IS NULL"))
    _define(HIDDEN_BAG_IDS)
    _define(TO_UNDO)
    _define(UNDO_DWELLINGS.replace("%COLUMNS%", ", ".join(OF_DWELLING)).replace("%FORMER%", ", ".join(f"former.{name}" for name in OF_DWELLING)))
    for function in ("bag_ids_out_of_sight(text[])", "dwellings_to_undo(uuid[], int[])", "undo_dwellings(uuid[], int[])"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
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
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("rows_read", "passed_over", "last_row", *OUTCOMES)),
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
        sa.Column("faulty", sa.Boolean(), server_default="false", nullable=False),
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
    op.execute("DROP FUNCTION undo_dwellings(uuid[], int[])")
    op.execute("DROP FUNCTION dwellings_to_undo(uuid[], int[])")
    op.execute("DROP FUNCTION bag_ids_out_of_sight(text[])")
    for table in ("column_mapping", *ROWS, "import_run"):
        op.drop_table(table)
    op.execute(f"REVOKE EXECUTE ON FUNCTION works_as(uuid, uuid, text) FROM {WORKER}")
    op.execute("DROP FUNCTION portfolio_ends_to_undo(uuid[], int[])")
    op.execute("DROP FUNCTION withdraw_trajectories(uuid[])")
