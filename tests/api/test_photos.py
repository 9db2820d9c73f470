"""Photos over HTTP, with their bytes sent to a real S3 server."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from registry import storage
from registry.inspections.model import Inspection
from registry.messages import TEXTS
from registry.photos.model import Photo, PhotoState
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    return makers.an_inspection(session, inspector.actor)


def some_bytes() -> bytes:
    return b"\xff\xd8" + uuid4().bytes * 64


def a_declaration(inspection: Inspection, data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "inspectionId": str(inspection.id),
        "question": "mould",
        "sha256": hashlib.sha256(data).hexdigest(),
        "sizeBytes": len(data),
        "contentType": "image/jpeg",
        **more,
    }


def declared(caller: Caller, *items: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = content(caller.post("/uploads/batch", {"items": list(items)}))["results"]
    return results


def put(instruction: dict[str, Any], data: bytes, *, without: str = "") -> int:
    headers = {name: value for name, value in instruction["headers"].items() if name not in (without, "Content-Length")}
    return httpx.put(instruction["url"], content=data, headers=headers).status_code


def test_a_photo_arrives(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data, takenAt="2026-03-01T10:00:00Z", longitude=5.98, latitude=50.9, caption="Schimmel")
    (result,) = declared(inspector, item)
    assert (result["outcome"], result["state"]) == ("created", "declared")
    assert result["put"]["expiresAt"].endswith("Z")
    assert put(result["put"], data) == 200
    stored = content(inspector.post(f"/uploads/{item['id']}/complete"))
    assert stored.items() >= {**item, "state": "stored", "rejection": None}.items()
    assert content(inspector.get(f"/photos/{item['id']}")) == stored


def test_completing_twice_changes_nothing(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    put(declared(inspector, item)[0]["put"], data)
    complete = f"/uploads/{item['id']}/complete"
    first = inspector.post(complete)
    second = inspector.post(complete)
    assert content(second) == content(first)
    assert second.headers["ETag"] == first.headers["ETag"]
    assert declared(inspector, item)[0] == {"outcome": "unchanged", "id": item["id"], "errors": [], "state": "stored", "resume": None, "put": None}


def test_many_photos_are_reported_complete_at_once(inspector: Caller, inspection: Inspection, session: Session) -> None:
    photos = [(a_declaration(inspection, data), data) for data in (some_bytes() for _ in range(4))]
    twin, stranger = a_declaration(inspection, photos[0][1], question="overall-photo"), str(uuid4())
    results = declared(inspector, *(item for item, _ in photos), twin)
    for (item, data), result in zip([*photos[:3], (twin, photos[0][1])], [*results[:3], results[4]], strict=True):
        assert put(result["put"], data) == 200, item
    content(inspector.post(f"/photos/{photos[2][0]['id']}/withdrawal", {"reason": "Mislukt"}))
    ids = [item["id"] for item, _ in photos] + [twin["id"], stranger]
    for _ in range(2):
        answers = content(inspector.post("/uploads/complete", {"photoIds": ids}))["results"]
        assert [(answer["id"], answer["state"]) for answer in answers] == list(
            zip(ids, ["stored", "stored", "withdrawn", "declared", "stored", None], strict=True)
        )
        faults = [[(fault["pointer"], fault["code"]) for fault in answer["errors"]] for answer in answers]
        assert faults == [[], [], [], [("/photoIds/3", "photo-bytes-missing")], [], [("/photoIds/5", "not-found")]]
    images = [session.get_one(Photo, id).image_id for id in ids[:5]]
    assert images[0] == images[4] != images[1]
    other = a_caller(inspector.client, "inspector", inspector.organisation)
    assert [answer["state"] for answer in content(other.post("/uploads/complete", {"photoIds": ids}))["results"]] == [None] * 6


def test_nothing_is_complete_before_its_bytes(inspector: Caller, inspection: Inspection) -> None:
    item = a_declaration(inspection, some_bytes())
    declared(inspector, item)
    refused(inspector.post(f"/uploads/{item['id']}/complete"), 409, "photo-bytes-missing")
    refused(inspector.post(f"/uploads/{uuid4()}/complete"), 404, "not-found")


def test_the_store_refuses_other_bytes(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    instruction = declared(inspector, item)[0]["put"]
    assert 400 <= put(instruction, data[::-1]) < 500
    assert 400 <= put(instruction, data + b"x") < 500
    assert 400 <= put(instruction, data[:-1]) < 500
    assert 400 <= put(instruction, b"") < 500
    refused(inspector.post(f"/uploads/{item['id']}/complete"), 409, "photo-bytes-missing")
    assert put(instruction, data) == 200


@pytest.mark.parametrize("without", ["If-None-Match", "x-amz-checksum-sha256", "Content-Type"])
def test_the_store_refuses_a_put_without_a_signed_header(inspector: Caller, inspection: Inspection, without: str) -> None:
    data = some_bytes()
    instruction = declared(inspector, a_declaration(inspection, data))[0]["put"]
    assert put(instruction, data, without=without) == 403


def test_bytes_are_stored_once(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    instruction = declared(inspector, item)[0]["put"]
    assert [put(instruction, data), put(instruction, data)] == [200, 412]
    assert content(inspector.post(f"/uploads/{item['id']}/complete"))["state"] == "stored"


def test_a_photo_is_declared_with_one_content(inspector: Caller, inspection: Inspection) -> None:
    item = a_declaration(inspection, some_bytes())
    first, again, other = declared(inspector, item)[0], declared(inspector, item)[0], declared(inspector, {**item, "caption": "x"})[0]
    assert (first["outcome"], again["outcome"], other["outcome"]) == ("created", "unchanged", "refused")
    assert again["put"]["headers"] == first["put"]["headers"]
    assert [fault["code"] for fault in other["errors"]] == ["photo-declared-otherwise"]
    assert (other["state"], other["put"]) == (None, None)


def test_each_photo_of_a_batch_is_judged_by_itself(inspector: Caller, inspection: Inspection) -> None:
    good, twice = a_declaration(inspection, some_bytes()), a_declaration(inspection, some_bytes())
    nowhere = a_declaration(inspection, some_bytes(), inspectionId=str(uuid4()))
    odd = a_declaration(inspection, some_bytes(), question="nonsense", longitude=0, latitude=0)
    half = a_declaration(inspection, some_bytes(), longitude=5.9)
    faults = [[(fault["pointer"], fault["code"]) for fault in result["errors"]] for result in declared(inspector, good, twice, twice, nowhere, odd, half)]
    assert faults == [
        [],
        [("/items/1/id", "repeated")],
        [("/items/2/id", "repeated")],
        [("/items/3/inspectionId", "no-such-reference")],
        [("/items/4/question", "unknown-question"), ("/items/4/longitude", "position-outside")],
        [("/items/5/latitude", "required")],
    ]


def test_all_faults_of_shape_come_together(inspector: Caller) -> None:
    body = {"items": [{"sha256": "AB", "sizeBytes": 33554433, "contentType": "image/gif", "takenAt": "yesterday", "longitude": 181, "caption": ""}]}
    names = {
        "id": "required",
        "inspectionId": "required",
        "question": "required",
        "sha256": "wrong-form",
        "sizeBytes": "too-big",
        "contentType": "not-one-of",
        "takenAt": "not-a-moment",
        "longitude": "too-big",
        "caption": "too-short",
    }
    (result,) = content(inspector.post("/uploads/batch", body))["results"]
    assert {fault["pointer"]: fault["code"] for fault in result["errors"]} == {f"/items/0/{name}": code for name, code in names.items()}
    assert (result["outcome"], result["put"]) == ("refused", None)
    refused(
        inspector.post("/uploads/batch", {"items": [{}] * 101}).json and inspector.post("/uploads/batch", {"items": []}),
        400,
        "invalid-input",
        ("/items", "too-short"),
    )


def test_an_inspector_declares_only_for_her_own_work(inspector: Caller, inspection: Inspection, reviewer: Caller) -> None:
    item = a_declaration(inspection, some_bytes())
    (result,) = declared(a_caller(inspector.client, "inspector", inspector.organisation), item)
    assert result["errors"][0]["pointer"] == "/items/0/inspectionId"
    refused(reviewer.post("/uploads/batch", {"items": [item]}), 403, "not-allowed")
    declared(inspector, item)
    refused(a_caller(inspector.client, "inspector", inspector.organisation).get(f"/photos/{item['id']}"), 404, "not-found")


def test_the_receipt_says_what_has_arrived(inspector: Caller, inspection: Inspection) -> None:
    path = f"/inspections/{inspection.id}"
    before = content(inspector.get(f"{path}/receipt"))
    assert (before["complete"], before["photos"], before["status"]) == (False, [], "planned")
    content(inspector.put(path, {"answers": {"mould": "spots", "mould-rooms": ["kitchen"]}, "visitOutcome": "done"}, version=1))
    missing = [(fault["pointer"], fault["code"]) for fault in content(inspector.get(f"{path}/receipt"))["missing"]]
    assert missing == [("/answers/mould", "photos-missing"), ("/answers/overall-photo", "photos-missing")]

    data = some_bytes()
    items = [a_declaration(inspection, data), a_declaration(inspection, data, question="overall-photo")]
    instructions = [result["put"] for result in declared(inspector, *items)]
    awaited = content(inspector.get(f"{path}/receipt"))
    assert (awaited["awaited"], awaited["stored"], awaited["missing"]) == (2, 0, [])
    for item, instruction in zip(items, instructions, strict=True):
        assert put(instruction, data) == 200
        content(inspector.post(f"/uploads/{item['id']}/complete"))
    after = content(inspector.get(f"{path}/receipt"))
    assert (after["awaited"], after["stored"], after["complete"]) == (0, 2, False)
    assert {photo["state"] for photo in after["photos"]} == {"stored"}


def test_a_receipt_is_complete_when_all_is_submitted_and_stored(inspector: Caller, inspection: Inspection) -> None:
    path = f"/inspections/{inspection.id}"
    content(inspector.put(path, {"answers": {}, "visitOutcome": "nobody-home"}, version=1))
    content(inspector.post(f"{path}/submission"))
    assert content(inspector.get(f"{path}/receipt"))["complete"] is True
    refused(inspector.get(f"/inspections/{uuid4()}/receipt"), 404, "not-found")


@pytest.mark.parametrize("role", ["inspector", "reviewer"])
def test_each_look_at_a_photo_leaves_a_line_also_in_a_receipt(session: Session, inspector: Caller, inspection: Inspection, auditor: Caller, role: str) -> None:
    photo = makers.a_photo(session, inspection, caption="In de keuken")
    caller = inspector if role == "inspector" else a_caller(inspector.client, role, inspector.organisation)
    assert content(caller.get(f"/inspections/{inspection.id}/receipt"))["photos"] == [content(caller.get(f"/photos/{photo.id}"))]
    lines = content(auditor.get(f"/audit?personId={caller.person_id}"))["items"]
    looks = [(line["action"], line["subjectKind"], line["subjectId"]) for line in lines]
    assert looks == [("photo.looked-at", "photo", str(photo.id)), ("inspection.looked-at", "inspection", str(inspection.id))]


def test_a_missing_photo_is_not_found(inspector: Caller) -> None:
    refused(inspector.get(f"/photos/{uuid4()}"), 404, "not-found")


def test_a_batch_says_where_to_go_on_with_what_is_under_way(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item, other = a_declaration(inspection, data), a_declaration(inspection, some_bytes())
    assert [result["resume"] for result in declared(inspector, item, other)] == [None, None]
    path = begun(inspector, item["id"], len(data), data[:100])
    (first, second) = declared(inspector, item, other)
    assert (first["resume"]["url"], first["resume"]["offsetBytes"], second["resume"]) == (path, 100, None)
    assert first["put"] is not None
    (listed,) = content(inspector.get("/uploads"))["items"]
    assert listed.items() >= {"photoId": item["id"], "inspectionId": str(inspection.id), "offsetBytes": 100, "lengthBytes": len(data), "url": path}.items()
    assert content(inspector.get(f"/uploads?inspectionId={inspection.id}"))["items"] == [listed]
    assert content(inspector.get(f"/uploads?inspectionId={uuid4()}"))["items"] == []
    assert content(a_caller(inspector.client, "inspector", inspector.organisation).get("/uploads"))["items"] == []


def begun(inspector: Caller, photo_id: str, length: int, first_bytes: bytes) -> str:
    headers = {"Authorization": f"Bearer {inspector.token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(length)}
    headers["Upload-Metadata"] = f"photoId {b64encode(photo_id.encode()).decode()}"
    response = inspector.client.post("/v1/tus", headers=headers, data=first_bytes, content_type="application/offset+octet-stream")
    assert response.status_code == 201, response.text
    return str(response.headers["Location"])


@pytest.fixture
def out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones come from outside, and the object store is on loopback."""
    monkeypatch.setattr("api.photos.store_within_reach", lambda: False)


