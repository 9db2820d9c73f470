"""Planning from a file over HTTP."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from registry.dwellings.model import Dwelling
from registry.inspections.plans_csv import LARGEST_FILE_BYTES
from registry.members.model import Person, Team
from registry.values import BagObjectType
from tests import makers
from tests.api.callers import Caller, always_there, content

HEADER = "postcode;huisnummer;huisletter;toevoeging;checklist;aanleiding;inspecteur;team;uiterlijk op;notitie"


@dataclass(frozen=True)
class Place:
    dwelling: Dwelling
    email: str
    team: Team
    organisation: str


@pytest.fixture
def place(session: Session, inspector: Caller) -> Place:
    assert inspector.organisation
    makers.a_checklist(session)
    address = {"postcode": "6411AB", "house_number": 15, "street": "Dorpsstraat", "bag_id": "0917010000123456"}
    dwelling = makers.a_dwelling(session, **address, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT)
    email = session.get_one(Person, inspector.person_id).email
    return Place(dwelling, email, makers.a_team(session, inspector.organisation, inspector.actor, name="Noord"), str(inspector.organisation.id))


def send(caller: Caller, place: Place, text: str | bytes, *, dry_run: bool = False) -> TestResponse:
    path = f"/inspections/csv?organisationId={place.organisation}" + ("&dryRun=true" if dry_run else "")
    return caller.send("POST", path, raw=text if isinstance(text, bytes) else text.encode(), key=None, Content_Type="text/csv")


def faults(response: TestResponse) -> list[tuple[str, str, str]]:
    """Cell, header and code of each."""
    assert response.status_code == 400, response.text
    always_there(response)
    problem: dict[str, Any] = response.json  # type: ignore[assignment]
    assert problem["code"] == "csv-refused"
    for fault in problem["errors"]:
        assert fault["detail"]
        if "row" in fault:
            assert fault["pointer"].startswith(f"/rows/{fault['row']}")
            assert fault["cell"].endswith(str(fault["row"]))
    return [(fault.get("cell", ""), fault.get("column", ""), fault["code"]) for fault in problem["errors"]]


def test_a_file_plans_its_rows_and_again_it_changes_nothing(session: Session, municipality: Caller, inspector: Caller, place: Place) -> None:
    text = f"{HEADER}\n6411 ab;15;;;baseline;nulmeting;{place.email.upper()};;31-12-2026;bel eerst\n6411AB;15;;;baseline;oplevering;;Noord;;\n"
    tried = content(send(municipality, place, text, dry_run=True))
    assert (tried["dryRun"], tried["summary"]) == (True, {"created": 2, "unchanged": 0})
    assert content(municipality.get("/inspections"))["items"] == []
    planned = content(send(municipality, place, text))
    assert (planned["dryRun"], planned["summary"]) == (False, {"created": 2, "unchanged": 0})
    assert [row["row"] for row in planned["rows"]] == [2, 3]
    first, second = (content(inspector.get(f"/inspections/{row['id']}")) for row in planned["rows"])
    wanted = {"dwellingId": str(place.dwelling.id), "occasion": "baseline", "assigneeId": str(inspector.person_id), "dueOn": "2026-12-31", "note": "bel eerst"}
    assert first.items() >= wanted.items()
    assert (second["assigneeId"], second["teamId"], second["occasion"]) == (None, str(place.team.id), "completion")
    content(inspector.post(f"/inspections/{second['id']}/taking"))
    makers.another_edition(session)
    again = content(send(municipality, place, text))
    assert again["summary"] == {"created": 0, "unchanged": 2}
    assert [row["id"] for row in again["rows"]] == [row["id"] for row in planned["rows"]]


@pytest.mark.parametrize("named", ["dwellingId", "bagId"])
def test_a_dwelling_is_named_by_its_id_or_that_of_the_bag(municipality: Caller, place: Place, named: str) -> None:
    value = place.dwelling.id if named == "dwellingId" else "917010000123456"  # as a spreadsheet leaves it
    planned = content(send(municipality, place, f"{named},checklist,occasion\r\n{value},baseline,progress\r\n"))
    assert planned["summary"]["created"] == 1


def test_an_awful_file_says_all_of_it_at_once_and_plans_nothing(session: Session, municipality: Caller, place: Place) -> None:
    makers.a_dwelling(session, postcode="6411AB", house_number=16, house_letter="a")
    makers.a_dwelling(session, postcode="6411AB", house_number=16, house_letter="b")
    makers.a_dwelling(session, "GM0363", postcode="1011AB", house_number=1)
    rows = [
        "6411AB;15;;;baseline;nulmeting;;;;",
        "6411AB;15;;;baseline;nulmeting;;;;nog eens",
        "6411AB;16;;;baseline;nulmeting;;;;",
        "6411AB;16;B;;baseline;nulmeting;;;;",
        "1011AB;1;;;baseline;nulmeting;;;;",
        "641;0x;;;geen;iets;wie@example.nl;Zuid;2026-02-30;",
        "6411AB;15;;;geen;progress;wie@example.nl;Zuid;;",
        ";;;;;;;;;alleen een notitie",
    ]
    response = send(municipality, place, "\n".join([HEADER, *rows]).encode("cp1252"))
    assert faults(response) == [
        ("3", "", "row-repeated"),
        ("A4", "postcode", "dwelling-ambiguous"),
        ("A6", "postcode", "no-such-reference"),
        ("A7", "postcode", "wrong-form"),
        ("B7", "huisnummer", "wrong-form"),
        ("F7", "aanleiding", "not-one-of"),
        ("I7", "uiterlijk op", "no-such-day"),
        ("E7", "checklist", "no-such-reference"),
        ("G7", "inspecteur", "not-an-inspector-there"),
        ("H7", "team", "not-a-team-there"),
        ("E8", "checklist", "no-such-reference"),
        ("G8", "inspecteur", "not-an-inspector-there"),
        ("H8", "team", "not-a-team-there"),
        ("E9", "checklist", "required"),
        ("F9", "aanleiding", "required"),
        ("9", "", "dwelling-not-named"),
    ]
    assert faults(send(municipality, place, "\n".join([HEADER, *rows]), dry_run=True)) == faults(response)
    assert content(municipality.get("/inspections"))["items"] == []
    dutch = municipality.send(
        "POST", f"/inspections/csv?organisationId={place.organisation}", raw=b"x", key=None, Content_Type="text/csv", Accept_Language="nl"
    )
    assert dutch.json
    assert "Het bestand" in dutch.json["detail"]


def test_names_of_a_dwelling_that_contradict_each_other_are_a_fault(session: Session, municipality: Caller, place: Place) -> None:
    other = makers.a_dwelling(session, postcode="6411AB", house_number=17)
    text = (
        f"dwellingId;postcode;huisnummer;bagId;checklist;aanleiding\n{other.id};6411AB;15;;baseline;nulmeting\n{other.id};;;0917010000123456;baseline;nulmeting"
    )
    assert faults(send(municipality, place, text)) == [("B2", "postcode", "another-dwelling"), ("D3", "bagId", "another-dwelling")]


def test_a_due_date_that_has_passed_is_a_warning(municipality: Caller, place: Place) -> None:
    planned = content(send(municipality, place, f"{HEADER}\n6411AB;15;;;baseline;nulmeting;;;1-1-2020;"))
    (warning,) = planned["warnings"]
    assert (warning["cell"], warning["row"], warning["column"], warning["code"]) == ("I2", 2, "uiterlijk op", "due-date-passed")


def test_a_row_that_was_planned_otherwise_is_refused(municipality: Caller, place: Place) -> None:
    row = "6411AB;15;;;baseline;nulmeting;{};;;"
    content(send(municipality, place, f"{HEADER}\n{row.format('')}"))
    assert faults(send(municipality, place, f"{HEADER}\n{row.format(place.email)}")) == [("2", "", "already-exists")]


def test_a_reviewer_plans_for_her_own_organisation(reviewer: Caller, municipality: Caller, place: Place, session: Session) -> None:
    text = f"{HEADER}\n6411AB;15;;;baseline;nulmeting;;;;"
    assert faults(send(reviewer, place, text)) == [("A2", "postcode", "no-such-reference")]  # no inspection of hers was ever there
    elsewhere = reviewer.send("POST", f"/inspections/csv?organisationId={uuid4()}", raw=text.encode(), key=None, Content_Type="text/csv")
    assert elsewhere.json
    assert [(fault["pointer"], fault["code"]) for fault in elsewhere.json["errors"]] == [("organisationId", "not-yours")]
    content(send(municipality, place, text))
    own = reviewer.send("POST", "/inspections/csv", raw=text.replace("nulmeting", "progress").encode(), key=None, Content_Type="text/csv")
    assert content(own)["summary"]["created"] == 1


def test_a_file_has_a_size_and_a_type(municipality: Caller, place: Place) -> None:
    large = send(municipality, place, b"x" * (LARGEST_FILE_BYTES + 1))
    assert (large.status_code, large.json["code"]) == (413, "content-too-large")  # type: ignore[index]
    assert str(LARGEST_FILE_BYTES) in large.json["detail"]  # type: ignore[index]
    path = f"/inspections/csv?organisationId={place.organisation}"
    other = municipality.send("POST", path, raw=b"{}", key=None)
    assert (other.status_code, other.json["code"]) == (415, "unsupported-media-type")  # type: ignore[index]


def test_a_large_file_takes_a_fixed_number_of_queries(session: Session, municipality: Caller, place: Place) -> None:
    session.execute(
        sa.insert(Dwelling), [{"municipality_code": "GM0917", "source": "api", "postcode": "6412AB", "house_number": number} for number in range(1, 301)]
    )
    seen: list[str] = []
    listener = lambda conn, cursor, statement, parameters, context, many: seen.append(statement)  # noqa: E731

    def queries(count: int) -> int:
        seen.clear()
        rows = "\n".join(f"6412AB;{number};;;baseline;nulmeting;{place.email};Noord;;" for number in range(count, 2 * count))
        assert content(send(municipality, place, f"{HEADER}\n{rows}"))["summary"]["created"] == count
        return len(seen)

    engine = session.get_bind().engine
    sa.event.listen(engine, "after_cursor_execute", listener)
    try:
        assert queries(150) <= queries(1) + 2  # rows beyond a thousand come in more pages of one statement
    finally:
        sa.event.remove(engine, "after_cursor_execute", listener)


def test_a_row_whose_inspection_is_over_plans_nothing_and_says_so(municipality: Caller, place: Place) -> None:
    text = f"{HEADER}\n6411AB;15;;;baseline;nulmeting;;;31-12-2099;\n6411AB;15;;;baseline;oplevering;;;31-12-2099;\n"
    (first, _) = content(send(municipality, place, text))["rows"]
    content(municipality.post(f"/inspections/{first['id']}/withdrawal", {"reason": "sloop"}))
    for dry_run in (True, False):
        again = content(send(municipality, place, text, dry_run=dry_run))
        assert again["summary"] == {"created": 0, "unchanged": 2}
        assert [(fault["row"], fault["code"], "sloop" in fault["detail"]) for fault in again["warnings"]] == [(2, "inspection-withdrawn", True)]
