"""Imports over HTTP: send a file, see what each row would do and all that is wrong, apply it, mend the refused rows and send them again, undo it."""

import base64
import csv
import io
from typing import Any
from uuid import UUID, uuid4

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.audit.model import AuditLine
from registry.dwellings.model import Dwelling
from registry.imports import runs
from registry.imports.model import ImportBuiltOn
from registry.values import BagObjectType
from tests import makers
from tests.api.callers import Caller, content, refused

CSV = {"Content-Type": "text/csv"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@pytest.fixture(autouse=True)
def _store(bucket: None) -> None:
    """Files go to a real object store."""


@pytest.fixture
def dwelling(session: Session, corporation: Caller) -> Dwelling:
    bag = {"bag_id": "0917010000000417", "bag_object_type": BagObjectType.OCCUPIABLE_OBJECT}
    return makers.a_dwelling(session, held_by=corporation.actor, postcode="6413AB", house_number=12, **bag)


def rows(*lines: str) -> bytes:
    return "\r\n".join(("BAG-id;Spoor;Mijlpaal;Datum", *lines, "")).encode("utf-8-sig")


def sent(caller: Caller, body: bytes, *, kind: str = "milestones", key: str | None = None, **query: str) -> dict[str, Any]:
    """Send a file and let the dry run happen."""
    asked = "&".join(f"{name}={value}" for name, value in {"kind": kind, "fileName": "rows.csv", **query}.items())
    made = content(caller.post(f"/imports?{asked}", raw=body, key=key or str(uuid4()), **CSV), 201)
    runs.try_out(UUID(made["id"]))
    return got(caller, made["id"])


def got(caller: Caller, id: str) -> dict[str, Any]:
    found: dict[str, Any] = content(caller.get(f"/imports/{id}"))
    return found


def applied(caller: Caller, id: str, mode: str = "all-or-nothing", **more: Any) -> dict[str, Any]:
    assert content(caller.post(f"/imports/{id}/application", {"mode": mode, **more}), 202)["status"] == "applying"
    runs.apply(UUID(id))
    return got(caller, id)


def milestones(caller: Caller) -> list[tuple[str, str, str]]:
    found = [content(caller.get(f"/trajectories/{each['id']}")) for each in content(caller.get("/trajectories"))["items"]]
    return sorted((each["track"], each["kind"], each["effectiveOn"]) for trajectory in found for each in trajectory["milestones"])


def test_a_dry_run_changes_nothing_and_applying_does(corporation: Caller, dwelling: Dwelling) -> None:
    run = sent(corporation, rows("0917010000000417;renovatie;gestart;1-3-2025", "0917010000000417;renovatie;gereed;2025-09-30"))
    assert (run["status"], run["summary"]) == ("tried", {"rowsRead": 2, "created": 2, "changed": 0, "unchanged": 0, "refused": 0})
    assert [(column["letter"], column["column"], column["how"]) for column in run["columns"]][:2] == [("A", "bagId", "header"), ("B", "track", "header")]
    assert run["progress"]["percent"] == 100.0
    assert milestones(corporation) == []
    assert applied(corporation, run["id"])["status"] == "applied"
    assert milestones(corporation) == [("renovation", "completed", "2025-09-30"), ("renovation", "started", "2025-03-01")]
    again = sent(corporation, rows("0917010000000417;renovatie;gestart;1-3-2025", "0917010000000417;renovatie;gereed;2025-09-30"))
    assert again["summary"] == {"rowsRead": 2, "created": 0, "changed": 0, "unchanged": 2, "refused": 0}


def test_every_fault_of_every_row_has_its_cell_in_two_languages(corporation: Caller, dwelling: Dwelling) -> None:
    run = sent(
        corporation,
        rows(
            "0917010000000417;renovatie;gestart;31-2-2025",
            "0917010000009999;schilderen;klaar;morgen",
            "0917010000000417;renovatie;gereed;2025-09-30",
        ),
    )
    assert run["summary"]["rowsRead"] == 3
    assert run["summary"]["refused"] == 3
    faults = content(corporation.get(f"/imports/{run['id']}/faults"))["items"]
    by_cell = {fault["cell"]: fault for fault in faults}
    assert {"D2", "B3", "C3", "D3"} <= set(by_cell)
    assert by_cell["D2"]["found"] == "31-2-2025"
    assert (by_cell["B3"]["row"], by_cell["B3"]["column"], by_cell["B3"]["field"]) == (3, "Spoor", "track")
    for fault in faults:
        assert fault["texts"]["nl"] != fault["texts"]["en"]
        assert fault["code"]
    assert "renovatie" in by_cell["B3"]["expected"]["nl"] + by_cell["B3"]["texts"]["nl"]
    assert sum(count["count"] for count in run["faults"]) == len(faults)
    refused(corporation.post(f"/imports/{run['id']}/application", {"mode": "all-or-nothing"}), 409, "import-rows-refused")


def test_pages_of_faults_and_rows_are_complete(corporation: Caller, dwelling: Dwelling) -> None:
    run = sent(corporation, rows(*("0917010000000417;renovatie;gestart;soon" for _ in range(5))))
    for what, size in (("faults", 5), ("rows", 5)):
        seen: list[int] = []
        path: str | None = f"/imports/{run['id']}/{what}?limit=2"
        while path:
            page = content(corporation.get(path))
            seen += [item["row"] for item in page["items"]]
            path = f"/imports/{run['id']}/{what}?limit=2&cursor={page['next']}" if page["next"] else None
        assert seen == [2, 3, 4, 5, 6][:size]


def test_refused_rows_come_back_to_mend_and_are_taken_when_mended(corporation: Caller, dwelling: Dwelling) -> None:
    body = rows("0917010000000417;renovatie;gestart;1-3-2025", "0917010000000417;renovatie;gereed;=HYPERLINK(1)")
    run = sent(corporation, body)
    assert applied(corporation, run["id"], "per-row")["summary"] == {"rowsRead": 2, "created": 1, "changed": 0, "unchanged": 0, "refused": 1}
    answer = corporation.get(f"/imports/{run['id']}/refused-rows?format=csv")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    header, row = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";")
    assert (header[:4], header[-1]) == (["BAG-id", "Spoor", "Mijlpaal", "Datum"], "Errors")
    assert not row[3].startswith("=")
    assert "D3" in row[-1]
    mended = answer.data.decode("utf-8-sig").replace(row[3], "30-9-2025").encode("utf-8-sig")
    second = sent(corporation, mended)
    assert second["summary"] == {"rowsRead": 1, "created": 1, "changed": 0, "unchanged": 0, "refused": 0}
    applied(corporation, second["id"])
    assert len(milestones(corporation)) == 2


