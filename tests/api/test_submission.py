"""Submitting an inspection over HTTP: what stands, what is still to come, and how it becomes complete by itself."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, the_system
from registry.audit.model import AuditLine
from registry.changes.model import Change, ChangeKind
from registry.checklists.rules import digest
from registry.db import WORKER_ROLE, database, transaction
from registry.inspections import completeness, submission
from registry.inspections.model import ConditionScore, Inspection, InspectionRevision, VisitOutcome
from registry.inspections.rules import Document
from registry.photos import uploads
from registry.photos.destruction import destroy
from registry.photos.examine import examine
from registry.photos.model import ContentType, DestructionGround, Image, Photo, PhotoState
from registry.photos.rules import NewPhoto
from registry.storage import StoredObject
from tests import makers
from tests.api.callers import Caller, content, refused, reload
from tests.checklists import BAD, SOUND, an_inspection_with
from tests.owner import as_owner

Path = str


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    return an_inspection_with(session, inspector.actor)


@pytest.fixture
def path(inspection: Inspection) -> Path:
    return f"/inspections/{inspection.id}"


def filled(inspector: Caller, path: Path, answers: dict[str, Any], outcome: str = "done") -> int:
    """The version after it."""
    version = content(inspector.get(path))["version"]
    return int(content(inspector.put(path, {"answers": answers, "visitOutcome": outcome, "visitedAt": "2026-03-01T09:00:00Z"}, version=version))["version"])


def submitted(inspector: Caller, path: Path, answers: dict[str, Any]) -> dict[str, Any]:
    filled(inspector, path, answers)
    found: dict[str, Any] = content(inspector.post(f"{path}/submission"))
    return found


def declared(inspector: Caller, path: Path, question: str, defect: str | None = None) -> tuple[UUID, bytes]:
    """Declare a photo; its id and its bytes."""
    id, data = uuid4(), uuid4().bytes
    item = {"id": str(id), "inspectionId": path.rpartition("/")[2], "question": question, "defect": defect}
    about = {"sha256": sha256(data).hexdigest(), "sizeBytes": len(data), "contentType": "image/jpeg"}
    (result,) = content(inspector.post("/uploads/batch", {"items": [{**item, **about}]}))["results"]
    assert result["outcome"] == "created", result
    return id, data


def stored(actor: Actor, *photos: tuple[UUID, bytes]) -> None:
    """As when the bytes have arrived."""
    with transaction(actor) as session:
        uploads.mark_stored_each(session, actor, {id: StoredObject(len(data), sha256(data).digest()) for id, data in photos})


@contextmanager
def as_worker() -> Iterator[None]:
    before, database.role = database.role, WORKER_ROLE
    try:
        yield
    finally:
        database.role = before


def lines(session: Session, path: Path) -> list[str]:
    query = sa.select(AuditLine.action).where(AuditLine.subject_id == path.rpartition("/")[2], AuditLine.action.like("inspection.%"))
    return list(session.scalars(query.order_by(AuditLine.id)))


def test_missing_photos_are_no_reason_to_refuse_and_are_told_by_question_and_defect(inspector: Caller, path: Path) -> None:
    declared(inspector, path, "mould")
    found = submitted(inspector, path, BAD)
    assert (found["status"], found["complete"], found["completeAt"], found["awaited"]) == ("submitted", False, None, 1)
    missing = [(fault["pointer"], fault["code"]) for fault in found["missing"]]
    assert missing == [("/answers/overall", "photos-missing"), ("/answers/mould", "photos-missing"), ("/answers/roof/defects/0", "defect-photos-missing")]
    assert found["missing"][1]["detail"] == "Question mould has 1 of at least 2 photos."


def test_submitting_again_gives_the_same_answer(inspector: Caller, path: Path) -> None:
    version = filled(inspector, path, BAD)
    first = inspector.post(f"{path}/submission", version=version)
    again = inspector.post(f"{path}/submission", version=version)
    assert content(again) == content(first)
    assert again.headers["ETag"] == first.headers["ETag"]


def test_everything_wrong_is_said_at_once_by_question(inspector: Caller, path: Path) -> None:
    inspector.put(path, {"answers": {}}, version=1)
    refused(
        inspector.post(f"{path}/submission"),
        400,
        "answers-invalid",
        ("/visitOutcome", "required"),
        ("/answers/mould", "answer-required"),
        ("/answers/roof", "answer-required"),
    )


def test_nothing_is_demanded_of_a_visit_that_was_not_made(inspector: Caller, path: Path) -> None:
    filled(inspector, path, {}, "nobody-home")
    found = content(inspector.post(f"{path}/submission"))
    assert (found["complete"], found["missing"], found["completeAt"]) == (True, [], found["submittedAt"])


def test_it_becomes_complete_by_itself_when_the_last_photo_is_stored(session: Session, inspector: Caller, path: Path) -> None:
    first, last = declared(inspector, path, "overall"), declared(inspector, path, "overall")
    version = submitted(inspector, path, SOUND)["version"]
    stored(inspector.actor, first)
    assert content(inspector.get(path))["completeAt"] is None
    stored(inspector.actor, last)
    found = content(inspector.get(path))
    assert found["completeAt"] >= found["submittedAt"]
    assert found["version"] == version + 1
    assert content(inspector.post(f"{path}/submission"))["complete"] is True
    assert lines(session, path)[-2:] == ["inspection.submitted", "inspection.completed"]
    told = session.scalars(sa.select(Change).where(Change.kind == ChangeKind.INSPECTION).order_by(Change.id.desc()).limit(1)).one()
    assert (str(told.subject_id), told.person_id) == (found["id"], inspector.person_id)


def test_all_photos_of_a_batch_complete_it_once(session: Session, inspector: Caller, path: Path) -> None:
    photos = [declared(inspector, path, *of) for of in (("overall",), ("mould",), ("mould",), ("roof", "d1"))]
    submitted(inspector, path, BAD)
    stored(inspector.actor, *photos)
    assert content(inspector.get(path))["completeAt"] is not None
    assert lines(session, path).count("inspection.completed") == 1


def test_a_photo_that_the_organisation_has_already_completes_it_as_it_is_declared(session: Session, inspector: Caller, path: Path) -> None:
    data = b"the same bytes"
    other = an_inspection_with(session, inspector.actor)
    makers.a_photo_of(session, other, data)
    submitted(inspector, path, SOUND)
    about = {"id": str(uuid4()), "inspectionId": path.rpartition("/")[2], "question": "overall", "contentType": "image/jpeg"}
    item = {**about, "sha256": sha256(data).hexdigest(), "sizeBytes": len(data)}
    assert content(inspector.post("/uploads/batch", {"items": [item]}))["results"][0]["state"] == "ready"
    assert content(inspector.get(path))["completeAt"] is not None


def test_a_photo_that_is_taken_back_makes_it_incomplete_again(session: Session, inspector: Caller, path: Path) -> None:
    id, data = declared(inspector, path, "overall")
    stored(inspector.actor, (id, data))
    assert submitted(inspector, path, SOUND)["complete"] is True
    content(inspector.post(f"/photos/{id}/withdrawal", {"reason": "wrong door"}))
    assert content(inspector.get(path))["completeAt"] is None
    assert lines(session, path)[-1] == "inspection.incomplete"


@pytest.mark.usefixtures("bucket")
def test_a_photo_that_turns_out_to_be_no_image_makes_it_incomplete_again(session: Session, inspector: Caller, path: Path) -> None:
    id, data = declared(inspector, path, "overall")
    stored(inspector.actor, (id, data))
    assert submitted(inspector, path, SOUND)["complete"] is True
    reload(session)
    image = session.get_one(Image, session.get_one(Photo, id).image_id)
    storage.store(image.object_key, io.BytesIO(data), size_bytes=len(data), content_type="image/jpeg")
    with as_worker():
        examine(image.id)
    assert content(inspector.get(path))["completeAt"] is None
    found = content(inspector.get(f"{path}/receipt"))
    assert (found["complete"], found["rejected"]) == (False, 1)
    assert [fault["pointer"] for fault in found["missing"]] == ["/answers/overall"]
    with as_worker(), transaction() as own:
        destroy(own, the_system("a-test"), id, ground=DestructionGround.ERASURE, reason="asked for by who lives there")
    with as_worker():
        assert completeness.settle_again() == 0
    assert [fault["pointer"] for fault in content(inspector.get(f"{path}/receipt"))["missing"]] == ["/answers/overall"]


def test_a_revision_and_its_scores_are_kept(session: Session, inspector: Caller, inspection: Inspection, path: Path) -> None:
    submitted(inspector, path, BAD)
    reload(session)
    row = session.get_one(InspectionRevision, (inspection.id, 1))
    document = Document(BAD, VisitOutcome.DONE, makers.a_moment("2026-03-01T09:00"), None, inspection.checklist_id)
    assert row.digest == digest(document.as_json())
    assert [fault["code"] for fault in row.missing] == ["photos-missing", "photos-missing", "defect-photos-missing"]  # type: ignore[index, call-overload]
    scores = session.execute(sa.select(ConditionScore.question, ConditionScore.score).where(ConditionScore.inspection_id == inspection.id))
    assert dict(scores.all()) == {"roof": 6, None: 6}
    (shown,) = content(inspector.get(f"{path}/revisions"))["items"]
    assert shown == content(inspector.get(f"{path}/revisions/1"))
    assert (shown["digest"], shown["answers"], shown["review"]) == (row.digest.hex(), BAD, None)
    assert [fault["pointer"] for fault in shown["missing"]] == ["/answers/overall", "/answers/mould", "/answers/roof/defects/0"]
    refused(inspector.get(f"{path}/revisions/2"), 404, "not-found")
    refused(inspector.get(f"{path}/revisions/{10**30}"), 404, "not-found")


CHANGES = ("answers = '{}'", "remarks = 'x'", "visit_outcome = 'unsafe'", "visited_at = now()", "status = 'planned', submitted_at = NULL")


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_submitted_stands_whatever_sql_is_sent(inspector: Caller, path: Path, change: str) -> None:
    submitted(inspector, path, SOUND)
    with pytest.raises(sa.exc.IntegrityError, match="what was submitted stands"), transaction(inspector.actor) as session:
        session.execute(sa.text(f"UPDATE inspection SET {change} WHERE id = '{path.rpartition('/')[2]}'"))


def test_a_submission_takes_few_statements(inspector: Caller, path: Path) -> None:
    filled(inspector, path, SOUND)
    statements: list[str] = []
    sa.event.listen(sa.Engine, "before_cursor_execute", note := lambda *given: statements.append(given[2]))
    try:
        with transaction(inspector.actor) as session:
            submission.submit(session, inspector.actor, UUID(path.rpartition("/")[2]))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    asked = [each for each in statements if not each.startswith(("SAVEPOINT", "RELEASE", "SELECT set_config"))]
    assert len(asked) <= 10, asked


def test_an_inspection_that_was_missed_is_settled_later(session: Session, inspector: Caller, path: Path) -> None:
    id, _ = declared(inspector, path, "overall")
    submitted(inspector, path, SOUND)
    reload(session)
    image = makers.an_image(session, inspector.organisation.id)  # type: ignore[union-attr]
    changed = {"state": PhotoState.STORED, "image_id": image.id, "stored_at": image.stored_at}
    session.execute(sa.update(Photo).where(Photo.id == id).values(changed))
    assert content(inspector.get(path))["completeAt"] is None
    with as_worker():
        assert completeness.settle_again() == 1
        assert completeness.settle_again() == 0
    assert content(inspector.get(path))["completeAt"] is not None


def test_storing_the_last_two_photos_and_submitting_at_the_same_moment_completes_it_once(live: Any) -> None:
    """Real commits, many times over: whichever of the three comes last finds it complete, and only that one."""
    inspector: Caller = live("inspector")
    actor = inspector.actor
    for _ in range(25):
        with as_owner() as session:
            inspection_id = an_inspection_with(session, actor, answers=SOUND, visit_outcome=VisitOutcome.DONE).id
        photos = [(uuid4(), uuid4().bytes) for _ in range(2)]
        with transaction(actor) as session:
            items = [NewPhoto(id, inspection_id, "overall", sha256(data).digest(), len(data), ContentType.JPEG) for id, data in photos]
            uploads.declare_each(session, actor, items)
        together(lambda photo=photos[0]: stored(actor, photo), lambda photo=photos[1]: stored(actor, photo), lambda id=inspection_id: submit(actor, id))
        with as_owner() as session:
            assert session.get_one(Inspection, inspection_id).complete_at is not None
            made = sa.select(sa.func.count()).where(AuditLine.subject_id == str(inspection_id), AuditLine.action == "inspection.completed")
            first = sa.select(AuditLine.details).where(AuditLine.subject_id == str(inspection_id), AuditLine.action == "inspection.submitted")
            assert session.scalar(made) == (0 if session.scalars(first).one()["complete"] else 1)


def submit(actor: Actor, inspection_id: UUID) -> None:
    with transaction(actor) as session:
        submission.submit(session, actor, inspection_id)


def together(*acts: Any) -> None:
    """All at the same moment, each in a thread."""
    gate = Barrier(len(acts))

    def run(act: Any) -> None:
        gate.wait(10)
        act()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result(30)
