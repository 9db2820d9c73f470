"""Counts of attempts to sign in, shared by all processes; not logged, because nothing is lost with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt_count",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("window_start", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempt_count"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_attempt_count_window_start", "attempt_count", ["window_start"])
    op.execute("GRANT SELECT, INSERT, UPDATE ON attempt_count TO registry_api")
    op.execute("GRANT SELECT, DELETE ON attempt_count TO registry_worker")


def downgrade() -> None:
    op.drop_table("attempt_count")
