"""Finding dwellings: the state of each track as it is now, names of streets, and the indexes that lead to dwellings."""

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
