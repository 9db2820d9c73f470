"""The documents in the object store beside those in the register: what is in the one and not in the other. For the sweep (`registry/photos/sweep.py`).

Both are walked through in the order of their keys, and whatever looks odd is looked at once more before it is told.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from registry import clock, storage
from registry.db import reading
from registry.storage import ListedObject
from registry.trajectories.documents import DOCUMENTS, key_of
from registry.trajectories.model import Document

AT_ONCE: Final = 1000
LEFT_ALONE_FOR: Final = timedelta(hours=48)
_ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_NAME = re.compile(f"{DOCUMENTS}{_ID}/{_ID}/([0-9a-f]{{64}})")


class Astray(StrEnum):
    LEFTOVER = "leftover"
    """Of a document that was withdrawn before its bytes were here."""
    UNKNOWN = "unknown"
    """Of a document that the register does not know, or with a name that is not ours."""
    MISSING = "original-missing"
    DIFFERS = "original-differs"
    """It has another size."""


def look(progress: Callable[[int], None]) -> Iterator[tuple[Astray, str]]:
    """Everything that does not fit, by key; ``progress`` is told how many objects were looked at since the last time. Raises Unavailable."""
    old = clock.now() - LEFT_ALONE_FOR
    for count, (there, document) in enumerate(_side_by_side(), start=1):
        if document is None and there is not None and there.modified_at < old:
            yield from ((what, there.key) for what in [judge(there.key)] if what is not None)
        elif document is not None and (there is None or there.size_bytes != document.size_bytes):
            yield from _lost(document)
        if count % AT_ONCE == 0:
            progress(AT_ONCE)


def _side_by_side() -> Iterator[tuple[ListedObject | None, Document | None]]:
    """Objects and stored documents by key, each with the other one when it is there."""
    objects, rows = storage.listed(DOCUMENTS), _stored()
    there, document = next(objects, None), next(rows, None)
    while there is not None or document is not None:
        key = None if document is None else key_of(document)
        if there is not None and there.key == key:
            yield there, document
            there, document = next(objects, None), next(rows, None)
        elif there is not None and (key is None or there.key < key):
            yield there, None
            there = next(objects, None)
        else:
            yield None, document
            document = next(rows, None)


def _stored() -> Iterator[Document]:
    """In the order of their keys, withdrawn ones too: their bytes stay."""
    place = sa.tuple_(Document.trajectory_id, Document.id)
    query = sa.select(Document).where(Document.stored_at.is_not(None)).order_by(Document.trajectory_id, Document.id).limit(AT_ONCE)
    after = (UUID(int=0), UUID(int=0))
    while True:
        with reading() as session:
            found = session.scalars(query.where(place > sa.tuple_(*after, types=[sa.Uuid(), sa.Uuid()]))).all()
        yield from found
        if len(found) < AT_ONCE:
            return
        after = (found[-1].trajectory_id, found[-1].id)


def _lost(document: Document) -> Iterator[tuple[Astray, str]]:
    """The second look, at the object itself."""
    key = key_of(document)
    there = storage.find(key)
    if there is None:
        yield Astray.MISSING, key
    elif there.size_bytes != document.size_bytes:
        yield Astray.DIFFERS, key


def judge(key: str) -> Astray | None:
    """What is odd about an object; None about one that a document points to, or may still come to point to."""
    name = _NAME.fullmatch(key)
    if name is None:
        return Astray.UNKNOWN
    with reading() as session:
        document = session.scalar(sa.select(Document).where(Document.id == UUID(name[2])))
    if document is None or document.trajectory_id != UUID(name[1]):
        return Astray.UNKNOWN
    is_its_own = key == key_of(document)
    return None if is_its_own and (document.stored_at is not None or document.withdrawn_at is None) else Astray.LEFTOVER
