"""What the register knows of the bytes of stored photos moves to their images; photos of one organisation with the same bytes share one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOVE = """
INSERT INTO image (organisation_id, sha256, size_bytes, object_key, stored_at, examined_at, rejection, content_type, width_px, height_px,
    exif_taken_at, exif_longitude, exif_latitude)
SELECT DISTINCT ON (inspection.organisation_id, photo.sha256) inspection.organisation_id, photo.sha256, photo.size_bytes, photo.object_key, photo.stored_at,
    CASE WHEN photo.state <> 'stored' THEN photo.recorded_at END, photo.rejection, CASE WHEN photo.state = 'ready' THEN photo.content_type END,
    photo.width_px, photo.height_px, photo.exif_taken_at, photo.exif_longitude, photo.exif_latitude
FROM photo JOIN inspection ON inspection.id = photo.inspection_id
WHERE photo.state <> 'declared'
ORDER BY inspection.organisation_id, photo.sha256, photo.stored_at
"""
LINK = """
UPDATE photo SET image_id = image.id
FROM image, inspection
WHERE inspection.id = photo.inspection_id AND photo.state <> 'declared'
    AND image.organisation_id = inspection.organisation_id AND image.sha256 = photo.sha256
"""
BACK = """
UPDATE photo SET object_key = coalesce(image.object_key, 'media/' || inspection.organisation_id || '/' || photo.id || '/' || encode(photo.sha256, 'hex')),
    width_px = image.width_px, height_px = image.height_px, exif_taken_at = image.exif_taken_at,
    exif_longitude = image.exif_longitude, exif_latitude = image.exif_latitude
FROM photo AS each JOIN inspection ON inspection.id = each.inspection_id LEFT JOIN image ON image.id = each.image_id
WHERE photo.id = each.id
"""
MOVED = ("object_key", "width_px", "height_px", "exif_taken_at", "exif_longitude", "exif_latitude")
RULES = {
    "stored": "state NOT IN ('stored', 'ready', 'rejected') OR (stored_at IS NOT NULL AND image_id IS NOT NULL)",
    "image": "(image_id IS NULL) = (stored_at IS NULL)",
    "bytes": "image_id IS NULL OR (sha256 IS NOT NULL AND size_bytes IS NOT NULL)",
    "rejection": "state <> 'rejected' OR rejection IS NOT NULL",
    "withdrawal": "(withdrawn_at IS NULL) = (withdrawal_reason IS NULL)",
    "withdrawn": "state <> 'withdrawn' OR withdrawn_at IS NOT NULL",
    "state": "state IN ('declared', 'stored', 'ready', 'rejected', 'withdrawn', 'destroyed')",
}


def upgrade() -> None:
    op.execute(MOVE)
    op.execute(LINK)
    for name in MOVED:
        op.drop_column("photo", name)
    for name, rule in RULES.items():
        op.create_check_constraint(op.f(f"ck_photo_{name}"), "photo", rule)


def downgrade() -> None:
    for name in RULES:
        op.drop_constraint(f"ck_photo_{name}", "photo")
    op.add_column("photo", sa.Column("object_key", sa.Text()))
    for name in ("width_px", "height_px"):
        op.add_column("photo", sa.Column(name, sa.Integer()))
    op.add_column("photo", sa.Column("exif_taken_at", TIMESTAMP(timezone=True)))
    for name in ("exif_longitude", "exif_latitude"):
        op.add_column("photo", sa.Column(name, sa.Double()))
    # A register without images knows no photos that were withdrawn or destroyed, nor any without a digest.
    op.execute("UPDATE photo SET state = 'declared', image_id = NULL, stored_at = NULL WHERE state IN ('withdrawn', 'destroyed')")
    op.execute("UPDATE photo SET sha256 = coalesce(sha256, sha256('')), size_bytes = coalesce(size_bytes, 1)")
    op.execute("UPDATE photo SET rejection = NULL WHERE state <> 'rejected'")
    op.execute(BACK)
    op.alter_column("photo", "object_key", nullable=False)
