"""The audit log over HTTP."""

from uuid import UUID

from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused


def test_every_write_leaves_a_line(corporation: Caller, auditor: Caller, session: Session) -> None:
    makers.a_municipality(session)
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}, X_Request_Id="request-of-mine-1"), 201)
    (line,) = content(auditor.get(f"/audit?subjectKind=dwelling&subjectId={made['id']}"))["items"]
    assert line["action"] == "dwelling.registered"
    assert line["personId"] == str(corporation.person_id)
    assert line["organisationId"] == str(corporation.organisation and corporation.organisation.id)
    assert (line["role"], line["requestId"]) == ("corporation-editor", "request-of-mine-1")


def test_the_history_of_one_object_is_its_own(administrator: Caller) -> None:
    for name in ("one", "two"):
        version = administrator.put(f"/schemes/{name}", {"name": name}).headers["ETag"]
        content(administrator.put(f"/schemes/{name}", {"name": "other"}, If_Match=version))
    lines = content(administrator.get("/audit?subjectKind=scheme&subjectId=one"))["items"]
    assert [(line["action"], line["subjectId"]) for line in lines] == [("scheme.changed", "one"), ("scheme.created", "one")]
    assert all(len(line["traceId"]) == 32 and line["reason"] is None for line in lines)


def test_lines_are_found_by_person_request_and_period(administrator: Caller, auditor: Caller) -> None:
    content(administrator.put("/schemes/one", {"name": "One"}, X_Request_Id="request-of-mine-1"), 201)
    (line,) = content(administrator.get("/audit"))["items"]
    moment = line["recordedAt"]
    for query, count in (
        (f"personId={administrator.person_id}", 1),
        (f"personId={UUID(int=1)}", 0),
        ("requestId=request-of-mine-1", 1),
        ("requestId=request-of-mine-2", 0),
        (f"from={moment}&personId={administrator.person_id}", 1),
        (f"until={moment}", 0),
        (f"from=2020-01-01T00:00:00Z&until={moment}", 0),
        (f"until=2100-01-01T00:00:00Z&personId={administrator.person_id}", 1),
    ):
        assert len(content(auditor.get(f"/audit?{query}"))["items"]) == count, query


def test_the_newest_line_comes_first(administrator: Caller) -> None:
    for name in ("One", "Two", "Three"):
        content(administrator.put(f"/schemes/{name.lower()}", {"name": name}), 201)
    first = content(administrator.get("/audit?limit=2"))
    rest = content(administrator.get(f"/audit?cursor={first['next']}"))
    assert [line["subjectId"] for line in first["items"] + rest["items"]] == ["three", "two", "one"]


def test_a_refused_request_leaves_no_line(administrator: Caller) -> None:
    refused(administrator.put("/focus-areas/x", {"name": "X", "municipalityCode": "GM9999"}), 400, "rule-violation", ("/municipalityCode", "no-such-reference"))
    assert content(administrator.get("/audit"))["items"] == []


def test_few_may_read_all_of_it(corporation: Caller, inspector: Caller, analyst: Caller) -> None:
    for caller in (corporation, inspector):
        refused(caller.get("/audit"), 400, "object-not-named", ("subjectKind", "required"), ("subjectId", "required"))
    refused(analyst.get("/audit"), 403, "not-allowed")


def test_the_history_of_an_object_is_for_who_sees_it(corporation: Caller, other_corporation: Caller, municipality: Caller) -> None:
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    path = f"/audit?subjectKind=dwelling&subjectId={made['id']}"
    for caller in (corporation, municipality):
        assert [line["action"] for line in content(caller.get(path))["items"]] == ["dwelling.registered"]
    refused(other_corporation.get(path), 404, "not-found")
    for kind, id in (("dwelling", "x"), ("scheme", made["id"]), ("nothing", "y")):
        refused(corporation.get(f"/audit?subjectKind={kind}&subjectId={id}"), 404, "not-found")


def test_the_history_of_an_object_does_not_tell_who_supervises(corporation: Caller, auditor: Caller, session: Session) -> None:
    makers.a_municipality(session)
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    content(auditor.get(f"/dwellings/{made['id']}", Reason="Vermoeden van fraude"))
    response = corporation.get(f"/audit?subjectKind=dwelling&subjectId={made['id']}")
    assert [line["action"] for line in content(response)["items"]] == ["dwelling.registered"]


def test_an_administrator_reads_what_her_organisation_did(administrator: Caller, corporation: Caller, session: Session) -> None:
    makers.a_municipality(session)
    content(administrator.put("/schemes/x", {"name": "X"}), 201)
    content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    assert [line["subjectId"] for line in content(administrator.get("/audit"))["items"]] == ["x"]


def test_an_auditor_says_why_and_that_is_kept(auditor: Caller, corporation: Caller, session: Session) -> None:
    makers.a_municipality(session)
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    refused(auditor.get(f"/dwellings/{made['id']}", Reason=""), 400, "reason-required", ("Reason", "reason-required"))
    content(auditor.get(f"/dwellings/{made['id']}", Reason="Kamervraag%20over%20co%C3%B6peratie"))
    line = content(auditor.get(f"/audit?subjectKind=dwelling&subjectId={made['id']}"))["items"][0]
    assert (line["action"], line["reason"], line["personId"]) == ("dwelling.looked-at", "Kamervraag over coöperatie", str(auditor.person_id))


def test_what_is_asked_must_have_the_right_form(auditor: Caller) -> None:
    refused(auditor.get(f"/audit?subjectKind=&subjectId={'x' * 81}"), 400, "invalid-input", ("subjectKind", "too-short"), ("subjectId", "too-long"))
