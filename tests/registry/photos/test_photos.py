"""From declaration to examined photo, on a real object store."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from PIL import ExifTags, Image
from sqlalchemy.orm import Session

from registry import jobs, storage
from registry.access import Actor, Role
from registry.db import API_ROLE, WORKER_ROLE, database
from registry.errors import NotFound, Unavailable
from registry.inspections.commands import fill_in, submit
from registry.organisations.model import OrganisationKind
from registry.photos import examine as examination
from registry.photos import uploads
from registry.photos.examine import look_at
from registry.photos.model import ContentType, Photo, PhotoBytesDiffer, PhotoBytesMissing, PhotoState
from registry.photos.queries import receipt
from registry.photos.rules import NewPhoto
from registry.settings import settings
from registry.storage import StoredObject
from registry.versioned import Outcome
from tests.makers import a_moment, an_actor, an_inspection, an_organisation
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


def put(photo: Photo, content: bytes, **headers: str) -> httpx.Response:
    link = uploads.link(actor, photo)
    assert link is not None
    return httpx.put(link.url, content=content, headers={**link.headers, **headers})


def stored(session: Session, actor: Actor, inspection_id: UUID, content: bytes, **more: object) -> Photo:
    photo = declared(session, actor, inspection_id, content, **more)
    assert put(photo, content).status_code == 200
    return uploads.mark_stored(session, actor, photo.id, uploads.look(actor, photo))


def test_a_photo_is_stored_when_its_bytes_are_in_the_object_store(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = stored(session, inspector, an_inspection(session, inspector).id, content)
    assert photo.state is PhotoState.STORED
    assert storage.find(photo.object_key) == StoredObject(len(content), hashlib.sha256(content).digest())
    assert uploads.link(actor, photo) is None


def test_the_link_takes_only_the_declared_bytes(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    other = content[:-1] + b"\0"
    assert put(photo, other).status_code == 400
    assert put(photo, content, **{"x-amz-checksum-sha256": "AAAA"}).status_code == 403
    assert put(photo, content, **{"Content-Type": "text/html"}).status_code == 403
    assert put(photo, content + b"x", **{"Content-Length": str(len(content) + 1)}).status_code == 403
    with pytest.raises(PhotoBytesMissing):
        uploads.look(actor, photo)


def test_a_second_put_is_told_that_it_is_there_already(session: Session, inspector: Actor) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    assert [put(photo, content).status_code for _ in range(2)] == [200, 412]


def test_other_bytes_than_declared_are_never_stored_as_the_photo(session: Session, inspector: Actor) -> None:
    photo = declared(session, inspector, an_inspection(session, inspector).id, jpeg())
    with pytest.raises(PhotoBytesDiffer):
        uploads.mark_stored(session, inspector, photo.id, StoredObject(photo.size_bytes, b"\0" * 32))
    assert photo.state is PhotoState.DECLARED


def test_a_store_without_checksums_is_read_to_know_what_it_has(session: Session, inspector: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg()
    photo = declared(session, inspector, an_inspection(session, inspector).id, content)
    put(photo, content)
    find = storage.find
    monkeypatch.setattr(storage, "find", lambda key: StoredObject(find(key).size_bytes, None))  # type: ignore[union-attr]
    assert uploads.look(actor, photo).sha256 == hashlib.sha256(content).digest()


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
    queued = session.execute(sa.text("SELECT task_name, args->>'photo_id' FROM procrastinate_jobs")).one()
    assert tuple(queued) == (jobs.EXAMINE_PHOTO, str(photo.id))


def examined(photo_id: UUID) -> None:
    """Let the worker do its work, as its own database role."""
    database.role = WORKER_ROLE
    try:
        examination.examine(photo_id)
    finally:
        database.role = API_ROLE


def test_an_examined_photo_is_ready_with_its_size(session: Session, inspector: Actor) -> None:
    photo = stored(session, inspector, an_inspection(session, inspector).id, jpeg(size=(640, 480)))
    session.flush()
    examined(photo.id)
    session.refresh(photo)
    assert (photo.state, photo.width_px, photo.height_px) == (PhotoState.READY, 640, 480)
    examined(photo.id)


@pytest.mark.parametrize(("content", "why"), [(b"<html>not a photo</html>", "not-an-image"), (jpeg(size=(800, 600))[:4000], "damaged")])
def test_what_is_not_a_whole_image_is_rejected_and_kept(session: Session, inspector: Actor, content: bytes, why: str) -> None:
    photo = stored(session, inspector, an_inspection(session, inspector).id, content)
    examined(photo.id)
    session.refresh(photo)
    assert (photo.state, photo.rejection) == (PhotoState.REJECTED, why)
    assert storage.find(photo.object_key) is not None


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
    put(waiting, jpeg("blue"))
    uploads.mark_stored(session, inspector, waiting.id, uploads.look(waiting))
    assert receipt(session, inspector, inspection.id).complete


def test_an_object_store_that_is_gone_is_unavailable_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9"))
    monkeypatch.setattr(storage, "_inside", lambda: gone)
    with pytest.raises(Unavailable):
        storage.find("x")


@pytest.mark.parametrize(
    ("name", "rejection", "size"),
    [
        ("phone_nokia_8.3_5g.jpg", None, True),
        ("heic_IMG_5195.HEIC", None, True),
        ("orientation_portrait_0_invalid_value.jpg", None, True),
        ("corrupt_truncated_portrait_1.jpg", "damaged", False),
        ("corrupt_not_a_jpeg.jpg", "not-an-image", False),
        ("corrupt_empty.jpg", "not-an-image", False),
    ],
)
def test_real_phone_photos_are_what_they_are(shared_data: Path, name: str, rejection: str | None, size: bool) -> None:
    with (shared_data / "photos" / name).open("rb") as file:
        found = look_at(file)
    assert found.rejection == rejection
    assert (found.width_px is not None) is size


def test_the_position_in_a_real_phone_photo_is_read(shared_data: Path) -> None:
    with (shared_data / "photos/phone_nokia_8.3_5g.jpg").open("rb") as file:
        found = look_at(file)
    assert found.exif_latitude == pytest.approx(60, abs=1)
    assert found.exif_longitude == pytest.approx(24, abs=1)


def test_an_enormous_image_in_a_small_file_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    Image.new("1", (30000, 30000)).save(file, "PNG")
    assert len(file.getvalue()) < 300_000
    assert look_at(file).rejection == "too-many-pixels"


def jpeg_with(capture: dict[int, object] | None = None, gps: dict[int, object] | None = None) -> io.BytesIO:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(capture or {})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG", exif=exif)
    return file


def test_the_moment_and_place_of_capture_are_read() -> None:
    when = {ExifTags.Base.DateTimeOriginal: "2025:06:01 12:00:00", ExifTags.Base.OffsetTimeOriginal: "+02:00"}
    where = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (50.0, 54.0, 0.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (6.0, 0.0, 0.0),
    }
    found = look_at(jpeg_with(when, where))
    assert found.exif_taken_at == a_moment("2025-06-01T10:00")
    assert (found.exif_longitude, found.exif_latitude) == (6.0, pytest.approx(50.9))


@pytest.mark.parametrize(
    ("capture", "gps"),
    [
        ({ExifTags.Base.DateTimeOriginal: "2025:06:01 12:00:00", ExifTags.Base.OffsetTimeOriginal: "+99:00"}, {}),
        ({ExifTags.Base.DateTimeOriginal: "0001:01:01 00:00:00", ExifTags.Base.OffsetTimeOriginal: "+01:00"}, {}),
        ({ExifTags.Base.DateTimeOriginal: "2025:06:01 12:00:00"}, {}),
        (
            {},
            {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (50.0, 54.0),
                ExifTags.GPS.GPSLongitudeRef: "E",
                ExifTags.GPS.GPSLongitude: (6.0, 0.0, 0.0),
            },
        ),
        (
            {},
            {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (500.0, 0.0, 0.0),
                ExifTags.GPS.GPSLongitudeRef: "E",
                ExifTags.GPS.GPSLongitude: (6.0, 0.0, 0.0),
            },
        ),
    ],
)
def test_odd_exif_is_no_reason_to_refuse_a_photo(capture: dict[int, object], gps: dict[int, object]) -> None:
    found = look_at(jpeg_with(capture, gps))
    assert (found.rejection, found.width_px, found.exif_taken_at, found.exif_latitude) == (None, 64, None, None)