@pytest.fixture
def careless_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that promises less than S3: it is told nothing of If-None-Match, and phones are not sent to it."""
    monkeypatch.setattr(storage, "abilities", lambda: storage.Abilities(writes_once=False, judges_digests=False))


@pytest.mark.parametrize("why", ["out_of_reach", "careless_store"])
def test_phones_that_do_not_get_to_the_store_send_through_the_api(inspector: Caller, inspection: Inspection, request: pytest.FixtureRequest, why: str) -> None:
    request.getfixturevalue(why)
    data = some_bytes()
    item = a_declaration(inspection, data)
    put_here = declared(inspector, item)[0]["put"]
    assert put_here["needsSignIn"] is True
    path = urlsplit(put_here["url"]).path
    assert path == f"/v1/uploads/{item['id']}/content"
    assert sent(inspector, path, data[::-1]).status_code == 422
    for _ in range(2):
        response = sent(inspector, path, data)
        assert (response.status_code, content(response)["state"]) == (200, "stored")
    assert content(inspector.post(f"/uploads/{item['id']}/complete"))["state"] == "stored"
    key = f"media/{inspector.actor.organisation_id}/{item['id']}/{item['sha256']}"
    assert storage.digest(key).hex() == item["sha256"]


def test_a_photo_sent_through_the_api_must_be_declared_and_ones_own(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    assert sent(inspector, f"/v1/uploads/{item['id']}/content", data).status_code == 404
    declared(inspector, item)
    assert sent(a_caller(inspector.client, "inspector", inspector.organisation), f"/v1/uploads/{item['id']}/content", data).status_code == 404
    assert sent(inspector, f"/v1/uploads/{item['id']}/content", data, content_type="text/html").status_code == 415


def sent(caller: Caller, path: str, data: bytes, content_type: str = "image/jpeg") -> TestResponse:
    return caller.client.put(path, data=data, content_type=content_type, headers={"Authorization": f"Bearer {caller.token}"})


def test_a_withdrawn_photo_is_seen_no_more_and_leaves_a_trace(inspector: Caller, inspection: Inspection, auditor: Caller) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    put(declared(inspector, item)[0]["put"], data)
    content(inspector.post(f"/uploads/{item['id']}/complete"))
    refused(inspector.post(f"/photos/{item['id']}/withdrawal", {}), 400, "invalid-input", ("/reason", "required"))
    withdrawn = content(inspector.post(f"/photos/{item['id']}/withdrawal", {"reason": "Bewoner in beeld"}))
    assert (withdrawn["state"], withdrawn["withdrawalReason"]) == ("withdrawn", "Bewoner in beeld")
    assert withdrawn["withdrawnAt"]
    assert content(inspector.post(f"/photos/{item['id']}/withdrawal", {"reason": "Nog eens"})) == withdrawn
    receipt = content(inspector.get(f"/inspections/{inspection.id}/receipt"))
    assert (receipt["stored"], receipt["photos"][0]["state"]) == (0, "withdrawn")
    assert declared(inspector, item)[0]["put"] is None
    lines = content(auditor.get(f"/audit?subjectKind=photo&subjectId={item['id']}"))["items"]
    assert [line["details"]["reason"] for line in lines if line["action"] == "photo.withdrawn"] == ["Bewoner in beeld"]


def test_withdrawing_an_awaited_photo_ends_its_upload(inspector: Caller, inspection: Inspection) -> None:
    data = some_bytes()
    item = a_declaration(inspection, data)
    declared(inspector, item)
    path = begun(inspector, item["id"], len(data), data[:100])
    content(inspector.post(f"/photos/{item['id']}/withdrawal", {"reason": "Mislukt"}))
    head = inspector.client.head(path, headers={"Authorization": f"Bearer {inspector.token}", "Tus-Resumable": "1.0.0"})
    assert head.status_code == 410
    refused(inspector.post(f"/uploads/{item['id']}/complete"), 410, "photo-gone")
    assert sent(inspector, f"/v1/uploads/{item['id']}/content", data).status_code == 410
    again = {"Upload-Length": str(len(data)), "Upload-Metadata": f"photoId {b64encode(item['id'].encode()).decode()}", "Tus-Resumable": "1.0.0"}
    assert inspector.client.post("/v1/tus", headers={**again, "Authorization": f"Bearer {inspector.token}"}).status_code == 410


def test_what_the_file_says_otherwise_is_shown(session: Session, inspector: Caller, inspection: Inspection) -> None:
    moment = datetime(2026, 3, 1, 10, tzinfo=UTC)
    image = makers.an_image(
        session, inspection.organisation_id, examined_at=moment, content_type="image/png", exif_taken_at=moment + timedelta(hours=2), exif_longitude=4.9,
        exif_latitude=52.4,
    )  # fmt: skip
    declared_here = {"taken_at": moment, "longitude": 5.98, "latitude": 50.9}
    photo = makers.a_photo(session, inspection, state="ready", image_id=image.id, stored_at=moment, **declared_here)
    shown = content(inspector.get(f"/photos/{photo.id}"))
    assert shown["disagreements"] == ["content-type", "taken-at", "position"]
    assert shown["found"].items() >= {"contentType": "image/png", "exifTakenAt": "2026-03-01T12:00:00Z", "exifLongitude": 4.9}.items()


def test_a_rejected_photo_says_what_to_do_in_the_language_of_the_caller(session: Session, inspector: Caller, inspection: Inspection) -> None:
    image = makers.an_image(session, inspection.organisation_id, examined_at=datetime.now(UTC), rejection="damaged")
    photo = makers.a_photo(session, inspection, state=PhotoState.REJECTED, rejection="damaged", image_id=image.id, stored_at=datetime.now(UTC))
    english = content(inspector.get(f"/photos/{photo.id}"))
    dutch = content(inspector.get(f"/photos/{photo.id}", Accept_Language="nl"))
    assert (english["rejection"], english["rejectionDetail"]) == ("damaged", TEXTS["damaged"].en)
    assert dutch["rejectionDetail"] == TEXTS["damaged"].nl
