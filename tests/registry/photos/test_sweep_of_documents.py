"""The sweep looks after the documents of trajectories too, and nothing goes that may still be wanted."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from registry import clock, storage
from registry.photos.sweep import Odd, Oddity, delete_unknown, look, set_right
from registry.trajectories import document_objects
from registry.trajectories.documents import DOCUMENTS, key_of
from registry.trajectories.model import Document, Trajectory
from tests import makers

Acting = Callable[[], AbstractContextManager[None]]
DATA = b"a grant decision"
WITHDRAWN = {"withdrawn_at": datetime.now(UTC), "withdrawn_by": uuid4(), "withdrawal_reason": "a test"}
pytestmark = pytest.mark.usefixtures("own_bucket")


@pytest.fixture
def trajectory(session: Session) -> Trajectory:
    return makers.a_trajectory(session, makers.an_organisation(session))


@pytest.fixture
def days_later(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: moment)


def put(key: str, data: bytes = DATA) -> str:
    storage.store(key, io.BytesIO(data), size_bytes=len(data), content_type="application/pdf")
    return key


def a_document(session: Session, trajectory: Trajectory, *, there: bool = True, **more: object) -> Document:
    document = makers.a_document(session, trajectory, DATA, **more)
    if there:
        put(key_of(document))
    return document


def odd(as_worker: Acting, *keys: str) -> dict[str, Oddity]:
    """What the sweep, in the role of the worker, says about these keys."""
    with as_worker():
        return {found.key: found.what for found in look() if found.key in keys}


@pytest.mark.usefixtures("days_later")
def test_what_is_where_it_should_be_is_not_odd(session: Session, trajectory: Trajectory, as_worker: Acting) -> None:
    now = datetime.now(UTC)
    documents = [a_document(session, trajectory, stored_at=now), a_document(session, trajectory), a_document(session, trajectory, stored_at=now, **WITHDRAWN)]
    documents.append(a_document(session, trajectory, there=False))
    assert odd(as_worker, *map(key_of, documents)) == {}


@pytest.mark.usefixtures("days_later")
def test_what_was_withdrawn_before_it_was_here_goes(session: Session, trajectory: Trajectory, as_worker: Acting) -> None:
    key = key_of(a_document(session, trajectory, **WITHDRAWN))
    assert odd(as_worker, key) == {key: Oddity.LEFTOVER}
    with as_worker():
        set_right(Odd(Oddity.LEFTOVER, key))
    assert storage.find(key) is None


@pytest.mark.usefixtures("days_later")
def test_what_a_document_may_still_come_to_point_to_stays_whatever_the_first_look_said(session: Session, trajectory: Trajectory, as_worker: Acting) -> None:
    for more in ({}, {"stored_at": datetime.now(UTC)}, {"stored_at": datetime.now(UTC), **WITHDRAWN}):
        key = key_of(a_document(session, trajectory, **more))
        with as_worker():
            set_right(Odd(Oddity.LEFTOVER, key))
            delete_unknown(Odd(Oddity.UNKNOWN, key))
        assert storage.find(key) is not None


@pytest.mark.usefixtures("days_later")
def test_an_object_that_the_register_does_not_know_is_told_of_and_stays_until_a_person_says_so(trajectory: Trajectory, as_worker: Acting) -> None:
    keys = [put(f"{DOCUMENTS}{trajectory.id}/{uuid4()}/{'ab' * 32}"), put(f"{DOCUMENTS}{trajectory.id}/zomaar.pdf")]
    assert odd(as_worker, *keys) == dict.fromkeys(keys, Oddity.UNKNOWN)
    with as_worker():
        for key in keys:
            set_right(Odd(Oddity.UNKNOWN, key))
    assert all(storage.find(key) for key in keys)
    with as_worker():
        for key in keys:
            delete_unknown(Odd(Oddity.UNKNOWN, key))
    assert not any(storage.find(key) for key in keys)


def test_what_came_a_moment_ago_is_left_alone(session: Session, trajectory: Trajectory, as_worker: Acting) -> None:
    keys = [key_of(a_document(session, trajectory, **WITHDRAWN)), put(f"{DOCUMENTS}{trajectory.id}/{uuid4()}/{'ab' * 32}")]
    assert odd(as_worker, *keys) == {}


def test_a_document_whose_bytes_are_gone_or_differ_is_told_of(session: Session, trajectory: Trajectory, as_worker: Acting) -> None:
    now = datetime.now(UTC)
    gone = key_of(a_document(session, trajectory, there=False, stored_at=now))
    cut = key_of(a_document(session, trajectory, stored_at=now))
    put(cut, DATA[:3])
    assert odd(as_worker, gone, cut) == {gone: Oddity.ORIGINAL_MISSING, cut: Oddity.ORIGINAL_DIFFERS}


def test_more_documents_than_one_page_are_walked_through(session: Session, trajectory: Trajectory, as_worker: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_objects, "AT_ONCE", 2)
    now = datetime.now(UTC)
    documents = [a_document(session, trajectory, there=place % 2 == 0, stored_at=now) for place in range(7)]
    missing = {key_of(document): Oddity.ORIGINAL_MISSING for place, document in enumerate(documents) if place % 2}
    assert odd(as_worker, *map(key_of, documents)) == missing
