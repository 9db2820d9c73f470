"""The audit log becomes tamper-evident: each line carries the digest of the one before it, in one of a number of streams (docs/adr/0013).

A line that exists already is chained in stream 0, in the order of its id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STREAMS = 128
DIGEST_BYTES = 32
FILL_PERCENT = 10
"""Of a page of heads: the rest is room for the new version of a head on the page of the old one, which spares the index."""

CONTENT = """
CREATE FUNCTION audit_line_content(line audit_line) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- The same bytes in every session: instants as microseconds since 1970, ids as text. Never change it: every digest rests on it.
    SELECT convert_to(jsonb_build_array(
        1, line.stream, line.sequence, line.id::text, (extract(epoch FROM line.recorded_at) * 1000000)::bigint, line.person_id::text,
        line.organisation_id::text, line.role, line.request_id, line.trace_id, line.reason, line.action, line.subject_kind, line.subject_id,
        line.details)::text, 'UTF8')
$$
"""

LOCK_STREAM = f"""
CREATE FUNCTION lock_audit_stream() RETURNS audit_stream LANGUAGE plpgsql AS $$
DECLARE
    kept text := nullif(current_setting('registry.audit_stream', true), '');
    nearest int := pg_backend_pid() % {STREAMS};
    head public.audit_stream;
BEGIN
    -- A transaction keeps its stream. A setting of the transaction forgets the stream when the savepoint that locked it is rolled back.
    IF kept IS NOT NULL THEN
        SELECT * INTO head FROM public.audit_stream WHERE stream = kept::smallint FOR UPDATE;
        IF FOUND THEN
            RETURN head;
        END IF;
    END IF;
    -- Each session begins at another place, so the first look nearly always finds a free stream.
    SELECT * INTO head FROM public.audit_stream WHERE stream = nearest FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT * INTO head FROM public.audit_stream ORDER BY (stream - nearest + {STREAMS}) % {STREAMS} LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        SELECT * INTO head FROM public.audit_stream WHERE stream = nearest FOR UPDATE;
    END IF;
    PERFORM set_config('registry.audit_stream', head.stream::text, true);
    RETURN head;
END $$
"""

CHAIN_LINE = """
CREATE FUNCTION chain_audit_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    -- Within a statement the head is kept in a setting: moving its row for each line makes a batch slow. Empty at the first line.
    state text := nullif(current_setting('registry.audit_head', true), '');
    head public.audit_stream;
BEGIN
    IF state IS NULL THEN
        head := public.lock_audit_stream();
    ELSE
        head := state::public.audit_stream;
    END IF;
    new.stream := head.stream;
    new.sequence := head.sequence + 1;
    new.recorded_at := clock_timestamp();
    new.digest := sha256(head.digest || public.audit_line_content(new));
    head.sequence := new.sequence;
    head.digest := new.digest;
    PERFORM set_config('registry.audit_head', head::text, true);
    RETURN new;
END $$
"""

MOVE_HEAD = """
CREATE FUNCTION move_audit_head() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    told record;
    head public.audit_stream;
BEGIN
    PERFORM set_config('registry.audit_head', '', true);
    SELECT count(*) AS lines, min(stream) AS stream, max(stream) AS last_stream, min(sequence) AS first, max(sequence) AS last INTO told FROM written;
    IF told.lines = 0 THEN
        RETURN NULL;
    END IF;
    -- The settings are open to whoever writes SQL, so the row of the head has the last word: no gap, no second stream.
    UPDATE public.audit_stream SET sequence = told.last, digest = (SELECT digest FROM written WHERE sequence = told.last)
    WHERE stream = told.stream AND told.stream = told.last_stream AND sequence = told.first - 1 AND sequence = told.last - told.lines;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lines do not follow the head of audit stream %', told.stream USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

ONLY_FORWARD = """
CREATE FUNCTION refuse_audit_stream_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.stream = old.stream AND new.sequence > old.sequence THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'audit stream % only goes forward', old.stream USING ERRCODE = 'restrict_violation';
END $$
"""

