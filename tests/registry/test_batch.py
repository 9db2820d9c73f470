"""Client-made ids under concurrency: the same item twice at the same moment is one row, and batches don't wait for each other in a circle."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from registry.access import Role
from registry.batch import Result
from registry.db import transaction
from registry.dwellings.commands import register_each
from registry.dwellings.rules import NewDwelling, Particulars
from registry.organisations.model import OrganisationKind
from registry.photos.model import ContentType
from registry.photos.rules import MOST_PHOTOS, NewPhoto
from registry.photos.uploads import declare_each
from registry.trajectories.commands import NewTrajectory, open_each
from registry.versioned import Outcome
from tests.makers import HEERLEN, a_dwelling, a_municipality, a_photo, an_actor, an_editor, an_inspection, an_organisation

ITEMS = 200


def at_once(act: Callable[[Session, bool], list[Result]]) -> list[list[Result]]:
    """Two callers at the same moment, the second with the items the other way round."""
    gate = Barrier(2)

    def call(backwards: bool) -> list[Result]:
        gate.wait()
        with transaction() as session:
            results = act(session, backwards)
        return results[::-1] if backwards else results

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(call, (False, True)))


def each_once(results: list[list[Result]], ids: list[UUID]) -> None:
    for mine, other in zip(*results, strict=True):
        assert {mine.outcome, other.outcome} == {Outcome.CREATED, Outcome.UNCHANGED}
    assert [result.id for result in results[0]] == ids


@pytest.mark.parametrize("round", range(3))
def test_the_same_dwellings_at_once_are_registered_once(fresh_database: str, round: int) -> None:
    with transaction() as session:
        a_municipality(session)
        editor = an_editor(session)
    ids = [uuid4() for _ in range(ITEMS)]
    items = [NewDwelling(Particulars(HEERLEN), id) for id in ids]
    each_once(at_once(lambda session, backwards: register_each(session, editor, items[::-1] if backwards else items)), ids)


def test_the_same_trajectories_at_once_are_opened_once(fresh_database: str) -> None:
    with transaction() as session:
        editor = an_editor(session)
        dwelling = a_dwelling(session, held_by=editor)
    ids = [uuid4() for _ in range(ITEMS)]
    items = [NewTrajectory(dwelling.id, id=id) for id in ids]
    each_once(at_once(lambda session, backwards: open_each(session, editor, items[::-1] if backwards else items)), ids)


def test_the_same_photos_at_once_are_declared_once(fresh_database: str) -> None:
    with transaction() as session:
        inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        inspection = an_inspection(session, inspector)
    ids = [uuid4() for _ in range(100)]
    items = [NewPhoto(id, inspection.id, "mould", hashlib.sha256(id.bytes).digest(), 10, ContentType.JPEG) for id in ids]
    each_once(at_once(lambda session, backwards: declare_each(session, inspector, items[::-1] if backwards else items)), ids)


def test_other_content_under_the_same_id_at_once_is_refused(fresh_database: str) -> None:
    with transaction() as session:
        a_municipality(session)
        editor = an_editor(session)
    id = uuid4()
    results = at_once(lambda session, backwards: register_each(session, editor, [NewDwelling(Particulars(HEERLEN, town="B" if backwards else "A"), id)]))
    assert sorted(result.outcome for (result,) in results) == [Outcome.CREATED, Outcome.REFUSED]
    assert {fault.code for (result,) in results for fault in result.faults} == {"already-exists"}


def test_an_inspection_has_a_bounded_number_of_photos(session: Session) -> None:
    inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    inspection = an_inspection(session, inspector)
    for _ in range(MOST_PHOTOS):
        a_photo(session, inspection)
    (result,) = declare_each(session, inspector, [NewPhoto(uuid4(), inspection.id, "mould", b"\1" * 32, 10, ContentType.JPEG)])
    assert [fault.code for fault in result.faults] == ["too-many-photos"]
