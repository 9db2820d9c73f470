"""Alembic migrations: every change of the database, in order (docs/adr/0005)."""
