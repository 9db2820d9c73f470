"""Who sees and changes what inspectors work with, and the teams whose work they share (docs/adr/0014)."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

API, WORKER = "registry_api", "registry_worker"
DEFINER = "SECURITY DEFINER SET search_path = public, pg_temp"
TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
NOBODY = "00000000-0000-0000-0000-000000000000"

OWN = "{row}assignee_id = acting_person() OR ({row}assignee_id IS NULL AND in_team({row}team_id))"
"""What an inspector sees of her organisation: what is assigned to her, and what nobody of her team has taken yet."""
WITHOUT_TEAMS = "{row}assignee_id = acting_person()"


def moment_of(row: str) -> str:
    """When the visit was: by the clock of the phone as far as it is right, and never after the register had what was found."""
    return f"least({row}.visited_at - coalesce({row}.clock_skew_ms, 0) * interval '1 millisecond', {row}.submitted_at)"


def sees_row_of_dwelling(own: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION sees_row_of_dwelling(of_dwelling uuid, municipality text, registrar uuid) RETURNS boolean
LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    -- The particulars are passed in, because a row that is being inserted can't be found yet.
    CASE acting_role()
    WHEN 'municipality-editor' THEN
        RETURN coalesce(municipality = acting_municipality(), false);
    WHEN 'corporation-editor' THEN
        RETURN holds_dwelling(of_dwelling, registrar, acting_organisation(), {TODAY});
    WHEN 'inspector' THEN
        RETURN EXISTS (SELECT FROM inspection WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation() AND ({own.format(row="")}));
    WHEN 'reviewer' THEN
        RETURN coalesce(municipality = acting_municipality(), false)
            OR EXISTS (SELECT FROM inspection WHERE dwelling_id = of_dwelling AND organisation_id = acting_organisation())
            OR holds_dwelling(of_dwelling, CASE WHEN acting_municipality() IS NULL THEN registrar END, acting_organisation(), {TODAY});
    WHEN 'ministry-auditor' THEN
        RETURN acting_reason() IS NOT NULL;
    ELSE
        RETURN false;
    END CASE;
END $$
"""


def sees_inspection(own: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION sees_inspection(of_inspection uuid) RETURNS boolean LANGUAGE plpgsql STABLE {DEFINER} AS $$
DECLARE held inspection%ROWTYPE;
BEGIN
    SELECT * INTO held FROM inspection WHERE id = of_inspection;
    CASE acting_role()
    WHEN 'inspector' THEN RETURN coalesce(held.organisation_id = acting_organisation() AND ({own.format(row="held.")}), false);
    WHEN 'reviewer' THEN RETURN coalesce(held.organisation_id = acting_organisation(), false);
    ELSE RETURN sees_dwelling(held.dwelling_id);
    END CASE;
END $$
"""


FUNCTIONS = {
    "in_team(uuid)": f"""
CREATE FUNCTION in_team(of_team uuid) RETURNS boolean LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    RETURN of_team IS NOT NULL AND EXISTS (SELECT FROM team_member JOIN team ON team.id = team_id
        WHERE team_id = of_team AND person_id = acting_person() AND team.organisation_id = acting_organisation());
END $$
""",
    "team_members(uuid, uuid)": f"""
CREATE FUNCTION team_members(of_team uuid, of_organisation uuid) RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} AS $$
    -- Who is in a team of that organisation, also for who plans for another one; nothing when it has no such team.
    SELECT person_id FROM team JOIN team_member ON team_id = team.id WHERE team.id = of_team AND organisation_id = of_organisation ORDER BY person_id
$$
""",
    "is_team_of(uuid, uuid)": f"""
CREATE FUNCTION is_team_of(of_team uuid, of_organisation uuid) RETURNS boolean LANGUAGE sql STABLE {DEFINER} AS $$
    SELECT EXISTS (SELECT FROM team WHERE id = of_team AND organisation_id = of_organisation)
$$
""",
    "inspectors_by_email(text[], uuid)": f"""
