"""What was abandoned goes by itself, register and object store are compared both ways, and nothing goes that may still be wanted."""

import hashlib
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import procrastinate
import pytest
import sqlalchemy as sa
from PIL import Image as Picture
from procrastinate.testing import InMemoryConnector
from sqlalchemy.orm import Session

from registry import clock, jobs, storage, worker
from registry.access import Actor, Role
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.organisations.model import OrganisationKind
from registry.photos import keeping
from registry.photos import sweep as sweeping
from registry.photos.examine import examine
from registry.photos.model import Fragment, Image, Photo, PhotoState, PreviewState, Upload, UploadState
from registry.photos.rules import PREVIEW_SIZES_PX, object_key, preview_key
from registry.photos.sweep import Odd, Oddity, delete_unknown, look, set_right, sweep
from registry.settings import settings
from tests.makers import a_photo, an_actor, an_image, an_inspection, an_organisation
from tests.owner import as_owner
from tests.registry.photos.conftest import put, put_for, stored_photo

Acting = Callable[[], AbstractContextManager[None]]
DAY = timedelta(days=1)


def an_upload(session: Session, photo: Photo, *, content: bytes = b"", **more: object) -> Upload:
    """With one fragment that holds ``content``."""
    values = {"length_bytes": 1000, "offset_bytes": len(content), "expires_at": datetime.now(UTC) + DAY, "person_id": uuid4()} | more
    inspection_organisation = session.scalar(sa.text("SELECT organisation_id FROM inspection WHERE id = :id"), {"id": photo.inspection_id})
    upload = Upload(photo_id=photo.id, organisation_id=inspection_organisation, **values)
    session.add(upload)
    session.flush()
    if content:
        session.add(Fragment(upload_id=upload.id, offset_bytes=0, content=content))
        session.flush()
    return upload


def queued(session: Session, task: str) -> list[dict[str, str]]:
    return list(session.scalars(sa.text("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id"), {"task": task}))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    def go(by: timedelta) -> None:
        moment = datetime.now(UTC) + by
        monkeypatch.setattr(clock, "now", lambda: moment)

    return go


def test_an_abandoned_upload_expires_and_its_photo_is_still_awaited(session: Session, an_inspector: Actor, as_worker: Acting) -> None:
    photo = a_photo(session, an_inspection(session, an_inspector))
    upload = an_upload(session, photo, content=b"x" * 10, expires_at=datetime.now(UTC) - DAY)
    going_on = an_upload(session, a_photo(session, an_inspection(session, an_inspector, checklist_id=checklist_of(session, photo))), content=b"y")
    with as_worker():
        assert keeping.expire_uploads() == 1
        assert keeping.expire_uploads() == 0
    session.expire_all()
    assert (upload.state, upload.receiving, photo.state, going_on.state) == (UploadState.EXPIRED, False, PhotoState.DECLARED, UploadState.RECEIVING)
    assert session.scalars(sa.select(Fragment.upload_id)).all() == [going_on.id]


def checklist_of(session: Session, photo: Photo) -> UUID:
    found = session.scalar(sa.text("SELECT checklist_id FROM inspection WHERE id = :id"), {"id": photo.inspection_id})
    assert isinstance(found, UUID)
    return found


def test_more_uploads_than_one_batch_expire(session: Session, an_inspector: Actor, as_worker: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 3)
    inspection = an_inspection(session, an_inspector)
    for number in range(7):
        an_upload(session, a_photo(session, inspection, sha256=bytes([number]) * 32), content=b"x", expires_at=datetime.now(UTC) - DAY)
    with as_worker():
        assert keeping.expire_uploads() == 7
    assert session.scalar(sa.select(sa.func.count()).select_from(Fragment)) == 0


def test_an_upload_with_all_its_bytes_is_finished_and_not_expired(session: Session, an_inspector: Actor, as_worker: Acting) -> None:
    photo = a_photo(session, an_inspection(session, an_inspector))
    whole = an_upload(session, photo, content=b"x" * 10, length_bytes=10, expires_at=datetime.now(UTC) - DAY)
    with as_worker():
        assert [keeping.expire_uploads() for _ in range(3)] == [0, 0, 0]
    session.refresh(whole)
    assert whole.state is UploadState.RECEIVING
    assert queued(session, jobs.FINISH_UPLOAD) == [{"upload_id": str(whole.id)}]


def test_an_ended_upload_is_remembered_for_ninety_days(session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]) -> None:
    photo = a_photo(session, an_inspection(session, an_inspector))
    ended = an_upload(session, photo, state=UploadState.EXPIRED)
    under_way = an_upload(session, photo)
    with as_worker():
        later(timedelta(days=90))
        assert keeping.forget_uploads() == 0
        later(timedelta(days=92))
        assert keeping.forget_uploads() == 1
    assert list(session.scalars(sa.select(Upload.id))) == [under_way.id]
    assert ended.id != under_way.id


