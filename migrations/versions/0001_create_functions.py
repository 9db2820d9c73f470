"""Functions that the tables and triggers use."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UUID_V7 = """
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    -- 48 bits of milliseconds since 1970, then the version 7 and the random bits of a version 4 (RFC 9562); PostgreSQL 18 has its own, 16 has not.
    SELECT encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid
$$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""

KEEP_SUPERSEDED_ROW = """
CREATE FUNCTION keep_superseded_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The argument of the trigger names the primary key.
    -- One version ends at the moment the next one begins.
    INSERT INTO superseded_row (table_name, row_id, recorded_at, superseded_at, content)
    VALUES (TG_TABLE_NAME, to_jsonb(old) ->> TG_ARGV[0], old.recorded_at,
            CASE WHEN new.recorded_at > old.recorded_at THEN new.recorded_at ELSE clock_timestamp() END, to_jsonb(old));
    RETURN NULL;
END $$
"""

STAMP_JOURNAL_ROW = """
CREATE FUNCTION stamp_milestone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The row lock first: a moment taken before waiting for it could lie before that of a row which became true earlier.
    PERFORM 1 FROM dwelling WHERE id = new.dwelling_id FOR NO KEY UPDATE;
    new.recorded_at := clock_timestamp();
    RETURN new;
END $$
"""

STAMP_CONFIRMATION = """
CREATE FUNCTION stamp_confirmation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM dwelling WHERE id = (SELECT dwelling_id FROM milestone WHERE id = new.milestone_id) FOR NO KEY UPDATE;
    new.recorded_at := clock_timestamp();
    RETURN new;
END $$
"""


def upgrade() -> None:
    for function in (UUID_V7, REFUSE_CHANGE, KEEP_SUPERSEDED_ROW, STAMP_JOURNAL_ROW, STAMP_CONFIRMATION):
        op.execute(function)


def downgrade() -> None:
    for name in ("stamp_confirmation", "stamp_milestone", "keep_superseded_row", "refuse_change", "uuid_v7"):
        op.execute(f"DROP FUNCTION {name}()")
