"""From declaration to stored photo, on a real object store."""

import hashlib
import io
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.orm import Session

from registry import jobs, storage
from registry.access import Actor, Role
from registry.errors import NotFound, Unavailable
from registry.inspections.edits import fill_in
from registry.inspections.submission import submit
from registry.organisations.model import OrganisationKind
from registry.photos import uploads
from registry.photos.model import ContentType, Photo, PhotoBytesDiffer, PhotoBytesMissing, PhotoState
from registry.photos.receipts import get as receipt
from registry.photos.rules import NewPhoto
from registry.settings import settings
from registry.storage import StoredObject
from registry.versioned import Outcome
from tests.makers import an_actor, an_inspection, an_organisation
from tests.registry.inspections.test_commands import filled

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def inspector(session: Session) -> Actor:
    return an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))


def jpeg(colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


def declared(session: Session, actor: Actor, inspection_id: UUID, content: bytes, **more: object) -> Photo:
    values = {"question": "mould", "sha256": hashlib.sha256(content).digest(), "size_bytes": len(content), "content_type": ContentType.JPEG}
    item = NewPhoto(uuid4(), inspection_id, **{**values, **more})  # type: ignore[arg-type]
    (result,) = uploads.declare_each(session, actor, [item])
    assert result.outcome is Outcome.CREATED, result.faults
    return session.get_one(Photo, item.id)


def key_of(actor: Actor, photo: Photo) -> str:
    assert photo.sha256 is not None
    return uploads.key_of(actor, photo, photo.sha256)


def put(actor: Actor, photo: Photo, content: bytes, **headers: str) -> httpx.Response:
    link = uploads.link(actor, photo)
    assert link is not None
    return httpx.put(link.url, content=content, headers={**link.headers, **headers})


def stored(session: Session, actor: Actor, inspection_id: UUID, content: bytes, **more: object) -> Photo:
    photo = declared(session, actor, inspection_id, content, **more)
    assert put(actor, photo, content).status_code == 200
    return uploads.mark_stored(session, actor, photo.id, uploads.look(actor, photo)).photo


def test_a_photo_is_stored_when_its_bytes_are_in_the_object_store(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = stored(session, inspector, an_inspection(session, inspector).id, content)
    assert photo.state is PhotoState.STORED
    assert storage.find(key_of(inspector, photo)) == StoredObject(len(content), hashlib.sha256(content).digest())
    assert uploads.link(inspector, photo) is None


def test_the_link_takes_only_the_declared_bytes(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    other = content[:-1] + b"\0"
    assert put(inspector, photo, other).status_code == 400
    assert put(inspector, photo, content, **{"x-amz-checksum-sha256": "AAAA"}).status_code == 403
    assert put(inspector, photo, content, **{"Content-Type": "text/html"}).status_code == 403
    assert put(inspector, photo, content + b"x", **{"Content-Length": str(len(content) + 1)}).status_code == 403
    with pytest.raises(PhotoBytesMissing):
        uploads.look(inspector, photo)


def test_a_second_put_is_told_that_it_is_there_already(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    assert [put(inspector, photo, content).status_code for _ in range(2)] == [200, 412]


def test_other_bytes_than_declared_are_never_stored_as_the_photo(session: Session, inspector: Actor) -> None:
    photo = declared(session, inspector, an_inspection(session, inspector).id, jpeg())
    with pytest.raises(PhotoBytesDiffer):
        uploads.mark_stored(session, inspector, photo.id, StoredObject(photo.size_bytes or 0, b"\0" * 32))
    assert photo.state is PhotoState.DECLARED


def test_a_store_without_checksums_is_read_to_know_what_it_has(session: Session, inspector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    put(inspector, photo, content)
    find = storage.find
    monkeypatch.setattr(storage, "find", lambda key: StoredObject(find(key).size_bytes, None))  # type: ignore[union-attr]
    assert uploads.look(inspector, photo).sha256 == hashlib.sha256(content).digest()


def test_declaring_again_changes_nothing_and_other_particulars_are_refused(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    item = NewPhoto(uuid4(), inspection.id, "mould", b"\1" * 32, 10, ContentType.JPEG)
    assert [uploads.declare_each(session, inspector, [item])[0].outcome for _ in range(2)] == [Outcome.CREATED, Outcome.UNCHANGED]
    (refused,) = uploads.declare_each(session, inspector, [NewPhoto(item.id, inspection.id, "mould", b"\2" * 32, 10, ContentType.JPEG)])
    assert refused.faults[0].code == "photo-declared-otherwise"


def test_a_photo_belongs_to_a_question_of_an_own_inspection(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    stranger = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    item = NewPhoto(uuid4(), inspection.id, "colour", b"\1" * 32, 10, ContentType.JPEG, longitude=1.0, latitude=1.0)
    assert [fault.code for fault in uploads.declare_each(session, inspector, [item])[0].faults] == ["unknown-question", "position-outside"]
    assert uploads.declare_each(session, stranger, [item])[0].faults[0].code == "no-such-reference"
    photo = declared(session, inspector, inspection.id, jpeg())
    with pytest.raises(NotFound):
        uploads.mark_stored(session, stranger, photo.id, StoredObject(1, b""))


def test_the_job_is_enqueued_in_the_transaction_of_the_photo(session: Session, inspector: Actor) -> None:
    photo = stored(session, inspector, an_inspection(session, inspector).id, jpeg())
    queued = session.execute(sa.text("SELECT task_name, lock, args->>'image_id' FROM procrastinate_jobs")).one()
    assert tuple(queued) == (jobs.EXAMINE_IMAGE, str(photo.image_id), str(photo.image_id))


def test_the_receipt_tells_what_has_arrived_and_what_is_missing(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    fill_in(session, inspector, inspection.id, filled(), expected=1)
    submit(session, inspector, inspection.id)
    before = receipt(session, inspector, inspection.id)
    assert (before.complete, [fault.facts["question"] for fault in before.missing]) == (False, ["mould", "roof-vegetation", "heating", "overall-photo"])
    waiting = declared(session, inspector, inspection.id, jpeg("blue"), question="overall-photo")
    for question in ("mould", "roof-vegetation", "heating"):
        stored(session, inspector, inspection.id, jpeg(), question=question)
    during = receipt(session, inspector, inspection.id)
    assert (during.complete, during.stored, during.awaited, during.missing) == (False, 3, 1, [])
    put(inspector, waiting, jpeg("blue"))
    uploads.mark_stored(session, inspector, waiting.id, uploads.look(inspector, waiting))
    assert receipt(session, inspector, inspection.id).complete


def test_an_object_store_that_is_gone_is_unavailable_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9"))
    monkeypatch.setattr(storage, "_inside", lambda: gone)
    with pytest.raises(Unavailable):
        storage.find("x")
