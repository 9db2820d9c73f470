"""Documents of trajectories over HTTP."""

import io
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from registry import storage
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.settings import settings
from registry.trajectories.documents import DOCUMENTS, LARGEST_DOCUMENT_BYTES, MediaType
from tests import makers
from tests.api.callers import Caller, content, refused

PDF = b"%PDF-1.7\n/OpenAction << /S /JavaScript /JS (app.alert(1)) >>\n" + bytes(range(256)) * 20
pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def trajectory_id(corporation: Caller, session: Session) -> str:
    assert corporation.organisation
    return str(makers.a_trajectory(session, corporation.organisation).id)


def particulars(data: bytes = PDF, **more: Any) -> dict[str, Any]:
    declared = {"kind": "grant-decision", "title": "Beschikking 2024-17", "datedOn": "2024-05-01", "mediaType": "application/pdf"}
    return {**declared, "sizeBytes": len(data), "sha256": sha256(data).hexdigest(), **more}


def declared(caller: Caller, trajectory_id: str, data: bytes = PDF, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = content(caller.post(f"/trajectories/{trajectory_id}/documents", particulars(data, **more)), 201)
    return made


def sent(caller: Caller, document: dict[str, Any], data: bytes = PDF, **headers: str) -> TestResponse:
    return caller.put(f"/documents/{document['id']}/content", raw=data, **({"Content_Type": document["mediaType"]} | headers))


def stored(caller: Caller, trajectory_id: str, data: bytes = PDF, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = content(sent(caller, declared(caller, trajectory_id, data, **more), data))
    return made


def test_a_document_is_declared_sent_and_given_back_as_it_was(corporation: Caller, municipality: Caller, trajectory_id: str) -> None:
    response = corporation.post(f"/trajectories/{trajectory_id}/documents", particulars())
    made = content(response, 201)
    assert made.items() >= {**particulars(), "storedAt": None, "withdrawnAt": None, "trajectoryId": trajectory_id}.items()
    assert response.headers["Location"] == f"/v1/documents/{made['id']}"
    refused(municipality.get(f"/documents/{made['id']}/content"), 409, "document-bytes-missing")
    there = content(sent(corporation, made))
    assert there == {**made, "storedAt": there["storedAt"]}
    assert there["storedAt"]
    assert content(municipality.get(f"/documents/{made['id']}")) == there
    assert content(municipality.get(f"/trajectories/{trajectory_id}/documents")) == {"items": [there], "next": None}
    assert municipality.get(f"/documents/{made['id']}/content").data == PDF


def test_it_is_a_download_that_nothing_runs_in(corporation: Caller, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    response = corporation.get(f"/documents/{made['id']}/content")
    assert (response.status_code, response.content_type) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{made["id"]}.pdf"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["ETag"] == f'"{made["sha256"]}"'


def test_part_of_it_can_be_asked_for_and_what_one_has_is_not_sent_again(corporation: Caller, trajectory_id: str) -> None:
    path = f"/documents/{stored(corporation, trajectory_id)['id']}/content"
    part = corporation.get(path, Range="bytes=5-8")
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, PDF[5:9], f"bytes 5-8/{len(PDF)}")
    assert corporation.get(path, Range="bytes=-3").data == PDF[-3:]
    assert corporation.get(path, If_None_Match=part.headers["ETag"]).status_code == 304
    assert corporation.get(path, Range="bytes=999999-").status_code == 416
    assert corporation.get(path, Range="bytes=0-1", If_Range='"another"').data == PDF


@pytest.mark.parametrize("kind", MediaType)
def test_every_type_of_the_list_can_be_kept(corporation: Caller, trajectory_id: str, kind: MediaType) -> None:
    made = stored(corporation, trajectory_id, b"some bytes", mediaType=kind.value)
    response = corporation.get(f"/documents/{made['id']}/content")
    assert (response.mimetype, response.data) == (kind.value, b"some bytes")


def test_what_is_no_document_is_not_taken(corporation: Caller, trajectory_id: str) -> None:
    path = f"/trajectories/{trajectory_id}/documents"
    for media_type in ("text/html", "image/svg+xml", "application/x-msdownload", "application/zip"):
        refused(corporation.post(path, particulars(mediaType=media_type)), 400, "invalid-input", ("/mediaType", "not-one-of"))
    refused(corporation.post(path, particulars(sizeBytes=LARGEST_DOCUMENT_BYTES + 1)), 400, "invalid-input", ("/sizeBytes", "too-big"))
    refused(corporation.post(path, particulars(datedOn="2999-01-01")), 400, "rule-violation", ("/datedOn", "future-date"))
    made = declared(corporation, trajectory_id)
    refused(sent(corporation, made, Content_Type="text/html"), 415, "unsupported-media-type")
    refused(sent(corporation, made, Content_Type="text/plain"), 415, "unsupported-media-type")


def test_other_bytes_than_the_declared_ones_are_not_kept(corporation: Caller, trajectory_id: str) -> None:
    made = declared(corporation, trajectory_id)
    for data in (PDF[:-1], PDF + b"x", PDF[:-1] + b"\xfe", b""):
        refused(sent(corporation, made, data), 422, "document-bytes-differ")
    assert content(corporation.get(f"/documents/{made['id']}"))["storedAt"] is None
    assert [each.key for each in storage.listed(f"{DOCUMENTS}{trajectory_id}/")] == []
    content(sent(corporation, made))


def test_a_document_may_be_larger_than_a_photo_and_not_larger_than_it_was_declared(corporation: Caller, trajectory_id: str) -> None:
    data = b"x" * (LARGEST_PHOTO_BYTES + 1)
    made = stored(corporation, trajectory_id, data)
    with corporation.get(f"/documents/{made['id']}/content") as response:
        assert sha256(response.data).hexdigest() == made["sha256"]
    refused(sent(corporation, made, b"x" * (LARGEST_DOCUMENT_BYTES + 1)), 413, "content-too-large")


def test_one_that_breaks_off_can_be_sent_again(corporation: Caller, trajectory_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = declared(corporation, trajectory_id)
    with monkeypatch.context() as broken:
        broken.setattr("api.bodies.Incoming.pieces", lambda _: iter([PDF[:100]]))
        response = sent(corporation, made)
        refused(response, 503, "document-interrupted")
        assert response.headers["Retry-After"] == "1"
    first = content(sent(corporation, made))
    assert content(sent(corporation, made)) == first, "and again, when it is here"
    assert content(sent(corporation, made, b"%PDF other")) == first


def test_the_same_client_made_id_changes_nothing(corporation: Caller, trajectory_id: str) -> None:
    path, body = f"/trajectories/{trajectory_id}/documents", particulars(id=str(uuid4()))
    first = content(corporation.post(path, body), 201)
    assert content(corporation.post(path, body), 200) == first
    refused(corporation.post(path, {**body, "title": "Iets anders"}), 409, "already-exists")


def test_an_id_in_use_elsewhere_says_nothing_of_what_has_it(corporation: Caller, other_corporation: Caller, session: Session, trajectory_id: str) -> None:
    assert other_corporation.organisation
    made = declared(corporation, trajectory_id)
    own = makers.a_trajectory(session, other_corporation.organisation).id
    refused(other_corporation.post(f"/trajectories/{own}/documents", particulars(id=made["id"])), 409, "already-exists")
    for path in (f"/documents/{made['id']}", f"/documents/{made['id']}/content", f"/trajectories/{trajectory_id}/documents"):
        refused(other_corporation.get(path), 404, "not-found")
    refused(sent(other_corporation, made), 404, "not-found")


def test_only_who_runs_the_trajectory_writes_its_documents(corporation: Caller, municipality: Caller, trajectory_id: str) -> None:
    made = declared(corporation, trajectory_id)
    refused(municipality.post(f"/trajectories/{trajectory_id}/documents", particulars()), 403, "not-yours")
    refused(sent(municipality, made), 403, "not-yours")
    refused(municipality.post(f"/documents/{made['id']}/withdrawal", {"reason": "x"}), 403, "not-yours")


def test_a_withdrawn_document_is_read_by_nobody_and_stays_known(corporation: Caller, municipality: Caller, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    gone = content(corporation.post(f"/documents/{made['id']}/withdrawal", {"reason": "verkeerde bewoner"}))
    assert gone == {**made, "withdrawnAt": gone["withdrawnAt"], "withdrawalReason": "verkeerde bewoner"}
    assert content(corporation.post(f"/documents/{made['id']}/withdrawal", {"reason": "iets anders"})) == gone
    for caller in (corporation, municipality):
        refused(caller.get(f"/documents/{made['id']}/content"), 410, "document-gone")
        assert content(caller.get(f"/trajectories/{trajectory_id}/documents"))["items"] == [gone]
    refused(sent(corporation, made), 410, "document-gone")
    assert len(list(storage.listed(f"{DOCUMENTS}{trajectory_id}/"))) == 1, "its bytes stay"


def test_one_that_was_withdrawn_while_it_was_sent_is_not_stored(
    corporation: Caller, trajectory_id: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = declared(corporation, trajectory_id)
    store = storage.store_once

    def meanwhile(*arguments: Any, **more: Any) -> None:
        store(*arguments, **more)
        content(corporation.post(f"/documents/{made['id']}/withdrawal", {"reason": "toch niet"}))

    monkeypatch.setattr(storage, "store_once", meanwhile)
    refused(sent(corporation, made), 410, "document-gone")
    assert content(corporation.get(f"/documents/{made['id']}"))["storedAt"] is None


def test_every_read_is_kept_with_who_and_why(corporation: Caller, municipality: Caller, auditor: Caller, session: Session, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    path = f"/documents/{made['id']}/content"
    for caller in (corporation, municipality, auditor):
        assert caller.get(path, Range="bytes=0-3").status_code == 206
    auditor.headers.clear()
    refused(auditor.get(path), 400, "reason-required", ("Reason", "reason-required"))
    reads = sa.select(AuditLine).where(AuditLine.subject_kind == "document", AuditLine.subject_id == made["id"]).order_by(AuditLine.id)
    lines = session.scalars(reads).all()
    assert [(line.action, line.person_id, line.reason) for line in lines] == [
        ("document.content-read", corporation.person_id, None),
        ("document.content-read", municipality.person_id, None),
        ("document.content-read", auditor.person_id, "a test"),
    ]
    assert lines[0].details["range"] == "bytes=0-3"
    told = content(municipality.get(f"/audit?subjectKind=document&subjectId={made['id']}"))["items"]
    assert {line["personId"] for line in told} == {str(corporation.person_id), str(municipality.person_id)}, "what an auditor looks at is not theirs to know"


def test_others_do_not_learn_who_read_it(corporation: Caller, other_corporation: Caller, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    corporation.get(f"/documents/{made['id']}/content")
    refused(other_corporation.get(f"/audit?subjectKind=document&subjectId={made['id']}"), 404, "not-found")


def test_what_happens_to_a_document_is_told_of_the_trajectory(corporation: Caller, session: Session, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    content(corporation.post(f"/documents/{made['id']}/withdrawal", {"reason": "x"}))
    expected = ["trajectory.document-declared", "trajectory.document-stored", "trajectory.document-withdrawn"]
    assert session.scalars(sa.select(Change.action).where(Change.subject_id == UUID(trajectory_id)).order_by(Change.id)).all() == expected
    assert session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == trajectory_id).order_by(AuditLine.id)).all() == expected


def test_while_the_object_store_is_away_nothing_is_lost(corporation: Caller, trajectory_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there, awaited = stored(corporation, trajectory_id), declared(corporation, trajectory_id, PDF + b"more")
    with monkeypatch.context() as away:
        nowhere = storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9"))
        away.setattr(storage, "_inside", lambda: nowhere)
        refused(corporation.get(f"/documents/{there['id']}/content"), 503, "unavailable")
        refused(sent(corporation, awaited, PDF + b"more"), 503, "unavailable")
        assert content(corporation.get(f"/documents/{awaited['id']}"))["storedAt"] is None
    content(sent(corporation, awaited, PDF + b"more"))


def test_a_document_can_be_evidence_of_a_milestone_of_its_own_trajectory(corporation: Caller, session: Session, trajectory_id: str) -> None:
    assert corporation.organisation
    there, awaited = stored(corporation, trajectory_id), declared(corporation, trajectory_id, PDF + b"2")
    elsewhere = stored(corporation, str(makers.a_trajectory(session, corporation.organisation).id))
    gone = stored(corporation, trajectory_id, PDF + b"3")
    content(corporation.post(f"/documents/{gone['id']}/withdrawal", {"reason": "x"}))
    milestone = {"track": "renovation", "kind": "started", "effectiveOn": "2024-06-01"}
    path = f"/trajectories/{trajectory_id}/milestones"
    cited = [{"documentId": each} for each in (there["id"], awaited["id"], elsewhere["id"], gone["id"], str(uuid4()), 7, None)]
    faults = [(f"/evidence/{place}/documentId", "no-such-document") for place in range(1, 7)]
    refused(corporation.post(path, {**milestone, "evidence": cited}), 400, "rule-violation", *faults)
    batch = {"items": [{**milestone, "id": str(uuid4()), "trajectoryId": trajectory_id, "evidence": cited[1:2]}]}
    assert content(corporation.post("/milestones", batch))["results"][0]["errors"][0]["pointer"] == "/items/0/evidence/0/documentId"
    made = content(corporation.post(path, {**milestone, "evidence": [{"documentId": there["id"].upper()}, {"url": "https://example.nl"}]}), 201)
    correction = {"effectiveOn": "2024-06-02", "evidence": [{"documentId": elsewhere["id"]}]}
    refused(corporation.post(f"/milestones/{made['id']}/correction", correction), 400, "rule-violation", ("/evidence/0/documentId", "no-such-document"))
    correction["evidence"] = [{"documentId": there["id"]}]
    content(corporation.post(f"/milestones/{made['id']}/correction", correction), 201)


def test_the_bytes_are_where_their_name_says(corporation: Caller, trajectory_id: str) -> None:
    made = stored(corporation, trajectory_id)
    key = f"{DOCUMENTS}{trajectory_id}/{made['id']}/{made['sha256']}"
    with storage.opened(key) as stream:
        assert io.BytesIO(stream.read()).getvalue() == PDF
