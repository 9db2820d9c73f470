"""Successions of dwellings, and who owns and who manages them.

`lineage` is the transitive closure of the successions in force, and `inherited_dwelling` what each portfolio period lets its corporation see by it: the
dwellings that came before. Triggers keep both in the transaction that changes a succession or a portfolio, so that no writer can forget it, and a page of a
corporation is still read along one index for each part. Who holds the later dwelling only sees the earlier one: what may be written is asked of
`keeps_dwelling`, which knows of no successions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

API, COUNTER = "registry_api", "registry_counter"
SECURE = "SECURITY DEFINER SET search_path = public, pg_temp"
TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
ROLE, PERSON, ORGANISATION, MUNICIPALITY = (f"(SELECT acting_{name}())" for name in ("role", "person", "organisation", "municipality"))
EXPLAINED = "(SELECT acting_reason()) IS NOT NULL"
EDITORS = f"{ROLE} IN ('corporation-editor', 'municipality-editor')"
READS_PROGRESS = f"{ROLE} IN ('corporation-editor', 'municipality-editor', 'reviewer', 'ministry-auditor')"
MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
ID = sa.text("uuid_v7()")
KINDS = ("split", "merge", "replacement", "demolition", "re-keying")
ENDS = ("retracted_at", "retracted_by", "retraction_reason")

# -- What follows from a succession ----------------------------------------------------------------------------------------------------------------

CLOSURE = """WITH RECURSIVE edge AS NOT MATERIALIZED (
        SELECT former.dwelling_id AS predecessor_id, later.dwelling_id AS successor_id
        FROM succession JOIN succession_dwelling AS former ON former.succession_id = succession.id AND former.side = 'predecessor'
            JOIN succession_dwelling AS later ON later.succession_id = succession.id AND later.side = 'successor'
        WHERE succession.retracted_at IS NULL AND succession.new_bag_id IS NULL),
    line (predecessor_id, successor_id) AS (
        SELECT edge.predecessor_id, edge.successor_id FROM edge{roots}
        UNION SELECT line.predecessor_id, edge.successor_id FROM line JOIN edge ON edge.predecessor_id = line.successor_id)
    INSERT INTO lineage (predecessor_id, successor_id) SELECT predecessor_id, successor_id FROM line"""
"""A re-keying in which the dwelling keeps its row is no edge: nothing comes before itself."""
INHERITED = """INSERT INTO inherited_dwelling (organisation_id, dwelling_id, period_id)
    SELECT period.organisation_id, lineage.predecessor_id, period.id FROM {periods} AS period JOIN lineage ON lineage.successor_id = period.dwelling_id"""
REFRESH = f"""
CREATE FUNCTION refresh_lineage(of_dwellings uuid[]) RETURNS void LANGUAGE plpgsql {SECURE} AS $$
DECLARE
    -- Whatever comes before these dwellings, and they: what comes after each of them is looked up again.
    roots uuid[] := ARRAY(SELECT unnest(of_dwellings) UNION SELECT predecessor_id FROM lineage WHERE successor_id = ANY (of_dwellings));
    touched uuid[] := ARRAY(SELECT successor_id FROM lineage WHERE predecessor_id = ANY (roots));
BEGIN
    DELETE FROM lineage WHERE predecessor_id = ANY (roots);
    {CLOSURE.format(roots=" WHERE edge.predecessor_id = ANY (roots)")};
    touched := touched || ARRAY(SELECT successor_id FROM lineage WHERE predecessor_id = ANY (roots));
    DELETE FROM inherited_dwelling USING portfolio_period AS period WHERE period.id = period_id AND period.dwelling_id = ANY (touched);
    {INHERITED.format(periods="portfolio_period")} WHERE period.dwelling_id = ANY (touched);
END $$
"""
REBUILD = f"""
CREATE FUNCTION rebuild_lineage() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- For who doubts it, or has restored a part of the database.
    DELETE FROM inherited_dwelling;
    DELETE FROM lineage;
    {CLOSURE.format(roots="")};
    {INHERITED.format(periods="portfolio_period")};