CREATE FUNCTION inspectors_by_email(addresses text[], of_organisation uuid) RETURNS TABLE (address text, inspector uuid)
LANGUAGE sql STABLE {DEFINER} AS $$
    -- For who plans from a file, which names inspectors by their e-mail addresses, also for another organisation.
    SELECT email, id FROM person
    WHERE email = ANY (addresses) AND acting_role() IN ('reviewer', 'municipality-editor') AND works_as(id, of_organisation, 'inspector')
$$
""",
    "teams_by_name(text[], uuid)": f"""
CREATE FUNCTION teams_by_name(names text[], of_organisation uuid) RETURNS TABLE (called text, team uuid) LANGUAGE sql STABLE {DEFINER} AS $$
    SELECT name, id FROM team
    WHERE name = ANY (names) AND organisation_id = of_organisation AND acting_role() IN ('reviewer', 'municipality-editor')
$$
""",
    "visits_before(uuid[])": f"""
CREATE FUNCTION visits_before(ids uuid[])
RETURNS TABLE (of_inspection uuid, earlier uuid, visit_outcome text, visited_at timestamptz, in_chain boolean) LANGUAGE sql STABLE {DEFINER} AS $$
    -- How earlier visits to the same address by the same organisation went, also those of a colleague: that, and nothing of what was found there.
    WITH RECURSIVE seen AS (
        SELECT id, dwelling_id, organisation_id, previous_id FROM inspection WHERE id = ANY (ids) AND sees_inspection(id)),
    chain AS (
        SELECT seen.id AS of_inspection, seen.previous_id AS earlier, 1 AS depth FROM seen WHERE previous_id IS NOT NULL
        UNION ALL SELECT chain.of_inspection, inspection.previous_id, depth + 1 FROM chain JOIN inspection ON inspection.id = chain.earlier
        WHERE inspection.previous_id IS NOT NULL AND depth < 50)
    SELECT seen.id, other.id, other.visit_outcome, coalesce(other.visited_at, other.submitted_at), chain.earlier IS NOT NULL
    FROM seen JOIN inspection AS other ON other.dwelling_id = seen.dwelling_id AND other.id <> seen.id
        LEFT JOIN chain ON chain.of_inspection = seen.id AND chain.earlier = other.id
    WHERE other.visit_outcome IS NOT NULL
        AND (chain.earlier IS NOT NULL OR (other.organisation_id = seen.organisation_id AND other.submitted_at IS NOT NULL))
    ORDER BY seen.id, 4, other.id
$$
""",
    "was_assigned(uuid)": f"""
CREATE FUNCTION was_assigned(of_inspection uuid) RETURNS boolean LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    -- Whether it was hers once: she may have worked on it without a connection, not knowing that it is not any more.
    RETURN acting_role() = 'inspector' AND EXISTS (SELECT FROM change WHERE person_id = acting_person() AND organisation_id = acting_organisation()
        AND kind = 'inspection' AND subject_id = of_inspection);
END $$
""",
    "document_stands_since(uuid, integer)": f"""
CREATE FUNCTION document_stands_since(of_inspection uuid, earlier integer) RETURNS boolean LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    -- Whether nothing that an inspector fills in is different from what it was in that version: the planner changed who goes there, until when, or the note.
    RETURN sees_inspection(of_inspection) AND EXISTS (
        SELECT FROM inspection JOIN superseded_row ON table_name = 'inspection' AND row_id = of_inspection::text, to_jsonb(inspection) AS present
        WHERE inspection.id = of_inspection AND (content ->> 'version')::integer = earlier
            AND NOT EXISTS (SELECT FROM unnest(ARRAY['answers', 'visit_outcome', 'visited_at', 'remarks', 'checklist_id', 'revision']) AS name
                WHERE (content -> name) IS DISTINCT FROM (present -> name)));
END $$
""",
    "keep_edit_of_former(uuid, integer, uuid, uuid, jsonb, uuid, uuid)": f"""
