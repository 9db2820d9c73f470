"""The tables of the job queue, by its library: its SQL is not ours to write (docs/adr/0007)."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DROP_ALL = """
DO $$
DECLARE thing record;
BEGIN
    FOR thing IN SELECT format('DROP TABLE IF EXISTS %I CASCADE', relname) AS command FROM pg_class
        WHERE relkind = 'r' AND relname LIKE 'procrastinate\\_%' AND relnamespace = 'public'::regnamespace LOOP EXECUTE thing.command; END LOOP;
    FOR thing IN SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure) AS command FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = 'public'::regnamespace LOOP EXECUTE thing.command; END LOOP;
    FOR thing IN SELECT format('DROP TYPE IF EXISTS %I CASCADE', typname) AS command FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') AND typnamespace = 'public'::regnamespace LOOP EXECUTE thing.command; END LOOP;
END $$
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DROP_ALL.replace("%", "%%"))
