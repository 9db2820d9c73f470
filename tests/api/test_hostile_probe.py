"""probe"""
import json
import time
from functools import partial
from typing import Any
from uuid import uuid4, UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from registry.changes.model import Change
from registry.db import API_ROLE, database
from registry.inspections.model import Inspection, InspectionConflict
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused, reload
from tests.api.test_sync import edit, send, outcomes
from tests.api.test_teams import a_team, an_untaken, at_once
from tests.owner import as_owner


def test_p1(session: Session, inspector: Caller, corporation: Caller) -> None:
    d = makers.a_dwelling(session, held_by=corporation.organisation)
    i = makers.an_inspection(session, inspector.actor, dwelling_id=d.id)
    content(inspector.post(f"/dwellings/{d.id}/hazards", {"kind": "aggression", "note": "zoon is gewelddadig"}), 201)
    lines = content(corporation.get(f"/audit?subjectKind=dwelling&subjectId={d.id}"))["items"]
    print(lines)
    assert not lines

def test_p16(session: Session, inspector: Caller, corporation: Caller) -> None:
    d = makers.a_dwelling(session, held_by=corporation.organisation)
    i = makers.an_inspection(session, inspector.actor, dwelling_id=d.id, note="hond")
    path = f"/inspections/{i.id}"
    content(inspector.put(path, {"answers": {"mould": "none"}}, version=1))
    refused(inspector.put(path, {"answers": {"mould": "spots"}, "remarks": "bewoner schreeuwt"}, version=1), 409, "inspection-conflict")
    items = content(corporation.get("/conflicts"))["items"]
    print(items, content(corporation.get(path))["note"])
    assert not items

BAD = ['{"answers":{"mould":NaN}}', '{"answers":{"mould":"\\ud800"}}', '{"answers":{"\\ud800":1}}', '{"answers":{"mould":1e400}}', '{"answers":{},"remarks":"\\udfff"}', '{"answers":{"mould":12345678901234567890123}}', '{"answers":{"mould":[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]}}', '{"answers":{"mould":"\\u0000"}}','{"answers":{},"visitedAt":"0001-01-01T00:00:00Z"}', '{"answers":{},"visitedAt":5}', '{"answers":{}, "visitOutcome":[]}', '{"answers":{}, "checklistId":"00000000-0000-0000-0000-000000000000"}', '{"answers":{"mould":"x"},"visitedAt":"9000-12-31T23:59:59.999999-14:00"}', '{"answers":{"mould":"x"},"visitedAt":"1900-01-01T00:00:00+14:00"}']

