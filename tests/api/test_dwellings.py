"""Dwellings over HTTP."""

from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from registry.batch import LARGEST_BATCH
from tests import makers
from tests.api.callers import Caller, content, refused

WHOLE = {
    "municipalityCode": "GM0917",
    "focusArea": "heerlen-noord",
    "bagId": "0917010000123456",
    "bagObjectType": "occupiable-object",
    "street": "Vrieheidestraat",
    "houseNumber": 12,
    "houseLetter": "a",
    "houseNumberSuffix": "2",
    "postcode": "6411 ab",
    "town": "Heerlen",
    "yearBuilt": 1961,
    "floorAreaM2": 88,
    "uses": ["residential", "office"],
    "tenure": "owner-occupied",
    "dwellingType": "single-family",
    "longitude": 5.98,
    "latitude": 50.91,
}


@pytest.fixture(autouse=True)
def _places(session: Session) -> None:
    makers.a_focus_area(session)


def test_a_registered_dwelling_can_be_read_back(corporation: Caller) -> None:
    response = corporation.post("/dwellings", WHOLE)
    made = content(response, 201)
    assert response.headers["Location"] == f"/v1/dwellings/{made['id']}"
    assert response.headers["ETag"] == '"1"'
    assert made.items() >= {**WHOLE, "postcode": "6411AB", "source": "api", "version": 1}.items()
    assert made["recordedAt"].endswith("Z")
    assert content(corporation.get(f"/dwellings/{made['id']}")) == made


def test_a_municipality_is_enough(corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    assert made["uses"] == ["residential"]
    assert [made[name] for name in ("bagId", "street", "longitude", "energyLabel", "conditionScore")] == [None] * 5


def test_all_faults_of_shape_come_together(corporation: Caller) -> None:
    body = {
        "houseNumber": 0,
        "houseLetter": "ab",
        "bagId": "123",
        "bagObjectType": "castle",
        "street": 7,
        "uses": [],
        "tenure": [],
        "postcode": "0000AA",
        "longitude": "5.9",
        "latitude": 91,
        "yearBuilt": 1990.5,
        "floorAreaM2": True,
        "town": None,
        "colour": "red",
        "a/b~c": 1,
        "id": "x",
    }
    refused(
        corporation.post("/dwellings", body),
        400,
        "invalid-input",
        ("/municipalityCode", "required"),
        ("/houseNumber", "too-small"),
        ("/houseLetter", "wrong-form"),
        ("/bagId", "wrong-form"),
        ("/bagObjectType", "not-one-of"),
        ("/street", "not-text"),
        ("/uses", "too-short"),
        ("/tenure", "not-one-of"),
        ("/postcode", "wrong-form"),
        ("/longitude", "not-a-number"),
        ("/latitude", "too-big"),
        ("/yearBuilt", "not-a-whole-number"),
        ("/floorAreaM2", "not-a-whole-number"),
        ("/colour", "unknown-field"),
        ("/a~1b~0c", "unknown-field"),
        ("/id", "not-a-uuid"),
    )


def test_all_faults_of_meaning_come_together(corporation: Caller) -> None:
    body = {
        "municipalityCode": "GM9999",
        "focusArea": "nowhere",
        "bagId": "0917020000123456",
        "bagObjectType": "occupiable-object",
        "longitude": 0,
        "latitude": 0,
    }
    refused(
        corporation.post("/dwellings", body),
        400,
        "rule-violation",
        ("/municipalityCode", "no-such-reference"),
        ("/focusArea", "no-such-reference"),
        ("/bagId", "bag-id-wrong-type"),
        ("/longitude", "position-outside"),
    )


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ({"bagId": "0917010000123456"}, ("/bagObjectType", "bag-id-without-type")),
        ({"bagObjectType": "pitch"}, ("/bagId", "bag-id-without-type")),
        ({"longitude": 5.9}, ("/latitude", "required")),
        ({"latitude": 50.9}, ("/longitude", "required")),
    ],
)
def test_what_belongs_together_comes_together(corporation: Caller, part: dict[str, object], fault: tuple[str, str]) -> None:
    refused(corporation.post("/dwellings", {"municipalityCode": "GM0917", **part}), 400, "rule-violation", fault)


