"""Sharing a photo with whoever gets the link: a copy without EXIF, for a reason that is kept, for a time, and until somebody thinks better of it.

The link holds a secret of which the register keeps the digest only. A photo that is withdrawn or destroyed is no longer shown, whatever links there are.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.errors import Fault, NotFound, RuleViolation
from registry.inspections import queries as inspections
from registry.inspections.model import Inspection
from registry.members.credentials import SECRET_BYTES, Secret, digest_of
from registry.pages import Page, page_of
from registry.photos import files
from registry.photos.files import File
from registry.photos.model import Photo, PhotoShare
from registry.photos.rules import PREVIEW_SIZES_PX

LONGEST_SHARE: Final = timedelta(days=30)
SHARED_SIZE_PX: Final = PREVIEW_SIZES_PX[0]
PREFIX: Final = "dwr_p_"
"""So that a leaked link is recognised, as other secrets of the register are."""


class NotShared(NotFound):
    """There is no such link, it has ended, or the photo is no longer there: whoever has it is not told which."""

    code = "not-shared"


@dataclass(frozen=True, slots=True)
class Share:
    """A link that was given out, without its secret."""

    id: UUID
    photo_id: UUID
    reason: str
    recorded_at: datetime
    recorded_by: UUID
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedPhoto:
    file: File
    dwelling_id: UUID


_SHOWN = [PhotoShare.__table__.c[name] for name in Share.__dataclass_fields__]
_LOOK = sa.text("SELECT * FROM shared_photo(:digest, :request_id, :trace_id)")


def share(session: Session, actor: Actor, photo_id: UUID, *, reason: str, expires_at: datetime) -> tuple[Share, Secret]:
    """Make a link to a photo of which a copy can be shown.

    Raises NotAllowed, NotFound, PhotoBytesMissing, PhotoGone, PreviewNotThereYet, PreviewUnavailable, RuleViolation.
    """
    require(actor, Right.SHARE_PHOTOS)
    files.preview(files.look(session, actor, photo_id).shown, SHARED_SIZE_PX)
    latest = clock.now() + LONGEST_SHARE
    if not clock.now() < expires_at <= latest:
        raise RuleViolation([Fault("/expiresAt", "share-too-long", {"days": LONGEST_SHARE.days})])
    text = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    secret = Secret(text, digest_of(text))
    values = {"photo_id": photo_id, "digest": secret.digest, "reason": reason, "recorded_by": actor.person_id, "expires_at": expires_at}
    made = Share(**session.execute(sa.insert(PhotoShare).values(values).returning(*_SHOWN)).mappings().one())
    details = {"shareId": str(made.id), "reason": reason, "expiresAt": expires_at.isoformat()}
    audit.record(session, actor, "photo.shared", "photo", photo_id, details=details)
    return made, secret


def list_(session: Session, actor: Actor, photo_id: UUID, *, after: UUID | None, limit: int) -> Page[Share]:
    """The links to a photo in the order in which they were made, ended ones too. Raises NotAllowed."""
    require(actor, Right.READ_SHARES)
    query = _visible(actor).where(PhotoShare.photo_id == photo_id).order_by(PhotoShare.id).limit(limit + 1)
    if after is not None:
        query = query.where(PhotoShare.id > after)
    return page_of([Share(**row) for row in session.execute(query).mappings()], limit=limit, key=lambda found: str(found.id))


def get(session: Session, actor: Actor, share_id: UUID) -> Share:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.READ_SHARES)
    found = session.execute(_visible(actor).where(PhotoShare.id == share_id)).mappings().one_or_none()
    if found is None:
        raise NotFound(what="share", id=share_id)
    return Share(**found)


def revoke(session: Session, actor: Actor, share_id: UUID) -> Share:
    """End a link now, whoever made it. Doing it again changes nothing. Raises NotAllowed, NotFound."""
    require(actor, Right.SHARE_PHOTOS)
    found = get(session, actor, share_id)
    ended = sa.update(PhotoShare).where(PhotoShare.id == share_id, PhotoShare.revoked_at.is_(None)).values(revoked_at=clock.now()).returning(*_SHOWN)
    row = session.execute(ended.execution_options(synchronize_session=False)).mappings().one_or_none()
    if row is None:
        return get(session, actor, share_id)
    audit.record(session, actor, "photo.share-revoked", "photo", found.photo_id, details={"shareId": str(share_id)})
    return Share(**row)


def look(session: Session, presented: str, *, request_id: str, trace_id: str) -> SharedPhoto:
    """What a link shows, to nobody in particular. That somebody looked is in the audit log before anything is shown.

    Raises NotShared.
    """
    found = session.execute(_LOOK, {"digest": digest_of(presented), "request_id": request_id, "trace_id": trace_id}).one_or_none()
    if found is None:
        raise NotShared()
    return SharedPhoto(files.preview_of(found.organisation_id, found.image_id, SHARED_SIZE_PX, name="photo.jpg"), found.dwelling_id)


def _visible(actor: Actor) -> "sa.Select[tuple[object, ...]]":
    """Links to photos that the actor sees."""
    query = sa.select(*_SHOWN).join(Photo, Photo.id == PhotoShare.photo_id).join(Inspection, Inspection.id == Photo.inspection_id)
    return query.where(inspections.visible_to(actor))
