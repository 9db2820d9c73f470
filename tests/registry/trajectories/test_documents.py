"""The bytes of a document on their way to the object store."""

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256

import pytest
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, Role
from registry.errors import NotAllowed
from registry.organisations.model import OrganisationKind
from registry.trajectories import documents
from registry.trajectories.documents import LARGEST_DOCUMENT_BYTES, DocumentBytesDiffer, DocumentInterrupted, NewDocument, key_of
from registry.trajectories.model import Document, DocumentKind, Trajectory
from tests import makers

PIECE = bytes(range(256)) * 1024
MOST_IN_MEMORY_BYTES = 4 * 1024 * 1024


@pytest.fixture
def editor(session: Session) -> Actor:
    return makers.an_editor(session)


def a_declared_document(session: Session, editor: Actor, size_bytes: int) -> Document:
    dwelling = makers.a_dwelling(session, held_by=editor)
    trajectory = Trajectory(dwelling_id=dwelling.id, executor_id=editor.organisation_id)
    session.add(trajectory)
    session.flush()
    digest = sha256()
    for piece in pieces(size_bytes):
        digest.update(piece)
    new = NewDocument(DocumentKind.PERMIT, "Vergunning", documents.MediaType.PDF, size_bytes, digest.digest())
    document, _ = documents.declare(session, editor, trajectory.id, new)
    return document


def pieces(size_bytes: int) -> Iterator[bytes]:
    while size_bytes > 0:
        yield PIECE[:size_bytes]
        size_bytes -= len(PIECE)


@pytest.mark.usefixtures("bucket")
def test_the_largest_document_is_never_in_memory_as_a_whole(session: Session, editor: Actor) -> None:
    document = a_declared_document(session, editor, LARGEST_DOCUMENT_BYTES)
    storage.abilities()
    tracemalloc.start()
    try:
        stored = documents.receive(editor, document, pieces(LARGEST_DOCUMENT_BYTES), LARGEST_DOCUMENT_BYTES)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored.stored_at is not None
    assert most < MOST_IN_MEMORY_BYTES
    found = storage.find(key_of(document))
    assert found is not None
    assert found.size_bytes == LARGEST_DOCUMENT_BYTES


def test_what_breaks_off_or_differs_never_reaches_the_object_store(session: Session, editor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    document = a_declared_document(session, editor, 1000)
    monkeypatch.setattr(storage, "store_once", lambda *_, **__: pytest.fail("nothing may be stored"))
    with pytest.raises(DocumentInterrupted):
        documents.receive(editor, document, iter([PIECE[:999]]), 1000)
    with pytest.raises(DocumentBytesDiffer):
        documents.receive(editor, document, iter([b"x" * 1000]), 1000)
    with pytest.raises(DocumentBytesDiffer):
        documents.receive(editor, document, iter([PIECE[:999]]), 999)


def test_only_who_reports_progress_declares_documents(session: Session) -> None:
    inspector = makers.an_actor(Role.INSPECTOR, makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    trajectory = makers.a_trajectory(session, makers.an_organisation(session))
    with pytest.raises(NotAllowed):
        documents.declare(session, inspector, trajectory.id, NewDocument(DocumentKind.PERMIT, "x", documents.MediaType.PDF, 1, b"\1" * 32))
