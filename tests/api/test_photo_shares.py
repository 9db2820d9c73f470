"""Links to photos for people outside the register: who makes and ends them, and what whoever has one sees."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from limits import parse
from PIL import ExifTags
from PIL import Image as Picture
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api import limits, processing
from registry import clock, storage
from registry.audit.model import AuditLine
from registry.audit.verify import verify
from registry.db import API_ROLE, WORKER_ROLE, database
from registry.errors import Unavailable
from registry.inspections.model import Inspection
from registry.photos import examine
from registry.photos.model import Image, Photo, PhotoShare, PhotoState, PreviewState
from registry.photos.rules import preview_key
from registry.processing import Activity, Status
from registry.values import rfc3339
from tests import makers
from tests.api.callers import Caller, a_caller, a_problem, content, refused, reload
from tests.api.test_photo_files import a_kept_photo, a_preview, a_previewed_photo

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    return makers.an_inspection(session, inspector.actor)


@pytest.fixture
def photo(session: Session, inspection: Inspection) -> Photo:
    return a_previewed_photo(session, inspection)


def a_share(**more: Any) -> dict[str, Any]:
    return {"reason": "voor de aannemer", "expiresAt": rfc3339(clock.now() + timedelta(days=7)), **more}


def shared(caller: Caller, photo: Photo, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = content(caller.post(f"/photos/{photo.id}/shares", a_share(**more)), 201)
    return made


def opened(client: FlaskClient, made: dict[str, Any] | str, *, method: str = "GET", **headers: str) -> TestResponse:
    """By somebody without a token; ``made`` is a share or its secret."""
    path = made if isinstance(made, str) else made["url"].removeprefix("http://localhost")
    return client.open(path if path.startswith("/") else f"/shared/photos/{path}", method=method, headers={"Accept-Language": "en", **headers})


def not_shared(response: TestResponse) -> None:
    refused(response, 404, "not-shared")


def test_whoever_has_the_link_sees_the_copy_and_nothing_else(reviewer: Caller, photo: Photo) -> None:
    made = shared(reviewer, photo)
    assert made["url"].startswith("http://localhost/shared/photos/dwr_p_")
    response = opened(reviewer.client, made)
    assert (response.status_code, response.data) == (200, a_preview(1600))
    expected = {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(response.data)),
        "Content-Disposition": 'inline; filename="photo.jpg"',
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    }
    assert {name: response.headers.get(name) for name in expected} == expected
    told = json.dumps(dict(response.headers))
    assert [str(id) for id in (photo.id, photo.image_id, photo.inspection_id) if str(id) in told] == []
    assert {"Set-Cookie", "ETag"} & set(response.headers.keys()) == set()
    head = opened(reviewer.client, made, method="HEAD")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(len(response.data)))
    assert opened(reviewer.client, made, Range="bytes=0-1").data == response.data


def test_the_secret_is_shown_once_and_kept_as_a_digest_only(session: Session, reviewer: Caller, photo: Photo) -> None:
    made = shared(reviewer, photo)
    secret = made.pop("url").rpartition("/")[2]
    assert len(secret) >= len("dwr_p_") + 43
    listing = reviewer.get(f"/photos/{photo.id}/shares")
    assert content(listing) == {"items": [made], "next": None}
    kept = session.scalars(sa.select(PhotoShare.digest)).one()
    assert kept == hashlib.sha256(secret.encode()).digest()
    everything = session.scalar(sa.text("SELECT string_agg(audit_line::text, ' ') FROM audit_line"))
    assert secret not in listing.text
    assert secret not in str(everything)
    assert session.scalar(sa.text("SELECT count(*) FROM answered_request")) == 0


def test_a_share_says_who_gave_it_out_and_why(reviewer: Caller, photo: Photo) -> None:
    wanted = a_share()
    made = content(reviewer.post(f"/photos/{photo.id}/shares", wanted), 201)
    made.pop("url"), made.pop("id"), made.pop("recordedAt")
    assert made == {**wanted, "photoId": str(photo.id), "recordedBy": str(reviewer.person_id), "revokedAt": None}


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_a_share_ends_in_the_future_and_within_a_month(reviewer: Caller, photo: Photo, days: int) -> None:
    body = a_share(expiresAt=rfc3339(clock.now() + timedelta(days=days)))
    refused(reviewer.post(f"/photos/{photo.id}/shares", body), 400, "rule-violation", ("/expiresAt", "share-too-long"))
    content(reviewer.post(f"/photos/{photo.id}/shares", a_share(expiresAt=rfc3339(clock.now() + timedelta(days=30) - timedelta(seconds=5)))), 201)


def test_a_share_has_a_reason(reviewer: Caller, photo: Photo) -> None:
    for reason in ("", "x" * 501, None, 3):
        response = reviewer.post(f"/photos/{photo.id}/shares", a_share(reason=reason))
        assert response.status_code == 400
        assert [fault["pointer"] for fault in a_problem(response)["errors"]] == ["/reason"]
    refused(reviewer.post(f"/photos/{photo.id}/shares", {}), 400, "invalid-input", ("/reason", "required"), ("/expiresAt", "required"))


@pytest.mark.parametrize("way", ["revoked", "expired", "withdrawn", "destroyed", "rejected", "image destroyed", "previews gone"])
def test_a_link_that_has_ended_is_as_unknown_as_one_that_never_was(session: Session, inspector: Caller, reviewer: Caller, photo: Photo, way: str) -> None:
    made = shared(reviewer, photo)
    assert opened(reviewer.client, made).status_code == 200
    end(session, inspector, reviewer, photo, made, way)
    ended, unknown = opened(reviewer.client, made), opened(reviewer.client, "dwr_p_" + "x" * 43)
    not_shared(ended)
    not_shared(unknown)
    for one in (ended, unknown):
        del one.headers["X-Request-Id"]
    assert {**ended.json, "instance": ""} == {**unknown.json, "instance": ""}  # type: ignore[dict-item]
    assert dict(ended.headers) == dict(unknown.headers)


def end(session: Session, inspector: Caller, reviewer: Caller, photo: Photo, made: dict[str, Any], way: str) -> None:
    if way == "revoked":
        content(reviewer.post(f"/photo-shares/{made['id']}/revocation"))
    elif way == "withdrawn":
        content(inspector.post(f"/photos/{photo.id}/withdrawal", {"reason": "a face"}))
    elif way == "expired":
        session.execute(sa.update(PhotoShare).values(expires_at=clock.now() - timedelta(seconds=1)))
    elif way == "image destroyed":
        session.execute(sa.update(Image).values(destroyed_at=clock.now()))
    elif way == "previews gone":
        storage.delete(preview_key(inspector.actor.organisation_id, photo.image_id, 1600))  # type: ignore[arg-type]
    else:
        session.execute(sa.update(Photo).values(state=PhotoState(way), rejection="damaged"))
    session.flush()


@pytest.mark.parametrize("token", ["x", "dwr_p_", "DWR_P_{0}", "{0}x", "{0}%00", "%00", "..", "dwr_p_%ff%fe", "dwr_p_" + "é" * 300, "' OR 1=1 --", "{1}"])
def test_what_is_no_link_is_none(reviewer: Caller, photo: Photo, token: str) -> None:
    secret = shared(reviewer, photo)["url"].rpartition("/")[2]
    other = hashlib.sha256(secret.encode()).hexdigest()
    not_shared(opened(reviewer.client, token.replace("{0}", secret).replace("{1}", other)))


def test_to_a_browser_the_refusal_is_a_page_in_the_language_of_its_reader(api: FlaskClient) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    for language, words in (("nl", "Deze link is onbekend, verlopen of ingetrokken."), ("en", "This link is unknown, has expired or was revoked.")):
        page = api.get("/shared/photos/x", headers={"Accept": accept, "Accept-Language": language})
        assert (page.status_code, page.mimetype) == (404, "text/html")
        assert words in page.text
    assert api.get("/shared/photos/x", headers={"Accept": "image/avif,image/*,*/*;q=0.8"}).mimetype == "application/problem+json"
    for path in ("/shared/photos/", "/shared/photos", "/shared/photos/x/y"):
        assert api.get(path).status_code == 404


def test_nothing_can_be_done_with_a_link_but_look(reviewer: Caller, photo: Photo) -> None:
    made = shared(reviewer, photo)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert opened(reviewer.client, made, method=method).status_code in (403, 405)
    secret = made["url"].rpartition("/")[2]
    for path in (f"/photos/{photo.id}", f"/photos/{photo.id}/original", "/me"):
        refused(reviewer.client.get(f"/v1{path}", headers={"Authorization": f"Bearer {secret}", "Accept-Language": "en"}), 401, "not-authenticated")


def test_revoking_again_changes_nothing_and_colleagues_may(session: Session, reviewer: Caller, photo: Photo) -> None:
    made = shared(reviewer, photo)
    colleague = a_caller(reviewer.client, "reviewer", reviewer.organisation)
    first, second = (content(each.post(f"/photo-shares/{made['id']}/revocation")) for each in (colleague, reviewer))
    assert first == second
    assert first["revokedAt"] is not None
    assert [action for action, *_ in lines(session, photo)] == ["photo.shared", "photo.share-revoked"]
    refused(reviewer.post(f"/photo-shares/{uuid4()}/revocation"), 404, "not-found")


def test_who_shares_and_who_sees_what_was_shared(
    session: Session, reviewer: Caller, inspector: Caller, municipality: Caller, other_municipality: Caller, auditor: Caller, photo: Photo
) -> None:
    path = f"/photos/{photo.id}/shares"
    made = [shared(each, photo) for each in (reviewer, municipality)]
    ids = [each["id"] for each in made]
    for caller in (reviewer, municipality, auditor):
        assert [each["id"] for each in content(caller.get(path))["items"]] == ids
    refused(inspector.get(path), 403, "not-allowed")
    for caller in (inspector, auditor, a_caller(reviewer.client, "administrator")):
        refused(caller.post(path, a_share()), 403, "not-allowed")
        refused(caller.post(f"/photo-shares/{ids[0]}/revocation"), 403, "not-allowed")
    for caller in (other_municipality, a_caller(reviewer.client, "reviewer")):
        refused(caller.post(path, a_share()), 404, "not-found")
        refused(caller.get(path), 404, "not-found")
        refused(caller.post(f"/photo-shares/{ids[0]}/revocation"), 404, "not-found")
    assert opened(reviewer.client, made[0]).status_code == 200
    refused(Caller(auditor.client, auditor.token).get(path), 400, "reason-required", ("Reason", "reason-required"))


def test_shares_come_in_pages(reviewer: Caller, photo: Photo) -> None:
    ids = [shared(reviewer, photo)["id"] for _ in range(3)]
    first = content(reviewer.get(f"/photos/{photo.id}/shares?limit=2"))
    second = content(reviewer.get(f"/photos/{photo.id}/shares?limit=2&cursor={first['next']}"))
    assert [each["id"] for each in (*first["items"], *second["items"])] == ids
    assert second["next"] is None


def test_only_what_has_a_copy_can_be_shared(session: Session, reviewer: Caller, inspection: Inspection) -> None:
    def refusal(photo: Photo, status: int, code: str) -> None:
        refused(reviewer.post(f"/photos/{photo.id}/shares", a_share()), status, code)

    refusal(a_kept_photo(session, inspection, b"1"), 404, "preview-not-there-yet")
    refusal(a_kept_photo(session, inspection, b"2", previews=PreviewState.UNAVAILABLE), 404, "preview-unavailable")
    refusal(a_kept_photo(session, inspection, b"3", state=PhotoState.REJECTED, rejection="damaged", previews=PreviewState.MADE), 404, "preview-unavailable")
    refusal(makers.a_photo(session, inspection), 409, "photo-bytes-missing")
    refusal(makers.a_photo(session, inspection, state=PhotoState.DESTROYED), 410, "photo-gone")


def lines(session: Session, photo: Photo) -> list[tuple[str, str, dict[str, Any]]]:
    reload(session)
    query = sa.select(AuditLine.action, AuditLine.role, AuditLine.details).where(AuditLine.subject_id == str(photo.id)).order_by(AuditLine.id)
    return [tuple(row) for row in session.execute(query)]


def test_every_look_leaves_a_line_that_says_by_which_link(session: Session, reviewer: Caller, auditor: Caller, photo: Photo) -> None:
    made = shared(reviewer, photo)
    opened(reviewer.client, made, **{"X-Request-Id": "request-of-a-stranger"})
    opened(reviewer.client, made, method="HEAD")
    opened(reviewer.client, "dwr_p_nothing")
    reviewer.get(f"/photos/{photo.id}/shares")
    by_link = {"shareId": made["id"]}
    assert lines(session, photo) == [
        ("photo.shared", "reviewer", {**by_link, "reason": made["reason"], "expiresAt": lines(session, photo)[0][2]["expiresAt"]}),
        ("photo.share-read", "anyone", by_link),
        ("photo.share-read", "anyone", by_link),
        ("photo.shares-read", "reviewer", {"query": ""}),
    ]
    look = content(auditor.get("/audit?requestId=request-of-a-stranger"))["items"][0]
    assert (look["personId"], look["organisationId"], look["reason"]) == ("00000000-0000-0000-0000-000000000000", None, None)
    assert len(look["traceId"]) == 32
    assert look["id"] in [line["id"] for line in content(reviewer.get(f"/audit?subjectKind=photo&subjectId={photo.id}"))["items"]]


def test_the_look_is_in_the_processing_log_or_nothing_is_shown(reviewer: Caller, photo: Photo, inspection: Inspection, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shared(reviewer, photo)
    logged: list[tuple[Any, ...]] = []
    monkeypatch.setattr(processing, "log_processing", lambda activity, subjects, *, status, **_: logged.append((activity, set(subjects), status)))
    assert opened(reviewer.client, made).status_code == 200
    assert logged == [(Activity.PHOTOS_SHARED, {inspection.dwelling_id}, Status.OK)]

    def unavailable(*_: object, **__: object) -> None:
        raise Unavailable(retry_after_s=5)

    monkeypatch.setattr(processing, "log_processing", unavailable)
    response = opened(reviewer.client, made)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_without_the_line_of_the_audit_log_nothing_is_shown(session: Session, reviewer: Caller, photo: Photo) -> None:
    """The function that knows the link writes the line: there is no way to the one without the other."""
    made = shared(reviewer, photo)
    refuse = "CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$"
    session.execute(sa.text(refuse))
    session.execute(sa.text("CREATE TRIGGER refuse_all BEFORE INSERT ON audit_line FOR EACH ROW EXECUTE FUNCTION refuse_all()"))
    assert opened(reviewer.client, made).status_code == 503


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(limits, "_address_rate", lambda: parse("3/minute"))
    limits.addresses.clear()
    yield
    limits.addresses.clear()


def test_an_address_opens_so_many_links_and_then_waits(reviewer: Caller, photo: Photo, limited: None) -> None:
    made = shared(reviewer, photo)
    statuses = [opened(reviewer.client, each).status_code for each in (made, "dwr_p_x", made, made, "dwr_p_x")]
    assert statuses == [200, 404, 200, 429, 429]


def a_photo_with_exif() -> bytes:
    exif = Picture.Exif()
    exif[ExifTags.Base.Model] = "Pixel 9"
    exif[ExifTags.Base.ImageDescription] = "Schimmel in de slaapkamer"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:03:01 10:00:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (50.0, 54.0, 0.0)
    file = io.BytesIO()
    Picture.effect_noise((2000, 1500), 60).convert("RGB").save(file, "JPEG", exif=exif, comment=b"Schimmel in de slaapkamer")
    return file.getvalue()


def test_what_is_shared_holds_nothing_but_the_image(session: Session, reviewer: Caller, inspection: Inspection) -> None:
    """From the bytes of a phone, through the register's own worker, to whoever has the link."""
    data = a_photo_with_exif()
    assert b"Pixel 9" in data
    photo = a_kept_photo(session, inspection, data, state=PhotoState.STORED, examined_at=None, content_type=None)
    database.role = WORKER_ROLE
    try:
        examine.examine(photo.image_id)  # type: ignore[arg-type]
    finally:
        database.role = API_ROLE
    reload(session)
    copy = opened(reviewer.client, shared(reviewer, photo)).data
    assert [said for said in (b"Pixel", b"Schimmel", b"2026", b"Exif", b"http:") if said in copy] == []
    with Picture.open(io.BytesIO(copy)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == 1600
        assert dict(image.getexif()) == {}
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "icc_profile", "progressive", "progression"}


def test_the_audit_log_with_strangers_in_it_is_whole(session: Session, reviewer: Caller, photo: Photo) -> None:
    opened(reviewer.client, shared(reviewer, photo))
    flaws: list[object] = []
    verify(session, report=flaws.append, progress=lambda *_: None)
    assert flaws == []
