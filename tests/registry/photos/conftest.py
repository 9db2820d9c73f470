"""A bucket that is nobody else's, for what goes through all of it; and photos whose bytes are really there."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, Role
from registry.db import WORKER_ROLE, database
from registry.inspections.model import Inspection
from registry.organisations.model import OrganisationKind
from registry.photos.model import Photo, PhotoState
from registry.photos.rules import object_key
from registry.settings import settings
from tests.makers import a_photo, an_actor, an_image, an_organisation


@pytest.fixture
def own_bucket(engine: object) -> Iterator[str]:
    """The name of an empty bucket that `storage` uses during the test."""
    own = replace(settings(), s3_bucket=f"own-{uuid4().hex}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "settings", lambda: own)
        storage.prepare()
        yield own.s3_bucket
        for each in storage.listed(""):
            storage.delete(each.key)
        storage._inside().delete_bucket(Bucket=own.s3_bucket)


@pytest.fixture
def as_worker() -> Callable[[], AbstractContextManager[None]]:
    """Act as the worker's database role."""

    @contextmanager
    def acting() -> Iterator[None]:
        before, database.role = database.role, WORKER_ROLE
        try:
            yield
        finally:
            database.role = before

    return acting


@pytest.fixture
def an_inspector(session: Session) -> Actor:
    return an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))


def put(key: str, content: bytes) -> None:
    storage.store(key, io.BytesIO(content), size_bytes=len(content), content_type="image/jpeg")


def stored_photo(session: Session, inspection: Inspection, content: bytes, *, state: PhotoState = PhotoState.READY, **more: object) -> Photo:
    """A photo with an image of its own, whose object is in the store."""
    id, sha256 = uuid4(), hashlib.sha256(content).digest()
    key = put_for(inspection.organisation_id, id, content)
    image = an_image(session, inspection.organisation_id, sha256=sha256, size_bytes=len(content), object_key=key)
    known = {"sha256": sha256, "size_bytes": len(content), "image_id": image.id, "stored_at": image.stored_at}
    return a_photo(session, inspection, id=id, state=state, **{**known, **more})


def put_for(organisation_id: UUID, photo_id: UUID, content: bytes) -> str:
    """The bytes of a photo under the key that is theirs."""
    key = object_key(organisation_id, photo_id, hashlib.sha256(content).digest())
    put(key, content)
    return key
