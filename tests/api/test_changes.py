"""The change feed over HTTP; its rows show when they are committed, so these tests commit."""

from collections.abc import Callable

from tests.api.callers import Caller, content, refused

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
