"""The bytes of photos over HTTP, from a real S3 server: whole, in parts, conditionally, as links; and that every look leaves a line."""

import base64
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image as Picture
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api import addresses, processing
from api.headers import SECURITY_HEADERS
from api.photo_files import part
from registry import storage
from registry.audit.model import AuditLine
from registry.errors import Unavailable
from registry.inspections.model import Inspection
from registry.photos.model import ContentType, Image, Photo, PhotoState, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from registry.settings import settings
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused, reload

pytestmark = pytest.mark.usefixtures("bucket")
DATA = os.urandom(300_000)
"""More than a step, and no multiple of one."""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def a_kept_photo(session: Session, inspection: Inspection, data: bytes = DATA, *, state: PhotoState = PhotoState.READY, **of_image: Any) -> Photo:
    """A photo whose bytes are in the store."""
    key = f"media/{uuid4()}"
    storage.store(key, io.BytesIO(data), size_bytes=len(data), content_type="image/jpeg")
    return makers.a_photo_of(session, inspection, data, state=state, object_key=key, **of_image)


def a_previewed_photo(session: Session, inspection: Inspection) -> Photo:
    photo = a_kept_photo(session, inspection, previews=PreviewState.MADE)
    for size in PREVIEW_SIZES_PX:
        data = a_preview(size)
        key = preview_key(inspection.organisation_id, photo.image_id, size)  # type: ignore[arg-type]
        storage.store(key, io.BytesIO(data), size_bytes=len(data), content_type="image/jpeg")
    return photo