CREATE FUNCTION keep_edit_of_former(of_inspection uuid, based_on integer, based_on_edit uuid, edit uuid, document jsonb, device uuid, onto uuid)
RETURNS SETOF inspection_conflict LANGUAGE plpgsql {DEFINER} AS $$
DECLARE held inspection%ROWTYPE;
BEGIN
    -- What an inspector wrote offline in what was hers when she left: kept for who decides, without showing her what became of it. ``onto`` is her own
    -- conflict that the edit goes on with.
    IF NOT was_assigned(of_inspection) THEN
        RAISE EXCEPTION 'it never was hers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO held FROM inspection WHERE id = of_inspection FOR NO KEY UPDATE;
    INSERT INTO change (kind, subject_id, municipality_code, organisation_id, person_id)
    SELECT 'inspection', held.id, municipality_code, held.organisation_id, held.assignee_id FROM dwelling WHERE id = held.dwelling_id;
    RETURN QUERY UPDATE inspection_conflict SET yours = document, edit_id = edit, version = version + 1, recorded_at = clock_timestamp()
    WHERE id = onto AND inspection_id = of_inspection AND person_id = acting_person() AND resolution IS NULL RETURNING *;
    IF NOT FOUND THEN
        RETURN QUERY INSERT INTO inspection_conflict
            (inspection_id, revision, base_version, base_edit_id, current_version, yours, theirs, person_id, device_id, edit_id)
        VALUES (held.id, held.revision, based_on, based_on_edit, held.version, document, jsonb_build_object('answers', held.answers,
            'visitOutcome', held.visit_outcome, 'visitedAt', held.visited_at, 'remarks', held.remarks, 'checklistId', held.checklist_id),
            acting_person(), device, edit)
        RETURNING *;
    END IF;
END $$
""",
    "adopt_condition_score(uuid)": f"""
CREATE FUNCTION adopt_condition_score(of_inspection uuid) RETURNS boolean LANGUAGE plpgsql {DEFINER} AS $$
DECLARE
    approved inspection%ROWTYPE;
    newest condition_score%ROWTYPE;
BEGIN
    -- The dwelling gets the score of this inspection when no later one is approved; whether that changed it.
    IF NOT (acting_role() IN ('reviewer', 'municipality-editor') AND sees_inspection(of_inspection))
        AND (session_user = '{API}' OR coalesce(acting_person(), '{NOBODY}') <> '{NOBODY}') THEN
        RAISE EXCEPTION 'only who reviews it adopts its score' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO approved FROM inspection WHERE id = of_inspection AND status = 'approved';
    -- One by one, so that of two that are approved at once the later visit has the last word.
    PERFORM FROM dwelling WHERE id = approved.dwelling_id FOR NO KEY UPDATE;
    SELECT * INTO newest FROM condition_score WHERE inspection_id = approved.id AND revision = approved.revision AND question IS NULL
    ORDER BY computed_at DESC, id DESC LIMIT 1;
    IF NOT FOUND OR EXISTS (SELECT FROM inspection JOIN condition_score ON inspection_id = inspection.id AND condition_score.revision = inspection.revision
            WHERE dwelling_id = approved.dwelling_id AND status = 'approved' AND question IS NULL
                AND {moment_of("inspection")} > {moment_of("approved")}) THEN
        RETURN false;
    END IF;
    UPDATE dwelling SET condition_score = newest.score, version = version + 1, recorded_at = clock_timestamp()
    WHERE id = approved.dwelling_id AND condition_score IS DISTINCT FROM newest.score;
    RETURN FOUND;
END $$
""",
    "report_source(uuid, uuid)": f"""
