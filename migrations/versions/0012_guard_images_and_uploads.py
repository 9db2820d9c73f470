"""Who sees and changes images, uploads and shares, enforced by PostgreSQL (docs/adr/0014); and the one way in which a destroyed photo is forgotten."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

API, WORKER = "registry_api", "registry_worker"
DEFINER = "SECURITY DEFINER SET search_path = public, pg_temp"
NOBODY = "00000000-0000-0000-0000-000000000000"
BY_ITSELF = f"session_user <> '{API}' AND coalesce(acting_person(), '00000000-0000-0000-0000-000000000000') = '00000000-0000-0000-0000-000000000000'"
"""The register acts in nobody's name: a job or the command line."""

FUNCTIONS = {
    "sees_image(uuid)": f"""
CREATE FUNCTION sees_image(of_image uuid) RETURNS boolean LANGUAGE plpgsql STABLE {DEFINER} AS $$
BEGIN
    RETURN EXISTS (SELECT FROM photo WHERE image_id = of_image AND sees_inspection(inspection_id));
END $$
""",
    "keep_image(uuid, bytea, bigint, text)": f"""
CREATE FUNCTION keep_image(of_photo uuid, digest bytea, length bigint, key text) RETURNS SETOF image LANGUAGE plpgsql {DEFINER} AS $$
DECLARE
    body uuid := (SELECT organisation_id FROM photo JOIN inspection ON inspection.id = photo.inspection_id WHERE photo.id = of_photo);
    kept image%ROWTYPE;
BEGIN
    -- The image with these bytes, made when the organisation has none. Her own photo may show an image that she sees no other photo of: she has its bytes.
    IF NOT ((acting_role() = 'inspector' AND sees_photo(of_photo)) OR ({BY_ITSELF})) THEN
        RAISE EXCEPTION 'the photo is not hers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    LOOP
        -- Locked, so that it is not destroyed before the photo points to it.
        SELECT * INTO kept FROM image WHERE organisation_id = body AND sha256 = digest AND destroyed_at IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            INSERT INTO image (organisation_id, sha256, size_bytes, object_key) VALUES (body, digest, length, key)
            ON CONFLICT DO NOTHING RETURNING * INTO kept;
        END IF;
        IF FOUND THEN
            RETURN NEXT kept;
            RETURN;
        END IF;
    END LOOP;
END $$
""",
    "images_in_sight(bytea[])": f"""
CREATE FUNCTION images_in_sight(digests bytea[]) RETURNS SETOF image LANGUAGE sql {DEFINER} AS $$
    -- Images with these bytes of which whoever acts sees a photo, locked until the end of the transaction so that they are not destroyed meanwhile.
    SELECT image.* FROM image WHERE organisation_id = acting_organisation() AND sha256 = ANY (digests) AND destroyed_at IS NULL AND sees_image(id)
    FOR KEY SHARE
$$
""",
    "uploads_to_hand_over(uuid[], integer[])": f"""
CREATE FUNCTION uploads_to_hand_over(ids uuid[], attempts integer[]) RETURNS SETOF uuid LANGUAGE sql STABLE {DEFINER} AS $$
    -- Those of the uploads that a process is receiving which somebody else wants, or has, by now.
    SELECT asked.id FROM unnest(ids, attempts) AS asked (id, attempt) LEFT JOIN upload ON upload.id = asked.id
    WHERE upload.id IS NULL OR upload.handover OR upload.attempt <> asked.attempt OR upload.state <> 'receiving'
$$
""",
    "fragment_bytes()": f"""
CREATE FUNCTION fragment_bytes() RETURNS bigint LANGUAGE sql STABLE {DEFINER} AS $$
    -- What the organisation has in fragments, over all its inspectors.
    SELECT coalesce(sum(offset_bytes), 0)::bigint FROM upload WHERE organisation_id = acting_organisation() AND state = 'receiving'
$$
""",
    "shared_photo(bytea, text, text)": f"""
CREATE FUNCTION shared_photo(presented bytea, of_request text, of_trace text)
RETURNS TABLE (share_id uuid, photo_id uuid, image_id uuid, organisation_id uuid, dwelling_id uuid) LANGUAGE plpgsql {DEFINER} AS $$
BEGIN
    -- What a link shows to whoever has it: nothing after it has ended, or once the photo is no longer there. Nobody sees it without a line in the log.
    SELECT share.id, photo.id, image.id, image.organisation_id, inspection.dwelling_id
    INTO share_id, photo_id, image_id, organisation_id, dwelling_id
    FROM photo_share AS share JOIN photo ON photo.id = share.photo_id JOIN image ON image.id = photo.image_id
        JOIN inspection ON inspection.id = photo.inspection_id
    WHERE share.digest = presented AND share.revoked_at IS NULL AND share.expires_at > clock_timestamp()
        AND photo.state IN ('stored', 'ready') AND image.previews = 'made' AND image.destroyed_at IS NULL;
    IF FOUND THEN
        INSERT INTO audit_line (person_id, role, request_id, trace_id, action, subject_kind, subject_id, details)
        VALUES ('{NOBODY}', 'anyone', of_request, of_trace, 'photo.share-read', 'photo', photo_id, jsonb_build_object('shareId', share_id));
        RETURN NEXT;
    END IF;
END $$
""",
    "photo_is_held(uuid)": f"""
CREATE FUNCTION photo_is_held(of_photo uuid) RETURNS boolean LANGUAGE plpgsql {DEFINER} AS $$
DECLARE
    inspected uuid := (SELECT inspection_id FROM photo WHERE id = of_photo);
    dwelling_of uuid := (SELECT dwelling_id FROM inspection WHERE id = inspected);
BEGIN
    -- Whoever places a hold locks its subject FOR UPDATE: it has either committed when these locks are there, or waits until the photo is destroyed.
    PERFORM FROM inspection WHERE id = inspected FOR KEY SHARE;
    PERFORM FROM dwelling WHERE id = dwelling_of FOR KEY SHARE;
    PERFORM FROM photo WHERE id = of_photo FOR KEY SHARE;
    RETURN EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL
        AND (subject_kind, subject_id) IN (('photo', of_photo), ('inspection', inspected), ('dwelling', dwelling_of)));
END $$
""",
    "forget_photo_history(uuid)": f"""
CREATE FUNCTION forget_photo_history(of_photo uuid) RETURNS void LANGUAGE plpgsql {DEFINER} AS $$
BEGIN
    -- Former versions of the row of a destroyed photo lose what tells of people and places; that there were versions, and when, stays.
    IF NOT ({BY_ITSELF}) OR NOT EXISTS (SELECT FROM photo WHERE id = of_photo AND state = 'destroyed') THEN
        RAISE EXCEPTION 'only the history of a destroyed photo is forgotten, by the register itself' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('registry.forgetting', 'photo', true);
    UPDATE superseded_row SET content = content - '{{caption,longitude,latitude,taken_at}}'::text[] || '{{"forgotten": true}}'
    WHERE table_name = 'photo' AND row_id = of_photo::text;
    PERFORM set_config('registry.forgetting', '', true);
END $$
""",
}
FOR_API = (
    "sees_image(uuid)",
    "keep_image(uuid, bytea, bigint, text)",
    "images_in_sight(bytea[])",
    "uploads_to_hand_over(uuid[], integer[])",
    "fragment_bytes()",
    "shared_photo(bytea, text, text)",
)
FOR_WORKER = ("keep_image(uuid, bytea, bigint, text)", "photo_is_held(uuid)", "forget_photo_history(uuid)")

