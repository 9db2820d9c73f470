"""Examining stored images as the worker does, in its database role, with the real object store and the real decoder."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from PIL import Image as Picture
from sqlalchemy.orm import Session

from registry import jobs, migrations, storage
from registry.access import Actor, Role
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.db import WORKER_ROLE, transaction
from registry.errors import Unavailable
from registry.inspections.model import Inspection
from registry.messages import TEXTS
from registry.organisations.model import OrganisationKind
from registry.photos import decoder, examine
from registry.photos.findings import Finding, Rejection
from registry.photos.model import ContentType, Image, Photo, PhotoState, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from registry.settings import settings
from tests import servers
from tests.makers import a_photo, an_actor, an_inspection, an_organisation
from tests.owner import as_owner
from tests.registry.photos import hostile
from tests.registry.photos.conftest import stored_photo
from tests.registry.photos.hostile import encoded, picture

pytestmark = pytest.mark.usefixtures("bucket")

Acting = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def inspection(session: Session, an_inspector: Actor) -> Inspection:
    return an_inspection(session, an_inspector)


@pytest.fixture
def examined(session: Session, as_worker: Acting) -> Callable[[Photo], tuple[Photo, Image]]:
    """Let the worker do its work; the photo and its image afterwards."""

    def work(photo: Photo) -> tuple[Photo, Image]:
        assert photo.image_id is not None
        session.flush()
        with as_worker():
            examine.examine(photo.image_id)
        session.refresh(photo)
        return photo, session.get_one(Image, photo.image_id, populate_existing=True)

    return work


@pytest.fixture
def tried_again(session: Session, as_worker: Acting) -> Callable[[], list[str]]:
    """Let the worker look for images to try again; those for which there is a job now."""

    def work() -> list[str]:
        session.flush()
        with as_worker():
            examine.try_again()
        return queued(session)

    return work


Examined = Callable[[Photo], tuple[Photo, Image]]
TriedAgain = Callable[[], list[str]]


def stored(session: Session, inspection: Inspection, content: bytes, **more: object) -> Photo:
    return stored_photo(session, inspection, content, state=PhotoState.STORED, **more)


def a_fresh(size: tuple[int, int] = (640, 480)) -> bytes:
    """Bytes that no other test has."""
    return hostile.with_segments(encoded("JPEG", picture(size)), hostile.segment(0xFE, uuid4().bytes))


def previews_of(image: Image) -> list[storage.StoredObject | None]:
    return [storage.find(preview_key(image.organisation_id, image.id, size_px)) for size_px in PREVIEW_SIZES_PX]


def lines_about(session: Session, photo: Photo) -> list[tuple[str, object]]:
    query = sa.select(AuditLine.action, AuditLine.details).where(AuditLine.subject_id == str(photo.id)).order_by(AuditLine.id)
    return [tuple(row) for row in session.execute(query)]


def queued(session: Session) -> list[str]:
    query = sa.text("SELECT args ->> 'image_id' FROM procrastinate_jobs WHERE task_name = :task AND status = 'todo' ORDER BY id")
    return list(session.scalars(query, {"task": jobs.EXAMINE_IMAGE}))


def test_an_examined_photo_is_ready_and_has_previews(session: Session, inspection: Inspection, examined: Examined) -> None:
    photo = stored(session, inspection, a_fresh((640, 480)))
    announced = session.scalar(sa.select(sa.func.count()).select_from(Change).where(Change.subject_id == photo.id))
    photo, image = examined(photo)
    assert (photo.state, photo.rejection, photo.version) == (PhotoState.READY, None, 2)
    assert (image.width_px, image.height_px, image.content_type, image.previews) == (640, 480, ContentType.JPEG, PreviewState.MADE)
    assert image.examined_at is not None
    assert image.decoder == decoder.versions()
    assert image.placeholder is not None
    assert all(found is not None and found.size_bytes > 1_000 for found in previews_of(image))
    with storage.opened(preview_key(image.organisation_id, image.id, 320)) as stream:
        assert Picture.open(io.BytesIO(stream.read())).size == (320, 240)
    assert lines_about(session, photo) == [("photo.ready", {"rejection": None, "previews": "made"})]
    assert session.scalar(sa.select(sa.func.count()).select_from(Change).where(Change.subject_id == photo.id)) == (announced or 0) + 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>not a photo</html>", Rejection.NOT_AN_IMAGE),
        (encoded("JPEG")[:4000], Rejection.DAMAGED),
        (encoded("HEIF")[:4000], Rejection.DAMAGED),
        (hostile.bomb(8_100, colour=0), Rejection.TOO_MANY_PIXELS),
        (hostile.many_texts(), Rejection.DECODER_GAVE_UP),
    ],
)
def test_what_is_not_a_whole_image_is_rejected_and_kept(session: Session, inspection: Inspection, examined: Examined, content: bytes, why: Rejection) -> None:
    photo, image = examined(stored(session, inspection, content))
    assert (photo.state, photo.rejection, image.rejection, image.previews) == (PhotoState.REJECTED, why, why, PreviewState.AWAITED)
    assert storage.find(image.object_key) is not None
    assert previews_of(image) == [None, None]
    assert lines_about(session, photo) == [("photo.rejected", {"rejection": why, "previews": "awaited"})]


def test_every_reason_of_rejection_has_a_sentence_in_both_languages() -> None:
    for reason in Rejection:
        text = TEXTS[reason]
        assert all(len(sentence) > 60 and sentence.endswith(".") for sentence in (text.nl, text.en)), reason


def test_examining_again_changes_nothing(session: Session, inspection: Inspection, examined: Examined) -> None:
    photo, image = examined(stored(session, inspection, a_fresh()))
    first = (photo.version, image.examined_at)
    photo, image = examined(photo)
    assert (photo.version, image.examined_at) == first
    assert len(lines_about(session, photo)) == 1


def test_every_photo_that_shows_the_image_gets_its_state(session: Session, inspection: Inspection, examined: Examined) -> None:
    photo = stored(session, inspection, a_fresh())
    shown = {"sha256": photo.sha256, "size_bytes": photo.size_bytes, "image_id": photo.image_id, "stored_at": photo.stored_at}
    other, withdrawn = (a_photo(session, inspection, state=state, question="roof-vegetation", **shown, **more) for state, more in (
        (PhotoState.STORED, {}), (PhotoState.WITHDRAWN, {"withdrawn_at": photo.stored_at, "withdrawal_reason": "a test"})
    ))  # fmt: skip
    examined(photo)
    for each in (other, withdrawn):
        session.refresh(each)
    assert (photo.state, other.state, withdrawn.state) == (PhotoState.READY, PhotoState.READY, PhotoState.WITHDRAWN)
    late = a_photo(session, inspection, state=PhotoState.STORED, question="heating", **shown)
    examined(late)
    assert late.state is PhotoState.READY


def test_the_previews_are_in_the_store_before_the_row_says_so(
    session: Session, inspection: Inspection, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, seen, store = stored(session, inspection, a_fresh()), [], storage.store

    def looking(key: str, content: io.BufferedIOBase, **more: object) -> None:
        store(key, content, **more)  # type: ignore[arg-type]
        seen.append(session.scalar(sa.select(Image.previews).where(Image.id == photo.image_id)))

    monkeypatch.setattr(storage, "store", looking)
    _, image = examined(photo)
    assert (seen, image.previews) == ([PreviewState.AWAITED] * 2, PreviewState.MADE)


def test_an_image_that_is_destroyed_meanwhile_leaves_no_previews(
    session: Session, inspection: Inspection, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, look_at = stored(session, inspection, a_fresh()), decoder.look_at

    def destroyed_meanwhile(*files: object) -> Finding:
        finding = look_at(*files)  # type: ignore[arg-type]
        session.execute(sa.text("UPDATE image SET destroyed_at = now() WHERE id = :id"), {"id": photo.image_id})
        return finding

    monkeypatch.setattr(decoder, "look_at", destroyed_meanwhile)
    photo, image = examined(photo)
    assert (photo.state, image.previews, image.width_px) == (PhotoState.STORED, PreviewState.AWAITED, None)
    assert previews_of(image) == [None, None]


def test_an_original_that_is_gone_is_an_error_unless_it_was_destroyed(session: Session, inspection: Inspection, examined: Examined) -> None:
    photo = stored(session, inspection, a_fresh())
    storage.delete(session.get_one(Image, photo.image_id).object_key)
    with pytest.raises(FileNotFoundError):
        examined(photo)
    session.execute(sa.text("UPDATE image SET destroyed_at = now() WHERE id = :id"), {"id": photo.image_id})
    assert examined(photo)[1].examined_at is None


def test_an_outage_of_the_store_leaves_everything_for_the_next_attempt(
    session: Session, inspection: Inspection, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = stored(session, inspection, a_fresh())
    with monkeypatch.context() as outage:
        outage.setattr(storage, "_inside", lambda: storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9")))
        with pytest.raises(Unavailable):
            examined(photo)
    photo, image = examined(photo)
    assert (photo.state, image.previews) == (PhotoState.READY, PreviewState.MADE)


def test_a_photo_that_no_decoder_here_reads_is_ready_without_previews(
    session: Session, inspection: Inspection, examined: Examined, tried_again: TriedAgain
) -> None:
    photo, image = examined(stored(session, inspection, hostile.heic_over_a_limit() + uuid4().bytes))
    assert (photo.state, photo.rejection) == (PhotoState.READY, None)
    assert (image.previews, image.content_type, image.decoder) == (PreviewState.UNAVAILABLE, ContentType.HEIC, decoder.versions())
    assert tried_again() == []
    image.decoder = "pillow 9.0.0"
    assert tried_again() == [str(image.id)]
    version = photo.version
    photo, image = examined(photo)
    assert (photo.version, image.previews, image.decoder) == (version, PreviewState.UNAVAILABLE, decoder.versions())


def test_what_another_decoder_could_not_read_gets_its_previews(session: Session, inspection: Inspection, examined: Examined) -> None:
    photo = stored(session, inspection, a_fresh())
    image = session.get_one(Image, photo.image_id)
    image.previews, image.decoder, image.content_type = PreviewState.UNAVAILABLE, "pillow 9.0.0", ContentType.JPEG
    image.examined_at, photo.state = image.stored_at, PhotoState.READY
    version = photo.version
    photo, image = examined(photo)
    assert (photo.state, photo.version, image.previews) == (PhotoState.READY, version + 1, PreviewState.MADE)


def test_images_whose_previews_nobody_makes_are_tried_again(session: Session, inspection: Inspection, tried_again: TriedAgain, as_worker: Acting) -> None:
    photo = stored(session, inspection, a_fresh())
    rejected, gone, made = (stored(session, inspection, a_fresh()) for _ in range(3))
    for each, column in ((rejected, "rejection = 'damaged', examined_at"), (gone, "destroyed_at"), (made, "previews = 'made', examined_at")):
        session.execute(sa.text(f"UPDATE image SET {column} = now() WHERE id = :id"), {"id": each.image_id})
    assert tried_again() == [str(photo.image_id)]
    assert tried_again() == [str(photo.image_id)]
    session.execute(sa.text("UPDATE procrastinate_jobs SET status = 'doing'"))
    assert tried_again() == []
    session.execute(sa.text("UPDATE procrastinate_jobs SET status = 'failed'"))
    assert tried_again() == []
    with as_worker(), transaction() as worker:
        jobs.forget_failed(worker, jobs.EXAMINE_IMAGE)
    assert tried_again() == [str(photo.image_id)]


def test_so_many_are_tried_again_at_once_and_no_more(
    session: Session, inspection: Inspection, tried_again: TriedAgain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "TRIED_AGAIN_AT_ONCE", 2)
    for _ in range(5):
        stored(session, inspection, a_fresh((64, 48)))
    assert [len(tried_again()) for _ in range(4)] == [2, 4, 5, 5]


def an_awaited(content: bytes) -> UUID:
    """A photo that is stored for good; its id."""
    with as_owner() as session:
        actor = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        return stored_photo(session, an_inspection(session, actor, checklist_id=_checklist(session)), content, state=PhotoState.STORED).id


def _checklist(session: Session) -> UUID | None:
    return session.scalar(sa.text("SELECT id FROM checklist LIMIT 1"))


def test_two_workers_at_one_image_record_it_once(fresh_database: str) -> None:
    photo_id = an_awaited(a_fresh())
    with as_owner() as session:
        image_id = session.get_one(Photo, photo_id).image_id
    assert image_id is not None
    both = [threading.Thread(target=examine.examine, args=(image_id,)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    with as_owner() as session:
        photo = session.get_one(Photo, photo_id)
        assert (photo.state, photo.version, len(lines_about(session, photo))) == (PhotoState.READY, 2, 1)
        assert all(previews_of(session.get_one(Image, image_id)))


def test_a_photo_that_comes_to_show_the_image_meanwhile_is_not_left_behind(fresh_database: str) -> None:
    """Its transaction holds the image; what is recorded waits for it, and then sees the photo."""
    photo_id = an_awaited(a_fresh((64, 48)))
    with as_owner() as session:
        first = session.get_one(Photo, photo_id)
        image_id, inspection_id = first.image_id, first.inspection_id
        shown = {"sha256": first.sha256, "size_bytes": first.size_bytes, "image_id": image_id, "stored_at": first.stored_at}
    assert image_id is not None
    worker = threading.Thread(target=examine.examine, args=(image_id,))
    with as_owner() as session:
        session.execute(sa.text("SELECT 1 FROM image WHERE id = :id FOR KEY SHARE"), {"id": image_id})
        late = a_photo(session, session.get_one(Inspection, inspection_id), state=PhotoState.STORED, question="heating", **shown)
        worker.start()
        worker.join(1.5)
        assert worker.is_alive()
    worker.join()
    with as_owner() as session:
        assert {session.get_one(Photo, id).state for id in (photo_id, late.id)} == {PhotoState.READY}


@pytest.mark.slow
def test_a_real_worker_survives_whatever_it_is_given(fresh_database: str) -> None:
    """In its own database role, killed once on the way; what it was doing is done by the next one."""
    contents = {
        PhotoState.READY: [a_fresh(), encoded("HEIF"), hostile.heic_over_a_limit(), hostile.animated_webp(1_000)],
        PhotoState.REJECTED: [hostile.HTML, hostile.bomb(13_000), hostile.many_texts(), encoded("PNG")[:5_000], encoded("HEIF", picture((64, 48)))[:500]],
    }
    photos = {an_awaited(content): state for state, each in contents.items() for content in each}
    with transaction() as session:
        for image_id in session.scalars(sa.select(Image.id)).all():
            jobs.enqueue(session, jobs.EXAMINE_IMAGE, lock=str(image_id), image_id=str(image_id))
    url = migrations.let_in(fresh_database, WORKER_ROLE, servers.API_PASSWORD)
    first = _a_worker(url)
    _eventually(lambda: PhotoState.STORED not in _states().values() or len(set(_states().values())) > 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = _a_worker(url)
    try:
        assert _eventually(lambda: _states() == photos, 60), _states()
    finally:
        second.terminate()
        assert second.wait(30) == 0


def _a_worker(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "registry.cli", "worker"], cwd=servers.ROOT, env={**os.environ, "REGISTRY_DATABASE_URL": url})


def _states() -> dict[UUID, PhotoState]:
    with as_owner() as session:
        return {photo.id: photo.state for photo in session.scalars(sa.select(Photo))}


def _eventually(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