CREATE FUNCTION report_source(of_inspection uuid, compared_with uuid) RETURNS bytea LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    -- The digest of all that a report tells, which is another one when any of it changed; the same for the worker and for everybody who sees the inspection.
    IF acting_person() IS NOT NULL AND acting_person() <> '{NOBODY}' AND NOT sees_inspection(of_inspection) THEN
        RETURN NULL;
    END IF;
    RETURN (
        WITH visit AS (
            SELECT inspection.*, kept.revision AS shown, kept.submitted_by AS signed_by
            FROM inspection JOIN LATERAL (SELECT * FROM inspection_revision WHERE inspection_id = inspection.id ORDER BY revision DESC LIMIT 1) AS kept ON true
            WHERE inspection.id IN (of_inspection, compared_with)),
        judged AS (SELECT review.* FROM review JOIN visit ON inspection_id = visit.id AND review.revision = visit.shown)
        SELECT sha256(convert_to(jsonb_build_array(
            (SELECT jsonb_agg(jsonb_build_array(id, shown, status, complete_at IS NULL, occasion) ORDER BY id) FROM visit),
            (SELECT jsonb_agg(id ORDER BY id) FROM judged),
            (SELECT jsonb_agg(condition_score.id ORDER BY condition_score.id) FROM condition_score
                JOIN visit ON inspection_id = visit.id AND condition_score.revision = visit.shown),
            (SELECT jsonb_agg(jsonb_build_array(photo.id, photo.version, image.id, image.previews, image.destroyed_at IS NULL) ORDER BY photo.id)
                FROM photo JOIN visit ON photo.inspection_id = visit.id LEFT JOIN image ON image.id = photo.image_id),
            (SELECT jsonb_build_array(street, house_number, house_letter, house_number_suffix, postcode, town, bag_id, year_built, floor_area_m2, energy_label,
                    municipality.name, organisation.name)
                FROM dwelling JOIN municipality ON municipality.code = municipality_code JOIN organisation ON organisation.id = visited.organisation_id
                WHERE dwelling.id = visited.dwelling_id),
            (SELECT jsonb_agg(jsonb_build_array(id, name) ORDER BY id) FROM person
                WHERE id IN (SELECT signed_by FROM visit UNION ALL SELECT recorded_by FROM judged))
        )::text, 'UTF8'))
        FROM visit AS visited WHERE visited.id = of_inspection);
