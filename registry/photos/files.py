"""The bytes of a photo as they are given out: the original as it came, and the previews, which have no EXIF in them."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, Right, require
from registry.errors import NotFound
from registry.inspections import queries as inspections
from registry.inspections.model import Inspection
from registry.photos.model import ContentType, Image, Photo, PhotoBytesMissing, PhotoGone, PhotoState, PreviewState
from registry.photos.queries import Shown
from registry.photos.rules import preview_key

UNKNOWN_TYPE: Final = "application/octet-stream"
"""Of what is not found to be an image: no program opens it by itself."""
ENDINGS: Final = {
    ContentType.JPEG.value: "jpg",
    ContentType.HEIC.value: "heic",
    ContentType.HEIF.value: "heif",
    ContentType.PNG.value: "png",
    ContentType.WEBP.value: "webp",
    UNKNOWN_TYPE: "bin",
}
"""Of the names of files, by what is in them."""
PREVIEW_RETRY_AFTER_S: Final = 5


class PreviewNotThereYet(NotFound):
    """The photo has arrived, and its previews are still to be made."""

    code = "preview-not-there-yet"


class PreviewUnavailable(NotFound):
    """No preview can be made of what arrived; the original is there."""

    code = "preview-unavailable"


@dataclass(frozen=True, slots=True)
class Looked:
    """A photo that somebody looks at, and the dwelling that it was taken in."""

    shown: Shown
    dwelling_id: UUID


@dataclass(frozen=True, slots=True)
class File:
    """An object of the store, as it is given out under ``name``.

    ``sha256`` is the raw digest of all of its bytes. It and ``size_bytes`` are None when the register does not keep them. ``identity`` is another one for
    other bytes.
    """

    key: str
    name: str
    content_type: str
    identity: str
    size_bytes: int | None = None
    sha256: bytes | None = None


def look(session: Session, actor: Actor, photo_id: UUID) -> Looked:
    """What `queries.get` and `queries.shown` find, in one query. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_INSPECTIONS)
    query = (
        sa.select(Photo, Image, Inspection.dwelling_id)
        .join(Inspection, Inspection.id == Photo.inspection_id)
        .outerjoin(Image, Image.id == Photo.image_id)
        .where(Photo.id == photo_id, inspections.visible_to(actor))
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(what="photo", id=photo_id)
    return Looked(Shown(found.Photo, found.Image), found.dwelling_id)


def original(shown: Shown) -> File:
    """As it came, whatever it is. Raises PhotoBytesMissing, PhotoGone."""
    image = _image(shown)
    found = image.content_type if image.rejection is None else None
    kind = UNKNOWN_TYPE if found is None else found.value
    return File(image.object_key, f"{shown.photo.id}.{ENDINGS[kind]}", kind, image.sha256.hex(), image.size_bytes, image.sha256)


def preview(shown: Shown, size_px: int) -> File:
    """One of `rules.PREVIEW_SIZES_PX`. Raises PhotoBytesMissing, PhotoGone, PreviewNotThereYet, PreviewUnavailable."""
    image = _image(shown)
    if image.rejection is not None or image.previews is PreviewState.UNAVAILABLE:
        raise PreviewUnavailable()
    if image.previews is not PreviewState.MADE:
        raise PreviewNotThereYet(retry_after_s=PREVIEW_RETRY_AFTER_S)
    return preview_of(image.organisation_id, image.id, size_px, name=f"{shown.photo.id}-{size_px}.jpg")


def preview_of(organisation_id: UUID, image_id: UUID, size_px: int, *, name: str) -> File:
    """A preview that was made."""
    return File(preview_key(organisation_id, image_id, size_px), name, ContentType.JPEG.value, f"{image_id}-{size_px}")


def measured(file: File) -> File:
    """With its size and what tells it apart, asked of the object store when they are not known: a preview may be made again, by a newer library.

    Not to be called inside a transaction. Raises FileNotFoundError, Unavailable.
    """
    if file.size_bytes is not None:
        return file
    found = storage.find(file.key)
    if found is None:
        raise FileNotFoundError(file.key)
    identity = found.sha256.hex() if found.sha256 else f"{file.identity}-{found.size_bytes}"
    return replace(file, size_bytes=found.size_bytes, sha256=found.sha256, identity=identity)


def _image(shown: Shown) -> Image:
    if shown.photo.state in (PhotoState.WITHDRAWN, PhotoState.DESTROYED):
        raise PhotoGone(what="photo", id=shown.photo.id)
    if shown.image is None:
        raise PhotoBytesMissing()
    return shown.image
