"""Receiving a filled-in form with its photos, or some of them, any number of times.

The form becomes the document of the inspection and is submitted; each photo that it names is declared at once, so that the receipt says which are awaited.
The files come with it or later, with the same form again. Everything is judged before anything is kept; then the document in one transaction, then the
objects, then the rows of the photos.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import BinaryIO, Final
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.db import Json, one_at_a_time, transaction
from registry.errors import Conflict, Fault, RuleViolation
from registry.openrosa import queries, submission
from registry.openrosa.landing import Landing, finish, land, landed
from registry.openrosa.model import OpenRosaInstance
from registry.openrosa.outline import form_id
from registry.openrosa.submission import Envelope, Filled, Pictured
from registry.photos import uploads
from registry.photos.model import THERE, ContentType, Photo, PhotoState
from registry.photos.rules import LARGEST_PHOTO_BYTES, MOST_PHOTOS, NewPhoto
from registry.photos.signatures import SIGNATURE_BYTES, content_type_of
from registry.storage import StoredObject

_PHOTOS: Final = UUID("6d3f7d58-6a6e-5f3c-9f43-0d5b8a0a4f11")
"""Namespace of the ids of photos that come by this way."""
_BY_SUFFIX: Final = {".png": ContentType.PNG, ".webp": ContentType.WEBP, ".heic": ContentType.HEIC, ".heif": ContentType.HEIF}


class InstanceDiffers(Conflict):
    """Another form was received with this instanceID; it stays."""

    code = "openrosa-instance-differs"


class PhotosDiffer(Conflict):
    """Other bytes were received under these names; they stay."""

    code = "openrosa-photo-differs"


class FormerPhotos(Conflict):
    """The inspection is somebody else's by now. A document could be kept, its photos could not: better that the phone keeps them all."""

    code = "openrosa-photos-of-former"


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that came with the form, on disk when it is more than a little. ``digest`` is its raw sha256."""

    name: str
    file: BinaryIO
    size_bytes: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """``stored`` and ``awaited`` count the photos that the form names."""

    landing: Landing
    stored: int
    awaited: int


def receive(actor: Actor, xml: bytes, files: Sequence[Sent]) -> Received:
    """Keep a filled-in form and the files that came with it; what was kept already is left as it is.

    Raises MessageUnreadable, RuleViolation, InstanceDiffers, PhotosDiffer, FormerPhotos, NotAllowed, NotFound, NotYours, AnswersInvalid: then nothing is kept;
    Unavailable: then sending it all again is right.
    """
    require(actor, Right.INSPECT)
    envelope = submission.read(xml)
    with transaction(actor) as session:
        _one_at_a_time(session, actor, envelope)
        filled = _understood(session, envelope)
        ids = {name: photo_id(actor, envelope.instance_id, name) for name in filled.photos}
        _check_files(filled, files)
        known = _photos(session, ids.values())
        _check_same(known, ids, files)
        landing, is_new = _keep(session, actor, envelope, filled, sha256(xml).digest())
        declared = _declare(session, actor, landing.inspection_id, filled, ids, files, known)
        if is_new:
            finish(session, actor, landing)
    photos = _store(actor, {ids[sent.name]: sent for sent in files}, declared)
    _check_same(photos, ids, files)
    stored = sum(photo.state in THERE for photo in photos.values())
    awaited = sum(photo.state is PhotoState.DECLARED for photo in photos.values())
    return Received(landing, stored, awaited)


def photo_id(actor: Actor, instance_id: str, name: str) -> UUID:
    """The same for the same file of the same form, however often it comes."""
    return uuid5(_PHOTOS, f"{actor.person_id} {instance_id} {name}")


def _understood(session: Session, envelope: Envelope) -> Filled:
    """Raises RuleViolation."""
    found = queries.find_form(session, envelope.key, envelope.edition)
    if found is None:
        raise RuleViolation([Fault("id", "openrosa-form-unknown", {"form": form_id(envelope.key, envelope.edition)})])
    checklist_id, form = found
    filled = submission.filled_in(form.outline, envelope.root)
    return replace(filled, document=replace(filled.document, checklist_id=checklist_id))


def _check_files(filled: Filled, files: Sequence[Sent]) -> None:
    """Raises RuleViolation."""
    faults = [fault for sent in files for fault in _file_faults(filled, sent)]
    if len(filled.photos) > MOST_PHOTOS:
        faults.append(Fault("", "too-many-photos", {"max": MOST_PHOTOS}))
    names = [sent.name for sent in files]
    faults += [Fault(name, "openrosa-file-twice", {"name": name}) for name in sorted({name for name in names if names.count(name) > 1})]
    if faults:
        raise RuleViolation(faults)


def _file_faults(filled: Filled, sent: Sent) -> list[Fault]:
    facts = {"name": sent.name}
    if sent.name not in filled.photos:
        return [Fault(sent.name, "openrosa-file-not-mentioned", facts)]
    if not sent.size_bytes:
        return [Fault(sent.name, "openrosa-file-empty", facts)]
    if sent.size_bytes > LARGEST_PHOTO_BYTES:
        return [Fault(sent.name, "photo-too-large", {"limit_bytes": LARGEST_PHOTO_BYTES})]
    return [] if _content_type(sent) else [Fault(sent.name, "openrosa-file-no-image", facts)]


def _content_type(sent: Sent) -> ContentType | None:
    """By its first bytes: what phones call a file is no matter."""
    sent.file.seek(0)
    return content_type_of(sent.file.read(SIGNATURE_BYTES))


def _check_same(known: Mapping[UUID, Photo], ids: Mapping[str, UUID], files: Sequence[Sent]) -> None:
    """Raises PhotosDiffer."""
    photos = ((sent.name, known.get(ids[sent.name]), sent) for sent in files if sent.name in ids)
    faults = [Fault(name, "openrosa-photo-differs", {"name": name}) for name, photo, sent in photos if photo and photo.sha256 and photo.sha256 != sent.digest]
    if faults:
        raise PhotosDiffer(faults, name=faults[0].facts["name"])


def _photos(session: Session, ids: Collection[UUID]) -> dict[UUID, Photo]:
    return {photo.id: photo for photo in session.scalars(sa.select(Photo).where(Photo.id.in_(ids)))} if ids else {}


def _keep(session: Session, actor: Actor, envelope: Envelope, filled: Filled, xml_digest: bytes) -> tuple[Landing, bool]:
    """The document, once for each person and instanceID: where it landed, and whether it did so now. Raises InstanceDiffers, FormerPhotos."""
    known = queries.find_instance(session, actor, envelope.instance_id)
    if known is not None:
        if known.digest != xml_digest:
            raise InstanceDiffers()
        return landed(session, actor, envelope), False
    landing = land(session, actor, envelope, filled.document)
    if landing.dwelling_id is None and filled.photos:
        raise FormerPhotos()
    session.add(OpenRosaInstance(instance_id=envelope.instance_id, person_id=actor.person_id, inspection_id=landing.inspection_id, digest=xml_digest))
    session.flush()
    details: dict[str, Json] = {"instanceId": envelope.instance_id, "form": form_id(envelope.key, envelope.edition)}
    audit.record(session, actor, "inspection.received-by-openrosa", "inspection", landing.inspection_id, details=details)
    return landing, True


def _one_at_a_time(session: Session, actor: Actor, envelope: Envelope) -> None:
    """Of the same form that comes twice at the same moment, one waits for the other."""
    one_at_a_time(session, f"openrosa {actor.person_id} {envelope.instance_id}")


def _declare(
    session: Session,
    actor: Actor,
    inspection_id: UUID,
    filled: Filled,
    ids: Mapping[str, UUID],
    files: Sequence[Sent],
    known: dict[UUID, Photo],
) -> dict[UUID, Photo]:
    """Every photo that the form names, of which ``known`` are declared already: of those that came along the digest is known. Raises RuleViolation."""
    sent = {each.name: each for each in files}
    names = [name for name in filled.photos if ids[name] not in known]
    if not names:
        return known
    new = [_declaration(ids[name], inspection_id, filled.photos[name], name, sent.get(name)) for name in names]
    faults = [fault for result in uploads.declare_each(session, actor, new) for fault in result.faults]
    if faults:
        raise RuleViolation(faults)
    return _photos(session, ids.values())


def _declaration(id: UUID, inspection_id: UUID, pictured: Pictured, name: str, sent: Sent | None) -> NewPhoto:
    kind = (_content_type(sent) if sent else None) or _BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), ContentType.JPEG)
    digest, size_bytes = (sent.digest, sent.size_bytes) if sent else (None, None)
    return NewPhoto(id, inspection_id, pictured.question, digest, size_bytes, kind, defect=pictured.defect)


def _store(actor: Actor, files: Mapping[UUID, Sent], photos: dict[UUID, Photo]) -> dict[UUID, Photo]:
    """Objects first, rows second. Raises Unavailable, NotAllowed."""
    due = {id: sent for id, sent in files.items() if photos[id].state is PhotoState.DECLARED}
    for id, sent in due.items():
        key, kind = uploads.key_of(actor, photos[id], sent.digest), photos[id].content_type
        storage.store_once(key, sent.file, sha256=sent.digest, size_bytes=sent.size_bytes, content_type=kind.value)
    if not due:
        return photos
    with transaction(actor) as session:
        found = {id: StoredObject(sent.size_bytes, sent.digest) for id, sent in due.items()}
        return photos | uploads.mark_stored_each(session, actor, found)
