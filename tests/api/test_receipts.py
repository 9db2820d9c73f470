"""Receipts over HTTP: of a whole day of a phone, and of what a phone says it still has."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.inspections.model import Inspection, InspectionConflict, InspectionStatus
from registry.members.model import Membership, Person
from registry.photos.model import PhotoState
from registry.photos.receipts import digest_of
from registry.values import rfc3339
from tests import makers
from tests.api.callers import Caller, content, refused, reload
from tests.api.test_reviews import submit
from tests.api.test_submission import declared, stored
from tests.checklists import BAD, SOUND, a_small_checklist, an_inspection_with


@pytest.fixture
def phone(session: Session, inspector: Caller) -> Caller:
    """Another phone of the same inspector."""
    person = session.get_one(Person, inspector.person_id)
    membership = session.scalars(sa.select(Membership).where(Membership.person_id == person.id)).one()
    return replace(inspector, token=makers.a_token(session, person, membership))


def a_visit(session: Session, inspector: Caller, **more: Any) -> tuple[Inspection, str]:
    inspection = an_inspection_with(session, inspector.actor, **more)
    return inspection, f"/inspections/{inspection.id}"


def test_a_day_is_told_in_one_call(session: Session, inspector: Caller) -> None:
    checklist = a_small_checklist(session)
    (_, whole), (_, partly), (_, open_one) = (a_visit(session, inspector, checklist_id=checklist.id) for _ in range(3))
    photo = declared(inspector, whole, "overall")
    stored(inspector.actor, photo)
    submit(inspector, whole, SOUND)
    declared(inspector, partly, "mould")
    submit(inspector, partly, BAD)
    content(inspector.put(open_one, {"answers": {"mould": "spots"}}, version=1))
    found = content(inspector.get("/receipt"))
    assert found["totals"] == {
        "inspections": 3,
        "submitted": 2,
        "complete": 1,
        "incomplete": 1,
        "photosStored": 1,
        "photosAwaited": 1,
        "photosRejected": 0,
        "photosMissing": 3 + 2,
        "openConflicts": 0,
    }
    midnight = clock.now().astimezone(clock.CIVIL_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (found["since"], found["device"], found["next"]) == (rfc3339(midnight), "this", None)
    first = next(item for item in found["items"] if whole.endswith(item["inspectionId"]))
    assert (first["complete"], first["status"], first["revision"], first["missing"]) == (True, "submitted", 1, [])
    (told,) = first["photos"]
    assert told.items() >= {"id": str(photo[0]), "sha256": sha256(photo[1]).hexdigest(), "sizeBytes": 16, "state": "stored", "mayBeDeleted": True}.items()
    assert told["storedAt"].endswith("Z")
    second = next(item for item in found["items"] if partly.endswith(item["inspectionId"]))
    assert ([photo["mayBeDeleted"] for photo in second["photos"]], second["awaited"], len(second["missing"])) == ([False], 1, 3)


def test_a_rejected_photo_comes_with_what_to_do(session: Session, inspector: Caller) -> None:
    inspection, _ = a_visit(session, inspector)
    image = makers.an_image(session, inspection.organisation_id, rejection="damaged", examined_at=clock.now())
    more = {"declared_by": inspector.person_id, "rejection": "damaged", "image_id": image.id, "stored_at": image.stored_at}
    makers.a_photo(session, inspection, state=PhotoState.REJECTED, **more)
    (photo,) = content(inspector.get("/receipt?device=all"))["items"][0]["photos"]
    assert (photo["state"], photo["rejection"], photo["mayBeDeleted"]) == ("rejected", "damaged", False)
    assert photo["whatToDo"]
    dutch = replace(inspector, language="nl")
    assert content(dutch.get("/receipt?device=all"))["items"][0]["photos"][0]["whatToDo"] != photo["whatToDo"]


def test_it_is_about_the_phone_that_asks_or_about_all(session: Session, inspector: Caller, phone: Caller) -> None:
    (one, path), (other, other_path) = a_visit(session, inspector), a_visit(session, inspector)
    declared(inspector, path, "overall")
    submit(phone, other_path, SOUND)

    def told(caller: Caller, device: str) -> set[str]:
        return {item["inspectionId"] for item in content(caller.get(f"/receipt?device={device}"))["items"]}

    assert told(inspector, "this") == {str(one.id)}
    assert told(phone, "this") == {str(other.id)}
    assert told(inspector, "all") == told(phone, "all") == {str(one.id), str(other.id)}


def test_what_happened_before_is_left_out(session: Session, inspector: Caller) -> None:
    _, path = a_visit(session, inspector)
    submit(inspector, path, SOUND)
    assert len(content(inspector.get("/receipt"))["items"]) == 1
    later = rfc3339(clock.now() + timedelta(seconds=5))
    assert content(inspector.get(f"/receipt?since={later}"))["items"] == []
    too_long = rfc3339(clock.now() - timedelta(days=32))
    refused(inspector.get(f"/receipt?since={too_long}"), 400, "rule-violation", ("since", "too-long-ago"))
    wrong = inspector.get("/receipt?since=x&device=y&limit=51")
    refused(wrong, 400, "invalid-input", ("since", "not-a-moment"), ("device", "not-one-of"), ("limit", "too-big"))


def test_pages_follow_each_other_and_the_totals_stay(session: Session, inspector: Caller) -> None:
    checklist = a_small_checklist(session)
    made = [a_visit(session, inspector, checklist_id=checklist.id) for _ in range(5)]
    for _, path in made:
        submit(inspector, path, SOUND)
    seen, path = [], "/receipt?limit=2"
    while True:
        page = content(inspector.get(path))
        assert page["totals"]["inspections"] == 5
        seen += [item["inspectionId"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/receipt?limit=2&cursor={page['next']}"
    assert seen == sorted(str(inspection.id) for inspection, _ in made)


def test_it_takes_as_many_statements_for_many_inspections_as_for_one(session: Session, inspector: Caller) -> None:
    checklist = a_small_checklist(session)

    def statements() -> int:
        seen: list[str] = []
        sa.event.listen(sa.Engine, "before_cursor_execute", note := lambda *given: seen.append(given[2]))
        try:
            content(inspector.get("/receipt"))
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        return len(seen)

    def work(count: int) -> None:
        for _ in range(count):
            _, path = a_visit(session, inspector, checklist_id=checklist.id)
            stored(inspector.actor, declared(inspector, path, "overall"))
            declared(inspector, path, "overall")
            submit(inspector, path, SOUND)

    work(1)
    statements()
    few = statements()
    work(6)
    assert statements() == few


def test_open_conflicts_are_counted(session: Session, inspector: Caller) -> None:
    inspection, _ = a_visit(session, inspector)
    about = {"inspection_id": inspection.id, "revision": 1, "current_version": 1, "yours": {}, "theirs": {}, "person_id": inspector.person_id}
    session.add(InspectionConflict(**about))
    session.flush()
    assert content(inspector.get("/receipt?device=all"))["totals"]["openConflicts"] == 1


def test_a_phone_hears_what_is_still_missed_of_what_it_holds(session: Session, inspector: Caller) -> None:
    _, path = a_visit(session, inspector)
    here, awaited, back = (declared(inspector, path, "overall") for _ in range(3))
    stored(inspector.actor, here)
    content(inspector.post(f"/photos/{back[0]}/withdrawal", {"reason": "x"}))
    unknown, other = (uuid4(), b"x"), (here[0], b"other bytes")
    held = [{"id": str(id), "sha256": sha256(data).hexdigest()} for id, data in (awaited, here, back, unknown)]
    found = content(inspector.post("/receipt/comparison", {"photos": held}))["photos"]
    assert [(each["id"], each["state"], each["mayBeDeleted"]) for each in found] == [
        (str(awaited[0]), "awaited", False),
        (str(here[0]), "stored", True),
        (str(back[0]), "gone", True),
        (str(unknown[0]), "unknown", False),
    ]
    assert [bool(each["whatToDo"]) for each in found] == [True, False, False, True]
    differs = [{"id": str(other[0]), "sha256": sha256(other[1]).hexdigest()}]
    (answer,) = content(inspector.post("/receipt/comparison", {"photos": differs}))["photos"]
    assert (answer["state"], answer["mayBeDeleted"]) == ("differs", False)


def test_a_phone_hears_whether_its_inspections_are_the_ones_here(session: Session, inspector: Caller) -> None:
    _, complete = a_visit(session, inspector)
    stored(inspector.actor, declared(inspector, complete, "overall"))
    version = submit(inspector, complete, SOUND)
    planned, _ = a_visit(session, inspector)
    reload(session)
    digest = digest_of(session.get_one(Inspection, complete.rpartition("/")[2])).hex()
    id = complete.rpartition("/")[2]

    def answer(**held: Any) -> tuple[str, bool]:
        (found,) = content(inspector.post("/receipt/comparison", {"inspections": [held]}))["inspections"]
        return found["state"], found["mayBeDeleted"]

    assert answer(id=id, version=version) == ("stored", True)
    assert answer(id=id, digest=digest) == ("stored", True)
    assert answer(id=id, version=1) == ("differs", False)
    assert answer(id=id, version=version, digest="ab" * 32) == ("differs", False)
    assert answer(id=str(planned.id), version=1) == ("stored", False)
    assert answer(id=str(uuid4()), version=1) == ("unknown", False)
    session.execute(sa.update(Inspection).where(Inspection.id == planned.id).values(status=InspectionStatus.WITHDRAWN, withdrawal_reason="x"))
    assert answer(id=str(planned.id), version=1) == ("gone", True)


def test_what_is_somebody_elses_is_unknown(session: Session, inspector: Caller, reviewer: Caller) -> None:
    stranger = makers.an_actor(inspector.actor.role, makers.an_organisation(session))
    foreign = an_inspection_with(session, stranger)
    photo = makers.a_photo(session, foreign, state=PhotoState.READY)
    held = {"inspections": [{"id": str(foreign.id), "version": 1}], "photos": [{"id": str(photo.id), "sha256": (b"\1" * 32).hex()}]}
    found = content(inspector.post("/receipt/comparison", held))
    assert (found["inspections"][0]["state"], found["photos"][0]["state"]) == ("unknown", "unknown")
    refused(reviewer.post("/receipt/comparison", held), 403, "not-allowed")
    refused(reviewer.get("/receipt"), 403, "not-allowed")


def test_the_form_of_what_a_phone_says_is_checked(inspector: Caller) -> None:
    body = {"inspections": [{"id": "x", "version": 0, "digest": "y"}], "photos": [{"sha256": "z"}], "more": 1}
    refused(
        inspector.post("/receipt/comparison", body),
        400,
        "invalid-input",
        ("/inspections/0/id", "not-a-uuid"),
        ("/inspections/0/version", "too-small"),
        ("/inspections/0/digest", "wrong-form"),
        ("/photos/0/id", "required"),
        ("/photos/0/sha256", "wrong-form"),
        ("/more", "unknown-field"),
    )
