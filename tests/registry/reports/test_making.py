"""Making, keeping and forgetting reports as the worker does, in its database role, with the real object store and the real layout."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.orm import Session

from registry import jobs, migrations, storage
from registry.access import Actor, Role, the_system
from registry.db import WORKER_ROLE, reading, transaction
from registry.dwellings.model import Dwelling
from registry.errors import Unavailable
from registry.inspections.model import Decision, Inspection, InspectionStatus, Occasion, Review
from registry.organisations.model import OrganisationKind
from registry.photos.destruction import destroy
from registry.photos.model import DestructionGround, Photo
from registry.photos.uploads import withdraw
from registry.reports import asking, making, queries, rendering
from registry.reports.model import Report, ReportLanguage, ReportState
from registry.reports.queries import HTML, PDF, Kept, ReportNeedsSubmission
from registry.reports.rendering import RenderingFailed
from tests import servers
from tests.makers import a_member, an_inspection, an_organisation
from tests.owner import as_owner
from tests.registry.reports.conftest import a_seen_photo, a_submitted
from tests.registry.reports.making import MOMENT

pytestmark = pytest.mark.usefixtures("bucket")

Acting = Callable[[], AbstractContextManager[None]]
Work = Callable[[], None]
_JOBS = sa.text("SELECT task_name, args FROM procrastinate_jobs WHERE task_name LIKE 'reports.%' AND status = 'todo' ORDER BY id")
DUTCH = ReportLanguage.DUTCH


def queued(session: Session) -> list[tuple[str, dict[str, str]]]:
    return [(row.task_name, row.args) for row in session.execute(_JOBS)]


@pytest.fixture
def work(session: Session, as_worker: Acting) -> Work:
    """Let the worker do all jobs about reports that wait."""

    def do() -> None:
        session.flush()
        found = queued(session)
        session.execute(sa.text("DELETE FROM procrastinate_jobs WHERE task_name LIKE 'reports.%'"))
        with as_worker():
            for name, arguments in found:
                if name == jobs.MAKE_REPORT:
                    making.make(UUID(arguments["report_id"]))
                else:
                    making.forget(UUID(arguments["inspection_id"]))
        session.expire_all()

    return do


def ask(actor: Actor, inspection: Inspection, language: ReportLanguage = DUTCH) -> bool:
    with transaction(actor) as session:
        return asking.request(session, actor, inspection.id, language)


def kept(actor: Actor, inspection: Inspection, language: ReportLanguage = DUTCH) -> Kept:
    with reading(actor) as session:
        return queries.get(session, actor, inspection.id, language)


def objects(inspection: Inspection) -> list[str]:
    return [each.key for each in storage.listed(making.REPORTS) if str(inspection.id) in each.key]


def text_of(actor: Actor, inspection: Inspection) -> str:
    with storage.opened(kept(actor, inspection).file(PDF).key) as stream:
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(stream.read())).pages)


@pytest.fixture
def inspection(session: Session, inspector: Actor) -> Inspection:
    return a_submitted(session, inspector)


def test_a_report_that_was_asked_for_is_made_and_kept(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    a_seen_photo(session, inspection, caption="Noordgevel")
    session.get_one(Dwelling, inspection.dwelling_id).street = "Vrieheidestraat"
    session.flush()
    assert ask(inspector, inspection)
    work()
    found = kept(inspector, inspection)
    assert found.is_current
    assert objects(inspection) == sorted([found.file(PDF).key, found.file(HTML).key])
    said = text_of(inspector, inspection)
    assert "Vrieheidestraat" in said
    assert "Noordgevel" in said
    assert found.report is not None
    assert found.report.state is ReportState.MADE
    assert storage.find(found.file(PDF).key).size_bytes == found.report.pdf_bytes  # type: ignore[union-attr]


def test_nothing_is_made_before_anything_is_submitted(session: Session, inspector: Actor) -> None:
    planned = an_inspection(session, inspector)
    with pytest.raises(ReportNeedsSubmission):
        ask(inspector, planned)


def test_asking_again_while_it_is_on_its_way_makes_no_second_job(session: Session, inspector: Actor, inspection: Inspection) -> None:
    assert ask(inspector, inspection)
    assert not ask(inspector, inspection)
    assert [name for name, _ in queued(session)] == [jobs.MAKE_REPORT]


def test_asking_again_after_it_may_have_been_lost_makes_another_job(session: Session, inspector: Actor, inspection: Inspection) -> None:
    ask(inspector, inspection)
    session.execute(sa.update(Report).values(requested_at=Report.requested_at - timedelta(minutes=16)))
    assert ask(inspector, inspection)


def test_what_is_current_is_not_made_again(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    ask(inspector, inspection)
    work()
    assert not ask(inspector, inspection)
    assert queued(session) == []


def test_each_language_is_kept_beside_the_other(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    for language in ReportLanguage:
        ask(inspector, inspection, language)
    work()
    assert all(kept(inspector, inspection, language).is_current for language in ReportLanguage)
    assert len(objects(inspection)) == 4


def reviewed(session: Session, inspection: Inspection) -> None:
    session.add(Review(inspection_id=inspection.id, revision=1, decision=Decision.APPROVED, recorded_by=inspection.submitted_by))
    inspection.status = InspectionStatus.APPROVED


def moved(session: Session, inspection: Inspection) -> None:
    session.get_one(Dwelling, inspection.dwelling_id).street = "Nieuwstraat"


def photographed(session: Session, inspection: Inspection) -> None:
    a_seen_photo(session, inspection, "navy")


def now_incomplete(session: Session, inspection: Inspection) -> None:
    inspection.complete_at = None


@pytest.mark.parametrize("happening", [reviewed, moved, photographed, now_incomplete])
def test_it_is_made_again_when_what_it_tells_of_changes(
    session: Session, inspector: Actor, inspection: Inspection, work: Work, happening: Callable[[Session, Inspection], None]
) -> None:
    ask(inspector, inspection)
    work()
    former = objects(inspection)
    happening(session, inspection)
    session.flush()
    assert not kept(inspector, inspection).is_current
    assert ask(inspector, inspection)
    work()
    assert kept(inspector, inspection).is_current
    assert len(objects(inspection)) == 2
    assert not set(former) & set(objects(inspection))


def test_another_way_of_making_it_makes_it_again(inspector: Actor, inspection: Inspection, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(inspector, inspection)
    work()
    monkeypatch.setattr(rendering, "version", lambda: b"another")
    assert not kept(inspector, inspection).is_current


def test_a_change_that_it_does_not_tell_of_leaves_it_current(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    ask(inspector, inspection)
    work()
    session.get_one(Dwelling, inspection.dwelling_id).condition_score = 4
    inspection.note = "Bel eerst aan."
    session.flush()
    assert kept(inspector, inspection).is_current


def test_a_photo_that_is_taken_back_takes_the_report_along(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    photo = a_seen_photo(session, inspection)
    ask(inspector, inspection)
    work()
    assert objects(inspection)
    with transaction(inspector) as acting:
        withdraw(acting, inspector, photo.id, "mistake")
    assert not kept(inspector, inspection).is_current
    work()
    assert objects(inspection) == []
    assert kept(inspector, inspection).report is None


def test_a_photo_that_is_destroyed_takes_every_report_along_that_compares_with_it(
    session: Session, inspector: Actor, inspection: Inspection, work: Work, as_worker: Acting
) -> None:
    photo = a_seen_photo(session, inspection)
    completion = a_submitted(session, inspector, dwelling_id=inspection.dwelling_id, occasion=Occasion.COMPLETION, at=MOMENT + timedelta(days=20))
    for each in (inspection, completion):
        ask(inspector, each)
    work()
    assert len(objects(completion)) == 2
    _destroyed(photo, as_worker)
    work()
    assert objects(inspection) == []
    assert objects(completion) == []


def _destroyed(photo: Photo, as_worker: Acting) -> None:
    with as_worker(), transaction() as session:
        destroy(session, the_system("a test"), photo.id, ground=DestructionGround.ERASURE, reason="asked for")


def test_forgetting_again_finishes_what_the_first_time_did_not(
    session: Session, inspector: Actor, inspection: Inspection, work: Work, as_worker: Acting
) -> None:
    ask(inspector, inspection)
    work()
    session.execute(sa.delete(Report))
    session.flush()
    with as_worker():
        making.forget(inspection.id)
    assert objects(inspection) == []


def test_a_completion_is_compared_with_the_baseline_only_for_who_sees_that(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    colleague, _ = a_member(session, Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    a_seen_photo(session, inspection, caption="Toen en daar")
    completion = a_submitted(session, colleague, dwelling_id=inspection.dwelling_id, occasion=Occasion.COMPLETION, at=MOMENT + timedelta(days=20))
    municipality = an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
    editor, _ = a_member(session, Role.MUNICIPALITY_EDITOR, municipality)
    for actor in (colleague, editor):
        assert ask(actor, completion)
    work()
    assert "Voor en na" not in text_of(colleague, completion)
    assert "Voor en na" in text_of(editor, completion)
    assert "Toen en daar" in text_of(editor, completion)


def test_the_reports_of_an_inspection_that_went_to_another_organisation_are_forgotten_too(
    session: Session, inspector: Actor, inspection: Inspection, work: Work
) -> None:
    photo = a_seen_photo(session, inspection)
    ask(inspector, inspection)
    work()
    assert len(objects(inspection)) == 2
    with transaction(inspector) as own:
        withdraw(own, inspector, photo.id, "Bewoner in beeld")
    session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(organisation_id=an_organisation(session).id))
    work()
    assert objects(inspection) == []


@pytest.mark.parametrize(("where", "what", "error"), [(rendering, "render", RenderingFailed("a test")), (making, "build", OverflowError("a test"))])
def test_a_report_that_can_not_be_made_says_so_and_is_tried_again_later(
    session: Session,
    inspector: Actor,
    inspection: Inspection,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    what: str,
    error: Exception,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(where, what, fails)
        ask(inspector, inspection)
        work()
    assert kept(inspector, inspection).has_failed
    assert objects(inspection) == []
    assert not ask(inspector, inspection)
    session.execute(sa.update(Report).values(requested_at=Report.requested_at - timedelta(minutes=6)))
    assert ask(inspector, inspection)
    work()
    assert kept(inspector, inspection).is_current


def test_a_preview_that_is_not_there_just_now_is_waited_for(session: Session, inspector: Actor, inspection: Inspection, work: Work) -> None:
    photo = a_seen_photo(session, inspection)
    for each in storage.listed(f"previews/{inspection.organisation_id}/{photo.image_id}/"):
        storage.delete(each.key)
    ask(inspector, inspection)
    with pytest.raises(Unavailable):
        work()


def test_a_report_that_nobody_wants_any_more_leaves_nothing(session: Session, inspector: Actor, inspection: Inspection, as_worker: Acting) -> None:
    ask(inspector, inspection)
    report_id = session.scalars(sa.select(Report.id)).one()
    made = making._rendered

    def forgotten_meanwhile(*arguments: object) -> object:
        session.execute(sa.delete(Report))
        session.flush()
        return made(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, as_worker():
        patch.setattr(making, "_rendered", forgotten_meanwhile)
        making.make(report_id)
    assert objects(inspection) == []


@pytest.mark.slow
def test_a_worker_of_its_own_makes_what_was_asked_for(fresh_database: str) -> None:
    with as_owner() as session:
        inspector, _ = a_member(session, Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        inspection = a_submitted(session, inspector)
        a_seen_photo(session, inspection, caption="Noordgevel")
    ask(inspector, inspection)
    url = migrations.let_in(fresh_database, WORKER_ROLE, servers.API_PASSWORD)
    worker = subprocess.Popen([sys.executable, "-m", "registry.cli", "worker"], cwd=servers.ROOT, env={**os.environ, "REGISTRY_DATABASE_URL": url})
    try:
        deadline = time.monotonic() + 60
        while not kept(inspector, inspection).is_current and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "Noordgevel" in text_of(inspector, inspection)
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
