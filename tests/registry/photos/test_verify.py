"""Whether the originals are still what was stored: every one is read, also when the reading is interrupted."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock, storage
from registry.access import Actor
from registry.errors import Unavailable
from registry.inspections.model import Inspection
from registry.photos import verify as verification
from registry.photos.model import Image
from registry.photos.verify import AlreadyVerifying, Finding, Flaw, Notes, Standing, beginning, left, verify
from registry.settings import settings
from tests.makers import a_photo, an_image, an_inspection
from tests.registry.photos.conftest import put, stored_photo

Verified = tuple[Standing, list[Finding]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def inspection(session: Session, an_inspector: Actor, own_bucket: str, as_worker: Callable[[], AbstractContextManager[None]]) -> Iterator[Inspection]:
    """The register looks at it as its worker does."""
    with as_worker():
        yield an_inspection(session, an_inspector)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PAUSE_S", 0)


def image_of(session: Session, inspection: Inspection, content: bytes) -> Image:
    return session.get_one(Image, stored_photo(session, inspection, content).image_id)


def verified(folder: Path, **more: object) -> Verified:
    """As the command line does."""
    found = list[Finding]()
    with Notes(folder).taken() as notes:
        new = beginning()
        standing = notes.standing(new.register) or new
        found += notes.findings(standing)
        return verify(notes, standing, report=found.append, progress=lambda _: None, **more), found  # type: ignore[arg-type]


def test_originals_that_are_what_was_stored_are_found_to_be_so(session: Session, inspection: Inspection, tmp_path: Path) -> None:
    contents = [uuid4().bytes * 1000, b"x", os.urandom(700_000)]
    for content in contents:
        image_of(session, inspection, content)
    progress = list[int]()
    with Notes(tmp_path).taken() as notes:
        assert left(beginning()) == sum(map(len, contents))
        done = verify(notes, beginning(), report=pytest.fail, progress=progress.append)
    assert (done.images, done.bytes, done.findings, done.finished) == (3, sum(map(len, contents)), 0, True)
    assert progress == list(map(len, contents))


def test_what_is_missing_altered_or_shortened_is_named_with_its_photos(session: Session, inspection: Inspection, tmp_path: Path) -> None:
    missing, altered, shortened, whole = (image_of(session, inspection, content * 9) for content in (b"1", b"2", b"3", b"4"))
    twin = a_photo(session, inspection, sha256=missing.sha256, size_bytes=9, image_id=missing.id, stored_at=missing.stored_at)
    storage.delete(missing.object_key)
    for image, content in ((altered, b"2" * 8 + b"x"), (shortened, b"3" * 8)):
        storage.delete(image.object_key)
        put(image.object_key, content)
    done, found = verified(tmp_path)
    assert [(each.flaw, each.image_id) for each in found] == [(Flaw.MISSING, missing.id), (Flaw.ALTERED, altered.id), (Flaw.ALTERED, shortened.id)]
    photos = session.scalars(sa.text("SELECT id FROM photo WHERE image_id = :id ORDER BY id"), {"id": missing.id}).all()
    assert found[0].photo_ids == tuple(photos)
    assert twin.id in photos
    assert str(twin.id) in str(found[0])
    assert (done.images, done.findings) == (4, 3)
    assert whole.id not in [each.image_id for each in found]


def test_the_original_of_a_destroyed_image_is_not_missed(session: Session, inspection: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_image(session, inspection.organisation_id, destroyed_at=clock.now())
    while_reading = image_of(session, inspection, b"bytes")
    storage.delete(while_reading.object_key)
    compare = verification._compare

    def destroyed_meanwhile(image: Image) -> Flaw | None:
        session.execute(sa.text("UPDATE image SET destroyed_at = now() WHERE id = :id"), {"id": image.id})
        return compare(image)

    monkeypatch.setattr(verification, "_compare", destroyed_meanwhile)
    done, found = verified(tmp_path)
    assert (done.images, found) == (1, [])


def test_one_object_that_the_store_does_not_give_is_a_finding(
    session: Session, inspection: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its volume is damaged: the store answers with 500, and for everything else as ever."""
    bad, _ = image_of(session, inspection, b"bad"), image_of(session, inspection, b"good")
    compare = verification._compare

    def broken(image: Image) -> Flaw | None:
        if image.id == bad.id:
            raise Unavailable(retry_after_s=1)
        return compare(image)

    monkeypatch.setattr(verification, "_compare", broken)
    done, found = verified(tmp_path)
    assert ([each.flaw for each in found], done.finished) == ([Flaw.UNREADABLE], True)


