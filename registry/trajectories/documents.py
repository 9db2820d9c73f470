"""Documents of trajectories: declared, then sent, then read; withdrawn when they were a mistake.

Object first, row second: a document is there once the object store has the declared bytes and the row says so. Bytes are never changed and never removed.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock, storage
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce_each
from registry.changes.model import ChangeKind
from registry.db import Json, one_at_a_time, transaction
from registry.dwellings import queries as dwellings
from registry.errors import AlreadyExists, Conflict, Fault, NotFound, NotYours, RegistryError, RuleViolation, Unavailable
from registry.pages import Page, page_of
from registry.spool import Spool
from registry.trajectories.commands import own
from registry.trajectories.model import Document, DocumentKind, Trajectory
from registry.trajectories.queries import check_visible, visible_to
from registry.trajectories.rules import check_document_day
from registry.versioned import Outcome, same

DOCUMENTS: Final = "documents/"
"""What the names of their objects begin with."""
LARGEST_DOCUMENT_BYTES: Final = 50 * 1024 * 1024
MOST_DOCUMENTS: Final = 500
"""Of one trajectory, withdrawn ones too."""
INTERRUPTED_RETRY_AFTER_S: Final = 1


class MediaType(StrEnum):
    """What a document may be: what offices send each other, and nothing that runs when it is opened."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    TXT = "text/plain"
    CSV = "text/csv"
    EML = "message/rfc822"
    MSG = "application/vnd.ms-outlook"


class DocumentBytesMissing(Conflict):
    """The document is declared and its bytes are not here yet."""

    code = "document-bytes-missing"


class DocumentBytesDiffer(RegistryError):
    """What was sent is not what was declared; nothing of it is kept."""

    code = "document-bytes-differ"


class DocumentInterrupted(Unavailable):
    """The bytes stopped coming; nothing of them is kept."""

    code = "document-interrupted"


class DocumentGone(NotFound):
    """The document was withdrawn: its particulars can be read, its bytes can't."""

    code = "document-gone"


@dataclass(frozen=True, slots=True)
class NewDocument:
    """``sha256`` is the raw digest of the bytes that will be sent; ``id`` is made by the client, so that declaring it again changes nothing."""

    kind: DocumentKind
    title: str
    media_type: MediaType
    size_bytes: int
    sha256: bytes
    dated_on: date | None = None
    id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "id"}


def declare(session: Session, actor: Actor, trajectory_id: UUID, new: NewDocument) -> tuple[Document, Outcome]:
    """Announce a document of a trajectory that the actor's organisation runs; its bytes come next.

    Raises NotAllowed, NotFound, NotYours, AlreadyExists, RuleViolation.
    """
    require(actor, Right.REPORT_PROGRESS)
    trajectory = own(session, actor, trajectory_id)
    one_at_a_time(session, f"documents of {trajectory_id}")
    known = session.get(Document, new.id) if new.id else None
    if known is not None:
        if same(known, {"trajectory_id": trajectory_id, **new.columns()}):
            return known, Outcome.UNCHANGED
        raise AlreadyExists(what="document", id=new.id)
    _check(session, trajectory_id, new)
    who = {"recorded_by": actor.person_id, "organisation_id": actor.organisation_id, **({"id": new.id} if new.id else {})}
    insert = sa.dialects.postgresql.insert(Document).values(trajectory_id=trajectory_id, **new.columns(), **who)
    document = session.scalar(insert.on_conflict_do_nothing().returning(Document))
    if document is None:  # of somebody else
        raise AlreadyExists(what="document", id=new.id)
    _tell(session, actor, trajectory, "trajectory.document-declared", {"documentId": str(document.id), "kind": new.kind.value, "title": new.title})
    return document, Outcome.CREATED


def _check(session: Session, trajectory_id: UUID, new: NewDocument) -> None:
    """Raises RuleViolation."""
    faults = check_document_day(new.dated_on, today=clock.today())
    if (session.scalar(sa.select(sa.func.count()).where(Document.trajectory_id == trajectory_id)) or 0) >= MOST_DOCUMENTS:
        faults.append(Fault("", "too-many-documents", {"max": MOST_DOCUMENTS}))
    if faults:
        raise RuleViolation(faults)


def key_of(document: Document) -> str:
    """Where the bytes of a document are. The digest is part of the key, so that nothing else can take its place."""
    return f"{DOCUMENTS}{document.trajectory_id}/{document.id}/{document.sha256.hex()}"


def receive(actor: Actor, document: Document, pieces: Iterator[bytes], size_bytes: int) -> Document:
    """Take in the bytes of the actor's own document, ``size_bytes`` in ``pieces``, on disk and never in memory as a whole. What breaks off is not kept.

    Not to be called inside a transaction. Raises DocumentBytesDiffer, DocumentInterrupted, DocumentGone, Unavailable.
    """
    if size_bytes != document.size_bytes:
        raise _differ(document, f"{size_bytes} bytes")
    spool = Spool(0)
    with spool.file:
        for piece in pieces:
            spool.write(piece)
        if spool.ends < size_bytes:
            raise DocumentInterrupted(retry_after_s=INTERRUPTED_RETRY_AFTER_S)
        sha256 = spool.sha256.digest()
        if sha256 != document.sha256:
            raise _differ(document, f"sha256 {sha256.hex()}")
        storage.store_once(key_of(document), spool.file, sha256=sha256, size_bytes=size_bytes, content_type=document.media_type)
    with transaction(actor) as session:
        return mark_stored(session, actor, document.id)