def test_a_focus_area_must_be_in_the_municipality(corporation: Caller, session: Session) -> None:
    makers.a_municipality(session, "GM0363", "Amsterdam")
    body = {"municipalityCode": "GM0363", "focusArea": "heerlen-noord"}
    refused(corporation.post("/dwellings", body), 400, "rule-violation", ("/focusArea", "focus-area-elsewhere"))


def test_a_refusal_speaks_dutch_or_english(corporation: Caller) -> None:
    texts = {}
    for language in ("nl", "en", "fr", "en-GB;q=0.5, nl;q=0.9"):
        corporation.language = language
        texts[language] = corporation.post("/dwellings", {}).json["errors"][0]["detail"]  # type: ignore[index]
    assert texts == {"nl": "Dit veld is verplicht.", "en": "This field is required.", "fr": "Dit veld is verplicht.", "en-GB;q=0.5, nl;q=0.9": texts["nl"]}


def test_the_same_client_made_id_changes_nothing(corporation: Caller) -> None:
    body = {**WHOLE, "id": str(uuid4())}
    first = content(corporation.post("/dwellings", body), 201)
    assert content(corporation.post("/dwellings", body), 200) == first
    refused(corporation.post("/dwellings", {**body, "yearBuilt": 1962}), 409, "already-exists", ("/id", "already-exists"))


def test_a_bag_id_belongs_to_one_dwelling(corporation: Caller) -> None:
    content(corporation.post("/dwellings", WHOLE), 201)
    refused(corporation.post("/dwellings", WHOLE), 409, "conflict", ("/bagId", "bag-id-taken"))


def test_a_municipality_stays_within_its_borders(other_municipality: Caller, municipality: Caller) -> None:
    made = content(municipality.post("/dwellings", WHOLE), 201)
    refused(other_municipality.get(f"/dwellings/{made['id']}"), 404, "not-found")
    refused(other_municipality.put(f"/dwellings/{made['id']}", {"municipalityCode": "GM0363"}, version=1), 404, "not-found")
    assert content(other_municipality.get("/dwellings"))["items"] == []
    refused(other_municipality.post("/dwellings", {"municipalityCode": "GM0917"}), 400, "rule-violation", ("/municipalityCode", "outside-your-municipality"))


