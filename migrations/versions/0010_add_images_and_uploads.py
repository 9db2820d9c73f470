"""The bytes of photos become images of their own, kept once for each organisation; uploads in pieces; shares, holds and destructions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = TIMESTAMP(timezone=True)
NOW = sa.text("clock_timestamp()")
CONTENT_TYPES = ("image/jpeg", "image/heic", "image/heif", "image/png", "image/webp")
STATES = ("declared", "stored", "ready", "rejected", "withdrawn", "destroyed")


def _id() -> sa.Column:  # type: ignore[type-arg]
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_v7()"), nullable=False)


def _one_of(name: str, values: tuple[str, ...], *, nullable: bool = False, default: str | None = None) -> sa.Column:  # type: ignore[type-arg]
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, kind, nullable=nullable, server_default=default)


def upgrade() -> None:
    op.create_table(
        "image",
        _id(),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(collation="C"), nullable=False),
        sa.Column("stored_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("examined_at", MOMENT),
        sa.Column("decoder", sa.Text()),
        sa.Column("rejection", sa.Text()),
        _one_of("content_type", CONTENT_TYPES, nullable=True),
        sa.Column("width_px", sa.Integer()),
        sa.Column("height_px", sa.Integer()),
        sa.Column("orientation", sa.Integer()),
        sa.Column("exif_taken_at", MOMENT),
        sa.Column("exif_clock_time", sa.DateTime(timezone=False)),
        sa.Column("exif_longitude", sa.Double()),
        sa.Column("exif_latitude", sa.Double()),
        sa.Column("camera", sa.Text()),
        _one_of("previews", ("awaited", "made", "unavailable"), default="awaited"),
        sa.Column("placeholder", sa.Text()),
        sa.Column("destroyed_at", MOMENT),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_image_sha256")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_image_size_bytes")),
        sa.CheckConstraint("orientation BETWEEN 1 AND 8", name=op.f("ck_image_orientation")),
        sa.CheckConstraint("rejection IS NULL OR examined_at IS NOT NULL", name=op.f("ck_image_rejection")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_image_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
    )
    op.create_index("uq_image_organisation_id_sha256", "image", ["organisation_id", "sha256"], unique=True, postgresql_where=sa.text("destroyed_at IS NULL"))
    op.create_index("ix_image_previews", "image", ["id"], postgresql_where=sa.text("previews <> 'made' AND rejection IS NULL AND destroyed_at IS NULL"))
    for name, columns in (("object_key", ["object_key"]), ("organisation_id", ["organisation_id", "id"])):
        op.create_index(f"ix_image_{name}", "image", columns, postgresql_where=sa.text("destroyed_at IS NULL"))
    for column in (
        sa.Column("defect", sa.Text()),
        sa.Column("image_id", sa.Uuid()),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("withdrawn_by", sa.Uuid()),
        sa.Column("withdrawal_reason", sa.Text()),
    ):
        op.add_column("photo", column)
    op.create_foreign_key("fk_photo_image_id", "photo", "image", ["image_id"], ["id"])
    op.create_index("ix_photo_image_id", "photo", ["image_id"])
    for name in ("sha256", "size_bytes"):
        op.alter_column("photo", name, nullable=True)
    for name in ("stored", "rejection", "state"):
        op.drop_constraint(f"ck_photo_{name}", "photo")
    op.create_table(
        "upload",
        _id(),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("length_bytes", sa.BigInteger()),
        sa.Column("offset_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("receiving", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("handover", sa.Boolean(), server_default="false", nullable=False),
        _one_of("state", ("receiving", "stored", "failed", "expired", "terminated"), default="receiving"),
        sa.Column("metadata", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint("offset_bytes >= 0", name=op.f("ck_upload_offset_bytes")),
        sa.CheckConstraint("length_bytes IS NULL OR length_bytes >= offset_bytes", name=op.f("ck_upload_length_bytes")),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name=op.f("fk_upload_photo_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_upload_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(
        "uq_upload_photo_id_person_id", "upload", ["photo_id", "person_id"], unique=True, postgresql_where=sa.text("state IN ('receiving', 'stored')")
    )
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"])
    op.create_index("ix_upload_person_id", "upload", ["person_id"], postgresql_where=sa.text("state = 'receiving'"))
    op.create_table(
        "fragment",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], ondelete="CASCADE", name=op.f("fk_fragment_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", "offset_bytes", name=op.f("pk_fragment")),
    )
    # Photos do not get smaller, so PostgreSQL need not try to compress them.
    op.execute("ALTER TABLE fragment ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "photo_share",
        _id(),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name=op.f("fk_photo_share_photo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_share")),
        sa.UniqueConstraint("digest", name=op.f("uq_photo_share_digest")),
    )
    op.create_index("ix_photo_share_photo_id", "photo_share", ["photo_id", "id"])
    op.create_table(
        "legal_hold",
        _id(),
        _one_of("subject_kind", ("dwelling", "inspection", "photo")),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("lifted_at", MOMENT),
        sa.Column("lifted_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index("uq_legal_hold_subject", "legal_hold", ["subject_kind", "subject_id"], unique=True, postgresql_where=sa.text("lifted_at IS NULL"))
    op.create_table(
        "destruction",
        _id(),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid()),
        sa.Column("sha256", sa.LargeBinary()),
        sa.Column("size_bytes", sa.BigInteger()),
        _one_of("ground", ("retention", "withdrawn", "erasure")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name=op.f("fk_destruction_photo_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_destruction_image_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destruction")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_destruction_photo_id")),
    )
    op.execute("CREATE TRIGGER destruction_is_append_only BEFORE UPDATE OR DELETE ON destruction FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER destruction_is_never_truncated BEFORE TRUNCATE ON destruction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    for table in ("destruction", "legal_hold", "photo_share", "fragment", "upload"):
        op.drop_table(table)
    op.create_check_constraint(op.f("ck_photo_state"), "photo", "state IN ('declared', 'stored', 'ready', 'rejected')")
    op.create_check_constraint(op.f("ck_photo_rejection"), "photo", "(state = 'rejected') = (rejection IS NOT NULL)")
    op.create_check_constraint(op.f("ck_photo_stored"), "photo", "(state = 'declared') = (stored_at IS NULL)")
    for name in ("sha256", "size_bytes"):
        op.alter_column("photo", name, nullable=False)
    op.drop_index("ix_photo_image_id", table_name="photo")
    op.drop_constraint("fk_photo_image_id", "photo")
    for name in ("withdrawal_reason", "withdrawn_by", "withdrawn_at", "image_id", "defect"):
        op.drop_column("photo", name)
    op.drop_table("image")
