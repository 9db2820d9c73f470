"""Reading photos. What has arrived of an inspection is in `receipts`."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.inspections import queries as inspections
from registry.inspections.model import Inspection
from registry.photos.model import Image, Photo


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo with the image that it shows, None while its bytes are awaited."""

    photo: Photo
    image: Image | None


def get(session: Session, actor: Actor, photo_id: UUID) -> Photo:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_INSPECTIONS)
    visible = sa.select(Inspection.id).where(inspections.visible_to(actor))
    photo = session.scalar(sa.select(Photo).where(Photo.id == photo_id, Photo.inspection_id.in_(visible)))
    if photo is None:
        raise NotFound(what="photo", id=photo_id)
    return photo


def shown(session: Session, photo: Photo) -> Shown:
    """With what is known of its bytes."""
    return Shown(photo, None if photo.image_id is None else session.get(Image, photo.image_id))


def find_each(session: Session, actor: Actor, photo_ids: Collection[UUID]) -> dict[UUID, Photo]:
    """Those of these photos that the actor may see. Raises NotAllowed."""
    require(actor, Right.READ_INSPECTIONS)
    visible = sa.select(Inspection.id).where(inspections.visible_to(actor))
    return {photo.id: photo for photo in session.scalars(sa.select(Photo).where(Photo.id.in_(photo_ids), Photo.inspection_id.in_(visible)))}


def dwellings_of(session: Session, photos: Collection[Photo]) -> set[UUID]:
    """The dwellings in which these photos were taken."""
    ids = {photo.inspection_id for photo in photos}
    return set(session.scalars(sa.select(Inspection.dwelling_id).where(Inspection.id.in_(ids)))) if ids else set()


def dwellings_of_photos(session: Session, photo_ids: Collection[UUID]) -> set[UUID]:
    """As `dwellings_of`, for photos that are known by their ids."""
    joined = sa.select(Inspection.dwelling_id).join(Photo, Photo.inspection_id == Inspection.id).where(Photo.id.in_(photo_ids))
    return set(session.scalars(joined)) if photo_ids else set()


def dwellings_of_inspections(session: Session, inspection_ids: Collection[UUID]) -> set[UUID]:
    """Those of inspections that the actor may see, by row-level security."""
    return set(session.scalars(sa.select(Inspection.dwelling_id).where(Inspection.id.in_(inspection_ids)))) if inspection_ids else set()
