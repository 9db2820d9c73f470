"""What a trajectory needs besides: corrected money and measures, documents, demands of schemes, confirmations taken back, and dwellings that are no more.

Rows that are never changed but for the moment at which they ceased to be in force (`superseded_at`, `withdrawn_at`, `retracted_at`) are guarded by a trigger.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

API, COUNTER, WORKER = "registry_api", "registry_counter", "registry_worker"
ROLE, ORGANISATION = "(SELECT acting_role())", "(SELECT acting_organisation())"
READS_PROGRESS = f"{ROLE} IN ('corporation-editor', 'municipality-editor', 'reviewer', 'ministry-auditor')"
EDITORS = f"{ROLE} IN ('corporation-editor', 'municipality-editor')"
MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
ENDS = {
    "funding_line": ("superseded_at",),
    "measure": ("superseded_at", "retraction_reason"),
    "confirmation": ("withdrawn_at", "withdrawn_by", "withdrawal_reason"),
    "registered_label": ("retracted_at", "retracted_by"),
    "document": ("stored_at", "withdrawn_at", "withdrawn_by", "withdrawal_reason"),
}
"""Tables whose rows may be told once that they have ended, and the columns that say so; the first one holds the moment, but for a document."""
FORMERLY_JOURNALS = ("funding_line", "measure", "confirmation", "registered_label")
END_ONCE = """
CREATE FUNCTION end_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
    before jsonb := to_jsonb(old);
    after jsonb := to_jsonb(new);
BEGIN
    -- The arguments name the columns that may be filled in, each once; everything else stays as it was reported.
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF before ->> name IS NULL THEN
            before := before - name;
            after := after - name;
        END IF;
    END LOOP;
    IF before IS DISTINCT FROM after THEN
        RAISE EXCEPTION 'table % is append-only: what was reported stays', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$