END $$
""",
}
FOR_API = tuple(FUNCTIONS)

ROLE, PERSON, ORGANISATION, MUNICIPALITY = (f"(SELECT acting_{name}())" for name in ("role", "person", "organisation", "municipality"))
EXPLAINED = "(SELECT acting_reason()) IS NOT NULL"
INSPECTION = f"""CASE {ROLE} WHEN 'inspector' THEN organisation_id = {ORGANISATION}
        AND (assignee_id = {PERSON} OR (assignee_id IS NULL AND team_id IS NOT NULL AND in_team(team_id)))
    WHEN 'reviewer' THEN organisation_id = {ORGANISATION} ELSE sees_dwelling(dwelling_id) END"""
FORMER_INSPECTION = f"""CASE {ROLE} WHEN 'inspector' THEN assignee_id = {PERSON} AND organisation_id = {ORGANISATION}
    WHEN 'reviewer' THEN organisation_id = {ORGANISATION} ELSE sees_dwelling(dwelling_id) END"""
BY_KIND = """CASE kind WHEN 'dwelling' THEN sees_dwelling(subject_id) WHEN 'trajectory' THEN sees_trajectory(subject_id)
    WHEN 'inspection' THEN sees_inspection(subject_id) WHEN 'photo' THEN sees_photo(subject_id) ELSE false END"""
CHANGE = f"""CASE WHEN {PERSON} IS NULL THEN false WHEN kind = 'checklist' THEN true
    WHEN person_id = {PERSON} AND organisation_id = {ORGANISATION} AND {ROLE} = 'inspector' THEN true WHEN personal THEN false
    ELSE CASE {ROLE} WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED} ELSE {BY_KIND} END END"""
FORMER_CHANGE = f"""CASE WHEN {PERSON} IS NULL THEN false WHEN kind = 'checklist' THEN true ELSE CASE {ROLE}
    WHEN 'municipality-editor' THEN municipality_code = {MUNICIPALITY} WHEN 'ministry-auditor' THEN {EXPLAINED} ELSE {BY_KIND} END END"""
FORMER_AUDIT = f"""CASE {ROLE} WHEN 'administrator' THEN organisation_id = {ORGANISATION} WHEN 'ministry-auditor' THEN {EXPLAINED}
    ELSE role <> 'ministry-auditor' AND CASE subject_kind WHEN 'dwelling' THEN sees_dwelling(subject_id::uuid)
        WHEN 'trajectory' THEN sees_trajectory(subject_id::uuid) WHEN 'inspection' THEN sees_inspection(subject_id::uuid)
        WHEN 'photo' THEN sees_photo(subject_id::uuid) WHEN 'milestone' THEN sees_milestone(subject_id::uuid) ELSE false END END"""
OF_HAZARDS = "action IN ('dwelling.hazard-recorded', 'dwelling.hazard-ended', 'inspection.next-visit-planned')"
"""What tells of hazards, or on what basis somebody goes there nevertheless: nothing for corporations."""
AUDIT = f"NOT ({ROLE} = 'corporation-editor' AND {OF_HAZARDS}) AND ({FORMER_AUDIT})"
KEEPS_CHECKLISTS = f"{ROLE} = 'administrator' AND (SELECT acting_central())"
INSPECTS = f"{ROLE} = 'inspector' AND sees_inspection(inspection_id)"
REVIEWS = f"{ROLE} IN ('reviewer', 'municipality-editor') AND sees_inspection(inspection_id)"
GOES_THERE = f"{ROLE} IN ('inspector', 'reviewer', 'municipality-editor') AND sees_dwelling(dwelling_id)"
OF_TEAM = f"EXISTS (SELECT FROM team WHERE team.id = team_id AND team.organisation_id = {ORGANISATION})"
RUNS_TEAMS = f"{ROLE} = 'reviewer'"
OWN_DAY = f"{ROLE} = 'inspector' AND person_id = {PERSON} AND organisation_id = {ORGANISATION}"
READS_PROGRESS = f"{ROLE} IN ('corporation-editor', 'municipality-editor', 'reviewer', 'ministry-auditor')"
POLICIES = {
    "checklist": {
        "SELECT": f"{PERSON} IS NOT NULL AND (status <> 'draft' OR ({KEEPS_CHECKLISTS}))",
        "INSERT": KEEPS_CHECKLISTS,
        "UPDATE": KEEPS_CHECKLISTS,
    },
    "inspection_revision": {"SELECT": "sees_inspection(inspection_id)", "INSERT": INSPECTS},
    "inspection_edit": {"SELECT": f"person_id = {PERSON}", "INSERT": f"person_id = {PERSON} AND ({INSPECTS} OR was_assigned(inspection_id))"},
    "inspection_conflict": {
        "SELECT": f"person_id = {PERSON} OR sees_inspection(inspection_id)",
        "INSERT": f"person_id = {PERSON} AND ({INSPECTS} OR was_assigned(inspection_id))",
        "UPDATE": f"({INSPECTS}) OR ({REVIEWS})",
    },
    "review": {"SELECT": "sees_inspection(inspection_id)", "INSERT": REVIEWS},
    "condition_score": {"SELECT": "sees_inspection(inspection_id)", "INSERT": INSPECTS},
    "evidence": {
        "SELECT": f"{READS_PROGRESS} AND sees_trajectory(trajectory_id)",
        "INSERT": f"{REVIEWS} AND sees_trajectory(trajectory_id)",
    },
    "team": {"SELECT": f"organisation_id = {ORGANISATION}", **dict.fromkeys(("INSERT", "UPDATE"), f"{RUNS_TEAMS} AND organisation_id = {ORGANISATION}")},
    "team_member": {"SELECT": OF_TEAM, **dict.fromkeys(("INSERT", "DELETE"), f"{RUNS_TEAMS} AND {OF_TEAM}")},
    "hazard": {
        "SELECT": f"({GOES_THERE}) OR ({ROLE} = 'ministry-auditor' AND {EXPLAINED})",
        "INSERT": f"{GOES_THERE} AND organisation_id = {ORGANISATION}",
        "UPDATE": GOES_THERE,
    },
    "day_order": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), OWN_DAY),
    "report": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), "sees_inspection(inspection_id) AND (baseline_id IS NULL OR sees_inspection(baseline_id))"),
    "openrosa_instance": dict.fromkeys(("SELECT", "INSERT"), f"person_id = {PERSON}"),
}
WORKED_ON = ("checklist", "inspection_revision", "review", "condition_score", "report", "person")
ADDRESS = "street, house_number, house_letter, house_number_suffix, postcode, town, bag_id, year_built, floor_area_m2, energy_label, condition_score"
GRANTS = {
    API: (
        "UPDATE ON checklist",
        *(f"SELECT, INSERT ON {table}" for table in ("inspection_revision", "inspection_edit", "review", "condition_score", "evidence", "openrosa_instance")),
        *(f"SELECT, INSERT, UPDATE ON {table}" for table in ("inspection_conflict", "team", "hazard", "day_order", "report")),
        "SELECT, INSERT, DELETE ON team_member",
        *(f"EXECUTE ON FUNCTION {name}" for name in FOR_API),
    ),
    WORKER: (
        "UPDATE ON inspection",
        "SELECT ON checklist",
        "EXECUTE ON FUNCTION visits_before(uuid[])",
        "SELECT ON inspection_revision",
        "SELECT ON review",
        "SELECT ON condition_score",
        "SELECT, INSERT, UPDATE, DELETE ON report",
        "SELECT (id, name) ON person",
        "SELECT ON organisation",
        "SELECT ON municipality",
        f"SELECT ({ADDRESS}) ON dwelling",
        "EXECUTE ON FUNCTION report_source(uuid, uuid)",
    ),
}
PLANS = f"{ROLE} IN ('reviewer', 'municipality-editor')"
WORKS_ON_IT = f"{ROLE} IN ('inspector', 'reviewer', 'municipality-editor') AND ({INSPECTION})"
FORMER_WORK = f"{ROLE} = 'inspector' AND ({FORMER_INSPECTION})"


def upgrade() -> None:
    _define(FUNCTIONS["in_team(uuid)"])
    _define(sees_inspection(OWN))
    _define(sees_row_of_dwelling(OWN))
    for name, function in FUNCTIONS.items():
        if name != "in_team(uuid)":
            _define(function)
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"ALTER POLICY api_select ON inspection USING ({INSPECTION})")
    op.execute(f"ALTER POLICY api_insert ON inspection WITH CHECK ({PLANS} AND sees_dwelling(dwelling_id) AND ({INSPECTION}))")
    op.execute(f"ALTER POLICY api_update ON inspection USING ({WORKS_ON_IT}) WITH CHECK ({WORKS_ON_IT})")
    op.execute(f"ALTER POLICY api_select ON change USING ({CHANGE})")
    op.execute(f"ALTER POLICY api_select ON audit_line USING ({AUDIT})")
    for table, policies in POLICIES.items():
        _secure(table, policies)
    for table in WORKED_ON:
        op.execute(f"CREATE POLICY worked_on ON {table} TO {WORKER} USING (true) WITH CHECK (true)")
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"GRANT {grant} TO {role}")


def _define(function: str) -> None:
    op.get_bind().exec_driver_sql(function.replace("%", "%%"))


def _secure(table: str, policies: dict[str, str]) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owned ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    for command, condition in policies.items():
        uses = {"INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}.get(command, f"USING ({condition})")
        op.execute(f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO {API} {uses}")


def downgrade() -> None:
    for role, grants in GRANTS.items():
        for grant in grants:
            op.execute(f"REVOKE {grant} FROM {role}")
    for table in WORKED_ON:
        op.execute(f"DROP POLICY worked_on ON {table}")
    for table, policies in POLICIES.items():
        for name in ("owned", *(f"api_{command.lower()}" for command in policies)):
            op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER POLICY api_select ON change USING ({FORMER_CHANGE})")
    op.execute(f"ALTER POLICY api_select ON audit_line USING ({FORMER_AUDIT})")
    former = {
        "api_select": f"USING ({FORMER_INSPECTION})",
        "api_insert": f"WITH CHECK ({PLANS} AND sees_dwelling(dwelling_id) AND ({FORMER_INSPECTION}))",
        "api_update": f"USING ({FORMER_WORK}) WITH CHECK ({FORMER_WORK})",
    }
    for name, condition in former.items():
        op.execute(f"ALTER POLICY {name} ON inspection {condition}")
    _define(sees_inspection(WITHOUT_TEAMS))
    _define(sees_row_of_dwelling(WITHOUT_TEAMS))
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
