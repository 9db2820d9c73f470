"""Runs migrations over the connection that `registry.migrations` hands in: one at a time, and never waiting long for a lock."""

from alembic import context
from sqlalchemy import Connection, text

from registry.tables import metadata

MIGRATION_LOCK = 4712
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave the tables of the job queue alone: its library owns them."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


connection: Connection = context.config.attributes["connection"]
connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
context.configure(connection=connection, target_metadata=metadata, include_name=ours, compare_type=True, compare_server_default=True)
context.run_migrations()