def test_refused_rows_come_as_a_workbook_too(corporation: Caller, dwelling: Dwelling) -> None:
    run = sent(corporation, rows("0917010000000417;renovatie;gestart;soon"))
    answer = corporation.get(f"/imports/{run['id']}/refused-rows?format=xlsx", Accept_Language="nl")
    assert answer.content_type == XLSX["Content-Type"]
    (header, row) = openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    assert header[-1] == "Fouten"
    assert "D2" in str(row[-1])
    assert row[0] == "0917010000000417"


def test_unknown_columns_are_named_and_must_be_settled(corporation: Caller, dwelling: Dwelling) -> None:
    body = b"BAG-id;Spoor;Mijlpaal;Wanneer;Datun\r\n0917010000000417;renovatie;gestart;1-3-2025;x\r\n"
    first = sent(corporation, body)
    assert (first["status"], first["summary"]["refused"]) == ("tried", 1)
    suggestions = {column["header"]: column["suggestion"] for column in first["columns"] if column["how"] == "unknown"}
    assert suggestions == {"Wanneer": None, "Datun": "effectiveOn"}
    assert content(corporation.post(f"/imports/{first['id']}/trial", {"mapping": {"Wanneer": "effectiveOn"}}), 202)
    runs.try_out(UUID(first["id"]))
    tried = got(corporation, first["id"])
    assert (tried["status"], tried["summary"]["created"]) == ("tried", 1)
    refused(corporation.post(f"/imports/{tried['id']}/application", {"mode": "all-or-nothing"}), 400, "rule-violation", ("/mapping/Datun", "column-unknown"))
    assert applied(corporation, tried["id"], ignoreUnknownColumns=True)["status"] == "applied"


def test_what_an_organisation_calls_its_columns_is_kept(corporation: Caller, other_corporation: Caller, dwelling: Dwelling) -> None:
    mapping = {"VHE": None, "Object": "bagId", "Fase": "kind", "Soort werk": "track", "Per": "effectiveOn"}
    made = corporation.put("/column-mappings/milestones/ons-systeem", {"mapping": mapping})
    assert content(made, 201)["mapping"] == mapping
    assert content(corporation.get("/column-mappings?kind=milestones"))["items"][0]["name"] == "ons-systeem"
    refused(other_corporation.get("/column-mappings/milestones/ons-systeem"), 404, "not-found")
    body = b"VHE;Object;Fase;Soort werk;Per\r\n1;0917010000000417;gestart;renovatie;1-3-2025\r\n"
    assert sent(corporation, body, mapping="ons-systeem")["summary"]["created"] == 1
    refused(corporation.put("/column-mappings/milestones/wrong", {"mapping": {"a": "no-such-column"}}), 400, "rule-violation", ("/mapping/a", "column-unknown"))
    refused(corporation.put("/column-mappings/milestones/ons-systeem", {"mapping": {}}), 428, "precondition-required")
    assert corporation.send("DELETE", "/column-mappings/milestones/ons-systeem", version=1).status_code == 204
    refused(corporation.get("/column-mappings/milestones/ons-systeem"), 404, "not-found")


