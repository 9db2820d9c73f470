"""Who sees and changes which rows, enforced by PostgreSQL on the roles of the API and the worker (docs/adr/0014).

What a policy must know of other tables it asks of functions (`sees_dwelling` and the like). They run as the owner, so that the policies of two tables
never ask each other in a circle, and PostgreSQL plans each of them once for a session: written out inside the policies, planning them cost more than the
queries. `registry_counter` may count everything and read nothing that says where a dwelling is.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

API, WORKER, COUNTER = "registry_api", "registry_worker", "registry_counter"

CREATE_ROLE = """
DO $$ BEGIN
    CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- roles belong to the whole server: another database has made it
END $$
"""
GRANT_STATISTICS = """
DO $$ BEGIN
    GRANT pg_read_all_stats TO registry_api, registry_counter, registry_worker;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the change feed and the watermark need: GRANT pg_read_all_stats TO registry_api, registry_counter, registry_worker';
END $$
"""
# Roles of the server are shared by its databases, so two migrations at once may grant the same.
GRANT_COUNTING = """
DO $$ BEGIN
    IF NOT pg_has_role('registry_api', 'registry_counter', 'SET') THEN
        GRANT registry_counter TO registry_api WITH INHERIT FALSE, SET TRUE;
    END IF;
END $$
"""

CLAIMS = {"person": "uuid", "organisation": "uuid", "role": "text", "municipality": "text", "reason": "text", "central": "boolean"}
"""Set for one transaction by `registry.db`; empty means nobody."""

TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
DEFINER = "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp"
SEES = {
    "holds_dwelling(of_dwelling uuid, registrar uuid, body uuid, today date)": """
BEGIN
    -- For pages of a corporation: what is the same for every row is passed in.
    IF EXISTS (SELECT FROM portfolio_period
        WHERE dwelling_id = of_dwelling AND organisation_id = body AND valid_from <= today AND (valid_until IS NULL OR valid_until > today)) THEN
        RETURN true;
    END IF;
    RETURN coalesce(registrar = body AND NOT EXISTS (SELECT FROM portfolio_period WHERE dwelling_id = of_dwelling), false);
END""",
    "sees_row_of_dwelling(of_dwelling uuid, municipality text, registrar uuid)": f"""
BEGIN
    -- The particulars are passed in, because a row that is being inserted can't be found yet.
    CASE acting_role()
    WHEN 'municipality-editor' THEN
        RETURN coalesce(municipality = acting_municipality(), false);
    WHEN 'corporation-editor' THEN
        RETURN holds_dwelling(of_dwelling, registrar, acting_organisation(), {TODAY});
    WHEN 'inspector' THEN
        RETURN EXISTS (SELECT FROM inspection
            WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation() AND assignee_id = acting_person());
    WHEN 'reviewer' THEN
        RETURN coalesce(municipality = acting_municipality(), false)
            OR EXISTS (SELECT FROM inspection WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation())
            OR holds_dwelling(of_dwelling, CASE WHEN acting_municipality() IS NULL THEN registrar END, acting_organisation(), {TODAY});
    WHEN 'ministry-auditor' THEN
        RETURN acting_reason() IS NOT NULL;
    ELSE
        RETURN false;
    END CASE;
END""",
    "sees_dwelling(of_dwelling uuid)": """
DECLARE held dwelling%ROWTYPE;
BEGIN
    SELECT * INTO held FROM dwelling WHERE id = of_dwelling;
    RETURN FOUND AND sees_row_of_dwelling(held.id, held.municipality_code, held.registrar_id);
END""",
    "sees_trajectory(of_trajectory uuid)": """
BEGIN
    RETURN coalesce(acting_role() <> 'inspector' AND sees_dwelling((SELECT dwelling_id FROM trajectory WHERE id = of_trajectory)), false);
END""",
    "runs_trajectory(of_trajectory uuid)": """
BEGIN
    RETURN acting_role() IN ('corporation-editor', 'municipality-editor') AND sees_trajectory(of_trajectory)
        AND EXISTS (SELECT FROM trajectory WHERE id = of_trajectory AND executor_id = acting_organisation());