CHAIN_EXISTING = """
DO $$
DECLARE
    line public.audit_line;
    head public.audit_stream;
BEGIN
    SELECT * INTO head FROM public.audit_stream WHERE stream = 0;
    FOR line IN SELECT * FROM public.audit_line ORDER BY id LOOP
        line.stream := 0;
        line.sequence := head.sequence + 1;
        line.digest := sha256(head.digest || public.audit_line_content(line));
        UPDATE public.audit_line SET stream = 0, sequence = line.sequence, digest = line.digest WHERE id = line.id;
        head.sequence := line.sequence;
        head.digest := line.digest;
    END LOOP;
    UPDATE public.audit_stream SET sequence = head.sequence, digest = head.digest WHERE stream = 0;
END $$
"""


def upgrade() -> None:
    _make_heads()
    for column in (sa.Column("trace_id", sa.Text()), sa.Column("reason", sa.Text())):
        op.add_column("audit_line", column)
    for column in (sa.Column("stream", sa.SmallInteger()), sa.Column("sequence", sa.BigInteger()), sa.Column("digest", sa.LargeBinary())):
        op.add_column("audit_line", column)
    for function in (CONTENT, LOCK_STREAM, CHAIN_LINE, MOVE_HEAD, ONLY_FORWARD):
        op.execute(function)
    _chain_existing()
    _guard()


def _make_heads() -> None:
    op.create_table(
        "audit_stream",
        sa.Column("stream", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(f"stream BETWEEN 0 AND {STREAMS - 1}", name=op.f("ck_audit_stream_stream")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_audit_stream_sequence")),
        sa.CheckConstraint(f"octet_length(digest) = {DIGEST_BYTES}", name=op.f("ck_audit_stream_digest")),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_audit_stream")),
    )
    op.execute(f"ALTER TABLE audit_stream SET (fillfactor = {FILL_PERCENT})")
    op.execute(
        f"INSERT INTO audit_stream (stream, sequence, digest) SELECT place, 0, decode(repeat('00', {DIGEST_BYTES}), 'hex') "
        f"FROM generate_series(0, {STREAMS - 1}) AS place"
    )


def _chain_existing() -> None:
    op.execute("ALTER TABLE audit_line DISABLE TRIGGER audit_line_is_append_only")
    op.execute(CHAIN_EXISTING)
    op.execute("ALTER TABLE audit_line ENABLE TRIGGER audit_line_is_append_only")
    for column in ("stream", "sequence", "digest"):
        op.alter_column("audit_line", column, nullable=False)
    op.create_unique_constraint(op.f("uq_audit_line_stream_sequence"), "audit_line", ["stream", "sequence"])
    op.create_index("ix_audit_line_person_id", "audit_line", ["person_id", "id"])
    op.create_check_constraint(op.f("ck_audit_line_digest"), "audit_line", f"octet_length(digest) = {DIGEST_BYTES}")


def _guard() -> None:
    op.execute("CREATE TRIGGER audit_line_is_chained BEFORE INSERT ON audit_line FOR EACH ROW EXECUTE FUNCTION chain_audit_line()")
    op.execute(
        "CREATE TRIGGER audit_line_moves_head AFTER INSERT ON audit_line REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION move_audit_head()"
    )
    op.execute("CREATE TRIGGER audit_stream_only_forward BEFORE UPDATE ON audit_stream FOR EACH ROW EXECUTE FUNCTION refuse_audit_stream_back()")
    op.execute("CREATE TRIGGER audit_stream_is_never_deleted BEFORE DELETE ON audit_stream FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER audit_stream_is_never_truncated BEFORE TRUNCATE ON audit_stream FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    for trigger in ("audit_line_moves_head", "audit_line_is_chained"):
        op.execute(f"DROP TRIGGER {trigger} ON audit_line")
    for function in ("chain_audit_line()", "move_audit_head()", "lock_audit_stream()", "audit_line_content(audit_line)"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("ix_audit_line_person_id", "audit_line")
    for column in ("digest", "sequence", "stream", "reason", "trace_id"):
        op.drop_column("audit_line", column)
    op.drop_table("audit_stream")
    op.execute("DROP FUNCTION refuse_audit_stream_back()")
