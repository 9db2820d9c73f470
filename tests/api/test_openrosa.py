"""OpenRosa: forms fetched and sent back as ODK Collect and Enketo do."""

import csv
import hashlib
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from lxml import etree
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from api import limits, multipart
from api.openrosa import MESSAGE_BYTES
from registry import storage
from registry.audit.model import AuditLine
from registry.changes.model import Change, ChangeKind
from registry.checklists.model import Checklist, ChecklistStatus
from registry.checklists.rules import digest
from registry.dwellings.model import Hazard, HazardKind
from registry.inspections.model import Inspection, InspectionConflict, InspectionStatus
from registry.openrosa.model import OpenRosaInstance
from registry.photos.model import Photo, PhotoState
from registry.settings import settings
from tests import makers
from tests.api import collect
from tests.api.callers import Caller, a_caller, content, refused, reload
from tests.api.collect import a_picture, fetch, listed, media, message, part, post, said, send
from tests.registry.openrosa.checklists import EVERYTHING
from tests.registry.openrosa.filling import filled

pytestmark = pytest.mark.usefixtures("bucket")

FRONT = {"voor-1.jpg": a_picture("red"), "voor-2.jpg": a_picture("blue")}
LEAK = {"lek.jpg": a_picture("yellow")}
DEFECT = {"answers/parts/roof/defect": [{"kind": "leak", "severity": "critical", "intensity": "final", "extent": "12.5", "photo-1": "lek.jpg"}]}


@pytest.fixture
def checklist(session: Session) -> Checklist:
    session.add(found := Checklist(key="everything", edition=3, content=EVERYTHING, digest=digest(EVERYTHING)))
    session.flush()
    return found


@pytest.fixture
def inspection(session: Session, inspector: Caller, checklist: Checklist) -> Inspection:
    dwelling = makers.a_dwelling(session, street="Vrieheidestraat", house_number=12, house_letter="a", postcode="6414AB", town="Heerlen")
    return makers.an_inspection(session, inspector.actor, checklist_id=checklist.id, dwelling_id=dwelling.id)


@pytest.fixture
def form(inspector: Caller, checklist: Checklist) -> bytes:
    (found,) = [each for each in listed(inspector) if each["formID"] == "everything-3"]
    return fetch(inspector, found["downloadUrl"]).data


def done(form: bytes, inspection: Inspection, *, instance_id: str | None = None, **more: Any) -> bytes:
    """A whole visit with three photos."""
    values = {
        "visit/inspection": str(inspection.id),
        "visit/base-version": "1",
        "visit/outcome": "done",
        "visit/started-at": "2026-03-01T10:11:12.345+01:00",
        "answers/first/mould/answer": "none",
        "answers/first/danger/answer": "no",
        "answers/parts/roof/state": "defects",
        "answers/parts/roof/count": "1",
        "answers/parts/front/photo-1": "voor-1.jpg",
        "answers/parts/front/photo-2": "voor-2.jpg",
        "closing/remarks": "Klaar",
    }
    return filled(form, values | more, instance_id=instance_id or f"uuid:{uuid4()}", repeats=DEFECT)


def receipt(caller: Caller, inspection: Inspection) -> dict[str, Any]:
    found: dict[str, Any] = content(caller.get(f"/inspections/{inspection.id}/receipt"))
    return found


def nothing_kept(session: Session, inspection: Inspection) -> bool:
    reload(session)
    rows = [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Photo, OpenRosaInstance)]
    return rows == [0, 0] and session.get_one(Inspection, inspection.id).status is InspectionStatus.PLANNED and not inspection.answers


