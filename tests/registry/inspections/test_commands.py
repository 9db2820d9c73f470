"""Planning, filling in and submitting an inspection."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.errors import AlreadyExists, NotAllowed, NotFound, RuleViolation
from registry.inspections.conflicts import Kept
from registry.inspections.edits import WriteOutcome, Written, fill_in
from registry.inspections.model import AnswersInvalid, Inspection, InspectionStatus, Occasion, VisitOutcome
from registry.inspections.planning import Plan, plan
from registry.inspections.queries import get, list_
from registry.inspections.rules import Document
from registry.inspections.submission import submit
from registry.organisations.model import Organisation, OrganisationKind
from registry.versioned import Outcome, VersionRequired
from tests.makers import a_checklist, a_dwelling, a_member, a_moment, a_municipality_editor, an_actor, an_inspection, an_organisation
from tests.registry.checklists.test_rules import COMPLETE


@pytest.fixture
def inspector(session: Session) -> Actor:
    return an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))


def filled(**more: object) -> Document:
    return Document({**COMPLETE, **more}, VisitOutcome.DONE, a_moment("2026-02-03T09:00"))  # type: ignore[arg-type]


def now(written: Written) -> Inspection:
    assert written.inspection
    return written.inspection


def test_a_planned_inspection_is_the_work_of_its_inspector(session: Session, inspector: Actor) -> None:
    municipality = a_municipality_editor(session)
    body = session.get_one(Organisation, inspector.organisation_id)
    inspector, _ = a_member(session, Role.INSPECTOR, body)
    item = Plan(a_dwelling(session).id, a_checklist(session).id, Occasion.BASELINE, body.id, inspector.person_id, date(2026, 3, 1), uuid4())
    inspection, outcome = plan(session, municipality, item)
    assert (outcome, plan(session, municipality, item)[1]) == (Outcome.CREATED, Outcome.UNCHANGED)
    work = list_(session, inspector, status=InspectionStatus.PLANNED, dwelling_id=None, assignee_id=None, after=None, limit=10)
    assert [each.id for each in work.items] == [inspection.id]
    with pytest.raises(AlreadyExists):
        plan(session, municipality, Plan(item.dwelling_id, item.checklist_id, Occasion.COMPLETION, item.organisation_id, id=item.id))


def test_only_an_inspector_of_the_organisation_is_assigned(session: Session, inspector: Actor) -> None:
    body = session.get_one(Organisation, inspector.organisation_id)
    reviewer, _ = a_member(session, Role.REVIEWER, body)
    former, _ = a_member(session, Role.INSPECTOR, body, valid_until=date(2021, 1, 1))
    checklist = a_checklist(session)
    for stranger in (inspector, reviewer, former):
        with pytest.raises(RuleViolation) as refusal:
            plan(session, a_municipality_editor(session), Plan(a_dwelling(session).id, checklist.id, Occasion.BASELINE, body.id, stranger.person_id))
        assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [("/assigneeId", "not-an-inspector-there")]


def test_another_inspector_does_not_see_it(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    colleague = Actor(uuid4(), inspector.organisation_id, Role.INSPECTOR, "request")
    with pytest.raises(NotFound):
        get(session, colleague, inspection.id)
    with pytest.raises(NotFound):
        fill_in(session, colleague, inspection.id, filled(), expected=1)


def test_a_plan_names_what_is_missing(session: Session, inspector: Actor) -> None:
    with pytest.raises(RuleViolation) as refusal:
        plan(session, a_municipality_editor(session), Plan(uuid4(), uuid4(), Occasion.BASELINE, inspector.organisation_id))  # type: ignore[arg-type]
    assert [fault.pointer for fault in refusal.value.faults] == ["/dwellingId", "/checklistId"]
    with pytest.raises(NotAllowed):
        plan(session, inspector, Plan(uuid4(), uuid4(), Occasion.BASELINE, uuid4()))


def test_the_same_document_again_gives_the_same_inspection_whatever_version_it_names(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    assert fill_in(session, inspector, inspection.id, filled(), expected=1).version == 2
    assert fill_in(session, inspector, inspection.id, filled(), expected=1).version == 2
    assert fill_in(session, inspector, inspection.id, filled(), expected=None).version == 2
    assert now(fill_in(session, inspector, inspection.id, filled(mould="spots"), expected=2)).version == 3
    assert fill_in(session, inspector, inspection.id, filled(), expected=1).version == 2
    assert get(session, inspector, inspection.id).answers["mould"] == "spots"


def test_other_content_on_an_old_version_is_a_conflict_with_both_versions(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    fill_in(session, inspector, inspection.id, filled(), expected=1)
    mine = filled(mould="spots")
    written = fill_in(session, inspector, inspection.id, mine, expected=1)
    assert written.outcome is WriteOutcome.CONFLICT
    assert written.conflict
    kept = Kept(written.conflict, written.inspection)
    assert kept.yours == mine
    assert [(each.pointer, each.yours, each.theirs) for each in kept.differences] == [("/answers/mould", "spots", "widespread")]
    assert get(session, inspector, inspection.id).answers["mould"] == "widespread"


def test_a_change_names_its_version(session: Session, inspector: Actor) -> None:
    with pytest.raises(VersionRequired):
        fill_in(session, inspector, an_inspection(session, inspector).id, filled(), expected=None)


def test_answers_that_do_not_fit_are_refused_all_at_once(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    with pytest.raises(AnswersInvalid) as refusal:
        fill_in(session, inspector, inspection.id, Document({"mould": 1, "colour": "red"}), expected=1)
    assert len(refusal.value.faults) == 2
    assert get(session, inspector, inspection.id).version == 1


def test_a_submitted_inspection_stands(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    fill_in(session, inspector, inspection.id, filled(), expected=1)
    submitted = submit(session, inspector, inspection.id)
    assert submitted.status is InspectionStatus.SUBMITTED
    assert submit(session, inspector, inspection.id).version == submitted.version
    assert now(fill_in(session, inspector, inspection.id, filled(), expected=1)).status is InspectionStatus.SUBMITTED
    late = fill_in(session, inspector, inspection.id, filled(mould="spots"), expected=submitted.version)
    assert (late.outcome, now(late).version) == (WriteOutcome.CONFLICT, submitted.version)


def test_an_incomplete_inspection_is_not_submitted(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    with pytest.raises(AnswersInvalid) as refusal:
        submit(session, inspector, inspection.id)
    assert {"/visitOutcome", "/answers/mould", "/answers/heating"} <= {fault.pointer for fault in refusal.value.faults}


def test_a_visit_to_a_closed_door_is_submitted_without_answers(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    fill_in(session, inspector, inspection.id, Document({}, VisitOutcome.NOBODY_HOME), expected=1)
    assert submit(session, inspector, inspection.id).status is InspectionStatus.SUBMITTED


def test_a_visit_to_a_closed_door_has_no_answers(session: Session, inspector: Actor) -> None:
    inspection = an_inspection(session, inspector)
    fill_in(session, inspector, inspection.id, Document(COMPLETE, VisitOutcome.NOBODY_HOME), expected=1)
    with pytest.raises(AnswersInvalid):
        submit(session, inspector, inspection.id)