def test_a_whole_import_is_undone_unless_something_builds_on_it(corporation: Caller, municipality: Caller, dwelling: Dwelling) -> None:
    run = sent(corporation, rows("0917010000000417;renovatie;gestart;1-3-2025"))
    applied(corporation, run["id"])
    assert content(corporation.post(f"/imports/{run['id']}/undo", {"reason": "the wrong file"}), 202)["status"] == "undoing"
    runs.undo(UUID(run["id"]))
    assert got(corporation, run["id"])["status"] == "undone"
    assert milestones(corporation) == []
    second = sent(corporation, rows("0917010000000417;renovatie;gestart;1-3-2025"))
    applied(corporation, second["id"])
    (trajectory,) = content(corporation.get("/trajectories"))["items"]
    (milestone,) = content(corporation.get(f"/trajectories/{trajectory['id']}"))["milestones"]
    content(municipality.post("/confirmations", {"items": [{"milestoneId": milestone["id"]}]}))
    content(corporation.post(f"/imports/{second['id']}/undo", {"reason": "too late"}), 202)
    with pytest.raises(ImportBuiltOn):
        runs.undo(UUID(second["id"]))
    kept = got(corporation, second["id"])
    assert (kept["status"], len(milestones(corporation))) == ("applied", 1)
    assert kept["problems"]


def test_the_same_key_gives_the_same_import(corporation: Caller, dwelling: Dwelling, session: Session) -> None:
    first, again = (corporation.post("/imports?kind=milestones", raw=rows(), key="one", **CSV) for _ in range(2))
    assert content(first, 201)["id"] == content(again, 201)["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(corporation.post("/imports?kind=milestones", raw=rows("x"), key="one", **CSV), 422, "idempotency-key-reused")
    assert len(content(corporation.get("/imports"))["items"]) == 1
    assert len(session.scalars(sa.select(AuditLine.id).where(AuditLine.action == "import.received")).all()) == 1


@pytest.mark.parametrize(
    ("what", "key"),
    [("rows", "99999999999"), ("rows", "9" * 40), ("rows", "-1"), ("faults", "1.99999999999999999999"), ("faults", "99999999999.1"), ("faults", "1")],
)
def test_a_cursor_beyond_all_rows_was_not_issued(corporation: Caller, dwelling: Dwelling, what: str, key: str) -> None:
    run = content(corporation.post("/imports?kind=milestones", raw=rows(), key="one", **CSV), 201)
    cursor = base64.urlsafe_b64encode(f"/v1/imports/{run['id']}/{what} {key}".encode()).decode().rstrip("=")
    refused(corporation.get(f"/imports/{run['id']}/{what}?cursor={cursor}"), 400, "invalid-input", ("cursor", "bad-cursor"))


def test_others_see_nothing_of_an_import(corporation: Caller, other_corporation: Caller, inspector: Caller, dwelling: Dwelling) -> None:
    run = sent(corporation, rows("0917010000000417;renovatie;gestart;1-3-2025"))
    for path in ("", "/faults", "/rows", "/refused-rows"):
        refused(other_corporation.get(f"/imports/{run['id']}{path}"), 404, "not-found")
        refused(inspector.get(f"/imports/{run['id']}{path}"), 403, "not-allowed")
    refused(other_corporation.post(f"/imports/{run['id']}/application", {"mode": "per-row"}), 404, "not-found")
    assert content(other_corporation.get("/imports"))["items"] == []


@pytest.mark.parametrize("kind", ["dwellings", "portfolio", "milestones", "energy-labels"])
def test_a_template_filled_with_its_example_is_a_file_of_that_kind(corporation: Caller, municipality: Caller, kind: str) -> None:
    caller = municipality if kind == "portfolio" else corporation
    answer = caller.get(f"/import-templates/{kind}?format=csv")
    assert answer.status_code == 200
    run = sent(caller, answer.data, kind=kind)
    assert run["status"] == "tried", run["problems"]
    assert all(column["how"] == "header" for column in run["columns"])
    columns = content(caller.get(f"/import-templates/{kind}/columns"))["columns"]
    assert [column["column"] for column in run["columns"]] == [column["name"] for column in columns]
    book = openpyxl.load_workbook(io.BytesIO(caller.get(f"/import-templates/{kind}?format=xlsx").data))
    assert len(book.sheetnames) == 2


@pytest.mark.parametrize(("body", "code"), [(b"", "csv-empty"), (b"\x00\x01\x02", "csv-encoding"), (b"PK\x03\x04 no zip", "xlsx-damaged")])
def test_a_file_that_is_none_fails_with_a_reason(corporation: Caller, body: bytes, code: str) -> None:
    run = sent(corporation, body)
    assert run["status"] == "failed"
    assert run["problems"]
    assert run["problems"][0]["detail"]


def test_an_import_needs_a_key_and_a_kind(corporation: Caller) -> None:
    refused(corporation.post("/imports?kind=milestones", raw=rows(), key=None, **CSV), 400, "idempotency-key-required", ("Idempotency-Key", "required"))
    refused(corporation.post("/imports", raw=rows(), **CSV), 400, "invalid-input", ("kind", "required"))
    assert corporation.post("/imports?kind=milestones", raw=b"{}", **{"Content-Type": "application/json"}).status_code == 415


def test_a_mapping_that_nobody_saved_is_named(corporation: Caller) -> None:
    wrong = ("mapping", "no-such-reference")
    refused(corporation.post("/imports?kind=milestones&mapping=none", raw=rows(), **CSV), 400, "invalid-input", wrong)
