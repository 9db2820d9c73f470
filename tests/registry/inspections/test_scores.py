"""Condition scores of what was submitted, and scoring it again with another method."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role, the_system
from registry.audit.model import AuditLine
from registry.changes.model import Change, ChangeKind
from registry.checklists.model import Checklist
from registry.checklists.rules import digest
from registry.db import Json, transaction
from registry.dwellings.model import Dwelling
from registry.errors import NotAllowed
from registry.inspections import rescoring
from registry.inspections.model import ConditionScore, Inspection, InspectionRevision, InspectionStatus, VisitOutcome
from registry.inspections.rescoring import FIRST, Batch, left, look, recompute
from registry.inspections.scores import adopt, current, record
from registry.nen2767.method import CURRENT, Boundary, Method
from registry.organisations.model import OrganisationKind
from tests.makers import a_dwelling, a_moment, a_municipality, an_actor, an_inspection, an_organisation
from tests.registry.test_cli import command

STRICTER = replace(CURRENT, version="nen2767-1-of-a-test/2", boundary=Boundary.EXCLUSIVE)
ROOF: dict[str, Json] = {"key": "roof", "type": "condition", "replacement-value": 12000, "defects": [{"key": "leak", "nl": "lekkage", "en": "leak"}]}
FRAMES: dict[str, Json] = {"key": "frames", "type": "condition", "replacement-value": 8000}
GUTTER: dict[str, Json] = {"key": "gutter", "type": "condition"}
LEAK: dict[str, Json] = {"key": "d1", "defect": "leak", "severity": "critical", "intensity": "final", "extentPercent": 40}
TRIFLE: dict[str, Json] = {"key": "d1", "severity": "minor", "intensity": "early", "extent": 5}
SOUND: dict[str, Json] = {"defects": []}
ON_A_THRESHOLD: dict[str, Json] = {"roof": {**SOUND, "replacementValue": 50}, "frames": {"defects": [TRIFLE], "replacementValue": 50}}
"""1 and 2, of equal value: an index of exactly 1.01."""


@pytest.fixture
def inspector(session: Session) -> Actor:
    return an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))


@pytest.fixture
def the_register() -> Actor:
    return the_system("request-of-a-test")


def a_condition_checklist(session: Session, *questions: dict[str, Json]) -> Checklist:
    content: dict[str, Json] = {"sections": [{"key": "s", "questions": [{"key": "name", "type": "text"}, *(questions or (ROOF, FRAMES))]}]}
    row = Checklist(key=f"of-a-test-{uuid4()}", edition=1, content=content, digest=digest(content))
    session.add(row)
    session.flush()
    return row


def a_revision(session: Session, inspection: Inspection, answers: dict[str, Json], *, revision: int = 1, outcome: VisitOutcome = VisitOutcome.DONE) -> Any:
    values = {"visit_outcome": outcome, "visited_at": inspection.visited_at, "digest": b"\1" * 32, "submitted_by": uuid4()}
    row = InspectionRevision(inspection_id=inspection.id, revision=revision, checklist_id=inspection.checklist_id, answers=answers, **values)
    session.add(row)
    session.flush()
    return row


def submitted(session: Session, inspector: Actor, answers: dict[str, Json], *questions: dict[str, Json], **more: Any) -> tuple[Inspection, InspectionRevision]:
    """An inspection and its only revision, approved, and not scored yet."""
    moment = a_moment("2026-02-03T09:00")
    values = {"status": InspectionStatus.APPROVED, "submitted_at": moment, "visited_at": moment, "visit_outcome": VisitOutcome.DONE} | more
    inspection = an_inspection(session, inspector, checklist_id=a_condition_checklist(session, *questions).id, answers=answers, **values)
    return inspection, a_revision(session, inspection, answers)


def kept(session: Session, inspection: Inspection, method: Method = CURRENT) -> dict[str | None, int]:
    query = sa.select(ConditionScore).where(ConditionScore.inspection_id == inspection.id, ConditionScore.method == method.version)
    return {row.question: row.score for row in session.scalars(query)}


def of_dwelling(session: Session, inspection: Inspection) -> int | None:
    return session.scalar(sa.select(Dwelling.condition_score).where(Dwelling.id == inspection.dwelling_id))


def lines(session: Session, action: str) -> list[AuditLine]:
    return list(session.scalars(sa.select(AuditLine).where(AuditLine.action == action)))


def test_every_element_and_the_whole_dwelling_are_scored(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"name": "x", "roof": {"defects": [LEAK]}, "frames": SOUND})
    record(session, revision)
    found = current(session, [inspection.id])[inspection.id]
    assert {question: row.score for question, row in found.by_question.items()} == {"roof": 5, "frames": 1}
    assert found.whole is not None
    # (12000 × 1.70 + 8000 × 1.00) / 20000
    assert (found.whole.score, found.whole.index_value, found.whole.method) == (5, Decimal("1.42"), CURRENT.version)
    assert found.whole.details == {
        "parts": [
            {"question": "roof", "score": 5, "factor": "1.70", "replacementValue": "12000"},
            {"question": "frames", "score": 1, "factor": "1.00", "replacementValue": "8000"},
        ],
        "unscored": [],
        "corrected": "28400.00",
        "total": "20000",
        "index": "1.420000",
    }
    assert found.by_question["roof"].details["rule"] == "one-defect"


def test_the_inspector_who_submits_may_keep_the_scores(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": SOUND}, status=InspectionStatus.SUBMITTED)
    with transaction(inspector) as own:
        record(own, revision)
        assert current(own, [inspection.id])[inspection.id].by_question["roof"].score == 1


def test_who_reviews_lets_the_dwelling_have_the_score(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": {"defects": [LEAK]}})
    record(session, revision)
    reviewer = replace(inspector, person_id=uuid4(), role=Role.REVIEWER)
    with transaction(reviewer) as own:
        assert adopt(own, reviewer, inspection)
        assert not adopt(own, reviewer, inspection)
    assert of_dwelling(session, inspection) == 5
    with pytest.raises(NotAllowed), transaction(inspector) as own:
        adopt(own, inspector, inspection)


def test_recording_a_revision_again_adds_nothing(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": SOUND})
    record(session, revision)
    record(session, revision)
    assert kept(session, inspection) == {"roof": 1, None: 1}


def test_an_element_that_is_absent_or_unanswered_has_no_score_and_the_whole_says_so(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": SOUND, "frames": {"notPresent": True}}, ROOF, FRAMES, GUTTER)
    record(session, revision)
    whole = current(session, [inspection.id])[inspection.id].whole
    assert whole is not None
    assert kept(session, inspection) == {"roof": 1, None: 1}
    assert whole.details["unscored"] == [{"question": "frames", "reason": "not-present"}, {"question": "gutter", "reason": "not-answered"}]


@pytest.mark.parametrize("answers", [{}, {"name": "x"}, {"roof": {"notPresent": True}}])
def test_without_a_scored_element_there_is_no_score(session: Session, inspector: Actor, answers: dict[str, Json]) -> None:
    inspection, revision = submitted(session, inspector, answers)
    assert record(session, revision) == []
    assert current(session, [inspection.id]) == {}


def test_a_visit_that_was_not_done_gives_no_score(session: Session, inspector: Actor) -> None:
    inspection, _ = submitted(session, inspector, {"roof": SOUND})
    revision = a_revision(session, inspection, {"roof": SOUND}, revision=2, outcome=VisitOutcome.REFUSED)
    assert record(session, revision) == []


def test_no_weight_is_guessed(session: Session, inspector: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": SOUND, "gutter": {"defects": [LEAK | {"defect": "x"}]}}, ROOF, GUTTER)
    record(session, revision)
    assert kept(session, inspection) == {"roof": 1}, "the answer of the gutter is faulty: x is not offered"
    inspection, revision = submitted(session, inspector, {"roof": SOUND, "gutter": {"defects": [TRIFLE]}}, ROOF, GUTTER)
    record(session, revision)
    assert kept(session, inspection) == {"roof": 1, "gutter": 2}
    inspection, revision = submitted(session, inspector, {"roof": SOUND, "gutter": {"defects": [TRIFLE], "replacementValue": 900}}, ROOF, GUTTER)
    record(session, revision)
    assert kept(session, inspection) == {"roof": 1, "gutter": 2, None: 1}


def test_the_revision_submitted_last_counts_also_when_it_has_no_score(session: Session, inspector: Actor) -> None:
    inspection, first = submitted(session, inspector, {"roof": {"defects": [LEAK]}})
    record(session, first)
    record(session, a_revision(session, inspection, {"roof": SOUND}, revision=2))
    found = current(session, [inspection.id])[inspection.id]
    assert found.whole is not None
    assert (found.whole.revision, found.whole.score) == (2, 1)
    a_revision(session, inspection, {"roof": {"notPresent": True}}, revision=3)
    assert current(session, [inspection.id]) == {}


def test_another_method_adds_its_scores_and_keeps_the_old_ones(session: Session, inspector: Actor, the_register: Actor) -> None:
    inspection, revision = submitted(session, inspector, ON_A_THRESHOLD)
    record(session, revision)
    before = {row.id: (row.score, row.details, row.computed_at) for row in session.scalars(sa.select(ConditionScore))}
    batch = recompute(session, the_register, method=STRICTER)
    assert [(each.before, each.after) for each in batch.rescored] == [(1, 2)]
    session.expire_all()
    assert before.items() <= {row.id: (row.score, row.details, row.computed_at) for row in session.scalars(sa.select(ConditionScore))}.items()
    assert kept(session, inspection) == {"roof": 1, "frames": 2, None: 1}
    assert kept(session, inspection, STRICTER) == {"roof": 1, "frames": 2, None: 2}
    now = current(session, [inspection.id])[inspection.id].whole
    assert now is not None
    assert (now.score, now.method) == (2, STRICTER.version)


def test_the_dwelling_follows_when_the_score_changes_and_is_announced(session: Session, inspector: Actor, the_register: Actor) -> None:
    inspection, revision = submitted(session, inspector, ON_A_THRESHOLD)
    record(session, revision)
    assert adopt(session, the_register, inspection)
    assert of_dwelling(session, inspection) == 1
    batch = recompute(session, the_register, method=STRICTER)
    assert (batch.dwellings, of_dwelling(session, inspection)) == (1, 2)
    (line,) = lines(session, "inspection.rescored")
    assert (line.subject_id, line.details) == (str(inspection.id), {"revision": 1, "method": STRICTER.version, "before": 1, "after": 2})
    assert [line.subject_id for line in lines(session, "dwelling.condition-adopted")] == [str(inspection.dwelling_id)] * 2
    told = sa.select(sa.func.count()).where(Change.kind == ChangeKind.DWELLING, Change.subject_id == inspection.dwelling_id)
    assert session.scalar(told) == 2


def test_the_dwelling_stays_as_it_is_when_the_score_is_the_same(session: Session, inspector: Actor, the_register: Actor) -> None:
    inspection, revision = submitted(session, inspector, {"roof": SOUND})
    record(session, revision)
    session.execute(sa.update(Dwelling).where(Dwelling.id == inspection.dwelling_id).values(condition_score=4))
    batch = recompute(session, the_register, method=STRICTER)
    assert (len(batch.rescored), batch.dwellings, of_dwelling(session, inspection)) == (1, 0, 4)


@pytest.mark.parametrize("status", [InspectionStatus.SUBMITTED, InspectionStatus.RETURNED])
def test_what_is_not_approved_is_scored_and_the_dwelling_does_not_follow(
    session: Session, inspector: Actor, the_register: Actor, status: InspectionStatus
) -> None:
    moment = a_moment("2026-02-03T09:00") if status is InspectionStatus.SUBMITTED else None
    inspection, revision = submitted(session, inspector, ON_A_THRESHOLD, status=status, submitted_at=moment)
    record(session, revision)
    recompute(session, the_register, method=STRICTER)
    assert kept(session, inspection, STRICTER)[None] == 2
    assert of_dwelling(session, inspection) is None


def test_an_older_inspection_does_not_take_the_place_of_a_later_one(session: Session, inspector: Actor, the_register: Actor) -> None:
    older, first = submitted(session, inspector, ON_A_THRESHOLD)
    moment = a_moment("2026-05-01T09:00")
    later, second = submitted(session, inspector, {"roof": {"defects": [LEAK]}}, dwelling_id=older.dwelling_id, visited_at=moment, submitted_at=moment)
    record(session, first)
    record(session, second)
    assert adopt(session, the_register, later)
    recompute(session, the_register, method=STRICTER)
    assert kept(session, older, STRICTER)[None] == 2
    assert of_dwelling(session, older) == kept(session, later)[None] == 5


def test_a_phone_whose_clock_is_ahead_does_not_keep_the_score_for_years(session: Session, inspector: Actor) -> None:
    for ahead in ({"clock_skew_ms": 5 * 365 * 86_400_000}, {"clock_skew_ms": None}):
        older, old = submitted(session, inspector, {"roof": {"defects": [LEAK]}, "frames": SOUND}, visited_at=a_moment("2031-02-02T09:00"), **ahead)
        newer, new = submitted(
            session, inspector, {"roof": SOUND, "frames": SOUND}, dwelling_id=older.dwelling_id, submitted_at=a_moment("2026-03-03T09:00"), visited_at=None
        )
        reviewer = an_actor(Role.REVIEWER, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        for inspection, revision in ((older, old), (newer, new)):
            record(session, revision)
            adopt(session, reviewer, inspection)
        assert of_dwelling(session, newer) == 1


def test_of_two_approved_at_the_same_moment_the_later_visit_counts(fresh_database: str) -> None:
    with transaction() as session:
        inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        older, old = submitted(session, inspector, {"roof": SOUND, "frames": SOUND}, status=InspectionStatus.SUBMITTED)
        moment = {"visited_at": a_moment("2026-03-03T09:00"), "submitted_at": a_moment("2026-03-03T09:00")}
        answers: dict[str, Json] = {"roof": {"defects": [LEAK]}, "frames": SOUND}
        newer, new = submitted(session, inspector, answers, dwelling_id=older.dwelling_id, status=InspectionStatus.SUBMITTED, **moment)
        record(session, old)
        record(session, new)

    def approve(session: Session, inspection: Inspection) -> None:
        session.execute(sa.update(Inspection).where(Inspection.id == inspection.id).values(status=InspectionStatus.APPROVED))
        adopt(session, the_system("request-of-a-test"), inspection)

    def approve_older() -> None:
        with transaction() as session:
            approve(session, older)

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            approve(session, newer)
            waits = pool.submit(approve_older)
            time.sleep(1)
        waits.result(30)
    with transaction() as session:
        assert of_dwelling(session, newer) == 5


def test_every_revision_is_scored_in_batches_and_once(session: Session, inspector: Actor, the_register: Actor) -> None:
    found = [submitted(session, inspector, {"roof": SOUND})[0] for _ in range(5)]
    a_revision(session, found[0], {"roof": {"defects": [LEAK]}}, revision=2)
    submitted(session, inspector, {"roof": {"notPresent": True, "defects": []}})
    submitted(session, inspector, {"name": "no condition question answered"})
    assert left(session, STRICTER) == 7
    batches = list(all_batches(session, the_register, limit=3))
    assert [(batch.looked_at, len(batch.rescored)) for batch in batches] == [(3, 3), (3, 3), (1, 0)]
    assert left(session, STRICTER) == 1, "one has no score to keep, and is looked at again each time"
    assert [batch.rescored for batch in all_batches(session, the_register, limit=3)] == [()]
    assert len(lines(session, "inspection.rescored")) == 6


def all_batches(session: Session, actor: Actor, limit: int) -> Iterator[Batch]:
    after: rescoring.Place | None = FIRST
    while after is not None:
        batch = recompute(session, actor, method=STRICTER, after=after, limit=limit)
        yield batch
        after = batch.next


def test_what_was_broken_off_goes_on(session: Session, inspector: Actor, the_register: Actor) -> None:
    for _ in range(3):
        submitted(session, inspector, {"roof": SOUND})
    assert len(recompute(session, the_register, method=STRICTER, limit=2).rescored) == 2
    assert [len(batch.rescored) for batch in all_batches(session, the_register, limit=2)] == [1]


def test_looking_changes_nothing(session: Session, inspector: Actor, the_register: Actor) -> None:
    inspection, revision = submitted(session, inspector, ON_A_THRESHOLD)
    record(session, revision)
    (seen,) = look(session, STRICTER)
    assert (seen.before, seen.after, seen.counts) == (1, 2, True)
    assert kept(session, inspection, STRICTER) == {}


def test_a_faulty_answer_of_old_stops_nothing(session: Session, inspector: Actor, the_register: Actor) -> None:
    faulty, _ = submitted(session, inspector, {"roof": {"defects": [{"key": "d1"}, 7]}, "frames": SOUND})
    good, _ = submitted(session, inspector, {"roof": SOUND})
    recompute(session, the_register, method=STRICTER)
    assert kept(session, faulty, STRICTER) == {"frames": 1}
    assert kept(session, good, STRICTER) == {"roof": 1, None: 1}


def test_two_at_once_score_everything_once(fresh_database: str) -> None:
    the_register = the_system("request-of-a-test")
    with transaction() as session:
        inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        a_municipality(session)
        dwelling: UUID = a_dwelling(session).id
        for _ in range(20):
            _, revision = submitted(session, inspector, ON_A_THRESHOLD, dwelling_id=dwelling)
            record(session, revision)

    def run(_: int) -> int:
        done, after = 0, FIRST
        while after is not None:
            with transaction() as own:
                batch = recompute(own, the_register, method=STRICTER, after=after, limit=4)
            done, after = done + len(batch.rescored), batch.next  # type: ignore[assignment]
        return done

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(2))) == 20
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).where(ConditionScore.method == STRICTER.version)) == 60
        assert len(lines(session, "inspection.rescored")) == 20
        assert session.scalar(sa.select(Dwelling.condition_score).where(Dwelling.id == dwelling)) == 2


def test_the_command_scores_what_was_not_scored_and_says_what_it_would_do_first(fresh_database: str) -> None:
    with transaction() as session:
        inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
        inspection, _ = submitted(session, inspector, {"roof": {"defects": [LEAK]}})
        submitted(session, inspector, {"roof": {"notPresent": True, "defects": []}})
    line = f"{inspection.id}\t1\t-\t5"
    tried = command("scores", "recompute", "--dry-run", REGISTRY_DATABASE_URL=fresh_database)
    assert tried.stdout.splitlines() == [line, f"{CURRENT.version}: 2 revision(s) looked at, 1 scored (nothing was changed)."], tried.stderr
    done = command("scores", "recompute", REGISTRY_DATABASE_URL=fresh_database)
    assert done.stdout.splitlines() == [line, f"{CURRENT.version}: 2 revision(s) looked at, 1 scored (1 dwelling(s) followed)."], done.stderr
    again = command("scores", "recompute", REGISTRY_DATABASE_URL=fresh_database)
    assert again.stdout.splitlines() == [f"{CURRENT.version}: 1 revision(s) looked at, 0 scored (0 dwelling(s) followed)."]
    with transaction() as session:
        assert (kept(session, inspection), of_dwelling(session, inspection)) == ({"roof": 5, None: 5}, 5)