def test_an_upload_that_is_being_written_to_is_passed_over(fresh_database: str) -> None:
    with as_owner() as session:
        inspection = an_inspection(session, an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)))
        ids = [an_upload(session, a_photo(session, inspection), expires_at=datetime.now(UTC) - DAY).id for _ in range(2)]
    with as_owner() as session:
        session.execute(sa.update(Upload).where(Upload.id == ids[0]).values(offset_bytes=1, expires_at=datetime.now(UTC) + DAY))
        assert keeping.expire_uploads() == 1
    assert keeping.expire_uploads() == 0
    with as_owner() as session:
        assert [session.get_one(Upload, id).state for id in ids] == [UploadState.RECEIVING, UploadState.EXPIRED]


def test_whatever_the_worker_does_by_the_clock_waits_for_itself_only_once() -> None:
    queue = procrastinate.App(connector=InMemoryConnector())
    worker._tasks(queue)
    worker._keep_photos(queue, settings())
    by_the_clock = {periodic.task.name: periodic.task.queueing_lock for periodic in queue.periodic_registry.periodic_tasks.values()}
    assert by_the_clock.keys() >= {"uploads.expire", "uploads.forget", "objects.sweep", "photos.destroy-due"}
    assert {name for name, lock in by_the_clock.items() if lock != name} == set()
    assert queue.tasks.keys() >= {jobs.DELETE_SURPLUS, jobs.DELETE_IMAGE, jobs.FINISH_UPLOAD, jobs.EXAMINE_IMAGE}