def a_preview(size_px: int) -> bytes:
    file = io.BytesIO()
    Picture.new("RGB", (size_px, size_px * 3 // 4), "teal").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    return makers.an_inspection(session, inspector.actor)


@pytest.fixture
def photo(session: Session, inspection: Inspection) -> Photo:
    return a_kept_photo(session, inspection)


def original(caller: Caller, photo: Photo, *, method: str = "GET", **headers: str) -> TestResponse:
    return caller.send(method, f"/photos/{photo.id}/original", **headers)


def preview(caller: Caller, photo: Photo, size_px: int = 320, **headers: str) -> TestResponse:
    return caller.get(f"/photos/{photo.id}/previews/{size_px}", **headers)


def test_the_original_comes_byte_by_byte_as_a_download(inspector: Caller, photo: Photo) -> None:
    response = original(inspector, photo)
    assert (response.status_code, response.data) == (200, DATA)
    digest = hashlib.sha256(DATA)
    expected = {
        "Content-Type": "image/jpeg",
        "Content-Length": str(len(DATA)),
        "Content-Disposition": f'attachment; filename="{photo.id}.jpg"',
        "ETag": f'"{digest.hexdigest()}"',
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    assert {name: response.headers.get(name) for name in expected} == expected
    assert "Content-Range" not in response.headers
    assert set(SECURITY_HEADERS) <= set(response.headers.keys())


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=299999-", 299_999, 299_999),
        ("bytes=299999-299999", 299_999, 299_999),
        ("bytes=-1", 299_999, 299_999),
        ("bytes=-500", 299_500, 299_999),
        ("bytes=-999999", 0, 299_999),
        ("bytes=1000-", 1000, 299_999),
        ("bytes=65535-65536", 65_535, 65_536),
        ("bytes=299990-99999999999999", 299_990, 299_999),
        ("bytes=0-", 0, 299_999),
        ("BYTES= 5-9 ", 5, 9),
    ],
)
def test_a_part_is_that_part(inspector: Caller, photo: Photo, asked: str, first: int, last: int) -> None:
    response = original(inspector, photo, Range=asked)
    assert response.status_code == 206
    assert response.data == DATA[first : last + 1]
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/300000"
    assert response.headers["Content-Length"] == str(last - first + 1)
    whole = original(inspector, photo).headers
    for name in ("ETag", "Repr-Digest", "Content-Type", "Content-Disposition", "Content-Security-Policy"):
        assert response.headers[name] == whole[name]


@pytest.mark.parametrize("asked", ["bytes=300000-", "bytes=300000-300001", "bytes=999999999999-", "bytes=-0"])
def test_a_part_beyond_the_end_is_not_there(inspector: Caller, photo: Photo, asked: str) -> None:
    response = original(inspector, photo, Range=asked)
    refused(response, 416, "range-not-satisfiable")
    assert response.headers["Content-Range"] == "bytes */300000"


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=1-2,4-5",
        "bytes=0-1,",
        "items=0-1",
        "bytes=+1-2",
        "bytes=٠-١",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_what_asks_for_no_one_part_gets_the_whole(inspector: Caller, photo: Photo, asked: str) -> None:
    response = original(inspector, photo, Range=asked.encode().decode("latin-1"))
    assert (response.status_code, response.data) == (200, DATA)


def test_a_download_that_broke_off_is_gone_on_with(inspector: Caller, photo: Photo) -> None:
    begun = original(inspector, photo, Range="bytes=0-123455")
    rest = original(inspector, photo, Range="bytes=123456-", If_Range=begun.headers["ETag"])
    assert rest.status_code == 206
    assert begun.data + rest.data == DATA


@pytest.mark.parametrize("known", ['"another"', "W/{tag}", "Tue, 24 Nov 2026 12:00:00 GMT", "x", "{tag}x", ""])
def test_who_has_the_beginning_of_another_file_gets_the_whole(inspector: Caller, photo: Photo, known: str) -> None:
    tag = original(inspector, photo, method="HEAD").headers["ETag"]
    response = original(inspector, photo, Range="bytes=10-", If_Range=known.replace("{tag}", tag))
    assert (response.status_code, response.data) == (200, DATA)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"another", {tag}', "*"])
def test_what_the_caller_has_is_not_sent_again(inspector: Caller, photo: Photo, known: str, method: str) -> None:
    tag = original(inspector, photo, method="HEAD").headers["ETag"]
    response = original(inspector, photo, method=method, If_None_Match=known.replace("{tag}", tag), Range="bytes=0-1")
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", tag)
    assert "Content-Length" not in response.headers
    assert original(inspector, photo, If_None_Match='"another"').status_code == 200


@pytest.mark.parametrize("path", ["original", "previews/320"])
def test_head_says_what_get_says_without_a_body(session: Session, inspector: Caller, inspection: Inspection, path: str) -> None:
    photo = a_previewed_photo(session, inspection)
    got, asked = (inspector.send(method, f"/photos/{photo.id}/{path}", X_Request_Id="the-same-for-both") for method in ("GET", "HEAD"))
    assert asked.data == b""
    assert dict(asked.headers) == dict(got.headers)
    ranged = inspector.send("HEAD", f"/photos/{photo.id}/{path}", Range="bytes=0-0", X_Request_Id="the-same-for-both")
    assert (ranged.status_code, dict(ranged.headers)) == (200, dict(got.headers))


@pytest.mark.parametrize("size_px", PREVIEW_SIZES_PX)
def test_a_preview_is_shown_in_place(session: Session, inspector: Caller, inspection: Inspection, size_px: int) -> None:
    photo = a_previewed_photo(session, inspection)
    response = preview(inspector, photo, size_px)
    assert (response.status_code, response.data) == (200, a_preview(size_px))
    assert response.content_type == "image/jpeg"
    assert response.headers["Content-Disposition"] == f'inline; filename="{photo.id}-{size_px}.jpg"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    tag = response.headers["ETag"]
    assert tag == f'"{hashlib.sha256(a_preview(size_px)).hexdigest()}"'
    assert preview(inspector, photo, size_px, If_None_Match=tag).status_code == 304
    assert preview(inspector, photo, size_px, Range="bytes=-10", If_Range=tag).data == a_preview(size_px)[-10:]
    assert preview(inspector, photo, 1920 - size_px).headers["ETag"] != tag


def test_there_are_two_sizes(inspector: Caller, photo: Photo) -> None:
    for size in ("", "0", "319", "0320", "1600x", "-320"):
        refused(inspector.get(f"/photos/{photo.id}/previews/{size}"), 404, "no-such-page")


def test_a_preview_that_is_to_be_made_says_when_to_come_back(inspector: Caller, photo: Photo) -> None:
    response = preview(inspector, photo)
    problem = refused(response, 404, "preview-not-there-yet")
    assert response.headers["Retry-After"] in problem["detail"]


def test_a_preview_that_can_not_be_made_is_called_so(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_kept_photo(session, inspection, previews=PreviewState.UNAVAILABLE)
    refused(preview(inspector, photo), 404, "preview-unavailable")
    assert original(inspector, photo).status_code == 200


def test_nothing_is_there_before_the_bytes_are(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = makers.a_photo(session, inspection)
    for path in ("original", "previews/1600", "links"):
        refused(inspector.get(f"/photos/{photo.id}/{path}"), 409, "photo-bytes-missing")


def test_what_was_withdrawn_is_gone_for_everybody_at_once(session: Session, inspector: Caller, inspection: Inspection, auditor: Caller) -> None:
    photo = a_previewed_photo(session, inspection)
    assert preview(inspector, photo).status_code == 200
    tag = original(inspector, photo).headers["ETag"]
    content(inspector.post(f"/photos/{photo.id}/withdrawal", {"reason": "a face"}))
    for caller in (inspector, auditor):
        for path in ("original", "previews/1600", "previews/320", "links"):
            refused(caller.get(f"/photos/{photo.id}/{path}", If_None_Match=tag), 410, "photo-gone")


def test_what_was_destroyed_while_it_was_looked_up_is_gone(session: Session, inspector: Caller, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    def destroyed(*_: object, **__: object) -> None:
        session.execute(sa.update(Photo).values(state=PhotoState.DESTROYED))
        raise FileNotFoundError

    monkeypatch.setattr(storage, "opened", destroyed)
    refused(original(inspector, photo), 410, "photo-gone")


def test_what_the_store_has_lost_is_a_mistake_of_ours(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_previewed_photo(session, inspection)
    storage.delete(session.get_one(Image, photo.image_id).object_key)
    storage.delete(preview_key(inspection.organisation_id, photo.image_id, 320))  # type: ignore[arg-type]
    refused(original(inspector, photo), 500, "internal-error")
    refused(preview(inspector, photo), 500, "internal-error")


@pytest.mark.parametrize("data", [SVG, b"<html><script>alert(1)</script></html>", b"GIF89a<script>", b"%PDF-1.7", b"PK\3\4"])
@pytest.mark.parametrize("declared", [ContentType.JPEG, None])
def test_what_is_no_image_is_a_download_of_no_kind_and_has_no_preview(
    session: Session, inspector: Caller, inspection: Inspection, data: bytes, declared: ContentType | None
) -> None:
    photo = a_kept_photo(session, inspection, data, state=PhotoState.REJECTED, rejection="not-an-image", content_type=declared)
    response = original(inspector, photo)
    assert (response.status_code, response.data, response.content_type) == (200, data, "application/octet-stream")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{photo.id}.bin"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    refused(preview(inspector, photo), 404, "preview-unavailable")


def test_what_is_not_examined_yet_is_a_download_of_no_kind(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_kept_photo(session, inspection, SVG, state=PhotoState.STORED, examined_at=None, content_type=None)
    assert original(inspector, photo).content_type == "application/octet-stream"


@pytest.mark.parametrize("kind", ContentType)
def test_a_file_is_named_by_what_it_turned_out_to_be(session: Session, inspector: Caller, inspection: Inspection, kind: ContentType) -> None:
    """It was declared as a JPEG."""
    response = original(inspector, a_kept_photo(session, inspection, kind.value.encode(), content_type=kind), Accept="image/*")
    assert response.content_type == kind.value
    assert response.headers["Content-Disposition"].endswith(f'.{kind.value.removeprefix("image/").replace("jpeg", "jpg")}"')


@pytest.mark.parametrize("accept", ["image/jpeg", "image/avif,image/webp,image/*,*/*;q=0.8", "image/*", "*/*"])
def test_an_image_can_be_asked_for_where_there_is_one(session: Session, inspector: Caller, inspection: Inspection, accept: str) -> None:
    assert preview(inspector, a_previewed_photo(session, inspection), Accept=accept).status_code == 200
    refused(inspector.get("/me", Accept="image/jpeg"), 406, "not-acceptable")


@pytest.mark.parametrize("path", ["original", "previews/320", "links"])
def test_who_does_not_see_the_photo_does_not_see_its_bytes(
    session: Session, inspector: Caller, inspection: Inspection, administrator: Caller, nobody: Caller, path: str
) -> None:
    photo = a_previewed_photo(session, inspection)
    url = f"/photos/{photo.id}/{path}"
    assert inspector.get(url).status_code == 200
    assert a_caller(inspector.client, "reviewer", inspector.organisation).get(url).status_code == 200
    for role, organisation in (("inspector", inspector.organisation), ("inspector", None), ("reviewer", None), ("corporation-editor", None)):
        refused(a_caller(inspector.client, role, organisation).get(url), 404, "not-found")
    refused(administrator.get(url), 403, "not-allowed")
    refused(nobody.get(url), 401, "not-authenticated")


def looks(session: Session, photo: Photo) -> list[tuple[str, str | None, dict[str, Any]]]:
    reload(session)
    query = sa.select(AuditLine.action, AuditLine.reason, AuditLine.details).where(AuditLine.subject_id == str(photo.id)).order_by(AuditLine.id)
    return [tuple(row) for row in session.execute(query)]


def test_every_look_leaves_a_line_also_at_a_part_and_at_what_did_not_change(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_previewed_photo(session, inspection)
    tag = original(inspector, photo).headers["ETag"]
    original(inspector, photo, Range="bytes=5-")
    original(inspector, photo, If_None_Match=tag)
    original(inspector, photo, method="HEAD")
    preview(inspector, photo, 1600)
    inspector.get(f"/photos/{photo.id}/links")
    assert looks(session, photo) == [
        ("photo.original-read", None, {"query": ""}),
        ("photo.original-read", None, {"query": "", "range": "bytes=5-"}),
        ("photo.original-read", None, {"query": ""}),
        ("photo.original-read", None, {"query": ""}),
        ("photo.preview-read", None, {"query": "", "size": "1600"}),
        ("photo.links-read", None, {"query": ""}),
    ]


def test_an_auditor_says_why(session: Session, inspector: Caller, photo: Photo, auditor: Caller) -> None:
    for path in ("original", "previews/320", "links"):
        refused(replace(auditor, headers={}).get(f"/photos/{photo.id}/{path}"), 400, "reason-required", ("Reason", "reason-required"))
    assert looks(session, photo) == []
    assert original(auditor, photo).data == DATA
    assert looks(session, photo) == [("photo.original-read", "a test", {"query": ""})]


def test_without_a_line_nothing_is_shown(inspector: Caller, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither without the one in the audit log nor without the one in the processing log, and the object store is let go of."""
    held: list[str] = []

    def unavailable(*_: object, **__: object) -> None:
        raise Unavailable(retry_after_s=5)

    @contextmanager
    def noted(*given: Any, **more: Any) -> Iterator[BinaryIO]:
        held.append("opened")
        with find(*given, **more) as source:
            yield source
        held.append("closed")

    find = storage.opened
    monkeypatch.setattr(storage, "opened", noted)
    with monkeypatch.context() as context:
        context.setattr("api.routes.audit.record", unavailable)
        refused(original(inspector, photo), 503, "unavailable")
        assert held == []
    monkeypatch.setattr(processing, "log_processing", unavailable)
    refused(original(inspector, photo), 503, "unavailable")
    assert held == ["opened", "closed"]


def test_links_lead_to_the_bytes_without_a_token_for_a_quarter_of_an_hour(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_previewed_photo(session, inspection)
    links = content(inspector.get(f"/photos/{photo.id}/links"))
    assert [link["sizePx"] for link in links["previews"]] == list(PREVIEW_SIZES_PX)
    for link, data, name in (
        (links["original"], DATA, f"{photo.id}.jpg"),
        *((link, a_preview(link["sizePx"]), f"{photo.id}-{link['sizePx']}.jpg") for link in links["previews"]),
    ):
        assert link["needsSignIn"] is False
        assert "X-Amz-Expires=900&" in link["url"]
        got = httpx.get(link["url"])
        assert (got.content, got.headers["Content-Type"]) == (data, "image/jpeg")
        assert got.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
        assert httpx.get(link["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0")).status_code == 403
        assert httpx.get(link["url"].replace("octet-stream", "x").replace("image%2Fjpeg", "text%2Fhtml")).status_code == 403


def test_before_there_are_previews_the_link_to_the_original_is_all_there_is(session: Session, inspector: Caller, photo: Photo, inspection: Inspection) -> None:
    assert content(inspector.get(f"/photos/{photo.id}/links"))["previews"] == []
    other = a_kept_photo(session, inspection, SVG, state=PhotoState.REJECTED, rejection="not-an-image", previews=PreviewState.AWAITED)
    links = content(inspector.get(f"/photos/{other.id}/links"))
    assert links["previews"] == []
    assert httpx.get(links["original"]["url"]).headers["Content-Type"] == "application/octet-stream"


def test_a_store_that_the_caller_does_not_reach_is_not_linked_to(session: Session, inspector: Caller, inspection: Inspection) -> None:
    photo = a_previewed_photo(session, inspection)
    links = content(inspector.get(f"/photos/{photo.id}/links", Host="register.example.nl"))
    for link in (links["original"], *links["previews"]):
        assert (link["needsSignIn"], link["expiresAt"]) == (True, None)
        path = link["url"].removeprefix("https://register.example.nl/v1")
        assert inspector.get(path).status_code == 200
    assert len(links["previews"]) == 2


@pytest.mark.parametrize(
    ("store", "host", "within"),
    [
        ("http://127.0.0.1:9000", "localhost:8000", True),
        ("http://127.0.0.1:9000", "127.0.0.1", True),
        ("http://localhost:9000", "[::1]:8000", True),
        ("http://[::1]:9000", "register.example.nl", False),
        ("http://127.0.0.1:9000", "192.168.1.4:8000", False),
        ("http://127.0.0.1:9000", "", False),
        ("https://photos.example.nl", "register.example.nl", True),
        ("http://192.168.1.4:9000", "192.168.1.4:8000", True),
    ],
)
def test_the_store_is_within_reach_unless_it_is_on_loopback_and_the_caller_is_not(
    monkeypatch: pytest.MonkeyPatch, application: Flask, store: str, host: str, within: bool
) -> None:
    config = replace(settings(), s3_public_endpoint=store)
    monkeypatch.setattr(addresses, "settings", lambda: config)
    with application.test_request_context(headers={"Host": host}):
        assert addresses.store_within_reach() is within


@pytest.mark.parametrize(("asked", "found"), [("bytes=0-0", (0, 0)), ("bytes=-5", (0, 0)), ("bytes=0-", (0, 0))])
def test_a_part_of_a_single_byte_is_that_byte(asked: str, found: tuple[int, int]) -> None:
    assert part(asked, 1) == found