END $$
"""
KEEP_ADDED = f"""
CREATE FUNCTION keep_lineage_of_added() RETURNS trigger LANGUAGE plpgsql {SECURE} AS $$
BEGIN
    PERFORM refresh_lineage(ARRAY(SELECT DISTINCT known.dwelling_id FROM succession_dwelling AS known JOIN added USING (succession_id)
        WHERE known.side = 'predecessor'));
    RETURN NULL;
END $$
"""
KEEP_RETRACTED = f"""
CREATE FUNCTION keep_lineage_of_retracted() RETURNS trigger LANGUAGE plpgsql {SECURE} AS $$
BEGIN
    PERFORM refresh_lineage(ARRAY(SELECT dwelling_id FROM succession_dwelling WHERE succession_id = new.id AND side = 'predecessor'));
    RETURN NULL;
END $$
"""
KEEP_INHERITED = f"""
CREATE FUNCTION keep_inherited() RETURNS trigger LANGUAGE plpgsql {SECURE} AS $$
BEGIN
    {INHERITED.format(periods="added")};
    RETURN NULL;
END $$
"""
TRIGGERS = {
    "succession_ends_once": f"BEFORE UPDATE ON succession FOR EACH ROW EXECUTE FUNCTION end_once({', '.join(repr(name) for name in ENDS)})",
    "succession_is_append_only": "BEFORE DELETE ON succession FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "succession_is_never_truncated": "BEFORE TRUNCATE ON succession FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "succession_keeps_lineage": "AFTER UPDATE OF retracted_at ON succession FOR EACH ROW EXECUTE FUNCTION keep_lineage_of_retracted()",
    "succession_dwelling_is_append_only": "BEFORE UPDATE OR DELETE ON succession_dwelling FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "succession_dwelling_is_never_truncated": "BEFORE TRUNCATE ON succession_dwelling FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "succession_dwelling_keeps_lineage": "AFTER INSERT ON succession_dwelling REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
    "EXECUTE FUNCTION keep_lineage_of_added()",
    "portfolio_period_keeps_inherited": "AFTER INSERT ON portfolio_period REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_inherited()",
}

# -- Who sees and who keeps a dwelling -------------------------------------------------------------------------------------------------------------

IN_FORCE = "valid_from <= today AND (valid_until IS NULL OR valid_until > today)"
OF_DWELLING = "dwelling_id = ANY (ARRAY[%s])"
"""Of an organisation, the period of a dwelling. Written so, it can't be looked for in the GiST index of the constraint, which takes ten times the pages."""


