"""Successions over HTTP: what became of dwellings, what follows from it, and that everything stays in reach from both sides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import AuditLine
from registry.db import transaction
from registry.dwellings import portfolios
from registry.dwellings.model import Dwelling
from registry.values import BagObjectType
from tests import makers
from tests.api.callers import Caller, content, refused, reload
from tests.owner import as_owner

DAY = "2024-06-01"
OLD, NEW = "0917010000000001", "0917010000000002"


def ids(session: Session, count: int, **more: Any) -> list[str]:
    return [str(makers.a_dwelling(session, **more).id) for _ in range(count)]


def an_event(kind: str, predecessors: list[str], successors: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "occurredOn": DAY, "predecessors": predecessors, "successors": successors or [], **more}


def recorded(municipality: Caller, *event: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = content(municipality.post("/successions", an_event(*event, **more)), 201)
    return answer


def dwelling(caller: Caller, id: str) -> dict[str, Any]:
    found: dict[str, Any] = content(caller.get(f"/dwellings/{id}"))
    return found


def test_a_split_ends_one_dwelling_and_is_seen_from_both_sides(municipality: Caller, session: Session) -> None:
    before, one, other = ids(session, 3)
    made = recorded(municipality, "split", [before], [one, other], note="Kavel gesplitst")
    assert (made["predecessors"], made["successors"]) == ([before], sorted([one, other]))
    assert (made["occurredOn"], made["municipalityCode"], made["retractedAt"]) == (DAY, makers.HEERLEN, None)
    assert [dwelling(municipality, id)["endedOn"] for id in (before, one, other)] == [DAY, None, None]
    for id in (before, one, other):
        assert content(municipality.get(f"/dwellings/{id}/successions"))["items"] == [made]
    assert content(municipality.get(f"/successions/{made['id']}")) == made


def test_sending_it_again_changes_nothing_and_another_content_is_refused(municipality: Caller, session: Session) -> None:
    before, one, other = ids(session, 3)
    event = an_event("split", [before], [one, other], id=str(uuid4()))
    first = content(municipality.post("/successions", event), 201)
    assert content(municipality.post("/successions", {**event, "successors": [other, one]})) == first
    refused(municipality.post("/successions", {**event, "note": "x"}), 409, "already-exists")


@pytest.mark.parametrize(
    ("kind", "before", "after", "faults"),
    [
        ("split", 1, 1, [("/successors", "too-few-dwellings")]),
        ("split", 2, 2, [("/predecessors", "too-many-dwellings")]),
        ("merge", 1, 1, [("/predecessors", "too-few-dwellings")]),
        ("merge", 2, 2, [("/successors", "too-many-dwellings")]),
        ("replacement", 1, 0, [("/successors", "too-few-dwellings")]),
        ("demolition", 1, 1, [("/successors", "too-many-dwellings")]),
        ("re-keying", 2, 1, [("/predecessors", "too-many-dwellings")]),
        ("re-keying", 1, 0, [("/successors", "too-few-dwellings"), ("/newBagId", "required")]),
    ],
)
def test_each_kind_has_its_own_shape(municipality: Caller, session: Session, kind: str, before: int, after: int, faults: list[tuple[str, str]]) -> None:
    event = an_event(kind, ids(session, before), ids(session, after))
    refused(municipality.post("/successions", event), 400, "rule-violation", *faults)


def test_all_faults_come_at_once(municipality: Caller, session: Session) -> None:
    (here,) = ids(session, 1)
    (abroad,) = ids(session, 1, municipality_code="GM0363")
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    event = an_event("merge", [here, abroad, here], [here], occurredOn=tomorrow, newBagId=NEW)
    faults = [
        ("/occurredOn", "succession-in-future"),
        ("/predecessors/0", "repeated"),
        ("/predecessors/2", "repeated"),
        ("/successors/0", "repeated"),
        ("/predecessors/1", "no-such-reference"),
        ("/newBagId", "bag-id-of-no-re-keying"),
        ("/successors/0", "succession-in-circle"),
    ]
    refused(municipality.post("/successions", event), 400, "rule-violation", *faults)


def test_a_dwelling_ends_once_and_nothing_comes_of_one_that_has_ended(municipality: Caller, session: Session) -> None:
    gone, other, third = ids(session, 3)
    recorded(municipality, "demolition", [gone])
    refused(municipality.post("/successions", an_event("demolition", [gone])), 400, "rule-violation", ("/predecessors/0", "dwelling-ended"))
    later = an_event("replacement", [other], [gone], occurredOn="2024-06-02")
    refused(municipality.post("/successions", later), 400, "rule-violation", ("/successors/0", "dwelling-ended"))
    recorded(municipality, "replacement", [other], [gone], occurredOn="2023-01-01")  # told late, of before it ended
    early = an_event("replacement", [other], [third])
    refused(municipality.post("/successions", early), 400, "rule-violation", ("/predecessors/0", "dwelling-ended"))


def test_a_dwelling_does_not_end_before_it_came(municipality: Caller, session: Session) -> None:
    first, second, third = ids(session, 3)
    recorded(municipality, "replacement", [first], [second])
    early = an_event("replacement", [second], [third], occurredOn="2024-05-31")
    refused(municipality.post("/successions", early), 400, "rule-violation", ("/predecessors/0", "dwelling-came-later"))


def test_no_dwelling_comes_before_itself(municipality: Caller, session: Session) -> None:
    first, second, third = ids(session, 3)
    recorded(municipality, "replacement", [first], [second])
    recorded(municipality, "replacement", [second], [third])
    circle = an_event("replacement", [third], [first])
    refused(municipality.post("/successions", circle), 400, "rule-violation", ("/successors/0", "succession-in-circle"))


def test_retracting_undoes_what_followed_and_is_kept(municipality: Caller, session: Session) -> None:
    before, one, other = ids(session, 3)
    made = recorded(municipality, "split", [before], [one, other])
    path = f"/successions/{made['id']}/retraction"
    refused(municipality.post(path, {}), 400, "invalid-input", ("/reason", "required"))
    told = content(municipality.post(path, {"reason": "Verkeerd huisnummer"}))
    assert (told["retractionReason"], told["retractedAt"] is None) == ("Verkeerd huisnummer", False)
    assert content(municipality.post(path, {"reason": "Nog eens"})) == told
    assert dwelling(municipality, before)["endedOn"] is None
    recorded(municipality, "demolition", [before])
    assert [each["kind"] for each in content(municipality.get(f"/dwellings/{before}/successions"))["items"]] == ["split", "demolition"]
    actions = session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == before).order_by(AuditLine.sequence)).all()
    assert actions == ["dwelling.succession-recorded", "dwelling.succession-retracted", "dwelling.succession-recorded"]


def test_only_the_municipality_of_all_dwellings_records_and_retracts(
    municipality: Caller, other_municipality: Caller, corporation: Caller, session: Session
) -> None:
    before, after = ids(session, 2)
    event = an_event("replacement", [before], [after])
    refused(corporation.post("/successions", event), 403, "not-allowed")
    foreign = [(f"/{side}/0", "no-such-reference") for side in ("predecessors", "successors")]
    refused(other_municipality.post("/successions", event), 400, "rule-violation", *foreign)
    made = content(municipality.post("/successions", event), 201)
    refused(other_municipality.post(f"/successions/{made['id']}/retraction", {"reason": "x"}), 404, "not-found")
    refused(other_municipality.get(f"/successions/{made['id']}"), 404, "not-found")
    refused(corporation.get(f"/dwellings/{before}/successions"), 404, "not-found")


def test_a_re_keyed_dwelling_keeps_its_row_and_is_found_by_both_ids(municipality: Caller, session: Session) -> None:
    home = makers.a_dwelling(session, bag_id=OLD, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT, building_ids=["0917100000000001"])
    made = recorded(municipality, "re-keying", [str(home.id)], newBagId=NEW)
    assert (made["formerBagId"], made["newBagId"], made["successors"]) == (OLD, NEW, [str(home.id)])
    shown = dwelling(municipality, str(home.id))
    assert (shown["bagId"], shown["endedOn"], shown["version"], shown["buildingIds"]) == (NEW, None, 2, [])
    for bag_id in (OLD, NEW):
        assert [each["id"] for each in content(municipality.get(f"/dwellings?bagId={bag_id}"))["items"]] == [str(home.id)]
    content(municipality.post(f"/successions/{made['id']}/retraction", {"reason": "x"}))
    assert dwelling(municipality, str(home.id))["bagId"] == OLD
    assert content(municipality.get(f"/dwellings?bagId={NEW}"))["items"] == []


def test_a_bag_id_that_was_changed_once_more_is_not_put_back(municipality: Caller, session: Session) -> None:
    home = makers.a_dwelling(session, bag_id=OLD, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT)
    first = recorded(municipality, "re-keying", [str(home.id)], newBagId=NEW)
    second = recorded(municipality, "re-keying", [str(home.id)], newBagId="0917010000000003", occurredOn="2024-07-01")
    reason = {"reason": "x"}
    refused(municipality.post(f"/successions/{first['id']}/retraction", reason), 409, "conflict", ("", "bag-id-changed-since"))
    for each in (second, first):
        content(municipality.post(f"/successions/{each['id']}/retraction", reason))
    assert dwelling(municipality, str(home.id))["bagId"] == OLD


def test_a_re_keying_to_an_id_that_another_row_has_is_a_succession_between_the_two(municipality: Caller, session: Session) -> None:
    kinds = {"bag_object_type": BagObjectType.OCCUPIABLE_OBJECT}
    old, new = (makers.a_dwelling(session, bag_id=bag_id, **kinds) for bag_id in (OLD, NEW))
    event = an_event("re-keying", [str(old.id)], newBagId=NEW, id=str(uuid4()))
    made = content(municipality.post("/successions", event), 201)
    assert (made["successors"], made["newBagId"]) == ([str(new.id)], None)
    assert dwelling(municipality, str(old.id))["endedOn"] == DAY
    assert content(municipality.post("/successions", event)) == made
    (found,) = content(municipality.get(f"/dwellings?bagId={OLD}"))["items"]
    assert found["id"] == str(old.id)


def test_a_new_bag_id_must_be_one_of_a_dwelling_and_another_than_it_has(municipality: Caller, session: Session) -> None:
    home = str(makers.a_dwelling(session, bag_id=OLD, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT).id)
    (planned,) = ids(session, 1)
    for id, bag_id, fault in (
        (home, OLD, ("/newBagId", "bag-id-is-the-same")),
        (home, "0917100000000001", ("/newBagId", "bag-id-of-no-dwelling")),
        (planned, NEW, ("/predecessors/0", "no-bag-id-to-change")),
    ):
        refused(municipality.post("/successions", an_event("re-keying", [id], newBagId=bag_id)), 400, "rule-violation", fault)


def test_successors_get_the_corporation_that_had_all_predecessors(
    municipality: Caller, corporation: Caller, other_corporation: Caller, session: Session
) -> None:
    before = makers.a_dwelling(session, held_by=corporation.organisation)
    held = makers.a_dwelling(session, held_by=other_corporation.organisation)
    (new,) = ids(session, 1)
    made = recorded(municipality, "split", [str(before.id)], [new, str(held.id)])
    (period,) = made["putInPortfolio"]
    assert (period["dwellingId"], period["organisationId"], period["relation"]) == (new, str(corporation.organisation.id), "owner")  # type: ignore[union-attr]
    assert (period["validFrom"], period["validUntil"], period["successionId"]) == (DAY, None, made["id"])
    dwelling(corporation, new)
    content(municipality.post(f"/successions/{made['id']}/retraction", {"reason": "x"}))
    refused(corporation.get(f"/dwellings/{new}"), 404, "not-found")


def test_predecessors_of_two_corporations_give_their_successor_to_neither(
    municipality: Caller, corporation: Caller, other_corporation: Caller, session: Session
) -> None:
    before = [str(makers.a_dwelling(session, held_by=caller.organisation).id) for caller in (corporation, other_corporation)]
    assert recorded(municipality, "merge", before, ids(session, 1))["putInPortfolio"] == []


def test_who_holds_the_successor_reads_about_the_predecessor_and_writes_nothing(
    municipality: Caller, corporation: Caller, other_corporation: Caller, session: Session
) -> None:
    before = makers.a_dwelling(session, held_by=other_corporation.organisation)
    after = makers.a_dwelling(session, held_by=corporation.organisation)
    former = makers.a_trajectory(session, other_corporation.organisation, before)
    own = makers.a_trajectory(session, corporation.organisation, before)
    made = recorded(municipality, "replacement", [str(before.id)], [str(after.id)])
    assert dwelling(corporation, str(before.id))["endedOn"] == DAY
    assert [each["id"] for each in content(corporation.get("/dwellings"))["items"]] == [str(before.id), str(after.id)]
    content(corporation.get(f"/trajectories/{former.id}"))
    whole = content(corporation.get(f"/trajectories?dwellingId={after.id}&lineage=true"))["items"]
    assert {each["id"] for each in whole} == {str(former.id), str(own.id)}
    assert content(corporation.get(f"/trajectories?dwellingId={after.id}"))["items"] == []
    refused(other_corporation.get(f"/dwellings/{after.id}"), 404, "not-found")
    _refuses_to_write(corporation, before.id, own.id, former.id)
    content(municipality.post(f"/successions/{made['id']}/retraction", {"reason": "x"}))
    refused(corporation.get(f"/dwellings/{before.id}"), 404, "not-found")
    refused(corporation.get(f"/trajectories/{own.id}"), 404, "not-found")


def _refuses_to_write(caller: Caller, dwelling_id: UUID, trajectory_id: UUID, foreign_id: UUID) -> None:
    not_kept = ("", "dwelling-not-kept")
    refused(caller.put(f"/dwellings/{dwelling_id}", {"municipalityCode": makers.HEERLEN}, version=2), 403, "not-yours", not_kept)
    label = {"label": "A", "surveyedOn": "2024-01-01"}
    refused(caller.post(f"/dwellings/{dwelling_id}/energy-labels", label), 403, "not-yours", not_kept)
    opened = caller.post("/trajectories", {"dwellingId": str(dwelling_id)})
    refused(opened, 400, "rule-violation", ("/dwellingId", "dwelling-not-kept"))
    milestone = {"track": "demolition", "kind": "started", "effectiveOn": "2024-01-01"}
    refused(caller.post(f"/trajectories/{trajectory_id}/milestones", milestone), 403, "not-yours", not_kept)
    measure = {"kind": "heat-pump", "appliedOn": "2024-01-01"}
    refused(caller.post(f"/trajectories/{trajectory_id}/measures", {"items": [measure]}), 403, "not-yours", not_kept)
    for path, item in (("/milestones", milestone), ("/measures", measure)):
        own, foreign, unknown = ({**item, "id": str(uuid4()), "trajectoryId": str(id)} for id in (trajectory_id, foreign_id, uuid4()))
        results = content(caller.post(path, {"items": [own, foreign, unknown]}))["results"]
        assert [(fault["pointer"], fault["code"]) for each in results for fault in each["errors"]] == [
            ("/items/0/trajectoryId", "dwelling-not-kept"),
            ("/items/1/trajectoryId", "not-yours"),
            ("/items/2/trajectoryId", "no-such-reference"),
        ]
    opening = [{"id": str(uuid4()), "dwellingId": str(dwelling_id)}, {"id": str(uuid4()), "dwellingId": str(uuid4())}]
    codes = [fault["code"] for each in content(caller.post("/trajectories/batch", {"items": opening}))["results"] for fault in each["errors"]]
    assert codes == ["dwelling-not-kept", "no-such-reference"]


def test_inspections_of_all_that_came_before_and_after_are_listed_together(municipality: Caller, inspector: Caller, session: Session) -> None:
    first, second, third = (makers.a_dwelling(session) for _ in range(3))
    checklist_id = makers.a_checklist(session).id
    visits = {str(makers.an_inspection(session, inspector.actor, dwelling_id=each.id, checklist_id=checklist_id).id) for each in (first, second, third)}
    recorded(municipality, "replacement", [str(first.id)], [str(second.id)])
    recorded(municipality, "replacement", [str(second.id)], [str(third.id)])
    for each in (first, second, third):
        found = content(municipality.get(f"/inspections?dwellingId={each.id}&lineage=true"))["items"]
        assert {visit["id"] for visit in found} == visits
        assert len(content(municipality.get(f"/inspections?dwellingId={each.id}"))["items"]) == 1
    refused(municipality.get("/inspections?lineage=true"), 400, "invalid-input", ("lineage", "lineage-of-no-dwelling"))


def test_everything_that_became_of_a_dwelling_is_told_by_day(municipality: Caller, session: Session) -> None:
    first, second, third, fourth = ids(session, 4)
    last = recorded(municipality, "split", [second], [third, fourth], occurredOn="2025-01-01")
    earlier = recorded(municipality, "replacement", [first], [second])
    for id in (first, second, third, fourth):
        assert content(municipality.get(f"/dwellings/{id}/successions"))["items"] == [earlier, last]


def test_the_feed_tells_of_every_dwelling(municipality: Caller, session: Session) -> None:
    before, one, other = ids(session, 3)
    made = recorded(municipality, "split", [before], [one, other])
    content(municipality.post(f"/successions/{made['id']}/retraction", {"reason": "x"}))
    reload(session)
    rows = session.execute(sa.text("SELECT subject_id::text, action FROM change WHERE kind = 'dwelling' ORDER BY id")).all()
    words = [f"dwelling.succession-{word}" for word in ("recorded", "retracted")]
    assert sorted(map(tuple, rows)) == sorted((id, word) for id in (before, one, other) for word in words)
    assert session.get_one(Dwelling, UUID(before)).version == 3


def test_retracting_waits_for_who_changes_a_period_that_followed_and_leaves_that_alone(live: Callable[[str], Caller]) -> None:
    municipality, corporation = live("municipality-editor"), live("corporation-editor")
    with as_owner() as session:
        before, after = makers.a_dwelling(session, held_by=corporation.actor), makers.a_dwelling(session)
    made = recorded(municipality, "replacement", [str(before.id)], [str(after.id)])
    (period,) = made["putInPortfolio"]
    with ThreadPoolExecutor(1) as pool:
        with transaction(municipality.actor) as session:
            changed = {"valid_from": date(2024, 6, 1), "valid_until": date(2090, 1, 1)}
            portfolios.amend(session, municipality.actor, UUID(period["id"]), **changed, expected=1)
            retraction = pool.submit(live("municipality-editor").post, f"/successions/{made['id']}/retraction", {"reason": "x"})
            with pytest.raises(TimeoutError):
                retraction.result(timeout=1)
        content(retraction.result(timeout=20))
    assert content(municipality.get(f"/portfolio-periods/{period['id']}"))["validUntil"] == "2090-01-01"
