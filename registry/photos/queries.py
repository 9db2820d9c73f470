"""Reading photos, and the receipt of an inspection."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.batch import LARGEST_BATCH
from registry.checklists.model import Checklist
from registry.checklists.rules import photos_missing, questions
from registry.errors import Fault, NotFound
from registry.inspections import queries as inspections
from registry.inspections.model import Inspection, InspectionStatus, VisitOutcome
from registry.photos import images
from registry.photos.model import THERE, Image, Photo, PhotoState
from registry.photos.rules import MOST_PHOTOS

LONGEST_RECEIPT = MOST_PHOTOS + LARGEST_BATCH
"""Photos of one inspection; there can't be more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo with the image that it shows, None while its bytes are awaited."""

    photo: Photo
    image: Image | None


COUNTED = (PhotoState.DECLARED, *THERE)
"""States in which a photo counts as one that an answer demands."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What has arrived of an inspection. It is complete when it is submitted, no photo is awaited and none that an answer demands is missing.

    A rejected photo, or one that was taken back, does not count as one that an answer demands.
    """

    inspection: Inspection
    photos: Sequence[Photo]
    images: Mapping[UUID, Image]
    missing: Sequence[Fault]

    @property
    def dwelling_id(self) -> UUID:
        return self.inspection.dwelling_id

    @property
    def shown(self) -> list[Shown]:
        return [Shown(photo, self.images.get(photo.image_id) if photo.image_id else None) for photo in self.photos]

    @property
    def awaited(self) -> int:
        return sum(photo.state is PhotoState.DECLARED for photo in self.photos)

    @property
    def stored(self) -> int:
        return sum(photo.state in THERE for photo in self.photos)

    @property
    def rejected(self) -> int:
        return sum(photo.state is PhotoState.REJECTED for photo in self.photos)

    @property
    def complete(self) -> bool:
        return self.inspection.status is InspectionStatus.SUBMITTED and not self.awaited and not self.missing


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
    return Shown(photo, next(iter(images.of_photos(session, [photo]).values()), None))


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
    return set(session.scalars(joined))


def _counts(photo: Photo) -> bool:
    """Whether it is one that an answer demands. One that was destroyed in its time did its duty."""
    return photo.state in COUNTED or (photo.state is PhotoState.DESTROYED and photo.withdrawn_at is None)


def receipt(session: Session, actor: Actor, inspection_id: UUID) -> Receipt:
    """Raises NotAllowed, NotFound."""
    inspection = inspections.get(session, actor, inspection_id)
    photos = session.scalars(sa.select(Photo).where(Photo.inspection_id == inspection_id).order_by(Photo.id).limit(LONGEST_RECEIPT)).all()
    asked = questions(session.get_one(Checklist, inspection.checklist_id).content)
    counts = Counter(photo.question for photo in photos if _counts(photo))
    visited = inspection.visit_outcome in (None, VisitOutcome.DONE)
    return Receipt(inspection, photos, images.of_photos(session, photos), photos_missing(asked, inspection.answers, counts) if visited else [])
