"""What a change is about, as its own GET gives it now: many at once, with one query for each kind."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api import checklists, dwellings, inspections, photos
from api import hazards as hazards_api
from api.processing import concerns
from registry.access import Actor, Right, may
from registry.changes.model import ChangeKind
from registry.changes.queries import ChangeEntry
from registry.checklists import queries as checklist_queries
from registry.dwellings import hazards
from registry.dwellings import queries as dwelling_queries
from registry.inspections import queries as inspection_queries
from registry.photos import images
from registry.photos import queries as photo_queries
from registry.photos.queries import Shown

Contents = dict[UUID, dict[str, Any]]
"""By id."""


def contents(session: Session, actor: Actor, entries: Iterable[ChangeEntry]) -> dict[tuple[str, UUID], dict[str, Any]]:
    """By kind and id, because clients make ids; what the actor does not see, and what is gone, is not there."""
    ids: Mapping[str, set[UUID]] = defaultdict(set)
    for entry in entries:
        if not entry.gone:
            ids[entry.kind].add(entry.subject_id)
    return {(kind, id): content for kind, load in _LOADERS.items() if ids[kind] for id, content in load(session, actor, ids[kind]).items()}


def _inspections(session: Session, actor: Actor, ids: Collection[UUID]) -> Contents:
    found = inspection_queries.find_each(session, actor, ids)
    concerns(*(inspection.dwelling_id for inspection in found.values()))
    return {id: inspections.dump(inspection) for id, inspection in found.items()}


def _dwellings(session: Session, actor: Actor, ids: Collection[UUID]) -> Contents:
    """With the hazards that there are, for who may know of them: whoever goes there must."""
    found = {id: dwellings.dump(row) for id, row in dwelling_queries.find_each(session, actor, ids).items()}
    concerns(*found)
    if may(actor, Right.READ_HAZARDS):
        for id, there in hazards.open_at(session, actor, found).items():
            found[id]["hazards"] = [hazards_api.dump(hazard) for hazard in there]
    return found


def _checklists(session: Session, actor: Actor, ids: Collection[UUID]) -> Contents:
    return {id: checklists.dump(checklist) for id, checklist in checklist_queries.find_each(session, actor, ids).items()}


def _photos(session: Session, actor: Actor, ids: Collection[UUID]) -> Contents:
    found = photo_queries.find_each(session, actor, ids)
    shown = images.of_photos(session, found.values())
    concerns(*photo_queries.dwellings_of(session, found.values()))
    return {id: photos.dump_photo(Shown(photo, shown.get(photo.image_id) if photo.image_id else None)) for id, photo in found.items()}


_LOADERS: dict[ChangeKind, Callable[[Session, Actor, Collection[UUID]], Contents]] = {
    ChangeKind.INSPECTION: _inspections,
    ChangeKind.DWELLING: _dwellings,
    ChangeKind.CHECKLIST: _checklists,
    ChangeKind.PHOTO: _photos,
}
"""Of a trajectory the feed says only that it changed."""