def test_collect_fills_in_and_sends_an_inspection(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection)
    assert said(send(inspector, xml, FRONT | LEAK, Accept_Language="en"), 201) == "Received: 3 photo(s) stored, 0 still awaited."
    reload(session)
    found = session.get_one(Inspection, inspection.id)
    assert found.status is InspectionStatus.SUBMITTED
    assert found.answers == {
        "mould": "none",
        "danger": "no",
        "roof": {"defects": [{"key": "d1", "defect": "leak", "severity": "critical", "intensity": "final", "extentPercent": 12.5}]},
    }
    assert (found.remarks, found.visited_at.isoformat() if found.visited_at else "") == ("Klaar", "2026-03-01T09:11:12.345000+00:00")
    photos = {photo.sha256: (photo.question, photo.defect) for photo in session.scalars(sa.select(Photo))}
    assert photos == {hashlib.sha256(data).digest(): ("roof", "d1") if name == "lek.jpg" else ("front", None) for name, data in (FRONT | LEAK).items()}
    told = receipt(inspector, inspection)
    assert (told["complete"], told["stored"], told["awaited"], told["missing"]) == (True, 3, 0, [])


def test_the_bytes_are_in_the_object_store_as_they_were_sent(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    send(inspector, done(form, inspection), FRONT | LEAK)
    for photo in session.scalars(sa.select(Photo)):
        key = f"media/{inspection.organisation_id}/{photo.id}/{photo.sha256.hex() if photo.sha256 else ''}"
        found = storage.find(key)
        assert found is not None
        assert (found.sha256, found.size_bytes) == (photo.sha256, photo.size_bytes)


def test_the_last_message_makes_it_complete(inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection)
    three = list(collect.messages(xml, FRONT | LEAK, limit=1))
    assert [b"*isIncomplete*" in body for body, _ in three] == [True, True, False]
    sentences = []
    for number, (body, content_type) in enumerate(three, 1):
        sentences.append(said(post(inspector, body, content_type, **{"Accept-Language": "nl"}), 201))
        told = receipt(inspector, inspection)
        assert (told["status"], told["complete"], told["stored"], told["awaited"]) == ("submitted", number == 3, number, 3 - number)
    assert sentences[0] == "Ontvangen: 1 foto('s) opgeslagen, 2 nog verwacht."


def test_files_that_stay_away_are_awaited_and_come_later(inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection)
    said(send(inspector, xml), 201)
    told = receipt(inspector, inspection)
    assert (told["complete"], told["awaited"], {photo["question"] for photo in told["photos"]}) == (False, 3, {"front", "roof"})
    said(send(inspector, xml, FRONT | LEAK), 201)
    assert receipt(inspector, inspection)["complete"]


def test_the_same_again_changes_nothing(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection)
    said(send(inspector, xml, FRONT | LEAK), 201)
    before, lines = receipt(inspector, inspection), session.scalar(sa.select(sa.func.count()).select_from(AuditLine))
    said(send(inspector, xml, FRONT | LEAK), 201)
    said(send(inspector, xml, FRONT | LEAK, limit=1), 201)
    assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine)) == lines
    assert receipt(inspector, inspection) == before


def test_other_answers_with_the_same_instance_id_are_refused(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    said(send(inspector, done(form, inspection, instance_id="uuid:1"), FRONT | LEAK), 201)
    other = done(form, inspection, instance_id="uuid:1", **{"closing/remarks": "Anders"})
    assert "instanceID" in said(send(inspector, other), 409)
    reload(session)
    assert session.get_one(Inspection, inspection.id).remarks == "Klaar"


def test_another_photo_by_the_same_name_is_refused(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection)
    said(send(inspector, xml, FRONT), 201)
    assert "voor-1.jpg" in said(send(inspector, xml, {"voor-1.jpg": a_picture("black")} | LEAK), 409)
    told = receipt(inspector, inspection)
    assert (told["stored"], told["awaited"]) == (2, 1)
    assert {photo["sha256"] for photo in told["photos"]} == {None} | {hashlib.sha256(data).hexdigest() for data in FRONT.values()}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"vreemd.jpg": a_picture()}, "The form does not mention file vreemd.jpg."),
        ({"../../etc/passwd": a_picture()}, "The form does not mention file ../../etc/passwd."),
        ({"voor-1.jpg": b""}, "File voor-1.jpg is empty: take the photo again."),
        ({"voor-1.jpg": b"%PDF-1.7 no photo"}, "File voor-1.jpg is no photo (JPEG, HEIC, PNG, WebP)."),
    ],
)
def test_a_file_that_is_no_photo_of_the_form_is_refused_by_its_name(
    session: Session, inspector: Caller, inspection: Inspection, form: bytes, files: dict[str, bytes], sentence: str
) -> None:
    assert sentence in said(send(inspector, done(form, inspection), FRONT | files, Accept_Language="en"), 400)
    assert nothing_kept(session, inspection)