ROLE, PERSON, ORGANISATION = (f"(SELECT acting_{name}())" for name in ("role", "person", "organisation"))
OWN_UPLOAD = f"{ROLE} = 'inspector' AND person_id = {PERSON} AND organisation_id = {ORGANISATION}"
OF_OWN_UPLOAD = "EXISTS (SELECT FROM upload WHERE id = upload_id)"
SHARES = f"{ROLE} IN ('reviewer', 'municipality-editor') AND sees_photo(photo_id)"
POLICIES = {
    "image": {"SELECT": "sees_image(id)"},
    "upload": {"SELECT": OWN_UPLOAD, "INSERT": f"{OWN_UPLOAD} AND sees_photo(photo_id)", "UPDATE": OWN_UPLOAD},
    "fragment": dict.fromkeys(("SELECT", "INSERT", "DELETE"), OF_OWN_UPLOAD),
    "photo_share": {"SELECT": f"sees_photo(photo_id) AND {ROLE} <> 'inspector'", "INSERT": SHARES, "UPDATE": SHARES},
    "legal_hold": {},
    "destruction": {"SELECT": "sees_photo(photo_id)"},
}
SHARE = "id, photo_id, reason, recorded_at, recorded_by, expires_at, revoked_at"
GRANTS = {
    API: (
        "SELECT ON image",
        "SELECT, INSERT, UPDATE ON upload",
        "SELECT, INSERT, DELETE ON fragment",
        f"SELECT ({SHARE}), INSERT, UPDATE (revoked_at) ON photo_share",
        "SELECT ON destruction",
        *(f"EXECUTE ON FUNCTION {name}" for name in FOR_API),
    ),
    WORKER: (
        "SELECT, UPDATE ON image",
        "SELECT, UPDATE, DELETE ON upload",
        "SELECT, DELETE ON fragment",
        "SELECT ON photo_share",
        "SELECT ON legal_hold",
        "SELECT, INSERT ON destruction",
        *(f"EXECUTE ON FUNCTION {name}" for name in FOR_WORKER),
    ),
}


def upgrade() -> None:
    for name, function in FUNCTIONS.items():
        op.get_bind().exec_driver_sql(function.replace("%", "%%"))
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
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
    op.execute("DROP TRIGGER superseded_row_is_append_only ON superseded_row")
    op.execute(
        """
        CREATE TRIGGER superseded_row_is_append_only BEFORE UPDATE OR DELETE ON superseded_row FOR EACH ROW
        WHEN (current_setting('registry.forgetting', true) IS DISTINCT FROM 'photo' OR old.table_name <> 'photo') EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER superseded_row_is_append_only ON superseded_row")
    op.execute("CREATE TRIGGER superseded_row_is_append_only BEFORE UPDATE OR DELETE ON superseded_row FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    for table, policies in POLICIES.items():
        for name in ("owned", "worked_on", *(f"api_{command.lower()}" for command in policies)):
            op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        for role in (API, WORKER):
            op.execute(f"REVOKE ALL ON {table} FROM {role}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