@pytest.mark.usefixtures("own_bucket")
class TestSweep:
    def seen(self, as_worker: Acting) -> dict[str, Oddity]:
        with as_worker():
            return {odd.key: odd.what for odd in look()}

    def mended(self, as_worker: Acting) -> None:
        with as_worker():
            sweep()

    def test_what_fits_is_left_alone(self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]) -> None:
        photo = stored_photo(session, an_inspection(session, an_inspector), b"bytes")
        later(3 * DAY)
        assert self.seen(as_worker) == {}
        self.mended(as_worker)
        assert storage.find(session.get_one(Image, photo.image_id).object_key) is not None

    def test_objects_that_nothing_can_come_to_point_to_are_deleted(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        inspection = an_inspection(session, an_inspector)
        body = inspection.organisation_id
        twin = stored_photo(session, inspection, b"same bytes")
        image = session.get_one(Image, twin.image_id)
        shows_twin = a_photo(session, inspection, state=PhotoState.READY, sha256=image.sha256, image_id=image.id, stored_at=image.stored_at)
        withdrawn = {"withdrawn_at": datetime.now(UTC), "withdrawal_reason": "wrong room"}
        keys = [
            put_for(body, shows_twin.id, b"same bytes"),
            put_for(body, a_photo(session, inspection, state=PhotoState.DECLARED, sha256=b"\3" * 32).id, b"other bytes"),
            put_for(body, a_photo(session, inspection, state=PhotoState.WITHDRAWN, image_id=None, stored_at=None, **withdrawn).id, b"withdrawn"),
            put_for(body, a_photo(session, inspection, state=PhotoState.DESTROYED, image_id=None, stored_at=None).id, b"destroyed"),
        ]
        assert self.seen(as_worker) == {}
        later(timedelta(hours=47))
        assert self.seen(as_worker) == {}
        later(timedelta(hours=49))
        assert self.seen(as_worker) == dict.fromkeys(keys, Oddity.LEFTOVER)
        self.mended(as_worker)
        assert [storage.find(key) for key in keys] == [None] * len(keys)
        assert storage.find(image.object_key) is not None
        assert self.seen(as_worker) == {}

    def test_looking_changes_nothing(self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]) -> None:
        inspection = an_inspection(session, an_inspector)
        key = put_for(inspection.organisation_id, a_photo(session, inspection, sha256=b"\3" * 32).id, b"other bytes")
        later(3 * DAY)
        assert self.seen(as_worker) == self.seen(as_worker) == {key: Oddity.LEFTOVER}

    def test_an_object_that_is_wanted_by_the_second_look_stays(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        photo = stored_photo(session, an_inspection(session, an_inspector), b"bytes")
        key = session.get_one(Image, photo.image_id).object_key
        with as_worker():
            set_right(Odd(Oddity.LEFTOVER, key))
            delete_unknown(Odd(Oddity.UNKNOWN, key))
        assert storage.find(key) is not None

    def test_an_object_of_a_photo_that_the_register_does_not_know_is_for_a_person_to_judge(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        inspection = an_inspection(session, an_inspector)
        elsewhere = put_for(uuid4(), a_photo(session, inspection, sha256=hashlib.sha256(b"x").digest()).id, b"x")
        unknown = put_for(inspection.organisation_id, uuid4(), b"a photo that an older database does not know")
        put("media/notes.txt", b"not ours")
        later(3 * DAY)
        found = dict.fromkeys((elsewhere, unknown, "media/notes.txt"), Oddity.UNKNOWN)
        assert self.seen(as_worker) == found
        self.mended(as_worker)
        assert self.seen(as_worker) == found
        with as_worker():
            for odd in list(look()):
                delete_unknown(odd)
        assert self.seen(as_worker) == {}

    @pytest.mark.parametrize("declared_beforehand", [True, False])
    def test_bytes_that_nobody_reported_are_stored_by_the_register(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None], declared_beforehand: bool
    ) -> None:
        content = b"sent, and then the battery was empty"
        inspection = an_inspection(session, an_inspector)
        known = {"sha256": hashlib.sha256(content).digest(), "size_bytes": len(content)} if declared_beforehand else {"sha256": None, "size_bytes": None}
        photo = a_photo(session, inspection, **known)
        key = put_for(inspection.organisation_id, photo.id, content)
        assert self.seen(as_worker) == {}
        later(timedelta(hours=2))
        assert self.seen(as_worker) == {key: Oddity.UNREPORTED}
        self.mended(as_worker)
        session.refresh(photo)
        assert (photo.state, photo.sha256, photo.size_bytes) == (PhotoState.STORED, hashlib.sha256(content).digest(), len(content))
        assert session.get_one(Image, photo.image_id).object_key == key
        assert len(queued(session, jobs.EXAMINE_IMAGE)) == 1
        line = session.scalars(sa.select(AuditLine).where(AuditLine.subject_id == str(photo.id))).one()
        assert (line.action, line.person_id) == ("photo.stored", UUID(int=0))
        assert session.scalar(sa.select(sa.func.count()).select_from(Change).where(Change.subject_id == photo.id)) == 1
        assert self.seen(as_worker) == {}

    def test_bytes_that_the_organisation_had_already_are_stored_once(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        inspection = an_inspection(session, an_inspector)
        first = stored_photo(session, inspection, b"bytes")
        second = a_photo(session, inspection, sha256=first.sha256, size_bytes=first.size_bytes)
        key = put_for(inspection.organisation_id, second.id, b"bytes")
        later(timedelta(hours=2))
        self.mended(as_worker)
        session.refresh(second)
        assert (second.state, second.image_id) == (PhotoState.STORED, first.image_id)
        (job,) = queued(session, jobs.DELETE_SURPLUS)
        with as_worker():
            keeping.delete_surplus(job["key"])
            keeping.delete_surplus(session.get_one(Image, first.image_id).object_key)
        assert storage.find(key) is None
        assert storage.find(session.get_one(Image, first.image_id).object_key) is not None

    def test_bytes_that_are_not_those_of_their_name_are_never_stored(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        inspection = an_inspection(session, an_inspector)
        photo = a_photo(session, inspection, sha256=hashlib.sha256(b"right").digest(), size_bytes=5)
        put(object_key(inspection.organisation_id, photo.id, hashlib.sha256(b"right").digest()), b"wrong")
        later(timedelta(hours=2))
        self.mended(as_worker)
        session.refresh(photo)
        assert photo.state is PhotoState.DECLARED

    def test_an_upload_that_goes_on_says_itself_what_its_bytes_are(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None]
    ) -> None:
        inspection = an_inspection(session, an_inspector)
        photo = a_photo(session, inspection, sha256=None, size_bytes=None)
        upload = an_upload(session, photo)
        key = put_for(inspection.organisation_id, photo.id, b"bytes")
        later(3 * DAY)
        assert self.seen(as_worker) == {}
        upload.state = UploadState.EXPIRED
        session.flush()
        assert self.seen(as_worker) == {key: Oddity.UNREPORTED}

    def test_an_original_that_is_missing_or_has_another_size_is_reported_and_not_mended(self, session: Session, an_inspector: Actor, as_worker: Acting) -> None:
        inspection = an_inspection(session, an_inspector)
        images = [session.get_one(Image, stored_photo(session, inspection, content).image_id) for content in (b"missing", b"shortened", b"whole")]
        storage.delete(images[0].object_key)
        put(images[1].object_key, b"short")
        found = {images[0].object_key: Oddity.ORIGINAL_MISSING, images[1].object_key: Oddity.ORIGINAL_DIFFERS}
        assert self.seen(as_worker) == found
        with as_worker():
            counted = sweep()
        assert {what: count for what, count in counted.items() if count} == {Oddity.ORIGINAL_MISSING: 1, Oddity.ORIGINAL_DIFFERS: 1}
        assert self.seen(as_worker) == found

    def test_the_original_of_a_destroyed_image_is_not_missed(self, session: Session, an_inspector: Actor, as_worker: Acting) -> None:
        an_image(session, an_inspection(session, an_inspector).organisation_id, destroyed_at=datetime.now(UTC))
        assert self.seen(as_worker) == {}

    def test_the_original_of_an_image_that_is_destroyed_between_the_two_looks_is_not_missed(
        self, session: Session, an_inspector: Actor, as_worker: Acting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image = an_image(session, an_inspection(session, an_inspector).organisation_id)

        def destroyed_meanwhile(_: str) -> None:
            image.destroyed_at = datetime.now(UTC)
            session.flush()

        monkeypatch.setattr(storage, "find", destroyed_meanwhile)
        assert self.seen(as_worker) == {}

    def test_previews_of_no_image_are_deleted_and_missing_ones_made_again(self, session: Session, an_inspector: Actor, as_worker: Acting) -> None:
        inspection = an_inspection(session, an_inspector)
        body = inspection.organisation_id
        image = session.get_one(Image, stored_photo(session, inspection, jpeg()).image_id)
        with as_worker():
            examine(image.id)
        session.refresh(image)
        gone = an_image(session, body, destroyed_at=datetime.now(UTC))
        of_nobody = [preview_key(body, uuid4(), 320), preview_key(uuid4(), uuid4(), 1600), preview_key(body, gone.id, 320)]
        for key in of_nobody:
            put(key, b"preview")
        large, small = (preview_key(body, image.id, size_px) for size_px in PREVIEW_SIZES_PX)
        storage.delete(small)
        assert self.seen(as_worker) == {**dict.fromkeys(of_nobody, Oddity.LEFTOVER), small: Oddity.PREVIEW_MISSING}
        self.mended(as_worker)
        session.refresh(image)
        assert image.previews is PreviewState.AWAITED
        assert {"image_id": str(image.id)} in queued(session, jobs.EXAMINE_IMAGE)
        with as_worker():
            examine(image.id)
        assert self.seen(as_worker) == {}
        assert None not in (storage.find(large), storage.find(small))

    def test_what_was_tried_out_in_the_store_is_not_left_there(self, session: Session, as_worker: Acting, later: Callable[[timedelta], None]) -> None:
        put("probe/1", b"probe")
        assert self.seen(as_worker) == {}
        later(timedelta(hours=2))
        assert self.seen(as_worker) == {"probe/1": Oddity.LEFTOVER}
        self.mended(as_worker)
        assert storage.find("probe/1") is None

    def test_both_sides_are_compared_over_many_stretches(
        self, session: Session, an_inspector: Actor, as_worker: Acting, later: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever a stretch begins or ends with: an image whose object is missing, or an object without an image."""
        monkeypatch.setattr(sweeping, "AT_ONCE", 3)
        inspection = an_inspection(session, an_inspector)
        expected = {}
        for number in range(24):
            photo = stored_photo(session, inspection, b"%d" % number)
            image = session.get_one(Image, photo.image_id)
            image.previews = PreviewState.MADE
            session.flush()
            sizes = {key: size for size in PREVIEW_SIZES_PX if (key := preview_key(image.organisation_id, image.id, size))}
            for key in sizes:
                put(key, b"preview")
            if number % 3 == 0:
                storage.delete(image.object_key)
                expected[image.object_key] = Oddity.ORIGINAL_MISSING
            if number % 4 == 0:
                lost = min(sizes)
                storage.delete(lost)
                expected[lost] = Oddity.PREVIEW_MISSING
            if number % 5 == 0:
                expected[put_for(inspection.organisation_id, uuid4(), b"nobody's %d" % number)] = Oddity.UNKNOWN
                nobodys = preview_key(inspection.organisation_id, uuid4(), 320)
                put(nobodys, b"preview")
                expected[nobodys] = Oddity.LEFTOVER
        later(3 * DAY)
        assert self.seen(as_worker) == expected

    def test_a_store_that_lost_everything_is_reported_photo_by_photo(
        self, session: Session, an_inspector: Actor, as_worker: Acting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweeping, "AT_ONCE", 3)
        inspection = an_inspection(session, an_inspector)
        keys = {an_image(session, inspection.organisation_id, sha256=bytes([number]) * 32, object_key=f"media/{number:02}").object_key for number in range(10)}
        assert self.seen(as_worker) == dict.fromkeys(keys, Oddity.ORIGINAL_MISSING)


def jpeg() -> bytes:
    file = io.BytesIO()
    Picture.new("RGB", (64, 48), "red").save(file, "JPEG")
    return file.getvalue()