def test_a_file_that_is_in_it_twice_is_refused(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    parts = [part("xml_submission_file", done(form, inspection), "text/xml", "a.xml"), *[part("lek.jpg", LEAK["lek.jpg"], "image/jpeg", "lek.jpg")] * 2]
    assert "lek.jpg" in said(post(inspector, *message(parts)), 400)
    assert nothing_kept(session, inspection)


def test_a_form_can_not_name_more_photos_than_an_inspection_may_have(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    many = b"".join(f"<photo-{place}>{place}.jpg</photo-{place}>".encode() for place in range(6, 600))
    xml = done(form, inspection).replace(b"</mould>", many + b"</mould>")
    assert "500" in said(send(inspector, xml), 400)
    assert nothing_kept(session, inspection)


def test_answers_that_the_checklist_refuses_are_all_told(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    xml = done(form, inspection, **{"answers/first/mould/answer": "weird", "answers/first/since/answer": "gisteren"})
    sentence = said(send(inspector, xml, FRONT | LEAK), 400)
    assert "mould" in sentence
    assert "since" in sentence
    assert nothing_kept(session, inspection)


def test_what_is_still_missing_is_told(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    values = {"visit/inspection": str(inspection.id), "visit/outcome": "done"}
    sentence = said(send(inspector, filled(form, values)), 400)
    assert all(f"{question} " in sentence for question in ("mould", "danger"))
    assert nothing_kept(session, inspection)


def test_a_form_without_its_inspection_is_told_where(inspector: Caller, form: bytes) -> None:
    assert "visit/inspection: " in said(send(inspector, filled(form, {"visit/outcome": "done"})), 400)


def test_nobody_home_is_a_visit_too(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    said(send(inspector, filled(form, {"visit/inspection": str(inspection.id), "visit/outcome": "nobody-home"})), 201)
    assert receipt(inspector, inspection)["complete"]


def test_an_inspection_of_somebody_else_looks_as_if_it_were_absent(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    other = makers.an_inspection(session, a_caller(inspector.client, "inspector").actor, checklist_id=inspection.checklist_id)
    answers = []
    for id in (other.id, uuid4()):
        xml = filled(form, {"visit/inspection": str(id), "visit/outcome": "refused"})
        answers.append(said(send(inspector, xml), 404).replace(str(id), "…"))
    assert answers[0] == answers[1]


def test_a_second_form_about_the_same_inspection_is_kept_beside_it(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    said(send(inspector, done(form, inspection), FRONT | LEAK), 201)
    xml = done(form, inspection, **{"closing/remarks": "Toch anders"})
    for _ in range(2):
        assert "beside" in said(send(inspector, xml, FRONT | LEAK, Accept_Language="en"), 202)
    reload(session)
    (conflict,) = session.scalars(sa.select(InspectionConflict)).all()
    assert (conflict.yours["remarks"], conflict.theirs["remarks"]) == ("Toch anders", "Klaar")
    assert session.get_one(Inspection, inspection.id).remarks == "Klaar"


def test_a_form_that_was_made_on_what_another_phone_changed_since_is_kept_beside_it(
    session: Session, inspector: Caller, inspection: Inspection, form: bytes
) -> None:
    body = {"answers": {"mould": "spots"}, "visitOutcome": "done", "visitedAt": None, "remarks": "App"}
    content(inspector.put(f"/inspections/{inspection.id}", body, version=1))
    said(send(inspector, done(form, inspection)), 202)
    reload(session)
    assert session.get_one(Inspection, inspection.id).remarks == "App"
    fresh = done(form, inspection, **{"visit/base-version": "2"})
    said(send(inspector, fresh, FRONT | LEAK), 201)
    reload(session)
    assert session.get_one(Inspection, inspection.id).remarks == "Klaar"


def test_a_planner_s_change_is_no_conflict_while_nothing_is_filled_in(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(version=5, note="Bel aan"))
    said(send(inspector, done(form, inspection), FRONT | LEAK), 201)


def test_two_people_may_have_the_same_instance_id(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    other = makers.an_inspection(session, colleague.actor, checklist_id=inspection.checklist_id)
    said(send(inspector, done(form, inspection, instance_id="uuid:1"), FRONT | LEAK), 201)
    said(send(colleague, done(form, other, instance_id="uuid:1"), FRONT | LEAK), 201)
    assert receipt(colleague, other)["complete"]


def test_while_the_object_store_is_away_the_form_is_kept_and_collect_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch, inspector: Caller, inspection: Inspection, form: bytes
) -> None:
    xml = done(form, inspection)
    with monkeypatch.context() as away:
        away.setattr(storage, "_inside", lambda: storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9")))
        response = send(inspector, xml, FRONT | LEAK)
    said(response, 503)
    assert receipt(inspector, inspection)["awaited"] == 3
    assert int(response.headers["Retry-After"]) > 0
    said(send(inspector, xml, FRONT | LEAK), 201)
    assert receipt(inspector, inspection)["complete"]


def test_who_has_lost_the_inspection_is_told_to_keep_the_form(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    """A document alone is kept for the planner; photos could not be, and the phone must not think that they are."""
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    told = {"subject_id": inspection.id, "municipality_code": makers.HEERLEN, "organisation_id": inspection.organisation_id, "person_id": inspector.person_id}
    session.add(Change(kind=ChangeKind.INSPECTION, **told))
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(assignee_id=colleague.person_id, version=2))
    assert said(send(inspector, done(form, inspection), FRONT | LEAK), 409).startswith("Deze opname is niet meer van u")
    reload(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(InspectionConflict)) == 0
    nobody_home = filled(form, {"visit/inspection": str(inspection.id), "visit/base-version": "1", "visit/outcome": "nobody-home"})
    said(send(inspector, nobody_home), 202)


def test_a_withdrawn_inspection_keeps_what_was_done(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    values = {"status": InspectionStatus.WITHDRAWN, "withdrawal_reason": "Verkocht", "version": 2}
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(values))
    said(send(inspector, done(form, inspection), FRONT | LEAK), 202)
    assert receipt(inspector, inspection)["stored"] == 3


def test_a_form_that_the_reviewer_gave_back_is_filled_in_anew(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    said(send(inspector, done(form, inspection), FRONT | LEAK), 201)
    back = {"status": InspectionStatus.RETURNED, "submitted_at": None, "complete_at": None, "revision": 2, "version": Inspection.version + 1}
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(back))
    (listed_form,) = listed(inspector)
    (file,) = media(inspector, listed_form)
    (row,) = csv.DictReader(fetch(inspector, file["downloadUrl"]).text.splitlines())
    said(send(inspector, done(form, inspection, **{"visit/base-version": row["version"], "closing/remarks": "Nader bekeken"}), FRONT | LEAK), 201)
    reload(session)
    found = session.get_one(Inspection, inspection.id)
    assert (found.status, found.revision, found.remarks) == (InspectionStatus.SUBMITTED, 2, "Nader bekeken")


# What is no message of the protocol.


def test_a_message_that_breaks_off_leaves_nothing(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    ((body, content_type),) = collect.messages(done(form, inspection), FRONT | LEAK, limit=10**7)
    for cut in (1, len(body) // 3, len(body) - 5):
        said(post(inspector, body[:cut], content_type), 400)
    assert nothing_kept(session, inspection)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é", "multipart/form-data; boundary=other"]
)
def test_a_body_without_its_boundary_is_refused(inspector: Caller, content_type: str) -> None:
    said(post(inspector, b"--x\r\n\r\n", content_type), 400)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part("other", b"x", "text/xml", "x.xml")],
        [part("xml_submission_file", b"<data id='everything-3'/>", "text/xml", "x.xml")] * 2,
        [b"\r\nno head\r\n"],
    ],
)
def test_a_message_has_one_form_in_it(inspector: Caller, parts: list[bytes]) -> None:
    said(post(inspector, *message(parts)), 400)


def test_a_message_of_another_type_is_refused(inspector: Caller) -> None:
    said(post(inspector, b"<data/>", "text/xml"), 415)


def test_a_message_has_a_limited_number_of_parts(inspector: Caller) -> None:
    said(post(inspector, *message([part(f"{place}.jpg", b"x", "image/jpeg", f"{place}.jpg") for place in range(200)])), 413)


def test_a_message_has_a_limited_size(inspector: Caller) -> None:
    said(inspector.client.post("/v1/openrosa/submission", headers=collect.headers(inspector), environ_overrides={"CONTENT_LENGTH": str(10**9)}), 413)


def test_a_form_has_a_limited_size(inspector: Caller) -> None:
    said(post(inspector, *message([part("xml_submission_file", b"<data>" + b" " * 2**20 + b"</data>", "text/xml", "x.xml")])), 413)


def test_entities_are_refused(inspector: Caller) -> None:
    bomb = b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><data id="everything-3">&a;</data>'
    assert "DOCTYPE" in said(post(inspector, *message([part("xml_submission_file", bomb, "text/xml", "x.xml")])), 400)


class Large:
    """A body with one file of 30 MB in it."""

    is_whole = True
    size_bytes = 30 * 1024 * 1024

    def pieces(self) -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="a.jpg"; filename="a.jpg"\r\n\r\n'
        for _ in range(self.size_bytes // 65536):
            yield b"\xff" * 65536
        yield b"\r\n--b--\r\n"


def test_no_photo_is_in_memory_as_a_whole() -> None:
    tracemalloc.start()
    (found,) = multipart.read("multipart/form-data; boundary=b", Large(), 2 * Large.size_bytes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.content.ends, found.filename) == (Large.size_bytes, "a.jpg")
    assert peak < 2 * 1024 * 1024
    multipart.close([found])


def test_a_body_that_grows_too_large_is_refused_while_it_comes() -> None:
    with pytest.raises(RequestEntityTooLarge):
        multipart.read("multipart/form-data; boundary=b", Large(), Large.size_bytes)


# Fetching.


def test_the_list_names_every_form_with_its_digest(inspector: Caller, checklist: Checklist) -> None:
    (found,) = [each for each in listed(inspector) if each["formID"] == "everything-3"]
    assert (found["name"], found["version"]) == ("Alles", "1")
    downloaded = fetch(inspector, found["downloadUrl"])
    assert downloaded.content_type == "text/xml; charset=utf-8"
    assert found["hash"] == f"md5:{hashlib.md5(downloaded.data).hexdigest()}"
    assert etree.fromstring(downloaded.data).tag == "{http://www.w3.org/1999/xhtml}html"


def test_the_list_can_be_narrowed(inspector: Caller, checklist: Checklist) -> None:
    assert [each["formID"] for each in listed(inspector, "formID=everything-3")] == ["everything-3"]
    assert listed(inspector, "formID=other-1") == []


def test_a_checklist_that_no_form_can_express_is_left_out_and_verbose_says_why(session: Session, inspector: Caller) -> None:
    content_ = {**EVERYTHING, "key": "2-much"}
    session.add(Checklist(key="2-much", edition=3, content=content_, digest=digest(content_)))
    session.flush()
    assert [each for each in listed(inspector) if each["formID"].startswith("2")] == []
    text = fetch(inspector, "/v1/openrosa/formList?verbose=true", Accept_Language="en").text
    assert "2-much-3: /key: No form of ODK Collect or Enketo can express this: 2-much." in text


def test_a_draft_is_no_form_and_a_retired_one_only_for_who_still_works_with_it(session: Session, inspector: Caller, inspection: Inspection) -> None:
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    retired = {"status": ChecklistStatus.RETIRED, "retired_at": sa.func.now(), "retired_by": uuid4()}
    session.execute(sa.update(Checklist).where(Checklist.id == inspection.checklist_id).values(retired))
    assert [each["formID"] for each in listed(inspector)] == ["everything-3"]
    assert [each["formID"] for each in listed(colleague)] == []
    said(fetch(colleague, "/v1/openrosa/forms/everything-4.xml"), 404)
    assert fetch(colleague, "/v1/openrosa/forms/everything-3.xml").status_code == 200


def test_the_phone_gets_the_inspections_of_its_owner(session: Session, inspector: Caller, inspection: Inspection) -> None:
    session.add(
        Hazard(dwelling_id=inspection.dwelling_id, kind=HazardKind.DOG, note="Grote\nhond", organisation_id=inspection.organisation_id, recorded_by=uuid4())
    )
    colleague = a_caller(inspector.client, "inspector", inspector.organisation)
    makers.an_inspection(session, colleague.actor, checklist_id=inspection.checklist_id)
    (form,) = listed(inspector)
    (file,) = media(inspector, form)
    response = fetch(inspector, file["downloadUrl"])
    assert file["filename"] == "inspections.csv"
    assert file["hash"] == f"md5:{hashlib.md5(response.data).hexdigest()}"
    assert response.content_type == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(response.text.splitlines())
    assert (row["name"], row["version"]) == (str(inspection.id), "1")
    assert row["label"].startswith("Vrieheidestraat 12a, 6414AB Heerlen")
    assert row["hazards"] == "hond of ander dier: Grote hond"


def test_work_that_is_done_leaves_the_list_and_changes_its_digest(inspector: Caller, inspection: Inspection, form: bytes) -> None:
    (listed_form,) = listed(inspector)
    (before,) = media(inspector, listed_form)
    said(send(inspector, done(form, inspection), FRONT | LEAK), 201)
    (after,) = media(inspector, listed_form)
    assert before["hash"] != after["hash"]
    assert list(csv.DictReader(fetch(inspector, after["downloadUrl"]).text.splitlines())) == []


def test_before_it_sends_collect_asks_where_and_how_much(inspector: Caller) -> None:
    response = inspector.client.head("/v1/openrosa/submission?deviceID=1", headers=collect.headers(inspector))
    assert response.status_code == 204
    assert response.headers["Location"].endswith("/v1/openrosa/submission")
    assert response.headers["X-OpenRosa-Version"] == "1.0"
    assert response.headers["X-OpenRosa-Accept-Content-Length"] == str(MESSAGE_BYTES)


# Who may.

ADDRESSES = (
    ("GET", "formList"),
    ("HEAD", "formList"),
    ("GET", "forms/everything-3.xml"),
    ("GET", "forms/everything-3/manifest"),
    ("GET", "forms/everything-3/inspections.csv"),
    ("HEAD", "submission"),
    ("POST", "submission"),
)


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_who_is_not_known_is_asked_for_a_name_and_password(nobody: Caller, checklist: Checklist, method: str, address: str) -> None:
    response = nobody.client.open(f"/v1/openrosa/{address}", method=method)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="registry", charset="UTF-8"'
    assert response.headers["X-OpenRosa-Version"] == "1.0"


@pytest.mark.parametrize("role", ["reviewer", "corporation", "municipality", "analyst", "auditor", "administrator"])
def test_only_an_inspector_gets_in(request: pytest.FixtureRequest, checklist: Checklist, role: str) -> None:
    caller = request.getfixturevalue(role)
    for method, address in ADDRESSES:
        response = caller.client.open(f"/v1/openrosa/{address}", method=method, headers=collect.headers(caller))
        assert response.status_code == 403, address


@pytest.mark.parametrize("user", ["", "iemand@example.nl", "é:"])
def test_the_token_is_the_password_and_the_user_is_not_looked_at(inspector: Caller, user: str) -> None:
    found = inspector.client.get("/v1/openrosa/formList", headers=collect.basic(inspector, user))
    assert found.status_code == (401 if ":" in user else 200)


def test_a_bearer_token_works_too(inspector: Caller) -> None:
    assert inspector.get("/openrosa/formList").status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic ", "Basic !!!", "Basic /w==", "Basic YTpi", "Digest username=x", "Basic " + "A" * 4000])
def test_other_credentials_don_t_open_it(inspector: Caller, header: str) -> None:
    assert inspector.client.get("/v1/openrosa/formList", headers={"Authorization": header}).status_code == 401


def test_a_password_opens_nothing_else(inspector: Caller) -> None:
    refused(inspector.client.get("/v1/me", headers=collect.basic(inspector)), 401, "not-authenticated")


def test_every_address_of_the_protocol_is_tried_here(application: Flask, inspector: Caller) -> None:
    rules = [rule for rule in application.url_map.iter_rules() if rule.endpoint.startswith("openrosa.")]
    tried = {(method, address.replace("everything-3", "<form_id>")) for method, address in ADDRESSES}
    has = {(method, rule.rule.removeprefix("/v1/openrosa/")) for rule in rules for method in (rule.methods or set()) - {"OPTIONS"}}
    assert {(method, address) for method, address in has if method != "HEAD" or address == "submission"} <= tried


def test_wrong_passwords_are_counted_and_stopped(monkeypatch: pytest.MonkeyPatch, inspector: Caller) -> None:
    config = replace(settings(), rate_limit_token="3/minute", rate_limit_address="3/minute")
    monkeypatch.setattr(limits, "settings", lambda: config)
    limits.callers.clear(), limits.addresses.clear()
    try:
        guesses = [collect.basic(replace(inspector, token=f"dwr_t_{guess}")) for guess in range(4)]
        answers = [inspector.client.get("/v1/openrosa/formList", headers=guess) for guess in guesses]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        said(answers[-1], 429)
        assert int(answers[-1].headers["Retry-After"]) > 0
    finally:
        limits.callers.clear(), limits.addresses.clear()


def test_who_is_known_has_a_count_of_her_own(monkeypatch: pytest.MonkeyPatch, inspector: Caller) -> None:
    config = replace(settings(), rate_limit_token="3/minute", rate_limit_address="3/minute")
    monkeypatch.setattr(limits, "settings", lambda: config)
    limits.callers.clear(), limits.addresses.clear()
    try:
        assert [fetch(inspector, "/v1/openrosa/formList").status_code for _ in range(4)] == [200, 200, 200, 429]
    finally:
        limits.callers.clear(), limits.addresses.clear()


def test_a_browser_s_cookie_does_not_send_a_form(inspector: Caller) -> None:
    """Another site could let a browser send multipart/form-data; `api.auth` asks for what that site does not have."""
    response = inspector.client.post("/v1/openrosa/submission", headers={"Cookie": "__Host-registry-session=dwr_s_x", "Origin": "https://elsewhere.example"})
    assert response.status_code in (401, 403)


def test_refusals_speak_dutch_unless_asked_otherwise(inspector: Caller) -> None:
    assert "bestaat niet" in said(fetch(inspector, "/v1/openrosa/forms/x-1.xml"), 404) or "niet" in said(fetch(inspector, "/v1/openrosa/forms/x-1.xml"), 404)
    assert fetch(inspector, "/v1/openrosa/forms/x-1.xml", Accept_Language="en").headers["Content-Language"] == "en"


@pytest.mark.parametrize("form_id", ["x", "-1", "everything-3%00", "everything-99999999999999", "%2e%2e", "everything-3.xml"])
def test_forms_that_can_not_exist_are_absent(inspector: Caller, checklist: Checklist, form_id: str) -> None:
    assert fetch(inspector, f"/v1/openrosa/forms/{form_id}.xml").status_code == 404


def test_the_photos_of_a_form_wait_for_their_bytes(session: Session, inspector: Caller, inspection: Inspection, form: bytes) -> None:
    """They are photos like others: the app may send the bytes too."""
    said(send(inspector, done(form, inspection)), 201)
    assert {photo.state for photo in session.scalars(sa.select(Photo))} == {PhotoState.DECLARED}
