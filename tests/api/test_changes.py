"""The change feed over HTTP; its rows show when they are committed, so these tests commit."""

import base64
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from api import changes
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.checklists.model import Checklist
from registry.db import transaction
from registry.dwellings import hazards
from registry.dwellings.model import HazardKind
from registry.inspections.announcing import tell, tell_gone
from registry.inspections.model import Inspection
from registry.versioned import change
from tests import makers
from tests.api.callers import Caller, content, refused
from tests.owner import as_owner

Live = Callable[[str], Caller]


def test_the_feed_tells_what_changed_and_where_to_go_on(live: Live) -> None:
    corporation = live("corporation-editor")
    ids = [content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)["id"] for _ in range(3)]
    auditor = live("ministry-auditor")
    first = content(auditor.get("/changes?limit=2"))
    rest = content(auditor.get(f"/changes?cursor={first['next']}"))
    assert [change["subjectId"] for change in first["items"] + rest["items"]] == ids
    assert {change["kind"] for change in first["items"]} == {"dwelling"}
    end = content(auditor.get(f"/changes?cursor={rest['next']}"))
    assert end["items"] == []
    ids.append(content(corporation.post("/dwellings", {"municipalityCode": "GM0917"}), 201)["id"])
    assert [change["subjectId"] for change in content(auditor.get(f"/changes?cursor={end['next']}"))["items"]] == ids[3:]


def test_the_feed_tells_each_organisation_its_own(live: Live) -> None:
    content(live("corporation-editor").post("/dwellings", {"municipalityCode": "GM0917"}), 201)
    assert len(content(live("municipality-editor").get("/changes"))["items"]) == 1
    assert content(live("inspector").get("/changes"))["items"] == []


def test_an_analyst_has_no_feed(analyst: Caller) -> None:
    refused(analyst.get("/changes"), 403, "not-allowed")


def planned(live: Live, **more: object) -> dict[str, Any]:
    """An inspection of the inspector, planned by the municipality."""
    municipality, inspector = live("municipality-editor"), live("inspector")
    with as_owner() as session:
        checklist = session.scalar(sa.select(Checklist.id)) or makers.a_checklist(session).id
    dwelling = content(municipality.post("/dwellings", {"municipalityCode": "GM0917"}), 201)["id"]
    whose = {"organisationId": str(inspector.organisation and inspector.organisation.id), "assigneeId": str(inspector.person_id)}
    made: dict[str, Any] = content(
        municipality.post("/inspections", {"dwellingId": dwelling, "checklistId": str(checklist), "occasion": "baseline", **whose, **more}), 201
    )
    return made


def feed(caller: Caller, cursor: str | None = None, **query: object) -> dict[str, Any]:
    arguments = {**query, **({"cursor": cursor} if cursor else {})}
    found: dict[str, Any] = content(caller.get("/changes?" + "&".join(f"{name}={value}" for name, value in arguments.items())))
    return found


def about(items: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(item["kind"], item["subjectId"], item["operation"]) for item in items}


def test_an_inspector_is_told_of_her_work_alone(live: Live) -> None:
    mine, other = planned(live), planned(live, assigneeId=None)
    page = feed(live("inspector"))
    assert about(page["items"]) == {("inspection", mine["id"], "put"), ("dwelling", mine["dwellingId"], "put")}
    assert not page["more"]
    assert {item["subjectId"] for item in feed(live("municipality-editor"))["items"]} >= {mine["id"], other["id"], other["dwellingId"]}


def test_a_change_of_a_dwelling_reaches_who_still_has_to_go_there(live: Live) -> None:
    inspector = live("inspector")
    mine = planned(live)
    cursor = feed(inspector)["next"]
    municipality = live("municipality-editor")
    content(municipality.put(f"/dwellings/{mine['dwellingId']}", {"municipalityCode": "GM0917", "street": "Schoolstraat", "houseNumber": 1}, version=1))
    assert about(feed(inspector, cursor)["items"]) == {("dwelling", mine["dwellingId"], "put")}
    with as_owner() as session:
        session.execute(sa.update(Inspection).values(status="withdrawn", withdrawal_reason="x"))
    assert feed(inspector, cursor)["items"] == []


def test_what_is_no_work_of_hers_any_more_is_gone(live: Live) -> None:
    inspector = live("inspector")
    mine = planned(live)
    cursor = feed(inspector)["next"]
    with transaction(live("municipality-editor").actor) as session:
        inspection = session.get_one(Inspection, UUID(mine["id"]))
        change(session, inspection, {"assignee_id": None})
        tell(session, inspection, "inspection.assigned")
        tell_gone(session, inspection, [inspector.person_id])
    (item,) = feed(inspector, cursor)["items"]
    assert about([item]) == {("inspection", mine["id"], "gone")}
    (item,) = feed(inspector, cursor, include="content")["items"]
    assert (item["operation"], item["content"]) == ("gone", None)
    assert [item["operation"] for item in feed(inspector)["items"] if item["kind"] == "inspection"][-1] == "gone"
    assert live("municipality-editor").get(f"/changes?cursor={cursor}").status_code == 200