"""
OLD_KINDS = (  # noqa: SIM905
    "roof-insulation attic-floor-insulation cavity-wall-insulation facade-insulation floor-insulation crawl-space-insulation "
    "high-efficiency-glazing triple-glazing insulated-doors co2-ventilation balanced-ventilation heat-pump hybrid-heat-pump solar-water-heater "
    "district-heating electric-cooking solar-panels"
).split()
NEW_KINDS = [*OLD_KINDS, "vacuum-glazing", "insulated-panels", "draught-proofing", "small-measures"]
DOCUMENT_KINDS = ("grant-decision", "completion-report", "energy-label", "contract", "invoice", "permit", "other")
EXPLAINED = "(SELECT acting_reason()) IS NOT NULL"
OF_HAZARDS = "action IN ('dwelling.hazard-recorded', 'dwelling.hazard-ended', 'inspection.next-visit-planned')"


def audit_policy(more: str = "") -> str:
    """Who reads an audit line, by what it is about."""
    return f"""NOT ({ROLE} = 'corporation-editor' AND {OF_HAZARDS})
    AND CASE {ROLE} WHEN 'administrator' THEN organisation_id = {ORGANISATION} WHEN 'ministry-auditor' THEN {EXPLAINED}
    ELSE role <> 'ministry-auditor' AND CASE subject_kind WHEN 'dwelling' THEN sees_dwelling(subject_id::uuid)
        WHEN 'trajectory' THEN sees_trajectory(subject_id::uuid) WHEN 'inspection' THEN sees_inspection(subject_id::uuid)
        WHEN 'photo' THEN sees_photo(subject_id::uuid) WHEN 'milestone' THEN sees_milestone(subject_id::uuid) {more} ELSE false END END"""


AUDIT = audit_policy("WHEN 'document' THEN EXISTS (SELECT FROM document WHERE document.id = subject_id::uuid)")
"""Whoever sees a document sees who read it: the table's own policy decides."""
POLICIES = {
    "funding_line": {"UPDATE": "runs_trajectory(trajectory_id)"},
    "measure": {"UPDATE": "runs_trajectory(trajectory_id)"},
    "confirmation": {"UPDATE": f"{ROLE} = 'municipality-editor' AND sees_milestone(milestone_id)"},
    "registered_label": {"UPDATE": f"{EDITORS} AND sees_dwelling(dwelling_id) AND organisation_id = {ORGANISATION}"},
    "document": {"SELECT": f"{READS_PROGRESS} AND sees_trajectory(trajectory_id)", **dict.fromkeys(("INSERT", "UPDATE"), "runs_trajectory(trajectory_id)")},
}
GRANTS = {
    API: (*(f"UPDATE ({', '.join(columns)}) ON {table}" for table, columns in ENDS.items()), "SELECT, INSERT ON document"),
    COUNTER: (
        "SELECT (superseded_at, recorded_at) ON funding_line",
        "SELECT (withdrawn_at) ON confirmation",
        "SELECT (decided_on) ON milestone",
        "SELECT (trajectory_id, kind, applied_on, recorded_at, superseded_at) ON measure",
        "SELECT (tenure, ended_on) ON dwelling",
        "SELECT (withdrawn_at) ON trajectory",
    ),
    WORKER: ("SELECT ON document",),
}
DEFINITIONS = (
    {
        "key": "in-preparation",
        "rule": {"all": [{"track": "construction", "reached": "planned"}, {"not": {"track": "construction", "reached": "started"}}]},
        "name_nl": "In voorbereiding",
        "name_en": "In preparation",
        "text_nl": "Er is een plan om de woning te bouwen, en de bouw is niet gestart. Een plan telt vanaf de dag waarop ertoe is besloten; is die dag niet "
        "gemeld, dan vanaf de dag waarop het register het plan kende, of de geplande dag als die eerder is. Een geannuleerd spoor telt niet.",
        "text_en": "There is a plan to build the dwelling, and construction has not started. A plan counts from the day on which it was decided; when that day "
        "is not reported, from the day on which the register knew of it, or the day it is for if that is earlier. A cancelled track does not count.",
    },
    {
        "key": "under-construction",
        "rule": {"all": [{"track": "construction", "reached": "started"}, {"not": {"track": "construction", "reached": "completed"}}]},
        "name_nl": "In aanbouw",
        "name_en": "Under construction",
        "text_nl": "De bouw van de woning is gestart en niet gereed gemeld. Een geannuleerd spoor telt niet.",
        "text_en": "Construction of the dwelling has started and is not reported completed. A cancelled track does not count.",
    },
    {
        "key": "built",
        "rule": {"track": "construction", "reached": "completed"},
        "name_nl": "Gebouwd",
        "name_en": "Built",
        "text_nl": "De bouw van de woning is gereed gemeld: nieuwbouw, herbouw of transformatie.",
        "text_en": "Construction of the dwelling is reported completed: new, rebuilt or transformed.",
    },
    {
        "key": "demolished",
        "rule": {"track": "demolition", "reached": "completed"},
        "name_nl": "Gesloopt",
        "name_en": "Demolished",
        "text_nl": "De sloop van de woning is gereed gemeld.",
        "text_en": "Demolition of the dwelling is reported completed.",
    },
    {
        "key": "household-helped",
        "rule": {"measure": "any"},
        "name_nl": "Huishouden geholpen",
        "name_en": "Household helped",
        "text_nl": "In de woning is ten minste één energiebesparende maatregel uitgevoerd. Een woning telt als één huishouden en telt één keer, hoeveel "
        "maatregelen en trajecten zij ook heeft; een ingetrokken maatregel telt niet.",
        "text_en": "At least one energy-saving measure was applied in the dwelling. A dwelling counts as one household, once, however many measures and "
        "trajectories it has; a measure that was taken back does not count.",
    },
)
DEFINITION = sa.table("definition", *(sa.column(name) for name in ("key", "edition", "name_nl", "name_en", "text_nl", "text_en")), sa.column("rule", sa.JSON))


