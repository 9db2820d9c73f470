"""Hazards of dwellings over HTTP."""

from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.db import reading
from tests import makers
from tests.api.callers import Caller, content, refused


def test_those_who_go_there_and_those_who_send_them_see_a_hazard(
    session: Session, inspector: Caller, reviewer: Caller, municipality: Caller, other_municipality: Caller, auditor: Caller
) -> None:
    inspection = makers.an_inspection(session, inspector.actor)
    path = f"/dwellings/{inspection.dwelling_id}/hazards"
    made = content(inspector.post(path, {"kind": "dog", "note": "los op het erf"}), 201)
    assert made.items() >= {"kind": "dog", "note": "los op het erf", "endedAt": None, "dwellingId": str(inspection.dwelling_id)}.items()
    for caller in (inspector, reviewer, municipality, auditor):
        assert content(caller.get(path)) == {"items": [made]}
    refused(other_municipality.get(path), 404, "not-found")
    refused(other_municipality.post(path, {"kind": "dog"}), 404, "not-found")
    refused(other_municipality.post(f"/hazards/{made['id']}/end", {"reason": "x"}), 404, "not-found")
    refused(auditor.post(path, {"kind": "dog"}), 403, "not-allowed")


def test_a_corporation_never_sees_one(session: Session, corporation: Caller) -> None:
    assert corporation.organisation
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    makers.a_hazard(session, dwelling.id, corporation.organisation.id)
    refused(corporation.get(f"/dwellings/{dwelling.id}/hazards"), 403, "not-allowed")
    refused(corporation.post(f"/dwellings/{dwelling.id}/hazards", {"kind": "dog"}), 403, "not-allowed")


def test_a_hazard_ends_for_a_reason_and_stays_to_be_read(session: Session, inspector: Caller, municipality: Caller) -> None:
    path = f"/dwellings/{makers.an_inspection(session, inspector.actor).dwelling_id}/hazards"
    first, second = (content(inspector.post(path, {"kind": kind}), 201) for kind in ("gas", "asbestos"))
    ended = content(municipality.post(f"/hazards/{second['id']}/end", {"reason": "gesaneerd"}))
    assert (ended["endReason"], ended["version"], ended["endedAt"] is None) == ("gesaneerd", 2, False)
    assert content(inspector.post(f"/hazards/{second['id']}/end", {"reason": "iets anders"})) == ended
    assert content(inspector.get(path))["items"] == [first, ended]
    refused(inspector.post(f"/hazards/{uuid4()}/end", {"reason": "x"}), 404, "not-found")


def test_another_kind_says_what_it_is_and_the_same_id_changes_nothing(session: Session, inspector: Caller) -> None:
    path = f"/dwellings/{makers.an_inspection(session, inspector.actor).dwelling_id}/hazards"
    refused(inspector.post(path, {"kind": "other"}), 400, "rule-violation", ("/note", "required"))
    body = {"id": str(uuid4()), "kind": "other", "note": "gat in de vloer"}
    assert content(inspector.post(path, body), 201) == content(inspector.post(path, body), 200)
    refused(inspector.post(path, {**body, "kind": "collapse"}), 409, "already-exists")


def test_phones_and_the_audit_log_hear_of_it(session: Session, inspector: Caller) -> None:
    dwelling_id = makers.an_inspection(session, inspector.actor).dwelling_id
    made = content(inspector.post(f"/dwellings/{dwelling_id}/hazards", {"kind": "gas"}), 201)
    content(inspector.post(f"/hazards/{made['id']}/end", {"reason": "afgesloten"}))
    assert len(session.scalars(sa.select(Change.id).where(Change.subject_id == dwelling_id, Change.kind == "dwelling")).all()) == 2
    lines = session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == str(dwelling_id)).order_by(AuditLine.id)).all()
    assert lines == ["dwelling.hazard-recorded", "dwelling.hazard-ended"]


def test_a_corporation_does_not_learn_of_it_from_the_history_or_from_the_note_to_who_goes_there(
    session: Session, inspector: Caller, reviewer: Caller, corporation: Caller, municipality: Caller
) -> None:
    assert corporation.organisation
    dwelling = makers.a_dwelling(session, held_by=corporation.organisation)
    inspection = makers.an_inspection(session, inspector.actor, dwelling_id=dwelling.id, note="pas op: agressief")
    made = content(inspector.post(f"/dwellings/{dwelling.id}/hazards", {"kind": "aggression"}), 201)
    content(inspector.post(f"/hazards/{made['id']}/end", {"reason": "bewoner verhuisd"}))
    content(inspector.put(f"/inspections/{inspection.id}", {"answers": {}, "visitOutcome": "unsafe"}, version=1))
    content(inspector.post(f"/inspections/{inspection.id}/submission"))
    content(reviewer.post(f"/inspections/{inspection.id}/next-visit", {"basis": "politie gaat mee", "note": "hond"}), 201)
    history = [f"/audit?subjectKind=dwelling&subjectId={dwelling.id}", f"/audit?subjectKind=inspection&subjectId={inspection.id}"]
    told = {caller.actor.role: {line["action"] for path in history for line in content(caller.get(path))["items"]} for caller in (corporation, municipality)}
    secret = {"dwelling.hazard-recorded", "dwelling.hazard-ended", "inspection.next-visit-planned"}
    assert told["municipality-editor"] - told["corporation-editor"] == secret
    assert told["corporation-editor"] == {"inspection.filled-in", "inspection.submitted"}
    for path, of in ((f"/inspections/{inspection.id}", lambda body: [body]), ("/inspections", lambda body: body["items"])):
        assert {each["note"] for each in of(content(corporation.get(path)))} == {None}
        assert "pas op: agressief" in {each["note"] for each in of(content(municipality.get(path)))}
    with reading(corporation.actor) as seen:  # nor by a query that forgets it
        assert set(seen.scalars(sa.select(AuditLine.action))) == {"inspection.filled-in", "inspection.submitted", "inspection.planned"}
