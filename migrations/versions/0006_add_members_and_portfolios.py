"""People, their memberships and what proves who they are; and which corporation has which dwelling from when to when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


MUTABLE = ("person", "membership", "portfolio_period")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name=op.f("ck_person_email")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "password",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_password_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_password")),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "inspector",
                "reviewer",
                "corporation-editor",
                "municipality-editor",
                "ministry-analyst",
                "ministry-auditor",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("organisation_id"), "="),
            (sa.column("role"), "="),
            (sa.text("daterange(valid_from, valid_until)"), "&&"),
            using="gist",
            name="ex_membership_one_at_a_time",
        ),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_membership_period")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_organisation_id", "membership", ["organisation_id", "id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("identity", "session", "token", "enrolment", "set-up", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_credential_digest")),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name=op.f("fk_credential_membership_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_credential_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    op.create_index("uq_credential_digest", "credential", ["digest"], unique=True, postgresql_where=sa.text("revoked_at IS NULL"))
    op.create_index("ix_credential_expires_at", "credential", ["expires_at"], unique=False)
    op.create_index("ix_credential_organisation_id", "credential", ["organisation_id", "id"], unique=False)
    op.create_index("ix_credential_person_id", "credential", ["person_id", "id"], unique=False)
    op.create_table(
        "portfolio_period",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("dwelling_id"), "="), (sa.text("daterange(valid_from, valid_until)"), "&&"), using="gist", name="ex_portfolio_period_one_at_a_time"
        ),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_portfolio_period_period")),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_portfolio_period_dwelling_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_portfolio_period_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolio_period")),
    )
    op.create_index("ix_portfolio_period_organisation_id", "portfolio_period", ["organisation_id", "dwelling_id"], unique=False)
    op.add_column("dwelling", sa.Column("registrar_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_dwelling_registrar_id"), "dwelling", "organisation", ["registrar_id"], ["id"])
    op.create_index("ix_dwelling_registrar_id", "dwelling", ["registrar_id", "id"], postgresql_where=sa.text("registrar_id IS NOT NULL"))
    for table in MUTABLE:
        changed = "FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)"
        op.execute(f"CREATE TRIGGER {table}_keeps_superseded AFTER UPDATE ON {table} {changed} EXECUTE FUNCTION keep_superseded_row('id')")


def downgrade() -> None:
    op.drop_index("ix_dwelling_registrar_id", table_name="dwelling")
    op.drop_constraint(op.f("fk_dwelling_registrar_id"), "dwelling", type_="foreignkey")
    op.drop_column("dwelling", "registrar_id")
    op.drop_index("ix_portfolio_period_organisation_id", table_name="portfolio_period")
    op.drop_table("portfolio_period")
    op.drop_index("ix_credential_person_id", table_name="credential")
    op.drop_index("ix_credential_organisation_id", table_name="credential")
    op.drop_index("ix_credential_expires_at", table_name="credential")
    op.drop_index("uq_credential_digest", table_name="credential", postgresql_where=sa.text("revoked_at IS NULL"))
    op.drop_table("credential")
    op.drop_index("ix_membership_organisation_id", table_name="membership")
    op.drop_table("membership")
    op.drop_table("password")
    op.drop_table("person")
    op.execute("DROP EXTENSION btree_gist")