END""",
    "sees_milestone(of_milestone uuid)": """
BEGIN
    RETURN sees_trajectory((SELECT trajectory_id FROM milestone WHERE id = of_milestone));
END""",
    "sees_inspection(of_inspection uuid)": """
DECLARE held inspection%ROWTYPE;
BEGIN
    SELECT * INTO held FROM inspection WHERE id = of_inspection;
    CASE acting_role()
    WHEN 'inspector' THEN RETURN coalesce(held.assignee_id = acting_person() AND held.organisation_id = acting_organisation(), false);
    WHEN 'reviewer' THEN RETURN coalesce(held.organisation_id = acting_organisation(), false);
    ELSE RETURN sees_dwelling(held.dwelling_id);
    END CASE;
END""",
    "sees_photo(of_photo uuid)": """
BEGIN
    RETURN sees_inspection((SELECT inspection_id FROM photo WHERE id = of_photo));
END""",
    "works_beside(someone uuid)": """
BEGIN
    RETURN EXISTS (SELECT FROM membership WHERE person_id = someone AND organisation_id = acting_organisation());
END""",
}
"""Whether whoever acts sees something, by its id: false when it does not exist."""


AUTHENTICATE = f"""
CREATE FUNCTION authenticate(presented bytea, wanted uuid)
RETURNS TABLE (credential_id uuid, kind text, person_id uuid, membership_id uuid, organisation_id uuid, role text, municipality_code text, central boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE held credential%ROWTYPE;
BEGIN
    -- The memberships of whoever presents a credential, one empty row when there is none, nothing when the credential is no good.
    SELECT * INTO held FROM credential
    WHERE digest = presented AND kind IN ('identity', 'session', 'token') AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF held.kind <> 'identity' AND (held.last_used_at IS NULL OR held.last_used_at < clock_timestamp() - interval '5 minutes') THEN
        UPDATE credential SET last_used_at = clock_timestamp(), expires_at = credential_expiry(kind, recorded_at) WHERE id = held.id;
    END IF;
    RETURN QUERY
    SELECT held.id, held.kind::text, held.person_id, member.id, member.organisation_id, member.role::text, body.municipality_code, body.kind = 'ministry'
    FROM (VALUES (1)) AS always
    LEFT JOIN membership AS member ON member.person_id = held.person_id AND member.id = coalesce(held.membership_id, member.id)
        AND member.id = coalesce(wanted, member.id) AND member.valid_from <= {TODAY} AND (member.valid_until IS NULL OR member.valid_until > {TODAY})
    LEFT JOIN organisation AS body ON body.id = member.organisation_id
    ORDER BY member.id LIMIT 50;
END $$
"""
CREDENTIAL_EXPIRY = """
CREATE FUNCTION credential_expiry(kind text, made_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    -- Until when a credential is good that is used now: a token ends when it is unused, a session also after a working day.
    SELECT CASE kind WHEN 'token' THEN now() + interval '90 days'
        WHEN 'session' THEN least(now() + interval '2 hours', made_at + interval '12 hours')
        WHEN 'enrolment' THEN made_at + interval '30 minutes'
        WHEN 'set-up' THEN made_at + interval '7 days' END
$$
"""
VOID_OWN_WAYS_IN = """DELETE FROM password WHERE person_id = of_person;
    UPDATE credential SET revoked_at = clock_timestamp() WHERE person_id = of_person AND kind IN ('identity', 'session', 'set-up') AND revoked_at IS NULL;"""
"""Whatever lets a person in as herself. Tokens act for one membership and stay. The row of the person is locked before: whoever gets in meanwhile waits."""
REDEEM = f"""
CREATE FUNCTION redeem(presented bytea, wanted text)
RETURNS TABLE (credential_id uuid, person_id uuid, membership_id uuid, organisation_id uuid, name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    of_person uuid := (SELECT person_id FROM credential WHERE digest = presented AND kind = wanted AND revoked_at IS NULL);
    held credential%ROWTYPE;
BEGIN
    -- Use up a one-time credential: of two at the same moment one gets the row.
    PERFORM FROM person WHERE id = of_person FOR UPDATE;
    UPDATE credential AS given SET used_at = clock_timestamp()
    WHERE digest = presented AND kind = wanted AND used_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp()
        AND (kind <> 'set-up' OR (
            NOT EXISTS (SELECT FROM credential AS newer
                WHERE newer.person_id = given.person_id AND newer.kind = 'set-up' AND newer.recorded_at > given.recorded_at)
            -- The link of one organisation does not open the account of who has come to work for another too. The ministry's links belong to none.
            AND (organisation_id IS NULL OR NOT works_elsewhere(person_id, organisation_id))))
    RETURNING * INTO held;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF wanted = 'set-up' THEN
        -- A new beginning: who found an earlier link, or a password, is not let in any more.
        {VOID_OWN_WAYS_IN}
    END IF;
    RETURN QUERY SELECT held.id, held.person_id, held.membership_id, held.organisation_id, held.name;
END $$
"""
LOCAL_ACCOUNT = """
CREATE FUNCTION local_account(address text) RETURNS TABLE (person_id uuid, hash text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Until the end of the transaction nobody changes the password that is being compared.
    PERFORM FROM person WHERE email = address FOR KEY SHARE;
    RETURN QUERY SELECT person.id, password.hash FROM person JOIN password ON password.person_id = person.id WHERE person.email = address;
END $$
"""
KEEP_HASH = """
CREATE FUNCTION change_password(of_person uuid, new_hash text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF of_person IS DISTINCT FROM acting_person() THEN
        RAISE EXCEPTION 'a person sets her own password only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM person WHERE id = of_person FOR UPDATE;
    INSERT INTO password (person_id, hash) VALUES (of_person, new_hash)
    ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash, recorded_at = clock_timestamp();
    -- Whoever was signed in with the former one is not any more.
    UPDATE credential SET revoked_at = clock_timestamp() WHERE person_id = of_person AND kind = 'session' AND revoked_at IS NULL;
END $$
"""
PERSON_BY_EMAIL = """
CREATE FUNCTION person_by_email(address text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- For an administrator who takes on somebody that works for another organisation already.
    SELECT id FROM person WHERE email = address AND (acting_role() = 'administrator' OR session_user = current_user)
$$
"""
WORKS_AS = f"""
CREATE FUNCTION works_as(someone uuid, somewhere uuid, wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM membership WHERE person_id = someone AND organisation_id = somewhere AND role = wanted
        AND valid_from <= {TODAY} AND (valid_until IS NULL OR valid_until > {TODAY}))
$$
"""
WORKS_ELSEWHERE = """
CREATE FUNCTION works_elsewhere(someone uuid, than uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM membership WHERE person_id = someone AND organisation_id <> than)
$$
"""
VOID_ACCESS = f"""
CREATE FUNCTION void_access(of_person uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- For the ministry's administrator and the command line.
    IF NOT coalesce(acting_central(), session_user = current_user) THEN
        RAISE EXCEPTION 'only the ministry voids how a person signs in' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM person WHERE id = of_person FOR UPDATE;
    {VOID_OWN_WAYS_IN}
END $$
"""
OUT_OF_SIGHT = """
CREATE FUNCTION dwellings_out_of_sight(ids uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- Ids that are in use: the policy would refuse a whole batch for one of them, as that of a dwelling in the portfolio of another corporation.
    SELECT id FROM dwelling WHERE id = ANY (ids) AND NOT sees_row_of_dwelling(id, municipality_code, registrar_id)
$$
"""
FUNCTIONS = (CREDENTIAL_EXPIRY, AUTHENTICATE, WORKS_ELSEWHERE, REDEEM, LOCAL_ACCOUNT, KEEP_HASH, PERSON_BY_EMAIL, WORKS_AS, VOID_ACCESS, OUT_OF_SIGHT)
FOR_API_ONLY = (
    "authenticate(bytea, uuid)",
    "redeem(bytea, text)",
    "local_account(text)",
    "change_password(uuid, text)",
    "person_by_email(text)",
    "works_as(uuid, uuid, text)",
    "works_elsewhere(uuid, uuid)",
    "void_access(uuid)",
    "dwellings_out_of_sight(uuid[])",
)
DEFINERS = ("keep_superseded_row()", "stamp_milestone()", "stamp_confirmation()", "procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])")
"""What they do follows from a change that was allowed, so they do it as the owner."""

PERSON, ORGANISATION, ROLE, MUNICIPALITY = (f"(SELECT acting_{name}())" for name in ("person", "organisation", "role", "municipality"))
CENTRAL = "(SELECT acting_central())"
EXPLAINED = "(SELECT acting_reason()) IS NOT NULL"


def is_(*roles: str) -> str:
    return f"{ROLE} IN ({', '.join(repr(role) for role in roles)})"


DWELLING = f"""CASE {ROLE} WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED}
    WHEN 'corporation-editor' THEN holds_dwelling(id, registrar_id, {ORGANISATION}, (SELECT {TODAY}))
    WHEN 'ministry-analyst' THEN false WHEN 'administrator' THEN false ELSE sees_row_of_dwelling(id, municipality_code, registrar_id) END"""
EDITORS = is_("corporation-editor", "municipality-editor")
READS_PROGRESS = is_("corporation-editor", "municipality-editor", "reviewer", "ministry-auditor")
INSPECTION = f"""CASE {ROLE} WHEN 'inspector' THEN assignee_id = {PERSON} AND organisation_id = {ORGANISATION}
    WHEN 'reviewer' THEN organisation_id = {ORGANISATION} ELSE sees_dwelling(dwelling_id) END"""
OWN_INSPECTION = f"{is_('inspector')} AND sees_inspection(inspection_id)"
SUBJECTS = ("dwelling", "trajectory", "inspection", "photo")
MAINTAINS = f"{is_('administrator')} AND (organisation_id = {ORGANISATION} OR {CENTRAL})"
OWN_CREDENTIAL = f"person_id = {PERSON} AND ({ORGANISATION} IS NULL OR organisation_id = {ORGANISATION})"
"""Acting for one organisation, a person has nothing to do with her phones for another."""
OWN_TRAJECTORY = f"{EDITORS} AND executor_id = {ORGANISATION} AND sees_dwelling(dwelling_id)"


def by_kind(kinds: tuple[str, ...], column: str, id: str) -> str:
    whens = " ".join(f"WHEN '{kind}' THEN sees_{kind}({id})" for kind in kinds)
    return f"CASE {column} {whens} ELSE false END"


POLICIES: dict[str, dict[str, str]] = {
    "dwelling": {
        "SELECT": DWELLING,
        "INSERT": f"""registrar_id = {ORGANISATION} AND CASE {ROLE}
            WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'corporation-editor' THEN true ELSE false END""",
        "UPDATE": f"{EDITORS} AND ({DWELLING})",
    },
    "registered_label": {"SELECT": "sees_dwelling(dwelling_id)", "INSERT": f"{EDITORS} AND sees_dwelling(dwelling_id)"},
    "portfolio_period": {
        "SELECT": f"CASE {ROLE} WHEN 'corporation-editor' THEN organisation_id = {ORGANISATION} ELSE sees_dwelling(dwelling_id) END",
        **dict.fromkeys(("INSERT", "UPDATE"), f"{is_('municipality-editor')} AND sees_dwelling(dwelling_id)"),
    },
    "trajectory": {"SELECT": f"{READS_PROGRESS} AND sees_dwelling(dwelling_id)", **dict.fromkeys(("INSERT", "UPDATE"), OWN_TRAJECTORY)},
    "milestone": {"SELECT": f"{READS_PROGRESS} AND sees_dwelling(dwelling_id)", "INSERT": "runs_trajectory(trajectory_id)"},
    **{
        table: {"SELECT": f"{READS_PROGRESS} AND sees_trajectory(trajectory_id)", "INSERT": "runs_trajectory(trajectory_id)"}
        for table in ("funding_line", "measure")
    },
    "confirmation": {
        "SELECT": f"{READS_PROGRESS} AND sees_milestone(milestone_id)",
        "INSERT": f"{is_('municipality-editor')} AND sees_milestone(milestone_id)",
    },
    "inspection": {
        "SELECT": INSPECTION,
        "INSERT": f"{is_('reviewer', 'municipality-editor')} AND sees_dwelling(dwelling_id) AND ({INSPECTION})",
        "UPDATE": f"{is_('inspector')} AND ({INSPECTION})",
    },
    "photo": {"SELECT": "sees_inspection(inspection_id)", "INSERT": OWN_INSPECTION, "UPDATE": OWN_INSPECTION},
    "change": {
        "SELECT": f"""CASE WHEN {PERSON} IS NULL THEN false WHEN kind = 'checklist' THEN true ELSE CASE {ROLE}
            WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED}
            ELSE {by_kind(SUBJECTS, "kind", "subject_id")} END END""",
        "INSERT": f"{PERSON} IS NOT NULL",
    },
    "audit_line": {
        "SELECT": f"""CASE {ROLE} WHEN 'administrator' THEN organisation_id = {ORGANISATION} WHEN 'ministry-auditor' THEN {EXPLAINED}
            ELSE role <> 'ministry-auditor' AND {by_kind((*SUBJECTS, "milestone"), "subject_kind", "subject_id::uuid")} END""",
        "INSERT": f"person_id = {PERSON} AND organisation_id IS NOT DISTINCT FROM {ORGANISATION}",
    },
    "answered_request": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), f"person_id = {PERSON}"),
    "person": {
        "SELECT": f"id = {PERSON} OR works_beside(id) OR ({is_('administrator')} AND {CENTRAL})",
        "INSERT": is_("administrator"),
        "UPDATE": f"id = {PERSON}",
    },
    "membership": {
        "SELECT": f"person_id = {PERSON} OR organisation_id = {ORGANISATION} OR ({MAINTAINS})",
        "INSERT": MAINTAINS,
        "UPDATE": MAINTAINS,
    },
    "credential": {
        "SELECT": f"({OWN_CREDENTIAL}) OR ({MAINTAINS})",
        # A person makes sessions and tokens for herself; what lets somebody in for the first time is made by her administrator.
        "INSERT": f"({OWN_CREDENTIAL}) OR (({MAINTAINS}) AND kind IN ('enrolment', 'set-up'))",
        "UPDATE": f"({OWN_CREDENTIAL}) OR ({MAINTAINS})",
    },
    "password": {},
    "superseded_row": {},
}
COUNTED = {
    "dwelling": "(id, municipality_code, focus_area)",
    "trajectory": "(id, dwelling_id, executor_id, project)",
    "funding_line": "(trajectory_id, scheme)",
    "milestone": "(id, trajectory_id, dwelling_id, track, kind, effective_on, recorded_at, action, corrects_id)",
    "confirmation": "(milestone_id, recorded_at)",
}


def _signature(function: str) -> str:
    """The name of a function with the types of its arguments only."""
    name, _, arguments = function.rstrip(")").partition("(")
    return f"{name}({', '.join(argument.split()[1] for argument in arguments.split(', '))})"


REFERENCE = ("municipality", "focus_area", "organisation", "scheme", "project")
CREDENTIAL = "id, kind, person_id, membership_id, organisation_id, name, recorded_at, recorded_by, expires_at, last_used_at, used_at, revoked_at"
GRANTS = {
    API: (
        *(f"SELECT, INSERT, UPDATE ON {table}" for table in REFERENCE),
        "SELECT, INSERT ON checklist",
        "SELECT ON definition",
        *(f"SELECT, INSERT, UPDATE ON {table}" for table in ("dwelling", "portfolio_period", "trajectory", "inspection", "photo", "answered_request")),
        *(f"SELECT, INSERT ON {table}" for table in ("registered_label", "funding_line", "measure", "milestone", "confirmation", "change", "audit_line")),
        "SELECT, INSERT, UPDATE ON person",
        "SELECT, INSERT, UPDATE ON membership",
        f"SELECT ({CREDENTIAL}), INSERT, UPDATE (name, revoked_at) ON credential",
        *(f"EXECUTE ON FUNCTION {name}" for name in FOR_API_ONLY),
        *(f"EXECUTE ON FUNCTION {_signature(name)}" for name in SEES),
    ),
    WORKER: (
        "SELECT, UPDATE ON photo",
        "SELECT ON inspection",
        "SELECT (id, municipality_code) ON dwelling",
        "INSERT ON audit_line",
        "INSERT ON change",
        "SELECT, DELETE ON answered_request",
        "SELECT, DELETE ON credential",
    ),
    COUNTER: (*(f"SELECT ON {table}" for table in (*REFERENCE, "definition")), *(f"SELECT {columns} ON {table}" for table, columns in COUNTED.items())),
}
WORKED_ON = ("photo", "inspection", "dwelling", "audit_line", "change", "answered_request", "credential")
QUEUE = """
DO $$ DECLARE name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'procrastinate\\_%' AND relkind IN ('r', 'S') LOOP
        EXECUTE format('GRANT ALL ON %I TO registry_worker', name);
    END LOOP;
END $$
"""


def upgrade() -> None:
    for role in (API, WORKER, COUNTER):
        op.execute(CREATE_ROLE.format(role=role))
    for statement in (GRANT_COUNTING, GRANT_STATISTICS, f"GRANT USAGE ON SCHEMA public TO {API}, {WORKER}, {COUNTER}", QUEUE):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    for name, kind in CLAIMS.items():
        said = f"SELECT nullif(current_setting('registry.{name}', true), '')::{kind}"
        op.execute(f"CREATE FUNCTION acting_{name}() RETURNS {kind} LANGUAGE sql STABLE PARALLEL SAFE AS $$ {said} $$")
    for name, body in SEES.items():
        op.get_bind().exec_driver_sql(f"CREATE FUNCTION {name} RETURNS boolean {DEFINER} AS $${body} $$".replace("%", "%%"))
    for function in FUNCTIONS:
        op.get_bind().exec_driver_sql(function.replace("%", "%%"))
    for name in (*FOR_API_ONLY, *map(_signature, SEES)):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    for name in DEFINERS:
        op.execute(f"ALTER FUNCTION {name} SECURITY DEFINER SET search_path = public, pg_temp")
    for table, policies in POLICIES.items():
        _secure(table, policies)
    for table in COUNTED:
        op.execute(f"CREATE POLICY counted ON {table} FOR SELECT TO {COUNTER} USING (true)")
    for table in WORKED_ON:
        op.execute(f"CREATE POLICY worked_on ON {table} TO {WORKER} USING (true) WITH CHECK (true)")
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def _secure(table: str, policies: dict[str, str]) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owned ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    for command, condition in policies.items():
        uses = {"SELECT": f"USING ({condition})", "INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}
        op.execute(f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO {API} {uses[command]}")


def downgrade() -> None:
    for table, policies in POLICIES.items():
        for command in policies:
            op.execute(f"DROP POLICY api_{command.lower()} ON {table}")
        op.execute(f"DROP POLICY owned ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    for table in COUNTED:
        op.execute(f"DROP POLICY counted ON {table}")
    for table in WORKED_ON:
        op.execute(f"DROP POLICY worked_on ON {table}")
    for name in DEFINERS:
        op.execute(f"ALTER FUNCTION {name} SECURITY INVOKER RESET search_path")
    for name in (*FOR_API_ONLY, "credential_expiry(text, timestamptz)"):
        op.execute(f"DROP FUNCTION {name}")
    for name in SEES:
        op.execute(f"DROP FUNCTION {_signature(name)}")
    for name in CLAIMS:
        op.execute(f"DROP FUNCTION acting_{name}()")
    for role in (API, WORKER, COUNTER):
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            op.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA public FROM {role}")
