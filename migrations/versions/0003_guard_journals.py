"""Journals refuse UPDATE and DELETE; mutable rows leave their former version behind; milestones are stamped under the lock of their dwelling."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JOURNALS = ("audit_line", "superseded_row", "milestone", "confirmation", "measure", "funding_line", "registered_label", "checklist", "definition", "change")
MUTABLE = {
    "municipality": "code",
    "focus_area": "slug",
    "organisation": "id",
    "dwelling": "id",
    "scheme": "slug",
    "project": "slug",
    "trajectory": "id",
    "inspection": "id",
    "photo": "id",
}
STAMPED = ("milestone", "confirmation")


def upgrade() -> None:
    for table in JOURNALS:
        op.execute(f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_is_never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    for table, key in MUTABLE.items():
        changed = "FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)"
        op.execute(f"CREATE TRIGGER {table}_keeps_superseded AFTER UPDATE ON {table} {changed} EXECUTE FUNCTION keep_superseded_row('{key}')")
    for table in STAMPED:
        op.execute(f"CREATE TRIGGER {table}_is_stamped BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION stamp_{table}()")


def downgrade() -> None:
    for table in STAMPED:
        op.execute(f"DROP TRIGGER {table}_is_stamped ON {table}")
    for table in MUTABLE:
        op.execute(f"DROP TRIGGER {table}_keeps_superseded ON {table}")
    for table in JOURNALS:
        op.execute(f"DROP TRIGGER {table}_is_never_truncated ON {table}")
        op.execute(f"DROP TRIGGER {table}_is_append_only ON {table}")