def upgrade() -> None:
    op.execute(END_ONCE)
    for table in FORMERLY_JOURNALS:
        op.execute(f"DROP TRIGGER {table}_is_append_only ON {table}")
    _dwellings()
    _money()
    _measures()
    _confirmations()
    op.add_column("milestone", sa.Column("decided_on", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_milestone_decided_on"), "milestone", "decided_on IS NULL OR kind = 'planned'")
    op.add_column("scheme", sa.Column("demands", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))
    for column in (sa.Column("description", sa.Text()), sa.Column("starts_on", sa.Date()), sa.Column("ends_on", sa.Date())):
        op.add_column("project", column)
    op.add_column("trajectory", sa.Column("withdrawn_at", MOMENT, nullable=True))
    op.add_column("change", sa.Column("action", sa.Text(), nullable=True))
    _documents()
    for table, columns in ENDS.items():
        arguments = ", ".join(f"'{column}'" for column in columns)
        op.execute(f"CREATE TRIGGER {table}_ends_once BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION end_once({arguments})")
        op.execute(f"CREATE TRIGGER {table}_is_append_only BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER document_is_never_truncated BEFORE TRUNCATE ON document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    op.execute("ALTER TABLE document ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owned ON document TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY counted ON measure FOR SELECT TO {COUNTER} USING (true)")
    op.execute(f"CREATE POLICY worked_on ON document FOR SELECT TO {WORKER} USING (true)")
    op.execute(f"ALTER POLICY api_select ON audit_line USING ({AUDIT})")
    for table, policies in POLICIES.items():
        for command, condition in policies.items():
            uses = {"INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}.get(command, f"USING ({condition})")
            op.execute(f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO {API} {uses}")
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")
    op.bulk_insert(DEFINITION, [{**definition, "edition": 1} for definition in DEFINITIONS])


def _dwellings() -> None:
    op.add_column("dwelling", sa.Column("ended_on", sa.Date(), nullable=True))
    op.add_column("dwelling", sa.Column("withdrawn_at", MOMENT, nullable=True))
    op.drop_constraint("uq_dwelling_bag_id", "dwelling", type_="unique")
    op.create_index("uq_dwelling_bag_id", "dwelling", ["bag_id"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL"))
    for column in (
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column(
            "method", sa.Enum("nta-8800", "energy-index", "simplified", name="method", native_enum=False, create_constraint=True, length=40), nullable=True
        ),
        sa.Column("fossil_energy_kwh_m2", sa.Numeric(8, 2), nullable=True),
        sa.Column(
            "source", sa.Enum("api", "ep-online", name="source", native_enum=False, create_constraint=True, length=40), server_default="api", nullable=False
        ),
        sa.Column("retracted_at", MOMENT, nullable=True),
        sa.Column("retracted_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("registered_label", column)


def _money() -> None:
    op.drop_constraint("pk_funding_line", "funding_line", type_="primary")
    for column in (
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("superseded_at", MOMENT, nullable=True),
    ):
        op.add_column("funding_line", column)
    op.create_primary_key("pk_funding_line", "funding_line", ["id"])
    op.create_index("uq_funding_line_scheme", "funding_line", ["trajectory_id", "scheme"], unique=True, postgresql_where=sa.text("superseded_at IS NULL"))
    op.create_index("ix_funding_line_scheme", "funding_line", ["scheme", "trajectory_id"], unique=False)


def _kinds(kinds: list[str]) -> None:
    op.drop_constraint(op.f("ck_measure_kind"), "measure", type_="check")
    op.create_check_constraint(op.f("ck_measure_kind"), "measure", f"kind IN ({', '.join(repr(kind) for kind in kinds)})")


def _measures() -> None:
    _kinds(NEW_KINDS)
    for column in (
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.Column("retraction_reason", sa.Text(), nullable=True),
    ):
        op.add_column("measure", column)
    op.create_foreign_key(op.f("fk_measure_corrects_id"), "measure", "measure", ["corrects_id"], ["id"])
    op.create_unique_constraint(op.f("uq_measure_corrects_id"), "measure", ["corrects_id"])
    op.create_check_constraint(op.f("ck_measure_retraction_reason"), "measure", "retraction_reason IS NULL OR superseded_at IS NOT NULL")


def _confirmations() -> None:
    for column in (
        sa.Column("rests_on", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawal_reason", sa.Text(), nullable=True),
    ):
        op.add_column("confirmation", column)
    op.drop_constraint("uq_confirmation_milestone_id", "confirmation", type_="unique")
    op.create_index("uq_confirmation_milestone_id", "confirmation", ["milestone_id"], unique=True, postgresql_where=sa.text("withdrawn_at IS NULL"))
    op.create_index("ix_confirmation_milestone_id", "confirmation", ["milestone_id"], unique=False)
    op.create_check_constraint(op.f("ck_confirmation_withdrawn"), "confirmation", "num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)")


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("trajectory_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum(*DOCUMENT_KINDS, name="kind", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=True),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawal_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_document_size_bytes")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_document_sha256")),
        sa.CheckConstraint("num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)", name=op.f("ck_document_withdrawn")),
        sa.ForeignKeyConstraint(["trajectory_id"], ["trajectory.id"], name=op.f("fk_document_trajectory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index("ix_document_trajectory_id", "document", ["trajectory_id", "id"], unique=False)


def downgrade() -> None:
    op.execute("ALTER TABLE definition DISABLE TRIGGER USER")
    op.execute(f"DELETE FROM definition WHERE edition = 1 AND key IN ({', '.join(repr(definition['key']) for definition in DEFINITIONS)})")
    op.execute("ALTER TABLE definition ENABLE TRIGGER USER")
    for role, grants in GRANTS.items():
        for grant in grants:
            if not grant.endswith(" document"):
                op.execute(f"REVOKE {grant} FROM {role}")
    for table, policies in POLICIES.items():
        if table != "document":
            for command in policies:
                op.execute(f"DROP POLICY api_{command.lower()} ON {table}")
    op.execute("DROP POLICY counted ON measure")
    op.execute(f"ALTER POLICY api_select ON audit_line USING ({audit_policy()})")
    op.drop_table("document")
    for table in FORMERLY_JOURNALS:
        op.execute(f"DROP TRIGGER {table}_ends_once ON {table}")
        op.execute(f"DROP TRIGGER {table}_is_append_only ON {table}")
    # What the former schema can't say is dropped: rows that are not in force any more, and measures of kinds it does not know.
    op.execute("DELETE FROM funding_line WHERE superseded_at IS NOT NULL")
    op.execute("DELETE FROM confirmation WHERE withdrawn_at IS NOT NULL")
    op.execute("UPDATE measure SET corrects_id = NULL")
    op.execute(f"DELETE FROM measure WHERE superseded_at IS NOT NULL OR kind NOT IN ({', '.join(repr(kind) for kind in OLD_KINDS)})")
    op.execute("DELETE FROM registered_label WHERE retracted_at IS NOT NULL")
    op.drop_column("change", "action")
    op.drop_column("trajectory", "withdrawn_at")
    for column in ("ends_on", "starts_on", "description"):
        op.drop_column("project", column)
    op.drop_column("scheme", "demands")
    op.drop_column("milestone", "decided_on")
    op.drop_index("ix_confirmation_milestone_id", "confirmation")
    op.drop_index("uq_confirmation_milestone_id", "confirmation")
    for column in ("withdrawal_reason", "withdrawn_by", "withdrawn_at", "rests_on"):
        op.drop_column("confirmation", column)
    op.create_unique_constraint(op.f("uq_confirmation_milestone_id"), "confirmation", ["milestone_id"])
    for column in ("retraction_reason", "superseded_at", "corrects_id", "note"):
        op.drop_column("measure", column)
    _kinds(OLD_KINDS)
    op.drop_index("ix_funding_line_scheme", "funding_line")
    op.drop_index("uq_funding_line_scheme", "funding_line")
    op.drop_constraint("pk_funding_line", "funding_line", type_="primary")
    for column in ("superseded_at", "organisation_id", "recorded_by", "awarded_on", "id"):
        op.drop_column("funding_line", column)
    op.create_primary_key("pk_funding_line", "funding_line", ["trajectory_id", "scheme"])
    for column in ("retracted_by", "retracted_at", "source", "fossil_energy_kwh_m2", "method", "expires_on", "registered_on"):
        op.drop_column("registered_label", column)
    op.drop_index("uq_dwelling_bag_id", "dwelling")
    op.execute("UPDATE dwelling SET bag_id = NULL, bag_object_type = NULL WHERE withdrawn_at IS NOT NULL")
    op.create_unique_constraint("uq_dwelling_bag_id", "dwelling", ["bag_id"])
    op.drop_column("dwelling", "withdrawn_at")
    op.drop_column("dwelling", "ended_on")
    for table in FORMERLY_JOURNALS:
        op.execute(f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("DROP FUNCTION end_once()")