def test_a_store_that_is_away_stops_the_verification_and_is_no_finding(
    session: Session, inspection: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_of(session, inspection, b"1"), image_of(session, inspection, b"2")
    verified(tmp_path)
    with monkeypatch.context() as patch:
        gone = storage._client("http://127.0.0.1:9", replace(settings(), s3_endpoint="http://127.0.0.1:9"))
        patch.setattr(storage, "_inside", lambda: gone)
        with pytest.raises(Unavailable):
            verified(tmp_path)
    done, found = verified(tmp_path)
    assert (done.images, found, done.finished) == (2, [], True)


def test_it_goes_on_where_it_was_interrupted_and_knows_what_it_found(
    session: Session, inspection: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [image_of(session, inspection, b"%d" % number) for number in range(20)]
    for image in (images[2], images[15]):
        storage.delete(image.object_key)
    read = list[UUID]()
    compare = verification._compare

    def interrupted(image: Image) -> Flaw | None:
        read.append(image.id)
        if image.id == images[10].id and len(read) <= 20:
            raise KeyboardInterrupt
        return compare(image)

    monkeypatch.setattr(verification, "_compare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verified(tmp_path)
    standing = json.loads((tmp_path / "photos-verify.json").read_text())
    assert (standing["images"], standing["after"], standing["findings"]) == (10, str(images[9].id), 1)
    read += [uuid4()] * 20
    done, found = verified(tmp_path)
    assert [each.image_id for each in found] == [images[2].id, images[15].id]
    assert (done.images, done.findings) == (20, 2)
    assert read.count(images[9].id) == 1


def test_a_finding_that_was_noted_just_before_a_kill_is_not_there_twice(session: Session, inspection: Inspection, tmp_path: Path) -> None:
    image = image_of(session, inspection, b"missing")
    storage.delete(image.object_key)
    notes = Notes(tmp_path)
    notes.write(beginning())
    notes.add(Finding(Flaw.MISSING, image.id, image.object_key, ()), beginning())
    done, found = verified(tmp_path)
    assert (len(found), done.findings) == (1, 1)
    assert len((tmp_path / "photos-verify.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("content", ["", "{", "{}", "null", '{"after": 1}'])
def test_notes_that_are_damaged_or_of_another_register_begin_anew(session: Session, inspection: Inspection, tmp_path: Path, content: str) -> None:
    image_of(session, inspection, b"bytes")
    notes = Notes(tmp_path)
    notes.write(replace(beginning(), register="another", images=7))
    assert notes.standing(beginning().register) is None
    notes.write(replace(beginning(), images=7))
    assert notes.standing(beginning().register) is not None
    notes.write(replace(beginning(), images=7, finished=True))
    assert notes.standing(beginning().register) is None
    (tmp_path / "photos-verify.json").write_text(content)
    assert notes.standing(beginning().register) is None
    assert verified(tmp_path)[0].images == 1


def test_two_verifications_do_not_use_the_same_notes(tmp_path: Path) -> None:
    with Notes(tmp_path).taken(), pytest.raises(AlreadyVerifying), Notes(tmp_path).taken():
        pass


def test_it_reads_no_faster_than_it_may(session: Session, inspection: Inspection, tmp_path: Path) -> None:
    for _ in range(4):
        image_of(session, inspection, os.urandom(100_000))
    began = time.monotonic()
    verified(tmp_path, rate_bytes_s=400_000)
    assert 0.9 < time.monotonic() - began < 3
