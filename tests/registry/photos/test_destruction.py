"""What is destroyed is gone, the record of it stays, and what is held is not destroyed by anybody."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry import clock, jobs, migrations, storage
from registry.access import Actor, Role, the_system
from registry.audit.model import AuditLine, SupersededRow
from registry.audit.verify import verify
from registry.changes.model import Change
from registry.db import WORKER_ROLE, database, reading, transaction
from registry.errors import NotFound
from registry.inspections.model import Inspection, InspectionStatus
from registry.organisations.model import OrganisationKind
from registry.photos import destruction, images, uploads
from registry.photos.destruction import AlreadyHeld, PhotoHeld, PhotoNotWithdrawn, destroy, destroy_due, due, hold, release
from registry.photos.images import Arrival
from registry.photos.keeping import delete_image
from registry.photos.model import ContentType, Destruction, DestructionGround, HoldSubject, Image, Photo, PhotoGone, PhotoState, Upload, UploadState
from registry.photos.rules import NewPhoto, preview_key
from registry.versioned import change
from tests.makers import a_checklist, a_member, a_photo, a_share, an_actor, an_inspection, an_organisation
from tests.owner import as_owner
from tests.registry.photos.conftest import put, stored_photo

pytestmark = pytest.mark.usefixtures("bucket")

Acting = Callable[[], AbstractContextManager[None]]
TELLING = {"caption": "kitchen of Mrs Jansen", "longitude": 5.98, "latitude": 50.89, "taken_at": datetime(2026, 5, 1, tzinfo=UTC)}
EXIF = {"exif_longitude": 5.9, "exif_latitude": 50.8, "camera": "Nokia 8.3", "placeholder": "LEHV6nWB2yk8", "exif_taken_at": datetime(2026, 5, 1, tzinfo=UTC)}
SYSTEM = the_system("a-test")
ERASURE = DestructionGround.ERASURE


@pytest.fixture
def inspection(session: Session, an_inspector: Actor) -> Inspection:
    return an_inspection(session, an_inspector)


def destroyed(as_worker: Acting, photo_id: UUID, ground: DestructionGround = ERASURE) -> Destruction:
    with as_worker(), transaction() as session:
        return destroy(session, SYSTEM, photo_id, ground=ground, reason="asked for by who lives there")


def deletions(session: Session) -> list[str]:
    found = session.scalars(sa.text("SELECT args ->> 'image_id' FROM procrastinate_jobs WHERE task_name = :task"), {"task": jobs.DELETE_IMAGE})
    return list(found)


def test_a_destroyed_photo_has_lost_what_it_told_and_its_former_versions_too(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes, **TELLING)
    change(session, photo, {"caption": "kitchen"})
    destroyed(as_worker, photo.id)
    session.refresh(photo)
    assert photo.state is PhotoState.DESTROYED
    assert {getattr(photo, name) for name in (*TELLING, "image_id", "stored_at")} == {None}
    versions = [row.content for row in session.scalars(sa.select(SupersededRow).where(SupersededRow.row_id == str(photo.id)))]
    assert len(versions) == 2
    assert [(set(version) & set(TELLING), version["forgotten"], version["state"]) for version in versions] == [(set(), True, "ready")] * 2
    everything = json.dumps([session.scalars(sa.text(f"SELECT to_jsonb(each) FROM {table} AS each")).all() for table in tables(session)])
    assert "Jansen" not in everything


def tables(session: Session) -> list[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    return list(session.scalars(sa.text(query)))


def test_the_record_says_what_was_destroyed_why_and_by_whom_and_can_not_be_changed(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes)
    image_id, sha256, size_bytes = photo.image_id, photo.sha256, photo.size_bytes
    destroyed(as_worker, photo.id)
    done = destruction.get(session, photo.id)
    assert (done.image_id, done.sha256, done.size_bytes) == (image_id, sha256, size_bytes)
    assert (done.ground, done.reason, done.recorded_by) == (ERASURE, "asked for by who lives there", UUID(int=0))
    line = session.scalars(sa.select(AuditLine).where(AuditLine.subject_id == str(photo.id))).one()
    assert (line.action, line.details["sha256"], line.details["bytesToo"]) == ("photo.destroyed", sha256.hex() if sha256 else None, True)
    assert "who lives there" not in json.dumps(line.details)
    assert session.scalar(sa.select(sa.func.count()).select_from(Change).where(Change.subject_id == photo.id)) == 1
    for statement in ("UPDATE destruction SET reason = 'x'", "DELETE FROM destruction", "TRUNCATE destruction"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
            session.execute(sa.text(statement))


def test_destroying_again_changes_nothing(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes)
    assert destroyed(as_worker, photo.id).id == destroyed(as_worker, photo.id).id
    assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine)) == 1
    with pytest.raises(NotFound):
        destroyed(as_worker, uuid4())


def test_the_bytes_go_with_the_last_photo_that_shows_them(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    first = stored_photo(session, inspection, uuid4().bytes)
    image = session.get_one(Image, first.image_id)
    for name, value in EXIF.items():
        setattr(image, name, value)
    known = {"sha256": image.sha256, "image_id": image.id, "stored_at": image.stored_at}
    withdrawn = {"state": PhotoState.WITHDRAWN, "withdrawn_at": clock.now(), "withdrawal_reason": "wrong room"}
    second = a_photo(session, inspection, **known, **withdrawn)
    preview = preview_key(image.organisation_id, image.id, 320)
    put(preview, b"preview")
    destroyed(as_worker, first.id)
    session.refresh(image)
    assert (image.destroyed_at, image.camera, deletions(session)) == (None, "Nokia 8.3", [])
    destroyed(as_worker, second.id)
    session.refresh(image)
    assert image.destroyed_at is not None
    assert {getattr(image, name) for name in EXIF} == {None}
    assert storage.find(image.object_key) is not None
    assert deletions(session) == [str(image.id)]
    with as_worker():
        delete_image(image.id)
    assert (storage.find(image.object_key), storage.find(preview)) == (None, None)


def test_the_job_never_deletes_an_image_that_is_kept(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    image = session.get_one(Image, stored_photo(session, inspection, uuid4().bytes).image_id)
    with as_worker():
        delete_image(image.id)
        delete_image(uuid4())
    assert storage.find(image.object_key) is not None


def test_an_awaited_photo_is_destroyed_with_its_upload(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = a_photo(session, inspection, **TELLING)
    upload = Upload(photo_id=photo.id, person_id=uuid4(), organisation_id=inspection.organisation_id, expires_at=clock.now() + timedelta(days=1))
    session.add(upload)
    session.flush()
    session.execute(sa.text("INSERT INTO fragment (upload_id, offset_bytes, content) VALUES (:id, 0, 'x')"), {"id": upload.id})
    done = destroyed(as_worker, photo.id)
    session.refresh(upload)
    assert (done.image_id, done.sha256) == (None, photo.sha256)
    assert upload.state is UploadState.TERMINATED
    assert session.scalar(sa.text("SELECT count(*) FROM fragment")) == 0


def test_links_to_a_destroyed_photo_show_nothing(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes)
    session.execute(sa.text("UPDATE image SET previews = 'made' WHERE id = :id"), {"id": photo.image_id})
    share = a_share(session, photo)
    look = sa.text("SELECT photo_id FROM shared_photo(:digest, 'request', NULL)")
    assert session.scalar(look, {"digest": share.digest}) == photo.id
    destroyed(as_worker, photo.id)
    assert session.scalar(look, {"digest": share.digest}) is None


def test_over_the_api_the_photo_is_there_and_says_that_it_is_destroyed(session: Session, api: FlaskClient, as_worker: Acting) -> None:
    actor, token = a_member(session, Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    photo = stored_photo(session, an_inspection(session, actor), uuid4().bytes, **TELLING)
    destroyed(as_worker, photo.id)
    answer = api.get(f"/v1/photos/{photo.id}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["sha256"]) == ("destroyed", photo.sha256.hex() if photo.sha256 else None)
    assert [answer.json[name] for name in ("caption", "takenAt", "longitude", "found", "storedAt")] == [None] * 5


def test_the_same_bytes_may_come_back_after_they_were_destroyed(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    photo = stored_photo(session, inspection, content := uuid4().bytes)
    former, sha256 = photo.image_id, photo.sha256
    destroyed(as_worker, photo.id)
    again = a_photo(session, inspection, sha256=sha256, size_bytes=len(content))
    with as_worker(), transaction() as own:
        images.attach_each(own, SYSTEM, [Arrival(own.get_one(Photo, again.id), sha256 or b"", len(content), f"media/{uuid4()}")])
    session.refresh(again)
    assert again.image_id not in (None, former)


def test_the_ground_of_withdrawal_needs_a_withdrawn_photo(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    with pytest.raises(PhotoNotWithdrawn):
        destroyed(as_worker, stored_photo(session, inspection, uuid4().bytes).id, DestructionGround.WITHDRAWN)


@pytest.mark.parametrize("kind", HoldSubject)
def test_what_is_held_is_not_destroyed_on_any_ground_by_any_way(session: Session, inspection: Inspection, as_worker: Acting, kind: HoldSubject) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes, **TELLING)
    change(session, photo, {"state": PhotoState.WITHDRAWN, "withdrawn_at": clock.now() - timedelta(days=40), "withdrawal_reason": "wrong room"})
    subject = {HoldSubject.DWELLING: inspection.dwelling_id, HoldSubject.INSPECTION: inspection.id, HoldSubject.PHOTO: photo.id}[kind]
    hold(session, SYSTEM, kind, subject, "a lawsuit")
    for ground in DestructionGround:
        with pytest.raises(PhotoHeld):
            destroyed(as_worker, photo.id, ground)
    with as_worker():
        assert destroy_due(retention_years=1) == Counter()
    session.refresh(photo)
    assert (photo.state, photo.caption) == (PhotoState.WITHDRAWN, TELLING["caption"])
    release(session, SYSTEM, kind, subject)
    with as_worker():
        assert destroy_due(retention_years=None) == {DestructionGround.WITHDRAWN: 1}


def test_holds_are_placed_and_released_once_and_leave_lines_without_their_reason(session: Session, inspection: Inspection) -> None:
    person = an_actor(Role.ADMINISTRATOR)
    placed = hold(session, person, HoldSubject.INSPECTION, inspection.id, "lawsuit of the tenant")
    with pytest.raises(AlreadyHeld):
        hold(session, person, HoldSubject.INSPECTION, inspection.id, "another one")
    assert [each.id for each in destruction.holds(session)] == [placed.id]
    ended = release(session, person, HoldSubject.INSPECTION, inspection.id)
    assert (ended.lifted_by, destruction.holds(session)) == (person.person_id, [])
    with pytest.raises(NotFound):
        release(session, person, HoldSubject.INSPECTION, inspection.id)
    with pytest.raises(NotFound):
        hold(session, person, HoldSubject.DWELLING, uuid4(), "a lawsuit")
    lines = session.scalars(sa.select(AuditLine).order_by(AuditLine.id)).all()
    assert [line.action for line in lines] == ["inspection.held", "inspection.released"]
    assert "tenant" not in json.dumps([line.details for line in lines])


@pytest.mark.parametrize(
    ("submitted", "stored", "years", "expected"),
    [
        ("2015-06-01", "2025-01-01", 10, True),
        ("2017-06-01", "2010-01-01", 10, False),
        (None, "2015-06-01", 10, True),
        (None, "2017-06-01", 10, False),
        ("1990-01-01", "1990-01-01", None, False),
        ("2016-02-29", "2016-02-29", 10, False),
        ("2016-02-29", "2016-02-29", 9, True),
    ],
)
def test_the_time_of_retention_counts_from_the_submission(
    session: Session, inspection: Inspection, monkeypatch: pytest.MonkeyPatch, submitted: str | None, stored: str, years: int | None, expected: bool
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 2, 28, 12, tzinfo=UTC))
    photo = stored_photo(session, inspection, uuid4().bytes, stored_at=datetime.fromisoformat(f"{stored}T12:00Z"))
    if submitted:
        inspection.status, inspection.submitted_at = InspectionStatus.SUBMITTED, datetime.fromisoformat(f"{submitted}T12:00Z")
        session.flush()
    assert [each.photo_id for each in due(session, retention_years=years)] == ([photo.id] if expected else [])


def test_withdrawn_photos_are_destroyed_after_thirty_days(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    withdrawn = {"state": PhotoState.WITHDRAWN, "withdrawal_reason": "wrong room"}
    recent = stored_photo(session, inspection, uuid4().bytes, withdrawn_at=clock.now() - timedelta(days=29), **withdrawn)
    old = stored_photo(session, inspection, uuid4().bytes, withdrawn_at=clock.now() - timedelta(days=31), **withdrawn)
    with as_worker():
        assert destroy_due(retention_years=None) == {DestructionGround.WITHDRAWN: 1}
        assert destroy_due(retention_years=None) == Counter()
    for photo in (recent, old):
        session.refresh(photo)
    assert (recent.state, old.state) == (PhotoState.WITHDRAWN, PhotoState.DESTROYED)
    assert destruction.get(session, old.id).ground is DestructionGround.WITHDRAWN


def test_more_photos_than_one_batch_are_destroyed(session: Session, inspection: Inspection, as_worker: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destruction, "BATCH", 3)
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    ids = [stored_photo(session, inspection, uuid4().bytes, stored_at=long_ago).id for _ in range(8)]
    hold(session, SYSTEM, HoldSubject.PHOTO, ids[4], "a lawsuit")
    told = list[UUID]()
    with as_worker():
        assert destroy_due(retention_years=10, progress=lambda each: told.append(each.photo_id)) == {DestructionGround.RETENTION: 7}
    assert sorted(told) == sorted(set(ids) - {ids[4]})


def test_the_audit_log_is_whole_after_photos_were_destroyed(session: Session, inspection: Inspection, as_worker: Acting) -> None:
    for _ in range(3):
        destroyed(as_worker, stored_photo(session, inspection, uuid4().bytes, **TELLING).id)
    with as_owner() as owner:
        assert verify(owner, report=print, progress=lambda done, total: None).flaws == 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT forget_photo_history('{id}')",
        "SELECT set_config('registry.forgetting', 'photo', true); UPDATE superseded_row SET content = '{{}}'",
        "UPDATE destruction SET reason = 'x'",
        "DELETE FROM destruction",
        "INSERT INTO legal_hold (subject_kind, subject_id, reason, recorded_by) VALUES ('photo', '{id}', 'x', '{id}')",
        "UPDATE legal_hold SET lifted_at = now()",
        "DELETE FROM photo",
    ],
)
def test_the_worker_can_not_forget_the_history_of_a_photo_that_is_there_or_undo_a_hold(
    session: Session, inspection: Inspection, as_worker: Acting, statement: str
) -> None:
    photo = stored_photo(session, inspection, uuid4().bytes, **TELLING)
    with as_worker(), pytest.raises(Exception, match=r"permission denied|only the history|NotAllowed|may not"), session.begin_nested(), transaction() as own:
        own.execute(sa.text(statement.format(id=photo.id)))


class TestRaces:
    """On several real connections: whoever comes first wins, and nobody sees something between."""

    @pytest.fixture
    def photo_id(self, fresh_database: str) -> UUID:
        with as_owner() as session:
            actor = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
            self.actor = actor
            return stored_photo(session, an_inspection(session, actor, checklist_id=a_checklist(session).id), uuid4().bytes).id

    def subject(self, kind: HoldSubject, photo_id: UUID) -> UUID:
        query = "SELECT dwelling_id, inspection.id, photo.id FROM photo JOIN inspection ON inspection.id = inspection_id WHERE photo.id = :id"
        with as_owner() as session:
            found = session.execute(sa.text(query), {"id": photo_id}).one()
        return UUID(str(dict(zip(HoldSubject, found, strict=True))[kind]))

    @pytest.mark.parametrize("kind", HoldSubject)
    def test_a_hold_that_was_placed_first_wins(self, photo_id: UUID, kind: HoldSubject) -> None:
        subject = self.subject(kind, photo_id)
        with ThreadPoolExecutor(1) as pool:
            with transaction() as session:
                hold(session, SYSTEM, kind, subject, "a lawsuit")
                destroying = pool.submit(destroy_now, photo_id)
                waits(destroying)
            with pytest.raises(PhotoHeld):
                destroying.result(10)
        assert state(photo_id) == "ready"

    @pytest.mark.parametrize("kind", HoldSubject)
    def test_a_destruction_that_began_first_wins(self, photo_id: UUID, kind: HoldSubject) -> None:
        subject = self.subject(kind, photo_id)
        with ThreadPoolExecutor(1) as pool:
            with transaction() as session:
                destroy(session, SYSTEM, photo_id, ground=ERASURE, reason="a test")
                holding = pool.submit(hold_now, kind, subject)
                waits(holding)
            with pytest.raises(PhotoGone) if kind is HoldSubject.PHOTO else nullcontext():
                holding.result(10)
        assert state(photo_id) == "destroyed"

    def test_other_photos_of_the_dwelling_are_destroyed_at_the_same_time(self, photo_id: UUID) -> None:
        with as_owner() as session:
            inspection = session.get_one(Inspection, session.get_one(Photo, photo_id).inspection_id)
            other = stored_photo(session, inspection, uuid4().bytes).id
        with ThreadPoolExecutor(1) as pool, transaction() as session:
            destroy(session, SYSTEM, photo_id, ground=ERASURE, reason="a test")
            pool.submit(destroy_now, other).result(10)

    def test_a_photo_that_is_linked_first_keeps_the_image(self, photo_id: UUID) -> None:
        with ThreadPoolExecutor(1) as pool:
            with transaction(self.actor) as session:
                linked = declare_same(session, self.actor, photo_id)
                destroying = pool.submit(destroy_now, photo_id)
                waits(destroying)
            destroying.result(10)
        assert (state(photo_id), state(linked)) == ("destroyed", "stored")
        assert image_of(linked).destroyed_at is None

    def test_a_photo_that_comes_after_the_destruction_is_awaited(self, photo_id: UUID) -> None:
        with ThreadPoolExecutor(1) as pool:
            with transaction() as session:
                destroy(session, SYSTEM, photo_id, ground=ERASURE, reason="a test")
                linking = pool.submit(declare_now, self.actor, photo_id)
                waits(linking)
            assert state(linking.result(10)) == "declared"

    def test_the_same_bytes_stored_after_the_destruction_have_an_image_of_their_own(self, photo_id: UUID) -> None:
        with as_owner() as session:
            photo = session.get_one(Photo, photo_id)
            sha256, inspection = photo.sha256 or b"", session.get_one(Inspection, photo.inspection_id)
            second = a_photo(session, inspection, sha256=sha256, size_bytes=photo.size_bytes).id
        with ThreadPoolExecutor(1) as pool:
            with transaction() as session:
                destroy(session, SYSTEM, photo_id, ground=ERASURE, reason="a test")
                storing = pool.submit(attach_now, second, sha256)
                waits(storing)
            storing.result(10)
        image = image_of(second)
        assert (image.destroyed_at, image.object_key) == (None, f"media/{second}")

    def test_a_photo_that_is_stored_while_it_is_being_destroyed_loses_its_bytes_too(self, photo_id: UUID) -> None:
        with as_owner() as session:
            inspection = session.get_one(Inspection, session.get_one(Photo, photo_id).inspection_id)
            awaited = a_photo(session, inspection, sha256=b"\5" * 32, size_bytes=16).id
        with ThreadPoolExecutor(1) as pool:
            with transaction() as session:
                photo = session.get_one(Photo, awaited, with_for_update={"key_share": True})
                images.attach_each(session, SYSTEM, [Arrival(photo, b"\5" * 32, 16, f"media/{awaited}")])
                destroying = pool.submit(destroy_now, awaited)
                waits(destroying)
            done = destroying.result(10)
        assert (state(awaited), done.image_id is not None) == ("destroyed", True)
        with as_owner() as session:
            assert session.get_one(Image, done.image_id).destroyed_at is not None

    def test_of_many_at_once_one_destroys_and_the_audit_log_stays_whole(self, photo_id: UUID) -> None:
        with ThreadPoolExecutor(6) as pool:
            assert len({done.id for done in pool.map(destroy_now, [photo_id] * 6)}) == 1
        with reading() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine).where(AuditLine.action == "photo.destroyed")) == 1
            assert verify(session, report=print, progress=lambda done, total: None).flaws == 0

    def test_the_worker_signed_in_as_itself_does_all_of_it(self, photo_id: UUID, fresh_database: str) -> None:
        url = migrations.let_in(fresh_database, WORKER_ROLE, "only-in-tests")
        kept = (database.bind, database.reader)
        database.connect(url, pool_size=2)
        try:
            done = destroy_now(photo_id)
            assert done.image_id is not None
            delete_image(done.image_id)
            with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(url) as connection:
                connection.execute("DELETE FROM destruction")
        finally:
            database.close()
            database.bind, database.reader = kept
        assert storage.find(image_key(done.image_id)) is None


def waits(work: "object") -> None:
    """Until the other connection waits for a lock of ours, or is done."""
    for _ in range(500):
        if work.done():  # type: ignore[attr-defined]
            return
        with as_owner() as session:
            if session.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")):
                return
        threading.Event().wait(0.01)
    raise TimeoutError


def destroy_now(photo_id: UUID) -> Destruction:
    with transaction() as session:
        return destroy(session, SYSTEM, photo_id, ground=ERASURE, reason="a test")


def hold_now(kind: HoldSubject, subject_id: UUID) -> None:
    with transaction() as session:
        hold(session, SYSTEM, kind, subject_id, "a lawsuit")


def attach_now(photo_id: UUID, sha256: bytes) -> None:
    with transaction() as session:
        photo = session.get_one(Photo, photo_id, with_for_update={"key_share": True})
        images.attach_each(session, SYSTEM, [Arrival(photo, sha256, photo.size_bytes or 0, f"media/{photo_id}")])


def declare_now(actor: Actor, like: UUID) -> UUID:
    with transaction(actor) as session:
        return declare_same(session, actor, like)


def declare_same(session: Session, actor: Actor, like: UUID) -> UUID:
    """Declare another photo with the same bytes, by the same inspector."""
    with as_owner() as owner:
        photo = owner.get_one(Photo, like)
    assert photo.sha256 is not None
    item = NewPhoto(uuid4(), photo.inspection_id, "mould", photo.sha256, photo.size_bytes or 0, ContentType.JPEG)
    (result,) = uploads.declare_each(session, actor, [item])
    assert not result.faults
    return item.id


def state(photo_id: UUID) -> str:
    with as_owner() as session:
        return session.get_one(Photo, photo_id).state.value


def image_of(photo_id: UUID) -> Image:
    with as_owner() as session:
        return session.get_one(Image, session.get_one(Photo, photo_id).image_id)


def image_key(image_id: UUID | None) -> str:
    with as_owner() as session:
        return session.get_one(Image, image_id).object_key
