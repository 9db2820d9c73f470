"""The first definitions of what counts. Ours, explicit and versioned: the ministry's formal ones are not public."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DEFINITIONS = (
    {
        "key": "acquired",
        "rule": {"track": "acquisition", "reached": "completed"},
        "name_nl": "Verworven",
        "name_en": "Acquired",
        "text_nl": "De woning is verworven: het spoor verwerving is gereed gemeld.",
        "text_en": "The dwelling is acquired: the acquisition track is reported completed.",
    },
    {
        "key": "started",
        "rule": {"any": [{"track": "renovation", "reached": "started"}, {"track": "sustainability", "reached": "started"}]},
        "name_nl": "Gestart",
        "name_en": "Started",
        "text_nl": "De renovatie of de verduurzaming van de woning is begonnen, ook als zij intussen gereed is. Een geannuleerd spoor telt niet.",
        "text_en": "The renovation or the sustainability upgrade of the dwelling has begun, also when completed by now. A cancelled track does not count.",
    },
    {
        "key": "improved",
        "rule": {"track": "renovation", "reached": "completed", "confirmed": True},
        "name_nl": "Verbeterd",
        "name_en": "Improved",
        "text_nl": "De renovatie van de woning is gereed gemeld en de gemeente heeft dat bevestigd.",
        "text_en": "The renovation of the dwelling is reported completed and the municipality has confirmed it.",
    },
    {
        "key": "made-sustainable",
        "rule": {"track": "sustainability", "reached": "completed"},
        "name_nl": "Verduurzaamd",
        "name_en": "Made sustainable",
        "text_nl": "De verduurzaming van de woning is gereed gemeld.",
        "text_en": "The sustainability upgrade of the dwelling is reported completed.",
    },
)

TABLE = sa.table("definition", *(sa.column(name) for name in ("key", "edition", "name_nl", "name_en", "text_nl", "text_en")), sa.column("rule", sa.JSON))


def upgrade() -> None:
    op.bulk_insert(TABLE, [{**definition, "edition": 1} for definition in DEFINITIONS])


def downgrade() -> None:
    op.execute("ALTER TABLE definition DISABLE TRIGGER USER")
    keys = ", ".join(f"'{definition['key']}'" for definition in DEFINITIONS)
    op.execute(f"DELETE FROM definition WHERE edition = 1 AND key IN ({keys})")
    op.execute("ALTER TABLE definition ENABLE TRIGGER USER")