def holds_dwelling(saying_something: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION holds_dwelling(of_dwelling uuid, registrar uuid, body uuid, today date) RETURNS boolean
LANGUAGE plpgsql STABLE {SECURE} AS $$
BEGIN
    -- For pages of a corporation: what is the same for every row is passed in.
    IF EXISTS (SELECT FROM portfolio_period WHERE {OF_DWELLING % "of_dwelling"} AND organisation_id = body AND {IN_FORCE}) THEN
        RETURN true;
    END IF;
    RETURN coalesce(registrar = body AND NOT EXISTS (SELECT FROM portfolio_period WHERE dwelling_id = of_dwelling{saying_something}), false);
END $$
"""


INHERITS = f"""
CREATE FUNCTION inherits_dwelling(of_dwelling uuid, body uuid, today date) RETURNS boolean LANGUAGE plpgsql STABLE {SECURE} AS $$
BEGIN
    -- Whether a dwelling that came after this one is in the portfolio of that corporation.
    RETURN EXISTS (SELECT FROM inherited_dwelling AS inherited JOIN portfolio_period ON portfolio_period.id = inherited.period_id
        WHERE inherited.organisation_id = body AND inherited.dwelling_id = of_dwelling AND {IN_FORCE});
END $$
"""


def of_row(name: str, inherited: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION {name}(of_dwelling uuid, municipality text, registrar uuid) RETURNS boolean
LANGUAGE plpgsql STABLE {SECURE} AS $$
BEGIN
    -- The particulars are passed in, because a row that is being inserted can't be found yet.
    CASE acting_role()
    WHEN 'municipality-editor' THEN
        RETURN coalesce(municipality = acting_municipality(), false);
    WHEN 'corporation-editor' THEN
        RETURN holds_dwelling(of_dwelling, registrar, acting_organisation(), {TODAY}){inherited};
    WHEN 'inspector' THEN
        RETURN EXISTS (SELECT FROM inspection WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation()
            AND (assignee_id = acting_person() OR (assignee_id IS NULL AND in_team(team_id))));
    WHEN 'reviewer' THEN
        RETURN coalesce(municipality = acting_municipality(), false)
            OR EXISTS (SELECT FROM inspection WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation())
            OR holds_dwelling(of_dwelling, CASE WHEN acting_municipality() IS NULL THEN registrar END, acting_organisation(), {TODAY}){inherited};
    WHEN 'ministry-auditor' THEN
        RETURN acting_reason() IS NOT NULL;
    ELSE
        RETURN false;
    END CASE;
END $$
"""


SEES_SUCCESSION = f"""
CREATE FUNCTION sees_succession(of_succession uuid) RETURNS boolean LANGUAGE plpgsql STABLE {SECURE} AS $$
BEGIN
    RETURN EXISTS (SELECT FROM succession_dwelling WHERE succession_id = of_succession AND sees_dwelling(dwelling_id));
END $$
"""


RUNS_FORMERLY = f"""
CREATE OR REPLACE FUNCTION runs_trajectory(of_trajectory uuid) RETURNS boolean LANGUAGE plpgsql STABLE {SECURE} AS $$
BEGIN
    RETURN acting_role() IN ('corporation-editor', 'municipality-editor') AND sees_trajectory(of_trajectory)
        AND EXISTS (SELECT FROM trajectory WHERE id = of_trajectory AND executor_id = acting_organisation());
END $$
"""
SEES_FORMERLY = f"""
CREATE OR REPLACE FUNCTION sees_dwelling(of_dwelling uuid) RETURNS boolean LANGUAGE plpgsql STABLE {SECURE} AS $$
DECLARE held dwelling%ROWTYPE;
BEGIN
    SELECT * INTO held FROM dwelling WHERE id = of_dwelling AND withdrawn_at IS NULL;
    RETURN FOUND AND sees_row_of_dwelling(held.id, held.municipality_code, held.registrar_id);
END $$
"""


# Asked for every row of a trajectory that is read or written, by the thousand in a batch or an import. So what most of them come to, a dwelling in the
# portfolio of the corporation that acts, is found in one query. A plan is kept for as long as a session lives and may be made while a table is empty: then
# PostgreSQL would go through all of it for each row, once it is full.
ALONG_INDEXES = "SET enable_seqscan = off"
HELD = f"""EXISTS (SELECT FROM portfolio_period WHERE organisation_id = body AND {IN_FORCE}
        AND {OF_DWELLING % "(SELECT id FROM dwelling WHERE id = of_dwelling AND withdrawn_at IS NULL)"})"""


def of_dwelling(name: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION {name}_dwelling(of_dwelling uuid) RETURNS boolean LANGUAGE plpgsql STABLE {ALONG_INDEXES} {SECURE} AS $$
DECLARE
    body constant uuid := acting_organisation();
    today constant date := {TODAY};
    municipality text;
    registrar uuid;
BEGIN
    IF acting_role() = 'corporation-editor' AND {HELD} THEN
        RETURN true;
    END IF;
    SELECT municipality_code, registrar_id INTO municipality, registrar FROM dwelling WHERE id = of_dwelling AND withdrawn_at IS NULL;
    RETURN FOUND AND {name}_row_of_dwelling(of_dwelling, municipality, registrar);
END $$
"""


# Who sees a dwelling for itself, and not only because of one that came after it, keeps it: otherwise it is not hers to write about.
SEES, KEEPS = of_dwelling("sees"), of_dwelling("keeps")
RUNS = f"""
CREATE OR REPLACE FUNCTION runs_trajectory(of_trajectory uuid) RETURNS boolean LANGUAGE plpgsql STABLE {ALONG_INDEXES} {SECURE} AS $$
DECLARE
    body constant uuid := acting_organisation();
    today constant date := {TODAY};
    of_dwelling uuid;
BEGIN
    SELECT dwelling_id INTO of_dwelling FROM trajectory WHERE id = of_trajectory AND executor_id = body AND withdrawn_at IS NULL;
    IF NOT FOUND OR coalesce(acting_role() NOT IN ('corporation-editor', 'municipality-editor'), true) THEN
        RETURN false;
    END IF;
    RETURN (acting_role() = 'corporation-editor' AND {HELD}) OR keeps_dwelling(of_dwelling);
END $$
"""


RUN_ON = f"""
CREATE FUNCTION run_on_dwellings(ids uuid[]) RETURNS TABLE (dwelling_id uuid, municipality_code text, trajectory_id uuid, project text,
    id uuid, track text, kind text, effective_on date, decided_on date, note text, evidence text, confirmed_at timestamptz)
LANGUAGE plpgsql STABLE {ALONG_INDEXES} SET enable_hashjoin = off SET enable_mergejoin = off {SECURE} AS $$
#variable_conflict use_column
DECLARE body constant uuid := acting_organisation();
BEGIN
    -- For imports: of the dwellings among these that whoever acts may write about, what her organisation runs there, and its milestones in force. Whether
    -- she may is asked once for each dwelling, and not anew for each trajectory and each milestone. A dwelling or trajectory without any has one empty row.
    IF coalesce(acting_role() NOT IN ('corporation-editor', 'municipality-editor'), true) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT kept.id, kept.municipality_code, run.id, run.project,
        said.id, said.track::text, said.kind::text, said.effective_on, said.decided_on, said.note, said.evidence::text, confirmation.recorded_at
    FROM dwelling AS kept
    LEFT JOIN trajectory AS run ON run.dwelling_id = kept.id AND run.executor_id = body AND run.withdrawn_at IS NULL
    LEFT JOIN milestone AS said ON said.trajectory_id = run.id AND said.action <> 'retracted' AND NOT EXISTS
        (SELECT FROM milestone AS later WHERE later.corrects_id = said.id)
    LEFT JOIN confirmation ON confirmation.milestone_id = said.id AND confirmation.withdrawn_at IS NULL
    WHERE kept.id = ANY (ids) AND kept.withdrawn_at IS NULL AND keeps_row_of_dwelling(kept.id, kept.municipality_code, kept.registrar_id);
END $$
"""


INHERITED_TODAY = f" OR inherits_dwelling(of_dwelling, acting_organisation(), {TODAY})"
DROPPED = (
    "refresh_lineage(uuid[])", "rebuild_lineage()", "keep_lineage_of_added()", "keep_lineage_of_retracted()", "keep_inherited()",
    "inherits_dwelling(uuid, uuid, date)", "keeps_dwelling(uuid)", "keeps_row_of_dwelling(uuid, text, uuid)", "sees_succession(uuid)",
    "run_on_dwellings(uuid[])",
)  # fmt: skip
FOR_API = (
    "inherits_dwelling(uuid, uuid, date)", "keeps_dwelling(uuid)", "keeps_row_of_dwelling(uuid, text, uuid)", "sees_succession(uuid)",
    "run_on_dwellings(uuid[])",
)  # fmt: skip
NOT_FOR_EVERYBODY = (*FOR_API, "refresh_lineage(uuid[])", "rebuild_lineage()", "keep_lineage_of_added()", "keep_lineage_of_retracted()", "keep_inherited()")


def dwelling(inherited: str) -> str:
    return f"""CASE {ROLE} WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED}
    WHEN 'corporation-editor' THEN holds_dwelling(id, registrar_id, {ORGANISATION}, (SELECT {TODAY})){inherited}
    WHEN 'ministry-analyst' THEN false WHEN 'administrator' THEN false ELSE sees_row_of_dwelling(id, municipality_code, registrar_id) END"""


BY_KIND = """CASE kind WHEN 'dwelling' THEN sees_dwelling(subject_id) WHEN 'trajectory' THEN sees_trajectory(subject_id)
    WHEN 'inspection' THEN sees_inspection(subject_id) WHEN 'photo' THEN sees_photo(subject_id) ELSE false END"""


def change(told: str) -> str:
    return f"""CASE WHEN {PERSON} IS NULL THEN false WHEN kind = 'checklist' THEN true
    WHEN person_id = {PERSON} AND organisation_id = {ORGANISATION} AND {ROLE} = 'inspector' THEN true WHEN personal THEN false{told}
    ELSE CASE {ROLE} WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED} ELSE {BY_KIND} END END"""


TOLD = f"\n    WHEN {ROLE} = 'corporation-editor' AND kind = 'dwelling' AND organisation_id = {ORGANISATION} THEN true"
"""A corporation hears of what its portfolio gained and lost, also when it sees the dwelling no more."""

KEEPS_ROW = "keeps_row_of_dwelling(id, municipality_code, registrar_id)"
PLANS = f"{ROLE} IN ('reviewer', 'municipality-editor')"
INSPECTION = f"""CASE {ROLE} WHEN 'inspector' THEN organisation_id = {ORGANISATION}
        AND (assignee_id = {PERSON} OR (assignee_id IS NULL AND team_id IS NOT NULL AND in_team(team_id)))
    WHEN 'reviewer' THEN organisation_id = {ORGANISATION} ELSE sees_dwelling(dwelling_id) END"""
GOES_THERE = f"{ROLE} IN ('inspector', 'reviewer', 'municipality-editor') AND %s(dwelling_id)"


def altered(sees: str, inherited: str, told: str) -> dict[tuple[str, str], str]:
    """Policies of earlier migrations, by table and name; ``sees`` is the function that writing asks."""
    own_trajectory = f"{EDITORS} AND executor_id = {ORGANISATION} AND {sees}(dwelling_id)"
    own_label = f"{EDITORS} AND {sees}(dwelling_id) AND organisation_id = {ORGANISATION}"
    goes_there = GOES_THERE % sees
    return {
        ("dwelling", "api_select"): f"USING (withdrawn_at IS NULL AND ({dwelling(inherited)}))",
        ("registered_label", "api_insert"): f"WITH CHECK ({EDITORS} AND {sees}(dwelling_id))",
        ("registered_label", "api_update"): f"USING ({own_label}) WITH CHECK ({own_label})",
        ("trajectory", "api_insert"): f"WITH CHECK ({own_trajectory})",
        ("trajectory", "api_update"): f"USING ({own_trajectory}) WITH CHECK ({own_trajectory})",
        ("inspection", "api_insert"): f"WITH CHECK ({PLANS} AND {sees}(dwelling_id) AND ({INSPECTION}))",
        ("hazard", "api_insert"): f"WITH CHECK ({goes_there} AND organisation_id = {ORGANISATION})",
        ("hazard", "api_update"): f"USING ({goes_there}) WITH CHECK ({goes_there})",
        ("change", "api_select"): f"USING ({change(told)})",
    }


RECORDS = f"{ROLE} = 'municipality-editor' AND municipality_code = {MUNICIPALITY}"
POLICIES = {
    "succession": {
        "SELECT": f"({RECORDS}) OR sees_succession(id)",
        "INSERT": f"{RECORDS} AND organisation_id = {ORGANISATION}",
        "UPDATE": RECORDS,
    },
    "succession_dwelling": {
        "SELECT": "sees_succession(succession_id)",
        # The subquery finds what the policy above lets whoever acts see.
        "INSERT": f"{ROLE} = 'municipality-editor' AND sees_dwelling(dwelling_id) "
        f"AND EXISTS (SELECT FROM succession WHERE succession.id = succession_id AND succession.municipality_code = {MUNICIPALITY})",
    },
    "lineage": {"SELECT": "sees_dwelling(predecessor_id) OR sees_dwelling(successor_id)"},
    "inherited_dwelling": {"SELECT": f"organisation_id = {ORGANISATION}"},
}
COUNTED = {"succession": "(id, occurred_on, recorded_at, retracted_at)", "succession_dwelling": "(succession_id, side, dwelling_id)"}
GRANTS = {
    API: (
        f"SELECT, INSERT, UPDATE ({', '.join(ENDS)}) ON succession",
        "SELECT, INSERT ON succession_dwelling",
        "SELECT ON lineage",
        "SELECT ON inherited_dwelling",
        *(f"EXECUTE ON FUNCTION {name}" for name in FOR_API),
    ),
    COUNTER: tuple(f"SELECT {columns} ON {table}" for table, columns in COUNTED.items()),
}


def upgrade() -> None:
    _tables()
    _portfolios()
    _define(holds_dwelling(" AND valid_until IS DISTINCT FROM valid_from"))
    _define(INHERITS)
    _define(of_row("sees_row_of_dwelling", INHERITED_TODAY))
    _define(of_row("keeps_row_of_dwelling", ""))
    for function in (KEEPS, RUN_ON, SEES_SUCCESSION, REFRESH, REBUILD, KEEP_ADDED, KEEP_RETRACTED, KEEP_INHERITED):
        _define(function)
    _define(SEES)
    _define(RUNS)
    for name in NOT_FOR_EVERYBODY:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    for name, what in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {what}")
    _alter(altered("keeps_dwelling", f" OR inherits_dwelling(id, {ORGANISATION}, (SELECT {TODAY}))", TOLD))
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owned ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        for command, condition in policies.items():
            uses = {"INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}.get(command, f"USING ({condition})")
            op.execute(f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO {API} {uses}")
    for table in COUNTED:
        op.execute(f"CREATE POLICY counted ON {table} FOR SELECT TO {COUNTER} USING (true)")
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def _define(function: str) -> None:
    op.get_bind().exec_driver_sql(function.replace("%", "%%"))


def _alter(policies: dict[tuple[str, str], str]) -> None:
    for (table, name), condition in policies.items():
        op.execute(f"ALTER POLICY {name} ON {table} {condition}")


def _tables() -> None:
    op.create_table(
        "succession",
        sa.Column("id", sa.Uuid(), server_default=ID, nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("former_bag_id", sa.Text(), nullable=True),
        sa.Column("new_bag_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("retracted_at", MOMENT, nullable=True),
        sa.Column("retracted_by", sa.Uuid(), nullable=True),
        sa.Column("retraction_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(former_bag_id IS NULL) = (new_bag_id IS NULL)", name=op.f("ck_succession_bag_ids")),
        sa.CheckConstraint("former_bag_id IS NULL OR kind = 're-keying'", name=op.f("ck_succession_re_keyed")),
        sa.CheckConstraint("num_nulls(retracted_at, retracted_by, retraction_reason) IN (0, 3)", name=op.f("ck_succession_retracted")),
        sa.ForeignKeyConstraint(["municipality_code"], ["municipality.code"], name=op.f("fk_succession_municipality_code")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_succession_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession")),
    )
    op.create_index(
        "ix_succession_former_bag_id",
        "succession",
        ["former_bag_id"],
        unique=False,
        postgresql_where=sa.text("former_bag_id IS NOT NULL AND retracted_at IS NULL"),
    )
    op.create_table(
        "succession_dwelling",
        sa.Column("succession_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Enum("predecessor", "successor", name="side", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_succession_dwelling_dwelling_id")),
        sa.ForeignKeyConstraint(["succession_id"], ["succession.id"], name=op.f("fk_succession_dwelling_succession_id")),
        sa.PrimaryKeyConstraint("succession_id", "side", "dwelling_id", name=op.f("pk_succession_dwelling")),
    )
    op.create_index("ix_succession_dwelling_dwelling_id", "succession_dwelling", ["dwelling_id", "side"], unique=False)
    op.create_table(
        "lineage",
        sa.Column("predecessor_id", sa.Uuid(), nullable=False),
        sa.Column("successor_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("predecessor_id <> successor_id", name=op.f("ck_lineage_forward")),
        sa.ForeignKeyConstraint(["predecessor_id"], ["dwelling.id"], name=op.f("fk_lineage_predecessor_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["dwelling.id"], name=op.f("fk_lineage_successor_id")),
        sa.PrimaryKeyConstraint("predecessor_id", "successor_id", name=op.f("pk_lineage")),
    )
    op.create_index("ix_lineage_successor_id", "lineage", ["successor_id", "predecessor_id"], unique=False)
    op.create_table(
        "inherited_dwelling",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_inherited_dwelling_dwelling_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_inherited_dwelling_organisation_id")),
        sa.ForeignKeyConstraint(["period_id"], ["portfolio_period.id"], name=op.f("fk_inherited_dwelling_period_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("organisation_id", "dwelling_id", "period_id", name=op.f("pk_inherited_dwelling")),
    )
    op.create_index("ix_inherited_dwelling_period_id", "inherited_dwelling", ["period_id"], unique=False)


def _portfolios() -> None:
    relation = sa.Enum("owner", "manager", name="relation", native_enum=False, create_constraint=True, length=40)
    op.add_column("portfolio_period", sa.Column("relation", relation, server_default="owner", nullable=False))
    op.add_column("portfolio_period", sa.Column("succession_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_portfolio_period_succession_id"), "portfolio_period", "succession", ["succession_id"], ["id"])
    op.drop_constraint("ex_portfolio_period_one_at_a_time", "portfolio_period")
    for name, column in (("one_at_a_time", "relation"), ("one_relation", "organisation_id")):
        _exclude(name, f"dwelling_id WITH =, {column} WITH =")


def _exclude(name: str, same: str) -> None:
    # Alembic has no word for an expression in such a constraint.
    op.execute(
        f"ALTER TABLE portfolio_period ADD CONSTRAINT ex_portfolio_period_{name} EXCLUDE USING gist ({same}, daterange(valid_from, valid_until) WITH &&)"
    )


def downgrade() -> None:
    _alter(altered("sees_dwelling", "", ""))
    _define(RUNS_FORMERLY)
    _define(SEES_FORMERLY)
    _define(of_row("sees_row_of_dwelling", ""))
    _define(holds_dwelling(""))
    for name, what in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {what.partition(' ON ')[2].split()[0]}")
    # The former schema has one portfolio at a time: of an owner and a manager the owner stays.
    op.execute(
        "DELETE FROM portfolio_period AS managed USING portfolio_period AS owned WHERE managed.relation = 'manager' AND owned.relation = 'owner' "
        "AND owned.dwelling_id = managed.dwelling_id "
        "AND daterange(owned.valid_from, owned.valid_until) && daterange(managed.valid_from, managed.valid_until)"
    )
    op.drop_constraint("ex_portfolio_period_one_relation", "portfolio_period")
    op.drop_constraint("ex_portfolio_period_one_at_a_time", "portfolio_period")
    _exclude("one_at_a_time", "dwelling_id WITH =")
    op.drop_column("portfolio_period", "succession_id")
    op.drop_column("portfolio_period", "relation")
    for table in ("inherited_dwelling", "lineage"):
        op.drop_table(table)
    for table in ("succession_dwelling", "succession"):
        for policy in ("owned", "counted", *(f"api_{command.lower()}" for command in POLICIES[table])):
            op.execute(f"DROP POLICY {policy} ON {table}")
    op.execute("DROP TABLE succession_dwelling, succession")
    for name in DROPPED:
        op.execute(f"DROP FUNCTION {name}")
