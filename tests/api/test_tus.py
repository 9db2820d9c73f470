"""tus 1.0 by its letter, over HTTP without a network; what happens when one breaks stands in tests/faults/test_tus.py."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.http import parse_date
from werkzeug.test import TestResponse

from api.tus import ALGORITHMS, EXTENSIONS, LONGEST_METADATA
from registry import clock, storage
from registry.inspections.model import Inspection
from registry.photos import claims
from registry.photos.model import Fragment, Photo, PhotoState, Upload, UploadState
from registry.photos.rules import LARGEST_PHOTO_BYTES
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.api.test_photos import a_declaration, declared, some_bytes

pytestmark = pytest.mark.usefixtures("bucket")
BYTES = "application/offset+octet-stream"


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    return makers.an_inspection(session, inspector.actor)


@pytest.fixture
def data() -> bytes:
    return some_bytes()


@pytest.fixture
def photo_id(inspector: Caller, inspection: Inspection, data: bytes) -> str:
    """A photo that is declared with `data`."""
    item = a_declaration(inspection, data)
    declared(inspector, item)
    return str(item["id"])


@pytest.fixture(autouse=True)
def _fresh(session: Session) -> Iterator[None]:
    yield
    session.expire_all()


def tus(
    caller: Caller, method: str, path: str, body: bytes | None = None, *, version: str = "1.0.0", content_type: str = BYTES, **headers: str
) -> TestResponse:
    """``headers`` are named with underscores."""
    sent = {"Authorization": f"Bearer {caller.token}", "Accept-Language": "en"} | ({"Tus-Resumable": version} if version else {})
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    given: dict[str, Any] = {} if body is None else {"data": body, "content_type": content_type}
    return caller.client.open(path, method=method, headers=sent, **given)


def metadata(**pairs: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def created(caller: Caller, photo_id: str, length: int, **headers: str) -> str:
    response = tus(caller, "POST", "/v1/tus", Upload_Length=str(length), Upload_Metadata=metadata(photoId=photo_id), **headers)
    assert response.status_code == 201, response.text
    return response.headers["Location"]


def patched(caller: Caller, path: str, offset: int, body: bytes, **headers: str) -> TestResponse:
    return tus(caller, "PATCH", path, body, Upload_Offset=str(offset), **headers)


def checksum(algorithm: str, body: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"


def test_what_it_can_do_is_told_to_everyone(inspector: Caller) -> None:
    response = inspector.client.open("/v1/tus", method="OPTIONS")
    assert response.status_code in (200, 204)
    assert {name: value for name, value in response.headers if name.startswith("Tus-")} == {
        "Tus-Resumable": "1.0.0",
        "Tus-Version": "1.0.0",
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(LARGEST_PHOTO_BYTES),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def test_a_photo_arrives_in_one_piece(inspector: Caller, photo_id: str, data: bytes, session: Session) -> None:
    path = created(inspector, photo_id, len(data))
    response = patched(inspector, path, 0, data)
    assert (response.status_code, response.headers["Upload-Offset"], response.headers["Tus-Resumable"]) == (204, str(len(data)), "1.0.0")
    assert content(inspector.get(f"/photos/{photo_id}"))["state"] == "stored"
    photo = session.get_one(Photo, photo_id)
    with storage.opened(f"media/{inspector.actor.organisation_id}/{photo_id}/{hashlib.sha256(data).hexdigest()}") as stream:
        assert stream.read() == data
    assert photo.state is PhotoState.STORED


def test_a_photo_arrives_in_pieces_and_fragments_are_gone_afterwards(inspector: Caller, photo_id: str, data: bytes, session: Session) -> None:
    path = created(inspector, photo_id, len(data))
    for begins, ends in ((0, 300), (300, 301), (301, 1000)):
        assert patched(inspector, path, begins, data[begins:ends]).headers["Upload-Offset"] == str(ends)
        head = tus(inspector, "HEAD", path)
        assert (head.status_code, head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (200, str(ends), str(len(data)))
    assert session.scalar(sa.select(sa.func.count()).select_from(Fragment)) == 3
    assert patched(inspector, path, 1000, data[1000:]).status_code == 204
    assert content(inspector.get(f"/photos/{photo_id}"))["state"] == "stored"
    assert session.scalar(sa.select(sa.func.count()).select_from(Fragment)) == 0


def test_creation_with_upload_takes_the_bytes_along(inspector: Caller, photo_id: str, data: bytes) -> None:
    response = tus(inspector, "POST", "/v1/tus", data, Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    assert (response.status_code, response.headers["Upload-Offset"]) == (201, str(len(data)))
    assert content(inspector.get(f"/photos/{photo_id}"))["state"] == "stored"


def test_a_part_may_come_with_the_creation(inspector: Caller, photo_id: str, data: bytes) -> None:
    response = tus(inspector, "POST", "/v1/tus", data[:10], Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    assert (response.status_code, response.headers["Upload-Offset"]) == (201, "10")
    assert patched(inspector, response.headers["Location"], 10, data[10:]).status_code == 204


def test_the_length_may_come_later(inspector: Caller, inspection: Inspection, data: bytes) -> None:
    given = metadata(photoId=str(uuid4()), inspectionId=str(inspection.id), question="mould", contentType="image/jpeg")
    response = tus(inspector, "POST", "/v1/tus", Upload_Defer_Length="1", Upload_Metadata=given)
    path = response.headers["Location"]
    assert patched(inspector, path, 0, data[:100]).status_code == 204
    head = tus(inspector, "HEAD", path)
    assert (head.headers.get("Upload-Length"), head.headers["Upload-Defer-Length"]) == (None, "1")
    refused(patched(inspector, path, 100, data[100:], Upload_Length="5"), 400, "rule-violation", ("Upload-Length", "length-differs"))
    assert patched(inspector, path, 100, data[100:], Upload_Length=str(len(data))).status_code == 204
    (photo,) = content(inspector.get(f"/inspections/{inspection.id}/receipt"))["photos"]
    assert (photo["state"], photo["sizeBytes"], photo["sha256"]) == ("stored", len(data), hashlib.sha256(data).hexdigest())


def test_a_length_that_is_known_can_not_be_changed(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    refused(patched(inspector, path, 0, data[:1], Upload_Length=str(len(data) + 1)), 400, "rule-violation", ("Upload-Length", "length-differs"))
    refused(
        tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=metadata(photoId=photo_id)),
        400,
        "rule-violation",
        ("Upload-Length", "length-differs"),
    )


def test_metadata_declares_a_photo(inspector: Caller, inspection: Inspection, data: bytes) -> None:
    id, digest = str(uuid4()), hashlib.sha256(data).hexdigest()
    given = {"photoId": id, "inspectionId": str(inspection.id), "question": "mould", "sha256": digest, "filetype": "image/jpeg", "filename": "IMG_1.jpg"}
    place = {"longitude": "5.98", "latitude": "50.9", "takenAt": "2026-03-01T10:00:00Z", "caption": "Schimmel in de hoek, ernstig"}
    response = tus(inspector, "POST", "/v1/tus", data, Upload_Length=str(len(data)), Upload_Metadata=metadata(**given, **place))
    assert response.status_code == 201, response.text
    photo = content(inspector.get(f"/photos/{id}"))
    assert (
        photo.items() >= {"state": "stored", "caption": place["caption"], "longitude": 5.98, "takenAt": place["takenAt"], "contentType": "image/jpeg"}.items()
    )
    assert tus(inspector, "HEAD", response.headers["Location"]).headers["Upload-Metadata"] == metadata(**given, **place)


def test_all_faults_of_a_declaration_come_together(inspector: Caller, inspection: Inspection) -> None:
    given = metadata(photoId="x", inspectionId=str(inspection.id), sha256="ab", contentType="image/gif", takenAt="yesterday")
    problem = refused(
        tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=given),
        400,
        "invalid-input",
        ("Upload-Metadata/photoId", "not-a-uuid"),
        ("Upload-Metadata/question", "required"),
        ("Upload-Metadata/sha256", "wrong-form"),
        ("Upload-Metadata/contentType", "not-one-of"),
        ("Upload-Metadata/takenAt", "not-a-moment"),
    )
    assert problem["errors"][0]["detail"]


def test_creating_again_gives_the_same_upload(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    patched(inspector, path, 0, data[:100])
    again = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    assert (again.status_code, again.headers["Location"], again.headers["Upload-Offset"]) == (201, path, "100")
    with_body = tus(inspector, "POST", "/v1/tus", data, Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    assert (with_body.status_code, with_body.headers["Location"], with_body.headers["Upload-Offset"]) == (201, path, "100")


def test_the_upload_of_a_stored_photo_is_complete(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    patched(inspector, path, 0, data)
    again = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (path, str(len(data)))
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == str(len(data))
    assert patched(inspector, path, len(data), b"").status_code == 204
    refused(patched(inspector, path, 0, data), 409, "upload-offset-differs")
    refused(tus(inspector, "DELETE", path), 403, "upload-stored")


def test_a_wrong_offset_changes_nothing_and_is_told_the_right_one(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    patched(inspector, path, 0, data[:50])
    for offset in (0, 49, 51, len(data)):
        response = patched(inspector, path, offset, data[50:])
        assert refused(response, 409, "upload-offset-differs")["offset"] == 50
        assert response.headers["Upload-Offset"] == "50"
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == "50"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_piece_with_another_checksum_is_not_kept(inspector: Caller, photo_id: str, data: bytes, algorithm: str) -> None:
    path = created(inspector, photo_id, len(data))
    response = patched(inspector, path, 0, data[:100], Upload_Checksum=checksum(algorithm, b"other"))
    refused(response, 460, "body-differs")
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == "0"
    assert patched(inspector, path, 0, data[:100], Upload_Checksum=checksum(algorithm, data[:100])).status_code == 204
    assert patched(inspector, path, 100, data[100:], Upload_Checksum=checksum(algorithm, data[100:])).status_code == 204
    assert content(inspector.get(f"/photos/{photo_id}"))["state"] == "stored"


def test_a_content_digest_counts_too(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    wrong = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"
    refused(patched(inspector, path, 0, data, Content_Digest=wrong), 460, "body-differs")
    right = f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
    assert patched(inspector, path, 0, data, Content_Digest=right).status_code == 204


@pytest.mark.parametrize("value", ["md5 AAAA", "crc32 AAAA", "sha1", "sha1 !!", ""])
def test_a_checksum_that_can_not_be_checked_is_refused(inspector: Caller, photo_id: str, data: bytes, value: str) -> None:
    path = created(inspector, photo_id, len(data))
    assert patched(inspector, path, 0, data, Upload_Checksum=value).status_code in (400, 460)
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == "0"


def test_other_bytes_than_declared_fail_the_upload_and_the_photo_is_still_awaited(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    problem = refused(patched(inspector, path, 0, data[::-1]), 422, "sent-bytes-differ")
    assert hashlib.sha256(data).hexdigest() in problem["detail"]
    refused(patched(inspector, path, 0, data), 410, "upload-gone")
    assert tus(inspector, "HEAD", path).status_code == 410
    assert content(inspector.get(f"/photos/{photo_id}"))["state"] == "declared"
    anew = created(inspector, photo_id, len(data))
    assert anew != path
    assert patched(inspector, anew, 0, data).status_code == 204


def test_an_upload_can_be_ended(inspector: Caller, photo_id: str, data: bytes, session: Session) -> None:
    path = created(inspector, photo_id, len(data))
    patched(inspector, path, 0, data[:100])
    assert tus(inspector, "DELETE", path).status_code == 204
    assert [tus(inspector, method, path).status_code for method in ("HEAD", "DELETE")] == [410, 410]
    refused(patched(inspector, path, 100, data[100:]), 410, "upload-gone")
    refused(inspector.get(path.removeprefix("/v1")), 404, "not-found")
    assert session.scalar(sa.select(sa.func.count()).select_from(Fragment)) == 0
    assert created(inspector, photo_id, len(data)) != path


def test_a_look_by_get_shows_how_far_it_is(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    patched(inspector, path, 0, data[:100])
    status = content(inspector.get(path.removeprefix("/v1")))
    assert status.items() >= {"photoId": photo_id, "state": "receiving", "offsetBytes": 100, "lengthBytes": len(data)}.items()


def test_an_upload_says_when_it_expires(inspector: Caller, photo_id: str, data: bytes) -> None:
    response = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    expires = parse_date(response.headers["Upload-Expires"])
    assert expires is not None
    assert abs(expires - clock.now() - claims.LIFE) < timedelta(minutes=1)
    assert patched(inspector, response.headers["Location"], 0, data[:10]).headers["Upload-Expires"]


def test_an_expired_upload_is_gone(inspector: Caller, photo_id: str, data: bytes, session: Session) -> None:
    path = created(inspector, photo_id, len(data))
    session.execute(sa.update(Upload).values(state=UploadState.EXPIRED))
    session.flush()
    assert tus(inspector, "HEAD", path).status_code == 410
    refused(patched(inspector, path, 0, data), 410, "upload-gone")


@pytest.mark.parametrize("version", ["", "0.2.2", "2.0.0"])
def test_another_version_of_tus_is_refused(inspector: Caller, photo_id: str, data: bytes, version: str) -> None:
    path = created(inspector, photo_id, len(data))
    for method, where, body in (("POST", "/v1/tus", None), ("PATCH", path, data), ("DELETE", path, None), ("HEAD", path, None)):
        response = tus(inspector, method, where, body, version=version, Upload_Offset="0", Upload_Length="5")
        assert (response.status_code, response.headers["Tus-Version"], response.headers["Tus-Resumable"]) == (412, "1.0.0", "1.0.0")
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == "0"


def test_a_method_can_be_overridden(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    assert tus(inspector, "POST", path, X_HTTP_Method_Override="HEAD").headers["Upload-Offset"] == "0"
    response = tus(inspector, "POST", path, data[:10], Upload_Offset="0", X_HTTP_Method_Override="PATCH")
    assert (response.status_code, response.headers["Upload-Offset"]) == (204, "10")
    assert tus(inspector, "POST", path, X_HTTP_Method_Override="DELETE").status_code == 204
    assert tus(inspector, "POST", path).status_code == 405


def test_parallel_parts_are_refused_clearly(inspector: Caller, photo_id: str) -> None:
    response = tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Concat="partial", Upload_Metadata=metadata(photoId=photo_id))
    problem = refused(response, 400, "rule-violation", ("Upload-Concat", "concatenation-not-offered"))
    assert "parallelUploads: 1" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("headers", "pointer", "code"),
    [
        ({}, "Upload-Length", "required"),
        ({"Upload_Length": "-1"}, "Upload-Length", "wrong-form"),
        ({"Upload_Length": "+5"}, "Upload-Length", "wrong-form"),
        ({"Upload_Length": "1e3"}, "Upload-Length", "wrong-form"),
        ({"Upload_Length": "٥"}, "Upload-Length", "wrong-form"),
        ({"Upload_Length": "0"}, "Upload-Length", "too-small"),
        ({"Upload_Defer_Length": "2"}, "Upload-Defer-Length", "wrong-form"),
        ({"Upload_Defer_Length": "1", "Upload_Length": "5"}, "Upload-Defer-Length", "wrong-form"),
    ],
)
def test_a_length_must_be_a_length(inspector: Caller, photo_id: str, headers: dict[str, str], pointer: str, code: str) -> None:
    refused(tus(inspector, "POST", "/v1/tus", Upload_Metadata=metadata(photoId=photo_id), **headers), 400, "invalid-input", (pointer, code))


@pytest.mark.parametrize("given", ["photoId", "photoId !!", "photoId AAAA,photoId AAAA", "photoId  AAAA", "photoId /w==", "x " + "A" * LONGEST_METADATA])
def test_metadata_that_can_not_be_read_is_refused(inspector: Caller, given: str) -> None:
    response = tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=given)
    assert response.status_code == 400, response.text
    assert response.json is not None
    assert response.json["errors"][0]["pointer"].startswith("Upload-Metadata")


def test_a_photo_that_nobody_declared_is_refused_by_name(inspector: Caller) -> None:
    refused(tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=""), 400, "invalid-input", ("Upload-Metadata/photoId", "required"))
    id = str(uuid4())
    response = tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=metadata(photoId=id, filename="IMG_0001.jpg"))
    problem = refused(response, 400, "rule-violation", ("Upload-Metadata/photoId", "photo-not-declared"))
    assert id in problem["errors"][0]["detail"]


def test_a_digest_that_nobody_declared_is_refused_by_name(inspector: Caller, photo_id: str, data: bytes) -> None:
    other = "ab" * 32
    response = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id, sha256=other))
    problem = refused(response, 400, "rule-violation", ("Upload-Metadata/sha256", "digest-not-declared"))
    assert other in problem["errors"][0]["detail"]


def test_what_is_too_large_is_refused_at_creation(inspector: Caller, inspection: Inspection) -> None:
    given = metadata(photoId=str(uuid4()), inspectionId=str(inspection.id), question="mould", contentType="image/jpeg")
    response = tus(inspector, "POST", "/v1/tus", Upload_Length=str(LARGEST_PHOTO_BYTES + 1), Upload_Metadata=given)
    refused(response, 413, "photo-too-large")


def test_more_bytes_than_announced_are_refused(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    refused(patched(inspector, path, 0, data + b"x"), 413, "photo-too-large")
    assert tus(inspector, "HEAD", path).headers["Upload-Offset"] == "0"


def test_bytes_come_as_bytes(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    assert tus(inspector, "PATCH", path, data, content_type="application/octet-stream", Upload_Offset="0").status_code == 415
    assert tus(inspector, "PATCH", path, None, Upload_Offset="0").status_code == 415


@pytest.mark.parametrize("offset", [None, "-1", "x", "+1", "1.0"])
def test_an_offset_must_be_one(inspector: Caller, photo_id: str, data: bytes, offset: str | None) -> None:
    path = created(inspector, photo_id, len(data))
    headers = {} if offset is None else {"Upload_Offset": offset}
    refused(tus(inspector, "PATCH", path, data, **headers), 400, "invalid-input", ("Upload-Offset", "required" if offset is None else "wrong-form"))


def test_an_upload_is_nobody_elses(inspector: Caller, photo_id: str, data: bytes, reviewer: Caller) -> None:
    path = created(inspector, photo_id, len(data))
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    for method in ("HEAD", "DELETE", "GET"):
        assert tus(colleague, method, path).status_code == 404
    refused(patched(colleague, path, 0, data), 404, "not-found")
    refused(patched(reviewer, path, 0, data), 403, "not-allowed")
    assert tus(inspector, "HEAD", f"/v1/tus/{uuid4()}").status_code == 404
    assert tus(inspector, "HEAD", "/v1/tus/not-an-id").status_code == 404


def test_an_inspection_that_went_to_a_colleague_takes_no_more_bytes(
    inspector: Caller, inspection: Inspection, photo_id: str, data: bytes, session: Session
) -> None:
    path = created(inspector, photo_id, len(data))
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(assignee_id=uuid4()))
    session.flush()
    assert 400 <= patched(inspector, path, 0, data).status_code < 500


def test_too_many_uploads_at_once_are_told_to_wait(inspector: Caller, photo_id: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MOST_OPEN", 0)
    response = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=metadata(photoId=photo_id))
    refused(response, 503, "upload-room-full")
    assert response.headers["Retry-After"]


def test_the_same_bytes_are_stored_once_in_an_organisation(inspector: Caller, inspection: Inspection, data: bytes, session: Session) -> None:
    first, second = a_declaration(inspection, data), a_declaration(inspection, data, question="overall-photo")
    declared(inspector, first)
    patched(inspector, created(inspector, first["id"], len(data)), 0, data)
    (known,) = declared(inspector, second)
    assert (known["state"], known["put"]) == ("stored", None)
    photos = [session.get_one(Photo, item["id"]) for item in (first, second)]
    assert photos[0].image_id == photos[1].image_id


def test_the_same_bytes_of_a_colleague_must_be_sent_and_are_stored_once(inspector: Caller, inspection: Inspection, data: bytes, session: Session) -> None:
    """Who knows a digest does not see the photo of somebody else by it."""
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    theirs = makers.an_inspection(session, colleague.actor, checklist_id=inspection.checklist_id)
    session.flush()
    mine, other = a_declaration(inspection, data), a_declaration(theirs, data)
    declared(inspector, mine)
    patched(inspector, created(inspector, mine["id"], len(data)), 0, data)
    (awaited,) = declared(colleague, other)
    assert awaited["state"] == "declared"
    patched(colleague, created(colleague, other["id"], len(data)), 0, data)
    assert content(colleague.get(f"/photos/{other['id']}"))["state"] == "stored"
    assert session.get_one(Photo, mine["id"]).image_id == session.get_one(Photo, other["id"]).image_id
    key = f"media/{colleague.actor.organisation_id}/{other['id']}/{hashlib.sha256(data).hexdigest()}"
    jobs = session.scalars(sa.text("SELECT args ->> 'key' FROM procrastinate_jobs WHERE task_name = 'objects.delete-surplus'")).all()
    assert jobs == [key]


def test_the_same_bytes_of_another_organisation_are_kept_apart(inspector: Caller, inspection: Inspection, data: bytes, session: Session) -> None:
    stranger = a_caller(inspector.client, "inspector")
    theirs = makers.an_inspection(session, stranger.actor, checklist_id=inspection.checklist_id)
    session.flush()
    for caller, item in ((inspector, a_declaration(inspection, data)), (stranger, a_declaration(theirs, data))):
        assert declared(caller, item)[0]["state"] == "declared"
        patched(caller, created(caller, item["id"], len(data)), 0, data)
    images = session.scalars(sa.select(Photo.image_id).where(Photo.sha256 == hashlib.sha256(data).digest())).all()
    assert len(set(images)) == 2


def test_a_length_that_comes_later_has_the_same_limit(inspector: Caller, inspection: Inspection) -> None:
    given = metadata(photoId=str(uuid4()), inspectionId=str(inspection.id), question="mould", contentType="image/jpeg")
    path = tus(inspector, "POST", "/v1/tus", Upload_Defer_Length="1", Upload_Metadata=given).headers["Location"]
    refused(patched(inspector, path, 0, b"x", Upload_Length=str(LARGEST_PHOTO_BYTES + 1)), 413, "photo-too-large")


def test_creation_is_repeatable_also_when_the_digest_was_not_known(inspector: Caller, inspection: Inspection, data: bytes) -> None:
    given = metadata(photoId=str(uuid4()), inspectionId=str(inspection.id), question="mould", contentType="image/jpeg")
    answers = [tus(inspector, "POST", "/v1/tus", data, Upload_Length=str(len(data)), Upload_Metadata=given) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Upload-Offset"]) for answer in answers] == [(201, str(len(data)))] * 2


def test_faults_of_a_rule_point_to_the_metadata_too(inspector: Caller, inspection: Inspection) -> None:
    given = metadata(photoId=str(uuid4()), inspectionId=str(inspection.id), question="nonsense", contentType="image/jpeg")
    response = tus(inspector, "POST", "/v1/tus", Upload_Length="5", Upload_Metadata=given)
    refused(response, 400, "rule-violation", ("Upload-Metadata/question", "unknown-question"))


def test_the_next_inspector_of_an_inspection_sends_its_photos(inspector: Caller, inspection: Inspection, photo_id: str, data: bytes, session: Session) -> None:
    path = created(inspector, photo_id, len(data))
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(assignee_id=colleague.person_id))
    session.flush()
    refused(patched(inspector, path, 0, data), 404, "not-found")
    assert patched(colleague, created(colleague, photo_id, len(data)), 0, data).status_code == 204


def test_other_bytes_than_a_photo_has_by_now_are_not_said_to_be_stored(inspector: Caller, inspection: Inspection, data: bytes, session: Session) -> None:
    id = str(uuid4())
    given = metadata(photoId=id, inspectionId=str(inspection.id), question="mould", contentType="image/jpeg")
    path = tus(inspector, "POST", "/v1/tus", Upload_Length=str(len(data)), Upload_Metadata=given).headers["Location"]
    other = makers.an_image(session, inspection.organisation_id, size_bytes=len(data))
    shown = {"state": PhotoState.STORED, "image_id": other.id, "stored_at": clock.now(), "sha256": other.sha256, "size_bytes": len(data)}
    session.execute(sa.update(Photo).where(Photo.id == id).values(shown))
    session.flush()
    refused(patched(inspector, path, 0, data), 422, "sent-bytes-differ")


def test_a_checksum_in_no_letters_is_refused(inspector: Caller, photo_id: str, data: bytes) -> None:
    path = created(inspector, photo_id, len(data))
    refused(patched(inspector, path, 0, data, Upload_Checksum="sha1 \u00e9\u00e9"), 400, "invalid-input", ("Upload-Checksum", "wrong-form"))


def test_an_overridden_head_has_no_body_and_says_so(inspector: Caller) -> None:
    answer = tus(inspector, "POST", f"/v1/tus/{uuid4()}", X_HTTP_Method_Override="HEAD")
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (404, b"", "0")
