"""What inspections know of their photos. The concept of photos builds on this one, so only names of columns stand here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

_PHOTO = sa.table(
    "photo",
    sa.column("id", sa.Uuid),
    sa.column("inspection_id", sa.Uuid),
    sa.column("question", sa.Text),
    sa.column("defect", sa.Text),
    sa.column("state", sa.Text),
    sa.column("rejection", sa.Text),
    sa.column("withdrawn_at", sa.DateTime(timezone=True)),
)
AWAITED: Final = "declared"
THERE: Final = ("stored", "ready")
DESTROYED: Final = "destroyed"


@dataclass(frozen=True, slots=True)
class PhotoCount:
    """How many photos of one question, and of one defect in its answer, are in the same state. ``dropped`` were taken back or rejected."""

    question: str
    defect: str | None
    state: str
    dropped: bool
    photos: int

    @property
    def counts(self) -> bool:
        """Whether they are ones that an answer demands: not rejected, not taken back. One that was destroyed in its time did its duty."""
        return self.state == AWAITED or self.state in THERE or (self.state == DESTROYED and not self.dropped)


def counts(session: Session, inspection_ids: Collection[UUID]) -> dict[UUID, list[PhotoCount]]:
    """The photos of these inspections, counted, in one query. Whoever asks has seen to it that the actor may know."""
    kinds = (_PHOTO.c.question, _PHOTO.c.defect, _PHOTO.c.state, sa.or_(_PHOTO.c.withdrawn_at.is_not(None), _PHOTO.c.rejection.is_not(None)).label("dropped"))
    query = sa.select(_PHOTO.c.inspection_id, *kinds, sa.func.count()).where(_PHOTO.c.inspection_id.in_(inspection_ids))
    found: dict[UUID, list[PhotoCount]] = {id: [] for id in inspection_ids}
    for inspection_id, *kind in session.execute(query.group_by(_PHOTO.c.inspection_id, *kinds)):
        found[inspection_id].append(PhotoCount(*kind))
    return found


def in_sight(session: Session, inspection_ids: Collection[UUID]) -> Mapping[tuple[UUID, str], tuple[UUID, ...]]:
    """The photos that can be shown, by inspection and question, in the order of their ids."""
    query = sa.select(_PHOTO.c.inspection_id, _PHOTO.c.question, sa.func.array_agg(aggregate_order_by(_PHOTO.c.id, _PHOTO.c.id)))
    query = query.where(_PHOTO.c.inspection_id.in_(inspection_ids), _PHOTO.c.state.in_(THERE)).group_by(_PHOTO.c.inspection_id, _PHOTO.c.question)
    return {(row[0], row[1]): tuple(row[2]) for row in session.execute(query)}


def count_each(photos: Iterable[tuple[str, str | None, str, bool]]) -> list[PhotoCount]:
    """Count photos that are loaded: (question, defect, state, dropped) of each."""
    found: dict[tuple[str, str | None, str, bool], int] = {}
    for photo in photos:
        found[photo] = found.get(photo, 0) + 1
    return [PhotoCount(*kind, number) for kind, number in found.items()]