def _differ(document: Document, found: str) -> DocumentBytesDiffer:
    return DocumentBytesDiffer(expected=f"{document.size_bytes} bytes, sha256 {document.sha256.hex()}", found=found)


def mark_stored(session: Session, actor: Actor, document_id: UUID) -> Document:
    """Record that the object store has the declared bytes. Once it is so, calling again changes nothing.

    Raises NotAllowed, NotFound, NotYours, DocumentGone.
    """
    document, trajectory = _own(session, actor, document_id)
    awaited = sa.update(Document).where(Document.id == document_id, Document.stored_at.is_(None), Document.withdrawn_at.is_(None))
    if _changed(session, document, awaited.values(stored_at=sa.func.clock_timestamp())):
        _tell(session, actor, trajectory, "trajectory.document-stored", {"documentId": str(document_id)})
    check_not_gone(document)
    return document


def withdraw(session: Session, actor: Actor, document_id: UUID, *, reason: str) -> Document:
    """Say that a document was a mistake, and why: nobody reads it any more, that it was there stays. Doing it again changes nothing.

    Raises NotAllowed, NotFound, NotYours.
    """
    document, trajectory = _own(session, actor, document_id)
    there = sa.update(Document).where(Document.id == document_id, Document.withdrawn_at.is_(None))
    ended = {"withdrawn_at": sa.func.clock_timestamp(), "withdrawn_by": actor.person_id, "withdrawal_reason": reason}
    if _changed(session, document, there.values(ended)):
        _tell(session, actor, trajectory, "trajectory.document-withdrawn", {"documentId": str(document_id), "reason": reason})
    return document


def _changed(session: Session, document: Document, update: sa.Update) -> bool:
    """Whether the row was one that is to be changed; afterwards ``document`` is as the database has it."""
    found = session.execute(update.returning(Document.id).execution_options(synchronize_session=False)).first()
    session.refresh(document)
    return found is not None


def own_one(session: Session, actor: Actor, document_id: UUID) -> Document:
    """The document, when the actor's organisation runs its trajectory. Raises NotAllowed, NotFound, NotYours, DocumentGone."""
    document, _ = _own(session, actor, document_id)
    check_not_gone(document)
    return document


def check_not_gone(document: Document) -> None:
    """Raises DocumentGone."""
    if document.withdrawn_at is not None:
        raise DocumentGone(what="document", id=document.id)


def check_there(document: Document) -> None:
    """Raises DocumentGone, DocumentBytesMissing."""
    check_not_gone(document)
    if document.stored_at is None:
        raise DocumentBytesMissing()


def _own(session: Session, actor: Actor, document_id: UUID) -> tuple[Document, Trajectory]:
    require(actor, Right.REPORT_PROGRESS)
    document, trajectory = _find(session, actor, document_id)
    if trajectory.executor_id != actor.organisation_id:
        raise NotYours()
    dwellings.check_kept(session, actor, trajectory.dwelling_id)
    return document, trajectory


def _find(session: Session, actor: Actor, document_id: UUID) -> tuple[Document, Trajectory]:
    query = sa.select(Document, Trajectory).join(Trajectory, Trajectory.id == Document.trajectory_id).where(Document.id == document_id, visible_to(actor))
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(what="document", id=document_id)
    document, trajectory = found
    return document, trajectory


def get(session: Session, actor: Actor, document_id: UUID) -> tuple[Document, UUID]:
    """A document, and the dwelling that it is about. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    document, trajectory = _find(session, actor, document_id)
    return document, trajectory.dwelling_id


def list_(session: Session, actor: Actor, trajectory_id: UUID, *, after: UUID | None = None, limit: int) -> Page[Document]:
    """One page of the documents of a trajectory in the order of the id, withdrawn ones too. Raises NotAllowed, NotFound."""
    require(actor, Right.READ_PROGRESS)
    check_visible(session, actor, trajectory_id)
    query = sa.select(Document).where(Document.trajectory_id == trajectory_id).order_by(Document.id).limit(limit + 1)
    query = query if after is None else query.where(Document.id > after)
    return page_of(session.scalars(query).all(), limit=limit, key=lambda document: str(document.id))


def there(session: Session, trajectory_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """The documents of each of these trajectories whose bytes are here, without those that were withdrawn."""
    found: dict[UUID, set[UUID]] = {trajectory_id: set() for trajectory_id in trajectory_ids}
    if found:
        query = sa.select(Document.trajectory_id, Document.id).where(Document.trajectory_id.in_(found))
        for row in session.execute(query.where(Document.stored_at.is_not(None), Document.withdrawn_at.is_(None))):
            found[row.trajectory_id].add(row.id)
    return found


def _tell(session: Session, actor: Actor, trajectory: Trajectory, action: str, details: dict[str, Json]) -> None:
    audit.record(session, actor, action, "trajectory", trajectory.id, details=details)
    municipality = dwellings.municipality_of(session, trajectory.dwelling_id)
    announce_each(session, ChangeKind.TRAJECTORY, [(trajectory.id, municipality, trajectory.executor_id)], action=action)
