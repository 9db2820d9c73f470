"""Webhooks: addresses that are told what changed, and what was delivered there.

The worker reads the change feed in the role of the API and in the name of the webhook's organisation (0016 lets it), and sends what it found as itself.
The API's role can't read the secrets that it writes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

API, WORKER = "registry_api", "registry_worker"
DEFINER = "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp"
ROLE, ORGANISATION = "(SELECT acting_role())", "(SELECT acting_organisation())"
MOMENT = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
OWN = f"{ROLE} = 'administrator' AND organisation_id = {ORGANISATION}"
OF_OWN = "webhook_id IN (SELECT id FROM webhook)"
TABLES = ("webhook", "webhook_secret", "webhook_state", "webhook_delivery")
POLICIES = {
    "webhook": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), OWN),
    **{table: dict.fromkeys(("SELECT", "INSERT", "UPDATE"), OF_OWN) for table in TABLES[1:]},
}
GRANTS = {
    API: (
        "SELECT, INSERT, UPDATE (name, url, events, status, reason, version, recorded_at) ON webhook",
        "SELECT (id, webhook_id, recorded_at, expires_at), INSERT, UPDATE (expires_at) ON webhook_secret",
        "SELECT, INSERT, UPDATE ON webhook_state",
        "SELECT, INSERT, UPDATE (status, attempts_before, next_attempt_at, settled_at) ON webhook_delivery",
        "EXECUTE ON FUNCTION webhook_backlog()",
    ),
    WORKER: (
        "SELECT, UPDATE (status, reason, version, recorded_at) ON webhook",
        "SELECT, DELETE ON webhook_secret",
        "SELECT, UPDATE ON webhook_state",
        "SELECT, INSERT, UPDATE, DELETE ON webhook_delivery",
        "SELECT ON change",
        "SELECT (id, dwelling_id) ON trajectory",
        "SELECT (id, kind, municipality_code) ON organisation",
    ),
}
BACKLOG = f"""
CREATE FUNCTION webhook_backlog(OUT undelivered bigint, OUT oldest_s double precision, OUT dead bigint, OUT disabled bigint) {DEFINER} AS $$
    -- Of all organisations together: figures for whoever runs the register, and nothing else about anybody.
    SELECT count(*) FILTER (WHERE delivery.status <> 'dead'),
        coalesce(extract(epoch FROM clock_timestamp() - min(delivery.recorded_at) FILTER (WHERE delivery.status <> 'dead')), 0),
        count(*) FILTER (WHERE delivery.status = 'dead'),
        (SELECT count(*) FROM webhook WHERE status = 'disabled')
    FROM webhook_delivery AS delivery JOIN webhook ON webhook.id = delivery.webhook_id
    WHERE delivery.status IN ('waiting', 'pending', 'dead') AND webhook.status = 'active'
$$
"""


class TransactionId(UserDefinedType[int]):
    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    _tables()
    op.execute(
        "CREATE TRIGGER webhook_keeps_superseded AFTER UPDATE ON webhook FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) "
        "EXECUTE FUNCTION keep_superseded_row('id')"
    )
    op.execute(BACKLOG)
    op.execute("REVOKE EXECUTE ON FUNCTION webhook_backlog() FROM PUBLIC")
    op.execute(f"CREATE POLICY worked_on ON trajectory FOR SELECT TO {WORKER} USING (true)")
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


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _tables() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("status", _one_of("status", "active", "paused", "disabled", "ended"), server_default="active", nullable=False),
        sa.Column("reason", _one_of("reason", "gone", "failing"), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("(status = 'disabled') = (reason IS NOT NULL)", name=op.f("ck_webhook_disabled")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_webhook_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index("ix_webhook_organisation_id", "webhook", ["organisation_id", "id"], unique=False)
    op.create_table(
        "webhook_secret",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_secret_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secret")),
    )
    op.create_index("ix_webhook_secret_webhook_id", "webhook_secret", ["webhook_id", "recorded_at"], unique=False)
    op.create_table(
        "webhook_state",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("transaction_id", TransactionId(), nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("failing_since", "not_before", "last_delivered_at")),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_state_webhook_id")),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook_state")),
    )
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("dwelling_id", sa.Uuid(), nullable=True),
        sa.Column("lane", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("status", _one_of("status", "waiting", "pending", "delivered", "dead"), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column(
            "error",
            _one_of("error", "address-refused", "name-unknown", "connection-failed", "timed-out", "protocol", "status", "interrupted"),
            nullable=True,
        ),
        sa.Column("answer_status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("(status IN ('delivered', 'dead')) = (settled_at IS NOT NULL)", name=op.f("ck_webhook_delivery_settled")),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_webhook_delivery_webhook_id_event_id")),
    )
    pending, waiting = (sa.text(f"status = '{status}'") for status in ("pending", "waiting"))
    op.create_index("uq_webhook_delivery_lane", "webhook_delivery", ["webhook_id", "lane"], unique=True, postgresql_where=pending)
    op.create_index("ix_webhook_delivery_waiting", "webhook_delivery", ["webhook_id", "lane", "id"], unique=False, postgresql_where=waiting)
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["webhook_id", "next_attempt_at", "id"], unique=False, postgresql_where=pending)
    op.create_index("ix_webhook_delivery_dead", "webhook_delivery", ["webhook_id", "id"], unique=False, postgresql_where=sa.text("status = 'dead'"))
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id", "id"], unique=False)
    op.create_index("ix_webhook_delivery_settled_at", "webhook_delivery", ["settled_at"], unique=False, postgresql_where=sa.text("settled_at IS NOT NULL"))


def downgrade() -> None:
    op.execute(f"REVOKE SELECT (id, kind, municipality_code) ON organisation FROM {WORKER}")
    op.execute(f"REVOKE SELECT (id, dwelling_id) ON trajectory FROM {WORKER}")
    op.execute("DROP POLICY worked_on ON trajectory")
    op.execute(f"REVOKE SELECT ON change FROM {WORKER}")
    op.execute("DROP FUNCTION webhook_backlog()")
    for table in reversed(TABLES):
        op.drop_table(table)
