"""What a report is made from: rows of one submitted revision and of what belongs to it, read in one go by the worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.areas.model import Municipality
from registry.checklists.model import Checklist
from registry.clock import CIVIL_TIME
from registry.db import Json
from registry.dwellings.model import Dwelling
from registry.inspections import scores
from registry.inspections.clocks import corrected
from registry.inspections.model import Inspection, InspectionRevision, Review
from registry.inspections.scores import Scores
from registry.members.model import Person
from registry.organisations.model import Organisation
from registry.photos.model import Image, Photo, PhotoState, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from registry.values import EnergyLabel, address_line

MOST_SHOWN: Final = 600
"""Photos of one inspection; there can't be more (`photos.rules.MOST_PHOTOS`, and a batch)."""


class Sight(StrEnum):
    """Whether a photo is shown, and else why not."""

    SHOWN = "shown"
    DECLARED = "declared"
    STORED = "stored"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class SourcePhoto:
    """``preview_key`` names its larger preview in the object store, None when it is not shown. ``taken_at`` is corrected for the clock of the phone."""

    id: UUID
    question: str
    caption: str | None
    taken_at: datetime | None
    sight: Sight
    preview_key: str | None = None

    @property
    def file(self) -> str:
        return f"{self.id}.jpg"


@dataclass(frozen=True, slots=True)
class Place:
    """The dwelling, as far as a report tells."""

    street: str | None
    postcode: str | None
    town: str | None
    municipality: str
    bag_id: str | None
    year_built: int | None
    floor_area_m2: int | None
    energy_label: EnergyLabel | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One submitted revision of one inspection. ``scores`` are those that count now."""

    inspection: Inspection
    revision: InspectionRevision
    checklist: Mapping[str, Json]
    photos: Sequence[SourcePhoto]
    scores: Scores

    @property
    def visited_at(self) -> datetime:
        return corrected(self.revision.visited_at, self.revision.clock_skew_ms or 0) or self.revision.submitted_at

    @property
    def visited_on(self) -> date:
        """By the calendar in the Netherlands."""
        return self.visited_at.astimezone(CIVIL_TIME).date()


@dataclass(frozen=True, slots=True)
class Source:
    visit: Visit
    place: Place
    organisation: str
    inspector: str | None
    review: Review | None
    reviewer: str | None
    before: Visit | None = None
    """The baseline that a completion is compared with."""

    @property
    def previews(self) -> dict[str, str]:
        """The preview in the object store of each picture, by the name of its file."""
        visits = [self.visit, *([self.before] if self.before else [])]
        return {photo.file: photo.preview_key for visit in visits for photo in visit.photos if photo.preview_key is not None}


def find(session: Session, inspection_id: UUID, baseline_id: UUID | None) -> Source | None:
    """Everything about the last submitted revision, and about the visit that it is compared with; None when nothing was submitted, or it is not known."""
    visit = _visit(session, inspection_id)
    if visit is None:
        return None
    inspection, revision = visit.inspection, visit.revision
    review = session.scalar(sa.select(Review).where(Review.inspection_id == inspection_id, Review.revision == revision.revision))
    return Source(
        visit=visit,
        place=_place(session, inspection.dwelling_id),
        organisation=session.scalars(sa.select(Organisation.name).where(Organisation.id == inspection.organisation_id)).one(),
        inspector=_name(session, revision.submitted_by),
        review=review,
        reviewer=_name(session, review.recorded_by) if review else None,
        before=_visit(session, baseline_id) if baseline_id else None,
    )


def _visit(session: Session, inspection_id: UUID) -> Visit | None:
    latest = sa.select(InspectionRevision).where(InspectionRevision.inspection_id == inspection_id).order_by(InspectionRevision.revision.desc()).limit(1)
    revision = session.scalar(latest)
    if revision is None:
        return None
    checklist = session.scalars(sa.select(Checklist.content).where(Checklist.id == revision.checklist_id)).one()
    photos = _photos(session, inspection_id)
    found = scores.current(session, [inspection_id]).get(inspection_id, Scores())
    return Visit(session.get_one(Inspection, inspection_id), revision, checklist, photos, found)


def _photos(session: Session, inspection_id: UUID) -> list[SourcePhoto]:
    query = (
        sa.select(Photo, Image)
        .outerjoin(Image, Image.id == Photo.image_id)
        .where(Photo.inspection_id == inspection_id, Photo.state != PhotoState.WITHDRAWN)
        .order_by(Photo.taken_at.nulls_last(), Photo.id)
        .limit(MOST_SHOWN)
    )
    return [_photo(photo, image) for photo, image in session.execute(query)]


def _photo(photo: Photo, image: Image | None) -> SourcePhoto:
    sight = _sight(photo, image)
    key = preview_key(image.organisation_id, image.id, max(PREVIEW_SIZES_PX)) if image is not None and sight is Sight.SHOWN else None
    return SourcePhoto(photo.id, photo.question, photo.caption, corrected(photo.taken_at, photo.clock_skew_ms or 0), sight, key)


def _sight(photo: Photo, image: Image | None) -> Sight:
    if photo.state in (PhotoState.DECLARED, PhotoState.REJECTED, PhotoState.DESTROYED):
        return Sight(photo.state.value)
    if image is None or image.previews is PreviewState.AWAITED:
        return Sight.STORED
    return Sight.SHOWN if image.previews is PreviewState.MADE else Sight.UNAVAILABLE


def _place(session: Session, dwelling_id: UUID) -> Place:
    address = (Dwelling.street, Dwelling.house_number, Dwelling.house_letter, Dwelling.house_number_suffix)
    facts = (Dwelling.postcode, Dwelling.town, Dwelling.bag_id, Dwelling.year_built, Dwelling.floor_area_m2, Dwelling.energy_label)
    query = sa.select(*address, *facts, Municipality.name.label("municipality")).join(Municipality, Municipality.code == Dwelling.municipality_code)
    row = session.execute(query.where(Dwelling.id == dwelling_id)).one()
    line = address_line(row.street, row.house_number, row.house_letter, row.house_number_suffix)
    return Place(line, row.postcode, row.town, row.municipality, row.bag_id, row.year_built, row.floor_area_m2, row.energy_label)


def _name(session: Session, person_id: UUID) -> str | None:
    return session.scalar(sa.select(Person.name).where(Person.id == person_id))
