"""Compressed answers: smaller, of the same content, and never where their length could tell a secret."""

import gzip
import json

from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content
from tests.api.test_inspections import COMPLETE


def test_a_large_answer_is_compressed_for_who_can_read_it(session: Session, inspector: Caller) -> None:
    path = f"/checklists/{makers.a_checklist(session).id}"
    plain, small = inspector.get(path), inspector.get(path, Accept_Encoding="br;q=1, gzip")
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 3
    assert (small.headers["Content-Encoding"], small.headers["Content-Length"]) == ("gzip", str(len(small.data)))
    assert "Content-Encoding" not in plain.headers
    for response in (plain, small):
        assert "Accept-Encoding" in response.headers.getlist("Vary")
    head = inspector.send("HEAD", path, Accept_Encoding="gzip")
    assert (head.data, head.headers["Content-Length"], head.headers["ETag"]) == (b"", small.headers["Content-Length"], small.headers["ETag"])
    assert "Content-Encoding" not in inspector.get(path, Accept_Encoding="gzip;q=0").headers


def test_a_small_answer_stays_as_it_is(inspector: Caller) -> None:
    assert "Content-Encoding" not in inspector.get("/checklists", Accept_Encoding="gzip").headers


def test_the_compressed_form_has_a_tag_of_its_own_and_both_name_the_version(session: Session, inspector: Caller) -> None:
    path = f"/inspections/{makers.an_inspection(session, inspector.actor).id}"
    body = {"answers": COMPLETE, "remarks": "x" * 1000}
    content(inspector.put(path, body, If_Match='"1"'))
    plain, small = inspector.get(path), inspector.get(path, Accept_Encoding="gzip")
    assert (plain.headers["ETag"], small.headers["ETag"]) == ('"2"', '"2-gzip"')
    for tag in ('"2"', '"2-gzip"', 'W/"2-gzip"', '"7", "2-gzip"'):
        again = inspector.get(path, If_None_Match=tag, Accept_Encoding="gzip")
        assert (again.status_code, again.headers["ETag"].strip('"') in tag) == (304, True)
    written = inspector.put(path, {**body, "remarks": "y" * 1000}, If_Match=small.headers["ETag"], Accept_Encoding="gzip")
    assert json.loads(gzip.decompress(written.data))["version"] == 3


def test_a_browser_that_is_signed_in_gets_nothing_compressed(session: Session, inspector: Caller) -> None:
    path = f"/v1/checklists/{makers.a_checklist(session).id}"
    inspector.client.set_cookie("__Host-registry-session", "dwr_s_x", secure=True)
    response = inspector.client.get(path, headers={"Authorization": f"Bearer {inspector.token}", "Accept-Encoding": "gzip"}, base_url="https://localhost")
    assert response.status_code == 200
    assert "Content-Encoding" not in response.headers
    inspector.client.delete_cookie("__Host-registry-session")


def test_pages_stay_as_they_are(inspector: Caller) -> None:
    page = inspector.client.get("/sign-in", headers={"Accept-Encoding": "gzip"})
    assert page.mimetype == "text/html"
    assert "Content-Encoding" not in page.headers
