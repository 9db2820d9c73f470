"""The image that a photo shows: its bytes are kept once for each organisation, however many photos show them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock, jobs
from registry.access import Actor
from registry.audit import commands as audit
from registry.changes.commands import announcing
from registry.changes.model import ChangeKind
from registry.db import Json
from registry.dwellings.model import Dwelling
from registry.inspections.completeness import settle
from registry.inspections.model import Inspection
from registry.photos.model import Image, Photo, PhotoState
from registry.versioned import change

_COLUMNS = ", ".join(f"kept.{column.name}" for column in Image.__table__.columns)
_KEEP = sa.select(Image).from_statement(
    sa.text(
        f"""
        SELECT {_COLUMNS} FROM (
            SELECT * FROM unnest(CAST(:photo_ids AS uuid[]), CAST(:digests AS bytea[]), CAST(:sizes AS bigint[]), CAST(:keys AS text[]))
                AS arrival (photo_id, sha256, size_bytes, key) ORDER BY sha256
        ) AS arrived, LATERAL keep_image(photo_id, sha256, size_bytes, key) AS kept
        """
    ).columns(*Image.__table__.columns)
)
"""In the order of their digests, so that two batches don't wait for each other."""
_IN_SIGHT = sa.select(Image).from_statement(sa.text(f"SELECT {_COLUMNS} FROM images_in_sight(:digests) AS kept").columns(*Image.__table__.columns))
_WHOSE = (
    sa.select(sa.bindparam("photo_id", type_=sa.Uuid), Dwelling.municipality_code, Inspection.organisation_id, Inspection.assignee_id)
    .join(Dwelling, Dwelling.id == Inspection.dwelling_id)
    .where(Inspection.id == sa.bindparam("inspection_id"))
)
_TELL = announcing(ChangeKind.PHOTO, _WHOSE)


def state_of(image: Image) -> PhotoState:
    """The state of a photo that shows this image."""
    if image.rejection is not None:
        return PhotoState.REJECTED
    return PhotoState.READY if image.examined_at is not None and image.content_type is not None else PhotoState.STORED


def shown_as(image: Image, stored_at: datetime) -> dict[str, object]:
    """The columns of a photo that say what has become of its bytes."""
    return {
        "image_id": image.id,
        "sha256": image.sha256,
        "size_bytes": image.size_bytes,
        "stored_at": stored_at,
        "state": state_of(image),
        "rejection": image.rejection,
    }


@dataclass(frozen=True, slots=True)
class Arrival:
    """The bytes of a declared photo are in the object store under ``key``. ``sha256`` is the raw digest of the ``size_bytes`` that are there."""

    photo: Photo
    sha256: bytes
    size_bytes: int
    key: str


def attach_each(session: Session, actor: Actor, arrivals: Sequence[Arrival]) -> Mapping[bytes, Image]:
    """Let each photo show its bytes, or the same ones that the organisation had already: the images, by digest.

    Bytes that are there twice are removed by a job; new ones are examined by one. An inspection of which this was the last photo is complete from now on.
    """
    kept = {image.sha256: image for image in session.scalars(_KEEP, _asked(arrivals))}
    lines: list[tuple[UUID | str, Mapping[str, Json]]] = []
    for arrival in arrivals:
        image = kept[arrival.sha256]
        change(session, arrival.photo, shown_as(image, clock.now()))
        linked = image.object_key != arrival.key
        if linked:
            jobs.enqueue(session, jobs.DELETE_SURPLUS, key=arrival.key)
        elif image.examined_at is None:
            jobs.enqueue(session, jobs.EXAMINE_IMAGE, lock=str(image.id), image_id=str(image.id))
        details: dict[str, Json] = {"sha256": image.sha256.hex(), "sizeBytes": image.size_bytes, "imageId": str(image.id), "linked": linked}
        lines.append((arrival.photo.id, details))
    audit.record_each(session, actor, "photo.stored", "photo", lines)
    told(session, *(arrival.photo for arrival in arrivals), action="photo.stored")
    settle(session, actor, {arrival.photo.inspection_id for arrival in arrivals})
    return kept


def _asked(arrivals: Sequence[Arrival]) -> dict[str, object]:
    return {
        "photo_ids": [arrival.photo.id for arrival in arrivals],
        "digests": [arrival.sha256 for arrival in arrivals],
        "sizes": [arrival.size_bytes for arrival in arrivals],
        "keys": [arrival.key for arrival in arrivals],
    }


def told(session: Session, *photos: Photo, action: str) -> None:
    """Say in the change feed that photos changed, and in the word of the audit log how."""
    if photos:
        session.execute(_TELL, [{"action": action, "photo_id": photo.id, "inspection_id": photo.inspection_id} for photo in photos])


def in_sight(session: Session, digests: Collection[bytes]) -> dict[bytes, Image]:
    """Images with these bytes of which the actor sees a photo, by digest. They are not destroyed before the transaction ends."""
    if not digests:
        return {}
    found = session.scalars(_IN_SIGHT, {"digests": list(digests)})
    return {image.sha256: image for image in found}


def of_photos(session: Session, photos: Iterable[Photo]) -> Mapping[UUID, Image]:
    """The images of these photos by id, in one query."""
    ids = {photo.image_id for photo in photos if photo.image_id is not None}
    return {image.id: image for image in session.scalars(sa.select(Image).where(Image.id.in_(ids)))} if ids else {}


def photos_of(session: Session, image_id: UUID) -> Sequence[Photo]:
    """The photos that show this image, for the register itself; locked."""
    return session.scalars(sa.select(Photo).where(Photo.image_id == image_id).order_by(Photo.id).with_for_update(key_share=True)).all()