@pytest.mark.parametrize("body", BAD)
def test_p2(session: Session, inspector: Caller, body: str) -> None:
    i = makers.an_inspection(session, inspector.actor)
    for v in (1, 9):
        for clock in (None, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"):
            r = inspector.send("PUT", f"/inspections/{i.id}", raw=body.encode(), version=v, **({"Phone_Clock": clock} if clock else {}))
            print(r.status_code, r.text[:200])
            assert r.status_code < 500
    r = inspector.send("POST", "/sync", raw=f'{{"items":[{{"inspectionId":"{i.id}","baseVersion":1,"editId":"{uuid4()}","document":{body}}},{{"inspectionId":"{i.id}","baseVersion":77,"document":{body}}}]}}'.encode(), Phone_Clock="0001-01-01T00:00:00+23:59")
    print(r.status_code, r.text[:300])
    assert r.status_code < 500 and "internal-error" not in r.text
    r = inspector.get("/changes?include=content")
    assert r.status_code < 500
    assert inspector.get(f"/inspections/{i.id}").status_code == 200
    assert inspector.get("/day").status_code == 200
    for c in content(inspector.get("/conflicts"))["items"]:
        print(inspector.post(f"/conflicts/{c['id']}/resolution", {"keep": "yours"}, version=c["inspectionVersion"]).status_code)

def test_p2b(session: Session, inspector: Caller, reviewer: Caller) -> None:
    i = makers.an_inspection(session, inspector.actor)
    s = "\\ud800"
    for caller, m, p, body, v in [
        (inspector, "POST", f"/dwellings/{i.dwelling_id}/hazards", f'{{"kind":"dog","note":"{s}"}}', None),
        (inspector, "POST", f"/dwellings/{i.dwelling_id}/hazards", '{"kind":{"a":1}}', None),
        (reviewer, "POST", "/teams", f'{{"name":"{s}","memberIds":[]}}', None),
        (reviewer, "POST", "/teams", '{"name":"x","memberIds":[1]}', None),
        (reviewer, "PUT", f"/inspections/{i.id}/assignment", f'{{"note":"{s}"}}', 1),
        (reviewer, "PUT", f"/inspections/{i.id}/assignment", '{"dueOn":"0001-01-01"}', 1),
        (reviewer, "POST", "/inspections/assignments", f'{{"inspectionIds":["{i.id}","{i.id}"],"note":"{s}"}}', None),
        (reviewer, "POST", "/inspections/assignments", f'{{"inspectionIds":["{i.id}","{i.id}"],"note":"z"}}', None),
        (reviewer, "POST", "/inspections/assignments", f'{{"inspectionIds":["{i.id}"],"organisationId":null}}', None),
        (reviewer, "POST", "/inspections/assignments", f'{{"inspectionIds":["{i.id}"]}}', None),
        (reviewer, "POST", f"/inspections/{i.id}/withdrawal", f'{{"reason":"{s}"}}', None),
        (reviewer, "POST", f"/inspections/{i.id}/next-visit", f'{{"note":"{s}"}}', None),
        (reviewer, "POST", f"/inspections/{uuid4()}/next-visit", '{}', None),
        (inspector, "PUT", "/day/order", f'{{"on":"0001-01-01","inspectionIds":["{i.id}"]}}', None),
        (inspector, "PUT", "/day/order", f'{{"on":"9999-12-31","inspectionIds":[]}}', None),
    ]:
        r = caller.send(m, p, raw=body.encode(), version=v)
        print(m, p, r.status_code, r.text[:150])
        assert r.status_code < 500
    for q in ("/day?on=9999-12-31", "/day?on=0001-01-01", "/day?longitude=nan&latitude=1", "/day?longitude=inf&latitude=1", "/day?longitude=1e999&latitude=1", "/day?longitude=0&latitude=-90", "/changes?cursor=xx", "/conflicts?cursor=L3Y", "/changes?limit=0","/changes?include=foo", "/conflicts?inspectionId=x", "/conflicts?open=maybe"):
        r = inspector.get(q)
        print(q, r.status_code)
        assert r.status_code < 500
    import base64
    for k in ("a:b:c", "x:1:1", "x:99999999999999999999:1", ":9223372036854775807:9223372036854775807", "-:0:0", "0:0", "x:-1:1", "\u0661:\u0662", "x:1_0:1"):
        r = inspector.get("/changes?cursor=" + base64.urlsafe_b64encode(f"/v1/changes {k}".encode()).decode().rstrip("="))
        print(k, r.status_code, r.text[:80])
        assert r.status_code < 500
    for v in ('"3-gzip"', 'W/"1"', '*', '"1", "2"', '"999999999"', '"-gzip"', '"1-gzip-gzip"', '"0"', '"\u00b2"'):
        r = inspector.send("PUT", f"/inspections/{i.id}", {"answers": {"mould": "none"}}, If_Match=v)
        print(v, r.status_code, r.text[:80])
        assert r.status_code < 500

def test_p3(session: Session, inspector: Caller, reviewer: Caller) -> None:
    team = a_team(reviewer, inspector)
    i = an_untaken(session, team, inspector)
    path = f"/inspections/{i.id}"
    content(inspector.post(f"{path}/taking"))
    item = edit(str(i.id), {"mould": "none"}, editId=str(uuid4()), baseVersion=2)
    assert outcomes(send(inspector, item)) == ["applied"]
    content(reviewer.put(f"{path}/assignment", {"teamId": team["id"]}, version=3))
    results = send(inspector, item, edit(str(i.id), {"mould": "spots"}, editId=str(uuid4()), baseVersion=3))
    print(results)
    assert outcomes(results) == ["applied", "conflict"]

def test_p4(session: Session, inspector: Caller, reviewer: Caller) -> None:
    i = makers.an_inspection(session, inspector.actor)
    session.add(Change(kind="inspection", subject_id=i.id, person_id=inspector.person_id, organisation_id=i.organisation_id, personal=True)); session.flush()
    content(reviewer.put(f"/inspections/{i.id}/assignment", {}, version=1))
    for _ in range(3):
        r = inspector.put(f"/inspections/{i.id}", {"answers": {"mould": "none"}})
        print(r.status_code, r.text[:100])
    n = session.scalar(sa.select(sa.func.count()).select_from(InspectionConflict))
    assert n <= 1

def test_p12(session: Session, inspector: Caller, reviewer: Caller) -> None:
    i = makers.an_inspection(session, inspector.actor)
    assert outcomes(send(inspector, edit(str(i.id), {"mould": "none"}, editId=str(uuid4()), baseVersion=1))) == ["applied"]
    content(reviewer.put(f"/inspections/{i.id}/assignment", {"assigneeId": str(inspector.person_id), "dueOn": "2027-01-01"}, version=2))
    assert outcomes(send(inspector, edit(str(i.id), {"mould": "spots"}, editId=str(uuid4()), baseVersion=2))) == ["applied"]

def test_p13() -> None:
    from registry.inspections.plans_csv import read
    began = time.monotonic()
    print(read(("dwellingId;checklist;aanleiding;postcode;huisnummer\n;baseline;nulmeting;6411AB;1" + " " * 20000 + "!\n").encode()))
    took = time.monotonic() - began
    print(took)
    assert took < 0.5

def test_p14(session: Session, inspector: Caller, municipality: Caller, reviewer: Caller) -> None:
    d = makers.a_dwelling(session)
    plan = {"id": str(d.id), "dwellingId": str(d.id), "checklistId": str(makers.a_checklist(session).id), "occasion": "baseline", "organisationId": str(inspector.organisation.id), "assigneeId": str(inspector.person_id)}
    content(municipality.post("/inspections", plan), 201)
    items = content(inspector.get("/changes?include=content"))["items"]
    print(items)