def test_the_feed_brings_what_it_is_about(live: Live) -> None:
    inspector = live("inspector")
    mine = planned(live)
    for version, mould in enumerate(("none", "spots", "widespread"), start=1):
        content(inspector.put(f"/inspections/{mine['id']}", {"answers": {"mould": mould}}, version=version))
    photo = {"id": str(uuid4()), "inspectionId": mine["id"], "question": "mould", "sha256": "ab" * 32, "sizeBytes": 9, "contentType": "image/jpeg"}
    photo["takenAt"] = "2031-01-01T11:00:00Z"
    content(inspector.post("/uploads/batch", {"items": [photo]}, Phone_Clock="2031-01-01T12:00:00Z"))
    with transaction(live("ministry-auditor").actor) as session:
        announce(session, ChangeKind.CHECKLIST, UUID(mine["checklistId"]))
    items = feed(inspector, include="content")["items"]
    found = {item["kind"]: item["content"] for item in items}
    assert len(items) == len(found) == 4
    assert found["inspection"] == content(inspector.get(f"/inspections/{mine['id']}"))
    assert found["checklist"] == content(inspector.get(f"/checklists/{mine['checklistId']}"))
    assert found["dwelling"]["hazards"] == []
    assert found["photo"]["id"] == photo["id"]
    assert found["photo"]["takenAt"] == "2031-01-01T11:00:00Z"
    assert found["photo"]["takenAtCorrected"] < "2031"
    assert len(feed(inspector)["items"]) > 4


def test_a_dwelling_comes_with_what_is_returned_because_it_may_have_changed_since_it_was_submitted(live: Live) -> None:
    inspector, municipality = live("inspector"), live("municipality-editor")
    mine = planned(live)
    content(inspector.put(f"/inspections/{mine['id']}", {"answers": {}, "visitOutcome": "nobody-home"}, version=1))
    content(inspector.post(f"/inspections/{mine['id']}/submission"))
    content(municipality.post(f"/dwellings/{mine['dwellingId']}/hazards", {"kind": "gas"}), 201)
    cursor = feed(inspector)["next"]
    returned = content(municipality.post(f"/inspections/{mine['id']}/review", {"decision": "returned", "remarks": "Wanneer?"}, version=3))
    found = {item["kind"]: item["content"] for item in feed(inspector, cursor, include="content")["items"]}
    assert [hazard["kind"] for hazard in found["dwelling"]["hazards"]] == ["gas"]
    assert found["inspection"]["version"] == returned["version"]


def test_things_of_two_kinds_with_one_id_are_not_taken_for_each_other(live: Live) -> None:
    """Clients make ids."""
    inspector, municipality = live("inspector"), live("municipality-editor")
    mine = planned(live)
    plan = {name: mine[name] for name in ("checklistId", "occasion", "organisationId", "assigneeId", "dwellingId")}
    content(municipality.post("/inspections", {**plan, "id": mine["dwellingId"]}), 201)
    found = {(item["kind"], item["subjectId"]): item["content"] for item in feed(inspector, include="content")["items"]}
    assert "hazards" in found["dwelling", mine["dwellingId"]]
    assert "answers" in found["inspection", mine["dwellingId"]]


def test_hazards_are_told_to_who_goes_there(live: Live) -> None:
    inspector, municipality = live("inspector"), live("municipality-editor")
    mine = planned(live)
    with transaction(municipality.actor) as session:
        hazards.record(session, municipality.actor, UUID(mine["dwellingId"]), hazards.NewHazard(HazardKind.DOG, "Bijt"))
    (dwelling,) = [item for item in feed(inspector, include="content")["items"] if item["kind"] == "dwelling"]
    assert [(hazard["kind"], hazard["note"]) for hazard in dwelling["content"]["hazards"]] == [("dog", "Bijt")]


def test_a_page_with_content_ends_in_time(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = live("inspector")
    mine = [planned(live)["id"] for _ in range(4)]
    monkeypatch.setattr(changes, "LARGEST_PAGE_BYTES", 1500)
    found, cursor, pages = [], None, 0
    while True:
        page = feed(inspector, cursor, include="content")
        found += [item["subjectId"] for item in page["items"] if item["kind"] == "inspection"]
        cursor, pages = page["next"], pages + 1
        if not page["more"]:
            break
        assert page["items"]
    assert set(found) == set(mine)
    assert pages > 2
    assert feed(inspector, cursor)["items"] == []


def test_a_cursor_of_another_register_is_refused_with_what_to_do(live: Live) -> None:
    inspector = live("inspector")
    cursor = feed(inspector)["next"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    path, epoch, transaction_id, id = re.split("[ :]", raw)

    def disguised(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    for text in (f"{path} 0123456789ab:{transaction_id}:{id}", f"{path} {epoch}:{int(transaction_id) + 10**6}:0", f"{path} {transaction_id}:{id}"):
        problem = refused(inspector.get(f"/changes?cursor={disguised(text)}"), 410, "cursor-of-another-register")
        assert "without a cursor" in problem["detail"]
    for text in (f"{path} a:b:c", f"{path} {epoch}:{2**70}:0", f"{path} 1"):
        refused(inspector.get(f"/changes?cursor={disguised(text)}"), 400, "invalid-input", ("cursor", "bad-cursor"))


def test_a_restored_register_has_another_epoch(live: Live, fresh_database: str) -> None:
    """`pg_restore --clean` makes the tables anew; another cluster and another timeline are in it too (docs/adr/0004)."""
    inspector = live("inspector")
    cursor = feed(inspector)["next"]
    with as_owner() as session:
        session.execute(sa.text("CREATE TABLE restored (LIKE change INCLUDING ALL)"))
        session.execute(sa.text("GRANT SELECT ON restored TO registry_api"))
        session.execute(sa.text("ALTER TABLE change RENAME TO lost"))
        session.execute(sa.text("ALTER TABLE restored RENAME TO change"))
    refused(inspector.get(f"/changes?cursor={cursor}"), 410, "cursor-of-another-register")
    assert feed(inspector)["items"] == []
