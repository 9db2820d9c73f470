"""Organisations over HTTP."""

from uuid import uuid4

from sqlalchemy.orm import Session

from tests import makers
from tests.api.callers import Caller, content, refused

WONEN = {"slug": "wonen-zuid", "name": "Wonen Zuid", "kind": "corporation"}


def test_an_organisation_is_made_and_read(administrator: Caller, analyst: Caller) -> None:
    response = administrator.post("/organisations", WONEN)
    made = content(response, 201)
    assert made.items() >= {**WONEN, "municipalityCode": None}.items()
    assert response.headers["Location"] == f"/v1/organisations/{made['id']}"
    assert content(analyst.get(f"/organisations/{made['id']}")) == made
    assert content(analyst.get("/organisations?kind=corporation"))["items"] == [made]
    assert made not in content(analyst.get("/organisations?kind=ministry"))["items"]


def test_the_same_client_made_id_changes_nothing(administrator: Caller) -> None:
    body = {**WONEN, "id": str(uuid4())}
    first = content(administrator.post("/organisations", body), 201)
    assert content(administrator.post("/organisations", body), 200) == first
    refused(administrator.post("/organisations", {**body, "name": "Wonen Noord"}), 409, "already-exists")


def test_a_slug_belongs_to_one_organisation(administrator: Caller) -> None:
    content(administrator.post("/organisations", WONEN), 201)
    refused(administrator.post("/organisations", WONEN), 409, "already-exists")


def test_all_faults_come_together(administrator: Caller) -> None:
    body = {"slug": "Wonen Zuid", "name": "", "kind": "bank", "municipalityCode": 917}
    refused(
        administrator.post("/organisations", body),
        400,
        "invalid-input",
        ("/slug", "wrong-form"),
        ("/name", "too-short"),
        ("/kind", "not-one-of"),
        ("/municipalityCode", "not-text"),
    )


def test_a_municipality_and_only_a_municipality_has_a_code(administrator: Caller, session: Session) -> None:
    wrong = ("/municipalityCode", "municipality-required")
    refused(administrator.post("/organisations", {**WONEN, "kind": "municipality"}), 400, "rule-violation", wrong)
    refused(administrator.post("/organisations", {**WONEN, "municipalityCode": "GM0917"}), 400, "rule-violation", wrong)
    unknown = {**WONEN, "kind": "municipality", "municipalityCode": "GM0917"}
    refused(administrator.post("/organisations", unknown), 400, "rule-violation", ("/municipalityCode", "no-such-reference"))
    makers.a_municipality(session)
    assert content(administrator.post("/organisations", unknown), 201)["municipalityCode"] == "GM0917"


def test_only_an_administrator_adds_organisations(corporation: Caller) -> None:
    refused(corporation.post("/organisations", WONEN), 403, "not-allowed")


def test_what_is_not_there_is_not_found(administrator: Caller) -> None:
    refused(administrator.get(f"/organisations/{uuid4()}"), 404, "not-found")
    refused(administrator.get("/organisations/wonen-zuid"), 404, "no-such-page")
    refused(administrator.get("/organisations?kind=bank"), 400, "invalid-input", ("kind", "not-one-of"))