def test_an_amended_dwelling_has_a_new_version(corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", WHOLE), 201)
    response = corporation.put(f"/dwellings/{made['id']}", {**WHOLE, "yearBuilt": 1962}, version=1)
    assert content(response)["version"] == 2
    assert response.headers["ETag"] == '"2"'
    assert content(corporation.put(f"/dwellings/{made['id']}", {**WHOLE, "yearBuilt": 1962}))["version"] == 2
    refused(
        corporation.put(f"/dwellings/{made['id']}", {"municipalityCode": "GM9999"}, version=2),
        400,
        "rule-violation",
        ("/municipalityCode", "no-such-reference"),
    )
    refused(corporation.put(f"/dwellings/{uuid4()}", WHOLE, version=2), 404, "not-found")


def new(municipality: str) -> dict[str, str]:
    return {"id": str(uuid4()), "municipalityCode": municipality}


def test_a_batch_judges_each_dwelling_by_itself(corporation: Caller) -> None:
    known = {"municipalityCode": "GM0917", "id": str(uuid4())}
    content(corporation.post("/dwellings", known), 201)
    twice = {**WHOLE, "id": str(uuid4())}
    answer = content(corporation.post("/dwellings/batch", {"items": [known, new("GM0917"), new("GM0001"), twice, twice]}))
    assert [result["outcome"] for result in answer["results"]] == ["unchanged", "created", "refused", "refused", "refused"]
    assert answer["summary"] == {"created": 1, "unchanged": 1, "refused": 3}
    assert [fault["pointer"] for fault in answer["results"][2]["errors"]] == ["/items/2/municipalityCode"]
    assert {fault["pointer"] for fault in answer["results"][4]["errors"]} == {"/items/4/id", "/items/4/bagId"}


def test_faults_of_shape_in_a_batch_name_their_place(corporation: Caller) -> None:
    body = {"items": [{"municipalityCode": "GM0917"}, new("Heerlen"), 3, new("GM0917")]}
    faults = (("/items/0/id", "required"), ("/items/1/municipalityCode", "wrong-form"), ("/items/2", "not-an-object"))
    results = content(corporation.post("/dwellings/batch", body))["results"]
    assert [(fault["pointer"], fault["code"]) for result in results for fault in result["errors"]] == list(faults)
    assert results[3]["outcome"] == "created"
    refused(corporation.post("/dwellings/batch", {"items": []}), 400, "invalid-input", ("/items", "too-short"))
    too_many = {"items": [new("GM0917")] * (LARGEST_BATCH + 1)}
    refused(corporation.post("/dwellings/batch", too_many), 400, "invalid-input", ("/items", "too-long"))


def test_dwellings_are_found_by_address(corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", WHOLE), 201)
    for more in ({}, {"houseLetter": "A"}, {"houseLetter": "a", "houseNumberSuffix": "2"}):
        assert content(corporation.post("/dwellings/_search", {"postcode": "6411ab", "houseNumber": 12, **more}))["items"] == [made]
    assert content(corporation.post("/dwellings/_search", {"postcode": "6411AB", "houseNumber": 12, "houseLetter": "b"}))["items"] == []
    refused(corporation.post("/dwellings/_search", {"postcode": "6411"}), 400, "invalid-input", ("/postcode", "wrong-form"), ("/houseNumber", "required"))


def test_a_list_can_be_narrowed(corporation: Caller) -> None:
    made = content(corporation.post("/dwellings", WHOLE), 201)
    content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    for query in ("focusArea=heerlen-noord", "bagId=0917010000123456", "municipalityCode=GM0917&limit=1&focusArea=heerlen-noord"):
        assert content(corporation.get(f"/dwellings?{query}"))["items"] == [made]
    wrong = corporation.get("/dwellings?focusArea=Not%20a%20slug&bagId=1&municipalityCode=x&limit=0&colour=red")
    refused(
        wrong,
        400,
        "invalid-input",
        ("focusArea", "wrong-form"),
        ("bagId", "wrong-form"),
        ("municipalityCode", "wrong-form"),
        ("limit", "too-small"),
        ("colour", "unknown-field"),
    )


def test_the_newest_label_is_the_label_of_the_dwelling(corporation: Caller) -> None:
    path = f"/dwellings/{content(corporation.post('/dwellings', WHOLE), 201)['id']}"
    newest = content(corporation.post(f"{path}/energy-labels", {"label": "A++", "surveyedOn": "2025-05-01"}), 201)
    oldest = content(corporation.post(f"{path}/energy-labels", {"label": "F", "surveyedOn": "2019-05-01"}), 201)
    assert content(corporation.get(f"{path}/energy-labels"))["items"] == [oldest, newest]
    assert content(corporation.get(path))["energyLabel"] == "A++"


def test_a_label_is_checked(corporation: Caller) -> None:
    path = f"/dwellings/{content(corporation.post('/dwellings', WHOLE), 201)['id']}/energy-labels"
    refused(corporation.post(path, {"label": "H", "surveyedOn": "May"}), 400, "invalid-input", ("/label", "not-one-of"), ("/surveyedOn", "not-a-date"))
    refused(corporation.post(path, {"label": "A", "surveyedOn": "9999-12-31"}), 400, "rule-violation", ("/surveyedOn", "wrong-label-date"))
    assert content(corporation.post(path, {"label": "A", "surveyedOn": "0001-01-01"}), 201)["surveyedOn"] == "0001-01-01"
    refused(corporation.post(f"/dwellings/{uuid4()}/energy-labels", {"label": "A", "surveyedOn": "2020-01-01"}), 404, "not-found")
    refused(corporation.get(f"/dwellings/{uuid4()}/energy-labels"), 404, "not-found")


def test_an_analyst_sees_no_addresses(analyst: Caller) -> None:
    problem = refused(analyst.get("/dwellings"), 403, "not-allowed")
    assert "ministry-analyst" in problem["detail"]
