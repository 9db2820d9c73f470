"""Lists of what was done in a dwelling that can also ask for what was done in those before and after it."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from api.fields import Boolean, Said, Uuid
from api.routes import PageQuery


class LineageQuery(PageQuery):
    dwelling_id = Uuid(load_default=None)
    lineage = Boolean(
        load_default=False, metadata={"description": "With `dwellingId`: also of the dwellings that came before and after it, as far as you see them."}
    )

    @validates_schema
    def of_a_dwelling(self, data: dict[str, Any], **_: Any) -> None:
        if data["lineage"] and data["dwelling_id"] is None:
            raise ValidationError([Said("lineage-of-no-dwelling")], "lineage")


def by_line(query: dict[str, Any]) -> dict[str, Any]:
    """The query with ``line_of`` in place of ``dwelling_id`` when the whole line of descent is asked for."""
    dwelling_id, lineage = query.pop("dwelling_id"), query.pop("lineage")
    return {**query, "line_of" if lineage else "dwelling_id": dwelling_id}
